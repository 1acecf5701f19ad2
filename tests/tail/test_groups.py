"""Tails of groups."""

import numpy as np
import pytest

from riskstats.measures.cvar import cvar
from riskstats.tail.groups import group_tails
from riskstats.tail.inputs import label_codes
from riskstats.tail.weights import tail_weights


def tails(losses, labels, level, weights=None):
    losses = np.asarray(losses, dtype=float)
    tail = tail_weights(losses, level, sample_weight=weights)
    return group_tails(losses, tail, label_codes(labels, len(losses), "groups"), "group")


def test_each_group_is_a_sample_of_its_own(rng):
    losses, labels = rng.integers(0, 5, 400) / 4, rng.choice(["a", "b", "c"], 400)
    weights = rng.integers(0, 3, 400)
    found = tails(losses, labels, 0.9, weights)
    overall = cvar(losses, 0.9, sample_weight=weights)
    for i, name in enumerate(found.names):
        rows = labels == name
        want = cvar(losses[rows], 0.9, sample_weight=weights[rows])
        assert found.cvar[i] == pytest.approx(want, rel=0, abs=1e-14)
        assert found.excess[i] == pytest.approx(want - overall, rel=0, abs=1e-14)
        assert found.mean[i] == pytest.approx(np.average(losses[rows], weights=weights[rows]))
        assert found.n[i] == np.count_nonzero(weights[rows])
        assert found.n_tail[i] == pytest.approx(0.1 * found.n[i])
        assert found.mass[i] == pytest.approx(weights[rows].sum() / weights.sum())
    assert found.ratio == pytest.approx(found.cvar.max() / found.cvar.min())
    assert (np.diff(found.cvar) <= 0).all()
    assert found.cvar_of_means == pytest.approx(cvar(found.mean, 0.9, sample_weight=found.mass))


def test_small_groups_are_listed_and_not_ranked():
    losses = np.concatenate([np.linspace(0, 0.5, 40), np.linspace(0, 0.4, 20), np.full(19, 1.0)])
    labels = ["large"] * 40 + ["exactly one"] * 20 + ["small"] * 19
    found = tails(losses, labels, 0.95)
    assert found.names == ("large", "exactly one", "small")
    assert found.ranked.tolist() == [True, True, False]
    assert found.ratio == pytest.approx(found.cvar[0] / found.cvar[1])
    assert "small" in found.summary()
    assert found.summary().count("too few to rank") == 1


def test_undefined_ratios_say_why():
    few = tails([0.1, 0.2, 0.3], ["a", "a", "b"], 0.9)
    assert (few.ratio, few.ratio_reason) == (None, "fewer than two groups have n_tail >= 1")
    zero = tails([0.0] * 20 + [0.5] * 20, ["a"] * 20 + ["b"] * 20, 0.9)
    assert (zero.ratio, zero.ratio_reason) == (None, "the smallest CVaR is 0")
    assert "undefined (the smallest CVaR is 0)" in zero.summary()


def test_a_group_without_weight_does_not_exist():
    found = tails([0.1, 0.2, 0.3, 0.9], ["a", "b", "b", "c"], 0.5, [1, 1, 1, 0])
    assert set(found.names) == {"a", "b"}
    assert found.mass.sum() == pytest.approx(1.0)


def test_one_group_is_the_whole():
    found = tails([0.1, 0.2, 0.9], [7, 7, 7], 0.5)
    assert found.names == ("7",)
    assert found.excess.tolist() == [0.0]
    frame = found.to_frame()
    assert frame["group"].tolist() == ["7"]
    assert frame["cvar"].tolist() == found.cvar.tolist()


def test_cvar_of_means_at_level_0_is_the_mean(rng):
    losses, labels = rng.random(100), rng.integers(0, 4, 100)
    found = tails(losses, labels, 0.0)
    assert found.cvar_of_means == pytest.approx(losses.mean())
    np.testing.assert_allclose(found.cvar, found.mean)
