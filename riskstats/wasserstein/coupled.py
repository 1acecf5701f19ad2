"""Sorted couplings of several laws: comonotone, each with a sign, and chains for three or more.

All laws are laid on [0, 1] by their cumulative weights; a law of sign -1 is laid from its largest value down.
Between neighbouring levels every law has one atom: at most ``sum n_j - d + 1`` rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskstats._validation import Floats, Integers

__all__ = ["antithetic_chain", "comonotone", "levels_of"]

_SLIVER = 4e-16


def comonotone(
    values: Sequence[Floats], weights: Sequence[Floats], signs: Sequence[int] | None = None
) -> tuple[Floats, Integers]:
    """(mass (K,), places (K, d)): the rows of the coupling in increasing order.

    values : d arrays (n_j,). weights : of sum 1. signs : 1 for increasing, -1 for decreasing.
    """
    chosen = [1] * len(values) if signs is None else signs
    orders = [np.argsort(v if sign > 0 else -v) for v, sign in zip(values, chosen, strict=True)]
    if len({len(v) for v in values}) == 1 and all((w == w[0]).all() for w in weights):
        return weights[0], np.column_stack(orders)
    levels = [levels_of(w[order]) for w, order in zip(weights, orders, strict=True)]
    points = np.unique(np.concatenate(levels))
    mass = np.diff(points, prepend=0.0)
    kept = mass > _SLIVER
    middle = points[kept] - 0.5 * mass[kept]
    places = [
        order[np.minimum(np.searchsorted(level, middle), len(order) - 1)]
        for level, order in zip(levels, orders, strict=True)
    ]
    return mass[kept] / mass[kept].sum(), np.column_stack(places)


def levels_of(weights: Floats) -> Floats:
    """(n,) cumulative weights, the last one exactly 1."""
    if (weights == weights[0]).all():
        return np.arange(1, len(weights) + 1) / len(weights)
    sums = np.cumsum(weights, dtype=np.longdouble)
    return np.asarray(sums / sums[-1], dtype=np.float64)


def antithetic_chain(values: Sequence[Floats], weights: Sequence[Floats]) -> tuple[Floats, Integers]:
    """(mass (K,), places (K, d)): each law against the sum of those before it. For two it is antithetic."""
    mass, places = weights[0], np.arange(len(values[0]))[:, np.newaxis]
    total = values[0]
    for v, w in zip(values[1:], weights[1:], strict=True):
        mass, rows = comonotone([total, v], [mass, w], (1, -1))
        places = np.column_stack([places[rows[:, 0]], rows[:, 1]])
        total = total[rows[:, 0]] + v[rows[:, 1]]
    return mass, places
