"""Capacity of many channels at once: the bracket of Blahut and Arimoto, closed by Newton's method.

For any weights r >= 0 with sum 1 and q = sum_j r_j P_j the capacity C satisfies
`sum_j r_j KL(P_j || q) <= C <= max_j KL(P_j || q)`. Both sides are computed from the weights at hand, so they
hold however these were found. Blahut and Arimoto multiply r_j by exp(KL_j), which takes thousands of steps
where models are alike; the steps here are those of a primal-dual interior point method for
`max sum_j r_j KL(P_j || q)` over the simplex, with

    KL_j - v + s_j = 0,   r_j s_j = m,   r, s > 0,   m -> 0,

whose solution at m has a bracket no wider than (number of models) * m.
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats

__all__ = ["pool_capacity"]

CHUNK = 2_000_000  # numbers of a pool that are worked on at once
LEAST = 1e-300
NOTHING = 1e-16  # bound of the bracket, in nats, below which rounding is all there is
FLATTEST = 1e-14  # diagonal of the linear systems: a smaller one would drown the rest in rounding
SHRINK = 0.1  # of m in a step
BOUNDARY = 0.95  # of the way to r = 0 or s = 0 that a step may go


def pool_capacity(pool: Floats, tolerance: float, max_iter: int) -> tuple[Floats, Floats]:
    """((n,), (n,)) lower and upper end of the capacity, in bits, of a pool (models, n, classes).

    A row stops when its ends are within `tolerance` bits, at the latest after `max_iter` steps or where
    rounding is all that is left.
    """
    models, n, classes = pool.shape
    size = max(1, CHUNK // (models * classes))
    parts = [
        _bracket(pool[:, start : start + size].transpose(1, 0, 2), tolerance * math.log(2.0), max_iter)
        for start in range(0, n, size)
    ]
    most = math.log2(min(models, classes))
    lower, upper = (
        np.clip(np.concatenate(ends) / math.log(2.0), 0.0, most) for ends in zip(*parts, strict=True)
    )
    return lower, np.maximum(lower, upper)


def _bracket(channels: Floats, tolerance: float, max_iter: int) -> tuple[Floats, Floats]:
    """Ends in nats for channels (n, models, classes)."""
    n, models, _ = channels.shape
    rows, p = np.arange(n), np.ascontiguousarray(channels)
    negentropy = (p * np.log(np.where(p > 0.0, p, 1.0))).sum(axis=2)
    r = np.full((n, models), 1.0 / models)
    q, divergence = _divergences(p, negentropy, r)
    lower, upper = (r * divergence).sum(axis=1), divergence.max(axis=1)
    v = 2.0 * upper - lower + LEAST
    s = v[:, np.newaxis] - divergence
    for _ in range(max_iter):
        going = (upper[rows] - lower[rows] > tolerance) & ((r * s).sum(axis=1) > NOTHING)
        if not going.any():
            break
        if not going.all():
            rows, p, negentropy, r, q, divergence, v, s = (
                each[going] for each in (rows, p, negentropy, r, q, divergence, v, s)
            )
        r, v, s = _step(p, q, divergence, r, v, s)
        q, divergence = _divergences(p, negentropy, r)
        lower[rows] = np.maximum(lower[rows], (r * divergence).sum(axis=1))
        upper[rows] = np.minimum(upper[rows], divergence.max(axis=1))
    return lower, upper


def _divergences(p: Floats, negentropy: Floats, r: Floats) -> tuple[Floats, Floats]:
    """(mean prediction q (n, classes), KL(P_j || q) (n, models))."""
    q = np.maximum((r[:, np.newaxis, :] @ p)[:, 0], LEAST)
    return q, negentropy - (p @ np.log(q)[:, :, np.newaxis])[:, :, 0]


def _step(
    p: Floats, q: Floats, divergence: Floats, r: Floats, v: Floats, s: Floats
) -> tuple[Floats, Floats, Floats]:
    """One damped Newton step towards m a tenth of its mean."""
    products = SHRINK * (r * s).mean(axis=1, keepdims=True) - r * s
    right = divergence - v[:, np.newaxis] + s + products / r
    solved, ones = _solve(p, q, np.maximum(s / r, FLATTEST), right)
    dv = solved.sum(axis=1) / ones.sum(axis=1)
    dr = solved - dv[:, np.newaxis] * ones
    ds = (products - s * dr) / r
    fastest = np.maximum((-dr / r).max(axis=1), (-ds / s).max(axis=1))
    length = np.minimum(1.0, BOUNDARY / np.maximum(fastest, LEAST))
    r = np.maximum(r + length[:, np.newaxis] * dr, LEAST)
    s = np.maximum(s + length[:, np.newaxis] * ds, LEAST)
    total: Floats = r.sum(axis=1, keepdims=True)
    return r / total, v + length * dv, s


def _solve(p: Floats, q: Floats, diagonal: Floats, right: Floats) -> tuple[Floats, Floats]:
    """(D + P diag(1/q) P')^-1 applied to `right` and to ones, by the smaller of its two forms."""
    u = p / np.sqrt(q)[:, np.newaxis, :]
    sides = np.stack([right, np.ones_like(right)], axis=2)
    models, classes = p.shape[1:]
    if models <= classes:
        matrix = u @ u.transpose(0, 2, 1)
        matrix[:, np.arange(models), np.arange(models)] += diagonal
        answer = np.asarray(np.linalg.solve(matrix, sides), dtype=np.float64)
    else:
        scaled = sides / diagonal[:, :, np.newaxis]
        matrix = u.transpose(0, 2, 1) @ (u / diagonal[:, :, np.newaxis])
        matrix[:, np.arange(classes), np.arange(classes)] += 1.0
        inner = np.linalg.solve(matrix, u.transpose(0, 2, 1) @ scaled)
        answer = scaled - (u / diagonal[:, :, np.newaxis]) @ inner
    return answer[:, :, 0], answer[:, :, 1]
