"""Rates by category, each between limits that hold for all categories at once.

A share of losses 0 and 1 is a count over n, and has exact limits. A mean of fractions (several judges or
repeats averaged) is not, and takes a bound on the mean of losses in [0, 1]; the answer says which was used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, seed
from riskstats._samples import loss_vector
from riskstats._validation import Floats, choice, probability, sample_weights
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.multiple_testing import holm_adjusted
from riskstats.bounds.notes import SCOPE
from riskstats.evaluations.clustering import cluster_codes
from riskstats.evaluations.proportions import SIDES, Rate, RateSide, percent
from riskstats.evaluations.rate_methods import UNIT, RateSample, binary_losses, chosen_method, needs_binary
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame
from riskstats.tail.inputs import Labels, label_codes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["RateReport", "rate_interval"]

MULTIPLICITY = ("bonferroni", "holm", "none")


@dataclass(frozen=True)
class RateReport(Result):
    """The rate of all items, and of each category.

    Attributes
    ----------
    overall : of all items, at the confidence level, alone.
    categories : in alphabetical order; their limits hold together unless `multiplicity` is "none".
    side : "two-sided", "upper" or "lower". multiplicity : "bonferroni", "holm" or "none".
    confidence_level : of the statements. risk_limit : what the p-values are about, or None.
    notes : which bound was used and why, and what a reader must know besides.
    """

    overall: Rate
    categories: tuple[Rate, ...]
    side: str
    multiplicity: str
    confidence_level: float
    risk_limit: float | None
    notes: tuple[str, ...] = ()

    @property
    def below_limit(self) -> tuple[str, ...]:
        """Names of the categories that are shown to be below the limit."""
        return tuple(rate.name for rate in self.categories if rate.below_limit)

    def summary(self) -> str:
        """One line for all items, one for each category, and the notes."""
        sure = as_percent(self.confidence_level)
        lines = [f"Rates with {self.side} limits, {sure} confidence ({self.overall.method})."]
        lines.append(f"  {self.overall.summary()}")
        if self.categories:
            together = {"none": "each alone", "holm": "all at once (Holm)"}.get(
                self.multiplicity, "all at once (Bonferroni)"
            )
            lines.append(f"{len(self.categories)} categories, {together}:")
            lines += [f"  {rate.summary()}" for rate in self.categories]
        if self.risk_limit is not None and self.categories:
            shown = ", ".join(self.below_limit) or "none"
            lines.append(f"Shown to be below the limit {percent(self.risk_limit)}: {shown}.")
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for all and one per category; needs the extra `frames`."""
        return frame([rate.to_dict() for rate in (self.overall, *self.categories)])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Every rate with its interval; see `plot_rates`."""
        from riskstats.plotting_evaluations import plot_rates

        return plot_rates(self, ax)


def rate_interval(
    losses: Any,
    *,
    category: Any = None,
    cluster: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    method: str | None = None,
    side: RateSide = "two-sided",
    multiplicity: Literal["bonferroni", "holm", "none"] = "bonferroni",
    risk_limit: float | None = None,
    binary: bool | None = None,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> RateReport:
    """The mean loss of all items and of each category, with limits that hold together.

    With G categories every limit is at `delta / G` ("bonferroni"), so that all hold at once with probability
    `confidence_level`; two sides take half of it each. "holm" tests `mean >= risk_limit` for all categories
    by Holm's procedure and gives the upper limits that belong to it: `risk_limit` for a category that is
    rejected while others are not, the limit at `delta / (G - rejected)` for those, and
    `min(risk_limit, limit at delta / G)` where all are rejected.

    Parameters
    ----------
    losses : (n,) in [0, 1], 1 = harmful; booleans are 0 and 1.
    category : (n,) labels; None has no categories.
    cluster : (n,) labels of what was sampled independently, such as a template or a scenario.
    sample_weight : (n,) numbers >= 0, the mix that the rate is about; "wilson" only.
    method : None is "clopper-pearson" for independent 0/1 losses and "betting" for others.

        | method | losses | clusters | statement |
        |---|---|---|---|
        | "clopper-pearson" | 0/1 | no | guaranteed, exact |
        | "betting" | [0, 1] | mean over clusters | guaranteed |
        | "hoeffding-bentkus" | [0, 1] | mean over clusters | guaranteed, wider, without an order |
        | "wilson" | 0/1 | mean over items, by the design effect | approximate |
    side : "two-sided", "upper" or "lower"; to be chosen before looking. `one_sided_upper` is there anyhow.
    multiplicity : "bonferroni", "holm" (needs `risk_limit` and side="upper") or "none".
    risk_limit : in (0, 1); gives p-values of `mean >= risk_limit`.
    binary : True declares losses 0 or 1, and fractions are refused; None looks at the values.
    confidence_level : 1 - error, in [0.5, 1 - 1e-9].
    random_state : of the order in which "betting" takes the units; fix it in advance.

    Raises
    ------
    InvalidInput : NaN, losses outside [0, 1], fractions with a method for counts, missing labels.
    IncompatibleBound : clusters or weights with a method that has no statement for them.

    Source: Clopper and Pearson (1934); Wilson (1927); Waudby-Smith and Ramdas (2024), Estimating means of
    bounded random variables by betting; Holm (1979); Strassburger and Bretz (2008), Compatible simultaneous
    lower confidence bounds for the Holm procedure and other Bonferroni-based closed tests.
    """
    question = _question(side, multiplicity, risk_limit, confidence_level)
    vector, boolean = loss_vector(losses, UNIT)
    binary = True if boolean else binary
    codes = cluster_codes(cluster, len(vector))
    weights = _differing(sample_weights(sample_weight, len(vector)))
    is_binary = _declared(vector, binary)
    used = chosen_method(method, binary=is_binary, clustered=codes is not None, weighted=weights is not None)
    whole = RateSample(vector, codes, weights, used, seed(random_state))
    labels = None if category is None else label_codes(category, len(vector), "category")
    parts = {} if labels is None else _parts(whole, labels)
    return RateReport(
        overall=question.alone("all", whole),
        categories=question.together(parts),
        side=question.side,
        multiplicity=question.multiplicity,
        confidence_level=1.0 - question.delta,
        risk_limit=question.risk_limit,
        notes=_notes(whole, is_binary, binary),
    )


def _differing(weights: Floats) -> Floats | None:
    """Weights, or None where all are equal."""
    return None if (weights == weights[0]).all() else weights


def _declared(losses: Floats, binary: bool | None) -> bool:
    if binary:
        needs_binary(losses, "losses")
    return binary_losses(losses) if binary is None else bool(binary)


def _parts(whole: RateSample, labels: Labels) -> dict[str, RateSample]:
    """The sample of each category; one whose weights are all 0 does not exist."""
    found = {}
    for code, name in enumerate(labels.names):
        rows = labels.codes == code
        weights = None if whole.weights is None else whole.weights[rows]
        if weights is None or weights.any():
            codes = None if whole.codes is None else whole.codes[rows]
            found[name] = replace(whole, losses=whole.losses[rows], codes=codes, weights=weights)
    return found


def _notes(whole: RateSample, is_binary: bool, declared: bool | None) -> tuple[str, ...]:
    notes = []
    if not is_binary:
        notes.append(
            "Losses have fractions: their mean is not a count over n, and no binomial formula is used."
        )
    elif declared is None:
        notes.append("Losses were taken as 0/1 by their values; `binary=True` declares it before looking.")
    if whole.codes is not None and whole.guaranteed:
        notes.append("With clusters the mean counts every cluster once.")
    if not whole.guaranteed:
        notes.append("Wilson limits are approximate: they hold as the number of units grows.")
    return (*notes, SCOPE)


@dataclass(frozen=True)
class _Question:
    """What is asked of every sample, after the gate."""

    side: str
    multiplicity: str
    risk_limit: float | None
    delta: float

    def alone(self, name: str, sample: RateSample) -> Rate:
        """A rate at the whole error."""
        rate = sample.rate(name, self.delta, self.side)
        if self.risk_limit is None:
            return rate
        p = sample.p_value(self.risk_limit, self.delta)
        return replace(rate, p_value=p, p_adjusted=p, below_limit=p <= self.delta)

    def together(self, parts: dict[str, RateSample]) -> tuple[Rate, ...]:
        """Rates that share the error."""
        if not parts:
            return ()
        count = 1 if self.multiplicity == "none" else len(parts)
        rates = [part.rate(name, self.delta / count, self.side) for name, part in parts.items()]
        if self.risk_limit is None:
            return tuple(rates)
        p = np.array([part.p_value(self.risk_limit, self.delta / count) for part in parts.values()])
        adjusted = holm_adjusted(p) if self.multiplicity == "holm" else np.minimum(count * p, 1.0)
        tested = [
            replace(rate, p_value=float(a), p_adjusted=float(b), below_limit=bool(b <= self.delta))
            for rate, a, b in zip(rates, p, adjusted, strict=True)
        ]
        return tuple(self._holm_limits(tested, parts) if self.multiplicity == "holm" else tested)

    def _holm_limits(self, rates: list[Rate], parts: dict[str, RateSample]) -> list[Rate]:
        """Upper limits that belong to Holm's procedure: where some category is rejected they say no more."""
        assert self.risk_limit is not None
        left = sum(not rate.below_limit for rate in rates)
        if left == 0:
            ends = [min(self.risk_limit, rate.upper) for rate in rates]
            return [
                replace(rate, upper=end, one_sided_upper=end) for rate, end in zip(rates, ends, strict=True)
            ]
        answers = []
        for rate in rates:
            upper = self.risk_limit if rate.below_limit else parts[rate.name].upper(self.delta / left)
            upper = max(upper, self.risk_limit)
            answers.append(replace(rate, upper=upper, one_sided_upper=upper))
        return answers


def _question(side: Any, multiplicity: Any, risk_limit: Any, confidence_level: Any) -> _Question:
    where, shared = choice(side, SIDES, "side"), choice(multiplicity, MULTIPLICITY, "multiplicity")
    limit = None if risk_limit is None else probability(risk_limit, "risk_limit")
    if shared == "holm" and (limit is None or where != "upper"):
        raise InvalidInput(
            "`multiplicity` 'holm' tests one limit for all categories: pass `risk_limit=` and side='upper'; "
            f"got risk_limit={risk_limit!r} and side={where!r}. Use 'bonferroni' for intervals."
        )
    return _Question(where, shared, limit, 1.0 - checked_confidence(confidence_level))
