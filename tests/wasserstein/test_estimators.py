"""The robust estimators as users meet them: golden fits, labels, weights, radii, warnings, bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss

from riskstats.exceptions import AssumptionWarning, InvalidInput, StoppedEarly
from riskstats.wasserstein.estimators import (
    WassersteinHingeClassifier,
    WassersteinLADRegression,
    WassersteinLinearRegression,
    WassersteinLogisticRegression,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
FITS, TOLERANCE = GOLDEN["D_wdro"], GOLDEN["meta"]["tolerance"]
X, LABELS, NUMBERS = (np.array(FITS[name]) for name in ("X", "y", "yr"))
ESTIMATORS = {
    "logistic": WassersteinLogisticRegression,
    "lad": WassersteinLADRegression,
    "ols": WassersteinLinearRegression,
}
CLASSIFIERS = ("logistic", WassersteinLogisticRegression, WassersteinHingeClassifier)
ALL = [*ESTIMATORS.values(), WassersteinHingeClassifier]


def target_of(kind):
    return LABELS if kind in CLASSIFIERS else NUMBERS


def name_of(row):
    return f"{row['kind']}-norm{row['q']}-r{row['r']}-kappa{row['kappa']}"


@pytest.mark.filterwarnings("ignore:`label_cost`:riskstats.exceptions.AssumptionWarning")
@pytest.mark.parametrize("row", FITS["rows"], ids=name_of)
def test_golden_fits(row):
    extra = {} if row["kappa"] == "inf" else {"label_cost": row["kappa"]}
    model = ESTIMATORS[row["kind"]](radius=row["r"], norm=float(row["q"]), **extra)
    model.fit(X, target_of(row["kind"]))
    assert model.objective_ == pytest.approx(row["value"], abs=TOLERANCE["D_value"])
    assert np.ravel(model.coef_) == pytest.approx(row["coef"], abs=TOLERANCE["D_coef"])
    assert np.ravel(model.intercept_)[0] == pytest.approx(row["intercept"], abs=TOLERANCE["D_coef"])
    assert model.bound_ <= row["value"] + TOLERANCE["D_value"]
    assert 0 <= model.duality_gap_ <= 1e-8 * model.objective_


@pytest.mark.parametrize("labels", [(-1, 1), (0, 1), ("no", "yes"), (False, True), (2.5, 7.0)])
def test_any_two_labels(labels):
    expected = WassersteinLogisticRegression(radius=0.05).fit(X, LABELS)
    y = np.array(labels)[(LABELS > 0).astype(int)]
    model = WassersteinLogisticRegression(radius=0.05).fit(X, y)
    assert np.array_equal(model.coef_, expected.coef_)
    assert model.classes_.tolist() == list(labels)
    assert set(model.predict(X)) == set(labels)
    assert np.array_equal(model.predict(X) == labels[1], model.decision_function(X) > 0)
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(40))
    assert np.exp(model.predict_log_proba(X)) == pytest.approx(model.predict_proba(X))
    assert (model.predict(X) == y).mean() > 0.8


@pytest.mark.parametrize("norm", [1, 2, math.inf])
@pytest.mark.parametrize("estimator", ALL)
def test_weights_are_repetition(estimator, norm):
    y = target_of(estimator)
    weights = np.arange(40) % 3
    weighted = estimator(radius=0.05, norm=norm).fit(X, y, weights)
    repeated = estimator(radius=0.05, norm=norm).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    scaled = estimator(radius=0.05, norm=norm).fit(X, y, 7.5 * weights)
    for other in (repeated, scaled):
        assert other.objective_ == pytest.approx(weighted.objective_, rel=1e-10)
        assert other.coef_ == pytest.approx(weighted.coef_, abs=1e-8)


def test_radius_zero_is_the_plain_fit():
    plain = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, LABELS)
    robust = WassersteinLogisticRegression(radius=0.0).fit(X, LABELS)
    assert robust.coef_ == pytest.approx(plain.coef_, abs=1e-4)
    assert robust.objective_ <= log_loss(LABELS, plain.predict_proba(X)) + 1e-14
    least = LinearRegression().fit(X, NUMBERS)
    robust = WassersteinLinearRegression(radius=0.0).fit(X, NUMBERS)
    assert robust.coef_ == pytest.approx(least.coef_, rel=1e-9)
    assert robust.intercept_ == pytest.approx(least.intercept_, rel=1e-9)


def test_radius_and_budget_are_the_same_question():
    by_radius = WassersteinLinearRegression(radius=0.3).fit(X, NUMBERS)
    by_budget = WassersteinLinearRegression(budget=0.09).fit(X, NUMBERS)
    assert by_budget.radius_ == pytest.approx(0.3)
    assert by_radius.budget_ == pytest.approx(0.09)
    assert by_budget.coef_ == pytest.approx(by_radius.coef_, abs=1e-9)
    assert WassersteinLADRegression(budget=0.3).fit(X, NUMBERS).radius_ == 0.3


@pytest.mark.parametrize("estimator", ALL)
def test_without_an_intercept(estimator):
    model = estimator(radius=0.05, fit_intercept=False).fit(X, target_of(estimator))
    assert not np.any(model.intercept_)
    assert model.objective_ >= estimator(radius=0.05).fit(X, target_of(estimator)).bound_


@pytest.mark.parametrize("estimator", ALL)
def test_moving_the_origin_moves_the_intercept_only(estimator):
    y = target_of(estimator)
    here = estimator(radius=0.05).fit(X, y)
    there = estimator(radius=0.05).fit(X + 100.0, y)
    assert there.coef_ == pytest.approx(here.coef_, abs=1e-7)
    assert there.objective_ == pytest.approx(here.objective_, rel=1e-9)


def test_lasso_zeros_are_exact():
    noise = np.random.default_rng(0).normal(size=(40, 6))
    wide = np.column_stack([X, 0.1 * noise])
    for estimator in ALL:
        model = estimator(radius=0.1, norm=math.inf).fit(wide, target_of(estimator))
        assert (np.ravel(model.coef_) == 0.0).sum() >= 3


@pytest.mark.parametrize("estimator", [WassersteinLogisticRegression, WassersteinHingeClassifier])
def test_cheap_flips_are_warned_about(estimator):
    with pytest.warns(AssumptionWarning, match="the coin"):
        model = estimator(radius=0.2, label_cost=0.4).fit(X, LABELS)
    assert not model.coef_.any()
    assert model.worst_case_.attained


def test_the_same_fit_in_compiled_code():
    for estimator in (WassersteinLogisticRegression, WassersteinHingeClassifier):
        numpy, compiled = (
            estimator(radius=0.05, device=device).fit(X, LABELS) for device in ("numpy", "cpu")
        )
        assert compiled.objective_ == pytest.approx(numpy.objective_, rel=1e-9)
        assert compiled.coef_ == pytest.approx(numpy.coef_, abs=1e-6)


def test_stopping_early_is_said():
    for estimator in (WassersteinHingeClassifier, WassersteinLADRegression):
        with pytest.warns(StoppedEarly, match="gap of"):
            model = estimator(radius=0.05, time_limit=1e-9).fit(X, target_of(estimator))
        assert model.status_ == "TIME_LIMIT"
        assert 0 <= model.bound_ < model.objective_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "exactly one of `radius`.*neither"),
        ({"radius": 0.1, "budget": 0.1}, "exactly one of `radius`.*both"),
        ({"radius": -0.1}, "`radius` must be a finite number >= 0"),
        ({"radius": math.nan}, "`radius` must be a finite number >= 0"),
        ({"radius": 0.1, "norm": 3}, "`norm` must be 1, 2 or inf"),
        ({"radius": 0.1, "label_cost": 0.0}, "`label_cost` must be a number > 0"),
        ({"radius": 0.1, "gap": 0.0}, "`gap` must be a number > 0"),
        ({"radius": 0.1, "time_limit": -1}, "`time_limit` must be seconds"),
        ({"radius": 0.1, "device": "abacus"}, "`device` must be one of"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InvalidInput, match=message):
        WassersteinLogisticRegression(**settings).fit(X, LABELS)


@pytest.mark.parametrize(
    ("rows", "y", "weight", "message"),
    [
        (np.where(X > 0.99, np.nan, X), LABELS, None, "`X` has .* non-finite"),
        (X, np.arange(40), None, "holds 40 classes"),
        (X, np.ones(40), None, "holds 1 class"),
        (X, LABELS[:-1], None, "numbers of rows"),
        (X, LABELS, -np.ones(40), "`sample_weight` must be >= 0"),
        (X, LABELS, np.ones(3), "3 values for 40 rows"),
        (X, LABELS, LABELS > 0, "each class needs positive weight"),
    ],
)
def test_bad_rows(rows, y, weight, message):
    with pytest.raises(ValueError, match=message):
        WassersteinLogisticRegression(radius=0.1).fit(rows, y, weight)


def test_questions_to_a_fitted_model():
    with pytest.raises(NotFittedError):
        WassersteinLogisticRegression(radius=0.1).predict(X)
    model = WassersteinLogisticRegression(radius=0.1).fit(X, LABELS)
    with pytest.raises(InvalidInput, match="labels that were not fitted"):
        model.worst_case_risk(X, LABELS * 2)
    assert model.worst_case_risk(X[:20], LABELS[:20]) > 0


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_same_fit_on_an_accelerator():
    from riskstats._jit import accelerator_present

    if not accelerator_present():
        pytest.skip("no accelerator")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200_000, 20))
    y = rows[:, 0] + rng.normal(size=200_000) > 0
    here, there = (
        WassersteinLogisticRegression(radius=0.02, device=d).fit(rows, y) for d in ("numpy", "gpu")
    )
    assert there.coef_ == pytest.approx(here.coef_, abs=1e-8)
