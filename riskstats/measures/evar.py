"""Entropic value at risk: the tightest exponential bound on the tail, read as a risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats._validation import level as checked_level
from riskstats.distribution import Distribution
from riskstats.measures._log_mean_exp import log_mean_exp
from riskstats.measures.base import RiskMeasure, evaluated

__all__ = ["EVaR", "evar"]

STEPS = 200
CLOSE = 1e-9  # relative step of the root: the value is flat there, so its own error is of order 1e-18


@dataclass(frozen=True)
class EVaR(RiskMeasure):
    """`inf_{s > 0} (log E exp(s X) - log t) / s` with t = 1 - level.

    Coherent, between CVaR at the same level and the maximum. It is the largest loss as soon as that has
    probability t, and never more.

    Parameters
    ----------
    level : share not in the tail, in [0, 1); 0 is the mean.

    Source: Ahmadi-Javid (2012), Entropic value-at-risk: a new coherent risk measure.
    """

    level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", checked_level(self.level))

    def of(self, law: Distribution) -> float:
        weights: Floats = law.weights  # type: ignore[assignment]
        return self._of(law.atoms, weights, float(weights[-1]))

    def of_samples(self, samples: Floats) -> Floats:
        mass = np.full(samples.shape[1], 1.0 / samples.shape[1])
        shares = (samples == samples.max(axis=1, keepdims=True)).mean(axis=1)
        return np.array([self._of(row, mass, share) for row, share in zip(samples, shares, strict=True)])

    def _of(self, atoms: Floats, mass: Floats, at_top: float) -> float:
        """atoms : in any order. at_top : mass of the largest."""
        bottom, top = float(atoms.min()), float(atoms.max())
        if at_top >= 1.0 - self.level:
            return top
        if self.level == 0.0:
            return float(mass @ atoms)
        spread = top - bottom
        below = _infimum((atoms - top) / spread, mass, -math.log1p(-self.level))
        return top + spread * min(below, 0.0)

    @property
    def coherent(self) -> bool:
        return True


def evar(losses: Any, level: float, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """Entropic value at risk of (n,), of rows of (m, n), or of a `Distribution`."""
    return evaluated(EVaR(level), losses, sample_weight)


def _infimum(atoms: Floats, mass: Floats, divergence: float) -> float:
    """`inf_{s > 0} (K(s) + divergence) / s`, K the log of the moment generating function.

    atoms : from -1 to 0, in any order. The minimum is where the tilted law has relative entropy `s K' - K`
    equal to `divergence`; Newton on its square root, which is nearly linear, inside a bracket. Every value
    on the way is an upper bound of the infimum, so the smallest is kept.
    """
    target = math.sqrt(2 * divergence)
    mean = float(mass @ atoms)
    s, low, high, least = target / math.sqrt(float(mass @ (atoms - mean) ** 2)), 0.0, math.inf, math.inf
    for _ in range(STEPS):
        value, entropy, curvature = _tilted(atoms, mass, s)
        least = min(least, (value + divergence) / s)
        low, high = (low, s) if entropy > divergence else (s, high)
        root = math.sqrt(2 * max(entropy, 0.0))
        following = s + (target - root) * root / (s * curvature) if curvature > 0 else math.nan
        if not low < following < high or following > 8 * s:
            following = 2 * s if high == math.inf else 0.5 * (low + high)
        if abs(following - s) <= CLOSE * s or high - low <= CLOSE * s:
            break
        s = following
    return least


def _tilted(atoms: Floats, mass: Floats, s: float) -> tuple[float, float, float]:
    """`K(s)`, the relative entropy `s K'(s) - K(s)`, and `K''(s)`."""
    value = float(log_mean_exp(s * atoms[np.newaxis], mass)[0])
    tilted = mass * np.exp(s * atoms - value)
    slope = float(tilted @ atoms)
    return value, s * slope - value, float(tilted @ (atoms - slope) ** 2)
