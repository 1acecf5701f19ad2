"""What a linear outcome gains by moving: ``e(l) = sup_t t - l t^p``, at ``t = (p l)^(-1 / (p - 1))``."""

from __future__ import annotations

import math

__all__ = ["linear_gain"]


def linear_gain(multiplier: float, order: float) -> tuple[float, float]:
    """(e(l), t): for p = 1 nothing at l >= 1 and inf below; for p = 2 1 / (4 l). At l = inf nothing moves."""
    if math.isinf(multiplier):
        return 0.0, 0.0
    if order == 1.0:
        return (0.0, 0.0) if multiplier >= 1.0 else (math.inf, math.inf)
    if multiplier <= 0.0:
        return math.inf, math.inf
    step = (1.0 / (order * multiplier)) ** (1.0 / (order - 1.0))
    return step * (1.0 - 1.0 / order), step
