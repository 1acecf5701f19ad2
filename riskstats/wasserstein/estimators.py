"""Linear models with the smallest worst-case risk over a Wasserstein ball, as scikit-learn estimators."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats._validation import (
    Floats,
    binary_target,
    finite_rows,
    number_target,
    positive_number,
    same_length,
    sample_weights,
    time_limit,
    weighted_classes,
)
from riskstats.exceptions import AssumptionWarning, InvalidInput, NotConverged, StoppedEarly
from riskstats.losses import sigmoid
from riskstats.results import Status
from riskstats.wasserstein.cost import Cost, dual_norm, radius_and_budget, vector_norm
from riskstats.wasserstein.margin_losses import Absolute, Hinge, Logistic, MarginLoss
from riskstats.wasserstein.robust_fit import RobustFit
from riskstats.wasserstein.robust_law import (
    RobustLaw,
    RobustRisk,
    far_atom_law,
    flip_plan,
    is_attained,
    left_to_move,
    shifted_law,
)
from riskstats.wasserstein.robust_model import LeastSquaresModel, MarginModel, RobustModel

__all__ = [
    "RobustLinearModel",
    "WassersteinHingeClassifier",
    "WassersteinLADRegression",
    "WassersteinLinearRegression",
    "WassersteinLogisticRegression",
]


class RobustLinearModel(BaseEstimator):
    """What the estimators share: gates, the certified fit, and the worst law.

    `_loss` is a `MarginLoss`, or None for squared error; `_order` the order of the ball.
    """

    _loss: MarginLoss | None = None
    _order = 1

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Minimise the worst-case risk and certify the minimum.

        Parameters
        ----------
        X : (n, d) finite numbers. y : (n,) labels of two classes, or numbers. sample_weight : (n,) >= 0; a
            weight of 2 is the same as the row twice.

        `InvalidInput` (a `ValueError`) for data and parameters that cannot be used; `StoppedEarly` is warned,
        with the gap, where the gap asked for was not reached.
        """
        radius, budget = radius_and_budget(self.radius, self.budget, self._order)
        X, target, weight = self._data(X, y, sample_weight)
        model = self._model(X, target, weight)
        if self._loss is not None and self._loss.classifies and self._cost.label_cost <= 2.0 * radius:
            _warn_coin(self._cost.label_cost, radius, self._loss)
        fit = model.fit(radius, gap=positive_number(self.gap, "gap"), deadline=self._deadline())
        self._learn(model, fit, radius, budget)
        self.worst_case_ = self._risk(X, target, weight, model.slope(fit, radius))
        return self

    def worst_case_risk(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the worst mean loss of the fitted model over the ball of its radius around these rows."""
        X, target, weight = self._data(X, y, sample_weight, reset=False)
        if self._loss is None:
            return self._law(X, target, weight, 1.0).risk
        model = self._model(X, target, weight)
        theta = model.data.theta(*self._line())
        problem = model.problem.at(self.radius_)
        return problem.objective(theta[: problem.rows.p])

    def worst_case_law(self, X: Any, y: Any, sample_weight: Any = None, *, share: float = 1e-6) -> RobustLaw:
        """Return a law in the ball around these rows on which the fitted model has its worst risk, or nearly.

        share : mass that may be moved far where the worst risk is only approached; the smaller, the nearer.
        """
        X, target, weight = self._data(X, y, sample_weight, reset=False)
        return self._law(X, target, weight, positive_number(share, "share"))

    # ---- gates

    def _checked(self, X: Any, y: Any = None, reset: bool = True) -> Floats:
        X = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=1
        )
        return finite_rows(X)

    def _data(self, X: Any, y: Any, sample_weight: Any, reset: bool = True) -> tuple[Floats, Floats, Floats]:
        """(rows, -1/+1 or numbers, weights); learns the classes where `reset`."""
        if not reset:
            check_is_fitted(self)
        X = self._checked(X, y, reset)
        if self._loss is None or not self._loss.classifies:
            target = number_target(y)
            same_length(X=X, y=target)
            return X, target, sample_weights(sample_weight, len(X))
        if not reset:
            return X, self._known_labels(y, len(X)), sample_weights(sample_weight, len(X))
        codes, classes = binary_target(y)
        same_length(X=X, y=codes)
        weight = sample_weights(sample_weight, len(X))
        weighted_classes(codes, weight, classes)
        self.classes_ = np.array(classes)
        return X, np.asarray(2.0 * codes - 1.0), weight

    def _known_labels(self, y: Any, n: int) -> Floats:
        labels = np.asarray(y).reshape(-1)
        same_length(X=range(n), y=labels)
        positive, negative = labels == self.classes_[1], labels == self.classes_[0]
        if not (positive | negative).all():
            raise InvalidInput(
                f"`y` holds labels that were not fitted; expected {self.classes_.tolist()}, got "
                f"{labels[~(positive | negative)][0]!r}."
            )
        return np.where(positive, 1.0, -1.0)

    @property
    def _cost(self) -> Cost:
        return Cost(norm=self.norm, label_cost=getattr(self, "label_cost", math.inf))

    def _model(self, X: Floats, target: Floats, weight: Floats) -> Any:
        intercept = bool(self.fit_intercept)
        if self._loss is None:
            return LeastSquaresModel.of(X, target, weight, self._cost, intercept=intercept)
        return MarginModel.of(
            X, target, weight, self._loss, self._cost, intercept=intercept, device=self.device
        )

    def _deadline(self) -> float:
        return time.monotonic() + time_limit(self.time_limit)

    # ---- answers

    def _learn(self, model: RobustModel, fit: RobustFit, radius: float, budget: float) -> None:
        if not (math.isfinite(fit.value) and np.isfinite(fit.theta).all()):
            raise NotConverged(f"the fit ended with the value {fit.value}. Scale the columns of `X`.")
        if fit.status is not Status.OPTIMAL:
            warnings.warn(
                f"stopped with a gap of {fit.excess:.2g} (asked for {fit.allowed:.2g}) at objective "
                f"{fit.value:.6g}. Allow more time or a larger `gap`, or scale the columns of `X`.",
                StoppedEarly,
                stacklevel=3,
            )
        slopes, intercept = model.coefficients(fit.theta)
        self._set_line(slopes, intercept)
        self.objective_, self.bound_, self.duality_gap_ = fit.value, fit.bound, fit.excess
        self.radius_, self.budget_, self.status_ = radius, budget, fit.status
        self.n_iter_ = fit.steps

    def _set_line(self, slopes: Floats, intercept: float) -> None:
        classifies = self._loss is not None and self._loss.classifies
        self.coef_ = slopes[np.newaxis] if classifies else slopes
        self.intercept_: Any = np.array([intercept]) if classifies else intercept

    def _line(self) -> tuple[Floats, float]:
        return np.ravel(self.coef_), float(np.ravel(self.intercept_)[0])

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        slopes, intercept = self._line()
        return np.asarray(self._checked(X, reset=False) @ slopes + intercept)

    def _margins(self, X: Floats, target: Floats) -> Floats:
        """(n,) signed margins of the fitted line, or residuals."""
        slopes, intercept = self._line()
        scores = X @ slopes + intercept
        classifies = self._loss is not None and self._loss.classifies
        return np.asarray(target * scores if classifies else scores - target)

    def _losses(self, X: Floats, target: Floats) -> Floats:
        """(n,) losses of the fitted line at checked rows."""
        u = self._margins(X, target)
        return np.asarray(u**2 if self._loss is None else self._loss.value(u))

    def _law(self, X: Floats, target: Floats, weight: Floats, share: float) -> RobustLaw:
        slopes, intercept = self._line()
        if self._loss is None:
            return shifted_law(X, target, weight, slopes, intercept, self._cost, self.radius_)
        return far_atom_law(X, target, weight, slopes, intercept, self._loss, self._cost, self.radius_, share)

    def _risk(self, X: Floats, target: Floats, weight: Floats, slope: float) -> RobustRisk:
        u, mass, cost, loss = self._margins(X, target), weight / weight.sum(), self._cost, self._loss
        flipped, attained = 0.0, True
        if loss is not None:
            length = float(vector_norm(self._line()[0], dual_norm(cost.norm)))
            plan = flip_plan(u, mass, loss, cost.label_cost, length, self.radius_)
            left = left_to_move(plan, cost.label_cost, length, self.radius_)
            flipped, attained = plan.mass, is_attained(u[mass > 0], loss, plan, left)
        return RobustRisk(
            loss="mean squared error" if loss is None else loss.name,
            value=self.objective_,
            bound=self.bound_,
            status=self.status_,
            mean_loss=float(mass @ (u**2 if loss is None else loss.value(u))),
            slope=slope,
            attained=attained,
            flipped_share=flipped,
            order=self._order,
            radius=self.radius_,
            budget=self.budget_,
            norm=cost.norm,
            label_cost=cost.label_cost,
        )


def _warn_coin(label_cost: float, radius: float, loss: MarginLoss) -> None:
    value = "log 2" if loss.smooth else "1"
    warnings.warn(
        f"`label_cost` {label_cost:g} is at most twice the radius {radius:g}: half of the labels can flip; "
        f"no model beats the coin, with slopes 0 and risk {value}. Raise `label_cost` or lower the radius.",
        AssumptionWarning,
        stacklevel=3,
    )


class _RobustClassifier(ClassifierMixin, RobustLinearModel):
    def __init__(
        self,
        radius: float | None = None,
        budget: float | None = None,
        *,
        norm: float = 2,
        label_cost: float = math.inf,
        fit_intercept: bool = True,
        gap: float = 1e-8,
        time_limit: float | None = None,
        device: str = "auto",
    ) -> None:
        self.radius = radius
        self.budget = budget
        self.norm = norm
        self.label_cost = label_cost
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.time_limit = time_limit
        self.device = device

    def decision_function(self, X: Any) -> Floats:
        """Return ``x'b + c``, (n,); positive for ``classes_[1]``."""
        return self._scores(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every row."""
        positive = self._scores(X) > 0
        return self.classes_[positive.astype(np.int64)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class _RobustRegressor(RegressorMixin, RobustLinearModel):
    def predict(self, X: Any) -> Floats:
        """Return ``x'b + c``, (n,)."""
        return self._scores(X)


class WassersteinLogisticRegression(_RobustClassifier):
    """Logistic regression whose worst mean log loss over a Wasserstein ball of order 1 is smallest.

        labels fixed        min  mean log(1 + exp(-y (x'b + c))) + radius ||b||_*
        labels at a price   min  radius l + mean s_i,   l >= ||b||_*,   s_i >= loss of the label given,
                            s_i >= loss of the other label - l label_cost

    ||.||_* is the dual norm (2 for 2, inf for 1, 1 for inf), and the intercept is not penalised. The worst
    loss is approached by laws that move a small mass far, not attained, unless flipped labels use up the
    budget.

    Parameters
    ----------
    radius, budget : exactly one, >= 0; the transport distance, of order 1 equal to the budget. At 0 the
        unpenalised fit.
    norm : 1, 2 or inf, of a shift of x.
    label_cost : what flipping a label costs, > 0, in units of a shift of x; inf keeps labels fixed. At most
        twice the radius the best model is the coin (warned about).
    fit_intercept : whether c is fitted. gap : relative duality gap to reach.
    time_limit : seconds; None for no limit. device : "auto", "numpy", "cpu" or "gpu" for products with X.

    Attributes
    ----------
    coef_ : (1, d). intercept_ : (1,). classes_ : any two labels, in sorted order.
    objective_ : the worst mean log loss, in nats. bound_ : what no model beats. duality_gap_ : their
        difference, recomputed from a dual point; `gap` is relative to the objective, or to a millionth of
        that of the constant model if more. status_ : `OPTIMAL` within it.
    worst_case_ : a `RobustRisk`: whether the worst is attained, mass of labels flipped, risk per unit radius.
    radius_, budget_, n_iter_, n_features_in_, feature_names_in_.

    `InvalidInput`: both or neither of radius and budget; labels not of two classes; at radius 0, classes
    that a linear rule separates.

    Source: Shafieezadeh-Abadeh, Mohajerin Esfahani and Kuhn, "Distributionally Robust Logistic Regression",
    NeurIPS 2015.
    """

    _loss = Logistic()

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of ``classes_``, (n, 2)."""
        scores = self._scores(X)
        return np.stack([sigmoid(-scores), sigmoid(scores)], axis=1)

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithms of `predict_proba`, accurate in both tails."""
        scores = self._scores(X)
        loss = Logistic()
        return np.stack([-loss.value(-scores), -loss.value(scores)], axis=1)


class WassersteinHingeClassifier(_RobustClassifier):
    """A linear classifier whose worst mean hinge loss over a Wasserstein ball of order 1 is smallest.

    As `WassersteinLogisticRegression` with ``max(0, 1 - y (x'b + c))``: a support vector machine whose
    penalty is ``radius ||b||_*``. The worst loss is attained by moving one atom far, as long as some atom has
    a margin of at most 1. At `label_cost` <= 2 radius the best model is the coin, with risk 1.

    Parameters and attributes as there; no probabilities.
    """

    _loss = Hinge()


class WassersteinLADRegression(_RobustRegressor):
    """Regression whose worst mean absolute error over a Wasserstein ball of order 1 is smallest.

        min  mean |y - x'b - c| + radius ||b||_*            only x moves

    Attained: one atom moves far against its residual.

    Parameters
    ----------
    radius, budget, norm, fit_intercept, gap, time_limit, device : as in `WassersteinLogisticRegression`.

    Attributes
    ----------
    coef_ : (d,). intercept_ : a number. objective_ : the worst mean absolute error, in units of y.
    bound_, duality_gap_, status_, worst_case_, radius_, budget_, n_iter_ : as there.

    Source: Shafieezadeh-Abadeh, Kuhn and Mohajerin Esfahani, "Regularization via Mass Transportation",
    Journal of Machine Learning Research 20 (2019).
    """

    _loss = Absolute()

    def __init__(
        self,
        radius: float | None = None,
        budget: float | None = None,
        *,
        norm: float = 2,
        fit_intercept: bool = True,
        gap: float = 1e-8,
        time_limit: float | None = None,
        device: str = "auto",
    ) -> None:
        self.radius = radius
        self.budget = budget
        self.norm = norm
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.time_limit = time_limit
        self.device = device


class WassersteinLinearRegression(_RobustRegressor):
    """Least squares whose worst mean squared error over a Wasserstein ball of order 2 is smallest.

        min  ( sqrt(mean (y - x'b - c)^2) + radius ||b||_* )^2            only x moves

    Attained: every x moves against its residual, in proportion to it.

    Parameters
    ----------
    radius, budget : exactly one; budget = radius^2.
    norm, fit_intercept, gap, time_limit : as in `WassersteinLogisticRegression`.

    Attributes
    ----------
    coef_ : (d,). intercept_ : a number. objective_ : the worst mean squared error, in units of y^2.
    bound_, duality_gap_, status_, worst_case_, radius_, budget_, n_iter_ : as there.

    Source: Blanchet, Kang and Murthy, "Robust Wasserstein profile inference and applications to machine
    learning", Journal of Applied Probability 56 (2019).
    """

    _loss = None
    _order = 2

    def __init__(
        self,
        radius: float | None = None,
        budget: float | None = None,
        *,
        norm: float = 2,
        fit_intercept: bool = True,
        gap: float = 1e-8,
        time_limit: float | None = None,
    ) -> None:
        self.radius = radius
        self.budget = budget
        self.norm = norm
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.time_limit = time_limit
