"""Ridge probes of many targets on one layer, each row predicted from the others, by one eigendecomposition.

With centred states X, `X X' = U diag(l) U'` and A = U sqrt(l), ridge with a free intercept predicts by

    H = 1 1'/n + A diag(1 / (l + penalty)) A',

and the error at a row, refitted without it, is r_i / (1 - H_ii); for a group of rows it solves
(I - H_gg) e_g = r_g. A and l serve every target and every penalty. With fewer columns than rows the
decomposition of X' X gives the same A.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from riskstats._jit import Compiled, namespace
from riskstats._validation import Floats

__all__ = ["COMPILED", "factors", "left_out_errors", "mean_errors", "penalty_path", "ridge_scores"]


def factors(states: Any) -> tuple[Any, Any]:
    """(A (n, r), l (r,)) of states (n, d), r = min(n, d)."""
    xp = namespace(states)
    centred = states - states.mean(axis=0)
    if states.shape[1] < states.shape[0]:
        eigenvalues, rotation = xp.linalg.eigh(centred.T @ centred)
        return centred @ rotation, xp.maximum(eigenvalues, 0.0)
    eigenvalues, vectors = xp.linalg.eigh(centred @ centred.T)
    eigenvalues = xp.maximum(eigenvalues, 0.0)
    return vectors * xp.sqrt(eigenvalues), eigenvalues


def penalty_path(eigenvalues: Floats, n: int, size: int, least: float = 1e-4) -> Floats:
    """Penalties from `least` of the mean eigenvalue to 100 times the largest, equally spaced in logarithm."""
    return np.geomspace(least * eigenvalues.sum() / n, 100.0 * eigenvalues.max(), size)


def _one_out(basis: Any, eigenvalues: Any, centred: Any, projected: Any, penalty: Any) -> Any:
    """(n, k) errors of the rows left out one by one."""
    shrunk = 1.0 / (eigenvalues + penalty)
    residuals = centred - basis @ (shrunk[:, None] * projected)
    leverage = 1.0 / len(centred) + (basis * basis) @ shrunk
    return residuals / (1.0 - leverage)[:, None]


def _squared(basis: Any, eigenvalues: Any, targets: Any, penalties: Any) -> Any:
    """(p, k) sums of squared errors, rows left out one by one."""
    xp = namespace(basis)
    centred = targets - targets.mean(axis=0)
    projected = basis.T @ centred
    errors = [
        (_one_out(basis, eigenvalues, centred, projected, penalties[k]) ** 2).sum(axis=0)
        for k in range(len(penalties))
    ]
    return xp.stack(errors)


COMPILED = Compiled(_squared)


def left_out_errors(
    basis: Floats,
    eigenvalues: Floats,
    targets: Floats,
    penalty: float,
    blocks: Sequence[np.ndarray] | None,
) -> Floats:
    """(n, k) errors of predictions made without the row, or without its block of rows."""
    centred = targets - targets.mean(axis=0)
    projected = basis.T @ centred
    if blocks is None:
        return np.asarray(_one_out(basis, eigenvalues, centred, projected, penalty))
    shrunk = 1.0 / (eigenvalues + penalty)
    residuals = centred - basis @ (shrunk[:, np.newaxis] * projected)
    errors = np.empty_like(residuals)
    for size in {len(rows) for rows in blocks}:
        places = np.stack([rows for rows in blocks if len(rows) == size])
        own = basis[places]
        hat = (own * shrunk) @ own.transpose(0, 2, 1) + 1.0 / len(basis)
        errors[places] = np.linalg.solve(np.eye(size) - hat, residuals[places])
    return errors


def ridge_scores(
    basis: Floats,
    eigenvalues: Floats,
    targets: Floats,
    penalties: Floats,
    blocks: Sequence[np.ndarray] | None,
    compiled: bool = False,
) -> Floats:
    """(p, k) shares of squared error explained, 1 - sum e^2 / sum e0^2 with e0 that of the left-out mean."""
    base = (mean_errors(targets, blocks) ** 2).sum(axis=0)
    if blocks is None:
        squares = COMPILED if compiled else _squared
        return np.asarray(1.0 - squares(basis, eigenvalues, targets, penalties) / base)
    sums = [
        (left_out_errors(basis, eigenvalues, targets, penalty, blocks) ** 2).sum(axis=0)
        for penalty in penalties.tolist()
    ]
    return 1.0 - np.array(sums) / base


def mean_errors(targets: Floats, blocks: Sequence[np.ndarray] | None) -> Floats:
    """(n, k) errors of the mean of the other rows, or of the rows of the other blocks."""
    n = len(targets)
    centred = targets - targets.mean(axis=0)
    if blocks is None:
        return np.asarray(centred * (n / (n - 1.0)))
    errors = centred.copy()
    for rows in blocks:
        errors[rows] += centred[rows].sum(axis=0) / (n - len(rows))
    return errors
