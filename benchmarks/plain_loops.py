"""The bounds of risk control one candidate at a time: the formulas with NumPy, roots with SciPy.

What somebody writes who knows the formulas and has no batch code. It shares no code with the kernels that it
is timed against, except where a docstring says so; the answers are compared, not only the times. Losses lie
in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, special, stats

from riskstats.bounds.berk_jones_boundary import ActiveRanks, berk_jones_boundary
from riskstats.bounds.calibration import crossing_of_level
from tests.reference.crossing import crossing_by_sweep

__all__ = [
    "Bets",
    "average_of_quantiles",
    "band_average",
    "band_gini",
    "band_p_value",
    "berk_jones_level",
    "betting_bets",
    "gini",
    "holm",
    "p_value",
    "recursion",
    "tail_bets",
    "truncated_level",
    "upper",
]

Floats = np.ndarray[Any, np.dtype[np.float64]]
recursion = crossing_by_sweep
"""P(some U_(i) < b_i) by the exact O(n^2) recursion, one vectorised row per rank."""

# ---- the level of a Berk-Jones band


def boundary(n: int, level: float, first: int = 1) -> Floats:
    """(n,) `I^-1(c; i, n - i + 1)`, 0 below the rank `first`."""
    ranks = np.arange(1, n + 1)
    return np.where(ranks >= first, special.betaincinv(ranks, n - ranks + 1, level), 0.0)


def berk_jones_level(n: int, delta: float, first: int = 1) -> float:
    """The c at which the recursion gives delta, by Brent's method on log c: few steps, no bisection."""

    def gap(log_level: float) -> float:
        return math.log(recursion(boundary(n, math.exp(log_level), first))) - math.log(delta)

    low, high = math.log(delta / n), math.log(delta)
    if gap(high) <= 0.0:
        return delta
    return math.exp(optimize.brentq(gap, low, high, xtol=1e-13, rtol=1e-13))


def truncated_level(n: int, delta: float, low: float) -> tuple[float, int]:
    """(c, k): k the smallest rank whose own band, active from k on, has `b_k >= low`; bisection over k."""
    left, right = 1, n
    while left < right:
        middle = (left + right) // 2
        reached = boundary(n, berk_jones_level(n, delta, middle), middle)[middle - 1] >= low
        left, right = (left, middle) if reached else (middle + 1, right)
    return berk_jones_level(n, delta, right), right


# ---- averages of quantiles


def average_of_quantiles(row: Floats, low: float, high: float) -> float:
    """The mean of the quantiles of a sample between two levels; (level, 1) is CVaR."""
    edges = np.clip(np.arange(len(row) + 1) / len(row), low, high)
    return float(np.diff(edges) @ np.sort(row) / (high - low))


def band_average(row: Floats, edge: Floats, low: float, high: float) -> float:
    """Its largest value over the laws with `F(x_(i)) >= edge_i`."""
    atoms = np.append(np.sort(row), 1.0)
    edges = np.clip(np.concatenate([[0.0], edge, [1.0]]), low, high)
    return float(np.diff(edges) @ atoms / (high - low))


def gini(row: Floats) -> float:
    """`sum (2 i - n - 1) x_(i) / (n sum x)`."""
    n = len(row)
    return float((2.0 * np.arange(1, n + 1) - n - 1) @ np.sort(row) / (n * row.sum()))


def band_gini(row: Floats, edge: Floats) -> float:
    """`N / D - 1`: largest mean of the larger of two losses over the smallest mean, both edges alike."""
    ordered = np.sort(row)
    squares = np.concatenate([[0.0], edge**2, [1.0]])
    largest = np.diff(squares) @ np.append(ordered, 1.0)
    steps = np.diff(np.concatenate([[0.0], edge]))
    smallest = steps[::-1] @ ordered
    return float(min(1.0, largest / smallest - 1.0))


def band_p_value(bound: Callable[[Floats], float], n: int, ranks: ActiveRanks, limit: float) -> float:
    """P(c) at the smallest c whose band keeps the limit; `bound` maps an edge (n,) to a bound.

    Edge and crossing probability are those of the package, which makes this loop faster than it would be.
    """

    def gap(log_level: float) -> float:
        return bound(berk_jones_boundary(n, math.exp(log_level), ranks)) - limit

    low, high = math.log(1e-17), math.log(0.6)
    if gap(high) > 0.0:
        return 1.0
    found = low if gap(low) <= 0.0 else optimize.brentq(gap, low, high, xtol=1e-12, rtol=1e-13)
    return crossing_of_level(n, math.exp(found), ranks)


