import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.pool_discrepancy import discrepancy
from tests.reference.multiplicity import discrepancy_on_a_grid


@pytest.mark.parametrize("steps", [10, 64, 100])
def test_enumeration_on_grids_full_of_ties(rng, steps):
    for _ in range(30):
        pool = rng.integers(0, steps + 1, (5, 15))
        reference = rng.integers(0, steps + 1, 15)
        d = int(rng.integers(1, steps))
        weights = rng.integers(0, 4, 15) + (np.arange(15) == 0)
        exact = discrepancy_on_a_grid(reference, pool, d, weights.tolist())
        found = discrepancy(reference / steps, pool / steps, deviation=d / steps, sample_weight=weights)
        assert found.value == float(exact)
        again = discrepancy_on_a_grid(reference, pool[[found.witness]], d, weights.tolist())
        assert float(again) == found.value
        assert found.n_conflict == found.rows.sum()


def test_only_a_complete_pool_has_a_bound():
    reference, pool = [0.5, 0.5, 0.5], [[0.5, 0.9, 0.1], [0.9, 0.5, 0.5]]
    part = discrepancy(reference, pool, deviation=0.3)
    assert (part.value, part.bound, part.witness, part.kind) == (2 / 3, None, 0, "inner")
    assert "at least 66.67 %" in part.summary()
    assert part.summary().startswith("Discrepancy")
    whole = discrepancy(reference, pool, deviation=0.3, complete=True)
    assert (whole.value, whole.bound, whole.gap, whole.kind) == (2 / 3, 2 / 3, 0, "exact")
    assert "at least" not in whole.summary()
    assert whole.to_dict()["witness"] == 0


def test_no_difference_is_zero_and_a_single_row_is_counted():
    assert discrepancy([0.2, 0.8], [[0.2, 0.8], [0.3, 0.8]], deviation=0.5).value == 0
    assert discrepancy([0.2, 0.8], [[0.2, 0.8], [0.9, 0.8]], deviation=0.5).rows.tolist() == [True, False]


def test_zero_weight_and_repeated_rows(rng):
    p = rng.uniform(0, 1, (6, 10))
    weights = np.repeat([2.0, 0.0, 1.0], [3, 3, 4])
    rows = np.repeat(np.arange(10), weights.astype(int))
    short = discrepancy(p[0], p[1:], deviation=0.3, sample_weight=weights)
    long = discrepancy(p[0, rows], p[1:, rows], deviation=0.3)
    assert short.value == long.value
    assert short.witness == long.witness
    assert short.n_rows == 7


def test_responses():
    rate = discrepancy([0.0, 10.0], [[2.0, 8.0], [3.0, 10.5]], deviation=2.0, scale="response")
    assert (rate.value, rate.witness) == (1.0, 0)


def test_bad_input():
    with pytest.raises(InvalidInput, match="got maximum 3"):
        discrepancy([0.5], [[3.0]], deviation=0.1)
    with pytest.raises(InvalidInput, match="one prediction for each of 2 rows; got shape"):
        discrepancy([0.5], [[0.3, 0.4]], deviation=0.1)
    with pytest.raises(InvalidInput, match=r"Did you mean 0\.25"):
        discrepancy([0.5], [[0.3]], deviation=25)
    with pytest.raises(InvalidInput, match="2 values for 1 rows"):
        discrepancy([0.5], [[0.3]], deviation=0.2, sample_weight=[1, 1])
