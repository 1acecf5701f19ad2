"""Dvoretzky-Kiefer-Wolfowitz: the radius, the inequality, and p-values in closed form."""

import math

import numpy as np
import pytest

from riskstats.bounds.dkw import DKW, dkw
from riskstats.exceptions import InvalidInput
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.bounds.bands import golden_sample, one
from tests.reference.bands import crossing_probability, first_kept, lines, mean, worst_law


@pytest.mark.parametrize(("n", "delta"), [(1, 0.5), (3, 0.3), (40, 0.05), (40, 1e-6)])
def test_the_true_error_is_below_the_stated_one(n, delta):
    assert crossing_probability(DKW().boundary(n, delta).values) <= delta


def test_the_p_value_is_the_error_whose_bound_meets_the_limit():
    x, limit = golden_sample(70), 0.55
    exact = first_kept(
        lambda delta: mean(*worst_law(x, lines(70, math.sqrt(-math.log(delta) / 140)), 1.0)) <= limit,
        1e-9,
        0.5,
    )
    found = DKW().p_value(one(x), Mean(), limit, 0.05)[0]
    assert exact * (1 - 1e-13) <= found <= exact * (1 + 1e-9)


def test_the_p_value_of_a_quantile_is_closed():
    x = golden_sample(400)
    count = int((x <= 0.7).sum())
    expected = math.exp(-2 * 400 * (count / 400 - 0.7) ** 2)
    assert DKW().p_value(one(x), ValueAtRisk(0.7), 0.7, 0.05)[0] == pytest.approx(expected, rel=1e-12)


def test_errors_above_one_half_are_refused():
    with pytest.raises(InvalidInput, match=r"at most 1/2; got 0\.6"):
        DKW().boundary(10, 0.6)


def test_the_function_gives_the_envelope():
    envelope = dkw(golden_sample(50), side="both", confidence_level=0.9)
    np.testing.assert_array_equal(envelope.lower, DKW().boundary(50, (1 - 0.9) / 2).values)
    assert (envelope.band, envelope.confidence_level) == ("DKW", 0.9)
