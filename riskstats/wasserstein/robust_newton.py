"""Newton's method for a smooth loss with a Euclidean penalty: mean loss + r ||b||_2, or no penalty at all.

b = 0 is optimal exactly when the transport norm of the gradient there is at most r. Elsewhere the objective
is smooth, with r (I - b b' / ||b||^2) / ||b|| as Hessian of the penalty. Large data are first solved on every
k-th row, which leaves two or three steps for all of them.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_problem import RobustProblem
from riskstats.wasserstein.robust_rows import HostRows

__all__ = ["newton", "null_is_best"]

_STEPS = 100
_HALVINGS = 60
_SAMPLE = 20_000


def null_is_best(problem: RobustProblem, theta: Floats) -> bool:
    """Whether no slopes beat the constant model `theta`: its gradient is within the ball of radius r."""
    return problem.pull(_gradient(problem, problem.margins(theta))) <= problem.radius


def newton(
    problem: RobustProblem, start: Floats | None = None, deadline: float = math.inf
) -> tuple[Floats, int]:
    """(theta, steps on all rows) for norm 2 and labels that do not move."""
    null = problem.null()
    if problem.radius > 0 and null_is_best(problem, null):
        return null, 0
    if start is None or not problem.length(start) > 0:
        start = _thinned_start(problem, null, deadline)
    theta = start if start is not None else _first_step(problem, null)
    return _minimise(problem, theta, deadline)


def _thinned_start(problem: RobustProblem, null: Floats, deadline: float) -> Floats | None:
    """The solution on every k-th row; None where there are few rows, or it has no slopes."""
    stride = problem.rows.n // _SAMPLE
    rows = problem.rows
    if stride < 2 or not isinstance(rows, HostRows):
        return None
    part = slice(0, None, stride)
    weight = problem.weight[part]
    sign = problem.sign[part]
    if not (weight[sign > 0].any() and weight[sign < 0].any()):
        return None
    thinned = replace(
        problem,
        rows=HostRows(rows.X[part], rows.intercept),
        sign=sign,
        offset=problem.offset[part],
        weight=weight / weight.sum(),
    )
    theta, _ = newton(thinned, None, deadline)
    return theta if thinned.length(theta) > 0 else None


def _gradient(problem: RobustProblem, u: Floats) -> Floats:
    """Of the mean loss."""
    slope = problem.loss.smooth_terms(u)[1]
    return problem.rows.transposed(problem.sign * problem.weight * slope)


def _first_step(problem: RobustProblem, null: Floats) -> Floats:
    """Down the gradient from the constant model to the minimum of the quadratic model."""
    u = problem.margins(null)
    _, slope, curvature = problem.loss.smooth_terms(u)
    gradient = problem.rows.transposed(problem.sign * problem.weight * slope)
    direction = np.zeros_like(null)
    direction[: problem.d] = -gradient[: problem.d] / max(problem.pull(gradient), np.finfo(float).tiny)
    bend = float(problem.weight @ (curvature * problem.rows.times(direction) ** 2))
    drop = problem.pull(gradient) - problem.radius
    return np.asarray(null + direction * (drop / bend if bend > 0 else 0.0))


def _derivatives(problem: RobustProblem, theta: Floats, u: Floats) -> tuple[Floats, Floats]:
    """(gradient, Hessian) of the objective."""
    _, slope, curvature = problem.loss.smooth_terms(u)
    gradient = problem.rows.transposed(problem.sign * problem.weight * slope)
    hessian = problem.rows.gram(problem.weight * curvature)
    length, d = problem.length(theta), problem.d
    if problem.radius > 0 and length > 0:
        unit = theta[:d] / length
        gradient[:d] += problem.radius * unit
        hessian[:d, :d] += problem.radius / length * (np.eye(d) - np.outer(unit, unit))
    return gradient, hessian


def _minimise(problem: RobustProblem, theta: Floats, deadline: float) -> tuple[Floats, int]:
    """Newton with Armijo steps; at the end full steps while the decrement falls, as F is flat to rounding."""
    u = problem.margins(theta)
    value = problem.objective(theta, u)
    smallest = math.inf
    for step in range(_STEPS):
        gradient, hessian = _derivatives(problem, theta, u)
        direction = Factor(hessian).solve(-gradient)
        decrement = float(-gradient @ direction)
        close = decrement <= 1e-10 * value
        if (close and (decrement >= 0.25 * smallest or decrement <= 1e-28 * value)) or not decrement > 0:
            return theta, step
        smallest = min(smallest, decrement) if close else smallest
        change = problem.sign * problem.rows.times(direction)
        length = 1.0 if close else _armijo(problem, theta, direction, u, change, value, decrement)
        if length == 0.0 or time.monotonic() > deadline:
            return theta, step
        theta, u = theta + length * direction, u + length * change
        value = problem.objective(theta, u)
    return theta, _STEPS


def _armijo(
    problem: RobustProblem,
    theta: Floats,
    direction: Floats,
    u: Floats,
    change: Floats,
    value: float,
    decrement: float,
) -> float:
    length = 1.0
    for _ in range(_HALVINGS):
        moved = problem.objective(theta + length * direction, u + length * change)
        if moved <= value - 1e-4 * length * decrement:
            return length
        length *= 0.5
    return 0.0
