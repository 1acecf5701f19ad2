"""What a `RashomonSet` refuses, and how it says so: what came, what was expected, what to do."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from riskstats.exceptions import IncompatibleBound, InvalidInput, NotConverged
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.set_discrepancy import set_discrepancy

N = 40
X = np.random.default_rng(1).normal(size=(N, 3))
Y = (X[:, 0] + np.random.default_rng(2).normal(size=N) > 0).astype(int)


def refused(message, *arguments, estimator=None, error=InvalidInput, **settings):
    with pytest.raises(error, match=message):
        RashomonSet(estimator, **settings).fit(*(arguments or (X, Y)))


# the set


def test_separable_classes_without_penalty():
    cancer, y = load_breast_cancer(return_X_y=True)
    unpenalised = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf))
    refused(
        r"level set is unbounded: a linear rule separates the classes .* ranges tend to \(0, 1\)\. "
        "Set a finite `C`",
        cancer,
        y,
        estimator=unpenalised,
    )


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(C=np.inf), LinearRegression(), Ridge(alpha=0.0)], ids=str
)
def test_dependent_columns_without_penalty(estimator):
    refused("columns of `X` are linearly dependent", np.column_stack([X, X[:, 0]]), Y, estimator=estimator)
    RashomonSet(Ridge(alpha=1e-3)).fit(np.column_stack([X, X[:, 0]]), Y)


@pytest.mark.parametrize("epsilon", [0, -0.1, np.nan, np.inf, "0.1", True, None])
def test_epsilon(epsilon):
    refused(
        rf"`epsilon` must be finite and > 0; got {epsilon!r}\. At 0 the set is the baseline alone",
        epsilon=epsilon,
    )


def test_a_relative_epsilon_of_nothing():
    refused(
        r"The best loss is \S+, so a relative epsilon adds nothing\. Use `epsilon_kind='additive'`",
        X,
        X @ [1.0, 2.0, 3.0],
        estimator=LinearRegression(),
    )
    RashomonSet(LinearRegression(), epsilon_kind="additive").fit(X, X @ [1.0, 2.0, 3.0])


def test_a_best_loss_that_is_not_known_well_enough():
    refused(
        r"The best loss is only known within \S+, and epsilon allows \S+; ranges would rest on a wrong loss "
        r"limit\. Scale `X` or lower `C`",
        error=NotConverged,
        epsilon=1e-17,
    )


def test_three_classes():
    refused(
        r"Exact ranges need two classes; got 4\. Use `refits=Refits\(\.\.\.\)` for an inner range",
        X,
        np.arange(N) % 4,
    )


@pytest.mark.parametrize(
    ("settings", "estimator"),
    [
        ("l1_ratio=1.0", LogisticRegression(l1_ratio=1.0, solver="saga")),
        ("l1_ratio=0.5", LogisticRegression(l1_ratio=0.5, solver="saga")),
        ("penalty='l1'", LogisticRegression(penalty="l1", solver="saga")),
        ("penalty='elasticnet'", LogisticRegression(penalty="elasticnet", solver="saga")),
        ("solver='liblinear'", LogisticRegression(solver="liblinear")),
        ("positive=True", Ridge(positive=True)),
        ("positive=True", LinearRegression(positive=True)),
    ],
)
def test_another_objective(settings, estimator):
    for given in (estimator, make_pipeline(StandardScaler(), estimator)):
        refused(
            rf"ridge penalty, or none, .*{settings}\)\. Change it, or pass `refits=Refits\(\.\.\.\)`",
            estimator=given,
        )


@pytest.mark.parametrize("C", [0, -1.0, np.nan, "1", True, None])
def test_C(C):  # noqa: N802
    refused("`C` must be a number > 0", estimator=LogisticRegression(C=C))


@pytest.mark.parametrize("alpha", [-1.0, np.nan, np.inf, [1.0, 2.0], "1"])
def test_alpha(alpha):
    refused("`alpha` must be one number >= 0", estimator=Ridge(alpha=alpha))


def test_numpy_numbers_are_numbers():
    for estimator in (LogisticRegression(C=np.int64(1)), LogisticRegression(C=np.float32(1.0))):
        assert RashomonSet(estimator).fit(X, Y).loss_ == pytest.approx(RashomonSet().fit(X, Y).loss_)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("even", "`class_weight` must be None, 'balanced' or a dict; got 'even'"),
        ({0: 1.0, 2: 1.0}, "`class_weight` names 2, which is not a class"),
        ({0: 0.0}, "`class_weight` must be a number > 0"),
    ],
)
def test_class_weight(class_weight, message):
    refused(message, estimator=LogisticRegression(class_weight=class_weight))


# data


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value):
    rows = X.copy()
    rows[[17, 20, 21], 2] = value
    message = r"`X` has 3 non-finite values .*first at row 17, column 2\. Impute or drop them"
    refused(message, rows, Y)
    with pytest.raises(InvalidInput, match=message):
        RashomonSet().fit(X, Y).viable_prediction_range(rows)
    refused("non-finite|NaN|infinity", rows, Y, estimator=GaussianNB(), refits=Refits(3), error=ValueError)
    refused("NaN|infinite", X, np.where(Y, value, 1.0), estimator=Ridge())
    refused("`sample_weight` has", X, Y, np.where(Y, value, 1.0))


@pytest.mark.parametrize("settings", [{}, {"estimator": GaussianNB(), "refits": Refits(3)}])
def test_one_class(settings):
    refused(
        r"`y` holds one class \(1\) with positive weight; two are needed",
        X,
        np.ones(N, dtype=int),
        **settings,
    )
    refused(r"`y` holds one class \(0\) .* Give rows of class 1 weight", X, Y, 1.0 - Y, **settings)
    three = np.where(np.arange(N) % 7 == 0, 2, Y)
    refused("every row of class 2 has weight 0", X, three, np.where(three == 2, 0.0, 1.0), **settings)


@pytest.mark.parametrize("settings", [{}, {"estimator": GaussianNB(), "refits": Refits(3)}])
def test_targets(settings):
    refused("requires y to be passed, but the target y is None", X, None, **settings)
    refused("inconsistent numbers of rows: `X` has 40, `y` has 39", X, Y[:-1], **settings)
    refused("`X` has 1 sample; two or more are needed", X[:1], Y[:1], **settings)
    refused("Unknown label type: continuous", X, X[:, 0], **settings)
    refused("should be a 1d array", X, np.stack([Y, Y], axis=1), **settings)
    refused("mixes types", X, np.array([1, "a"] * 20, dtype=object), **settings)


def test_targets_of_a_regression():
    refused("must be one number per row", X, np.stack([Y, Y], axis=1), estimator=Ridge())
    refused("requires y to be passed", X, None, estimator=Ridge())
    refused("`y` must be numbers", X, np.where(Y, "a", "b"), estimator=Ridge())


def test_weights():
    refused(
        r"`sample_weight` must be >= 0 .* got min -1 at row 3", X, Y, np.where(np.arange(N) == 3, -1.0, 1.0)
    )
    refused("`sample_weight` has 3 values for 40 rows", X, Y, np.ones(3))
    refused("zero in every row", X, Y, np.zeros(N))
    with pytest.raises(InvalidInput, match="has 3 values for 40 rows"):
        RashomonSet().fit(X, Y).ambiguity(X, deviation=0.1, sample_weight=[1, 2, 3])


@pytest.mark.parametrize("settings", [{}, {"estimator": GaussianNB(), "refits": Refits(3), "epsilon": 9.0}])
def test_columns_and_shapes(settings):
    rs = RashomonSet(**settings).fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but RashomonSet is expecting 3 features"):
        rs.viable_prediction_range(X[:, :2])
    with pytest.raises(ValueError, match="Reshape your data"):
        rs.predict(X[0])
    with pytest.raises(ValueError, match="Reshape your data"):
        rs.predict(X[0].tolist())


def test_text_needs_a_pipeline():
    refused("convert string to float|must be numbers", np.array([["a"], ["b"]] * 20), Y, error=ValueError)


# words and numbers of the set


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon_kind": "relativ"}, r"`epsilon_kind` must be one of 'relative', 'additive'; got 'relativ'"),
        ({"device": "tpu"}, "`device` must be one of 'auto', 'numpy', 'cpu', 'gpu'; got 'tpu'"),
        ({"gap_tolerance": 0.0}, "`gap_tolerance` must be a number > 0"),
        ({"max_iter": 0}, "`max_iter` must be an integer >= 1"),
        ({"time_limit": -1.0}, "`time_limit` must be seconds > 0"),
        ({"refits": 100}, r"`refits` must be a Refits, such as Refits\(100\), or None; got 100"),
        ({"refits": Refits(0)}, "`n_refits` must be an integer >= 1"),
        ({"refits": Refits(kind="jackknife")}, "`kind` must be one of 'bootstrap', 'subsample', 'seed'"),
        ({"refits": Refits(kind="subsample", share=1.2)}, r"`share` must be in \(0, 1\)"),
        ({"estimator": GaussianNB()}, r"GaussianNB has no exact range\. Pass `refits=Refits"),
        ({"estimator": 3}, "int has no exact range"),
        ({"estimator": 3, "refits": Refits(3)}, "int cannot be fitted again"),
        ({"estimator": SVC(), "refits": Refits(3)}, "SVC has no `predict_proba`"),
        ({"estimator": KMeans(), "refits": Refits(3)}, "KMeans has no `predict_proba`"),
    ],
    ids=str,
)
def test_settings(settings, message):
    refused(message, **settings)


# questions


@pytest.fixture(scope="module")
def exact():
    return RashomonSet().fit(X, Y)


@pytest.mark.parametrize("question", ["ambiguity", "discrepancy"])
def test_deviation(question, exact):
    pool = RashomonSet(GaussianNB(), refits=Refits(5), epsilon=9.0).fit(X, Y)
    for rs in (exact, pool):
        with pytest.raises(
            InvalidInput,
            match=r"`deviation` is a difference of probabilities in \(0, 1\); got 10\. Did you mean 0\.10\?",
        ):
            getattr(rs, question)(X, deviation=10)
        for value in (0.0, 1.0, -0.1, np.nan, "0.1"):
            with pytest.raises(InvalidInput, match="`deviation` is a difference of probabilities"):
                getattr(rs, question)(X, deviation=value)


def test_settings_of_a_discrepancy(exact):
    pool = RashomonSet(GaussianNB(), refits=Refits(5), epsilon=9.0).fit(X, Y)
    for rs in (exact, pool):
        with pytest.raises(InvalidInput, match="`solver` must be one of 'search', 'scip'; got 'gurobi'"):
            rs.discrepancy(X, deviation=0.1, solver="gurobi")
        with pytest.raises(InvalidInput, match="`gap` must be a number >= 0"):
            rs.discrepancy(X, deviation=0.1, gap=-1.0)
        with pytest.raises(InvalidInput, match="`time_limit` must be seconds > 0"):
            rs.discrepancy(X, deviation=0.1, time_limit=0)


def test_labels(exact):
    with pytest.raises(
        InvalidInput, match="more than two classes; here every probability is that of 1; leave"
    ):
        exact.viable_prediction_range(X, label=0)
    assert len(exact.viable_prediction_range(X, label=1)) == N
    three = RashomonSet(GaussianNB(), refits=Refits(5), epsilon=99.0).fit(X, np.arange(N) % 3)
    for label in (None, 7):
        with pytest.raises(
            InvalidInput, match=r"`label` must say whose probability is meant, one of \[.*\]; got"
        ):
            three.viable_prediction_range(X, label=label)


def test_questions_that_a_set_cannot_answer(exact):
    with pytest.raises(InvalidInput, match="needs a finite pool of classifiers"):
        exact.disagreement(X)
    number = RashomonSet(Ridge(), refits=Refits(5), epsilon=9.0).fit(X, X[:, 0] + X[:, 1] ** 2)
    with pytest.raises(InvalidInput, match="needs a finite pool of classifiers"):
        number.disagreement(X)
    with pytest.raises(InvalidInput, match="have a certified range in convex sets only"):
        number.coefficient_range()
    with pytest.raises(InvalidInput, match="capacity needs probabilities"):
        number.rashomon_capacity(X)
    with pytest.raises(InvalidInput, match="`decision_threshold` must be in"):
        exact.label_ambiguity(X, decision_threshold=1.5)


def test_kinds_are_not_mixed(exact):
    inner = RashomonSet(LogisticRegression(), refits=Refits(20), epsilon=1.0).fit(X, Y)
    with pytest.raises(
        IncompatibleBound, match=r"an 'inner' range \(refits\) with an 'exact' one \(convex\)"
    ):
        inner.viable_prediction_range(X).combine(exact.viable_prediction_range(X))


def test_a_range_of_another_set(exact):
    other = RashomonSet(epsilon=0.5).fit(X, Y)
    with pytest.raises(IncompatibleBound, match=r"over the models within relative epsilon 0\.01"):
        set_discrepancy(other.level_set_, X, deviation=0.1, prediction_range=exact.viable_prediction_range(X))
