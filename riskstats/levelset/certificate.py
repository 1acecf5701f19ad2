"""Certificates: the loss from above, the dual from below, the ends of a direction from both sides.

Weak duality. For any slopes u_i, any pull v (p,) and every theta

    F(theta) - v'theta >= sum_i w_i tangent_i - ||r_c||^2 / (2 penalty) + r_0'theta_0

with r = sum_i w_i u_i x_i - v,
because a convex loss lies above its tangents; r_c belongs to the penalised coefficients and r_0 to the
others, whose size on the level set is bounded (`boundedness`). With v = t q and F <= limit on the set,

    q'theta <= (limit - dual(t q)) / t        for every theta with F(theta) <= limit and every t > 0.

Rounding, in spacings eps of the numbers used, one operation being off by eps / 2 at most. Every sum over the
rows is formed in blocks of `row_block` rows, so its error is at most ``units = (rows of a block + blocks +
functions) eps`` times the sum of the sizes, whatever the order inside a block. The sizes are bounded by
Cauchy-Schwarz: ``sum_i w_i |u_i x_ij| <= rms(u) rms(x_j)``. Margins are off by at most ``misplaced = (p + 4)
eps |theta|'rms(x)`` in root mean square, which moves F by at most ``misplaced (rms(u) + curvature
misplaced)``; the dual takes slopes at the margins as stored, so their rounding does not matter there. All
errors go to the unfavourable side. Weights, penalty and data are taken as stored. The same functions run in
float64 and in longer numbers (`ConvexProblem.precise`), where the errors charged are smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.problem import ConvexProblem

__all__ = [
    "EPS",
    "Dual",
    "Tangents",
    "centred_margins",
    "dual_below",
    "intercept_excess",
    "objective_above",
    "outer_end",
    "pull_product",
]

EPS = float(np.finfo(np.float64).eps)
"""Spacing of float64 at 1, twice the largest relative error of one operation."""
_FUNCTIONS = 32.0
"""Spacings allowed for the functions, weights and products inside one term."""
_SHIFTS = 40
_UNDERFLOW = 1e-150
"""Root mean squares below this may have lost terms to underflow."""


@dataclass(frozen=True, eq=False)
class Tangents:
    """What the certificates read at margins (..., n): value, slope, intercept of the tangent, and the size of
    the numbers that the intercept was formed from."""

    value: Floats
    slope: Floats
    intercept: Floats
    size: Floats

    @classmethod
    def at(cls, problem: ConvexProblem, margins: Floats) -> Tangents:
        """Evaluate the loss at the margins."""
        return cls(*problem.loss.tangent(margins, problem.target))

    def take(self, places: Any) -> Tangents:
        """The lanes at `places`."""
        return Tangents(self.value[places], self.slope[places], self.intercept[places], self.size[places])


def objective_above(
    problem: ConvexProblem, theta: Floats, margins: Floats | None = None, tangents: Tangents | None = None
) -> Any:
    """An upper bound of F in exact arithmetic, (..., p) -> (...).

    `margins`, where given, are ``theta @ problem.design.T``, and `tangents` are taken there.
    """
    margins = theta @ problem.design.T if margins is None else margins
    eps = _eps(margins)
    if tangents is None:
        value, slope, _ = problem.loss.terms(margins, problem.target)
    else:
        value, slope = tangents.value, tangents.slope
    total = _weighted_sum(problem, value)
    coefficients = theta.astype(margins.dtype)
    ridge = 0.5 * (problem.ridge * coefficients * coefficients).sum(axis=-1)
    misplaced = (problem.p + 4) * eps * (np.abs(coefficients) @ problem.column_rms)
    steepness = _root_mean_square(problem, slope)
    error = _units(problem, eps) * total + (problem.p + 8) * eps * ridge
    error = error + misplaced * (steepness + problem.loss.largest_curvature * misplaced)
    return _float64((total + ridge + error) * (1.0 + 4.0 * eps), up=True)


@dataclass(frozen=True, eq=False)
class Dual:
    """A lower bound of ``F(theta) - pull'theta`` over the level set, for every lane.

    below : (...,) the bound, rounding charged. slack : (...,) what the unpenalised coefficients and rounding
    cost it.
    """

    below: Any
    slack: Any


def dual_below(
    problem: ConvexProblem, margins: Floats, pull: Floats, reach: Floats, tangents: Tangents | None = None
) -> Dual:
    """The dual bound from margins (..., n) for a pull (..., p), which may stand for any within one rounding
    of it; `reach` (p,) bounds the coefficients on the set, and is read where the penalty is zero."""
    eps = _eps(margins)
    at = Tangents.at(problem, margins) if tangents is None else tangents
    total = _weighted_sum(problem, at.intercept)
    total_error = _units(problem, eps) * _weighted_sum(problem, at.size)
    residual = pull_product(problem, at.slope) - pull
    steepness = _root_mean_square(problem, at.slope)
    error = _units(problem, eps) * steepness[..., None] * problem.column_rms + 4.0 * eps * np.abs(pull)
    worst = np.abs(residual) + error
    free = problem.ridge == 0.0
    rounding = 1.0 + (problem.p + 8) * eps
    with np.errstate(over="ignore", invalid="ignore"):
        open_cost = (worst[..., free] * reach[free]).sum(axis=-1) * rounding
        penalised = (worst[..., ~free] ** 2).sum(axis=-1)
        exact = (residual[..., ~free] ** 2).sum(axis=-1)
        half = 0.5 / margins.dtype.type(problem.penalty) if problem.penalty > 0 else 0.0
        cost = penalised * half * rounding
        below = _float64(total - total_error - (cost + open_cost) - 8.0 * eps * np.abs(total), up=False)
        slack = total_error + open_cost + (cost - exact * half)
    bad = ~np.isfinite(below)
    return Dual(np.where(bad, -np.inf, below), np.asarray(np.where(bad, np.inf, slack), dtype=np.float64))


def outer_end(limit: float, dual: Dual, t: Any) -> Any:
    """``(limit - dual) / t`` rounded up: no member of the level set exceeds it. `inf` where t is not > 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        end = (limit - dual.below) / t
        end = end + 4.0 * EPS * np.abs(end)
    return np.where((t > 0) & np.isfinite(end), end, np.inf)


