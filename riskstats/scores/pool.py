"""Every card that is nearly as good as the best one: a level set of the integer problem, listed in full.

With F(b, t) the objective of `problem`, F* its minimum and t free in its range (or fixed), the pool is

    { b : min_t F(b, t) <= limit },      limit = (1 + epsilon) F*   or   F* + epsilon,   plus `slack`

The tree is that of `bnb`, with the limit in the place of the best card. A node leaves the tree only by a
lower bound above the limit, or when each of its cards has been looked at; so a tree without open nodes has
missed none. For fixed b the set of its scales in the level set is an interval, and the pair (b, best t) lies
in some node: b is found there, and kept once, at its own best t.

`slack` covers the rounding of objectives: no card with F(b, t) <= (1 + epsilon) F* in exact arithmetic is
lost. When the search meets a better card than it was given, F* and the limit fall with it, so a finished
search proves F* as well.

The range of intercepts that holds an *optimal* card need not hold every card of the pool. With shares pi+ and
pi- of the classes, means x+ and x- of their rows, Jensen's inequality in each class gives for every member

    pi- log(1 + exp(t (b_0 + b . x-))) <= limit        pi+ log(1 + exp(-t (b_0 + b . x+))) <= limit

and hence an interval of intercepts that holds all of them.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from riskstats._jit import one_blas_thread
from riskstats._validation import choice, non_negative_number, whole_number
from riskstats.results import Status
from riskstats.scores import bnb
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.beam import heuristic_card
from riskstats.scores.minorant import rounding_allowance
from riskstats.scores.node import Node, children, choose_split
from riskstats.scores.polish import Card, card_of
from riskstats.scores.pool_boxes import cards_in, count_cards, least_losses
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, SolveOptions
from riskstats.scores.relaxers import Line

__all__ = ["FoundPool", "Pool", "PoolStatus", "solve", "with_every_intercept"]

_ENTRIES = 1 << 18
"""Most scores (cards x rows) of a node that is written out instead of split."""
_FEW = 16
"""A node of so few cards is written out whatever its rows."""
_PROGRESS_SECONDS = 0.2


class PoolStatus(StrEnum):
    """How the search for a pool ended."""

    COMPLETE = "COMPLETE"
    MAX_CARDS = "MAX_CARDS"
    TIME_LIMIT = "TIME_LIMIT"


@dataclass(frozen=True)
class Pool:
    """Request for every card whose objective is within epsilon of the best.

    Parameters
    ----------
    epsilon : >= 0; 0 asks for the cards that tie with the best.
    max_cards : most cards to keep, the best ones; with more than that in the pool it is not complete.
    epsilon_kind : "relative": up to (1 + epsilon) times the best objective; "additive": up to epsilon nats
        above it.

    Raises `InvalidInput` for other values.
    """

    epsilon: float
    max_cards: int = 10_000
    epsilon_kind: str = "relative"

    def __post_init__(self) -> None:
        non_negative_number(self.epsilon, "epsilon")
        whole_number(self.max_cards, "max_cards", low=1)
        choice(self.epsilon_kind, ("relative", "additive"), "epsilon_kind")

    def limit(self, best: float) -> float:
        """Return the largest objective in the pool of a problem whose least objective is `best`."""
        return (1.0 + self.epsilon) * best if self.epsilon_kind == "relative" else best + self.epsilon

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return {
            "epsilon": float(self.epsilon),
            "max_cards": int(self.max_cards),
            "epsilon_kind": self.epsilon_kind,
        }


@dataclass(frozen=True)
class FoundPool:
    """Cards of a problem, best first.

    Attributes
    ----------
    problem : as searched; its range of intercepts may be wider than that of the problem given.
    coefficients : (cards, 1 + features) int64, intercept first.
    scales : (cards,) best t of each card.
    objectives : (cards,) F of each card at that t, in float64.
    limit : objective up to which cards belong to the pool, slack included.
    slack : allowance for the rounding of an objective, at least 1e-9.
    best : least objective among the cards; F* if the status is COMPLETE.
    proven_limit : every card of smaller objective is here; `limit` itself if COMPLETE.
    status : how the search ended.
    """

    problem: IntegerScoreProblem
    coefficients: IntArray
    scales: FloatArray
    objectives: FloatArray
    limit: float
    slack: float
    best: float
    proven_limit: float
    status: PoolStatus
    nodes: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether no card up to the limit is missing."""
        return self.status is PoolStatus.COMPLETE


