"""Logistic probes of many two-class targets on one layer, every fold and target in one descent.

    min  sum_i w_i [softplus(z_i) - y_i z_i] + penalty ||b||^2 / 2,     z = A b + c

in the rotated states of `probe_kernels.factors`, with weights that give both classes the same mass. The
curvature is at most max(w) l / 4 + penalty in each coordinate, for any subset of the rows, so accelerated
steps scaled by it serve all columns at once; a fold that is left out has weight 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.losses import sigmoid, softplus

__all__ = ["balanced_weights", "fold_losses", "logistic_fit"]

_STEPS, _TOLERANCE = 300, 1e-3  # of the largest move of a logit in a step


def balanced_weights(labels: Floats, kept: Floats) -> Floats:
    """(n, k) weights of 0/1 labels (n, k) among kept rows (n, k): both classes sum to half the rows kept.

    A column whose kept rows hold one class has weight 0 throughout.
    """
    positive, rows = (labels * kept).sum(axis=0), kept.sum(axis=0)
    both = (positive > 0) & (positive < rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(labels > 0.5, 0.5 * rows / positive, 0.5 * rows / (rows - positive))
    return np.where(both, weights * kept, 0.0)


def logistic_fit(
    basis: Floats,
    eigenvalues: Floats,
    labels: Floats,
    weights: Floats,
    penalty: float,
    start: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats]:
    """(coefficients (r, k), intercepts (k,)) by accelerated descent with restarts."""
    n, k = labels.shape
    heaviest = np.maximum(weights.max(axis=0), 1e-300)
    slope_step = 1.0 / (0.25 * eigenvalues[:, np.newaxis] * heaviest + penalty)
    shift_step = 1.0 / (0.25 * n * heaviest)
    slopes, shifts = start or (np.zeros((basis.shape[1], k)), np.zeros(k))
    ahead, momentum = (slopes, shifts), np.ones(k)
    for _ in range(_STEPS):
        pull = weights * (sigmoid(basis @ ahead[0] + ahead[1]) - labels)
        moves = (basis.T @ pull + penalty * ahead[0]) * slope_step, pull.sum(axis=0) * shift_step
        new = ahead[0] - moves[0], ahead[1] - moves[1]
        uphill = (moves[0] * (new[0] - slopes) / slope_step).sum(axis=0)
        uphill += moves[1] * (new[1] - shifts) / shift_step
        momentum = np.where(uphill > 0, 1.0, momentum)
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        push = np.where(uphill > 0, 0.0, (momentum - 1.0) / following)
        ahead = new[0] + push * (new[0] - slopes), new[1] + push * (new[1] - shifts)
        moved = np.abs(basis @ (new[0] - slopes) + new[1] - shifts).max()
        slopes, shifts, momentum = *new, following
        if moved < _TOLERANCE:
            break
    return slopes, shifts


def fold_losses(basis: Floats, eigenvalues: Floats, labels: Floats, folds: Any, penalties: Floats) -> Floats:
    """(p, n, k) log losses of every row, predicted by the fit without its fold, at each penalty."""
    n, k = labels.shape
    names = np.unique(folds)
    kept = np.repeat((folds[:, np.newaxis] != names).astype(np.float64), k, axis=1)
    wide = np.tile(labels, (1, len(names)))
    weights = balanced_weights(wide, kept)
    answer, start = np.empty((len(penalties), n, k)), None
    for place in np.argsort(-penalties).tolist():
        start = logistic_fit(basis, eigenvalues, wide, weights, float(penalties[place]), start)
        scores = (basis @ start[0] + start[1]).reshape(n, len(names), k)
        own = np.take_along_axis(scores, np.searchsorted(names, folds)[:, np.newaxis, np.newaxis], axis=1)
        answer[place] = softplus(np.where(labels > 0.5, -1.0, 1.0) * own[:, 0])
    return answer
