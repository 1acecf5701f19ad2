"""Two balls that share covariates act on a sum or difference of outcomes as one ball of radius r1 + r0.

For ``g(a1 y1 + a0 y0)`` with ``|a1| = |a0| = a`` the outcomes of a pair of rows and its covariates are moved
together. A move by t of ``(a1 y1 + a0 y0) / a``, and of the covariates by ``||x1 - x0||`` until they meet,
can be shared between the arms in any ratio; both parts cost least in the same ratio, with the joint
multiplier kappa of `couplings`. So the inner supremum depends on kappa alone, and as the least
``<l, budget>`` of a given kappa is ``kappa (r1 + r0)^p``,

    inf over kappa of  kappa (r1 + r0)^p  +  sup over couplings of E M_kappa
    M_kappa = sup over s of g(s) - kappa |s - S|^p / a^p,  less  kappa w ||x1 - x0||^p,   S = a1 y1 + a0 y0

is the worst case: one multiplier in place of two. It is attained where treated rows make r1 / (r1 + r0) of
every move. The argument for the average effect is in `treatment`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.results import Status
from riskstats.wasserstein.assignment import assigned, solve_assignment
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.overlap import OverlapSupremum
from riskstats.wasserstein.pair_suprema import AllPairs
from riskstats.wasserstein.program import ProgramAnswer, solve_program
from riskstats.wasserstein.shapes import power_cost

__all__ = ["difference_answer", "is_difference"]

MANY = 1600  # pairs from which on assignments are faster than a program


def is_difference(question: OverlapSupremum) -> bool:
    """Whether both arms count alike, something can move, and covariates may meet anywhere."""
    first, second = np.abs(question.weights)
    free = question.values is None and np.isfinite(question.balls.covariate_weight)
    return bool(free and first == second > 0 and sum(question.balls.radius) > 0)


def difference_answer(
    question: OverlapSupremum, *, gap: float, time_limit: float
) -> tuple[ProgramAnswer, str]:
    """The answer over pairs of rows with one multiplier, and the route; laws and prices are of both arms."""
    pairs = SharedPairs(question)
    n, m = pairs.first, pairs.second
    if len(n) == len(m) and len(n) ** 2 > MANY and np.ptp(n) == 0 and np.ptp(m) == 0:
        start = np.maximum(pairs.budget ** (1.0 / question.balls.order - 1.0), pairs.safe)
        still = assigned(-pairs.meeting, np.zeros(len(m)))
        found = solve_assignment(pairs, start=start, gap=gap, time_limit=time_limit, still=still)
        return pairs.parted(found), "assignment"
    return pairs.parted(solve_program(pairs, gap=gap, time_limit=time_limit)), "column generation"


@dataclass(frozen=True, eq=False)
class SharedPairs(AllPairs):
    """The inner suprema of a difference; targets are values of it, costs those of both arms together."""

    question: OverlapSupremum

    @property
    def first(self) -> Floats:  # type: ignore[override]
        """(n,) weights of the treated rows."""
        return self.question.first

    @property
    def second(self) -> Floats:  # type: ignore[override]
        """(m,) weights of the control rows."""
        return self.question.second

    @cached_property
    def budget(self) -> Floats:  # type: ignore[override]
        """(1,) ``(r1 + r0)^p``."""
        return np.array([sum(self.question.balls.radius) ** self.question.balls.order])

    @cached_property
    def recession(self) -> Floats:
        """(1,) the slope of g along an outcome, for order 1 and linear growth."""
        return np.array([self.question.recession.max()])

    @property
    def safe(self) -> Floats:
        """(1,) twice the multiplier that the slope of g asks for."""
        slope = max(self.question.shape.slope(self.question.sign), 1.0)
        return np.array([2.0 * slope * self._scale**self.question.balls.order])

    @cached_property
    def meeting(self) -> Floats:
        """(n, m) ``w ||x1 - x0||^p``."""
        balls = self.question.balls
        return balls.covariate_weight * self.question.apart**balls.order

    @property
    def _scale(self) -> float:
        return float(abs(self.question.weights[0]))

    def values(self, multiplier: Floats) -> Floats:
        """(n, m) inner suprema."""
        price, asked = float(multiplier[0]), self.question
        p = asked.balls.order
        best = asked.shape.best(asked.sign, asked.sums, price / self._scale**p, p).value
        return best - price * self.meeting

    def columns(self, first: Integers, second: Integers, multiplier: Floats | None) -> Columns:
        """The best values of some pairs, the references' own for None."""
        asked, p = self.question, self.question.balls.order
        sums = target = asked.sums[first, second]
        if multiplier is not None:
            target = asked.shape.best(asked.sign, sums, float(multiplier[0]) / self._scale**p, p).target
            target = np.where(np.isfinite(target), target, sums)
        costs = power_cost(1.0, (target - sums) / self._scale, p) + self.meeting[first, second]
        value = asked.sign * asked.shape(target)
        return Columns(first, second, (target[:, np.newaxis],), value, costs[:, np.newaxis])

    def parted(self, found: ProgramAnswer) -> ProgramAnswer:
        """The answer for both arms: each makes its share of every move."""
        balls, p = self.question.balls, self.question.balls.order
        total = sum(balls.radius)
        shares = np.array(balls.radius) / total
        price = found.enclosure.multiplier
        if price is not None:
            with np.errstate(divide="ignore"):
                price = price * shares ** (1.0 - p) if p > 1 and price[0] > 0 else np.repeat(price, 2)
        bound = replace(found.enclosure, multiplier=price)
        if found.columns is None or found.weights is None:
            return replace(found, enclosure=bound, far=np.zeros(2))
        old = found.columns
        columns = self.question.columns(old.first, old.second, old.targets[0][:, 0], float(shares[0]))
        lower = float(found.weights @ columns.value + self.recession @ found.far)
        bound = replace(bound, lower=min(bound.lower, lower) if found.status is Status.OPTIMAL else lower)
        return replace(found, columns=columns, far=found.far * shares, enclosure=bound)
