"""The logistic loss and its chords against 960-digit arithmetic; its lines lie below at every knot."""

import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest

from riskstats._jit import double_precision
from riskstats.losses import (
    binary_entropy,
    chord_interpolant,
    chord_support,
    sigmoid,
    softplus,
    softplus_curvature,
)

CHORDS = json.loads((Path(__file__).parent / "golden" / "scores.json").read_text())["chord_interpolant"][
    "cases"
]
DIGITS = 960
"""exp(-1000) is near 1e-434: 1 + exp(-1000) takes that many digits before its logarithm says anything."""
POINTS = (
    *(0.0, 5e-324, 1e-300, 1e-17, 1e-8, 0.1, 0.5, 1.0, 2.3, 5.0, 17.0, 30.5, 36.7, 37.5, 100.0),
    *(709.7, 709.8, 740.0, 745.2, 746.0, 1e3),
)
SPACINGS = (1.0, 0.5, 1 / 2.3, 0.1, 0.05, 1.25)


def exactly(z: float) -> dict[str, float]:
    """The four functions at z, each rounded once from `DIGITS` digits."""
    with localcontext() as context:
        context.prec = DIGITS
        power = Decimal(z).exp()
        chance = power / (1 + power)
        loss = (1 + power).ln()
        return {
            "softplus": float(loss),
            "sigmoid": float(chance),
            "softplus_curvature": float(chance / (1 + power)),
            "binary_entropy": float(loss - Decimal(z) * chance),
        }


FUNCTIONS = {
    function.__name__: function for function in (softplus, sigmoid, softplus_curvature, binary_entropy)
}


@pytest.mark.parametrize("z", [sign * z for z in POINTS for sign in (-1, 1)])
def test_full_relative_precision_from_minus_to_plus_a_thousand(z):
    expected = exactly(z)
    found = {name: float(function(np.float64(z))) for name, function in FUNCTIONS.items()}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-15, abs=1e-320), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_of_any_shape_keep_it(name):
    z = np.array([[-700.0, -3.0, 0.0], [0.5, 3.0, 700.0]])
    found = FUNCTIONS[name](z)
    np.testing.assert_array_equal(found, [[FUNCTIONS[name](np.float64(v)) for v in row] for row in z])


@pytest.mark.parametrize("function", [softplus, sigmoid, softplus_curvature])
def test_infinite_scores_have_their_limits(function):
    low, high = function(np.array([-np.inf, np.inf]))
    assert low == 0.0
    assert high == {"softplus": np.inf, "sigmoid": 1.0, "softplus_curvature": 0.0}[function.__name__]


def test_identities_on_a_grid():
    z = np.linspace(-50, 50, 4001)
    np.testing.assert_allclose(softplus(z) - softplus(-z), z, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sigmoid(z) + sigmoid(-z), 1.0, rtol=0, atol=4e-16)
    np.testing.assert_array_equal(softplus_curvature(z), softplus_curvature(-z))
    np.testing.assert_array_equal(binary_entropy(z), binary_entropy(-z))
    assert softplus_curvature(np.float64(0.0)) == 0.25
    assert softplus_curvature(z).max() == 0.25


def test_tangents_lie_below():
    """binary_entropy(z) + sigmoid(z) x <= softplus(x): the line that every bound is made of."""
    z, x = np.linspace(-60, 60, 241)[:, None], np.linspace(-80, 80, 641)[None, :]
    slack = 4e-16 * (1 + sigmoid(z) * np.abs(x))
    assert np.all(binary_entropy(z) + sigmoid(z) * x <= softplus(x) + slack)


@pytest.mark.parametrize("case", CHORDS, ids=lambda case: f"h{case['h']}-z{case['z']}")
def test_golden_chords(case):
    z, spacing = np.float64(case["z"]), float(case["h"])
    assert softplus(z) == pytest.approx(case["softplus"], rel=0, abs=1e-12)
    assert chord_interpolant(z, spacing) == pytest.approx(case["interpolant"], rel=0, abs=1e-12)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_interpolant_touches_at_the_knots_and_exceeds_by_at_most_an_eighth_of_the_curvature(spacing):
    knots = np.arange(-200, 201) * spacing
    np.testing.assert_allclose(chord_interpolant(knots, spacing), softplus(knots), rtol=1e-13, atol=1e-15)
    z = np.linspace(-60, 60, 20_001)
    excess = chord_interpolant(z, spacing) - softplus(z)
    assert excess.min() >= -3e-14
    assert excess.max() <= spacing**2 / 32 + 1e-14


