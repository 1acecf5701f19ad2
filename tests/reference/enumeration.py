"""Slow twin of `riskstats.scores`: the best card of a tiny problem, found by looking at every one.

Written from the definition of the objective alone, on the raw rows: no merging, no bounds, no box for the
intercept taken from elsewhere, losses by NumPy's `logaddexp`. With

    F(b, t) = sum_i w_i log(1 + exp(-y_i t s_i)) + penalty |{j >= 1 : b_j != 0}|,   s_i = b_0 + sum_j b_j x_ij

every vector b_1 .. b_d of the box is formed. Given one, F is convex in b_0, so at a fixed scale the best
integer b_0 is found by bisection on the sign of F(b_0 + 1) - F(b_0). At free scales every b_0 that can matter
is formed as well, and t is found by bisection on the sign of the slope of F, which is convex in t too.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Optimum:
    """The least objective, one card that attains it (intercept first), and its scale t = 1 / multiplier."""

    value: float
    card: tuple[int, ...]
    scale: float


@dataclass(frozen=True)
class Cards:
    """A tiny problem: rows (n, d), labels in {0, 1}, weights (n,), the box of b_1 .. b_d, and the rest.

    `intercept=None` lets b_0 be any integer.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    max_features: int
    penalty: float
    multipliers: tuple[float, float]
    intercept: tuple[int, int] | None = None

    @property
    def share(self) -> np.ndarray:
        """Weights with sum 1."""
        return self.weight / self.weight.sum()

    def vectors(self) -> np.ndarray:
        """Every b_1 .. b_d of the box with few enough features, shape (cards, d)."""
        boxes = [range(int(a), int(b) + 1) for a, b in zip(self.lower, self.upper, strict=True)]
        cards = np.array(list(itertools.product(*boxes)), dtype=float).reshape(-1, len(boxes))
        return cards[np.count_nonzero(cards, axis=1) <= self.max_features]

    def objective(self, card: np.ndarray, scale: float) -> float:
        """F of one card (intercept first), one row at a time."""
        value = self.penalty * np.count_nonzero(card[1:])
        for row, label, weight in zip(self.X, self.y, self.share, strict=True):
            score = scale * (card[0] + sum(points * x for points, x in zip(card[1:], row, strict=True)))
            value += weight * np.logaddexp(0.0, -score if label == 1 else score)
        return float(value)


def best_card(problem: Cards) -> Optimum:
    """The optimum; the multiplier is fixed when both ends of its range are equal."""
    low, high = problem.multipliers
    return (
        _at_fixed_scale(problem, 1.0 / low) if low == high else _over_scales(problem, 1.0 / high, 1.0 / low)
    )


def _away(problem: Cards, totals: np.ndarray) -> np.ndarray:
    """-y_i s_i, shape (n, cards), from totals of that shape."""
    return np.where(problem.y == 1, -1.0, 1.0)[:, None] * totals


def _losses(problem: Cards, totals: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    return problem.share @ np.logaddexp(0.0, _away(problem, totals) * scale)


def _slopes(problem: Cards, totals: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """Derivative of `_losses` in the scale."""
    away = _away(problem, totals)
    return problem.share @ (away * 0.5 * (1.0 + np.tanh(0.5 * away * scale)))


def _intercepts(problem: Cards, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An interval of b_0 for every card: the given one, or one beyond whose ends F only rises.

    Once every score lies on the same side of the log odds of the whole sample, F is monotone in b_0.
    """
    if problem.intercept is not None:
        low, high = (np.full(totals.shape[1], end) for end in problem.intercept)
        return low, high
    odds = np.log(problem.share[problem.y == 1].sum()) - np.log(problem.share[problem.y != 1].sum())
    reach = [multiplier * odds for multiplier in problem.multipliers]
    low = np.floor(min(reach) - totals.max(axis=0)) - 3
    high = np.ceil(max(reach) - totals.min(axis=0)) + 3
    return low.astype(int), high.astype(int)


def _at_fixed_scale(problem: Cards, scale: float) -> Optimum:
    cards = problem.vectors()
    totals = problem.X @ cards.T
    low, high = _intercepts(problem, totals)
    while np.any(low < high):
        middle = (low + high) // 2
        rises = _losses(problem, totals + middle + 1, scale) >= _losses(problem, totals + middle, scale)
        low = np.where(rises | (low == high), low, middle + 1)
        high = np.where(rises & (low < high), middle, high)
    values = _losses(problem, totals + low, scale) + problem.penalty * np.count_nonzero(cards, axis=1)
    best = int(np.argmin(values))
    return Optimum(float(values[best]), (int(low[best]), *cards[best].astype(int).tolist()), scale)


def _over_scales(problem: Cards, first: float, last: float) -> Optimum:
    cards = problem.vectors()
    low, high = _intercepts(problem, problem.X @ cards.T)
    pairs = np.array(
        [(b0, *card) for card, a, b in zip(cards, low, high, strict=True) for b0 in range(a, b + 1)]
    )
    best = Optimum(np.inf, (), first)
    size = max(1, _ENTRIES // len(problem.X))
    for start in range(0, len(pairs), size):
        best = _best_scale(problem, pairs[start : start + size], first, last, best)
    return best


def _best_scale(problem: Cards, pairs: np.ndarray, first: float, last: float, best: Optimum) -> Optimum:
    """The better of `best` and the best of `pairs` (intercept, b_1 .. b_d), each at its own best scale.

    On a bracket of t, F is at least F(middle) - |slope(middle)| width / 2. A pair that cannot reach the best
    value seen is dropped, at latest when its bracket has shrunk to rounding.
    """
    low, high = np.full(len(pairs), first), np.full(len(pairs), last)
    while len(pairs):
        totals = pairs[:, :1].T + problem.X @ pairs[:, 1:].T
        middle = 0.5 * (low + high)
        values = _losses(problem, totals, middle)
        values = values + problem.penalty * np.count_nonzero(pairs[:, 1:], axis=1)
        place = int(np.argmin(values))
        if values[place] < best.value:
            card = tuple(pairs[place].astype(int).tolist())
            best = Optimum(float(values[place]), card, float(middle[place]))
        slopes = _slopes(problem, totals, middle)
        kept = values - np.abs(slopes) * 0.5 * (high - low) < best.value - 1e-15
        low, high = np.where(slopes > 0, low, middle)[kept], np.where(slopes > 0, middle, high)[kept]
        pairs = pairs[kept]
    return best
