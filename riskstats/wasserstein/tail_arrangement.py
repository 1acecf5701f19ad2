"""A law whose sum has a large quantile: cells of the upper tails, each law against the sum of the others.

The tails beyond a level are cut into N cells of equal mass. A sweep puts, law by law, the largest cells
where the sum of the others is smallest, until the quantile of the sum, after transport within R, stands
still. Cells that hold several atoms are cut where these change, so what comes out is a law with the given
marginals; below the level the coupling is comonotone. Source of the arrangement: Puccetti and Rueschendorf
(2012), Computation of sharp bounds on the distribution of a function of dependent risks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.coupled import levels_of
from riskstats.wasserstein.sum_quantiles import norm_root

__all__ = ["arranged_tails"]

_CELLS = 500
_SWEEPS = 100
_PATIENCE = 4
_STARTS = 3


def arranged_tails(
    terms: Sequence[Floats], weights: Sequence[Floats], level: float, radius: float, order: float
) -> tuple[float, Floats, Integers, int]:
    """(quantile, mass (K,), places (K, d), count): the first `count` rows are the tail."""
    orders = [np.argsort(term) for term in terms]
    levels = [levels_of(w[rank]) for w, rank in zip(weights, orders, strict=True)]
    cells = _number_of_cells(levels, level)
    starts = level + (1.0 - level) * (np.arange(cells) + 0.5) / cells
    columns = np.column_stack(
        [term[rank[_at(cut, starts)]] for term, rank, cut in zip(terms, orders, levels, strict=True)]
    )
    draws, best = np.random.default_rng(0), (-np.inf, columns.astype(np.int64))
    for _ in range(_STARTS):
        found = _arranged(columns, draws, (1.0 - level) / cells, radius, order)
        best = found if found[0] > best[0] else best
    mass, places = _cut(best[1], levels, orders, level)
    below = _comonotone_below(levels, orders, level)
    total = sum(term[places[:, j]] for j, term in enumerate(terms))
    value = -norm_root(-np.asarray(total), mass, radius, order)
    return value, np.append(mass, below[0]), np.concatenate([places, below[1]]), len(mass)


def _number_of_cells(levels: list[Floats], level: float) -> int:
    """A multiple of the atoms in the tail where all laws have the same levels."""
    same = all(len(cut) == len(levels[0]) and np.array_equal(cut, levels[0]) for cut in levels)
    atoms = int((levels[0] > level + 1e-12).sum())
    return atoms * int(np.ceil(_CELLS / atoms)) if same else 2 * _CELLS


def _arranged(
    columns: Floats, draws: np.random.Generator, share: float, radius: float, order: float
) -> tuple[float, Integers]:
    """(the best quantile on the way from a random start, which cell of each law is in each row)."""
    n, d = columns.shape
    ranks = draws.permuted(np.tile(np.arange(n)[:, np.newaxis], (1, d)), axis=0)
    best, stalled, weights = (-np.inf, ranks), 0, np.full(n, share)
    for _ in range(_SWEEPS):
        total = np.take_along_axis(columns, ranks, axis=0).sum(axis=1)
        for j in range(d):
            total = total - columns[ranks[:, j], j]
            ranks[np.argsort(-total), j] = np.arange(n)
            total = total + columns[ranks[:, j], j]
        value = -norm_root(-total, weights, radius, order)
        stalled = 0 if value > best[0] + 1e-9 * abs(best[0]) else stalled + 1
        best = (value, ranks.copy()) if value > best[0] else best
        if stalled >= _PATIENCE:
            break
    return best


def _cut(
    ranks: Integers, levels: list[Floats], orders: list[Integers], level: float
) -> tuple[Floats, Integers]:
    """(mass (K,), places (K, d)): rows cut where an atom ends inside a cell."""
    n, d = ranks.shape
    width = (1.0 - level) / n
    row, offset = [np.arange(n)], [np.zeros(n)]
    for j, cut in enumerate(levels):
        inside = (cut[cut > level] - level) / width
        cell = np.minimum(inside.astype(np.int64), n - 1)
        where = np.empty(n, dtype=np.int64)
        where[ranks[:, j]] = np.arange(n)
        row.append(where[cell])
        offset.append(np.clip(inside - cell, 0.0, 1.0))
    rows, offsets = np.concatenate(row), np.concatenate(offset)
    order = np.lexsort((offsets, rows))
    rows, offsets = rows[order], offsets[order]
    ends = np.where(np.append(rows[1:] == rows[:-1], False), np.append(offsets[1:], 1.0), 1.0)
    kept = ends - offsets > 1e-9
    rows, offsets, ends = rows[kept], offsets[kept], ends[kept]
    lengths = ends - offsets
    lengths = lengths / np.bincount(rows, lengths, n)[rows]
    middle = 0.5 * (offsets + ends)
    places = [orders[j][_at(levels[j], level + width * (ranks[rows, j] + middle))] for j in range(d)]
    return lengths * width, np.column_stack(places)


def _comonotone_below(levels: list[Floats], orders: list[Integers], level: float) -> tuple[Floats, Integers]:
    points = np.unique(np.concatenate([[0.0, level], *(cut[cut < level] for cut in levels)]))
    middle = 0.5 * (points[1:] + points[:-1])
    return np.diff(points), np.column_stack(
        [rank[_at(cut, middle)] for rank, cut in zip(orders, levels, strict=True)]
    )


def _at(cumulative: Floats, u: Floats) -> Integers:
    return np.minimum(np.searchsorted(cumulative, u), len(cumulative) - 1)
