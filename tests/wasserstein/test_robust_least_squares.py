"""Robust least squares: a conic solver, the unpenalised fit, interpolation, optimality conditions."""

import math

import numpy as np
import pytest

from riskstats.results import Status
from riskstats.wasserstein.robust_least_squares import LeastSquaresProblem, fit_least_squares
from tests.reference.robust_fits import conic_fit, random_problem

NORMS = (1, 2, math.inf)


def problem_of(X, y, weight, radius, norm):
    weight = weight / weight.sum()
    return LeastSquaresProblem(X - weight @ X, y - weight @ y, weight, radius, norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("radius", [0.01, 0.3])
def test_agrees_with_a_conic_solver(rng, norm, radius):
    X, y, weight = random_problem(rng, "ols", 40, 5)
    problem = problem_of(X, y, weight, radius, norm)
    fit = fit_least_squares(problem, gap=1e-8)
    value, slopes, _ = conic_fit("ols", X, y, radius=radius, norm=norm, weight=weight)
    assert fit.status is Status.OPTIMAL
    assert fit.value == pytest.approx(value, rel=1e-7)
    assert fit.value <= problem.objective(slopes) * (1 + 1e-12)
    assert fit.theta == pytest.approx(slopes, abs=1e-3)


def test_radius_zero_is_least_squares(rng):
    X, y, weight = random_problem(rng, "ols", 40, 5)
    problem = problem_of(X, y, weight, 0.0, 2)
    fit = fit_least_squares(problem, gap=1e-10)
    root = np.sqrt(problem.weight)
    slopes = np.linalg.lstsq(problem.X * root[:, None], problem.y * root, rcond=None)[0]
    assert fit.theta == pytest.approx(slopes, rel=1e-9)
    assert fit.excess <= 1e-12 * fit.value


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("n", "noise"), [(15, 1.0), (60, 0.0), (60, 1e-3)])
def test_few_rows_and_little_noise(rng, norm, n, noise):
    """Where the residual can vanish the objective has a kink; the gap is still certified."""
    X = rng.normal(size=(n, 20))
    y = X @ np.where(np.arange(20) < 3, 1.0, 0.0) + noise * rng.normal(size=n)
    for radius in (0.01, 0.3):
        fit = fit_least_squares(problem_of(X, y, np.ones(n), radius, norm), gap=1e-7)
        assert fit.status is Status.OPTIMAL


@pytest.mark.parametrize("norm", NORMS)
def test_optimality_conditions(rng, norm):
    X, y, weight = random_problem(rng, "ols", 50, 4)
    problem = problem_of(X, y, weight, 0.2, norm)
    theta = fit_least_squares(problem, gap=1e-10).theta
    residual = problem.y - problem.X @ theta
    force = (problem.weight * residual / problem.root_error(theta)) @ problem.X
    assert problem.pull(force) == pytest.approx(0.2, abs=1e-8)
    assert force @ theta == pytest.approx(0.2 * problem.length(theta), abs=1e-8)


def test_no_slopes_where_the_radius_is_large(rng):
    X, y, weight = random_problem(rng, "ols", 30, 3)
    problem = problem_of(X, y, weight, 1e3, 2)
    fit = fit_least_squares(problem, gap=1e-10)
    assert not fit.theta.any()
    assert fit.value == pytest.approx(float(problem.weight @ problem.y**2), rel=1e-12)


def test_triangle_is_kept_along_a_path(rng):
    X, y, weight = random_problem(rng, "ols", 30, 3)
    problem = problem_of(X, y, weight, 0.1, 2)
    assert problem.at(0.2).triangle is problem.triangle
    R, q, rest, size = problem.triangle
    slopes = rng.normal(size=3)
    by_triangle = size * math.hypot(float(np.linalg.norm(q - R @ slopes / size)), rest)
    assert by_triangle == pytest.approx(problem.root_error(slopes), rel=1e-12)
