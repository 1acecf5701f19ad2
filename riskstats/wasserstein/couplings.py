"""How two budgets share one move: the infimal convolution of two power costs.

    min  l1 t1^p + l0 t0^p   over   t1 + t0 = t     =     kappa t^p

with ``kappa^(-q) = l1^(-q) + l0^(-q)``, ``q = 1 / (p - 1)``,
and ``t1 = t (kappa / l1)^q``; for p = 1 the cheaper of the two moves alone, ``kappa = min(l1, l0)``.
"""

from __future__ import annotations

import numpy as np

__all__ = ["joint_multiplier", "share_of_first"]


def joint_multiplier(first: float, second: float, order: float) -> float:
    """kappa of two multipliers >= 0; inf is a ball that cannot move."""
    low, high = min(first, second), max(first, second)
    if order == 1.0 or low == 0.0 or np.isinf(high):
        return low
    q = 1.0 / (order - 1.0)
    return float(low * (1.0 + (low / high) ** q) ** (-1.0 / q))


def share_of_first(first: float, second: float, order: float) -> float:
    """t1 / t: the part of the move that the first ball makes."""
    if order == 1.0 or np.isinf(max(first, second)) or min(first, second) == 0.0:
        if first == second:
            return 0.5
        return 1.0 if first < second else 0.0
    q = 1.0 / (order - 1.0)
    return float(1.0 / (1.0 + (first / second) ** q))
