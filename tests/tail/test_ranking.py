"""Comparing models: against loops, on models that differ and on models that do not, and on other prompts."""

import itertools

import numpy as np
import pandas as pd
import pytest

from riskstats.bounds.multiple_testing import holm_adjusted
from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail import resampled_ranks
from riskstats.tail.limits import BootstrapT, cvar_interval
from riskstats.tail.ranking import compare_models
from tests.reference.tail_bootstrap import confidence_set_by_loop, shares_by_loop
from tests.theorems.laws import too_many

LEVEL = 0.9


def models(rng, shifts, n=300, noise=0.1):
    """Losses on shared prompts: common difficulty, noise of each model, and a shift of each."""
    common = rng.beta(0.5, 3, n)
    return np.array([common + shift + noise * rng.random(n) for shift in shifts])


# ---- what the resamples say


def test_rank_shares_agree_with_a_loop_and_share_ties(rng):
    resampled = rng.integers(0, 4, (200, 5)) / 4
    shares = resampled_ranks.rank_shares(resampled)
    np.testing.assert_allclose(shares, shares_by_loop(resampled.tolist()), rtol=0, atol=1e-12)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_values_that_differ_by_rounding_are_tied():
    resampled = np.array([[0.3, 0.1 + 0.2, 0.5]])
    np.testing.assert_allclose(resampled_ranks.rank_shares(resampled)[:, 0], [0.5, 0.5, 0])


def drawn_pairs(rng, m=4, resamples=199):
    """(estimates, errors, resampled, resampled errors) of so many models."""
    estimates, count = rng.normal(size=m), m * (m - 1) // 2
    resampled = estimates + rng.normal(size=(resamples, m))
    return estimates, 0.5 + rng.random(count), resampled, rng.random((resamples, count))


def test_the_confidence_set_agrees_with_a_loop(rng):
    for _ in range(20):
        pairs = resampled_ranks.studentised_pairs(*drawn_pairs(rng, 5, 60))
        keys = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
        statistic = dict(zip(keys, pairs.statistic, strict=True))
        deviations = [dict(zip(keys, row, strict=True)) for row in pairs.deviations]
        expected = confidence_set_by_loop(5, statistic, deviations)
        np.testing.assert_allclose(resampled_ranks.confidence_set(pairs, 5), expected)


def test_differences_agree_with_their_definition(rng):
    estimates, errors, resampled, own = drawn_pairs(rng)
    pairs = resampled_ranks.studentised_pairs(estimates, errors, resampled, own)
    found = resampled_ranks.differences(pairs, 0.1)
    largest = np.zeros(199)
    for k, (i, j) in enumerate(itertools.combinations(range(4), 2)):
        value = estimates[i] - estimates[j]
        moved = np.abs(resampled[:, i] - resampled[:, j] - value)
        deviations = np.array([m / max(e, 0.5 * errors[k]) for m, e in zip(moved, own[:, k], strict=True)])
        largest = np.maximum(largest, deviations)
        assert (pairs.first[k], pairs.second[k]) == (i, j)
        assert pairs.value[k] == pytest.approx(value)
        assert found.p[k] == pytest.approx((1 + (deviations >= abs(value) / errors[k]).sum()) / 200)
    reach = np.sort(largest)[-20] * errors
    np.testing.assert_allclose(found.lower, pairs.value - reach)
    np.testing.assert_allclose(found.upper, pairs.value + reach)
    excluded = (found.lower > 0) | (found.upper < 0)
    np.testing.assert_array_equal(excluded, found.p_max <= 0.1)
    assert (found.p_max >= found.p).all()
    assert (resampled_ranks.confidence_set(pairs, 4) > 0.1).all() == (not excluded.any())


def test_pairs_without_error_are_equal_or_apart():
    estimates, resampled = np.array([0.5, 0.5, 1.0]), np.tile([0.5, 0.5, 1.0], (99, 1))
    pairs = resampled_ranks.studentised_pairs(estimates, np.zeros(3), resampled, np.zeros((99, 3)))
    found = resampled_ranks.differences(pairs, 0.1)
    np.testing.assert_array_equal(found.p, [1, 0.01, 0.01])
    np.testing.assert_array_equal(found.lower, [0, -0.5, -0.5])
    np.testing.assert_array_equal(resampled_ranks.confidence_set(pairs, 3) > 0.1, [True, True, False])


