"""Hard directions: the path of minimisers ``theta(t) = argmin F(theta) - t q'theta`` and the t that meets
the limit.

F(theta(t)) rises with t from min F. The root of F(theta(t)) = limit is bracketed, then found by Newton's
method on log t, whose slope is known: d log(F - min F) / d log t = t^2 q'H^-1 q / (F - min F). Each inner
problem is convex and unconstrained, so Newton's method with Armijo steps cannot fail where the direct
iteration of `support` does.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.baseline import newton_direction
from riskstats.levelset.support import Lanes

if TYPE_CHECKING:
    from riskstats.levelset.level_set import LevelSet
    from riskstats.levelset.problem import ConvexProblem

__all__ = ["along_multipliers"]

_ROOT_STEPS = 60
_INNER_STEPS = 200


def along_multipliers(
    level_set: LevelSet, lanes: Lanes, gap_tolerance: float, max_iter: int, deadline: float
) -> Lanes:
    """Solve each lane by itself; lanes left at the deadline come back as they are."""
    theta, t = lanes.theta.copy(), lanes.t.copy()
    start = level_set.kernel.start(lanes.directions, level_set.outer_limit - level_set.baseline.above)
    for lane, q in enumerate(lanes.directions):
        if time.perf_counter() > deadline:
            break
        theta[lane], t[lane] = _one(level_set, q, float(start.t[lane]), gap_tolerance, max_iter)
    return Lanes(lanes.directions, theta, t, np.zeros(len(t)))


def _one(
    level_set: LevelSet, q: Floats, t: float, gap_tolerance: float, max_iter: int
) -> tuple[Floats, float]:
    """The root in log t: Newton inside a bracket, bisection where it leaves it."""
    problem, limit, best = level_set.problem, level_set.inner_limit, level_set.baseline.above
    theta = level_set.baseline.theta
    low, high = -math.inf, math.inf
    log_t = math.log(t)
    for _ in range(min(_ROOT_STEPS, max_iter)):
        t = math.exp(log_t)
        theta, objective, curvature = _pulled_minimum(problem, q, t, theta)
        if abs(limit - objective) / t <= 0.1 * gap_tolerance:
            break
        if objective > limit:
            high = log_t
        else:
            low = log_t
        rise = max(objective - best, 1e-300)
        slope = t * t * curvature / rise
        step = math.log((limit - best) / rise) / slope if slope > 0 else math.inf
        new = log_t + min(max(step, -3.0), 3.0)
        if not low < new < high:
            if math.isinf(low) or math.isinf(high):
                new = log_t + (1.0 if math.isinf(high) else -1.0)
            else:
                new = 0.5 * (low + high)
        if new == log_t:
            break
        log_t = new
    return theta, t


def _pulled_minimum(
    problem: ConvexProblem, q: Floats, t: float, theta: Floats
) -> tuple[Floats, float, float]:
    """argmin F - t q'theta from `theta`, F there, and q'H^-1 q."""
    objective, gradient, hessian = problem.derivatives(theta)
    for _ in range(_INNER_STEPS):
        residual = gradient - t * q
        direction = newton_direction(hessian, residual)
        decrement = float(-residual @ direction)
        if decrement <= 1e-15 * max(objective, 1e-300):
            break
        length, value = 1.0, objective - t * float(q @ theta)
        for _ in range(60):
            moved = theta + length * direction
            if float(problem.objective(moved)) - t * float(q @ moved) <= value - 1e-4 * length * decrement:
                break
            length *= 0.5
        else:
            break
        theta = moved
        objective, gradient, hessian = problem.derivatives(theta)
    return theta, objective, float(-q @ newton_direction(hessian, q))
