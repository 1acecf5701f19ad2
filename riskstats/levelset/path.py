"""Hard directions: the path of minimisers ``theta(t) = argmin F(theta) - t q'theta`` and the t that meets
the limit.

F(theta(t)) rises with t from min F. The root of F(theta(t)) = limit is bracketed, then found by Newton's
method on log t, whose slope is known: d log(F - min F) / d log t = t^2 q'H^-1 q / (F - min F). Each inner
problem is convex and unconstrained, so Newton's method with a line search does not fail where the direct
iteration of `support` does. All lanes move together, each with its own t; those that are done drop out.
The minimum exists while t times the pull on an intercept stays below what its slopes can balance.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.support import Lanes, SupportKernel

if TYPE_CHECKING:
    from riskstats.levelset.level_set import LevelSet
    from riskstats.levelset.problem import ConvexProblem

__all__ = ["along_multipliers"]

_ROOT_STEPS = 60
_INNER_STEPS = 60
_LONGEST_STEP = 2.0
_FAR = 10.0
_TRUSTED_STEP = 0.7
_HALVINGS = 30


@dataclass(eq=False)
class _Points:
    """Lanes in scaled columns: theta (k, p) and margins (k, n), moved in place."""

    theta: Floats
    margins: Floats

    def take(self, places: Any) -> _Points:
        return _Points(self.theta[places], self.margins[places])


def along_multipliers(
    level_set: LevelSet, lanes: Lanes, tightness: float, max_iter: int, deadline: float
) -> Lanes:
    """From the points and multipliers given, until F meets the limit up to `tightness` times its rise; lanes
    left at the deadline come back as far as they are."""
    kernel, limit, best = level_set.kernel, level_set.inner_limit, level_set.baseline.above
    q = lanes.directions / kernel.scale
    theta, log_t = lanes.theta * kernel.scale, np.log(lanes.t)
    points = _Points(theta, theta @ kernel.design.T)
    low, high = np.full(len(q), -np.inf), np.log(_largest_multipliers(level_set.problem, lanes.directions))
    log_t = np.minimum(log_t, high - 0.1)
    inside = np.tile(level_set.baseline.theta * kernel.scale, (len(q), 1))
    active = np.arange(len(q))
    with np.errstate(all="ignore"):
        for _ in range(min(_ROOT_STEPS, max_iter)):
            if len(active) == 0 or time.perf_counter() > deadline:
                break
            t = np.exp(log_t[active])
            here = points.take(active)
            objective, along = _pulled_minima(kernel, here, q[active], t, tightness * (limit - best))
            rise = objective - best
            above = ~(objective <= limit)
            inside[active[~above]] = here.theta[~above]
            high[active[above]], low[active[~above]] = log_t[active[above]], log_t[active[~above]]
            speed = t * t * (q[active] * along).sum(axis=1) / np.maximum(rise, 1e-300)
            step = np.log((limit - best) / np.maximum(rise, 1e-300)) / speed
            new = _inside(log_t[active], step, low[active], high[active])
            going = ~(np.abs(limit - objective) <= tightness * (limit - best)) & (new != log_t[active])
            far = going & ~(rise <= _FAR * (limit - best))
            here.theta[far], along[far] = inside[active[far]], 0.0
            _follow(here, kernel, along, np.where(going, np.exp(new) - t, 0.0), t)
            points.theta[active], points.margins[active] = here.theta, here.margins
            log_t[active] = np.where(going, new, log_t[active])
            active = active[going]
    return Lanes(lanes.directions, points.theta / kernel.scale, np.exp(log_t), np.zeros(len(q)))


def _largest_multipliers(problem: ConvexProblem, directions: Floats) -> Floats:
    """(k,) multipliers below which ``F - t q'theta`` has a minimum over the intercept; `inf` without one."""
    steepest = problem.loss.steepest(problem.target, problem.weight)
    if not problem.intercept or not np.isfinite(steepest).all():
        return np.full(len(directions), np.inf)
    pull = directions[:, 0]
    with np.errstate(divide="ignore"):
        return np.where(pull > 0, steepest[1], steepest[0]) / np.abs(pull)


