"""SCIP, a second engine for a fixed multiplier: the same problem and answer as `bnb`, found independently.

    minimise   sum_g theta_g + C0 sum_j z_j
    over       integers b, binaries z,  lower_j z_j <= b_j <= upper_j z_j,  sum_j z_j <= k,  theta_g >= f_g(b)

The rows are sorted by their score on the first card and cut into groups; f_g is the loss of group g. It
enters by lines below it, added wherever SCIP's linear program stands: at integer points, and at fractional
points too, without which the bound hardly moves. With integer features the lines are those of the chord
interpolant on the lattice of scores (`riskstats.losses.chord_support`): no card changes its loss, and
fractional points pay more.

SCIP computes in floating point within tolerances, so its bound is a solver's word and no proof that a
stranger can re-check. The tolerances are kept far below `TOLERANCE`: the objective is in units of 1e-4 nat;
SCIP's own cutting planes, heuristics, symmetry and dual reductions are off; a card is let through once its
thetas are short of its exact loss by at most 1e-10 nat in sum; and the value reported is recomputed from
the integers.

Source: Ustun and Rudin, "Learning Optimized Risk Scores", JMLR 20 (2019): cutting planes at integer points.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from riskstats._optional import pyscipopt_or
from riskstats.exceptions import Infeasible, InvalidInput, NotConverged
from riskstats.losses import binary_entropy, chord_support, sigmoid, softplus
from riskstats.results import Status, relative_gap
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.beam import heuristic_card
from riskstats.scores.polish import Card, better, card_of, polish
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, ScoreSolution, SolveOptions
from riskstats.scores.rounding import round_to_card

__all__ = ["solve"]

_GROUPS = 10
_UNIT = 1e4
_SHORTFALL = 0.1 * TOLERANCE
_WORTH_A_LINE = 3e-5
_NEGLIGIBLE = 1e-9 / _UNIT
_WINDOW = 0.01
_PATIENCE = 10
_ROUNDING_EVERY = 50
_PROGRESS_SECONDS = 0.2
_MISSING = 1e19

_PARAMETERS: dict[str, Any] = {
    "lp/threads": 1,
    "parallel/maxnthreads": 1,
    "misc/catchctrlc": False,
    "misc/usesymmetry": 0,
    "misc/allowstrongdualreds": False,
    "misc/allowweakdualreds": False,
    "conflict/enable": False,
    "presolving/maxrounds": 0,
    "presolving/maxrestarts": 0,
    "separating/maxrounds": 5,
    "separating/maxroundsroot": 300,
    "numerics/feastol": 1e-9,
    "numerics/dualfeastol": 1e-9,
}


def solve(problem: IntegerScoreProblem, options: SolveOptions | None = None) -> ScoreSolution:
    """Return the best card with SCIP's lower bound, for a problem with a fixed multiplier.

    `value` is exact for the card returned. `bound` is SCIP's dual bound less half of `TOLERANCE`, never
    above the value, and 0, which no logistic loss beats, where SCIP has none yet. The status is `OPTIMAL`
    when SCIP has closed its tree and the bound is within `TOLERANCE` of the value; `GAP` when `options.gap`
    was reached, or SCIP's own tolerances left more than `TOLERANCE` open; `TIME_LIMIT` when time, nodes or
    memory ran out. One thread; the same problem takes the same path, up to the time limit.
    `options.lattice=None` uses the lattice of scores wherever it is valid; `options.device` and
    `options.keep_proof` have no effect.

    Raises `InvalidInput` for a free multiplier, `Infeasible` when the box admits no card, `Unavailable`
    without PySCIPOpt, `NotConverged` where SCIP breaks down. An exception from `options.progress` ends the
    search and is raised again.
    """
    if not problem.fixed_scale:
        low, high = 1.0 / problem.scale_range[1], 1.0 / problem.scale_range[0]
        raise InvalidInput(
            f"solver 'scip' needs a fixed multiplier; got multiplier='certified' over {low:g} to {high:g}. "
            "Pass a number as `multiplier`, or use solver='bnb', which certifies a free one."
        )
    return _Search(problem, options or SolveOptions()).run()


class _Groups:
    """The loss as a sum over groups of rows with similar scores, and lines below it."""

    def __init__(self, problem: IntegerScoreProblem, columns: IntArray, card: Card, lattice: bool) -> None:
        order = np.argsort(problem.design @ card.coefficients, kind="stable")
        self.scale = problem.scale_range[0]
        self.spacing = self.scale * problem.step if lattice else 0.0
        self.design = np.ascontiguousarray(problem.design[np.ix_(order, columns)])
        self.weight, self.positive = problem.weight[order], problem.positive[order]
        self.reach = np.maximum(np.abs(problem.lower), np.abs(problem.upper))[columns].astype(np.float64)
        self.count = min(_GROUPS, len(order))
        ends = np.linspace(0, len(order), self.count + 1).astype(np.int64)
        self._starts, self._slices = ends[:-1], [slice(a, b) for a, b in itertools.pairwise(ends)]

    def losses(self, points: FloatArray) -> FloatArray:
        """Return the (groups,) losses of a card, in nats."""
        scores = self.scale * (self.design @ points)
        return self._sums(self.weight * softplus(scores) - self.positive * scores)

    def lines(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (constant (groups,), slope (groups, columns)) with f_g(b) >= constant_g + slope_g . b.

        This holds at every card b. The lines are tight at `points`, which need not be integers. Slopes that
        SCIP would take for zero become zero, at the cost of what they can reach.
        """
        scores = self.scale * (self.design @ points)
        if self.spacing > 0:
            _, slope, _, intercept = chord_support(scores, self.spacing, _WINDOW * self.spacing)
        else:
            slope, intercept = sigmoid(scores), binary_entropy(scores)
        lean = self.scale * (self.weight * slope - self.positive)
        slopes = np.stack([lean[rows] @ self.design[rows] for rows in self._slices])
        tiny = np.where(np.abs(slopes) <= _NEGLIGIBLE, slopes, 0.0)
        return self._sums(self.weight * intercept) - np.abs(tiny) @ self.reach, slopes - tiny

    def _sums(self, terms: FloatArray) -> FloatArray:
        return np.add.reduceat(terms, self._starts)


