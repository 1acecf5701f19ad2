"""Worst-case expectations: one question, answered by the first route that applies.

Closed forms and sums first (`aggregate`), then sorted couplings (`sorted_route`), exact transport over pairs
(`pairs`), or annealed where an accelerator finds many (`sinkhorn`), finite supports by column generation
(`finite_route`), and Lipschitz enclosures (`declared`).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from riskstats._validation import choice, positive_number
from riskstats._validation import time_limit as checked_time_limit
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.wasserstein.asked import Asked, asked_of
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Declared
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.verified import infeasible_case, unbounded_case

__all__ = ["worst_case_expectation"]


def worst_case_expectation(
    functional: Any,
    model: WassersteinBall | MarginalBalls | OverlappingBalls,
    *,
    direction: Literal["upper", "lower"] = "upper",
    support: Any = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    device: str = "auto",
) -> WorstCase:
    """The largest or smallest ``E f`` over a set of laws, with a law that has it and a bound that proves it.

    Parameters
    ----------
    functional : a declared shape such as `Call(1.0)` for one ball, `Aggregate(shape, weights)` for a weighted
        sum, `Maximum()`, `Product()`, `JointCDF(point)`, or `Declared(function, growth=, lipschitz=,
        shape=)`; a plain function is `Declared` without anything declared.
    model : a ball, balls around marginals with a free copula, or balls that share covariates. Three or more
        balls are answered for an `Aggregate`.
    direction : "upper" for the supremum, "lower" for the infimum.
    support : where outcomes may lie. None is the whole space; a pair (low, high) an interval, a list of pairs
        one for each ball; an array (S,) or (S, k) a finite set, a list of arrays one for each ball. For balls
        that share covariates: the values (U, k) that these may take.
    gap : relative to ``1 + |value|``; an answer within it is `OPTIMAL`.
    time_limit : seconds, None for no limit.
    device : for pairs of outcomes whose worst coupling is not known by sorting. "auto" transports them
        exactly, and by annealed Sinkhorn on an accelerator from 10,000 atoms on; "numpy" always exactly;
        "cpu" and "gpu" ask for Sinkhorn, whose answer is always `GAP`.

    Returns
    -------
    `WorstCase`. `UNBOUNDED` where the functional grows faster than the transport cost; a larger order or a
    support makes it finite. `INFEASIBLE` where no law within the radius lives on the support. `GAP` where
    only an enclosure is known: three or more balls without a convex worst case, and functions of the user.

    Raises
    ------
    InvalidInput : weights of an aggregate that do not fit the balls, a functional of which nothing is known
        far from the data, a support of the wrong shape.
    IncompatibleBound : a functional for which no worst case over `OverlappingBalls` is proven.

    Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal
    Transport".
    """
    if isinstance(functional, RiskMeasure):
        raise InvalidInput(
            f"`{functional}` is a risk measure, not a function of outcomes: use `worst_case_risk`."
        )
    if isinstance(functional, type):
        raise InvalidInput(f"`functional` is the class `{functional.__name__}`; pass an instance of it.")
    if isinstance(model, OverlappingBalls):
        return _overlapping(functional, model, direction, support, gap, time_limit)
    return answered(asked_of(functional, model, direction, support, gap, time_limit, device))


def _overlapping(
    functional: Any, model: OverlappingBalls, direction: str, support: Any, gap: Any, time_limit: Any
) -> WorstCase:
    """Balls that share covariates: a function of one weighted sum of the two outcomes."""
    from riskstats.wasserstein.effects import overlapping_worst_case
    from riskstats.wasserstein.overlap_finite import covariate_values

    numbers = functional.numbers(2) if isinstance(functional, Aggregate) else ()
    if not isinstance(functional, Aggregate) or len(numbers) != 2:
        raise IncompatibleBound(
            f"`{functional!r}` and `OverlappingBalls` have no proven worst case together. Use an `Aggregate` "
            "of a shape with two numbers as weights, treated first."
        )
    values = None if support is None else covariate_values(support, model, "support")
    return overlapping_worst_case(
        functional.g,
        model,
        weights=(numbers[0], numbers[1]),
        direction=choice(direction, ("upper", "lower"), "direction"),
        admissible=values,
        gap=positive_number(gap, "gap"),
        seconds=checked_time_limit(time_limit),
    )


def answered(asked: Asked) -> WorstCase:
    """The first route that applies."""
    if asked.points is not None:
        from riskstats.wasserstein.finite_route import finite_case

        return finite_case(asked)
    if asked.within is not None:
        return _in_intervals(asked)
    if any(asked.moving) and asked.functional.growth(asked.sign, asked.moving) > asked.order:
        return unbounded_case(asked)
    if isinstance(asked.functional, Aggregate):
        from riskstats.wasserstein.aggregate import aggregate_case

        return aggregate_case(asked)
    return _pairwise(asked)


def _in_intervals(asked: Asked) -> WorstCase:
    needed = [
        float(ball.weights @ np.abs(np.clip(ball.points[:, 0], *box) - ball.points[:, 0]) ** ball.order)
        for ball, box in zip(asked.balls, asked.box, strict=True)
    ]
    if any(cost > ball.budget * (1.0 + 1e-12) for cost, ball in zip(needed, asked.balls, strict=True)):
        return infeasible_case(
            asked, "distance to the support", sum(cost ** (1.0 / asked.order) for cost in needed)
        )
    if len(asked.balls) == 1 and isinstance(asked.functional, Aggregate):
        from riskstats.wasserstein.interval_route import interval_case

        return interval_case(asked)
    return _pairwise(asked)


def _pairwise(asked: Asked) -> WorstCase:
    """Two outcomes by their inner suprema; else by a Lipschitz constant."""
    from riskstats.wasserstein.joint import Product

    if isinstance(asked.functional, Product) and asked.within is None:
        from riskstats.wasserstein.product import product_case

        return product_case(asked)
    if _has_inner(asked):
        if asked.functional.coupling(asked.sign):
            from riskstats.wasserstein.sorted_route import sorted_case

            return sorted_case(asked)
        from riskstats.wasserstein.pairs import box_case

        return box_case(asked)
    if asked.within is not None and len(asked.balls) == 2 and not isinstance(asked.functional, Declared):
        from riskstats.wasserstein.easier import easier_case

        return easier_case(asked)
    from riskstats.wasserstein.declared import lipschitz_case

    return lipschitz_case(asked)


def _has_inner(asked: Asked) -> bool:
    """Whether the inner supremum of a pair is known in closed form."""
    if len(asked.balls) != 2:
        return False
    first, second = (
        np.clip(ball.points[:1, 0], *box) for ball, box in zip(asked.balls, asked.box, strict=True)
    )
    prices = [2.0 if moves else math.inf for moves in asked.moving]
    box = asked.box[0], asked.box[1]
    found = asked.functional.pair(asked.sign, (first, second), (prices[0], prices[1]), asked.order, box)
    return found is not None
