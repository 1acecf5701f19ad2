"""What a reader of a bound must know besides the number: what it assumes, and why it may say little."""

from __future__ import annotations

import math
from collections.abc import Iterator

from riskstats.bounds.band import Band
from riskstats.bounds.base import Bound
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.quantile_sequence import QuantileSequence
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure

__all__ = ["SCOPE", "notes_of", "units_needed"]

SCOPE = (
    "The confidence is over the sampling of units; it does not cover errors of a judge, drift of the source, "
    "or the choice of the loss."
)
MOST_UNITS = 1_000_000


def notes_of(
    bound: Bound, sample: Sample, measure: RiskMeasure, side: str, value: float, delta: float
) -> tuple[str, ...]:
    """Assumptions, why the bound may say no more than the support, and what the confidence does not cover."""
    notes = [_assumption(bound)]
    if side == "upper":
        notes.extend(_vacuous_above(bound, sample, measure, value, delta))
    elif value <= sample.support[0] and measure.equivariant:
        notes.append("The bound is the bottom of the support: the losses say no more.")
    return (*notes, SCOPE)


def _assumption(bound: Bound) -> str:
    needs = bound.requires
    units = (
        "units drawn independently from one law"
        if needs.independent
        else "units whose mean loss, given those before, is the same for all"
    )
    if needs.anytime:
        return f"Holds for {units}, at every number of units at once: looking and stopping are free."
    return f"Holds for {units}, their number fixed before looking."


def _vacuous_above(
    bound: Bound, sample: Sample, measure: RiskMeasure, value: float, delta: float
) -> Iterator[str]:
    if measure.two_sided:
        if value >= 1.0:
            yield f"The bound is the largest possible value: n = {sample.n_units} is too small to say more."
        return
    top = sample.support[1]
    if value < top:
        return
    level = measure.levels[1]
    if level >= 1.0 and math.isinf(top):
        yield f"`{measure}` looks at the largest losses, and no n bounds them: give `support` a finite top."
    elif level >= 1.0:
        yield "The bound is the top of the support: the losses say no more."
    else:
        yield _too_few(bound, sample.n_units, level, delta, "infinite" if math.isinf(top) else "the top")


def _too_few(bound: Bound, n: int, level: float, delta: float, where: str) -> str:
    needed = units_needed(bound, n, level, delta)
    remedy = "" if needed is None else f" n = {needed} suffices."
    place = "infinite" if where == "infinite" else "the top of the support"
    return (
        f"The bound is {place}: with n = {n} no loss is shown to be above the quantile at level {level:g}."
        f"{remedy}"
    )


def units_needed(bound: Bound, n: int, level: float, delta: float) -> int | None:
    """The smallest number of units above n at which some loss bounds the quantile at `level` < 1.

    None where the bound gives no way to tell, or for more than a million units.
    """
    if not isinstance(bound, (Band, QuantileSequence)):
        return None
    if isinstance(bound, OrderStatisticBand) and level > bound.level:
        return None
    low = max(n, math.floor(math.log(delta) / math.log(level)) - 1) if level > 0 else n
    high = low
    while not _reached(bound, high, level, delta):
        low, high = high, math.ceil(1.25 * high) + 1
        if high > MOST_UNITS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _reached(bound, middle, level, delta) else (middle, high)
    return high


def _reached(bound: Band | QuantileSequence, n: int, level: float, delta: float) -> bool:
    if isinstance(bound, QuantileSequence):
        return bound.rank(n, delta) <= n
    return bool(bound.boundary(n, delta).values[-1] >= level)
