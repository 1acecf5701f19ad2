"""The exact binomial bound for losses that are 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import Assumptions, MeanBound
from riskstats.bounds.bentkus import binomial_tail, binomial_upper

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["ClopperPearson", "clopper_pearson"]


@dataclass(frozen=True)
class ClopperPearson(MeanBound):
    """The mu with `P(Bin(n, mu) <= s) = delta` for s failures in n units; 1 where s = n.

    No failure in n units gives `1 - delta^(1/n)`. p-value of `mean >= r`: `P(Bin(n, r) <= s)`. One-sided,
    fixed n, independent units.
    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial.
    """

    requires: ClassVar[Assumptions] = Assumptions(binary=True)

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return binomial_upper(failures(losses), losses.shape[1], delta)

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        return binomial_tail(failures(losses), losses.shape[1], risk_limit)


def failures(losses: Floats) -> Floats:
    """(m,) number of losses 1, counted as integers."""
    return np.count_nonzero(losses, axis=1).astype(np.float64)


def clopper_pearson(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on a proportion by `ClopperPearson`; see there for the formula."""
    return ClopperPearson()(losses, confidence_level=confidence_level, support=support)
