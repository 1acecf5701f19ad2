"""Balls around marginals with a free copula are one ball for a function of a weighted sum.

For f = g(a_1'y_1 + ... + a_d'y_d) and outcomes without limits the worst case is that of one ball on the line,

    R = sum_j ||a_j||_* r_j      around the law of the sum of the references, and the worst coupling of them:

the comonotone for convex g from above, the antithetic of two from below; for events the one of `event`. A
move t of the sum is shared: a_j'y_j moves by ``t ||a_j||_* r_j / R``, which costs ball j ``(r_j / R)^p`` of
R^p. The multiplier of ball j is ``kappa ||a_j||_* (R / r_j)^(p - 1)`` with kappa the one of R^p.

Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal Transport".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.functional import Aggregate, decimal_sum
from riskstats.wasserstein.line import LineAnswer, line_worst
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.shapes import Interval, Linear
from riskstats.wasserstein.verified import Proposal, nudged, verified

__all__ = ["Reduced", "aggregate_case"]

_LANDINGS = 3


@dataclass(frozen=True, eq=False)
class Reduced:
    """A weighted sum of the outcomes of some balls: one ball on the line.

    vectors : the a_j. norms : (d,) ||a_j||_*. event : whether sums are compared with a point.
    """

    balls: tuple[WassersteinBall, ...]
    vectors: tuple[Floats, ...]
    norms: Floats
    event: bool = False

    @property
    def order(self) -> float:
        """The order p."""
        return float(self.balls[0].order)

    @cached_property
    def radius(self) -> float:
        """R, all that the value depends on."""
        return float(sum(norm * ball.radius for norm, ball in zip(self.norms, self.balls, strict=True)))

    @cached_property
    def terms(self) -> list[Floats]:
        """d arrays (n_j,): a_j'v_j at the atoms."""
        function = Aggregate(Linear(), tuple(tuple(a.tolist()) for a in self.vectors))
        return function.terms(tuple(ball.points for ball in self.balls))

    @property
    def weights(self) -> list[Floats]:
        """The weights of the references."""
        return [ball.weights for ball in self.balls]

    def sums(self, places: Integers) -> Floats:
        """(K,) the sum at the atoms of each row."""
        terms = [term[places[:, j]] for j, term in enumerate(self.terms)]
        return decimal_sum(terms) if self.event else sum(terms[1:], start=terms[0])

    def targets(self, places: Integers, moves: Floats) -> tuple[Floats, ...]:
        """d arrays (K, k_j): where the rows go when their sum moves by `moves`."""
        ends = []
        for j, (ball, a, norm) in enumerate(zip(self.balls, self.vectors, self.norms, strict=True)):
            still = ball.points[places[:, j]]
            share = norm * ball.radius / self.radius if self.radius > 0 else 0.0
            ends.append(
                still + (share * moves)[:, np.newaxis] * _direction(a, ball.cost.norm) if share else still
            )
        return tuple(ends)

    def multiplier(self, kappa: float | None) -> tuple[float, ...] | None:
        """(d,) d value / d budget of each ball; None where nothing moves."""
        if kappa is None or self.radius == 0:
            return None
        p, found = self.order, []
        for norm, ball in zip(self.norms, self.balls, strict=True):
            scale = kappa * float(norm)
            if p > 1 and scale > 0:
                scale = math.inf if ball.radius == 0 else scale * (self.radius / ball.radius) ** (p - 1.0)
            found.append(scale)
        return tuple(found)


def _direction(a: Floats, norm: float) -> Floats:
    """The shortest vector u with ``a'u = 1``."""
    if len(a) == 1:
        return 1.0 / a
    if norm == 2:
        return a / float(a @ a)
    if norm == 1:
        largest = int(np.abs(a).argmax())
        return np.eye(len(a))[largest] / a[largest]
    return np.sign(a) / float(np.abs(a).sum())


def reduced(asked: Asked) -> Reduced:
    """The ball on the line of an aggregate."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    return Reduced(asked.balls, function.vectors(asked.balls), function.norms(asked.balls), function.g.event)


def aggregate_case(asked: Asked) -> WorstCase:
    """The worst case of an aggregate over outcomes without limits; its growth must not exceed the order."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    whole, g, d = reduced(asked), function.g, len(asked.balls)
    if d == 1:
        places = np.arange(len(asked.balls[0].weights))[:, np.newaxis]
        return coupled_case(asked, whole, asked.balls[0].weights, places, "one ball on the line")
    if isinstance(g, Linear) or (g.convex and asked.sign > 0):
        mass, places = comonotone(whole.terms, whole.weights)
        return coupled_case(asked, whole, mass, places, "comonotone aggregate")
    if g.convex and d == 2:
        mass, places = antithetic_chain(whole.terms, whole.weights)
        return coupled_case(asked, whole, mass, places, "antithetic aggregate")
    if isinstance(g, Interval) and d == 2:
        from riskstats.wasserstein.event import event_case

        return event_case(asked, whole)
    from riskstats.wasserstein.many import many_case

    return many_case(asked, whole)


def coupled_case(
    asked: Asked,
    whole: Reduced,
    mass: Floats,
    places: Integers,
    route: str,
    upper: float | None = None,
) -> WorstCase:
    """One ball on the line around the sum under a coupling; `upper` is the bound where it is no worst one."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    sums = whole.sums(places)
    found = line_worst(function.g, asked.sign, sums, mass, whole.radius, whole.order, gap=asked.gap)
    reference = float(mass @ (asked.sign * function.g(sums)))
    return verified(asked, lifted(asked, whole, found, places, sums, route, upper, reference))


def lifted(
    asked: Asked,
    whole: Reduced,
    found: LineAnswer,
    places: Integers,
    sums: Floats,
    route: str,
    upper: float | None = None,
    reference: float | None = None,
) -> Proposal:
    """The joint law behind a law of the sum."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    rows = places[found.places]
    targets = whole.targets(rows, found.targets - sums[found.places])
    if function.g.event and whole.radius > 0:
        claimed = asked.sign * function.g(found.targets)
        targets = _landed(asked, whole, targets, found.targets, claimed)
        targets = nudged(function, asked.sign, asked.balls, rows, targets, claimed, asked.box)
    return Proposal(
        found.weights,
        rows,
        targets,
        found.upper if upper is None else upper,
        route,
        whole.multiplier(found.multiplier),
        found.attained,
        reference=reference,
    )


def _landed(
    asked: Asked, whole: Reduced, targets: tuple[Floats, ...], sums: Floats, claimed: Floats
) -> tuple[Floats, ...]:
    """Targets with the sums that were asked for, where the rounding of shares and of a'y missed the event."""
    function, ends = asked.functional, list(targets)
    assert isinstance(function, Aggregate)
    for j, (a, ball) in enumerate(zip(whole.vectors, whole.balls, strict=True)):
        short = asked.sign * function(*ends) < claimed - 0.5
        if not short.any():
            break
        if len(a) > 1 or a[0] == 0 or ball.radius == 0:
            continue
        tried = list(ends)
        for _ in range(_LANDINGS):
            missed = np.where(short, sums - function.total(function.terms(tuple(tried))), 0.0)
            tried[j] = tried[j] + (missed / a[0])[:, np.newaxis]
        good = short & (asked.sign * function(*tried) >= claimed - 0.5)
        ends[j] = np.where(good[:, np.newaxis], tried[j], ends[j])
    return tuple(ends)
