"""Expectiles over balls: where the worst balance of excess and shortfall is zero.

The expectile of S' is at least e exactly if ``E g_e(S') >= 0`` with ``g_e(s) = level (s - e)_+ - (1 -
level) (e - s)_+``. So the largest expectile is the last e at which ``sup E g_e`` is not negative, and the
smallest the first at which ``inf E g_e`` is not positive. From level 0.5 on g_e is convex: the comonotone
coupling is worst from above, the antithetic one of two from below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from riskstats.exceptions import IncompatibleBound
from riskstats.measures.expectile import Expectile
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.line import LineAnswer, line_worst
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.risk_law import risk_case
from riskstats.wasserstein.shapes import PiecewiseLinear

__all__ = ["expectile_case"]


@dataclass(frozen=True)
class _Balance(PiecewiseLinear):
    """``level (s - e)_+ - (1 - level) (e - s)_+``."""

    convex: ClassVar[bool] = True
    level: float
    point: float

    @property
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        e, a = self.point, self.level
        return ((-math.inf, e, e, 0.0, 1.0 - a), (e, math.inf, e, 0.0, a))


def expectile_case(asked: Asked, whole: Reduced, measure: Expectile) -> WorstCase:
    """The largest or smallest expectile of a weighted sum."""
    d, p, R = len(asked.balls), whole.order, whole.radius
    if measure.level == 0 or (d > 1 and (measure.level < 0.5 or (asked.sign < 0 and d > 2))):
        raise IncompatibleBound(
            f"`{measure}` and `MarginalBalls` of {d} have no known worst case in direction "
            f"'{asked.direction}'. Use "
            "a level of at least 0.5, and from below one or two balls."
        )
    couple = comonotone if asked.sign > 0 else antithetic_chain
    mass, rows = couple(whole.terms, whole.weights)
    sums = whole.sums(rows)

    def worst(e: float) -> LineAnswer:
        return line_worst(_Balance(measure.level, e), asked.sign, sums, mass, R, p)

    e, safe = _root(lambda e: asked.sign * worst(e).upper, sums, _reach(whole, measure), asked.sign)
    found = worst(e)
    if p == 1 and R > 0:
        found = _with_the_rest(found, sums, asked.sign, e, R)
    law = (found.weights, rows[found.places], found.targets - sums[found.places])
    return risk_case(asked, whole, law, asked.sign * safe, "worst balance", attained=found.attained)


def _root(
    balance: Callable[[float], float], sums: np.ndarray, reach: float, sign: int
) -> tuple[float, float]:
    """(the root of a decreasing function, a point beside it where no law of the set has its expectile)."""
    from scipy.optimize import brentq

    low, high = float(sums.min()) - reach, float(sums.max()) + reach
    root = float(brentq(balance, low, high, xtol=1e-15, rtol=1e-15))
    step, safe = 2e-16 * (1.0 + abs(root)), root
    while sign * balance(safe) > 0:
        safe = root + sign * step
        step *= 2.0
    return root, safe


def _reach(whole: Reduced, measure: Expectile) -> float:
    """No expectile moves further: the slope of the balance is at least the smaller of level and 1 - level."""
    return (
        whole.radius * max(measure.level, 1.0 - measure.level) / min(measure.level, 1.0 - measure.level) + 1.0
    )


def _with_the_rest(found: LineAnswer, sums: np.ndarray, sign: int, e: float, R: float) -> LineAnswer:
    """Order 1: what is left of the budget moves the rows beyond e; where there is none, a little goes far."""
    places, weights, targets = found.places, found.weights, found.targets
    left = R - float(weights @ np.abs(targets - sums[places]))
    if left <= 1e-15 * R:
        return found
    outward = sign * (targets - e) >= 0
    outward &= sign * (targets - sums[places]) >= 0
    if outward.any():
        moves = np.where(outward, sign * left / float(weights[outward].sum()), 0.0)
        return LineAnswer(found.upper, found.multiplier, places, weights, targets + moves)
    top = int((sign * targets).argmax())
    share = min(0.5 * float(weights[top]), 1e-9)
    weights = np.append(weights, share)
    weights[top] -= share
    targets = np.append(targets, targets[top] + sign * left / share)
    return LineAnswer(
        found.upper, found.multiplier, np.append(places, places[top]), weights, targets, attained=False
    )
