"""Makarov bounds of many samples at once: those of each, in NumPy, compiled, and in `bounds_interval`."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.inference import NumericalDelta, bounds_interval
from riskstats.wasserstein.makarov import makarov_bounds
from riskstats.wasserstein.makarov_batch import MakarovQuestion, _chosen, batched_bounds

POINTS = np.array([-3.0, -0.7, 0.0, 0.4, 1.1, 6.0])


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("order", [1.0, 2.0])
def test_each_pair_point_and_radius_is_answered_as_if_alone(device, order):
    rng = np.random.default_rng(1)
    first, second = np.round(rng.normal(size=(5, 24)), 1), rng.standard_t(3, size=(5, 24))
    radii = np.array([0.01, 0.1, 0.1, 0.3, 1.0, 2.5])
    lower, upper = batched_bounds(first, second, POINTS, radii, order, device)
    for r in range(5):
        for k, (z, R) in enumerate(zip(POINTS, radii, strict=True)):
            alone = makarov_bounds(first[r], second[r], [z], radius=R, order=order)
            assert lower[r, k] == pytest.approx(alone.lower[0], abs=1e-12)
            assert upper[r, k] == pytest.approx(alone.upper[0], abs=1e-12)


def test_blocks_change_nothing(monkeypatch):
    from riskstats.wasserstein import makarov_batch

    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 7, 30))
    radii = np.full(6, 0.2)
    whole = batched_bounds(first, second, POINTS, radii, 2.0)
    monkeypatch.setattr(makarov_batch, "_TERMS", 1)
    assert np.array_equal(whole, batched_bounds(first, second, POINTS, radii, 2.0))


def asked(question, sizes=(60, 60)):
    rng = np.random.default_rng(3)
    samples = [rng.normal(size=n) for n in sizes]
    return bounds_interval(question, samples, n_resamples=150, method=NumericalDelta(), random_state=4)


def test_an_interval_is_the_same_at_once_and_one_by_one():
    question = MakarovQuestion(POINTS, weights=(1, -2), radius=(0.1, 0.05), order=2, device="numpy")
    at_once = asked(question)
    one_by_one = asked(lambda a, b: question(a, b))
    for name in ("lower", "upper", "lower_limit", "upper_limit"):
        np.testing.assert_allclose(getattr(at_once, name), getattr(one_by_one, name), atol=1e-12)
    assert at_once.n == (60, 60)


@pytest.mark.parametrize(("radius", "sizes"), [(0.0, (40, 40)), (0.1, (40, 50))])
def test_without_a_kernel_the_question_is_asked_one_by_one(radius, sizes):
    question = MakarovQuestion(POINTS, radius=radius)
    found = asked(question, sizes)
    np.testing.assert_array_equal(found.upper_limit, asked(lambda a, b: question(a, b), sizes).upper_limit)


def test_a_batch_of_the_wrong_shape_is_refused():
    class Wrong(MakarovQuestion):
        def batched(self, samples):
            return np.zeros((3, 2)), np.zeros((3, 2))

    with pytest.raises(InvalidInput, match="batched"):
        asked(Wrong(POINTS, radius=0.1))


@pytest.mark.parametrize(
    ("device", "draws", "n", "wanted"),
    [
        ("numpy", 10**6, 1000, "numpy"),
        ("gpu", 10, 10, "gpu"),
        ("adaptive", 500, 100, "numpy"),
        ("adaptive", 50, 2000, None),
        ("adaptive", 5000, 1000, "cpu"),
    ],
)
def test_work_decides_where_it_is_done(device, draws, n, wanted):
    assert _chosen(device, draws, n, 10) == wanted
