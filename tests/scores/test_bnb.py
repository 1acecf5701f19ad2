"""Branch and bound on problems with known optima, what must not change its answer, and honest early ends."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import Infeasible
from riskstats.results import Status
from riskstats.scores import bnb, scip
from riskstats.scores.polish import card_of
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, SolveOptions
from tests.scores.test_scip import PLANTED, enumerated, hard_problem, planted, planted_problem, small_problem

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scores.json").read_text())
DATA = Path(__file__).parents[3] / "shared" / "data"
NUMPY = SolveOptions(device="numpy", keep_proof=False)
LARGE = ("adult", "mushroom")


def table(name):
    """(X, y) of a benchmark set that is not part of the package."""
    for path in (DATA / f"{name}_data.csv", DATA / f"{name}_data.csv.gz"):
        if path.exists():
            values = np.loadtxt(path, delimiter=",", skiprows=1)
            return values[:, 1:], values[:, 0].astype(int)
    pytest.skip(f"{name}_data.csv is not in ../shared/data")


def bc30():
    """scikit-learn's breast cancer data, each feature cut at its median."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    medians = np.median(X, axis=0)
    return np.greater(X, medians).astype(float), y


def golden_problem(case, X, y, weights=None):
    d, (low, high) = X.shape[1], case["coefficient_range"]
    multipliers = tuple(case.get("multiplier_range", [case["multiplier"]] * 2))
    return IntegerScoreProblem.from_data(
        X, y, weights, lower=np.full(d, low), upper=np.full(d, high), max_features=case["max_features"],
        penalty=case["coefficient_penalty"], multiplier_range=multipliers,
        intercept=tuple(case["intercept_range"]),
    )  # fmt: skip


def check_proven(problem, solution, objective, multiplier=None):
    assert solution.status is Status.OPTIMAL
    assert solution.engine == "bnb"
    assert solution.value == pytest.approx(objective, rel=0, abs=1e-9)
    assert objective - TOLERANCE <= solution.bound <= objective + 1e-12
    assert problem.admits(solution.coefficients)
    assert solution.value == problem.objective(solution.coefficients, solution.scale)
    assert solution.loss == problem.loss(solution.coefficients, solution.scale)
    if multiplier is not None:
        assert solution.multiplier == pytest.approx(multiplier, rel=0, abs=1e-5)


def check_stored_card(problem, case):
    card = np.array([case["intercept"], *case["coefficient_vector"]])
    found = problem.objective(card, 1 / case["multiplier"])
    assert found == pytest.approx(case["objective"], rel=0, abs=1e-12)
    assert problem.loss(card, 1 / case["multiplier"]) == pytest.approx(case["loss"], rel=0, abs=1e-12)


def marked(cases, slow):
    return [
        pytest.param(case, id=case["data"], marks=pytest.mark.slow if case["data"] in slow else ())
        for case in cases
    ]


@pytest.mark.parametrize("case", marked(GOLDEN["fixed_multiplier"], LARGE))
@pytest.mark.parametrize("intercept", ["given", "auto"])
def test_golden_optima_at_multiplier_one(case, intercept):
    X, y = table(case["data"])
    assert X.shape == (case["n"], case["d"])
    problem = golden_problem(case, X, y)
    check_stored_card(problem, case)
    if intercept == "auto":
        box = {"lower": problem.lower[1:], "upper": problem.upper[1:], "penalty": problem.penalty}
        problem = IntegerScoreProblem.from_data(X, y, max_features=case["max_features"], **box)
    elif case["data"] in LARGE:
        pytest.skip("the automatic range is enough for a large set")
    check_proven(problem, bnb.solve(problem, replace(NUMPY, time_limit=600.0)), case["objective"])


@pytest.mark.parametrize("case", marked(GOLDEN["certified_multiplier"], ("breastcancer",)))
def test_golden_certified_multipliers(case):
    X, y = table(case["data"])
    problem = golden_problem(case, X, y)
    check_stored_card(problem, case)
    solution = bnb.solve(problem, replace(NUMPY, time_limit=600.0))
    check_proven(problem, solution, case["objective"], case["multiplier"])


def planted_id(case):
    return f"{case['generator']}-{case['max_features']}"


