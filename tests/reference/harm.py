"""Harm by loops: expected harm, cumulative harm, and refusal slopes by a general optimiser."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.stats import chi2


def expected_harm_by_loop(success, severity, cost, likelihood, weights):
    """`sum w s f(c) a / sum w`, cost from 1."""
    total = sum(
        w * s * likelihood[c - 1] * a for a, s, c, w in zip(success, severity, cost, weights, strict=True)
    )
    return total / sum(weights)


def cumulative_by_loop(success, severity, cost, weights, levels=5):
    """G(1), ..., G(K)."""
    steps = [[1.0 if c <= j else 0.0 for c in range(1, levels + 1)] for j in range(1, levels + 1)]
    return np.array([expected_harm_by_loop(success, severity, cost, step, weights) for step in steps])


def random_maps(rng, count, levels=5):
    """(count, K) decreasing maps with f(1) = 1, and the K steps."""
    drawn = -np.sort(-rng.beta(0.4, 0.4, (count, levels)), axis=1)
    drawn[:, 0] = 1.0
    return np.vstack([drawn, np.tril(np.ones((levels, levels)))])


def profile_limits(refused, design, column, confidence_level):
    """(estimate, lower, upper) of one logistic coefficient by minimising over the others."""
    y = np.asarray(refused, dtype=float)
    others = np.delete(design, column, axis=1)

    def loss(theta, offset):
        z = others @ theta + offset
        return float(np.sum(np.logaddexp(0.0, z) - y * z))

    def profile(b):
        start = np.zeros(others.shape[1])
        return minimize(loss, start, args=(b * design[:, column],), method="BFGS", options={"gtol": 1e-8}).fun

    from scipy.optimize import brentq, minimize_scalar

    best = minimize_scalar(profile, bounds=(-8, 8), method="bounded", options={"xatol": 1e-9})
    reach = 0.5 * chi2.ppf(confidence_level, 1)

    def excess(b):
        return profile(b) - best.fun - reach

    return best.x, brentq(excess, best.x - 8, best.x), brentq(excess, best.x, best.x + 8)
