"""Brown's limits for CVaR: the sample CVaR plus a distance that the losses do not touch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import Bound
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Brown", "brown"]


@dataclass(frozen=True)
class Brown(Bound):
    """With C the CVaR of n losses in [a, b], `t = 1 - level` and `w = b - a`, cut to [a, b]:

        upper = C + w sqrt(5 log(3/delta) / (t n))
        lower = C - (w / t) sqrt(log(1/delta) / (2 n))

    One-sided, fixed n, independent units. A comparator, never the tightest here. The upper limit is stated
    for continuous laws; it holds for every law, as one sees by adding to each loss a uniform number below
    epsilon and letting epsilon vanish, which moves both C and the true CVaR by at most epsilon. p-values are
    exact: `3 exp(-t n ((r - C)+ / w)^2 / 5)`, at most 1.

    Source: Brown (2007), Large deviations bounds for estimating conditional value-at-risk.
    """

    def carries(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, CVaR)

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        distance = _width(sample) * math.sqrt(5.0 * math.log(3.0 / delta) / _tail(sample, measure))
        return np.minimum(measure.of_samples(sample.values) + distance, sample.support[1])

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        assert isinstance(measure, CVaR)
        distance = _width(sample) * math.sqrt(-math.log(delta) / (2 * sample.n_units)) / (1.0 - measure.level)
        return np.maximum(measure.of_samples(sample.values) - distance, sample.support[0])

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        short = np.maximum(risk_limit - measure.of_samples(sample.values), 0.0) / _width(sample)
        return np.minimum(3.0 * np.exp(-_tail(sample, measure) * short**2 / 5.0), 1.0)

    def _refusal(self, measure: RiskMeasure) -> str:
        return f"`{self.name}` bounds a CVaR; `{measure}` needs another bound: see `recommend`."


def _width(sample: Sample) -> float:
    return sample.support[1] - sample.support[0]


def _tail(sample: Sample, measure: RiskMeasure) -> float:
    """`t n`."""
    assert isinstance(measure, CVaR)
    return (1.0 - measure.level) * sample.n_units


def brown(
    losses: Any,
    level: float,
    *,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> RiskBound:
    """Upper bound on `CVaR(level)` by `Brown`; see there for the formula."""
    return Brown()(losses, CVaR(level), confidence_level=confidence_level, support=support)
