"""The fit is the maximum of the likelihood: zero gradient, no grid and no peer finds a better one."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import stats

from riskstats.tail.generalized_pareto import (
    fit_excesses,
    fit_resamples,
    log_ratio,
    mean_excess_beyond,
    profile,
)
from tests.reference.extremes import mean_excess, pareto_gradient, pareto_grid, pareto_nll

SHAPES = (-0.6, -0.3, 0.0, 0.2, 0.8, 1.7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_gradient_is_zero(shape, scale, rng):
    y = stats.genpareto.rvs(shape, scale=scale, size=150, random_state=rng)
    fit = fit_excesses(y)
    assert fit.edge == ""
    assert np.abs(pareto_gradient(y, fit.shape, fit.scale)).max() < 1e-10 * len(y)
    assert fit.nll == pytest.approx(pareto_nll(y, fit.shape, fit.scale), abs=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_worse_than_scipy(shape, rng):
    y = stats.genpareto.rvs(shape, size=80, random_state=rng)
    fit = fit_excesses(y)
    peer = stats.genpareto.fit(y, floc=0)
    assert fit.nll <= pareto_nll(y, peer[0], peer[2]) + 1e-10


def test_no_worse_than_a_grid(rng):
    for _ in range(60):
        n, shape = int(rng.integers(10, 120)), rng.uniform(-1.2, 2)
        y = stats.genpareto.rvs(shape, size=n, random_state=rng)
        fit = fit_excesses(y)
        assert fit.shape >= -1
        assert fit.nll <= pareto_grid(y) + 1e-9 * n


def test_support_holds_and_nothing_in_it_is_better(rng):
    edges = set()
    for _ in range(60):
        y = rng.beta(0.8, rng.uniform(0.3, 6), int(rng.integers(10, 120)))
        fit = fit_excesses(y, 1.0)
        edges.add(fit.edge)
        assert fit.shape < 0
        assert -fit.scale / fit.shape <= 1 + 1e-12
        assert fit.nll <= pareto_grid(y, 1.0) + 1e-9 * len(y)
    assert edges == {"", "support", "shape"}


def test_uniform_edge(rng):
    y = np.append(rng.random(12), 1.0)
    y[:10] = np.linspace(0.9, 0.99, 10)
    fit = fit_excesses(y)
    assert (fit.edge, fit.shape, fit.scale) == ("shape", -1.0, pytest.approx(1.0))


def test_equal_excesses_are_fitted():
    fit = fit_excesses(np.full(20, 3.0))
    assert (fit.edge, fit.shape, fit.scale) == ("shape", -1.0, 3.0)


def test_large_samples_start_from_few_order_statistics(rng):
    y = stats.genpareto.rvs(0.3, size=20_000, random_state=rng)
    fit = fit_excesses(y)
    assert np.abs(pareto_gradient(y, fit.shape, fit.scale)).max() < 1e-10 * len(y)
    assert fit.shape == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("longest", [math.inf, 1.0])
def test_resamples_are_fitted_as_if_each_were_alone(longest, rng):
    y = rng.beta(0.8, 3, 40)
    start = fit_excesses(y, longest)
    counts = rng.multinomial(40, np.full(40, 1 / 40), 50).astype(float)
    shapes, scales = fit_resamples(y, counts, start, longest)
    alone = [fit_excesses(np.repeat(y, row.astype(int)), longest) for row in counts]
    np.testing.assert_allclose(shapes, [fit.shape for fit in alone], atol=1e-7)
    np.testing.assert_allclose(scales, [fit.scale for fit in alone], rtol=1e-7)


@pytest.mark.parametrize("x", [-0.9, -0.011, -0.0099, -1e-5, 1e-9, 0.0099, 0.011, 3.0])
def test_log_ratio_and_its_derivatives(x):
    with localcontext() as context:
        context.prec = 60
        z = Decimal(x)
        value = (1 + z).ln() / z
        first = (1 / (1 + z) - value) / z
        second = (-1 / (1 + z) ** 2 - 2 * first) / z
    close = (1e-15, 1e-13, 1e-10)
    for found, exact, error in zip(log_ratio(np.array([x])), (value, first, second), close, strict=True):
        assert float(found[0]) == pytest.approx(float(exact), rel=error)


def test_profile_slopes_are_differences(rng):
    y, p = rng.exponential(size=30), np.full(30, 1 / 30)
    theta = np.array([-0.1, -1e-4, 1e-4, 0.4, 5.0])
    step = 1e-5 * np.maximum(np.abs(theta), 1e-2)
    at, up, down = (profile(theta + sign * step, y, p) for sign in (0, 1, -1))
    np.testing.assert_allclose(at.slope, (up.value - down.value) / (2 * step), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(at.curvature, (up.slope - down.slope) / (2 * step), rtol=1e-5)


def test_mean_excess_is_continuous_at_shape_zero_and_infinite_from_one_on():
    shape = np.array([-1e-9, 0.0, 1e-9, 0.4, 1.0, 1.5])
    found = mean_excess_beyond(shape, np.full(6, 2.0), np.full(6, 10.0))
    assert found[:3] == pytest.approx([2 * (1 + math.log(10))] * 3, rel=1e-7)
    assert found[3] == pytest.approx(mean_excess(0.4, 2.0, 10.0), rel=1e-14)
    assert np.isinf(found[4:]).all()
