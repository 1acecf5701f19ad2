"""SCIP on the discrepancy: one binary for each condition, and the level set by gradient cuts.

    maximise   sum_i w_i z_i
    over       theta in S,  a_i'theta >= low_i + (threshold_i - low_i) z_i,  z_i + z_j <= 1 for conflicts

low_i is the certified end of the condition over S, so no member is cut off. Coordinates are whitened by the
Hessian at the minimiser, so that S is near the unit ball, and bounded by certified ends. Where a point of the
linear program lies outside S, the ray from the minimiser leaves S at a point whose gradient gives the cut.
Sets of whole points that the oracle refutes are cut off as such.

SCIP computes in floating point within tolerances: its bound is a solver's word. The set of its best point is
given to the oracle, so that the value is attained by a proven member all the same.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from riskstats._optional import pyscipopt_or
from riskstats._validation import Floats
from riskstats.exceptions import NotConverged
from riskstats.levelset.level_set import LevelSet
from riskstats.multiplicity.discrepancy_growth import grow
from riskstats.multiplicity.discrepancy_literals import Conditions
from riskstats.multiplicity.discrepancy_models import Models
from riskstats.multiplicity.discrepancy_oracle import MET, REFUTED, Oracle
from riskstats.multiplicity.discrepancy_search import Found

__all__ = ["ScipAnswer", "pair_conflicts", "search_with_scip", "solve_with_scip"]

_SHARE = 0.3
_ROUNDS = 8
_INFINITE = 1e19
_TOLERANCE = 1e-6
_OUTSIDE = 1e-4
_WORTH_A_CUT = 0.02
_RAY_STEPS = 8
_PARAMETERS: dict[str, Any] = {
    "lp/threads": 1,
    "parallel/maxnthreads": 1,
    "misc/catchctrlc": False,
    "misc/usesymmetry": 0,
    "misc/allowstrongdualreds": False,
    "misc/allowweakdualreds": False,
    "separating/maxrounds": 5,
    "separating/maxroundsroot": 100,
}


@dataclass(frozen=True)
class ScipAnswer:
    """bound : SCIP's, in units of the heaviest condition, `inf` where it has none. places : the conditions of
    its best point. ended : SCIP's word. nodes, seconds : of the search; the building of the model counts."""

    bound: float
    places: tuple[int, ...]
    ended: str
    nodes: int
    seconds: float


def search_with_scip(oracle: Oracle, models: Models, *, deadline: float, gap: float) -> Found:
    """Raise `models.best` by growth, then by SCIP; the bound is SCIP's. `deadline` as in `search`."""
    conditions = oracle.conditions
    if not len(conditions):
        return Found(0, 0, 0, 0)
    now = time.perf_counter()
    early = now + _SHARE * (deadline - now)
    edges = pair_conflicts(oracle, models, early)
    grow(oracle, models, rounds=_ROUNDS, deadline=early)
    seconds = deadline - time.perf_counter()
    answer = solve_with_scip(
        oracle.level_set,
        conditions,
        edges=edges,
        oracle=oracle,
        start=models.theta,
        time_limit=seconds,
        gap=gap,
    )
    if answer.places:
        verdict = oracle.judge(np.array([answer.places]))
        models.offer(verdict.theta[verdict.verdict == MET])
    every = sum(conditions.weights)
    bound = every if math.isinf(answer.bound) else _whole(answer.bound, conditions)
    bound = max(models.best, min(every, bound))
    return Found(bound, answer.nodes, 0, int(bound > models.best))


def _whole(bound: float, conditions: Conditions) -> int:
    """The largest whole weight within the bound, SCIP's tolerance allowed."""
    return math.floor(Fraction(bound + _TOLERANCE * (1.0 + abs(bound))) * max(conditions.weights))


def pair_conflicts(oracle: Oracle, models: Models, deadline: float = np.inf) -> list[tuple[int, int]]:
    """Pairs that the oracle refutes, and the two conditions of a row."""
    row = oracle.conditions.row.tolist()
    pairs = list(itertools.combinations(range(len(row)), 2))
    twins = [(i, j) for i, j in pairs if row[i] == row[j]]
    others = [(i, j) for i, j in pairs if row[i] != row[j]]
    verdicts = oracle.judge(np.array(others, dtype=np.int64).reshape(-1, 2), deadline)
    models.offer(verdicts.theta[verdicts.verdict == MET])
    refuted = verdicts.verdict == REFUTED
    return twins + [pair for pair, gone in zip(others, refuted.tolist(), strict=True) if gone]


