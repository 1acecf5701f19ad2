"""Robust fits of order 1: a conic solver beside them, their optimality conditions, the bound as a bound."""

import math

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.margin_losses import Absolute, Hinge, Logistic
from riskstats.wasserstein.robust_certificate import RowDual, dual_bound
from riskstats.wasserstein.robust_data import prepared
from riskstats.wasserstein.robust_fit import fit_rows, null_pull
from riskstats.wasserstein.robust_problem import RobustProblem
from tests.reference.robust_fits import conic_fit, random_problem

LOSSES = {"logistic": Logistic(), "hinge": Hinge(), "lad": Absolute()}
NORMS = (1, 2, math.inf)


def problem_of(loss, X, y, weight, **ball):
    return RobustProblem.of(X, y, weight, LOSSES[loss], **ball)


def agree(loss, rng, norm, label_cost, radius, intercept=True, n=30, d=4, rel=2e-7):
    """The values agree, and the slopes of the other solver have no lower objective."""
    X, y, weight = random_problem(rng, loss, n, d)
    problem = problem_of(
        loss, X, y, weight, radius=radius, norm=norm, label_cost=label_cost, intercept=intercept
    )
    fit = fit_rows(problem, gap=1e-8)
    value, slopes, constant = conic_fit(
        loss, X, y, radius=radius, norm=norm, label_cost=label_cost, weight=weight, intercept=intercept
    )
    assert fit.status is Status.OPTIMAL
    assert fit.value == pytest.approx(value, rel=rel, abs=1e-9)
    assert fit.bound <= problem.objective(np.append(slopes, constant) if intercept else slopes)
    return fit.theta[:d], slopes


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("loss", "label_cost"),
    [("logistic", math.inf), ("logistic", 1.0), ("hinge", math.inf), ("hinge", 1.0), ("lad", math.inf)],
)
def test_agrees_with_a_conic_solver(rng, loss, label_cost, norm):
    for radius in (0.02, 0.2):
        slopes, peer = agree(loss, rng, norm, label_cost, radius)
        if loss == "logistic":
            assert slopes == pytest.approx(peer, abs=2e-4)
    agree(loss, rng, norm, label_cost, 0.05, intercept=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_a_conic_solver_on_many_problems(seed):
    rng = np.random.default_rng(seed)
    for loss in LOSSES:
        n, d = int(rng.integers(6, 60)), int(rng.integers(1, 8))
        label_cost = float(rng.choice([0.3, 1.0, 5.0, math.inf]))
        radius = float(rng.choice([0.003, 0.03, 0.3]))
        agree(loss, rng, rng.choice(NORMS), label_cost, radius, bool(rng.random() < 0.7), n, d, 1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_optimality_conditions_of_the_log_loss(rng, norm):
    """The gradient of the mean loss is minus the radius times a subgradient of the dual norm."""
    X, y, weight = random_problem(rng, "logistic", 60, 5)
    problem = problem_of("logistic", X, y, weight, radius=0.05, norm=norm)
    theta = fit_rows(problem, gap=1e-10).theta
    slope = -y / (1.0 + np.exp(y * (X @ theta[:5] + theta[5])))
    gradient = (weight / weight.sum() * slope) @ X
    assert problem.pull(gradient) == pytest.approx(0.05, abs=1e-9)
    assert gradient @ theta[:5] == pytest.approx(-0.05 * problem.length(theta), abs=1e-9)
    assert float(weight @ slope) == pytest.approx(0.0, abs=1e-9 * weight.sum())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("norm", NORMS)
def test_no_slopes_from_the_largest_radius_on(rng, loss, norm):
    X, y, weight = random_problem(rng, loss, 40, 3)
    problem = problem_of(loss, X, y, weight, radius=1.0, norm=norm)
    edge = null_pull(problem)
    at_edge = fit_rows(problem.at(edge * (1 + 1e-9)), gap=1e-8)
    assert not at_edge.theta[:3].any()
    assert at_edge.bound == pytest.approx(at_edge.value, rel=1e-12)
    if loss == "logistic":
        assert fit_rows(problem.at(edge * 0.99), gap=1e-8).theta[:3].any()


@pytest.mark.parametrize("loss", LOSSES)
def test_any_dual_point_gives_a_bound(rng, loss):
    """Corrupted dual points, of any size and sign, never claim more than the minimum."""
    X, y, weight = random_problem(rng, loss, 25, 3)
    for label_cost in (math.inf, 1.0):
        problem = problem_of(loss, X, y, weight, radius=0.1, label_cost=label_cost)
        best = fit_rows(problem, gap=1e-10)
        pieces = len(problem.pieces.slope)
        for scale in (0.0, 0.1, 1.0, 10.0):
            for _ in range(20):
                dual = RowDual(
                    0.5 + scale * rng.normal(size=25),
                    scale * rng.normal(size=(pieces, 25)) + 0.02,
                )
                if loss != "logistic":
                    dual = RowDual(np.zeros(25), dual.weights)
                found = dual_bound(problem, dual, best.theta, best.value)
                assert 0.0 <= found <= best.value * (1 + 1e-12)


def test_flips_only_matter_below_a_price(rng):
    X, y, weight = random_problem(rng, "logistic", 40, 3)
    fixed = fit_rows(problem_of("logistic", X, y, weight, radius=0.05), gap=1e-10)
    dear = fit_rows(problem_of("logistic", X, y, weight, radius=0.05, label_cost=1e3), gap=1e-10)
    cheap = fit_rows(problem_of("logistic", X, y, weight, radius=0.05, label_cost=0.3), gap=1e-10)
    assert dear.value == fixed.value
    assert cheap.value > fixed.value + 1e-3


@pytest.mark.parametrize(("loss", "coin"), [("logistic", math.log(2.0)), ("hinge", 1.0)])
def test_the_coin(rng, loss, coin):
    X, y, weight = random_problem(rng, loss, 30, 3)
    for label_cost, radius in ((0.2, 0.1), (0.2, 0.3)):
        problem = problem_of(loss, X, y, weight, radius=radius, label_cost=label_cost)
        fit = fit_rows(problem, gap=1e-10)
        assert not fit.theta.any()
        assert fit.value == pytest.approx(coin, rel=1e-15)
        assert fit.bound == pytest.approx(coin, rel=1e-15)
        assert problem.objective(rng.normal(size=4)) >= coin
    nearly = problem_of("logistic", X, y, weight, radius=0.3, label_cost=0.601)
    if loss == "logistic":
        assert not fit_rows(nearly, gap=1e-8).theta.any()
    just_above = problem_of(loss, X, y, weight, radius=0.0999, label_cost=0.2)
    assert fit_rows(just_above, gap=1e-8).value <= coin


def test_value_grows_with_the_radius_and_is_concave(rng):
    X, y, weight = random_problem(rng, "hinge", 40, 3)
    problem = problem_of("hinge", X, y, weight, radius=1.0, label_cost=0.8)
    values = [fit_rows(problem.at(r), gap=1e-9).value for r in np.linspace(0.01, 0.41, 9)]
    assert (np.diff(values) > -1e-9).all()
    assert (np.diff(values, 2) < 1e-8).all()


@pytest.mark.parametrize("loss", ["hinge", "lad"])
def test_radius_zero_is_the_linear_program(rng, loss):
    X, y, weight = random_problem(rng, loss, 40, 3)
    fit = fit_rows(problem_of(loss, X, y, weight, radius=0.0), gap=1e-8)
    assert fit.status is Status.OPTIMAL
    assert fit.value == pytest.approx(conic_fit(loss, X, y, radius=0.0, norm=2, weight=weight)[0], abs=1e-8)


def test_radius_zero_needs_classes_that_overlap():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array([-1.0, -1.0, 1.0, 1.0])
    with pytest.raises(InvalidInput, match="separates the classes"):
        fit_rows(problem_of("logistic", X, y, np.ones(4), radius=0.0), gap=1e-8)
    assert fit_rows(problem_of("logistic", X, y, np.ones(4), radius=1e-4), gap=1e-8).status is Status.OPTIMAL
    assert fit_rows(problem_of("hinge", X, y, np.ones(4), radius=0.0), gap=1e-8).value < 1e-8


def test_large_data_start_from_a_part(rng):
    """The thinned start changes the path, not the answer."""
    X = rng.normal(size=(45_000, 3))
    y = np.where(X[:, 0] + rng.normal(size=45_000) > 0, 1.0, -1.0)
    fit = fit_rows(problem_of("logistic", X, y, np.ones(45_000), radius=0.02), gap=1e-10)
    assert fit.status is Status.OPTIMAL
    assert fit.steps <= 5


def test_joined_rows_do_not_depend_on_how_they_came(rng):
    X, y, weight = random_problem(rng, "lad", 20, 3)
    counts = weight.astype(int)
    order = rng.permutation(int(counts.sum()))
    whole = prepared(X, y, weight, intercept=True, labels=False, joined=True)
    repeated = prepared(
        np.repeat(X, counts, axis=0)[order],
        np.repeat(y, counts)[order],
        np.ones(len(order)),
        intercept=True,
        labels=False,
        joined=True,
    )
    for name in ("X", "target", "weight", "shift"):
        assert np.array_equal(getattr(whole, name), getattr(repeated, name))
    assert len(whole.X) <= 20
