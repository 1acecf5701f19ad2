"""Many differences of means on the same units: their errors, and the same in every resample of the units.

With sums S_u of the weighted differences in unit u and N_u of the weights, a difference is
`d = sum S / sum N` with `se^2 = u / (u - 1) sum (S_u - d N_u)^2 / (sum N)^2`, u the units with N_u > 0.
One set of counts of units serves all differences, so that what they share stays together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.tail.bootstrap import resample_counts
from riskstats.tail.resampled_ranks import LEAST_ERROR, Pairs

__all__ = ["Sums", "resampled_pairs"]

BLOCK = 2**24  # numbers held at once
FLAT = 1e-12  # a variance below this share of its terms is rounding


class Sums(NamedTuple):
    """(u, K) sums in every unit, of the differences and of the weights."""

    differences: Floats
    weights: Floats


def resampled_pairs(
    sums: Sums, first: Integers, second: Integers, resamples: int, rng: np.random.Generator
) -> Pairs:
    """K differences with the deviations `|d* - d| / se*` of R resamples, in the form of the tail's rankings.

    Units are taken in an order of their values, so that the order of rows does not matter. A resample that
    shows less than half the error of the sample is taken at half of it. A difference without error is blind.
    """
    order = np.lexsort((*sums.differences.T[::-1], *sums.weights.T[::-1]))
    ordered = Sums(sums.differences[order], sums.weights[order])
    units = len(order)
    value, error = _moments(ordered, np.ones((1, units)))
    blind = error[0] == 0.0
    counts = resample_counts(units, resamples, rng)
    size = max(1, BLOCK // max(units, len(value[0])))
    parts = []
    for start in range(0, resamples, size):
        moved, errors = _moments(ordered, counts[:, start : start + size].T.astype(np.float64))
        least = np.maximum(errors, LEAST_ERROR * error)
        where = np.broadcast_to(~blind, moved.shape)
        parts.append(np.divide(np.abs(moved - value), least, out=np.zeros_like(moved), where=where))
    statistic = np.divide(value[0], error[0], out=np.zeros_like(value[0]), where=~blind)
    return Pairs(first, second, value[0], error[0], statistic, np.concatenate(parts), blind)


def _moments(sums: Sums, counts: Floats) -> tuple[Floats, Floats]:
    """(R, K) differences and standard errors of resamples given by counts (R, u); where a resample has no
    weight the difference is 0 without error."""
    s, n = sums
    total = counts @ n
    some = total > 0
    d = np.divide(counts @ s, total, out=np.zeros_like(total), where=some)
    terms = counts @ s**2
    variance = terms - 2.0 * d * (counts @ (s * n)) + d**2 * (counts @ n**2)
    variance = np.where(variance > FLAT * terms, variance, 0.0)
    present = (n > 0).sum(axis=0)
    factor = np.where(present > 1, present / np.maximum(present - 1.0, 1.0), 0.0)
    return d, np.divide(np.sqrt(factor * variance), total, out=np.zeros_like(total), where=some)
