"""Where the inner supremum is known at order 1 or 2 only: a smaller order as a bound.

The ball of order p lies in the ball of order q <= p of the same radius, because W_q <= W_p; the worst value
there is a bound, and its worst moves, shortened until they fit, are a law of the set.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sorted_route import sorted_case
from riskstats.wasserstein.verified import Proposal, moves_of, verified

__all__ = ["easier_case"]

_HALVINGS = 60


def easier_case(asked: Asked) -> WorstCase:
    """An enclosure from order 2 where p > 2, else from order 1."""
    q = 2.0 if asked.order > 2 else 1.0
    balls = tuple(
        WassersteinBall(ball.points, radius=ball.radius, order=q, cost=ball.cost, weights=ball.weights)
        for ball in asked.balls
    )
    easier = sorted_case(replace(asked, balls=balls))
    law = easier.worst_case_distribution
    assert law is not None
    targets = tuple(
        _shortened(ball, law.weights, law.sources[:, j], law.targets[j], box)
        for j, (ball, box) in enumerate(zip(asked.balls, asked.box, strict=True))
    )
    upper = asked.sign * easier.value
    found = Proposal(law.weights, law.sources, targets, upper, f"order {q:g} as a bound", None, False)
    return verified(asked, found)


def _shortened(
    ball: WassersteinBall, weights: Floats, source: Integers, target: Floats, box: tuple[float, float]
) -> Floats:
    """The targets on the way from the nearest points of the box, as far along as the budget allows."""
    still = np.clip(ball.points[source], *box)

    def reached(share: float) -> Floats:
        return still + share * (target - still)

    def costs(share: float) -> float:
        return float(weights @ moves_of(ball, reached(share), source) ** ball.order)

    if costs(1.0) <= ball.budget:
        return target
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if costs(middle) <= ball.budget else (low, middle)
    return reached(low)
