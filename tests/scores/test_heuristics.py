"""Polish, rounding, best scale, neighbours and beam: never worse than before, never outside the problem."""

import time
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from riskstats.results import Status
from riskstats.scores import beam, bnb
from riskstats.scores.candidates import candidate_losses
from riskstats.scores.polish import (
    Card,
    best_neighbour,
    better,
    card_of,
    in_lowest_terms,
    neighbours_count,
    polish,
    promising_features,
)
from riskstats.scores.problem import SolveOptions
from riskstats.scores.rounding import round_to_card
from riskstats.scores.scale import best_scale
from tests.scores.test_bnb import bc30
from tests.scores.test_scip import PLANTED, enumerated, planted_problem, small_problem

KINDS = ("binary", "integer", "real")
FREE = {"multiplier_range": (0.8, 6.0)}
SCALES = pytest.mark.parametrize("changes", [{}, FREE], ids=["fixed", "free"])


def problems(kind, changes, seeds=range(8)):
    for seed in seeds:
        yield small_problem(seed, kind, **changes)


def random_card(problem, rng):
    """Integers of the box with few enough features."""
    card = rng.integers(problem.lower, problem.upper, endpoint=True)
    card[0] = np.clip(rng.integers(-9, 10), problem.lower[0], problem.upper[0])
    spare = np.flatnonzero(card[1:])[problem.max_features :]
    card[1 + spare] = 0
    return card


def random_scale(problem, rng):
    return float(rng.uniform(*problem.scale_range)) if not problem.fixed_scale else problem.scale_range[0]


def check_card(problem, card):
    assert problem.admits(card.coefficients)
    assert problem.scale_range[0] <= card.scale <= problem.scale_range[1]
    assert card.objective == problem.objective(card.coefficients, card.scale)


@SCALES
@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_polish_never_raises_the_objective_and_keeps_to_the_problem(kind, swaps, changes, rng):
    for problem in problems(kind, changes):
        for _ in range(4):
            start, scale = random_card(problem, rng), random_scale(problem, rng)
            card = polish(problem, start, scale, swaps=swaps)
            check_card(problem, card)
            assert card.objective <= problem.objective(start, scale) + 1e-13


@SCALES
@pytest.mark.parametrize("kind", KINDS)
def test_no_single_coordinate_of_a_polished_card_can_be_better(kind, changes, rng):
    for problem in problems(kind, changes):
        card = polish(problem, random_card(problem, rng), random_scale(problem, rng), swaps=False)
        for column in [0, *(1 + np.flatnonzero(card.coefficients[1:]))]:
            for value in range(problem.lower[column], problem.upper[column] + 1):
                trial = card.coefficients.copy()
                trial[column] = value
                assert problem.objective(trial, card.scale) >= card.objective - 1e-12
        again = polish(problem, card.coefficients, card.scale, swaps=False)
        assert again.objective == pytest.approx(card.objective, rel=0, abs=1e-13)


def test_polish_leaves_no_better_scale(rng):
    for problem in problems("integer", FREE):
        card = polish(problem, random_card(problem, rng), random_scale(problem, rng))
        assert card_of(problem, card.coefficients).objective >= card.objective - 1e-12


def test_a_feature_that_does_not_pay_for_itself_is_dropped():
    problem = small_problem(3, "integer", penalty=1.0, max_features=3)
    card = polish(problem, np.array([0, 1, -1, 1]), problem.scale_range[0])
    assert not card.coefficients[1:].any()


@SCALES
@pytest.mark.parametrize("kind", KINDS)
def test_the_best_neighbour_is_better_or_none(kind, changes, rng):
    for problem in problems(kind, changes):
        start = card_of(problem, random_card(problem, rng))
        found = best_neighbour(problem, start)
        if found is not None:
            check_card(problem, found)
            assert found.objective < start.objective
        used = 1 + np.flatnonzero(start.coefficients[1:])
        entering = [j for j in range(1, len(problem.lower)) if start.coefficients[j] == 0]
        leaving = ([None] if len(used) < problem.max_features else []) + used.tolist()
        least = start.objective
        for out in leaving:
            for column in entering:
                for value in range(problem.lower[column], problem.upper[column] + 1):
                    trial = start.coefficients.copy()
                    trial[column] = value
                    if out is not None:
                        trial[out] = 0
                    least = min(least, problem.objective(trial, start.scale))
        reached = start.objective if found is None else found.objective
        assert reached <= least + 1e-12


def test_no_neighbours_without_room_or_columns():
    problem = small_problem(2, "binary", max_features=0, intercept=(-5, 5))
    assert best_neighbour(problem, card_of(problem, np.zeros(4, dtype=int))) is None
    assert neighbours_count(problem) > 0