def solve(
    problem: IntegerScoreProblem,
    request: Pool,
    options: SolveOptions | None = None,
    *,
    any_intercept: bool = False,
) -> FoundPool:
    """Return the pool of a problem.

    Parameters
    ----------
    options : `start` gives the best known card, else the heuristic finds one; `time_limit` and `max_nodes`
        end the search early. Gap and proof are not used.
    any_intercept : take every integer as an intercept, not only those of the problem's range.
    """
    options = replace(options or SolveOptions(), gap=0.0, keep_proof=False)
    with one_blas_thread():
        problem.require_a_card()
        best = _best_known(problem, options)
        searched, slack = problem, _slack(problem)
        while any_intercept:
            searched = with_every_intercept(problem, request.limit(best.objective) + slack)
            if _slack(searched) <= slack:
                break
            slack = 2.0 * _slack(searched)
        return _PoolSearch(searched, request, options, best, slack).collect()


def with_every_intercept(problem: IntegerScoreProblem, limit: float) -> IntegerScoreProblem:
    """Return the problem with a range of intercepts that holds every card of objective <= `limit`.

    The range follows from the means of the rows in each class and the ranges of the points; see the module.
    """
    lower, upper = problem.lower.copy(), problem.upper.copy()
    highest = _largest_logit(limit, float(problem.negative.sum()))
    lowest = -_largest_logit(limit, float(problem.positive.sum()))
    multipliers = [1.0 / scale for scale in problem.scale_range]
    most = max(m * highest for m in multipliers) + _largest_total(problem, -_mean(problem, problem.negative))
    least = min(m * lowest for m in multipliers) - _largest_total(problem, _mean(problem, problem.positive))
    upper[0], lower[0] = math.ceil(most + 1e-6), math.floor(least - 1e-6)
    return replace(problem, lower=lower, upper=upper)


def _largest_logit(limit: float, share: float) -> float:
    """Return the z with share x log(1 + exp(z)) = limit."""
    loss = limit / share
    return loss + math.log(-math.expm1(-loss))


def _mean(problem: IntegerScoreProblem, weight: FloatArray) -> FloatArray:
    """Return the weighted mean row of a class."""
    return np.asarray(weight @ problem.rows / weight.sum())


def _largest_total(problem: IntegerScoreProblem, row: FloatArray) -> float:
    """Return the largest total without intercept that a card can give a row."""
    effects = np.maximum(np.maximum(row * problem.lower[1:], row * problem.upper[1:]), 0.0)
    return float(np.sort(effects)[len(effects) - min(problem.max_features, len(effects)) :].sum())


def _slack(problem: IntegerScoreProblem) -> float:
    reach = np.maximum(np.abs(problem.lower), np.abs(problem.upper)) * problem.scale_range[1]
    terms = 1.0 + float(reach @ problem.mean_magnitude)
    return max(TOLERANCE, rounding_allowance(len(problem.design), len(problem.lower), terms))


def _best_known(problem: IntegerScoreProblem, options: SolveOptions) -> Card:
    if options.start is not None and problem.admits(options.start[0]):
        return _at_best_scale(problem, options.start[0])
    deadline = time.perf_counter() + 0.5 * options.time_limit
    return _at_best_scale(problem, heuristic_card(problem, deadline=deadline).coefficients)


def _at_best_scale(problem: IntegerScoreProblem, coefficients: IntArray) -> Card:
    return card_of(problem, coefficients, problem.scale_range[0] if problem.fixed_scale else None)


