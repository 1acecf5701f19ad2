"""Closed-form inner suprema against a search over a fine grid of targets."""

import math

import numpy as np
import pytest

from riskstats.wasserstein.functional import Aggregate
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

SHAPES = (
    Linear(2.0),
    Linear(-0.5),
    Call(0.3),
    Put(0.3),
    Absolute(0.1),
    Square(0.2),
    AtMost(0.3),
    Below(0.3),
    AtLeast(0.3),
    Above(0.3),
    Between(-0.2, 0.5),
)
PRICES = (0.0, 1e-6, 0.1, 0.5, 1.0, 2.0, 10.0, 1e4, math.inf)
BOX = ((-2.5, 3.0), (-1.0, 4.0))


def priced(price, move, order):
    """price |move|^order, where nothing moved 0."""
    with np.errstate(invalid="ignore"):
        return np.where(move == 0, 0.0, price * np.abs(move) ** order)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
def test_inner_supremum_on_an_interval_is_that_of_a_fine_grid(shape, order):
    low, high = -1.0, 2.0
    v = np.array([-1.0, -0.7, -0.2, 0.1, 0.3, 0.5, 1.3, 2.0])
    grid = np.unique(np.concatenate([np.linspace(low, high, 3001), v]))
    for price in PRICES:
        for sign in (1, -1):
            inner = shape.best(sign, v, price, order, (low, high))
            here = sign * shape(grid)[None] - priced(price, grid[None] - v[:, None], order)
            at = sign * shape(inner.target) - priced(price, inner.target - v, order)
            assert ((inner.target >= low) & (inner.target <= high)).all()
            assert (here.max(axis=1) <= inner.value + 1e-9).all()
            np.testing.assert_allclose(at, inner.value, atol=1e-9)


@pytest.mark.parametrize(("shape", "order"), [(s, p) for s in SHAPES for p in (1.0, 1.5, 2.0, 3.0)], ids=str)
def test_inner_supremum_on_the_line_is_infinite_where_growth_exceeds_the_price(shape, order):
    for sign in (1, -1):
        slope, growth = shape.slope(sign), shape.growth(sign)
        if growth > order or (growth == order and slope > 0):
            cheap = 0.99 * slope if growth == order else 5.0
            assert np.isinf(shape.best(sign, np.array([1.7]), cheap, order).value).all()
        if growth <= order:
            dear = shape.best(sign, np.array([-1.0, 0.3, 1.7]), slope + 1.0, order)
            assert np.isfinite(dear.value).all()
            assert np.isfinite(dear.target).all()


def test_infimum_is_minus_the_supremum_of_the_negative():
    v = np.array([-1.0, 0.2, 0.9])
    for shape in SHAPES:
        if shape.growth(-1) <= 2:
            value, target = shape.infimum(v, 3.0, 2.0)
            np.testing.assert_allclose(shape(target) + 3.0 * (target - v) ** 2, value, atol=1e-12)
            assert (value <= shape(v) + 1e-15).all()


def test_strict_and_weak_events_differ_by_where_they_are_attained():
    for weak, strict, side in ((AtMost(0.3), Below(0.3), -1.0), (AtLeast(0.3), Above(0.3), 1.0)):
        v = np.array([0.3 - side])
        one, other = weak.supremum(v, 0.5, 1.0), strict.supremum(v, 0.5, 1.0)
        assert one.value == other.value == 0.5
        assert one.target == 0.3
        assert other.target == math.nextafter(0.3, side * math.inf)
        assert weak(one.target) == strict(other.target) == 1.0
        assert strict(one.target) == 0.0


def pair_functionals():
    """Functions of two outcomes with a closed form in a box."""
    of_sums = [Aggregate(shape, w) for shape in SHAPES for w in ((1, 1), (1, -1), (0.5, 2.0))]
    return [*of_sums, Maximum(), Maximum(0.2), Product(), JointCDF((0.1, 0.3))]


@pytest.mark.parametrize("f", pair_functionals(), ids=lambda f: f.describe())
def test_pairs_in_a_box_are_moved_as_well_as_on_a_fine_grid(f):
    rng = np.random.default_rng(len(f.describe()))
    for _ in range(30):
        order, sign = float(rng.choice([1.0, 1.5, 2.0, 3.0])), int(rng.choice([1, -1]))
        prices = float(rng.choice(PRICES)), float(rng.choice(PRICES))
        v = [rng.uniform(-2.7, 3.2, 1), rng.uniform(-1.2, 4.2, 1)]
        v = [np.clip(x, *box) if math.isinf(p) else x for x, box, p in zip(v, BOX, prices, strict=True)]
        inner = f.pair(sign, (v[0], v[1]), prices, order, BOX)
        if inner is None:
            assert order not in (1.0, 2.0)
            continue
        axes = [np.append(np.linspace(*box, 61), np.clip(x, *box)) for x, box in zip(v, BOX, strict=True)]
        s, t = np.meshgrid(*axes, indexing="ij")
        values = sign * f(s.reshape(-1, 1), t.reshape(-1, 1)).reshape(s.shape)
        best = values - priced(prices[0], s - v[0], order) - priced(prices[1], t - v[1], order)
        assert best.max() <= inner.value[0] + 1e-8
        for target, box in zip(inner[1:], BOX, strict=True):
            assert box[0] <= target[0] <= box[1]


def test_product_is_infinite_where_prices_are_too_low_for_the_saddle():
    line = ((-math.inf, math.inf), (-math.inf, math.inf))
    v = (np.array([1.0]), np.array([2.0]))
    assert np.isinf(Product().pair(1, v, (0.5, 0.4), 2.0, line).value)
    value, s, t = Product().pair(1, v, (1.0, 1.0), 2.0, line)
    assert value == pytest.approx(float(s[0] * t[0] - (s[0] - 1) ** 2 - (t[0] - 2) ** 2), abs=1e-12)
    assert value == pytest.approx(13.0 / 3.0, abs=1e-12)
