"""The radius by cross-validation with the one-standard-error rule; each fit starts from the radius before."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from riskstats._validation import Floats, choice, finite_vector, positive_number, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.estimators import (
    RobustLinearModel,
    WassersteinHingeClassifier,
    WassersteinLADRegression,
    WassersteinLinearRegression,
    WassersteinLogisticRegression,
)
from riskstats.wasserstein.robust_model import RobustModel

__all__ = [
    "WassersteinHingeClassifierCV",
    "WassersteinLADRegressionCV",
    "WassersteinLinearRegressionCV",
    "WassersteinLogisticRegressionCV",
]

_RULES = ("one_standard_error", "best")


class _RadiusByCrossValidation(RobustLinearModel):
    """Chooses the radius on held-out rows, then fits all rows at it."""

    _plain: type[Any]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Choose the radius and fit.

        X, y, sample_weight : as in the estimator of one radius; weights count in the held-out losses too.
        """
        rule = choice(self.selection, _RULES, "selection")
        rows, target, weight = self._data(X, y, sample_weight)
        self.radii_ = self._grid(rows, target, weight)
        folds = list(check_cv(self.cv, y, classifier=is_classifier(self)).split(rows, y))
        self.fold_losses_ = self._held_out(
            rows, np.asarray(y).reshape(-1), target, weight, folds, sample_weight
        )
        self.mean_losses_ = self.fold_losses_.mean(axis=0)
        spread = self.fold_losses_.std(axis=0, ddof=1) if len(folds) > 1 else np.zeros(len(self.radii_))
        self.loss_errors_ = spread / math.sqrt(len(folds))
        chosen = _chosen(self.mean_losses_, self.loss_errors_, rule)
        self.estimator_ = self._at(float(self.radii_[chosen])).fit(rows, y, sample_weight)
        for name in _LEARNED:
            setattr(self, name, getattr(self.estimator_, name))
        return self

    def _at(self, radius: float | None) -> Any:
        """The estimator of one radius with the same settings."""
        own = self.get_params(deep=False)
        shared = {name: own[name] for name in self._plain().get_params(deep=False) if name in own}
        return self._plain(radius=radius, **shared)

    def _grid(self, rows: Floats, target: Floats, weight: Floats) -> Floats:
        """The radii, increasing: those given, or a geometric grid up to the one that leaves no slopes."""
        if isinstance(self.radii, (int, np.integer)) and not isinstance(self.radii, bool):
            count = whole_number(self.radii, "radii", low=2)
            largest = self._model(rows, target, weight).largest_radius() or 1.0
            return np.asarray(largest * np.logspace(-3, 0, count))
        radii = np.unique(finite_vector(self.radii, "radii"))
        if radii[0] < 0:
            raise InvalidInput(f"`radii` must be >= 0; got {radii[0]:g}.")
        return radii

    def _held_out(
        self, rows: Floats, y: np.ndarray, target: Floats, weight: Floats, folds: Any, sample_weight: Any
    ) -> Floats:
        """(folds, radii) held-out losses."""
        from joblib import Parallel, delayed

        if not folds:
            raise InvalidInput("`cv` gave no fold. Pass a number of folds >= 2.")
        weighted = sample_weight is not None
        work = (
            delayed(_path)(self, rows, y, target, weight, train, test, self.radii_, weighted)
            for train, test in folds
        )
        return np.array(Parallel(n_jobs=self.n_jobs)(work))


_LEARNED = (
    "coef_",
    "intercept_",
    "objective_",
    "bound_",
    "duality_gap_",
    "status_",
    "radius_",
    "budget_",
    "n_iter_",
    "worst_case_",
)


def _path(
    owner: _RadiusByCrossValidation,
    rows: Floats,
    y: np.ndarray,
    target: Floats,
    weight: Floats,
    train: Any,
    test: Any,
    radii: Floats,
    weighted: bool,
) -> list[float]:
    """Held-out losses of one fold; the largest radius is fitted first, and each fit starts the next."""
    if owner._loss is not None and owner._loss.classifies:
        _check_both_classes(target[train], weight[train])
    if not weight[test].any():
        raise InvalidInput("a fold holds out rows of weight 0 only. Choose other folds in `cv`.")
    model: RobustModel = owner._model(rows[train], target[train], weight[train])
    fitted, start, losses = owner._at(None), None, []
    if hasattr(owner, "classes_"):
        fitted.classes_ = owner.classes_
    fitted.n_features_in_ = rows.shape[1]
    score = None if owner.scoring is None else check_scoring(fitted, scoring=owner.scoring)
    gap = positive_number(owner.gap, "gap")
    for radius in radii[::-1]:
        fit = model.fit(float(radius), gap=gap, deadline=owner._deadline(), start=start)
        start = fit.theta
        fitted._set_line(*model.coefficients(fit.theta))
        if score is None:
            losses.append(float(np.average(fitted._losses(rows[test], target[test]), weights=weight[test])))
        else:
            extra = {"sample_weight": weight[test]} if weighted else {}
            losses.append(-float(score(fitted, rows[test], y[test], **extra)))
    return losses[::-1]


