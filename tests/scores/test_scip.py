"""SCIP against enumeration, branch and bound and the golden optima; honest bounds when it is stopped."""

import itertools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from riskstats.exceptions import Infeasible, InvalidInput, NotConverged, Unavailable
from riskstats.results import Status
from riskstats.scores import bnb, scip
from riskstats.scores.beam import heuristic_card
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, SolveOptions

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scores.json").read_text())
PLANTED = GOLDEN["planted"]["cases"]
PENALTIES = (0.0, 1e-6, 0.02, 0.1)
MULTIPLIERS = (0.8, 1.0, 2.3)
NUMPY = SolveOptions(device="numpy", keep_proof=False)


def planted(name):
    """(X, y in {0, 1}, weights) of a generator in the golden file."""
    if name == "planted_binary":
        r = np.random.RandomState(11)
        X = (r.rand(400, 10) < np.linspace(0.2, 0.8, 10)).astype(float)
        logits = -1 + X @ [0, 2, -3, 0, 1, 0, 4, 0, -1, 0]
    elif name == "planted_integer":
        r = np.random.RandomState(12)
        X = r.randint(0, 5, (500, 8)).astype(float)
        logits = (-9 + X @ [3, 0, -2, 0, 1, 0, 0, 4]) / 2.5
    else:
        r = np.random.RandomState(13)
        X = np.round(r.randn(300, 6), 2)
        logits = (1 + X @ [2, -1, 0, 0, 3, 0]) / 1.5
    y = (r.rand(len(X)) < 1 / (1 + np.exp(-logits))).astype(int)
    weights = r.randint(1, 4, 300).astype(float) if name == "planted_real" else np.ones(len(X))
    return X, y, weights


def planted_problem(case):
    X, y, weights = planted(case["generator"])
    low, high = case["coefficient_range"]
    multiplier = case["fixed"]["multiplier"]
    return IntegerScoreProblem.from_data(
        X,
        y,
        weights,
        lower=np.full(case["d"], low),
        upper=np.full(case["d"], high),
        max_features=case["max_features"],
        penalty=case["coefficient_penalty"],
        multiplier_range=(multiplier, multiplier),
        intercept=tuple(case["intercept_range"]),
    )


def features(rng, kind, shape):
    if kind == "binary":
        return (rng.random(shape) < 0.5).astype(float)
    if kind == "integer":
        return rng.integers(0, 4, shape).astype(float)
    return np.round(rng.standard_normal(shape), 2)


def small_problem(seed, kind, *, d=3, n=40, separable=False, **changes):
    """A problem small enough to enumerate; weights, signs, penalty, multiplier and limit go by the seed."""
    rng = np.random.default_rng(seed)
    X = features(rng, kind, (n, d))
    logits = X @ rng.integers(-2, 3, d) - 0.5
    y = (logits > np.median(logits)) if separable else (rng.random(n) < 1 / (1 + np.exp(-logits)))
    y = y.astype(int)
    y[:2] = 0, 1
    X[:2] = (0, 0, 0)[:d], (1, 1, 1)[:d]
    sign = rng.integers(-1, 2, d) if seed % 3 == 1 else np.zeros(d)
    multiplier = MULTIPLIERS[seed % 3]
    settings = {
        "sample_weight": rng.gamma(1.0, size=n) if seed % 2 else None,
        "lower": np.where(sign > 0, 0, -3),
        "upper": np.where(sign < 0, 0, 3),
        "max_features": 1 + seed % 3,
        "penalty": PENALTIES[seed % 4],
        "multiplier_range": (multiplier, multiplier),
    }
    return IntegerScoreProblem.from_data(X, y, **{**settings, **changes})


def enumerated(problem):
    """Least objective over every card of the box: log(1 + exp) by numpy's own logaddexp, row by row."""
    scale = problem.scale_range[0]
    boxes = [range(a, b + 1) for a, b in zip(problem.lower, problem.upper, strict=True)]
    cards = np.array(
        [card for card in itertools.product(*boxes[1:]) if np.count_nonzero(card) <= problem.max_features]
    )
    totals = problem.rows @ cards.T
    price = problem.penalty * np.count_nonzero(cards, axis=1)
    least = np.inf
    for intercept in boxes[0]:
        z = scale * (totals + intercept)
        losses = problem.positive @ np.logaddexp(0, -z) + problem.negative @ np.logaddexp(0, z)
        least = min(least, float((losses + price).min()))
    return least


