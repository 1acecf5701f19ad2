"""Choosing: the best of the certified, and an order of testing from a held-out split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput

__all__ = ["checked_objective", "pareto_order", "selected_candidate"]


def selected_candidate(certified: Sequence[int], objective: Floats) -> int | None:
    """The certified candidate with the smallest objective, the first of equals; None if none is certified.

    Candidates that are not certified are never chosen, however good their objective.
    """
    if not len(certified):
        return None
    return int(certified[int(np.argmin(objective[list(certified)]))])


def checked_objective(objective: Any, estimates: Floats) -> Floats:
    """(m,) numbers to minimise; None is the estimates."""
    if objective is None:
        return estimates
    values = finite_vector(objective, "objective")
    if len(values) != len(estimates):
        raise InvalidInput(
            f"`objective` has {len(values)} values for {len(estimates)} candidates. Pass one per candidate."
        )
    return values


def pareto_order(estimates: npt.ArrayLike, *, priority: npt.ArrayLike | None = None) -> tuple[int, ...]:
    """An order for `fixed_sequence`: the candidates on the Pareto front of a held-out split, safest first.

    Parameters
    ----------
    estimates : (m, k) of k criteria, smaller is better, measured on units that the test will not use: the
        risks to limit first, then what to minimise (cost, length, error).
    priority : (m,) the front is sorted by it, smallest first; None takes the columns in turn. With several
        risks give the p-values of the held-out split.

    Returns
    -------
    indices of the candidates that no other candidate beats or equals in every criterion and beats in one.

    Testing this order on the other split (`certify(..., procedure=fixed_sequence(order=...))`) is Pareto
    testing: no error is spent on candidates that are not worth having, and none is split.
    Source: Laufer-Goldshtein, Fisch, Barzilay and Jaakkola (2023), Efficiently controlling multiple risks
    with Pareto testing. Cost: O(m^2 k).
    """
    criteria = _criteria(estimates)
    front = [index for index in range(len(criteria)) if not _beaten(criteria[index], criteria)]
    keys = [*criteria.T] if priority is None else [_priority(priority, len(criteria))]
    rank = np.lexsort(keys[::-1])
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    return tuple(sorted(front, key=lambda index: int(place[index])))


def _beaten(point: Floats, criteria: Floats) -> bool:
    no_worse = (criteria <= point).all(axis=1)
    return bool((no_worse & (criteria < point).any(axis=1)).any())


def _criteria(estimates: npt.ArrayLike) -> Floats:
    try:
        criteria = np.array(estimates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`estimates` must be a matrix of numbers; {error}.") from error
    if criteria.ndim != 2 or criteria.size == 0:
        raise InvalidInput(
            f"`estimates` must have shape (candidates, criteria), both at least 1; got {criteria.shape}."
        )
    if not np.isfinite(criteria).all():
        raise InvalidInput(
            "`estimates` has NaN or infinite values; measure every candidate on every criterion."
        )
    return criteria


def _priority(priority: npt.ArrayLike, m: int) -> Floats:
    values = finite_vector(priority, "priority")
    if len(values) != m:
        raise InvalidInput(f"`priority` has {len(values)} values for {m} candidates. Pass one per candidate.")
    return values
