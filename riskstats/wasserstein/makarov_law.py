"""The law that attains a bound of a sum, with the transport that keeps it inside the balls.

The share q of smallest sums is coupled as (Q1(u), Q2(q - u)); a pair whose sum exceeds the target is moved to
it, by the share |a_j| r_j / R of the way in a_j Y_j. Ball j then pays (r_j / R)^p T(q), which is r_j^p. The
rest of the mass stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from riskstats._validation import Floats, Integers, choice, number
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.exact_order import comparable, scaled
from riskstats.wasserstein.makarov_inputs import (
    coefficients,
    is_continuous,
    radii_of,
    sample_of,
    samples_of,
    sum_in_words,
)
from riskstats.wasserstein.result import WorstCase, WorstCaseLaw
from riskstats.wasserstein.step_quantiles import Pieces, pieces
from riskstats.wasserstein.sum_quantiles import StepSum, positive_norm

__all__ = ["Witness", "makarov_worst_case", "witness_of"]


@dataclass(frozen=True, eq=False)
class Witness:
    """What is needed to write down a law: samples of positive weight, their scaled sum, and the balls.

    samples : two (n_j,). total : with places kept. factors : (a1, a2). shares : of a move, by ball, of sum 1.
    """

    samples: tuple[Floats, Floats]
    total: StepSum
    factors: tuple[float, float]
    shares: tuple[float, float]
    radius: tuple[float, ...]
    budget: tuple[float, ...]
    distance: float
    order: float

    @property
    def reflected(self) -> Witness:
        """The same for minus the sum."""
        factors = (-self.factors[0], -self.factors[1])
        rest = self.samples, self.total.reflected, factors, self.shares
        return Witness(*rest, self.radius, self.budget, self.distance, self.order)

    def law(self, q: float, target: float) -> WorstCaseLaw:
        """The share q of smallest sums at `target` or below, moved there where a radius allows a move."""
        laid = pieces(self.total.first, self.total.second, q) if q > 0 else _NOTHING
        rest = _beyond(self.total, q)
        weights = np.concatenate([laid.lengths, rest[0]])
        places = np.concatenate([laid.first, rest[1]]), np.concatenate([laid.second, rest[2]])
        excess = np.maximum(laid.sums(self.total.first, self.total.second) - target, 0.0)
        moved = np.append(excess, np.full(len(rest[0]), np.nan))
        kept = weights > 0
        weights = weights[kept]
        sources = np.column_stack([self._sources(places[j][kept], j) for j in (0, 1)])
        targets = self._targets(sources, moved[kept], target)
        costs = [weights @ np.abs(self.samples[j][sources[:, j]] - targets[j]) ** self.order for j in (0, 1)]
        columns = tuple(end[:, np.newaxis] for end in targets)
        origins = tuple(self.samples[j][sources[:, j], np.newaxis] for j in (0, 1))
        return WorstCaseLaw(weights, sources, columns, np.array(costs), origins)

    def probability(self, law: WorstCaseLaw, point: float) -> float:
        """P(a1 Y1 + a2 Y2 <= point) under a law; atoms of the references compare as in the bounds."""
        one, two = (end[:, 0] for end in law.targets)
        if self.distance > 0:
            return float(law.weights[self.factors[0] * one + self.factors[1] * two <= point].sum())
        ends = scaled(one, self.factors[0]), scaled(two, self.factors[1])
        one, two, at = comparable(*ends, np.array([point]))
        return float(law.weights[one + two <= at[0]].sum())

    def holds(self, law: WorstCaseLaw) -> bool:
        """Whether a law lies in the balls, or within the total distance, up to a relative 1e-9."""
        distances = law.costs ** (1.0 / self.order)
        if len(self.radius) == 2:
            return bool((distances <= np.array(self.radius) * (1.0 + 1e-9)).all())
        return bool(np.abs(self.factors) @ distances <= self.distance * (1.0 + 1e-9))

    def _sources(self, places: Integers, j: int) -> Integers:
        law = (self.total.first, self.total.second)[j]
        return places if law.places is None else law.places[places]

    def _targets(self, sources: Integers, moved: Floats, target: float) -> list[Floats]:
        """Where the rows go: the larger mover takes what rounding leaves, so that no sum is above.

        moved : how far the sum has to fall, NaN for rows that stay.
        """
        ends = [self.samples[j][sources[:, j]] for j in (0, 1)]
        if self.distance == 0:
            return ends
        for j in (0, 1):
            if self.shares[j] > 0:
                ends[j] = ends[j] - self.shares[j] * np.nan_to_num(moved) / self.factors[j]
        mover = int(self.shares[1] > self.shares[0])
        size = np.abs(self.factors[0] * ends[0]) + np.abs(self.factors[1] * ends[1]) + abs(target)
        step = np.finfo(np.float64).eps * size / self.factors[mover]
        for _ in range(8):
            over = (moved >= 0) & (self.factors[0] * ends[0] + self.factors[1] * ends[1] > target)
            ends[mover] = np.where(over, ends[mover] - step, ends[mover])
            step = 2.0 * step
        return ends


_NOTHING = Pieces(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def _beyond(total: StepSum, q: float) -> tuple[Floats, Integers, Integers]:
    """(lengths, first, second) of the pairs (Q1(u), Q2(u)) on q < u < 1."""
    one, two = total.first.cumulative, total.second.cumulative
    points = np.concatenate([[q], np.sort(np.concatenate([one[one > q], two[two > q]]))])
    middle = 0.5 * (points[1:] + points[:-1])
    return np.diff(points), np.searchsorted(one, middle), np.searchsorted(two, middle)


def witness_of(
    first: Any, second: Any, *, weights: Any, radius: Any, budget: Any, order: Any, sample_weight: Any
) -> Witness:
    """The checked question about two samples; a total distance is shared equally."""
    if is_continuous(first) or is_continuous(second):
        raise InvalidInput("a law is written down for samples only; pass samples of both references.")
    factors = coefficients(weights, 2)
    radii, budgets, distance, order = radii_of((first, second), factors, radius, budget, order)
    pair = sample_weight if sample_weight is not None else (None, None)
    laws = samples_of((first, second), pair, factors, ordered=True)
    samples = [sample_of(ref, mass, "sample") for ref, mass in zip((first, second), pair, strict=True)]
    kept = [values if mass is None else values[mass > 0] for values, mass in samples]
    each = radii if len(radii) == 2 else [1.0 / abs(a) if a else 0.0 for a in factors]
    moves = [abs(a) * r for a, r in zip(factors, each, strict=True)]
    whole = sum(moves) or 1.0
    shares = (moves[0] / whole, moves[1] / whole)
    total = StepSum(laws[0], laws[1])
    return Witness(
        (kept[0], kept[1]), total, (factors[0], factors[1]), shares, radii, budgets, distance, order
    )


def makarov_worst_case(
    first: Any,
    second: Any,
    point: float,
    *,
    direction: Literal["upper", "lower"] = "upper",
    weights: Any = (1, 1),
    radius: Any = None,
    budget: Any = None,
    order: float = 1,
    sample_weight: Any = None,
) -> WorstCase:
    """The largest or smallest ``P(a1 Y1 + a2 Y2 <= point)`` with a law of the balls that attains it.

    direction : "upper" for the supremum, which is attained; "lower" for the infimum, which is attained at
        radius 0 and else approached: the law then leaves sums just above the point.

    first, second : samples, `Distribution` or `WassersteinBall`. The other arguments as in `makarov_bounds`;
    where one number is given as `radius` the law shares it equally between the two. One end of the enclosure
    is the probability under the law, the other the bound. Cost: two sorts, then O(n).
    """
    up = choice(direction, ("upper", "lower"), "direction") == "upper"
    z = number(point, "point")
    asked = witness_of(
        first,
        second,
        weights=weights,
        radius=radius,
        budget=budget,
        order=order,
        sample_weight=sample_weight,
    )
    where, R, p = np.array([z]), asked.distance, asked.order
    bound = float(asked.total.cdf_bounds(where, R, p)[int(up)][0])
    side, q = (asked, bound) if up else (asked.reflected, 1.0 - bound)
    target = z if up else -z
    if not up and R > 0:
        target -= 8.0 * np.finfo(np.float64).eps * (abs(z) + asked.total.size + R)
        q = float(side.total.shares(np.array([target]), R, p)[0])
    law = side.law(q, target)
    found = asked.probability(law, z)
    lower, upper = (min(found, bound), bound) if up else (bound, max(found, bound))
    return WorstCase(
        value=bound,
        lower=lower,
        upper=upper,
        status=Status.OPTIMAL if upper - lower <= 1e-9 and asked.holds(law) else Status.GAP,
        direction=direction,
        question=f"P({sum_in_words(asked.factors)} <= {z:g})",
        route="quantiles of a sum",
        order=p,
        radius=asked.radius,
        budget=asked.budget,
        multiplier=_multipliers(side, q, target),
        attained=up or R == 0,
        worst_case_distribution=law,
    )


def _multipliers(asked: Witness, q: float, target: float) -> tuple[float, ...] | None:
    """d value / d budget of each ball: ``kappa |a_j| (R / r_j)^(p - 1)`` with kappa = 1 / T'(q)."""
    p, R = asked.order, asked.distance
    if R == 0 or (p > 1 and min(asked.radius) == 0):
        return None
    laid = pieces(asked.total.first, asked.total.second, q)
    excess = np.maximum(laid.sums(asked.total.first, asked.total.second) - target, 0.0)
    if q >= 1 and positive_norm(excess, laid.lengths, p) < R:
        return (0.0,) * len(asked.radius)
    kappa = 1.0 / float((laid.slopes * excess**p).sum())
    if len(asked.radius) == 1:
        return (kappa,)
    pairs = zip(asked.factors, asked.radius, strict=True)
    return tuple(kappa * abs(a) * (R / r) ** (p - 1) if p > 1 else kappa * abs(a) for a, r in pairs)
