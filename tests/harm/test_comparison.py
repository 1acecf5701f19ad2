"""Comparing models over all maps: golden values, limits, rankings, and other prompts."""

import itertools

import numpy as np
import pandas as pd
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.harm.comparison import compare_harm
from riskstats.harm.map_sets import DecreasingMaps
from riskstats.harm.paired_levels import paired_means
from tests.harm.goldens import DOMINANCE
from tests.reference.harm import random_maps
from tests.theorems.laws import too_many


def compare(models, severity, cost, *, random_state=0, resamples=199, **asked):
    given = {"cost_map": "linear", "resamples": resamples, **asked}
    return compare_harm(models, severity, cost, random_state=random_state, **given)


def prompts(rng, n=400):
    return rng.integers(1, 6, n), rng.integers(1, 6, n)


def models(rng, chances, n=400):
    return {name: (rng.random(n) < p).astype(float) for name, p in chances.items()}


def test_golden_comparison():
    given = {"a": DOMINANCE["attack_a"], "b": DOMINANCE["attack_b"]}
    columns = DOMINANCE["severity"], DOMINANCE["cost"]
    found = compare(given, *columns, sample_weight=DOMINANCE["sample_weight"])
    pair = found.pairs[0]
    assert found.verdict == pair.verdict == DOMINANCE["verdict"]
    assert (pair.ratio.lower, pair.ratio.upper) == pytest.approx(DOMINANCE["ratio_interval"], rel=1e-14)
    for model, key in zip(found.models, "ab", strict=True):
        assert model.expected_harm == pytest.approx(DOMINANCE[f"expected_harm_{key}"]["linear"], rel=1e-14)
        np.testing.assert_allclose(model.cumulative, DOMINANCE[f"cumulative_{key}"], rtol=1e-14)
    assert (found.models[0].lowest, found.models[1].lowest, pair.order) == ("always", "never", "always")


def test_a_clear_difference_is_shown_for_every_map(rng):
    severity, cost = prompts(rng)
    found = compare(models(rng, {"a": 0.05, "b": 0.5}), severity, cost)
    assert found.pairs[0].confident_verdict == "a_lower"
    assert (found.pairs[0].cumulative_upper <= 0).all()
    swapped = compare(dict(reversed(models(rng, {"a": 0.05, "b": 0.5}).items())), severity, cost)
    assert swapped.pairs[0].confident_verdict == "b_lower"
    assert "shown at the confidence level" in found.summary()


def test_equal_models_are_rarely_told_apart(rng):
    apart, missed, runs = 0, 0, 60
    for seed in range(runs):
        severity, cost = prompts(rng, 200)
        pair = compare(models(rng, {"a": 0.3, "b": 0.3}, 200), severity, cost, random_state=seed).pairs[0]
        apart += pair.confident_verdict != "undecided"
        missed += not ((pair.cumulative_lower <= 0) & (pair.cumulative_upper >= 0)).all()
    assert not too_many(apart, runs, 0.05)
    assert not too_many(missed, runs, 0.05)


def test_pairing_is_tighter_than_the_sum_of_the_parts(rng):
    severity, cost = prompts(rng)
    hard = rng.random(400)
    first, second = (hard > 0.7).astype(float), (hard > 0.65).astype(float)
    shuffled = rng.permutation(second)
    paired = compare([first, second], severity, cost).pairs[0]
    apart = compare([first, shuffled], severity, cost).pairs[0]
    assert paired.upper - paired.lower < 0.7 * (apart.upper - apart.lower)


def test_errors_of_means_agree_with_their_definition(rng):
    columns, weights, codes = rng.normal(size=(60, 3)), rng.random(60), np.arange(60) // 3
    found = paired_means(columns, weights, codes, 19, np.random.default_rng(0))
    mean = np.average(columns, axis=0, weights=weights)
    np.testing.assert_allclose(found.value, mean, rtol=1e-12)
    parts = np.array(
        [(weights[codes == u, None] * (columns[codes == u] - mean)).sum(axis=0) for u in range(20)]
    )
    np.testing.assert_allclose(
        found.error, np.sqrt(20 / 19 * np.square(parts).sum(axis=0)) / weights.sum(), rtol=1e-10
    )
    assert found.deviations.shape == (19, 3)


def test_clusters_widen_the_limits(rng):
    unit = np.repeat(np.arange(60), 6)
    severity, cost = prompts(rng, 360)
    given = {name: values[unit] for name, values in models(rng, {"a": 0.2, "b": 0.5}, 60).items()}
    alone = compare(given, severity, cost).pairs[0]
    together = compare(given, severity, cost, cluster=unit)
    assert together.n_units == 60
    assert together.pairs[0].upper - together.pairs[0].lower > 1.5 * (alone.upper - alone.lower)