def _inside(log_t: Floats, step: Floats, low: Floats, high: Floats) -> Floats:
    """log t after a step, kept inside its bracket: by bisection, or by one where it is open."""
    new = log_t + np.clip(np.where(np.isfinite(step), step, 0.0), -_LONGEST_STEP, _LONGEST_STEP)
    middle = np.where(np.isinf(high), log_t + 1.0, np.where(np.isinf(low), log_t - 1.0, 0.5 * (low + high)))
    return np.where((new > low) & (new < high), new, middle)


def _follow(points: _Points, kernel: SupportKernel, along: Floats, dt: Floats, t: Floats) -> None:
    """Move along the tangent of the path where the step in t is short."""
    dt = np.where(np.abs(dt) <= _TRUSTED_STEP * t, dt, 0.0)[:, None]
    move = np.where(np.isfinite(along), along, 0.0) * dt
    points.theta = points.theta + move
    points.margins = points.theta @ kernel.design.T


def _pulled_minima(
    kernel: SupportKernel, points: _Points, q: Floats, t: Floats, enough: float
) -> tuple[Floats, Floats]:
    """Minimise F - t q'theta in every lane, in place, until the Newton decrement is at most `enough` times a
    thousandth; F there, and H^-1 q."""
    objective, along = np.empty(len(t)), np.zeros_like(q)
    active = np.arange(len(t))
    for _ in range(_INNER_STEPS):
        here = points.take(active)
        value, slope, hessian = _derivatives(kernel, here)
        residual = slope - t[active, None] * q[active]
        solved = kernel.solve(hessian, np.stack([q[active], residual], axis=-1))
        objective[active], along[active] = value, solved[..., 0]
        direction = -solved[..., 1]
        decrement = -(residual * direction).sum(axis=1)
        going = (decrement > np.maximum(1e-3 * enough, 4e-16 * value)) & np.isfinite(decrement)
        moved = _searched(kernel, here, direction, value, q[active], t[active], decrement, going)
        points.theta[active], points.margins[active] = here.theta, here.margins
        active = active[moved]
        if len(active) == 0:
            break
    return objective, along


def _derivatives(kernel: SupportKernel, points: _Points) -> tuple[Floats, Floats, Floats]:
    """F (k,), its gradient (k, p) and its Hessian (k, p, p), in scaled columns."""
    problem = kernel.problem
    value, slope, curvature = problem.loss.terms(points.margins, problem.target)
    objective = value @ problem.weight + 0.5 * (kernel.ridge * points.theta**2).sum(axis=1)
    gradient = (slope * problem.weight) @ kernel.design + kernel.ridge * points.theta
    return objective, gradient, kernel.gram(curvature * problem.weight)


def _searched(
    kernel: SupportKernel,
    points: _Points,
    direction: Floats,
    value: Floats,
    q: Floats,
    t: Floats,
    decrement: Floats,
    going: Any,
) -> Any:
    """Step along `direction` in the lanes `going`, in place; which lanes moved.

    A length is taken when F - t q'theta fell by 1e-4 of what its slope promised, or still falls there;
    otherwise the next length is the root of the slope by interpolation.
    """
    problem = kernel.problem
    swing = direction @ kernel.design.T
    pull = t * (q * direction).sum(axis=1)
    length = np.ones(len(t))
    moved = np.zeros(len(t), dtype=bool)
    open_lanes = np.flatnonzero(going)
    for _ in range(_HALVINGS):
        if len(open_lanes) == 0:
            break
        a = length[open_lanes]
        margins = points.margins[open_lanes] + a[:, None] * swing[open_lanes]
        theta = points.theta[open_lanes] + a[:, None] * direction[open_lanes]
        loss, slope, _ = problem.loss.terms(margins, problem.target)
        change = loss @ problem.weight + 0.5 * (kernel.ridge * theta**2).sum(axis=1) - value[open_lanes]
        change -= a * pull[open_lanes]
        rate = ((slope * swing[open_lanes]) @ problem.weight - pull[open_lanes]) + (
            kernel.ridge * theta * direction[open_lanes]
        ).sum(axis=1)
        taken = (change <= -1e-4 * a * decrement[open_lanes]) | (rate <= 0)
        done = open_lanes[taken]
        points.theta[done], points.margins[done], moved[done] = theta[taken], margins[taken], True
        root = decrement[open_lanes] / (decrement[open_lanes] + rate)
        length[open_lanes] = a * np.clip(np.where(np.isfinite(root), root, 0.5), 0.1, 0.5)
        open_lanes = open_lanes[~taken]
    return moved