def hard_problem(penalty=1e-6, k=6):
    """Real features, so that the bound closes slowly."""
    rng = np.random.default_rng(5)
    X = np.round(rng.standard_normal((150, 12)), 2)
    y = (rng.random(150) < 1 / (1 + np.exp(-X[:, :6].sum(axis=1)))).astype(int)
    return IntegerScoreProblem.from_data(
        X,
        y,
        lower=np.full(12, -5),
        upper=np.full(12, 5),
        max_features=k,
        penalty=penalty,
        multiplier_range=(2.0, 2.0),
    )


def check_optimal(problem, solution, optimum):
    assert solution.status is Status.OPTIMAL
    assert solution.engine == "scip"
    assert solution.value == pytest.approx(optimum, rel=0, abs=1e-9)
    assert optimum - TOLERANCE <= solution.bound <= optimum + 1e-12
    assert problem.admits(solution.coefficients)
    assert solution.value == problem.objective(solution.coefficients, solution.scale)
    assert solution.loss == problem.loss(solution.coefficients, solution.scale)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["binary", "integer", "real"])
def test_small_problems_agree_with_enumeration_and_branch_and_bound(kind, seed):
    problem = small_problem(seed, kind)
    optimum = enumerated(problem)
    check_optimal(problem, scip.solve(problem), optimum)
    assert bnb.solve(problem, NUMPY).value == pytest.approx(optimum, rel=0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12, 400))
@pytest.mark.parametrize("kind", ["binary", "integer", "real"])
def test_many_small_problems_agree_with_enumeration(kind, seed):
    problem = small_problem(seed, kind, n=6 + seed % 60, separable=seed % 5 == 0)
    lattice = (None, True, False)[seed % 3]
    check_optimal(problem, scip.solve(problem, SolveOptions(lattice=lattice)), enumerated(problem))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("lattice", [True, False])
def test_every_penalty_with_and_without_lattice_lines(penalty, lattice):
    problem = small_problem(7, "integer", penalty=penalty)
    check_optimal(problem, scip.solve(problem, SolveOptions(lattice=lattice)), enumerated(problem))


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_every_multiplier(multiplier):
    problem = small_problem(8, "integer", multiplier_range=(multiplier, multiplier))
    check_optimal(problem, scip.solve(problem), enumerated(problem))


@pytest.mark.parametrize("kind", ["binary", "integer", "real"])
def test_separable_data(kind):
    problem = small_problem(3, kind, separable=True, max_features=3, penalty=0.0)
    check_optimal(problem, scip.solve(problem), enumerated(problem))


@pytest.mark.parametrize("limit", [None, 50])
def test_more_features_allowed_than_there_are(limit):
    problem = small_problem(4, "binary", max_features=limit)
    check_optimal(problem, scip.solve(problem), enumerated(problem))


def test_a_large_penalty_leaves_the_empty_card():
    problem = small_problem(2, "real", penalty=1.0)
    solution = scip.solve(problem)
    check_optimal(problem, solution, enumerated(problem))
    assert not solution.coefficients[1:].any()


@pytest.mark.parametrize("box", [0, 3])
def test_no_feature_to_use(box):
    ranges = {"lower": np.full(3, -box), "upper": np.full(3, box), "intercept": (-5, 5)}
    problem = small_problem(2, "binary", max_features=0 if box else 3, **ranges)
    check_optimal(problem, scip.solve(problem), enumerated(problem))


def test_lattice_lines_are_left_out_for_real_features():
    """Asked for where they would cut off optima, they are not used."""
    problem = small_problem(5, "real")
    check_optimal(problem, scip.solve(problem, SolveOptions(lattice=True)), enumerated(problem))


def test_features_of_very_different_size():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3)) * [1e3, 1.0, 1e-2]
    y = (rng.random(60) < 1 / (1 + np.exp(-X[:, 1]))).astype(int)
    box = {"lower": np.full(3, -3), "upper": np.full(3, 3), "intercept": (-20, 20)}
    problem = IntegerScoreProblem.from_data(X, y, max_features=2, penalty=1e-6, **box)
    check_optimal(problem, scip.solve(problem), enumerated(problem))


