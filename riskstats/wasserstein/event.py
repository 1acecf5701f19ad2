"""Probabilities of a sum of two with unknown dependence and transport, from the quantiles of the two.

A one-sided event is ``P(S <= z)`` or ``P(S < z)`` of the sum or of its negative. Its largest probability is
the last q with ``int_0^q (Q1(u) + Q2(q - u) - z)_+^p du <= R^p`` (`sum_quantiles`); the law couples the share
q of smallest sums as (Q1(u), Q2(q - u)) and moves those above z to z, or beside it where z does not belong to
the event. An interval has no such form: it takes transport over pairs of atoms (`pairs`).
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.aggregate import Reduced, lifted
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.line import LineAnswer
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.shapes import Interval
from riskstats.wasserstein.step_quantiles import StepLaw, pieces, step_law
from riskstats.wasserstein.sum_quantiles import StepSum, positive_norm
from riskstats.wasserstein.verified import verified

__all__ = ["event_case", "largest_probability", "shared_rows"]


def event_case(asked: Asked, whole: Reduced) -> WorstCase:
    """The worst case of an event of the sum of two."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    assert isinstance(function.g, Interval)
    parts = list(function.g.parts(asked.sign))
    low, _, high, _ = parts[0]
    if len(parts) > 1 or math.isfinite(low) == math.isfinite(high):
        from riskstats.wasserstein.pairs import pairs_case

        return pairs_case(asked, whole)
    found, places = largest_probability(whole, parts[0])
    upper = found.upper - (0.0 if asked.sign > 0 else 1.0)
    sums = whole.sums(places)
    return verified(asked, lifted(asked, whole, found, places, sums, "quantiles of a sum", upper))


def largest_probability(whole: Reduced, part: tuple[float, bool, float, bool]) -> tuple[LineAnswer, Integers]:
    """(the largest probability of a half line, the rows (K, 2) of its law); targets are those of the sum."""
    low, with_low, high, with_high = part
    side = 1.0 if math.isinf(low) else -1.0
    z, closed = (high, with_high) if side > 0 else (-low, with_low)
    laws = [step_law(term, w, ordered=True) for term, w in zip(whole.terms, whole.weights, strict=True)]
    total = StepSum(*laws) if side > 0 else StepSum(*laws).reflected
    q = _share(total, z, closed, whole)
    mass, places, count = shared_rows(total, q)
    sums = side * whole.sums(places)
    end = z if closed or whole.radius == 0 else math.nextafter(z, -math.inf)
    first = np.arange(len(mass)) < count
    beyond = first & ((sums > z) if closed else (sums >= z)) & (whole.radius > 0)
    targets = side * np.where(beyond, end, sums)
    kappa = _multiplier(total, z, q, whole) if whole.radius > 0 else None
    attained = closed or whole.radius == 0 or not beyond.any()
    return LineAnswer(q, kappa, np.arange(len(mass)), mass, targets, attained), places


def shared_rows(total: StepSum, q: float) -> tuple[Floats, Integers, int]:
    """(mass, places (K, 2), count) of a coupling: (Q1(u), Q2(q - u)) on the share q, the first `count` rows,
    and (Q1(u), Q2(u)) on the rest."""
    rest = _beyond(total, q)
    if q <= 0:
        return rest[0], _columns(total, rest[1], rest[2]), 0
    laid = pieces(total.first, total.second, q)
    kept = laid.lengths > 0
    mass = np.concatenate([laid.lengths[kept], rest[0]])
    places = _columns(
        total, np.concatenate([laid.first[kept], rest[1]]), np.concatenate([laid.second[kept], rest[2]])
    )
    return mass, places, int(kept.sum())


def _columns(total: StepSum, first: Integers, second: Integers) -> Integers:
    return np.column_stack([_places(total.first, first), _places(total.second, second)])


def _share(total: StepSum, z: float, closed: bool, whole: Reduced) -> float:
    """The largest probability of {S <= z}, or of {S < z}, which differ at R = 0 only."""
    if whole.radius > 0:
        return float(total.shares(np.array([z]), whole.radius, whole.order)[0])
    if closed:
        return float(total.classical(np.array([z]))[1][0])
    return 1.0 - float(total.reflected.classical(np.array([-z]))[0][0])


def _multiplier(total: StepSum, z: float, q: float, whole: Reduced) -> float:
    """1 / T'(q), 0 where all of the mass is reached before the budget is spent."""
    if q <= 0:
        return 0.0
    laid, p = pieces(total.first, total.second, q), whole.order
    excess = np.maximum(laid.sums(total.first, total.second) - z, 0.0)
    if q >= 1 and positive_norm(excess, laid.lengths, p) < whole.radius:
        return 0.0
    slope = float((laid.slopes * excess**p).sum())
    return 1.0 / slope if slope > 0 else 0.0


def _places(law: StepLaw, rows: Integers) -> Integers:
    return rows if law.places is None else law.places[rows]


def _beyond(total: StepSum, q: float) -> tuple[Floats, Integers, Integers]:
    """(lengths, first, second) of the pairs (Q1(u), Q2(u)) on q < u < 1."""
    one, two = total.first.cumulative, total.second.cumulative
    points = np.concatenate([[q], np.unique(np.concatenate([one[one > q], two[two > q]]))])
    lengths, middle = np.diff(points), 0.5 * (points[1:] + points[:-1])
    return lengths, np.searchsorted(one, middle), np.searchsorted(two, middle)
