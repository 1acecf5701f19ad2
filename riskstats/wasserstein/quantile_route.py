"""The worst and the best value at risk over balls.

One or two laws: ``sup VaR = sup { z : int_0^(1-level) (z - Q1(level + u) - Q2(1 - u))_+^p du <= R^p }`` and
the mirror image from below (`sum_quantiles`); one law is the sum of it and 0. For R > 0 upper and lower
quantiles have the same worst value, which one of the two only approaches: the law then reaches a value
beside it. Three or more: a law from groupings into two, and a dual bound (`rearrangement`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.exceptions import IncompatibleBound
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.event import shared_rows
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.risk_law import risk_case
from riskstats.wasserstein.step_quantiles import step_law
from riskstats.wasserstein.sum_quantiles import StepSum
from riskstats.wasserstein.tail_arrangement import arranged_tails
from riskstats.wasserstein.verified import unbounded_case

__all__ = ["quantile_case"]

_BESIDE = 1e-10  # of the level, where the value is only approached
_SLIGHTLY = 1e-12  # of the level, at radius 0: quantiles are steps


@dataclass(frozen=True, eq=False)
class _Two:
    """A sum of two laws on the line, each from rows of atoms of the balls."""

    terms: tuple[Floats, Floats]
    weights: tuple[Floats, Floats]
    rows: tuple[Integers, Integers]
    radius: float
    order: float

    @cached_property
    def total(self) -> StepSum:
        """The sum with unknown dependence, with places kept."""
        return StepSum(
            *(step_law(term, w, ordered=True) for term, w in zip(self.terms, self.weights, strict=True))
        )

    def value(self, level: float, sign: int) -> float:
        """The greatest upper quantile, or the least lower one."""
        if sign > 0:
            return self.total.largest_quantile(level, self.radius, self.order)
        return self.total.smallest_quantile(level, self.radius, self.order)

    def law(self, level: float, value: float, sign: int) -> tuple[Floats, Integers, Floats]:
        """(weights, rows of the balls, moves): the share beyond the level is brought to the value."""
        total = self.total.reflected if sign > 0 else self.total
        mass, places, count = shared_rows(total, 1.0 - level if sign > 0 else level)
        sums = self.terms[0][places[:, 0]] + self.terms[1][places[:, 1]]
        first = np.arange(len(mass)) < count
        short = np.maximum(sign * (value - sums), 0.0) * (first & (self.radius > 0))
        rows = self.rows[0][places[:, 0]]
        if self.rows[1].shape[1]:
            rows = np.maximum(rows, self.rows[1][places[:, 1]])
        return mass, rows, sign * short


def quantile_case(asked: Asked, whole: Reduced, measure: ValueAtRisk) -> WorstCase:
    """The worst or best value at risk of a weighted sum."""
    sign, p, d = asked.sign, whole.order, len(asked.balls)
    if measure.level == 0.0:
        return _at_zero(asked, whole)
    natural = (measure.side == "upper") == (sign > 0)
    beside = measure.level if natural else measure.level - sign * (_BESIDE if whole.radius > 0 else _SLIGHTLY)
    level = measure.level if whole.radius > 0 else beside
    twos = _groupings(whole)
    values = [two.value(level, sign) for two in twos]
    place = int(np.argmax([sign * value for value in values]))
    two, upper = twos[place], sign * values[place]
    if d > 2:
        upper = max(_beyond_two(whole, level, sign), upper)
    weights, rows, moves = two.law(beside, two.value(beside, sign), sign)
    if d > 2:
        arranged = _arranged(whole, beside, sign)
        if arranged[0] > sign * two.value(beside, sign):
            upper, (weights, rows, moves) = max(upper, arranged[0]), arranged[1]
    fall = p * float(weights @ np.abs(moves) ** (p - 1.0)) if p > 1 else float(weights[moves != 0].sum())
    kappa = 1.0 / fall if d <= 2 and fall > 0 else None
    route = "quantiles of a sum" if d <= 2 else "arranged tails"
    attained = d <= 2 and (natural or whole.radius == 0)
    return risk_case(asked, whole, (weights, rows, moves), upper, route, kappa=kappa, attained=attained)


def _groupings(whole: Reduced) -> list[_Two]:
    """The sum as a sum of two: itself and 0, both terms, or one term and the coupled others."""
    d, found = len(whole.balls), []
    if d == 1:
        own = np.arange(len(whole.terms[0]))[:, np.newaxis]
        return [
            _Two(
                (whole.terms[0], np.zeros(1)),
                (whole.weights[0], np.ones(1)),
                (own, np.zeros((1, 0), np.int64)),
                whole.radius,
                whole.order,
            )
        ]
    for alone in range(d) if d > 2 else (1,):
        others = [j for j in range(d) if j != alone]
        for couple in (comonotone, antithetic_chain) if d > 2 else (comonotone,):
            mass, places = couple([whole.terms[j] for j in others], [whole.weights[j] for j in others])
            group = np.asarray(sum(whole.terms[j][places[:, k]] for k, j in enumerate(others)))
            rows = np.full((len(mass), d), -1)
            rows[:, others] = places
            single = np.full((len(whole.terms[alone]), d), -1)
            single[:, alone] = np.arange(len(single))
            found.append(
                _Two(
                    (group, whole.terms[alone]),
                    (mass, whole.weights[alone]),
                    (rows, single),
                    whole.radius,
                    whole.order,
                )
            )
    return found


def _arranged(whole: Reduced, level: float, sign: int) -> tuple[float, tuple[Floats, Integers, Floats]]:
    """(``sign`` the quantile, the law) from arranged tails."""
    terms = [sign * term for term in whole.terms]
    cut = level if sign > 0 else 1.0 - level
    value, mass, places, count = arranged_tails(terms, whole.weights, cut, whole.radius, whole.order)
    sums = np.asarray(sum(term[places[:, j]] for j, term in enumerate(terms)))
    short = np.maximum(value - sums, 0.0) * (np.arange(len(mass)) < count) * (whole.radius > 0)
    return value, (mass, places, sign * short)


def _beyond_two(whole: Reduced, level: float, sign: int) -> float:
    """A dual bound of ``sign`` the quantile for three or more."""
    from riskstats.wasserstein.rearrangement import dual_quantile

    laws = [step_law(sign * term, w) for term, w in zip(whole.terms, whole.weights, strict=True)]
    return dual_quantile(laws, level if sign > 0 else 1.0 - level, whole.radius, whole.order)


def _at_zero(asked: Asked, whole: Reduced) -> WorstCase:
    """Level 0 is the smallest loss, which any mass can carry down without limit."""
    if asked.sign < 0 and whole.radius > 0:
        return unbounded_case(asked)
    raise IncompatibleBound("a value at risk of level 0 is the smallest loss; use a level in (0, 1).")
