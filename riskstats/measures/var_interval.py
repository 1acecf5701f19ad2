"""The mean of a range of quantiles: a tail without its most extreme part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, probability
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput
from riskstats.measures.base import SpectralMeasure, evaluated

__all__ = ["VaRInterval", "var_interval"]


@dataclass(frozen=True)
class VaRInterval(SpectralMeasure):
    """`int_lower^upper q(u) du / (upper - lower)`, the mean of the quantiles between two levels.

    With `upper_level = 1` it is `CVaR(lower_level)`. Below 1 it ignores the largest losses, so that it is not
    subadditive and not coherent, and needs no finite top of the support to be bounded.

    Parameters
    ----------
    lower_level : in [0, 1).
    upper_level : in (lower_level, 1].
    """

    flat: ClassVar[bool] = True

    lower_level: float
    upper_level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower_level", checked_level(self.lower_level, "lower_level"))
        object.__setattr__(self, "upper_level", probability(self.upper_level, "upper_level", closed=True))
        if not self.lower_level < self.upper_level:
            raise InvalidInput(
                f"`upper_level` must exceed `lower_level`; got {self.upper_level:g} and "
                f"{self.lower_level:g}. One level is `ValueAtRisk({self.lower_level:g})`."
            )

    def integrated_spectrum(self, p: Floats) -> Floats:
        below = np.clip(p, self.lower_level, self.upper_level) - self.lower_level
        return below / (self.upper_level - self.lower_level)

    @property
    def levels(self) -> tuple[float, float]:
        return (self.lower_level, self.upper_level)

    @property
    def coherent(self) -> bool:
        return self.upper_level == 1.0


def var_interval(
    losses: Any, lower_level: float, upper_level: float, *, sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """Mean of the quantiles between two levels of (n,), of rows of (m, n), or of a `Distribution`."""
    return evaluated(VaRInterval(lower_level, upper_level), losses, sample_weight)
