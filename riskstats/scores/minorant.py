"""Exact minimum of a linear minorant of the loss over the integer points of a node.

Convexity gives ``loss(lambda) >= constant + gradient . lambda`` for a tangent (or lattice line) taken at
any point. With lambda = t b, the right-hand side plus the penalty is separable in b but for the limit on
features, so its minimum over the box is found by sorting: with beta_j = t min(g_j lower_j, g_j upper_j),

    B_t = constant + sum_{j not free} beta_j + C0 |In| + sum of the `slots` smallest of min(0, beta_j + C0),
    j free.

For fixed b the minorant is linear in t, so its minimum over the finite set of b is concave in t: over an
interval of scales the bound is the smaller of the bounds at its two ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from riskstats._jit import namespace
from riskstats.scores._types import Array, BoolArray, FloatArray

__all__ = ["Minorant", "Tightened", "minorant_bound", "rounding_allowance", "scale_cut", "tighten"]


class Minorant(NamedTuple):
    """The line constant + gradient . lambda, and the point it was taken at."""

    constant: Array
    gradient: Array
    point: Array


class Tightened(NamedTuple):
    """A box without the values that cannot beat the cutoff; `needed` columns cannot be 0."""

    lower: FloatArray
    upper: FloatArray
    needed: BoolArray
    empty: bool


def minorant_bound(
    constant: Array,
    gradient: Array,
    lower: Array,
    upper: Array,
    free: Array,
    slots: Array,
    penalty: Array,
    scale: Array,
) -> Array:
    """Return B_t; `constant` already holds the penalty of the columns that are in for certain."""
    xp = namespace(gradient)
    effect = scale * xp.minimum(gradient * lower, gradient * upper)
    gains = xp.sort(xp.where(free > 0, xp.minimum(effect + penalty, 0.0), 0.0))
    used = xp.arange(len(gains)) < slots
    return constant + xp.sum(xp.where(free > 0, 0.0, effect)) + xp.sum(xp.where(used, gains, 0.0))


def rounding_allowance(rows: int, columns: int, terms: float) -> float:
    """Return a margin that covers the rounding of a bound formed from `rows` + `columns` terms of absolute
    sum `terms`."""
    return float((rows + columns) * np.finfo(np.float64).eps * terms)


def _exclusive_bounds(
    constant: float,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    free: BoolArray,
    slots: int,
    penalty: float,
    scale: float,
) -> tuple[FloatArray, FloatArray]:
    """Return, per column, the bound without its own term if it is used, and (free columns) if it is 0."""
    effect = scale * np.minimum(gradient * lower, gradient * upper)
    gains = np.where(free, np.minimum(effect + penalty, 0.0), 0.0)
    base = constant + effect[~free].sum()
    order = np.argsort(gains, kind="stable")
    chosen = order[:slots]
    total = gains[chosen].sum()
    last = gains[order[slots - 1]] if slots else 0.0
    following = gains[order[slots]] if slots < len(order) else 0.0
    among = np.zeros(len(gains), dtype=bool)
    among[chosen] = True
    used = base + total - np.where(among, gains, last)
    unused = base + total - np.where(among, gains - following, 0.0)
    return np.where(free, used, base + total - effect), unused


def tighten(
    minorant: Minorant,
    lower: FloatArray,
    upper: FloatArray,
    free: BoolArray,
    slots: int,
    penalty: float,
    scales: tuple[float, float],
    cutoff: float,
) -> Tightened:
    """Drop every value v of b_j with bound(without j) + t g_j v >= cutoff at both ends of the scales.

    A free column keeps its 0 unless it is needed: the bound without it reaches the cutoff. Values are kept
    in doubt: the cut is moved outwards by 1e-9 of a point.
    """
    low, high = np.full_like(lower, np.inf), np.full_like(upper, -np.inf)
    needed = np.ones(len(lower), dtype=bool)
    for scale in scales:
        used, unused = _exclusive_bounds(
            minorant.constant, minorant.gradient, lower, upper, free, slots, penalty, scale
        )
        room = cutoff - used - np.where(free, penalty, 0.0)
        slope = scale * minorant.gradient
        least, most = _surviving(room, slope, lower, upper)
        low, high = np.minimum(low, least), np.maximum(high, most)
        needed &= unused >= cutoff
    still_free = free & ~needed
    low = np.where(still_free, np.minimum(low, 0.0), low)
    high = np.where(still_free, np.maximum(high, 0.0), high)
    return Tightened(low, high, free & needed, bool(np.any(low > high)))


def _surviving(
    room: FloatArray, slope: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the least and largest integer v in the box with slope v < room; (inf, -inf) where there is
    none."""
    limit = room / np.where(slope == 0, 1.0, slope)
    most = np.where(slope > 0, np.minimum(upper, np.floor(limit + 1e-9)), upper)
    least = np.where(slope < 0, np.maximum(lower, np.ceil(limit - 1e-9)), lower)
    none = (least > most) | ((slope == 0) & (room <= 0))
    return np.where(none, np.inf, least), np.where(none, -np.inf, most)


def scale_cut(
    minorant: Minorant,
    lower: FloatArray,
    upper: FloatArray,
    free: BoolArray,
    slots: int,
    penalty: float,
    scales: tuple[float, float],
    cutoff: float,
) -> tuple[float, float]:
    """Shrink the interval of scales: B_t is concave, so if B >= cutoff at one end, it holds up to a
    crossing point."""

    def bound(scale: float) -> float:
        return float(
            minorant_bound(minorant.constant, minorant.gradient, lower, upper, free, slots, penalty, scale)
        )

    first, last = scales
    if bound(first) >= cutoff:
        return _crossing(bound, first, last, cutoff), last
    if bound(last) >= cutoff:
        return first, _crossing(bound, last, first, cutoff)
    return scales


def _crossing(bound: Callable[[float], float], inside: float, outside: float, cutoff: float) -> float:
    """Return a scale next to the crossing at which the bound still reaches the cutoff."""
    for _ in range(12):
        middle = 0.5 * (inside + outside)
        if bound(middle) >= cutoff:
            inside = middle
        else:
            outside = middle
    return inside
