"""Sums without rounding, against fractions."""

import json
from fractions import Fraction

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.tail.exact_sum import ExactSum

EXTREME = np.array([5e-324, -5e-324, 2.0**-1022, 1.7e308, -1.7e308, 1.7e308, 0.0, -0.0, 3.0, -1e-300])


def fraction(values):
    return sum(map(Fraction, map(float, values)), Fraction(0))


def test_sums_are_exact(rng):
    values = rng.standard_normal(500) * 10.0 ** rng.integers(-300, 300, 500)
    assert ExactSum.of(values).fraction == fraction(values)
    assert ExactSum.of(EXTREME).fraction == fraction(EXTREME)
    assert ExactSum.of(np.empty(0)) == ExactSum()


def test_sums_of_products_are_exact(rng):
    values = np.append(rng.standard_normal(200) * 10.0 ** rng.integers(-300, 300, 200), EXTREME)
    weights = rng.random(210) * 10.0 ** rng.integers(-300, 300, 210)
    weights[-4:] = (1.7e308, 5e-324, 2.0**-1022, 0.0)
    expected = sum(
        (Fraction(float(a)) * Fraction(float(b)) for a, b in zip(values, weights, strict=True)), Fraction(0)
    )
    assert ExactSum.of_products(values, weights).fraction == expected


def test_grouping_changes_nothing(rng):
    values = rng.standard_normal(1000)
    parts = [ExactSum.of(part) for part in np.split(values, [1, 10, 500])]
    assert sum(parts[::-1], ExactSum()) == ExactSum.of(values)
    assert float(ExactSum.of(values)) == float(fraction(values))


def test_quotient_is_correctly_rounded(rng):
    values, weights = rng.standard_normal(99), rng.random(99)
    top, bottom = ExactSum.of_products(values, weights), ExactSum.of(weights)
    assert top.over(bottom) == float(top.fraction / bottom.fraction)


@pytest.mark.parametrize("values", [[], [0.1, 0.2], [1e300, 1e-300], [-3.5]])
def test_written_and_read(values):
    made = ExactSum.of(np.array(values, dtype=float))
    assert ExactSum.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize(
    "written", [None, {}, {"integer": "x", "exponent": 0}, {"integer": "1", "exponent": 10**9}]
)
def test_damage_is_refused(written):
    with pytest.raises(InvalidInput):
        ExactSum.from_dict(written)
