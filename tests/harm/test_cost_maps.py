"""Maps from cost to likelihood: golden values, what is accepted, what is refused."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.harm.cost_maps import (
    Exponential,
    Linear,
    Logistic,
    Reciprocal,
    Tabulated,
    cost_map_of,
    likelihoods,
)
from tests.harm.goldens import GOLDEN

MAPS = GOLDEN["expected_harm"]["maps"]
KINDS = {
    "linear (6-c)/5": Linear(),
    "exp(-(c-1))": Exponential(),
    "1/c": Reciprocal(),
    "logistic s=1,c0=3": Logistic(3, 1),
}


@pytest.mark.parametrize("name", MAPS)
def test_golden_maps(name):
    np.testing.assert_allclose(likelihoods(KINDS[name], 5), MAPS[name], rtol=1e-14)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("linear", Linear()),
        ("exponential:0.5", Exponential(0.5)),
        ("logistic:2:3", Logistic(2, 3)),
        ([1, 0.5, 0.1], Tabulated((1.0, 0.5, 0.1))),
        (lambda c: 1 / c, Tabulated((1.0, 0.5, 1 / 3))),
    ],
)
def test_what_names_a_map(given, expected):
    assert cost_map_of(given, 3) == expected


def test_any_number_of_levels():
    np.testing.assert_allclose(likelihoods(Linear(), 3), [1, 2 / 3, 1 / 3])
    assert len(likelihoods(Reciprocal(), 9)) == 9


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([1, 0.3, 0.5, 0.1, 0.1], r"decreasing and > 0; got f\(2\)=0.3 < f\(3\)=0.5"),
        ([1, 0.5, 0.3, 0.1, -0.1], r"decreasing and > 0; got f\(5\)=-0.1"),
        ([1, 0.5, 0.3, 0.0, 0.0], r"got f\(4\)=0"),
        ([1, 0.5], "2 likelihoods for 5 cost levels"),
        ([1, 0.5, np.nan, 0.1, 0.1], "NaN"),
        ("square", "must be one of linear"),
        ("linear:2", "takes 0 numbers"),
        ("exponential:a", "must be a number"),
        (3.0, "must be a map"),
        (lambda c: "no", "one number for each cost"),
    ],
)
def test_maps_that_are_refused(given, told):
    with pytest.raises(InvalidInput, match=told):
        likelihoods(cost_map_of(given, 5), 5)


def test_a_rate_must_be_positive():
    with pytest.raises(InvalidInput, match="rate"):
        Exponential(-1)
