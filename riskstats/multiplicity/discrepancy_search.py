"""The heaviest set of conditions that one model meets: branch and bound over sets without a conflict.

A node is a set that is taken, with the candidates that may be added. Below it a pair of candidates is in
conflict when the oracle refutes the taken set with both: conflicts multiply as sets grow, and colours turn
them into a bound (`discrepancy_colouring`). Nodes are opened in the order of their bounds; those whose bound
does not pass the best model are dropped. A node opens in three steps:

    1. known conflicts are passed down: those of the parent, and every refuted set that leaves at most two
       candidates here;
    2. the oracle judges the pairs that neither a conflict nor a model has settled;
    3. candidates are taken one at a time in the order of colours, each with those before it.

Only refuted sets are left out. A pair that stays undecided counts as compatible, and a node that holds
nothing but undecided sets counts in the bound to the end. Every model the oracle finds is counted on all
conditions.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from riskstats.multiplicity.discrepancy_colouring import bits, colour_bound, coloured, mask_of
from riskstats.multiplicity.discrepancy_growth import grow
from riskstats.multiplicity.discrepancy_models import Models, Nogoods
from riskstats.multiplicity.discrepancy_oracle import MET, REFUTED, Oracle, Sets, Verdicts

__all__ = ["Found", "search"]

_PAIRS = 512
_MOST_PAIRS = 8192
_EASY = 1000
_ROUNDS = 8
_SHARE = 0.1


@dataclass(frozen=True)
class Found:
    """bound : whole number that no member's weight exceeds. nodes : opened. undecided : nodes that neither a
    model nor a refutation closed. open_nodes : nodes left when the search stopped."""

    bound: int
    nodes: int
    undecided: int
    open_nodes: int


@dataclass(eq=False)
class _Node:
    """taken, weight : the set and its weight. candidates : who may join. compatible : who may join together
    (the parent's view until the node is opened). settled : pairs that need no oracle, once it is opened."""

    taken: tuple[int, ...]
    weight: int
    candidates: int
    compatible: dict[int, int]
    bound: int
    settled: dict[int, int] = field(default_factory=dict)
    opened: bool = False


_Question = tuple[_Node, tuple[int, ...]]
"""Can the taken set of a node be met together with these candidates?"""


class _Search:
    def __init__(self, oracle: Oracle, models: Models, deadline: float, gap: float) -> None:
        self.oracle, self.models, self.deadline = oracle, models, deadline
        self.allowed = Fraction(1.0 + gap)
        self.weights = oracle.conditions.weights
        self.nogoods = Nogoods(len(self.weights))
        self.heap: list[tuple[int, int, int, _Node]] = []
        self.serial = itertools.count()
        self.stuck: list[_Node] = []
        self.nodes = 0

    # ---- the loop

    def run(self) -> Found:
        self._push(self._root())
        grown = False
        while self.heap and not self._close_enough() and time.perf_counter() <= self.deadline:
            self._open(self._next_nodes())
            if not grown and self.oracle.asked > _EASY:
                self._grow()
                grown = True
        left = [-entry[0] for entry in self.heap] + [node.bound for node in self.stuck]
        stuck = sum(node.bound > self.models.best for node in self.stuck)
        bound = max([self.models.best, *left])
        return Found(bound, self.nodes, stuck, sum(bound > self.models.best for bound in left) - stuck)

    def _grow(self) -> None:
        """Heavier models, for a share of the time."""
        now = time.perf_counter()
        grow(self.oracle, self.models, rounds=_ROUNDS, deadline=now + _SHARE * (self.deadline - now))

    def _close_enough(self) -> bool:
        bound = max([-self.heap[0][0], *(node.bound for node in self.stuck)])
        return bound <= self.models.best * self.allowed

    def _push(self, node: _Node) -> None:
        if node.bound > self.models.best:
            heapq.heappush(self.heap, (-node.bound, -len(node.taken), next(self.serial), node))

    def _root(self) -> _Node:
        """Every condition a candidate; both conditions of a row are in conflict."""
        n = len(self.weights)
        every = (1 << n) - 1
        compatible = {place: every & ~(1 << place) for place in range(n)}
        twins: dict[int, int] = {}
        for place, row in enumerate(self.oracle.conditions.row.tolist()):
            if row in twins:
                compatible[place] &= ~(1 << twins[row])
                compatible[twins[row]] &= ~(1 << place)
            twins[row] = place
        self._judge_single_conditions(compatible)
        candidates = mask_of(list(compatible))
        return _Node((), 0, candidates, compatible, sum(self.weights))

    def _judge_single_conditions(self, compatible: dict[int, int]) -> None:
        met = self.models.met_by_some
        single = np.flatnonzero(~met)
        verdicts = self._judged(single[:, None])
        for place in single[verdicts.verdict == REFUTED].tolist():
            del compatible[place]

    # ---- opening nodes

    def _next_nodes(self) -> list[_Node]:
        """Nodes from the top of the heap with enough open pairs for one call of the oracle."""
        nodes: list[_Node] = []
        pairs = 0
        while self.heap and pairs < _PAIRS:
            node = heapq.heappop(self.heap)[-1]
            self._inherit(node)
            if node.bound <= self.models.best:
                continue
            nodes.append(node)
            pairs += 1 + self._open_pairs(node)
        return nodes

    def _inherit(self, node: _Node) -> None:
        """Step 1."""
        if not node.opened:
            self.nodes, node.opened = self.nodes + 1, True
            node.compatible = {
                place: node.compatible[place] & node.candidates for place in bits(node.candidates)
            }
            node.settled = dict.fromkeys(node.compatible, 0)
        for few in self.nogoods.left_by(mask_of(node.taken), node.candidates):
            _forbid(node, few)
        self._settle_by_models(node)
        self._bound(node)

    def _settle_by_models(self, node: _Node) -> None:
        for place, others in self.models.together(node.taken, node.candidates).items():
            node.settled[place] |= others

    def _bound(self, node: _Node) -> None:
        free = colour_bound(node.candidates, node.compatible, self.weights)
        node.bound = min(node.bound, node.weight + free)

    def _open_pairs(self, node: _Node) -> int:
        return sum((node.compatible[v] & ~node.settled[v]).bit_count() for v in node.compatible) // 2

    def _open(self, nodes: list[_Node]) -> None:
        """Steps 2 and 3 for several nodes."""
        asked = self._doubtful([(node, pair) for node in nodes for pair in self._pairs_of(node)])
        asked += [(node, ()) for node in nodes if node.taken and not self.models.meets(node.taken)]
        verdicts = self._judged(self._sets(asked))
        late = time.perf_counter() > self.deadline
        for (node, places), verdict in zip(asked, verdicts.verdict.tolist(), strict=True):
            if verdict == REFUTED:
                _forbid(node, places)
        for node in nodes:
            self._bound(node)
            if late or self._open_pairs(node):
                self._push(node)
            elif node.candidates:
                self._split(node)
            elif node.bound > self.models.best:
                self.stuck.append(node)

    def _pairs_of(self, node: _Node) -> list[tuple[int, ...]]:
        pairs = (
            (i, j)
            for i in node.compatible
            for j in bits((node.compatible[i] & ~node.settled[i]) >> (i + 1) << (i + 1))
        )
        return list(itertools.islice(pairs, _MOST_PAIRS))

    def _doubtful(self, asked: list[_Question]) -> list[_Question]:
        """The questions without those that look met: their answer would not lower a bound."""
        if not asked:
            return asked
        likely = self.oracle.looks_met(self._sets(asked)).tolist()
        for node, places in asked:
            i, j = places
            node.settled[i] |= 1 << j
            node.settled[j] |= 1 << i
        return [question for question, met in zip(asked, likely, strict=True) if not met]

    def _sets(self, asked: list[_Question]) -> Sets:
        longest = max((len(node.taken) + len(places) for node, places in asked), default=0)
        nobody = len(self.weights)
        rows = [
            (*node.taken, *places, *[nobody] * (longest - len(node.taken) - len(places)))
            for node, places in asked
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), longest)

    def _judged(self, sets: Sets) -> Verdicts:
        """The oracle's verdicts, with models and refuted sets noted."""
        verdicts = self.oracle.judge(sets, self.deadline)
        met = verdicts.verdict == MET
        if met.any():
            self.models.offer(verdicts.theta[met])
        for lane in np.flatnonzero(verdicts.verdict == REFUTED):
            self.nogoods.add(mask_of(sets[lane][verdicts.multipliers[lane] > 0].tolist()))
        return verdicts

    def _split(self, node: _Node) -> None:
        best, below = self.models.best, 0
        for place, bound in list(coloured(node.candidates, node.compatible, self.weights)):
            if node.weight + bound > best:
                candidates = node.compatible[place] & below
                weight = node.weight + self.weights[place]
                child = min(node.bound, node.weight + bound)
                if time.perf_counter() <= self.deadline:
                    child = min(child, weight + colour_bound(candidates, node.compatible, self.weights))
                self._push(_Node((*node.taken, place), weight, candidates, node.compatible, child))
            below |= 1 << place


def _forbid(node: _Node, places: Sequence[int]) -> None:
    """Take out what cannot be added: the node itself, a candidate, or a pair of them."""
    if not places:
        node.bound = 0
    elif len(places) == 1:
        gone = places[0]
        if node.candidates >> gone & 1:
            node.candidates &= ~(1 << gone)
            node.compatible.pop(gone)
            for other in node.compatible:
                node.compatible[other] &= ~(1 << gone)
    else:
        i, j = places
        if i in node.compatible and j in node.compatible:
            node.compatible[i] &= ~(1 << j)
            node.compatible[j] &= ~(1 << i)


def search(oracle: Oracle, models: Models, *, deadline: float, gap: float) -> Found:
    """Raise `models.best` and lower the bound until they meet, within a relative `gap`, or time is up.

    deadline : a time of `time.perf_counter`.
    """
    return _Search(oracle, models, deadline, gap).run()
