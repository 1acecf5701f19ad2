"""The part of the gate that takes tables: arrays, lists, dicts and frames become a `Table`."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstats.exceptions import InvalidInput, InvalidInputType

Floats: TypeAlias = npt.NDArray[np.float64]

LARGEST_INTEGER = 2**53  # the largest range in which float64 holds every integer


@dataclass(frozen=True, eq=False)
class Table:
    """The one internal form of a table.

    Attributes
    ----------
    names : column names, in order, without duplicates.
    columns : one array per name, all of one length: float64 with NaN for missing,
        or object with `str` and None for missing.
    named : False if the names were made up (`x0`, `x1`, ...) because the input had none.
    """

    names: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    named: bool = True

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def column(self, name: str) -> np.ndarray:
        """The values of one column; `InvalidInput` lists the columns there are."""
        try:
            return self.columns[self.names.index(name)]
        except ValueError:
            raise unknown_columns([name], self.names) from None

    def select(self, names: Iterable[str]) -> Table:
        """The table with these columns, in this order."""
        wanted = tuple(names)
        missing = [name for name in wanted if name not in self.names]
        if missing:
            raise unknown_columns(missing, self.names)
        return Table(wanted, tuple(self.column(name) for name in wanted), self.named)

    def without(self, names: Iterable[str]) -> Table:
        """The table less these columns."""
        dropped = set(names)
        return self.select(name for name in self.names if name not in dropped)

    def take(self, index: npt.ArrayLike | slice) -> Table:
        """The rows of `index`: positions, a boolean mask or a slice."""
        rows = index if isinstance(index, slice) else np.asarray(index)
        return Table(self.names, tuple(column[rows] for column in self.columns), self.named)

    def values(self) -> Floats:
        """A new (rows, columns) float64 matrix; `InvalidInput` names the first text column."""
        for name, column in zip(self.names, self.columns, strict=True):
            if column.dtype == object:
                row, value = next(((i, v) for i, v in enumerate(column) if v is not None), (0, None))
                raise InvalidInput(
                    f"column '{name}' holds text, first {value!r} at row {row}; numbers are needed here. "
                    "Pass `binning=Binning()` or encode it as numbers."
                )
        return np.column_stack(self.columns).astype(np.float64, copy=False)


def unknown_columns(missing: Sequence[str], known: Sequence[str]) -> InvalidInput:
    """The error for columns that are not there."""
    what = "column " if len(missing) == 1 else "columns "
    return InvalidInput(f"no {what}{quoted(missing)}; the columns are {quoted(known)}. Check the spelling.")


def quoted(names: Iterable[object], limit: int = 8) -> str:
    """Names in quotes, separated by commas, the first `limit` of them."""
    every = [f"'{name}'" for name in names]
    rest = len(every) - limit
    return ", ".join(every[:limit]) + (f" and {rest} more" if rest > 0 else "")


def as_table(X: Any, *, name: str = "X") -> Table:
    """Any table of a user as a `Table`.

    Accepts a `Table`, a 2-D array, a list of rows, a dict of columns, or a frame that narwhals knows
    (pandas, polars, pyarrow, ...). Booleans become 0 and 1, integers float64, categories text; None, NaN,
    NA and empty text are missing. Refuses, with `InvalidInput`: sparse matrices, infinite values,
    dates, integers beyond 2**53, duplicate names, no rows, no columns.
    """
    if isinstance(X, Table):
        return X
    if hasattr(X, "tocoo"):
        raise InvalidInput(f"`{name}` is a sparse matrix; dense data are needed. Pass `{name}.toarray()`.")
    if isinstance(X, Mapping):
        return _from_columns(list(X.items()), name)
    if isinstance(X, (np.ndarray, list, tuple)):
        return _from_array(_matrix(X, name), name)
    frame = _frame(X, name)
    if frame is None:
        return _from_array(_matrix(X, name), name)
    return _from_frame(X, frame, name)


def _frame(X: Any, name: str) -> Any:
    """A narwhals frame, or None where `X` is no frame."""
    import narwhals as nw

    labels = getattr(X, "columns", ()) if hasattr(X, "iloc") else getattr(X, "column_names", ())
    _no_duplicates([str(label) for label in labels], name)
    found = nw.from_native(X, pass_through=True)
    if isinstance(found, nw.LazyFrame):
        raise InvalidInput(f"`{name}` is a lazy frame; data in memory are needed. Pass `{name}.collect()`.")
    return found if isinstance(found, nw.DataFrame) else None


def _from_frame(native: Any, frame: Any, name: str) -> Table:
    columns = [
        (column, _series(series, name, str(column)))
        for column, series in zip(frame.columns, frame.iter_columns(), strict=True)
    ]
    if columns and not any(isinstance(column, str) for column in frame.columns):
        made_up = [(f"x{i}", values) for i, (_, values) in enumerate(columns)]
        return _from_columns(made_up, name, named=False, n_rows=len(native))
    return _from_columns(columns, name, n_rows=len(native))


def _series(series: Any, name: str, column: str) -> np.ndarray:
    """One column of a frame, with every kind of missing value made NaN or None."""
    import narwhals as nw

    kind = series.dtype
    if kind.is_temporal():
        raise _dates(name, column)
    if kind.is_integer():
        return _large_integers(series.drop_nulls().to_numpy(), name, column, _floats(series))
    if kind.is_float() or kind.is_decimal() or kind == nw.Boolean:
        return _floats(series)
    cells = np.empty(len(series), dtype=object)
    cells[:] = series.to_list()
    return cells


def _floats(series: Any) -> Floats:
    import narwhals as nw

    values = series.cast(nw.Float64).to_numpy()
    return np.array([np.nan if is_missing(v) else v for v in values]) if values.dtype == object else values


def _matrix(X: Any, name: str) -> np.ndarray:
    """A 2-D array in which a list of mixed rows keeps the type of every cell."""
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
            array = np.asarray(X, dtype=object)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"`{name}` is not a table: its rows differ in length. Give every row as many cells."
        ) from error
    if array.ndim == 1:
        raise InvalidInput(
            f"`{name}` must have 2 dimensions (rows, columns); got shape {array.shape}. Reshape your data: "
            f"`{name}.reshape(-1, 1)` is one column, `{name}.reshape(1, -1)` one row."
        )
    if array.ndim != 2:
        raise InvalidInput(
            f"`{name}` must have 2 dimensions (rows, columns); got {type(X).__name__} with {array.ndim}. "
            "Pass an array, a frame or a dict of columns."
        )
    return array


def _from_array(array: np.ndarray, name: str) -> Table:
    n_rows, n_columns = array.shape
    if n_columns and array.dtype.kind in "fb" and array.dtype.itemsize <= 8:
        array = np.array(array, dtype=np.float64, order="F")
    columns = [(f"x{j}", array[:, j]) for j in range(n_columns)]
    return _from_columns(columns, name, named=False, n_rows=n_rows)


def _from_columns(
    columns: list[tuple[Any, Any]], name: str, *, named: bool = True, n_rows: int | None = None
) -> Table:
    names = [str(column) for column, _ in columns]
    if not all(isinstance(column, str) for column, _ in columns):
        raise InvalidInput(
            f"`{name}` has column names that are not text ({quoted(names)}). Make every name a string."
        )
    _no_duplicates(names, name)
    arrays = [
        _column(values, name, column) for column, values in zip(names, (v for _, v in columns), strict=True)
    ]
    n_rows = n_rows if n_rows is not None else (len(arrays[0]) if arrays else 0)
    if not arrays:
        raise InvalidInput(
            f"`{name}` has 0 feature(s) (shape=({n_rows}, 0)) while a minimum of 1 is required."
        )
    if n_rows == 0:
        raise InvalidInput(f"`{name}` has no rows (shape=(0, {len(arrays)})); at least one is needed.")
    lengths = {len(array) for array in arrays}
    if lengths != {n_rows}:
        raise InvalidInput(
            f"the columns of `{name}` differ in length: {sorted(lengths)}. Give every row a value in each."
        )
    return Table(tuple(names), tuple(arrays), named)


def _no_duplicates(names: Sequence[str], name: str) -> None:
    if len(set(names)) < len(names):
        twice = sorted({column for column in names if names.count(column) > 1})
        raise InvalidInput(
            f"`{name}` has more than one column named {quoted(twice)}. Rename or drop the copies."
        )


def _column(values: Any, name: str, column: str) -> np.ndarray:
    """float64 with NaN, or object with `str` and None."""
    array = np.asarray(values)
    if array.dtype.kind in "US" and isinstance(values, (list, tuple)):
        array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise InvalidInput(f"column '{column}' of `{name}` must have 1 dimension; got shape {array.shape}.")
    match array.dtype.kind:
        case "b" | "f":
            return _finite(array.astype(np.float64, copy=False), name, column)
        case "i" | "u":
            return _large_integers(array, name, column, array.astype(np.float64))
        case "U" | "T":
            return _cells(array.astype(object), name, column)
        case "O":
            return _cells(array, name, column)
        case "c":
            raise InvalidInput(
                f"Complex data not supported: column '{column}' of `{name}`. Pass real and imaginary parts."
            )
        case "M" | "m":
            raise _dates(name, column)
    raise InvalidInputType(f"column '{column}' of `{name}` has dtype {array.dtype}; pass numbers or text.")


def _cells(cells: np.ndarray, name: str, column: str) -> np.ndarray:
    """An object column is all numbers or all text, missing values apart."""
    if set(map(type, cells)) == {str} and "" not in set(cells):
        return cells.copy()
    absent = np.fromiter((is_missing(value) for value in cells), dtype=bool, count=len(cells))
    kinds = set(map(type, cells[~absent]))
    if all(issubclass(kind, str) for kind in kinds) and kinds:
        text = np.full(len(cells), None, dtype=object)
        text[~absent] = [str(value) for value in cells[~absent]]
        return text
    for kind in kinds:
        if not issubclass(kind, (str, numbers.Real, np.bool_)) and not _decimal(kind):
            row = next(i for i, value in enumerate(cells) if type(value) is kind)
            raise _cell_type(kind, name, column, row)
    if any(issubclass(kind, str) for kind in kinds):
        row = next(i for i, value in enumerate(cells) if not absent[i] and isinstance(value, str))
        raise InvalidInput(
            f"column '{column}' of `{name}` mixes numbers and text, first text {cells[row]!r} at row {row}. "
            "Make it all numbers (missing as NaN) or all text."
        )
    return _number_cells(cells, absent, name, column)


def _number_cells(cells: np.ndarray, absent: np.ndarray, name: str, column: str) -> Floats:
    values = np.full(len(cells), np.nan)
    values[~absent] = cells[~absent].astype(np.float64)
    if any(issubclass(kind, numbers.Integral) for kind in set(map(type, cells))):
        _large_integers(values[~absent], name, column, values)
    return _finite(values, name, column)


def _decimal(kind: type) -> bool:
    return kind.__module__ == "decimal"


def _cell_type(kind: type, name: str, column: str, row: int) -> InvalidInput:
    if issubclass(kind, numbers.Complex):
        return InvalidInput(f"Complex data not supported: column '{column}' of `{name}`, row {row}.")
    if kind.__module__ in {"datetime", "pandas"} or "Timestamp" in kind.__name__:
        return _dates(name, column)
    return InvalidInputType(
        f"`{name}` has a {kind.__name__} at row {row}, column '{column}'; an argument must be made of "
        "cells that are a string or a number."
    )


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, empty text, NaN, or a library's own mark for missing."""
    if value is None or (isinstance(value, str) and not value):
        return True
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return type(value).__name__ in {"NAType", "NaTType"}


