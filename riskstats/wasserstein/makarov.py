"""Distributionally robust Makarov bounds: the law of a sum when neither its marginals nor its dependence are
known for sure.

Y1 and Y2 lie within transport distances of references, their dependence is free. Then

    sup P(a1 Y1 + a2 Y2 <= z) = sup { q : T_z(q) <= R^p }
    T_z(q) = int_0^q ( Q1(u) + Q2(q - u) - z )_+^p du

with R = |a1| r1 + |a2| r2 and Q1, Q2 the quantiles of a1 Y1 and a2 Y2 at the references. R = 0 gives the
bounds of Makarov. Sources: Makarov (1981), Estimates for the distribution function of a sum of two random
variables when the marginal distributions are fixed; Fan, Park and Xu, Quantifying Distributional Model Risk
in Marginal Problems via Optimal Transport.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from riskstats._validation import choice, finite_vector, number
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.makarov_inputs import Aggregate, aggregate, open_level, sum_in_words
from riskstats.wasserstein.result import DistributionBounds

__all__ = ["makarov_bounds", "makarov_breakdown", "makarov_quantile_bounds"]


def makarov_bounds(
    first: Any,
    second: Any,
    points: npt.ArrayLike,
    *,
    weights: Any = (1, 1),
    radius: Any = None,
    budget: Any = None,
    order: float = 1,
    sample_weight: Any = None,
) -> DistributionBounds:
    """Sharp bounds of ``P(a1 Y1 + a2 Y2 <= z)`` over all marginals in the balls and every dependence.

    Parameters
    ----------
    first, second : references: samples (n,) and (m,), `Distribution`, `WassersteinBall` (then with its own
        radius and order), or both continuous laws with a quantile function `ppf`, such as
        ``scipy.stats.norm()``.
    points : (k,) values z, or one.
    weights : (a1, a2); (1, -1) for a difference.
    radius, budget : at most one of them; neither is radius 0, the classical bounds. A pair (r1, r2) gives
        each ball its own; one number is the total distance ``R = |a1| r1 + |a2| r2`` of the sum itself,
        whatever the shares of the two. budget = radius ** order, for a pair as for a number.
    order : p >= 1 of the distance.
    sample_weight : (weights of first, weights of second), each (n,) >= 0 or None.

    The upper bound is attained. So is the lower one at R = 0; for R > 0 it is approached, and equals
    ``inf P(S < z)``: it is not continuous at R = 0 where z is a sum of two atoms. Samples are answered
    exactly, ties by order and never by a tolerance; decimals of up to 15 digits compare as decimals. Laws
    with `ppf` are answered by quadrature, to about 1e-10 where quantiles are smooth. Cost: one sort, then
    O(n) a point. `InvalidInput`: both `radius` and `budget`, or one that is negative or NaN; order < 1;
    empty or non-finite samples and points.
    """
    question = aggregate(
        first,
        second,
        weights=weights,
        radius=radius,
        budget=budget,
        order=order,
        sample_weight=sample_weight,
    )
    where = finite_vector(np.atleast_1d(np.asarray(points)), "points")
    total, R, p = question.total, question.distance, question.order
    old = total.cdf_bounds(where, 0.0, p)
    new = old if R == 0 else total.cdf_bounds(where, R, p)
    return _answer(question, "cdf", f"P({sum_in_words(question.factors)} <= z)", where, new, old)


def makarov_quantile_bounds(
    first: Any,
    second: Any,
    levels: npt.ArrayLike,
    *,
    weights: Any = (1, 1),
    radius: Any = None,
    budget: Any = None,
    order: float = 1,
    sample_weight: Any = None,
) -> DistributionBounds:
    """Sharp bounds of the quantiles of ``a1 Y1 + a2 Y2``: the best and the worst value at risk of a sum.

    levels : (k,) in (0, 1), or one; the share not in the tail. Else as `makarov_bounds`.

    lower : ``inf { z : sup P(S <= z) >= level }``, the least lower quantile.
    upper : ``sup { z : inf P(S < z) <= level }``, the greatest upper quantile.

    For R > 0 both kinds of quantile have the same bounds. A level within rounding of a sum of weights is
    taken to be it. `InvalidInput` as there, and for a level outside (0, 1).
    """
    question = aggregate(
        first,
        second,
        weights=weights,
        radius=radius,
        budget=budget,
        order=order,
        sample_weight=sample_weight,
    )
    where = finite_vector(np.atleast_1d(np.asarray(levels)), "levels")
    shares = [open_level(value, "levels") for value in where.tolist()]
    total, R, p = question.total, question.distance, question.order
    ends = [
        (
            np.array([total.smallest_quantile(q, distance, p) for q in shares]),
            np.array([total.largest_quantile(q, distance, p) for q in shares]),
        )
        for distance in dict.fromkeys((0.0, R))
    ]
    return _answer(
        question, "quantile", f"quantiles of {sum_in_words(question.factors)}", where, ends[-1], ends[0]
    )


def makarov_breakdown(
    first: Any,
    second: Any,
    point: float,
    probability: float,
    *,
    bound: Literal["upper", "lower"] = "upper",
    weights: Any = (1, 1),
    order: float = 1,
    sample_weight: Any = None,
) -> float:
    """The total distance R at which a bound of ``P(a1 Y1 + a2 Y2 <= point)`` reaches a probability.

    upper : the smallest R with ``sup P >= probability``, which is ``T_z(probability)^(1/p)`` exactly.
    lower : the infimum of the R with ``inf P <= probability``.

    probability : in (0, 1] for "upper", in [0, 1) for "lower". 0 where the classical bound is there already;
    for "lower" also where any R > 0 suffices. first, second, weights, order, sample_weight as in
    `makarov_bounds`; the radius of a `WassersteinBall` is not used.
    """
    question = aggregate(
        first,
        second,
        weights=weights,
        radius=None,
        budget=None,
        order=order,
        sample_weight=sample_weight,
    )
    z, q = number(point, "point"), number(probability, "probability")
    upper = choice(bound, ("upper", "lower"), "bound") == "upper"
    if not (0 < q <= 1 if upper else 0 <= q < 1):
        ends = "(0, 1]" if upper else "[0, 1)"
        raise InvalidInput(f"`probability` must lie in {ends} for the {bound} bound; got {q:g}.")
    if upper:
        return question.total.distance(z, q, question.order)
    return question.total.reflected.distance(-z, 1.0 - q, question.order)


def _answer(
    question: Aggregate, kind: str, name: str, points: Any, new: tuple[Any, Any], old: tuple[Any, Any]
) -> DistributionBounds:
    return DistributionBounds(
        name=name,
        kind=kind,
        points=points,
        lower=new[0],
        upper=new[1],
        classical_lower=old[0],
        classical_upper=old[1],
        order=question.order,
        radius=question.radius,
        budget=question.budget,
        total_radius=question.distance,
    )
