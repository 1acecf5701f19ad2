"""Discrete laws on the line as step quantile functions, and two of them laid against each other.

A law with sorted values v_i and cumulative weights c_i has Q(u) = v_i on (c_{i-1}, c_i]. On (0, q) the pair
(Q1(u), Q2(q - u)) is constant between the points c1_i and q - c2_j: these are the pieces. As q falls, a point
c1_i stays and a point q - c2_j moves with it, so lengths change linearly until a piece closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.distribution import LEVEL_SLACK

__all__ = ["Pieces", "StepLaw", "pieces", "step_law"]


@dataclass(frozen=True, eq=False)
class StepLaw:
    """A discrete law, sorted.

    values : (n,) nondecreasing. levels : (n,) increasing cumulative weights, the last one exactly 1; None
        where all weights are 1 / n. places : (n,) where each value stood in the input, or None.
    """

    values: Floats
    levels: Floats | None = None
    places: Integers | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def equal(self) -> bool:
        """Whether all weights are 1 / n."""
        return self.levels is None

    @cached_property
    def cumulative(self) -> Floats:
        """(n,) ``P(Y <= value)``, counting equal values one after the other."""
        return np.arange(1, len(self) + 1) / len(self) if self.levels is None else self.levels

    @cached_property
    def weights(self) -> Floats:
        """(n,) positive, of sum 1."""
        if self.levels is None:
            return np.full(len(self), 1.0 / len(self))
        return np.diff(self.levels, prepend=0.0)

    @cached_property
    def reflected(self) -> StepLaw:
        """The law of minus the variable."""
        places = None if self.places is None else self.places[::-1]
        levels = None if self.levels is None else _cumulated(self.weights[::-1])
        return StepLaw(-self.backward, levels, places)

    @cached_property
    def backward(self) -> Floats:
        """(n,) the values from the largest to the smallest, in memory in this order."""
        return np.ascontiguousarray(self.values[::-1])

    @cached_property
    def distinct(self) -> tuple[Floats, Floats]:
        """(atoms (k,) increasing, cumulative (k,)): equal values are one atom."""
        last = np.append(self.values[1:] > self.values[:-1], True)
        return self.values[last], self.cumulative[last]

    def coarse(self, cells: int) -> StepLaw:
        """The law of the means of Q over `cells` equal shares."""
        integrals = self._integrals(np.arange(cells + 1) / cells)
        return StepLaw(np.maximum.accumulate(np.diff(integrals) * cells))

    def _integrals(self, levels: Floats) -> Floats:
        """Integrals of Q from 0 to each of the increasing levels."""
        if self.levels is not None:
            ends = np.append(0.0, np.cumsum(self.values * self.weights))
            return np.interp(levels, np.append(0.0, self.levels), ends)
        at = levels * len(self)
        whole = np.minimum(at.astype(np.int64), len(self) - 1)
        starts = np.unique(whole)
        sums = np.append(0.0, np.cumsum(np.add.reduceat(self.values, starts))[:-1])
        part = (at - whole) * self.values[whole]
        return (sums[np.searchsorted(starts, whole)] + part) / len(self)


def step_law(values: Floats, weights: Floats | None = None, *, ordered: bool = False) -> StepLaw:
    """A `StepLaw` from finite values (n,) and weights (n,) >= 0, None for equal ones.

    ordered : keep where each value stood, among those of positive weight.
    """
    if weights is not None and (weights == 0).any():
        values, weights = values[weights > 0], weights[weights > 0]
    if weights is not None and (weights == weights[0]).all():
        weights = None
    if weights is None and not ordered:
        return StepLaw(np.sort(values))
    order = np.argsort(values, kind="stable")
    levels = None if weights is None else _cumulated(weights[order])
    return StepLaw(values[order], levels, order if ordered else None)


def _cumulated(weights: Floats) -> Floats:
    sums = np.cumsum(weights, dtype=np.longdouble)
    levels: Floats = (sums / sums[-1]).astype(np.float64)
    return levels


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pairs that meet on (0, q), in any order.

    lengths : (k,) of sum q. first, second : (k,) positions of the values.
    slopes : (k,) what each length gains per unit of q, for q a little smaller.
    """

    lengths: Floats
    first: Integers
    second: Integers
    slopes: Floats

    def sums(self, first: StepLaw, second: StepLaw) -> Floats:
        """(k,) the values of the pairs."""
        return first.values[self.first] + second.values[self.second]

    @property
    def room(self) -> float:
        """How far q can fall before a piece closes."""
        return float(self.lengths[self.slopes > 0].min())


def pieces(first: StepLaw, second: StepLaw, q: float) -> Pieces:
    """The pieces of (Q1(u), Q2(q - u)) over 0 < u < q, for 0 < q <= 1."""
    if first.equal and second.equal and len(first) == len(second):
        return _even_pieces(len(first), q)
    m = int(np.searchsorted(second.cumulative, q))
    moving = np.append(q - second.cumulative[:m][::-1], q)
    still = np.concatenate([[0.0], first.cumulative[: np.searchsorted(first.cumulative, q)], [np.inf]])
    passed = np.searchsorted(moving[:-1], still[:-1], side="right")
    at_still = _from(still[:-1], still[1:], moving[passed], 0.0)
    reached = np.searchsorted(still[1:-1], moving[:-1])
    at_moving = _from(moving[:-1], still[reached + 1], moving[1:], -1.0)
    return Pieces(
        np.concatenate([at_still[0], at_moving[0]]),
        np.concatenate([np.arange(len(passed)), reached]),
        np.concatenate([m - passed, np.arange(m)[::-1]]),
        np.concatenate([at_still[1], at_moving[1]]),
    )


def _from(points: Floats, still: Floats, moving: Floats, slope: float) -> tuple[Floats, Floats]:
    """(lengths, slopes) of the pieces from `points` to the nearer of the next points of either kind."""
    return np.minimum(still, moving) - points, (moving <= still).astype(np.float64) + slope


def _even_pieces(n: int, q: float) -> Pieces:
    """Equal weights 1 / n on both sides: the sums of positions are k - 1, and k where q is beyond k / n."""
    k = round(q * n) if abs(q * n - round(q * n)) <= n * LEVEL_SLACK else int(q * n)
    share = max(q * n - k, 0.0) if k != round(q * n) or abs(q * n - k) > n * LEVEL_SLACK else 0.0
    low = np.arange(k)
    if share == 0.0:
        return Pieces(np.full(k, 1.0 / n), low, low[::-1], np.ones(k))
    high = np.arange(k + 1)
    lengths = np.concatenate([np.full(k, (1.0 - share) / n), np.full(k + 1, share / n)])
    slopes = np.concatenate([np.full(k, -1.0), np.ones(k + 1)])
    return Pieces(lengths, np.append(low, high), np.append(low[::-1], high[::-1]), slopes)
