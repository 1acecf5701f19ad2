"""From data to a certified robust fit: which method runs, and what is proven of its answer.

1. `label_cost <= 2 radius`: the coin, b = 0, in closed form.
2. The constant model, where its own dual point proves it optimal.
3. Log loss, norm 2, labels fixed, or no penalty: Newton's method. With labels that may flip its answer stands
   if no row would gain from a flip, since flips only add to the objective.
4. Everything else: the interior-point method.

The gap is relative to the objective, or to a millionth of that of the constant model if that is more.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.results import Solution, Status
from riskstats.wasserstein.robust_certificate import RowDual, dual_bound, dual_of_margins, feasible
from riskstats.wasserstein.robust_face import on_face
from riskstats.wasserstein.robust_interior import Cones, Program, State, follow_path, norm_cone
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_newton import newton
from riskstats.wasserstein.robust_problem import RobustProblem
from riskstats.wasserstein.robust_row_system import RowSystem

__all__ = ["RobustFit", "fit_rows", "null_pull", "status_of"]

_INNER = 1e-3
_IDLE = 3


@dataclass(frozen=True, eq=False)
class RobustFit(Solution):
    """theta : slopes, and the intercept last where there is one. steps : of the method that ran.

    value is the objective at theta and bound what no theta beats. allowed : the absolute gap asked for.
    """

    theta: Floats
    steps: int
    allowed: float

    @property
    def excess(self) -> float:
        """value - bound."""
        return max(self.value - self.bound, 0.0)


def status_of(value: float, bound: float, allowed: float, deadline: float) -> Status:
    """`OPTIMAL` within the gap allowed, else `TIME_LIMIT` or, short of it for another reason, `GAP`."""
    if value - bound <= allowed:
        return Status.OPTIMAL
    return Status.TIME_LIMIT if time.monotonic() > deadline else Status.GAP


def fit_rows(
    problem: RobustProblem, *, gap: float, deadline: float = math.inf, start: Floats | None = None
) -> RobustFit:
    """Minimise F and certify the minimum."""
    null = problem.null()
    level = problem.objective(null)
    if problem.labels_move and problem.label_cost <= 2.0 * problem.radius:
        return _answer(problem, np.zeros(problem.rows.p), 0, _coin(problem), gap, level, deadline)
    fixed = _null_dual(problem, problem.margins(null))
    if problem.radius > 0 and dual_bound(problem, fixed, null, level) >= level * (1.0 - 1e-14):
        return _answer(problem, null, 0, fixed, gap, level, deadline)
    if problem.loss.smooth and (problem.norm == 2 or problem.radius == 0):
        theta, steps = newton(_labels_fixed(problem), start, deadline)
        u = problem.margins(theta)
        if not problem.labels_move or u.max() <= problem.label_cost * problem.length(theta):
            dual = dual_of_margins(problem, u)
            return _answer(problem, theta, steps, _unflipped(problem, dual), gap, level, deadline)
        start = theta
    return _interior(problem, gap, level, deadline, start)


def _labels_fixed(problem: RobustProblem) -> RobustProblem:
    from dataclasses import replace

    return replace(problem, label_cost=math.inf) if problem.labels_move else problem


def _answer(
    problem: RobustProblem,
    theta: Floats,
    steps: int,
    dual: RowDual,
    gap: float,
    level: float,
    deadline: float,
) -> RobustFit:
    value = problem.objective(theta)
    reach = _known_reach(problem, theta, value) if problem.radius == 0 and problem.loss.smooth else None
    bound = min(dual_bound(problem, dual, theta, value, reach), value)
    allowed = gap * max(value, 1e-6 * level)
    return RobustFit(value, bound, status_of(value, bound, allowed, deadline), theta, steps, allowed)


def _known_reach(problem: RobustProblem, theta: Floats, value: float) -> float | None:
    """How long the slopes of a better unpenalised logistic model can be; `InvalidInput` where classes
    separate, None where columns depend on each other."""
    from riskstats.levelset.boundedness import coefficient_reach
    from riskstats.levelset.problem import ConvexProblem
    from riskstats.levelset.separability import separating_direction
    from riskstats.wasserstein.robust_rows import HostRows

    if not isinstance(problem.rows, HostRows):
        return None
    ridge_free = ConvexProblem.of(
        problem.rows.X,
        problem.sign,
        sample_weight=problem.weight,
        penalty=0.0,
        intercept=problem.intercept,
    )
    ordered = np.roll(theta, 1) if problem.intercept else theta
    reach = coefficient_reach(ridge_free, ordered, 0.0, value)[int(problem.intercept) :]
    if np.isfinite(reach).all():
        return float(np.linalg.norm(reach))
    if separating_direction(ridge_free) is not None:
        raise InvalidInput(
            "a linear rule separates the classes, so the log loss has no minimiser at radius 0. "
            "Pass a radius > 0."
        )
    return None


# ---- dual points known in closed form


def _coin(problem: RobustProblem) -> RowDual:
    """Every label flipped with probability 1/2."""
    n, half = len(problem.weight), 0.5 * problem.weight
    if problem.loss.smooth:
        return RowDual(np.full(n, 0.5), np.stack([half, half]))
    return RowDual(np.zeros(n), np.stack([np.zeros(n), half, half]))


def _unflipped(problem: RobustProblem, dual: RowDual) -> RowDual:
    if not problem.labels_move:
        return dual
    return RowDual(dual.miss, np.stack([problem.weight, np.zeros(len(problem.weight))]))


def _null_dual(problem: RobustProblem, u: Floats) -> RowDual:
    """The slopes of the loss at the constant model; at a kink those that balance the intercept."""
    weight, zero = problem.weight, np.zeros(len(u))
    if problem.loss.smooth:
        return _unflipped(problem, dual_of_margins(problem, u))
    if problem.loss.classifies:
        weights = np.zeros((len(problem.pieces.slope), len(u)))
        weights[1] = np.where(u <= 1.0, weight, 0.0)
        weights[0] = weight - weights[1]
        return RowDual(zero, weights)
    tied = u == 0.0
    surplus = float(weight @ np.sign(u))
    share = float(np.clip(-surplus / weight[tied].sum(), -1.0, 1.0)) if tied.any() else 0.0
    up = weight * np.where(tied, 0.5 * (1.0 + share), u > 0)
    return RowDual(zero, np.stack([up, weight - up]))


def null_pull(problem: RobustProblem) -> float:
    """The transport norm of the slopes at the constant model; with fixed labels b = 0 from that radius on."""
    u = problem.margins(problem.null())
    dual = feasible(problem, _null_dual(problem, u))
    return problem.pull(problem.rows.transposed(problem.sign * dual.slopes(problem)))


# ---- the interior-point method


def _interior(
    problem: RobustProblem, gap: float, level: float, deadline: float, start: Floats | None
) -> RobustFit:
    theta = _good_start(problem, start)
    search = _Search(problem, gap, level, theta)
    first = _first_state(problem, theta, search.program, 0.5 if start is None else 0.02)
    _, steps = follow_path(search.program, first, search.finished, deadline)
    search.polish()
    bound = min(search.below, search.above)
    status = status_of(search.above, bound, search.allowed, deadline)
    return RobustFit(search.above, bound, status, search.theta, steps, search.allowed)


def _good_start(problem: RobustProblem, start: Floats | None) -> Floats:
    """The best of `start`, or least squares on the targets with a little ridge, and the constant models."""
    candidates = [problem.null(), np.zeros(problem.rows.p)]
    if start is not None:
        candidates.insert(0, start)
    else:
        target = problem.sign if problem.loss.classifies else problem.offset
        gram = problem.rows.gram(problem.weight)
        gram[np.diag_indices(problem.d)] += 1e-3 * np.trace(gram) / len(gram)
        candidates.insert(0, Factor(gram).solve(problem.rows.transposed(problem.weight * target)))
    return min(candidates, key=problem.objective)


class _Search:
    """The best theta and the best bound so far; both are valid, whichever iterates they come from."""

    def __init__(self, problem: RobustProblem, gap: float, level: float, theta: Floats) -> None:
        self.problem, self.gap, self.level, self.theta = problem, gap, level, theta
        self.above, self.below = problem.objective(theta), 0.0
        self.idle = 0
        self.program = _program(problem, self.above)
        self.degree = self.program.cones.degree + len(problem.pieces.slope) * len(problem.weight)

    @property
    def allowed(self) -> float:
        return self.gap * max(self.above, 1e-6 * self.level)

    def finished(self, state: State, mu: float) -> bool:
        left = mu * self.degree
        if left > 1e-2 * self.above or state.rows is None:
            return False
        theta = state.x[: self.problem.rows.p]
        above = self.problem.objective(theta)
        if above <= self.above:
            self.theta, self.above = theta.copy(), above
        dual = RowSystem.dual_of(self.problem, state.rows)
        before = self.above - self.below
        self.below = max(self.below, dual_bound(self.problem, dual, self.theta, self.above))
        reached = self.above - self.below
        self.idle = self.idle + 1 if reached > 0.9 * before and reached <= self.allowed else 0
        return reached <= _INNER * self.allowed or self.idle >= _IDLE

    def polish(self) -> None:
        """Newton's method on the face where the loss is smooth; exact zeros where it is not."""
        problem = self.problem
        for constant in (problem.null(), np.zeros(problem.rows.p)):
            above = problem.objective(constant)
            if above <= self.above:
                self.theta, self.above = constant, above
        if not problem.loss.smooth or problem.labels_move or problem.radius == 0:
            return self._round_slopes()
        theta = on_face(problem, self.theta)
        u = problem.margins(theta)
        above = problem.objective(theta, u)
        if above <= self.above + 1e-2 * self.allowed:
            self.theta, self.above = theta, above
            self.below = max(self.below, dual_bound(problem, dual_of_margins(problem, u), theta, above))
        return None

    def _round_slopes(self) -> None:
        """Slopes that the l1 penalty drives to zero become zero, if the objective agrees."""
        if self.problem.penalty_norm != 1 or self.problem.radius == 0:
            return
        slopes = np.abs(self.theta[: self.problem.d])
        rounded = self.theta.copy()
        rounded[: self.problem.d][slopes < 1e-6 * slopes.max(initial=0.0)] = 0.0
        above = self.problem.objective(rounded)
        if above <= self.above + 1e-2 * self.allowed:
            self.theta, self.above = rounded, above


