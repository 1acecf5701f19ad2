"""A report says what the single questions say, stamps what it rests on, and keeps its "at least"."""

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

import riskstats
from riskstats.exceptions import InvalidInput, StoppedEarly
from riskstats.multiplicity import deviations
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.report import multiplicity_report
from riskstats.multiplicity.score_pool import ScorePool
from tests.reference.multiplicity_report import extreme_models_discrepancy

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "multiplicity.json").read_text(encoding="utf-8"))


def breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def blobs(n=60, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


@pytest.fixture
def quick(monkeypatch):
    """Discrepancies of convex sets from the extreme models alone."""
    monkeypatch.setattr(deviations, "set_discrepancy", extreme_models_discrepancy)


@pytest.fixture(scope="module")
def golden():
    """(set, report) of breast cancer at epsilon 0.01, by thirds of the first column."""
    X, y = breast_cancer()
    rs = RashomonSet(LogisticRegression(C=1.0), epsilon=0.01).fit(X, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deviations, "set_discrepancy", extreme_models_discrepancy)
        return rs, rs.report(X, groups=np.digitize(X[:, 0], [-0.5, 0.5]))


def small(**asked):
    X, y = blobs()
    return RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y).report(X, **asked)


# what it says


def test_stored_counts_ranges_and_capacity(golden):
    report = golden[1]
    assert [rate.n_conflict for rate in report.ambiguity] == [89, 52, 12, 5]
    assert all(rate.kind == "exact" and rate.bound == rate.value for rate in report.ambiguity)
    assert report.prediction_range.lower[13] == pytest.approx(0.168844, abs=5e-7)
    assert report.prediction_range.upper[13] == pytest.approx(0.529812, abs=5e-7)
    assert report.baseline[13] == pytest.approx(GOLDEN["breast_cancer"]["baseline_prob"][2], abs=1e-8)
    bits = GOLDEN["rashomon_capacity_bits_breast_cancer"]
    assert report.capacity.value[bits["idx"]] == pytest.approx(bits["0.01"]["at_idx"], rel=1e-6)
    assert report.capacity.value.max() == pytest.approx(bits["0.01"]["max"], rel=1e-8)
    assert report.stamps.loss == pytest.approx(0.06636018622474, abs=1e-13)


def test_each_answer_is_that_of_its_own_question(quick):
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y)
    report = rs.report(X, decision_threshold=0.4)
    for rate in report.ambiguity:
        alone = rs.ambiguity(X, deviation=rate.deviation)
        assert (alone.value, alone.bound) == (rate.value, rate.bound)
    alone = rs.label_ambiguity(X, decision_threshold=0.4)
    assert alone.value == report.label_ambiguity.value > 0
    np.testing.assert_array_equal(alone.rows.nonzero()[0], report.abstain.rows)
    np.testing.assert_array_equal(rs.rashomon_capacity(X).value, report.capacity.value)
    np.testing.assert_array_equal(rs.predict_proba(X)[:, 1], report.baseline)


def test_both_rates_are_there_and_the_second_is_not_the_larger(golden):
    report = golden[1]
    assert [rate.deviation for rate in report.discrepancy] == list(report.deviations)
    for a, d in zip(report.ambiguity, report.discrepancy, strict=True):
        assert (a.name, d.name) == ("ambiguity", "discrepancy")
        assert d.value <= a.value
        assert d.bound <= a.bound
    text = report.summary()
    assert "ambiguity: a model for each row" in text
    assert "discrepancy: one model for all rows" in text


def test_stamps(golden):
    rs, report = golden
    s = report.stamps
    assert (s.version, s.n, s.source, s.kind) == (riskstats.__version__, 569, "convex", "exact")
    assert (s.epsilon, s.epsilon_kind, s.comparison) == (0.01, "relative", ">=")
    assert s.penalty == pytest.approx(1 / 569)
    assert (s.loss, s.loss_bound, s.loss_limit) == (rs.loss_, rs.loss_bound_, rs.loss_limit_)
    assert s.loss_bound <= s.loss < s.loss_limit
    assert s.seed is None
    assert f"relative epsilon {s.epsilon:g}" in report.summary()
    assert s.input_hash in report.summary()


