"""Pools of risk scores in a `RashomonSet`: exact where nothing can be missing, "at least" otherwise."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest

from riskstats.exceptions import InvalidInput, StoppedEarly
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.model_set import Near
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.score_pool import ScorePool, score_pool_models
from riskstats.scores import Pool, RiskScoreClassifier

N = 60
ROWS = np.random.default_rng(3).integers(0, 2, (N, 4))
TARGET = (np.random.default_rng(4).random(N) < 0.2 + 0.6 * ROWS[:, 0] * ROWS[:, 1]).astype(int)
CARD = {"max_features": 3, "coefficient_range": (-2, 2), "multiplier": 2.0, "time_limit": 30.0}

CHANCES = np.array([[0.1, 0.5, 0.9], [0.2, 0.5, 0.8], [0.3, 0.1, 0.7]])
LOSSES = [0.50, 0.49, 0.55]
THREE, YES = np.arange(3.0)[:, None], [0, 1, 1]


def cards(**settings):
    return RiskScoreClassifier(**{**CARD, **settings})


@pytest.fixture(scope="module")
def fitted():
    return RashomonSet(cards(pool=Pool(0.05)), epsilon=0.03).fit(ROWS, TARGET)


# cards


def test_a_complete_pool_gives_the_exact_range_of_every_near_optimal_card(fitted):
    alone = cards(pool=Pool(0.03)).fit(ROWS, TARGET).pool_
    assert fitted.kind_ == "exact"
    assert fitted.level_set_.counts == (len(fitted.estimator_.pool_), len(alone))
    found = fitted.viable_prediction_range(ROWS)
    np.testing.assert_array_equal(found.inner[:, 0], alone.logits(ROWS).min(axis=0))
    np.testing.assert_array_equal(found.inner[:, 1], alone.logits(ROWS).max(axis=0))
    assert (found.kind == "exact").all()
    assert fitted.loss_bound_ <= fitted.loss_ <= fitted.loss_limit_


def test_the_baseline_is_the_best_card(fitted):
    pool = fitted.estimator_.pool_
    assert fitted.loss_ == pool.losses.min() == pool.losses[0]
    assert fitted.baseline_ == pool[0]
    np.testing.assert_array_equal(fitted.predict_proba(ROWS), fitted.baseline_.predict_proba(ROWS))
    np.testing.assert_array_equal(fitted.predict(ROWS), fitted.baseline_.predict(ROWS))
    assert fitted.score(ROWS, TARGET) == fitted.estimator_.score(ROWS, TARGET)


def test_questions_about_cards(fitted):
    low = fitted.ambiguity(ROWS, deviation=0.05)
    one = fitted.discrepancy(ROWS, deviation=0.05)
    assert 0 < one.value <= low.value
    assert one.value == one.bound
    assert (one.epsilon, one.epsilon_kind, one.source) == (0.03, "relative", "score pool")
    pool = fitted.estimator_.pool_
    moved = np.abs(pool.predictions(ROWS)[one.witness] - pool.predictions(ROWS)[0]) >= 0.05 - 1e-12
    assert moved.mean() == one.value
    assert fitted.rashomon_capacity(ROWS).kind == "exact"
    assert fitted.disagreement(ROWS).max() <= 1
    with pytest.raises(InvalidInput, match="convex sets only"):
        fitted.coefficient_range()


def test_the_search_for_the_pool_may_fall_short_of_the_set(fitted):
    with pytest.raises(InvalidInput, match=r"asked for relative epsilon 0\.01, the set for 0\.02"):
        RashomonSet(cards(pool=Pool(0.01)), epsilon=0.02).fit(ROWS, TARGET)
    with pytest.raises(InvalidInput, match=r"holds models of loss up to .* asks for"):
        RashomonSet(cards(pool=Pool(0.001, epsilon_kind="additive")), epsilon=0.5).fit(ROWS, TARGET)
    with pytest.raises(InvalidInput, match="Make a larger pool"):
        RashomonSet(fitted.estimator_.pool_, epsilon=0.06).fit(ROWS, TARGET)


def test_the_same_epsilon_keeps_every_card_of_the_pool():
    rs = RashomonSet(cards(pool=Pool(0.03)), epsilon=0.03).fit(ROWS, TARGET)
    assert rs.level_set_.counts[0] == rs.level_set_.counts[1] > 1
    assert rs.loss_limit_ <= rs.estimator_.pool_.loss_limit


def test_a_pool_that_was_cut_off_is_exact_only_up_to_where_it_is_proven():
    with pytest.warns(StoppedEarly, match="More than 4 cards"):
        estimator = cards(pool=Pool(0.1, max_cards=4)).fit(ROWS, TARGET)
    pool = estimator.pool_
    assert not pool.complete
    wide = RashomonSet(pool, epsilon=0.09).fit(ROWS, TARGET)
    assert (wide.kind_, wide.loss_bound_) == ("inner", None)
    assert wide.discrepancy(ROWS, deviation=0.01).bound is None
    proven = 0.5 * (pool.proven_limit / pool.best_loss - 1)
    near = RashomonSet(pool, epsilon=proven).fit(ROWS, TARGET)
    assert near.kind_ == "exact"
    full = RashomonSet(cards(pool=Pool(0.1)), epsilon=proven).fit(ROWS, TARGET)
    np.testing.assert_array_equal(
        near.viable_prediction_range(ROWS).inner, full.viable_prediction_range(ROWS).inner
    )


@pytest.mark.filterwarnings("ignore::riskstats.exceptions.StoppedEarly")
def test_a_fit_that_ended_early_leaves_the_proof_to_the_pool(fitted):
    rs = RashomonSet(cards(pool=Pool(0.05), gap=10.0), epsilon=0.03).fit(ROWS, TARGET)
    assert rs.estimator_.certificate_.gap > 0
    assert rs.estimator_.pool_.complete
    assert rs.kind_ == "exact"
    assert rs.loss_ == pytest.approx(fitted.loss_, rel=1e-12)
    np.testing.assert_array_equal(
        rs.viable_prediction_range(ROWS).inner, fitted.viable_prediction_range(ROWS).inner
    )


def test_weights_reach_the_fit():
    weights = np.arange(N) % 3
    kept = np.repeat(np.arange(N), weights)
    one = RashomonSet(cards(pool=Pool(0.02))).fit(ROWS, TARGET, weights)
    two = RashomonSet(cards(pool=Pool(0.02))).fit(ROWS[kept], TARGET[kept])
    np.testing.assert_allclose(one.level_set_.losses, two.level_set_.losses, rtol=1e-12)
    np.testing.assert_array_equal(
        one.viable_prediction_range(ROWS).inner, two.viable_prediction_range(ROWS).inner
    )


def test_frames_and_pickles(fitted):
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    rs = RashomonSet(cards(pool=Pool(0.03)), epsilon=0.03).fit(frame, TARGET)
    assert rs.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(
        rs.viable_prediction_range(frame).inner, fitted.viable_prediction_range(ROWS).inner
    )
    copied = pickle.loads(pickle.dumps(rs))
    np.testing.assert_array_equal(
        copied.viable_prediction_range(frame).inner, rs.viable_prediction_range(frame).inner
    )


def test_a_risk_score_without_a_pool_may_be_refitted_like_any_other():
    rs = RashomonSet(cards(solver="beam"), refits=Refits(3), epsilon=1.0, random_state=0).fit(ROWS, TARGET)
    assert rs.kind_ == "inner"
    assert rs.level_set_.source == "refits"


# pools of predictions


def test_a_pool_of_predictions():
    rs = RashomonSet(ScorePool(CHANCES, LOSSES, complete=True), epsilon=0.05).fit(THREE, YES)
    found = rs.viable_prediction_range(THREE)
    assert rs.level_set_.kept.tolist() == [0, 1]
    assert rs.baseline_ is None
    np.testing.assert_allclose(found.lower, [0.1, 0.5, 0.8])
    np.testing.assert_allclose(found.upper, [0.2, 0.5, 0.9])
    assert found.witness_lower.tolist() == [0, 0, 1]
    assert (found.kind == "exact").all()
    np.testing.assert_allclose(rs.predict_proba(THREE)[:, 1], CHANCES[1])
    assert rs.predict(THREE).tolist() == [0, 0, 1]
    assert rs.score(THREE, YES) == pytest.approx(2 / 3)
    rate = rs.discrepancy(THREE, deviation=0.1)
    assert (rate.value, rate.bound, rate.witness) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 0)


def test_rates_compare_the_same_logits():
    """0.2 and 0.1 differ by 0.1: the ambiguity and the discrepancy both count it, at equality."""
    rs = RashomonSet(ScorePool(CHANCES, LOSSES, complete=True), epsilon=0.05).fit(THREE, YES)
    for deviation in (0.1, math.nextafter(0.1, 1), 0.1 - 1e-9):
        assert (
            rs.discrepancy(THREE, deviation=deviation).n_conflict
            == rs.ambiguity(THREE, deviation=deviation).n_conflict
            == 2
        )
    assert rs.ambiguity(THREE, deviation=0.1 + 1e-9).n_conflict == 0


def test_a_function_is_asked_for_any_rows():
    pool = ScorePool(lambda X: np.tile(CHANCES[:, :1], len(X)), LOSSES, complete=False)
    rs = RashomonSet(pool, epsilon=1.0).fit(THREE, YES)
    found = rs.viable_prediction_range(np.zeros((5, 1)))
    assert rs.kind_ == "inner"
    np.testing.assert_allclose(found.upper, np.full(5, 0.3))
    np.testing.assert_allclose(found.inner[:, 0], logit(np.full(5, 0.1)))
    short = RashomonSet(ScorePool(lambda X: CHANCES[:2], LOSSES, complete=False), epsilon=1.0).fit(THREE, YES)
    with pytest.raises(InvalidInput, match="gave 2 models and `losses` has 3"):
        short.viable_prediction_range(THREE)


def test_every_model_there_is():
    every = ScorePool(CHANCES, LOSSES, complete=True, loss_limit=math.inf)
    rs = RashomonSet(every, epsilon=2.0).fit(THREE, YES)
    assert (rs.kind_, rs.level_set_.counts) == ("exact", (3, 3))
    smaller = rs.level_set_.nearer(Near(0.05, "relative"))
    assert smaller.kept.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        (ScorePool(CHANCES, LOSSES, complete=True), "holds models of loss up to 0.55; relative epsilon 0.5"),
        (ScorePool(CHANCES, LOSSES, complete=False, loss_limit=0.6), "holds models of loss up to 0.6"),
        (ScorePool(CHANCES, LOSSES, complete=True, loss_limit=math.nan), "`loss_limit` is NaN"),
        (ScorePool(CHANCES[:2], LOSSES, complete=False), "has 2 models and `losses` 3"),
        (ScorePool(CHANCES[:, :2], LOSSES, complete=False), "has 2 rows and `X` has 3"),
        (ScorePool(3 * CHANCES, LOSSES, complete=False), r"must be probabilities; got maximum 2\.7"),
        (ScorePool(CHANCES, [0.5, np.nan, 0.5], complete=False), "`losses` has 1 NaN"),
        (ScorePool(CHANCES, [0.0, 0.1, 0.2], complete=False), "relative epsilon adds nothing"),
    ],
)
def test_a_pool_that_cannot_be_used(pool, message):
    with pytest.raises(InvalidInput, match=message):
        RashomonSet(pool, epsilon=0.5).fit(THREE, YES)


def test_what_a_finished_pool_cannot_do():
    pool = ScorePool(CHANCES, LOSSES, complete=False)
    with pytest.raises(InvalidInput, match="`sample_weight` cannot change"):
        RashomonSet(pool).fit(THREE, YES, [1, 2, 3])
    with pytest.raises(InvalidInput, match="two classes; `y` holds 3"):
        RashomonSet(pool).fit(THREE, [0, 1, 2])
    with pytest.raises(InvalidInput, match="ScorePool cannot be fitted again"):
        RashomonSet(pool, refits=Refits()).fit(THREE, YES)
    with pytest.raises(InvalidInput, match="rows of `fit` only"):
        RashomonSet(pool, epsilon=1.0).fit(THREE, YES).predict(THREE + 1)
    with pytest.raises(InvalidInput, match="one class"):
        RashomonSet(pool).fit(THREE, [1, 1, 1])


def test_a_pool_of_other_classes(fitted):
    with pytest.raises(InvalidInput, match=r"about the classes \[0, 1\]; `y` holds \['a', 'b'\]"):
        RashomonSet(fitted.estimator_.pool_).fit(ROWS, np.where(TARGET, "b", "a"))


def test_a_pool_is_asked_for_its_logits():
    class Pooled:
        losses, complete, loss_limit = np.array([0.3, 0.31]), True, 1.0

        def predictions(self, X):
            raise AssertionError("logits are known")

        def logits(self, X):
            return np.array([[-800.0, 40.0], [-801.0, 41.0]])

    models = score_pool_models(Pooled(), Near(0.1, "relative"), np.zeros((2, 1)))
    np.testing.assert_array_equal(models.range(np.zeros((2, 1))).inner, [[-801.0, -800.0], [40.0, 41.0]])