def test_nothing_is_known_of_pairs_of_flat_tails():
    estimates, resampled = np.array([0.5, 0.7, 1.0]), np.tile([0.5, 0.7, 1.0], (99, 1))
    flat = np.array([True, True, False])
    pairs = resampled_ranks.studentised_pairs(estimates, np.zeros(3), resampled, np.zeros((99, 3)), flat)
    found = resampled_ranks.differences(pairs, 0.1)
    np.testing.assert_array_equal(found.p, [1, 0.01, 0.01])
    np.testing.assert_array_equal(found.lower, [-np.inf, -0.5, 0.7 - 1.0])
    np.testing.assert_array_equal(resampled_ranks.confidence_set(pairs, 3) > 0.1, [True, True, False])


def test_ranks_count_the_models_shown_to_be_better_and_worse():
    pairs = resampled_ranks.Pairs(*np.triu_indices(3, 1), *np.zeros((4, 3)))
    found = resampled_ranks.Differences(
        np.array([-2, -1, -1]), np.array([-1, 1, -0.5]), np.ones(3), np.ones(3)
    )
    low, high = resampled_ranks.rank_intervals(pairs, found, 3)
    assert low.tolist() == [1, 2, 2]
    assert high.tolist() == [2, 2, 3]


# ---- the front door


def test_models_that_differ_are_told_apart(rng):
    found = compare_models(models(rng, [0.0, 0.3, 0.6]), LEVEL, names=["a", "b", "c"], random_state=1)
    assert found.confidence_set == ("a",)
    assert [(model.rank_low, model.rank_high) for model in found.models] == [(1, 1), (2, 2), (3, 3)]
    assert [model.p_best for model in found.models] == [1, 0, 0]
    assert len(found.separated) == 3
    assert "The smallest CVaR is that of a" in found.summary()


def test_models_that_do_not_differ_are_left_open(rng):
    found = compare_models(models(rng, [0.0] * 4, noise=0.01), LEVEL, random_state=1)
    assert set(found.confidence_set) == {"0", "1", "2", "3"}
    assert {(model.rank_low, model.rank_high) for model in found.models} == {(1, 4)}
    assert not found.separated
    assert "Which model has the smallest CVaR is open: 4 of 4" in found.summary()
    assert "rank 1 to 4" in found.summary()


def test_every_number_stands_on_one_set_of_resamples(rng):
    losses = models(rng, [0.0, 0.02, 0.05])
    found = compare_models(losses, LEVEL, resamples=499, random_state=7, support=(0, 2))
    for row, model in zip(losses, found.models, strict=True):
        alone = cvar_interval(
            row, LEVEL, limit=BootstrapT(499), side="two-sided", support=(0, 2), random_state=7
        )
        assert (model.lower, model.upper) == pytest.approx((alone.lower, alone.upper), abs=1e-12)
        assert model.cvar == pytest.approx(cvar(row, LEVEL), abs=1e-12)
    p = [pair.p_value for pair in found.pairs]
    np.testing.assert_array_equal([pair.p_holm for pair in found.pairs], holm_adjusted(p))
    np.testing.assert_allclose(found.rank_shares[:, 0], [model.p_best for model in found.models])
    assert (
        found.to_dict()
        == compare_models(losses, LEVEL, resamples=499, random_state=7, support=(0, 2)).to_dict()
    )


def test_pairing_is_what_makes_small_differences_visible(rng):
    """The same models on shuffled prompts: the difference keeps its value and loses its precision."""
    losses = models(rng, [0.0, 0.03], noise=0.02)
    paired = compare_models(losses, LEVEL, random_state=1)
    apart = compare_models([losses[0], rng.permutation(losses[1])], LEVEL, random_state=1)
    assert apart.pairs[0].difference == pytest.approx(paired.pairs[0].difference, abs=1e-12)
    assert apart.pairs[0].standard_error > 3 * paired.pairs[0].standard_error


