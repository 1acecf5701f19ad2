"""What was sampled independently: codes of clusters, and the error of a ratio over them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.units import unit_codes
from riskstats.exceptions import InvalidInput

__all__ = ["Ratio", "cluster_codes", "clusters_of_items", "ratio", "t_quantile", "unit_sums"]


def cluster_codes(cluster: Any, n: int, name: str = "cluster") -> Integers | None:
    """(n,) codes 0, 1, ... of clusters; None where there are none, or each has one row."""
    if cluster is None:
        return None
    labels, codes = unit_codes(cluster, n, name)
    return None if len(labels) == n else codes


def clusters_of_items(cluster: Any, item: Integers, ids: np.ndarray, what: str = "item") -> Integers | None:
    """(items,) codes of clusters, from one label per row; `InvalidInput` for an item in two clusters.

    item : (n,) which of the `ids` each row belongs to.
    """
    if cluster is None:
        return None
    labels, rows = unit_codes(cluster, len(item), "cluster")
    first = np.zeros(len(ids), dtype=np.int64)
    first[item[::-1]] = rows[::-1]
    split = np.flatnonzero(first[item] != rows)
    if len(split):
        where = item[split[0]]
        raise InvalidInput(
            f"{what} {str(ids[where])!r} is in two clusters, {str(labels[first[where]])!r} and "
            f"{str(labels[rows[split[0]]])!r}. Every {what} belongs to one."
        )
    return cluster_codes(first, len(ids))


def unit_sums(values: Floats, codes: Integers | None) -> Floats:
    """(u,) or (u, k) sums over the rows of each cluster of (n,) or (n, k); the rows themselves without."""
    if codes is None:
        return values
    size = int(codes.max()) + 1
    if values.ndim == 1:
        return np.bincount(codes, values, size).astype(np.float64)
    return np.column_stack([np.bincount(codes, column, size) for column in values.T])


class Ratio(NamedTuple):
    """A weighted mean: its value, standard error over the units, and their number."""

    value: float
    error: float
    n_units: int


def ratio(values: Floats, codes: Integers | None = None, weights: Floats | None = None) -> Ratio:
    """`sum w x / sum w`, with `se^2 = u / (u - 1) sum_u (sum_(i in u) w (x - mean))^2 / (sum w)^2`.

    The linearised variance of a ratio of sums over u independent units; 0 with one unit.
    """
    mass = np.ones(len(values)) if weights is None else weights
    total = float(mass.sum())
    mean = float(np.dot(mass, values)) / total
    parts = unit_sums(mass * (values - mean), codes)
    units = len(parts)
    factor = units / (units - 1) if units > 1 else 0.0
    return Ratio(mean, float(np.sqrt(factor * np.dot(parts, parts))) / total, units)


def t_quantile(units: int, delta: float) -> float:
    """Upper quantile of Student's law with `units - 1` degrees of freedom; infinite with one unit."""
    from scipy.special import stdtrit

    return float(stdtrit(units - 1, 1.0 - delta)) if units > 1 else np.inf
