"""Agreement and order in square tables of counts: kappa and Somers' D, for many tables at once.

A table (..., K, K) counts items by two ratings of K levels: rows the first, columns the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, Integers
from riskstats.evaluations.clustering import unit_sums
from riskstats.exceptions import InvalidInput
from riskstats.tail.bootstrap import resample_counts

__all__ = ["kappa", "kappa_weights", "levels_of", "resampled_tables", "somers_d", "spread", "table_of"]

BLOCK = 2**24


def levels_of(values: Any, name: str, n_levels: int | None) -> Integers:
    """(n,) whole numbers from 1 to `n_levels`; `InvalidInput` otherwise."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iuf":
        raise InvalidInput(
            f"`{name}` must be levels 1, 2, ..., one per item; got shape {array.shape} of {array.dtype}."
        )
    wrong = ~np.isfinite(array) | (array != np.floor(array)) | (array < 1)
    if n_levels is not None:
        wrong |= array > n_levels
    if wrong.any():
        top = "" if n_levels is None else f" to {n_levels}"
        raise InvalidInput(
            f"`{name}` must be whole levels from 1{top}; got {array[wrong][0]} at row {int(wrong.argmax())}. "
            "Drop rows without a level."
        )
    return array.astype(np.int64)


def table_of(first: Integers, second: Integers, k: int) -> Floats:
    """(K, K) counts of codes 0 ... K - 1."""
    return np.bincount(k * first + second, minlength=k * k).reshape(k, k).astype(np.float64)


def kappa_weights(k: int, kind: str) -> Floats:
    """(K, K) disagreement: 0/1 ("none"), distance ("linear") or its square ("quadratic")."""
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    return {"none": (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[kind]


def kappa(tables: Floats, weights: Floats) -> Floats:
    """(...,) `1 - sum w o / sum w e` with observed shares o and those of independence e.

    NaN where independence leaves no disagreement: both ratings are one and the same level.
    """
    total = tables.sum(axis=(-2, -1))
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    observed = (weights * tables).sum(axis=(-2, -1)) * total
    expected = np.einsum("...i,ij,...j->...", rows, weights, columns)
    return 1.0 - np.divide(observed, expected, out=np.full_like(observed, np.nan), where=expected > 0)


def somers_d(tables: Floats) -> Floats:
    """(...,) Somers' D of the columns given the rows: concordant less discordant pairs of items, over the
    pairs that differ in the rows. NaN where none does."""
    k = tables.shape[-1]
    above = np.zeros(tables.shape)  # items with a larger row and a larger column
    below = np.zeros(tables.shape)  # items with a larger row and a smaller column
    for i in range(k - 1):
        rest = tables[..., i + 1 :, :].sum(axis=-2)
        cumulative = np.cumsum(rest, axis=-1)
        above[..., i, :] = cumulative[..., -1:] - cumulative
        below[..., i, :] = cumulative - rest
    rows = tables.sum(axis=-1)
    pairs = (rows.sum(axis=-1) ** 2 - (rows**2).sum(axis=-1)) / 2.0
    net = (tables * (above - below)).sum(axis=(-2, -1))
    return np.divide(net, pairs, out=np.full_like(net, np.nan), where=pairs > 0)


def resampled_tables(
    first: Integers,
    second: Integers,
    k: int,
    codes: Integers | None,
    resamples: int,
    random_state: RandomState,
) -> Floats:
    """(R, K, K) tables of resamples of items, or of clusters."""
    cells = k * first + second
    used, place = np.unique(cells, return_inverse=True)
    rng = generator(random_state)
    if codes is None:
        counts = np.bincount(place)
        drawn = rng.multinomial(len(cells), counts / counts.sum(), size=resamples).astype(np.float64)
    else:
        drawn = _by_cluster(np.eye(len(used))[place.reshape(-1)], codes, resamples, rng)
    tables = np.zeros((resamples, k * k))
    tables[:, used] = drawn
    return tables.reshape(resamples, k, k)


def _by_cluster(rows: Floats, codes: Integers, resamples: int, rng: np.random.Generator) -> Floats:
    sums = unit_sums(rows, codes)
    sums = sums[np.lexsort(sums.T)]
    size = max(1, BLOCK // len(sums))
    parts = [
        resample_counts(len(sums), min(size, resamples - start), rng).T.astype(np.float64) @ sums
        for start in range(0, resamples, size)
    ]
    return np.concatenate(parts)


def spread(resampled: Floats, delta: float) -> tuple[float, float]:
    """Limits by the quantiles of resamples (R,), those without a value left out; NaN where none has one."""
    known = resampled[np.isfinite(resampled)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [delta / 2, 1.0 - delta / 2])
    return float(low), float(high)
