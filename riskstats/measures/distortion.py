"""Distortion measures: the mean after the survival function was bent by a function g."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput
from riskstats.measures._unit_map import UnitMap, convex, increments, unit_map_levels
from riskstats.measures.base import SpectralMeasure, average, evaluated

__all__ = ["Distortion", "DistortionMeasure", "distortion_risk"]


class DistortionMeasure(SpectralMeasure):
    """`sum_k x_(k) [g(S_(k-1)) - g(S_k)]`, S_k the survival probability after the k-th atom, S_0 = 1.

    Subclasses give `distortion`; it is coherent iff g is concave. The spectrum is `Psi(p) = 1 - g(1 - p)`,
    but weights come from survival probabilities that are summed from the largest loss down: g may be steep
    at 0, where `1 - p` has few digits.

    Source: Wang, Young and Panjer (1997), Axiomatic characterization of insurance prices.
    """

    @abstractmethod
    def distortion(self, s: Floats) -> Floats:
        """`g(s)`, increasing from 0 to 1; elementwise."""

    def integrated_spectrum(self, p: Floats) -> Floats:
        return 1.0 - self.distortion(1.0 - p)

    def weights(self, cumulative: Floats) -> Floats:
        return self.survival_weights(1.0 - cumulative)

    def rank_weights(self, first: int, last: int, n: int) -> Floats:
        return self.survival_weights(np.arange(n - 1 - first, n - 2 - last, -1) / n)

    def survival_weights(self, survival: Floats) -> Floats:
        """Weight of each atom from the probability of a larger loss; decreasing, the last one 0."""
        bent = np.append(self.distortion(survival)[::-1], 1.0)
        return increments(bent, "distortion")[:0:-1]

    def of(self, law: Distribution) -> float:
        above = np.append(np.cumsum(law.weights[:0:-1])[::-1], 0.0)  # type: ignore[index]
        return float(average(law.atoms, self.survival_weights(np.minimum(above, 1.0))))


@dataclass(frozen=True)
class Distortion(DistortionMeasure):
    """A distortion measure with the user's g.

    Parameters
    ----------
    function : g, a function of an array of survival probabilities, increasing, g(0) = 0, g(1) = 1.

    `coherent` is derived: g is concave on a grid of 1025 points. `InvalidInput` where g is not increasing
    from 0 to 1 there or at the losses. Shipped: `Wang`, `ProportionalHazard`, `DualPower`,
    `ExponentialDistortion`; `CVaR` is g(s) = min(s / (1 - level), 1).
    """

    function: UnitMap
    _levels: tuple[float, float] = field(init=False, repr=False, compare=False)
    _concave: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidInput(f"`function` must be a function such as `numpy.sqrt`; got {self.function!r}.")
        zero, one = unit_map_levels(self.function, "function")
        object.__setattr__(self, "_levels", (1.0 - one, 1.0 - zero))
        object.__setattr__(self, "_concave", convex(lambda s: 1.0 - self.distortion(s), "function"))

    def distortion(self, s: Floats) -> Floats:
        return np.asarray(self.function(s), dtype=np.float64)

    @property
    def levels(self) -> tuple[float, float]:
        return self._levels

    @property
    def coherent(self) -> bool:
        return self._concave


def distortion_risk(
    losses: Any, distortion: UnitMap | SpectralMeasure, *, sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """Distortion measure of (n,), of rows of (m, n), or of a `Distribution`.

    distortion : g as a function, or a measure such as `Wang(0.5)`.
    """
    measure = distortion if isinstance(distortion, SpectralMeasure) else Distortion(distortion)
    return evaluated(measure, losses, sample_weight)
