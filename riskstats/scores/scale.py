"""Best scale t = 1/m of a card whose integers are given: a convex problem in one variable, solved to
rounding."""

from __future__ import annotations

import numpy as np

from riskstats.losses import sigmoid, softplus, softplus_curvature
from riskstats.scores._types import FloatArray

__all__ = ["best_scale"]


def best_scale(
    scores: FloatArray, weight: FloatArray, linear: float, interval: tuple[float, float]
) -> tuple[float, float]:
    """Return (t, loss) that minimise sum_r weight_r softplus(t s_r) - t linear over the interval; linear =
    sum of a_r s_r.

    Newton's method on the derivative, kept inside a shrinking bracket.
    """
    distinct, member = np.unique(scores, return_inverse=True)
    total = np.bincount(member, weight, len(distinct))

    def slope(t: float) -> float:
        return float(total @ (sigmoid(t * distinct) * distinct)) - linear

    def loss(t: float) -> float:
        return float(total @ softplus(t * distinct)) - t * linear

    low, high = interval
    if low == high or slope(low) >= 0:
        return low, loss(low)
    if slope(high) <= 0:
        return high, loss(high)
    t = np.sqrt(low * high)
    for _ in range(100):
        gradient = slope(t)
        low, high = (low, t) if gradient > 0 else (t, high)
        curvature = float(total @ (softplus_curvature(t * distinct) * distinct**2))
        step = t - gradient / curvature if curvature > 0 else 0.5 * (low + high)
        new = step if low < step < high else 0.5 * (low + high)
        if abs(new - t) <= 1e-15 * t:
            break
        t = new
    return float(t), loss(float(t))