def test_hashes_tell_data_apart_and_repeat(quick):
    X, y = blobs()
    one, two = small(deviations=0.1), small(deviations=0.2)
    assert (one.stamps.input_hash, one.stamps.set_hash) == (two.stamps.input_hash, two.stamps.set_hash)
    asked = [{}, {"sample_weight": np.arange(60)}, {"groups": y}, {"groups": 1 - y}, {"groups": {"y": y}}]
    assert len({small(**each).stamps.input_hash for each in asked}) == len(asked)
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, 1 - y)
    assert rs.report(X[:9]).stamps.input_hash != rs.report(X[:8]).stamps.input_hash
    assert rs.report(X).stamps.set_hash != one.stamps.set_hash
    other = RashomonSet(LogisticRegression(C=2.0), epsilon=0.05).fit(X, y)
    assert other.report(X).stamps.set_hash != one.stamps.set_hash


def test_dictionary_is_strict_json_and_the_frame_has_a_row_for_each_row(golden):
    report = golden[1]
    data = report.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["stamps"]["comparison"] == ">="
    table = report.to_frame()
    assert len(table) == 569
    assert (table["differs_0.1"] == "conflict").sum() == 52
    assert (table["either_way"] == "conflict").sum() == len(report.abstain)
    assert set(table["differs_0.1"]) == {"conflict", "clear"}
    assert table.loc[13, "lower"] == report.prediction_range.lower[13]
    assert sorted(set(table["group"])) == ["0", "1", "2"]


def test_summary_fits_on_a_screen(golden):
    lines = golden[1].summary().splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 120
    assert "15.6 % (89 rows)" in golden[1].summary()
    assert "at least" not in golden[1].summary()


# weights


def test_rows_without_weight_and_a_common_factor_change_nothing(quick):
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y)
    weight = np.arange(60) % 3
    kept = weight > 0
    asked = {"groups": y, "sample_weight": weight}
    whole = rs.report(X, **asked)
    part = rs.report(X[kept], groups=y[kept], sample_weight=10 * weight[kept])
    for a, b in zip(whole.ambiguity + whole.discrepancy, part.ambiguity + part.discrepancy, strict=True):
        assert a.value == pytest.approx(b.value)
        assert a.bound == pytest.approx(b.bound)
        assert a.n_rows == b.n_rows
    assert whole.mean_width == pytest.approx(part.mean_width)
    np.testing.assert_array_equal(np.flatnonzero(kept)[part.abstain.rows], whole.abstain.rows)
    np.testing.assert_allclose(whole.groups[0].ambiguity, part.groups[0].ambiguity)


def test_doubled_rows_are_rows_of_weight_two(quick):
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y)
    twice = rs.report(np.vstack([X, X[:20]]))
    heavy = rs.report(X, sample_weight=1 + (np.arange(60) < 20))
    assert [r.value for r in twice.ambiguity] == pytest.approx([r.value for r in heavy.ambiguity])
    assert [r.value for r in twice.discrepancy] == pytest.approx([r.value for r in heavy.discrepancy])


# pools


def pooled(complete, **asked):
    rng = np.random.default_rng(5)
    X, y = blobs(40)
    chances = np.clip(0.5 + 0.3 * X[:, 0] + 0.08 * rng.standard_normal((6, 40)), 0.0, 1.0)
    pool = ScorePool(chances, 0.5 + 0.01 * np.arange(6), complete)
    return RashomonSet(pool, epsilon=0.08).fit(X, y).report(X, **asked)


