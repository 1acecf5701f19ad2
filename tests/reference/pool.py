"""Slow twin of the pool of scores: every card of a tiny problem whose objective is within a limit, by looking
at each.

Built on the definition alone (see `enumeration`), on the raw rows. Every vector b_1 .. b_d of the box is
formed with every intercept of a wide range; the intercepts that a limit allows are an interval, so a range
whose two ends hold no card of the pool holds all of them. At free scales F is convex in t, and its least
value is found by halving on the sign of the slope; a card leaves once a tangent shows that it stays above the
limit.
"""

from __future__ import annotations

import numpy as np

from tests.reference.enumeration import Cards

_HALVINGS = 60
_PART = 4000


def least_objectives(problem: Cards, cards: np.ndarray, most: float) -> np.ndarray:
    """min over t of F for each card (intercept first), shape (cards,); `inf` where it is above `most`."""
    answer, place = np.full(len(cards), np.inf), np.arange(len(cards))
    low, high = (np.full(len(cards), 1.0 / end) for end in reversed(problem.multipliers))
    away = np.where(problem.y == 1, -1.0, 1.0)[:, None] * (cards[:, :1].T + problem.X @ cards[:, 1:].T)
    penalty = problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)
    for _ in range(_HALVINGS):
        for t in (low, 0.5 * (low + high), high):
            values = problem.share @ np.logaddexp(0.0, away * t) + penalty
            answer[place] = np.minimum(answer[place], values)
        t = 0.5 * (low + high)
        values = problem.share @ np.logaddexp(0.0, away * t) + penalty
        slopes = problem.share @ (away * 0.5 * (1.0 + np.tanh(0.5 * away * t)))
        low, high = np.where(slopes > 0, low, t), np.where(slopes > 0, t, high)
        kept = (values - np.abs(slopes) * (high - low) <= most) & (high > low)
        place, low, high = place[kept], low[kept], high[kept]
        away, penalty = away[:, kept], penalty[kept]
        if not len(place):
            break
    return np.where(answer <= most, answer, np.inf)


def every_card_within(problem: Cards, epsilon: float, kind: str = "relative") -> dict[tuple[int, ...], float]:
    """Each card (intercept first) of the pool, and of a little more, with its least objective.

    A little more: up to 1e-6 above the limit, so that a caller can tell which cards lie on the edge.
    """
    if problem.intercept is not None:
        return _within(problem, epsilon, kind, *problem.intercept)
    reach = int(np.ceil(8.0 * problem.multipliers[1])) + 25
    while True:
        found = _within(problem, epsilon, kind, -reach, reach)
        if max(abs(card[0]) for card in found) < reach:
            return found
        reach *= 2


def _within(problem: Cards, epsilon: float, kind: str, low: int, high: int) -> dict[tuple[int, ...], float]:
    """The cards of the pool and a little more with intercepts from low to high."""
    vectors = problem.vectors()
    cards = np.concatenate(
        [np.column_stack([np.full(len(vectors), b), vectors]) for b in range(low, high + 1)]
    )
    best, values = np.inf, []
    for start in range(0, len(cards), _PART):
        limit = best * (1.0 + epsilon) if kind == "relative" else best + epsilon
        values.append(least_objectives(problem, cards[start : start + _PART], limit + 1e-6))
        best = min(best, values[-1].min())
    limit = best * (1.0 + epsilon) if kind == "relative" else best + epsilon
    found = np.concatenate(values)
    near = found <= limit + 1e-6
    members = cards[near].astype(int).tolist()
    return dict(zip(map(tuple, members), found[near].tolist(), strict=True))