# ---- betting


class Bets(NamedTuple):
    """Payoffs (n,), stakes (n,), and the largest possible payoffs (n,) where stakes are capped by them."""

    payoffs: Floats
    stakes: Floats
    tops: Floats | None = None

    def peak(self, risk: float) -> float:
        """The highest log-wealth against a mean of at least `risk`."""
        stakes = self.stakes
        if self.tops is not None:
            stakes = np.minimum(stakes, 0.8 / np.maximum(self.tops - risk, 1e-100))
        with np.errstate(divide="ignore"):
            return float(np.cumsum(np.log1p(-stakes * (self.payoffs - risk))).max())


def betting_bets(row: Floats, delta: float) -> Bets:
    """`nu_i = min(1, sqrt(2 log(1/delta) / (n s2_(i-1))))` from running means and variances."""
    n, counts = len(row), np.arange(2, len(row) + 2)
    means = (0.5 + np.cumsum(row)) / counts
    variances = (0.25 + np.cumsum((row - means) ** 2)) / counts
    before = np.concatenate([[0.25], variances[:-1]])
    return Bets(row, np.minimum(1.0, np.sqrt(-2.0 * math.log(delta) / (n * before))))


def tail_bets(row: Floats, level: float, delta: float) -> Bets:
    """Bets on `t_i + (x_i - t_i)+ / (1 - level)` with t_i from the losses before; see `tail_wagers`."""
    n, goal = len(row), -math.log(delta)
    lag = min(level * math.sqrt(3 * n) / (2 * math.sqrt(2 * goal * (1 - level))), n / 4)
    shares = np.maximum(1.0 - lag / np.arange(1.0, n + 1.0), 0.0)
    payoffs, stakes, tops = np.empty(n), np.empty(n), np.empty(n)
    start = 0
    while start < n:
        now = slice(start, min(n, start + 1 + start // 16))
        t, variance = _seen(row[:start], level)
        span = max((1.0 - t) / (1.0 - level), 1e-100)
        payoffs[now] = t + np.maximum(row[now] - t, 0.0) / (1.0 - level)
        stakes[now] = shares[now] * math.sqrt(2.0 * goal / ((shares**2).sum() * variance)) / span
        tops[now], start = t + span, now.stop
    return Bets(payoffs, stakes, tops)


def _seen(past: Floats, level: float) -> tuple[float, float]:
    """Quantile of the losses seen, and the variance of the excess over it as a share of its range."""
    if not len(past):
        return 0.0, 0.25
    t = float(np.sort(past)[max(math.ceil(level * len(past)) - 1, 0)])
    y = np.maximum(past - t, 0.0) / max(1.0 - t, 1e-100)
    mean = (0.05 + y.sum()) / (len(y) + 1)
    return t, float((0.02 + ((y - mean) ** 2).sum()) / (len(y) + 1))


def p_value(bets: Bets, limit: float) -> float:
    """One over the highest wealth."""
    return math.exp(-max(bets.peak(limit), 0.0))


def upper(bets: Bets, delta: float) -> float:
    """Where the highest wealth reaches 1/delta, by Brent's method; 1 where it never does."""
    goal = -math.log(delta)
    if bets.peak(1.0) < goal:
        return 1.0
    return float(optimize.brentq(lambda risk: bets.peak(risk) - goal, 0.0, 1.0, xtol=1e-13, rtol=1e-13))


# ---- quantiles and the choice


def quantile_upper(row: Floats, level: float, delta: float) -> float:
    """The loss at the rank `1 + min {j : P(Bin(n, level) > j) <= delta}`; 1 beyond n."""
    rank = int(stats.binom.isf(delta, len(row), level)) + 1
    return float(np.sort(row)[rank - 1]) if rank <= len(row) else 1.0


def quantile_p_value(row: Floats, level: float, limit: float) -> float:
    """`P(Bin(n, level) >= #{x <= limit})`."""
    return float(stats.binom.sf((row <= limit).sum() - 1, len(row), level))


def holm(p_values: list[float], delta: float) -> list[int]:
    """Step down until a p-value is too large."""
    rejected: list[int] = []
    for k, j in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[j] > delta / (len(p_values) - k):
            break
        rejected.append(j)
    return sorted(rejected)
