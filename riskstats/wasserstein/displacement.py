"""What a linear outcome gains by moving: ``e(l) = sup_t t - l t^p``, at ``t = (p l)^(-1 / (p - 1))``."""

from __future__ import annotations

import math

from riskstats.wasserstein.shape_base import along

__all__ = ["linear_gain"]


def linear_gain(multiplier: float, order: float) -> tuple[float, float]:
    """(e(l), t): for p = 1 nothing at l >= 1 and inf below; for p = 2 1 / (4 l). At l = inf nothing moves."""
    step = float(along(1.0, multiplier, order))
    return (step, step) if math.isinf(step) else (step * (1.0 - 1.0 / order), step)