class _Model:
    """The mixed-integer program in SCIP; losses cross this border in nats, coefficients in points."""

    def __init__(self, problem: IntegerScoreProblem, columns: IntArray, groups: int) -> None:
        scip = pyscipopt_or("bnb")
        self.scip = model = scip.Model("riskstats")
        model.hideOutput()
        model.setHeuristics(scip.SCIP_PARAMSETTING.OFF)
        model.setSeparating(scip.SCIP_PARAMSETTING.OFF)
        model.setParams(_PARAMETERS)
        lower, upper = problem.lower[columns].tolist(), problem.upper[columns].tolist()
        self.points = [model.addVar(vtype="I", lb=a, ub=c) for a, c in zip(lower, upper, strict=True)]
        self.used = [
            model.addVar(vtype="B", lb=float(a > 0 or c < 0), obj=_UNIT * problem.penalty)
            for a, c in zip(lower[1:], upper[1:], strict=True)
        ]
        for b, z, a, c in zip(self.points[1:], self.used, lower[1:], upper[1:], strict=True):
            model.addCons(b <= c * z)
            model.addCons(b >= a * z)
        if len(self.used) > problem.max_features:
            model.addCons(scip.quicksum(self.used) <= problem.max_features)
        self.theta = [model.addVar(vtype="C", lb=0.0, ub=None, obj=1.0) for _ in range(groups)]

    def stop_at(self, options: SolveOptions, seconds: float) -> None:
        """Set the limits: seconds from now, nodes, relative gap."""
        self.scip.setParam("limits/time", max(0.0, min(seconds, 1e20)))
        if options.max_nodes is not None:
            self.scip.setParam("limits/totalnodes", options.max_nodes)
        if options.gap > 0:
            self.scip.setParam("limits/gap", options.gap)

    def require(self, handler: Any) -> None:
        """Let `handler` enforce the loss: at every node of the tree, after integrality."""
        order = {"enfopriority": -10, "chckpriority": -10}
        self.scip.includeConshdlr(handler, "loss", "theta covers the loss", sepafreq=1, eagerfreq=-1, **order)
        self.scip.addPyCons(self.scip.createCons(handler, "loss"))

    def run(self) -> str:
        """Solve, and return how SCIP says it ended."""
        try:
            self.scip.optimize()
        except Exception as error:
            raise NotConverged(f"solver 'scip' broke down ({error}). Use solver='bnb'.") from error
        return str(self.scip.getStatus())

    def values(self, solution: Any) -> tuple[FloatArray, FloatArray]:
        """Return (points, thetas) of a solution; None is where the linear program stands."""
        value = self.scip.getSolVal
        points = np.array([value(solution, variable) for variable in self.points])
        return points, np.array([value(solution, variable) for variable in self.theta]) / _UNIT

    def offer(self, points: FloatArray, losses: FloatArray, *, running: bool) -> None:
        """Give SCIP a card with its exact losses."""
        solution = self.scip.createSol()
        values = [*points.tolist(), *(points[1:] != 0).astype(float).tolist(), *(_UNIT * losses).tolist()]
        for variable, value in zip([*self.points, *self.used, *self.theta], values, strict=True):
            self.scip.setSolVal(solution, variable, value)
        if running:
            self.scip.trySol(solution, printreason=False)
        else:
            self.scip.addSol(solution)

    def add_line(self, group: int, constant: float, slope: FloatArray) -> None:
        """Add theta_group >= constant + slope . b, for the whole tree."""
        model = self.scip
        row = model.createEmptyRowUnspec("loss", lhs=_UNIT * constant, rhs=None, local=False, removable=True)
        model.cacheRowExtensions(row)
        model.addVarToRow(row, self.theta[group], 1.0)
        for variable, coefficient in zip(self.points, (-_UNIT * slope).tolist(), strict=True):
            if coefficient:
                model.addVarToRow(row, variable, coefficient)
        model.flushRowExtensions(row)
        model.addCut(row, forcecut=True)
        model.releaseRow(row)

    @property
    def bound(self) -> float:
        """SCIP's dual bound in nats; 0 where it has none, which reads as 1e20 in size."""
        dual = self.scip.getDualbound()
        return 0.0 if abs(dual) >= _MISSING else max(0.0, dual / _UNIT)

    @property
    def nodes(self) -> int:
        """Nodes of the tree so far."""
        return int(self.scip.getNTotalNodes())