class _PoolSearch(bnb._Search):
    """Branch and bound with a cutoff that follows the limit of the pool; keeps every card under it."""

    def __init__(
        self, problem: IntegerScoreProblem, request: Pool, options: SolveOptions, best: Card, slack: float
    ) -> None:
        self.request, self.first, self.slack = request, best, slack
        self.ceiling = math.inf
        self.blocks: list[tuple[IntArray, FloatArray]] = []
        self.held = 0
        super().__init__(problem, options)
        self._keep(self.best.coefficients[None, :], np.array([self.best.objective]))

    def collect(self) -> FoundPool:
        """Search the tree and return the pool."""
        for node in self._roots():
            self._push(node)
        stopped = False
        while self.queue and self.queue[0][0] < self.cutoff and not stopped:
            batch = self._pop(self.relaxer.batch)
            for node, line in zip(batch, self.relaxer.relax(batch, self.cutoff), strict=True):
                self._process(node, line)
            self._report()
            stopped = self._stop_reason() is not Status.OPTIMAL
        return self._answer()

    @property
    def limit(self) -> float:
        """Objective up to which cards belong to the pool, as far as is known."""
        return self.request.limit(self.best.objective) + self.slack

    @property
    def cutoff(self) -> float:
        """Lower bound from which a node can hold no card of the pool, nor, when it is full, a better one."""
        return min(self.limit, self.ceiling) + 2.0 * self.slack

    def _first_card(self) -> Card:
        return self.first

    def _look_for_card(self, node: Node, line: Line) -> None:
        """Nothing to look for: every card is met."""

    def _branch(self, node: Node, reduced: Node, line: Line) -> None:
        """Write out a small node, split a large one."""
        limit = self.problem.max_features
        if count_cards(reduced, limit) <= max(_FEW, _ENTRIES // len(reduced.data.design)):
            self._write_out(reduced)
            return
        split = choose_split(self.problem, reduced, line.last)
        for child in children(reduced, split, limit):
            self._push(replace(child, parent=0, point=line.last))

    def _write_out(self, node: Node) -> None:
        cards = cards_in(node, self.problem.max_features)
        penalties = self.problem.penalty * np.count_nonzero(cards[:, node.active > 0], axis=1)
        values = penalties + least_losses(node.data, cards, node.scales, self.cutoff - penalties)
        near = np.flatnonzero(values <= self.cutoff)
        if not len(near):
            return
        found = np.zeros((len(near), len(node.lower)), dtype=np.int64)
        found[:, node.active] = cards[near]
        self._keep(found, values[near])
        first = int(np.argmin(values[near]))
        if values[near][first] < self.best.objective - 1e-12:
            card = _at_best_scale(self.problem, found[first])
            self.best = min(self.best, card, key=lambda each: each.objective)

    def _keep(self, cards: IntArray, values: FloatArray) -> None:
        """Add cards; when far more than wanted are held, leave the worst and lower the ceiling."""
        self.blocks.append((cards, values))
        self.held += len(cards)
        most = self.request.max_cards
        if self.held <= 2 * most + 1000:
            return
        cards, values = self._merged()
        if len(cards) > most + 100:
            order = np.argsort(values, kind="stable")[:most]
            cards, values = cards[order], values[order]
            self.ceiling = min(self.ceiling, float(values[-1]))
        self.blocks, self.held = [(cards, values)], len(cards)

    def _merged(self) -> tuple[IntArray, FloatArray]:
        """Return the cards under the cutoff, each once, with its least value."""
        cards = np.concatenate([block for block, _ in self.blocks])
        values = np.concatenate([block for _, block in self.blocks])
        cards, member = np.unique(cards, axis=0, return_inverse=True)
        least = np.full(len(cards), np.inf)
        np.minimum.at(least, member.reshape(-1), values)
        under = least <= self.cutoff
        return cards[under], least[under]

    def _answer(self) -> FoundPool:
        most = self.request.max_cards
        cards, left_out = self._nearly_best(most)
        exact = sorted((_at_best_scale(self.problem, card) for card in cards), key=_order)
        best = min([self.best.objective, *(card.objective for card in exact)])
        limit = self.request.limit(best) + self.slack
        exact = [card for card in exact if card.objective <= limit]
        if len(exact) > most:
            left_out = min(left_out, *(card.objective for card in exact[most:]))
        bound = self.queue[0][0] if self.queue else math.inf
        status = PoolStatus.COMPLETE if left_out - self.slack > limit else PoolStatus.MAX_CARDS
        if bound < min(limit, self.ceiling) + self.slack:
            status, left_out = PoolStatus.TIME_LIMIT, min(left_out, bound)
        proven = limit if status is PoolStatus.COMPLETE else min(limit, left_out - self.slack)
        return self._found(exact[:most], limit, best, proven, status)

    def _nearly_best(self, most: int) -> tuple[IntArray, float]:
        """Return the cards that may be among the `most` best, and the least value of those left out."""
        cards, values = self._merged()
        near = np.ones(len(cards), dtype=bool)
        if len(cards) > most:
            near = values <= np.partition(values, most - 1)[most - 1] + 2.0 * self.slack
        return cards[near], min(self.ceiling, float(np.min(values[~near], initial=math.inf)))

    def _found(
        self, cards: list[Card], limit: float, best: float, proven: float, status: PoolStatus
    ) -> FoundPool:
        return FoundPool(
            problem=self.problem,
            coefficients=np.array([card.coefficients for card in cards]),
            scales=np.array([card.scale for card in cards]),
            objectives=np.array([card.objective for card in cards]),
            limit=limit,
            slack=self.slack,
            best=best,
            proven_limit=proven,
            status=status,
            nodes=self.nodes,
            seconds=time.perf_counter() - self.started,
        )

    def _report(self) -> None:
        now = time.perf_counter()
        if self.options.progress is None or now - self.reported < _PROGRESS_SECONDS:
            return
        self.reported = now
        bound = self.queue[0][0] if self.queue else self.cutoff
        self.options.progress(
            {
                "seconds": now - self.started,
                "nodes": self.nodes,
                "objective": self.best.objective,
                "lower_bound": min(bound, self.cutoff),
            }
        )


def _order(card: Card) -> tuple[Any, ...]:
    """Key of the order in a pool: objective to 1e-12, fewer features, smaller points, columns, then the
    integers."""
    return *card.order, card.coefficients.tolist()
