"""The proportional hazard transform: a power of the survival function."""

from __future__ import annotations

from dataclasses import dataclass

from riskstats._validation import Floats, positive_number
from riskstats.measures.distortion import DistortionMeasure

__all__ = ["ProportionalHazard"]


@dataclass(frozen=True)
class ProportionalHazard(DistortionMeasure):
    """Distortion `g(s) = s^(1/r)`: the hazard of the losses divided by r.

    Parameters
    ----------
    r : > 0; 1 is the mean, coherent from 1 on.

    Source: Wang (1995), Insurance pricing and increased limits ratemaking by proportional hazards transforms.
    """

    r: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "r", positive_number(self.r, "r"))

    def distortion(self, s: Floats) -> Floats:
        return s ** (1.0 / self.r)

    @property
    def coherent(self) -> bool:
        return self.r >= 1.0