class _Search:
    """State of one run: the best card by its exact objective, and what SCIP asks on its way."""

    def __init__(self, problem: IntegerScoreProblem, options: SolveOptions) -> None:
        self.problem, self.options = problem, options
        self.started = self.reported = time.perf_counter()
        self.best = self._first_card()
        open_columns = (problem.lower != 0) | (problem.upper != 0)
        open_columns[0] = True
        self.columns = np.flatnonzero(open_columns)
        self.groups = _Groups(problem, self.columns, self.best, options.lattice is not False)
        self.model = _Model(problem, self.columns, self.groups.count)
        self.stuck: tuple[bytes, int] = (b"", 0)
        self.waived: set[bytes] = set()
        self.separations = 0
        self.news = True
        self.failure: BaseException | None = None

    def run(self) -> ScoreSolution:
        self.model.require(_loss_handler(self))
        self._tell(running=False)
        self.model.stop_at(self.options, self.options.time_limit - (time.perf_counter() - self.started))
        try:
            ending = self.model.run()
        finally:
            if self.failure is not None:
                raise self.failure
        return self._solution(ending)

    def separate(self) -> bool:
        """Add the lines that a fractional point violates by enough; return whether there were any."""
        points, thetas = self.model.values(None)
        self.separations += 1
        if self.separations % _ROUNDING_EVERY == 0:
            self._round(points)
        self._tell(running=True)
        self._report()
        return self._add_lines(points, thetas, _WORTH_A_LINE)

    def enforce(self) -> bool:
        """Add lines at an integer point whose thetas are short of its loss; return whether there were any.

        A point that no line lifts is let through: its value in SCIP is then below that of its card, so the
        bound stays honest and the answer is not called optimal.
        """
        points, thetas = self.model.values(None)
        points = np.round(points)
        if self._shortfall(points, thetas) <= _SHORTFALL:
            return False
        self._tell(running=True)
        self._report()
        here, (before, times) = _key(points), self.stuck
        self.stuck = here, times + 1 if here == before else 1
        if self.stuck[1] <= _PATIENCE and self._add_lines(
            points, thetas, 0.1 * _SHORTFALL / self.groups.count
        ):
            return True
        self.waived.add(here)
        return False

    def check(self, solution: Any) -> bool:
        """Whether the thetas of a solution cover the exact loss of its card."""
        points, thetas = self.model.values(solution)
        points = np.round(points)
        return self._shortfall(points, thetas) <= _SHORTFALL or _key(points) in self.waived

    def guarded(self, question: Callable[[], Any], otherwise: Any) -> Any:
        """Return the answer to SCIP's question; an exception ends the search, to be raised after it."""
        try:
            return question()
        except BaseException as error:
            self.failure = self.failure or error
            self.model.scip.interruptSolve()
            return otherwise

    def _shortfall(self, points: FloatArray, thetas: FloatArray) -> float:
        """Return how much the thetas are short of the exact loss of a card; keep it if it is best."""
        losses = self.groups.losses(points)
        self._consider(points, losses)
        return float(np.maximum(losses - thetas, 0.0).sum())

    def _consider(self, points: FloatArray, losses: FloatArray) -> None:
        """Keep a card that is no worse than the best."""
        objective = float(losses.sum()) + self.problem.penalty * np.count_nonzero(points[1:])
        if self._feasible and objective > self.best.objective + 1e-11:
            return
        coefficients = np.zeros_like(self.problem.lower)
        coefficients[self.columns] = points.astype(np.int64)
        self._keep(card_of(self.problem, coefficients))

    def _round(self, points: FloatArray) -> None:
        """Look for a card next to a fractional point."""
        scale = self.problem.scale_range[0]
        real = np.zeros(len(self.problem.lower))
        real[self.columns] = scale * points
        self._keep(polish(self.problem, round_to_card(self.problem, real, scale), scale, swaps=False))

    def _keep(self, card: Card) -> None:
        """Take a card that comes before the best; polish it and have SCIP told if its objective is lower."""
        if not self.problem.admits(card.coefficients):
            return
        if self._feasible and card.objective > self.best.objective - 1e-12:
            self.best = better(self.best, card)
            return
        polished = polish(self.problem, card.coefficients, card.scale)
        self.best = polished if self.problem.admits(polished.coefficients) else card
        self.news = True

    def _tell(self, *, running: bool) -> None:
        """Give SCIP the best card if it is new; never from within a check, which this would start again."""
        if self.news and self._feasible:
            self.news = False
            points = self.best.coefficients[self.columns].astype(np.float64)
            self.model.offer(points, self.groups.losses(points), running=running)

    def _add_lines(self, points: FloatArray, thetas: FloatArray, least: float) -> bool:
        constants, slopes = self.groups.lines(points)
        violated = np.flatnonzero(constants + slopes @ points - thetas > least)
        for group in violated.tolist():
            self.model.add_line(group, float(constants[group]), slopes[group])
        return len(violated) > 0

    def _first_card(self) -> Card:
        card = heuristic_card(self.problem, deadline=self.started + 0.5 * self.options.time_limit)
        if self.options.start is None:
            return card
        given = card_of(self.problem, self.options.start[0])
        return better(card, given) if self.problem.admits(given.coefficients) else card

    @property
    def _feasible(self) -> bool:
        return self.problem.admits(self.best.coefficients)

    @property
    def _lower_bound(self) -> float:
        return max(0.0, min(self.model.bound, self.best.objective) - 0.5 * TOLERANCE)

    def _report(self) -> None:
        now = time.perf_counter()
        if self.options.progress is None or now - self.reported < _PROGRESS_SECONDS:
            return
        self.reported = now
        value, bound = self.best.objective, self._lower_bound
        spent = {"seconds": now - self.started, "nodes": self.model.nodes}
        gap = relative_gap(value, bound)
        self.options.progress({**spent, "objective": value, "lower_bound": bound, "gap": gap})

    def _solution(self, ending: str) -> ScoreSolution:
        best, bound = self.best, self._lower_bound
        if not self._feasible:
            raise Infeasible(
                f"no card with at most {self.problem.max_features} features was found in the ranges. "
                "Let the ranges include 0, or raise `max_features`."
            )
        status = {"optimal": Status.OPTIMAL, "gaplimit": Status.GAP}.get(ending, Status.TIME_LIMIT)
        if status is Status.OPTIMAL and bound < best.objective - TOLERANCE:
            status = Status.GAP
        return ScoreSolution(
            value=best.objective, bound=bound, status=status, coefficients=best.coefficients,
            scale=best.scale, loss=self.problem.loss(best.coefficients, best.scale), engine="scip",
            nodes=self.model.nodes, seconds=time.perf_counter() - self.started,
        )  # fmt: skip


