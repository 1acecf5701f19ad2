"""`log E exp(t)` without overflow, and without loss of digits where it is near 0."""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats

__all__ = ["log_mean_exp"]


def log_mean_exp(exponents: Floats, mass: Floats) -> Floats:
    """(m,) `log sum_k mass_k exp(t_k)` of every row of (m, k).

    exponents : (m, k), each row with largest value 0; -inf is allowed. mass : (k,) >= 0, sum 1.
    """
    excess = np.expm1(exponents) @ mass
    near = excess > -0.5
    result = np.log1p(np.where(near, excess, 0.0))
    if not near.all():
        result[~near] = np.log(np.exp(exponents[~near]) @ mass)
    return result
