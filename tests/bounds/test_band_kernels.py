"""Weighted sums of order statistics: NumPy, compiled, in pieces."""

import numpy as np
import pytest

from riskstats._jit import accelerator_present
from riskstats.bounds import band_kernels
from riskstats.bounds.band_kernels import order_statistics, ordered_sums, row_sums


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_order_statistics_are_those_of_a_sort(n, rng):
    values = np.round(rng.random((6, n)), 1)
    for first in range(n):
        for last in range(first, n):
            found = order_statistics(values, first, last)
            np.testing.assert_array_equal(found, np.sort(values, axis=1)[:, first : last + 1])


def test_sums_are_those_of_sorted_rows(rng):
    values, weights = rng.random((30, 50)), rng.random(12)
    expected = np.sort(values, axis=1)[:, 38:] @ weights
    np.testing.assert_allclose(ordered_sums(values, 38, weights), expected, rtol=1e-14)


def test_compiled_sums_agree_with_numpy(rng):
    for m, n, first, count in ((1, 1, 0, 1), (5, 40, 3, 37), (33, 200, 150, 20)):
        values, weights = rng.random((m, n)), rng.random(count)
        there = ordered_sums(values, first, weights, device="cpu")
        np.testing.assert_allclose(there, ordered_sums(values, first, weights, device="numpy"), rtol=1e-12)
        assert there.dtype == np.float64
        assert there.shape == (m,)


def test_rows_in_pieces_give_the_same_digits(rng, monkeypatch):
    values, weights = rng.random((37, 60)), rng.random(60)
    whole = ordered_sums(values, 0, weights, device="numpy")
    monkeypatch.setattr(band_kernels, "CHUNK", 300)
    monkeypatch.setattr(band_kernels, "DEVICE_CHUNK", 300)
    np.testing.assert_array_equal(ordered_sums(values, 0, weights, device="numpy"), whole)
    np.testing.assert_allclose(ordered_sums(values, 0, weights, device="cpu"), whole, rtol=1e-12)


def test_a_row_alone_gives_the_same_digits(rng):
    ordered, weights = rng.random((50, 333)), rng.random(333)
    whole = row_sums(ordered, weights)
    for row in range(50):
        assert row_sums(ordered[row : row + 1], weights)[0] == whole[row]
    own = rng.random((50, 333))
    np.testing.assert_allclose(row_sums(ordered, own), (ordered * own).sum(axis=1), rtol=1e-14)


@pytest.mark.gpu
def test_an_accelerator_agrees_with_numpy(rng):
    if not accelerator_present():
        pytest.skip("no accelerator")
    values, weights = rng.random((64, 5000)), rng.random(500)
    there = ordered_sums(values, 4500, weights, device="gpu")
    np.testing.assert_allclose(there, ordered_sums(values, 4500, weights, device="numpy"), rtol=1e-12)
