"""The Berk-Jones band: as many standard deviations wide everywhere, or only where a measure looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, Integers, probability
from riskstats.bounds.band import Band, BandSide, Boundary, Family
from riskstats.bounds.berk_jones_boundary import berk_jones_boundary
from riskstats.bounds.calibration import Calibration, calibrate, crossing_of_level
from riskstats.bounds.panels import interpolation
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.envelope import CDFEnvelope

__all__ = ["BerkJones", "berk_jones"]

NODES = 64
ROUNDING_UP = 2e-10  # relative, of p-values from the interpolated boundary
LEAST_LEVEL, LARGEST_LEVEL = 1e-17, 0.6
REMEMBERED = 20_000  # units up to which the last families are kept: at most 10 MB each


@dataclass(frozen=True)
class BerkJones(Band):
    """`b_i = I^-1(c; i, n - i + 1)`: the c-quantile of the i-th uniform order statistic, one c for all i.

    c is exact: the probability that some order statistic falls below its b_i is delta, from below. With
    `levels` only the ranks at which a measure of these levels looks are active, and c is larger: b = 0 below
    the first rank whose b reaches `lo`, flat from the first whose b reaches `hi`. p-values keep the ranks
    that (n, delta) fixed: `p = P(c)` at the smallest c whose bound meets the limit.

    One-sided, fixed n, exact for a continuous law. Of the bands the tightest in the tails.

    Parameters
    ----------
    levels : (lo, hi) with 0 <= lo < hi <= 1; (0, 1) is the plain band. Choose it before looking.

    Source: Berk and Jones (1979), Goodness-of-fit test statistics that dominate the Kolmogorov statistics.
    """

    levels: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        try:
            low, high = self.levels
        except (TypeError, ValueError):
            raise InvalidInput(f"`levels` must be two levels (lo, hi); got {self.levels!r}.") from None
        pair = probability(low, "levels", closed=True), probability(high, "levels", closed=True)
        if not pair[0] < pair[1]:
            raise InvalidInput(f"`levels` must satisfy lo < hi; got {self.levels!r}.")
        object.__setattr__(self, "levels", pair)

    def boundary(self, n: int, delta: float) -> Boundary:
        design = calibrate(n, delta, self.levels)
        ranks = (design.ranks.first, design.ranks.plateau)
        return Boundary(_design(design), design.level_c, ranks, self.levels)

    def family(self, n: int, delta: float) -> Family:
        calibration = calibrate(n, delta, self.levels)
        return _remembered(calibration) if n <= REMEMBERED else _Quantiles(calibration)

    def reflected(self) -> BerkJones:
        low, high = self.levels
        return BerkJones((1.0 - high, 1.0 - low))


def _design(calibration: Calibration) -> Floats:
    return berk_jones_boundary(calibration.n, calibration.level_c, calibration.ranks)


@dataclass(frozen=True, eq=False)
class _Quantiles(Family):
    """t = the normal quantile of c, in which logit b and log P(c)/c are smooth: both are interpolated."""

    calibration: Calibration

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", self.calibration.n)
        object.__setattr__(self, "delta", self.calibration.delta)

    @cached_property
    def grid(self) -> Floats:
        """Chebyshev points, and both ends."""
        from scipy.special import ndtri

        least = min(LEAST_LEVEL, 1e-3 * self.calibration.level_c)
        low, high = ndtri(least), ndtri(max(LARGEST_LEVEL, self.calibration.level_c))
        return low + (high - low) * (1 - np.cos(np.pi * np.arange(NODES) / (NODES - 1))) / 2

    @property
    def design(self) -> Floats:
        return _design(self.calibration)

    @property
    def design_t(self) -> float:
        from scipy.special import ndtri

        return float(ndtri(self.calibration.level_c))

    def boundaries(self, t: Floats, start: int = 0) -> Floats:
        from scipy.special import expit

        ranks = self.calibration.ranks
        first = min(max(start, ranks.first - 1), ranks.plateau - 1)
        active = interpolation(self.grid, t) @ self._logits[:, first - ranks.first + 1 :]
        answer = np.zeros((len(t), self.n - start))
        low, high = max(first - start, 0), max(ranks.plateau - start, 0)
        answer[:, low:high] = expit(active)[:, : high - low]
        answer[:, high:] = expit(active[:, -1:])
        return answer

    @cached_property
    def _logits(self) -> Floats:
        """(nodes, active ranks) log-odds of the boundary."""
        from scipy.special import ndtr

        ranks = self.calibration.ranks
        active = slice(ranks.first - 1, ranks.plateau)
        edges = [berk_jones_boundary(self.n, c, ranks)[active] for c in ndtr(self.grid).tolist()]
        b = np.clip(edges, 1e-300, np.nextafter(1.0, 0.0))
        return np.log(b) - np.log1p(-b)

    def errors(self, t: Floats) -> Floats:
        from scipy.special import ndtr

        inside = np.maximum(t, self.grid[0])
        c = ndtr(inside)
        if len(t) <= NODES:
            p = np.array([self._crossing(level) for level in c.tolist()])
        else:
            p = c * np.exp(interpolation(self.grid, np.minimum(inside, self.grid[-1])) @ self._ratios)
        p = np.where(inside > self.grid[-1], 1.0, p)
        return np.minimum(p * (1 + ROUNDING_UP), 1.0)

    @cached_property
    def _ratios(self) -> Floats:
        """log P(c)/c at the nodes."""
        from scipy.special import ndtr

        return np.array([math.log(self._crossing(c) / c) for c in ndtr(self.grid).tolist()])

    def _crossing(self, c: float) -> float:
        return crossing_of_level(self.n, c, self.calibration.ranks)

    def reaching(self, ranks: Integers, level: float) -> Floats:
        """Where `P(Bin(n, level) >= rank) = c`."""
        from scipy.special import betainc, ndtri

        active = self.calibration.ranks
        seen = np.minimum(ranks, active.plateau)
        t = ndtri(betainc(seen, self.n - seen + 1.0, level))
        t = np.where(t > self.grid[-1], np.inf, np.maximum(t, self.grid[0]))
        return np.where((ranks < active.first) & (level > 0.0), np.inf, t)


@lru_cache(maxsize=4)
def _remembered(calibration: Calibration) -> _Quantiles:
    return _Quantiles(calibration)


def berk_jones(
    losses: Any,
    *,
    levels: tuple[float, float] = (0.0, 1.0),
    side: BandSide = "lower",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> CDFEnvelope:
    """The `BerkJones` band of one sample, calibrated on `levels`; see there for the formula."""
    from riskstats.bounds.api import cdf_band

    band = BerkJones(levels)
    return cdf_band(losses, band, side=side, confidence_level=confidence_level, support=support)
