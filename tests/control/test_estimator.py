"""What `RiskController` promises beyond scikit-learn's own checks."""

import builtins
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from riskstats._frames import as_frame
from riskstats._validation import as_table
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.multiple_testing import bonferroni, fixed_sequence
from riskstats.control.api import certify
from riskstats.control.decision_losses import Decisions, decision_loss
from riskstats.control.estimator import RiskController
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.measures.cvar import CVaR


def logistic(rng, n, slope=4.0):
    """A score on (-1, 1) and a class with log-odds `slope` times it."""
    X = rng.uniform(-1, 1, (n, 2))
    return X, (rng.random(n) < 1 / (1 + np.exp(-slope * X[:, 0]))).astype(int)


class Known(ClassifierMixin, BaseEstimator):
    """The true probabilities, as a fitted classifier."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):
        raise AssertionError("a frozen classifier is not fitted again")

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-4 * X[:, 0]))
        return np.column_stack([1 - p, p])

    def __sklearn_is_fitted__(self):
        return True


def known():
    return FrozenEstimator(Known())


def risk_of_misses(threshold):
    """True share of positive rows of `logistic` with probability at most the threshold."""
    x = np.linspace(-1, 1, 200_001)
    p = 1 / (1 + np.exp(-4 * x))
    return p[p <= threshold].sum() / p.sum()


@pytest.mark.parametrize("procedure", [None, fixed_sequence(order=range(21))], ids=["holm", "fixed sequence"])
def test_selected_thresholds_keep_the_limit(procedure):
    """Misses limited to .1: at most 10 % of the runs certify a threshold of larger true risk."""
    rng, wrong, repetitions = np.random.default_rng(1), 0, 150
    thresholds = np.arange(21) / 20
    truth = {float(t): risk_of_misses(t) for t in thresholds}
    for _ in range(repetitions):
        X, y = logistic(rng, 200)
        model = RiskController(known(), loss="false_negative", procedure=procedure, confidence_level=0.9)
        model.fit(X, y)
        wrong += any(truth[model.candidates_[j][1]] > 0.1 for j in model.certified_)
    assert binom.sf(wrong - 1, repetitions, 0.1) > 1e-6
    assert wrong > 0 or procedure is None


def test_a_fixed_sequence_selects_a_higher_threshold_than_holm():
    X, y = logistic(np.random.default_rng(2), 600)
    chosen = {}
    for name, procedure in {"holm": None, "sequence": fixed_sequence(order=range(21))}.items():
        model = RiskController(known(), loss="false_negative", procedure=procedure).fit(X, y)
        chosen[name] = model.threshold_
        assert model.n_units_ == y.sum()
    assert 0 < chosen["holm"] <= chosen["sequence"]


def test_selection_is_that_of_certify():
    rng = np.random.default_rng(3)
    X, y = logistic(rng, 400)
    thresholds = (0.3, 0.5, 0.7)
    model = RiskController(known(), risk_limit=0.3, thresholds=thresholds).fit(X, y)
    p = Known().predict_proba(X)[:, 1]
    losses = np.array([(p > t) != y for t in thresholds])
    answer = certify(losses, risk_limit=0.3)
    np.testing.assert_array_equal(model.p_values_, answer.p_values)
    assert tuple(model.certified_) == answer.certified == (0, 1, 2)
    assert model.selected_ == ("known", 0.5)
    assert model.certified_set_.names == ("known > 0.3", "known > 0.5", "known > 0.7")
    np.testing.assert_array_equal(model.predict(X), p > 0.5)
    np.testing.assert_array_equal(model.decision_function(X), p - 0.5)
    assert model.score(X, y) == pytest.approx(1 - losses[1].mean())


def test_the_best_classifier_of_a_family_is_selected():
    X, y = logistic(np.random.default_rng(4), 1500, slope=8)
    family = [("noise", GaussianNB()), ("good", LogisticRegression()), ("forest", RandomForestClassifier(20))]
    X_noise = np.column_stack([X, np.random.default_rng(5).normal(size=(len(X), 3))])
    model = RiskController(family, risk_limit=0.25, random_state=0).fit(X_noise, y)
    assert set(model.estimators_) == {"noise", "good", "forest"}
    assert len(model.candidates_) == 63
    assert model.estimator_ is model.estimators_[model.selected_[0]]
    assert model.selected_[0] in ("good", "noise")
    assert model.score(X_noise, y) > 0.75
    assert model.certified_set_.n_units == 750 == model.n_units_


def test_equal_types_get_names_of_their_own():
    X, y = logistic(np.random.default_rng(6), 200)
    model = RiskController([LogisticRegression(), LogisticRegression(C=0.1)], risk_limit=1.0).fit(X, y)
    assert set(model.estimators_) == {"logisticregression", "logisticregression-2"}


def test_nothing_certified_is_said_at_prediction():
    X, y = logistic(np.random.default_rng(7), 200)
    model = RiskController(known(), risk_limit=0.14, thresholds=[0.4, 0.5], bound=Hoeffding()).fit(X, y)
    assert len(model.certified_) == 0
    assert model.selected_ is model.estimator_ is model.threshold_ is None
    message = (
        r"no candidate certified: smallest p-value 0\.\d+ against 0.025. "
        r"Raise n \(about \d+\), `risk_limit`, or test fewer candidates."
    )
    for method in (model.predict, model.predict_proba, model.decision_function):
        with pytest.raises(Infeasible, match=message):
            method(X)
    with pytest.raises(Infeasible):
        model.score(X, y)


def test_the_number_of_rows_in_the_message_would_do():
    rng = np.random.default_rng(8)
    options = {"risk_limit": 0.2, "thresholds": [0.5], "bound": Hoeffding()}
    X, y = logistic(rng, 200)
    model = RiskController(known(), **options).fit(X, y)
    with pytest.raises(Infeasible) as error:
        model.predict(X)
    n = int(str(error.value).split("about ")[1].split(")")[0])
    estimate = model.certified_set_.estimates[0]
    assert np.exp(-2 * n * (0.2 - estimate) ** 2) <= 0.05
    assert np.exp(-2 * 0.9 * n * (0.2 - estimate) ** 2) > 0.05


def test_where_estimates_exceed_the_limit_no_number_of_rows_is_named():
    X, y = logistic(np.random.default_rng(9), 200)
    model = RiskController(known(), risk_limit=0.01, procedure=fixed_sequence(order=[10])).fit(X, y)
    with pytest.raises(Infeasible, match=r"p-value 1 against 0.05. Raise n, `risk_limit`"):
        model.predict(X)


def test_costs_by_outcome_and_their_tail():
    X, y = logistic(np.random.default_rng(10), 800)
    costs = {"false_negative": 5.0, "false_positive": 1.0}
    model = RiskController(known(), loss=costs, objective=costs, risk_limit=1.0).fit(X, y)
    assert model.certified_set_.support == (0.0, 5.0)
    assert model.threshold_ < 0.4
    tail = RiskController(known(), loss=costs, measure=CVaR(0.9), risk_limit=4.5, bound=None).fit(X, y)
    assert tail.certified_set_.measure == "CVaR(0.9)"
    assert 0.1 < tail.threshold_ < 0.4


def test_a_loss_of_ones_own_sees_target_decision_and_probability():
    seen = {}

    def loss(target, decision, probability):
        seen.update(target=target, decision=decision, probability=probability)
        return (probability - target) ** 2

    X, y = logistic(np.random.default_rng(11), 300)
    model = RiskController(known(), loss=loss, risk_limit=0.3, thresholds=[0.5]).fit(X, y)
    p = Known().predict_proba(X)[:, 1]
    np.testing.assert_array_equal(seen["target"][np.argsort(seen["probability"])], y[np.argsort(p)])
    np.testing.assert_array_equal(seen["decision"], seen["probability"] > 0.5)
    brier = np.mean((Known().predict_proba(X)[:, 1] - y) ** 2)
    assert model.certified_set_.estimates[0] == pytest.approx(brier)


def test_losses_by_name():
    target, decision = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    rows = Decisions(target, decision, decision / 2)
    for name, expected, units in [
        ("zero_one", [0, 1, 1, 0], [1, 1, 1, 1]),
        ("false_negative", [0, 0, 1, 0], [0, 0, 1, 1]),
        ("false_positive", [0, 1, 0, 0], [1, 1, 0, 0]),
        ({"true_positive": 0.5, "false_negative": 2}, [0, 0, 2, 0.5], [1, 1, 1, 1]),
    ]:
        loss = decision_loss(name, None)
        np.testing.assert_array_equal(loss.of(rows), expected)
        np.testing.assert_array_equal(loss.units(target), np.array(units, bool))


def test_labels_keep_their_type_and_order():
    X, y = logistic(np.random.default_rng(12), 300)
    labels = np.where(y == 1, "ill", "well")
    model = RiskController(LogisticRegression(), risk_limit=0.5, random_state=0).fit(X, labels)
    assert list(model.classes_) == ["ill", "well"]
    assert set(model.predict(X)) <= {"ill", "well"}
    assert model.score(X, labels) > 0.7
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_the_split_is_seeded_and_rows_are_held_out():
    X, y = logistic(np.random.default_rng(13), 300)
    base = RiskController(LogisticRegression(), risk_limit=0.5, calibration_size=0.3, random_state=4)
    first, second = base.fit(X, y), clone(base).fit(X, y)
    np.testing.assert_array_equal(first.p_values_, second.p_values_)
    assert first.n_units_ == 90


def test_too_few_rows_to_hold_out_any():
    with pytest.raises(InvalidInput, match="all 2 rows are needed to learn from two classes"):
        RiskController(LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(
        InvalidInput, match="none of the 1 held-out rows is a unit of `loss`='false_negative'"
    ):
        RiskController(
            LogisticRegression(), loss="false_negative", calibration_size=0.05, random_state=0
        ).fit([[0.0]] * 19 + [[1.0]], [0] * 18 + [1, 1])


def test_learning_goes_on_until_both_classes_are_there():
    """One row of the rare class: it is always learned from, and what follows it calibrates."""
    X, y = np.arange(40.0)[:, None], np.arange(40) == 7
    sizes = set()
    for seed in range(30):
        try:
            model = RiskController(LogisticRegression(), risk_limit=1.0, random_state=seed).fit(X, y)
        except InvalidInput:
            continue
        sizes.add(model.n_units_)
    assert max(sizes) == 20
    assert len(sizes) > 5


def test_frames_pipelines_searches_and_pickles():
    X, y = logistic(np.random.default_rng(14), 400)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = RiskController(make_pipeline(StandardScaler(), LogisticRegression()), risk_limit=0.5)
    model.set_params(random_state=0).fit(frame, pd.Series(y))
    assert list(model.feature_names_in_) == ["a", "b"]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    assert cross_val_score(model, X, y, cv=3).min() > 0.6
    search = GridSearchCV(
        RiskController(LogisticRegression(), risk_limit=0.5, random_state=0),
        {"candidates__C": [0.1, 1.0]},
        cv=2,
    )
    assert search.fit(X, y).best_score_ > 0.6


def test_rows_sorted_by_class_do_not_matter():
    """Costs are bounded by betting, which in the order of the file would certify a risk of 1.5 at 1.4."""
    rng, wrong = np.random.default_rng(20), 0
    for frozen in (False, True):
        for seed in range(60):
            y = np.sort(rng.random(400) < 0.3).astype(int)
            X = np.zeros((400, 1))
            never = DummyClassifier().fit(X, y)
            model = RiskController(
                FrozenEstimator(never) if frozen else never,
                loss={"false_negative": 5, "false_positive": 1},
                risk_limit=1.4,
                thresholds=[0.9],
                random_state=seed,
            )
            wrong += len(model.fit(X, y).certified_)
    assert binom.sf(wrong - 1, 120, 0.05) > 1e-6


class Coarse(Known):
    """Probabilities in float32, some of them at a threshold as far as float32 can tell."""

    def predict_proba(self, X):
        p = np.full(len(X), 0.1, dtype=np.float32)
        return np.column_stack([1 - p, p])


@pytest.mark.parametrize("threshold", [0.1, float(np.float32(0.1))])
def test_what_is_certified_is_what_is_predicted(threshold):
    """float32(.1) is above .1, and not above itself: at a threshold the class is the negative one."""
    X, y = np.zeros((200, 1)), np.arange(200) % 2
    model = RiskController(FrozenEstimator(Coarse()), risk_limit=0.9, thresholds=[threshold]).fit(X, y)
    above = threshold == 0.1
    assert model.certified_set_.estimates[0] == np.mean((model.predict(X) == 1) != y) == 0.5
    np.testing.assert_array_equal(model.predict(X), np.full(200, int(above)))
    misses = RiskController(
        FrozenEstimator(Coarse()), loss="false_negative", risk_limit=0.9, thresholds=[threshold]
    ).fit(X, y)
    assert misses.certified_set_.estimates[0] == (0.0 if above else 1.0)


def test_a_probability_that_is_not_a_number_is_refused():
    class Broken(Known):
        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

    X, y = logistic(np.random.default_rng(21), 40)
    with pytest.raises(InvalidInput, match="gives no probability for row 0: NaN"):
        RiskController(FrozenEstimator(Broken())).fit(X, y)


@pytest.mark.parametrize("table", ["dict", "table"])
def test_a_dict_of_columns_and_a_table_are_frames(table, monkeypatch):
    X, y = logistic(np.random.default_rng(22), 300)
    columns = {"a": X[:, 0], "b": X[:, 1]}
    given = columns if table == "dict" else as_table(columns)
    model = RiskController(LogisticRegression(), risk_limit=0.5, random_state=0)
    expected = clone(model).fit(X, y)
    model.fit(given, y)
    assert list(model.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(model.predict(given), expected.predict(X))
    np.testing.assert_array_equal(model.p_values_, expected.p_values_)
    real = builtins.__import__

    def without_pandas(name, scope=None, *rest):
        if name == "pandas" and scope["__name__"] == as_frame.__module__:
            raise ImportError
        return real(name, scope, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    plain = clone(model).fit(given, y)
    np.testing.assert_array_equal(plain.predict_proba(given), expected.predict_proba(X))


def test_weights_reach_the_classifiers_by_routing_alone():
    X, y = logistic(np.random.default_rng(15), 400)
    weight = np.where(y == 1, 5.0, 0.0) + 1e-9
    with pytest.raises(
        InvalidInput, match=r"`fit` got 'sample_weight'. Pass it on .*enable_metadata_routing"
    ):
        RiskController(LogisticRegression()).fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        plain = RiskController(LogisticRegression(), risk_limit=1.0, random_state=0).fit(X, y)
        model = RiskController(
            LogisticRegression().set_fit_request(sample_weight=True), risk_limit=1.0, random_state=0
        ).fit(X, y, sample_weight=weight)
        assert model.predict_proba(X)[:, 1].min() > plain.predict_proba(X)[:, 1].max()
        assert model.n_units_ == plain.n_units_
        pair = [("a", LogisticRegression().set_fit_request(sample_weight=True)), ("b", GaussianNB())]
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            RiskController(pair, risk_limit=1.0).fit(X, y, sample_weight=weight)


def test_bonferroni_certifies_no_more_than_holm():
    X, y = logistic(np.random.default_rng(16), 500)
    sets = [
        set(RiskController(known(), risk_limit=0.25, procedure=each).fit(X, y).certified_)
        for each in (bonferroni, None)
    ]
    assert sets[0] <= sets[1]
    assert sets[1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"candidates": []}, r"`candidates` must be a classifier, a sequence"),
        ({"candidates": [("a", LogisticRegression()), ("a", GaussianNB())]}, r"names 'a' twice"),
        ({"candidates": ["logit"]}, r"holds 'logit', which has no `fit`"),
        ({"candidates": SGDClassifier()}, r"`SGDClassifier`, which has no `predict_proba`"),
        ({"candidates": LinearRegression()}, r"has no `predict_proba`"),
        ({"loss": "hinge"}, r"`loss` must be one of"),
        ({"loss": {"miss": 1}}, r"`loss key` must be one of"),
        ({"loss": {"false_negative": 0}}, r"gives every outcome the same cost"),
        ({"loss": lambda t, d, p: t[:1]}, r"`loss` returned 1 values"),
        ({"loss": lambda t, d, p: 2.0 * np.ones(len(t))}, r"`loss` must lie in support"),
        ({"objective": "recall"}, r"`objective` must be one of"),
        ({"thresholds": [0.5, 0.5]}, r"`thresholds` repeats"),
        ({"thresholds": []}, r"`thresholds` is empty"),
        ({"calibration_size": 1.5}, r"`calibration_size` must be in \(0, 1\)"),
        ({"confidence_level": 0.05}, r"Did you mean 0.95"),
        ({"risk_limit": float("nan")}, r"`risk_limit`"),
        ({"random_state": "seed"}, r"`random_state`"),
    ],
)
def test_parameters_that_cannot_be_used(parameters, message):
    X, y = logistic(np.random.default_rng(17), 60)
    with pytest.raises(InvalidInput, match=message):
        RiskController(**{"candidates": LogisticRegression(), **parameters}).fit(X, y)


def test_a_frozen_classifier_of_other_classes_is_refused():
    X, y = logistic(np.random.default_rng(18), 60)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    with pytest.raises(InvalidInput, match=r"a classifier knows the classes \[.*\]; `y` holds"):
        RiskController(frozen).fit(X, np.where(y == 1, "yes", "no"))
