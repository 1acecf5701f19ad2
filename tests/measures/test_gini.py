"""The Gini coefficient: exact cases, and bounds that hold for every law in a band."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import ksone

from riskstats.distribution import Distribution
from riskstats.envelope import Rows, best_rows, worst_rows
from riskstats.exceptions import InvalidInput
from riskstats.measures.gini import Gini, gini
from tests.measures.bands import random_bands, random_law

SHARP = Gini(sharp=True)


def test_cases_by_hand():
    assert gini([1, 1, 1]) == 0.0
    assert gini([0, 0, 0]) == 0.0
    assert gini([0, 1]) == 0.5
    assert gini([0, 0, 0, 1]) == 0.75
    assert gini([1, 3]) == 0.25
    assert gini([1, 3], sample_weight=[0, 2]) == 0.0
    np.testing.assert_array_equal(gini([[0, 1], [0, 0], [2, 2]]), [0.5, 0.0, 0.0])


@pytest.mark.parametrize("measure", [Gini(), SHARP], ids=str)
def test_negative_losses_are_refused(measure):
    for losses in ([-0.1, 1], [[0, 1], [-0.1, 1]], Distribution([-0.1, 1])):
        with pytest.raises(InvalidInput, match=r"needs losses >= 0; got down to -0.1. Inequality"):
            measure(losses)
    with pytest.raises(InvalidInput, match="got down to -1"):
        measure.check_support((-1.0, 1.0))
    measure.check_support((0.0, 1.0))


@pytest.mark.parametrize("support", [(0.0, 1.0), (0.3, 2.0)])
def test_every_law_in_a_band_is_inside_the_bounds(support, rng):
    reached_above = reached_below = 0
    for band in random_bands(rng, 300, support):
        lower = Gini().lower_rows(band.worst, band.best)[0]
        ratio = Gini().upper_rows(band.worst, band.best)[0]
        sharp = SHARP.upper_rows(band.worst, band.best)[0]
        values = np.array([Gini().of(random_law(rng, band)) for _ in range(30)])
        assert values.min() >= lower - 1e-13
        assert values.max() <= sharp + 1e-13
        assert 0 <= lower <= sharp <= ratio + 1e-13 <= 1 + 1e-13
        reached_above += values.max() >= sharp - 0.02
        reached_below += values.min() <= lower + 0.02
    assert min(reached_above, reached_below) > 100


def test_sharp_bounds_are_the_extremes_over_all_laws(rng):
    """Every nondecreasing choice from 9 heights between the edges, and every level cut to them; 2 losses."""
    found = 0
    for band in random_bands(rng, 400):
        if len(band.grid) != 4:
            continue
        heights = np.linspace(band.low, band.high, 9)
        values = []
        for choice in product(range(9), repeat=3):
            levels = heights[list(choice), [0, 1, 2]]
            if (np.diff(levels) >= 0).all():
                law = Distribution.from_cumulative(band.grid, np.append(levels, 1.0))
                values.append(Gini().of(law))
        assert Gini().lower_rows(band.worst, band.best)[0] == pytest.approx(min(values), rel=0, abs=1e-13)
        flat = [np.clip(c, band.low, band.high) for c in np.linspace(0, 1, 2001)]
        laws = [Distribution.from_cumulative(band.grid, np.append(levels, 1.0)) for levels in flat]
        values += [Gini().of(law) for law in laws]
        sharp = SHARP.upper_rows(band.worst, band.best)[0]
        assert max(values) - 1e-13 <= sharp <= max(values) + 1e-4
        found += 1
        if found == 8:
            break
    assert found == 8


def test_rows_are_bounded_alone(rng):
    x = np.sort(rng.random((5, 40)), axis=1)
    lower = np.maximum(np.arange(1, 41) / 40 - 0.15, 0)
    upper = np.minimum(np.arange(40) / 40 + 0.15, 1)
    worst, best = worst_rows(x, lower, 1.0), best_rows(x, upper, 0.0)
    for bound in (Gini().upper_rows, SHARP.upper_rows, Gini().lower_rows):
        alone = [
            bound(Rows(w[None], worst.cumulative), Rows(b[None], best.cumulative))[0]
            for w, b in zip(worst.atoms, best.atoms, strict=True)
        ]
        np.testing.assert_allclose(bound(worst, best), alone, rtol=1e-14)


@pytest.mark.parametrize(("n", "want"), [(50, 1.0), (1000, 0.8990503610340674)])
def test_upper_bound_of_a_kolmogorov_smirnov_band(n, want):
    x = np.sort(((np.arange(1, n + 1) * 0.6180339887) % 1.0) ** 2)[np.newaxis]
    lower = np.maximum(np.arange(1, n + 1) / n - ksone.isf(0.025, n), 0)
    worst, best = worst_rows(x, lower, 1.0), best_rows(x, 1 - lower[::-1], 0.0)
    assert Gini().upper_rows(worst, best)[0] == pytest.approx(want, rel=1e-9)
    assert Gini().lower_rows(worst, best)[0] < gini(x[0]) < SHARP.upper_rows(worst, best)[0] < want - 0.2


def test_a_best_case_without_losses_says_nothing():
    worst = worst_rows(np.array([[0.0, 0.0]]), np.array([0.1, 0.4]), 1.0)
    best = best_rows(np.array([[0.0, 0.0]]), np.array([0.6, 0.9]), 0.0)
    assert Gini().upper_rows(worst, best)[0] == 1.0
    assert Gini().lower_rows(worst, best)[0] == 0.0
    assert 0.9 < SHARP.upper_rows(worst, best)[0] <= 1.0


def test_an_infinite_top():
    worst = worst_rows(np.array([[1.0, 2.0]]), np.array([0.5, 0.8]), np.inf)
    best = best_rows(np.array([[1.0, 2.0]]), np.array([0.2, 0.9]), 0.0)
    finite = worst_rows(np.array([[1.0, 2.0]]), np.array([0.5, 0.8]), 1e9)
    assert Gini().upper_rows(worst, best)[0] == SHARP.upper_rows(worst, best)[0] == 1.0
    assert Gini().lower_rows(worst, best)[0] == pytest.approx(Gini().lower_rows(finite, best)[0], abs=1e-6)