def solve_with_scip(
    level_set: LevelSet,
    conditions: Conditions,
    *,
    edges: Sequence[tuple[int, int]] = (),
    oracle: Oracle | None = None,
    start: Floats | None = None,
    time_limit: float = math.inf,
    gap: float = 0.0,
) -> ScipAnswer:
    """SCIP's answer with any conflicts that are known, and a member to start from.

    With an oracle the sets of whole points that it refutes are cut off too; without one, only by gradients.

    Raises `Unavailable` without PySCIPOpt, `NotConverged` where SCIP breaks down.
    """
    began = time.perf_counter()
    program = _Program(level_set, conditions, edges, oracle)
    if start is not None:
        program.offer(start)
    left = time_limit - (time.perf_counter() - began)
    program.scip.setParam("limits/time", min(max(left, 0.0), 1e20))
    program.scip.setParam("limits/gap", gap)
    program.run()
    return program.answer(time.perf_counter() - began)


class _Program:
    """The mixed-integer program. `move` takes whitened coordinates to theta - minimiser."""

    def __init__(
        self,
        level_set: LevelSet,
        conditions: Conditions,
        edges: Sequence[tuple[int, int]],
        oracle: Oracle | None,
    ) -> None:
        self.level_set, self.conditions, self.oracle = level_set, conditions, oracle
        self.best = level_set.baseline.theta
        root = np.asarray(np.linalg.cholesky(level_set.baseline.hessian), dtype=np.float64)
        radius = math.sqrt(2.0 * (level_set.outer_limit - level_set.baseline.below))
        self.move = radius * np.linalg.inv(root).T
        self.failure: BaseException | None = None
        package = pyscipopt_or("search")
        self.scip = package.Model("riskstats")
        self.scip.hideOutput()
        self.scip.setParams(_PARAMETERS)
        self._add_variables(root.T / radius)
        self._add_conditions(package.quicksum)
        for i, j in edges:
            self.scip.addCons(self.used[i] + self.used[j] <= 1)
        self.scip.setMaximize()
        order = {"enfopriority": -10, "chckpriority": -10}
        handler = _level_handler(self)
        self.scip.includeConshdlr(handler, "level", "theta is a member", sepafreq=1, eagerfreq=-1, **order)
        self.scip.addPyCons(self.scip.createCons(handler, "member"))

    def _add_variables(self, whitened: Floats) -> None:
        ends = self.level_set.support(np.concatenate([-whitened, whitened])).outer
        centre = whitened @ self.best
        low, high = -ends[: len(centre)] - centre, ends[len(centre) :] - centre
        self.place = [
            self.scip.addVar(vtype="C", lb=_finite(a), ub=_finite(b))
            for a, b in zip(low.tolist(), high.tolist(), strict=True)
        ]
        heaviest = max(self.conditions.weights)
        self.used = [self.scip.addVar(vtype="B", obj=weight / heaviest) for weight in self.conditions.weights]

    def _add_conditions(self, quicksum: Any) -> None:
        directions = self.conditions.directions
        low = -self.level_set.support(-directions).outer - directions @ self.best
        goal = self.conditions.thresholds - directions @ self.best
        for row, z, a, b in zip(directions @ self.move, self.used, low.tolist(), goal.tolist(), strict=True):
            product = quicksum(c * x for c, x in zip(row.tolist(), self.place, strict=True))
            if math.isfinite(a):
                self.scip.addCons(product >= a + (b - a) * z)
            else:
                self.scip.addConsIndicator(-product <= -b, z)

    def theta(self, solution: Any) -> Floats:
        """The model of a solution; None is where the linear program stands."""
        place = np.array([self.scip.getSolVal(solution, x) for x in self.place])
        return self.best + self.move @ place

    def offer(self, theta: Floats) -> None:
        """Start from a member and the conditions it meets."""
        met = self.conditions.met_by(theta[None])[0]
        place = np.linalg.solve(self.move, theta - self.best)
        solution = self.scip.createSol()
        for x, value in zip(
            [*self.place, *self.used], [*place.tolist(), *met.astype(float).tolist()], strict=True
        ):
            self.scip.setSolVal(solution, x, value)
        self.scip.addSol(solution)

    def cut(self, share: float) -> bool:
        """Cut off the point of the linear program where it is outside; whether there was a cut."""
        theta = self.theta(None)
        if not self.outside(theta, share):
            return False
        gradient, limit = self._gradient_cut(theta - self.best)
        self._add_cut(self.place, self.move.T @ gradient, limit)
        return True

    def enforce(self) -> bool:
        """The same where every binary is whole; with an oracle, a refuted set is cut off as such."""
        refuted = (
            self._refuted_set()
            if self.oracle is not None and self.outside(self.theta(None), _OUTSIDE)
            else []
        )
        if refuted:
            self._add_cut([self.used[i] for i in refuted], np.ones(len(refuted)), len(refuted) - 1.0)
        return bool(refuted) or self.cut(_OUTSIDE)

    def _refuted_set(self) -> list[int]:
        """Conditions of the present point that the oracle refutes together, or none."""
        here = [i for i, z in enumerate(self.used) if self.scip.getSolVal(None, z) > 0.5]
        if not here or self.oracle is None:
            return []
        verdict = self.oracle.judge(np.array([here]))
        chosen = (verdict.multipliers[0] > 0.0) & (verdict.verdict[0] == REFUTED)
        return [i for i, kept in zip(here, chosen.tolist(), strict=True) if kept]

    def outside(self, theta: Floats, share: float) -> bool:
        """Whether F is above the limit by more than a share of what it may rise."""
        limit = self.level_set.outer_limit
        room = limit - self.level_set.baseline.above
        return not float(self.level_set.problem.objective(theta)) <= limit + share * room

    def _gradient_cut(self, ray: Floats) -> tuple[Floats, float]:
        """(g, c): g'(theta - minimiser) <= c on the level set, from near where the ray leaves it.

        Newton's method on F along the ray, from outside; the cut holds at any point of it.
        """
        problem, limit, t = self.level_set.problem, self.level_set.outer_limit, 1.0
        start, move = problem.design @ self.best, problem.design @ ray
        for _ in range(_RAY_STEPS):
            value, slope, _ = problem.loss.terms(start + t * move, problem.target)
            theta = self.best + t * ray
            rise = float(problem.weight @ value + 0.5 * (problem.ridge * theta) @ theta) - limit
            gradient = problem.design.T @ (problem.weight * slope) + problem.ridge * theta
            t_next = t - rise / float(gradient @ ray)
            if not 0.0 < t_next < t:
                break
            t = t_next
        return gradient, float(gradient @ (theta - self.best)) - rise

    def _add_cut(self, variables: Sequence[Any], slope: Floats, limit: float) -> None:
        scale = 1.0 / float(np.linalg.norm(slope))
        row = self.scip.createEmptyRowUnspec(
            "level", lhs=None, rhs=scale * limit, local=False, removable=True
        )
        self.scip.cacheRowExtensions(row)
        for x, coefficient in zip(variables, (scale * slope).tolist(), strict=True):
            if coefficient:
                self.scip.addVarToRow(row, x, coefficient)
        self.scip.flushRowExtensions(row)
        self.scip.addCut(row, forcecut=True)
        self.scip.releaseRow(row)

    def guarded(self, question: Callable[[], bool]) -> bool:
        """The answer to SCIP's question; an exception ends the search, to be raised after it."""
        try:
            return question()
        except BaseException as error:
            self.failure = self.failure or error
            self.scip.interruptSolve()
            return False

    def run(self) -> None:
        """Solve."""
        try:
            self.scip.optimize()
        except Exception as error:
            raise NotConverged(f"solver 'scip' broke down ({error}). Use solver='search'.") from error
        if self.failure is not None:
            raise self.failure

    def answer(self, seconds: float) -> ScipAnswer:
        """What SCIP says."""
        bound = self.scip.getDualbound()
        places: tuple[int, ...] = ()
        if self.scip.getNSols():
            best = self.scip.getBestSol()
            places = tuple(i for i, z in enumerate(self.used) if self.scip.getSolVal(best, z) > 0.5)
        return ScipAnswer(
            bound if abs(bound) < _INFINITE else math.inf,
            places,
            str(self.scip.getStatus()),
            int(self.scip.getNTotalNodes()),
            seconds,
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _level_handler(program: _Program) -> Any:
    """The constraint handler through which SCIP asks about membership."""
    package = pyscipopt_or("search")
    result = package.SCIP_RESULT

    class LevelHandler(package.Conshdlr):  # type: ignore[name-defined]
        def conssepalp(self, *_: Any) -> dict[str, Any]:
            added = program.guarded(lambda: program.cut(_WORTH_A_CUT))
            return {"result": result.SEPARATED if added else result.DIDNOTFIND}

        def consenfolp(self, *_: Any) -> dict[str, Any]:
            added = program.guarded(program.enforce)
            return {"result": result.SEPARATED if added else result.FEASIBLE}

        def consenfops(self, *_: Any) -> dict[str, Any]:
            return {"result": result.SOLVELP}

        def conscheck(self, constraints: Any, solution: Any, *_: Any) -> dict[str, Any]:
            out = program.guarded(lambda: program.outside(program.theta(solution), 2.0 * _OUTSIDE))
            return {"result": result.INFEASIBLE if out else result.FEASIBLE}

        def conslock(self, constraint: Any, locktype: Any, positive: int, negative: int) -> None:
            for variable in program.place:
                self.model.addVarLocks(variable, positive + negative, positive + negative)
            for variable in program.used:
                self.model.addVarLocks(variable, negative, positive)

    return LevelHandler()
