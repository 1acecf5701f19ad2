"""Functions of the user: what a Lipschitz constant proves, and no more.

In an interval. The points of a grid stand for cells: in the cell of s the function is at most ``f(s) + L e``,
with e the reach of the cell, and a move there costs at least the distance to the cell. That bounds every law;
moving to the points themselves gives a law of the set. The gap between the two is reported.

Without a support. ``E f`` moves by at most ``sum_j L_j r_j`` from its worst value over couplings of the
references (Kantorovich and Rubinstein), and a finite set of targets gives a law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.finite import FiniteSupport, affordable
from riskstats.wasserstein.program import ProgramAnswer, solve_program
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sorted_finite import FiniteInner
from riskstats.wasserstein.sorted_route import sorted_case
from riskstats.wasserstein.verified import Proposal, verified

__all__ = ["GridEnclosure", "lipschitz_case"]

_WORK = 2e6  # targets tried for each atom of one reference
_REACH = 4.0


def lipschitz_case(asked: Asked) -> WorstCase:
    """An enclosure from a Lipschitz constant; `InvalidInput` where none is known."""
    constants = asked.functional.lipschitz_within(asked.box)
    if constants is None or not np.isfinite(constants).all():
        where = "in an interval" if asked.within is not None else "without a support"
        raise InvalidInput(
            f"{asked.functional.describe()} has no Lipschitz constant {where}, so nothing can be proven. "
            "Declare "
            "`lipschitz=`, or pass the points of a finite set as `support=`."
        )
    if asked.within is not None:
        return _by_grid(asked, constants)
    return _without_support(asked, constants)


def _by_grid(asked: Asked, constants: tuple[float, ...]) -> WorstCase:
    cells = _cells(asked.balls)
    grids = tuple(
        _grid(ball.points[:, 0], box, cells) for ball, box in zip(asked.balls, asked.box, strict=True)
    )
    enclosed = GridEnclosure(asked, constants, grids)
    if len(asked.balls) == 2 and asked.functional.coupling(asked.sign):
        return sorted_case(asked, FiniteInner(enclosed.points, enclosed.cells))
    found = solve_program(enclosed, gap=0.5 * asked.gap, time_limit=asked.time_limit)
    return verified(asked, _proposal(found, found.enclosure.upper, "grid enclosure", len(asked.balls)))


def _cells(balls: tuple[WassersteinBall, ...]) -> int:
    """How many cells an interval is cut into: fewer for two outcomes and for many atoms."""
    if len(balls) == 1:
        return 1500
    return int(np.clip(np.sqrt(_WORK / len(balls[0].weights)), 20, 120))


def _without_support(asked: Asked, constants: tuple[float, ...]) -> WorstCase:
    """The worst value of the references, and what moving can add."""
    d = len(asked.balls)
    still = FiniteSupport(
        tuple(ball.at(0.0) for ball in asked.balls),
        tuple(ball.points for ball in asked.balls),
        _signed(asked),
    )
    reference = solve_program(still, gap=0.1 * asked.gap, time_limit=asked.time_limit).enclosure.upper
    upper = reference + sum(c * ball.radius for c, ball in zip(constants, asked.balls, strict=True))
    cells = _cells(asked.balls)
    sets = tuple(_targets(ball.points, ball.radius, cells) for ball in asked.balls)
    found = solve_program(
        FiniteSupport(asked.balls, sets, _signed(asked)), gap=0.1 * asked.gap, time_limit=asked.time_limit
    )
    proposal = _proposal(found, upper, "Lipschitz bound", d, constants if asked.order == 1 else None)
    return verified(asked, proposal)


def _proposal(
    found: ProgramAnswer, upper: float, route: str, d: int, multiplier: tuple[float, ...] | None = None
) -> Proposal:
    columns, weights = found.columns, found.weights
    assert columns is not None
    assert weights is not None
    sources = np.column_stack([columns.first, columns.second])[:, :d]
    status = found.status if found.status is Status.TIME_LIMIT else None
    return Proposal(weights, sources, columns.targets, upper, route, multiplier, False, status)


def _signed(asked: Asked) -> Callable[..., Floats]:
    def function(*targets: Floats) -> Floats:
        return asked.sign * asked.functional(*targets)

    return function


def _grid(atoms: Floats, box: tuple[float, float], cells: int) -> Floats:
    """(S, 1) points of an interval: even ones, and the atoms inside where they are few."""
    even = np.linspace(*box, cells)
    few = np.clip(atoms, *box) if len(atoms) <= cells else even[:1]
    return np.unique(np.append(even, few))[:, np.newaxis]


def _targets(points: Floats, radius: float, cells: int) -> Floats:
    """Atoms, and for numbers an even grid around them."""
    if points.shape[1] > 1 or radius == 0:
        return points
    low, high = points.min() - _REACH * radius, points.max() + _REACH * radius
    grid = _grid(points[:, 0], (float(low), float(high)), cells)
    return np.unique(np.concatenate([grid, points]), axis=0)


@dataclass(frozen=True, eq=False)
class GridEnclosure:
    """Upper bounds of the inner suprema from the cells of a grid, and columns at its points."""

    asked: Asked
    constants: tuple[float, ...]
    grids: tuple[Floats, ...]
    exact: bool = False

    @cached_property
    def points(self) -> FiniteSupport:
        return FiniteSupport(self.asked.balls, self.grids, _signed(self.asked))

    @cached_property
    def cells(self) -> _Cells:
        return _Cells(self.asked.balls, self.grids, _signed(self.asked), True, self.constants)

    @property
    def first(self) -> Floats:
        """Weights of the first reference."""
        return self.points.first

    @property
    def second(self) -> Floats:
        """Weights of the second reference."""
        return self.points.second

    @property
    def budget(self) -> Floats:
        """(d,)"""
        return self.points.budget

    @property
    def recession(self) -> Floats:
        """Intervals have no infinity."""
        return self.points.recession

    @property
    def safe(self) -> Floats:
        """Upper bounds are finite at all prices."""
        return np.ones(len(self.budget))

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """(upper bounds (n, m), the best grid points)."""
        return self.cells.at(multiplier)[0], self.points.at(multiplier)[1]

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The atoms themselves, or the nearest points of their intervals."""
        n, m, d = len(self.first), len(self.second), len(self.asked.balls)
        places = np.column_stack([np.repeat(np.arange(n), m), np.tile(np.arange(m), n)])
        ends = FiniteInner(self.points, self.cells).still(places[:, :d])
        costs = np.column_stack(
            [
                np.abs(end - ball.points[places[:, j]])[:, 0] ** ball.order
                for j, (end, ball) in enumerate(zip(ends, self.asked.balls, strict=True))
            ]
        )
        value = self.asked.sign * self.asked.functional(*ends)
        return (costs @ multiplier).reshape(n, m), Columns(
            places[:, 0], places[:, 1], tuple(ends), value, costs
        )


