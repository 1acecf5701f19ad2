"""The columns of an outcome table: their names, their kinds, and cells of any source as arrays and codes."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from riskstats._record_files import shown
from riskstats._records import fast_numbers, read_loss
from riskstats._validation import Floats, quoted
from riskstats.evaluations.factor import Factor, as_word
from riskstats.exceptions import InvalidInput

__all__ = [
    "COLUMNS",
    "REQUIRED",
    "STATUSES",
    "Column",
    "Places",
    "as_floats",
    "checked_conditions",
    "columns_of",
    "is_default",
    "json_category",
]

Column: TypeAlias = "Factor | np.ndarray"

REQUIRED = ("model", "prompt_id", "loss")
STATUSES = ("ok", "refused", "error", "ungraded")
TEXT = {
    "model": "",
    "prompt_id": "",
    "judge": "",
    "dimension": "",
    "category": "",
    "group": "",
    "cluster": "",
    "status": "ok",
    "pair_id": "",
    "twin": "",
    "stage": "",
    "scale_id": "",
    "source": "",
}
NUMBERS = {
    "loss": math.nan,
    "severity": math.nan,
    "cost": math.nan,
    "ordinal": math.nan,
    "weight": 1.0,
    "human_label": math.nan,
}
WHOLE = {"epoch": 1, "turn": 0, "chunk": 0}
COLUMNS: dict[str, Any] = {**TEXT, **NUMBERS, **WHOLE}
"""Every column with the value that it has where it is not given."""


class Places(NamedTuple):
    """Where the rows of a table come from, for messages.

    Attributes
    ----------
    label : name of the file, or of the argument.
    word : what counts its rows: line, row, sample.
    lines : which of them each row is; None is 0, 1, 2, ...
    """

    label: str = "`outcomes`"
    word: str = "row"
    lines: Sequence[Any] | np.ndarray | None = None

    def of(self, row: int) -> str:
        """Where a row stands, such as "line 812"."""
        return f"{self.word} {row if self.lines is None else self.lines[row]}"

    def take(self, rows: np.ndarray) -> Places:
        """The places of these rows."""
        if self.lines is None:
            return self._replace(lines=rows)
        lines = self.lines
        return self._replace(lines=lines[rows] if isinstance(lines, np.ndarray) else [lines[i] for i in rows])


def columns_of(
    given: Mapping[str, Any],
    conditions: Iterable[str] = (),
    orders: Mapping[str, Sequence[Any]] | None = None,
    places: Places | None = None,
) -> dict[str, Column]:
    """The columns of a table from cells, arrays, factors or single values, without those at their default.

    `InvalidInput`: a required column is missing, columns of several lengths, cells that are no numbers in a
    column of numbers, text in `stage` or an ordered condition without `orders`, no rows.
    """
    places, orders = places or Places(), orders or {}
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise InvalidInput(
            f"{places.label} has no column {quoted(missing)}; the columns are {quoted(given)}. Name "
            "what plays "
            f"the part with `columns={{'{missing[0]}': ...}}`."
        )
    n = _length(given, places)
    columns: dict[str, Column] = {}
    for name, cells in given.items():
        column = _column(name, cells, n, places, condition=name in conditions)
        if name in orders:
            column = _ordered(column, orders[name], name)
        columns[name] = column
    known = {*COLUMNS, *conditions}
    return {
        name: column
        for name, column in columns.items()
        if name in REQUIRED or name in conditions or (name in known and not is_default(name, column))
    }


def checked_conditions(names: Iterable[str]) -> tuple[str, ...]:
    """Names of conditions; `InvalidInput` where one is that of a column with a meaning."""
    named = tuple(names)
    taken = [name for name in named if name in COLUMNS]
    if taken:
        raise InvalidInput(f"a condition cannot be called {quoted(taken)}: that column has a meaning.")
    return named


def is_default(name: str, column: Column) -> bool:
    """Whether every row has the value that an absent column stands for."""
    default = COLUMNS[name]
    if isinstance(column, Factor):
        return column.words == (default,)
    absent = np.isnan(column) if isinstance(default, float) and math.isnan(default) else column == default
    return bool(absent.all())


def repeated(name: str, cells: Sequence[Any], times: int) -> Any:
    """The cells of a column over and over; those of a column of text are looked at once."""
    if name not in TEXT:
        return list(cells) * times
    factor = _text(name, cells, len(cells))
    return Factor(factor.words, np.tile(factor.codes, times))


def _length(given: Mapping[str, Any], places: Places) -> int:
    lengths = {name: len(cells) for name, cells in given.items() if not _single(cells)}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"`{name}` has {length}" for name, length in lengths.items())
        raise InvalidInput(f"the columns of {places.label} differ in length: {told or 'none has rows'}.")
    n = next(iter(lengths.values()))
    if n == 0:
        raise InvalidInput(f"{places.label} has no rows; at least one outcome is needed.")
    return n


def _single(cells: Any) -> bool:
    return cells is None or isinstance(cells, (str, numbers.Real, np.generic))


def _column(name: str, cells: Any, n: int, places: Places, *, condition: bool) -> Column:
    if condition:
        return _condition(name, cells, n, places)
    if name in TEXT:
        return _text(name, cells, n)
    values = _numbers(name, cells, n, places)
    return _whole(name, values, places) if name in WHOLE else values


def _text(name: str, cells: Any, n: int) -> Factor:
    default = TEXT.get(name, "")
    if isinstance(cells, Factor):
        return cells
    if _single(cells):
        return Factor.constant(as_word(cells) or default, n)
    convert: Callable[[Any], str] = as_word
    if name == "category":
        cells = [cell if type(cell) is str else _category(cell) for cell in cells]
    elif isinstance(cells, np.ndarray):
        cells = cells.tolist()
    return Factor.of(cells, lambda cell: convert(cell) or default)


def _category(cell: Any) -> Any:
    """Several categories as text: "a/b; c", with shares "a/b=0.7; c=0.3"."""
    if isinstance(cell, Mapping):
        return "; ".join(f"{as_word(path)}={share:g}" for path, share in cell.items())
    if isinstance(cell, (list, tuple, np.ndarray)):
        return "; ".join(as_word(path) for path in cell)
    return cell


def _condition(name: str, cells: Any, n: int, places: Places) -> Column:
    """Text as a factor; numbers, which have an order, as numbers."""
    if isinstance(cells, Factor):
        return cells
    array = cells if isinstance(cells, np.ndarray) else None
    if array is not None and array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if not _single(cells) and all(isinstance(c, numbers.Real) and not isinstance(c, bool) for c in cells):
        return _numbers(name, cells, n, places)
    return _text(name, cells, n)


def _numbers(name: str, cells: Any, n: int, places: Places) -> Floats:
    """float64 with NaN for missing; what is missing in a column with a default takes the default."""
    default = COLUMNS.get(name, math.nan)
    if _single(cells):
        cells = [cells] * n if n else []
    values = as_floats(name, cells, places)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise InvalidInput(f"{places.label}, {places.of(row)}, column '{name}': the value is infinite.")
    return values if math.isnan(default) else np.where(np.isnan(values), default, values)


def as_floats(name: str, cells: Any, places: Places) -> Floats:
    """Cells as float64 with NaN for missing; `InvalidInput` names the first that is no number."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        return cells.astype(np.float64)
    if {type(cell) for cell in cells} <= {float, int, bool}:
        return np.array(cells, dtype=np.float64)
    quick = fast_numbers(cells)
    if quick is not None:
        return quick
    read = [read_loss(cell) for cell in cells]
    if None in read:
        row = read.index(None)
        raise InvalidInput(
            f"{places.label}, {places.of(row)}, column '{name}': {shown(cells[row])} is not a number. "
            "Correct the cell, or leave it empty if it is unknown."
        )
    return np.array(read, dtype=np.float64)


def _whole(name: str, values: Floats, places: Places) -> np.ndarray:
    broken = values != np.floor(values)
    if broken.any():
        row = int(broken.argmax())
        raise InvalidInput(
            f"{places.label}, {places.of(row)}, column '{name}': {values[row]:g} is no integer. Number them."
        )
    return values.astype(np.int64)


def _ordered(column: Column, order: Sequence[Any], name: str) -> Column:
    if not isinstance(column, Factor):
        return column
    return column.in_order([as_word(level) for level in order], name)


def json_category(cell: str) -> str:
    """A category that a file holds as JSON (a list or an object) in the form of `_category`."""
    if not cell.startswith(("[", "{")):
        return cell
    try:
        return str(_category(json.loads(cell)))
    except ValueError:
        return cell
