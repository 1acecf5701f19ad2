"""Predictions, deviations and thresholds at the gate of the multiplicity functions."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, choice, number, probability
from riskstats.exceptions import InvalidInput

__all__ = [
    "SCALES",
    "checked_deviation",
    "checked_reference",
    "checked_scale",
    "checked_threshold",
    "prediction_array",
    "read_only",
]

SCALES = ("probability", "response")
_AXES = {
    2: ("models", "rows"),
    3: ("models", "rows", "classes"),
}


def checked_scale(scale: Any) -> str:
    """ "probability", or "response" for predictions that are any finite number."""
    return choice(scale, SCALES, "scale")


def checked_deviation(deviation: Any, scale: str = "probability") -> float:
    """A difference of probabilities in (0, 1); on the response scale any finite number > 0."""
    real = isinstance(deviation, numbers.Real) and not isinstance(deviation, (bool, np.bool_))
    if real and 0 < deviation < (1 if scale == "probability" else np.inf):
        return float(deviation)
    if scale == "response":
        raise InvalidInput(f"`deviation` is a difference of predictions > 0; got {deviation!r}.")
    hint = f" Did you mean {deviation / 100:.2f}?" if real and 1 < deviation < 100 else ""
    raise InvalidInput(
        f"`deviation` is a difference of probabilities in (0, 1); got {_written(deviation)}.{hint}"
    )


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, numbers.Real) and not isinstance(value, bool) else repr(value)


def checked_threshold(threshold: Any, scale: str = "probability") -> float:
    """A probability in (0, 1); on the response scale any finite number."""
    name = "decision_threshold"
    return probability(threshold, name) if scale == "probability" else number(threshold, name)


def checked_reference(reference: Any, n: int, scale: str = "probability", name: str = "reference") -> Floats:
    """One prediction of the reference model for each of n rows."""
    array = _numbers(reference, name)
    if array.shape != (n,):
        raise InvalidInput(
            f"`{name}` must be one prediction for each of {n} rows; got shape {array.shape}. "
            "Pass the probability of the positive class alone."
        )
    _finite(array, name, ("row",))
    if scale == "probability":
        _inside(array, name)
    return array


def prediction_array(
    predictions: Any, dimensions: int = 2, scale: str = "probability", name: str = "predictions"
) -> Floats:
    """Predictions of a pool: (models, rows), or (models, rows, classes) with `dimensions=3`; none empty."""
    array = _numbers(predictions, name)
    axes = _AXES[dimensions]
    if array.ndim != dimensions:
        hint = " Take the column of the positive class." if (dimensions, array.ndim) == (2, 3) else ""
        raise InvalidInput(f"`{name}` must have shape ({', '.join(axes)}); got {array.shape}.{hint}")
    if array.size == 0:
        raise InvalidInput(
            f"`{name}` is empty: shape {array.shape} as ({', '.join(axes)}). Pass at least one of each."
        )
    _finite(array, name, tuple(axis.removesuffix("es" if axis == "classes" else "s") for axis in axes))
    if scale == "probability":
        _inside(array, name)
    return array


def _numbers(values: Any, name: str) -> Floats:
    if hasattr(values, "tocoo"):
        raise InvalidInput(f"`{name}` is a sparse matrix; pass `{name}.toarray()`.")
    try:
        masked = isinstance(values, np.ma.MaskedArray)
        return np.asarray(values.astype(np.float64).filled(np.nan) if masked else values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`{name}` must be numbers in rows of one length; {error}.") from error


def _finite(array: Floats, name: str, axes: tuple[str, ...]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        where = zip(axes, np.unravel_index(int(bad.argmax()), array.shape), strict=True)
        place = ", ".join(f"{axis} {int(position)}" for axis, position in where)
        count = int(bad.sum())
        values = "1 non-finite value," if count == 1 else f"{count} non-finite values, first"
        raise InvalidInput(f"`{name}` has {values} at {place}. Drop the models or rows they belong to.")


def _inside(array: Floats, name: str) -> None:
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        found = f"maximum {high:g}" if high > 1 else f"minimum {low:g}"
        raise InvalidInput(f"`{name}` must be probabilities; got {found}. Pass `predict_proba`, not scores.")


def read_only(result: Any, *names: str, dtype: npt.DTypeLike | None = np.float64) -> None:
    """Replace fields of a frozen answer by arrays that cannot be written to; None stays None."""
    for name in names:
        value = getattr(result, name)
        if value is not None:
            array = np.array(value) if dtype is None else np.array(value, dtype=dtype)
            array.setflags(write=False)
            object.__setattr__(result, name, array)
