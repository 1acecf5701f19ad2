"""A bet against a forecast of the expected shortfall, which may be looked at, and stopped, at any time.

    e_t = (x_t - v_t)+ / (t (es_t - v_t)),    M_T = prod_t (1 + lambda_t (e_t - 1)),    lambda_t in [0, 1]

Since `ES(X) <= v + E (X - v)+ / t` with equality at the value at risk, a right v_t and an es_t that is not
too small give `E[e_t | past] <= 1`, for any law, ties included. With stakes lambda_t that look at the past
only, M is a nonnegative supermartingale, so `P(M_T >= 1 / delta for some T) <= delta` (Ville's inequality).
Source: Wang, Wang and Ziegel, E-backtesting.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.tail.forecasts import Forecasts

__all__ = ["e_values", "log_wealth", "mixed_stakes"]

STAKES = 0.1 * 2.0 ** np.arange(7)  # times the tail mass
LARGEST = 1e300  # e-value, where es - v is next to nothing


def e_values(given: Forecasts) -> Floats:
    """(T,) e_t >= 0, at most `LARGEST`, which only makes the bet smaller."""
    x, v, es, mass = given
    with np.errstate(over="ignore"):
        return np.minimum(np.maximum(x - v, 0.0) / (es - v) / mass, LARGEST)


def mixed_stakes(e: Floats, mass: float) -> Floats:
    """(T,) predictable stakes: of seven constant stakes, each weighted by the wealth it has made so far.

    The wealth is then the mean wealth of the seven, so at most a factor of 7 below the best of them. Stakes
    run from 0.1 to 6.4 times the tail mass: an e-value has a variance of about 2 / t under the model, so the
    best stake against a shortfall understated by a share r is about r t / 2.
    """
    stakes = np.minimum(mass * STAKES, 1.0)
    with np.errstate(divide="ignore"):
        gains = np.log1p(stakes[:, np.newaxis] * (e[:-1] - 1.0))
    made = np.concatenate([np.zeros((len(stakes), 1)), np.cumsum(gains, axis=1)], axis=1)
    weights = np.exp(made - made.max(axis=0))
    return stakes @ weights / weights.sum(axis=0)


def log_wealth(e: Floats, stakes: Floats) -> Floats:
    """(T,) log M_1, ..., log M_T; -inf from where a whole stake was lost."""
    with np.errstate(divide="ignore"):
        return np.cumsum(np.log1p(stakes * (e - 1.0)), axis=-1)
