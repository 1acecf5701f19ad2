"""Slow twins of `riskstats.measures`: the definitions, word for word, in exact fractions or long decimals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

Numbers = Sequence[Fraction]


def law(losses: Numbers, weights: Numbers | None = None) -> list[tuple[Fraction, Fraction]]:
    """(atom, probability), increasing, without empty atoms."""
    counts = [Fraction(1)] * len(losses) if weights is None else weights
    total = sum(counts, Fraction(0))
    return sorted((x, w / total) for x, w in zip(losses, counts, strict=True) if w > 0)


def mean(losses: Numbers, weights: Numbers | None = None) -> Fraction:
    """E X."""
    return sum((x * p for x, p in law(losses, weights)), Fraction(0))


def cvar(losses: Numbers, level: Fraction, weights: Numbers | None = None) -> Fraction:
    """Fill the mass 1 - level from the largest loss down."""
    left, total = 1 - level, Fraction(0)
    for x, p in reversed(law(losses, weights)):
        taken = min(left, p)
        total += taken * x
        left -= taken
    return total / (1 - level)


def cvar_by_minimum(losses: Numbers, level: Fraction, weights: Numbers | None = None) -> Fraction:
    """min over v of v + E (X - v)+ / (1 - level); the minimum is at an atom."""
    atoms = law(losses, weights)
    return min(v + sum(p * max(x - v, Fraction(0)) for x, p in atoms) / (1 - level) for v, _ in atoms)


def quantile_average(
    losses: Numbers, integrated: Callable[[Fraction], Fraction], weights: Numbers | None = None
) -> Fraction:
    """sum of atoms times increments of Psi at the distribution function."""
    below, total = Fraction(0), Fraction(0)
    for x, p in law(losses, weights):
        total += x * (integrated(below + p) - integrated(below))
        below += p
    return total


def var_interval(
    losses: Numbers, lower: Fraction, upper: Fraction, weights: Numbers | None = None
) -> Fraction:
    """Each atom counts by the overlap of its levels with [lower, upper]."""

    def integrated(p: Fraction) -> Fraction:
        return (min(max(p, lower), upper) - lower) / (upper - lower)

    return quantile_average(losses, integrated, weights)


def expectile(losses: Numbers, level: Fraction, weights: Numbers | None = None) -> Fraction:
    """The root of the balance, on the one segment that contains its own root."""
    atoms = law(losses, weights)
    points = sorted({x for x, _ in atoms})
    for low, high in pairwise([*points, points[-1]]):
        below = sum((p for x, p in atoms if x <= low), Fraction(0))
        part = sum((p * x for x, p in atoms if x <= low), Fraction(0))
        rest = sum((p * x for x, p in atoms if x > low), Fraction(0))
        e = (level * rest + (1 - level) * part) / (level * (1 - below) + (1 - level) * below)
        if low <= e <= high:
            return e
    raise AssertionError("no segment holds its root")


def gini(losses: Numbers, weights: Numbers | None = None) -> Fraction:
    """Mean absolute difference of two copies over twice the mean; 0 without losses."""
    atoms = law(losses, weights)
    centre = sum(x * p for x, p in atoms)
    if centre == 0:
        return Fraction(0)
    return sum(p * q * abs(x - y) for x, p in atoms for y, q in atoms) / (2 * centre)


def entropic(losses: Numbers, risk_aversion: Fraction, weights: Numbers | None = None) -> Decimal:
    """log E exp(theta X) / theta with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        theta = _decimal(risk_aversion)
        return sum(_decimal(p) * (theta * _decimal(x)).exp() for x, p in law(losses, weights)).ln() / theta


def evar(losses: Numbers, level: Fraction, weights: Numbers | None = None) -> Decimal:
    """The smallest (log E exp(s X) - log(1 - level)) / s, by golden section in log s, with 40 digits."""
    atoms = law(losses, weights)
    with localcontext() as context:
        context.prec = 40
        pairs = [(_decimal(x), _decimal(p)) for x, p in atoms]
        top = pairs[-1][0]
        cost = -_decimal(1 - level).ln()

        def value(log_s: Decimal) -> Decimal:
            s = log_s.exp()
            return top + (sum(p * (s * (x - top)).exp() for x, p in pairs).ln() + cost) / s

        low, high, golden = Decimal(-25), Decimal(25), (Decimal(5).sqrt() - 1) / 2
        while high - low > Decimal("1e-11"):
            left, right = high - golden * (high - low), low + golden * (high - low)
            low, high = (low, right) if value(left) <= value(right) else (left, high)
        return min(value((low + high) / 2), top)  # the limit for large s is the largest loss


def atkinson(losses: Numbers, epsilon: Fraction, weights: Numbers | None = None) -> Decimal:
    """1 - (E X^q)^(1/q) / E X, q = 1 - epsilon, with 60 digits; positive losses."""
    with localcontext() as context:
        context.prec = 60
        pairs = [(_decimal(x), _decimal(p)) for x, p in law(losses, weights)]
        centre = sum(x * p for x, p in pairs)
        q = _decimal(1 - epsilon)
        if q == 0:
            return 1 - sum(p * x.ln() for x, p in pairs).exp() / centre
        return 1 - (sum(p * x**q for x, p in pairs).ln() / q).exp() / centre


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
