"""A risk measure of a weighted sum, in the form that the last step of a route verifies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.distribution import Distribution
from riskstats.measures.base import RiskMeasure
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Functional
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.shapes import Linear
from riskstats.wasserstein.verified import Proposal, verified

__all__ = ["RiskOf", "line_law", "risk_case"]


@dataclass(frozen=True, eq=False)
class RiskOf(Functional):
    """``measure`` of the weighted sum of the outcomes."""

    measure: RiskMeasure
    aggregate: Aggregate

    def __call__(self, *targets: Floats) -> Floats:
        return self.aggregate.total(self.aggregate.terms(targets))

    def expectation(self, weights: Floats, values: Floats) -> float:
        """The measure of the law of the sum."""
        return float(self.measure.of(Distribution(values, weights)))

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        """As the sum."""
        return 1.0

    def check(self, balls: tuple[WassersteinBall, ...]) -> None:
        """As the sum."""
        self.aggregate.check(balls)

    def describe(self) -> str:
        weights = self.aggregate.weights
        return f"{self.measure} of {'the loss' if weights is None else self.aggregate.variable()}"


def reduced_risk(asked: Asked) -> Reduced:
    """The ball on the line that the sum lives in."""
    function = asked.functional
    assert isinstance(function, RiskOf)
    aggregate = function.aggregate
    return Reduced(asked.balls, aggregate.vectors(asked.balls), aggregate.norms(asked.balls), True)


def risk_case(
    asked: Asked,
    whole: Reduced,
    law: tuple[Floats, Integers, Floats],
    upper: float,
    route: str,
    *,
    kappa: float | None = None,
    attained: bool = True,
    reference: float | None = None,
    **rest: Any,
) -> WorstCase:
    """Verify a law, given as (weights, rows of atoms, moves of the sum), against a bound of ``sign`` rho."""
    weights, rows, moves = law
    kept = weights > 0
    targets = whole.targets(rows[kept], moves[kept])
    found = Proposal(
        weights[kept],
        rows[kept],
        targets,
        upper,
        route,
        whole.multiplier(kappa),
        attained,
        reference=reference,
        **rest,
    )
    return verified(asked, found)


def line_law(
    mass: Floats, sums: Floats, levels: Floats, place: Callable[[Integers], Floats]
) -> tuple[Floats, Integers, Floats]:
    """(weights, rows, moves) of a law that is laid on [0, 1] in increasing order and cut at `levels`.

    place : which row (K,) of the coupling lies on each cell gives where it goes.
    """
    cumulative = np.minimum(np.cumsum(mass), 1.0)
    cumulative[-1] = 1.0
    middle = 0.5 * (levels[1:] + levels[:-1])
    rows = np.minimum(np.searchsorted(cumulative, middle), len(mass) - 1)
    return np.diff(levels), rows, place(rows) - sums[rows]


def question(measure: RiskMeasure, weights: Any) -> RiskOf:
    """The measure of a weighted sum."""
    return RiskOf(measure, Aggregate(Linear(), weights))