@SCALES
@pytest.mark.parametrize("kind", KINDS)
def test_rounding_gives_a_card_next_to_the_point(kind, changes, rng):
    for problem in problems(kind, changes):
        scale = random_scale(problem, rng)
        for _ in range(10):
            point = scale * rng.uniform(problem.lower - 1.0, problem.upper + 1.0)
            card = round_to_card(problem, point, scale)
            assert problem.admits(card)
            real = np.clip(point / scale, problem.lower, problem.upper)
            used = card != 0
            used[0] = True
            assert np.all(np.abs(card - real)[used] < 1.0 + 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_rounding_leaves_a_card_alone(kind, rng):
    for problem in problems(kind, {}):
        card = random_card(problem, rng)
        scale = problem.scale_range[0]
        np.testing.assert_array_equal(round_to_card(problem, scale * card.astype(float), scale), card)


def test_rounding_keeps_the_features_of_largest_effect():
    problem = small_problem(3, "integer", max_features=1)
    effect = problem.spread[1:]
    point = np.array([0.0, *(2.0 / effect)])
    point[2] *= 1.2
    card = round_to_card(problem, problem.scale_range[0] * np.clip(point, -3, 3), problem.scale_range[0])
    clipped = np.abs(np.clip(point, problem.lower, problem.upper))[1:] * effect
    assert set(np.flatnonzero(card[1:])) <= {int(np.argmax(clipped))}


def scale_case(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-9, 10, 40).astype(float) if seed % 2 else 5 * rng.standard_normal(40)
    weight = rng.gamma(0.5, size=40)
    weight /= weight.sum()
    positive = weight * (rng.random(40) < 1 / (1 + np.exp(-0.4 * scores)))
    return scores, weight, float(positive @ scores), positive


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("interval", [(0.05, 1.0), (0.01, 20.0), (0.3, 0.4)])
def test_best_scale_agrees_with_scipy(seed, interval):
    scores, weight, linear, positive = scale_case(seed)

    def loss(t):
        return positive @ np.logaddexp(0, -t * scores) + (weight - positive) @ np.logaddexp(0, t * scores)

    t, found = best_scale(scores, weight, linear, interval)
    reference = minimize_scalar(loss, bounds=interval, method="bounded", options={"xatol": 1e-10})
    assert interval[0] <= t <= interval[1]
    assert found == pytest.approx(loss(t), rel=0, abs=1e-13)
    assert found <= min(reference.fun, loss(interval[0]), loss(interval[1])) + 1e-13
    if interval[0] < t < interval[1]:
        assert t == pytest.approx(reference.x, rel=1e-5)
        sigmoid = 1 / (1 + np.exp(-t * scores))
        assert weight @ (sigmoid * scores) - linear == pytest.approx(0.0, abs=1e-13)


def test_best_scale_at_the_ends():
    scores, weight = np.array([-2.0, 3.0]), np.array([0.5, 0.5])
    assert best_scale(scores, weight, 1.5, (0.1, 5.0))[0] == 5.0
    assert best_scale(scores, weight, -1.0, (0.1, 5.0))[0] == 0.1
    assert best_scale(scores, weight, 0.7, (0.4, 0.4))[0] == 0.4
    t, loss = best_scale(np.zeros(3), np.full(3, 1 / 3), 0.0, (0.1, 5.0))
    assert 0.1 <= t <= 5.0
    assert loss == pytest.approx(np.log(2), abs=1e-15)


def test_best_scale_on_huge_scores():
    scores, weight = np.array([-4e5, 1.0, 7e5]), np.array([0.3, 0.4, 0.3])
    t, loss = best_scale(scores, weight, 0.3 * 7e5 + 0.1, (1e-3, 1.0))
    assert 1e-3 <= t <= 1.0
    assert np.isfinite(loss)


def test_ties_go_to_fewer_features_then_smaller_points_then_earlier_columns():
    cards = [
        Card(np.array([0, 0, 1, 0]), 1.0, 0.5 + 1e-14),
        Card(np.array([0, 0, 0, 1]), 1.0, 0.5),
        Card(np.array([0, 2, 0, 0]), 1.0, 0.5),
        Card(np.array([0, 1, 1, 0]), 1.0, 0.5),
        Card(np.array([0, 3, 0, 0]), 1.0, 0.5 + 1e-6),
    ]
    for first, second in pairwise(cards):
        assert better(first, second) is first
        assert better(second, first) is first


def test_lowest_terms_keep_the_risks_and_the_box():
    shared = {"multiplier_range": (1.0, 10.0), "max_features": 2}
    problem = small_problem(3, "integer", intercept=(-8, 8), **shared)
    card = card_of(problem, np.array([-2, 2, 0, -2]), 0.2)
    reduced = in_lowest_terms(problem, card)
    np.testing.assert_array_equal(reduced.coefficients, [-1, 1, 0, -1])
    assert reduced.scale == 0.4
    assert reduced.objective == pytest.approx(card.objective, rel=0, abs=1e-14)
    near = card_of(problem, card.coefficients, 0.9)
    assert in_lowest_terms(problem, near) is near
    narrow = small_problem(3, "integer", intercept=(-8, -2), **shared)
    kept = card_of(narrow, card.coefficients, 0.2)
    assert in_lowest_terms(narrow, kept) is kept
    empty = card_of(problem, np.zeros(4, dtype=int), 0.2)
    assert in_lowest_terms(problem, empty).objective == empty.objective


@pytest.mark.parametrize("kind", KINDS)
def test_promising_features_are_distinct_allowed_and_in_order(kind):
    for problem in problems(kind, {}):
        scores, scale = np.zeros(len(problem.rows)), problem.scale_range[0]
        found = promising_features(problem, scores, scale, np.array([1]), 9)
        columns, points, decreases = zip(*found, strict=True) if found else ((), (), ())
        assert not {0, 1} & set(columns)
        assert len(set(columns)) == len(columns)
        assert list(decreases) == sorted(decreases, reverse=True)
        assert all(problem.lower[j] <= p <= problem.upper[j] for j, p in zip(columns, points, strict=True))


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_losses_of_many_candidates(device, rng):
    problem = small_problem(4, "integer")
    points = rng.uniform(-3, 3, (700, len(problem.lower)))
    expected = [
        problem.positive @ np.logaddexp(0, -z) + problem.negative @ np.logaddexp(0, z)
        for z in (problem.design @ points.T).T
    ]
    np.testing.assert_allclose(candidate_losses(problem.data, points, device), expected, rtol=0, atol=1e-13)
    assert candidate_losses(problem.data, points[:0], device).shape == (0,)


@SCALES
@pytest.mark.parametrize("kind", KINDS)
def test_beam_is_admissible_and_never_under_the_proven_bound(kind, changes):
    options = SolveOptions(device="numpy", keep_proof=False)
    for problem in problems(kind, changes, range(6)):
        found, proven = beam.solve(problem), bnb.solve(problem, options)
        assert found.status is Status.HEURISTIC
        assert found.bound == 0.0
        assert found.engine == "beam"
        assert problem.admits(found.coefficients)
        assert found.value == problem.objective(found.coefficients, found.scale)
        assert found.value >= proven.bound
        assert found.value >= proven.value - 1e-9
        assert found.value <= 1.05 * proven.value + 1e-9


def test_beam_finds_most_optima():
    found = [
        beam.solve(problem).value <= enumerated(problem) + 1e-9
        for kind in KINDS
        for problem in (small_problem(seed, kind) for seed in range(20))
    ]
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case['generator']}-{case['max_features']}")
def test_beam_on_planted_problems(case):
    problem, optimum = planted_problem(case), case["fixed"]["objective"]
    assert optimum - 1e-9 <= beam.solve(problem).value <= 1.03 * optimum


