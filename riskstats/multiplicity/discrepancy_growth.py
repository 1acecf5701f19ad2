"""Heavier models before the proof: sets that are met, grown one condition at a time.

A set grows by the condition that leaves F lowest for its weight, as the quadratic model at the minimiser
ranks them and the oracle confirms, until none fits. Then a part of it is dropped and it grows again another
way, without what was dropped. Nothing here is a bound.
"""

from __future__ import annotations

import math
import time

import numpy as np

from riskstats.multiplicity.discrepancy_models import Models
from riskstats.multiplicity.discrepancy_oracle import MET, Oracle, Sets

__all__ = ["grow"]

_TRIES = 8
_DROPPED = 0.9
_NOISE = 0.1
_NUMBERS = 1 << 22


def grow(oracle: Oracle, models: Models, *, rounds: int, deadline: float, seed: int = 0) -> None:
    """Raise `models.best` until `rounds` rounds in a row bring nothing, or until `deadline`, a time of
    `time.perf_counter`."""
    growth = _Growth(oracle, models, np.random.default_rng(seed), deadline)
    kept, dropped = growth.apart(models.places)
    left = rounds
    while left > 0 and not growth.late:
        before = models.best
        grown = growth.grown(kept, dropped)
        left = rounds if models.best > before else left - 1
        heaviest = oracle.conditions.weight_of(grown) >= models.best
        kept, dropped = growth.divided(grown if heaviest else growth.apart(models.places)[0])


class _Growth:
    def __init__(self, oracle: Oracle, models: Models, rng: np.random.Generator, deadline: float) -> None:
        self.oracle, self.models, self.rng, self.deadline = oracle, models, rng, deadline
        self.row = oracle.conditions.row

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.deadline

    def apart(self, places: Sets) -> tuple[Sets, Sets]:
        """One condition of each row, and nothing dropped."""
        _, first = np.unique(self.row[places], return_index=True)
        return places[first], places[:0]

    def divided(self, places: Sets) -> tuple[Sets, Sets]:
        """Places to keep and places to drop, at least one."""
        if not len(places):
            return places, places
        gone = self.rng.random(len(places)) < self.rng.uniform(0.0, _DROPPED)
        gone[self.rng.integers(len(places))] = True
        return places[~gone], places[gone]

    def grown(self, places: Sets, banned: Sets) -> Sets:
        """The set grown until nothing fits; what a member meets by the way is taken along."""
        while not self.late:
            others = self._others(places, banned)
            if not len(others):
                break
            sets = np.column_stack([np.tile(places, (len(others), 1)), others])
            price = self.oracle.estimated_rise(sets, self.deadline) / self.models.share[others]
            order = np.argsort(price * self.rng.uniform(1.0 - _NOISE, 1.0 + _NOISE, len(price)))[:_TRIES]
            verdicts = self.oracle.judge(sets[order], self.deadline)
            met = np.flatnonzero(verdicts.verdict == MET)
            if not len(met):
                break
            covered = self.models.offer(verdicts.theta[met])
            rise = verdicts.least[met] - self.oracle.level_set.baseline.above
            cheapest = int(np.argmin(rise / self.models.share[others[order[met]]]))
            places, _ = self.apart(np.flatnonzero(covered[cheapest]))
        return places

    def _others(self, places: Sets, banned: Sets) -> Sets:
        """Conditions of other rows, not dropped a moment ago; a few of them where sets are large."""
        free = ~np.isin(self.row, self.row[places])
        free[banned] = False
        others = np.flatnonzero(free)
        most = math.ceil(_NUMBERS / (1 + len(places)) ** 2)
        return others if len(others) <= most else self.rng.choice(others, most, replace=False)
