"""Slow twin of `riskstats.distribution`: the definitions, word for word, in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def cdf(
    atoms: Sequence[Fraction], weights: Sequence[Fraction], x: Fraction, *, strict: bool = False
) -> Fraction:
    """P(X <= x), or P(X < x)."""
    total = sum(weights, Fraction(0))
    return (
        sum((w for a, w in zip(atoms, weights, strict=True) if a < x or (a == x and not strict)), Fraction(0))
        / total
    )


def quantile(atoms: Sequence[Fraction], weights: Sequence[Fraction], level: Fraction, side: str) -> Fraction:
    """inf {x : F(x) >= level} or inf {x : F(x) > level}, kept among the atoms of positive weight."""
    rows = sorted((a, w) for a, w in zip(atoms, weights, strict=True) if w > 0)
    total = sum(w for _, w in rows)
    mass = Fraction(0)
    for i, (x, w) in enumerate(rows):
        mass += w
        if i + 1 < len(rows) and rows[i + 1][0] == x:
            continue
        if mass > level * total or (mass == level * total and side == "lower"):
            return x
    return rows[-1][0]


def rank_of_level(level: Fraction, n: int, side: str) -> int:
    """The smallest k in 1..n with k/n >= level, or k/n > level."""
    for k in range(1, n + 1):
        if Fraction(k, n) > level or (Fraction(k, n) == level and side == "lower"):
            return k
    return n
