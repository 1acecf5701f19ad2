"""At least one harmful outcome: ends of k, unbiasedness, coverage with clusters."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.stats import binomtest

from riskstats.evaluations.attempts import at_least_one
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many


def test_one_attempt_is_the_rate_and_all_are_any(rng):
    losses = rng.random((40, 6)) < 0.15
    found = at_least_one(losses, [1, 6])
    assert found.estimate == pytest.approx([losses.mean(), losses.any(axis=1).mean()])
    assert found.method == ("betting", "clopper-pearson")
    alone = at_least_one(losses, 6)
    exact = binomtest(int(losses.any(axis=1).sum()), 40).proportion_ci(0.95, "exact")
    assert (alone.lower[0], alone.upper[0]) == pytest.approx((exact.low, exact.high))


def test_few_prompts_with_many_attempts(rng):
    losses = rng.random((2, 40)) < 0.2
    assert at_least_one(losses, 1).estimate[0] == pytest.approx(losses.mean())


def test_more_attempts_than_there_are():
    with pytest.raises(InvalidInput, match="`k` must be at most 2, the smallest number of attempts"):
        at_least_one([[0, 1], [1, 1]], 3)


def test_it_is_the_share_of_choices_with_a_harmful_one(rng):
    attempts = (rng.random(7) < 0.4) * 1.0
    for k in range(1, 8):
        shares = [max(attempts[list(chosen)]) for chosen in itertools.combinations(range(7), k)]
        assert at_least_one(attempts[np.newaxis], k).estimate[0] == pytest.approx(np.mean(shares))


def test_labels_of_prompts_allow_different_numbers(rng):
    prompt, losses = np.array(list("aaabbbbb")), np.array([0, 1, 0, 0, 0, 0, 1, 1])
    found = at_least_one(losses, 2, prompt=prompt)
    assert found.per_prompt[:, 0] == pytest.approx([2 / 3, 1 - 3 / 10])
    assert (found.n_prompts, found.least_attempts) == (2, 3)
    order = rng.permutation(8)
    moved = at_least_one(losses[order], 2, prompt=prompt[order])
    assert moved.estimate == pytest.approx(found.estimate)
    assert moved.upper == pytest.approx(found.upper)


def test_limits_hold_with_clusters(rng):
    """30 tasks of 3 prompts of 5 attempts; the chance of three attempts is known for beta chances."""
    wrong, truth = 0, 1 - np.prod([(6 + i) / (8 + i) for i in range(3)])
    cluster = np.repeat(np.arange(30), 3)
    for _ in range(150):
        chance = rng.beta(2, 6, 30)[cluster]
        found = at_least_one(rng.random((90, 5)) < chance[:, np.newaxis], 3, cluster=cluster)
        wrong += not found.lower[0] <= truth <= found.upper[0]
    assert not too_many(wrong, 150, 0.05)
    assert found.n_units == 30


def test_one_cluster_a_prompt():
    rows = {"prompt": ["a", "a", "b"], "cluster": ["t", "u", "t"]}
    with pytest.raises(InvalidInput, match="prompt 'a' is in two clusters, 't' and 'u'"):
        at_least_one([0, 1, 1], 1, **rows)


@pytest.mark.parametrize(
    ("losses", "k", "message"),
    [
        ([[0.5, 1.0]], 1, "`losses` must be 0 or 1"),
        ([0, 1], 1, r"must have shape \(prompts, attempts\)"),
        ([[0, np.nan]], 1, "NaN"),
        ([[0, 1]], 0, "`k` must be an integer >= 1"),
        ([[0, 1]], [], "`k` is empty"),
    ],
)
def test_messages(losses, k, message):
    with pytest.raises(InvalidInput, match=message):
        at_least_one(losses, k)


def test_exports(rng):
    found = at_least_one(rng.random((20, 4)) < 0.3, range(1, 5))
    assert json.loads(json.dumps(found.to_dict()))["k"] == [1, 2, 3, 4]
    assert found.to_frame()["k"].tolist() == [1, 2, 3, 4]
    assert (np.diff(found.estimate) >= 0).all()
    assert "in 4 attempts" in str(found)
