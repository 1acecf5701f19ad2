import math

import numpy as np
import pytest

from riskstats.multiplicity.capacity import rashomon_capacity
from riskstats.multiplicity.channel_capacity import pool_capacity
from tests.reference.multiplicity import blahut_arimoto


def pool(rng, models, rows, classes, spread):
    scores = rng.standard_normal(classes) + spread * rng.standard_normal((models, rows, classes))
    odds = np.exp(scores - scores.max(axis=2, keepdims=True))
    return odds / odds.sum(axis=2, keepdims=True)


CASES = {
    "wide": (20, 50, 3, 2.0),
    "alike": (30, 50, 4, 0.01),
    "certain": (50, 50, 4, 15.0),
    "few models": (3, 50, 10, 1.0),
    "one model": (1, 50, 3, 1.0),
    "many models": (300, 20, 5, 1.0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("tolerance", [1e-8, 1e-12])
def test_every_row_closes(rng, case, tolerance):
    lower, upper = pool_capacity(pool(rng, *CASES[case]), tolerance, 60)
    assert (upper - lower <= tolerance).all()
    assert (lower >= 0).all()
    assert (upper <= math.log2(CASES[case][2])).all()


@pytest.mark.parametrize("shape", [(4, 6, 3, 2.0), (3, 6, 5, 1.0), (10, 3, 3, 3.0)])
def test_bracket_meets_that_of_the_plain_iteration(rng, shape):
    channels = pool(rng, *shape)
    lower, upper = pool_capacity(channels, 1e-10, 100)
    for row in range(shape[1]):
        low, high = blahut_arimoto(channels[:, row], 300)
        assert high - low < 0.02
        assert low <= upper[row] + 1e-12
        assert lower[row] <= high + 1e-12


def test_known_channels():
    certain = np.eye(3)[:, np.newaxis, :]
    erasing = np.array([[0.7, 0.3, 0.0], [0.0, 0.3, 0.7]])[:, np.newaxis, :]
    symmetric = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])[:, np.newaxis, :]
    entropy = -0.8 * math.log2(0.8) - 0.2 * math.log2(0.1)
    for channel, capacity in ((certain, math.log2(3)), (erasing, 0.7), (symmetric, math.log2(3) - entropy)):
        lower, upper = pool_capacity(channel, 1e-12, 100)
        assert lower[0] - 1e-12 <= capacity <= upper[0] + 1e-12
        assert upper[0] - lower[0] <= 1e-12


def test_repeated_and_mixed_models_change_nothing_and_more_models_never_less(rng):
    channels = pool(rng, 8, 30, 4, 1.0)
    value = rashomon_capacity(channels, gap_tolerance=1e-11).value
    mixtures = 0.3 * channels[:4] + 0.7 * channels[4:]
    same = rashomon_capacity(np.concatenate([channels, channels, mixtures]), gap_tolerance=1e-11).value
    np.testing.assert_allclose(same, value, atol=3e-11)
    more = rashomon_capacity(np.concatenate([channels, pool(rng, 3, 30, 4, 2.0)]), gap_tolerance=1e-11).value
    assert (more >= value - 2e-11).all()


def test_rows_are_worked_on_alone(rng, monkeypatch):
    channels = pool(rng, 12, 40, 3, 1.0)
    order = rng.permutation(40)
    whole = pool_capacity(channels, 1e-10, 100)
    np.testing.assert_allclose(
        pool_capacity(channels[:, order], 1e-10, 100), np.array(whole)[:, order], atol=1e-10
    )
    monkeypatch.setattr("riskstats.multiplicity.channel_capacity.CHUNK", 100)
    np.testing.assert_allclose(pool_capacity(channels, 1e-10, 100), whole, atol=1e-10)


def test_a_short_run_says_how_far_it_is(rng):
    channels = pool(rng, 20, 30, 3, 2.0)
    short, full = (rashomon_capacity(channels, max_iter=steps) for steps in (2, 200))
    assert short.kind == "outer"
    assert (short.gap > 1e-8).any()
    assert (short.value <= full.bound + 1e-12).all()
    assert (short.bound >= full.value - 1e-12).all()
    assert full.kind == "exact"


def test_a_tolerance_below_rounding_ends(rng):
    lower, upper = pool_capacity(pool(rng, 6, 20, 3, 1.0), 1e-300, 200)
    assert np.isfinite(lower).all()
    assert (upper - lower < 1e-13).all()
