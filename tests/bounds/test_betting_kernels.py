"""The sums of a bet do not depend on how the units are cut, nor on the array library."""

import numpy as np
import pytest

from riskstats.bounds import betting_kernels as kernels
from riskstats.bounds.betting_kernels import Moments, accumulated, moments
from tests.reference.mean_bounds import running_variances


def test_running_variances(rng):
    losses = rng.random((4, 60))
    variance, state = moments(losses, kernels.start_of(4), np)
    np.testing.assert_allclose(variance, [running_variances(row) for row in losses], rtol=1e-12)
    np.testing.assert_allclose(state.total, losses.sum(axis=1))
    assert state.count == 60


@pytest.mark.parametrize("sizes", [[1] * 97, [97], [50, 47], [1, 2, 3, 91]])
def test_chunks_change_no_bit(sizes, rng):
    losses = rng.random(97)
    whole, end = moments(losses, Moments(0, 0.0, 0.0), np)
    state, parts, sums = Moments(0, 0.0, 0.0), [], []
    for chunk in np.split(losses, np.cumsum(sizes)[:-1]):
        variance, state = moments(chunk, state, np)
        parts.append(variance)
        sums.append(accumulated(chunk, sums[-1][-1] if sums else 0.0, np))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(np.concatenate(sums), accumulated(losses, 0.0, np))
    assert state == end


def test_blocks_of_rows_change_no_bit(rng, monkeypatch):
    losses = rng.random((40, 300))
    whole = kernels.p_values(losses, 0.6, 0.05)
    monkeypatch.setattr(kernels.row_blocks, "__defaults__", (700,))
    assert len(kernels.row_blocks(losses)) == 20
    np.testing.assert_array_equal(kernels.p_values(losses, 0.6, 0.05), whole)


def test_the_compiled_scan_does_not_depend_on_its_chunks(rng, monkeypatch):
    from riskstats._jit import Compiled

    losses = rng.random((3, 1000)) ** 2
    want = kernels.uppers(losses, 0.05)
    monkeypatch.setattr(kernels, "CHUNK", 128)
    monkeypatch.setattr(kernels, "_UPPERS", Compiled(kernels._uppers))
    np.testing.assert_allclose(kernels.uppers(losses, 0.05, compiled=True), want, rtol=0, atol=1e-12)


def test_wealth_rises_with_the_mean_it_bets_against(rng):
    losses, stakes = rng.random((20, 50)), rng.exponential(1.0, (20, 50))
    for cap in (0.5, 0.8):
        peaks = np.array([kernels.highest(losses, stakes, mu, cap) for mu in np.linspace(0, 1, 101)])
        assert (np.diff(peaks, axis=0) >= -1e-12).all()


def test_a_stake_lost_is_minus_infinity():
    assert kernels.highest(np.ones((1, 1)), np.ones((1, 1)), 0.0)[0] == -np.inf
