"""The law of a sum of two with unknown dependence and transport: one function decides everything.

    T_z(q) = int_0^q ( Q1(u) + Q2(q - u) - z )_+^p du

is the least transport that brings a share q of the mass of Y1 + Y2 to z or below, over all couplings. It is
convex and nondecreasing in q and, for step quantiles, piecewise linear; a Newton step from the right never
passes the root, and a root within the piece it left is exact. With a total distance R, the largest P(S <= z)
is the last q with T_z(q) <= R^p; the smallest q-quantile is the first z with T_z(q) <= R^p.
At R = 0 these are the bounds of Makarov, read off the distribution functions by order alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.distribution import LEVEL_SLACK
from riskstats.wasserstein.exact_order import comparable, counts_at_most
from riskstats.wasserstein.step_quantiles import StepLaw, pieces

__all__ = ["StepSum", "norm_root", "positive_norm"]

_BLOCK = 8192  # elements at a time, so that intermediate arrays stay in the cache
_CELLS = (16384, 2048)  # of the coarse laws whose roots start the search; the last for even weights too
_TABLE = 32  # cells of the coarsest laws, for which T is known at once for every share
_PARTS = 8
_FINITE_POWER = 1e290
_MOST_STEPS = 500
_ULP = float(np.finfo(np.float64).eps)
_NEAR = 1e3  # T / R^p above which it is not extrapolated to 1
_PATIENCE = 8  # Newton steps before bisections help


@dataclass(frozen=True, eq=False)
class StepSum:
    """S = Y1 + Y2 with given discrete marginals and unknown dependence."""

    first: StepLaw
    second: StepLaw

    @cached_property
    def reflected(self) -> StepSum:
        """-S."""
        return StepSum(self.first.reflected, self.second.reflected)

    @property
    def size(self) -> float:
        """The largest absolute value of the two laws, added up."""
        return float(np.abs(self.first.values[[0, -1]]).max() + np.abs(self.second.values[[0, -1]]).max())

    @cached_property
    def even(self) -> bool:
        """Whether both laws have the same number of equal weights."""
        return self.first.equal and self.second.equal and len(self.first) == len(self.second)

    @cached_property
    def coarse(self) -> StepSum | None:
        """A sum of laws of fewer atoms with nearly the same T, or None for laws of few atoms."""
        size = max(len(self.first), len(self.second))
        levels = _CELLS[1:] if self.even else _CELLS
        cells = next((cells for cells in levels if size > 4 * cells), 0)
        return StepSum(self.first.coarse(cells), self.second.coarse(cells)) if cells else None

    @cached_property
    def table(self) -> tuple[Floats, Integers]:
        """(sums i + j < cells of the coarsest laws by i + j, where each value of i + j starts)."""
        first, second = self.first.coarse(_TABLE).values, self.second.coarse(_TABLE).values
        i, j = np.indices((_TABLE, _TABLE)).reshape(2, -1)
        order = np.argsort(i + j, kind="stable")[: _TABLE * (_TABLE + 1) // 2]
        return (first[i] + second[j])[order], np.cumsum(np.arange(_TABLE))

    def cdf_bounds(self, points: Floats, radius: float, order: float) -> tuple[Floats, Floats]:
        """(inf P(S <= z), sup P(S <= z)), each (k,).

        The supremum is attained; the infimum is attained at radius 0, else approached and equal to
        ``inf P(S < z)``.
        """
        if radius == 0:
            return self.classical(points)
        return 1.0 - self.reflected.shares(-points, radius, order), self.shares(points, radius, order)

    def smallest_quantile(self, q: float, radius: float, order: float) -> float:
        """The first z with T_z(q) <= R^p: the least lower q-quantile of S, for 0 < q < 1."""
        laid = pieces(self.first, self.second, q)
        kept = laid.lengths > LEVEL_SLACK
        return norm_root(laid.sums(self.first, self.second)[kept], laid.lengths[kept], radius, order)

    def largest_quantile(self, q: float, radius: float, order: float) -> float:
        """The greatest upper q-quantile of S, for 0 < q < 1."""
        return -self.reflected.smallest_quantile(1.0 - q, radius, order)

    def distance(self, point: float, q: float, order: float) -> float:
        """T_z(q)^(1/p): the least total radius with sup P(S <= z) >= q, for 0 < q <= 1."""
        laid = pieces(self.first, self.second, q)
        kept = laid.lengths > LEVEL_SLACK
        excess = np.maximum(laid.sums(self.first, self.second)[kept] - point, 0.0)
        return positive_norm(excess, laid.lengths[kept], order)

    # radius 0

    def classical(self, points: Floats) -> tuple[Floats, Floats]:
        """((k,), (k,)) the sharp bounds of P(S <= z) at radius 0, dependence alone.

        upper: min over atoms a of Y1 of ``P(Y1 < a) + P(Y2 <= z - a)``, at most 1.
        lower: max over atoms a of Y1 of ``P(Y1 <= a) + P(Y2 <= z - a) - 1``, at least 0.
        """
        (a, below), (b, upto) = self.first.distinct, self.second.distinct
        a, b, points = comparable(a, b, points)
        b = np.concatenate([[-np.inf], b, [np.inf]])
        below, upto = np.append(0.0, below), np.append(0.0, upto)
        ends = [_extremes(a, below, b, upto, point) for point in points.tolist()]
        lower, upper = np.array(ends).T
        return lower - 1.0, upper

    # radius > 0

    def shares(self, points: Floats, radius: float, order: float) -> Floats:
        """(k,) the last q with T_z(q) <= R^p."""
        return np.array([_share(self, point, radius, order) for point in points.tolist()])


def _extremes(a: Floats, below: Floats, b: Floats, upto: Floats, point: float) -> tuple[float, float]:
    """(max of below_{i+1} + upto(z - a_i) and 1, min of below_i + upto(z - a_i) and 1) over i.

    Both terms are monotone in i, so the two ends of a block bound what lies inside: only blocks that may hold
    an extreme are cut further.
    """
    high = low = 1.0
    marks = np.arange(_PARTS**2 + 1)[np.newaxis] * (len(a) - 1) // _PARTS**2
    while marks.size:
        other = upto[counts_at_most(a[marks], b, point)]
        high, low = max(high, (below[marks + 1] + other).max()), min(low, (below[marks] + other).min())
        start, end = marks[:, :-1], marks[:, 1:]
        inner = (below[start] + other[:, 1:] < low) | (below[end + 1] + other[:, :-1] > high)
        inner &= end - start > 1
        sizes = (end - start)[inner][:, np.newaxis]
        marks = start[inner][:, np.newaxis] + sizes * np.arange(_PARTS + 1) // _PARTS
    return float(high), float(low)


class _Step(NamedTuple):
    """T / R^p at q, its slope to the left, the q down to which that slope holds, and T / R^p there."""

    q: float
    value: float
    slope: float
    floor: float
    before: float


class _Search:
    """T_z / R^p for one z and one R > 0."""

    def __init__(self, total: StepSum, point: float, radius: float, order: float) -> None:
        self.total, self.point, self.order = total, point, order
        self.first, self.second = total.first, total.second
        self.unit = min(1.0 / radius, 1e300)
        self.cap = _FINITE_POWER ** (1.0 / order)
        largest = (self.first.values[-1] + self.second.values[-1] - point) * self.unit
        self.capped = not largest < self.cap
        self.at: Callable[[float], _Step] = self._at_even if total.even else self._at_any
        self.known: dict[int, float] = {0: 0.0}
        self.backward = total.second.backward

    def from_table(self) -> float:
        """About the last q with T <= 1."""
        sums, starts = self.total.table
        powers = _power(self._excess(sums.copy()), self.order)
        values = np.add.reduceat(powers, starts)
        k = int(values.searchsorted(_TABLE))
        if k == _TABLE:
            return 1.0
        before = float(values[k - 1]) if k else 0.0
        return (k + (_TABLE - before) / (float(values[k]) - before)) / _TABLE

    def _at_even(self, q: float) -> _Step:
        """At the first multiple of 1 / n from q on."""
        n = len(self.first)
        k = min(max(math.ceil(q * n * (1.0 - LEVEL_SLACK)), 1), n)
        here, before = self._even_mean(k), self._even_mean(k - 1)
        return _Step(k / n, here, (here - before) * n, (k - 1) / n, before)

    def _even_mean(self, k: int) -> float:
        if k not in self.known:
            total = 0.0
            for start in range(0, k, _BLOCK):
                total += self._block(start, min(start + _BLOCK, k), k)
            self.known[k] = total / len(self.first)
        return self.known[k]

    def _block(self, start: int, end: int, k: int) -> float:
        first = len(self.backward) - k
        sums = self.first.values[start:end] + self.backward[first + start : first + end]
        return _power_sum(self._excess(sums), self.order)

    def _at_any(self, q: float) -> _Step:
        laid = pieces(self.first, self.second, q)
        powers = _power(self._excess(laid.sums(self.first, self.second)), self.order)
        value, slope = float((laid.lengths * powers).sum()), float((laid.slopes * powers).sum())
        room = laid.room
        return _Step(q, value, slope, q - room, value - slope * room if value < _NEAR else math.inf)

    def _excess(self, sums: Floats) -> Floats:
        """``(s - z)_+ / R`` in place."""
        sums -= self.point
        np.maximum(sums, 0.0, out=sums)
        if self.capped:
            np.minimum(sums, self.cap / self.unit, out=sums)
        sums *= self.unit
        return sums


def _power_sum(excess: Floats, order: float) -> float:
    return float(np.dot(excess, excess) if order == 2 else _power(excess, order).sum())


def _power(excess: Floats, order: float) -> Floats:
    """``excess ** order``; whole and half orders without logarithms."""
    if not 1 <= order <= 4 or 2 * order != int(2 * order):
        return excess**order
    power = excess if order == int(order) else excess * np.sqrt(excess)
    for _ in range(int(order) - 1):
        power = power * excess
    return power


def _share(total: StepSum, point: float, radius: float, order: float) -> float:
    """The last q with T_z(q) <= R^p; a coarse sum says where to start."""
    coarse, search = total.coarse, _Search(total, point, radius, order)
    return _last(search, search.from_table() if coarse is None else _share(coarse, point, radius, order))


def _last(search: _Search, start: float) -> float:
    """The last q in (0, 1] with T <= 1, by Newton steps from the right.

    A step from the left passes the root, for the slope to the left is the smaller one. Where steps are short,
    as at large orders, every other one is a bisection.
    """
    low, high, q, above = 0.0, 1.0, start, math.inf
    for count in range(_MOST_STEPS):
        step = search.at(q)
        if step.value <= 1.0:
            if step.q >= high or step.value == 1.0:
                return step.q
            low = step.q
            ahead = low + (1.0 - step.value) / step.slope if step.slope > 0 else 1.0
            q = min(max(ahead, math.nextafter(low, 2.0)), high)
            if q >= above:
                q = 0.5 * (low + high)
            if high - low <= _ULP:
                return low
            continue
        above = step.q
        root = step.q - (step.value - 1.0) / step.slope
        inside = low < root < step.q
        if step.before <= 1.0 or (not inside and step.value < _NEAR):
            return min(max(root, low), step.q)
        high = root if inside else step.q
        q = high if step.before == math.inf else min(high, step.floor)
        if not inside or (count > _PATIENCE and count % 2):
            q = 0.5 * (low + q)
    return high


def positive_norm(excess: Floats, weights: Floats, order: float) -> float:
    """``(sum w e^p)^(1/p)`` of e >= 0 without overflow."""
    top = float(excess.max(initial=0.0))
    if top == 0.0:
        return 0.0
    return top * float((weights * _power(excess / top, order)).sum()) ** (1.0 / order)


def norm_root(sums: Floats, weights: Floats, radius: float, order: float) -> float:
    """The first z with ``(sum w (s - z)_+^p)^(1/p) <= R``; the largest s where R = 0.

    The norm is convex and decreasing in z, so Newton steps from the left never pass the root; by Jensen's
    inequality the mean of s less ``R (sum w)^(-1/p)`` is on its left.
    """
    if radius == 0:
        return float(sums.max())
    whole = float(weights.sum())
    z = float((weights * sums).sum()) / whole - radius * whole ** (-1.0 / order)
    for _ in range(_MOST_STEPS):
        excess = np.maximum(sums - z, 0.0)
        norm = positive_norm(excess, weights, order)
        if norm <= radius:
            break
        steepness = _power(excess / norm, order - 1.0) if order > 1 else excess > 0
        fall = float((weights * steepness).sum())
        ahead = z + (norm - radius) / fall
        if not ahead > z:
            break
        z = ahead
    return z
