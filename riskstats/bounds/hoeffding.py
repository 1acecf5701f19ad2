"""Hoeffding's inequality: the mean of bounded losses, from the sample mean alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import MeanBound

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Hoeffding", "hoeffding"]


@dataclass(frozen=True)
class Hoeffding(MeanBound):
    """`mean + sqrt(log(1/delta) / 2n)` for losses in [0, 1]; p-value `exp(-2 n (r - mean)+^2)`.

    One-sided, fixed n, independent units. Never the tightest here: a reference for others.
    Source: Hoeffding (1963), Probability inequalities for sums of bounded random variables.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        radius = math.sqrt(-math.log(delta) / (2 * losses.shape[1]))
        return np.minimum(losses.mean(axis=1) + radius, 1.0)

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        short = np.maximum(risk_limit - losses.mean(axis=1), 0.0)
        return np.exp(-2 * losses.shape[1] * short**2)


def hoeffding(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `Hoeffding`; see there for the formula."""
    return Hoeffding()(losses, confidence_level=confidence_level, support=support)
