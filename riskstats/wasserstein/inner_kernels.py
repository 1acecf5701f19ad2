"""Inner suprema of all pairs of two references, never held as a matrix: formulas and the atoms they take.

A formula is the closed form of the functional or shape itself, written for one pair and an array namespace:
NumPy evaluates it in blocks, JAX compiles it into whatever is done with the blocks (`transforms`,
`sinkhorn`). Prices are arguments, so that one compilation serves all prices; a ball of budget 0 has the price
inf and is known to a formula beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Functional
from riskstats.wasserstein.pair_suprema import BoxPairs, PairSuprema, SumPairs
from riskstats.wasserstein.shapes import Shape, Square

__all__ = ["BoxFormula", "Formula", "LazyPairs", "PairMatrix", "SumFormula", "coarse_pairs", "lazy_pairs"]

PAIRS = 2**17
"""Pairs that NumPy, or a CPU, evaluates at a time."""


class Formula(Protocol):
    """Values of pairs, elementwise in u and v under broadcasting; hashable, and equal if it computes the
    same."""

    def __call__(self, u: Any, v: Any, parameters: Any) -> Any:
        """Values at atoms u and v, in their type; parameters : (k,), known only when it runs."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class SumFormula:
    """``sup over s of sign g(s) - l |s - S|^p`` for ``S = (u + v) / unit``; parameters (l, unit)."""

    shape: Shape
    sign: int
    order: float
    moves: bool

    def __call__(self, u: Any, v: Any, parameters: Any) -> Any:
        """See `Formula`."""
        sums = (u + v) / parameters[1]
        if not self.moves:
            return self.sign * self.shape(sums)
        return self.shape.best(self.sign, sums, parameters[0], self.order).value


@dataclass(frozen=True)
class BoxFormula:
    """The inner supremum of a function of two outcomes in intervals; parameters (l1, l2)."""

    functional: Functional
    sign: int
    order: float
    box: tuple[tuple[float, float], tuple[float, float]]
    moving: tuple[bool, bool]

    def __call__(self, u: Any, v: Any, parameters: Any) -> Any:
        """See `Formula`."""
        prices = tuple(parameters[j] if moves else math.inf for j, moves in enumerate(self.moving))
        found = self.functional.pair(self.sign, (u, v), prices, self.order, self.box)  # type: ignore[arg-type]
        assert found is not None
        return found.value


@dataclass(frozen=True, eq=False)
class PairMatrix:
    """An (n, m) matrix by its formula.

    rows : (n,) or (n, k) atoms. columns : (m,) or (m, k). parameters : (k,) of the formula.
    """

    formula: Formula
    rows: Floats
    columns: Floats
    parameters: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)"""
        return len(self.rows), len(self.columns)

    def block(self, rows: Any) -> Floats:
        """The matrix at some rows, all columns; float64."""
        return np.asarray(self.formula(self.rows[rows][:, np.newaxis], self.columns[np.newaxis], self.given))

    @property
    def given(self) -> list[float]:
        """The parameters as numbers."""
        return [float(value) for value in self.parameters]


@dataclass(frozen=True, eq=False)
class LazyPairs:
    """The inner suprema of a question, by formula.

    question : for columns, weights and budgets. constants : parameters that follow the prices.
    """

    question: PairSuprema
    formula: Formula
    rows: Floats
    columns: Floats
    constants: tuple[float, ...] = ()

    def at(self, prices: Floats) -> PairMatrix:
        """The matrix at some prices."""
        return PairMatrix(
            self.formula, self.rows, self.columns, np.concatenate([prices, np.array(self.constants)])
        )


def lazy_pairs(question: PairSuprema) -> LazyPairs | None:
    """The formula of a question; None where it has none that compiles."""
    if isinstance(question, SumPairs):
        first, second, unit = question.terms
        if not _compiles(question.shape, question.whole.order):
            return None
        formula: Formula = SumFormula(
            question.shape, question.sign, question.whole.order, question.whole.radius > 0
        )
        return LazyPairs(question, formula, first, second, (unit,))
    if isinstance(question, BoxPairs):
        asked = question.asked
        shape = asked.functional.g if isinstance(asked.functional, Aggregate) else None
        if shape is not None and not _compiles(shape, asked.order):
            return None
        (low, high), (moves, too) = asked.box, asked.moving
        formula = BoxFormula(asked.functional, asked.sign, asked.order, (low, high), (moves, too))
        rows, columns = (ball.points[:, 0] for ball in asked.balls)
        return LazyPairs(question, formula, rows, columns)
    return None


def _compiles(shape: Shape, order: float) -> bool:
    """Whether a shape has a formula without a search: squares of orders 1 and 2 only."""
    return order in (1.0, 2.0) or not isinstance(shape, Square)


def coarse_pairs(question: PairSuprema, cells: int) -> PairSuprema | None:
    """The question with references of fewer atoms, each the middle of a cell of nearly equal weight."""
    if isinstance(question, SumPairs):
        whole = question.whole
        balls = tuple(
            _thinned(term, ball, cells) for term, ball in zip(whole.terms, whole.balls, strict=True)
        )
        ones = tuple(np.ones(1) for _ in balls)
        return replace(question, whole=Reduced(balls, ones, whole.norms, whole.event))
    if isinstance(question, BoxPairs):
        asked: Asked = question.asked
        thin = tuple(_thinned(ball.points[:, 0], ball, cells) for ball in asked.balls)
        return BoxPairs(replace(asked, balls=thin))
    return None


def _thinned(values: Floats, ball: WassersteinBall, cells: int) -> WassersteinBall:
    """The ball around the middles of at most `cells` groups of neighbours among (n,) values of its atoms."""
    order: Integers = np.argsort(values, kind="stable")
    starts = np.unique(np.arange(cells) * len(order) // cells)
    middles = (starts + np.append(starts[1:], len(order))) // 2
    weights = np.add.reduceat(ball.weights[order], starts)
    return WassersteinBall(values[order[middles]], radius=ball.radius, order=ball.order, weights=weights)