@pytest.mark.parametrize("case", PLANTED, ids=planted_id)
@pytest.mark.parametrize("lattice", [None, False, True])
def test_planted_optima(case, lattice):
    problem = planted_problem(case)
    check_proven(problem, bnb.solve(problem, replace(NUMPY, lattice=lattice)), case["fixed"]["objective"])


@pytest.mark.parametrize("case", PLANTED, ids=planted_id)
def test_planted_certified_multipliers(case):
    X, y, weights = planted(case["generator"])
    certified = case["certified"]
    problem = golden_problem({**case, **certified}, X, y, weights)
    check_stored_card(problem, certified)
    check_proven(problem, bnb.solve(problem, NUMPY), certified["objective"], certified["multiplier"])


def test_the_empty_card_is_not_certified_on_bc30():
    """A bound that nobody checked once cut off this optimum: the answer was the empty card, "optimal"."""
    X, y = bc30()
    assert X.shape == (569, 30)
    assert len(np.unique(X, axis=0)) == 515
    box = {"lower": np.full(30, -5), "upper": np.full(30, 5), "max_features": 5, "penalty": 1e-6}
    problem = IntegerScoreProblem.from_data(X, y, **box)
    solution = bnb.solve(problem, NUMPY)
    check_proven(problem, solution, solution.value)
    assert solution.value < 0.165594
    assert np.count_nonzero(solution.coefficients[1:]) == 5
    assert solution.nodes > 10


@pytest.mark.slow
def test_scip_agrees_on_bc30():
    X, y = bc30()
    box = {"lower": np.full(30, -5), "upper": np.full(30, 5), "max_features": 5, "penalty": 1e-6}
    problem = IntegerScoreProblem.from_data(X, y, **box)
    theirs = scip.solve(problem, SolveOptions(time_limit=400.0))
    assert theirs.status is Status.OPTIMAL
    assert theirs.value == pytest.approx(bnb.solve(problem, NUMPY).value, rel=0, abs=1e-9)


# what must not change the answer


def sample(seed=0, n=50, d=5):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (n, d)).astype(float)
    return X, (rng.random(n) < 1 / (1 + np.exp(1.5 - X @ np.array([1, -1, 1, 0, 0.5])[:d]))).astype(int)


def value(X, y, weights=None, **changes):
    d = X.shape[1]
    settings = {
        "lower": np.full(d, -3), "upper": np.full(d, 3), "max_features": 3, "penalty": 1e-3,
        "multiplier_range": (1.0, 4.0), **changes,
    }  # fmt: skip
    solution = bnb.solve(IntegerScoreProblem.from_data(X, y, weights, **settings), NUMPY)
    assert solution.status is Status.OPTIMAL
    return solution


MULTIPLIERS = pytest.mark.parametrize("multipliers", [(1.0, 1.0), (1.0, 4.0)], ids=["fixed", "free"])


@MULTIPLIERS
def test_the_same_search_however_the_rows_are_written_down(multipliers):
    """Row order, repetition against weights, rows of weight zero, a common factor: nodes and card stay."""
    rng = np.random.default_rng(0)
    X, y = sample(0)
    counts = rng.integers(1, 4, len(y))
    plain = value(X, y, counts.astype(float), multiplier_range=multipliers)
    order = rng.permutation(len(y))
    repeated = np.repeat(np.arange(len(y)), counts)
    void = rng.integers(0, 4, (7, X.shape[1])).astype(float)
    variants = {
        "order": (X[order], y[order], counts[order].astype(float)),
        "repetition": (X[repeated], y[repeated], None),
        "weights x 7": (X, y, 7.0 * counts),
        "weight 0": (np.vstack([void, X]), np.append(np.arange(7) % 2, y), np.append(np.zeros(7), counts)),
    }
    for name, given in variants.items():
        found = value(*given, multiplier_range=multipliers)
        assert found.value == pytest.approx(plain.value, rel=0, abs=1e-14), name
        assert found.nodes == plain.nodes, name
        np.testing.assert_array_equal(found.coefficients, plain.coefficients, err_msg=name)