def test_beam_with_no_time_still_gives_a_card():
    problem = small_problem(1, "real")
    found = beam.solve(problem, SolveOptions(time_limit=0.0))
    assert problem.admits(found.coefficients)
    assert found.value <= problem.objective(np.zeros_like(problem.lower), problem.scale_range[0]) + 1e-12


def test_beam_respects_its_time_limit():
    from riskstats.scores.problem import IntegerScoreProblem

    X, y = bc30()
    box = {"lower": np.full(30, -5), "upper": np.full(30, 5), "max_features": 10}
    problem = IntegerScoreProblem.from_data(X, y, multiplier_range=(1.0, 20.0), **box)
    started = time.perf_counter()
    beam.solve(problem, SolveOptions(time_limit=0.1))
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize("intercept", [(3, 3), (-9, -7), (20, 25)])
def test_heuristics_with_intercepts_that_exclude_zero(intercept):
    for kind in KINDS:
        problem = small_problem(2, kind, intercept=intercept)
        assert problem.admits(beam.solve(problem).coefficients)


@pytest.mark.parametrize("penalty", [0.0, 0.05])
def test_heuristics_keep_features_that_must_be_used(penalty):
    for seed in range(6):
        box = {"lower": np.array([1, -3, -3]), "upper": np.array([3, -1, 3])}
        problem = small_problem(seed, "integer", max_features=2, penalty=penalty, **box)
        assert problem.admits(beam.solve(problem).coefficients)