@pytest.mark.parametrize("spacing", SPACINGS)
def test_interpolant_is_convex(spacing):
    z = np.linspace(-20, 20, 4001)
    slopes = np.diff(chord_interpolant(z, spacing)) / np.diff(z)
    assert np.diff(slopes).min() >= -1e-11


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("share", [0.5, 0.2, 0.03, 1e-6])
def test_every_supporting_line_lies_below_softplus_at_every_knot(spacing, share, rng):
    near = np.arange(-12, 13) * spacing
    edges = np.concatenate([near, near + share * spacing, near - share * spacing, near + 0.5 * spacing])
    z = np.concatenate([edges, rng.uniform(-30, 30, 200)])
    _, slope, _, intercept = chord_support(z, spacing, share * spacing)
    knots = np.arange(-300, 301) * spacing
    excess = intercept[:, None] + slope[:, None] * knots - softplus(knots)
    assert np.all(excess <= 4e-16 * (1 + np.abs(slope[:, None] * knots)))
    assert np.all((slope >= 0) & (slope <= 1))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("reach", [100, 1_000, 10_000])
def test_lines_taken_far_out_lie_below_at_every_knot(spacing, reach, rng):
    """A chord is a small difference of large values there: its error, times the distance, is the excess."""
    z = np.sort(rng.uniform(-reach, reach, 400))
    _, slope, _, intercept = chord_support(z, spacing, 0.03 * spacing)
    knots = np.round(rng.uniform(-reach, reach, 2_000) / spacing) * spacing
    excess = intercept[:, None] + slope[:, None] * knots - softplus(knots)
    assert excess.max() <= 4e-16 * reach


@pytest.mark.parametrize("spacing", [50.0, 500.0, 1_000.0, 1e5])
def test_knots_far_apart(spacing):
    """Spacing is 1 / multiplier, and a multiplier of 0.001 is as good as any."""
    z = np.linspace(-3, 3, 25) * spacing
    _, slope, _, intercept = chord_support(z, spacing, 0.2 * spacing)
    knots = np.arange(-5, 6) * spacing
    excess = intercept[:, None] + slope[:, None] * knots - softplus(knots)
    assert np.all(excess <= 4e-15 * spacing)
    at_knots = chord_interpolant(knots, spacing)
    np.testing.assert_allclose(at_knots, softplus(knots), rtol=1e-14, atol=1e-14)


def exact_softplus(x: float) -> Decimal:
    with localcontext() as context:
        context.prec = 120
        return (1 + Decimal(x).exp()).ln()


def test_supporting_lines_lie_below_in_exact_arithmetic_too():
    """The lines as rationals, softplus to 120 digits: what is left above is rounding of the line alone."""
    spacing = 1 / 2.3
    z = np.linspace(-9, 9, 37)
    _, slope, _, intercept = chord_support(z, spacing, 0.03 * spacing)
    for knot in np.arange(-25, 26) * spacing:
        bound = exact_softplus(float(knot))
        for a, b in zip(intercept, slope, strict=True):
            above = Decimal(float(a)) + Decimal(float(b)) * Decimal(float(knot)) - bound
            assert above <= Decimal("4e-16") * (1 + abs(Decimal(float(knot))))


@pytest.mark.parametrize("spacing", [1.0, 0.1])
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_smoothed_value_is_the_integral_of_its_slope_and_lies_above(spacing, share):
    window = share * spacing
    z = np.linspace(-6, 6, 120_001)
    value, slope, _, intercept = chord_support(z, spacing, window)
    middle = 0.5 * (slope[1:] + slope[:-1])
    np.testing.assert_allclose(np.diff(value), middle * np.diff(z), rtol=0, atol=1e-9)
    assert np.all(np.diff(slope) >= -1e-12)
    lift = value - chord_interpolant(z, spacing)
    assert lift.min() >= -1e-14
    assert lift.max() <= 0.25 * spacing * window / 4 + 1e-14
    assert np.all(intercept + slope * z <= value + 1e-14)


def test_a_vanishing_window_leaves_the_interpolant():
    z = np.linspace(-7.03, 7.04, 53)
    value, slope, _, intercept = chord_support(z, 1.0, 1e-9)
    np.testing.assert_allclose(value, chord_interpolant(z, 1.0), rtol=1e-14)
    np.testing.assert_allclose(intercept + slope * z, value, rtol=1e-13)


@pytest.mark.parametrize("name", [*FUNCTIONS, "chord_interpolant", "chord_support"])
def test_jax_and_numpy_agree(name):
    import jax.numpy as jnp

    z = np.concatenate([np.linspace(-40, 40, 801), [-1e3, 1e3, 745.0, -745.0]])
    functions = {
        **FUNCTIONS,
        "chord_interpolant": lambda z: chord_interpolant(z, 0.5),
        "chord_support": lambda z: chord_support(z, 0.5, 0.1),
    }
    expected = functions[name](z)
    with double_precision():
        found = functions[name](jnp.asarray(z))
    for ours, theirs in zip(np.atleast_2d(expected), np.atleast_2d(np.asarray(found)), strict=True):
        assert theirs.dtype == np.float64
        np.testing.assert_allclose(theirs, ours, rtol=1e-13, atol=1e-300 if name in FUNCTIONS else 1e-12)
