"""The best model and the certified interval of its loss: Newton's method with Armijo steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.boundedness import coefficient_reach
from riskstats.levelset.certificate import centred_margins, dual_below, objective_above, pull_product
from riskstats.levelset.problem import ConvexProblem

__all__ = ["Baseline", "fit_baseline", "newton_direction"]

_HALVINGS = 60


@dataclass(frozen=True, eq=False)
class Baseline:
    """The minimiser as found, with ``below <= min F <= F(theta) <= above`` in exact arithmetic.

    theta : (p,), the intercept first where there is one. hessian : (p, p) at theta. steps : Newton steps.
    """

    theta: Floats
    below: float
    above: float
    hessian: Floats
    steps: int

    @property
    def gap(self) -> float:
        """above - below, in nats for the log loss."""
        return self.above - self.below


def fit_baseline(problem: ConvexProblem, max_iter: int = 100) -> Baseline:
    """Minimise F and certify the minimum by the dual at the solution.

    Both losses are never negative, so `below` is 0 where no dual bound exists (no penalty and a Hessian too
    ill-conditioned).
    """
    theta, steps = _minimise(problem, max_iter)
    precise = problem.precise
    margins, none, below = precise.design @ theta, np.zeros(problem.p), 0.0
    above = float(objective_above(precise, theta, margins))
    balanced = centred_margins(precise, margins, none)
    for _ in range(2):
        reach = coefficient_reach(problem, theta, below, above)
        below = max(below, float(dual_below(precise, balanced, none, reach).below))
    return Baseline(theta, below, above, problem.derivatives(theta)[2], steps)


def newton_direction(hessian: Floats, gradient: Floats) -> Floats:
    """-H^-1 g with columns scaled to unit diagonal; a tiny ridge where H is singular to rounding."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(hessian), np.finfo(float).tiny))
    scaled = hessian * scale * scale[:, None]
    ridge = 0.0
    while ridge < 1.0:
        try:
            root = np.linalg.cholesky(scaled + ridge * np.eye(len(scaled)))
            break
        except np.linalg.LinAlgError:
            ridge = max(100.0 * ridge, 1e-15)
    else:
        return -scale * scale * gradient
    return -scale * np.linalg.solve(root.T, np.linalg.solve(root, scale * gradient))


def _minimise(problem: ConvexProblem, max_iter: int) -> tuple[Floats, int]:
    """Newton until the loss no longer falls; the last step is kept only if the gradient falls with it."""
    theta = np.zeros(problem.p)
    objective, gradient, hessian = problem.derivatives(theta)
    for step in range(max_iter):
        direction = newton_direction(hessian, gradient)
        decrement = float(-gradient @ direction)
        if decrement <= 1e-12 * objective:
            return _polished(problem, theta, hessian), step
        length = 1.0
        for _ in range(_HALVINGS):
            moved = theta + length * direction
            if float(problem.objective(moved)) <= objective - 1e-4 * length * decrement:
                break
            length *= 0.5
        else:
            return theta, step
        theta = moved
        objective, gradient, hessian = problem.derivatives(theta)
    return theta, max_iter


def _polished(problem: ConvexProblem, theta: Floats, hessian: Floats) -> Floats:
    """Up to three full steps while the Newton decrement falls, gradients in longer numbers: the loss is flat
    to rounding by now."""
    gradient = _precise_gradient(problem, theta)
    direction = newton_direction(hessian, gradient)
    size = float(-gradient @ direction)
    for _ in range(3):
        moved = theta + direction
        gradient = _precise_gradient(problem, moved)
        direction = newton_direction(hessian, gradient)
        smaller = float(-gradient @ direction)
        if not smaller < 0.5 * size:
            break
        theta, size = moved, smaller
    return theta


def _precise_gradient(problem: ConvexProblem, theta: Floats) -> Floats:
    precise = problem.precise
    _, slope, _ = precise.loss.terms(precise.design @ theta, precise.target)
    return np.asarray(pull_product(precise, slope) + precise.ridge * theta, dtype=np.float64)
