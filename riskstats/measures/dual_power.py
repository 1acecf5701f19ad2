"""The dual power transform: for a whole k, the mean of the worst of k units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, positive_number
from riskstats.measures.distortion import DistortionMeasure

__all__ = ["DualPower"]


@dataclass(frozen=True)
class DualPower(DistortionMeasure):
    """Distortion `g(s) = 1 - (1 - s)^k`; for a whole k it is `E max(X_1, ..., X_k)`.

    Parameters
    ----------
    k : > 0; 1 is the mean, coherent from 1 on.
    """

    k: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", positive_number(self.k, "k"))

    def distortion(self, s: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return -np.expm1(self.k * np.log1p(-s))

    @property
    def coherent(self) -> bool:
        return self.k >= 1.0
