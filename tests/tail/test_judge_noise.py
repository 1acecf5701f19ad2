"""Judge noise: its size from several judges, and what noise does to a tail."""

from __future__ import annotations

import json

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail.judge_noise import judge_noise_sensitivity


def test_sd_is_pooled_within_prompts():
    rng = np.random.default_rng(0)
    level = rng.uniform(0.3, 0.7, (4000, 1))
    found = judge_noise_sensitivity(level + 0.05 * rng.standard_normal((4000, 3)), 0.95, random_state=0)
    assert found.sd == pytest.approx(0.05, rel=0.03)
    assert found.sd_of_score == pytest.approx(found.sd / np.sqrt(3))
    assert found.estimated
    assert "pooled within 4000 prompts over 3 judges" in found.summary()


def test_noise_lengthens_the_tail():
    """Beta(.15, 2.85): .439 becomes .446, .469 and .573."""
    scores = np.random.default_rng(1).beta(0.15, 2.85, 100_000)
    found = judge_noise_sensitivity(scores, 0.95, assumed_sd=0.1, n_draws=3, random_state=0)
    assert found.cvar == pytest.approx(cvar(scores, 0.95))
    assert found.noisy_cvar[:3] == pytest.approx([0.446, 0.469, 0.573], abs=0.01)
    assert found.noise[-1] == pytest.approx(0.1)
    assert found.excess == pytest.approx(found.noisy_cvar[1] - found.cvar, abs=5e-3)


def test_no_noise_changes_nothing():
    scores = np.random.default_rng(2).random(50)
    found = judge_noise_sensitivity(scores, 0.9, assumed_sd=0.1, noise=[0.0], n_draws=1, random_state=0)
    assert found.noisy_cvar[0] == pytest.approx(found.cvar, abs=1e-12)


def test_one_judge_says_that_the_noise_is_assumed():
    found = judge_noise_sensitivity([0.1, 0.5], 0.5, assumed_sd=0.1, random_state=0)
    assert not found.estimated
    assert "ASSUMED" in found.summary()
    with pytest.raises(InvalidInput, match="one judge shows nothing of its own noise"):
        judge_noise_sensitivity([0.1, 0.5], 0.5)


def test_judges_show_their_noise_themselves():
    with pytest.raises(InvalidInput, match="2 judges show their noise themselves"):
        judge_noise_sensitivity([[0.1, 0.2]], 0.5, assumed_sd=0.1)


def test_weights_and_seed():
    scores = np.random.default_rng(3).random((30, 2))
    weights = np.append(np.ones(20), np.zeros(10))
    one = judge_noise_sensitivity(scores, 0.9, sample_weight=weights, random_state=1)
    other = judge_noise_sensitivity(scores[:20], 0.9, random_state=1)
    assert one.sd == pytest.approx(other.sd)
    assert one.noisy_cvar == pytest.approx(other.noisy_cvar)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[0.1, 1.2]], r"must lie in support \(0, 1\)"),
        ([0.1, np.nan], "1 NaN at rows 1"),
        ([[[0.1]]], "judges"),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(InvalidInput, match=message):
        judge_noise_sensitivity(scores, 0.9, assumed_sd=0.1)


def test_exports():
    found = judge_noise_sensitivity([[0.1, 0.3], [0.9, 0.7]], 0.5, random_state=2)
    assert json.loads(json.dumps(found.to_dict()))["provenance"]["seed"] == 2
    assert len(found.to_frame()) == 5


def test_large_weights_are_only_ratios(rng):
    scores = rng.random((30, 2))
    found, scaled = (
        judge_noise_sensitivity(scores, 0.5, sample_weight=np.full(30, w), n_draws=2, random_state=1)
        for w in (1.0, 1e308)
    )
    np.testing.assert_allclose(scaled.noisy_cvar, found.noisy_cvar, rtol=1e-12)
