"""One order statistic as a bound on one quantile: the binomial law decides its rank."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats._validation import level as checked_level
from riskstats.bounds.band import Band, BandSide, Boundary, Family
from riskstats.bounds.edges import order_statistic
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.value_at_risk import ValueAtRisk

if TYPE_CHECKING:
    from riskstats.envelope import CDFEnvelope

__all__ = ["OrderStatisticBand", "order_statistic_band"]


@dataclass(frozen=True)
class OrderStatisticBand(Band):
    """`b_i = level 1{i >= k}`, k the smallest rank with `P(Bin(n, level) >= k) <= delta`.

    `VaR_level <= x_(k)`, and the top of the support where k = n + 1: no other band can do better for this
    quantile. p-value of a limit r: `P(Bin(n, level) >= #{x <= r})`. The lower bound is x_(j) with the largest
    j such that `P(Bin(n, level) <= j - 1) <= delta`. All hold for both sides of the quantile: fewer than k
    losses lie below the upper one, and at least j at or below the lower one.

    One-sided, fixed n, exact for a continuous law. Other measures are bounded by the same band, loosely.

    Parameters
    ----------
    level : in [0, 1).
    """

    level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", checked_level(self.level))

    def boundary(self, n: int, delta: float) -> Boundary:
        family = self.family(n, delta)
        ranks = None if family.rank > n else (family.rank, family.rank)
        return Boundary(family.design, None, ranks, (0.0, 1.0) if self.level == 0 else (self.level,) * 2)

    def family(self, n: int, delta: float) -> _Steps:
        return _Steps(n, delta, self.level, rank_above(n, delta, self.level))

    def reflected(self) -> OrderStatisticBand:
        """The band at `1 - level`: a bound on the other tail."""
        return OrderStatisticBand(min(1.0 - self.level, math.nextafter(1.0, 0.0)))

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        if self._own(measure):
            return order_statistic(sample, rank_above(sample.n_units, delta, self.level))
        return super()._upper(sample, measure, delta)

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        if self._own(measure):
            return order_statistic(sample, rank_below(sample.n_units, delta, self.level))
        return super()._lower(sample, measure, delta)

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        if self._own(measure):
            return _at_least((sample.values <= risk_limit).sum(axis=1), sample.n_units, self.level)
        return super()._p_value(sample, measure, risk_limit, delta)

    def _own(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, ValueAtRisk) and measure.level == self.level


def rank_above(n: int, delta: float, level: float) -> int:
    """The smallest k with `P(Bin(n, level) >= k) <= delta`; n + 1 if not even n is enough."""
    return _first(n + 1, lambda k: float(_at_least(np.array([k]), n, level)[0]) <= delta)


def rank_below(n: int, delta: float, level: float) -> int:
    """The largest j with `P(Bin(n, level) <= j - 1) <= delta`; 0 if there is none."""
    return _first(n + 1, lambda j: float(_at_most(np.array([j]), n, level)[0]) > delta)


def _first(stop: int, condition: Any) -> int:
    """The smallest integer from 0 on where an eventually true condition holds, at most `stop`."""
    low, high = 0, stop
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if condition(middle) else (middle + 1, high)
    return low


def _at_least(counts: Integers, n: int, level: float) -> Floats:
    """`P(Bin(n, level) >= counts)`: 1 at 0, 0 above n."""
    from scipy.special import betainc

    inside = np.clip(counts, 1, n)
    tails = betainc(inside, n - inside + 1.0, level)
    return np.where(counts <= 0, 1.0, np.where(counts > n, 0.0, tails))


def _at_most(counts: Integers, n: int, level: float) -> Floats:
    """`P(Bin(n, level) <= counts)`: 0 below 0, 1 from n on."""
    from scipy.special import betaincc

    inside = np.clip(counts, 0, n - 1)
    tails = betaincc(inside + 1.0, n - inside + 0.0, level)
    return np.where(counts < 0, 0.0, np.where(counts >= n, 1.0, tails))


@dataclass(frozen=True, eq=False)
class _Steps(Family):
    """t = -k; k = n + 1 stands for a band that says nothing."""

    continuous: ClassVar[bool] = False

    n: int
    delta: float
    level: float
    rank: int

    @cached_property
    def grid(self) -> Floats:
        return -np.arange(self.n + 1.0, 0.0, -1.0)

    @property
    def design_t(self) -> float:
        return -float(self.rank)

    @property
    def design(self) -> Floats:
        return self.boundaries(np.array([self.design_t]))[0]

    def boundaries(self, t: Floats, start: int = 0) -> Floats:
        ranks = np.arange(start + 1.0, self.n + 1.0)
        return np.where(ranks >= -t[:, np.newaxis], self.level, 0.0)

    def errors(self, t: Floats) -> Floats:
        return _at_least(np.rint(-t).astype(np.int64), self.n, self.level)

    def reaching(self, ranks: Integers, level: float) -> Floats:
        return np.where(level <= self.level, -ranks.astype(np.float64), np.inf)


def order_statistic_band(
    losses: Any,
    level: float,
    *,
    side: BandSide = "lower",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> CDFEnvelope:
    """The `OrderStatisticBand` of one sample at a level; see there for the formula."""
    from riskstats.bounds.api import cdf_band

    band = OrderStatisticBand(level)
    return cdf_band(losses, band, side=side, confidence_level=confidence_level, support=support)
