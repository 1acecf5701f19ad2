"""A bound on a quantile that holds at every number of units at once: look and stop at will."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from riskstats._validation import Floats, Integers, probability
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.base import Assumptions, Bound
from riskstats.bounds.edges import order_statistic
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.value_at_risk import ValueAtRisk

__all__ = ["QuantileSequence"]

PRIOR_UNITS = 20.0  # weight of the prior, in units
ROUNDING = 1e-9  # of a log wealth, to the safe side


@dataclass(frozen=True)
class QuantileSequence(Bound):
    """`VaR_level <= x_(k)` for all numbers t of units at once, k the smallest S with a wealth of `1/delta`.

    `wealth(S, t) = int_level^1 p^S (1-p)^(t-S) dpi(p) / (level^S (1-level)^(t-S))`, pi the Beta law with
    parameters (20 level, 20 (1 - level)) cut to (level, 1). The number of losses below the quantile has a
    probability of at most `level` each, so that the wealth at it is a supermartingale, and Ville's inequality
    gives `P(exists t: x_(k_t) < VaR) <= delta`. It increases in S. The top of the support where k = t + 1.

    Anytime-valid, one-sided, for both sides of the quantile. p-value of a limit r:
    `1 / wealth(#{x <= r}, n)`. The lower bound is the reflection at `1 - level`.

    Parameters
    ----------
    level : in (0, 1).

    Source: mixtures of likelihood ratios as in Robbins (1970), Statistical methods related to the law of the
    iterated logarithm; the supermartingale and Ville's inequality are the whole proof.
    """

    requires: ClassVar[Assumptions] = Assumptions(bounded=False, anytime=True)

    level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", probability(self.level, "level"))

    def carries(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, ValueAtRisk) and measure.level == self.level

    def running_upper(
        self,
        losses: Any,
        *,
        confidence_level: float = 0.95,
        support: tuple[float, float] = (0.0, 1.0),
    ) -> Floats:
        """(n,) the bound after each loss in the order of the data, the smallest so far: all hold at once."""
        from riskstats.bounds.api import single_sample

        sample = single_sample(losses, support, False, None)
        delta = 1.0 - checked_confidence(confidence_level)
        ranks = ranks_reaching(np.arange(1, sample.n_units + 1), delta, self.level, 1.0 - self.level)
        return np.minimum.accumulate(_running(sample.values[0], ranks, sample.support[1]))

    def rank(self, n: int, delta: float) -> int:
        """The rank k of the loss that bounds the quantile after n units; n + 1 is the top of the support."""
        return _rank(n, delta, self.level, 1.0 - self.level)

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return order_statistic(sample, self.rank(sample.n_units, delta))

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        n = sample.n_units
        return order_statistic(sample, n + 1 - _rank(n, delta, 1.0 - self.level, self.level))

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        counts = (sample.values <= risk_limit).sum(axis=1)
        return np.exp(-np.maximum(log_wealth(counts, sample.n_units, self.level, 1.0 - self.level), 0.0))

    def _refusal(self, measure: RiskMeasure) -> str:
        return (
            f"`{self.name}` bounds `ValueAtRisk({self.level:g})`; `{measure}` needs a CDF band such as "
            "`BerkJones`, at a fixed number of units."
        )


def log_wealth(successes: Integers, n: Any, level: float, rest: float) -> Floats:
    """Log of the wealth after n units with `successes` below the quantile, rounded down; rest = 1 - level."""
    from scipy.special import betaln

    a, b = PRIOR_UNITS * level, PRIOR_UNITS * rest
    s, f = np.asarray(successes, dtype=np.float64), np.asarray(n - successes, dtype=np.float64)
    mixture = betaln(a + s, b + f) + _log_upper(a + s, b + f, level)
    prior = float(betaln(a, b)) + float(_log_upper(np.array(a), np.array(b), level))
    wealth = mixture - prior - s * math.log(level) - f * math.log(rest)
    return wealth - ROUNDING - 8e-16 * (s + f) * max(-math.log(level), -math.log(rest))


def _log_upper(a: Floats, b: Floats, level: float) -> Floats:
    """Log of the probability that a Beta variable exceeds `level`; -inf where it is below 1e-300."""
    from scipy.special import betaincc

    with np.errstate(divide="ignore"):
        return np.log(betaincc(a, b, level))


def _rank(n: int, delta: float, level: float, rest: float) -> int:
    return int(ranks_reaching(np.array([n]), delta, level, rest)[0])


def ranks_reaching(n: Integers, delta: float, level: float, rest: float) -> Integers:
    """Elementwise the smallest S in 1 ... n whose wealth after n units reaches `1/delta`; n + 1 for none."""
    goal = -math.log(delta)
    low, high = np.ones_like(n), n + 1
    while (low < high).any():
        middle = (low + high) // 2
        reached = log_wealth(np.minimum(middle, n), n, level, rest) >= goal
        high = np.where((low < high) & reached, middle, high)
        low = np.where((low < high) & ~reached, middle + 1, low)
    return low


def _running(losses: Floats, ranks: Integers, top: float) -> Floats:
    """(n,) the order statistic of rank `ranks[t]` among the first t + 1 losses, by two heaps."""
    below: list[float] = []  # negated: the largest of the smallest ones is on top
    above: list[float] = []
    answer = np.full(len(losses), top)
    for t, (loss, rank) in enumerate(zip(losses.tolist(), ranks.tolist(), strict=True)):
        heapq.heappush(above, -heapq.heappushpop(below, -loss) if below else loss)
        wanted = min(rank, t + 1)
        while len(below) < wanted:
            heapq.heappush(below, -heapq.heappop(above))
        while len(below) > wanted:
            heapq.heappush(above, -heapq.heappop(below))
        if rank <= t + 1:
            answer[t] = -below[0]
    return answer
