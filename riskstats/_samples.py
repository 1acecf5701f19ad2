"""Losses at the gate: from what a user has to a matrix of candidates by units, with its support.

The rows of an array are candidates and its columns are units; the columns of a frame, or of a dict, are
candidates by name and its rows are units.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from riskstats._frames import Table, as_table, is_missing, quoted
from riskstats._validation import Floats
from riskstats.exceptions import AssumptionWarning, InvalidInput

__all__ = [
    "Support",
    "candidate_names",
    "checked_support",
    "loss_matrix",
    "loss_vector",
    "unique_units",
]

Support = tuple[float, float]

_GAINS = {"accuracy", "auc", "auroc", "correct", "f1", "gain", "precision", "recall", "reward", "success"}


def checked_support(support: Any, name: str = "support") -> Support:
    """(lowest, highest) possible loss: two numbers, the first finite and smaller, the second may be inf."""
    try:
        low, high = map(float, () if isinstance(support, str) else support)
    except (TypeError, ValueError):
        raise InvalidInput(f"`{name}` must be two numbers (lowest, highest loss); got {support!r}.") from None
    if not (math.isfinite(low) and low < high):
        raise InvalidInput(
            f"`{name}` must be (lowest, highest) with a finite lowest < highest; got ({low:g}, {high:g}). "
            "The highest may be inf."
        )
    return low, high


def loss_vector(losses: Any, support: Support, *, name: str = "losses") -> tuple[Floats, bool]:
    """One sample as ((n,) float64, whether it was boolean); `InvalidInput` as `loss_matrix`."""
    matrix, boolean, names = loss_matrix(losses, support, name=name)
    if len(matrix) != 1:
        raise InvalidInput(
            f"`{name}` must be one sample of shape (n,); got {len(matrix)} candidates"
            f"{' (' + quoted(names) + ')' if names else ''}. Use `certify` to choose among candidates."
        )
    return matrix[0], boolean


def loss_matrix(
    losses: Any, support: Support, *, name: str = "losses"
) -> tuple[Floats, bool, tuple[str, ...] | None]:
    """Losses as ((m, n) candidates x units, whether they were boolean, names of candidates or None).

    Arrays in float64 are not copied. `InvalidInput`: empty, text, ragged, NaN, infinite, outside `support`,
    repeated unit ids in the index of a frame. `AssumptionWarning`: names that sound like gains, or many more
    candidates than units.
    """
    unique_units(getattr(losses, "index", None))
    table = _candidates_by_name(losses, name)
    array = _array(losses, name) if table is None else np.ascontiguousarray(table.values().T)
    if array.size == 0:
        raise _empty(name)
    if array.ndim not in (1, 2):
        raise InvalidInput(f"`{name}` must have shape (n,) or (m, n); got {array.shape}.")
    matrix = np.atleast_2d(array).astype(np.float64, copy=False)
    single = array.ndim == 1 or (table is not None and len(matrix) == 1)
    _inside(matrix, support, name, single=single)
    _orientation(matrix, name)
    names = None if table is None else table.names
    _not_gains([*(names or ()), getattr(losses, "name", None)], name)
    boolean = array.dtype == bool if table is None else _all_boolean(losses)
    return matrix, boolean, names


def _candidates_by_name(losses: Any, name: str) -> Table | None:
    """The table where `losses` is a dict or a frame."""
    if not isinstance(losses, Mapping) and not hasattr(losses, "columns"):
        return None
    if len(losses) == 0:
        raise _empty(name)
    table = as_table(losses, name=name)
    text = [column for column, cells in zip(table.names, table.columns, strict=True) if cells.dtype == object]
    if text:
        raise InvalidInput(f"`{name}` must be numbers; columns {quoted(text)} hold text. Drop them.")
    return table


def _all_boolean(losses: Any) -> bool:
    """Whether every column of a dict or a frame is declared boolean, by its type and not by its values."""
    if isinstance(losses, Mapping):
        return all(np.asarray(column).dtype == bool for column in losses.values())
    kinds = getattr(losses, "dtypes", ())
    return len(kinds) > 0 and all(str(kind).lower() in ("bool", "boolean") for kind in kinds)


def _array(losses: Any, name: str) -> np.ndarray:
    """An array of bools, integers or floats; None, NA and masked places are NaN."""
    if hasattr(losses, "tocoo"):
        raise InvalidInput(f"`{name}` is a sparse matrix; pass `{name}.toarray()`.")
    try:
        array = np.asarray(_unmasked(losses))
    except ValueError:
        raise InvalidInput(
            f"`{name}` is ragged: {_lengths(losses)}. Score every candidate on the same units."
        ) from None
    if array.dtype.kind == "O":
        return _numbers(array, name)
    if array.dtype.kind not in "biuf" and array.size:
        raise InvalidInput(f"`{name}` must be numbers; got {array.flat[0]!r} of type {array.dtype}.")
    return array


def _empty(name: str) -> InvalidInput:
    return InvalidInput(f"`{name}` is empty. At least one loss is needed.")


def _unmasked(losses: Any) -> Any:
    """A masked array with NaN where it is masked; anything else as it is."""
    if isinstance(losses, np.ma.MaskedArray) and np.ma.getmaskarray(losses).any():
        return np.ma.asarray(losses, np.float64).filled(np.nan)
    return losses


def _numbers(array: np.ndarray, name: str) -> Floats:
    """An object array as floats; what is missing becomes NaN."""
    numbers = np.empty(array.shape)
    for place, item in zip(np.ndindex(array.shape), array.flat, strict=True):
        if is_missing(item):
            numbers[place] = np.nan
        elif isinstance(item, (Real, np.bool_, Decimal)):
            numbers[place] = float(item)
        else:
            raise InvalidInput(f"`{name}` must be numbers; got {item!r}.")
    return numbers


def _lengths(losses: Any) -> str:
    lengths = sorted({len(row) for row in losses if isinstance(row, (Sequence, np.ndarray))})
    return f"rows have {', '.join(map(str, lengths[:5]))} units"


def _inside(matrix: Floats, support: Support, name: str, *, single: bool) -> None:
    """Refuse NaN, infinite losses and losses outside the support, with the first place."""
    low, high = float(matrix.min()), float(matrix.max())
    if math.isnan(low) or math.isnan(high):
        absent = np.isnan(matrix)
        raise InvalidInput(
            f"`{name}` contains {int(absent.sum())} NaN, first at {_place(absent, single)}. "
            "Drop or score them: a missing loss is not a zero loss."
        )
    if math.isinf(low) or math.isinf(high):
        raise InvalidInput(
            f"`{name}` has an infinite loss, first at {_place(np.isinf(matrix), single)}. "
            "Cap it at the largest loss that can occur."
        )
    if low < support[0] or high > support[1]:
        end, value = ("max", high) if high > support[1] else ("min", low)
        raise InvalidInput(
            f"`{name}` must lie in support ({support[0]:g}, {support[1]:g}); got {end} {value:g} at "
            f"{_place(matrix == value, single)}. Rescale, or pass `support=`."
        )


def _place(where: np.ndarray, single: bool) -> str:
    row, column = np.unravel_index(int(where.argmax()), where.shape)
    return f"{int(column)}" if single else f"({int(row)}, {int(column)})"


def _orientation(matrix: Floats, name: str) -> None:
    m, n = matrix.shape
    if m > 20 and m > 10 * n:
        warn_of_assumption(
            f"`{name}` has shape ({m}, {n}): {m} candidates x {n} units. If rows are units, transpose."
        )


def _not_gains(names: Sequence[Any], name: str) -> None:
    for label in names:
        if isinstance(label, str) and _GAINS & set(label.lower().replace("-", "_").split("_")):
            warn_of_assumption(f"`{name}` are named '{label}'; larger must be worse. Pass `1 - {label}`.")
            return


def warn_of_assumption(message: str) -> None:
    """An `AssumptionWarning` at the line of the caller outside this package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("riskstats."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, AssumptionWarning, stacklevel=level)


def unique_units(index: Any) -> None:
    """`InvalidInput` where the index of a frame, or an array of unit ids, names a unit twice."""
    if index is None or callable(index) or getattr(index, "is_unique", False):
        return
    ids, counts = np.unique(np.asarray(index).astype(str), return_counts=True)
    if len(ids) and counts.max() > 1:
        worst = int(counts.argmax())
        raise InvalidInput(
            f"unit id {str(ids[worst])!r} appears {int(counts[worst])} times. "
            "Reduce with `unit_losses(losses, unit)` or pass `cluster=`."
        )


def candidate_names(names: Any, own: Sequence[str] | None, m: int) -> tuple[str, ...]:
    """Names of m candidates: the given ones, else those of the columns, else '0', '1', ..."""
    if names is None:
        return tuple(own) if own is not None else tuple(map(str, range(m)))
    given = tuple(map(str, names))
    if len(given) != m:
        raise InvalidInput(f"`names` has {len(given)} names for {m} candidates. Pass one per candidate.")
    if len(set(given)) != m:
        raise InvalidInput("`names` repeats a name; every candidate needs its own.")
    return given
