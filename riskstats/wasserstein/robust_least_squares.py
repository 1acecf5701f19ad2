"""Robust least squares: the worst mean squared error over a ball of order 2 in which only x moves.

    sup E (Y - X'b - c)^2 = ( sqrt(MSE) + r ||b||_* )^2

It is attained: every x moves against its residual, in proportion to it. Rows are reduced to a triangle once,
so that a fit takes no further pass over them but the last, in which the dual point

    v = residual / ||residual||,  scaled to ||X'v||_q <= r        bound (y'v)^2

is recomputed from the data. Source: Blanchet, Kang and Murthy, "Robust Wasserstein profile inference and
applications to machine learning", Journal of Applied Probability 56 (2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.cost import dual_norm, vector_norm
from riskstats.wasserstein.robust_cones import Cones
from riskstats.wasserstein.robust_face import face
from riskstats.wasserstein.robust_fit import RobustFit, status_of
from riskstats.wasserstein.robust_interior import Program, State, follow_path, norm_cone
from riskstats.wasserstein.robust_linear import Factor

__all__ = ["LeastSquaresProblem", "fit_least_squares"]

_BLOCK = 4096
_INNER = 1e-2
_IDLE = 3


@dataclass(frozen=True, eq=False)
class LeastSquaresProblem:
    """X : (n, d), y : (n,), both centred where an intercept is fitted. weight : (n,) of sum 1."""

    X: Floats
    y: Floats
    weight: Floats
    radius: float
    norm: float = 2

    def at(self, radius: float) -> LeastSquaresProblem:
        """The same rows with another radius; the triangle is kept."""
        other = LeastSquaresProblem(self.X, self.y, self.weight, radius, self.norm)
        other.__dict__["triangle"] = self.triangle
        return other

    @property
    def penalty_norm(self) -> float:
        """The dual norm, of the slopes."""
        return dual_norm(self.norm)

    def length(self, slopes: Floats) -> float:
        """||b||_*."""
        return float(vector_norm(slopes, self.penalty_norm))

    def pull(self, force: Floats) -> float:
        """The transport norm."""
        return float(vector_norm(force, self.norm))

    @cached_property
    def triangle(self) -> tuple[Floats, Floats, float, float]:
        """(R, q, rho, s): sqrt(sum w (y - x'b)^2) = s sqrt(|q - R b / s|^2 + rho^2), s the size of y."""
        size = math.sqrt(float(self.weight @ self.y**2)) or 1.0
        root, d = np.sqrt(self.weight), self.X.shape[1]
        whole = np.zeros((0, d + 1))
        for start in range(0, len(self.y), max(_BLOCK, 4 * d)):
            part = slice(start, start + max(_BLOCK, 4 * d))
            rows = np.column_stack([self.X[part], self.y[part] / size]) * root[part, None]
            whole = np.asarray(np.linalg.qr(np.vstack([whole, rows]), mode="r"))
        rest = abs(float(whole[d, d])) if len(whole) > d else 0.0
        return whole[:d, :d], whole[:d, d], rest, size

    def root_error(self, slopes: Floats) -> float:
        """sqrt(MSE), from the rows."""
        return math.sqrt(float(self.weight @ (self.y - self.X @ slopes) ** 2))

    def objective(self, slopes: Floats) -> float:
        """(sqrt(MSE) + r ||b||_*)^2, from the rows."""
        return (self.root_error(slopes) + self.radius * self.length(slopes)) ** 2


def fit_least_squares(
    problem: LeastSquaresProblem, *, gap: float, deadline: float = math.inf, start: Floats | None = None
) -> RobustFit:
    """Minimise the robust mean squared error and certify the minimum; theta holds the slopes."""
    level = problem.objective(np.zeros(problem.X.shape[1]))
    slopes, steps, reduced = _minimum(problem, gap, deadline, start)
    value = problem.objective(slopes)
    allowed = gap * max(value, 1e-6 * level)
    bound = min(_bound_from_rows(problem, slopes), value)
    if value - bound > allowed:
        bound = min(max(bound, reduced), value)
    return RobustFit(value, bound, status_of(value, bound, allowed, deadline), slopes, steps, allowed)


def _minimum(
    problem: LeastSquaresProblem, gap: float, deadline: float, start: Floats | None
) -> tuple[Floats, int, float]:
    """(slopes, steps, bound in the triangle)."""
    R, q, rho, size = problem.triangle
    if problem.radius == 0.0:
        slopes = np.asarray(np.linalg.lstsq(R, q, rcond=None)[0])
        return slopes * size, 0, _projected(R, q - R @ slopes, rho) * size**2
    whole = math.hypot(float(np.linalg.norm(q)), rho)
    if whole == 0.0 or problem.pull(R.T @ q) <= problem.radius * whole:
        return np.zeros(R.shape[1]), 0, (whole * size) ** 2
    search = _Search(problem, gap, _ridge_start(problem) if start is None else start / size)
    _, steps = follow_path(search.program, search.first_state(), search.finished, deadline)
    search.polish()
    return search.slopes * size, steps, max(search.below, 0.0) ** 2 * size**2


def _ridge_start(problem: LeastSquaresProblem) -> Floats:
    """The ridge solution with the smallest robust objective: near enough that the first steps are long."""
    R, q, rho, _ = problem.triangle
    left, values, right = np.linalg.svd(R, full_matrices=False)
    along = left.T @ q
    best, least = np.zeros(R.shape[1]), math.inf
    for share in np.logspace(-12, 4, 33):
        slopes = right.T @ (along * values / (values**2 + share * values[0] ** 2))
        error = math.hypot(float(np.linalg.norm(q - R @ slopes)), rho)
        value = error + problem.radius * problem.length(slopes)
        if value < least:
            best, least = slopes, value
    return np.asarray(best)


def _projected(R: Floats, residual: Floats, rho: float) -> float:
    """The squared residual less what the columns could still explain of it."""
    rest = residual - R @ np.linalg.lstsq(R, residual, rcond=None)[0]
    return float(rest @ rest) + rho**2


def _bound_from_rows(problem: LeastSquaresProblem, slopes: Floats) -> float:
    """The dual bound of the residual direction, recomputed from the rows; 0 where there is no residual."""
    residual = problem.y - problem.X @ slopes
    size = math.sqrt(float(problem.weight @ residual**2))
    if size == 0.0:
        return 0.0
    direction = problem.weight * residual / size
    pull = problem.pull(direction @ problem.X)
    share = 1.0 if pull <= problem.radius else problem.radius / pull
    return max(share * float(direction @ problem.y), 0.0) ** 2


class _Search:
    """The best slopes and the best bound so far, of the root of the objective and in units of y's size."""

    def __init__(self, problem: LeastSquaresProblem, gap: float, slopes: Floats) -> None:
        self.problem, self.gap, self.slopes = problem, gap, slopes
        self.R, self.q, self.rho, _ = problem.triangle
        self.above, self.below, self.idle = self.root(slopes), -math.inf, 0
        d = len(slopes)
        self.size = d + 2 + (d if problem.penalty_norm == 1 else 0)
        A, cones = norm_cone(d, problem.penalty_norm, self.size, d)
        ball = np.zeros((len(self.q) + 2, self.size))
        ball[0, -1], ball[1:-1, :d] = 1.0, self.R
        h = np.concatenate([np.zeros(len(A) + 1), -self.q, [self.rho]])
        cost = np.zeros(self.size)
        cost[d], cost[-1] = problem.radius, 1.0
        both = Cones(cones.orthant, (*cones.second_order, len(ball)))
        self.program = Program(cost, np.vstack([A, ball]), h, both)
        self.balls = slice(len(A), len(A) + len(ball))

    def root(self, slopes: Floats) -> float:
        return self.error(slopes) + self.problem.radius * self.problem.length(slopes)

    def error(self, slopes: Floats) -> float:
        return math.hypot(float(np.linalg.norm(self.q - self.R @ slopes)), self.rho)

    def first_state(self) -> State:
        d, x = len(self.slopes), np.zeros(self.size)
        mu = 0.1 * self.above / self.program.cones.degree
        pad = self.program.cones.degree * mu / self.problem.radius
        x[:d] = self.slopes
        x[d + 1 : -1] = np.abs(self.slopes)[: self.size - d - 2] + 0.5 * pad / d
        x[d], x[-1] = self.problem.length(self.slopes) + pad, self.error(self.slopes) + mu
        s = self.program.A @ x + self.program.h
        return State(x, s, self.program.cones.centred_dual(s, mu), None)

    def finished(self, state: State, mu: float) -> bool:
        slopes = state.x[: len(self.slopes)]
        z = state.z[self.balls]
        before = self.above - self.below
        self.consider(slopes)
        self.bound(z[1:-1], -z[-1])
        reached, allowed = self.above - self.below, 0.5 * self.gap * max(self.above, 1e-3)
        self.idle = self.idle + 1 if reached > 0.9 * before and reached <= allowed else 0
        return reached <= _INNER * allowed or self.idle >= _IDLE

    def consider(self, slopes: Floats) -> None:
        above = self.root(slopes)
        if above <= self.above:
            self.slopes, self.above = slopes.copy(), above
        error = self.error(slopes)
        if error > 0:
            self.bound((self.q - self.R @ slopes) / error, self.rho / error)

    def bound(self, v: Floats, v_rest: float) -> None:
        """Scale a dual point into its two balls and take its value."""
        size = max(math.hypot(float(np.linalg.norm(v)), v_rest), 1.0)
        pull = self.problem.pull(self.R.T @ v)
        share = min(1.0 / size, self.problem.radius / pull if pull > 0 else math.inf)
        value = share * (float(v @ self.q) + v_rest * self.rho)
        self.below = max(self.below, value) if math.isfinite(value) else self.below

    def polish(self) -> None:
        """Newton steps where the objective is smooth: around b != 0, or on a face, and a positive error."""
        norm = self.problem.penalty_norm
        basis, slope = (np.eye(len(self.slopes)), None) if norm == 2 else face(self.slopes, norm)
        beta, size = basis.T @ self.slopes / (basis**2).sum(axis=0), math.inf
        for _ in range(6):
            if not self.error(basis @ beta) > 1e-9 or not np.any(beta):
                return
            direction, decrement = self._newton(basis, slope, beta)
            if not 0 < decrement < 0.5 * size:
                return
            beta, size = beta + direction, decrement
            if self.root(basis @ beta) <= self.above * (1.0 + 1e-14):
                self.above = math.inf
            self.consider(basis @ beta)

    def _newton(self, basis: Floats, slope: Floats | None, beta: Floats) -> tuple[Floats, float]:
        radius, rows = self.problem.radius, self.R @ basis
        error = self.error(basis @ beta)
        lean = rows.T @ (rows @ beta - self.q) / error
        hessian = (rows.T @ rows - np.outer(lean, lean)) / error
        gradient = lean + radius * slope if slope is not None else lean
        if slope is None:
            length = float(np.linalg.norm(beta))
            gradient = gradient + radius * beta / length
            hessian += radius / length * (np.eye(len(beta)) - np.outer(beta, beta) / length**2)
        direction = Factor(hessian).solve(-gradient)
        return direction, float(-gradient @ direction)
