import json
import math
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.levelset import ConvexProblem, LevelSet
from riskstats.levelset.baseline import fit_baseline
from riskstats.multiplicity import ambiguity
from riskstats.multiplicity.discrepancy import convex_discrepancy
from tests.multiplicity.convex_sets import level_set, range_over
from tests.reference import discrepancy as slow

GOLDEN = Path(__file__).parents[1] / "golden" / "multiplicity.json"


def answer(levels, rows, **options):
    return convex_discrepancy(levels, rows, range_over(levels, rows), **options)


def truth(levels, rows, deviation, weights=None):
    """The enumeration's share; the case is no test where a decision hangs on the last digits."""
    theta, limit = levels.baseline.theta, levels.inner_limit
    response = levels.problem.loss.name == "squared loss"
    literals = slow.half_spaces(rows, rows @ theta, deviation, response)
    weights = [1.0] * len(rows) if weights is None else weights
    share, nearest = slow.discrepancy(levels.problem, theta, limit, literals, weights)
    assert nearest > 1e-6
    return share


def proven(found, share):
    assert (found.status, found.kind) == ("OPTIMAL", "exact")
    assert found.value == found.bound == float(share)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_what_enumeration_finds(seed):
    levels = level_set(seed)
    rows = levels.problem.design[:8]
    for deviation in (0.07, 0.11):
        proven(answer(levels, rows, deviation=deviation), truth(levels, rows, deviation))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_the_search_finds_what_enumeration_finds_on_many_problems(seed):
    rng = np.random.default_rng(seed)
    scale = float(10 ** rng.uniform(-2, 2))
    levels = level_set(
        seed, n=30, d=int(rng.integers(1, 7)), epsilon=float(10 ** rng.uniform(-3, 0)),
        penalty=scale**2 * float(10 ** rng.uniform(-3, 0)), scale=scale,
        intercept=bool(seed % 3),
    )  # fmt: skip
    for size, quantile in ((6, 0.3), (9, 0.6), (12, 0.8)):
        rows, weights = levels.problem.design[:size], rng.random(size)
        found = range_over(levels, rows)
        sizes = np.abs(1 / (1 + np.exp(-found.inner)) - 1 / (1 + np.exp(-found.baseline))[:, None])
        deviation = float(np.quantile(sizes, quantile))
        got = convex_discrepancy(levels, rows, found, deviation=deviation, sample_weight=weights)
        share = truth(levels, rows, deviation, weights)
        assert got.status == "OPTIMAL"
        assert got.value == pytest.approx(float(share), rel=1e-14)


@pytest.mark.parametrize(("squared", "penalty"), [(True, 0.05), (True, 0.0), (False, 0.0)])
def test_squared_loss_and_no_penalty(squared, penalty):
    levels = level_set(3, squared=squared, penalty=penalty)
    rows = levels.problem.design[:8]
    for deviation in (0.09, 0.15) if not squared else (0.3, 0.4):
        proven(answer(levels, rows, deviation=deviation), truth(levels, rows, deviation))


def test_weights_count_and_rows_of_weight_zero_do_not():
    levels = level_set(5)
    rows = levels.problem.design[:10]
    weights = np.random.default_rng(1).integers(0, 4, 10).astype(float)
    found = answer(levels, rows, deviation=0.05, sample_weight=weights)
    proven(found, truth(levels, rows, 0.05, weights))
    repeated = np.repeat(np.arange(10), weights.astype(int))
    proven(answer(levels, rows[repeated], deviation=0.05), Fraction(found.value).limit_denominator(100))
    kept = weights > 0
    assert answer(levels, rows[kept], deviation=0.05, sample_weight=weights[kept]).value == found.value
    assert found.n_rows == kept.sum()


def test_weights_of_any_size_are_summed_exactly():
    levels = level_set(6)
    rows = levels.problem.design[:8]
    weights = np.array([1e-300, 1.0, 0.1, 0.2, 0.3, 1e-8, 1e300, 3.0])
    found = answer(levels, rows, deviation=0.06, sample_weight=weights)
    assert found.status == "OPTIMAL"
    assert found.value == pytest.approx(float(truth(levels, rows, 0.06, weights)), rel=1e-14)


def test_discrepancy_lies_below_ambiguity_rises_with_epsilon_and_falls_with_deviation():
    levels = level_set(7)
    rows = levels.problem.design[:12]
    values = np.zeros((3, 4))
    for i, epsilon in enumerate((0.01, 0.03, 0.08)):
        here = levels.at(epsilon, relative=True)
        found = range_over(here, rows)
        for j, deviation in enumerate((0.04, 0.08, 0.12, 0.3)):
            rate = convex_discrepancy(here, rows, found, deviation=deviation)
            widest = ambiguity(None, found, deviation=deviation)
            assert rate.value <= rate.bound <= widest.bound
            assert rate.value <= widest.value
            values[i, j] = rate.value
    assert (np.diff(values, axis=0) >= 0).all()
    assert (np.diff(values, axis=1) <= 0).all()
    assert 0.0 < values[2, 3] < values[2, 0]


