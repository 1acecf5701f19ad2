"""Inner suprema of all pairs of atoms of two references, in the form that programs and bundles take.

`SumPairs`: a function of the weighted sum on the line, which has one budget R^p. `BoxPairs`: a function of
two outcomes in intervals, which has two. Values come without columns, and columns for chosen pairs only, so
that a matrix of all pairs is the largest thing in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.exact_order import comparable
from riskstats.wasserstein.program import InnerSupremum
from riskstats.wasserstein.shapes import Shape, power_cost

__all__ = ["AllPairs", "BoxPairs", "PairSuprema", "SumPairs"]


class PairSuprema(InnerSupremum, Protocol):
    """An `InnerSupremum` whose values and columns can be had apart."""

    def values(self, multiplier: Floats) -> Floats:
        """(n, m) inner suprema."""

    def columns(self, first: Integers, second: Integers, multiplier: Floats | None) -> Columns:
        """The best targets of some pairs; the cheapest for None."""


class AllPairs:
    """Values and columns of all pairs from those of some."""

    exact = True
    first: Floats
    second: Floats
    budget: Floats

    @property
    def safe(self) -> Floats:
        """Inner suprema are finite at all prices."""
        return np.ones(len(self.budget))

    def _grid(self) -> tuple[Integers, Integers]:
        n, m = len(self.first), len(self.second)
        return np.repeat(np.arange(n), m), np.tile(np.arange(m), n)

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """Values and columns of all pairs, row-major."""
        found = self.columns(*self._grid(), multiplier)  # type: ignore[attr-defined]
        return self.values(multiplier), found  # type: ignore[attr-defined]

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The pairs that stay, or move into their intervals."""
        found = self.columns(*self._grid(), None)  # type: ignore[attr-defined]
        return (found.costs @ multiplier).reshape(len(self.first), len(self.second)), found


@dataclass(frozen=True, eq=False)
class SumPairs(AllPairs):
    """``sign g(S)`` for the sum of two with total radius R; targets are those of the sum."""

    whole: Reduced
    shape: Shape
    sign: int

    @cached_property
    def first(self) -> Floats:  # type: ignore[override]
        """Weights of the first reference."""
        return self.whole.weights[0]

    @cached_property
    def second(self) -> Floats:  # type: ignore[override]
        """Weights of the second reference."""
        return self.whole.weights[1]

    @cached_property
    def budget(self) -> Floats:  # type: ignore[override]
        """(1,) R^p."""
        return np.array([self.whole.radius**self.whole.order])

    @cached_property
    def recession(self) -> Floats:
        """Events earn nothing at infinity."""
        return np.zeros(1)

    @cached_property
    def terms(self) -> tuple[Floats, Floats, float]:
        """(n,), (m,) and a unit: the sum of a pair is the sum of its terms, divided by the unit.

        For events of decimals the terms are whole numbers, whose sums are exact.
        """
        if not self.whole.event:
            return self.whole.terms[0], self.whole.terms[1], 1.0
        first, second, unit = comparable(self.whole.terms[0], self.whole.terms[1], np.ones(1))
        return first, second, float(unit[0])

    @cached_property
    def _sums(self) -> Floats:
        first, second, unit = self.terms
        return np.asarray((first[:, np.newaxis] + second[np.newaxis]) / unit)

    def values(self, multiplier: Floats) -> Floats:
        """(n, m) inner suprema."""
        if self.whole.radius == 0:
            return self.sign * self.shape(self._sums)
        return self.shape.best(self.sign, self._sums, float(multiplier[0]), self.whole.order).value

    def columns(self, first: Integers, second: Integers, multiplier: Floats | None) -> Columns:
        """The best targets of the sum of some pairs."""
        one, two, unit = self.terms
        sums = (one[first] + two[second]) / unit
        if multiplier is None or self.whole.radius == 0:
            return Columns(
                first, second, (sums[:, np.newaxis],), self.sign * self.shape(sums), np.zeros((len(sums), 1))
            )
        price, p = float(multiplier[0]), self.whole.order
        target = self.shape.best(self.sign, sums, price, p).target
        costs = power_cost(1.0, target - sums, p)
        value = self.sign * self.shape(target)
        return Columns(first, second, (target[:, np.newaxis],), value, costs[:, np.newaxis])


@dataclass(frozen=True, eq=False)
class BoxPairs(AllPairs):
    """A functional of two outcomes, each in its own interval."""

    asked: Asked

    @cached_property
    def first(self) -> Floats:  # type: ignore[override]
        """Weights of the first reference."""
        return self.asked.balls[0].weights

    @cached_property
    def second(self) -> Floats:  # type: ignore[override]
        """Weights of the second reference."""
        return self.asked.balls[1].weights

    @cached_property
    def budget(self) -> Floats:  # type: ignore[override]
        """(2,)"""
        return np.array(self.asked.budget)

    @cached_property
    def recession(self) -> Floats:
        """Intervals have no infinity."""
        return np.zeros(2)

    def values(self, multiplier: Floats) -> Floats:
        """(n, m) inner suprema."""
        v = self._points
        return self._inner((v[0][:, np.newaxis], v[1][np.newaxis]), multiplier)[0]

    def columns(self, first: Integers, second: Integers, multiplier: Floats | None) -> Columns:
        """The best targets of some pairs."""
        v = self._points[0][first], self._points[1][second]
        if multiplier is None:
            ends = tuple(np.clip(u, *box) for u, box in zip(v, self.asked.box, strict=True))
            columns = tuple(end[:, np.newaxis] for end in ends)
            value = self.asked.sign * self.asked.functional(*columns)
        else:
            inner, *ends = self._inner(v, multiplier)  # type: ignore[assignment]
            columns = tuple(end[:, np.newaxis] for end in ends)
            value = inner
        costs = np.stack([np.abs(s - u) ** self.asked.order for s, u in zip(ends, v, strict=True)], axis=1)
        if multiplier is not None:
            value = value + costs @ np.where(self.budget > 0, multiplier, 0.0)
        return Columns(first, second, columns, value, costs)

    @cached_property
    def _points(self) -> tuple[Floats, Floats]:
        return self.asked.balls[0].points[:, 0], self.asked.balls[1].points[:, 0]

    def _inner(self, v: tuple[Floats, Floats], multiplier: Floats) -> tuple[Floats, Floats, Floats]:
        prices = np.where(self.budget > 0, multiplier, math.inf).tolist()
        found = self.asked.functional.pair(
            self.asked.sign,
            v,
            (prices[0], prices[1]),
            self.asked.order,
            self.asked.box,  # type: ignore[arg-type]
        )
        assert found is not None
        first, second = (np.clip(s, *box) for s, box in zip(found[1:], self.asked.box, strict=True))
        return found.value, first, second
