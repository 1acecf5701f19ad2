"""A difference over balls that share covariates: one multiplier answers as two do, by three routes."""

from dataclasses import replace

import numpy as np
import pytest

from riskstats.results import Status
from riskstats.wasserstein.ball import OverlappingBalls, WassersteinBall
from riskstats.wasserstein.distance import transport_cost
from riskstats.wasserstein.effects import effect_distribution_bounds, overlapping_worst_case
from riskstats.wasserstein.overlap import OverlapSupremum
from riskstats.wasserstein.overlap_difference import SharedPairs, difference_answer, is_difference
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.shapes import Above, Absolute, AtMost, Call, Square
from riskstats.wasserstein.treatment import average_effect_bounds

SHAPES = {
    1.0: (AtMost(0.2), Above(-0.1), Call(0.3), Absolute(0.1)),
    2.0: (AtMost(0.0), Call(0.2), Square(0.4)),
}


def arms(n, m, seed, order=2.0, slack=1.3, share=0.5, covariate_weight=1.0, even=True):
    """Two samples with two covariates, `slack` times the radius that sharing them needs."""
    rng = np.random.default_rng(seed)
    x1, x0 = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 0.2
    y1, y0 = x1[:, 0] + 0.5 + rng.normal(size=n), x0[:, 0] + rng.normal(size=m)
    a = np.full(n, 1.0 / n) if even else rng.dirichlet(np.ones(n))
    b = np.full(m, 1.0 / m)
    needed = (covariate_weight * transport_cost(x1, a, x0, b, order=order, norm=2)) ** (1.0 / order)
    treated, control = (
        WassersteinBall(np.column_stack([y, x]), radius=part * slack * needed, order=order, weights=weight)
        for y, x, part, weight in ((y1, x1, share, a), (y0, x0, 1.0 - share, b))
    )
    return OverlappingBalls(treated, control, covariate_weight)


@pytest.mark.parametrize("order", SHAPES)
@pytest.mark.parametrize(
    ("n", "m", "even", "share"), [(9, 9, True, 0.5), (7, 10, False, 0.2), (8, 8, True, 1.0)]
)
def test_one_multiplier_answers_as_two_do(order, n, m, even, share):
    for k, shape in enumerate(SHAPES[order]):
        model = arms(n, m, seed=k, order=order, even=even, share=share)
        for sign in (1, -1):
            question = OverlapSupremum(model, shape, (1.0, -1.0), sign)
            if question.unbounded:
                continue
            two = solve_program(question, gap=1e-8)
            one, _ = difference_answer(question, gap=1e-8, time_limit=np.inf)
            assert one.status is two.status is Status.OPTIMAL
            close = 2e-8 * (1.0 + abs(two.enclosure.upper))  # each is within half of it of the truth
            assert one.enclosure.upper == pytest.approx(two.enclosure.upper, abs=close)
            assert one.enclosure.lower == pytest.approx(two.enclosure.lower, abs=close)