def _program(problem: RobustProblem, level: float) -> Program:
    p, d = problem.rows.p, problem.d
    if problem.radius == 0:
        return Program(np.zeros(p), np.zeros((0, p)), np.zeros(0), Cones(0), problem, level)
    size = p + 1 + (d if problem.penalty_norm == 1 else 0)
    A, cones = norm_cone(d, problem.penalty_norm, size, p)
    cost = np.zeros(size)
    cost[p] = problem.radius
    return Program(cost, A, np.zeros(len(A)), cones, problem, level)


def _first_state(problem: RobustProblem, theta: Floats, program: Program, share: float) -> State:
    """Centred, with a complementarity of about `share` of the objective."""
    u = problem.margins(theta)
    degree = program.cones.degree + len(problem.pieces.slope) * len(problem.weight)
    mu = share * max(problem.objective(theta, u), 1e-12) / degree
    x = np.zeros(len(program.cost))
    x[: len(theta)] = theta
    price = 0.0
    if problem.radius > 0:
        d, p = problem.d, problem.rows.p
        pad = program.cones.degree * mu / problem.radius
        x[p] = price = problem.price(theta, u) + pad
        x[p + 1 :] = np.abs(theta[:d])[: len(x) - p - 1] + 0.5 * pad / d
    s = program.A @ x
    rows = RowSystem.start(problem, theta, price, mu)
    return State(x, s, program.cones.centred_dual(s, mu), rows)
