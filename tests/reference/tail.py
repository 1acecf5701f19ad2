"""Slow twins of `riskstats.tail`: the definitions, word for word, in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations, product

from tests.reference.distribution import quantile

Numbers = Sequence[Fraction]


def probabilities(weights: Numbers) -> list[Fraction]:
    """p, sum 1."""
    total = sum(weights, Fraction(0))
    return [w / total for w in weights]


def tail_weights(losses: Numbers, level: Fraction, weights: Numbers) -> list[Fraction]:
    """p / t above the lower quantile, the pro-rata share at it, 0 below."""
    p, t = probabilities(weights), 1 - level
    v = quantile(losses, weights, level, "lower")
    above = sum((q for x, q in zip(losses, p, strict=True) if x > v), Fraction(0))
    at = sum((q for x, q in zip(losses, p, strict=True) if x == v), Fraction(0))
    part = (t - above) / (t * at)
    return [q / t if x > v else q * part if x == v else Fraction(0) for x, q in zip(losses, p, strict=True)]


def components(
    losses: Numbers, parts: Sequence[Numbers], level: Fraction, weights: Numbers
) -> list[Fraction]:
    """E_q of every column."""
    q = tail_weights(losses, level, weights)
    return [sum(share * row[k] for share, row in zip(q, parts, strict=True)) for k in range(len(parts[0]))]


def tie_range(losses: Numbers, part: Numbers, level: Fraction, weights: Numbers) -> tuple[Fraction, Fraction]:
    """Smallest and largest component over every order in which the tied rows may be taken."""
    p, t = probabilities(weights), 1 - level
    v = quantile(losses, weights, level, "lower")
    base = sum((q * l for x, q, l in zip(losses, p, part, strict=True) if x > v), Fraction(0))
    room = t - sum((q for x, q in zip(losses, p, strict=True) if x > v), Fraction(0))
    tied = [(l, q) for x, q, l in zip(losses, p, part, strict=True) if x == v]
    found = []
    for order in permutations(tied):
        left, total = room, base
        for l, q in order:
            taken = min(left, q)
            total, left = total + taken * l, left - taken
        found.append(total / t)
    return min(found), max(found)


def union(scores: Numbers) -> Fraction:
    """Probability that any of independent events happens."""
    none = Fraction(1)
    for r in scores:
        none *= 1 - r
    return 1 - none


def union_by_outcomes(scores: Numbers) -> Fraction:
    """The same, summed over all 2^K outcomes."""
    total = Fraction(0)
    for outcome in product([0, 1], repeat=len(scores)):
        if any(outcome):
            chance = Fraction(1)
            for happens, r in zip(outcome, scores, strict=True):
                chance *= r if happens else 1 - r
            total += chance
    return total


def shapley_by_orders(scores: Numbers) -> list[Fraction]:
    """The marginal contribution of each dimension, averaged over all K! orders of joining."""
    k = len(scores)
    totals, orders = [Fraction(0)] * k, 0
    for order in permutations(range(k)):
        members: list[Fraction] = []
        for j in order:
            before = union(members)
            members.append(scores[j])
            totals[j] += union(members) - before
        orders += 1
    return [total / orders for total in totals]


def memberships(losses: Numbers, level: Fraction, weights: Numbers) -> list[Fraction]:
    """The part of each row of positive weight that is in the tail."""
    q, p = tail_weights(losses, level, weights), probabilities(weights)
    return [share * (1 - level) / mass if mass else Fraction(0) for share, mass in zip(q, p, strict=True)]


def chi(first: Numbers, second: Numbers, level: Fraction, weights: Numbers) -> Fraction:
    """Expected mass in both tails over the mass of one, ties drawn independently in each margin."""
    pairs = zip(
        probabilities(weights),
        memberships(first, level, weights),
        memberships(second, level, weights),
        strict=True,
    )
    return sum((p * a * b for p, a, b in pairs), Fraction(0)) / (1 - level)


def kendall_tau_b(first: Numbers, second: Numbers, weights: Numbers) -> float:
    """Tau-b over all pairs of rows, each with the product of its weights."""
    rows = list(zip(probabilities(weights), first, second, strict=True))
    total, one, two = Fraction(0), Fraction(0), Fraction(0)
    for p, a, b in rows:
        for q, c, d in rows:
            total += p * q * _sign(a - c) * _sign(b - d)
            one += p * q * (a != c)
            two += p * q * (b != d)
    return float(total) / float(one * two) ** 0.5


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)
