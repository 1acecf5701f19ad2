"""The convex objective of a scikit-learn estimator, and the estimator of its minimiser.

    LogisticRegression    mean log loss + ||w||^2 / (2 C sum of weights)
    Ridge                 mean squared error / 2 + alpha ||w||^2 / (2 sum of weights)
    LinearRegression      mean squared error / 2

Weights include those of the classes; the intercept is free. A pipeline has the objective of its last step, on
what its fitted transformers make of the rows.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.smooth_losses import LogisticLoss, SquaredLoss
from riskstats.multiplicity.targets import Sample

__all__ = ["check_supported", "convex_problem", "is_convex", "last_step", "set_coefficients"]


def last_step(estimator: Any) -> Any:
    """The last step of a pipeline; any other estimator itself."""
    from sklearn.pipeline import Pipeline

    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def is_convex(estimator: Any) -> bool:
    """Whether `estimator`, or the last step of a pipeline, is of a kind with a convex objective."""
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

    return type(last_step(estimator)) in (LogisticRegression, Ridge, LinearRegression)


def convex_problem(estimator: Any, X: Floats, sample: Sample) -> ConvexProblem:
    """The objective that `estimator` minimises on rows X, as it stands; settings as `check_supported`.

    Rows of weight 0 are left out: far ones would shorten the steps of the search.
    """
    settings = estimator.get_params(deep=False)
    if sample.classes is None:
        loss: Any = SquaredLoss()
        target, weights = sample.y, sample.weights
        penalty = float(settings.get("alpha", 0.0)) / math.fsum(weights)
    else:
        loss = LogisticLoss()
        target, weights = sample.two_classes(settings["class_weight"])
        free = settings.get("penalty") is None or math.isinf(settings["C"])
        penalty = 0.0 if free else 1.0 / (settings["C"] * math.fsum(weights))
    used = weights > 0.0
    return ConvexProblem.of(
        X[used],
        target[used],
        sample_weight=weights[used],
        penalty=penalty,
        loss=loss,
        intercept=bool(settings["fit_intercept"]),
    )


def check_supported(estimator: Any) -> None:
    """`InvalidInput` for settings whose objective is no ridge penalty with a free intercept."""
    settings = estimator.get_params(deep=False)
    wrong = {
        "l1_ratio": settings.get("l1_ratio") not in (None, 0, 0.0),
        "penalty": settings.get("penalty", "l2") not in ("l2", None, "deprecated"),
        "solver": settings.get("solver") == "liblinear",
        "positive": bool(settings.get("positive", False)),
    }
    for setting in (name for name, bad in wrong.items() if bad):
        raise InvalidInput(
            f"exact ranges exist for the ridge penalty, or none, with a free intercept; got "
            f"{type(estimator).__name__}({setting}={settings[setting]!r}). Change it, or pass "
            "`refits=Refits(...)` for an inner range."
        )
    inverse, factor = settings.get("C", 1.0), settings.get("alpha", 0.0)
    if not (_is_number(inverse) and inverse > 0):
        raise InvalidInput(f"`C` must be a number > 0; got {inverse!r}.")
    if not (_is_number(factor) and 0 <= factor < math.inf):
        raise InvalidInput(f"`alpha` must be one number >= 0; got {factor!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def set_coefficients(
    estimator: Any,
    theta: Floats,
    columns: int,
    names: np.ndarray | None,
    classes: np.ndarray | None,
    steps: int,
) -> None:
    """Make `estimator` the fitted one with these coefficients, the intercept first where it has one."""
    intercept, coefficients = (theta[0], theta[1:]) if estimator.fit_intercept else (0.0, theta)
    estimator.n_features_in_ = columns
    if names is not None:
        estimator.feature_names_in_ = names
    if classes is None:
        estimator.coef_, estimator.intercept_ = coefficients.copy(), float(intercept)
        return
    estimator.classes_ = classes
    estimator.coef_, estimator.intercept_ = coefficients[np.newaxis].copy(), np.array([float(intercept)])
    estimator.n_iter_ = np.array([steps], dtype=np.int32)
