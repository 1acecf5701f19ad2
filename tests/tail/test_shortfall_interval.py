"""The interval is the range of the shortfall over what the likelihood allows, and it covers."""

import numpy as np
import pytest
from scipy import stats

from riskstats.tail.generalized_pareto import fit_excesses
from riskstats.tail.shortfall_interval import Excesses, shortfall_interval
from tests.reference.extremes import mean_excess, shortfall_end

CASES = [(0.2, 1000, 100, 0.01), (0.0, 1000, 100, 0.02), (-0.2, 500, 50, 0.05), (0.1, 2000, 300, 0.1)]


@pytest.mark.parametrize(("shape", "n", "n_u", "mass"), CASES)
def test_ends_agree_with_a_general_optimiser(shape, n, n_u, mass, rng):
    y = stats.genpareto.rvs(shape, size=n_u, random_state=rng)
    fit = fit_excesses(y)
    low, high = shortfall_interval(Excesses(y, n, mass, np.inf), fit, 0.05)
    allowed = stats.chi2.ppf(0.95, 1)
    start = (fit.shape, fit.scale)
    assert low == pytest.approx(shortfall_end(y, n, mass, allowed, start, -1.0), rel=1e-5)
    assert high == pytest.approx(shortfall_end(y, n, mass, allowed, start, 1.0), rel=1e-5)


def test_support_limits_the_upper_end(rng):
    y = rng.beta(0.8, 4.0, 60)
    free = shortfall_interval(Excesses(y, 600, 0.0001, np.inf), fit_excesses(y), 0.05)
    held = shortfall_interval(Excesses(y, 600, 0.0001, 1.0), fit_excesses(y, 1.0), 0.05)
    assert held[0] < held[1] <= 1.0 < free[1]


def test_upper_end_is_infinite_where_shape_one_is_possible(rng):
    y = stats.genpareto.rvs(0.8, size=20, random_state=rng)
    low, high = shortfall_interval(Excesses(y, 200, 0.02, np.inf), fit_excesses(y), 0.05)
    assert np.isfinite(low)
    assert high == np.inf


def test_more_confidence_is_wider(rng):
    y = rng.exponential(size=50)
    fit, data = fit_excesses(y), Excesses(y, 500, 0.02, np.inf)
    ends = [shortfall_interval(data, fit, delta) for delta in (0.5, 0.1, 0.05, 0.01)]
    lows, highs = zip(*ends, strict=True)
    assert list(lows) == sorted(lows, reverse=True)
    assert list(highs) == sorted(highs)


@pytest.mark.slow
def test_coverage(rng):
    n, u, mass, shape, m = 1000, 0.1, 0.01, 0.1, 400
    truth, held = mean_excess(shape, 1.0, u / mass), 0
    for _ in range(m):
        n_u = rng.binomial(n, u)
        y = stats.genpareto.rvs(shape, size=n_u, random_state=rng)
        low, high = shortfall_interval(Excesses(y, n, mass, np.inf), fit_excesses(y), 0.05)
        held += low <= truth <= high
    assert stats.binomtest(held, m, 0.95).pvalue > 1e-3
