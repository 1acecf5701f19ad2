"""Scores, components and labels at the gate of the tail functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskstats._samples import Support
from riskstats._validation import Floats, Integers, as_table
from riskstats.exceptions import InvalidInput

__all__ = ["Labels", "checked_array", "inside", "label_codes", "labelled", "matrix_and_names"]


class Labels(NamedTuple):
    """One label per row: `names` sorted, `codes` (n,) their positions."""

    names: tuple[str, ...]
    codes: Integers


def checked_array(values: Any, name: str) -> Floats:
    """A float64 array of any shape, not empty, without NaN or infinite values; float64 is not copied."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`{name}` must be numbers; {error}.") from error
    if array.size == 0:
        raise InvalidInput(f"`{name}` is empty; at least one number is needed.")
    if not np.isfinite(array).all():
        raise _not_finite(array, name)
    return array


def _not_finite(array: Floats, name: str) -> InvalidInput:
    absent = np.isnan(array)
    if not absent.any():
        place = _places(np.isinf(array), 1)
        return InvalidInput(f"`{name}` has an infinite value, first at row {place}. Pass finite numbers.")
    return InvalidInput(
        f"`{name}` has {int(absent.sum())} NaN at rows {_places(absent, 3)}. "
        "Drop them or model missingness; they are not zeros."
    )


def _places(where: np.ndarray, most: int) -> str:
    """The first rows, positions along axis 0, where something is true."""
    flags = np.atleast_1d(where)
    rows = np.flatnonzero(flags.reshape(len(flags), -1).any(axis=1))
    return ", ".join(map(str, rows[:most])) + (", ..." if len(rows) > most > 1 else "")


def inside(array: Floats, support: Support, name: str) -> None:
    """`InvalidInput` where a value lies outside (lowest, highest)."""
    low, high = float(array.min()), float(array.max())
    if low < support[0] or high > support[1]:
        end, value = ("max", high) if high > support[1] else ("min", low)
        raise InvalidInput(
            f"`{name}` must lie in support ({support[0]:g}, {support[1]:g}); got {end} {value:g}. "
            "Rescale, or pass `support=`."
        )


def matrix_and_names(
    values: Any, names: Sequence[Any] | None, name: str, *, what: str = "dimensions"
) -> tuple[Floats, tuple[str, ...]]:
    """((n, K, ...) finite array, K names): those given, else the columns of a frame, else d1, d2, ...

    A vector (n,) has one column.
    """
    own: tuple[str, ...] | None = None
    if isinstance(values, Mapping) or hasattr(values, "columns"):
        table = as_table(values, name=name)
        values, own = table.values(), table.names
    array = checked_array(values, name)
    if array.ndim == 0:
        raise InvalidInput(f"`{name}` must have rows; got the single number {float(array):g}.")
    array = array[:, np.newaxis] if array.ndim == 1 else array
    return array, _column_names(names, own, array.shape[1], what)


def _column_names(
    given: Sequence[Any] | None, own: tuple[str, ...] | None, k: int, what: str
) -> tuple[str, ...]:
    if given is None:
        return own if own is not None else tuple(f"d{j + 1}" for j in range(k))
    names = tuple(map(str, given))
    if len(names) != k or len(set(names)) != k:
        raise InvalidInput(f"`{what}` must be {k} different names, one per column; got {list(names)[:8]}.")
    return names


def label_codes(labels: Any, n: int, name: str) -> Labels:
    """One label per row, none missing, as sorted text with codes."""
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != n:
        raise InvalidInput(f"`{name}` must be one label for each of {n} rows; got shape {array.shape}.")
    absent = _missing(array)
    if absent.any():
        raise InvalidInput(
            f"`{name}` has {int(absent.sum())} missing labels, first at row {int(absent.argmax())}. "
            "Give rows without a label a label of their own."
        )
    try:
        found, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise InvalidInput(f"`{name}` mixes labels that have no order. Make every label text.") from None
    return Labels(tuple(map(str, found.tolist())), codes.reshape(-1).astype(np.int64))


def _missing(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind != "O":
        return np.zeros(len(array), dtype=bool)
    return np.array([item is None or item != item for item in array.tolist()], dtype=bool)


def labelled(labels: Any, n: int, name: str, key: str = "label") -> dict[str, Labels]:
    """{what the labels say: the labels}: a mapping of several, one called `key`, or none."""
    if labels is None:
        return {}
    if hasattr(labels, "columns"):
        labels = {column: np.asarray(labels[column]) for column in labels.columns}
    if isinstance(labels, Mapping):
        return {str(what): label_codes(each, n, f"{name}[{what!r}]") for what, each in labels.items()}
    return {key: label_codes(labels, n, name)}
