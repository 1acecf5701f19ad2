"""A primal-dual interior-point method for robust fits: many rows, eliminated, and a few small cones.

    min  cost'x + sum_i row_i(x'theta, l)      subject to      A x + h in K

Mehrotra's predictor and corrector with Nesterov-Todd scaling; one factorisation of the size of x per step.
The start is strictly feasible and every step stays so, hence only the dual residual has to vanish. Where the
rows are curved a step is halved until the residual falls. Nothing here is believed: the caller certifies
every iterate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.robust_cones import Cones, Scaling
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_problem import RobustProblem
from riskstats.wasserstein.robust_row_system import RowState, RowSystem

__all__ = ["Program", "State", "follow_path", "norm_cone"]

_STEPS = 100
_HALVINGS = 12


@dataclass(frozen=True, eq=False)
class Program:
    """cost, A, h and K; `rows` act on the first p + 1 variables (theta, l), on p of them where there is no l.

    level : the size of the objective; what is 1e-12 of it is rounding.
    """

    cost: Floats
    A: Floats
    h: Floats
    cones: Cones
    rows: RobustProblem | None = None
    level: float = 1.0

    @property
    def reach(self) -> int:
        """Number of leading variables that rows act on."""
        return 0 if self.rows is None else min(self.rows.rows.p + 1, len(self.cost))


@dataclass(frozen=True, eq=False)
class State:
    """x, the slacks s = A x + h, their duals z, and the state of the rows.

    Slacks are carried along, not recomputed: they end up smaller than the rounding of A x.
    """

    x: Floats
    s: Floats
    z: Floats
    rows: RowState | None


def norm_cone(d: int, norm: float, size: int, length: int) -> tuple[Floats, Cones]:
    """(A, K) of ``||x[:d]|| <= x[length]``; norm 1 uses the d variables after `length`."""
    unit = np.eye(size)
    slopes, top = unit[:d], unit[length]
    if norm == 2:
        return np.vstack([top, slopes]), Cones(0, (d + 1,))
    if norm == math.inf:
        return np.vstack([top - slopes, top + slopes]), Cones(2 * d)
    sizes = unit[length + 1 : length + 1 + d]
    return np.vstack([sizes - slopes, sizes + slopes, top - sizes.sum(axis=0)]), Cones(2 * d + 1)


class _Step:
    """Everything at one state that predictor and corrector share."""

    def __init__(self, program: Program, state: State) -> None:
        self.program, self.state = program, state
        self.scaling = Scaling.at(program.cones, state.s, state.z)
        self.lam = self.scaling.times(state.z)
        self.scaled_A = self.scaling.inverse_times(program.A)
        self.rows = (
            None if state.rows is None or program.rows is None else RowSystem(program.rows, state.rows)
        )
        self.gradient = program.cost - program.A.T @ state.z
        matrix = self.scaled_A.T @ self.scaled_A
        if self.rows is not None:
            reach = program.reach
            self.gradient[:reach] += self.rows.gradient()[:reach]
            matrix[:reach, :reach] += self.rows.matrix()[:reach, :reach]
        self.factor = Factor(matrix)

    def direction(self, row_target: Any, cone_target: Floats) -> tuple[Floats, Floats, Floats, Any]:
        """(dx, ds, dz, row change) towards slack * dual + changes = target, in scaled terms for the cones."""
        program, reach = self.program, self.program.reach
        aim = program.cones.quotient(self.lam, cone_target)
        right = -self.gradient + self.scaled_A.T @ aim
        if self.rows is not None:
            right[:reach] -= self.rows.right_side(row_target)[:reach]
        dx = self.factor.solve(right)
        ds = program.A @ dx
        dz = self.scaling.inverse_times(aim - self.scaling.inverse_times(ds))
        change = None
        if self.rows is not None:
            full = np.zeros(self.rows.problem.rows.p + 1)
            full[:reach] = dx[:reach]
            change = self.rows.change(full, row_target)
        return dx, ds, dz, change

    def longest(self, move: tuple[Floats, Floats, Floats, Any]) -> float:
        _, ds, dz, change = move
        cones, state = self.program.cones, self.state
        step = min(cones.longest_step(state.s, ds), cones.longest_step(state.z, dz))
        return step if change is None or state.rows is None else min(step, state.rows.longest_step(change))

    def least_mu(self) -> float:
        """What mu must not fall below: with curved rows the dual residual vanishes slowly, and mu waits."""
        program = self.program
        if program.rows is None or not program.rows.loss.smooth:
            return 0.0
        residual = float(self.gradient @ self.factor.solve(self.gradient))
        return 0.1 * max(residual, 0.0) / degree(program, self.state)

    def corrected(self, fraction: float = 0.995) -> tuple[tuple[Floats, Floats, Floats, Any], float]:
        """Mehrotra's direction and how far it may go."""
        cones, rows = self.program.cones, self.state.rows
        mu = complementarity(self.program, self.state)
        pair = 0.0 if rows is None else rows.slack * rows.weights
        square = cones.product(self.lam, self.lam)
        ahead = self.direction(-pair, -square)
        reach = min(self.longest(ahead), 1.0)
        centring = max((1.0 - reach) ** 3 * mu, self.least_mu())
        _, ds, dz, change = ahead
        bend = reach**2 * cones.product(self.scaling.inverse_times(ds), self.scaling.times(dz))
        row_target = centring - pair - (0.0 if change is None else reach**2 * change.slack * change.weights)
        move = self.direction(row_target, centring * cones.identity - square - bend)
        return move, min(1.0, fraction * self.longest(move))

    def moved(self, move: tuple[Floats, Floats, Floats, Any], step: float) -> State:
        dx, ds, dz, change = move
        state = self.state
        rows = None if state.rows is None else state.rows.moved(change, step)
        return State(state.x + step * dx, state.s + step * ds, state.z + step * dz, rows)