def _finite(values: Floats, name: str, column: str) -> Floats:
    infinite = np.isinf(values)
    if infinite.any():
        raise InvalidInput(
            f"`{name}` has an infinite value, first at row {int(infinite.argmax())}, column '{column}'. "
            "Replace it by a number, or by NaN if it is unknown."
        )
    return values


def _large_integers(integers: np.ndarray, name: str, column: str, values: Floats) -> Floats:
    if integers.size and max(abs(int(integers.min())), abs(int(integers.max()))) > LARGEST_INTEGER:
        raise InvalidInput(
            f"`{name}` has integers beyond 2**53 in column '{column}', which float64 cannot hold. "
            "Drop the column if it is an identifier, or pass it as text."
        )
    return values


def _dates(name: str, column: str) -> InvalidInput:
    return InvalidInput(
        f"column '{column}' of `{name}` holds dates or durations. Pass a number, such as days since a start."
    )


def no_missing(table: Table, *, remedy: str, name: str = "X") -> None:
    """`InvalidInput` if a value is missing; `remedy` says what to do."""
    absent = np.column_stack([missing(column) for column in table.columns])
    total = int(absent.sum())
    if total:
        row, position = divmod(int(absent.argmax()), absent.shape[1])
        what = "1 missing value (NaN)," if total == 1 else f"{total} missing values (NaN), first"
        raise InvalidInput(f"`{name}` has {what} at row {row}, column '{table.names[position]}'. {remedy}")


def missing(column: np.ndarray) -> npt.NDArray[np.bool_]:
    """Which values of a column of a `Table` are missing."""
    if column.dtype == object:
        return np.fromiter((value is None for value in column), dtype=bool, count=len(column))
    return np.isnan(column)


def as_frame(X: Any) -> Any:
    """A dict of columns or a `Table` as a frame, or as numbers without pandas; others as they are."""
    if not isinstance(X, Table | Mapping):
        return X
    table = as_table(X)
    try:
        import pandas as pd
    except ImportError:
        return table.values()
    return pd.DataFrame(dict(zip(table.names, table.columns, strict=True)))
