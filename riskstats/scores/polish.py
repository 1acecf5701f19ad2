"""Local search on cards: better points for the same features, then one feature for another.

The loss is convex along a coordinate, so the best integer of a coordinate is found exactly. Moves keep to
the box and to the limit on features, and never raise the objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats.losses import sigmoid, softplus, softplus_curvature
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.candidates import candidate_losses
from riskstats.scores.compression import ScoreData, restrict
from riskstats.scores.problem import IntegerScoreProblem
from riskstats.scores.scale import best_scale

__all__ = [
    "Card",
    "best_neighbour",
    "better",
    "card_of",
    "in_lowest_terms",
    "neighbours_count",
    "polish",
    "promising_features",
]

_TRIED = 6
_IMPROVED = 12


@dataclass(frozen=True)
class Card:
    """Integers (intercept first), scale and objective of a candidate."""

    coefficients: IntArray
    scale: float
    objective: float

    @property
    def order(self) -> tuple[float, int, int, tuple[int, ...]]:
        """Key for ties: objective to 1e-12, then fewer features, smaller points, column order."""
        rest = self.coefficients[1:]
        used = tuple(np.flatnonzero(rest).tolist())
        return round(self.objective, 12), len(used), int(np.abs(rest).sum()), used


def better(first: Card, second: Card) -> Card:
    """Return the card that comes first in `Card.order`."""
    return second if second.order < first.order else first


def card_of(problem: IntegerScoreProblem, coefficients: IntArray, scale: float | None = None) -> Card:
    """Return the card of the given integers at the given scale, or at their best scale."""
    coefficients = np.asarray(coefficients, dtype=np.int64)
    if scale is None:
        scores = problem.design @ coefficients
        scale = best_scale(scores, problem.weight, float(problem.target @ coefficients), problem.scale_range)[
            0
        ]
    return Card(coefficients, scale, problem.objective(coefficients, scale))


def in_lowest_terms(problem: IntegerScoreProblem, card: Card) -> Card:
    """Divide all points by their greatest common divisor: the same risks, where box and multipliers allow."""
    divisor = max(int(np.gcd.reduce(card.coefficients)), 1)
    smaller = card.coefficients // divisor
    if divisor == 1 or card.scale * divisor > problem.scale_range[1] or not problem.admits(smaller):
        return card
    return card_of(problem, smaller, card.scale * divisor)


def polish(problem: IntegerScoreProblem, coefficients: IntArray, scale: float, *, swaps: bool = True) -> Card:
    """Improve a card until neither a change of one coordinate, nor of the scale, nor a swap of features
    helps."""
    card = _descend(problem, coefficients, scale)
    while swaps:
        swapped = _swap(problem, card)
        if swapped is None:
            break
        card = swapped
    return card


def _descend(problem: IntegerScoreProblem, coefficients: IntArray, scale: float) -> Card:
    """Coordinate descent over intercept and used features, alternating with the best scale."""
    used = np.flatnonzero((coefficients != 0) | problem.required | (np.arange(len(coefficients)) == 0))
    data = restrict(problem.data, used)
    values = np.asarray(coefficients, dtype=np.float64)[used]
    lower, upper = problem.lower[used], problem.upper[used]
    penalty = np.where(used > 0, problem.penalty, 0.0)
    best = np.inf
    for _ in range(50):
        for position in range(len(used)):
            box = (int(lower[position]), int(upper[position]))
            values[position] = _best_value(data, values, position, box, float(penalty[position]), scale)
        linear = float(data.target @ values)
        scale, loss = best_scale(data.design @ values, data.weight, linear, problem.scale_range)
        objective = loss + float(penalty @ (values != 0))
        if objective >= best - 1e-13:
            break
        best = objective
    answer = np.zeros_like(problem.lower)
    answer[used] = values.astype(np.int64)
    return Card(answer, scale, problem.objective(answer, scale))


def _best_value(
    data: ScoreData, values: FloatArray, position: int, box: tuple[int, int], penalty: float, scale: float
) -> float:
    """Return the best integer of one coordinate, the others given: bisection on the slope, then the two
    neighbours."""
    column = data.design[:, position]
    rest = data.design @ values - column * values[position]

    def slope(value: float) -> float:
        return float(
            (data.weight * sigmoid(scale * (rest + value * column))) @ column - data.target[position]
        )

    def cost(value: float) -> float:
        loss = data.weight @ softplus(scale * (rest + value * column)) - scale * value * data.target[position]
        return float(loss) + penalty * (value != 0)

    low, high = box
    while low < high:  # least integer with slope >= 0, or the upper end
        middle = (low + high) // 2
        low, high = (low, middle) if slope(middle) >= 0 else (middle + 1, high)
    choices = sorted(
        {low, max(low - 1, box[0])} | ({0} if penalty > 0 and box[0] <= 0 <= box[1] else set()), key=abs
    )
    return float(min(choices, key=cost))


def promising_features(
    problem: IntegerScoreProblem, scores: FloatArray, scale: float, excluded: IntArray, count: int
) -> list[tuple[int, float, float]]:
    """Return up to `count` (column, points, decrease) by the loss that a column promises to save.

    The estimate is the quadratic model of the loss in the intercept and one column, over the column's
    range; `scores` are in points.
    """
    design = problem.design
    slope = problem.weight * sigmoid(scale * scores)
    curve = problem.weight * softplus_curvature(scale * scores)
    gradient = slope @ design - problem.target
    mixed, own = curve @ design, curve @ (design * design)
    total = max(float(mixed[0]), 1e-300)
    leftover = np.maximum(own - mixed**2 / total, 1e-12)
    partial = gradient - mixed / total * gradient[0]
    move = np.clip(-partial / leftover, scale * problem.lower, scale * problem.upper)
    decrease = -(partial * move + 0.5 * leftover * move**2)
    decrease[0] = -np.inf
    decrease[excluded] = -np.inf
    order = np.argsort(-decrease, kind="stable")[:count]
    return [(int(j), float(move[j] / scale), float(decrease[j])) for j in order if decrease[j] > 0]


def best_neighbour(problem: IntegerScoreProblem, card: Card, device: str = "auto") -> Card | None:
    """Try every card that has one column more, or one for another, at every value of its range; None if
    none is better.

    Each is tried with the intercept as it is and moved by the change of the mean score; the best few are then
    improved coordinate by coordinate.
    """
    trials = _neighbours(problem, card)
    if not len(trials):
        return None
    losses = candidate_losses(problem.data, card.scale * trials, device)
    losses += problem.penalty * np.count_nonzero(trials[:, 1:], axis=1)
    order = np.argsort(losses, kind="stable")[:_IMPROVED]
    found = [_descend(problem, trials[place].astype(np.int64), card.scale) for place in order]
    best = min(found, key=lambda one: one.order)
    return best if best.objective < card.objective - 1e-12 else None


def neighbours_count(problem: IntegerScoreProblem) -> int:
    """Return about how many cards `best_neighbour` tries."""
    values = int(np.sum(problem.upper[1:] - problem.lower[1:]))
    return 2 * values * (min(problem.max_features, len(problem.lower) - 1) + 1)


def _neighbours(problem: IntegerScoreProblem, card: Card) -> FloatArray:
    used = 1 + np.flatnonzero(card.coefficients[1:])
    bases = [card.coefficients] if len(used) < problem.max_features else []
    for out in used[~problem.required[used]]:
        bases.append(card.coefficients.copy())
        bases[-1][out] = 0
    entries = [
        (column, value)
        for column in range(1, len(card.coefficients))
        if card.coefficients[column] == 0
        for value in range(problem.lower[column], problem.upper[column] + 1)
        if value
    ]
    if not bases or not entries:
        return np.zeros((0, len(card.coefficients)))
    columns, values = (np.array(side) for side in zip(*entries, strict=True))
    trials = np.repeat(np.array(bases, dtype=np.float64), len(entries), axis=0)
    trials[np.arange(len(trials)), np.tile(columns, len(bases))] = np.tile(values, len(bases))
    moved = trials.copy()
    means = problem.weight @ problem.design[:, 1:]
    shift = (trials[:, 1:] - card.coefficients[1:]) @ means
    moved[:, 0] = np.clip(np.round(trials[:, 0] - shift), problem.lower[0], problem.upper[0])
    return np.concatenate([trials, moved])


def _swap(problem: IntegerScoreProblem, card: Card) -> Card | None:
    """Return the first card that is better by one feature for another, or by one more feature; None if
    there is none."""
    used = 1 + np.flatnonzero(card.coefficients[1:])
    leaving: list[int | None] = [None] if len(used) < problem.max_features else []
    used_freely = used[~problem.required[used]]
    for out in leaving + sorted(
        used_freely.tolist(), key=lambda j: abs(card.coefficients[j]) * problem.spread[j]
    ):
        base = card.coefficients.copy()
        if out is not None:
            base[out] = 0
        for column, points, _ in promising_features(problem, problem.design @ base, card.scale, used, _TRIED):
            trial = base.copy()
            trial[column] = _nonzero(points, problem.lower[column], problem.upper[column])
            found = _descend(problem, trial, card.scale)
            if found.objective < card.objective - 1e-12:
                return found
    return None


def _nonzero(points: float, lower: int, upper: int) -> int:
    """Return the integer next to `points` in the box, but not 0."""
    value = int(np.clip(np.round(points), lower, upper))
    return value if value else (1 if points > 0 and upper >= 1 else max(int(lower), -1))