def test_an_incomplete_pool_says_at_least_everywhere():
    report = pooled(False, groups=np.arange(40) % 2)
    assert report.kind == "inner"
    assert all(rate.bound is None for rate in report.ambiguity + report.discrepancy)
    text = report.summary()
    for line in text.splitlines():
        if "%" in line or "mean" in line.split("capacity")[-1].split(" ")[:2]:
            assert "at least" in line, line
    assert "between" not in text
    assert "may be far below the truth" in text
    assert set(report.to_frame()["differs_0.1"]) <= {"conflict", "open"}
    assert report.capacity.bound is None
    assert report.groups[0].ambiguity_bound is None
    assert report.mean_width[1] is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_complete_pool_is_exact_from_both_sides():
    report = pooled(True)
    assert report.kind == "exact"
    assert all(rate.bound == rate.value for rate in report.ambiguity + report.discrepancy)
    assert "at least" not in report.summary()
    assert report.stamps.n_members == 5
    assert report.stamps.n_models == 6
    assert "5 of 6 models lie in the set" in report.summary()


def test_refits_keep_their_seed_and_predict_each_row_once():
    calls = []

    class Counted(GaussianNB):
        def predict_proba(self, X):
            calls.append(len(X))
            return super().predict_proba(X)

    X, y = blobs()
    rs = RashomonSet(Counted(), epsilon=1.0, refits=Refits(8), random_state=3).fit(X, y)
    calls.clear()
    report = rs.report(X[:7])
    assert report.stamps.seed == 3
    assert len(calls) == report.stamps.n_members
    assert "of 8 refits lie in the set, and the baseline" in report.summary()


def test_several_classes_need_a_label_and_keep_the_capacity_of_all():
    X, y = load_iris(return_X_y=True)
    rs = RashomonSet(GaussianNB(), epsilon=1.0, refits=Refits(6), random_state=0).fit(X, y)
    with pytest.raises(InvalidInput, match="`label` must say whose probability"):
        rs.report(X)
    report = rs.report(X, label=1)
    assert report.capacity.n_classes == 3
    assert report.capacity.kind == "inner"
    assert report.abstain.decisions == ("not 1", "1")
    assert report.stamps.label == 1
    assert "probability of 1" in report.summary()
    assert "of 1.58 bit" in report.summary()


# responses


def test_a_regressor_needs_deviations_in_units_of_y(quick):
    X, y = load_diabetes(return_X_y=True)
    rs = RashomonSet(Ridge()).fit(X, y)
    with pytest.raises(InvalidInput, match="in units of y"):
        rs.report(X)
    report = rs.report(X, deviations=(20, 10))
    assert report.deviations == (10.0, 20.0)
    assert report.label_ambiguity is report.abstain is report.capacity is report.decision_threshold is None
    assert "prediction differs by" in report.summary()
    assert "threshold" not in report.summary()
    assert "capacity" not in report.to_frame()
    np.testing.assert_allclose(report.baseline, Ridge().fit(X, y).predict(X), rtol=1e-6)
    with_threshold = rs.report(X, deviations=10, decision_threshold=150)
    assert with_threshold.abstain.decisions == ("below 150", "150 or more")
    low, high = with_threshold.abstain.lower_prediction, with_threshold.abstain.upper_prediction
    assert (low < 150).all()
    assert (high >= 150).all()
    json.dumps(with_threshold.to_dict(), allow_nan=False)


# time, and what one deviation says about another


def test_the_largest_deviation_comes_first_and_the_rest_shares_what_is_left(monkeypatch):
    seen, clock = [], [100.0]

    def timed(models, rows, *, deviation, time_limit, **rest):
        seen.append((deviation, time_limit))
        clock[0] += 0.5 * time_limit
        return extreme_models_discrepancy(models, rows, deviation=deviation, **rest)

    monkeypatch.setattr(deviations, "set_discrepancy", timed)
    monkeypatch.setattr(deviations.time, "perf_counter", lambda: clock[0])
    small(deviations=(0.1, 0.05, 0.2), time_limit=12.0)
    assert [deviation for deviation, _ in seen] == [0.2, 0.1, 0.05]
    assert [limit for _, limit in seen] == pytest.approx([4.0, 5.0, 7.5])


