import numpy as np
import pytest

from riskstats.multiplicity.discrepancy import convex_discrepancy
from riskstats.multiplicity.discrepancy_scip import solve_with_scip
from tests.multiplicity.convex_sets import level_set, range_over
from tests.multiplicity.test_discrepancy_search import conditions_on

pytest.importorskip("pyscipopt")


@pytest.mark.parametrize("seed", [0, 1])
def test_scip_agrees_with_the_search_and_never_says_certified(seed):
    levels = level_set(seed)
    rows = levels.problem.design[:12]
    found = range_over(levels, rows)
    weights = np.arange(1.0, 13.0)
    ours = convex_discrepancy(levels, rows, found, deviation=0.08, sample_weight=weights)
    theirs = convex_discrepancy(levels, rows, found, deviation=0.08, sample_weight=weights, solver="scip")
    assert ours.status == "OPTIMAL"
    assert theirs.value == ours.value
    assert theirs.bound >= ours.value
    assert theirs.bound == pytest.approx(ours.value, abs=1e-5)
    assert (theirs.kind, theirs.status, theirs.solver) == ("solver bound", "solver bound", "scip")
    assert "not certified" in theirs.summary()
    assert "exact" not in str(theirs.to_dict())


def test_gradient_cuts_alone_reach_the_same_count():
    levels = level_set(1)
    rows = levels.problem.design[:12]
    conditions = conditions_on(levels, rows, 0.08)
    answer = solve_with_scip(levels, conditions, time_limit=60.0)
    found = convex_discrepancy(levels, rows, range_over(levels, rows), deviation=0.08)
    assert answer.ended == "optimal"
    assert round(answer.bound) == found.n_conflict
    assert len(answer.places) == found.n_conflict


def test_nothing_to_count():
    levels = level_set(8, epsilon=1e-6)
    rows = levels.problem.design
    found = convex_discrepancy(levels, rows, range_over(levels, rows), deviation=0.5, solver="scip")
    assert found.value == found.bound == 0.0
    assert found.kind == "solver bound"
