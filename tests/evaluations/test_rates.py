"""Rates by category: closed forms, what each method refuses, coverage with clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from riskstats.bounds.clopper_pearson import clopper_pearson
from riskstats.evaluations.proportions import mcnemar_p, proportion_interval
from riskstats.evaluations.rate_methods import RateSample
from riskstats.evaluations.rates import rate_interval
from riskstats.exceptions import IncompatibleBound, InvalidInput
from tests.evaluations.clustered import clustered, outside
from tests.theorems.laws import too_many


def zeros_and_ones(events, n):
    return np.repeat([1.0, 0.0], [events, n - events])


def test_no_event_in_a_hundred():
    found = rate_interval(zeros_and_ones(0, 100), side="upper").overall
    assert found.upper == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-12)
    assert round(100 * found.upper, 2) == 2.95
    two = rate_interval(zeros_and_ones(0, 100)).overall
    assert (two.lower, two.one_sided_upper) == (0.0, found.upper)
    assert two.upper == pytest.approx(1 - 0.025 ** (1 / 100))
    assert "none seen: at most 2.95 % (95 %, one-sided)" in two.summary()


def test_eighty_seven_of_ten_thousand():
    found = rate_interval(zeros_and_ones(87, 10_080)).overall
    numbers = (found.estimate, found.lower, found.upper, found.one_sided_upper)
    assert [round(100 * number, 3) for number in numbers] == [0.863, 0.692, 1.064, 1.031]
    assert found.events == 87


def test_taking_one_side_only_at_zero_would_err_too_often():
    """[0, 1 - delta^(1/n)] at zero beside two-sided limits elsewhere: 1.19 delta here, not delta."""
    n, p = 100, 1 - 0.05 ** (1 / 100) + 1e-9
    counts = np.arange(n + 1)
    two = [proportion_interval(int(k), n) for k in counts]
    ends = np.array(
        [[r.lower, r.one_sided_upper if k == 0 else r.upper] for k, r in zip(counts, two, strict=True)]
    )
    wrong = (ends[:, 0] > p) | (ends[:, 1] < p)
    assert binom.pmf(counts[wrong], n, p).sum() > 0.059


@pytest.mark.parametrize(("events", "n"), [(0, 20), (3, 20), (20, 20), (87, 10_080)])
@pytest.mark.parametrize("method", ["clopper-pearson", "wilson"])
def test_limits_are_those_of_scipy(events, n, method):
    found = proportion_interval(events, n, method=method)
    name = {"clopper-pearson": "exact", "wilson": "wilson"}[method]
    twin = binomtest(events, n).proportion_ci(0.95, name)
    assert (found.lower, found.upper) == pytest.approx((twin.low, twin.high), abs=1e-9)
    assert found.guaranteed == (method == "clopper-pearson")


def test_counts_and_losses_agree(rng):
    losses = rng.random(300) < 0.1
    by_loss, by_count = rate_interval(losses).overall, proportion_interval(int(losses.sum()), 300)
    assert (by_loss.lower, by_loss.upper) == (by_count.lower, by_count.upper)
    assert rate_interval(losses, side="upper").overall.upper == clopper_pearson(losses).value
    wilson = rate_interval(losses, method="wilson").overall
    assert wilson.upper == pytest.approx(proportion_interval(int(losses.sum()), 300, method="wilson").upper)


def test_fractions_take_a_bound_on_a_mean_and_say_so(rng):
    losses = rng.choice([0.0, 1 / 3, 2 / 3, 1.0], 144, p=[0.6, 0.1, 0.1, 0.2])
    found = rate_interval(losses)
    assert found.overall.method == "betting"
    assert found.overall.events is None
    assert found.overall.guaranteed
    assert "no binomial formula is used" in found.summary()
    for method in ("clopper-pearson", "wilson"):
        with pytest.raises(InvalidInput, match="has fractions, whose mean is not a count over n"):
            rate_interval(losses, method=method)
    with pytest.raises(InvalidInput, match="`losses` must be 0 or 1; got"):
        rate_interval(losses, binary=True)


def test_all_categories_hold_at_once(rng):
    category = rng.choice(list("abcd"), 400)
    losses = rng.random(400) < 0.2
    joint = rate_interval(losses, category=category, confidence_level=0.95).categories
    alone = rate_interval(
        losses, category=category, confidence_level=1 - 0.05 / 4, multiplicity="none"
    ).categories
    assert [rate.name for rate in joint] == list("abcd")
    for one, other in zip(joint, alone, strict=True):
        assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper))
    assert sum(rate.n for rate in joint) == 400


def test_holm_rejects_more_and_its_limits_say_so():
    """p = .0153, .0203 and 1 at the limit .1: Bonferroni rejects neither at .05, Holm both of two."""
    losses = np.concatenate([zeros_and_ones(3, 79), zeros_and_ones(3, 78)])
    category = np.repeat(["a", "b"], [79, 78])
    options = {"category": category, "side": "upper", "risk_limit": 0.1}
    holm = rate_interval(losses, multiplicity="holm", **options)
    plain = rate_interval(losses, **options)
    p = [binom.cdf(3, n, 0.1) for n in (79, 78)]
    assert [rate.p_value for rate in holm.categories] == pytest.approx(p)
    assert 0.025 < p[1] < 0.05
    assert 0.025 < p[0] < 0.05 or plain.below_limit == ("a",)
    assert set(plain.below_limit) <= set(holm.below_limit)
    for rate in holm.categories:
        assert (rate.upper <= 0.1) == bool(rate.below_limit)


def test_holm_limits_hold_at_once(rng):
    """Three rates: above, at and below the limit."""
    rates, n, wrong = np.array([0.12, 0.1, 0.02]), 120, 0
    category = np.repeat(list("abc"), n)
    for _ in range(300):
        losses = (rng.random((3, n)) < rates[:, np.newaxis]).ravel()
        found = rate_interval(losses, category=category, side="upper", multiplicity="holm", risk_limit=0.1)
        wrong += any(rate.upper < truth for rate, truth in zip(found.categories, rates, strict=True))
    assert not too_many(wrong, 300, 0.05)


@pytest.mark.parametrize("method", ["betting", "hoeffding-bentkus"])
def test_guaranteed_limits_hold_with_clusters(rng, method):
    misses = 0
    for _ in range(300):
        sample = RateSample(*clustered(rng, 30, 8, 0.2, 0.3), None, method)
        misses += outside(sample.lower(0.025), 0.2, sample.upper(0.025))
    assert not too_many(misses, 300, 0.05)


@pytest.mark.parametrize(("mean", "correlation"), [(0.1, 0.2), (0.3, 0.05)])
def test_wilson_with_the_design_effect_holds_about(rng, mean, correlation):
    """It would be wrong in a quarter of samples at correlation .2 if the clusters were left out."""
    misses = plain = 0
    for _ in range(1000):
        losses, codes = clustered(rng, 50, 10, mean, correlation)
        sample = RateSample(losses, codes, None, "wilson")
        misses += outside(sample.lower(0.025), mean, sample.upper(0.025))
        naive = RateSample(losses, None, None, "wilson")
        plain += outside(naive.lower(0.025), mean, naive.upper(0.025))
    assert not too_many(misses, 1000, 0.06)
    assert plain > misses


def test_order_of_rows_does_not_matter(rng):
    losses, codes = clustered(rng, 20, 5, 0.3, 0.2)
    order = rng.permutation(100)
    for options in ({}, {"cluster": codes}, {"cluster": codes, "method": "wilson"}):
        moved = {name: each[order] if name == "cluster" else each for name, each in options.items()}
        one, other = rate_interval(losses, **options).overall, rate_interval(losses[order], **moved).overall
        assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), abs=1e-12)
    fractions = rng.random(60)
    assert rate_interval(fractions).overall.upper == rate_interval(fractions[::-1]).overall.upper


def test_turning_the_losses_round_turns_the_limits(rng):
    losses = rng.random(80) < 0.2
    one, other = rate_interval(losses).overall, rate_interval(~losses).overall
    assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower))


def test_weights_are_the_mix(rng):
    losses = rng.random(200) < 0.3
    weights = np.where(losses, 2.0, 1.0)
    found = rate_interval(losses, sample_weight=weights, method="wilson").overall
    assert found.estimate == pytest.approx(np.average(losses, weights=weights))
    assert found.lower < found.estimate < found.upper
    with pytest.raises(IncompatibleBound, match="`clopper-pearson` has no statement with `sample_weight`"):
        rate_interval(losses, sample_weight=weights)
    assert rate_interval(losses, sample_weight=np.full(200, 3.0)).overall == rate_interval(losses).overall


def test_clusters_of_one_row_are_none(rng):
    losses = rng.random(50) < 0.3
    assert rate_interval(losses, cluster=np.arange(50)).overall == rate_interval(losses).overall


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"losses": [0.0, np.nan]}, InvalidInput, "1 NaN, first at 1"),
        ({"losses": [0.0, 1.2]}, InvalidInput, "must lie in support"),
        ({"losses": []}, InvalidInput, "is empty"),
        ({"method": "normal"}, InvalidInput, "`method` must be one of"),
        ({"side": "both"}, InvalidInput, "`side` must be one of"),
        ({"multiplicity": "holm"}, InvalidInput, "'holm' tests one limit for all categories"),
        ({"category": ["a"]}, InvalidInput, "`category` must be one label for each of 4 rows"),
        ({"category": ["a", None, "b", "b"]}, InvalidInput, "`category` has 1 missing labels"),
        ({"cluster": [1, 1, 2]}, InvalidInput, "`cluster` must be one label per loss"),
        ({"risk_limit": 5}, InvalidInput, "Write 0.05"),
        ({"confidence_level": 0.05}, InvalidInput, "Did you mean 0.95"),
        (
            {"cluster": [1, 1, 2, 2], "method": "clopper-pearson"},
            IncompatibleBound,
            "no statement with `cluster`",
        ),
    ],
)
def test_messages(options, error, message):
    with pytest.raises(error, match=message):
        rate_interval(**({"losses": [0.0, 1.0, 0.0, 1.0]} | options))


def test_counts_that_are_none():
    with pytest.raises(InvalidInput, match=r"`events` must be an integer from 0 to 144; got 34\.4"):
        proportion_interval(34.4, 144)


def test_exports(rng):
    found = rate_interval(rng.random(60) < 0.3, category=rng.choice(list("ab"), 60), risk_limit=0.5)
    assert json.loads(json.dumps(found.to_dict()))["overall"]["n"] == 60
    assert found.to_frame()["name"].tolist() == ["all", "a", "b"]
    assert "2 categories, all at once (Bonferroni)" in str(found)


def test_mcnemar_is_the_binomial_tail():
    b, c = np.array([0, 5, 1, 12]), np.array([0, 5, 9, 3])
    twin = [1.0, 1.0, *(binomtest(x, x + y).pvalue for x, y in ((1, 9), (12, 3)))]
    assert mcnemar_p(b, c) == pytest.approx(twin)