@MULTIPLIERS
@pytest.mark.parametrize("seed", range(2))
def test_the_same_objective_for_permuted_columns(multipliers, seed):
    X, y = sample(seed)
    plain = value(X, y, multiplier_range=multipliers).value
    order = np.random.default_rng(seed).permutation(X.shape[1])
    permuted = value(X[:, order], y, multiplier_range=multipliers).value
    assert permuted == pytest.approx(plain, rel=0, abs=1e-9)


@MULTIPLIERS
@pytest.mark.parametrize("seed", range(2))
def test_a_label_flip_negates_the_card(multipliers, seed):
    X, y = sample(seed)
    lower, upper = np.array([-3, 0, -3, -1, -2]), np.array([3, 3, 0, 2, 1])
    plain = value(X, y, lower=lower, upper=upper, multiplier_range=multipliers)
    flipped = value(X, 1 - y, lower=-upper, upper=-lower, multiplier_range=multipliers)
    assert flipped.value == pytest.approx(plain.value, rel=0, abs=1e-9)
    problem = IntegerScoreProblem.from_data(
        X, 1 - y, lower=-upper, upper=-lower, max_features=3, penalty=1e-3, multiplier_range=multipliers
    )
    negated = problem.objective(-plain.coefficients, plain.scale)
    assert negated == pytest.approx(plain.value, rel=0, abs=1e-13)


@MULTIPLIERS
@pytest.mark.parametrize("shift", [-2, 5])
def test_an_integer_shift_of_a_column_moves_only_the_intercept(multipliers, shift):
    X, y = sample(4)
    moved = X.copy()
    moved[:, 0] += shift
    plain, shifted = (value(rows, y, multiplier_range=multipliers) for rows in (X, moved))
    assert shifted.value == pytest.approx(plain.value, rel=0, abs=1e-9)
    card = plain.coefficients.copy()
    card[0] -= shift * card[1]
    problem = IntegerScoreProblem.from_data(
        moved, y, lower=np.full(5, -3), upper=np.full(5, 3), max_features=3, penalty=1e-3,
        multiplier_range=multipliers,
    )  # fmt: skip
    assert problem.admits(card)
    assert problem.objective(card, plain.scale) == pytest.approx(plain.value, rel=0, abs=1e-13)


def falls(values):
    return all(later <= earlier + 1e-9 for earlier, later in pairwise(values))


@MULTIPLIERS
def test_more_freedom_never_raises_the_optimum(multipliers):
    X, y = sample(6, d=4)
    shared = {"multiplier_range": multipliers, "penalty": 1e-6}
    assert falls([value(X, y, max_features=k, **shared).value for k in (0, 1, 2, 4)])
    boxes = [{"lower": np.full(4, -b), "upper": np.full(4, b)} for b in (0, 1, 3)]
    assert falls([value(X, y, **box, **shared).value for box in boxes])
    assert falls([value(X, y, intercept=(-b, b), **shared).value for b in (0, 4, 30)])


def test_a_wider_range_of_multipliers_never_raises_the_optimum():
    X, y = sample(7)
    ranges = [(2.0, 2.0), (1.7, 2.4), (1.0, 4.0), (0.5, 20.0)]
    assert falls([value(X, y, multiplier_range=pair, penalty=1e-6).value for pair in ranges])


def test_a_penalty_costs_at_most_itself_per_feature():
    X, y = sample(8)
    values = [value(X, y, penalty=penalty).value for penalty in (0.0, 0.005, 0.02, 1.0)]
    assert values == sorted(values)
    for penalty, found in zip((0.0, 0.005, 0.02), values, strict=False):
        assert found <= values[0] + 3 * penalty + 1e-9


# boxes that are not the usual one


FORCED = [
    ([-3, -3, 1], [3, 3, 3], 1, 0.05),
    ([-3, -3, 1], [3, 3, 3], 2, 0.0),
    ([1, -3, -3], [3, -1, 3], 2, 1e-3),
    ([-3, 1, -3], [-1, 3, 3], 2, 0.05),
    ([-3, 1, -3], [-1, 3, 3], 3, 0.0),
]


