"""Conditional value at risk: the mean of the worst share of the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats._validation import level as checked_level
from riskstats.distribution import Distribution
from riskstats.measures.base import SpectralMeasure, evaluated

__all__ = ["CVaR", "cvar", "expected_shortfall"]

LARGE = 2**16  # weighted losses from which a guess of the tail is cheaper than a full sort


@dataclass(frozen=True)
class CVaR(SpectralMeasure):
    """Mean of the worst `1 - level` of the losses.

    `CVaR = min_v v + E (X - v)+ / (1 - level) = int_level^1 q(u) du / (1 - level)`

    Ties at the quantile share the tail pro rata, so the order of rows does not matter.

    Parameters
    ----------
    level : share not in the tail, in [0, 1); 0 is the mean.

    Source: Rockafellar and Uryasev (2002), Conditional value-at-risk for general loss distributions.
    """

    flat: ClassVar[bool] = True

    level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", checked_level(self.level))

    def integrated_spectrum(self, p: Floats) -> Floats:
        return np.maximum(p - self.level, 0.0) / (1.0 - self.level)

    def of_weighted(self, sample: Floats, weights: Floats) -> float:
        if len(sample) < LARGE:
            return super().of_weighted(sample, weights)
        needed = (1.0 - self.level) * float(weights.sum())
        tail, mass = _upper_tail(sample, weights, 1.0 - self.level, needed)
        order = np.argsort(tail)[::-1]
        mass = mass[order]
        taken = np.clip(needed - (np.cumsum(mass) - mass), 0.0, mass)
        return float(np.dot(taken, tail[order]) / taken.sum())

    @property
    def levels(self) -> tuple[float, float]:
        return (self.level, 1.0)

    @property
    def coherent(self) -> bool:
        return True


def _upper_tail(sample: Floats, weights: Floats, share: float, needed: float) -> tuple[Floats, Floats]:
    """Every loss from some threshold on, of total weight at least `needed`.

    The threshold comes from every k-th loss. If it was too high, it is lowered: the guess costs time, never
    exactness.
    """
    stride = len(sample) // 4096
    some, their = sample[::stride], weights[::stride]
    guess = 1.1 * share + 0.01
    while guess < 0.5 and their.any():
        kept = np.flatnonzero(sample >= Distribution(some, their).quantile(1.0 - guess))
        tail, mass = sample[kept], weights[kept]
        if mass.sum() >= needed:
            return tail, mass
        guess *= 3
    return sample, weights


def cvar(losses: Any, level: float, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """Mean of the worst `1 - level` of a sample (n,), of each row of (m, n), or of a `Distribution`."""
    return evaluated(CVaR(level), losses, sample_weight)


expected_shortfall = cvar
