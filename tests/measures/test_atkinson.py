"""The Atkinson index: exact cases, and bounds that hold for every law in a band."""

import numpy as np
import pytest

from riskstats.envelope import best_rows, worst_rows
from riskstats.exceptions import InvalidInput
from riskstats.measures.atkinson import Atkinson, atkinson
from tests.measures.bands import random_bands, random_law


def test_cases_by_hand():
    assert atkinson([4, 4], 0.5) == 0.0
    assert atkinson([0, 0], 0.5) == atkinson([0, 0], 2) == 0.0
    assert atkinson([0, 1], 0.5) == pytest.approx(0.5)
    assert atkinson([1, 4], 1) == pytest.approx(1 - 2 / 2.5)
    assert atkinson([1, 3], 2) == pytest.approx(1 - 1.5 / 2)
    assert atkinson([0, 1, 1], 1) == atkinson([0, 1, 1], 3) == 1.0
    np.testing.assert_allclose(atkinson([[0, 1], [0, 0], [2, 2]], 0.5), [0.5, 0, 0], atol=1e-15)


def test_it_grows_with_epsilon_and_is_continuous_at_one(rng):
    x = rng.random(30) + 0.1
    values = [atkinson(x, epsilon) for epsilon in (1e-12, 0.1, 0.5, 1 - 1e-13, 1.0, 1 + 1e-13, 2.0, 50.0)]
    assert (np.diff(values) >= -1e-13).all()
    assert values[3] == pytest.approx(values[5], rel=1e-11)
    assert atkinson(x, 1e5) == pytest.approx(1 - x.min() / x.mean(), rel=1e-4)


def test_bad_input():
    with pytest.raises(InvalidInput, match="`epsilon` must be a number > 0; got 0"):
        Atkinson(0)
    with pytest.raises(InvalidInput, match=r"`Atkinson\(0.5\)` needs losses >= 0; got down to -1"):
        atkinson([-1, 1], 0.5)
    with pytest.raises(InvalidInput, match="got down to -1"):
        Atkinson(0.5).check_support((-1.0, 1.0))
    with pytest.raises(InvalidInput, match=r"`Atkinson\(1\)` has no bound below 1 where a loss can be 0"):
        Atkinson(1).check_support((0.0, 1.0))
    Atkinson(0.9).check_support((0.0, 1.0))
    Atkinson(1).check_support((0.1, 1.0))


@pytest.mark.parametrize("epsilon", [0.2, 0.7, 1.0, 3.0])
@pytest.mark.parametrize("support", [(0.0, 1.0), (0.3, 2.0)])
def test_every_law_in_a_band_is_inside_the_bounds(epsilon, support, rng):
    measure = Atkinson(epsilon)
    for band in random_bands(rng, 100, support):
        lower = measure.lower_rows(band.worst, band.best)[0]
        upper = measure.upper_rows(band.worst, band.best)[0]
        values = np.array([measure.of(random_law(rng, band)) for _ in range(20)])
        assert 0 <= lower <= values.min() + 1e-13
        assert values.max() <= upper + 1e-13 <= 1 + 1e-13
        if epsilon >= 1 and support[0] == 0 and band.best.cumulative[0] > 0:
            assert upper == 1.0


def test_a_narrow_band_pins_it_down(rng):
    x = np.sort(rng.random((2, 400)) ** 3, axis=1) + 0.01
    lower, upper = np.maximum(np.arange(1, 401) / 400 - 1e-4, 0), np.arange(400) / 400 + 1e-4
    worst, best = worst_rows(x, lower, 1.01), best_rows(x, upper, 0.01)
    for epsilon in (0.5, 1.0, 2.0):
        measure = Atkinson(epsilon)
        np.testing.assert_allclose(measure.upper_rows(worst, best), measure(x), atol=0.02)
        np.testing.assert_allclose(measure.lower_rows(worst, best), measure(x), atol=0.02)


def test_an_infinite_top_and_a_best_case_without_losses():
    worst = worst_rows(np.array([[1.0, 2.0]]), np.array([0.5, 0.8]), np.inf)
    best = best_rows(np.array([[1.0, 2.0]]), np.array([0.2, 0.9]), 0.5)
    empty = best_rows(np.array([[0.0, 0.0]]), np.array([0.6, 0.9]), 0.0)
    for epsilon in (0.5, 1.0, 2.0):
        assert Atkinson(epsilon).upper_rows(worst, best)[0] == 1.0
        assert Atkinson(epsilon).lower_rows(worst, best)[0] == 0.0
        assert Atkinson(epsilon).lower_rows(worst, empty)[0] == 0.0
        assert Atkinson(epsilon).upper_rows(worst, empty)[0] == 1.0
