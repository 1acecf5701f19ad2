"""The linear program behind a worst case: column generation against the program written out."""

import numpy as np
import pytest

from riskstats.results import Status
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.certificate import inside
from riskstats.wasserstein.finite import FiniteSupport
from riskstats.wasserstein.program import solve_program
from tests.reference.wasserstein_program import one_ball, two_balls


def reference(n, radius, order, seed):
    rng = np.random.default_rng(seed)
    return WassersteinBall(rng.normal(size=n), radius=radius, order=order, weights=rng.dirichlet(np.ones(n)))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("radius", [0.0, 0.1, 1.0])
def test_one_ball(order, radius):
    ball, points = reference(6, radius, order, 0), np.linspace(-3, 3, 25)[:, None]
    points = np.unique(np.concatenate([points, ball.points]), axis=0)
    question = FiniteSupport((ball,), (points,), lambda y: np.sin(4 * y[:, 0]))
    found = solve_program(question, gap=1e-10)
    exact = one_ball(ball.points, ball.weights, points, np.sin(4 * points[:, 0]), ball.budget, order)
    assert found.status is Status.OPTIMAL
    assert found.enclosure.lower - 1e-9 <= exact <= found.enclosure.upper + 1e-9
    assert found.enclosure.gap <= 1e-9
    assert len(found.weights) <= 2 * (len(ball.weights) + 1)
    assert inside(question, found.columns, found.weights)


@pytest.mark.parametrize("order", [1, 2])
def test_two_balls_and_their_multipliers(order):
    first, second = reference(5, 0.2, order, 1), reference(4, 0.3, order, 2)
    points = np.linspace(-3, 3, 13)[:, None]
    sets = [np.unique(np.concatenate([points, b.points]), axis=0) for b in (first, second)]
    table = np.cos(3 * sets[0]) * sets[1].T

    def function(y1, y2):
        return np.cos(3 * y1[:, 0]) * y2[:, 0]

    found = solve_program(FiniteSupport((first, second), tuple(sets), function), gap=1e-10)

    def exact(budgets):
        points, weights = (first.points, second.points), (first.weights, second.weights)
        return two_balls(points, weights, sets, table, budgets, order)

    budgets, step = np.array([first.budget, second.budget]), 1e-5
    assert found.enclosure.upper == pytest.approx(exact(budgets), abs=1e-8)
    for j, price in enumerate(found.enclosure.multiplier):
        move = step * np.eye(2)[j]
        right = (exact(budgets + move) - exact(budgets)) / step
        left = (exact(budgets) - exact(budgets - move)) / step
        assert right - 1e-4 <= price <= left + 1e-4


def test_an_empty_set_is_found_and_so_is_its_threshold():
    points = np.array([[2.0], [3.0]])
    for radius, status in ((0.999, Status.INFEASIBLE), (1.001, Status.OPTIMAL)):
        ball = WassersteinBall([1.0, 2.0, 2.0, 2.0], radius=radius / 4, order=1)
        found = solve_program(FiniteSupport((ball,), (points,), lambda y: y[:, 0]))
        assert found.status is status


def test_a_time_limit_ends_the_search_with_a_valid_enclosure():
    first, second = reference(20, 0.2, 2, 1), reference(21, 0.3, 2, 2)
    points = np.linspace(-3, 3, 25)[:, None]
    question = FiniteSupport((first, second), (points, points), lambda a, b: np.sin(5 * a * b)[:, 0])
    try:
        early = solve_program(question, gap=1e-12, time_limit=1e-9)
    except ValueError:
        pytest.fail("a time limit is an answer")
    late = solve_program(question, gap=1e-9)
    assert early.status in (Status.TIME_LIMIT, Status.INFEASIBLE)
    if early.status is Status.TIME_LIMIT:
        assert early.enclosure.lower - 1e-9 <= late.enclosure.lower
        assert late.enclosure.upper <= early.enclosure.upper + 1e-9
