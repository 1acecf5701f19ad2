"""Rows, targets and weights of `RashomonSet` at the gate."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import (
    Floats,
    Integers,
    class_labels,
    number_target,
    positive_number,
    same_length,
    sample_weights,
)
from riskstats.exceptions import InvalidInput

__all__ = ["Sample", "checked_sample", "indexed"]


@dataclass(frozen=True, eq=False)
class Sample:
    """What a set is fitted on, apart from the rows.

    y : (n,) labels, or numbers for a regressor. codes : (n,) positions of the labels among `classes`; both
    None for a regressor. weights : (n,), one each where none were passed. weighted : whether they were.
    """

    y: np.ndarray
    weights: Floats
    weighted: bool
    classes: np.ndarray | None = None
    codes: Integers | None = None

    def __len__(self) -> int:
        return len(self.y)

    def two_classes(self, class_weight: Any) -> tuple[Floats, Floats]:
        """(-1 or +1, weights with those of the classes multiplied in); `InvalidInput` for more classes."""
        assert self.classes is not None
        assert self.codes is not None
        if len(self.classes) > 2:
            raise InvalidInput(
                f"Exact ranges need two classes; got {len(self.classes)}. Use `refits=Refits(...)` for an "
                "inner range. Only binary classification is supported."
            )
        sums = np.bincount(self.codes, self.weights, 2).astype(np.float64)
        factors = _class_factors(self.classes.tolist(), sums, class_weight)
        return np.asarray(2.0 * self.codes - 1.0), np.asarray(self.weights * factors[self.codes])


def checked_sample(X: Any, y: Any, sample_weight: Any, *, classify: bool) -> Sample:
    """The target and the weights of rows X, of one length with them; every class has positive weight."""
    rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if rows < 2:
        raise InvalidInput(f"`X` has {rows} sample{'' if rows == 1 else 's'}; two or more are needed.")
    if y is None:
        raise InvalidInput("RashomonSet requires y to be passed, but the target y is None.")
    target = class_labels(y) if classify else number_target(y)
    same_length(X=range(rows), y=target)
    weights = sample_weights(sample_weight, rows)
    if not classify:
        return Sample(target, weights, sample_weight is not None)
    classes, codes = _classes(target)
    _check_weighted(classes, np.bincount(codes[weights > 0], minlength=len(classes)))
    return Sample(target, weights, sample_weight is not None, classes, codes)


def _classes(labels: np.ndarray) -> tuple[np.ndarray, Integers]:
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise InvalidInput(
            "`y` mixes types that have no order. Make every label text, or every one a number."
        ) from error
    if len(classes) > 2 and classes.dtype.kind == "f" and (classes != np.floor(classes)).any():
        raise InvalidInput(
            f"`y` is continuous: {len(classes)} numbers where classes are needed. Unknown label type: "
            "continuous. Pass labels, or a regressor as `estimator`."
        )
    return classes, codes.reshape(-1).astype(np.int64)


def _check_weighted(classes: np.ndarray, rows: Integers) -> None:
    """Refuse one class, and classes of weight 0."""
    there = classes[rows > 0]
    if len(there) == 1:
        absent = classes[rows == 0]
        remedy = f"Give rows of class {absent[0]} weight." if len(absent) else "Add rows of another class."
        raise InvalidInput(
            f"`y` holds one class ({there[0]}) with positive weight; two are needed, or the intercept is "
            f"unbounded. {remedy}"
        )
    if len(there) < len(classes):
        raise InvalidInput(f"every row of class {classes[rows == 0][0]} has weight 0. Drop its rows.")


def _class_factors(classes: list[Any], sums: Floats, class_weight: Any) -> Floats:
    """The weight of the negative and of the positive class, as scikit-learn reads `class_weight`.

    sums : (2,) of the weights of their rows.
    """
    if class_weight is None:
        return np.ones(2)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return np.asarray(sums.sum() / (2.0 * sums))
    if not isinstance(class_weight, dict):
        raise InvalidInput(f"`class_weight` must be None, 'balanced' or a dict; got {class_weight!r}.")
    known = [label for label in classes if label in class_weight]
    if len(known) < min(len(class_weight), 2):
        wrong = next(label for label in class_weight if label not in classes)
        raise InvalidInput(f"`class_weight` names {wrong!r}, which is not a class of `y`: {classes}.")
    factors = [class_weight.get(label, 1.0) for label in classes]
    return np.array([positive_number(factor, "class_weight") for factor in factors])


def indexed(X: Any) -> Any:
    """`X` as it is where its rows can be picked, else as an array; one row of numbers alone is refused."""
    from sklearn.utils import indexable

    if hasattr(X, "tocsr"):
        return indexable(X)[0]
    frame = hasattr(X, "columns") or hasattr(X, "iloc")
    if not frame and not hasattr(X, "shape") and not isinstance(X, (list, tuple)):
        X = np.asarray(X)
    if not frame and _one_row(X):
        raise InvalidInput(
            f"Expected 2D array, got 1D array of shape ({len(X)},) instead. Reshape your data: "
            "`X.reshape(1, -1)` if it is one row, `X.reshape(-1, 1)` if it is one column."
        )
    return X


def _one_row(X: Any) -> bool:
    if isinstance(X, (list, tuple)):
        return len(X) > 0 and all(isinstance(item, numbers.Number) for item in X)
    return len(X.shape) == 1 and getattr(X.dtype, "kind", "O") in "biufc"
