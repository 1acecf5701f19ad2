"""Balls that share covariates: the stored programs, closed forms by a second route, verified laws."""

import math

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.couplings import joint_multiplier, share_of_first
from riskstats.wasserstein.distance import transport_cost
from riskstats.wasserstein.effects import (
    effect_deviation_bounds,
    effect_distribution_bounds,
    overlapping_worst_case,
    squared_effect_bounds,
)
from riskstats.wasserstein.overlap import OverlapSupremum
from riskstats.wasserstein.overlap_finite import OverlapFinite
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.shapes import Above, AtMost, Linear, Square
from riskstats.wasserstein.treatment import average_effect_bounds
from tests.wasserstein.golden import GOLDEN, budgets, overlapping

QUESTIONS = {
    "ATE_sup": (lambda a, b, x: a - b, 1),
    "ATE_inf": (lambda a, b, x: a - b, -1),
    "P_diff_le_0_sup": (lambda a, b, x: 1.0 * (a <= b), 1),
    "P_diff_le_0_inf": (lambda a, b, x: 1.0 * (a <= b), -1),
    "sqdiff_sup": (lambda a, b, x: (a - b) ** 2, 1),
    "sqdiff_inf": (lambda a, b, x: (a - b) ** 2, -1),
}
SECTIONS = ("F_overlap", "F_overlap_commonX")


@pytest.mark.parametrize("section", SECTIONS)
def test_stored_programs_on_a_grid(section):
    stored = GOLDEN[section]
    grid, covariates = np.array(stored["gy"]), np.array(stored["gx"])[:, None]
    for row in stored["rows"]:
        model = overlapping(stored, row["p"], budgets(row))
        for key, (function, sign) in QUESTIONS.items():
            if key not in row:
                continue
            question = OverlapFinite(
                model, grid, grid, covariates, lambda a, b, x, f=function, s=sign: s * f(a, b, x)
            )
            found = solve_program(question, gap=1e-9)
            if row[key] == "infeasible":
                assert found.status is Status.INFEASIBLE, (row, key)
                continue
            assert found.status is Status.OPTIMAL
            assert sign * found.enclosure.upper == pytest.approx(row[key], abs=1e-7), (row, key)
            assert sign * found.enclosure.lower == pytest.approx(row[key], abs=1e-7), (row, key)


def test_average_effect_of_stored_rows():
    stored = GOLDEN["F_ATE_quadratic_real"]
    for row in stored["rows"]:
        found = average_effect_bounds(overlapping(GOLDEN["F_overlap"], 2, budgets(row)))
        if row["ATE_sup"] == "infeasible":
            assert found.status is Status.INFEASIBLE
            assert found.upper.feasible_radius == pytest.approx(math.sqrt(stored["W2sq_X"]), abs=1e-12)
            assert math.isnan(found.upper.value)
            assert found.to_dict()["upper"]["value"] == "infeasible"
            continue
        assert found.upper.value == pytest.approx(row["ATE_sup"], abs=1e-9)
        assert found.lower.value == pytest.approx(row["ATE_inf"], abs=1e-9)


def random_model(rng, order, covariate_weight=1.0, columns=1):
    n, m = rng.integers(2, 6, 2)
    treated, control = (
        WassersteinBall(
            np.column_stack([rng.normal(size=k), 0.3 * rng.integers(0, 3, (k, columns))]),
            radius=rng.uniform(0.05, 0.7),
            order=order,
            weights=rng.integers(1, 4, k),
        )
        for k in (n, m)
    )
    return OverlappingBalls(treated, control, covariate_weight)


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
def test_average_effect_by_the_program(order):
    rng = np.random.default_rng(int(10 * order))
    for columns in (1, 2, 1, 2):
        model = random_model(rng, order, covariate_weight=rng.uniform(0.2, 2.0), columns=columns)
        closed = average_effect_bounds(model)
        for sign, end in ((1, closed.upper), (-1, closed.lower)):
            found = solve_program(OverlapSupremum(model, Linear(), (1.0, -1.0), sign), gap=1e-8)
            if end.status is Status.INFEASIBLE:
                assert found.status is Status.INFEASIBLE
            else:
                assert sign * found.enclosure.upper == pytest.approx(end.value, abs=1e-6)


def recomputed(case, model):
    """Marginals and transport costs of a law from its own rows."""
    law, p = case.worst_case_distribution, model.order
    for j, ball in enumerate((model.treated, model.control)):
        mass = np.bincount(law.sources[:, j], law.weights, len(ball.weights))
        np.testing.assert_allclose(mass, ball.weights, atol=1e-9)
        moved = law.targets[j] - ball.points[law.sources[:, j]]
        cost = np.abs(moved[:, 0]) ** p
        cost = cost + model.covariate_weight * np.linalg.norm(moved[:, 1:], axis=1) ** p
        assert law.weights @ cost <= ball.budget + 1e-9
    np.testing.assert_array_equal(law.targets[0][:, 1:], law.targets[1][:, 1:])
    return law


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("shape", [AtMost(0.2), Above(-0.1), Square(0.5)])
def test_laws_are_inside_both_balls_and_have_the_value(order, shape):
    rng = np.random.default_rng(7)
    for _ in range(3):
        model = random_model(rng, order, covariate_weight=0.1)
        case = overlapping_worst_case(shape, model)
        if case.status in (Status.INFEASIBLE, Status.UNBOUNDED):
            assert case.status is Status.INFEASIBLE or (order == 1 and isinstance(shape, Square))
            continue
        law = recomputed(case, model)
        effect = law.targets[0][:, 0] - law.targets[1][:, 0]
        assert law.weights @ shape(effect) == pytest.approx(case.lower, abs=1e-9)
        assert case.lower <= case.upper + 1e-12
        assert case.duality_gap <= 1e-5 * (1.0 + abs(case.value))