@dataclass(frozen=True, eq=False)
class _Cells(FiniteSupport):
    """Cells instead of points: costs to the nearest end, values plus what a Lipschitz f gains inside."""

    constants: tuple[float, ...] = ()

    @cached_property
    def _ends(self) -> list[tuple[Floats, Floats]]:
        found = []
        for support in self.supports:
            s = support[:, 0]
            middle = 0.5 * (s[1:] + s[:-1])
            found.append((np.append(s[0], middle), np.append(middle, s[-1])))
        return found

    @cached_property
    def costs(self) -> list[Floats]:
        costs = [
            affordable(ball, np.abs(np.clip(ball.points, low, high) - ball.points) ** ball.order)
            for ball, (low, high) in zip(self.balls, self._ends, strict=True)
        ]
        return costs if len(costs) == 2 else [*costs, np.zeros((1, 1))]

    @cached_property
    def table(self) -> Floats:
        table = FiniteSupport(self.balls, self.supports, self.function).table
        for axis, (support, constant, (low, high)) in enumerate(
            zip(self.supports, self.constants, self._ends, strict=True)
        ):
            reach = constant * np.maximum(high - support[:, 0], support[:, 0] - low)
            table = table + (reach[:, np.newaxis] if axis == 0 else reach[np.newaxis])
        return table
