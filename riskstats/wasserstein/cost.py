"""Transport costs: a power of a norm, with what a change of a covariate or of a label costs beside it.

cost(v, y) = ||v - y||^p                                                    one law, order p
cost((v, x), (y, x')) = ||v - y||^p + covariate_weight ||x - x'||^p         outcomes with covariates
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats, number
from riskstats.exceptions import InvalidInput
from riskstats.results import Result

__all__ = [
    "Cost",
    "as_cost",
    "checked_order",
    "distances",
    "dual_norm",
    "radius_and_budget",
    "scaled_costs",
    "vector_norm",
]

NORMS = (1, 2, math.inf)
LARGEST_LOG = 700.0
_REAL = (int, float, np.integer, np.floating)


@dataclass(frozen=True)
class Cost:
    """A power of a norm.

    norm : 1, 2 or inf, of a vector outcome and of the covariates.
    label_cost : what flipping a label costs; inf keeps labels fixed.
    covariate_weight : what a unit of ``||x - x'||^p`` costs; inf keeps covariates fixed.
    """

    norm: float = 2
    label_cost: float = math.inf
    covariate_weight: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.norm, bool) or self.norm not in NORMS:
            raise InvalidInput(f"`norm` must be 1, 2 or inf; got {self.norm!r}.")
        for name in ("label_cost", "covariate_weight"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, _REAL) or not value > 0:
                raise InvalidInput(f"`{name}` must be a number > 0, or inf; got {value!r}.")


def as_cost(cost: Any) -> Cost:
    """A `Cost` from None (norm 2), a norm or a `Cost`."""
    if cost is None:
        return Cost()
    return cost if isinstance(cost, Cost) else Cost(norm=cost)


def checked_order(order: Any) -> float:
    """The order p of a distance: a finite number >= 1."""
    value = number(order, "order")
    if value < 1:
        raise InvalidInput(f"`order` must be a finite number >= 1; got {order!r}.")
    return value


def radius_and_budget(
    radius: Any, budget: Any, order: float, *, default: float | None = None
) -> tuple[float, float]:
    """(radius, budget) from exactly one of the two: ``budget = radius ** order``.

    radius : a number, or a `Radius` of at least this order. default : the radius where neither is given; None
    refuses that.
    """
    given = [name for name, value in (("radius", radius), ("budget", budget)) if value is not None]
    if len(given) == 2 or (not given and default is None):
        raise InvalidInput(
            f"pass exactly one of `radius` (a distance) and `budget` (a transport cost); got "
            f"{'both' if given else 'neither'}. radius = budget ** (1 / order)."
        )
    if not given:
        radius, given = default, ["radius"]
    name = given[0]
    amount = _as_distance(radius, order) if name == "radius" else budget
    real = isinstance(amount, _REAL) and not isinstance(amount, bool)
    if not real or not 0 <= amount < math.inf:
        raise InvalidInput(f"`{name}` must be a finite number >= 0; got {amount!r}.")
    amount = float(amount)
    if name == "budget":
        return amount ** (1.0 / order), amount
    if amount > 0 and order * math.log(amount) > LARGEST_LOG:
        raise InvalidInput(
            f"`radius` ** order is too large for a number; got {amount:g} ** {order:g}. Rescale the outcomes."
        )
    return amount, amount**order


def _as_distance(radius: Any, order: float) -> Any:
    """The number of a result that stands for a distance; ``W_q <= W_p`` for q <= p, not the other way."""
    if not (isinstance(radius, Result) and hasattr(radius, "__float__")):
        return radius
    own = getattr(radius, "order", order)
    if own < order:
        raise InvalidInput(
            f"`radius` is a distance of order {own:g} and the ball has order {order:g}; a distance of a "
            f"smaller order is too short. Find the radius with order={order:g}."
        )
    return float(radius)


def dual_norm(norm: float) -> float:
    """The norm q with ``1 / norm + 1 / q = 1``: 1 and inf for each other, 2 for itself."""
    return {1: math.inf, 2: 2, math.inf: 1}[norm]


def vector_norm(vectors: Floats, norm: float) -> Any:
    """The norm along the last axis, (..., k) -> (...)."""
    return np.linalg.norm(vectors, ord=norm, axis=-1) if vectors.shape[-1] > 1 else np.abs(vectors[..., 0])


def distances(first: Floats, second: Floats, norm: float) -> Floats:
    """(n, m) distances between the rows of (n, k) and (m, k)."""
    from scipy.spatial.distance import cdist

    metric = {1: "cityblock", 2: "euclidean", math.inf: "chebyshev"}[norm]
    return np.asarray(cdist(first, second, metric))


def scaled_costs(multiplier: float, costs: Floats) -> Floats:
    """multiplier * costs, where an infinite cost stays infinite at multiplier 0."""
    if np.isinf(multiplier):
        return np.where(costs == 0.0, 0.0, np.inf)
    return np.where(np.isinf(costs), np.inf, multiplier * np.where(np.isinf(costs), 0.0, costs))
