import numpy as np
import pytest

from riskstats.bounds.empirical_bernstein import EmpiricalBernstein, empirical_bernstein
from tests.bounds.means import golden_sample, label, records
from tests.reference.mean_bounds import empirical_bernstein_upper


@pytest.mark.parametrize("record", records("mean_upper", "empirical_bernstein"), ids=label)
def test_golden_bounds(record):
    answer = empirical_bernstein(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_the_formula(delta, rng):
    losses = rng.random((20, 7)) ** 3
    slow = [empirical_bernstein_upper(row, delta) for row in losses]
    np.testing.assert_allclose(EmpiricalBernstein().mean_upper(losses, delta), slow, rtol=1e-13)


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_the_p_value_is_the_root(delta, rng):
    losses = rng.random((20, 4000)) ** 3
    for row, limit in zip(losses, EmpiricalBernstein().mean_upper(losses, delta), strict=True):
        p = EmpiricalBernstein().mean_p_value(row[None], limit, 0.05)[0]
        assert p == pytest.approx(delta, rel=1e-9)


def test_the_variance_is_that_of_the_losses_of_one_candidate(rng):
    """Not that across candidates: equal candidates must not look certain."""
    row = rng.random(200)
    alone = EmpiricalBernstein().mean_upper(row[None], 0.05)[0]
    together = EmpiricalBernstein().mean_upper(np.tile(row, (30, 1)), 0.05)
    np.testing.assert_allclose(together, alone, rtol=1e-13)


def test_the_variance_is_over_units_never_over_candidates(rng):
    """A variance over candidates was once public code: equal candidates would then look certain."""
    one = rng.beta(2, 5, (1, 200))
    alone = EmpiricalBernstein().mean_upper(one, 0.05)
    np.testing.assert_array_equal(
        EmpiricalBernstein().mean_upper(np.repeat(one, 4, axis=0), 0.05), np.repeat(alone, 4)
    )
    steady = np.full((1, 200), one.mean())
    mixed = EmpiricalBernstein().mean_upper(np.vstack([one, steady]), 0.05)
    assert mixed[0] == alone[0]
    assert mixed[1] < alone[0] - 0.02
