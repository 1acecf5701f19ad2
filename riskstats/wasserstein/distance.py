"""Transport distances of two samples: by sorting on a line, else by a linear program."""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.cost import distances
from riskstats.wasserstein.coupled import comonotone

__all__ = ["transport_cost"]


def transport_cost(
    first: Floats, first_weights: Floats, second: Floats, second_weights: Floats, *, order: float, norm: float
) -> float:
    """``W_p^p`` of two samples (n, k) and (m, k): by sorting on a line, else by a linear program."""
    if first.shape[1] == 1:
        mass, places = comonotone([first[:, 0], second[:, 0]], [first_weights, second_weights])
        return float(mass @ np.abs(first[places[:, 0], 0] - second[places[:, 1], 0]) ** order)
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
