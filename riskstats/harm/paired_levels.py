"""Resampled differences of cumulative harm: every cost level and every pair of models by one set of counts.

With W the weights and Y the weighted differences summed in each sampled unit, the difference of two means is
`d = sum Y / sum W` and its squared standard error `units / (units - 1) sum (Y - d W)^2 / (sum W)^2`. Every
resample has its own d* and se*.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers
from riskstats.tail.bootstrap import BLOCK, resample_counts
from riskstats.tail.resampled_ranks import LEAST_ERROR, Differences, Pairs, differences

__all__ = ["PairedMeans", "paired_means", "simultaneous"]

FLAT = 1e-12  # a standard error this small beside the difference is rounding


class PairedMeans(NamedTuple):
    """Means d of C columns with their errors, and `|d* - d| / se*` of R resamples.

    value, error : (C,). deviations : (R, C), 0 where a column shows no error. units : how many were drawn.
    """

    value: Floats
    error: Floats
    deviations: Floats
    units: int


def paired_means(
    columns: Floats, weights: Floats, codes: Integers | None, resamples: int, rng: np.random.Generator
) -> PairedMeans:
    """Weighted means of the columns (n, C) with weights (n,), resampled by unit (codes (n,), or by row).

    Rows of weight 0 do not exist. Cost: `R` times the units times C, three times.
    """
    kept = weights > 0
    y, mass = columns[kept] * weights[kept, np.newaxis], weights[kept]
    if codes is not None:
        unit = np.unique(codes[kept], return_inverse=True)[1].reshape(-1)
        sums = np.zeros((int(unit.max()) + 1, y.shape[1]))
        np.add.at(sums, unit, y)
        y, mass = sums, np.bincount(unit, mass).astype(np.float64)
    value, error = _moments(y, mass, np.ones((1, len(mass))))
    error = np.where(error <= FLAT * np.abs(value), 0.0, error)
    parts, size = [], max(1, BLOCK // len(mass))
    for start in range(0, resamples, size):
        counts = resample_counts(len(mass), min(size, resamples - start), rng).T.astype(np.float64)
        parts.append(_deviations(y, mass, counts, value[0], error[0]))
    return PairedMeans(value[0], error[0], np.concatenate(parts), len(mass))


def _moments(y: Floats, mass: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """(R, C) means and standard errors of resamples given by their counts (R, units)."""
    units = len(mass)
    total, squares = counts @ mass, counts @ np.square(mass)
    mean = (counts @ y) / total[:, np.newaxis]
    crossed, second = counts @ (y * mass[:, np.newaxis]), counts @ np.square(y)
    variance = second - 2.0 * mean * crossed + np.square(mean) * squares[:, np.newaxis]
    factor = units / (units - 1.0) if units > 1 else 0.0
    variance = np.where(variance <= FLAT * second, 0.0, variance)
    return mean, np.sqrt(factor * variance) / total[:, np.newaxis]


def _deviations(y: Floats, mass: Floats, counts: Floats, value: Floats, error: Floats) -> Floats:
    mean, errors = _moments(y, mass, counts)
    least = np.maximum(errors, LEAST_ERROR * error)
    where = np.broadcast_to(error > 0, mean.shape)
    return np.divide(np.abs(mean - value), least, out=np.zeros_like(mean), where=where)


def simultaneous(
    means: PairedMeans, which: Integers, known: npt.NDArray[np.bool_], delta: float
) -> Differences:
    """Intervals that hold for all the columns `which` at once.

    A column without error has no ends, since nothing is known of it, unless it is 0 by construction (`known`,
    (len(which),)): then it is exactly that.
    """
    value, error = means.value[which], means.error[which]
    statistic = np.divide(value, error, out=np.zeros_like(value), where=error > 0)
    blind = (error == 0) & ~known
    return differences(Pairs(which, which, value, error, statistic, means.deviations[:, which], blind), delta)
