"""Refits: an inner range of any estimator, judged by the estimator's own objective where that is known."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refit_losses import log_odds
from riskstats.multiplicity.refits import Refits

X, Y = load_breast_cancer(return_X_y=True)
X, Y = X[:200, :6], Y[:200]
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())


TWENTY = Refits(20)


def refitted(estimator, X=X, y=Y, weights=None, *, refits=TWENTY, epsilon=1.0, **settings):
    settings = {"epsilon": epsilon, "refits": refits, "random_state": 0, **settings}
    return RashomonSet(estimator, **settings).fit(X, y, weights)


def test_refits_of_a_convex_estimator_stay_inside_its_exact_range():
    inner = refitted(LOGISTIC, refits=Refits(60), epsilon=0.05)
    exact = RashomonSet(LOGISTIC, epsilon=0.05).fit(X, Y)
    assert (inner.kind_, exact.kind_) == ("inner", "exact")
    assert inner.loss_ == pytest.approx(exact.loss_, abs=1e-6)
    a, b = inner.viable_prediction_range(X), exact.viable_prediction_range(X)
    assert (a.inner[:, 0] >= b.outer[:, 0]).all()
    assert (a.inner[:, 1] <= b.outer[:, 1]).all()
    assert a.width.mean() < 0.8 * b.width.mean()
    assert (a.kind == "inner").all()
    assert np.isinf(a.gap).all()


def test_members_are_the_refits_within_the_limit_of_their_own_objective():
    rs = refitted(LogisticRegression(C=2.0), X=StandardScaler().fit_transform(X), epsilon=0.2)
    models = rs.level_set_
    rows = StandardScaler().fit_transform(X)
    for place, loss in enumerate(models.losses):
        model = models.models[place]
        own = log_loss(Y, model.predict_proba(rows)) + (model.coef_**2).sum() / (2 * 2.0 * len(Y))
        assert loss == pytest.approx(own, rel=1e-10)
        assert (loss <= rs.loss_limit_) == (place in models.kept)
    assert rs.loss_limit_ == pytest.approx(1.2 * rs.loss_)
    assert models.counts == (21, len(models.kept))
    assert rs.loss_bound_ is None


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (LogisticRegression(solver="liblinear"), "mean log loss"),
        (LogisticRegression(l1_ratio=1.0, solver="liblinear"), "mean log loss"),
        (GaussianNB(), "mean log loss"),
        (LogisticRegression(C=5.0, max_iter=1000), "own objective, penalty included"),
    ],
    ids=str,
)
def test_the_loss_is_named(estimator, name):
    rows = StandardScaler().fit_transform(X)
    rs = refitted(estimator, X=rows)
    assert rs.level_set_.loss_name == name
    if name == "mean log loss":
        assert rs.loss_ == pytest.approx(log_loss(Y, rs.baseline_.predict_proba(rows)), rel=1e-9)


def test_three_classes_are_judged_by_their_log_loss():
    rows, y = load_iris(return_X_y=True)
    rs = refitted(LogisticRegression(max_iter=1000), rows, y, refits=Refits(8))
    assert rs.loss_ == pytest.approx(log_loss(y, rs.baseline_.predict_proba(rows)))
    np.testing.assert_array_equal(rs.predict_proba(rows), rs.baseline_.predict_proba(rows))
    np.testing.assert_array_equal(rs.predict(rows), rs.baseline_.predict(rows))
    assert rs.decision_function(rows).shape == (150, 3)
    for label in (0, 1, 2):
        found = rs.viable_prediction_range(rows, label=label)
        assert (found.lower <= rs.predict_proba(rows)[:, label] + 1e-15).all()
        assert (found.upper >= rs.predict_proba(rows)[:, label] - 1e-15).all()
    capacity = rs.rashomon_capacity(rows)
    assert (capacity.kind, capacity.bound, capacity.n_classes) == ("inner", None, 3)
    assert (capacity.epsilon, capacity.source) == (1.0, "refits")
    assert (
        rs.discrepancy(rows, deviation=0.1, label=1).value <= rs.ambiguity(rows, deviation=0.1, label=1).value
    )


def test_a_regressor_is_judged_by_half_its_squared_error():
    rows, y = load_diabetes(return_X_y=True)
    rs = refitted(DecisionTreeRegressor(max_depth=4), rows, y)
    assert rs.loss_ == pytest.approx(0.5 * ((y - rs.baseline_.predict(rows)) ** 2).mean())
    np.testing.assert_array_equal(rs.predict(rows), rs.baseline_.predict(rows))
    found = rs.viable_prediction_range(rows)
    assert found.scale == "response"
    assert rs.discrepancy(rows, deviation=20.0).value <= rs.ambiguity(rows, deviation=20.0).value
    own = refitted(Ridge(alpha=0.1), rows, y, epsilon=0.05)
    assert own.level_set_.loss_name == "own objective, penalty included"


# which rows, which seeds


@pytest.mark.parametrize("kind", ["bootstrap", "subsample", "seed"])
def test_every_kind_of_refit(kind):
    tree = DecisionTreeClassifier(max_depth=3, max_features=2, random_state=0)
    rs = refitted(tree, refits=Refits(10, kind=kind), epsilon=5.0)
    assert rs.level_set_.counts[0] == 11
    assert rs.viable_prediction_range(X).width.max() > 0
    again = refitted(tree, refits=Refits(10, kind=kind), epsilon=5.0)
    np.testing.assert_array_equal(again.level_set_.losses, rs.level_set_.losses)


def test_seeds_reach_the_steps_of_a_pipeline():
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(3, max_depth=2, random_state=0))
    rs = refitted(forest, refits=Refits(4, kind="seed"), epsilon=5.0)
    assert len(set(rs.level_set_.losses)) > 2
    with pytest.raises(InvalidInput, match=r"`kind='seed'` needs .* GaussianNB has none"):
        refitted(GaussianNB(), refits=Refits(4, kind="seed"))


def test_rows_of_weight_0_are_neutral(rng):
    weights = rng.integers(0, 3, len(Y)).astype(float)
    there, any_loss = weights > 0, {"epsilon": 1e3, "epsilon_kind": "additive"}
    for estimator in (LOGISTIC[-1], GaussianNB(), DecisionTreeClassifier(max_depth=3, random_state=0)):
        rows = StandardScaler().fit_transform(X)
        one = refitted(estimator, rows, Y, weights, refits=Refits(5), **any_loss)
        two = refitted(estimator, rows[there], Y[there], weights[there], refits=Refits(5), **any_loss)
        np.testing.assert_allclose(one.level_set_.losses, two.level_set_.losses, rtol=1e-9)
        np.testing.assert_allclose(
            one.viable_prediction_range(rows).inner,
            two.viable_prediction_range(rows).inner,
            rtol=1e-6,
            atol=1e-9,
        )


def test_weights_reach_the_estimator_in_a_pipeline(rng):
    weights = rng.random(len(Y))
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    whole = refitted(make_pipeline(StandardScaler(), tree), X, Y, weights, epsilon=5.0)
    plain = clone(tree).fit(StandardScaler().fit_transform(X), Y, weights)
    np.testing.assert_allclose(
        whole.predict_proba(X), plain.predict_proba(StandardScaler().fit_transform(X)), rtol=1e-12
    )
    with config_context(enable_metadata_routing=True):
        routed = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), tree.set_fit_request(sample_weight=True)
        )
        np.testing.assert_array_equal(
            refitted(routed, X, Y, weights, epsilon=5.0).predict_proba(X), whole.predict_proba(X)
        )
    with pytest.raises(InvalidInput, match=r"KNeighborsClassifier\.fit takes none"):
        refitted(KNeighborsClassifier(), X, Y, weights)


def test_no_refit_inside_is_no_answer():
    with pytest.raises(
        Infeasible, match=r"^0 of 7 refits have loss <= \d\.\d{4}\. Raise `epsilon`; no range"
    ):
        refitted(LOGISTIC, refits=Refits(7), epsilon=1e-6)


def test_refits_that_miss_a_class_are_left_out():
    y = np.zeros(len(Y), dtype=int)
    y[:2] = 1
    rs = refitted(GaussianNB(), X, y, refits=Refits(30), epsilon=1e3, epsilon_kind="additive")
    made, members = rs.level_set_.counts
    assert 2 < made < 31
    assert members == made


# shape of the answer


def test_predictions_keep_their_odds_where_probabilities_round_to_1():
    chances = np.array([[1e-30, 1.0], [0.25, 0.75], [0.0, 1.0]])
    with np.errstate(divide="ignore"):
        expected = np.log(chances[:, 1]) - np.log(chances[:, 0])
    np.testing.assert_array_equal(log_odds(chances)[:, 1], expected)
    three = log_odds(np.array([[0.2, 0.3, 0.5]]))
    np.testing.assert_allclose(three, np.log([[0.2 / 0.8, 0.3 / 0.7, 1.0]]))


def test_one_model_is_asked_for_the_baseline():
    class Counted(GaussianNB):
        asked = 0

        def predict_proba(self, X):
            type(self).asked += 1
            return super().predict_proba(X)

    rs = refitted(Counted(), epsilon=50.0)
    Counted.asked = 0
    rs.predict(X)
    assert Counted.asked == 1
    Counted.asked = 0
    rs.viable_prediction_range(X)
    assert Counted.asked == rs.level_set_.counts[1]


def test_jobs_change_nothing_and_answers_survive_pickling():
    rs = refitted(GaussianNB(), epsilon=1.0)
    with parallel_config("threading"):
        spread = refitted(GaussianNB(), epsilon=1.0, n_jobs=2)
    found = rs.viable_prediction_range(X)
    np.testing.assert_array_equal(spread.viable_prediction_range(X).inner, found.inner)
    copied = pickle.loads(pickle.dumps(rs))
    np.testing.assert_array_equal(copied.viable_prediction_range(X).inner, found.inner)


def test_frames_and_texts_reach_the_estimator_as_they_are():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    rs = refitted(LOGISTIC, frame, Y)
    assert rs.feature_names_in_.tolist() == list("abcdef")
    np.testing.assert_allclose(rs.baseline_.predict_proba(frame), rs.predict_proba(frame), atol=1e-12)
    polars = pytest.importorskip("polars").from_pandas(frame)
    np.testing.assert_array_equal(
        refitted(LOGISTIC, polars, Y).viable_prediction_range(polars).inner,
        rs.viable_prediction_range(frame).inner,
    )
    texts = ["good fine day", "bad day", "fine weather", "awful bad day", "good", "bad weather"] * 4
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    assert refitted(words, texts, [1, 0] * 12).predict(["good", "awful"]).tolist() == [1, 0]
    exact = RashomonSet(words).fit(texts, [1, 0] * 12)
    assert (exact.viable_prediction_range(texts[:3]).kind == "exact").all()


def test_sparse_rows_reach_an_estimator_that_takes_them():
    from scipy.sparse import csr_array

    rows = StandardScaler().fit_transform(X)
    dense = refitted(LogisticRegression(), rows)
    sparse = refitted(LogisticRegression(), csr_array(rows))
    np.testing.assert_allclose(
        sparse.viable_prediction_range(csr_array(rows)).inner,
        dense.viable_prediction_range(rows).inner,
        atol=1e-3,
    )


def test_disagreement_is_a_share_of_members():
    rs = refitted(LOGISTIC, refits=Refits(40), epsilon=0.1)
    share = rs.disagreement(X, decision_threshold=0.3)
    members = rs.level_set_.predictions(rs.transform_.transform(X)) >= 0.3
    np.testing.assert_allclose(share, (members != (rs.predict_proba(X)[:, 1] >= 0.3)).mean(axis=0))
    assert ((share > 0) <= rs.label_ambiguity(X, decision_threshold=0.3).rows).all()