def test_weights_equal_repetition():
    rng = np.random.default_rng(9)
    X = features(rng, "integer", (30, 3))
    y = np.arange(30) % 2
    counts = rng.integers(0, 4, 30)
    box = {"lower": np.full(3, -3), "upper": np.full(3, 3), "max_features": 2, "penalty": 1e-3}
    weighted = IntegerScoreProblem.from_data(X, y, counts.astype(float), **box)
    repeated = IntegerScoreProblem.from_data(np.repeat(X, counts, axis=0), np.repeat(y, counts), **box)
    assert scip.solve(weighted).value == pytest.approx(scip.solve(repeated).value, rel=0, abs=1e-12)


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case['generator']}-{case['max_features']}")
def test_planted_problems_reach_the_golden_objective(case):
    X, y, weights = planted(case["generator"])
    check = case["check"]
    assert X.sum() == pytest.approx(check["sum_X"], rel=0, abs=1e-9)
    assert (y.sum(), weights.sum()) == (check["positives"], check["sum_weights"])
    problem, golden = planted_problem(case), case["fixed"]
    card = np.array([golden["intercept"], *golden["coefficient_vector"]])
    assert problem.objective(card, 1 / golden["multiplier"]) == pytest.approx(
        golden["objective"], rel=0, abs=1e-12
    )
    check_optimal(problem, scip.solve(problem), golden["objective"])


@pytest.mark.parametrize("case", PLANTED[::2], ids=lambda case: case["generator"])
def test_planted_problems_agree_with_branch_and_bound_without_lattice_lines(case):
    problem = planted_problem(case)
    proven = bnb.solve(problem, NUMPY)
    assert proven.status is Status.OPTIMAL
    check_optimal(problem, scip.solve(problem, SolveOptions(lattice=False)), proven.value)


def test_a_free_multiplier_is_refused_with_both_names_and_the_remedy():
    problem = small_problem(0, "binary", multiplier_range=(1.0, 20.0))
    with pytest.raises(InvalidInput, match=r"'scip'.*'certified' over 1 to 20.*solver='bnb'"):
        scip.solve(problem)


def test_without_pyscipopt_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyscipopt", None)
    with pytest.raises(Unavailable, match="pip install pyscipopt"):
        scip.solve(small_problem(0, "binary"))


def test_a_box_without_cards_is_infeasible():
    problem = small_problem(3, "integer", lower=np.full(3, 1), upper=np.full(3, 3), max_features=2)
    with pytest.raises(Infeasible, match="at most 2 features"):
        scip.solve(problem)


def test_features_that_must_be_used():
    problem = small_problem(
        6, "integer", lower=np.array([1, -3, -3]), upper=np.array([3, -1, 3]), max_features=2
    )
    check_optimal(problem, scip.solve(problem), enumerated(problem))


@pytest.fixture(scope="module")
def hard():
    problem = hard_problem()
    return problem, bnb.solve(problem, NUMPY)


def test_the_hard_problem_is_solved_by_both(hard):
    problem, proven = hard
    assert proven.status is Status.OPTIMAL
    check_optimal(problem, scip.solve(problem), proven.value)


@pytest.mark.parametrize(
    "limit", [{"max_nodes": 1}, {"max_nodes": 20}, {"time_limit": 0.2}, {"time_limit": 1e-6}]
)
def test_a_stopped_search_has_an_honest_bound(hard, limit):
    problem, proven = hard
    solution = scip.solve(problem, SolveOptions(**limit))
    assert solution.status is Status.TIME_LIMIT
    assert problem.admits(solution.coefficients)
    assert 0.0 <= solution.bound <= proven.value <= solution.value + 1e-9
    assert solution.gap > 1e-6
    assert solution.nodes <= limit.get("max_nodes", np.inf)


def test_a_bound_that_scip_does_not_have_is_zero(hard):
    problem, _ = hard
    assert scip.solve(problem, SolveOptions(time_limit=0.0)).bound == 0.0


def test_the_requested_gap_ends_the_search(hard):
    problem, proven = hard
    solution = scip.solve(problem, SolveOptions(gap=0.1))
    assert solution.status is Status.GAP
    assert 0 < solution.gap <= 0.1
    assert solution.bound <= proven.value


