import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.capacity import binary_capacity, rashomon_capacity
from riskstats.multiplicity.pool import viable_prediction_range
from riskstats.multiplicity.prediction_range import range_of_ends
from tests.reference.multiplicity import blahut_arimoto, closed_form_capacity

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "multiplicity.json").read_text(encoding="utf-8"))


def intervals(rng, count):
    """(low, high) logits: widths from 1e-9 to 20, centres within 28 of 0, half of them near 0."""
    width = 10 ** rng.uniform(-9, math.log10(20), count)
    centre = np.where(np.arange(count) % 2, rng.uniform(-28, 28, count), 3 * rng.standard_normal(count))
    return centre - width / 2, centre + width / 2


def test_golden_capacities_from_stored_logits():
    section = GOLDEN["rashomon_capacity_bits_breast_cancer"]
    for epsilon in ("0.01", "0.05"):
        ends = GOLDEN["breast_cancer"]["eps"][epsilon]
        found = binary_capacity(ends["logit_lo"], ends["logit_hi"])
        np.testing.assert_allclose(found, section[epsilon]["at_idx"], rtol=1e-10)


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_closed_form_keeps_its_digits(rng, count):
    low, high = intervals(rng, count)
    exact = [closed_form_capacity(a, b) for a, b in zip(low, high, strict=True)]
    error = [
        abs((Decimal(value) - true) / true)
        for value, true in zip(binary_capacity(low, high).tolist(), exact, strict=True)
    ]
    assert max(error) < 1e-14


def test_closed_form_lies_in_the_bracket_of_the_iteration(rng):
    low = rng.uniform(-3, 2, 12)
    high = low + rng.uniform(0.5, 4, 12)
    for a, b, value in zip(low, high, binary_capacity(low, high), strict=True):
        ends = 1 / (1 + np.exp(-np.array([a, b])))
        lower, upper = blahut_arimoto(np.column_stack([1 - ends, ends]), 400)
        assert lower - 1e-12 <= value <= upper + 1e-12
        assert upper - lower < 0.02


def test_capacity_grows_with_the_interval_and_is_even(rng):
    low, high = intervals(rng, 500)
    inside = binary_capacity(low, high)
    wider = binary_capacity(low - rng.exponential(1, 500), high + rng.exponential(1, 500))
    assert (inside >= 0).all()
    assert (wider <= 1).all()
    assert (inside < wider).all()
    np.testing.assert_array_equal(binary_capacity(-high, -low), inside)


def test_ends_of_width_zero_and_infinite_ends():
    assert binary_capacity(-31.5, -31.5) == 0
    assert binary_capacity(-np.inf, -np.inf) == 0
    assert binary_capacity(-np.inf, np.inf) == pytest.approx(1, rel=1e-15)
    z_channel = math.log2(1 + 0.5 * 0.5)  # log2(1 + (1 - p) p^(p / (1 - p))) with p = 1/2
    assert binary_capacity(-np.inf, 0.0) == pytest.approx(z_channel, rel=1e-14)
    assert binary_capacity(0.0, np.inf) == pytest.approx(z_channel, rel=1e-14)


def test_a_range_gives_both_sides():
    inner, outer = [[-1.0, 1.0], [-2.0, 0.5]], [[-1.1, 1.0], [-2.0, 0.5]]
    wide = rashomon_capacity(range_of_ends(inner, outer, source="convex"))
    assert wide.kind == "outer"
    np.testing.assert_allclose(wide.value, binary_capacity(*np.transpose(inner)))
    np.testing.assert_allclose(wide.bound, binary_capacity(*np.transpose(outer)))
    assert wide.value[0] < wide.bound[0]
    assert "between" in wide.summary()
    attained = rashomon_capacity(range_of_ends(inner, source="refits"))
    assert attained.kind == "inner"
    assert attained.bound is None
    assert attained.to_dict()["gap"] is None
    assert "at least" in attained.summary()
    exact = rashomon_capacity(range_of_ends(inner, inner))
    assert exact.kind == "exact"
    assert "at least" not in exact.summary()
    assert list(exact.to_frame()["value"]) == exact.value.tolist()


def test_two_classes_of_a_pool_need_only_its_ends(rng):
    p = rng.uniform(0, 1, (9, 40))
    direct = rashomon_capacity(np.stack([1 - p, p], axis=2))
    over = rashomon_capacity(viable_prediction_range(p, complete=True))
    np.testing.assert_allclose(direct.value, over.value, rtol=1e-10)
    assert direct.kind == over.kind == "exact"
    flipped = rashomon_capacity(np.stack([p, 1 - p], axis=2))
    np.testing.assert_allclose(flipped.value, direct.value, rtol=1e-12)


def test_two_of_three_classes_agree_with_the_closed_form(rng):
    p = rng.uniform(0, 1, (5, 30))
    three = rashomon_capacity(np.stack([1 - p, p, np.zeros_like(p)], axis=2), gap_tolerance=1e-12)
    np.testing.assert_allclose(three.value, rashomon_capacity(np.stack([1 - p, p], axis=2)).value, atol=2e-12)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.full((2, 3), 0.5), r"shape \(models, rows, classes\); got \(2, 3\)"),
        (np.full((2, 3, 1), 1.0), "has 1 class"),
        (np.full((2, 3, 3), 0.5), "model 0 sums to 1.5 at row 0"),
        (np.full((2, 3, 2), np.nan), "12 non-finite values, first at model 0, row 0, class 0"),
        (np.full((2, 3, 2), 1.5), "must be probabilities; got maximum 1.5"),
        (range_of_ends([[0.0, 1.0]], scale="response"), "range of responses"),
    ],
)
def test_bad_sources(source, message):
    with pytest.raises(InvalidInput, match=message):
        rashomon_capacity(source)


def test_bad_tolerance():
    with pytest.raises(InvalidInput, match="gap_tolerance"):
        rashomon_capacity(np.full((2, 3, 2), 0.5), gap_tolerance=0)
    with pytest.raises(InvalidInput, match="max_iter"):
        rashomon_capacity(np.full((2, 3, 2), 0.5), max_iter=0)