@pytest.mark.parametrize(("lower", "upper", "limit", "penalty"), FORCED)
@pytest.mark.parametrize("seed", [0, 6])
def test_features_that_must_be_used(lower, upper, limit, penalty, seed):
    """A box without 0: the heuristics must not leave it either."""
    box = {"lower": np.array(lower), "upper": np.array(upper), "max_features": limit, "penalty": penalty}
    problem = small_problem(seed, "integer", **box)
    cards = replace(problem, max_features=limit)
    solution = bnb.solve(problem, NUMPY)
    assert problem.admits(solution.coefficients)
    check_proven(problem, solution, enumerated(cards))


def test_a_box_without_cards_is_infeasible():
    """As in the other engine: an answer outside the box is no answer."""
    problem = small_problem(3, "integer", lower=np.full(3, 1), upper=np.full(3, 3), max_features=2)
    with pytest.raises(Infeasible, match="at most 2 features"):
        bnb.solve(problem, NUMPY)


@pytest.mark.parametrize("intercept", [(3, 3), (30, 35), (-40, -38)])
@MULTIPLIERS
def test_intercepts_far_from_the_best_one(intercept, multipliers):
    X, y = sample(9, d=3)
    problem = IntegerScoreProblem.from_data(
        X, y, lower=np.full(3, -3), upper=np.full(3, 3), max_features=2, intercept=intercept,
        multiplier_range=multipliers,
    )  # fmt: skip
    solution = bnb.solve(problem, NUMPY)
    assert solution.status is Status.OPTIMAL
    assert problem.admits(solution.coefficients)
    if problem.fixed_scale:
        check_proven(problem, solution, enumerated(problem))


@pytest.mark.parametrize("multiplier", [1e-3, 0.02, 500.0])
@pytest.mark.parametrize("lattice", [False, True])
def test_multipliers_of_any_size(multiplier, lattice):
    problem = small_problem(8, "integer", multiplier_range=(multiplier, multiplier))
    solution = bnb.solve(problem, replace(NUMPY, lattice=lattice))
    check_proven(problem, solution, enumerated(problem))


@pytest.mark.parametrize("share", [1e-9, 1e-15, 1e-17, 1e-30])
@pytest.mark.parametrize("rare", [0, 1])
def test_a_class_of_next_to_no_weight(share, rare):
    """A class with positive weight is enough, however little: the share of the other one may round to 1."""
    X, y = sample(10, d=3)
    solution = value(X, y, np.where(y == rare, share, 1.0), max_features=2)
    assert solution.value <= 1e-6 + 40 * share


@pytest.mark.parametrize("size", [1e4, 1e6])
def test_features_of_very_different_size(size):
    X, y = sample(11, n=40, d=3)
    X = (X + 0.37) * [size, 1.0, 1 / size]
    problem = IntegerScoreProblem.from_data(
        X, y, lower=np.full(3, -3), upper=np.full(3, 3), max_features=2, intercept=(-20, 20)
    )
    check_proven(problem, bnb.solve(problem, NUMPY), enumerated(problem))


# early ends, reports, determinism


@pytest.fixture(scope="module")
def hard():
    problem = hard_problem()
    return problem, bnb.solve(problem, NUMPY)


STOPS = [{"max_nodes": 1}, {"max_nodes": 10}, {"time_limit": 0.05}, {"time_limit": 1e-6}]


@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_a_stopped_search_has_an_honest_bound(hard, stop):
    problem, proven = hard
    solution = bnb.solve(problem, replace(NUMPY, **stop))
    assert solution.status is Status.TIME_LIMIT
    assert problem.admits(solution.coefficients)
    assert solution.bound <= proven.value <= solution.value + 1e-9
    assert solution.gap > 1e-6
    assert not solution.proven


@pytest.mark.parametrize("multipliers", [(1.0, 1.0), (1.0, 20.0)])
@pytest.mark.parametrize("stop", [{"max_nodes": 0}, {"max_nodes": 1}, {"time_limit": 0.0}], ids=str)
def test_no_loss_is_below_zero(multipliers, stop):
    """Some roots have no line yet when the search ends; zero is a bound, minus infinity is none."""
    problem = small_problem(0, "real", multiplier_range=multipliers, penalty=0.0)
    assert 0.0 <= bnb.solve(problem, replace(NUMPY, **stop)).bound < np.inf


