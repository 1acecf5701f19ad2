"""c-transforms in blocks, against a matrix; the bound they prove, whatever potential they are given."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from riskstats._jit import Compiled
from riskstats.wasserstein import transforms
from riskstats.wasserstein.inner_kernels import PairMatrix
from riskstats.wasserstein.transforms import column_maxima, coupling_bound, over_blocks, row_maxima


@dataclass(frozen=True)
class SquaredDistance:
    """``-factor |u - v|^2`` in any dimension."""

    def __call__(self, u, v, parameters):
        gone = u - v
        return -parameters[0] * (gone * gone).sum(axis=-1)


def matrix(n=61, m=47, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return PairMatrix(SquaredDistance(), rng.normal(size=(n, k)), rng.normal(size=(m, k)), np.array([0.7]))


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("pairs", [1, 470, 2**17])
def test_transforms_are_those_of_the_matrix(device, pairs, monkeypatch):
    monkeypatch.setattr(transforms, "PAIRS", pairs)
    asked, rng = matrix(), np.random.default_rng(1)
    M, g, h = asked.block(slice(None)), rng.normal(size=47), rng.normal(size=61)
    np.testing.assert_allclose(row_maxima(asked, g, device), (M - g).max(axis=1), rtol=1e-12, atol=1e-12)
    found = column_maxima(asked, h, device)
    np.testing.assert_allclose(found, (M - h[:, np.newaxis]).max(axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_transforms_keep_the_type_of_the_potential(device):
    asked = matrix()
    g = np.zeros(47, dtype=np.float32)
    small = PairMatrix(
        asked.formula, *(x.astype(np.float32) for x in (asked.rows, asked.columns)), asked.parameters
    )
    found = row_maxima(small, g, device)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, row_maxima(asked, np.zeros(47)), atol=1e-5)


def test_blocks_come_back_in_their_order():
    rows = np.arange(11.0)
    wanted = rows * 2.0 + 1.0
    for block in (1, 3, 11, 50):
        assert np.array_equal(over_blocks(lambda x: 2.0 * x + 1.0, (rows,), block), wanted)
        compiled = Compiled(lambda x, block=block: over_blocks(lambda y: 2.0 * y + 1.0, (x,), block))
        assert np.array_equal(compiled(rows), wanted)


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_any_potential_gives_a_bound_and_the_best_one_the_value(device):
    asked, rng = matrix(40, 40), np.random.default_rng(3)
    M, w = asked.block(slice(None)), np.full(40, 1.0 / 40)
    i, j = linear_sum_assignment(M, maximize=True)
    value = M[i, j].mean()
    for psi in (np.zeros(40), rng.normal(size=40), 1e6 * rng.normal(size=40), M[0]):
        assert coupling_bound(asked, w, w, psi, device) >= value
    psi = np.zeros(40)
    for _ in range(200):
        psi[j] = np.maximum(psi[j], (M - M[i, j][:, np.newaxis] + psi[j][:, np.newaxis]).max(axis=0)[j])
    assert coupling_bound(asked, w, w, psi, device) == pytest.approx(value, abs=1e-12)
    for bad in (np.nan, np.inf):
        assert coupling_bound(asked, w, w, np.where(np.arange(40) == 7, bad, psi), device) == np.inf
