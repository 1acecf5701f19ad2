"""Paired comparisons: exact tests, simultaneous limits with clusters, prompts that each pair uses, power."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from riskstats.evaluations.paired import paired_comparison
from riskstats.exceptions import IncompatibleBound, InvalidInput
from tests.theorems.laws import too_many


def discordant(b, c, same=30):
    """Two models: b prompts only the first failed, c only the second."""
    return np.array([[1.0] * b + [0.0] * c + [0.0] * same, [0.0] * b + [1.0] * c + [0.0] * same])


def test_equal_counts_give_one():
    pair = paired_comparison(discordant(6, 6)).pairs[0]
    assert pair.p_value == pair.p_holm == 1.0
    assert pair.difference == 0.0


@pytest.mark.parametrize(("b", "c"), [(3, 11), (0, 8), (1, 0), (20, 9)])
def test_p_value_is_the_binomial_tail(b, c):
    pair = paired_comparison(discordant(b, c)).pairs[0]
    assert pair.p_value == pytest.approx(binomtest(b, b + c).pvalue)
    assert (pair.only_first, pair.only_second, pair.n) == (b, c, b + c + 30)
    assert pair.difference == pytest.approx((b - c) / (b + c + 30))


def test_no_disagreement_shows_no_error():
    pair = paired_comparison(discordant(0, 0)).pairs[0]
    assert (pair.lower, pair.upper, pair.p_value) == (-1.0, 1.0, 1.0)
    assert pair.standard_error == 0.0


def test_all_pairs_and_categories(rng):
    losses = (rng.random((4, 200)) < 0.2) * 1.0
    found = paired_comparison(losses, names=list("abcd"), category=rng.choice(["x", "y"], 200), resamples=99)
    assert len(found.pairs) == 6 * 3
    assert sum(pair.n for pair in found.pairs if pair.category != "all") == 6 * 200
    p = np.array([pair.p_value for pair in found.pairs])
    assert min(pair.p_holm for pair in found.pairs) == pytest.approx(min(18 * p.min(), 1.0))
    assert all(pair.p_holm >= pair.p_value for pair in found.pairs)


def test_standard_error_is_that_of_cluster_means(rng):
    losses, cluster = rng.random((2, 60)), np.repeat(np.arange(12), 5)
    pair = paired_comparison(losses, cluster=cluster, resamples=99).pairs[0]
    means = (losses[0] - losses[1]).reshape(12, 5).mean(axis=1)
    assert pair.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(12))
    assert (pair.n, pair.n_units) == (60, 12)
    assert pair.only_first is None


def test_simultaneous_limits_hold_with_clusters(rng):
    """Three equal models on 40 scenarios of 5 prompts; both multiplicities err rarely."""
    missed = rejected = 0
    for _ in range(200):
        chances = 0.4 * rng.random((1, 40, 1))
        losses = (rng.random((3, 40, 5)) < chances).reshape(3, 200) * 1.0
        found = paired_comparison(
            losses, cluster=np.repeat(np.arange(40), 5), resamples=199, random_state=rng
        )
        missed += any(not pair.lower <= 0 <= pair.upper for pair in found.pairs)
        rejected += len(found.separated) > 0
    assert not too_many(missed, 200, 0.06)
    assert not too_many(rejected, 200, 0.06)


def test_max_t_rejects_where_its_interval_excludes_zero(rng):
    losses = rng.random((3, 80)) * np.array([[1.0], [0.7], [0.7]])
    found = paired_comparison(losses, multiplicity="max-t", resamples=299)
    assert found.test == "bootstrap"
    for pair in found.pairs:
        assert (pair.p_max_t <= 0.05) == (pair.lower > 0 or pair.upper < 0)


def test_each_pair_uses_its_own_prompts():
    losses = {
        "a": {"p": 1, "q": 0, "r": 0},
        "b": {"p": 0, "q": 0, "s": 1},
        "c": {"s": 0, "r": 1, "q": 1},
    }
    found = paired_comparison(
        losses, on="pairwise", resamples=99, category={"p": "x", "q": "x", "r": "y", "s": "y"}
    )
    used = {(pair.first, pair.second): pair.n for pair in found.pairs if pair.category == "all"}
    assert used == {("a", "b"): 2, ("a", "c"): 2, ("b", "c"): 2}
    assert "No common prompt: a - b in y" in found.summary()
    common = paired_comparison(losses, on="intersection", resamples=99)
    assert {pair.n for pair in common.pairs} == {1}
    assert common.dropped == 3
    with pytest.raises(InvalidInput, match="lacks 1 prompts of model"):
        paired_comparison(losses)


def test_missing_losses_of_an_array_are_left_out_pair_by_pair(rng):
    losses = (rng.random((3, 50)) < 0.3) * 1.0
    losses[0, :10] = np.nan
    found = paired_comparison(losses, on="pairwise", resamples=99)
    assert [pair.n for pair in found.pairs] == [40, 40, 50]
    whole = paired_comparison(losses[:, 10:], resamples=99)
    assert found.pairs[0].p_value == whole.pairs[0].p_value
    with pytest.raises(InvalidInput, match="NaN"):
        paired_comparison(losses)


def test_categories_follow_the_prompts_of_series():
    a = pd.Series([1.0, 0.0, 1.0], index=["p", "q", "r"])
    b = pd.Series([0.0, 0.0, 0.0], index=["r", "q", "p"])
    found = paired_comparison({"a": a, "b": b}, category={"p": "x", "q": "y", "r": "x"}, resamples=99)
    assert {pair.category: pair.difference for pair in found.pairs} == {
        "all": pytest.approx(2 / 3),
        "x": 1,
        "y": 0,
    }


def test_weights(rng):
    losses, weights = rng.random((2, 40)), rng.random(40)
    pair = paired_comparison(losses, sample_weight=weights, resamples=99).pairs[0]
    assert pair.difference == pytest.approx(np.average(losses[0] - losses[1], weights=weights))
    weights[:10] = 0
    one = paired_comparison(losses, sample_weight=weights, resamples=99).pairs[0]
    other = paired_comparison(losses[:, 10:], sample_weight=weights[10:], resamples=99).pairs[0]
    assert (one.difference, one.standard_error, one.n) == pytest.approx(
        (other.difference, other.standard_error, other.n)
    )


def test_detectable_difference_is_detected_with_its_power(rng):
    """400 prompts, discordant share .2 under equality."""
    n, share = 400, 0.2
    pair = paired_comparison(discordant(40, 40, same=320)).pairs[0]
    shift = pair.detectable
    found = 0
    for _ in range(1000):
        kind = rng.random(n)
        b = int((kind < (share + shift) / 2).sum())
        c = int(((kind >= (share + shift) / 2) & (kind < share)).sum())
        found += binomtest(b, b + c).pvalue <= 0.05 if b + c else 0
    assert 0.74 < found / 1000 < 0.9


def test_rare_failures_need_enough_of_one_kind():
    """With error .05 six discordant prompts of one kind are needed; with one seen, not a normal limit."""
    pair = paired_comparison(discordant(1, 0, same=99)).pairs[0]
    assert 0.06 < pair.detectable < 0.1
    assert paired_comparison(discordant(1, 0, same=3)).pairs[0].detectable is None


def test_order_of_rows_and_models(rng):
    losses, order = rng.random((3, 60)), rng.permutation(60)
    cluster = np.repeat(np.arange(20), 3)
    one = paired_comparison(losses, cluster=cluster, resamples=199)
    other = paired_comparison(losses[:, order], cluster=cluster[order], resamples=199)
    for first, second in zip(one.pairs, other.pairs, strict=True):
        assert (first.lower, first.p_max_t) == pytest.approx((second.lower, second.p_max_t), abs=1e-9)
    turned = paired_comparison(1 - losses, cluster=cluster, resamples=199)
    assert [pair.difference for pair in turned.pairs] == pytest.approx(
        [-pair.difference for pair in one.pairs]
    )


def test_too_few_resamples_for_holm_is_told(rng):
    losses = rng.random((6, 30))
    found = paired_comparison(losses, multiplicity="holm", resamples=199)
    assert "no p-value is small enough for Holm's first step among 15 comparisons" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"losses": [[0, 1]]}, InvalidInput, "two models or more"),
        ({"losses": [[0, 1], [0, 3]]}, InvalidInput, "must lie in support"),
        (
            {"cluster": [0, 0, 1], "test": "mcnemar"},
            IncompatibleBound,
            "`mcnemar` counts independent prompts",
        ),
        ({"losses": [[0, 0.5], [1, 1]], "test": "mcnemar"}, IncompatibleBound, "fractional losses"),
        ({"on": "union"}, InvalidInput, "`on` must be one of"),
        ({"resamples": 10}, InvalidInput, "`resamples` must be at least"),
        ({"category": ["all", "x", "x"]}, InvalidInput, "has a label 'all'"),
        ({"losses": {"a": {"p": 1}, "b": {"q": 1}}, "on": "pairwise"}, InvalidInput, "no two models share"),
    ],
)
def test_messages(options, error, message):
    with pytest.raises(error, match=message):
        paired_comparison(**({"losses": [[0, 1, 0], [1, 1, 0]]} | options))


def test_exports(rng):
    found = paired_comparison((rng.random((2, 50)) < 0.4) * 1.0, names=["a", "b"])
    assert json.loads(json.dumps(found.to_dict()))["test"] == "mcnemar"
    assert found.to_frame()["n"].tolist() == [50]
    assert "a - b" in str(found)
    assert "50 prompts" in str(found)


def test_named_pairs_alone_share_the_error(rng):
    losses = (rng.random((4, 200)) < np.array([0.2, 0.3, 0.35, 0.4])[:, None]).astype(float)
    named = [("d", "a"), ("a", "b")]
    whole = paired_comparison(losses, names="abcd")
    found = paired_comparison(losses, names="abcd", pairs=named)
    assert [(pair.first, pair.second) for pair in found.pairs] == named
    known = {(pair.first, pair.second): pair for pair in whole.pairs}
    assert found.pairs[0].difference == -known["a", "d"].difference
    assert found.pairs[0].p_value == known["a", "d"].p_value
    p = sorted(pair.p_value for pair in found.pairs)
    np.testing.assert_allclose(min(pair.p_holm for pair in found.pairs), min(1.0, 2 * p[0]))
    assert found.pairs[1].upper - found.pairs[1].lower < known["a", "b"].upper - known["a", "b"].lower
    for wrong, message in (
        ([("a", "x")], "names 'x'; the models are"),
        ([("a", "b"), ("b", "a")], "a pair twice"),
        ([("a", "a")], "different models"),
        ([], "different models"),
        (["ab"], "different models"),
    ):
        with pytest.raises(InvalidInput, match=message):
            paired_comparison(losses, names="abcd", pairs=wrong)


def test_different_prompts_are_refused_by_name():
    with pytest.raises(InvalidInput, match="`paired_comparison` is paired: model b lacks 1 prompts"):
        paired_comparison({"a": {"p": 1, "q": 0}, "b": {"q": 1}})
