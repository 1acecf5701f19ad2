"""Exact limits for a rate, for a mean of rates over hazards and for the smallest of several rates.

A count of independent items with unequal rates is less spread than a binomial one of the same mean, so the
binomial limits hold for the mean rate as well, but for a single success or a single failure, where a union
bound takes their place. For hazards of unequal size, every hazard mean is at least as concentrated as that of
as many items as the smallest hazard has; Chernoff's bound for H times as many items then holds for the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats.bounds.bentkus import binomial_upper
from riskstats.bounds.chernoff import entropy_inverse

__all__ = ["SmallestTotals", "minimum_interval", "rate_interval", "settling_totals"]

_MOST_DOUBLINGS = 40
Counts = npt.NDArray[np.floating | np.integer]


def rate_interval(
    unsafe: Counts, total: Counts, average: str, lower_error: float, upper_error: float
) -> tuple[float, float]:
    """Limits of the rate over hazards (H,), each wrong with at most half of its error.

    average : "pooled" or "mean". Counts may be fractional, for planning.
    """
    if average == "mean" and len(np.unique(total)) > 1:
        size, rate = float(total.min()) * len(total), float(np.mean(unsafe / total))
        return 1.0 - _chernoff(1.0 - rate, size, lower_error), _chernoff(rate, size, upper_error)
    count, size, mixed = float(unsafe.sum()), float(total.sum()), len(total) > 1
    return 1.0 - _binomial(size - count, size, lower_error, mixed), _binomial(count, size, upper_error, mixed)


def _chernoff(rate: float, size: float, error: float) -> float:
    return float(entropy_inverse(np.array([rate]), math.log(2.0 / error) / size)[0])


def _binomial(count: float, size: float, error: float, mixed: bool) -> float:
    """Upper limit at error / 2; `mixed` items may have different rates."""
    limit = float(binomial_upper(np.array([count]), size, 0.5 * error)[0])  # type: ignore[arg-type]
    return max(limit, 1.0 - 0.5 * error / size) if mixed and size - 2.0 < count < size else limit


def minimum_interval(unsafe: Counts, total: Counts, average: str, error: float) -> tuple[float, float]:
    """Limits of the smallest rate of J systems, counts (J, H), together wrong with at most `error`.

    The smallest rate is below every lower limit only if the limit of its own system fails: no correction.
    It is above the smallest upper limit only if one of J fails: each gets a share of the error.
    """
    ends = [
        rate_interval(own, size, average, error, error / len(total))
        for own, size in zip(unsafe, total, strict=True)
    ]
    return min(low for low, _ in ends), min(high for _, high in ends)


class SmallestTotals(NamedTuple):
    """Totals from which on one grade is left; None where none was found."""

    alone: int | None
    both: int | None


def settling_totals(left: Callable[[float, float], int], total: int) -> SmallestTotals:
    """The smallest totals at which `left(factor, reference factor)`, the grades that remain, is 1."""
    return SmallestTotals(
        _smallest(lambda factor: left(factor, 1.0), total),
        _smallest(lambda factor: left(factor, factor), total),
    )


def _smallest(left: Callable[[float], int], total: int) -> int | None:
    """The smallest n with one grade left at n / total, given that more items leave no more grades."""
    high = 1
    for _ in range(_MOST_DOUBLINGS):
        if left(high / total) <= 1:
            break
        high *= 2
    else:
        return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle / total) <= 1 else (middle, high)
    return high