def exactly_differs(levels, rows, theta, deviation):
    """(F in many digits, rows on which theta differs in many digits)."""
    problem, best = levels.problem, levels.baseline.theta
    with mpmath.workdps(40):
        vector = [mpmath.mpf(float(t)) for t in theta]

        def margin(q, at):
            return mpmath.fsum(
                mpmath.mpf(float(a)) * mpmath.mpf(float(t)) for a, t in zip(q, at, strict=True)
            )

        losses = [
            mpmath.log1p(mpmath.exp(-mpmath.mpf(float(y)) * margin(q, vector)))
            for q, y in zip(problem.design, problem.target, strict=True)
        ]
        ridge = mpmath.fsum(t * t for t in vector[1:]) * mpmath.mpf(problem.penalty) / 2
        value = mpmath.fsum(losses) / len(losses) + ridge
        # the baseline's margins are what float64 makes of them: a deviation of exactly this much counts
        base = [mpmath.mpf(float(m)) for m in rows @ best]

        def sigmoid(m):
            return 1 / (1 + mpmath.exp(-m))

        sizes = [abs(sigmoid(margin(q, vector)) - sigmoid(m)) for q, m in zip(rows, base, strict=True)]
        return value, np.array([size >= mpmath.mpf(deviation) - mpmath.mpf(10) ** -14 for size in sizes])


@pytest.mark.parametrize("seed", range(3))
def test_the_witness_is_a_member_and_shows_every_row_that_is_counted(seed):
    levels = level_set(seed + 20, n=60, epsilon=0.1)
    rows = levels.problem.design
    found = answer(levels, rows, deviation=0.12)
    value, differs = exactly_differs(levels, rows, found.witness, 0.12)
    assert value <= mpmath.mpf(levels.inner_limit)
    assert (differs >= found.rows).all()
    assert found.rows.sum() == found.n_conflict > 2
    assert found.value == found.n_conflict / 60


def test_value_and_bound_hold_whenever_time_ends():
    levels = level_set(30, n=120, d=8, epsilon=0.05)
    rows = levels.problem.design[:60]
    found = range_over(levels, rows)
    full = convex_discrepancy(levels, rows, found, deviation=0.15, time_limit=None)
    widest = ambiguity(None, found, deviation=0.15).bound
    assert full.status == "OPTIMAL"
    for limit in (1e-9, 1e-3, 1e-2, 3e-2, 0.1, 0.3):
        short = convex_discrepancy(levels, rows, found, deviation=0.15, time_limit=limit)
        assert short.value <= full.value <= short.bound <= widest
        assert short.status in ("OPTIMAL", "TIME_LIMIT")
        assert (short.status == "OPTIMAL") == (short.value == short.bound)


def test_a_gap_stops_early_and_says_so():
    levels = level_set(31, n=120, d=8, epsilon=0.05)
    rows = levels.problem.design[:60]
    found = range_over(levels, rows)
    short = convex_discrepancy(levels, rows, found, deviation=0.12, gap=1.0)
    less = convex_discrepancy(levels, rows, found, deviation=0.12, gap=0.3)
    assert short.status == less.status == "GAP"
    assert short.kind == "outer"
    assert short.value < short.bound <= 2.0 * short.value
    assert less.value < less.bound <= 1.3 * less.value
    assert short.nodes < less.nodes


def test_nothing_differs_by_much():
    levels = level_set(8, epsilon=1e-6)
    found = answer(levels, levels.problem.design, deviation=0.5)
    proven(found, 0)
    assert not found.rows.any()


def test_one_and_the_same_row_many_times_counts_as_often():
    levels = level_set(9)
    rows = np.repeat(levels.problem.design[:2], 20, axis=0)
    found = answer(levels, rows, deviation=0.05)
    assert found.status == "OPTIMAL"
    assert found.value in (0.5, 1.0)


def test_wrong_inputs_are_named():
    levels = level_set(10)
    rows = levels.problem.design
    found = range_over(levels, rows)
    with pytest.raises(InvalidInput, match="`directions` must have shape"):
        convex_discrepancy(levels, rows[:, 1:], found, deviation=0.1)
    with pytest.raises(InvalidInput, match=r"Did you mean 0\.10"):
        convex_discrepancy(levels, rows, found, deviation=10)
    with pytest.raises(InvalidInput, match="`solver` must be one of"):
        convex_discrepancy(levels, rows, found, deviation=0.1, solver="gurobi")
    with pytest.raises(InvalidInput, match="`gap`"):
        convex_discrepancy(levels, rows, found, deviation=0.1, gap=-1)
    with pytest.raises(InvalidInput, match="`time_limit`"):
        convex_discrepancy(levels, rows, found, deviation=0.1, time_limit=0)


def breast_cancer():
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    problem = ConvexProblem.of(X, 2.0 * y - 1.0, penalty=1.0 / len(y))
    return problem, fit_baseline(problem)


def golden_case(epsilon, deviation, **options):
    problem, baseline = breast_cancer()
    levels = LevelSet.near_optimal(problem, baseline, epsilon, relative=True, device="numpy")
    return answer(levels, problem.design, deviation=deviation, **options)


def golden_values():
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {(v["eps"], v["delta"]): v for v in known["discrepancy_breast_cancer"]["values"]}


@pytest.mark.parametrize("deviation", [0.3, 0.2])
def test_the_stored_counts_are_proven_again(deviation):
    found = golden_case(0.01, deviation)
    assert found.status == "OPTIMAL"
    assert found.n_conflict == golden_values()[0.01, deviation]["exact"]
    assert math.isclose(found.bound, found.n_conflict / 569)


@pytest.mark.slow
def test_the_stored_open_case_is_closed_between_its_bounds():
    known = golden_values()[0.01, 0.1]
    found = golden_case(0.01, 0.1, time_limit=400)
    assert found.status == "OPTIMAL"
    assert known["LB"] <= found.n_conflict <= known["UB_solver"]
    assert found.n_conflict == 9


@pytest.mark.slow
def test_a_larger_set_is_proven_too():
    found = golden_case(0.05, 0.3, time_limit=200)
    assert (found.status, found.n_conflict) == ("OPTIMAL", 6)
