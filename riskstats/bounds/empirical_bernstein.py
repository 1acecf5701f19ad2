"""The empirical Bernstein bound: the mean of bounded losses, in closed form, from mean and variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import Assumptions, MeanBound

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["EmpiricalBernstein", "empirical_bernstein"]


@dataclass(frozen=True)
class EmpiricalBernstein(MeanBound):
    """`mean + sqrt(2 V log(2/delta) / n) + 7 log(2/delta) / (3 (n-1))`, V the variance of the n losses with
    divisor n - 1.

    p-value of `mean >= r`: the delta at which the bound is r. Losses in [0, 1], one-sided, fixed n >= 2,
    independent units. `Betting` is tighter; this one is a formula.
    Source: Maurer and Pontil (2009), Empirical Bernstein bounds and sample variance penalization, theorem 4.
    """

    requires: ClassVar[Assumptions] = Assumptions(minimum_units=2)

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        root = math.sqrt(math.log(2.0 / delta))
        linear, square = _coefficients(losses)
        return np.minimum(losses.mean(axis=1) + root * (linear + root * square), 1.0)

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        linear, square = _coefficients(losses)
        gap = np.maximum(risk_limit - losses.mean(axis=1), 0.0)
        root = 2.0 * gap / (linear + np.sqrt(linear**2 + 4.0 * square * gap) + (gap == 0.0))
        return np.minimum(2.0 * np.exp(-(root**2)), 1.0)


def _coefficients(losses: Floats) -> tuple[Floats, float]:
    """The bound is `mean + linear q + square q^2` with `q = sqrt(log(2/delta))`."""
    n = losses.shape[1]
    return np.sqrt(2.0 * losses.var(axis=1, ddof=1) / n), 7.0 / (3.0 * (n - 1))


def empirical_bernstein(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `EmpiricalBernstein`; see there for the formula."""
    return EmpiricalBernstein()(losses, confidence_level=confidence_level, support=support)
