"""The smaller of Chernoff's and Bentkus's bounds: both bound one tail, so no error is split between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import MeanBound
from riskstats.bounds.bentkus import Bentkus
from riskstats.bounds.chernoff import Chernoff

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["HoeffdingBentkus", "hoeffding_bentkus"]


@dataclass(frozen=True)
class HoeffdingBentkus(MeanBound):
    """`min(Chernoff, Bentkus)`, each at delta; the p-value is the smaller of the two.

    Both bound `P(mean <= x)` by a function of x for every law with the given mean, so their smaller value
    bounds it too. Losses in [0, 1], one-sided, fixed n, independent units.
    Source: Bates et al. (2021), Distribution-free, risk-controlling prediction sets.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return np.minimum(Chernoff().mean_upper(losses, delta), Bentkus().mean_upper(losses, delta))

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        return np.minimum(
            Chernoff().mean_p_value(losses, risk_limit, delta),
            Bentkus().mean_p_value(losses, risk_limit, delta),
        )


def hoeffding_bentkus(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `HoeffdingBentkus`; see there for the formula."""
    return HoeffdingBentkus()(losses, confidence_level=confidence_level, support=support)
