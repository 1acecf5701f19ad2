"""Distinct rows of a table with the weight of each class: the same loss from fewer rows."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from riskstats.scores._types import Array, FloatArray, IntArray

_OFF_TIES = 1.0 / np.pi
"""Keeps shares of weight such as k/8192 away from the points where rounding could go either way."""

__all__ = ["ScoreData", "compress", "data_hash", "group_rows", "restrict"]


class ScoreData(NamedTuple):
    """What the kernels need: design (rows, columns), weight of both classes (rows,), sum of positive rows
    (columns,)."""

    design: Array
    weight: Array
    target: Array


def group_rows(rows: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct rows of `rows` in a canonical order and, for each given row, the number of its
    distinct row.

    The order depends on the set of rows alone, not on their order or number. Rows of small integers, the
    common case, are compared as single bytes.
    """
    rows = np.ascontiguousarray(rows + 0.0)  # turns -0.0 into 0.0, which has other bytes
    if rows.shape[1] == 0:
        return rows[:1], np.zeros(len(rows), dtype=np.int64)
    small = rows.astype(np.int8) if rows.size and np.abs(rows).max() < 128 else None
    keys = small if small is not None and np.array_equal(small, rows) else rows
    packed = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return rows[first], inverse.reshape(-1).astype(np.int64)


def compress(
    rows: FloatArray, positive: FloatArray, negative: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Merge equal rows and add up their class weights; rows without weight are dropped.

    Lossless: the weighted logistic loss is sum_r (a_r + c_r) softplus(s_r) - a_r s_r over distinct rows r.
    """
    kept = positive + negative > 0
    if not kept.all():
        rows, positive, negative = rows[kept], positive[kept], negative[kept]
    distinct, member = group_rows(rows)
    count = len(distinct)
    a, c = (np.asarray(np.bincount(member, side, count), float) for side in (positive, negative))
    return distinct, a, c


def data_hash(rows: FloatArray, positive: FloatArray, negative: FloatArray) -> str:
    """Return a SHA-256 of the compressed data: distinct rows and their share of the weight, to 12 decimals.

    Row order, repetition against weights, and a common factor of all weights leave it unchanged.
    """
    distinct, a, c = compress(
        np.asarray(rows, float), np.asarray(positive, float), np.asarray(negative, float)
    )
    total = a.sum() + c.sum()
    digest = hashlib.sha256(repr(distinct.shape).encode())
    digest.update(distinct.astype("<f8").tobytes())
    for weights in (a, c):
        digest.update(np.floor(weights / total * 1e12 + _OFF_TIES).astype("<i8").tobytes())
    return digest.hexdigest()


def restrict(data: ScoreData, columns: IntArray) -> ScoreData:
    """Keep some columns and merge the rows that have become equal; the loss of cards on these columns is
    unchanged."""
    distinct, member = group_rows(data.design[:, columns])
    return ScoreData(distinct, np.bincount(member, data.weight, len(distinct)), data.target[columns])
