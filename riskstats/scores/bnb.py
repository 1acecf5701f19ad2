"""Branch and bound over cards, the default engine: every answer comes with a proof that a stranger can
re-check.

A node is an integer box with a role for every column and an interval of scales (`node`). The best bound is
explored first, ties by age, so a run is deterministic up to its time limit. At each node the relaxation
gives a line below the loss (`relaxation`), the line gives a bound and drops values that cannot beat the
best card (`minorant`), and what is left is split:

    a free column into 0 / positive / negative;  with no free column to use, an interval of scales or an
    integer.

A relaxation that happens to be integral is evaluated and then split like any other: closing it there loses
optima.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np

from riskstats._jit import one_blas_thread
from riskstats.results import Status, relative_gap
from riskstats.scores.beam import heuristic_card
from riskstats.scores.compression import restrict
from riskstats.scores.minorant import Minorant, scale_cut, tighten
from riskstats.scores.node import FREE, IN, INTERCEPT, OUT, Node, Split, children, choose_split, settled
from riskstats.scores.polish import Card, better, card_of, in_lowest_terms, polish
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, ScoreSolution, SolveOptions
from riskstats.scores.proof import ProofBuilder
from riskstats.scores.relaxers import Line, Relaxer, relaxer_for
from riskstats.scores.rounding import round_to_card
from riskstats.scores.scale import best_scale

__all__ = ["solve"]

_PIECE_RATIO = 1.25
_RECOMPRESS_SHARE = 0.8
_ROUNDING_EVERY = 50
_ROUNDS_AT_ROOT, _ROUNDS = 6, 2
_WORTH_A_ROUND = 0.7
_WORTH_THE_LATTICE = 0.15
_PROGRESS_SECONDS = 0.2


def solve(problem: IntegerScoreProblem, options: SolveOptions | None = None) -> ScoreSolution:
    """Return the best card with a proven lower bound; `status` says whether the proof is complete."""
    with one_blas_thread():
        return _Search(problem, options or SolveOptions()).run()


class _Search:
    """State of one run: the best card, the open nodes, the proof."""

    def __init__(self, problem: IntegerScoreProblem, options: SolveOptions) -> None:
        self.problem, self.options = problem, options
        self.started = time.perf_counter()
        self.deadline = self.started + options.time_limit
        self.proof = ProofBuilder({**problem.to_dict(), "tolerance": TOLERANCE})
        self.queue: list[tuple[float, int, Node]] = []
        self.pushed = self.nodes = 0
        self.reported = self.started
        self.best = self._first_card()
        self.relaxer: Relaxer = relaxer_for(problem, options, self._use_lattice())

    def run(self) -> ScoreSolution:
        for node in self._roots():
            self._push(node)
        status = Status.OPTIMAL
        while self.queue:
            if self.queue[0][0] >= self.cutoff:
                break
            status = self._stop_reason()
            if status is not Status.OPTIMAL:
                break
            batch = self._pop(self.relaxer.batch)
            for node, line in zip(batch, self.relaxer.relax(batch, self.cutoff), strict=True):
                self._process(node, line)
            self._report()
        return self._solution(status)

    @property
    def cutoff(self) -> float:
        """Objective that a card must stay under to be worth looking for."""
        return self.best.objective - 0.5 * TOLERANCE

    @property
    def lower_bound(self) -> float:
        """What no card can beat: the least open bound, or the cutoff once nothing under it is open."""
        return min(self.cutoff, self.queue[0][0]) if self.queue else self.cutoff

    def _first_card(self) -> Card:
        half = self.started + 0.5 * self.options.time_limit
        card = heuristic_card(self.problem, deadline=half)
        if self.options.start is not None:
            given = card_of(self.problem, self.options.start[0])
            card = better(card, given) if self.problem.admits(given.coefficients) else card
        return card

    def _use_lattice(self) -> bool:
        """Whether to relax with the chord interpolant: as asked, or where it closes enough of the gap at
        the root."""
        problem, roots = self.problem, self._roots()
        if not (problem.fixed_scale and problem.step > 0 and roots) or self.options.lattice is False:
            return False
        if self.options.lattice:
            return True
        smooth, lattice = (
            relaxer_for(problem, replace(self.options, device="numpy"), choice)
            .relax(roots, self.cutoff)[0]
            .value
            for choice in (False, True)
        )
        return lattice - smooth > _WORTH_THE_LATTICE * (self.cutoff - smooth)

    def _roots(self) -> list[Node]:
        problem = self.problem
        lower, upper = problem.lower.astype(float), problem.upper.astype(float)
        role = np.full(len(lower), FREE, dtype=np.int8)
        role[(lower > 0) | (upper < 0)] = IN
        role[0] = INTERCEPT
        first, last = problem.scale_range
        pieces = max(1, math.ceil(math.log(last / first) / math.log(_PIECE_RATIO) - 1e-9))
        edges = np.geomspace(first, last, pieces + 1)
        edges[0], edges[-1] = first, last
        active = np.arange(len(lower))
        start = np.zeros(len(lower))
        template = Node(lower, upper, role, problem.scale_range, 0.0, start, problem.data, active)
        root = settled(template, lower, upper, role, problem.max_features)
        if root is None:
            return []
        scales = [(float(a), float(b)) for a, b in pairwise(edges)]
        return [replace(root, scales=piece, branch=number) for number, piece in enumerate(scales)]

    def _push(self, node: Node) -> None:
        heapq.heappush(self.queue, (node.bound, self.pushed, node))
        self.pushed += 1

    def _pop(self, count: int) -> list[Node]:
        batch: list[Node] = []
        while self.queue and len(batch) < count and self.queue[0][0] < self.cutoff:
            batch.append(self._compressed(heapq.heappop(self.queue)[2]))
        return batch

    def _compressed(self, node: Node) -> Node:
        """Merge the node's rows again once enough columns have left."""
        active = np.flatnonzero(node.role != OUT)
        if len(active) > _RECOMPRESS_SHARE * len(node.active):
            return node
        inside = np.searchsorted(node.active, active)
        return replace(node, data=restrict(node.data, inside), active=active)

    def _process(self, node: Node, line: Line) -> None:
        """Close a node by its bound, or drop values, look for a card, and split; again where much was
        dropped."""
        rounds = _ROUNDS_AT_ROOT if node.parent < 0 else _ROUNDS
        while True:
            self.nodes += 1
            rounds -= 1
            bound = max(node.bound, line.bound - line.allowance)
            reduced = self._reduced(replace(node, bound=bound), line) if bound < self.cutoff else None
            if reduced is None:
                self._record(node, node, "closed", line)
                return
            if rounds == 0 or _size(reduced) > _WORTH_A_ROUND * _size(node):
                break
            number = self._record(node, reduced, "again", line)
            node = self._compressed(replace(reduced, parent=number, branch=0, point=line.last))
            line = self.relaxer.relax([node], self.cutoff)[0]
        self._look_for_card(reduced, line)
        self._branch(node, reduced, line)

    def _reduced(self, node: Node, line: Line) -> Node | None:
        """Return the node without the values and scales that the line rules out; None if nothing is left."""
        cutoff = self.cutoff + line.allowance
        slots = self.problem.max_features - node.required
        minorant = Minorant(line.constant, line.gradient, line.point)
        scales = node.scales
        if scales[0] < scales[1]:
            scales = scale_cut(
                minorant, node.lower, node.upper, node.free, slots, self.problem.penalty, scales, cutoff
            )
        box = tighten(
            minorant, node.lower, node.upper, node.free, slots, self.problem.penalty, scales, cutoff
        )
        if box.empty:
            return None
        role = node.role.copy()
        role[node.free & box.needed] = IN
        return settled(replace(node, scales=scales), box.lower, box.upper, role, self.problem.max_features)

    def _look_for_card(self, node: Node, line: Line) -> None:
        """Round the relaxation where that promises a better card."""
        if node.free.any() and self.nodes % _ROUNDING_EVERY:
            return
        middle = float(np.sqrt(node.scales[0] * node.scales[1]))
        rounded = round_to_card(self.problem, line.last, middle)
        card = card_of(self.problem, rounded)
        if card.objective < 1.02 * self.best.objective:
            card = polish(self.problem, rounded, card.scale, swaps=False)
        if card.objective < self.best.objective:
            self.best = polish(self.problem, card.coefficients, card.scale)

    def _branch(self, node: Node, reduced: Node, line: Line) -> None:
        if reduced.single:
            card = self._best_single(reduced)
            self.best = better(self.best, card)
            self._record(node, reduced, "single", line)
            return
        split = choose_split(self.problem, reduced, line.last)
        number = self._record(node, reduced, split.kind, line, split)
        for child in children(reduced, split, self.problem.max_features):
            self._push(replace(child, parent=number, point=line.last))

    def _best_single(self, node: Node) -> Card:
        """Return the one card of a node at its best scale within the node's own interval, a part of the
        problem's."""
        values = node.lower
        scores = self.problem.design @ values
        scale, _ = best_scale(scores, self.problem.weight, float(self.problem.target @ values), node.scales)
        return card_of(self.problem, values.astype(np.int64), scale)

    def _record(self, node: Node, reduced: Node, ending: str, line: Line, split: Split | None = None) -> int:
        if not self.options.keep_proof:
            return 0
        return self.proof.add(node, reduced, ending, line.point, line.spacing, line.window, split)

    def _stop_reason(self) -> Status:
        if time.perf_counter() > self.deadline:
            return Status.TIME_LIMIT
        if self.options.max_nodes is not None and self.nodes >= self.options.max_nodes:
            return Status.TIME_LIMIT
        if self.options.gap > 0 and relative_gap(self.best.objective, self.lower_bound) <= self.options.gap:
            return Status.GAP
        return Status.OPTIMAL

    def _report(self) -> None:
        now = time.perf_counter()
        if self.options.progress is None or now - self.reported < _PROGRESS_SECONDS:
            return
        self.reported = now
        bound = self.lower_bound
        self.options.progress(
            {
                "seconds": now - self.started,
                "nodes": self.nodes,
                "objective": self.best.objective,
                "lower_bound": bound,
                "gap": relative_gap(self.best.objective, bound),
            }
        )

    def _solution(self, status: Status) -> ScoreSolution:
        bound = self.lower_bound
        for _, _, node in sorted(self.queue, key=lambda entry: entry[:2]):
            self.proof.add(node, node, "open", node.point, 0.0, 0.0)
        best = in_lowest_terms(self.problem, self.best)
        return ScoreSolution(
            value=best.objective,
            bound=bound,
            status=status,
            coefficients=best.coefficients,
            scale=best.scale,
            loss=self.problem.loss(best.coefficients, best.scale),
            engine="bnb",
            nodes=self.nodes,
            seconds=time.perf_counter() - self.started,
            compile_seconds=self.relaxer.compile_seconds,
            proof=self.proof.finish() if self.options.keep_proof else None,
        )


def _size(node: Node) -> float:
    """Return free columns plus total width of the box, the intercept on a logarithmic scale: how much is
    left to do."""
    width = node.upper - node.lower
    return float(node.free.sum() + np.log2(1.0 + width[0]) + width[1:].sum() / 10.0)
