"""Rank association of refusal and cost from contingency tables, many tables at once.

Of two prompts drawn with the weights of a table, C and D are the chances that the order of refusal agrees
with that of cost or opposes it, X and Y that the two refusals and that the two costs differ. Then
`tau_b = (C - D) / sqrt(X Y)`. Its cost is the size of the table, whatever n.

Source: Kendall (1945), The treatment of ties in ranking problems.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.tail.bootstrap import resample_counts

__all__ = ["auc_of_tables", "resampled_tables", "table_of", "tau_b_of_tables"]

BLOCK = 2**22  # cells held at once


def table_of(rows: Integers, columns: Integers, weights: Floats, shape: tuple[int, int]) -> Floats:
    """(R, K) weight in each cell of codes (n,) and (n,)."""
    cells = np.bincount(rows * shape[1] + columns, weights, shape[0] * shape[1])
    return cells.astype(np.float64, copy=False).reshape(shape)


def tau_b_of_tables(tables: Floats) -> Floats:
    """(...,) tau-b of tables (..., R, K) of weights >= 0; NaN where a margin is in one class."""
    below = np.cumsum(tables, axis=-2) - tables  # of smaller refusal
    left = np.cumsum(below, axis=-1) - below
    right = below.sum(axis=-1, keepdims=True) - left - below
    score = (tables * (left - right)).sum(axis=(-2, -1))
    untied = _differing(tables.sum(axis=-1)) * _differing(tables.sum(axis=-2))
    found = np.divide(score, np.sqrt(untied), out=np.full_like(score, np.nan), where=untied > 0)
    return np.clip(found, -1.0, 1.0)


def _differing(mass: Floats) -> Floats:
    """(...,) weight of the pairs of different classes, without cancellation."""
    return (mass[..., 1:] * np.cumsum(mass, axis=-1)[..., :-1]).sum(axis=-1)


def auc_of_tables(answered: Floats, refused: Floats) -> Floats:
    """(...,) chance that a refused prompt costs more than an answered one, ties 1/2; weights (..., K)."""
    below = np.cumsum(answered, axis=-1) - 0.5 * answered
    pairs = answered.sum(axis=-1) * refused.sum(axis=-1)
    score = (refused * below).sum(axis=-1)
    return np.divide(score, pairs, out=np.full_like(score, np.nan), where=pairs > 0)


def resampled_tables(
    rows: Integers,
    columns: Integers,
    weights: Floats,
    codes: Integers | None,
    shape: tuple[int, int],
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """(resamples, R, K) tables of resamples of the prompts, or of the clusters `codes` (n,).

    Prompts that count the same are resampled as one multinomial over the cells.
    """
    if codes is None and (weights == weights[0]).all():
        table = table_of(rows, columns, np.ones(len(rows)), shape)
        drawn = rng.multinomial(len(rows), (table / len(rows)).ravel(), size=resamples)
        return drawn.astype(np.float64).reshape(resamples, *shape)
    units = len(rows) if codes is None else int(codes.max()) + 1
    cells, size = rows * shape[1] + columns, shape[0] * shape[1]
    tables, step = np.empty((resamples, size)), max(1, BLOCK // units)
    for start in range(0, resamples, step):
        counts = resample_counts(units, min(step, resamples - start), rng).T
        for place, drawn in enumerate(counts if codes is None else counts[:, codes]):
            tables[start + place] = np.bincount(cells, drawn * weights, size)
    return tables.reshape(resamples, *shape)
