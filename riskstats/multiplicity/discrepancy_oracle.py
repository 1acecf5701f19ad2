"""Can one model meet several conditions? ``min F(theta)`` over ``A theta >= b``, certified from both sides.

Newton's method: at a point with gradient g and Hessian H the step solves the quadratic model under the
conditions, whose multipliers s >= 0 are those of a small quadratic program in ``A H^-1 A'``
(`discrepancy_multipliers`). Nothing of this is trusted:

    refuted     for any s >= 0 and theta in S with A theta >= b,
                F(theta) >= s'b + min over S of (F - s'A theta) >= s'b + dual (`levelset.certificate`);
                the set is refuted where this exceeds the limit on F, rounding charged
    met         the point found is a member of S and meets every condition in exact arithmetic
    undecided   neither was shown

Thresholds are raised by a little more than rounding while searching, so that points lie strictly inside.
Where the model says that the minimum is far above the limit, the step stops half way to it: a nearer point
has the better dual bound, and the limit is all that has to be passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.levelset.certificate import EPS, centred_margins, dual_below, objective_above
from riskstats.levelset.level_set import LevelSet
from riskstats.levelset.problem import ConvexProblem
from riskstats.multiplicity.discrepancy_literals import Conditions
from riskstats.multiplicity.discrepancy_multipliers import multipliers, solved

__all__ = ["MET", "REFUTED", "UNDECIDED", "Oracle", "Verdicts"]

MET, UNDECIDED, REFUTED = 1, 0, -1
Sets = npt.NDArray[np.int64]

_STEPS = 30
_LONGEST_MOVE = 4.0
_GUESSES = 1 << 21
_NUMBERS = 1 << 16
_PAD = 1e-11
_NEAR = 1e-6
_SHIFTS = 3
_WELL_WITHIN = 0.93


@dataclass(frozen=True)
class Verdicts:
    """What is known of B sets of conditions.

    verdict : (B,) MET, UNDECIDED or REFUTED. theta : (B, p) a member of the level set that meets the set
    where MET. multipliers : (B, k); where REFUTED, the conditions with a multiplier > 0 are refuted by
    themselves. least : (B,) the least F on the set as estimated, no certificate.
    """

    verdict: npt.NDArray[np.int8]
    theta: Floats
    multipliers: Floats
    least: Floats

    @classmethod
    def empty(cls, sets: Sets, p: int) -> Verdicts:
        """All undecided."""
        lanes = len(sets)
        return cls(
            np.zeros(lanes, dtype=np.int8), np.zeros((lanes, p)), np.zeros(sets.shape), np.zeros(lanes)
        )


@dataclass
class _Lanes:
    """Sets that are still open, with the point, its margins and the multipliers of each."""

    place: npt.NDArray[np.int64]
    sets: Sets
    theta: Floats
    margins: Floats
    s: Floats
    model: Floats

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        for name in ("place", "sets", "theta", "margins", "s", "model"):
            setattr(self, name, getattr(self, name)[which])


class Oracle:
    """The oracle of one level set and one list of conditions. Counts the sets it was asked about."""

    def __init__(self, level_set: LevelSet, conditions: Conditions) -> None:
        self.level_set, self.conditions = level_set, conditions
        self.problem = level_set.problem
        self.asked = 0
        nothing = np.zeros((1, self.problem.p))
        self._directions = np.concatenate([conditions.directions, nothing])
        self._size = np.abs(self._directions)
        self._thresholds = np.append(conditions.thresholds, -1.0)
        self._goal = np.append(self._raised(), -1.0)
        self._room = level_set.outer_limit - level_set.baseline.above

    def _raised(self) -> Floats:
        """Thresholds with a margin for the rounding of a product with a member of the set."""
        best = np.abs(self.level_set.baseline.theta)
        size = self.conditions.size @ best + np.abs(self.conditions.thresholds)
        return self.conditions.thresholds + _PAD * (1.0 + size)

    @cached_property
    def _start(self) -> tuple[Floats, Floats]:
        """At the minimiser: H^-1 A' as (N + 1, p) and how far the goals are, in the caller's columns."""
        baseline, scale = self.level_set.baseline, self.level_set.kernel.scale
        inverse = np.linalg.pinv(baseline.hessian / (scale * scale[:, None]), rcond=1e-15, hermitian=True)
        moves = (self._directions / scale) @ inverse / scale
        return moves, self._goal - self._directions @ baseline.theta

    def _model(self, sets: Sets) -> tuple[Floats, Floats]:
        """Multipliers (B, k) of the quadratic model at the minimiser, and its rise above min F (B,)."""
        moves, left = self._start
        goal = left[sets]
        s = multipliers(moves[sets] @ self._directions[sets].transpose(0, 2, 1), goal)
        return s, 0.5 * (s * goal).sum(axis=1)

    def _chunks(self, sets: Sets) -> Iterator[slice]:
        """Sets handled in one go, so that working arrays stay small."""
        k = sets.shape[1]
        lanes = max(1, _NUMBERS // max(self.problem.n, k * self.problem.p, k * k))
        return (slice(first, first + lanes) for first in range(0, len(sets), lanes))

    def judge(self, sets: Sets, deadline: float = np.inf) -> Verdicts:
        """Verdicts on sets (B, k) of positions; N fills the places of smaller sets.

        Sets that are not reached before `deadline`, a time of `time.perf_counter`, stay undecided.
        """
        answer = Verdicts.empty(sets, self.problem.p)
        for part in self._chunks(sets):
            if time.perf_counter() > deadline:
                break
            with np.errstate(all="ignore"):
                self._judge(sets[part], part.start, answer)
        return answer

    def _judge(self, sets: Sets, first: int, answer: Verdicts) -> None:
        self.asked += len(sets)
        lanes = self._first_step(sets)
        lanes.place += first
        for step in range(_STEPS):
            self._decide(lanes, answer, self.problem, min(step, _SHIFTS))
            if not len(lanes.place):
                return
            self._step(lanes, step)
        self._decide(lanes, answer, self.problem.precise, _SHIFTS)

    def estimated_rise(self, sets: Sets, deadline: float = np.inf) -> Floats:
        """(B,) min F on each set less min F, by the quadratic model at the minimiser: a guess.

        Sets that are not reached before `deadline` get inf.
        """
        rise = np.full(len(sets), np.inf)
        lanes = max(1, _GUESSES // sets.shape[1] ** 3)
        for first in range(0, len(sets), lanes):
            if first and time.perf_counter() > deadline:
                break
            part = slice(first, first + lanes)
            rise[part] = self._model(sets[part])[1]
        return rise

    def looks_met(self, sets: Sets) -> npt.NDArray[np.bool_]:
        """(B,) whether the quadratic model has the set well within the limit: a guess."""
        return self.estimated_rise(sets) < _WELL_WITHIN * self._room

    # ---- steps

    def _first_step(self, sets: Sets) -> _Lanes:
        """One step from the minimiser, with products known in advance."""
        baseline = self.level_set.baseline
        s, rise = self._model(sets)
        model = baseline.above + rise
        s *= self._shortened(model, np.full(len(s), baseline.above), 0.5)[:, None]
        theta = baseline.theta + np.einsum("bk,bkp->bp", s, self._start[0][sets])
        return _Lanes(np.arange(len(sets)), sets, theta, theta @ self.problem.design.T, s, model)

    def _shortened(self, model: Floats, centre: Floats, share: float) -> Floats:
        """Factor of s at which the dual of the model passes the limit by a share of what it could."""
        limit = self.level_set.outer_limit
        excess = np.minimum(model - limit, 4.0 * self._room)
        aim = np.where(model > limit, limit + share * excess, model)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.clip((aim - centre) / (model - centre), 0.0, 1.0)
        return np.where(np.isfinite(part), 1.0 - np.sqrt(1.0 - part), 1.0)

    def _step(self, lanes: _Lanes, step: int) -> None:
        problem, kernel = self.problem, self.level_set.kernel
        value, slope, _ = problem.loss.terms(lanes.margins, problem.target)
        theta = lanes.theta
        objective = value @ problem.weight + 0.5 * (problem.ridge * theta * theta).sum(axis=1)
        gradient = (slope * problem.weight) @ problem.design + problem.ridge * theta
        directions = self._directions[lanes.sets]
        sides = np.concatenate([directions, gradient[:, None, :]], axis=1) / kernel.scale
        solution = solved(kernel.hessians(lanes.margins), sides.transpose(0, 2, 1)) / kernel.scale[:, None]
        along, back = solution[:, :, :-1], solution[:, :, -1]
        goal = self._goal[lanes.sets] - np.einsum("bkp,bp->bk", directions, theta - back)
        s = multipliers(directions @ along, goal)
        centre = objective - 0.5 * (gradient * back).sum(axis=1)
        lanes.model = centre + 0.5 * (s * goal).sum(axis=1)
        lanes.s = s * self._shortened(lanes.model, centre, 0.5 if step < 2 else 1.0)[:, None]
        moved = theta + np.einsum("bpk,bk->bp", along, lanes.s) - back
        margins = moved @ problem.design.T
        longest = np.abs(margins - lanes.margins).max(axis=1)
        far = longest > _LONGEST_MOVE
        if far.any():
            moved[far] = theta[far] + (moved - theta)[far] * (_LONGEST_MOVE / longest[far])[:, None]
            margins[far] = moved[far] @ problem.design.T
        lanes.theta, lanes.margins = moved, margins

    # ---- certificates

    def _decide(self, lanes: _Lanes, answer: Verdicts, problem: ConvexProblem, shifts: int) -> None:
        """Settle what can be settled and keep the rest."""
        limit, near = self.level_set.outer_limit, _NEAR * self._room
        sound = np.isfinite(lanes.theta).all(axis=1) & np.isfinite(lanes.model)
        lanes.keep(sound)
        verdict = np.zeros(len(lanes.place), dtype=np.int8)
        low = lanes.model <= limit + near
        high = lanes.model >= limit - near
        verdict[low] = np.where(self._met(lanes, low, problem), MET, UNDECIDED)
        high &= verdict != MET
        verdict[high] = np.where(self._refuted(lanes, high, problem, shifts), REFUTED, verdict[high])
        settled = verdict != UNDECIDED
        answer.verdict[lanes.place[settled]] = verdict[settled]
        answer.theta[lanes.place[settled]] = lanes.theta[settled]
        answer.multipliers[lanes.place[settled]] = lanes.s[settled]
        answer.least[lanes.place] = lanes.model
        lanes.keep(~settled)

    def _met(
        self, lanes: _Lanes, which: npt.NDArray[np.bool_], problem: ConvexProblem
    ) -> npt.NDArray[np.bool_]:
        theta, sets = lanes.theta[which], lanes.sets[which]
        if not len(theta):
            return np.zeros(0, dtype=bool)
        margins = lanes.margins[which] if problem is self.problem else theta @ problem.design.T
        member = objective_above(problem, theta, margins) <= self.level_set.inner_limit
        products = np.einsum("bkp,bp->bk", self._directions[sets], theta)
        error = (self.problem.p + 4) * EPS * np.einsum("bkp,bp->bk", self._size[sets], np.abs(theta))
        return np.asarray(member & (products - error >= self._thresholds[sets]).all(axis=1))

    def _refuted(
        self, lanes: _Lanes, which: npt.NDArray[np.bool_], problem: ConvexProblem, shifts: int
    ) -> npt.NDArray[np.bool_]:
        """Whether the multipliers, positive ones only, prove that no member meets the set."""
        theta, sets, s = lanes.theta[which], lanes.sets[which], lanes.s[which]
        if not len(theta):
            return np.zeros(0, dtype=bool)
        pull = np.einsum("bk,bkp->bp", s, self._directions[sets])
        margins = lanes.margins[which] if problem is self.problem else theta @ problem.design.T
        balanced = centred_margins(problem, margins, pull.astype(margins.dtype), shifts)
        dual = dual_below(problem, balanced, pull, self.level_set.reach)
        gain = s * self._thresholds[sets]
        charge = 4.0 * (sets.shape[1] + 4) * EPS * (np.abs(gain).sum(axis=1) + self._reach_of(s, sets))
        below = dual.below + gain.sum(axis=1) - charge
        return np.asarray(below - 4.0 * EPS * np.abs(below) > self.level_set.outer_limit)

    def _reach_of(self, s: Floats, sets: Sets) -> Floats:
        """What ``sum_i s_i |a_i|'|theta|`` is at most on the level set: the rounding of the pull is in its
        units."""
        size = np.einsum("bk,bkp->bp", s, self._size[sets])
        free = self.problem.ridge == 0.0
        reach = size[:, free] @ self.level_set.reach[free]
        if free.all():
            return np.asarray(reach)
        longest = np.sqrt(2.0 * self.level_set.outer_limit / self.problem.penalty)
        return np.asarray(reach + longest * np.linalg.norm(size[:, ~free], axis=1))
