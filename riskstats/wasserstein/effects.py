"""What the effect of a treatment may be beyond its mean: its distribution, quantiles, square and spread.

D = Y1 - Y0 is never observed: the two outcomes of one person are not seen together, so even without model
risk only bounds exist. For two scalar outcomes of order 2, with R = r1 + r0,

    E D^2      sup (||D||_{L2, antithetic} + R)^2          inf (||D||_{L2, comonotone} - R)_+^2
    sd D       sup  sd_antithetic + R                      inf (sd_comonotone - R)_+

P(D <= z) and its quantiles are DR-Makarov bounds (`makarov`). With shared covariates the program of `overlap`
answers; covariates narrow the distribution of the effect, not its mean.

Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal Transport".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.coupled import comonotone
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.makarov import makarov_bounds, makarov_quantile_bounds
from riskstats.wasserstein.overlap import OverlapSupremum
from riskstats.wasserstein.overlap_difference import difference_answer, is_difference
from riskstats.wasserstein.overlap_finite import covariate_values
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.result import Bounds, DistributionBounds, WorstCase
from riskstats.wasserstein.shapes import Above, AtMost, Shape, Square
from riskstats.wasserstein.treatment import arms, covariate_gap, infeasible
from riskstats.wasserstein.worst_law import known_case, worst_case_of

__all__ = [
    "effect_deviation_bounds",
    "effect_distribution_bounds",
    "effect_quantile_bounds",
    "overlapping_worst_case",
    "squared_effect_bounds",
]

Model = MarginalBalls | OverlappingBalls

DIFFERENCE = (1.0, -1.0)


def overlapping_worst_case(
    shape: Shape,
    model: OverlappingBalls,
    *,
    weights: tuple[float, float] = DIFFERENCE,
    direction: str = "upper",
    admissible: Floats | None = None,
    gap: float = 1e-6,
    seconds: float = math.inf,
    question: str = "",
) -> WorstCase:
    """The worst expectation of ``g(a1 Y1 + a0 Y0)`` over laws that share X, outcomes on the whole line.

    admissible : (U, k) values of X; None is the whole space. `UNBOUNDED` where g grows faster than the cost.
    """
    supremum = OverlapSupremum(model, shape, weights, 1 if direction == "upper" else -1, admissible)
    words = question or shape.describe("(" + _combination(weights) + ")")
    needed = None if admissible is not None else covariate_gap(model) ** (1.0 / model.order)
    if needed is not None and sum(model.radius) < needed * (1.0 - 1e-12):
        return infeasible(model, words, direction, needed)
    if supremum.unbounded:
        return unbounded(model, words, direction)
    if is_difference(supremum):
        found, route = difference_answer(supremum, gap=gap, time_limit=seconds)
    else:
        found, route = solve_program(supremum, gap=gap, time_limit=seconds), "column generation"
    return worst_case_of(
        found,
        model,
        question=words,
        direction=direction,
        route=route,
        feasible_radius=needed,
    )


def squared_effect_bounds(model: Model, *, gap: float = 1e-6) -> Bounds:
    """Both ends of ``E(Y1 - Y0)^2``; the upper one is infinite for an order below 2 and a positive radius.

    model : `MarginalBalls` of two outcomes, treated first, or `OverlappingBalls`. For two outcomes and order
    2 the ends are ``(||D|| + r1 + r0)^2`` with D antithetic, and ``(W_2 - r1 - r0)_+^2``. gap : of the
    enclosure with shared covariates, relative to 1 + |value|. `InvalidInput`: `MarginalBalls` of an order
    above 2, or not of two scalar outcomes. A set without laws answers `INFEASIBLE`.
    """
    question = "squared effect E(Y1 - Y0)^2"
    if isinstance(model, OverlappingBalls):
        lower, upper = (
            overlapping_worst_case(Square(), model, direction=side, gap=gap, question=question)
            for side in ("lower", "upper")
        )
        return Bounds(question, lower, upper)
    far, near = _norms(model, lambda d, mass: math.sqrt(float(mass @ d**2)))
    return _of_order_two(model, question, far, near, lambda norm: norm * norm)


def effect_deviation_bounds(model: Model, *, gap: float = 1e-6) -> Bounds:
    """Both ends of the standard deviation of Y1 - Y0.

    With shared covariates the upper end is ``inf over c of sup E(D - c)^2``, by minimax, and the lower end is
    that without covariates: safe, since they only narrow the set, and marked `GAP`. model, gap and errors as
    in `squared_effect_bounds`.
    """
    question = "deviation of the effect sd(Y1 - Y0)"
    if isinstance(model, OverlappingBalls):
        return _overlapping_deviation(model, question, gap)
    far, near = _norms(model, _deviation)
    return _of_order_two(model, question, far, near, lambda norm: norm)


def effect_distribution_bounds(
    model: Model, points: npt.ArrayLike, *, admissible: Floats | None = None, gap: float = 1e-6
) -> DistributionBounds:
    """Bounds of ``P(Y1 - Y0 <= z)`` at every point z.

    model : `MarginalBalls` of two outcomes, treated first, or `OverlappingBalls`. points : (k,), or one.
    admissible : (U, k) values that shared covariates may take; None is the whole space. gap : of each
    enclosure with shared covariates. The upper bound is attained; the lower one is approached at a positive
    radius, see `makarov_bounds`. `InvalidInput`: points that are not finite, other models.
    """
    where = np.atleast_1d(finite_vector(np.atleast_1d(points), "points"))
    if isinstance(model, MarginalBalls):
        first, second = arms(model)
        return replace(makarov_bounds(first, second, where, weights=DIFFERENCE), name="P(Y1 - Y0 <= z)")
    arms(model)
    values = None if admissible is None else covariate_values(admissible, model, "admissible")
    ends = [_probabilities(model, float(z), values, gap) for z in where]
    still = replace(model, treated=model.treated.at(0.0), control=model.control.at(0.0))
    alone = [_probabilities(still, float(z), values, gap) for z in where]
    return _distribution(model, "P(Y1 - Y0 <= z), shared covariates", where, ends, alone)


def effect_quantile_bounds(model: MarginalBalls, levels: npt.ArrayLike) -> DistributionBounds:
    """Bounds of the quantiles of Y1 - Y0 without covariates, as in `makarov_quantile_bounds`.

    model : `MarginalBalls` of two outcomes, treated first. levels : (k,) in (0, 1), or one. `InvalidInput`
    for others, and for `OverlappingBalls`.
    """
    if not isinstance(model, MarginalBalls):
        raise InvalidInput(
            "quantiles of an effect with shared covariates have no closed form; invert "
            "`effect_distribution_bounds` on a grid of points, or pass `MarginalBalls`, whose bounds are "
            "safe."
        )
    first, second = arms(model)
    found = makarov_quantile_bounds(first, second, levels, weights=DIFFERENCE)
    return replace(found, name="quantiles of Y1 - Y0")


def unbounded(model: Model, question: str, direction: str) -> WorstCase:
    """The answer of a functional that grows faster than the cost."""
    return known_case(
        math.inf if direction == "upper" else -math.inf,
        model,
        question=question,
        direction=direction,
        route="growth",
        status=Status.UNBOUNDED,
        attained=False,
    )


def _probabilities(
    model: OverlappingBalls, z: float, admissible: Floats | None, gap: float
) -> tuple[float, float, Status]:
    """(lower, upper, the weaker status): the infimum is 1 less the supremum of P(D > z)."""
    upper = overlapping_worst_case(AtMost(z), model, admissible=admissible, gap=gap)
    above = overlapping_worst_case(Above(z), model, admissible=admissible, gap=gap)
    status = upper.status if upper.status is not Status.OPTIMAL else above.status
    return 1.0 - above.value, upper.value, status


def _distribution(
    model: OverlappingBalls,
    name: str,
    where: Floats,
    ends: list[tuple[float, float, Status]],
    alone: list[tuple[float, float, Status]],
) -> DistributionBounds:
    lower, upper, statuses = zip(*ends, strict=True)
    old_lower, old_upper, _ = zip(*alone, strict=True)
    worse = [status for status in statuses if status is not Status.OPTIMAL]
    return DistributionBounds(
        name=name,
        kind="cdf",
        points=where,
        lower=np.clip(lower, 0.0, 1.0),
        upper=np.clip(upper, 0.0, 1.0),
        classical_lower=np.clip(old_lower, 0.0, 1.0),
        classical_upper=np.clip(old_upper, 0.0, 1.0),
        order=model.order,
        radius=model.radius,
        budget=model.budget,
        status=worse[0] if worse else Status.OPTIMAL,
    )


def _norms(model: MarginalBalls, norm: Callable[[Floats, Floats], float]) -> tuple[float, float]:
    """The norm of the difference under the antithetic and the comonotone coupling of the references."""
    first, second = arms(model)
    found = []
    values, weights = [ball.points[:, 0] for ball in (first, second)], [first.weights, second.weights]
    for sign in (-1, 1):
        mass, places = comonotone(values, weights, (1, sign))
        found.append(norm(values[0][places[:, 0]] - values[1][places[:, 1]], mass))
    return found[0], found[1]


def _deviation(d: Floats, mass: Floats) -> float:
    centred = d - float(mass @ d)
    return math.sqrt(float(mass @ centred**2))


def _of_order_two(
    model: MarginalBalls, question: str, far: float, near: float, scale: Callable[[float], float]
) -> Bounds:
    """Both ends from the norm of the difference: it moves by at most the total radius."""
    total = sum(model.radius)
    if model.order != 2.0 and total > 0:
        if model.order > 2.0:
            raise InvalidInput(
                f"{question} has a closed form for order 2; got {model.order:g}. Use "
                "`worst_case_expectation(Aggregate(Square(), (1, -1)), model)`."
            )
        upper = unbounded(model, question, "upper")
        lower = _lower_below_two(model, question)
        return Bounds(question, lower, upper)
    ends = {"lower": scale(max(near - total, 0.0)), "upper": scale(far + total)}
    lower, upper = (_closed(model, question, side, ends[side]) for side in ("lower", "upper"))
    return Bounds(question, lower, upper)


def _lower_below_two(model: MarginalBalls, question: str) -> WorstCase:
    from riskstats.wasserstein.api import worst_case_expectation

    if question.startswith("deviation"):
        return replace(_closed(model, question, "lower", 0.0), status=Status.GAP, upper=math.inf)
    found = worst_case_expectation(Aggregate(Square(), DIFFERENCE), model, direction="lower")
    return replace(found, question=question)


def _closed(model: Model, question: str, direction: str, value: float) -> WorstCase:
    return known_case(
        value, model, question=question, direction=direction, route="closed form", attained=True
    )


def _overlapping_deviation(model: OverlappingBalls, question: str, gap: float) -> Bounds:
    from scipy.optimize import minimize_scalar

    first, second = (
        WassersteinBall(y, radius=ball.radius, order=ball.order, weights=ball.weights)
        for y, ball in zip(model.outcomes, (model.treated, model.control), strict=True)
    )
    without = effect_deviation_bounds(MarginalBalls(first, second))
    probe = overlapping_worst_case(Square(), model, gap=gap, question=question)
    if probe.status in (Status.INFEASIBLE, Status.UNBOUNDED):
        low = replace(without.lower, status=Status.GAP)
        return Bounds(
            question, replace(probe, direction="lower") if probe.status is Status.INFEASIBLE else low, probe
        )

    def largest(c: float) -> float:
        return overlapping_worst_case(Square(c), model, gap=gap).value

    spread = 2.0 * math.sqrt(probe.value)
    best = minimize_scalar(largest, bounds=(-spread, spread), method="bounded", options={"xatol": 1e-6})
    at = overlapping_worst_case(Square(float(best.x)), model, gap=gap)
    upper = replace(
        at,
        value=math.sqrt(at.upper),
        upper=math.sqrt(at.upper),
        lower=_spread_of(at),
        question=question,
        multiplier=None,
        status=Status.GAP,
        route="minimax over the centre",
    )
    if upper.duality_gap <= 10.0 * gap * (1.0 + upper.value):
        upper = replace(upper, status=Status.OPTIMAL)
    lower = replace(without.lower, status=Status.GAP, upper=upper.lower, route="without covariates")
    return Bounds(question, lower, upper)


def _spread_of(case: WorstCase) -> float:
    """The standard deviation of the effect under the law of a case: attained, hence a lower end."""
    law = case.worst_case_distribution
    if law is None:
        return 0.0
    return _deviation(law.targets[0][:, 0] - law.targets[1][:, 0], law.weights)


def _combination(weights: tuple[float, float]) -> str:
    if weights == DIFFERENCE:
        return "Y1 - Y0"
    return Aggregate(Square(), weights).variable().replace("Y2", "Y0")
