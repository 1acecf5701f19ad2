"""The radius by cross-validation: the rule, the path, the held-out losses, bad input."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.cross_validation import (
    WassersteinHingeClassifierCV,
    WassersteinLADRegressionCV,
    WassersteinLinearRegressionCV,
    WassersteinLogisticRegressionCV,
)
from riskstats.wasserstein.estimators import (
    WassersteinHingeClassifier,
    WassersteinLADRegression,
    WassersteinLinearRegression,
    WassersteinLogisticRegression,
)

PAIRS = [
    (WassersteinLogisticRegressionCV, WassersteinLogisticRegression),
    (WassersteinHingeClassifierCV, WassersteinHingeClassifier),
    (WassersteinLADRegressionCV, WassersteinLADRegression),
    (WassersteinLinearRegressionCV, WassersteinLinearRegression),
]


@pytest.fixture
def data(rng):
    X = rng.normal(size=(60, 4))
    return X, X[:, 0] + 0.7 * rng.normal(size=60)


def target_of(plain, y):
    classifies = plain in (WassersteinLogisticRegression, WassersteinHingeClassifier)
    return np.where(y > 0, "up", "down") if classifies else y


@pytest.mark.parametrize(("chosen", "plain"), PAIRS)
def test_path_fits_are_the_single_fits(data, chosen, plain):
    """Held-out losses of the warm path are those of separate fits, and the rule follows from them."""
    X, numbers = data
    y = target_of(plain, numbers)
    radii = [0.3, 0.01, 0.1]
    model = chosen(radii, cv=3).fit(X, y)
    assert model.radii_.tolist() == [0.01, 0.1, 0.3]
    folds = (StratifiedKFold if y.dtype.kind == "U" else KFold)(3)
    for k, (train, test) in enumerate(folds.split(X, y)):
        for j, radius in enumerate(model.radii_):
            single = plain(radius=radius).fit(X[train], y[train])
            targets = np.where(y == "up", 1.0, -1.0) if y.dtype.kind == "U" else y
            expected = single._losses(X[test], targets[test]).mean()
            assert model.fold_losses_[k, j] == pytest.approx(expected, rel=1e-5)
    means, errors = model.fold_losses_.mean(axis=0), model.fold_losses_.std(axis=0, ddof=1) / np.sqrt(3)
    best = int(np.argmin(means))
    assert model.radius_ == model.radii_[means <= means[best] + errors[best]].max()
    assert chosen(radii, cv=3, selection="best").fit(X, y).radius_ == model.radii_[best]
    whole = plain(radius=model.radius_).fit(X, y)
    assert model.coef_ == pytest.approx(whole.coef_, abs=1e-9)
    assert model.objective_ == model.worst_case_.value
    assert np.array_equal(model.predict(X), whole.predict(X))


@pytest.mark.parametrize(("chosen", "plain"), PAIRS)
def test_default_grid_ends_where_no_slope_is_left(data, chosen, plain):
    X, numbers = data
    y = target_of(plain, numbers)
    model = chosen(4, cv=2).fit(X, y)
    assert len(model.radii_) == 4
    assert model.radii_[-1] == pytest.approx(1000 * model.radii_[0])
    assert not plain(radius=model.radii_[-1] * (1 + 1e-9)).fit(X, y).coef_.any()
    assert plain(radius=0.5 * model.radii_[-1]).fit(X, y).coef_.any()


def test_scorers_and_jobs(data):
    X, numbers = data
    y = target_of(WassersteinLogisticRegression, numbers)
    by_score = WassersteinLogisticRegressionCV([0.01, 0.1], cv=3, scoring="neg_log_loss").fit(X, y)
    by_loss = WassersteinLogisticRegressionCV([0.01, 0.1], cv=3).fit(X, y)
    assert by_score.fold_losses_ == pytest.approx(by_loss.fold_losses_, rel=1e-9)
    weights = np.arange(60) % 2 + 1.0
    weighted = WassersteinLogisticRegressionCV([0.01, 0.1], cv=3, scoring="neg_log_loss").fit(X, y, weights)
    direct = WassersteinLogisticRegressionCV([0.01, 0.1], cv=3).fit(X, y, weights)
    assert weighted.fold_losses_ == pytest.approx(direct.fold_losses_, rel=1e-9)
    by_auc = WassersteinLogisticRegressionCV([0.01, 0.1], cv=3, scoring="roc_auc").fit(X, y)
    assert (by_auc.fold_losses_ <= 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radii": [-0.1, 0.1]}, "`radii` must be >= 0"),
        ({"radii": []}, "`radii` is empty"),
        ({"radii": 1}, "`radii` must be an integer >= 2"),
        ({"selection": "luck"}, "`selection` must be one of"),
        ({"cv": [(np.arange(60), np.arange(0))]}, "weight 0 only"),
    ],
)
def test_bad_settings(data, settings, message):
    X, y = data
    with pytest.raises(InvalidInput, match=message):
        WassersteinLADRegressionCV(**settings).fit(X, y)


def test_a_fold_of_one_class(data):
    X, numbers = data
    y = numbers > 0
    with pytest.raises(InvalidInput, match="one class to learn from"):
        WassersteinLogisticRegressionCV([0.1], cv=[(np.flatnonzero(y), np.flatnonzero(~y))]).fit(X, y)