def test_rankings_agree_with_brute_force(rng):
    maps = random_maps(rng, 10_000)
    seen = set()
    for _ in range(15):
        n = 40
        severity, cost = prompts(rng, n)
        given = models(rng, {"a": 0.3, "b": 0.3, "c": 0.35}, n)
        found = compare(given, severity, cost, resamples=39)
        harm = {
            model.name: maps @ np.diff(np.concatenate([[0.0], model.cumulative])) for model in found.models
        }
        for pair in found.pairs:
            below = harm[pair.first] <= harm[pair.second] + 1e-12
            expected = "always" if below.all() else "depends" if below.any() else "never"
            assert pair.order == expected
            seen.add(expected)
        for model in found.models:
            lowest = harm[model.name] <= np.min(list(harm.values()), axis=0) + 1e-12
            assert model.lowest == ("always" if lowest.all() else "depends" if lowest.any() else "never")
    assert seen == {"always", "never", "depends"}


def test_knowledge_of_the_map_decides_more(rng):
    severity, cost = np.ones(6), np.array([1, 1, 2, 2, 3, 3])
    given = {"a": [1, 0, 0, 0, 0, 0], "b": [0, 0, 1, 1, 1, 0]}
    open_ = compare(given, severity, cost)
    known = compare(given, severity, cost, maps=DecreasingMaps(lower=(1, 0.8, 0.5, 0, 0)))
    assert (open_.pairs[0].verdict, open_.pairs[0].order) == ("undecided", "depends")
    assert known.pairs[0].order == "always"
    assert known.pairs[0].ratio.upper < 1 < open_.pairs[0].ratio.upper


def test_where_models_never_differ_nothing_is_shown(rng):
    severity, cost = prompts(rng)
    given = models(rng, {"a": 0.1, "b": 0.6})
    for values in given.values():
        values[cost == 1] = 0.0
    found = compare(given, severity, cost)
    assert (found.pairs[0].verdict, found.pairs[0].confident_verdict) == ("a_lower", "undecided")
    assert found.pairs[0].cumulative_upper[0] == 5
    assert any("never differ on prompts of cost at most 1" in note for note in found.notes)
    without = compare({name: v[cost > 1] for name, v in given.items()}, severity[cost > 1], cost[cost > 1])
    assert without.pairs[0].confident_verdict == "a_lower"
    assert any("No prompt has cost at most 1" in note for note in without.notes)


def test_other_orders_and_names_give_the_same(rng):
    severity, cost = prompts(rng, 50)
    given = models(rng, {"a": 0.2, "b": 0.4}, 50)
    plain = compare(given, severity, cost)
    frame = compare(pd.DataFrame(given), severity, cost)
    matrix = compare(np.array(list(given.values())), severity, cost, names=["a", "b"])
    keyed = compare(
        {name: dict(enumerate(values)) for name, values in given.items()},
        dict(enumerate(severity)),
        pd.Series(cost),
    )
    for other in (frame, matrix, keyed):
        assert other.summary() == plain.summary()
    order = rng.permutation(50)
    moved = compare({k: v[order] for k, v in given.items()}, severity[order], cost[order])
    assert moved.pairs[0].difference == pytest.approx(plain.pairs[0].difference, rel=1e-12)


def test_prompts_that_a_model_lacks(rng):
    severity, cost = prompts(rng, 30)
    given = {name: dict(enumerate(values)) for name, values in models(rng, {"a": 0.2, "b": 0.4}, 30).items()}
    del given["b"][3]
    with pytest.raises(InvalidInput, match="intersection"):
        compare(given, severity, cost)
    found = compare(given, severity, cost, on="intersection")
    kept = [i for i in range(30) if i != 3]
    same = compare({m: [given[m][i] for i in kept] for m in given}, severity[kept], cost[kept])
    assert (found.n, found.dropped) == (29, 1)
    assert found.pairs[0].difference == same.pairs[0].difference


def test_many_models(rng):
    severity, cost = prompts(rng)
    found = compare(models(rng, {f"m{k}": 0.1 * k for k in range(1, 6)}), severity, cost)
    assert [(pair.first, pair.second) for pair in found.pairs] == list(
        itertools.combinations([f"m{k}" for k in range(1, 6)], 2)
    )
    assert len(found.to_frame()) == 10
    assert found.models[0].lowest == "always"
    assert all(pair.p_value <= pair.p_max_t for pair in found.pairs)


@pytest.mark.parametrize(
    ("given", "asked", "told"),
    [
        ([[0, 1]], {}, "two models or more"),
        ([0, 1], {}, "two models or more"),
        ({"a": [0, 1], "b": [0, 1, 1]}, {}, r"\[2, 3\] prompts"),
        ({"a": [0, 1], "b": [0, 2]}, {}, r"`success` must lie in \[0, 1\]"),
        ({"a": [0, 1], "b": [0, 1]}, {"maps": "all"}, "`maps` must be"),
        ({"a": [0, 1], "b": [0, 1]}, {"resamples": 5}, "`resamples` must be at least"),
        ({"a": [0, 1], "b": [0, 1]}, {"names": ["a"]}, "1 names for 2"),
    ],
)
def test_what_is_refused(given, asked, told):
    with pytest.raises(InvalidInput, match=told):
        compare(given, [1, 2], [1, 2], **asked)


def test_models_without_a_common_prompt_are_refused_by_name():
    with pytest.raises(InvalidInput, match="`compare_harm` is paired: model y lacks 1 prompts of model x"):
        compare_harm({"x": {"p": 1}, "y": {"q": 1}}, {"p": 1, "q": 1}, {"p": 1, "q": 1}, cost_map="linear")
