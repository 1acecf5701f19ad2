"""Bentkus's inequality: the mean of bounded losses, by e times a binomial tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import MeanBound

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Bentkus", "bentkus", "sum_ceiling"]


@dataclass(frozen=True)
class Bentkus(MeanBound):
    """The mu with `e P(Bin(n, mu) <= k) = delta`, `k = ceil(sum x)`; 1 where k = n.

    p-value of `mean >= r`: `min(1, e P(Bin(n, r) <= k))`. Losses in [0, 1], one-sided, fixed n, independent
    units. The ceiling is exact: a sum of floating-point losses is rounded up as their true sum would be.
    Source: Bentkus (2004), On Hoeffding's inequalities; for the ceiling, Bates et al. (2021),
    Distribution-free, risk-controlling prediction sets.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return binomial_upper(sum_ceiling(losses), losses.shape[1], delta / math.e)

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        tail = binomial_tail(sum_ceiling(losses), losses.shape[1], risk_limit)
        return np.minimum(math.e * tail, 1.0)


def sum_ceiling(losses: Floats) -> Floats:
    """(m,) `ceil(sum x)` of the exact sum of each row.

    A floating-point sum next to an integer may lie on its wrong side: such rows are summed without rounding.
    Sums of integers are exact as they are.
    """
    total = losses.sum(axis=1)
    nearest = np.rint(total)
    doubtful = np.abs(total - nearest) <= losses.shape[1] * np.finfo(np.float64).eps * total
    ceiling = np.where(doubtful, nearest, np.ceil(total))
    rows = np.flatnonzero(doubtful)
    for row in rows[(losses[rows] != np.rint(losses[rows])).any(axis=1)]:
        ceiling[row] += np.sign(max(math.fsum([*losses[row], -nearest[row]]), 0.0))
    return np.clip(ceiling, 0.0, losses.shape[1])


def binomial_upper(count: Floats, n: int, delta: float) -> Floats:
    """(m,) the mu with `P(Bin(n, mu) <= count) = delta`; 1 where count = n."""
    from scipy.special import betainccinv

    inner = np.minimum(count, n - 1)
    return np.where(count >= n, 1.0, betainccinv(inner + 1, n - inner, delta))


def binomial_tail(count: Floats, n: int, mu: float) -> Floats:
    """(m,) `P(Bin(n, mu) <= count)`."""
    from scipy.special import betaincc

    inner = np.minimum(count, n - 1)
    return np.where(count >= n, 1.0, betaincc(inner + 1, n - inner, mu))


def bentkus(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `Bentkus`; see there for the formula."""
    return Bentkus()(losses, confidence_level=confidence_level, support=support)
