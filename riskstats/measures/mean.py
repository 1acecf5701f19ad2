"""The mean: what a unit loses on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.distribution import Distribution
from riskstats.measures.base import SpectralMeasure, evaluated

__all__ = ["Mean", "mean"]


@dataclass(frozen=True)
class Mean(SpectralMeasure):
    """`E X`, in the units of the losses."""

    flat: ClassVar[bool] = True

    def integrated_spectrum(self, p: Floats) -> Floats:
        return p

    def of(self, law: Distribution) -> float:
        return law.mean()

    def of_samples(self, samples: Floats) -> Floats:
        return samples.mean(axis=1)

    @property
    def coherent(self) -> bool:
        return True


def mean(losses: Any, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """`E X` of a sample (n,), of each row of (m, n), or of a `Distribution`."""
    return evaluated(Mean(), losses, sample_weight)
