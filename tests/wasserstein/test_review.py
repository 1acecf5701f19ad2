"""Small sets on which an answer once was wrong, loose, or impossible to write down."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from riskstats import worst_case_risk
from riskstats.exceptions import InvalidInput
from riskstats.measures import CVaR, Mean
from riskstats.results import Status
from riskstats.wasserstein import (
    Absolute,
    Aggregate,
    AtMost,
    Below,
    Between,
    Call,
    Claim,
    Declared,
    Linear,
    MarginalBalls,
    OverlappingBalls,
    Put,
    Question,
    Square,
    WassersteinBall,
    average_effect_bounds,
    breakdown_frontier,
    breakdown_radius,
    effect_distribution_bounds,
    makarov_bounds,
    rank_rules,
    robust_welfare,
    sensitivity_curve,
    worst_case_expectation,
)

INF = math.inf


def shared(y1, x1, y0, x0, radius, order, weight=1.0, norm=2, w1=None, w0=None):
    return OverlappingBalls(
        WassersteinBall(np.column_stack([y1, x1]), radius=radius[0], order=order, cost=norm, weights=w1),
        WassersteinBall(np.column_stack([y0, x0]), radius=radius[1], order=order, cost=norm, weights=w0),
        weight,
    )


FAR = shared([1.0], [[0.0]], [1.0], [[5.0]], (0.1, 0.1), 1)


# values


def test_a_rule_cannot_pick_outcomes_of_rows_that_cannot_go_there():
    """The treated row cannot move, so all laws have x = 1 and all are treated: the welfare is E Y1."""
    model = shared([-0.6], [[1.0]], [0.7, 0.9, 1.2], [[1.0], [0.0], [0.0]], (0.0, 1.5), 1, 0.2)
    found = robust_welfare(lambda x: x[:, 0] >= 0.25, model)
    assert (found.value, found.upper) == (pytest.approx(-0.6, abs=1e-9), pytest.approx(-0.6, abs=1e-9))
    assert found.status is Status.OPTIMAL


def test_columns_of_the_search_for_any_law_keep_their_values():
    """Both ends bound the value of the law that is returned."""
    x1, x0 = [[-0.33993544393931474, -0.9061029401456532]], [[0.1944363491551023, -0.511176759201633]]
    model = shared([-0.5], x1, [-0.5], x0, (0.1, 0.5), 3, norm=INF)
    found = worst_case_expectation(Aggregate(Square(), (1.5, 0.5)), model, direction="lower")
    law = found.worst_case_distribution
    value = law.weights @ (1.5 * law.targets[0][:, 0] + 0.5 * law.targets[1][:, 0]) ** 2
    assert value == pytest.approx(found.upper, abs=1e-9)
    assert found.lower <= value


@pytest.mark.parametrize(("shape", "side"), [(Put(-0.3), -1.0), (Call(0.5), 1.0)])
def test_a_search_from_prices_where_the_inner_supremum_is_infinite_goes_on(shape, side):
    """One arm counts: the worst case is that of one ball."""
    model = shared([0.1], [[0.5]], [-0.5, -0.5], [[0.5], [0.5]], (1.0, 0.1), 2)
    found = worst_case_expectation(Aggregate(shape, (1.0, 0.0)), model)
    alone = worst_case_expectation(shape, WassersteinBall([0.1], radius=1.0, order=2))
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(alone.value, abs=3e-6)


@pytest.mark.parametrize("r", [(0.0, 2.0), (2.0, 0.0)])
def test_the_only_laws_of_a_set_are_found(r):
    """The total radius is exactly that needed, so nothing is left for the outcomes."""
    first, second = ([0.3], [[2.0]]), ([-0.5, 1.0, -0.5], [[2.0], [1.0], [0.0]])
    mass = [0.6, 0.2, 0.2]
    if r[0] == 0:
        model = shared(*first, *second, r, 2, 4.0, w0=mass)
    else:
        model = shared(*second, *first, r, 2, 4.0, w1=mass)
    weights = (1.5, 0.5) if r[0] == 0 else (0.5, 1.5)
    found = worst_case_expectation(Aggregate(Absolute(0.5), weights), model)
    assert found.status in (Status.OPTIMAL, Status.GAP)
    assert found.lower - 1e-6 <= 0.33 <= found.upper + 1e-6


def test_no_law_within_radius_0_leaves_its_atoms():
    """An order of 3 makes 1e-9 of a budget of many a distance of 1e-3."""
    ball = WassersteinBall([0.0006, -0.0001], radius=0.0, order=3)
    assert worst_case_expectation(Call(0.0), ball, support=[0.0006]).status is Status.INFEASIBLE
    near = WassersteinBall([0.0006, -0.0001], radius=1e-5, order=3)
    assert worst_case_expectation(Call(0.0), near, support=[0.0006]).status is Status.INFEASIBLE


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e4])
@pytest.mark.parametrize("order", [1, 3])
def test_probabilities_on_finite_supports_do_not_depend_on_the_unit(scale, order):
    atoms, points = np.array([0.9, 0.1, -0.4]), np.array([-0.4, -0.2, 0.1, 0.9])

    def asked(unit):
        ball = WassersteinBall(unit * atoms, radius=0.2 * unit, order=order)
        return worst_case_expectation(AtMost(0.0), ball, support=unit * points)

    found, one = asked(scale), asked(1.0)
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(one.value, abs=3e-6)


def test_laws_stay_within_their_radius_and_not_only_within_a_cost():
    ball = WassersteinBall([0.0006, 0.001, -0.0005], radius=2e-4, order=3)
    found = worst_case_expectation(Linear(), ball, support=[-0.0005, 0.0006, 0.001, 0.0012])
    law = found.worst_case_distribution
    moved = np.abs(law.targets[0][:, 0] - ball.points[law.sources[:, 0], 0])
    assert (law.weights @ moved**3) ** (1 / 3) <= 2e-4 * (1 + 1e-8)


@pytest.mark.parametrize("weight", [1.0, 1.5, -2.0])
@pytest.mark.parametrize("point", [0.1, 99.81170701786044])
def test_the_probability_of_a_number_is_that_of_a_law(weight, point):
    ball = WassersteinBall([-1.0, -3.0, 2.0], radius=1.0, order=2)
    found = worst_case_expectation(Aggregate(Between(point, point), (weight,)), ball)
    assert found.status is Status.OPTIMAL
    assert found.lower > 0


@pytest.mark.parametrize("support", [None, (-1.0, 2.0)])
def test_rows_that_step_just_beyond_0_are_on_its_other_side(support):
    ball = WassersteinBall([-0.8, -0.9, -0.1], radius=0.05, order=1.5, weights=[1, 20, 23])
    found = worst_case_expectation(Aggregate(AtMost(0.0), (1.5,)), ball, direction="lower", support=support)
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(1.0 - (0.05 / 0.1) ** 1.5, abs=1e-9)


def test_targets_at_the_ends_of_an_interval_are_in_it():
    """a (x / a) is not always x."""
    first = WassersteinBall([-0.5], radius=3.0)
    second = WassersteinBall([0.25, -0.5, 0.25], radius=0.2, weights=[0, 1, 2])
    found = worst_case_expectation(
        Aggregate(Put(0.5), (1.5, -2.0)), MarginalBalls(first, second), support=(-0.4, 0.6)
    )
    assert found.status is Status.OPTIMAL


def test_a_function_in_an_interval_is_known_at_radius_0():
    found = worst_case_expectation(
        Declared(np.sin, lipschitz=1.0), WassersteinBall([0.1, 0.5], radius=0.0), support=(-1.0, 2.0)
    )
    assert found.value == pytest.approx(np.mean(np.sin([0.1, 0.5])), abs=0.01)


# words and records


def answers():
    one = WassersteinBall([0.1, 0.4], radius=0.1, order=2)
    frozen = shared([1.0], [[0.0]], [1.0], [[5.0]], (0.1, 0.1), 1, INF)
    still = MarginalBalls(one, one.at(0.0))
    yield worst_case_expectation(Aggregate(Call(0.5), (1, -1)), still)
    yield worst_case_expectation(Aggregate(Below(0.5), (1, -1)), still)
    yield worst_case_expectation(Aggregate(Call(0.5), (1, -1)), still, support=(-1.0, 2.0))
    yield average_effect_bounds(frozen)
    yield breakdown_radius(Claim(average_effect_bounds, above=0.0), FAR)


@pytest.mark.parametrize("place", range(5))
def test_every_answer_is_json(place):
    found = list(answers())[place]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert "nan" not in found.summary()


def test_a_frozen_ball_has_no_slope_in_words_and_an_infinite_multiplier_in_json():
    case = next(answers())
    assert case.to_dict()["multiplier"][1] == "inf"
    assert "unknown" in case.summary()


def test_an_impossible_set_does_not_promise_that_a_radius_would_do():
    frozen = shared([1.0], [[0.0]], [1.0], [[5.0]], (0.1, 0.1), 1, INF)
    assert "no radius would do" in average_effect_bounds(frozen).summary()
    assert "total radius of 5 would do" in average_effect_bounds(FAR).summary()


def test_a_bound_that_is_not_proven_sharp_says_so():
    balls = MarginalBalls(*(WassersteinBall([0.0, 1.0, 3.0], radius=0.1) for _ in range(3)))
    found = worst_case_expectation(Aggregate(AtMost(2.0)), balls)
    assert found.status is Status.GAP
    assert "requested gap" not in found.summary()


def test_weighted_sums_of_two_arms_read_as_sums():
    model = shared([1.0], [[0.0]], [1.0], [[0.0]], (0.1, 0.1), 1)
    found = worst_case_expectation(Aggregate(Absolute(), (2, -2)), model, direction="lower")
    assert "2 Y1 - 2 Y0" in found.question
    assert "-0," not in found.summary()
    assert not math.copysign(1.0, found.value) < 0


# input

BALL = WassersteinBall([1.0, 2.0, 3.0], radius=0.1)
ARMS = shared([1.0, 2.0], [[0.0], [1.0]], [1.0, 2.0], [[0.0], [1.0]], (1.0, 1.0), 1)
EFFECT = Aggregate(Call(1.0), (1, -1))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: WassersteinBall(np.array([1 + 2j]), radius=1), "complex"),
        (lambda: WassersteinBall(np.ma.array([1.0, 2.0], mask=[0, 1]), radius=1), "masked"),
        (lambda: WassersteinBall(np.array(["2020-01-01"], "datetime64[D]"), radius=1), "datetime64"),
        (lambda: makarov_bounds(np.array([1j]), [1.0], [0.0]), "complex"),
        (lambda: WassersteinBall([1.0], radius=0.1, order=400), "too small"),
        (lambda: OverlappingBalls([1], [2]), "list and list"),
        (lambda: worst_case_expectation(CVaR(0.9), BALL), "worst_case_risk"),
        (lambda: worst_case_expectation(Call, BALL), "class `Call`"),
        (lambda: worst_case_risk(CVaR(95), BALL), "for the worst 5 % pass 0.95"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=["a"]), "`support` must be numbers"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=[np.nan]), "finite covariate values"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=[]), "finite covariate values"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=3), "finite covariate values"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=[[0.0, 1.0]]), r"shape \(1, 2\)"),
        (lambda: worst_case_expectation(EFFECT, ARMS, support=(0, 1)), "a tuple"),
        (lambda: effect_distribution_bounds(ARMS, [0.0], admissible=[np.nan]), "finite covariate values"),
        (lambda: robust_welfare(lambda x: True, ARMS, admissible=["a"]), "`admissible` must be numbers"),
        (lambda: robust_welfare(lambda x: True, ARMS, admissible=[]), "finite covariate values"),
        (lambda: makarov_bounds([1, 2], [2], [0], sample_weight=[1, 2]), "one weight per row"),
        (lambda: Claim(3, above=0), "must be a function"),
        (lambda: breakdown_radius(average_effect_bounds, ARMS), "must be a `Claim`"),
        (lambda: sensitivity_curve(3, [1.0]), "must be a `Question"),
        (lambda: breakdown_frontier(Claim(average_effect_bounds, above=-1), ARMS, []), "one or more"),
        (lambda: breakdown_frontier(Claim(average_effect_bounds, above=-1), ARMS, ["a"]), "must be numbers"),
        (lambda: breakdown_frontier(Claim(average_effect_bounds, above=-1), 3, [1.0]), "two balls"),
    ],
)
def test_bad_input_is_named(ask, words):
    with pytest.raises(InvalidInput, match=words):
        ask()


def test_whole_numbers_of_numpy_and_names_that_are_numbers_are_taken():
    model = OverlappingBalls(ARMS.treated, ARMS.control, np.int64(2))
    assert average_effect_bounds(model).status is Status.OPTIMAL
    assert "1" in rank_rules({1: lambda x: np.ones(len(x), bool)}, model).summary()


def test_a_claim_that_never_breaks_down_from_a_single_tiny_spread():
    ball = WassersteinBall([0.0, 1e-15], radius=0.1)
    question = Question(lambda b: worst_case_risk(Mean(), b), ball)
    found = breakdown_radius(Claim(question.ask, below=1e5), ball, largest=1e30)
    assert found.radius == pytest.approx(1e5) or math.isinf(found.radius)


@pytest.mark.parametrize("unit", [1e-2, 1.0, 1e5])
def test_prices_are_found_in_any_unit(unit):
    first = WassersteinBall(unit * np.array([4.46, 0.88, -3.83]), radius=0.2 * unit, order=12)
    second = WassersteinBall(unit * np.array([4.11, 1.307]), radius=0.2 * unit, order=12)
    ends = (-4.0 * unit, 6.0 * unit)
    found = worst_case_expectation(
        Aggregate(Linear(0.5), (0.5, -1.0)), MarginalBalls(first, second), support=ends
    )
    assert found.status is Status.OPTIMAL
    assert found.value / unit == pytest.approx(-1.0784167, abs=2e-6 * max(1.0, 1.0 / unit))
