"""The largest share of rows on which one member of a convex level set differs from the reference.

    D = max over theta in S of  sum_i v_i 1[ |p_i(theta) - p0_i| >= deviation ],    weights v of sum 1

The comparison is that of `literals`, which ambiguity counts too, so D is never the larger. `value` is
attained by a model that is named and re-evaluated; `bound` rests on refutations by the dual of
`levelset.certificate` alone (`discrepancy_oracle`, `discrepancy_search`).

Source of the measure: Marx, Calmon and Ustun, "Predictive multiplicity in classification" (2020), and
Watson-Daniels, Parkes and Ustun, "Predictive multiplicity in probabilistic classification" (2023).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from riskstats._jit import one_blas_thread
from riskstats._validation import Floats, choice, non_negative_number, sample_weights
from riskstats._validation import time_limit as seconds_of
from riskstats.exceptions import InvalidInput
from riskstats.levelset.certificate import EPS, objective_above
from riskstats.levelset.level_set import LevelSet
from riskstats.multiplicity.discrepancy_literals import Conditions, conditions_of
from riskstats.multiplicity.discrepancy_models import Models
from riskstats.multiplicity.discrepancy_oracle import Oracle
from riskstats.multiplicity.discrepancy_search import Found, search
from riskstats.multiplicity.inputs import checked_deviation
from riskstats.multiplicity.literals import Booleans, Literals, literals_of
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate, weighted_share
from riskstats.results import Status

__all__ = ["SOLVERS", "SOLVER_BOUND", "Discrepancy", "convex_discrepancy"]

SOLVERS = ("search", "scip")
SOLVER_BOUND = "solver bound"
_BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class Discrepancy(MultiplicityRate):
    """The rate of a convex level set, and how it was found.

    Attributes
    ----------
    solver : "search" or "scip". With "scip" `kind` and `status` are "solver bound": the bound is a floating
        point number that nothing certifies.
    nodes : opened by the search.
    n_undecided : nodes that neither a model nor a refutation could close; they count in the bound.
    """

    solver: str = "search"
    nodes: int = 0
    n_undecided: int = 0

    def summary(self) -> str:
        """The share with its bound, and whose word the bound is."""
        text = super().summary()
        if self.kind != SOLVER_BOUND:
            return text
        return f"{text} The upper figure is SCIP's bound in floating point, not certified."


def convex_discrepancy(
    level_set: LevelSet,
    directions: Floats,
    prediction_range: PredictionRange,
    *,
    deviation: float,
    sample_weight: npt.ArrayLike | None = None,
    gap: float = 0.0,
    time_limit: float | None = 60.0,
    solver: str = "search",
) -> Discrepancy:
    """Weighted share of rows that one member of the level set moves by `deviation` or more, from both sides.

    Parameters
    ----------
    level_set : the members.
    directions : (n, p) rows as `level_set.problem.augmented` gives them.
    prediction_range : of the same rows over the same set, with the predictions of the reference as its
        baseline. Its safe ends leave rows out, its witnesses are the first models.
    deviation : in (0, 1); on the response scale any number > 0. A difference of exactly this much counts.
    sample_weight : (n,) numbers >= 0; None is one each.
    gap : stop once the bound is at most (1 + gap) times the value.
    time_limit : seconds; None is no limit. The answer is valid whenever time ends.
    solver : "search" (certified), or "scip": SCIP from the model that a short search finds, with a bound
        that is floating point (`discrepancy_scip`).

    `witness` holds the coefficients of a model that attains `value`, the intercept first, 0 where the models
    have none; None where not even the baseline is a proven member. `status` is OPTIMAL where value and bound
    agree, GAP where `gap` was reached or undecided nodes are all that is left, TIME_LIMIT otherwise.
    `InvalidInput`: shapes that differ, a range without baseline, other values out of range.
    """
    started = time.perf_counter()
    amount = checked_deviation(deviation, prediction_range.scale)
    limit, tolerance = seconds_of(time_limit), non_negative_number(gap, "gap")
    choice(solver, SOLVERS, "solver")
    rows = _Rows(level_set, _checked(level_set, directions, prediction_range), prediction_range.outer)
    weights = sample_weights(sample_weight, len(prediction_range))
    assert prediction_range.baseline is not None
    literals = literals_of(prediction_range.baseline, amount, prediction_range.scale)
    conditions = conditions_of(rows.directions, literals, rows.outer, weights)
    with one_blas_thread():
        models = _first_models(level_set, conditions, prediction_range)
        oracle = Oracle(level_set, conditions)
        if solver == "scip":
            from riskstats.multiplicity.discrepancy_scip import search_with_scip

            found = search_with_scip(oracle, models, deadline=started + limit, gap=tolerance)
        else:
            found = search(oracle, models, deadline=started + limit, gap=tolerance)
    return _answer(rows, literals, weights, models, found, solver, tolerance, amount, prediction_range)


@dataclass(frozen=True)
class _Rows:
    level_set: LevelSet
    directions: Floats
    outer: Floats


def _checked(level_set: LevelSet, directions: Floats, of: PredictionRange) -> Floats:
    array = np.ascontiguousarray(directions, dtype=np.float64)
    expected = (len(of), level_set.problem.p)
    if array.shape != expected:
        raise InvalidInput(
            f"`directions` must have shape {expected}, one row for each of the range; got {array.shape}. "
            "Pass `level_set.problem.augmented(X)` of the rows that the range is of."
        )
    if of.baseline is None:
        raise InvalidInput("the range has no baseline to differ from. Build it with `baseline=`.")
    return array


def _first_models(level_set: LevelSet, conditions: Conditions, of: PredictionRange) -> Models:
    """The baseline and the extreme models of the rows, as far as they are proven members."""
    models = Models(conditions, level_set.baseline.theta)
    skipped = 0 if level_set.problem.intercept else 1
    ends = (of.witness_lower, of.witness_upper)
    extremes = [end[:, skipped:] for end in ends if end is not None and end.ndim == 2]
    every = np.concatenate([level_set.baseline.theta[None], *extremes])
    lanes = max(1, _BLOCK // level_set.problem.n)
    for first in range(0, len(every), lanes):
        part = every[first : first + lanes]
        models.offer(part[_members(level_set, part)])
    return models


def _members(level_set: LevelSet, theta: Floats) -> Booleans:
    return np.asarray(objective_above(level_set.problem, theta) <= level_set.inner_limit)


def _answer(
    rows: _Rows,
    literals: Literals,
    weights: Floats,
    models: Models,
    found: Found,
    solver: str,
    gap: float,
    deviation: float,
    of: PredictionRange,
) -> Discrepancy:
    problem, theta = rows.level_set.problem, models.theta
    member = bool(_members(rows.level_set, theta[None])[0])
    counted = _counted(rows.directions, literals, theta) & (weights > 0.0) & member
    value = weighted_share(counted, weights)
    possible = literals.reached(rows.outer[:, 0], rows.outer[:, 1]) & (weights > 0.0)
    bound = _bound(value, models, found, weighted_share(possible, weights))
    exact = solver == "search" and bound <= value
    status = Status.OPTIMAL if exact else Status.GAP
    if found.open_nodes and found.bound > models.best * Fraction(1.0 + gap):
        status = Status.TIME_LIMIT
    return Discrepancy(
        name="discrepancy",
        value=value,
        bound=bound,
        kind=SOLVER_BOUND if solver == "scip" else "exact" if exact else "outer",
        n_conflict=int(counted.sum()),
        n_open=None,
        n_rows=int((weights > 0.0).sum()),
        rows=counted,
        deviation=deviation,
        status=SOLVER_BOUND if solver == "scip" else str(status),
        witness=np.concatenate([np.zeros(0 if problem.intercept else 1), theta]) if member else None,
        epsilon=of.epsilon,
        epsilon_kind=of.epsilon_kind,
        source=of.source,
        solver=solver,
        nodes=found.nodes,
        n_undecided=found.undecided,
    )


def _counted(directions: Floats, literals: Literals, theta: Floats) -> Booleans:
    """(n,) rows on which theta differs in exact arithmetic, as far as float64 can show."""
    at = directions @ theta
    error = (len(theta) + 4) * EPS * (np.abs(directions) @ np.abs(theta))
    return (literals.up_exists & (at - error >= literals.up)) | (
        literals.down_exists & (at + error <= literals.down)
    )


def _bound(value: float, models: Models, found: Found, ambiguity: float) -> float:
    """The bound as a share, rounded up; never above that of ambiguity."""
    if found.bound <= models.best:
        return value
    share = np.nextafter(float(Fraction(found.bound, models.conditions.total)), np.inf)
    return max(value, min(float(share), ambiguity))
