"""The gate: the only place that sees what users pass in, and where its messages live.

Inside the package a table is a `Table`, a target an array of 0 and 1, weights a float64 array.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._frames import (
    Floats,
    Table,
    as_table,
    is_missing,
    missing,
    no_missing,
    quoted,
    unknown_columns,
)
from riskstats.exceptions import InvalidInput, InvalidInputType

__all__ = [
    "Floats",
    "Table",
    "as_table",
    "binary_target",
    "choice",
    "class_labels",
    "confidence_level",
    "finite_rows",
    "finite_vector",
    "integer_range",
    "level",
    "missing",
    "no_missing",
    "non_negative_number",
    "number",
    "number_range",
    "number_target",
    "positive_number",
    "probability",
    "quoted",
    "real_array",
    "same_length",
    "sample_weights",
    "time_limit",
    "unknown_columns",
    "weighted_classes",
    "whole_number",
]

Integers = npt.NDArray[np.int64]


# targets and weights


def binary_target(y: Any, *, positive: Any = None, name: str = "y") -> tuple[Integers, tuple[Any, Any]]:
    """A two-class target as (array of 0 and 1, (negative class, positive class)).

    The positive class is the larger in sorted order, or `positive`. A column vector is accepted with
    scikit-learn's `DataConversionWarning`. `InvalidInput`: no target, missing or infinite values, one class,
    three or more classes, a `positive` that is not a class.
    """
    labels = _labels(y, name)
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise InvalidInput(
            f"`{name}` mixes types that have no order. Make every label text, or every one a number."
        ) from error
    if len(classes) != 2:
        raise _not_binary(classes, name)
    pair = tuple(_python(label) for label in classes)
    target = codes.reshape(-1).astype(np.int64)
    if positive is None or _same_label(positive, pair[1]):
        return target, (pair[0], pair[1])
    if _same_label(positive, pair[0]):
        return 1 - target, (pair[1], pair[0])
    raise InvalidInput(
        f"`positive` must be a class of `{name}` ({pair[0]!r} or {pair[1]!r}); got {positive!r}."
    )


def class_labels(y: Any, *, name: str = "y") -> np.ndarray:
    """Labels of any number of classes, (n,), without missing or infinite values; checked as by
    `binary_target`."""
    return _labels(y, name)


def _labels(y: Any, name: str) -> np.ndarray:
    """`y` as a 1-D array without missing or infinite values."""
    if y is None:
        raise InvalidInput(f"a risk score requires y to be passed, but the target y is None. Pass `{name}`.")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = _column_vector(labels)
    if labels.ndim != 1:
        raise InvalidInput(
            f"`{name}` should be a 1d array; got shape {labels.shape}. Pass one label per row."
        )
    if len(labels) == 0:
        raise InvalidInput(f"`{name}` is empty; a risk score needs rows of two classes.")
    if labels.dtype.kind == "c":
        raise InvalidInput(f"Complex data not supported: `{name}`.")
    return _known_labels(labels, name)


def _known_labels(labels: np.ndarray, name: str) -> np.ndarray:
    if labels.dtype.kind == "O":
        absent = np.fromiter((is_missing(label) for label in labels), dtype=bool, count=len(labels))
    else:
        absent = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(len(labels), dtype=bool)
    if absent.any():
        raise InvalidInput(
            f"`{name}` has missing labels (NaN): {int(absent.sum())}, first at row {int(absent.argmax())}. "
            "Drop these rows: the outcome must be known."
        )
    if labels.dtype.kind == "O" and all(isinstance(label, numbers.Real) for label in labels):
        labels = np.array(list(labels))
    if labels.dtype.kind == "f" and np.isinf(labels).any():
        row = int(np.isinf(labels).argmax())
        raise InvalidInput(f"`{name}` has an infinite label, first at row {row}. Pass two classes.")
    return labels


def _column_vector(labels: np.ndarray) -> np.ndarray:
    import warnings

    from sklearn.exceptions import DataConversionWarning

    warnings.warn(
        "A column-vector y was passed when a 1d array was expected. Pass `y.ravel()`.",
        DataConversionWarning,
        stacklevel=5,
    )
    return labels.ravel()


def _not_binary(classes: np.ndarray, name: str) -> InvalidInput:
    shown = ", ".join(str(_python(label)) for label in classes[:5]) + (", ..." if len(classes) > 5 else "")
    if len(classes) == 1:
        return InvalidInput(
            f"`{name}` holds 1 class ({shown}); a risk score needs two. Add rows of the other class."
        )
    if classes.dtype.kind == "f" and (classes != np.floor(classes)).any():
        return InvalidInput(
            f"`{name}` is continuous: {len(classes)} numbers ({shown}) where two classes are needed. "
            f"Unknown label type: continuous. Pass a yes-or-no outcome such as `{name} > threshold`."
        )
    return InvalidInput(
        f"`{name}` holds {len(classes)} classes ({shown}); a risk score needs two. Fit one score per class. "
        "Only binary classification is supported."
    )


def _python(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _same_label(given: Any, label: Any) -> bool:
    """Equal, or the same when written down: '1' names the class 1.0 of a file."""
    if given == label:
        return True
    written = f"{label:g}" if isinstance(label, float) else str(label)
    return isinstance(given, str) and given in {written, str(label)}


def number_target(y: Any) -> Floats:
    """A target of finite numbers, (n,); (n, 1) is accepted with scikit-learn's `DataConversionWarning`."""
    from sklearn.utils import column_or_1d

    if y is None:
        raise InvalidInput("this estimator requires y to be passed, but the target y is None.")
    try:
        values = column_or_1d(y, warn=True)
    except ValueError as error:
        raise InvalidInput(f"`y` must be one number per row; {error}") from error
    return finite_vector(values, "y")


