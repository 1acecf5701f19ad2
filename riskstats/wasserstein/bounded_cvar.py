"""The worst CVaR of a loss that cannot exceed a number: one ball of laws on an interval.

Losses in [low, high], tail share 1 - level. The law that raises every tail loss by the same c, but no
further than `high`,

    x  ->  min(x + c, high)    with    int over the tail of min(c, high - x)^p  =  R^p

is worst, for every p >= 1: the tail stays the tail, and a unit of budget is worth most where the least has
been spent. The proof is recomputed, not believed:

    CVaR  <=  t + ( kappa R^p + E sup over y <= high of (y - t)_+ - kappa |y - x|^p ) / (1 - level)

holds for every t and kappa >= 0 (Rockafellar and Uryasev's formula, and duality over the ball), and is equal
at kappa = c^(1-p) / p and t = x0 + c (1 - 1/p), where x0 is the least tail loss: there it is indifferent
whether x0 is raised. Where all tail losses reach `high`, kappa = 0 and t = high.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.risk_law import line_law, risk_case
from riskstats.wasserstein.shapes import Call

__all__ = ["bounded_cvar"]


def bounded_cvar(asked: Asked, whole: Reduced, measure: RiskMeasure) -> WorstCase:
    """The largest CVaR, or mean, of one loss within `asked.within`."""
    level = _level(asked, measure)
    assert asked.within is not None
    (low, high), p, R = asked.within[0], whole.order, whole.radius
    rows = np.argsort(whole.terms[0], kind="stable")
    x, mass = whole.terms[0][rows], whole.weights[0][rows]
    if x[0] < low or x[-1] > high:
        outside = x[0] if x[0] < low else x[-1]
        raise InvalidInput(
            f"losses must lie in `support` ({low:g}, {high:g}); got {outside:g}. Widen it, or rescale."
        )
    cumulative = np.minimum(np.cumsum(mass), 1.0)
    cumulative[-1] = 1.0
    levels = np.union1d(np.append(0.0, cumulative), level)
    places = np.minimum(np.searchsorted(cumulative, 0.5 * (levels[1:] + levels[:-1])), len(x) - 1)
    still, width = x[places], np.diff(levels)
    tail = levels[:-1] >= level
    c = _rise(high - still[tail], width[tail], R, p)
    moved = np.where(tail, np.minimum(still + c, high), still)
    kappa = 0.0 if c == np.inf else 1.0 if p == 1 else c ** (1.0 - p) / p if c > 0 else np.inf
    law = line_law(mass, x, levels, lambda _: moved)
    weights, cells, moves = law
    threshold = high if c == np.inf else float(still[tail][0]) + c * (1.0 - 1.0 / p)
    upper = _dual(x, mass, level, threshold, kappa, R, p, (low, high))
    answer = (weights, rows[cells][:, np.newaxis], moves)
    price = kappa / (1.0 - level) if np.isfinite(kappa) and R > 0 else None
    base = float(width[tail] @ still[tail]) / (1.0 - level)
    route = "tail raised within its support"
    return risk_case(asked, whole, answer, upper, route, kappa=price, reference=base)


def _level(asked: Asked, measure: RiskMeasure) -> float:
    """The level of a CVaR; 0 for the mean."""
    plain = len(asked.balls) == 1 and asked.balls[0].dimension == 1 and asked.sign > 0
    unit = asked.functional.aggregate.numbers(1) == (1.0,) if plain else False  # type: ignore[attr-defined]
    if not (unit and isinstance(measure, (CVaR, Mean))):
        raise IncompatibleBound(
            f"`{measure}` and `support` have a proven worst case for `CVaR` and `Mean` over one ball of one "
            "loss, direction 'upper'. Leave `support` out: the answer is then a bound."
        )
    return measure.level if isinstance(measure, CVaR) else 0.0


def _rise(room: Floats, width: Floats, radius: float, order: float) -> float:
    """The c with ``sum width min(c, room)^p = R^p``; inf where all of the room costs less."""
    sizes = np.argsort(room, kind="stable")
    room, width = room[sizes], width[sizes]
    filled = np.concatenate([[0.0], np.cumsum(width * room**order)])
    rest = np.append(np.cumsum(width[::-1])[::-1], 0.0)
    budget = radius**order
    if filled[-1] <= budget:
        return np.inf
    k = int(np.searchsorted(filled[1:] + rest[1:] * room**order, budget, side="right"))
    return float(((budget - filled[k]) / rest[k]) ** (1.0 / order))


def _dual(
    x: Floats,
    mass: Floats,
    level: float,
    threshold: float,
    kappa: float,
    radius: float,
    order: float,
    within: tuple[float, float],
) -> float:
    """The value of a threshold and a multiplier, which no law exceeds."""
    if not np.isfinite(kappa):
        return threshold + float(mass @ np.maximum(x - threshold, 0.0)) / (1.0 - level)
    inner = Call(threshold).best(1, x, kappa, order, within).value
    return threshold + (kappa * radius**order + float(mass @ inner)) / (1.0 - level)
