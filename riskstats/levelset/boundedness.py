"""How large the coefficients can be on a level set: what the dual needs where there is no penalty.

With a penalty only the intercept is free. Jensen's inequality bounds the mean margin of a class, and
``||w|| <= sqrt(2 limit / penalty)`` does the rest (`SmoothLoss.offset_bound`).

With or without one the loss is bounded below by its self-concordance: along any direction the third
derivative is at most R times the second, R the largest |x_i'delta|. Let H be the Hessian at theta_0, W any
matrix with ``W H W' >= (1 - eta) I``, and ``delta = W'z``. With gamma = |W gradient| and M the largest
|W x_i|,

    F(theta_0 + delta) >= F(theta_0) - gamma |z| + (1 - eta) (exp(-M |z|) + M |z| - 1) / M^2,

so z is bounded on the set once ``gamma M < 1 - eta``, and ``|delta_j| <= |z| |column j of W|``. Squared loss
is its own quadratic, the case M = 0. W is the inverse of a Cholesky factor as computed; eta holds what
rounding made of it and of H, so that a singular or flat H never passes. Where a rule separates the classes
no W passes, because the set is unbounded. Source of the inequality: Bach, "Self-concordant analysis for
logistic regression", Electronic Journal of Statistics 4 (2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.certificate import EPS
from riskstats.levelset.problem import ConvexProblem

__all__ = ["coefficient_reach"]

_INFLATION = 1.0 + 1e-5
_LEAST_CURVATURE = 1e-200
_LARGEST_DEFECT = 0.5


def coefficient_reach(problem: ConvexProblem, theta: Floats, objective_below: float, limit: float) -> Floats:
    """(p,) numbers that |theta_j| does not exceed on the level set, for coefficients without penalty; `inf`
    where nothing is known. Penalised coefficients get 0: their bound is not used."""
    reach = np.zeros(problem.p)
    free = problem.ridge == 0.0
    if not free.any():
        return reach
    reach[free] = _local_reach(problem, theta, objective_below, limit)[free]
    if problem.penalty > 0:
        reach[free] = np.minimum(reach[free], _intercept_reach(problem, limit))
    return reach


def _intercept_reach(problem: ConvexProblem, limit: float) -> float:
    _, rows, bounds = problem.loss.offset_bound(problem.target, problem.weight, limit)
    longest = math.sqrt(2.0 * limit / problem.penalty)
    rounding = (problem.n + 32) * EPS * np.linalg.norm(problem.column_rms[1:]) / math.sqrt(_share(problem))
    centres = np.linalg.norm(rows @ problem.design[:, 1:], axis=1) + rounding
    return float(np.max(bounds + centres * longest)) * _INFLATION


def _share(problem: ConvexProblem) -> float:
    """The smaller weight of rows on either side of target 0; 1 where all are on one side."""
    sides = [float(problem.weight @ side) for side in (problem.target > 0, problem.target < 0)]
    return min(sides) if min(sides) > 0 else 1.0


@dataclass(frozen=True, eq=False)
class _Local:
    """The Hessian at a point as certified: columns times `scale`, then `whitener` W, defect eta; the length
    gamma of the whitened gradient and `longest`, M of the module docstring."""

    scale: Floats
    whitener: Floats
    eta: float
    gamma: float
    longest: float


def _local_reach(problem: ConvexProblem, theta: Floats, objective_below: float, limit: float) -> Floats:
    with np.errstate(all="ignore"):
        local = _local(problem, theta)
    if local is None:
        return np.full(problem.p, np.inf)
    room = max(limit - objective_below, 0.0) * _INFLATION
    step = _largest_step(local.longest * _INFLATION, local.gamma * _INFLATION, local.eta, room)
    return np.abs(theta) + step * local.scale * np.linalg.norm(local.whitener, axis=0) * _INFLATION


def _local(problem: ConvexProblem, theta: Floats) -> _Local | None:
    """None where the Hessian cannot be told from a singular one."""
    _, gradient, hessian = problem.derivatives(theta)
    diagonal = np.diag(hessian)
    if not (np.isfinite(hessian).all() and np.isfinite(gradient).all() and diagonal.min() > _LEAST_CURVATURE):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    scaled = hessian * scale * scale[:, None]
    try:
        whitener = np.linalg.inv(np.linalg.cholesky(scaled))
    except np.linalg.LinAlgError:
        return None
    eta = _defect(problem, theta, scaled, whitener)
    if not eta <= _LARGEST_DEFECT:
        return None
    size, p = float(np.linalg.norm(whitener)), problem.p
    slope_error = scale * _gradient_error(problem, theta)
    gamma = np.linalg.norm(whitener @ (scale * gradient))
    gamma += size * (np.linalg.norm(slope_error) + p * EPS * np.linalg.norm(scale * gradient))
    rows = (problem.design * scale)[problem.weight > 0]
    longest = np.linalg.norm(rows @ whitener.T, axis=1).max()
    longest += (p + 4) * EPS * size * np.linalg.norm(rows, axis=1).max()
    return _Local(scale, whitener, eta, float(gamma), float(longest) * problem.loss.self_concordance)


def _defect(problem: ConvexProblem, theta: Floats, scaled: Floats, whitener: Floats) -> float:
    """A number eta with ``W H W' >= (1 - eta) I`` in exact arithmetic, H the exact Hessian in scaled columns.

    Entry (i, j) of H is a sum of terms whose sizes add up to at most ``sqrt(H_ii H_jj)``, which is 1 here.
    The curvatures are off by the rounding of the margins, at most by the factor ``exp(c |change|)``.
    """
    p = problem.p
    rows = problem.design[problem.weight > 0]
    misplaced = (p + 4) * EPS * float((np.abs(rows) @ np.abs(theta)).max())
    entry = (problem.n + 64) * EPS + math.expm1(min(problem.loss.self_concordance * misplaced, 1.0))
    size = float(np.linalg.norm(whitener))
    product = np.linalg.norm(whitener @ scaled @ whitener.T - np.eye(p))
    return float(product + size * size * p * (1.1 * entry + (4.0 + 2.2 * p) * EPS)) * _INFLATION


def _gradient_error(problem: ConvexProblem, theta: Floats) -> Floats:
    """What rounding makes of every entry of the gradient, at most: the sum, the penalty and the margins."""
    _, slope, _ = problem.loss.terms(problem.design @ theta, problem.target)
    steepness = math.sqrt(float(problem.weight @ (slope * slope))) + 1e-150
    misplaced = (problem.p + 4) * EPS * float(np.abs(theta) @ problem.column_rms)
    rise = (problem.n + 64) * EPS * steepness + problem.loss.largest_curvature * misplaced
    return rise * problem.column_rms + 8.0 * EPS * problem.ridge * np.abs(theta)


def _largest_step(longest: float, gamma: float, eta: float, room: float) -> float:
    """The largest z with ``(1 - eta) (exp(-M z) + M z - 1) / M^2 - gamma z <= room``, or `inf`."""
    if gamma * longest >= (1.0 - eta) * (1.0 - 1e-6):
        return math.inf

    def rise(step: float) -> float:
        z = longest * step
        quadratic = 0.5 - z / 6.0 if z < 1e-4 else (math.expm1(-z) + z) / (z * z)
        return (1.0 - eta) * quadratic * step * step - gamma * step

    high = 1.0
    while rise(high) <= room:
        high *= 2.0
        if not math.isfinite(high) or high > 1e150:
            return math.inf
    low = 0.0
    while high - low > 1e-6 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rise(middle) <= room else (low, middle)
    return high
