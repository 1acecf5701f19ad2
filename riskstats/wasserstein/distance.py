"""Transport distances of two samples, and the optimal coupling of two samples on a line."""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.cost import distances

__all__ = ["sorted_coupling", "transport_cost"]


def sorted_coupling(
    first: Floats, first_weights: Floats, second: Floats, second_weights: Floats
) -> tuple[Integers, Integers, Floats]:
    """(i, j, mass): the comonotone coupling of weighted samples (n,) and (m,), at most n + m - 1 pairs."""
    i, j = np.argsort(first, kind="stable"), np.argsort(second, kind="stable")
    left, right = np.cumsum(first_weights[i]), np.cumsum(second_weights[j])
    left[-1] = right[-1] = max(left[-1], right[-1])
    levels = np.union1d(left, right)
    mass = np.diff(levels, prepend=0.0)
    kept = mass > 0
    places = levels[kept]
    return i[np.searchsorted(left, places)], j[np.searchsorted(right, places)], mass[kept]


def transport_cost(
    first: Floats, first_weights: Floats, second: Floats, second_weights: Floats, *, order: float, norm: float
) -> float:
    """``W_p^p`` of two samples (n, k) and (m, k): by sorting on a line, else by a linear program."""
    if first.shape[1] == 1:
        i, j, mass = sorted_coupling(first[:, 0], first_weights, second[:, 0], second_weights)
        return float(mass @ np.abs(first[i, 0] - second[j, 0]) ** order)
    return _by_program(distances(first, second, norm) ** order, first_weights, second_weights)


def _by_program(cost: Floats, first: Floats, second: Floats) -> float:
    """The transport program; an assignment where weights are equal."""
    from scipy.optimize import linear_sum_assignment, linprog
    from scipy.sparse import eye_array, kron, vstack

    n, m = cost.shape
    if n == m and np.ptp(first) == 0.0 and np.ptp(second) == 0.0:
        i, j = linear_sum_assignment(cost)
        return float(cost[i, j].mean())
    rows = kron(eye_array(n), np.ones((1, m)))
    columns = kron(np.ones((1, n)), eye_array(m))
    answer = linprog(
        cost.ravel(),
        A_eq=vstack([rows, columns]).tocsr()[: n + m - 1],
        b_eq=np.concatenate([first, second])[: n + m - 1],
        method="highs",
    )
    return float(answer.fun)
