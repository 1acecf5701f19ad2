"""The Dvoretzky-Kiefer-Wolfowitz band: one width everywhere, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.band import Band, BandSide, Boundary, Family
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.envelope import CDFEnvelope

__all__ = ["DKW", "Lines", "dkw"]

CELLS = 64
LEAST_ERROR = 1e-18


@dataclass(frozen=True)
class DKW(Band):
    """`b_i = (i/n - eps)+` with `eps = sqrt(log(1/delta) / 2n)`, for delta <= 1/2.

    One-sided, fixed n. p-values are exact: `exp(-2 n eps^2)` at the eps whose bound meets the limit, 1 above
    1/2. Wider than `KolmogorovSmirnov`, which has the exact eps.
    Source: Massart (1990), The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality.
    """

    def boundary(self, n: int, delta: float) -> Boundary:
        return Boundary(self.family(n, delta).design)

    def family(self, n: int, delta: float) -> Lines:
        if not 0.0 < delta <= 0.5:
            raise InvalidInput(f"`DKW` needs an error of at most 1/2; got {delta:g}. Raise the confidence.")
        return _Massart(n, delta, _radius(n, delta), _radius(n, 0.5))


def _radius(n: int, delta: float) -> float:
    return math.sqrt(-math.log(delta) / (2 * n))


@dataclass(frozen=True, eq=False)
class Lines(Family):
    """Bands `(i/n - eps)+` of one width everywhere; t = -eps.

    design_radius : eps at `delta`. least_radius : eps of the narrowest band.
    """

    n: int
    delta: float
    design_radius: float
    least_radius: float = 0.0

    @cached_property
    def grid(self) -> Floats:
        widest = max(_radius(self.n, LEAST_ERROR), 1.5 * self.design_radius)
        return -np.linspace(widest, self.least_radius, CELLS)

    @property
    def design_t(self) -> float:
        return -self.design_radius

    @property
    def design(self) -> Floats:
        return self.boundaries(np.array([self.design_t]))[0]

    def boundaries(self, t: Floats, start: int = 0) -> Floats:
        return np.maximum(np.arange(start + 1, self.n + 1) / self.n + t[:, np.newaxis], 0.0)

    def reaching(self, ranks: Integers, level: float) -> Floats:
        radius = ranks / self.n - level
        return np.where(level <= 0.0, self.grid[0], np.where(radius >= self.least_radius, -radius, np.inf))


class _Massart(Lines):
    def errors(self, t: Floats) -> Floats:
        return np.exp(-2.0 * self.n * t**2)


def dkw(
    losses: Any,
    *,
    side: BandSide = "lower",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> CDFEnvelope:
    """The `DKW` band of one sample; see there for the formula."""
    from riskstats.bounds.api import cdf_band

    return cdf_band(losses, DKW(), side=side, confidence_level=confidence_level, support=support)
