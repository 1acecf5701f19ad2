"""The two unconditional statistics of Acerbi and Szekely for forecasts of the expected shortfall.

    Z1 = 1 - sum_t (x_t I_t / es_t) / sum_t I_t        Z2 = 1 - sum_t (x_t I_t / es_t) / (T t)

Both have mean 0 under the model (Z1 given that there is a hit) and are negative where the shortfall is
understated. Z1 looks at the size of the hits alone, Z2 at their number too.
Source: Acerbi and Szekely (2014), Back-testing expected shortfall, tests 1 and 2, in losses.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats

__all__ = ["first_statistic", "second_statistic"]


def first_statistic(losses: Floats, value_at_risk: Floats, expected_shortfall: Floats) -> Floats:
    """(...) Z1 of losses (..., T) with es > 0; NaN without a hit."""
    hits = losses > value_at_risk
    count = hits.sum(axis=-1).astype(np.float64)
    total = np.where(hits, losses / expected_shortfall, 0.0).sum(axis=-1)
    return 1.0 - np.divide(total, count, out=np.full_like(count, np.nan), where=count > 0)


def second_statistic(
    losses: Floats, value_at_risk: Floats, expected_shortfall: Floats, mass: float
) -> Floats:
    """(...) Z2 of losses (..., T) with es > 0."""
    total = np.where(losses > value_at_risk, losses / expected_shortfall, 0.0).sum(axis=-1)
    return 1.0 - total / (losses.shape[-1] * mass)