def degree(program: Program, state: State) -> int:
    """The number of complementary pairs, at least 1."""
    return max(program.cones.degree + (0 if state.rows is None else state.rows.slack.size), 1)


def complementarity(program: Program, state: State) -> float:
    """mu, the mean product of a slack and its dual."""
    total = float(state.s @ state.z) + (0.0 if state.rows is None else state.rows.complementarity)
    return total / degree(program, state)


def follow_path(
    program: Program,
    start: State,
    finished: Callable[[State, float], bool],
    deadline: float = math.inf,
) -> tuple[State, int]:
    """Steps until `finished(state, mu)`, the deadline, or no step helps; (last state, steps)."""
    state = start
    with np.errstate(all="ignore"):
        for count in range(_STEPS):
            if finished(state, complementarity(program, state)) or time.monotonic() > deadline:
                return state, count
            following = _next(program, state)
            if following is None:
                return state, count
            state = following
    return state, _STEPS


def _next(program: Program, state: State) -> State | None:
    """The next state, or None where rounding leaves nothing to gain."""
    try:
        step = _Step(program, state)
        move, length = step.corrected()
    except (np.linalg.LinAlgError, ValueError):
        return None
    curved = program.rows is not None and program.rows.loss.smooth
    for _ in range(_HALVINGS):
        if not length > 1e-10:
            return None
        ahead = step.moved(move, length)
        if _usable(program, ahead) and (not curved or _falls(program, step, ahead, length)):
            return ahead
        length *= 0.5
    return None


def _usable(program: Program, state: State) -> bool:
    return (
        bool(np.isfinite(state.x).all()) and program.cones.inside(state.s) and program.cones.inside(state.z)
    )


def _falls(program: Program, step: _Step, ahead: State, length: float) -> bool:
    """Whether the dual residual falls, or is small beside the complementarity; both in units of the value."""
    gradient = program.cost - program.A.T @ ahead.z
    if ahead.rows is not None and program.rows is not None:
        gradient[: program.reach] += RowSystem(program.rows, ahead.rows).gradient()[: program.reach]
    size, before = (float(g @ step.factor.solve(g)) for g in (gradient, step.gradient))
    small = max(complementarity(program, ahead) * degree(program, ahead), 1e-12 * program.level)
    return size <= max((1.0 - 0.1 * length) * before, small)
