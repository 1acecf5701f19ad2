"""The Wang transform: the survival function shifted on the normal scale."""

from __future__ import annotations

from dataclasses import dataclass

from riskstats._validation import Floats, number
from riskstats.measures.distortion import DistortionMeasure

__all__ = ["Wang"]


@dataclass(frozen=True)
class Wang(DistortionMeasure):
    """Distortion `g(s) = Phi(Phi^-1(s) + shift)`; a normal loss moves up by `shift` standard deviations.

    Parameters
    ----------
    shift : any number; 0 is the mean, coherent from 0 on.

    Source: Wang (2000), A class of distortion operators for pricing financial and insurance risks.
    """

    shift: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", number(self.shift, "shift"))

    def distortion(self, s: Floats) -> Floats:
        from scipy.special import ndtr, ndtri

        return ndtr(ndtri(s) + self.shift)

    @property
    def coherent(self) -> bool:
        return self.shift >= 0.0
