"""How two budgets share one move: the infimal convolution of two power costs.

    min  l1 t1^p + l0 t0^p   over   t1 + t0 = t     =     kappa t^p

with ``kappa^(-q) = l1^(-q) + l0^(-q)``, ``q = 1 / (p - 1)``,
and ``t1 = t (kappa / l1)^q``; for p = 1 the cheaper of the two moves alone, ``kappa = min(l1, l0)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._jit import namespace
from riskstats.wasserstein.shape_base import frozen

__all__ = ["joint_multiplier", "share_of_first"]


def joint_multiplier(first: Any, second: Any, order: float) -> Any:
    """kappa of two multipliers >= 0; inf is a ball that cannot move."""
    if frozen(first) or frozen(second):
        return second if frozen(first) else first
    xp = namespace(first, second)
    low, high = xp.minimum(first, second), xp.maximum(first, second)
    if order == 1.0:
        return low
    q = 1.0 / (order - 1.0)
    return low * (1.0 + (low / xp.where(high > 0.0, high, 1.0)) ** q) ** (-1.0 / q)


def share_of_first(first: Any, second: Any, order: float) -> Any:
    """t1 / t: the part of the move that the first ball makes."""
    xp, cheaper = namespace(first, second), 0.5 * ((first <= second) * 1.0 + (first < second) * 1.0)
    if order == 1.0 or frozen(first) or frozen(second) or (xp is np and min(first, second) == 0.0):
        return cheaper
    free, q = (first == 0.0) | (second == 0.0), 1.0 / (order - 1.0)
    share = 1.0 / (1.0 + (first / xp.where(free, 1.0, second)) ** q)
    return share if xp is np else xp.where(free, cheaper, share)
