"""The user's spectrum: checks, derived facts, agreement with the shipped measures."""

import math

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.spectral import Spectral, Steps, spectral_risk
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.measures.var_interval import VaRInterval


def test_known_measures_as_spectra(rng):
    x, w = rng.random((3, 40)), rng.random(40)
    pairs = [
        (Spectral(lambda p: p), Mean()),
        (Spectral(CVaR(0.9).integrated_spectrum), CVaR(0.9)),
        (Spectral.steps((0.9, 1), (1,)), CVaR(0.9)),
        (Spectral.steps((0.2, 0.7), (1,)), VaRInterval(0.2, 0.7)),
    ]
    for spectral, measure in pairs:
        np.testing.assert_allclose(spectral(x), measure(x), rtol=1e-13)
        np.testing.assert_allclose(spectral(x, w), measure(x, w), rtol=1e-13)
        assert spectral.coherent == measure.coherent
        assert spectral.levels[0] == pytest.approx(measure.levels[0], abs=1e-3)
        assert spectral.levels[0] <= measure.levels[0]
        assert spectral.levels[1] >= measure.levels[1]


def test_steps_share_the_weight_between_levels(rng):
    x = rng.random(200)
    mixture = 0.5 * VaRInterval(0, 0.9)(x) + 0.5 * CVaR(0.9)(x)
    assert Spectral.steps((0, 0.9, 1), (0.5, 0.5))(x) == pytest.approx(mixture, rel=1e-14)
    exact = Spectral.steps((0.3, 0.9), (1,))
    assert exact.levels == (0.3, 0.9)
    assert Spectral.steps((0, 0.5, 1), (0.4, 0.6)).coherent
    assert not Spectral.steps((0, 0.5, 1), (0.6, 0.4)).coherent


def test_steps_round_trip():
    measure = Spectral.steps((0, 0.5, 1), (0.4, 0.6))
    assert eval(repr(measure)) == measure
    assert str(measure) == "Spectral(levels [0.0, 0.5, 1.0], shares [0.4, 0.6])"
    assert Steps((0, 1), (1,))(np.array([0.0, 0.25, 1.0])).tolist() == [0.0, 0.25, 1.0]


def test_a_jump_is_a_quantile(rng):
    x = rng.random(101)
    assert spectral_risk(x, lambda p: (p >= 0.5) * 1.0) == value_at_risk(x, 0.5)


def test_small_dents_decide_coherence():
    assert Spectral(lambda p: 0.999999 * p + 0.000001 * p**2).coherent
    assert not Spectral(lambda p: 1.000001 * p - 0.000001 * p**2).coherent
    assert not Spectral(lambda p: np.interp(p, [0, 0.5, 0.5005, 1], [0, 0.25, 0.2508, 1])).coherent


@pytest.mark.parametrize(
    ("spectrum", "message"),
    [
        (lambda p: p + 0.1, "must be 0 at 0 and 1 at 1; got 0.1 and 1.1"),
        (lambda p: 0.5 * p, "got 0 and 0.5. Normalise"),
        (lambda p: p + 0.3 * np.sin(2 * math.pi * p), "must not decrease"),
        (lambda p: p + 2 * (p > 1 - 1e-14) * (p < 1), "must not decrease"),
        (lambda p: p * math.nan, "1109 non-finite values|non-finite values"),
        (lambda p: math.sin(p), "elementwise"),
        (lambda p: 1.0, "one finite number for each point"),
        (0.5, "`integrated` must be a function"),
    ],
)
def test_bad_spectra(spectrum, message):
    with pytest.raises(InvalidInput, match=message):
        Spectral(spectrum)


def test_a_dent_between_the_points_of_the_grid_is_found_where_it_matters():
    """Decreasing only near 0.30005: no point of the grid is there, a jump of this law is."""
    measure = Spectral(lambda p: np.where(np.abs(p - 0.30005) < 1e-6, 0.0, p))
    assert measure([1.0, 2.0]) == 1.5
    with pytest.raises(InvalidInput, match="must not decrease"):
        measure([1.0, 2.0, 3.0], [0.2, 0.10005, 0.69995])


@pytest.mark.parametrize(
    ("levels", "shares", "message"),
    [
        ((0, 1), (0.5, 0.5), "`levels` must be 3 increasing numbers"),
        ((0.5, 0.2, 1), (0.5, 0.5), "increasing"),
        ((0, 0.5, 1.5), (0.5, 0.5), r"in \[0, 1\]"),
        ((0, 0.5, 1), (0.5, 0.6), "sum to 1; got min 0.5 and sum 1.1"),
        ((0, 0.5, 1), (-0.5, 1.5), "got min -0.5"),
        ((0, 1), (math.nan,), "NaN"),
    ],
)
def test_bad_steps(levels, shares, message):
    with pytest.raises(InvalidInput, match=message):
        Spectral.steps(levels, shares)
