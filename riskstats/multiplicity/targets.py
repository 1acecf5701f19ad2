"""Rows, targets and weights of `RashomonSet` at the gate."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._validation import Floats, binary_target, finite_vector, sample_weights
from riskstats.exceptions import InvalidInput

__all__ = ["class_target", "finite_rows", "number_target"]


def class_target(y: Any, sample_weight: Any, class_weight: Any) -> tuple[Floats, Floats, np.ndarray]:
    """(-1 or +1, weights, classes) of two classes that both carry weight; class weights are multiplied in."""
    labels = np.asarray(y)
    if y is not None and labels.ndim == 1 and labels.dtype.kind in "iuUSOb":
        count = len({*labels.tolist()})
        if count > 2:
            raise InvalidInput(
                f"Exact ranges need two classes; got {count}. Use `refits=Refits(...)` for an inner "
                "range. Only binary classification is supported."
            )
    target, classes = binary_target(y)
    weights = sample_weights(sample_weight, len(target))
    for code, label in enumerate(classes):
        if not weights[target == code].any():
            raise InvalidInput(
                f"`y` holds one class ({classes[1 - code]}) with positive weight; two are needed, or the "
                f"intercept is unbounded. Give rows of class {label} weight."
            )
    factors = _class_factors(target, weights, classes, class_weight)
    return np.asarray(2.0 * target - 1.0), np.asarray(weights * factors), np.array(classes)


def _class_factors(target: np.ndarray, weights: Floats, classes: tuple[Any, Any], class_weight: Any) -> Any:
    if class_weight is None:
        return 1.0
    if isinstance(class_weight, str) and class_weight == "balanced":
        total = np.array([weights[target == code].sum() for code in (0, 1)])
        return (weights.sum() / (2.0 * total))[target]
    if not isinstance(class_weight, dict):
        raise InvalidInput(f"`class_weight` must be None, 'balanced' or a dict; got {class_weight!r}.")
    return np.array([float(class_weight.get(label, 1.0)) for label in classes])[target]


def number_target(y: Any) -> Floats:
    """A column of finite numbers."""
    if y is None:
        raise InvalidInput("a regression requires y to be passed, but the target y is None.")
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    return finite_vector(values, "y")


def finite_rows(X: Any) -> Floats:
    """`X` in float64 without NaN or infinite values."""
    X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    bad = ~np.isfinite(X)
    if bad.any():
        row, column = (int(place) for place in np.argwhere(bad)[0])
        raise InvalidInput(
            f"`X` has {int(bad.sum())} non-finite values (NaN or infinity, inf), first at row {row}, column "
            f"{column}. Impute or drop them."
        )
    return X
