"""Exact sets of logistic and ridge regression: stored facts, agreement with scikit-learn, certificates."""

import json
import math
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from riskstats.exceptions import StoppedEarly
from riskstats.losses import sigmoid, softplus_terms
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.model_set import Near

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "multiplicity.json").read_text(encoding="utf-8"))


def breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def cosines():
    i, j = np.arange(1, 401)[:, None], np.arange(1, 7)
    X = np.sqrt(2) * np.cos(i * np.sqrt([2, 3, 5, 7, 11, 13]) + j)
    chance = 1 / (1 + np.exp(-(X @ [1, -0.8, 0.6, -0.4, 0.2, 0] - 0.25)))
    return X, ((0.6180339887498949 * i[:, 0]) % 1 < chance).astype(int)


CASES = {
    "breast_cancer": (breast_cancer, LogisticRegression(C=1.0)),
    "synthetic_cosine": (cosines, LogisticRegression(C=1.0)),
    "synthetic_cosine_logloss_only": (cosines, LogisticRegression(C=np.inf)),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    data, estimator = CASES[request.param]
    X, y = data()
    return GOLDEN[request.param], estimator, X, y


# stored facts


def test_the_baseline_is_the_stored_one(case):
    stored, estimator, X, y = case
    rs = RashomonSet(estimator).fit(X, y)
    assert rs.loss_ == pytest.approx(stored.get("F_star", stored.get("L_star")), abs=1e-12)
    assert rs.loss_bound_ <= rs.loss_ <= rs.loss_bound_ + 1e-12
    np.testing.assert_allclose(rs.baseline_.coef_[0], stored["coef"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(rs.baseline_.intercept_, stored["intercept"], rtol=0, atol=1e-8)


@pytest.mark.parametrize(("epsilon", "kind"), [("0.01", "relative"), ("0.05", "additive")])
def test_ranges_and_counts_are_the_stored_ones(case, epsilon, kind):
    stored, estimator, X, y = case
    facts = stored["eps"][epsilon]
    best = stored.get("F_star", stored.get("L_star"))
    amount = float(epsilon) * (best if kind == "additive" else 1.0)
    rs = RashomonSet(estimator, epsilon=amount, epsilon_kind=kind).fit(X, y)
    assert rs.loss_limit_ == pytest.approx(facts["tau"], abs=1e-12)
    found = rs.viable_prediction_range(X)
    assert (found.kind == "exact").all()
    np.testing.assert_allclose(found.lower[stored["idx"]], facts["vpr_lo"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.upper[stored["idx"]], facts["vpr_hi"], rtol=0, atol=1e-8)
    for deviation, count in facts["ambiguity"].items():
        rate = rs.ambiguity(X, deviation=float(deviation))
        assert (rate.n_conflict, rate.n_open) == (count["count"], 0)
    if "label_ambiguity_0.5" in facts:
        assert rs.label_ambiguity(X).n_conflict == facts["label_ambiguity_0.5"]["count"]


def test_both_kinds_of_epsilon_give_the_same_range_for_the_same_limit():
    X, y = cosines()
    one = RashomonSet(epsilon=0.02).fit(X, y)
    two = RashomonSet(epsilon=0.02 * one.loss_, epsilon_kind="additive").fit(X, y)
    a, b = one.viable_prediction_range(X), two.viable_prediction_range(X)
    np.testing.assert_allclose(a.inner, b.inner, rtol=0, atol=1e-9)
    assert (a.epsilon_kind, b.epsilon_kind) == ("relative", "additive")


# agreement with scikit-learn

REFERENCE = {"solver": "newton-cholesky", "tol": 1e-14, "max_iter": 1000}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"C": 100.0},
        {"C": 1e-3},
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0, 1: 0.5}},
        {"class_weight": {1: 7}, "fit_intercept": False},
        {"C": np.inf},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_baseline_agrees_with_newton_cholesky(settings, weighted, rng):
    X, y = cosines()
    weights = rng.integers(0, 4, len(y)) * rng.random() if weighted else None
    ours = RashomonSet(LogisticRegression(**settings)).fit(X, y, weights)
    theirs = LogisticRegression(**settings, **REFERENCE).fit(X, y, weights)
    np.testing.assert_allclose(ours.baseline_.coef_, theirs.coef_, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.baseline_.intercept_, theirs.intercept_, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-8)
    assert ours.score(X, y, weights) == theirs.score(X, y, weights)


def test_the_loss_is_the_objective_with_its_penalty(rng):
    X, y = cosines()
    weights = rng.random(len(y))
    rs = RashomonSet(LogisticRegression(C=0.3)).fit(X, y, weights)
    margins = (2 * y - 1) * rs.decision_function(X)
    log_loss = np.average(softplus_terms(-margins)[0], weights=weights)
    penalty = (rs.baseline_.coef_**2).sum() / (2 * 0.3 * weights.sum())
    assert rs.loss_ == pytest.approx(log_loss + penalty, rel=1e-12)


@pytest.mark.parametrize(
    "estimator", [Ridge(alpha=2.0), Ridge(fit_intercept=False), LinearRegression()], ids=str
)
def test_regression_agrees_with_scikit_learn(estimator, rng):
    X, y = load_diabetes(return_X_y=True)
    weights = rng.integers(0, 3, len(y)).astype(float)
    rs = RashomonSet(estimator).fit(X, y, weights)
    theirs = estimator.fit(X, y, weights)
    np.testing.assert_allclose(rs.predict(X), theirs.predict(X), rtol=1e-8)
    np.testing.assert_allclose(rs.baseline_.coef_, theirs.coef_, rtol=1e-7)
    assert rs.score(X, y) == pytest.approx(theirs.score(X, y))
    squares = (
        weights @ (y - theirs.predict(X)) ** 2
        + getattr(estimator, "alpha", 0.0) * theirs.coef_ @ theirs.coef_
    )
    assert rs.loss_ == pytest.approx(squares / (2 * weights.sum()), rel=1e-10)


def test_the_range_of_a_regression_is_the_ellipsoid_of_least_squares():
    X, y = load_diabetes(return_X_y=True)
    rs = RashomonSet(LinearRegression(), epsilon=0.05).fit(X, y)
    found = rs.viable_prediction_range(X)
    design = np.column_stack([np.ones(len(X)), X])
    leverage = np.einsum("ij,ji->i", design, np.linalg.solve(design.T @ design / len(X), design.T))
    reach = np.sqrt(2 * 0.05 * rs.loss_ * leverage)
    np.testing.assert_allclose(found.upper, rs.predict(X) + reach, rtol=1e-8)
    np.testing.assert_allclose(found.lower, rs.predict(X) - reach, rtol=1e-8)
    assert found.scale == "response"
    assert not hasattr(rs, "predict_proba")


def test_a_pipeline_is_the_set_of_its_last_step():
    X, y = load_breast_cancer(return_X_y=True)
    rs = RashomonSet(make_pipeline(StandardScaler(), LogisticRegression())).fit(X, y)
    plain = RashomonSet().fit(StandardScaler().fit_transform(X), y)
    assert rs.loss_ == plain.loss_
    np.testing.assert_array_equal(
        rs.viable_prediction_range(X[:9]).inner,
        plain.viable_prediction_range(StandardScaler().fit(X).transform(X[:9])).inner,
    )
    np.testing.assert_allclose(rs.baseline_.predict_proba(X), rs.predict_proba(X), rtol=0, atol=1e-14)
    assert rs.n_iter_ == plain.n_iter_ == plain.baseline_.n_iter_[0]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_names(library):
    X, y = load_breast_cancer(return_X_y=True)
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"]).assign(t=np.where(X[:, 5] > 0.1, "u", "v"))
    if library == "polars":
        frame = pytest.importorskip("polars").from_pandas(frame)
    columns = make_column_transformer(
        (OneHotEncoder(drop="if_binary"), ["t"]), (StandardScaler(), ["a", "b", "c"])
    )
    rs = RashomonSet(make_pipeline(columns, LogisticRegression())).fit(frame, y)
    assert rs.feature_names_in_.tolist() == ["a", "b", "c", "t"]
    np.testing.assert_allclose(rs.baseline_.predict_proba(frame), rs.predict_proba(frame), atol=1e-12)
    assert (rs.viable_prediction_range(frame).kind == "exact").all()
    numbers = RashomonSet().fit(frame[["a", "b", "c"]], y)
    assert numbers.baseline_.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        numbers.viable_prediction_range(frame[["a", "c", "b"]])


# what a set is, whatever the numbers


def test_a_flipped_label_flips_the_range():
    X, y = cosines()
    one = RashomonSet().fit(X, y).viable_prediction_range(X)
    two = RashomonSet().fit(X, 1 - y).viable_prediction_range(X)
    np.testing.assert_allclose(two.inner, -one.inner[:, ::-1], rtol=0, atol=1e-9)


def test_a_doubled_row_equals_weight_2_and_weight_0_no_row(rng):
    X, y = cosines()
    weights = rng.integers(0, 3, len(y))
    repeated = np.repeat(np.arange(len(y)), weights)
    one = RashomonSet(LogisticRegression(C=0.7)).fit(X, y, weights)
    two = RashomonSet(LogisticRegression(C=0.7)).fit(X[repeated], y[repeated])
    assert one.loss_ == pytest.approx(two.loss_, rel=1e-13)
    a, b = one.viable_prediction_range(X), two.viable_prediction_range(X)
    np.testing.assert_allclose(a.inner, b.inner, rtol=0, atol=1e-9)


def test_doubling_every_weight_changes_the_set_unless_c_is_halved():
    X, y = cosines()
    two = np.full(len(y), 2.0)
    plain = RashomonSet(LogisticRegression(C=0.01)).fit(X, y).loss_
    assert RashomonSet(LogisticRegression(C=0.01)).fit(X, y, two).loss_ < 0.999 * plain
    assert RashomonSet(LogisticRegression(C=0.005)).fit(X, y, two).loss_ == pytest.approx(plain, rel=1e-14)


def test_witnesses_attain_the_ends_and_are_members():
    X, y = cosines()
    rs = RashomonSet(epsilon=0.03).fit(X, y)
    found = rs.viable_prediction_range(3.0 * X[:20])
    design = np.column_stack([np.ones(20), 3.0 * X[:20]])
    problem = rs.level_set_.level_set.problem
    for end, witness in ((0, found.witness_lower), (1, found.witness_upper)):
        np.testing.assert_allclose((design * witness).sum(axis=1), found.inner[:, end], atol=1e-10)
        assert (problem.objective(witness) <= rs.loss_limit_ * (1 + 1e-14)).all()


def test_no_member_leaves_the_range(rng):
    X, y = cosines()
    rs = RashomonSet(epsilon=0.05).fit(X, y)
    found = rs.viable_prediction_range(X)
    level_set = rs.level_set_.level_set
    points = level_set.pulled_inside(level_set.baseline.theta + rng.normal(size=(500, 7)))
    logits = points @ np.column_stack([np.ones(len(X)), X]).T
    assert (logits >= found.outer[:, 0] - 1e-12).all()
    assert (logits <= found.outer[:, 1] + 1e-12).all()


def test_coefficients_have_ranges_around_the_baseline():
    X, y = cosines()
    rs = RashomonSet(LogisticRegression(fit_intercept=False)).fit(X, y)
    found = rs.coefficient_range()
    assert len(found) == 6
    assert (found.lower < rs.baseline_.coef_[0]).all()
    assert (found.upper > rs.baseline_.coef_[0]).all()
    assert found.witness_upper.shape == (6, 7)
    np.testing.assert_allclose(found.witness_upper[np.arange(6), np.arange(1, 7)], found.upper, rtol=1e-12)


def test_a_row_of_zeros_without_intercept_has_one_prediction():
    X, y = cosines()
    found = (
        RashomonSet(LogisticRegression(fit_intercept=False))
        .fit(X, y)
        .viable_prediction_range(np.zeros((1, 6)))
    )
    assert (found.lower[0], found.upper[0], found.kind[0]) == (0.5, 0.5, "exact")


def test_rows_that_stay_wide_are_counted_in_one_warning_and_keep_safe_ends():
    X, y = breast_cancer()
    exact = RashomonSet(epsilon=0.5).fit(X, y).viable_prediction_range(X[:40])
    short = RashomonSet(epsilon=0.5, max_iter=1).fit(X, y)
    with pytest.warns(StoppedEarly, match=r"^\d+ of 40 ranges are not certified") as record:
        found = short.viable_prediction_range(X[:40])
    wide = int((found.kind == "outer").sum())
    assert wide > 0
    assert [str(w.message).split(" ")[0] for w in record] == [str(wide)]
    assert Path(record[0].filename) == Path(__file__)
    for ends, sign in ((0, 1.0), (1, -1.0)):
        assert (sign * (exact.inner[:, ends] - found.outer[:, ends]) >= -1e-9).all()
        assert (sign * (found.inner[:, ends] - exact.outer[:, ends]) >= -1e-9).all()
    assert (found.inner[:, 0] <= found.baseline).all()
    assert (found.baseline <= found.inner[:, 1]).all()
    with pytest.warns(StoppedEarly) as record:
        rate = short.ambiguity(X[:40], deviation=0.2)
    assert len(record) == 1
    assert rate.value <= rate.bound


@pytest.mark.parametrize("epsilon", [1e-12, 1e-9, 1e-6, 3.0])
def test_a_range_contains_the_baseline(epsilon):
    X, y = (part[:40] for part in cosines())
    rs = RashomonSet(LogisticRegression(C=10.0), epsilon=epsilon, epsilon_kind="additive").fit(X, y)
    X = X[:6]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        found = rs.viable_prediction_range(np.concatenate([X, 1e4 * X, 1e-9 * X, 0 * X]))
    assert (found.inner[:, 0] <= found.baseline).all()
    assert (found.baseline <= found.inner[:, 1]).all()
    assert (found.outer[:, 0] <= found.inner[:, 0]).all()
    assert (found.inner[:, 1] <= found.outer[:, 1]).all()


def test_a_smaller_epsilon_lies_inside():
    X, y = cosines()
    rs = RashomonSet(epsilon=0.1).fit(X, y)
    inside = rs.level_set_.nearer(Near(0.01, "relative")).range(X)
    wide = rs.viable_prediction_range(X)
    assert (inside.outer[:, 0] > wide.inner[:, 0]).all()
    assert (inside.outer[:, 1] < wide.inner[:, 1]).all()


def test_a_pickled_set_answers_the_same_without_its_tables():
    X, y = cosines()
    rs = RashomonSet().fit(X, y)
    before = len(pickle.dumps(rs))
    found = rs.viable_prediction_range(X)
    copied = pickle.dumps(rs)
    assert len(copied) < 3 * before
    np.testing.assert_array_equal(pickle.loads(copied).viable_prediction_range(X).inner, found.inner)


@pytest.mark.slow
def test_the_search_may_run_on_compiled_code():
    X, y = cosines()
    a, b = (
        RashomonSet(device=device).fit(X, y).viable_prediction_range(X[:32]) for device in ("numpy", "cpu")
    )
    np.testing.assert_allclose(a.inner, b.inner, rtol=0, atol=1e-9)
    np.testing.assert_allclose(sigmoid(a.outer), sigmoid(b.outer), rtol=0, atol=1e-9)


def test_one_column_and_text_labels():
    x = np.arange(20.0)
    y = np.where(np.sin(x) > 0, "yes", "no")
    rs = RashomonSet(LogisticRegression(), epsilon=0.1).fit(x[:, None], y)
    assert rs.classes_.tolist() == ["no", "yes"]
    assert set(rs.predict(x[:, None])) <= {"no", "yes"}
    assert math.isclose(rs.predict_proba(x[:1, None]).sum(), 1.0)
