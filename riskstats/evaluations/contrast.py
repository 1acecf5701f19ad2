"""Contrast pairs: an unsafe item and its safe twin, so that caution and overreaction are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, seed
from riskstats._samples import loss_vector
from riskstats._validation import Floats, same_length
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.evaluations.clustering import cluster_codes, unit_sums
from riskstats.evaluations.proportions import Rate, mcnemar_p
from riskstats.evaluations.rate_methods import UNIT, RateSample, mean_limits, needs_binary
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContrastPairs", "contrast_pairs", "match_twins"]


@dataclass(frozen=True)
class ContrastPairs(Result):
    """What a system does with pairs of an unsafe item and its safe twin.

    Attributes
    ----------
    sensitivity : share of unsafe items handled well, `1 - miss rate`.
    false_alarm : share of safe items handled badly. pair_accuracy : share of pairs with both handled well.
    overreaction_gap : `false-alarm rate - miss rate`; above 0 the system errs towards alarm. gap_lower,
        gap_upper : its limits.
    p_value : of "no gap", by McNemar's exact test on the pairs with one error; None with clusters.
    both_right, only_false_alarm, only_miss, both_wrong : the 2 x 2 table of pairs.
    confidence_level : of each interval alone.
    """

    sensitivity: Rate
    false_alarm: Rate
    pair_accuracy: Rate
    overreaction_gap: float
    gap_lower: float
    gap_upper: float
    p_value: float | None
    both_right: int
    only_false_alarm: int
    only_miss: int
    both_wrong: int
    confidence_level: float
    notes: tuple[str, ...] = ()

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return self.both_right + self.only_false_alarm + self.only_miss + self.both_wrong

    def summary(self) -> str:
        """The three rates, the gap and the table."""
        sure = as_percent(self.confidence_level)
        p = "" if self.p_value is None else f", p = {self.p_value:.3g}"
        rates = (self.sensitivity, self.false_alarm, self.pair_accuracy)
        return "\n".join(
            [
                f"{self.n_pairs} pairs of an unsafe item and its safe twin; {sure} intervals, each alone.",
                *(f"  {rate.summary()}" for rate in rates),
                (
                    f"  overreaction gap (false alarms - misses): {self.overreaction_gap:+.4f} "
                    f"[{self.gap_lower:+.4f}, {self.gap_upper:+.4f}]{p}"
                ),
                (
                    f"  pairs: {self.both_right} both right, {self.only_false_alarm} only a false alarm, "
                    f"{self.only_miss} only a miss, {self.both_wrong} both wrong"
                ),
                *self.notes,
            ]
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each rate; needs the extra `frames`."""
        return frame([rate.to_dict() for rate in (self.sensitivity, self.false_alarm, self.pair_accuracy)])


def contrast_pairs(
    unsafe: Any,
    safe: Any,
    *,
    cluster: Any = None,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> ContrastPairs:
    """Sensitivity, false-alarm rate, pair accuracy and overreaction gap of one system.

    With u and s the losses on the unsafe and the safe twin of a pair: sensitivity `1 - mean u`, false-alarm
    rate `mean s`, pair accuracy `mean (1 - u)(1 - s)`, gap `mean (s - u)`. Rates have exact limits, or bets
    on the mean over clusters; the gap has bets on losses in [-1, 1]. All are guaranteed, each alone.

    Parameters
    ----------
    unsafe, safe : (pairs,) losses 0 or 1 in the same order: 1 is a miss, and a false alarm. `match_twins`
        makes them from rows of a log.
    cluster : (pairs,) labels of what was sampled independently; None is every pair.
    random_state : of the order of the bets.

    `InvalidInput`: different numbers of pairs, fractions, NaN.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    u, s = (loss_vector(each, UNIT, name=name)[0] for each, name in ((unsafe, "unsafe"), (safe, "safe")))
    same_length(unsafe=u, safe=s)
    needs_binary(u, "unsafe")
    needs_binary(s, "safe")
    codes = cluster_codes(cluster, len(u))
    method, order = "clopper-pearson" if codes is None else "betting", seed(random_state)
    rates = {
        "sensitivity": 1.0 - u,
        "false-alarm rate": s,
        "pair accuracy": (1.0 - u) * (1.0 - s),
    }
    seen = {name: RateSample(x, codes, None, method, order).rate(name, delta) for name, x in rates.items()}
    gaps = s - u if codes is None else unit_sums(s - u, codes) / np.bincount(codes)
    lower, upper = mean_limits(gaps, (-1.0, 1.0), delta / 2, order)
    only_alarm, only_miss = int((s > u).sum()), int((u > s).sum())
    return ContrastPairs(
        sensitivity=seen["sensitivity"],
        false_alarm=seen["false-alarm rate"],
        pair_accuracy=seen["pair accuracy"],
        overreaction_gap=float(gaps.mean()),
        gap_lower=lower,
        gap_upper=upper,
        p_value=None if codes is not None else float(mcnemar_p(only_alarm, only_miss)),  # type: ignore[arg-type]
        both_right=int(((u == 0) & (s == 0)).sum()),
        only_false_alarm=only_alarm,
        only_miss=only_miss,
        both_wrong=int(((u == 1) & (s == 1)).sum()),
        confidence_level=1.0 - delta,
        notes=(*(("With clusters every cluster counts once.",) if codes is not None else ()), SCOPE),
    )


def match_twins(losses: Any, pair_id: Any, twin: Any) -> tuple[Floats, Floats, tuple[str, ...]]:
    """(losses of the unsafe twins, of the safe twins, pair ids), from one row per item.

    losses : (n,) in [0, 1]. pair_id : (n,) labels. twin : (n,) "unsafe" or "safe".

    `InvalidInput`: a pair without both twins, or with two of a kind; another word than these.
    """
    vector, _ = loss_vector(losses, UNIT)
    ids, codes = unit_codes(pair_id, len(vector), "pair_id")
    words = np.asarray(twin)
    if words.shape != vector.shape:
        raise InvalidInput(f"`twin` must be one word for each of {len(vector)} rows; got {words.shape}.")
    kinds = words.astype(str)
    other = ~np.isin(kinds, ("unsafe", "safe"))
    if other.any():
        raise InvalidInput(
            f"`twin` must be 'unsafe' or 'safe'; got {str(kinds[other][0])!r} at row {int(other.argmax())}."
        )
    sides = []
    for kind in ("unsafe", "safe"):
        rows = np.flatnonzero(kinds == kind)
        counts = np.bincount(codes[rows], minlength=len(ids))
        wrong = np.flatnonzero(counts != 1)
        if len(wrong):
            raise InvalidInput(
                f"pair {str(ids[wrong[0]])!r} has {counts[wrong[0]]} {kind} items; every pair needs one of "
                f"each ({len(wrong)} pairs do not). Drop them, or make ids of pair and repeat."
            )
        sides.append(vector[rows[np.argsort(codes[rows])]])
    return sides[0], sides[1], tuple(map(str, ids.tolist()))