def test_weights_and_clusters_reach_the_resamples(rng):
    losses = models(rng, [0.0, 0.1])
    plain = compare_models(losses, LEVEL, random_state=1)
    weighted = compare_models(losses, LEVEL, random_state=1, sample_weight=rng.random(300))
    clustered = compare_models(
        np.repeat(losses, 2, axis=1), LEVEL, random_state=1, cluster=np.repeat(range(300), 2)
    )
    assert weighted.models[0].cvar != plain.models[0].cvar
    assert (clustered.n, clustered.n_units) == (600, 300)
    assert clustered.pairs[0].standard_error == pytest.approx(plain.pairs[0].standard_error, rel=1e-9)
    assert "600 prompts in 300 clusters" in clustered.summary()


def test_frames_of_models_and_of_pairs(rng):
    frame = pd.DataFrame(models(rng, [0.0, 0.2, 0.2]).T, columns=["a", "b", "c"])
    found = compare_models(frame, LEVEL, random_state=1)
    assert found.to_frame()["name"].tolist() == ["a", "b", "c"]
    assert found.pairs_frame()[["first", "second"]].to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    by_dict = compare_models({name: frame[name].to_numpy() for name in frame}, LEVEL, random_state=1)
    assert by_dict.to_dict() == found.to_dict()


# ---- prompts


def keyed(rng):
    losses = models(rng, [0.0, 0.1], n=150)
    a, b = ({f"p{i}": loss for i, loss in enumerate(row)} for row in losses.tolist())
    for i in (3, 5):
        del b[f"p{i}"]
    return a, b


def test_other_prompts_are_refused_or_dropped(rng):
    a, b = keyed(rng)
    message = (
        r"`compare_models` is paired: model b lacks 2 prompts of model a\. "
        r"Pass `on='intersection'` to use the 148 common ones\."
    )
    with pytest.raises(InvalidInput, match=message):
        compare_models({"a": a, "b": b}, LEVEL)
    found = compare_models({"a": a, "b": b}, LEVEL, on="intersection", random_state=1)
    assert (found.n, found.dropped) == (148, 2)
    assert "2 prompts that some model lacks are left out." in found.summary()
    with pytest.raises(InvalidInput, match=r"model a lacks 2 prompts of model b\."):
        compare_models({"b": a, "a": b}, LEVEL)


def test_prompts_are_matched_by_name_whatever_their_order(rng):
    a, b = keyed(rng)
    weights = {prompt: i + 1.0 for i, prompt in enumerate(a)}
    shuffled = {prompt: b[prompt] for prompt in rng.permutation(list(b)).tolist()}
    one, other = (
        compare_models(losses, LEVEL, on="intersection", sample_weight=weight, random_state=1).to_dict()
        for losses, weight in (
            ({"a": a, "b": b}, list(weights.values())),
            ({"a": pd.Series(a), "b": pd.Series(shuffled)}, weights),
        )
    )
    assert one == other


def test_what_cannot_be_compared_is_refused(rng):
    a, _ = keyed(rng)
    losses = models(rng, [0.0, 0.1])
    cases = [
        ({"losses": losses[0]}, "two models or more"),
        ({"losses": losses[:1]}, "two models or more"),
        ({"losses": {"a": a, "b": {"x": 1.0}}}, "No prompt is common to all models"),
        ({"losses": {"a": a, "b": {"x": 1.0}}, "on": "intersection"}, "No prompt is common to all models"),
        ({"losses": losses, "on": "union"}, "`on` must be one of 'intersection'"),
        ({"losses": losses, "names": ["a"]}, "`names` has 1 names for 2 candidates"),
        ({"losses": losses, "resamples": 38}, "`resamples` must be at least 39"),
        ({"losses": losses, "support": (0, 0.5)}, r"must lie in support \(0, 0\.5\)"),
        (
            {"losses": {"a": a, "b": a}, "sample_weight": [1.0]},
            "`sample_weight` has 1 values for the 150 prompts",
        ),
        ({"losses": {"a": a, "b": a}, "cluster": {"p0": 1}}, "`cluster` lacks 149 prompts, first 'p1'"),
        ({"losses": np.where(losses > 0.5, np.nan, losses)}, "NaN at rows"),
    ]
    for given, message in cases:
        with pytest.raises(InvalidInput, match=message):
            compare_models(**given, level=LEVEL)


