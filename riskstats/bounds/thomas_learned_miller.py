"""The limits of Thomas and Learned-Miller for CVaR: the edges of a band of one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskstats._validation import Floats
from riskstats.bounds.base import Bound
from riskstats.bounds.dkw import DKW
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["ThomasLearnedMiller", "thomas_learned_miller"]


@dataclass(frozen=True)
class ThomasLearnedMiller(Bound):
    """With losses `x_(1) <= ... <= x_(n)` in [a, b], `t = 1 - level`, `eps = sqrt(log(1/delta) / 2n)`:

        upper = b - (1/t) sum_(i=1..n) (x_(i+1) - x_(i)) (i/n - eps - level)+,        x_(n+1) = b
        lower = x_(n) - (1/t) sum_(i=0..n-1) (x_(i+1) - x_(i)) (min(1, i/n + eps) - level)+,   x_(0) = a

    These are the CVaR of the worst and of the best law in the band `DKW`, which computes them and their
    p-values; hence delta <= 1/2. One-sided, fixed n, independent units. A comparator: a band calibrated on
    the tail, `BerkJones(levels=(level, 1))`, is tighter.

    Source: Thomas and Learned-Miller (2019), Concentration inequalities for conditional value at risk.
    """

    def carries(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, CVaR)

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return DKW().upper(sample, measure, delta)

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return DKW().lower(sample, measure, delta)

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        return DKW().p_value(sample, measure, risk_limit, delta)

    def _refusal(self, measure: RiskMeasure) -> str:
        return f"`{self.name}` bounds a CVaR; for `{measure}` take the band itself, `DKW`."


def thomas_learned_miller(
    losses: Any,
    level: float,
    *,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> RiskBound:
    """Upper bound on `CVaR(level)` by `ThomasLearnedMiller`; see there for the formula."""
    bound = ThomasLearnedMiller()
    return bound(losses, CVaR(level), confidence_level=confidence_level, support=support)
