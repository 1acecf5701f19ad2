"""Rows that are decided either way: every witness, evaluated by other code, is a member and decides so."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from riskstats.exceptions import StoppedEarly
from riskstats.multiplicity import deviations
from riskstats.multiplicity.abstain import abstentions
from riskstats.multiplicity.disagreement import label_ambiguity
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from tests.reference.multiplicity_report import extreme_models_discrepancy, logistic_objective


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(deviations, "set_discrepancy", extreme_models_discrepancy)


def data(n=80, d=3):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((n, d))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


def fitted(estimator=None, epsilon=0.05, **settings):
    X, y = data()
    return RashomonSet(estimator or LogisticRegression(C=1.0), epsilon=epsilon, **settings).fit(X, y)


@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_witnesses_are_members_on_either_side(threshold):
    X, y = data()
    rs = fitted()
    found = rs.report(X, decision_threshold=threshold).abstain
    assert 0 < len(found) < len(X)
    assert found.confirmed.all()
    for row in found.rows.tolist():
        told = found.witnesses(row)
        for side, decision in (("lower", "0"), ("upper", "1")):
            theta = np.array(list(told[side]["model"].values()))
            loss = logistic_objective(theta, X, y, 1 / 80)
            assert loss <= rs.loss_limit_
            assert told[side]["loss"] == pytest.approx(loss, rel=1e-9)
            assert told[side]["loss"] <= rs.loss_limit_
            chance = 1 / (1 + np.exp(-(theta[0] + X[row] @ theta[1:])))
            assert told[side]["prediction"] == pytest.approx(chance, rel=1e-9)
            assert told[side]["decision"] == decision
            assert (chance >= threshold) == (side == "upper")
        assert told["baseline"] == rs.predict_proba(X)[row, 1]
    with pytest.raises(KeyError, match="not among"):
        found.witnesses(int(np.setdiff1d(np.arange(80), found.rows)[0]))


def test_no_other_row_can_be_decided_either_way():
    X, _ = data()
    rs = fitted()
    found = rs.report(X).abstain
    r = rs.viable_prediction_range(X)
    others = np.setdiff1d(np.arange(80), found.rows)
    assert ((r.upper[others] < 0.5) | (r.lower[others] >= 0.5)).all()
    assert len(found.open_rows) == 0
    assert found.kind == "exact"
    assert found.share == len(found) / 80


def test_coefficients_have_the_names_that_are_known():
    X, y = data()
    table = pd.DataFrame(X, columns=["age", "dose", "weight"])
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    for estimator in (LogisticRegression(), scaled):
        rs = RashomonSet(estimator, epsilon=0.05).fit(table, y)
        found = rs.report(table).abstain
        assert found.names == ("intercept", "age", "dose", "weight")
        assert "lower_dose" in found.to_frame()
    nameless = make_pipeline(FunctionTransformer(np.tanh), LogisticRegression())
    for estimator in (nameless, LogisticRegression()):
        rs = RashomonSet(estimator, epsilon=0.05).fit(X, y)
        assert rs.report(X).abstain.names == ("intercept", "x0", "x1", "x2")


def test_without_an_intercept_it_is_zero():
    X, _ = data()
    rs = fitted(LogisticRegression(fit_intercept=False))
    found = rs.report(X, decision_threshold=0.6).abstain
    assert len(found) > 0
    assert found.confirmed.all()
    assert (found.lower_model[:, 0] == 0).all()


def test_a_pool_names_its_models_by_position():
    X, y = data()
    rs = fitted(GaussianNB(), epsilon=1.0, refits=Refits(20), random_state=0)
    found = rs.report(X).abstain
    assert found.names == ()
    assert found.kind == "inner"
    assert found.share_bound is None
    assert len(found.open_rows) == 0
    assert found.confirmed.all()
    assert "at least" in found.summary()
    for row in found.rows.tolist():
        told = found.witnesses(row)
        for side in ("lower", "upper"):
            model = rs.level_set_.models[told[side]["model"]]
            chance = model.predict_proba(X)[row, 1]
            assert told[side]["prediction"] == pytest.approx(chance)
            assert told[side]["loss"] == pytest.approx(
                -np.log(model.predict_proba(X)[np.arange(80), y]).mean(), rel=1e-9
            )
    assert "lower_model" in found.to_frame()


def test_rows_that_stay_open_are_listed_apart():
    X, y = data()
    X = 5 * X
    rs = RashomonSet(LogisticRegression(C=100), epsilon=0.05, max_iter=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        report = rs.report(X)
    found = report.abstain
    assert report.kind == "outer"
    assert len(found.open_rows) > 0
    assert not set(found.open_rows) & set(found.rows)
    assert found.share < found.share_bound
    assert "open, neither shown nor ruled out" in found.summary()
    assert found.confirmed.all()
    np.testing.assert_array_equal(
        report.to_frame()["either_way"] == "open", np.isin(np.arange(80), found.open_rows)
    )


def test_a_witness_that_is_no_member_is_not_confirmed():
    X, _ = data()
    rs = fitted()
    r = rs.viable_prediction_range(X)
    rate = label_ambiguity(r, 0.5)
    row = int(np.flatnonzero(rate.rows)[0])
    wrong = np.array(r.witness_upper)
    wrong[row] = wrong[row] * 3
    names = ("intercept", "x0", "x1", "x2")
    found = abstentions(
        rs.level_set_, X, replace(r, witness_upper=wrong), rate, names=names, decisions=("0", "1")
    )
    assert found.confirmed.tolist() == [False] + [True] * (len(found) - 1)
    assert f"NOT CONFIRMED when evaluated again: rows {row}" in found.summary()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


def test_nothing_to_abstain_on():
    X, _ = data()
    found = fitted(epsilon=1e-6).report(X, decision_threshold=0.999).abstain
    assert len(found) == 0
    assert "0 % of the rows either way (0 rows)" in found.summary()
    assert found.to_frame().empty
