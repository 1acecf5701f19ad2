"""The robust objective as a supremum: no law in the ball exceeds it, and constructed laws come near it."""

import copy
import math

import numpy as np
import pytest

from riskstats.wasserstein.cost import Cost
from riskstats.wasserstein.estimators import (
    WassersteinHingeClassifier,
    WassersteinLADRegression,
    WassersteinLinearRegression,
    WassersteinLogisticRegression,
)
from riskstats.wasserstein.margin_losses import Hinge
from riskstats.wasserstein.robust_law import far_atom_law, steepest
from tests.reference.robust_fits import mean_loss, random_problem

ESTIMATORS = {
    "logistic": WassersteinLogisticRegression,
    "hinge": WassersteinHingeClassifier,
    "lad": WassersteinLADRegression,
    "ols": WassersteinLinearRegression,
}
CASES = [
    (loss, norm, label_cost)
    for loss in ESTIMATORS
    for norm in (1, 2, math.inf)
    for label_cost in ((math.inf, 0.5) if loss in ("logistic", "hinge") else (math.inf,))
]


def fitted(rng, loss, norm, label_cost, radius=0.15):
    X, y, weight = random_problem(rng, loss, 25, 3)
    extra = {} if math.isinf(label_cost) else {"label_cost": label_cost}
    model = ESTIMATORS[loss](radius=radius, norm=norm, **extra).fit(X, y, weight)
    return X, y, weight / weight.sum(), model


def line(model):
    return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])


def price(law, X, y, norm, order, label_cost):
    """The transport cost of a law, from where each of its atoms comes from."""
    distance = np.linalg.norm(law.rows - X[law.sources], ord=norm, axis=1) ** order
    flipped = float(law.weights[law.target != y[law.sources]].sum())
    return float(law.weights @ distance) + (label_cost * flipped if flipped > 0 else 0.0)


@pytest.mark.parametrize(("loss", "norm", "label_cost"), CASES)
def test_a_law_in_the_ball_comes_near_the_objective(rng, loss, norm, label_cost):
    X, y, weight, model = fitted(rng, loss, norm, label_cost)
    order = 2 if loss == "ols" else 1
    before = -math.inf
    for share in (1e-1, 1e-3, 1e-5, 1e-7):
        law = model.worst_case_law(X, y, weight, share=share)
        kept = np.bincount(law.sources, law.weights, len(X))
        assert kept == pytest.approx(weight, abs=1e-12)
        assert price(law, X, y, norm, order, label_cost) <= model.budget_ * (1 + 1e-9)
        risk = mean_loss(loss, law.rows, law.target, law.weights, *line(model))
        assert risk == pytest.approx(law.risk, rel=1e-9)
        assert before - 1e-12 <= risk <= model.objective_ * (1 + 1e-9)
        before = risk
    assert before == pytest.approx(model.objective_, rel=1e-5)
    if law.attained:
        assert before == pytest.approx(model.objective_, rel=1e-9)
    assert model.worst_case_.attained == law.attained
    assert model.worst_case_.value == model.objective_


@pytest.mark.parametrize(("loss", "norm", "label_cost"), CASES)
def test_no_law_in_the_ball_exceeds_the_objective(rng, loss, norm, label_cost):
    """Random shifts and flips, scaled to spend the whole budget, on a few atoms or on all."""
    X, y, weight, model = fitted(rng, loss, norm, label_cost)
    order = 2 if loss == "ols" else 1
    slopes, intercept = line(model)
    for trial in range(300):
        moves = rng.normal(size=X.shape) * (rng.random(len(X)) < rng.choice([0.05, 0.5, 1.0]))[:, None]
        if trial % 3 == 0:
            moves = np.multiply.outer(np.ravel(moves[:, 0]), steepest(slopes, norm))
        flips = rng.random(len(X)) < (0.0 if math.isinf(label_cost) else rng.choice([0.0, 0.1, 0.5]))
        spent = label_cost * float(weight[flips].sum()) if flips.any() else 0.0
        if spent > model.budget_:
            continue
        cost = float(weight @ np.linalg.norm(moves, ord=norm, axis=1) ** order)
        scale = ((model.budget_ - spent) / cost) ** (1 / order) if cost > 0 else 0.0
        target = np.where(flips, -y, y)
        risk = mean_loss(loss, X + scale * moves, target, weight, slopes, intercept)
        assert risk <= model.objective_ * (1 + 1e-9)


def test_other_models_are_no_better(rng):
    """`worst_case_risk` of any line is at least the certified bound."""
    for loss in ("logistic", "ols"):
        X, y, weight, model = fitted(rng, loss, 2, math.inf)
        assert model.worst_case_risk(X, y, weight) == pytest.approx(model.objective_, rel=1e-9)
        for _ in range(50):
            other = copy.copy(model)
            other.coef_ = model.coef_ + 0.1 * rng.normal(size=model.coef_.shape)
            other.intercept_ = model.intercept_ + 0.1 * rng.normal()
            assert other.worst_case_risk(X, y, weight) >= model.bound_ * (1 - 1e-12)


def test_attained_or_not(rng):
    """The log loss bends, so it is only approached; absolute error and squared error are attained."""
    attained = {loss: fitted(rng, loss, 2, math.inf)[3].worst_case_.attained for loss in ESTIMATORS}
    assert attained == {"logistic": False, "hinge": True, "lad": True, "ols": True}
    cheap = fitted(rng, "logistic", 2, 0.4, radius=0.05)[3].worst_case_
    assert 0 < cheap.flipped_share <= 0.125 * (1 + 1e-9)
    X, y = np.array([[5.0], [-5.0]]), np.array([1.0, -1.0])
    far = far_atom_law(X, y, np.ones(2), np.ones(1), 0.0, Hinge(), Cost(), 0.1, 1e-6)
    assert not far.attained
    assert far.risk == pytest.approx(0.1, rel=1e-4)


def test_the_risk_speaks(rng):
    model = fitted(rng, "logistic", 2, 0.5, radius=0.05)[3]
    text = str(model.worst_case_)
    assert "log loss" in text
    assert "labels flipped" in text
    assert model.worst_case_.to_dict()["status"] == "OPTIMAL"
    step = 1e-6
    X, y, weight, model = fitted(rng, "lad", 2, math.inf)
    nearby = WassersteinLADRegression(radius=0.15 + step).fit(X, y, weight)
    assert (nearby.objective_ - model.objective_) / step == pytest.approx(model.worst_case_.slope, rel=1e-4)