def test_no_limit_is_none_and_an_exhausted_one_stays_positive(monkeypatch):
    seen = []

    def slow(models, rows, *, time_limit, **rest):
        seen.append(time_limit)
        return extreme_models_discrepancy(models, rows, **rest)

    monkeypatch.setattr(deviations, "set_discrepancy", slow)
    small(time_limit=None)
    assert seen == [None] * 4
    small(time_limit=1e-9)
    assert all(limit > 0 for limit in seen[4:])


def test_a_search_that_found_little_takes_over_the_model_of_a_larger_deviation(monkeypatch):
    def poor(models, rows, *, deviation, **rest):
        found = extreme_models_discrepancy(models, rows, deviation=deviation, **rest)
        if deviation > 0.1:
            return replace(found, bound=1.0, kind="outer")
        nothing = np.zeros_like(found.rows)
        theta = np.concatenate([[0.0], np.zeros(3)])
        return replace(found, value=0.0, rows=nothing, n_conflict=0, witness=theta, kind="outer")

    monkeypatch.setattr(deviations, "set_discrepancy", poor)
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.3).fit(X, y)
    report = rs.report(X, deviations=(0.05, 0.1, 0.2))
    values = [rate.value for rate in report.discrepancy]
    assert values[2] > 0
    assert values == sorted(values, reverse=True)
    bounds = [rate.bound for rate in report.discrepancy]
    assert bounds == sorted(bounds, reverse=True)
    for rate in report.discrepancy:
        chance = 1 / (1 + np.exp(-(rate.witness[0] + X @ rate.witness[1:])))
        differs = np.abs(chance - report.baseline) >= rate.deviation
        np.testing.assert_array_equal(differs, rate.rows)
        assert rate.value == pytest.approx(differs.mean())
        assert rate.n_conflict == differs.sum()


def test_the_search_itself_stays_below_the_ambiguity():
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        report = rs.report(X, deviations=(0.1, 0.2), time_limit=1.0)
    for a, d in zip(report.ambiguity, report.discrepancy, strict=True):
        assert d.value <= d.bound <= a.bound
        assert isinstance(rs.level_set_, ConvexModels)
        chance = 1 / (1 + np.exp(-(d.witness[0] + X @ d.witness[1:])))
        assert (np.abs(chance - report.baseline)[d.rows] >= d.deviation - 1e-12).all()


# what is refused


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"deviations": ()}, "`deviations` is empty"),
        ({"deviations": "0.1"}, "`deviations` must be numbers"),
        ({"deviations": (0.1, 10)}, "Did you mean 0.10"),
        ({"deviations": (0.1, math.nan)}, "in \\(0, 1\\)"),
        ({"decision_threshold": 1.5}, "decision_threshold"),
        ({"groups": ["a"] * 59}, "`groups` must be one label for each of 60 rows"),
        ({"groups": [None, *"a" * 59]}, "`groups` has 1 missing labels"),
        ({"sample_weight": -np.ones(60)}, "`sample_weight` must be >= 0"),
        ({"time_limit": 0}, "`time_limit`"),
        ({"label": 0}, "`label` is for more than two classes"),
    ],
)
def test_bad_input(asked, message, quick):
    with pytest.raises(InvalidInput, match=message):
        small(**asked)


def test_no_rows_and_unknown_pictures(quick):
    X, y = blobs()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(X, y)
    with pytest.raises(ValueError, match="0 sample"):
        rs.report(X[:0])
    with pytest.raises(InvalidInput, match="ranges"):
        rs.report(X).plot("pie")


def test_frames_of_rows_and_groups(quick):
    X, y = blobs()
    table = pd.DataFrame(X, columns=["age", "dose", "weight"])
    rs = RashomonSet(LogisticRegression(), epsilon=0.05).fit(table, y)
    report = rs.report(table, groups=pd.DataFrame({"sex": y, "site": np.arange(60) % 4}))
    assert [each.by for each in report.groups] == ["sex", "site"]
    assert report.abstain.names == ("intercept", "age", "dose", "weight")
    assert multiplicity_report(rs, table).stamps.n == 60