def finite_rows(X: Any) -> Floats:
    """`X` in float64 without NaN or infinite values."""
    try:
        array = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputType(f"`X` must be numbers; {error}. Encode text in a `Pipeline`.") from error
    bad = ~np.isfinite(array)
    if bad.any():
        row, column = (int(place) for place in np.argwhere(bad)[0])
        count = int(bad.sum())
        raise InvalidInput(
            f"`X` has {count} non-finite value{'' if count == 1 else 's'} (NaN or inf), first at row {row}, "
            f"column {column}. Impute or drop them."
        )
    return array


def sample_weights(weights: Any, n: int, *, name: str = "sample_weight") -> Floats:
    """Row weights as a new float64 array of length `n`; None is one each.

    `InvalidInput`: wrong shape or length, negative, NaN or infinite values, all zero.
    """
    if weights is None:
        return np.ones(n)
    if isinstance(weights, numbers.Real):
        weights = np.full(n, weights)
    vector = finite_vector(weights, name)
    if len(vector) != n:
        raise InvalidInput(f"`{name}` has {len(vector)} values for {n} rows. Pass one weight per row.")
    if vector.min() < 0:
        raise InvalidInput(
            f"`{name}` must be >= 0 with a positive sum; got min {vector.min():g} at row "
            f"{int(vector.argmin())}. Drop rows that should not count, or give them weight 0."
        )
    if not vector.any():
        raise InvalidInput(
            f"`{name}` must be >= 0 with a positive sum; it is zero in every row. Give some row weight."
        )
    return vector


def weighted_classes(target: Integers, weights: Floats, classes: tuple[Any, Any]) -> None:
    """`InvalidInput` unless both classes of a 0/1 target have positive weight."""
    for code, label in enumerate(classes):
        if not weights[target == code].any():
            raise InvalidInput(
                f"`sample_weight` sums to 0 in class {label}; each class needs positive weight."
            )


def real_array(values: Any, name: str) -> Floats:
    """A new float64 array; `InvalidInput` for text, dates, complex numbers and masked entries."""
    if np.ma.is_masked(values):
        raise InvalidInput(f"`{name}` has masked entries. Drop them or fill them in.")
    try:
        raw = np.asarray(values)
        if raw.dtype.kind in "cmM":
            raise InvalidInput(f"`{name}` must be real numbers; got {raw.dtype}. Convert them first.")
        return np.array(values, dtype=np.float64)
    except InvalidInput:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`{name}` must be numbers; {error}.") from error


def finite_vector(values: Any, name: str) -> Floats:
    """A new float64 array of one dimension without NaN or infinite values, not empty."""
    vector = real_array(values, name)
    if vector.ndim != 1:
        raise InvalidInput(f"`{name}` must have 1 dimension; got shape {vector.shape}.")
    if len(vector) == 0:
        raise InvalidInput(f"`{name}` is empty; at least one number is needed.")
    absent = np.flatnonzero(np.isnan(vector))
    if len(absent):
        rows = ", ".join(map(str, absent[:3])) + (", ..." if len(absent) > 3 else "")
        raise InvalidInput(
            f"`{name}` has {len(absent)} NaN at rows {rows}. "
            "Drop them or model missingness; they are not zeros."
        )
    infinite = np.isinf(vector)
    if infinite.any():
        raise InvalidInput(
            f"`{name}` has an infinite value, first at row {int(infinite.argmax())}. Pass finite numbers."
        )
    return vector


