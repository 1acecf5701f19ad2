"""Distributionally robust Fréchet-Hoeffding bounds: a joint distribution function from two balls.

With any dependence, P(Y1 <= a, Y2 <= b) lies between max(F1(a) + F2(b) - 1, 0) and min(F1(a), F2(b)),
both attained (Hoeffding, 1940; Fréchet, 1951). Both grow with each marginal, and the marginals can be chosen
apart, so over balls the bounds are those of ``inf F_j`` and ``sup F_j``:

    sup P(Y <= z) = sup { q : int_0^q ( Q(u) - z )_+^p du <= r^p }       attained
    inf P(Y <= z) = 1 - sup P(-Y <= -z)                                  for r > 0; approached
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.continuous_sum import ContinuousLaw, ContinuousSum
from riskstats.wasserstein.makarov_inputs import is_continuous, radii_of, sample_of
from riskstats.wasserstein.result import DistributionBounds
from riskstats.wasserstein.step_quantiles import step_law
from riskstats.wasserstein.sum_quantiles import StepSum

__all__ = ["frechet_hoeffding_bounds"]


def frechet_hoeffding_bounds(
    first: Any,
    second: Any,
    points: npt.ArrayLike,
    *,
    radius: Any = None,
    budget: Any = None,
    order: float = 1,
    sample_weight: Any = None,
) -> DistributionBounds:
    """Sharp bounds of ``P(Y1 <= a, Y2 <= b)`` over all marginals in the balls and every dependence.

    Parameters
    ----------
    first, second : references: samples (n,) and (m,), `Distribution`, `WassersteinBall` (then with its own
        radius and order), or continuous laws with a quantile function `ppf`.
    points : (k, 2) pairs (a, b), or one.
    radius, budget : at most one of them; neither is radius 0, the classical bounds. A pair (r1, r2), or one
        number for both balls: unlike the law of a sum, a joint law depends on each radius.
    order : p >= 1 of the distance.
    sample_weight : (weights of first, weights of second), each (n,) >= 0 or None.

    The upper bound is attained; the lower one is attained at radius 0 and else approached. `InvalidInput` as
    in `makarov_bounds`.
    """
    radii, budgets, _, power = radii_of((first, second), (1.0, 1.0), radius, budget, order)
    if len(radii) == 1:
        radii, budgets = radii * 2, budgets * 2
    where = _pairs(points)
    weights = (None, None) if sample_weight is None else tuple(sample_weight)
    if len(weights) != 2:
        raise InvalidInput(f"`sample_weight` must be a pair; got {len(weights)} entries.")
    one = _alone(first, weights[0], "first")
    two = _alone(second, weights[1], "second")
    ends = [
        _joint(
            one.cdf_bounds(where[:, 0], r, power),
            two.cdf_bounds(where[:, 1], s, power),
        )
        for r, s in dict.fromkeys(((0.0, 0.0), radii))
    ]
    return DistributionBounds(
        name="P(Y1 <= a, Y2 <= b)",
        kind="cdf",
        points=where,
        lower=ends[-1][0],
        upper=ends[-1][1],
        classical_lower=ends[0][0],
        classical_upper=ends[0][1],
        order=power,
        radius=radii,
        budget=budgets,
    )


def _pairs(points: npt.ArrayLike) -> Floats:
    try:
        where = np.array(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`points` must be pairs (a, b); {error}.") from error
    where = where[np.newaxis] if where.ndim == 1 else where
    if where.ndim != 2 or where.shape[1] != 2 or not len(where):
        raise InvalidInput(f"`points` must be pairs (a, b), shape (k, 2); got shape {np.shape(points)}.")
    finite_vector(where.ravel(), "points")
    return where


def _alone(reference: Any, weights: Any, name: str) -> StepSum | ContinuousSum:
    """Y + 0: one law as the sum of a law and nothing."""
    if is_continuous(reference):
        return ContinuousSum(ContinuousLaw(reference), ContinuousLaw(reference, 0.0))
    return StepSum(step_law(*sample_of(reference, weights, name)), step_law(np.zeros(1)))


def _joint(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """(lower, upper) of the joint law from those of the marginals."""
    return np.maximum(first[0] + second[0] - 1.0, 0.0), np.minimum(first[1], second[1])