def test_the_same_problem_takes_the_same_path():
    problem = hard_problem(k=3)
    first, second = scip.solve(problem), scip.solve(problem)
    assert first.nodes == second.nodes
    assert first.bound == second.bound
    np.testing.assert_array_equal(first.coefficients, second.coefficients)


def test_a_good_start_is_kept_and_a_start_outside_the_box_is_not(hard):
    problem, proven = hard
    stop = {"max_nodes": 1}
    kept = scip.solve(problem, SolveOptions(start=(proven.coefficients, proven.scale), **stop))
    assert kept.value == pytest.approx(proven.value, rel=0, abs=1e-9)
    outside = np.full_like(proven.coefficients, 7)
    assert problem.admits(scip.solve(problem, SolveOptions(start=(outside, 0.5), **stop)).coefficients)


def test_a_poor_start_does_not_keep_scip_from_the_optimum(monkeypatch, hard):
    """The empty card as the first one: everything better has to be found inside the search."""
    problem, proven = hard
    empty = np.zeros_like(problem.lower)
    poor = heuristic_card(problem)
    poor = type(poor)(empty, poor.scale, problem.objective(empty, poor.scale))
    monkeypatch.setattr(scip, "heuristic_card", lambda *_, **__: poor)
    check_optimal(problem, scip.solve(problem), proven.value)


@pytest.mark.parametrize("kind", ["binary", "real"])
def test_loose_lines_never_give_a_wrong_certificate(monkeypatch, kind):
    """Thetas then stay short of the loss wherever SCIP stands: the search has to end, and to own up."""
    problem = small_problem(5, kind)
    optimum = enumerated(problem)
    exact = scip._Groups.lines

    def loose(groups, points):
        constants, slopes = exact(groups, points)
        return constants - 1e-6, slopes

    monkeypatch.setattr(scip._Groups, "lines", loose)
    solution = scip.solve(problem, SolveOptions(time_limit=10.0))
    assert solution.status is Status.GAP
    assert solution.bound < optimum - TOLERANCE
    assert solution.value >= optimum - 1e-12


def test_a_breakdown_of_scip_is_an_error_with_a_remedy():
    def broken():
        raise Exception("SCIP: error in LP solver!")

    model = object.__new__(scip._Model)
    model.scip = SimpleNamespace(optimize=broken)
    with pytest.raises(NotConverged, match=r"error in LP solver.*solver='bnb'"):
        model.run()


def test_progress_reports_and_its_exception_comes_through(monkeypatch, hard):
    problem, proven = hard
    monkeypatch.setattr(scip, "_PROGRESS_SECONDS", 0.0)
    reports = []

    def stop_after_five(report):
        reports.append(report)
        if len(reports) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scip.solve(problem, SolveOptions(progress=stop_after_five))
    assert len(reports) == 5
    assert set(reports[0]) == {"seconds", "nodes", "objective", "lower_bound", "gap"}
    bounds = [report["lower_bound"] for report in reports]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= proven.value


def test_nothing_is_printed(capfd):
    scip.solve(small_problem(1, "binary"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["binary", "integer", "real"])
@pytest.mark.parametrize("lattice", [True, False])
def test_lines_lie_below_the_loss_of_every_card_and_touch_it_where_they_are_taken(kind, lattice, rng):
    problem = small_problem(6, kind)
    columns = np.arange(len(problem.lower))
    groups = scip._Groups(problem, columns, heuristic_card(problem), lattice)
    cards = rng.integers(problem.lower, problem.upper, (200, len(columns)), endpoint=True).astype(float)
    losses = np.array([groups.losses(card) for card in cards])
    np.testing.assert_allclose(
        losses.sum(axis=1), [problem.loss(card, groups.scale) for card in cards], rtol=1e-12
    )
    for point in rng.uniform(problem.lower, problem.upper, (30, len(columns))):
        constants, slopes = groups.lines(point)
        assert np.all(constants + cards @ slopes.T <= losses + 1e-12)
    for card, loss in zip(cards[:30], losses, strict=False):
        constants, slopes = groups.lines(card)
        np.testing.assert_allclose(constants + slopes @ card, loss, rtol=0, atol=1e-11)