def _key(points: FloatArray) -> bytes:
    return points.astype(np.int64).tobytes()


def _loss_handler(search: _Search) -> Any:
    """Return the constraint handler through which SCIP asks `search`."""
    scip = pyscipopt_or("bnb")
    result = scip.SCIP_RESULT

    class LossHandler(scip.Conshdlr):  # type: ignore[name-defined]
        def conssepalp(self, *_: Any) -> dict[str, Any]:
            added = search.guarded(search.separate, False)
            return {"result": result.SEPARATED if added else result.DIDNOTFIND}

        def consenfolp(self, *_: Any) -> dict[str, Any]:
            added = search.guarded(search.enforce, False)
            return {"result": result.SEPARATED if added else result.FEASIBLE}

        def consenfops(self, *_: Any) -> dict[str, Any]:
            return {"result": result.SOLVELP}

        def conscheck(self, constraints: Any, solution: Any, *_: Any) -> dict[str, Any]:
            covered = search.guarded(lambda: search.check(solution), False)
            return {"result": result.FEASIBLE if covered else result.INFEASIBLE}

        def conslock(self, constraint: Any, locktype: Any, positive: int, negative: int) -> None:
            for variable in search.model.theta:
                self.model.addVarLocks(variable, positive, negative)
            for variable in search.model.points:
                self.model.addVarLocks(variable, positive + negative, positive + negative)

    return LossHandler()