def _check_both_classes(target: Floats, weight: Floats) -> None:
    if not (weight[target > 0].any() and weight[target < 0].any()):
        raise InvalidInput(
            "a fold leaves one class to learn from. Pass fewer folds in `cv`, or stratified ones."
        )


def _chosen(means: Floats, errors: Floats, rule: str) -> int:
    """The radius of the smallest mean loss, or the largest within one standard error of it."""
    best = int(np.argmin(means))
    if rule == "best":
        return best
    return int(np.flatnonzero(means <= means[best] + errors[best]).max())


class _ClassifierCV(_RadiusByCrossValidation):
    def __init__(
        self,
        radii: Any = 10,
        *,
        norm: float = 2,
        label_cost: float = math.inf,
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "one_standard_error",
        gap: float = 1e-8,
        time_limit: float | None = None,
        device: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.radii = radii
        self.norm = norm
        self.label_cost = label_cost
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.gap = gap
        self.time_limit = time_limit
        self.device = device
        self.n_jobs = n_jobs


class WassersteinLogisticRegressionCV(_ClassifierCV, WassersteinLogisticRegression):
    """`WassersteinLogisticRegression` with its radius chosen by cross-validation.

    Parameters
    ----------
    radii : (k,) radii to try, >= 0, or how many: a geometric grid from a thousandth of the smallest radius
        that leaves no slopes up to it.
    norm, label_cost, fit_intercept, gap, time_limit (of one fit), device : as there.
    cv : folds as in scikit-learn, None for 5. scoring : a scorer, larger is better; None is the mean loss
        that the estimator minimises.
    selection : "one_standard_error", the largest radius whose mean held-out loss is within one standard error
        of the smallest; "best", the smallest loss. n_jobs : folds at a time.

    Attributes
    ----------
    radii_ : (k,) increasing. fold_losses_ : (folds, k) held-out losses, minus the score where `scoring` is
        given.
    mean_losses_, loss_errors_ : (k,) means over folds and their standard errors.
    radius_ : the chosen one. estimator_ : the fit of all rows at it, whose attributes are repeated here.
    """

    _plain = WassersteinLogisticRegression


class WassersteinHingeClassifierCV(_ClassifierCV, WassersteinHingeClassifier):
    """`WassersteinHingeClassifier` with its radius chosen by cross-validation.

    Parameters and attributes as in `WassersteinLogisticRegressionCV`.
    """

    _plain = WassersteinHingeClassifier


class WassersteinLADRegressionCV(_RadiusByCrossValidation, WassersteinLADRegression):
    """`WassersteinLADRegression` with its radius chosen by cross-validation.

    Parameters and attributes as in `WassersteinLogisticRegressionCV`, without `label_cost`.
    """

    _plain = WassersteinLADRegression

    def __init__(
        self,
        radii: Any = 10,
        *,
        norm: float = 2,
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "one_standard_error",
        gap: float = 1e-8,
        time_limit: float | None = None,
        device: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.radii = radii
        self.norm = norm
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.gap = gap
        self.time_limit = time_limit
        self.device = device
        self.n_jobs = n_jobs


class WassersteinLinearRegressionCV(_RadiusByCrossValidation, WassersteinLinearRegression):
    """`WassersteinLinearRegression` with its radius chosen by cross-validation.

    Parameters and attributes as in `WassersteinLogisticRegressionCV`, without `label_cost` and `device`.
    """

    _plain = WassersteinLinearRegression

    def __init__(
        self,
        radii: Any = 10,
        *,
        norm: float = 2,
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "one_standard_error",
        gap: float = 1e-8,
        time_limit: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.radii = radii
        self.norm = norm
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.gap = gap
        self.time_limit = time_limit
        self.n_jobs = n_jobs
