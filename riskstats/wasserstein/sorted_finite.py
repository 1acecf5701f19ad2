"""Sorted couplings on finite sets of numbers, and on the cells of a grid.

A product of finite sets is a lattice, so the worst coupling of a super- or submodular function is the sorted
one there too: of the n m pairs only n + m - 1 are searched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.finite import FiniteSupport

__all__ = ["FiniteInner"]


@dataclass(frozen=True, eq=False)
class FiniteInner:
    """The best targets among finitely many.

    points : the sets, with costs and values. cells : the same with lower costs and higher values, of which a
        bound is taken; None where the sets are all there is.
    """

    points: FiniteSupport
    cells: FiniteSupport | None = None

    def best(self, places: Integers, prices: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """(K,) upper bounds of the inner suprema, two arrays of targets, and the values there."""
        bound, s, t = _search(self.points, places, prices)
        if self.cells is not None:
            bound = _search(self.cells, places, prices)[0]
        first, second = self.points.supports
        return bound, first[s, 0], second[t, 0], self.points.table[s, t]

    def nearest(self, places: Integers) -> tuple[Floats, Floats]:
        """The cheapest targets."""
        if self.cells is not None:
            still = self.still(places)
            return still[0][:, 0], still[1][:, 0]
        (first, second), (one, two) = self.points.supports, self.points.costs
        return first[one.argmin(axis=1)[places[:, 0]], 0], second[two.argmin(axis=1)[places[:, 1]], 0]

    def still(self, places: Integers) -> list[Floats]:
        """The nearest points of the intervals that the grids are cut from."""
        pairs = zip(self.points.balls, self.points.supports, strict=True)
        return [np.clip(ball.points[places[:, j]], grid[0], grid[-1]) for j, (ball, grid) in enumerate(pairs)]


def _search(support: FiniteSupport, places: Integers, prices: Floats) -> tuple[Floats, Integers, Integers]:
    """(best values, positions of the targets) of the pairs."""
    one, two = (_priced(cost, price) for cost, price in zip(support.costs, prices, strict=True))
    values = np.empty(len(places))
    s, t = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    order = np.argsort(places[:, 0], kind="stable")
    starts = np.flatnonzero(np.diff(places[order, 0], prepend=-1))
    columns = np.arange(support.table.shape[1])
    for rows in np.split(order, starts[1:]):
        best = support.table - one[places[rows[0], 0]][:, np.newaxis]
        s_of_t = best.argmax(axis=0)
        each = best[s_of_t, columns][np.newaxis] - two[places[rows, 1]]
        t[rows] = each.argmax(axis=1)
        values[rows] = each[np.arange(len(rows)), t[rows]]
        s[rows] = s_of_t[t[rows]]
    return values, s, t


def _priced(costs: Floats, price: float) -> Floats:
    """``price costs``; at price inf only what costs nothing is open."""
    return price * costs if np.isfinite(price) else np.where(costs == 0, 0.0, np.inf)
