"""Sums of three or more where the worst coupling is not known: a law from below, a bound from above.

From above, for E (-g) with g convex, Jensen's inequality: no sum beats a constant within R of the mean. For
``P(S <= z)``: a share q of the mass has a mean of at least

    (1 / q) int_0^q sum_j Q_j(u) du - R q^(-1/p)

under every coupling and transport, and the largest probability q has it at most z. From below, couplings:
every term against the sum of those before it, or one term against the comonotone sum of the others, which
makes it a sum of two.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.aggregate import Reduced, coupled_case, lifted
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.event import largest_probability
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.line import LineAnswer, line_worst
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.shapes import Interval
from riskstats.wasserstein.verified import verified

__all__ = ["many_case"]

_HALVINGS = 80


def many_case(asked: Asked, whole: Reduced) -> WorstCase:
    """An enclosure for three or more balls."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    g = function.g
    chain = antithetic_chain(whole.terms, whole.weights)
    if not isinstance(g, Interval):
        mean = np.array([sum(float(w @ x) for w, x in zip(whole.weights, whole.terms, strict=True))])
        upper = line_worst(g, asked.sign, mean, np.ones(1), whole.radius, whole.order).upper
        return coupled_case(asked, whole, *chain, "chain of couplings", upper)
    shift = 0.0 if asked.sign > 0 else -1.0
    parts = list(g.parts(asked.sign))
    whole_line = [part for part in parts if np.isinf(part[0]) or np.isinf(part[2])]
    if len(parts) == 1 and len(whole_line) == 1:
        found, places = _best_half_line(whole, parts[0])
        upper = _half_line_bound(whole, parts[0])
        sums = whole.sums(places)
        upper = max(upper, found.upper) + shift
        return verified(asked, lifted(asked, whole, found, places, sums, "grouped quantiles of a sum", upper))
    ends = [(-np.inf, False, g.ends[2], g.ends[3]), (g.ends[0], g.ends[1], np.inf, False)]
    bounds = [_half_line_bound(whole, part) for part in (ends if asked.sign > 0 else parts)]
    upper = min(bounds) if asked.sign > 0 else min(sum(bounds), 1.0) - 1.0
    coupling = chain if asked.sign > 0 else comonotone(whole.terms, whole.weights)
    return coupled_case(asked, whole, *coupling, "chain of couplings", upper)


def _half_line_bound(whole: Reduced, part: tuple[float, bool, float, bool]) -> float:
    """The last q whose least possible mean reaches the half line."""
    side = 1.0 if np.isinf(part[0]) else -1.0
    z = part[2] if side > 0 else -part[0]
    mass, places = comonotone([side * x for x in whole.terms], whole.weights)
    sums = side * whole.sums(places)
    levels = np.minimum(np.cumsum(mass), 1.0)
    partial = np.cumsum(mass * sums)
    knots, areas = np.append(0.0, levels), np.append(0.0, partial)

    def short(q: float) -> bool:
        reach = whole.radius * q ** (1.0 - 1.0 / whole.order)
        return float(np.interp(q, knots, areas)) - reach <= z * q + 1e-12 * (1.0 + abs(z))

    low, high = 0.0, 1.0
    if short(1.0):
        return 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if short(middle) else (low, middle)
    return high


def _best_half_line(whole: Reduced, part: tuple[float, bool, float, bool]) -> tuple[LineAnswer, Integers]:
    """The largest probability over groupings into one term and the comonotone sum of the others."""
    best: tuple[LineAnswer, Integers] | None = None
    for alone in range(len(whole.balls)):
        others = [j for j in range(len(whole.balls)) if j != alone]
        for couple in (comonotone, antithetic_chain):
            mass, rows = couple([whole.terms[j] for j in others], [whole.weights[j] for j in others])
            group = _Group(whole, mass, rows, others, alone)
            found, pairs = largest_probability(group, part)  # type: ignore[arg-type]
            if best is None or found.upper > best[0].upper:
                places = np.empty((len(pairs), len(whole.balls)), dtype=np.int64)
                places[:, others] = rows[pairs[:, 0]]
                places[:, alone] = pairs[:, 1]
                best = found, places
    assert best is not None
    return best


class _Group:
    """Some balls as a sum of two: the coupled others, and the one alone."""

    def __init__(self, whole: Reduced, mass: Floats, rows: Integers, others: list[int], alone: int) -> None:
        total = sum(whole.terms[j][rows[:, k]] for k, j in enumerate(others))
        self.terms = [np.asarray(total), whole.terms[alone]]
        self.weights = [mass, whole.weights[alone]]
        self.radius, self.order = whole.radius, whole.order

    def sums(self, places: Integers) -> Floats:
        """(K,) the sum of each row."""
        return self.terms[0][places[:, 0]] + self.terms[1][places[:, 1]]
