"""Heuristic solver: beam search over supports, rounding along rays of multipliers, polish. It proves
nothing."""

from __future__ import annotations

import time

import numpy as np

from riskstats._jit import one_blas_thread
from riskstats.results import Status
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.compression import restrict
from riskstats.scores.polish import (
    Card,
    best_neighbour,
    better,
    in_lowest_terms,
    neighbours_count,
    polish,
    promising_features,
)
from riskstats.scores.problem import IntegerScoreProblem, ScoreSolution, SolveOptions
from riskstats.scores.relaxation import NodeProblem, relax
from riskstats.scores.rounding import round_to_card

__all__ = ["heuristic_card", "solve"]

_PARENTS = 3
_CHILDREN = 5
_RAYS = 8
_EXHAUSTIVE = 200_000_000
"""Most scores for which all neighbours of the best card are tried."""


def solve(problem: IntegerScoreProblem, options: SolveOptions | None = None) -> ScoreSolution:
    """Return the best card of the heuristics; the bound is 0, which every logistic loss respects."""
    started = time.perf_counter()
    options = options or SolveOptions()
    with one_blas_thread():
        card = in_lowest_terms(problem, heuristic_card(problem, deadline=started + options.time_limit))
    return ScoreSolution(
        value=card.objective,
        bound=0.0,
        status=Status.HEURISTIC,
        coefficients=card.coefficients,
        scale=card.scale,
        loss=problem.loss(card.coefficients, card.scale),
        engine="beam",
        seconds=time.perf_counter() - started,
    )


def heuristic_card(problem: IntegerScoreProblem, deadline: float = np.inf) -> Card:
    """Return the best card of: the empty card, and the polished roundings of the best supports of every
    size."""
    problem.require_a_card()
    best = polish(problem, _empty(problem), problem.scale_range[1], swaps=False)
    found: list[Card] = []
    for point in _beam(problem, deadline):
        for scale in _rays(problem, point):
            card = polish(problem, round_to_card(problem, point, scale), scale, swaps=False)
            found.append(card)
            if time.perf_counter() > deadline:
                break
    found.sort(key=lambda card: card.order)
    for card in found[:2]:
        if time.perf_counter() < deadline:
            card = polish(problem, card.coefficients, card.scale)
        best = better(best, card)
    if neighbours_count(problem) * len(problem.rows) <= _EXHAUSTIVE:
        best = _among_neighbours(problem, best, deadline)
    return best


def _among_neighbours(problem: IntegerScoreProblem, card: Card, deadline: float) -> Card:
    """Move to the best neighbour and polish it, until no neighbour is better."""
    while time.perf_counter() < deadline:
        found = best_neighbour(problem, card)
        if found is None:
            break
        card = polish(problem, found.coefficients, found.scale)
    return card


def _empty(problem: IntegerScoreProblem) -> IntArray:
    return np.clip(np.zeros_like(problem.lower), problem.lower, problem.upper)


def _rays(problem: IntegerScoreProblem, point: FloatArray) -> list[float]:
    """Return scales at which to round: from the smallest that keeps the point inside the box to the largest
    allowed."""
    low, high = problem.scale_range
    if low == high:
        return [low]
    box = np.where(point > 0, problem.upper, -problem.lower)[1:]
    reach = np.abs(point[1:]) / np.maximum(box, 1)
    first = float(np.clip(reach.max(initial=0.0), low, high))
    return [float(t) for t in np.geomspace(first, min(high, 8.0 * first), _RAYS)]


def _beam(problem: IntegerScoreProblem, deadline: float) -> list[FloatArray]:
    """Return the real solutions of the best few supports of the largest size, or of every size."""
    required = tuple(np.flatnonzero(problem.required).tolist())
    start = _fit(problem, required)
    level: list[tuple[tuple[int, ...], FloatArray, float]] = [(required, *start)]
    kept = [level]
    for _ in range(problem.max_features - len(required)):
        children: dict[tuple[int, ...], tuple[FloatArray, float]] = {}
        for support, point, _ in level:
            scores = problem.design @ point
            excluded = np.array(support, dtype=np.int64)
            for column, _, _ in promising_features(problem, scores, 1.0, excluded, _CHILDREN):
                child = tuple(sorted((*support, column)))
                if child not in children and time.perf_counter() < deadline:
                    children[child] = _fit(problem, child, point)
        if not children:
            break
        ranked = sorted(children.items(), key=lambda item: (item[1][1], item[0]))[:_PARENTS]
        level = [(support, *fit) for support, fit in ranked]
        kept.append(level)
    wanted = kept[::-1] if problem.penalty > 1e-5 else kept[:-2:-1]
    return [point for level in wanted for _, point, _ in level]


def _fit(
    problem: IntegerScoreProblem, support: tuple[int, ...], start: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Return the box-constrained logistic model on a support and its loss."""
    columns = np.array([0, *support], dtype=np.int64)
    data = restrict(problem.data, columns)
    scale = problem.scale_range[1]
    lower, upper = problem.lower[columns].astype(float), problem.upper[columns].astype(float)
    none, point = np.zeros(len(columns)), np.zeros(len(columns)) if start is None else start[columns]
    solved = relax(data, NodeProblem(lower, upper, none, 0.5, 0.0, 0.0, scale, scale, 1e6, 1e-11, point))
    point = np.zeros(len(problem.lower))
    point[columns] = solved.last
    return point, float(solved.value)
