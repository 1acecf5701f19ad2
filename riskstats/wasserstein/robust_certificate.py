"""A lower bound of the robust objective that holds whatever produced it.

For miss probabilities p_i in [0, 1] of the smooth part and weights lambda_ik >= 0 of the pieces with
sum_k lambda_ik = w_i, put v_i = -w_i p_i + sum_k alpha_k lambda_ik. Tangents lie below convex functions, so

    F(b, c) >= sum_i w_i H(p_i) + sum_ik beta_k lambda_ik - sum_i v_i offset_i
               - ( ||g||_q - r + sum_ik gamma_k lambda_ik )_+  l          g = sum_i sign_i v_i x_i

once sum_i sign_i v_i = 0, with H the entropy, q the transport norm and l the price at the minimum. The price
never exceeds F / r. At r = 0, or where F / r is beyond use, the bound covers slopes up to 10^4 times those
found. It is never below 0, as no loss is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_problem import RobustProblem

__all__ = ["RowDual", "dual_bound", "dual_of_margins", "feasible"]

FAR = 1e4


class RowDual(NamedTuple):
    """miss : (n,) p_i, zero where the loss has no smooth part. weights : (K, n) lambda, 0 rows if K = 0."""

    miss: Floats
    weights: Floats

    def slopes(self, problem: RobustProblem) -> Floats:
        """(n,) v, the slopes in the signed margins, weighted."""
        return np.asarray(problem.pieces.slope @ self.weights - problem.weight * self.miss)


def dual_of_margins(problem: RobustProblem, u: Floats) -> RowDual:
    """The dual point of a problem without pieces: the slopes of the loss."""
    return RowDual(-problem.loss.smooth_terms(u)[1], np.zeros((0, len(u))))


def dual_bound(
    problem: RobustProblem, dual: RowDual, theta: Floats, above: float, reach: float | None = None
) -> float:
    """What no theta beats. `theta` and `above`, the best found and its F, only say how far to reach.

    reach : a number that the dual norm of better slopes is known not to exceed.
    """
    reach = _reach(problem, theta, above) if reach is None else reach
    first, dual, surplus = _value(problem, dual, theta, reach)
    if surplus is None or first < 0.5 * above:
        return max(first, 0.0)
    with np.errstate(all="ignore"):
        return max(first, _value(problem, _repaired(problem, dual, surplus), theta, reach)[0], 0.0)


def _value(
    problem: RobustProblem, dual: RowDual, theta: Floats, reach: float
) -> tuple[float, RowDual, Floats | None]:
    """(bound, the feasible dual point it belongs to, the part of its force that costs more than rounding)."""
    dual = feasible(problem, dual)
    slopes, pieces = dual.slopes(problem), problem.pieces
    force = problem.rows.transposed(problem.sign * slopes)
    room = problem.radius - float(pieces.price @ dual.weights.sum(axis=1))
    pull = problem.pull(force)
    excess = max(pull - room, 0.0)
    value = float(problem.weight @ _entropy(dual.miss)) + float(pieces.constant @ dual.weights.sum(axis=1))
    value -= float(slopes @ problem.offset)
    loss = excess * reach
    if problem.intercept:
        loss += 1e4 * abs(float(force[-1])) * (1.0 + abs(float(theta[-1])))
    surplus = None
    if loss > 1e-13 * abs(value) and room >= 0:
        surplus = force.copy()
        surplus[: problem.d] *= excess / pull if pull > 0 else 0.0
    value -= loss
    return value if np.isfinite(value) else -np.inf, dual, surplus


def _repaired(problem: RobustProblem, dual: RowDual, surplus: Floats) -> RowDual:
    """The dual point moved by the least squares step that takes `surplus` off its force, each row in
    proportion to its room: w p (1 - p), or the smaller of the weights of its two pieces."""
    loss, weight = problem.loss, problem.weight
    if loss.smooth:
        room = weight * dual.miss * (1.0 - dual.miss)
    else:
        room = np.minimum(dual.weights[loss.steep], dual.weights[loss.mild])
    step = Factor(problem.rows.gram(room)).solve(surplus)
    change = room * problem.sign * problem.rows.times(step)
    if loss.smooth:
        return RowDual(dual.miss + change / weight, dual.weights)
    weights = dual.weights.copy()
    change /= problem.pieces.slope[loss.mild] - problem.pieces.slope[loss.steep]
    weights[loss.steep] += change
    weights[loss.mild] -= change
    return RowDual(dual.miss, weights)


def _reach(problem: RobustProblem, theta: Floats, above: float) -> float:
    length = problem.length(theta)
    far = FAR * length if length > 0 else FAR * above / (problem.longest or 1.0)
    return min(above / problem.radius, far) if problem.radius > 0 else far


def _entropy(p: Floats) -> Floats:
    from scipy.special import xlog1py, xlogy

    return np.asarray(-(xlogy(p, p) + xlog1py(1.0 - p, -p)))


def feasible(problem: RobustProblem, dual: RowDual) -> RowDual:
    """Clipped, with pieces that sum to the weight of their row, and balanced where there is an intercept."""
    miss, weights = np.clip(dual.miss, 0.0, 1.0), dual.weights
    if len(weights):
        weights = np.maximum(weights, 0.0)
        total = weights.sum(axis=0)
        share = np.where(total > 0, weights / np.where(total > 0, total, 1.0), 1.0 / len(weights))
        weights = share * problem.weight
    return _balanced(problem, RowDual(miss, weights)) if problem.intercept else RowDual(miss, weights)


def _balanced(problem: RobustProblem, dual: RowDual) -> RowDual:
    """The same with sum_i sign_i v_i = 0: weight is taken off the side that has too much of it."""
    surplus = float(problem.sign @ dual.slopes(problem))
    if surplus == 0.0:
        return dual
    if not problem.loss.classifies:
        giver, taker = (0, 1) if surplus > 0 else (1, 0)
        return _shifted(dual, giver, taker, 0.5 * abs(surplus), np.ones(len(dual.miss), dtype=bool))
    side = (problem.sign < 0) if surplus > 0 else (problem.sign > 0)
    if not problem.loss.smooth:
        return _shifted(dual, 1, 0, abs(surplus), side)
    mass = float((problem.weight * dual.miss)[side].sum())
    share = min(abs(surplus) / mass, 1.0) if mass > 0 else 0.0
    return RowDual(np.where(side, dual.miss * (1.0 - share), dual.miss), dual.weights)


def _shifted(dual: RowDual, giver: int, taker: int, amount: float, side: np.ndarray) -> RowDual:
    weights = dual.weights.copy()
    mass = float(weights[giver, side].sum())
    moved = np.where(side, weights[giver] * (min(amount / mass, 1.0) if mass > 0 else 0.0), 0.0)
    weights[giver] -= moved
    weights[taker] += moved
    return RowDual(dual.miss, weights)
