"""Entropic risk: the certainty equivalent of an exponential disutility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, non_negative_number
from riskstats.measures._log_mean_exp import log_mean_exp
from riskstats.measures.base import AtomMeasure, evaluated

__all__ = ["Entropic", "entropic_risk"]

NEGLIGIBLE = 1e-16  # of risk_aversion * range: the value differs from the mean by less than rounding


@dataclass(frozen=True)
class Entropic(AtomMeasure):
    """`log E exp(theta X) / theta`, from the mean at theta = 0 to the largest loss at infinity.

    Convex and translation equivariant, but not positively homogeneous: doubling the losses is the same as
    doubling theta and the unit.

    Parameters
    ----------
    risk_aversion : theta >= 0, per unit of loss.

    Source: Foellmer and Schied (2002), Convex measures of risk and trading constraints.
    """

    equivariant: ClassVar[bool] = False

    risk_aversion: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "risk_aversion", non_negative_number(self.risk_aversion, "risk_aversion"))

    def of_atoms(self, atoms: Floats, mass: Floats) -> Floats:
        top, below = atoms[:, -1], atoms - atoms[:, -1:]
        small = -self.risk_aversion * below[:, 0] < NEGLIGIBLE
        if small.all():
            return top + below @ mass
        with np.errstate(over="ignore"):
            exponents = self.risk_aversion * below
        return top + np.where(small, below @ mass, log_mean_exp(exponents, mass) / self.risk_aversion)


def entropic_risk(
    losses: Any, risk_aversion: float, *, sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """`log E exp(theta X) / theta` of (n,), of rows of (m, n), or of a `Distribution`."""
    return evaluated(Entropic(risk_aversion), losses, sample_weight)
