"""From a bound at every error to a p-value: the error of the first band that keeps the limit.

For nested bands with bound U(t), nonincreasing in t, `p = error(inf {t : U(t) <= limit})`. The bands do not
look at the losses, so that all rows share them: rows are first bracketed on a grid of bands, then each finds
its own t, on the bound alone. The answer is the error of a band whose bound was seen to keep the limit, and
is therefore never too small.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.band import Family
from riskstats.bounds.band_kernels import CHUNK
from riskstats.bounds.edges import SortedTail, upper_values
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.value_at_risk import ValueAtRisk

__all__ = ["band_p_values"]

PRECISION = 2e-11  # of t, as a share of a cell of the grid
STEPS = 300


def band_p_values(family: Family, sample: Sample, measure: RiskMeasure, risk_limit: float) -> Floats:
    """(m,) p-values of `risk > risk_limit`, accurate to about 1e-9 relative and never understated.

    At the error of the design the bound keeps the limit if and only if p is at most that error. Where even
    the narrowest band of the grid does not keep it, p = 1; where the widest does, p is its error.
    """
    kept = upper_values(sample, measure, family.design, family.design_upper) <= risk_limit
    if isinstance(measure, ValueAtRisk):
        first = _quantile_places(family, sample, measure.level, risk_limit)
    else:
        blocks = (part for _, part in sample.blocks(CHUNK))
        first = np.concatenate([_first_places(family, part, measure, risk_limit) for part in blocks])
    p = np.ones(len(first))
    found = np.isfinite(first)
    p[found] = np.minimum(family.errors(first[found]), 1.0)
    beyond = np.nextafter(family.delta, 1.0)
    return np.where(kept, np.minimum(p, family.delta), np.maximum(p, beyond))


def _quantile_places(family: Family, sample: Sample, level: float, limit: float) -> Floats:
    """Where the band reaches the level at the largest loss that keeps the limit."""
    counts = np.concatenate([(part.values <= limit).sum(axis=1) for _, part in sample.blocks(CHUNK)])
    ranks, back = np.unique(counts, return_inverse=True)
    places = np.full(len(ranks), np.inf)
    places[ranks > 0] = family.reaching(ranks[ranks > 0], level)
    return places[back]


def _first_places(family: Family, sample: Sample, measure: RiskMeasure, limit: float) -> Floats:
    """(m,) the first t whose bound keeps the limit, from above; inf where none does."""
    grid = family.grid
    tail = SortedTail.of(sample, measure, family.boundaries(grid[-1:])[0])
    low, high, gap_low, gap_high = _bracketed(family, tail, limit)
    places = np.where(high < len(grid), grid[np.minimum(high, len(grid) - 1)], np.inf)
    rows = np.flatnonzero((low >= 0) & (high < len(grid)))
    if not family.continuous or not len(rows):
        return places

    def gap(which: Integers, t: Floats) -> Floats:
        return _each(family, tail, rows[which], t) - limit

    places[rows] = _first_kept(gap, grid[low[rows]], grid[high[rows]], gap_low[rows], gap_high[rows])
    return places


def _each(family: Family, tail: SortedTail, rows: Integers, t: Floats) -> Floats:
    """Bounds of some rows, each at its own t, a few rows at a time."""
    size = max(1, CHUNK // family.n)
    parts = [slice(start, start + size) for start in range(0, len(rows), size)]
    return np.concatenate([tail.upper_each(rows[part], *family.edges(t[part], tail.first)) for part in parts])


def _bracketed(family: Family, tail: SortedTail, limit: float) -> tuple[Integers, Integers, Floats, Floats]:
    """Neighbours on the grid between which each row first keeps its limit, and how far it is from it there.

    Index -1 stands for a band wider than all, the length of the grid for one narrower than all.
    """
    m, size = len(tail.ordered), len(family.grid)
    low, high = np.full(m, -1), np.full(m, size)
    gap_low, gap_high = np.full(m, np.inf), np.full(m, -np.inf)
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, -1)
        for index in np.unique(middle[middle >= 0]):
            rows = np.flatnonzero(middle == index)
            lower, upper = family.edges(family.grid[index : index + 1])
            every = slice(None) if len(rows) == m else rows
            gap = tail.upper(every, lower[0], None if upper is None else upper[0]) - limit
            kept = gap <= 0
            high[rows[kept]], gap_high[rows[kept]] = index, gap[kept]
            low[rows[~kept]], gap_low[rows[~kept]] = index, gap[~kept]
    return low, high, gap_low, gap_high


def _first_kept(
    gap: Callable[[Integers, Floats], Floats], low: Floats, high: Floats, gap_low: Floats, gap_high: Floats
) -> Floats:
    """(r,) t with gap(t) <= 0, at most `PRECISION` of a cell above the first such t.

    gap : (rows, t) -> values, nonincreasing in t, positive at `low` and not at `high`. Inverse quadratic
    interpolation in a bracket, and bisection where three steps have not halved it.
    """
    low, high, gap_low, gap_high = low.copy(), high.copy(), gap_low.copy(), gap_high.copy()
    old, gap_old = low.copy(), np.full(len(low), np.nan)
    least = PRECISION * (high - low)
    before = [high - low] * 3
    for _ in range(STEPS):
        rows = np.flatnonzero(high - low > 2 * least)
        if not len(rows):
            break
        width = (high - low)[rows]
        t = _interpolated(*(array[rows] for array in (low, high, old, gap_low, gap_high, gap_old)))
        slow = ~np.isfinite(t) | (width > 0.5 * before[0][rows]) & (width < before[2][rows])
        t = np.where(slow, 0.5 * (low + high)[rows], t)
        t = np.clip(t, low[rows] + least[rows], high[rows] - least[rows])
        before = [*before[1:], high - low]
        value = gap(rows, t)
        kept = value <= 0
        down, up = rows[kept], rows[~kept]
        old[down], gap_old[down] = high[down], gap_high[down]
        old[up], gap_old[up] = low[up], gap_low[up]
        high[down], gap_high[down] = t[kept], value[kept]
        low[up], gap_low[up] = t[~kept], value[~kept]
    return high


def _interpolated(
    low: Floats, high: Floats, old: Floats, gap_low: Floats, gap_high: Floats, gap_old: Floats
) -> Floats:
    """The root of the inverse parabola through three points, or of the line through the two ends."""
    with np.errstate(all="ignore"):
        line = low + (high - low) * (gap_low / (gap_low - gap_high))
        a, b, c = gap_low, gap_high, gap_old
        parabola = (
            low * b * c / ((a - b) * (a - c))
            + high * a * c / ((b - a) * (b - c))
            + old * a * b / ((c - a) * (c - b))
        )
    inside = np.isfinite(parabola) & (parabola > low) & (parabola < high)
    return np.where(inside, parabola, line)
