"""The exact one-sided Kolmogorov-Smirnov radius and its probability."""

import math
import time

import numpy as np
import pytest
from scipy.special import smirnov, smirnovi

from riskstats.bounds.dkw import DKW
from riskstats.bounds.kolmogorov_smirnov import (
    KolmogorovSmirnov,
    exceedance,
    kolmogorov_smirnov,
    one_sided_radius,
)
from riskstats.measures.cvar import CVaR
from tests.bounds.bands import golden_sample, one
from tests.reference.bands import crossing_probability, cvar, first_kept, lines, worst_law

DELTAS = [0.5, 0.05, 1e-3, 1e-6, 1e-9]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 50, 1000, 5000])
@pytest.mark.parametrize("delta", DELTAS)
def test_the_radius_is_exact_and_errs_to_the_safe_side(n, delta):
    radius = one_sided_radius(n, delta)
    assert radius == pytest.approx(smirnovi(n, delta), rel=1e-11)
    assert exceedance(n, radius) <= delta * (1 - 0.5e-12) or n == 1
    assert exceedance(n, radius) >= delta * (1 - 1e-6)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 3000])
def test_the_probability_is_that_of_scipy(n):
    for radius in np.linspace(0, 1, 23)[1:-1] / math.sqrt(n):
        assert exceedance(n, radius) == pytest.approx(smirnov(n, radius), rel=1e-12)
    assert (exceedance(n, 0.0), exceedance(n, 1.0), exceedance(n, 1.3)) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("n", [1, 2, 9, 35])
def test_the_probability_is_that_of_the_band(n):
    for delta in (0.3, 1e-4):
        assert crossing_probability(KolmogorovSmirnov().boundary(n, delta).values) == pytest.approx(
            delta, rel=1e-9
        )


def test_one_unit_keeps_the_whole_error():
    assert KolmogorovSmirnov().boundary(1, 0.05).values[0] == pytest.approx(0.05, rel=1e-11)


def test_a_million_units_take_a_moment():
    start = time.process_time()
    radius = one_sided_radius(1_000_000, 0.03)
    assert time.process_time() - start < 5
    assert radius == pytest.approx(math.sqrt(-math.log(0.03) / 2e6), rel=1e-3)
    assert exceedance(1_000_000, radius) <= 0.03


def test_it_is_never_wider_than_dkw():
    for n in (1, 4, 100):
        for delta in DELTAS:
            assert (KolmogorovSmirnov().boundary(n, delta).values >= DKW().boundary(n, delta).values).all()


@pytest.mark.parametrize("n", [1500, 4000])
@pytest.mark.parametrize("delta", [0.05, 1e-12])
def test_many_p_values_are_interpolated_and_rounded_up(n, delta):
    family = KolmogorovSmirnov().family(n, delta)
    t = np.linspace(family.grid[0], family.grid[-1], 90)
    exact = np.array([exceedance(n, -place) for place in t])
    many = family.errors(t)
    assert (many >= exact).all()
    np.testing.assert_allclose(many, exact, rtol=1e-9)


def test_p_values_are_the_error_whose_bound_meets_the_limit():
    x, limit = golden_sample(30) * 0.4, 0.75
    radius = 1 - first_kept(
        lambda shrink: cvar(*worst_law(x, lines(30, 1 - shrink), 1.0), 0.5) <= limit, 0.0, 1.0
    )
    found = KolmogorovSmirnov().p_value(one(x), CVaR(0.5), limit, 0.05)[0]
    assert smirnov(30, radius) * (1 - 1e-13) <= found <= smirnov(30, radius) * (1 + 1e-9)


def test_the_function_gives_the_envelope():
    envelope = kolmogorov_smirnov(golden_sample(50))
    assert envelope.upper is None
    np.testing.assert_array_equal(envelope.lower, KolmogorovSmirnov().boundary(50, 1 - 0.95).values)