def same_length(**columns: Any) -> int:
    """The common length of the arguments; `InvalidInput` names each with its own."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"`{name}` has {length}" for name, length in lengths.items())
        raise InvalidInput(f"inconsistent numbers of rows: {told}. Pass one value per row.")
    return next(iter(lengths.values()))


# single values


def number(value: Any, name: str) -> float:
    """A finite real number."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise InvalidInput(f"`{name}` must be a finite number; got {value!r}.")
    return float(value)


def positive_number(value: Any, name: str) -> float:
    """A finite number > 0."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise InvalidInput(f"`{name}` must be a number > 0; got {value!r}.")
    return float(value)


def non_negative_number(value: Any, name: str) -> float:
    """A finite number >= 0."""
    if not _is_number(value) or not 0 <= value < math.inf:
        raise InvalidInput(f"`{name}` must be a number >= 0; got {value!r}.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def probability(value: Any, name: str, *, closed: bool = False) -> float:
    """A number in (0, 1), or in [0, 1] if `closed`."""
    inside = _is_number(value) and (0 <= value <= 1 if closed else 0 < value < 1)
    if not inside:
        ends = "[0, 1]" if closed else "(0, 1)"
        raise InvalidInput(f"`{name}` must be in {ends}; got {value!r}.{_percent(value)}")
    return float(value)


def level(value: Any, name: str = "level") -> float:
    """The share *not* in the tail: a number in [0, 1)."""
    if not _is_number(value) or not 0 <= value < 1:
        hint = " The worst loss is `losses.max()`." if value == 1 else _percent(value)
        raise InvalidInput(
            f"`{name}` must lie in [0, 1); got {value!r}.{hint} It is the share not in the tail: for the "
            "worst 5 % pass 0.95."
        )
    return float(value)


def confidence_level(value: Any, name: str = "confidence_level") -> float:
    """1 - error: a number in [0.5, 1 - 1e-9]."""
    if not _is_number(value) or not 0.5 <= value <= 1 - 1e-9:
        hint = f" Did you mean {1 - value:g}?" if _is_number(value) and 0 < value < 0.5 else _percent(value)
        raise InvalidInput(f"`{name}` must be in [0.5, 1 - 1e-9]; got {value!r}.{hint}")
    return float(value)


def _percent(value: Any) -> str:
    return f" Write {value / 100:g}." if _is_number(value) and 1 < value < 100 else ""


def whole_number(value: Any, name: str, *, low: int | None = None, high: int | None = None) -> int:
    """An integer in [low, high]."""
    ends = {(True, True): "", (False, True): f" >= {low}", (True, False): f" <= {high}"}
    wanted = ends.get((low is None, high is None), f" from {low} to {high}")
    try:
        integer = operator.index(value)
    except TypeError:
        integer = None
    if (
        integer is None
        or isinstance(value, bool)
        or (low is not None and integer < low)
        or (high is not None and integer > high)
    ):
        raise InvalidInput(f"`{name}` must be an integer{wanted}; got {value!r}.")
    return integer


def integer_range(value: Any, name: str) -> tuple[int, int]:
    """Integers (low, high) with low <= 0 <= high."""
    try:
        low, high = (operator.index(end) for end in value)
    except (TypeError, ValueError):
        low, high = 1, -1
    if not low <= 0 <= high:
        raise InvalidInput(f"`{name}` must be integers low <= 0 <= high; got {value!r}.")
    return low, high


def number_range(value: Any, name: str) -> tuple[float, float]:
    """Finite numbers (low, high) with 0 < low <= high."""
    try:
        low, high = value
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (_is_number(low) and _is_number(high) and 0 < low <= high < math.inf):
        raise InvalidInput(f"`{name}` must be numbers 0 < low <= high; got {value!r}.")
    return float(low), float(high)


def choice(value: Any, options: Iterable[str], name: str) -> str:
    """One of `options`."""
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise InvalidInput(f"`{name}` must be one of {', '.join(map(repr, known))}; got {value!r}.")
    return value


def time_limit(value: Any, name: str = "time_limit") -> float:
    """Seconds > 0; None is no limit (`inf`)."""
    if value is None or value == math.inf:
        return math.inf
    if not _is_number(value) or not value > 0:
        raise InvalidInput(f"`{name}` must be seconds > 0, or None for no limit; got {value!r}.")
    return float(value)
