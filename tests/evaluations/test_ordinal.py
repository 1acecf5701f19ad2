"""Ordinal levels and agreement: twins from scipy and scikit-learn, shifted levels, misses on high levels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest, somersd
from sklearn.metrics import cohen_kappa_score

from riskstats.evaluations.agreement import judge_agreement
from riskstats.evaluations.ordinal import ordinal_summary
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many


def ratings(rng, n=300, k=5):
    reference = rng.integers(1, k + 1, n)
    return np.clip(reference + rng.integers(-1, 2, n), 1, k), reference


def test_perfect_order_with_shifted_levels():
    reference = np.repeat([1, 2, 3, 4], 10)
    found = ordinal_summary(reference + 1, reference, n_levels=5, resamples=99)
    assert found.somers_d.value == 1.0
    assert found.accuracy.estimate == 0.0
    assert found.kappa.value < 0 < found.quadratic_kappa.value
    turned = ordinal_summary(5 - reference, reference, n_levels=5, resamples=99)
    assert turned.somers_d.value == -1.0


def test_measures_are_those_of_the_twins(rng):
    ordinal, reference = ratings(rng)
    found = ordinal_summary(ordinal, reference, resamples=99)
    assert found.somers_d.value == pytest.approx(somersd(reference, ordinal).statistic)
    for name, weights in (("kappa", None), ("linear_kappa", "linear"), ("quadratic_kappa", "quadratic")):
        twin = cohen_kappa_score(ordinal, reference, weights=weights)
        assert getattr(found, name).value == pytest.approx(twin)
        assert getattr(found, name).lower < twin < getattr(found, name).upper


def test_cumulative_shares_and_misses():
    reference, ordinal = np.array([1, 2, 3, 3, 3, 3]), np.array([1, 1, 3, 2, 3, 3])
    found = ordinal_summary(ordinal, reference, high=3, resamples=99)
    assert [rate.estimate for rate in found.at_least] == pytest.approx([4 / 6, 3 / 6])
    assert [rate.estimate for rate in found.reference_at_least] == pytest.approx([5 / 6, 4 / 6])
    assert found.miss_rate.events == 1
    assert found.miss_rate.n == 4
    exact = binomtest(1, 4).proportion_ci(0.9, "exact")
    assert found.miss_rate.upper == pytest.approx(exact.high)
    assert found.table == ((1, 0, 0), (1, 0, 0), (0, 1, 3))


def test_without_a_reference():
    found = ordinal_summary([1, 2, 2, 4], n_levels=4)
    assert [rate.estimate for rate in found.at_least] == [0.75, 0.25, 0.25]
    assert found.kappa is None
    assert "level >= 4" in str(found)


def test_no_high_item_no_miss_rate():
    assert ordinal_summary([1, 1, 2], [1, 2, 2], n_levels=3, resamples=99).miss_rate is None


def test_kappa_limits_hold_with_clusters(rng):
    """Clusters of 5 with a shared error: true agreement is taken from a large sample."""

    def draw(clusters):
        reference = rng.integers(1, 4, (clusters, 5))
        error = (rng.random((clusters, 1)) < 0.3) & (rng.random((clusters, 5)) < 0.8)
        ordinal = np.where(error, 1 + reference % 3, reference)
        return ordinal.ravel(), reference.ravel(), np.repeat(np.arange(clusters), 5)

    many = draw(40_000)
    truth = cohen_kappa_score(many[0], many[1], weights="quadratic")
    wrong = 0
    for _ in range(200):
        ordinal, reference, cluster = draw(60)
        found = judge_agreement(
            ordinal, reference, ordinal=True, cluster=cluster, resamples=299, random_state=rng
        ).quadratic_kappa
        wrong += not found.lower <= truth <= found.upper
    assert not too_many(wrong, 200, 0.07)


def test_each_class_alone(rng):
    ordinal, reference = ratings(rng, k=3)
    words = np.array(["low", "middle", "top"])
    found = judge_agreement(words[ordinal - 1], words[reference - 1], resamples=99)
    assert found.quadratic_kappa is None
    for each in found.classes:
        first, second = words[ordinal - 1] == each.name, words[reference - 1] == each.name
        assert each.kappa.value == pytest.approx(cohen_kappa_score(first, second))
        assert (each.first, each.second, each.both) == (first.sum(), second.sum(), (first & second).sum())
        assert each.agreement.value == pytest.approx(
            2 * (first & second).sum() / (first.sum() + second.sum())
        )


def test_judges_that_agree_show_no_error():
    found = judge_agreement([0, 1, 1, 0], [0, 1, 1, 0], resamples=99)
    assert found.kappa.value == 1.0
    assert "No disagreement was seen" in found.summary()


def test_noise_of_the_judges(rng):
    ordinal, reference = ratings(rng)
    found = judge_agreement(ordinal, reference, ordinal=True, level=0.9, resamples=99)
    assert found.noise.n_judges == 2
    assert "Judge sd" in found.summary()
    with pytest.raises(InvalidInput, match="`level` is about a tail of ordinal levels"):
        judge_agreement(ordinal, reference, level=0.9)


def test_order_of_rows_does_not_matter(rng):
    ordinal, reference = ratings(rng)
    cluster, order = np.repeat(np.arange(100), 3), rng.permutation(300)
    one = ordinal_summary(ordinal, reference, cluster=cluster, resamples=99)
    other = ordinal_summary(ordinal[order], reference[order], cluster=cluster[order], resamples=99)
    assert one.somers_d == other.somers_d
    assert one.at_least == other.at_least


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2.5], [1, 2]), r"whole levels from 1; got 2\.5 at row 1"),
        (([0, 1], [1, 2]), "whole levels from 1; got 0"),
        (([1, np.nan], [1, 2]), "got nan at row 1"),
        (([1, 2], [1, 2, 3]), "`ordinal` has 2, `reference` has 3"),
        ((["a", "b"], [1, 2]), "must be levels 1, 2"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        ordinal_summary(*arguments)


def test_agreement_messages():
    with pytest.raises(InvalidInput, match="agreement beyond chance is undefined"):
        judge_agreement(["a", "a"], ["a", "a"])
    with pytest.raises(InvalidInput, match="`first` has 2, `second` has 1"):
        judge_agreement(["a", "b"], ["a"])


def test_exports(rng):
    ordinal, reference = ratings(rng)
    found = ordinal_summary(ordinal, reference, resamples=99)
    assert json.loads(json.dumps(found.to_dict()))["n_levels"] == 5
    assert "somers_d" in found.to_frame()["name"].tolist()
    judges = judge_agreement(ordinal, reference, ordinal=True, resamples=99)
    assert len(judges.to_frame()) == 5
    assert json.loads(json.dumps(judges.to_dict()))["n"] == 300


def test_agreement_on_one_level_is_undefined_in_words():
    text = ordinal_summary([2] * 10, [2] * 10, n_levels=3, resamples=99).summary()
    assert "kappa: undefined, as all items are on one level" in text
    assert "nan" not in text
