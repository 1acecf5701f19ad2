import math

import numpy as np
import pytest

from riskstats.bounds.bentkus import Bentkus, bentkus, sum_ceiling
from tests.bounds.means import golden_sample, known_wrong, label, records
from tests.reference.mean_bounds import binomial_cdf, binomial_upper


@pytest.mark.parametrize("record", records("mean_upper", "bentkus"), ids=label)
def test_golden_bounds(record):
    answer = bentkus(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


def test_the_floor_is_not_taken():
    wrong = [record for record in known_wrong("mean_upper") if record["peer"] == "rcps.bentkus_mu_plus"]
    assert len(wrong) == 2
    for record in wrong:
        value = Bentkus().mean_upper(golden_sample(record["n"])[None], record["delta"])[0]
        assert value > record["value"] + 5e-4
        assert value == pytest.approx(record["correct"], abs=1e-10)


def test_losses_just_below_one_are_not_cut_to_the_floor():
    assert Bentkus().mean_upper(np.full((1, 5), 0.999), 0.05)[0] >= 0.999


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-6])
def test_binomial_sums_agree(delta):
    for n in (1, 2, 13, 40):
        losses = np.tri(n + 1, n, -1)  # k ones for k = 0..n
        slow = [binomial_upper(k, n, delta / math.e) for k in range(n + 1)]
        np.testing.assert_allclose(Bentkus().mean_upper(losses, delta), slow, rtol=0, atol=1e-13)
        tails = [min(1.0, math.e * binomial_cdf(k, n, 0.3)) for k in range(n + 1)]
        np.testing.assert_allclose(Bentkus().mean_p_value(losses, 0.3, delta), tails, rtol=1e-12)


def test_counts_are_integers():
    """A ceiling of n times a float mean is wrong for one count in thirty."""
    for n in (49, 300, 1000):
        losses = np.tri(n + 1, n, -1)
        np.testing.assert_array_equal(sum_ceiling(losses), np.arange(n + 1))
    naive = np.ceil(1000 * np.tri(1001, 1000, -1).mean(axis=1))
    assert (naive != np.arange(1001)).any() or math.ceil(49 * (1 / 49)) == 1


def test_a_sum_is_rounded_up_as_the_exact_sum():
    tenths = np.full(10, 0.1)  # ten numbers a little above 1/10: the float sum is below 1, the sum above
    assert tenths.sum() <= 1.0
    halves, below = np.full(10, 0.5), np.array([1.0] * 9 + [np.nextafter(1.0, 0.0)])
    tiny = np.array([1.0] * 9 + [1e-300])  # lost in a float sum, but the ceiling is 10
    losses = np.array([tenths, halves, below, tiny, np.zeros(10), np.ones(10)])
    np.testing.assert_array_equal(sum_ceiling(losses), [2, 5, 10, 10, 0, 10])