def test_covariates_narrow_the_distribution_but_not_the_mean():
    stored = GOLDEN["F_overlap_commonX"]
    model = overlapping(stored, 1, (0.02, 0.02))
    without = MarginalBalls(
        *(WassersteinBall(np.array(stored[f"y{arm}"]), budget=0.02, order=1) for arm in (1, 0))
    )
    points = np.array([-0.5, 0.0, 0.5])
    narrow, wide = (effect_distribution_bounds(each, points) for each in (model, without))
    assert (narrow.upper <= wide.upper + 1e-6).all()
    assert (narrow.lower >= wide.lower - 1e-6).all()
    assert narrow.upper[1] == pytest.approx(0.58, abs=1e-6)
    assert wide.upper[1] > narrow.upper[1] + 0.1
    one, two = average_effect_bounds(model), average_effect_bounds(without)
    assert one.upper.value == pytest.approx(two.upper.value, abs=1e-12)


def test_squares_and_deviations_without_covariates():
    rng = np.random.default_rng(3)
    y1, y0 = rng.normal(size=6), rng.normal(size=6) + 0.5
    model = MarginalBalls(*(WassersteinBall(y, radius=0.2, order=2) for y in (y1, y0)))
    square, deviation = squared_effect_bounds(model), effect_deviation_bounds(model)
    far = np.sort(y1) - np.sort(y0)[::-1]
    near = np.sort(y1) - np.sort(y0)
    assert square.upper.value == pytest.approx((math.sqrt((far**2).mean()) + 0.4) ** 2)
    assert square.lower.value == pytest.approx(max(math.sqrt((near**2).mean()) - 0.4, 0.0) ** 2)
    assert deviation.upper.value == pytest.approx(far.std() + 0.4)
    first_order = MarginalBalls(*(WassersteinBall(y, radius=0.2) for y in (y1, y0)))
    assert squared_effect_bounds(first_order).upper.status is Status.UNBOUNDED


def test_two_budgets_share_a_move():
    rng = np.random.default_rng(0)
    for order in (1.5, 2.0, 3.0):
        first, second = rng.uniform(0.1, 3.0, 2)
        share = share_of_first(first, second, order)
        t = np.linspace(0.0, 1.0, 20_001)
        cost = first * t**order + second * (1.0 - t) ** order
        assert joint_multiplier(first, second, order) == pytest.approx(cost.min(), rel=1e-7)
        assert t[cost.argmin()] == pytest.approx(share, abs=1e-3)
    assert joint_multiplier(2.0, 3.0, 1.0) == 2.0
    assert joint_multiplier(2.0, math.inf, 2.0) == 2.0
    assert share_of_first(math.inf, 2.0, 2.0) == 0.0


def test_transport_cost_on_a_line_and_by_the_program():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5, 1)), rng.normal(size=(4, 1))
    a, b = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(4))
    for order in (1.0, 2.0):
        line = transport_cost(x, a, y, b, order=order, norm=2)
        pad = np.zeros((5, 1)), np.zeros((4, 1))
        plane = transport_cost(np.hstack([x, pad[0]]), a, np.hstack([y, pad[1]]), b, order=order, norm=2)
        assert line == pytest.approx(plane, abs=1e-9)


def test_what_cannot_be_asked():
    one = WassersteinBall([[0.0, 1.0], [1.0, 2.0]], radius=0.1)
    with pytest.raises(InvalidInput, match="same covariates"):
        OverlappingBalls(one, WassersteinBall([[0.0, 1.0, 2.0]], radius=0.1))
    with pytest.raises(InvalidInput, match="MarginalBalls"):
        OverlappingBalls(WassersteinBall([0.0, 1.0], radius=0.1), WassersteinBall([0.0], radius=0.1))
    with pytest.raises(InvalidInput, match="orders 1 and 2"):
        OverlappingBalls(one, WassersteinBall([[0.0, 1.0]], radius=0.1, order=2))
    with pytest.raises(InvalidInput, match="an effect needs"):
        average_effect_bounds(one)
    for wrong in ({}, {"radius": 0.1, "budget": 0.1}):
        with pytest.raises(InvalidInput, match="exactly one"):
            WassersteinBall([0.0, 1.0], **wrong)
    for radius in (-0.1, math.nan, math.inf):
        with pytest.raises(InvalidInput, match="radius"):
            WassersteinBall([0.0, 1.0], radius=radius)
    with pytest.raises(InvalidInput, match="order"):
        WassersteinBall([0.0, 1.0], radius=0.1, order=0.5)
    with pytest.raises(InvalidInput, match="first at row 1"):
        WassersteinBall([0.0, math.nan], radius=0.1)