@pytest.mark.parametrize("order", SHAPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_assignments_answer_as_programs_do(order, sign):
    model = arms(45, 45, seed=3, order=order, share=0.3)
    for shape in SHAPES[order]:
        question = OverlapSupremum(model, shape, (1.0, -1.0), sign)
        pairs = SharedPairs(question)
        fast, route = difference_answer(question, gap=1e-7, time_limit=np.inf)
        slow = pairs.parted(solve_program(pairs, gap=1e-7))
        assert route == "assignment"
        close = 2e-7 * (1.0 + abs(slow.enclosure.upper))
        assert fast.enclosure.upper == pytest.approx(slow.enclosure.upper, abs=close)
        assert fast.enclosure.lower == pytest.approx(slow.enclosure.lower, abs=close)


@pytest.mark.parametrize("order", SHAPES)
@pytest.mark.parametrize("n", [9, 45])
def test_the_law_lies_in_both_balls_and_shares_its_covariates(order, n):
    model = arms(n, n, seed=5, order=order, share=0.35)
    for shape in SHAPES[order]:
        found = overlapping_worst_case(shape, model)
        law = found.worst_case_distribution
        treated, control = law.targets
        assert np.array_equal(treated[:, 1:], control[:, 1:])
        for arm, ball in enumerate((model.treated, model.control)):
            moved = law.targets[arm] - ball.points[law.sources[:, arm]]
            cost = np.abs(moved[:, 0]) ** order + np.linalg.norm(moved[:, 1:], axis=1) ** order
            assert law.weights @ cost <= ball.budget + 1e-9
            mass = np.bincount(law.sources[:, arm], law.weights, len(ball.weights))
            assert mass == pytest.approx(ball.weights, abs=1e-12)
        if found.attained:
            value = float(law.weights @ shape(treated[:, 0] - control[:, 0]))
            assert value == pytest.approx(found.lower, abs=1e-12)


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_multipliers_are_the_slopes_in_each_budget(order):
    model = arms(10, 10, seed=11, order=order, share=0.3)
    found = overlapping_worst_case(Call(0.3), model, gap=1e-10)
    for arm, name in enumerate(("treated", "control")):
        ball = getattr(model, name)
        step = 1e-4 * ball.budget
        sides = [
            overlapping_worst_case(
                Call(0.3), replace(model, **{name: ball.at((ball.budget + move) ** (1.0 / order))}), gap=1e-10
            ).value
            for move in (step, -step)
        ]
        assert (sides[0] - sides[1]) / (2.0 * step) == pytest.approx(found.multiplier[arm], rel=1e-2)


def test_only_the_total_radius_matters():
    values = [
        overlapping_worst_case(Call(0.1), arms(12, 12, 2, share=share), gap=1e-9).value
        for share in (0.0, 0.4, 1.0)
    ]
    assert values == pytest.approx([values[0]] * 3, abs=1e-8)


def test_a_sum_and_a_scaled_difference_are_one_ball_too():
    model = arms(8, 9, seed=4)
    for weights in ((1.0, 1.0), (2.0, -2.0), (-0.5, -0.5)):
        question = OverlapSupremum(model, Call(0.3), weights, 1)
        one, _ = difference_answer(question, gap=1e-8, time_limit=np.inf)
        two = solve_program(question, gap=1e-8)
        assert one.enclosure.upper == pytest.approx(two.enclosure.upper, abs=3e-8)


def test_the_square_about_a_centre_is_that_of_the_average_at_a_large_distance():
    model = arms(45, 45, seed=8)
    centre = -1e4
    found = overlapping_worst_case(Square(centre), model, gap=1e-9)
    effect = average_effect_bounds(model).upper.value
    assert np.sqrt(found.value) + centre == pytest.approx(effect, abs=1e-2)


def test_what_is_no_difference_goes_to_two_multipliers():
    model = arms(5, 5, seed=1)
    frozen = replace(model, covariate_weight=np.inf)
    assert not is_difference(OverlapSupremum(model, Call(0.0), (1.0, -0.5)))
    assert not is_difference(OverlapSupremum(frozen, Call(0.0), (1.0, -1.0)))
    assert not is_difference(OverlapSupremum(model, Call(0.0), (1.0, -1.0), 1, np.zeros((1, 2))))
    assert is_difference(OverlapSupremum(model, Call(0.0), (1.0, -1.0)))


def test_at_the_threshold_of_feasibility_the_answer_is_still_certified():
    for order in (1.0, 2.0):
        model = arms(45, 45, seed=6, order=order, slack=1.0 + 1e-9)
        found = overlapping_worst_case(AtMost(0.0), model)
        assert found.status is Status.OPTIMAL
        assert found.upper - found.lower <= 1e-5


def test_bounds_over_an_empty_set_say_so():
    found = effect_distribution_bounds(arms(6, 6, seed=2), [0.0])
    assert "no law" in found.summary()
    assert found.to_dict()["classical_lower"] == ["infeasible"]
    assert 0.0 <= found.to_dict()["lower"][0] <= found.to_dict()["upper"][0] <= 1.0
