"""Worst-case risk: the measure that was estimated and bounded, over a ball or over balls with a free copula.

The losses of the balls are added with given weights; only the total radius ``R = sum_j ||a_j||_* r_j``
matters.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from riskstats._samples import checked_support
from riskstats._validation import choice, positive_number
from riskstats._validation import time_limit as checked_time_limit
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure, SpectralMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.entropic import Entropic
from riskstats.measures.evar import EVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked, balls_of
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.result import EVERY_ORDER, WorstCase
from riskstats.wasserstein.risk_law import question, reduced_risk, risk_case
from riskstats.wasserstein.verified import unbounded_case

__all__ = ["worst_case_risk"]


def worst_case_risk(
    measure: RiskMeasure,
    model: WassersteinBall | MarginalBalls,
    *,
    weights: Any = None,
    direction: Literal["upper", "lower"] = "upper",
    support: tuple[float, float] | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
) -> WorstCase:
    """The largest or smallest risk of a loss, or of a weighted sum of losses, over a set of laws.

    Parameters
    ----------
    measure : an object of `riskstats.measures`, such as `CVaR(0.95)`.
    model : a ball, or balls around marginals with a free copula. Losses: larger is worse.
    weights : one a_j for each ball, a number or a vector as long as its outcomes; None is 1 each.
    direction : "upper" for the supremum, "lower" for the infimum.
    support : (lowest, highest) possible loss, for `CVaR` and `Mean` over one ball from above
        (`bounded_cvar`); None is the whole line. Scores in [0, 1] have ``support=(0, 1)``.
    gap, time_limit : as in `worst_case_expectation`.

    With S the comonotone sum of the references and 1/p + 1/q = 1, the worst cases from above are

        CVaR             CVaR(S) + R (1 - level)^(-1/p)
        spectral         rho(S) + R ||phi||_q, for coherent measures; infinite where the norm is
        expectile        the root of the worst balance, for levels from 0.5
        value at risk    exact for one and two balls, an enclosure for more
        EVaR, entropic   infinite for every radius > 0 (at level and theta 0 the mean)

    Exact from below: the mean and CVaR of one or two balls, value at risk, expectiles; other spectral
    measures have an enclosure, and so have those that are not coherent, over one ball. `HEURISTIC` where a
    spectrum is given as a function: its norm is then extrapolated.

    `IncompatibleBound` names a measure and a set for which nothing is proven. `InvalidInput`: weights that
    do not fit the balls.

    Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal
    Transport", for the aggregation.
    """
    if not isinstance(measure, RiskMeasure):
        raise InvalidInput(
            f"`measure` must be a risk measure such as `CVaR(0.95)`; got {measure!r}. For the expectation of "
            "a function use `worst_case_expectation`."
        )
    if isinstance(model, OverlappingBalls):
        raise IncompatibleBound(
            f"`{measure}` and `OverlappingBalls` have no proven worst case together. `MarginalBalls` of the "
            "outcomes give a valid, wider one."
        )
    balls = balls_of(model)
    function = question(measure, weights)
    function.check(balls)
    sign = 1 if choice(direction, ("upper", "lower"), "direction") == "upper" else -1
    within = None if support is None else (checked_support(support),)
    asked = Asked(
        function, balls, sign, within, None, positive_number(gap, "gap"), checked_time_limit(time_limit)
    )
    if within is not None:
        from riskstats.wasserstein.bounded_cvar import bounded_cvar

        return bounded_cvar(asked, reduced_risk(asked), measure)
    return _routed(asked, reduced_risk(asked), measure)


def _routed(asked: Asked, whole: Reduced, measure: RiskMeasure) -> WorstCase:
    """The route of a measure."""
    if isinstance(measure, (Entropic, EVaR)):
        return _exponential(asked, whole, measure)
    if isinstance(measure, ValueAtRisk):
        from riskstats.wasserstein.quantile_route import quantile_case

        return quantile_case(asked, whole, measure)
    if isinstance(measure, CVaR) and asked.sign < 0 and measure.level > 0:
        from riskstats.wasserstein.cvar_route import smallest_cvar

        return smallest_cvar(asked, whole, measure)
    if isinstance(measure, CVaR) and measure.level == 0:
        measure = Mean()
    if isinstance(measure, SpectralMeasure):
        from riskstats.wasserstein.spectral_route import spectral_case

        return spectral_case(asked, whole, measure)
    if isinstance(measure, Expectile):
        from riskstats.wasserstein.expectile_route import expectile_case

        return expectile_case(asked, whole, measure)
    return _without_transport(asked, whole, measure)


def _exponential(asked: Asked, whole: Reduced, measure: Entropic | EVaR) -> WorstCase:
    """Measures that look at exponential moments: no budget of any order bounds them from above."""
    flat = (measure.risk_aversion if isinstance(measure, Entropic) else measure.level) == 0
    if flat:
        from riskstats.wasserstein.spectral_route import spectral_case

        return spectral_case(asked, whole, Mean())
    if asked.sign > 0 and whole.radius > 0:
        return unbounded_case(asked, EVERY_ORDER)
    return _without_transport(asked, whole, measure)


def _without_transport(asked: Asked, whole: Reduced, measure: RiskMeasure) -> WorstCase:
    """One law and radius 0 is the measure itself; nothing else is known."""
    if len(asked.balls) > 1 or whole.radius > 0:
        raise IncompatibleBound(
            f"`{measure}` and "
            f"{'`MarginalBalls`' if len(asked.balls) > 1 else 'a ball of positive radius'} have no "
            f"proven worst case in direction '{asked.direction}'. Use `CVaR`, a spectral measure or an "
            "expectile."
        )
    ball = asked.balls[0]
    rows = np.arange(len(ball.weights))[:, np.newaxis]
    value = asked.functional.expectation(ball.weights, asked.functional(ball.points))
    law = (ball.weights, rows, np.zeros(len(rows)))
    return risk_case(asked, whole, law, asked.sign * value, "the reference itself")
