"""`RashomonSet` as an estimator: what it learns, predicts and answers, the same for every class of models."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import get_tags

from riskstats.exceptions import IncompatibleBound
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.score_pool import ScorePool

N = 60
X = np.random.default_rng(5).normal(size=(N, 2))
Y = np.where(X[:, 0] + np.random.default_rng(6).normal(size=N) > 0, "up", "down")


def chances(rows):
    return 1 / (1 + np.exp(-np.stack([rows[:, 0], 1.1 * rows[:, 0], rows[:, 0] + 0.2 * rows[:, 1]])))


SETS = {
    "convex": RashomonSet(),
    "refits": RashomonSet(GaussianNB(), refits=Refits(15), epsilon=0.3, random_state=1),
    "pool": RashomonSet(ScorePool(chances, [0.5, 0.51, 0.52], complete=True), epsilon=0.04),
}


@pytest.fixture(scope="module", params=SETS)
def fitted(request):
    return clone(SETS[request.param]).fit(X, Y)


def test_what_is_learned(fitted):
    assert fitted.classes_.tolist() == ["down", "up"]
    assert fitted.n_features_in_ == 2
    assert fitted.n_iter_ >= 1
    assert isinstance(fitted.level_set_, ConvexModels | PoolModels)
    assert fitted.kind_ == ("inner" if fitted.level_set_.source == "refits" else "exact")
    assert (fitted.loss_bound_ is None) == (fitted.kind_ == "inner")
    assert fitted.loss_ < fitted.loss_limit_
    assert fitted.loss_limit_ == pytest.approx(Near(fitted.epsilon, "relative").limit(fitted.loss_))
    assert is_classifier(fitted) or fitted.level_set_.source == "score pool"


def test_everything_predicts_with_the_baseline(fitted):
    logits, chance = fitted.decision_function(X), fitted.predict_proba(X)
    np.testing.assert_allclose(chance.sum(axis=1), 1.0)
    np.testing.assert_allclose(chance[:, 1], 1 / (1 + np.exp(-logits)), rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[(logits > 0).astype(int)])
    assert fitted.score(X, Y) == (fitted.predict(X) == Y).mean()
    weights = np.arange(N)
    assert fitted.score(X, Y, weights) == pytest.approx(np.average(fitted.predict(X) == Y, weights=weights))
    found = fitted.viable_prediction_range(X)
    np.testing.assert_allclose(found.baseline, logits, rtol=1e-12)


def test_the_range_contains_the_baseline_and_is_stamped(fitted):
    found = fitted.viable_prediction_range(X)
    assert (found.inner[:, 0] <= found.baseline).all()
    assert (found.baseline <= found.inner[:, 1]).all()
    assert found.width.max() > 0
    assert (found.epsilon, found.epsilon_kind) == (fitted.epsilon, "relative")
    assert set(found.kind) == {fitted.kind_}


def test_rows_are_answered_one_by_one(fitted):
    order = np.random.default_rng(0).permutation(N)
    every, some = fitted.viable_prediction_range(X), fitted.viable_prediction_range(X[order][:7])
    np.testing.assert_allclose(some.inner, every.inner[order][:7], rtol=0, atol=1e-9)


def test_questions_agree_with_one_another(fitted):
    found = fitted.viable_prediction_range(X)
    chance = fitted.predict_proba(X)[:, 1]
    apart = np.maximum(found.upper - chance, chance - found.lower)
    for deviation in (0.01, 0.03, 0.1):
        rate = fitted.ambiguity(X, deviation=deviation)
        assert rate.n_conflict == (apart >= deviation).sum()
        assert rate.kind == fitted.kind_
    label = fitted.label_ambiguity(X)
    assert label.n_conflict == ((found.lower < 0.5) & (found.upper >= 0.5)).sum()
    capacity = fitted.rashomon_capacity(X)
    assert (capacity.kind, capacity.epsilon) == (fitted.kind_, fitted.epsilon)
    assert ((capacity.value > 0) == (found.inner[:, 1] > found.inner[:, 0])).all()


def test_weights_of_the_rows_that_are_asked_about(fitted):
    weights = np.arange(N) % 3
    repeated = np.repeat(X, weights, axis=0)
    for question, settings in (("ambiguity", {"deviation": 0.03}), ("label_ambiguity", {})):
        one = getattr(fitted, question)(X, sample_weight=weights, **settings)
        assert one.value == pytest.approx(getattr(fitted, question)(repeated, **settings).value)


@pytest.mark.parametrize("deviation", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("name", ["refits", "pool"])
def test_one_model_moves_no_more_rows_than_one_for_each(name, deviation):
    fitted = clone(SETS[name]).fit(X, Y)
    one, each = fitted.discrepancy(X, deviation=deviation), fitted.ambiguity(X, deviation=deviation)
    assert one.value <= each.value
    assert (one.rows <= each.rows).all()
    moved = fitted.level_set_.logits(X)[np.searchsorted(fitted.level_set_.kept, one.witness)]
    apart = np.abs(1 / (1 + np.exp(-moved)) - fitted.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(one.rows, apart >= deviation)
    assert (one.epsilon, one.source) == (fitted.epsilon, fitted.level_set_.source)


def test_a_convex_discrepancy_is_bounded_by_the_ambiguity():
    fitted = clone(SETS["convex"]).fit(X, Y)
    found = fitted.discrepancy(X, deviation=0.05, time_limit=20.0)
    each = fitted.ambiguity(X, deviation=0.05)
    assert found.value <= found.bound <= each.bound
    assert (found.epsilon, found.epsilon_kind, found.source) == (0.01, "relative", "convex")


def test_a_set_that_is_not_fitted_says_so():
    for question in ("predict", "viable_prediction_range", "rashomon_capacity", "disagreement"):
        with pytest.raises(NotFittedError):
            getattr(RashomonSet(), question)(X)
    with pytest.raises(NotFittedError):
        RashomonSet().coefficient_range()


def test_tags_follow_the_estimator():
    assert is_classifier(RashomonSet())
    assert is_regressor(RashomonSet(Ridge()))
    assert not get_tags(RashomonSet()).classifier_tags.multi_class
    assert not get_tags(RashomonSet()).input_tags.sparse
    refits = RashomonSet(LogisticRegression(), refits=Refits())
    assert get_tags(refits).classifier_tags.multi_class
    assert get_tags(refits).input_tags.sparse
    assert not get_tags(RashomonSet(Ridge())).target_tags.multi_output
    assert not hasattr(RashomonSet(Ridge()), "predict_proba")


def test_it_is_an_estimator_among_others():
    assert cross_val_score(RashomonSet(), X, Y, cv=3).mean() > 0.6
    rows, y = load_diabetes(return_X_y=True)
    assert cross_val_score(RashomonSet(Ridge(0.1)), rows, y, cv=3).mean() > 0.4
    copied = clone(RashomonSet(LogisticRegression(C=3.0), epsilon=0.2)).set_params(estimator__C=0.5)
    assert copied.fit(X, Y).baseline_.C == 0.5
    assert copied.estimator.C == 0.5


def test_fitting_leaves_the_estimator_as_it_is():
    estimator = LogisticRegression()
    RashomonSet(estimator).fit(X, Y)
    assert not hasattr(estimator, "coef_")


def test_a_second_fit_forgets_the_first():
    again = RashomonSet().fit(X, Y).set_params(estimator=Ridge()).fit(X, X[:, 0] ** 2)
    assert not hasattr(again, "classes_")
    assert again.viable_prediction_range(X).scale == "response"
    assert again.score(X, X[:, 0] ** 2) == again.baseline_.score(X, X[:, 0] ** 2)


@pytest.mark.parametrize("far", [1e8, 1e300])
@pytest.mark.parametrize("model", [LogisticRegression(), LogisticRegression(C=np.inf), Ridge()])
def test_a_far_row_of_weight_zero_changes_nothing(model, far):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 3))
    y = (X[:, 0] + rng.normal(size=40) > 0).astype(int)
    alone = RashomonSet(model, epsilon=0.05).fit(X, y, np.ones(40)).viable_prediction_range(X)
    rows, weights = np.vstack([X, np.full((1, 3), far)]), np.append(np.ones(40), 0.0)
    beside = RashomonSet(model, epsilon=0.05).fit(rows, np.append(y, 1), weights)
    found = beside.viable_prediction_range(X)
    assert (found.kind == "exact").all()
    np.testing.assert_array_equal(found.inner, alone.inner)


def test_ranges_of_two_sets_are_not_joined():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(40, 2))
    y = (X[:, 0] + rng.normal(size=40) > 0).astype(int)
    first, second, turned = (
        RashomonSet(LogisticRegression(C=c)).fit(X, target).viable_prediction_range(X)
        for c, target in ((1.0, y), (100.0, y), (1.0, 1 - y))
    )
    assert len(first.combine(first)) == 80
    for other in (second, turned):
        with pytest.raises(IncompatibleBound, match="another set"):
            first.combine(other)
