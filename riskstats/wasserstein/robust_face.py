"""The last digits where the dual norm is polyhedral: Newton's method on the face that holds the minimum.

Near its minimum the penalty is linear on a face. For ||b||_1 zeros stay zero and signs stay; for ||b||_inf
the largest slopes stay equal in size. There theta = E beta, the objective is smooth in beta, and a few Newton
steps reach rounding. Whether the face was the right one is not assumed: the certificate of the answer tells.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_problem import RobustProblem

__all__ = ["face", "on_face"]

_ON_FACE = 1e-5
_STEPS = 6


def on_face(problem: RobustProblem, theta: Floats) -> Floats:
    """theta after Newton steps on its face, for a smooth loss with fixed labels."""
    basis, slope = face(theta[: problem.d], problem.penalty_norm, problem.rows.p - problem.d)
    beta = np.linalg.lstsq(basis, theta, rcond=None)[0]
    size = np.inf
    for _ in range(_STEPS):
        u = problem.margins(basis @ beta)
        _, rise, curvature = problem.loss.smooth_terms(u)
        force = problem.rows.transposed(problem.sign * problem.weight * rise)
        gradient = basis.T @ force + problem.radius * slope
        hessian = basis.T @ problem.rows.gram(problem.weight * curvature) @ basis
        direction = Factor(hessian).solve(-gradient)
        decrement = float(-gradient @ direction)
        if not 0 < decrement < 0.5 * size:
            break
        beta, size = beta + direction, decrement
    return np.asarray(basis @ beta)


def face(slopes: Floats, penalty_norm: float, extra: int = 0) -> tuple[Floats, Floats]:
    """(E, a) with theta = E beta and ||b||_* = a'beta near theta = (slopes, `extra` free coefficients)."""
    d, p = len(slopes), len(slopes) + extra
    identity = np.eye(p)
    largest = np.abs(slopes).max(initial=0.0)
    if penalty_norm == 1:
        kept = np.abs(slopes) > _ON_FACE * largest
        columns = np.append(np.flatnonzero(kept), np.arange(d, p))
        return identity[:, columns], np.append(np.sign(slopes[kept]), np.zeros(extra))
    tied = np.abs(slopes) >= (1.0 - _ON_FACE) * largest
    together = np.zeros((p, 1))
    together[:d, 0] = np.where(tied, np.sign(slopes), 0.0)
    free = np.append(np.flatnonzero(~tied), np.arange(d, p))
    return np.column_stack([together, identity[:, free]]), np.append(1.0, np.zeros(len(free)))
