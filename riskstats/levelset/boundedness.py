"""How large the coefficients can be on a level set: what the dual needs where there is no penalty.

With a penalty only the intercept is free. Jensen's inequality bounds the mean margin of a class, and
``||w|| <= sqrt(2 limit / penalty)`` does the rest (`SmoothLoss.offset_bound`).

With or without one the loss is bounded below by its self-concordance: along any direction the third
derivative is at most R times the second, R the largest |x_i'delta|. With H the Hessian at theta_0, rho the
length of delta in H, gamma the length of the gradient in its dual norm and M the largest dual length of a
row,

    F(theta_0 + delta) >= F(theta_0) - gamma rho + (exp(-M rho) + M rho - 1) / M^2,

so rho is bounded on the set once gamma M < 1, and |delta_j| <= rho sqrt((H^-1)_jj). Squared loss is its own
quadratic, the case M = 0. Source of the inequality: Bach, "Self-concordant analysis for logistic
regression", Electronic Journal of Statistics 4 (2010).
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.problem import ConvexProblem

__all__ = ["coefficient_reach"]

_INFLATION = 1.0 + 1e-5
_WORST_CONDITION = 1e9


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
    centres = np.linalg.norm(rows @ problem.design[:, 1:], axis=1)
    return float(np.max(bounds + centres * longest)) * _INFLATION


def _local_reach(problem: ConvexProblem, theta: Floats, objective_below: float, limit: float) -> Floats:
    _, gradient, hessian = problem.derivatives(theta)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(hessian), np.finfo(float).tiny))
    scaled = hessian * scale * scale[:, None]
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > _WORST_CONDITION:
        return np.full(problem.p, np.inf)
    inverse_root = np.linalg.inv(np.linalg.cholesky(scaled))
    rounding = problem.n * np.finfo(float).eps * math.sqrt(2.0 * limit + 1.0) * scale * problem.column_rms
    gamma = float(
        np.linalg.norm(inverse_root @ (scale * gradient))
        + np.linalg.norm(inverse_root, 2) * np.linalg.norm(rounding)
    )
    rows = (problem.design * scale)[problem.weight > 0]
    longest = float(np.linalg.norm(rows @ inverse_root.T, axis=1).max()) * problem.loss.self_concordance
    rho = _largest_step(
        longest * _INFLATION, gamma * _INFLATION, max(limit - objective_below, 0.0) * _INFLATION
    )
    return np.abs(theta) + rho * scale * np.linalg.norm(inverse_root, axis=0) * _INFLATION


def _largest_step(longest: float, gamma: float, room: float) -> float:
    """The largest rho with ``(exp(-M rho) + M rho - 1) / M^2 - gamma rho <= room``, or `inf`."""
    if gamma * longest >= 1.0 - 1e-6:
        return math.inf

    def rise(rho: float) -> float:
        z = longest * rho
        quadratic = 0.5 - z / 6.0 if z < 1e-4 else (math.expm1(-z) + z) / (z * z)
        return quadratic * rho * rho - gamma * rho

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