def intercept_excess(problem: ConvexProblem, tangents: Tangents, pull: Floats) -> Any:
    """``sum_i w_i slope_i - pull_0``, (...,): zero where the slopes balance the pull on the intercept."""
    return tangents.slope @ problem.weight - pull[..., 0]


def centred_margins(problem: ConvexProblem, margins: Floats, pull: Floats, steps: int = _SHIFTS) -> Floats:
    """Margins moved by one number per lane, so that the slopes balance the pull on the intercept.

    Safeguarded Newton on ``sum_i w_i slope(m_i + s) = pull_0``, rising in s, of at most `steps` steps. Any s
    gives a valid bound; the root makes it tight.
    """
    if not problem.intercept:
        return margins
    goal = pull[..., 0]
    shift = np.zeros(np.shape(goal), dtype=margins.dtype)
    low, high = np.full_like(shift, -np.inf), np.full_like(shift, np.inf)
    moved = margins
    for _ in range(steps):
        _, slope, curvature = problem.loss.terms(moved, problem.target)
        excess = slope @ problem.weight - goal
        if np.all(np.abs(excess) <= 8.0 * _eps(margins) * (np.abs(slope) @ problem.weight)):
            break
        low, high = np.where(excess < 0, shift, low), np.where(excess > 0, shift, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.clip(-excess / (curvature @ problem.weight), -4.0, 4.0)
            step = np.where(np.isfinite(step), step, -np.sign(excess))
            new = shift + step
            outside = (new <= low) | (new >= high)
            new = np.where(outside & np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), new)
        if np.array_equal(new, shift):
            break
        shift = new
        moved = margins + shift[..., None]
    return moved


def pull_product(problem: ConvexProblem, slope: Floats) -> Floats:
    """``sum_i w_i slope_i x_i``, (..., n) -> (..., p), in blocks of rows."""
    total = np.zeros((*np.shape(slope)[:-1], problem.p), dtype=slope.dtype)
    for start in range(0, problem.n, problem.row_block):
        rows = slice(start, start + problem.row_block)
        total += (slope[..., rows] * problem.weight[rows]) @ problem.design[rows]
    return total


def _weighted_sum(problem: ConvexProblem, values: Floats) -> Any:
    """``sum_i w_i values_i``, in blocks of rows."""
    total = np.zeros(np.shape(values)[:-1], dtype=values.dtype)
    for start in range(0, problem.n, problem.row_block):
        rows = slice(start, start + problem.row_block)
        total += values[..., rows] @ problem.weight[rows]
    return total


def _root_mean_square(problem: ConvexProblem, slope: Floats) -> Any:
    """An upper bound of the root of ``sum_i w_i slope_i^2``, up to rounding of the slopes themselves."""
    return np.sqrt(_weighted_sum(problem, slope * slope)) * (1.0 + 1e-6) + _UNDERFLOW


def _eps(array: Any) -> Any:
    return np.finfo(np.asarray(array).dtype).eps


def _float64(value: Any, *, up: bool) -> Any:
    """`value` as float64, moved to the next number on the safe side where it was longer."""
    rounded = np.asarray(value, dtype=np.float64)
    moved = np.nextafter(rounded, np.inf if up else -np.inf)
    return np.where(rounded < value if up else rounded > value, moved, rounded)


def _units(problem: ConvexProblem, eps: Any) -> Any:
    """Relative error of a sum over the rows, weights and functions included."""
    blocks = -(-problem.n // problem.row_block)
    return (min(problem.n, problem.row_block) + blocks + _FUNCTIONS) * eps
