"""Average treatment effects when both arms may shift: closed forms.

With tau the difference of the reference means, p the order and W_p the distance of the two samples of X,

    no covariates      tau +- (r1 + r0)
    shared X           tau +- ((r1 + r0)^p - w W_p^p)^(1/p)             X over a convex set

Laws that share X exist exactly where ``(r1 + r0)^p >= w W_p^p``; equal marginals of X leave the interval as
it is without X. Proof: the inner supremum of y1 - y0 at multipliers l is

    y1 - y0 + e(l1) + e(l0) - w kappa ||x1 - x0||^p

with kappa of `couplings` and ``e(l1) + e(l0) = e(kappa)``; ``<l, budget> >= kappa (r1 + r0)^p``, with
equality for the best l of a given kappa; and ``inf over kappa of kappa A + e(kappa) = A^(1/p)``.

Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal Transport".
"""

from __future__ import annotations

import math
from dataclasses import replace

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.distance import transport_cost
from riskstats.wasserstein.result import Bounds, WorstCase
from riskstats.wasserstein.worst_law import known_case

__all__ = ["arms", "average_effect_bounds", "covariate_gap", "infeasible"]

QUESTION = "average effect E(Y1 - Y0)"


def average_effect_bounds(model: MarginalBalls | OverlappingBalls) -> Bounds:
    """Both ends of ``E(Y1 - Y0)`` over all laws of the set.

    model : `MarginalBalls` of two outcomes, treated first, or `OverlappingBalls`, whose covariates range over
    the whole space. A set without laws answers `INFEASIBLE` with the radius that would do.
    """
    treated, control = arms(model)
    tau = float(treated.weights @ treated.points[:, 0] - control.weights @ control.points[:, 0])
    gap = covariate_gap(model) if isinstance(model, OverlappingBalls) else 0.0
    needed = gap ** (1.0 / model.order)
    if sum(model.radius) < needed * (1.0 - 1e-12):
        empty = infeasible(model, QUESTION, "upper", needed)
        return Bounds(QUESTION, replace(empty, direction="lower"), empty, tau)
    reach, multiplier = _reach(model.radius, model.order, gap)
    upper = _end(model, tau, reach, multiplier, "upper")
    return Bounds(QUESTION, _end(model, tau, -reach, multiplier, "lower"), upper, tau)


def covariate_gap(model: OverlappingBalls) -> float:
    """``w W_p^p`` of the two samples of covariates: the least that sharing them costs; inf where they are
    frozen and differ."""
    first, second = model.covariates
    cost = transport_cost(
        first,
        model.treated.weights,
        second,
        model.control.weights,
        order=model.order,
        norm=model.treated.cost.norm,
    )
    if math.isinf(model.covariate_weight):
        return 0.0 if cost <= 1e-12 else math.inf
    return model.covariate_weight * cost


def infeasible(
    model: MarginalBalls | OverlappingBalls, question: str, direction: str, needed: float | None
) -> WorstCase:
    """The answer where no law lies in the set."""
    return known_case(
        math.nan,
        model,
        question=question,
        direction=direction,
        route="feasibility of the shared covariates",
        status=Status.INFEASIBLE,
        feasible_radius=needed,
    )


def arms(model: MarginalBalls | OverlappingBalls) -> tuple[WassersteinBall, ...]:
    """(treated, control) of a set; `InvalidInput` for a set without two scalar outcomes."""
    if isinstance(model, OverlappingBalls):
        return model.treated, model.control
    scalar = isinstance(model, MarginalBalls) and all(ball.dimension == 1 for ball in model.balls)
    if scalar and len(model.balls) == 2:
        return model.balls
    raise InvalidInput(
        "an effect needs `OverlappingBalls(treated, control)`, or `MarginalBalls` of two scalar outcomes; "
        f"got {model!r}."
    )


def _reach(radius: tuple[float, ...], order: float, gap: float) -> tuple[float, tuple[float, float] | None]:
    """(how far the effect moves, d reach / d budget of each ball, None where that is infinite)."""
    total = sum(radius)
    reach = max(total**order - gap, 0.0) ** (1.0 / order)
    if order == 1.0:
        return reach, (1.0, 1.0)
    if reach == 0.0 or min(radius) == 0.0:
        return reach, None
    slope = (total / reach) ** (order - 1.0)
    first, second = (slope / (order * r ** (order - 1.0)) for r in radius)
    return reach, (first, second)


def _end(
    model: MarginalBalls | OverlappingBalls,
    tau: float,
    reach: float,
    multiplier: tuple[float, float] | None,
    direction: str,
) -> WorstCase:
    sign = 1.0 if direction == "upper" else -1.0
    return known_case(
        tau + reach,
        model,
        question=QUESTION,
        direction=direction,
        route="closed form",
        multiplier=None if multiplier is None else tuple(sign * m for m in multiplier),
        attained=True,
        reference_value=tau,
    )
