"""Rates by an imperfect judge, corrected for what is known of its errors, or bounded by it.

Three kinds of knowledge lead to three statements: both error rates to an estimate with their error in it, the
precision alone to a lower bound, human labels on a random subset to an estimate that no judge can bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from riskstats._random import RandomState, seed
from riskstats._samples import loss_vector
from riskstats._validation import Floats, Integers, choice
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.evaluations.clustering import cluster_codes
from riskstats.evaluations.human_labels import corrected_by_labels, labels_of, verified_flagged
from riskstats.evaluations.known_errors import ErrorRate, by_error_rates, by_precision, error_rate
from riskstats.evaluations.proportions import percent
from riskstats.evaluations.rate_methods import UNIT, RateSample, binary_losses, chosen_method, needs_binary
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CorrectedRate", "judge_corrected_rate"]

Known: TypeAlias = float | tuple[int, int] | None
KINDS = {
    "error rates": "corrected for both error rates",
    "precision": "a LOWER BOUND from the precision: misses of the judge are unknown",
    "precision and sensitivity": "corrected for precision and sensitivity",
    "flagged items verified": "a LOWER BOUND: only flagged items were verified, misses are unknown",
    "human labels": "judge over all, corrected by human labels on a random subset",
}


@dataclass(frozen=True)
class CorrectedRate(Result):
    """The true rate behind the flags of a judge.

    Attributes
    ----------
    estimate : of the true rate, or of the lower bound where `is_lower_bound`.
    lower, upper : limits; a lower bound has the upper limit 1.
    raw : mean of the judge.
    kind : what the correction rests on. is_lower_bound : whether nothing is said of what the judge missed.
    method : of the limits. guaranteed : whether they hold at this n, or only as n grows.
    n, n_units, n_labelled : items, what was sampled independently, items with a human label.
    """

    estimate: float
    lower: float
    upper: float
    raw: float
    kind: str
    is_lower_bound: bool
    method: str
    guaranteed: bool
    n: int
    n_units: int
    n_labelled: int
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The corrected rate with its limits, and what it rests on."""
        sure = as_percent(self.confidence_level)
        units = "" if self.n_units == self.n else f" in {self.n_units} clusters"
        if self.is_lower_bound:
            head = (
                f"True rate at least about {percent(self.estimate)}; at least {percent(self.lower)} with "
                f"{sure} confidence ({self.method})."
            )
        else:
            head = (
                f"True rate {percent(self.estimate)} [{percent(self.lower)}, {percent(self.upper)}] with "
                f"{sure} confidence ({self.method})."
            )
        basis = f"Judge {percent(self.raw)} of {self.n} items{units}; {KINDS[self.kind]}."
        return "\n".join([head, basis, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row; needs the extra `frames`."""
        return frame([self.to_dict()])


def judge_corrected_rate(
    judge: Any,
    *,
    human: Any = None,
    verified: Literal["flagged", "random"] | None = None,
    sensitivity: Known = None,
    specificity: Known = None,
    precision: Known = None,
    cluster: Any = None,
    method: str | None = None,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> CorrectedRate:
    """The true rate behind the flags of a judge, from what is known of its errors.

    | known | statement |
    |---|---|
    | `sensitivity`, `specificity` | `(q + spec - 1) / (sens + spec - 1)`, q the flagged share, in [0, 1] |
    | `precision` | `q precision`, a lower bound: flagged and truly harmful |
    | `precision`, `sensitivity` | `q precision / sensitivity` |
    | `human` on flagged items, `verified="flagged"` | share flagged and confirmed, a lower bound |
    | `human` on a random subset | `mean(judge) + mean(human - judge over the subset)` |

    Parameters
    ----------
    judge : (n,) flags 0 or 1; scores in [0, 1] with `human` on a random subset, or averaged flags with
        `precision`.
    human : (n,) labels in [0, 1], NaN where an item has none.
    verified : "flagged" if only flagged items were looked at, "random" if the subset was drawn at random;
        None takes it as random, and refuses labels that cover flagged items only.
    sensitivity, specificity, precision : a number, taken as known exactly, or (correct, n) counts from a
        validation study, whose error then is in the limits.
    cluster : (n,) labels of what was sampled independently.
    method : error rates: None is "box", guaranteed: limits of q and of each estimated rate that share the
        error, put together at their worst; "lang-reiczigel" is approximate and narrower. Human labels: None
        is "difference", approximate, with Student's quantile over the units; "betting" is guaranteed
        (`judge_corrected_bound`), without clusters.
    random_state : of the order of bets.

    Variances of the difference estimator are those of its linear form, `(f - mean f) / N` for every item plus
    `(d - mean d) / n` for a labelled one, summed in clusters, so that the labelled items being among all is
    accounted for.

    Raises
    ------
    InvalidInput : a judge no better than chance (`sens + spec <= 1`), labels on flagged items only without
        `verified`, nothing known of the judge, fractions where flags are needed.
    IncompatibleBound : "betting" with clusters.

    Source: Rogan and Gladen (1978), Estimating prevalence from the results of a screening test; Lang and
    Reiczigel (2014), Confidence limits for prevalence of disease adjusted for estimated sensitivity and
    specificity; Angelopoulos et al. (2023), Prediction-powered inference.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    flags, _ = loss_vector(judge, UNIT, name="judge")
    codes = cluster_codes(cluster, len(flags))
    known = _Known(
        error_rate(sensitivity, "sensitivity"),
        error_rate(specificity, "specificity"),
        error_rate(precision, "precision"),
    )
    if verified is not None:
        choice(verified, ("flagged", "random"), "verified")
    order = seed(random_state)
    if human is not None:
        fields = _with_labels(flags, human, verified, known, codes, method, delta, order)
    else:
        if verified is not None:
            raise InvalidInput(f"`verified={verified!r}` is about human labels; pass `human=` with them.")
        fields = _with_errors(flags, known, codes, method, delta, order)
    notes = tuple(fields.pop("notes", ()))
    return CorrectedRate(
        raw=float(flags.mean()),
        n=len(flags),
        n_units=len(flags) if codes is None else int(codes.max()) + 1,
        confidence_level=1.0 - delta,
        notes=(*notes, SCOPE),
        **fields,
    )


@dataclass(frozen=True)
class _Known:
    sensitivity: ErrorRate | None
    specificity: ErrorRate | None
    precision: ErrorRate | None


def _flagged(flags: Floats, codes: Integers | None, order: int) -> RateSample:
    """The share of flagged items."""
    used = chosen_method(
        None, binary=binary_losses(flags), clustered=codes is not None, weighted=False, name="judge"
    )
    return RateSample(flags, codes, None, used, order)


def _with_errors(
    flags: Floats, known: _Known, codes: Integers | None, method: str | None, delta: float, order: int
) -> dict[str, Any]:
    if known.precision is not None:
        if method not in (None, "box"):
            raise InvalidInput(f"`method` with `precision` must be None or 'box'; got {method!r}.")
        share = _flagged(flags, codes, order)
        return by_precision(share, known.precision, known.sensitivity, delta)
    if known.sensitivity is None or known.specificity is None:
        raise InvalidInput(
            "nothing is known of the judge's errors that a correction could rest on. Pass `sensitivity=` and "
            "`specificity=`, or `precision=` for a lower bound, or `human=` labels."
        )
    needs_binary(flags, "judge")
    used = choice("box" if method is None else method, ("box", "lang-reiczigel"), "method")
    share = (
        _flagged(flags, codes, order) if used == "box" else RateSample(flags, codes, None, "wilson", order)
    )
    return by_error_rates(share, known.sensitivity, known.specificity, delta)


def _with_labels(
    flags: Floats,
    human: Any,
    verified: str | None,
    known: _Known,
    codes: Integers | None,
    method: str | None,
    delta: float,
    order: int,
) -> dict[str, Any]:
    if known.specificity is not None or known.precision is not None:
        raise InvalidInput("`human` labels and known error rates are two corrections; pass one of them.")
    labels = labels_of(human, flags, verified)
    if verified == "flagged":
        return verified_flagged(labels, _flagged(flags, codes, order), known.sensitivity, delta)
    if known.sensitivity is not None:
        raise InvalidInput("`sensitivity` is not needed with labels on a random subset. Drop it.")
    used = choice("difference" if method is None else method, ("difference", "betting"), "method")
    return corrected_by_labels(labels, flags, codes, used, delta, order)
