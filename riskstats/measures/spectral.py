"""Spectral measures: weighted averages of quantiles, with a spectrum that the user gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.measures._unit_map import UnitMap, convex, increments, unit_map_levels
from riskstats.measures.base import SpectralMeasure, evaluated

__all__ = ["Spectral", "Steps", "spectral_risk"]


@dataclass(frozen=True)
class Steps:
    """An integrated spectrum that is linear between levels.

    Parameters
    ----------
    levels : (k + 1,) increasing in [0, 1].
    shares : (k,) the weight of the quantiles between two neighbouring levels, >= 0, sum 1.
    """

    levels: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        levels, shares = finite_vector(self.levels, "levels"), finite_vector(self.shares, "shares")
        if len(levels) != len(shares) + 1 or (np.diff(levels) <= 0).any() or levels[0] < 0 or levels[-1] > 1:
            raise InvalidInput(
                f"`levels` must be {len(shares) + 1} increasing numbers in [0, 1], one more than `shares`; "
                f"got {levels.tolist()}."
            )
        if shares.min() < 0 or abs(shares.sum() - 1.0) > 1e-9:
            raise InvalidInput(
                f"`shares` must be >= 0 and sum to 1; got min {shares.min():g} and sum {shares.sum():g}."
            )
        object.__setattr__(self, "levels", tuple(levels.tolist()))
        object.__setattr__(self, "shares", tuple((shares / shares.sum()).tolist()))

    def __call__(self, p: Floats) -> Floats:
        heights = np.minimum(np.append(0.0, np.cumsum(self.shares)), 1.0)
        heights[-1] = 1.0
        return np.interp(p, self.levels, heights)

    def __str__(self) -> str:
        return f"levels {list(self.levels)}, shares {list(self.shares)}"


@dataclass(frozen=True)
class Spectral(SpectralMeasure):
    """`int_0^1 q(u) psi(u) du` with the user's spectrum psi >= 0, given by its integral `Psi`.

    Parameters
    ----------
    integrated : function of an array of levels, `Psi(p) = int_0^p psi`, increasing from 0 to 1; for example
        `lambda p: p**3`. `Spectral.steps` takes levels and shares instead.

    `coherent` is derived: `Psi` is convex on a grid of 1025 levels. `InvalidInput` where `Psi(0) != 0`,
    `Psi(1) != 1`, or it decreases on the grid or at the losses.

    Source: Acerbi (2002), Spectral measures of risk: a coherent representation of subjective risk aversion.
    """

    integrated: UnitMap
    _levels: tuple[float, float] = field(init=False, repr=False, compare=False)
    _convex: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not callable(self.integrated):
            raise InvalidInput(
                f"`integrated` must be a function such as `lambda p: p**2`; got {self.integrated!r}. For "
                "levels and shares write `Spectral.steps(levels, shares)`."
            )
        breaks = getattr(self.integrated, "levels", ())
        object.__setattr__(self, "_levels", unit_map_levels(self.integrated, "integrated", breaks))
        object.__setattr__(self, "_convex", convex(self.integrated, "integrated"))

    @classmethod
    def steps(cls, levels: Any, shares: Any) -> Spectral:
        """The measure with weight `shares[i]` on the quantiles from `levels[i]` to `levels[i+1]`.

        `Spectral.steps((0, 0.9, 1), (0.5, 0.5))` is half the mean of the best 90 %, half the CVaR at 0.9.
        """
        return cls(Steps(levels, shares))

    def integrated_spectrum(self, p: Floats) -> Floats:
        return np.asarray(self.integrated(p), dtype=np.float64)

    def weights(self, cumulative: Floats) -> Floats:
        return increments(self.integrated_spectrum(cumulative), "integrated")

    @property
    def levels(self) -> tuple[float, float]:
        return self._levels

    @property
    def coherent(self) -> bool:
        return self._convex


def spectral_risk(
    losses: Any, spectrum: UnitMap | SpectralMeasure, *, sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """Spectral measure of (n,), of rows of (m, n), or of a `Distribution`.

    spectrum : the integrated spectrum `Psi`, or a measure such as `Spectral.steps(...)`.
    """
    measure = spectrum if isinstance(spectrum, SpectralMeasure) else Spectral(spectrum)
    return evaluated(measure, losses, sample_weight)
