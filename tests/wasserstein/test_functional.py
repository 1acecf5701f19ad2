"""Declarations: what a functional says of itself, and sums of decimals."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Declared, as_functional, decimal_sum
from riskstats.wasserstein.joint import JointCDF, Maximum, Product
from riskstats.wasserstein.shapes import (
    Above,
    Absolute,
    AtLeast,
    AtMost,
    Below,
    Between,
    Call,
    Linear,
    Put,
    Square,
)


def column(*values):
    return np.array(values, dtype=float)[:, np.newaxis]


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        (Linear(2.0), [-2.0, 0.0, 2.0]),
        (Call(0.5), [0.0, 0.0, 0.5]),
        (Put(0.5), [1.5, 0.5, 0.0]),
        (Absolute(0.5), [1.5, 0.5, 0.5]),
        (Square(1.0), [4.0, 1.0, 0.0]),
        (AtMost(0.0), [1.0, 1.0, 0.0]),
        (Below(0.0), [1.0, 0.0, 0.0]),
        (AtLeast(0.0), [0.0, 1.0, 1.0]),
        (Above(0.0), [0.0, 0.0, 1.0]),
        (Between(0.0, 1.0), [0.0, 1.0, 1.0]),
    ],
    ids=str,
)
def test_values_of_the_shapes(shape, values):
    np.testing.assert_array_equal(shape(np.array([-1.0, 0.0, 1.0])), values)


def test_values_of_functions_of_two():
    y1, y2 = column(-1.0, 2.0, 0.0), column(3.0, 0.5, 0.0)
    np.testing.assert_array_equal(Maximum()(y1, y2), [3.0, 2.0, 0.0])
    np.testing.assert_array_equal(Maximum(1.0)(y1, y2), [2.0, 1.0, 0.0])
    np.testing.assert_array_equal(Product()(y1, y2), [-3.0, 1.0, 0.0])
    np.testing.assert_array_equal(JointCDF((0.0, 0.0))(y1, y2), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(Aggregate(Linear(), (1, -2))(y1, y2), [-7.0, 1.0, 0.0])


def test_sums_of_decimals_are_the_decimals_meant():
    total = decimal_sum([np.array([0.1, 1.4, 0.1]), np.array([0.2, -0.4, 0.7])])
    assert total.tolist() == [0.3, 1.0, 0.8]
    assert (0.1 + 0.2, 1.4 - 0.4, 0.1 + 0.7) != (0.3, 1.0, 0.8)
    f = Aggregate(AtMost(0.3), (1, 1))
    assert f(column(0.1), column(0.2)).tolist() == [1.0]
    noise = np.random.default_rng(0).normal(size=(2, 5))
    np.testing.assert_array_equal(decimal_sum(list(noise)), noise[0] + noise[1])


@pytest.mark.parametrize(
    ("f", "coupling"),
    [
        (Aggregate(Call(0.0), (1, 1)), 1),
        (Aggregate(Call(0.0), (1, -1)), -1),
        (Aggregate(Square(), (-1, -1)), 1),
        (Aggregate(AtMost(0.0), (1, 1)), 0),
        (Maximum(), -1),
        (Product(), 1),
        (JointCDF((0.0, 0.0)), 1),
        (Declared(max, growth=1, shape="supermodular"), 1),
        (Declared(max, growth=1, shape="submodular"), -1),
        (Declared(max, growth=1), 0),
    ],
    ids=lambda f: f.describe() if not isinstance(f, int) else str(f),
)
def test_declared_couplings_are_worst_on_every_square(f, coupling):
    assert f.coupling(1) == coupling
    assert f.coupling(-1) == -coupling
    if coupling and not isinstance(f, Declared):
        a, b, c, d = np.random.default_rng(0).normal(size=(4, 200))
        low, high = (np.minimum(a, b), np.minimum(c, d)), (np.maximum(a, b), np.maximum(c, d))
        together = f(low[0][:, None], low[1][:, None]) + f(high[0][:, None], high[1][:, None])
        crossed = f(low[0][:, None], high[1][:, None]) + f(high[0][:, None], low[1][:, None])
        assert (coupling * (together - crossed) >= -1e-12).all()


def test_growth_and_slope_bound_the_functions_far_out():
    s = np.array([-1e8, 1e8])
    for shape in (Linear(-2.0), Call(1.0), Put(1.0), Absolute(), Square(), AtMost(0.0)):
        for sign in (1, -1):
            growth, slope = shape.growth(sign), shape.slope(sign)
            ratio = float((sign * shape(s) / np.abs(s) ** growth).max())
            assert ratio <= slope + 1.0
            if growth:
                assert ratio == pytest.approx(slope, rel=1e-6)


def test_a_shape_is_a_functional_of_one_ball_and_a_function_is_declared():
    ball = WassersteinBall([[1.0, 2.0]], radius=0.1)
    assert isinstance(as_functional(Call(1.0), 1), Aggregate)
    assert isinstance(as_functional(np.abs, 1), Declared)
    with pytest.raises(InvalidInput, match="1 entries"):
        as_functional(Call(1.0), 1).check((ball,))
    with pytest.raises(InvalidInput, match="Declare `growth="):
        Declared(np.abs).growth(1, (True,))


def test_words():
    assert Aggregate(Call(1.5), (1, -2)).describe() == "E (Y1 - 2 Y2 - 1.5)_+"
    assert Aggregate(AtMost(0.0)).describe() == "P(S <= 0)"
    assert Aggregate(Between(0.0, 1.0), (-1.0,)).describe() == "P(0 <= -Y <= 1)"
    assert JointCDF((1, 2)).describe() == "P(Y1 <= 1, Y2 <= 2)"