def test_what_no_resample_changes_is_told(rng):
    losses = np.where(rng.random((2, 200)) < 0.5, 1.0, 0.0)
    with pytest.warns(AssumptionWarning) as told:
        found = compare_models(losses, 0.95, support=(0, 1), random_state=1)
    assert any("The losses show no error of the difference of 1 pairs" in str(each.message) for each in told)
    assert any("one atom in too many resamples" in str(each.message) for each in told)
    assert (found.models[0].lower, found.models[0].upper) == (0, 1)
    assert found.pairs[0].p_max_t == 1
    assert found.confidence_set == ("0", "1")


@pytest.mark.filterwarnings("ignore::riskstats.exceptions.AssumptionWarning")
@pytest.mark.parametrize("n", [1, 2, 10, 19])
def test_fewer_than_one_prompt_in_the_tail_tells_no_models_apart(n):
    losses = np.random.default_rng(n).random((3, n))
    found = compare_models(losses, 0.95, support=(0, 1), random_state=1)
    assert len(found.confidence_set) == 3
    assert {(model.rank_low, model.rank_high) for model in found.models} == {(1, 3)}
    assert {(pair.lower, pair.upper, pair.p_max_t) for pair in found.pairs} == {(-1, 1, 1)}
    assert "they are not told apart" in found.summary()


def test_a_constant_difference_is_certain(rng):
    losses = rng.random(200).round(2)
    with pytest.warns(AssumptionWarning, match="1 pairs.*their intervals have no width"):
        found = compare_models([losses, losses + 0.25], 0.9, random_state=1)
    assert found.confidence_set == ("0",)
    assert (found.pairs[0].lower, found.pairs[0].upper) == pytest.approx((-0.25, -0.25))


@pytest.mark.parametrize("unit", [1e-300, 1e300, 1e307])
def test_only_the_ratios_of_weights_count(rng, unit):
    losses, weights = rng.random((2, 40)), 2.0 ** rng.integers(0, 3, 40)
    found, scaled = (
        compare_models(losses, 0.5, sample_weight=each, resamples=99, random_state=1)
        for each in (weights, weights * unit)
    )
    for one, other in zip([*found.models, *found.pairs], [*scaled.models, *scaled.pairs], strict=True):
        numbers = [[x for x in each.to_dict().values() if not isinstance(x, str)] for each in (one, other)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-9)


# ---- what is promised


def misses(rng, repetitions, shifts, n=200, resamples=199):
    """How often a best model is not in the set, an interval misses its difference, a rank its interval."""
    wrong = np.zeros(3, dtype=int)
    truth = np.array(shifts)
    ranks = 1 + (truth[:, None] > truth).sum(axis=1)
    for _ in range(repetitions):
        found = compare_models(
            models(rng, shifts, n, noise=0.3),
            0.8,
            confidence_level=0.9,
            resamples=resamples,
            random_state=rng,
        )
        best = truth == truth.min()
        wrong[0] += any(
            not model.in_set for model, is_best in zip(found.models, best, strict=True) if is_best
        )
        wrong[1] += any(
            not pair.lower <= truth[int(pair.first)] - truth[int(pair.second)] <= pair.upper
            for pair in found.pairs
        )
        wrong[2] += any(
            model.rank_low > low or model.rank_high < low
            for model, low in zip(found.models, ranks, strict=True)
        )
    return wrong


@pytest.mark.parametrize("shifts", [[0.0, 0.0, 0.0], [0.0, 0.01, 0.02]])
def test_statements_about_models_are_wrong_as_rarely_as_promised(shifts, rng):
    """Approximate statements: a tenth, with a fifth of it to spare for 40 losses in the tail."""
    assert not any(too_many(count, 150, 0.12) for count in misses(rng, 150, shifts))


@pytest.mark.slow
@pytest.mark.parametrize("shifts", [[0.0] * 3, [0.0] * 8, [0.0, 0.01, 0.02]])
def test_statements_about_models_are_wrong_as_rarely_as_promised_in_full(shifts):
    counts = misses(np.random.default_rng(5), 2000, shifts, resamples=499)
    print(shifts, counts / 2000)
    assert not any(too_many(count, 2000, 0.12) for count in counts)


def test_few_prompts_in_the_tail_are_told():
    rng = np.random.default_rng(4)
    few, enough = (
        compare_models(rng.random((2, n)), 0.95, resamples=199, random_state=0) for n in (150, 400)
    )
    assert "Only 7.5 prompts are in the tail" in few.summary()
    assert "prompts are in the tail" not in enough.summary()
