"""The loss by which refits are judged: the estimator's own objective where it is known, else its training
loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats, sample_weights
from riskstats.exceptions import InvalidInput

__all__ = ["RefitLoss", "refit_loss"]


@dataclass(frozen=True, eq=False)
class RefitLoss:
    """of : fitted model -> loss on the rows of `fit`. predict : (model, rows) -> predictions. The rest are
    stamps.

    classes : of a classifier, else None. sample_weight : (n,), or None where none were passed.
    """

    of: Callable[[Any], float]
    predict: Callable[[Any, Any], Floats]
    name: str
    scale: str
    classes: np.ndarray | None
    sample_weight: Floats | None


def refit_loss(estimator: Any, X: Any, y: Any, sample_weight: Any, problem: Any) -> RefitLoss:
    """The loss of models like `estimator` on these rows.

    problem : the `ConvexProblem` of the estimator, where it has one; then the loss is its objective.
    """
    from sklearn.base import is_regressor

    labels = np.asarray(y).reshape(-1)
    weights = sample_weights(sample_weight, len(labels))
    passed = None if sample_weight is None else weights
    predict: Callable[[Any, Any], Floats]
    if is_regressor(estimator):
        name, of = "mean squared error / 2", _squared(X, labels, weights)
        classes, scale = None, "response"
        predict = _predictions
    else:
        if not hasattr(estimator, "predict_proba"):
            raise InvalidInput(
                f"{type(estimator).__name__} has no `predict_proba`. Wrap it in `CalibratedClassifierCV`."
            )
        classes, codes = np.unique(labels, return_inverse=True)
        name, of, scale = "mean log loss", _log_loss(X, codes, weights), "probability"
        predict = _probabilities(len(classes))
    if problem is not None:
        name, of = "own objective, penalty included", _objective(problem)
    return RefitLoss(of, predict, name, scale, classes, passed)


def _log_loss(X: Any, codes: np.ndarray, weights: Floats) -> Callable[[Any], float]:
    tiny = float(np.finfo(np.float64).tiny)

    def of(model: Any) -> float:
        chance = np.asarray(model.predict_proba(X), dtype=np.float64)[np.arange(len(codes)), codes]
        return float(-(weights @ np.log(np.maximum(chance, tiny))) / weights.sum())

    return of


def _squared(X: Any, y: Floats, weights: Floats) -> Callable[[Any], float]:
    def of(model: Any) -> float:
        residual = np.asarray(model.predict(X), dtype=np.float64).reshape(-1) - y
        return float(0.5 * (weights @ residual**2) / weights.sum())

    return of


def _objective(problem: Any) -> Callable[[Any], float]:
    def of(model: Any) -> float:
        last = model[-1] if hasattr(model, "steps") else model
        theta = np.ravel(last.coef_)
        if problem.intercept:
            theta = np.concatenate([np.ravel(last.intercept_), theta])
        return float(problem.objective(theta))

    return of


def _predictions(model: Any, X: Any) -> Floats:
    return np.asarray(model.predict(X), dtype=np.float64).reshape(-1)


def _probabilities(classes: int) -> Callable[[Any, Any], Floats]:
    def predict(model: Any, X: Any) -> Floats:
        chances = np.asarray(model.predict_proba(X), dtype=np.float64)
        return chances[:, 1] if classes == 2 else chances

    return predict
