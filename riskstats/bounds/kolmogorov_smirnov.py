"""The Kolmogorov-Smirnov band: one width everywhere, with the exact probability for every n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.band import Band, BandSide, Boundary
from riskstats.bounds.crossing_recursion import log_excess
from riskstats.bounds.dkw import Lines
from riskstats.bounds.panels import interpolation
from riskstats.exceptions import NotConverged

if TYPE_CHECKING:
    from riskstats.envelope import CDFEnvelope

__all__ = ["KolmogorovSmirnov", "exceedance", "kolmogorov_smirnov", "one_sided_radius"]

MARGIN = 1e-12  # share of delta that stays unspent: more than the error of the sum
NODES = 64
ROUNDING_UP = 2e-10  # relative, of interpolated p-values
NARROWEST = 0.4  # sqrt(n) eps of the narrowest band, whose error is above 1/2
EVERY_TERM = 1000  # smallest n for which many p-values are interpolated


@dataclass(frozen=True)
class KolmogorovSmirnov(Band):
    """`b_i = (i/n - eps)+` with `P(max_i i/n - U_(i) >= eps) = delta` for uniform order statistics U_(i).

    One-sided, fixed n, exact for a continuous law. The same shape as `DKW`, never wider. Of the bands the
    tightest for a mean, loose in the tails. p-values above about 0.6 are given as 1.
    Source: Birnbaum and Tingey (1951), One-sided confidence contours for probability distribution functions.
    """

    def boundary(self, n: int, delta: float) -> Boundary:
        return Boundary(self.family(n, delta).design)

    def family(self, n: int, delta: float) -> Lines:
        radius = one_sided_radius(n, delta)
        return _Exact(n, delta, radius, min(NARROWEST / math.sqrt(n), radius))


@dataclass(frozen=True, eq=False)
class _Exact(Lines):
    def errors(self, t: Floats) -> Floats:
        if self.n < EVERY_TERM or len(t) <= NODES:
            return np.array([min(exceedance(self.n, -place) * (1 + MARGIN), 1.0) for place in t])
        nodes, ratios = self._ratios
        inside = np.clip(t, nodes[0], nodes[-1])
        ratio = interpolation(nodes, inside) @ ratios
        return np.minimum(np.exp(ratio - 2 * self.n * inside**2) * (1 + ROUNDING_UP), 1.0)

    @cached_property
    def _ratios(self) -> tuple[Floats, Floats]:
        """log of error / exp(-2 n eps^2), a smooth function of eps, at Chebyshev points."""
        low, high = self.grid[[0, -1]]
        nodes = low + (high - low) * (1 - np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)) / 2
        nodes[[0, -1]] = low, high
        logs = [math.log(exceedance(self.n, -node)) for node in nodes]
        return nodes, np.array(logs) + 2 * self.n * nodes**2


def exceedance(n: int, radius: float) -> float:
    """`P(max_i i/n - U_(i) >= eps)`, relatively exact to about 1e-13: 1 at eps = 0, 0 from eps = 1 on.

    `eps sum_j C(n, j) p^(j-1) (1 - p)^(n-j)`, p = eps + j/n, over 0 <= j <= n (1 - eps). All terms are
    positive; each is a binomial probability over p. Cost: O(n).
    """
    if radius >= 1.0:
        return 0.0
    if radius <= 0.0:
        return 1.0
    j = np.arange(math.floor(n * (1.0 - radius)) + 1.0)
    j = j[n - j > 0]
    left, shift = n - j, n * radius
    share = np.minimum(shift / left, 1.0)
    with np.errstate(divide="ignore"):
        gain = np.log1p(shift / np.maximum(j, 1.0))
        exponents = _constants(n)[: len(j)] + j * gain + left * np.log1p(-share)
    return min(radius * float(np.sum(np.exp(exponents) / (radius + j / n))), 1.0)


@lru_cache(maxsize=4)
def _constants(n: int) -> Floats:
    """`T_n - T_j - T_(n-j) - log(2 pi) / 2` for j = 0 ... n, the part of a binomial without its p."""
    excess = log_excess(np.arange(n + 1.0))
    return excess[-1] - excess - excess[::-1] - 0.5 * math.log(2 * math.pi)


@lru_cache(maxsize=1024)
def one_sided_radius(n: int, delta: float) -> float:
    """The eps with `exceedance(n, eps) <= delta`, above the exact one by about 1e-12 relative in delta.

    Secant steps on the log of the probability against eps^2, which is nearly a line, inside a bracket.
    """
    goal = math.log(delta) + math.log1p(-2 * MARGIN)
    low, high = 0.0, 1.0
    radius = min(math.sqrt(max(-goal, 0.0) / (2 * n)), 1.0 - delta)
    previous: tuple[float, float] | None = None
    for _ in range(200):
        value = exceedance(n, radius)
        gap = (math.log(value) if value > 0 else -math.inf) - goal
        low, high = (radius, high) if gap > MARGIN else (low, radius)
        if -MARGIN <= gap <= MARGIN or high - low <= 4e-16 * high:
            return radius if gap <= MARGIN else high
        slope = -2.0 * n
        if previous is not None and radius != previous[0]:
            slope = (gap - previous[1]) / (radius**2 - previous[0] ** 2)
        previous = (radius, gap)
        square = radius**2 - gap / slope if math.isfinite(gap) and slope < 0 else -1.0
        radius = math.sqrt(square) if low**2 < square < high**2 else 0.5 * (low + high)
    raise NotConverged(f"no Kolmogorov-Smirnov radius found for n = {n}, delta = {delta:g}.")


def kolmogorov_smirnov(
    losses: Any,
    *,
    side: BandSide = "lower",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> CDFEnvelope:
    """The `KolmogorovSmirnov` band of one sample; see there for the formula."""
    from riskstats.bounds.api import cdf_band

    band = KolmogorovSmirnov()
    return cdf_band(losses, band, side=side, confidence_level=confidence_level, support=support)
