"""One or two balls on finite supports: every target is tried, so the answer is exact for that support."""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.results import Status
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.cost import distances
from riskstats.wasserstein.finite import FiniteSupport
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sorted_finite import FiniteInner
from riskstats.wasserstein.sorted_route import sorted_case
from riskstats.wasserstein.verified import Proposal, infeasible_case, verified
from riskstats.wasserstein.worst_law import merged

__all__ = ["finite_case", "needed_radius"]


def finite_case(asked: Asked) -> WorstCase:
    """The worst case over laws on finite sets of points."""
    assert asked.points is not None
    needed = sum(needed_radius(ball, points) for ball, points in zip(asked.balls, asked.points, strict=True))

    def function(*targets: Floats) -> Floats:
        return asked.sign * asked.functional(*targets)

    question = FiniteSupport(asked.balls, asked.points, function)
    if len(asked.balls) == 2 and asked.functional.coupling(asked.sign) and _numbers(asked):
        if any(
            needed_radius(b, s) > b.radius * (1.0 + 1e-12)
            for b, s in zip(asked.balls, asked.points, strict=True)
        ):
            return infeasible_case(asked, "distance to the support", needed)
        return sorted_case(asked, FiniteInner(question))
    found = solve_program(question, gap=0.5 * asked.gap, time_limit=asked.time_limit)
    if found.status is Status.INFEASIBLE:
        return infeasible_case(asked, "column generation", needed)
    columns, weights = found.columns, found.weights
    assert columns is not None
    assert weights is not None
    columns, weights = merged(columns, weights)
    sources = np.column_stack([columns.first, columns.second])[:, : len(asked.balls)]
    prices = found.enclosure.multiplier
    proposal = Proposal(
        weights,
        sources,
        columns.targets,
        found.enclosure.upper,
        "column generation",
        None if prices is None else tuple(prices.tolist()),
        status=found.status if found.status is Status.TIME_LIMIT else None,
    )
    return verified(asked, proposal)


def _numbers(asked: Asked) -> bool:
    return all(ball.dimension == 1 for ball in asked.balls)


def needed_radius(ball: object, points: Floats) -> float:
    """How far the reference is from its support: the distance of each atom to its nearest point."""
    nearest = distances(ball.points, points, ball.cost.norm).min(axis=1)  # type: ignore[attr-defined]
    return float(ball.weights @ nearest**ball.order) ** (1.0 / ball.order)  # type: ignore[attr-defined]
