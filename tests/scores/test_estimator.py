"""What the estimator promises beyond scikit-learn's own checks."""

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from riskstats.exceptions import InvalidInput, StoppedEarly
from riskstats.scores import Binning, RiskScoreClassifier, ScoreCard, verify_certificate

QUICK = {"max_features": 3, "coefficient_range": (-3, 3)}


def table(n=300, seed=0):
    """A table with a number, a 0/1 column, a small count, text and missing values, and its outcome."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.round(rng.normal(55, 15, n), 1),
            "smoker": rng.integers(0, 2, n),
            "visits": rng.integers(0, 6, n),
            "job": rng.choice(["office", "outdoor", "none"], n),
        }
    )
    logit = 0.08 * (frame["age"] - 55) + 1.2 * frame["smoker"] + (frame["job"] == "outdoor") - 1
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    outcome = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "ill", "well")
    return frame, pd.Series(outcome, name="state")


def test_the_card_says_what_the_estimator_does():
    X, y = table()
    model = RiskScoreClassifier(max_features=4).fit(X, y)
    card = model.scorecard_
    assert card.outcome == "state = well"
    assert list(model.classes_) == ["ill", "well"] == list(card.classes)
    np.testing.assert_array_equal(model.predict_score(X), card.predict_score(X))
    np.testing.assert_array_equal(model.contributions(X).sum(axis=1), model.predict_score(X))
    np.testing.assert_allclose(
        model.decision_function(X), (model.intercept_[0] + model.predict_score(X)) / model.multiplier_
    )
    loss = log_loss(y == "well", model.predict_proba(X)[:, 1])
    assert model.certificate_.loss == pytest.approx(loss, abs=1e-12)
    assert len(model.features_) == model.coef_.shape[1]
    assert np.count_nonzero(model.coef_) == len(card.lines) <= 4


def test_optimal_with_a_proof_that_survives_files(tmp_path):
    X, y = table()
    model = RiskScoreClassifier(**QUICK).fit(X, y)
    assert model.certificate_.optimal
    model.scorecard_.save(tmp_path / "card.json")
    model.proof_.save(tmp_path / "proof.npz")
    found = verify_certificate(tmp_path / "card.json", X, y, proof=tmp_path / "proof.npz")
    assert found.ok
    assert found.verdict == "optimal"
    assert ScoreCard.load(tmp_path / "card.json") == model.scorecard_


def test_frames_of_every_kind_give_the_same_card():
    X, y = table()
    card = RiskScoreClassifier(**QUICK).fit(X, y).scorecard_
    for other in (pl.from_pandas(X), X.to_dict("list"), pl.from_pandas(X).to_arrow()):
        model = RiskScoreClassifier(**QUICK).fit(other, y)
        assert model.scorecard_.lines == card.lines
        np.testing.assert_array_equal(model.predict_score(other), card.predict_score(X))


def test_engines_agree_at_a_fixed_multiplier():
    X, y = table()
    first = RiskScoreClassifier(**QUICK, multiplier=1).fit(X, y)
    second = RiskScoreClassifier(**QUICK, multiplier=1, solver="scip").fit(X, y)
    third = RiskScoreClassifier(**QUICK, multiplier=1, solver="beam").fit(X, y)
    assert first.certificate_.objective == pytest.approx(second.certificate_.objective, abs=1e-9)
    assert third.certificate_.objective >= first.certificate_.lower_bound
    assert [m.certificate_.kind for m in (first, second, third)] == ["proof", "solver bound", "none"]
    assert second.proof_ is None


def test_the_certified_multiplier_is_never_worse_than_a_fixed_one():
    X, y = table()
    free = RiskScoreClassifier(**QUICK, multiplier_range=(1, 10)).fit(X, y).certificate_.objective
    for multiplier in (1, 1.7, 4):
        fixed = RiskScoreClassifier(**QUICK, multiplier=multiplier).fit(X, y).certificate_.objective
        assert free <= fixed + 1e-9


def test_weights_equal_repetition():
    X, y = table(200)
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    weighted = RiskScoreClassifier(**QUICK).fit(X, y, sample_weight=weight)
    repeated = RiskScoreClassifier(**QUICK).fit(X.loc[X.index.repeat(weight)], y.repeat(weight))
    assert weighted.scorecard_.lines == repeated.scorecard_.lines
    assert weighted.certificate_.objective == pytest.approx(repeated.certificate_.objective, abs=1e-12)
    assert weighted.certificate_.data_hash == repeated.certificate_.data_hash


def test_balanced_classes_are_weights():
    X, y = table(200)
    balanced = RiskScoreClassifier(**QUICK, class_weight="balanced").fit(X, y)
    factors = len(y) / (2.0 * y.map(y.value_counts()))
    given = RiskScoreClassifier(
        **QUICK, class_weight={label: len(y) / (2.0 * n) for label, n in y.value_counts().items()}
    ).fit(X, y)
    assert balanced.certificate_.objective == pytest.approx(given.certificate_.objective, abs=1e-12)
    coded = balanced.coding_.transform(X)
    weighted = RiskScoreClassifier(**QUICK, binning=None).fit(coded, y, sample_weight=factors)
    assert balanced.certificate_.objective == pytest.approx(weighted.certificate_.objective, abs=1e-12)
    assert verify_certificate(balanced.scorecard_, X, y, proof=balanced.proof_).ok


def test_signs_and_ranges_are_kept():
    X, y = table()
    model = RiskScoreClassifier(
        max_features=4, sign={"age": +1}, feature_ranges={"smoker": (-1, 1), "visits": (0, 0)}
    ).fit(X, y)
    for rule, points in model.scorecard_.lines:
        if rule.column == "age" and rule.kind == "at_least":
            assert points > 0
        if rule.column == "smoker":
            assert abs(points) <= 1
        assert rule.column != "visits"


def test_a_stopped_search_keeps_its_card_and_an_honest_gap():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(StoppedEarly, match="Stopped after"):
        stopped = RiskScoreClassifier(time_limit=1.0).fit(X, y)
    assert 0 < stopped.certificate_.gap <= 1
    found = verify_certificate(stopped.scorecard_, X, y, proof=stopped.proof_)
    assert found.ok
    assert found.lower_bound >= stopped.certificate_.lower_bound - 1e-9


def test_a_gap_is_enough_where_it_is_asked_for():
    X, y = table()
    model = RiskScoreClassifier(max_features=4, gap=0.2).fit(X, y)
    assert model.certificate_.gap <= 0.2
    assert model.certificate_.status in ("GAP", "OPTIMAL")


def test_separable_data_are_said_to_be_separable():
    X = np.repeat([[0, 0], [1, 0], [0, 1], [1, 1]], 10, axis=0)
    with pytest.warns(UserWarning, match="separable"):
        model = RiskScoreClassifier().fit(X, X[:, 0])
    assert model.multiplier_ == pytest.approx(1.0)
    assert (model.predict(X) == X[:, 0]).all()


def test_large_raw_values_are_warned_about():
    X = np.column_stack([np.linspace(0, 5000, 60), np.arange(60) % 2])
    with pytest.warns(UserWarning, match="One point on 'x0' moves the score by up to 5000"):
        RiskScoreClassifier(binning=None, max_features=1, multiplier=50).fit(X, np.arange(60) > 35)


def test_pipelines_cross_validation_clones_and_pickles():
    X, y = load_breast_cancer(return_X_y=True)
    model = RiskScoreClassifier(max_features=2, binning=Binning(max_bins=2, method="tree"))
    pipeline = make_pipeline(FunctionTransformer(lambda Z: Z[:, :8]), model)
    assert cross_val_score(pipeline, X, y, cv=3, scoring="roc_auc").min() > 0.85
    fitted = clone(model).fit(X[:, :8], y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X[:, :8]), fitted.predict_proba(X[:, :8]))


def test_the_same_card_every_time():
    X, y = table()
    cards = [RiskScoreClassifier(max_features=4).fit(X, y).scorecard_ for _ in range(2)]
    assert cards[0].lines == cards[1].lines
    assert cards[0].certificate.nodes == cards[1].certificate.nodes


def test_the_provenance_is_plain_json():
    X, y = table()
    card = RiskScoreClassifier(**QUICK, class_weight={"ill": 2.0}, random_state=3).fit(X, y).scorecard_
    assert json.loads(json.dumps(card.provenance)) == card.provenance
    assert card.provenance["rows"] == len(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"multiplier": 0}, r"`multiplier` must be"),
        ({"multiplier": float("nan")}, r"`multiplier` must be"),
        ({"multiplier": "best"}, r"must be > 0, 'certified' or 'search'; got 'best'"),
        ({"solver": "beam"}, r"'beam' gives no bound, so it cannot certify a multiplier"),
        ({"solver": "scip"}, r"'scip' works at one multiplier only"),
        ({"multiplier": "search"}, r"belongs to `solver='beam'`"),
        ({"solver": "cplex"}, r"`solver` must be one of"),
        ({"coefficient_range": (0.5, 3)}, r"`coefficient_range` must be integers low <= 0 <= high"),
        ({"coefficient_range": (1, 3)}, r"`coefficient_range` must be integers low <= 0 <= high"),
        ({"coefficient_penalty": -1}, r"`coefficient_penalty`"),
        ({"multiplier_range": (5, 1)}, r"`multiplier_range`"),
        ({"intercept_range": (5, 1)}, r"intercept_range"),
        ({"intercept_range": 3}, r"`intercept_range` must be 'auto' or two integers"),
        ({"max_features": 0}, r"`max_features`"),
        ({"time_limit": 0}, r"`time_limit` must be seconds > 0"),
        ({"gap": -0.1}, r"`gap`"),
        ({"device": "tpu"}, r"`device` must be one of"),
        ({"binning": 5}, r"`binning` must be 'auto', a Binning or None"),
        ({"sign": {"agee": 1}}, r"`sign` names 'agee', which is no column of `X`. Did you mean 'age'"),
        ({"sign": {"age": 2}}, r"must be \+1 or -1"),
        ({"sign": {"job": 1}}, r"`sign` needs an ordered column"),
        ({"sign": {"smoker": 1}, "feature_ranges": {"smoker": (-5, 0)}}, r"has sign \+1 but range \(-5, 0\)"),
        ({"feature_ranges": {"height": (0, 1)}}, r"`feature_ranges` names 'height'"),
        ({"class_weight": {"dead": 2.0}}, r"`class_weight` names 'dead'"),
        ({"class_weight": "even"}, r"`class_weight` must be one of"),
        ({"binning": None}, r"holds text|missing value"),
    ],
)
def test_parameters_that_cannot_be_used(parameters, message):
    X, y = table(80)
    with pytest.raises(InvalidInput, match=message):
        RiskScoreClassifier(**parameters).fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0], [1.0], [np.inf]], [0, 1, 1], r"infinite value, first at row 2"),
        ([[0.0], [1.0], [1.0]], [0, 0, 0], r"holds 1 class"),
        ([[0.0], [1.0], [2.0]], ["a", "b", "c"], r"holds 3 classes \(a, b, c\)"),
        ([[0.0], [1.0], [2.0]], [0, 1], r"rows"),
        ([[0.0], [1.0], [2.0]], [0, np.nan, 1], r"missing labels"),
    ],
)
def test_data_that_cannot_be_used(X, y, message):
    with pytest.raises(InvalidInput, match=message):
        RiskScoreClassifier().fit(X, y)


def test_no_weight_in_a_class_is_refused():
    with pytest.raises(InvalidInput, match="sums to 0 in class 1"):
        RiskScoreClassifier().fit([[0.0], [1.0], [0.0], [1.0]], [0, 1, 0, 1], sample_weight=[1, 0, 1, 0])


def test_constant_and_duplicate_columns_are_no_obstacle():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (80, 3)).astype(float)
    X = np.column_stack([X, X[:, 0], np.full(80, 4.0)])
    y = (X[:, 0] + rng.random(80) > 0.8).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = RiskScoreClassifier(max_features=None).fit(X, y)
        only = RiskScoreClassifier().fit(np.full((80, 1), 2.0), y)
    assert model.certificate_.optimal
    assert only.scorecard_.lines == ()
    assert only.predict_proba([[2.0]])[0, 1] == pytest.approx(y.mean(), abs=0.02)


def test_a_card_warns_of_class_weights_and_of_a_range_that_binds():
    X, y = table()
    model = RiskScoreClassifier(**QUICK, class_weight="balanced", multiplier_range=(6, 9)).fit(X, y)
    assert "Fitted with class weights" in str(model.scorecard_)
    assert model.multiplier_ == pytest.approx(6)
    assert "The multiplier is at the end of its range (6 to 9)" in str(model.scorecard_)
    plain = RiskScoreClassifier(**QUICK, multiplier=2).fit(X, y).scorecard_
    assert "class weights" not in str(plain)
    assert "end of its range" not in str(plain)
    assert repr(plain).startswith("<ScoreCard: Risk of state = well")