@pytest.mark.parametrize("gap", [0.3, 0.1, 0.01])
def test_the_requested_gap_ends_the_search(hard, gap):
    problem, proven = hard
    solution = bnb.solve(problem, replace(NUMPY, gap=gap))
    assert solution.status is Status.GAP
    assert 0 < solution.gap <= gap
    assert solution.bound <= proven.value <= solution.value + 1e-9
    assert solution.nodes < proven.nodes


def test_progress_is_reported_with_bounds_that_rise(monkeypatch, hard):
    problem, proven = hard
    monkeypatch.setattr(bnb, "_PROGRESS_SECONDS", 0.0)
    reports = []
    bnb.solve(problem, replace(NUMPY, progress=reports.append))
    assert len(reports) > 5
    assert set(reports[0]) == {"seconds", "nodes", "objective", "lower_bound", "gap"}
    bounds = [report["lower_bound"] for report in reports]
    assert all(earlier <= later + 1e-12 for earlier, later in pairwise(bounds))
    assert bounds[-1] <= proven.value
    objectives = [report["objective"] for report in reports]
    assert objectives == sorted(objectives, reverse=True)


@MULTIPLIERS
def test_the_same_run_twice(multipliers):
    X, y = sample(12)
    box = {"lower": np.full(5, -3), "upper": np.full(5, 3), "max_features": 3, "penalty": 1e-6}
    problem = IntegerScoreProblem.from_data(X, y, multiplier_range=multipliers, **box)
    first, second = (bnb.solve(problem, SolveOptions(device="numpy")) for _ in range(2))
    assert (first.nodes, first.value, first.bound) == (second.nodes, second.value, second.bound)
    np.testing.assert_array_equal(first.coefficients, second.coefficients)
    assert first.proof.digest() == second.proof.digest()


@pytest.mark.parametrize("lattice", [False, True])
def test_compiled_code_gives_the_same_objective(lattice):
    for seed in range(4):
        problem = small_problem(seed, "integer", n=60)
        options = replace(NUMPY, lattice=lattice)
        proven, compiled = (bnb.solve(problem, replace(options, device=name)) for name in ("numpy", "cpu"))
        check_proven(problem, compiled, proven.value)
        assert proven.compile_seconds == 0.0
        assert 0.0 <= compiled.compile_seconds < compiled.seconds


def test_the_device_of_choice_gives_the_same_objective(hard):
    problem, proven = hard
    check_proven(problem, bnb.solve(problem, replace(NUMPY, device="auto")), proven.value)


def test_a_start_is_used_if_it_is_a_card(monkeypatch, hard):
    problem, proven = hard
    empty = card_of(problem, np.zeros_like(problem.lower))
    monkeypatch.setattr(bnb, "heuristic_card", lambda *_, **__: empty)
    stop = replace(NUMPY, max_nodes=0)
    kept = bnb.solve(problem, replace(stop, start=(proven.coefficients, proven.scale)))
    assert kept.value == pytest.approx(proven.value, rel=0, abs=1e-12)
    outside = bnb.solve(problem, replace(stop, start=(np.full_like(problem.lower, 7), 0.5)))
    assert outside.value == empty.objective


def test_a_search_without_heuristics_finds_the_optimum(monkeypatch, hard):
    problem, proven = hard
    empty = card_of(problem, np.zeros_like(problem.lower))
    monkeypatch.setattr(bnb, "heuristic_card", lambda *_, **__: empty)
    monkeypatch.setattr(bnb._Search, "_look_for_card", lambda *_: None)
    check_proven(problem, bnb.solve(problem, NUMPY), proven.value)


def test_a_card_in_lowest_terms_stays_in_the_box():
    """(2, 0) at multiplier 20 is (1, 0) at 10, but 1 is not an intercept of the range."""
    X, y = sample(13, d=2)
    for low, high in ((2, 4), (4, 8), (-6, -4), (-8, -3)):
        found = value(X, y, intercept=(low, high), max_features=2, multiplier_range=(1.0, 20.0))
        assert low <= found.coefficients[0] <= high


def test_points_have_no_common_divisor_where_the_range_allows():
    for seed in range(4):
        X, y = sample(seed, d=3)
        found = value(X, y, multiplier_range=(1.0, 20.0), max_features=2)
        divisor = int(np.gcd.reduce(found.coefficients))
        assert divisor <= 1 or found.multiplier / divisor < 1.0
