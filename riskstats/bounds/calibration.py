"""The level c of a Berk-Jones band: P(some U_(i) < I^-1(c; i, n - i + 1)) = delta, on the ranks that matter.

With `levels=(lo, hi)` only ranks that a measure of these levels can see are active. Both rules need one
crossing probability per rank tried, because the band of calibration c_k reaches a level at rank k exactly if
c_k >= g_k = P(Bin(n, level) >= k), that is, if the band with c = g_k crosses with probability at most delta:

    first    the smallest k whose band, active from k on, has b_k >= lo
    plateau  the smallest k >= first whose band, flat from k on, has b_k >= hi; n if there is none

A first rank that does not exist is n: the largest loss alone keeps the whole delta.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log, log1p

from riskstats._validation import probability, whole_number
from riskstats.bounds.berk_jones_boundary import (
    ActiveRanks,
    band_layout,
    berk_jones_curve,
)
from riskstats.bounds.calibration_store import Answer, recall, write_down
from riskstats.bounds.crossing_recursion import crossing_sum, no_later_crossing
from riskstats.exceptions import InvalidInput, NotConverged

__all__ = ["Calibration", "calibrate", "crossing_of_level"]

MARGIN = 1e-11
"""Share of delta that stays unspent, more than the crossing probability can be wrong by."""
SMALLEST_DELTA = 1e-100
STORED_FROM = 500
"""Smallest n whose level is kept on disk: others are found as fast as a file is written."""


@dataclass(frozen=True)
class Calibration:
    """`level_c` such that the band on `ranks` fails with probability `delta`, from below."""

    n: int
    delta: float
    levels: tuple[float, float]
    level_c: float
    ranks: ActiveRanks


def calibrate(n: int, delta: float, levels: tuple[float, float] = (0.0, 1.0)) -> Calibration:
    """The Berk-Jones level for n units: P(some U_(i) < b_i) in delta (1 - 4e-11, 1 - 1e-11).

    Parameters
    ----------
    n : whole number >= 1.
    delta : one-sided error, in [1e-100, 1).
    levels : (lo, hi) with 0 <= lo < hi <= 1, the levels at which the band is going to be used; (0, 1) is the
        plain band.

    `InvalidInput`: anything else. Cold, it takes milliseconds (0.1 s at n = 1e6); answers are kept in memory
    and, from n = 500 on, on disk (`calibration_store`). Source: Berk and Jones (1979); the exact level by the
    recursion of `crossing_recursion`.
    """
    return _calibrated(whole_number(n, "n", low=1), _error(delta), _levels(levels))


def _error(delta: float) -> float:
    value = probability(delta, "delta")
    if value < SMALLEST_DELTA:
        raise InvalidInput(f"`delta` must be at least {SMALLEST_DELTA:g}; got {value!r}. Test fewer at once.")
    return value


def _levels(levels: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = levels
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`levels` must be two numbers (lo, hi); got {levels!r}.") from error
    pair = probability(low, "levels[0]", closed=True), probability(high, "levels[1]", closed=True)
    if pair[0] >= pair[1]:
        raise InvalidInput(f"`levels` must satisfy lo < hi; got {levels!r}. Swap them, or widen the range.")
    return pair


@lru_cache(maxsize=4096)
def _calibrated(n: int, delta: float, levels: tuple[float, float]) -> Calibration:
    known = recall(n, delta, levels) if n >= STORED_FROM else None
    if known is not None:
        return Calibration(n, delta, levels, known.level_c, ActiveRanks(known.first, known.plateau))
    ranks, start = _active_ranks(n, delta, levels)
    level = _solve(n, delta, ranks, start)
    if n >= STORED_FROM:
        write_down(n, delta, levels, Answer(level, ranks.first, ranks.plateau))
    return Calibration(n, delta, levels, level, ranks)


# ---- the probability of a level


def crossing_of_level(n: int, level_c: float, ranks: ActiveRanks) -> float:
    """P(some U_(i) < I^-1(c; i, n - i + 1)) over the active ranks, exact to about 1e-12 relative.

    Increasing in c, 0 at c = 0 and 1 at c = 1. A positive c below 1e-120 gives the value at 1e-120.
    """
    active = ranks.within(n)
    return _crossing(n, probability(level_c, "level_c", closed=True), active, active.first)


def _crossing(n: int, level: float, ranks: ActiveRanks, first: int) -> float:
    """The same with the ranks from `first` on active, on the panels of `ranks`, which begin no later."""
    if level in (0.0, 1.0) or first == ranks.plateau:
        return level
    layout = band_layout(n, ranks)
    curve = berk_jones_curve(layout, level)
    return crossing_sum(layout, curve, no_later_crossing(layout, curve), first)


def _typical_ratio(n: int) -> float:
    """P / c, roughly."""
    return 2 + 3 * log(max(3.0, 4 * log(n)))


def _solve(n: int, delta: float, ranks: ActiveRanks, start: float | None) -> float:
    """The level whose crossing probability is delta (1 - 2 MARGIN), or a little less.

    Secant steps on ln P against ln c, which is nearly a line, inside a bracket: c <= P(c) <= n c.
    """
    target = log(delta) + log1p(-2 * MARGIN)
    if ranks.first == ranks.plateau:
        return exp(target)
    low, high = target - log(n), target
    at, before = log(start) if start else target - log(_typical_ratio(n)), (-inf, -inf)
    for _ in range(100):
        at = at if low <= at <= high else 0.5 * (low + high)
        excess = log(_crossing(n, exp(at), ranks, ranks.first)) - target
        if -2 * MARGIN <= excess <= 0.9 * MARGIN or high - low < 1e-14:
            return exp(at)
        low, high = (at, high) if excess < 0 else (low, at)
        slope = (excess - before[1]) / (at - before[0]) if before[0] > -inf else 1.0
        before, at = (at, excess), at - excess / slope if slope > 0.05 else low - 1
    raise NotConverged(f"no Berk-Jones level found for n = {n}, delta = {delta:g}.")


# ---- the active ranks


def _active_ranks(n: int, delta: float, levels: tuple[float, float]) -> tuple[ActiveRanks, float | None]:
    """The ranks, and a level near the one that they will have."""
    first, start = 1, None
    if levels[0] > 0:
        lowest = _smallest_rank(n, levels[0], delta, 1)
        whole = ActiveRanks(lowest, n)
        first, start = _first_feasible(
            n, levels[0], delta, lowest, lambda rank, level: _crossing(n, level, whole, rank)
        )
    if levels[1] == 1 or first == n:
        return ActiveRanks(first, n), start
    plateau, nearer = _first_feasible(
        n,
        levels[1],
        delta,
        max(first, _smallest_rank(n, levels[1], delta, 1)),
        lambda rank, level: _crossing(n, level, ActiveRanks(first, rank), first),
    )
    return ActiveRanks(first, plateau), nearer or start


def _reaching(n: int, rank: int, level: float) -> float:
    """The c at which b_rank = level: P(Bin(n, level) >= rank)."""
    from scipy.special import betainc

    return float(betainc(rank, n - rank + 1.0, level))


def _smallest_rank(n: int, level: float, limit: float, low: int) -> int:
    """The smallest rank from `low` on with P(Bin(n, level) >= rank) <= limit; n if there is none."""
    high = n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _reaching(n, middle, level) <= limit else (middle + 1, high)
    return low


def _first_feasible(
    n: int, level: float, delta: float, low: int, crossing: Callable[[int, float], float]
) -> tuple[int, float | None]:
    """The smallest rank k >= low with crossing(k, c) <= delta at the c for which b_k = level; n if none.

    crossing / c changes slowly with k, so it predicts the next rank to try; every third step bisects.
    Returned with the level that the smallest feasible rank suggests.
    """
    limit, high, start = delta * (1 - MARGIN), n, None
    ratio, step = _typical_ratio(n), 0
    while low < high:
        step += 1
        predicted = _smallest_rank(n, level, limit / ratio, low)
        rank = (low + high) // 2 if step % 3 == 0 else min(predicted, high - 1)
        reached = _reaching(n, rank, level)
        found = crossing(rank, reached)
        if found <= limit:
            high, start = rank, reached * limit / found if found > 0 else None
        else:
            low = rank + 1
        ratio = found / reached if reached > 0 else ratio
    return high, start
