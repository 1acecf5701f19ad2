"""The exponential distortion: weights that grow exponentially with the rank of the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, non_negative_number
from riskstats.measures.distortion import DistortionMeasure

__all__ = ["ExponentialDistortion"]

NEGLIGIBLE = 1e-17  # below this k, g(s) - s is less than the rounding of s


@dataclass(frozen=True)
class ExponentialDistortion(DistortionMeasure):
    """Distortion `g(s) = (1 - e^(-k s)) / (1 - e^(-k))`, the spectrum `psi(u) ~ e^(k u)`.

    Parameters
    ----------
    k : >= 0; 0 is the mean. Coherent.
    """

    k: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", non_negative_number(self.k, "k"))

    def distortion(self, s: Floats) -> Floats:
        if self.k < NEGLIGIBLE:
            return s
        return np.expm1(-self.k * s) / np.expm1(-self.k)

    @property
    def coherent(self) -> bool:
        return True
