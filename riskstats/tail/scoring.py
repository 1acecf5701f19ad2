"""The Fissler-Ziegel score of forecasts of value at risk and expected shortfall together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.tail.forecasts import Forecasts, checked_forecasts, place

__all__ = ["fissler_ziegel", "fissler_ziegel_score", "mean_fissler_ziegel_score"]


def fissler_ziegel_score(losses: Any, value_at_risk: Any, expected_shortfall: Any, level: float) -> Floats:
    """`FZ0 = (x - v)+ / (t es) + v / es + log es - 1`, one for each loss; smaller is better.

    Its mean is smallest, over all (v, es), at the true value at risk and expected shortfall, so it ranks
    forecasters; differences do not depend on the unit of the losses. Compare two by a paired bootstrap.

    Parameters
    ----------
    losses : numbers of any shape, larger is worse.
    value_at_risk, expected_shortfall : forecasts of that shape, or one number each; es > v and es > 0.
    level : share not in the tail, t = 1 - level.

    `InvalidInput`: NaN or infinite values, es <= v, es <= 0.
    Source: Fissler and Ziegel (2016), Higher order elicitability and Osband's principle; the member of degree
    0 is that of Patton, Ziegel and Chen (2019).
    """
    return fissler_ziegel(_positive(checked_forecasts(losses, value_at_risk, expected_shortfall, level)))


def mean_fissler_ziegel_score(
    losses: Any,
    value_at_risk: Any,
    expected_shortfall: Any,
    level: float,
    *,
    sample_weight: npt.ArrayLike | None = None,
) -> float:
    """Weighted mean of `fissler_ziegel_score` over losses (n,)."""
    scores = fissler_ziegel_score(losses, value_at_risk, expected_shortfall, level).reshape(-1)
    weights = sample_weights(sample_weight, len(scores))
    return float(np.average(scores, weights=weights / weights.max()))


def fissler_ziegel(given: Forecasts) -> Floats:
    """The score of checked forecasts with es > 0."""
    x, v, es, mass = given
    return np.maximum(x - v, 0.0) / (mass * es) + v / es + np.log(es) - 1.0


def _positive(given: Forecasts) -> Forecasts:
    wrong = given.expected_shortfall <= 0
    if wrong.any():
        raise InvalidInput(
            f"`expected_shortfall` must be > 0 in this score; violated at {place(wrong)}. Add a constant to "
            "losses and forecasts."
        )
    return given
