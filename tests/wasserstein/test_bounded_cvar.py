"""CVaR over a ball of laws on an interval: against a linear program, a finite support, and no support."""

import numpy as np
import pytest
from scipy.optimize import linprog

from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures import CVaR, Gini, Mean, ValueAtRisk
from riskstats.results import Status
from riskstats.wasserstein import MarginalBalls, WassersteinBall, worst_case_risk


def by_program(x, mass, level, radius, order, grid):
    """The largest CVaR of laws on a grid: mass moves from atoms to grid points, some of it into the tail."""
    n, m = len(x), len(grid)
    cost = np.abs(x[:, None] - grid[None]) ** order
    # variables: plan in the tail, plan out of it
    value = np.concatenate([np.tile(grid, n), np.zeros(n * m)]) / (1.0 - level)
    rows = np.kron(np.eye(n), np.ones(m))
    answer = linprog(
        -value,
        A_ub=[np.tile(cost.ravel(), 2)],
        b_ub=[radius**order],
        A_eq=np.vstack([np.hstack([rows, rows]), np.append(np.ones(n * m), np.zeros(n * m))]),
        b_eq=np.append(mass, 1.0 - level),
        method="highs",
    )
    return -answer.fun


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("level", [0.0, 0.5, 0.83])
def test_it_agrees_with_the_linear_program_on_a_grid(order, level):
    rng = np.random.default_rng(int(10 * order + 100 * level))
    grid = np.linspace(0.0, 1.0, 201)
    for radius in (0.0, 0.1, 0.4):
        x, mass = np.round(rng.beta(2, 4, size=9), 2), rng.dirichlet(np.ones(9))
        ball = WassersteinBall(x, radius=radius, order=order, weights=mass)
        found = worst_case_risk(CVaR(level), ball, support=(0, 1))
        on_grid = by_program(x, mass, level, radius, order, grid)
        assert found.status is Status.OPTIMAL
        assert found.duality_gap <= 1e-9
        assert on_grid <= found.upper + 1e-7
        assert found.value - on_grid <= 5e-3


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_a_support_far_away_changes_nothing_and_a_near_one_caps(order):
    x = np.random.default_rng(3).beta(1, 5, size=200)
    ball = WassersteinBall(x, radius=0.02, order=order)
    free = worst_case_risk(CVaR(0.9), ball)
    assert worst_case_risk(CVaR(0.9), ball, support=(0, 50)).value == pytest.approx(free.value, abs=1e-9)
    wide = worst_case_risk(CVaR(0.9), ball.at(5.0), support=(0, 1))
    assert wide.value == pytest.approx(1.0, abs=1e-12)
    assert wide.multiplier == pytest.approx((0.0,))
    values = [worst_case_risk(CVaR(0.9), ball.at(r), support=(0, 1)).value for r in np.linspace(0, 0.3, 13)]
    assert np.all(np.diff(values) >= -1e-12)


def test_the_law_stays_within_the_support_and_the_ball():
    x = np.random.default_rng(4).beta(1, 3, size=60)
    found = worst_case_risk(CVaR(0.8), WassersteinBall(x, radius=0.2, order=2), support=(0, 1))
    law = found.worst_case_distribution
    assert law.targets[0].min() >= 0.0
    assert law.targets[0].max() <= 1.0
    assert law.weights @ (law.targets[0][:, 0] - x[law.sources[:, 0]]) ** 2 <= 0.04 + 1e-9


def test_the_multiplier_is_the_slope():
    x = np.random.default_rng(5).beta(2, 3, size=40)
    ball = WassersteinBall(x, radius=0.1, order=2)
    found = worst_case_risk(CVaR(0.7), ball, support=(0, 1))
    above, below = (
        worst_case_risk(CVaR(0.7), WassersteinBall(x, budget=0.01 + step, order=2), support=(0, 1)).value
        for step in (1e-6, -1e-6)
    )
    assert (above - below) / 2e-6 == pytest.approx(found.multiplier[0], rel=1e-4)


def test_the_mean_is_level_zero():
    x = np.random.default_rng(6).random(30)
    ball = WassersteinBall(x, radius=0.3)
    mean = worst_case_risk(Mean(), ball, support=(0, 1)).value
    assert mean == pytest.approx(min(x.mean() + 0.3, 1.0))


def test_what_is_not_proven_is_refused():
    ball = WassersteinBall([0.1, 0.5], radius=0.1)
    for measure, model, direction in (
        (ValueAtRisk(0.5), ball, "upper"),
        (Gini(), ball, "upper"),
        (CVaR(0.5), ball, "lower"),
        (CVaR(0.5), MarginalBalls(ball, ball), "upper"),
    ):
        with pytest.raises(IncompatibleBound, match="Leave `support` out"):
            worst_case_risk(measure, model, direction=direction, support=(0, 1))
    with pytest.raises(InvalidInput, match=r"losses must lie in `support` \(0, 0.4\); got 0.5"):
        worst_case_risk(CVaR(0.5), ball, support=(0, 0.4))
    with pytest.raises(InvalidInput, match="support"):
        worst_case_risk(CVaR(0.5), ball, support=(1, 0))
