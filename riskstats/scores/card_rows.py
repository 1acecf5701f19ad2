"""Reading rows for a card: the columns it uses, from any kind of table, and the labels beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from riskstats._validation import Table, as_table, quoted
from riskstats.exceptions import InvalidInput
from riskstats.scores._types import BoolArray

__all__ = ["positive_rows", "used_table"]


def used_table(X: Any, used: Sequence[str], trained: Sequence[str], named: bool) -> Table:
    """Return the `used` columns of X, in that order (all columns if the card uses none).

    Tables with names are read by name and may hold other columns, which are not even looked at. Bare arrays,
    and any table for a card trained on a bare array, are read by position and must have as many columns as in
    training.
    """
    if isinstance(X, Table):
        return _part(X, used, trained, named)
    if isinstance(X, Mapping):
        places = _places(list(X), used, trained, named)
        items = list(X.items())
        return as_table(dict(items[place] for place in places) if used else X)
    frame = _frame(X)
    if frame is None or not all(isinstance(name, str) for name in frame.columns):
        return _part(as_table(X), used, trained, named)
    places = _places(frame.columns, used, trained, named)
    return as_table(frame.select([frame.columns[place] for place in places]).to_native() if used else X)


def _part(table: Table, used: Sequence[str], trained: Sequence[str], named: bool) -> Table:
    if table.named:
        places = _places(table.names, used, trained, named)
    else:
        places = _by_position(len(table.names), used, trained)
    chosen = places if used else range(len(table.names))
    return Table(tuple(table.names[i] for i in chosen), tuple(table.columns[i] for i in chosen), table.named)


def _frame(X: Any) -> Any:
    """Return X as a narwhals frame in memory with distinct names, or None; `as_table` words what is wrong."""
    if isinstance(X, np.ndarray | list | tuple):
        return None
    import narwhals as nw

    names = [str(name) for name in getattr(X, "columns", ())] if hasattr(X, "dtypes") else []
    if len(set(names)) < len(names):
        return None
    found = nw.from_native(X, pass_through=True)
    return found if isinstance(found, nw.DataFrame) else None


def _places(names: Sequence[Any], used: Sequence[str], trained: Sequence[str], named: bool) -> list[int]:
    """Return where the used columns stand among the `names` of a table."""
    position = {name: place for place, name in enumerate(names)}
    absent = [name for name in used if name not in position]
    if absent and not named:
        return _by_position(len(names), used, trained)
    if absent:
        raise _absent(absent, names)
    return [position[name] for name in used]


def _by_position(width: int, used: Sequence[str], trained: Sequence[str]) -> list[int]:
    if width != len(trained):
        raise InvalidInput(
            f"X has {width} features, but ScoreCard is expecting {len(trained)} features as input: "
            f"{quoted(trained)}. Pass them all in this order, or a table with column names."
        )
    return [list(trained).index(name) for name in used]


def _absent(absent: Sequence[str], names: Sequence[Any]) -> InvalidInput:
    known = [str(name) for name in names]
    folded = {name.casefold(): name for name in known}
    near = [
        folded[match] for name in absent for match in get_close_matches(name.casefold(), list(folded), n=1)
    ]
    noun = "column" if len(absent) == 1 else "columns"
    hint = f"Near: {quoted(dict.fromkeys(near))}. " if near else ""
    return InvalidInput(
        f"`X` lacks the {noun} {quoted(absent)} that the card reads; it has {quoted(known)}. {hint}"
        "Add what is missing or rename the columns."
    )


def positive_rows(y: Any, classes: tuple[Any, Any], n_rows: int) -> BoolArray:
    """Return which labels are the positive class; `InvalidInput` if one is neither, or for another length."""
    labels = [label.item() if isinstance(label, np.generic) else label for label in _values(y)]
    if len(labels) != n_rows:
        raise InvalidInput(f"`y` has {len(labels)} labels for {n_rows} rows of `X`. Pass one label per row.")
    code = {classes[0]: False, classes[1]: True}
    for row, label in enumerate(labels):
        if label not in code:
            raise InvalidInput(
                f"`y` holds {label!r}, first at row {row}; the classes of this card are {classes[0]!r} "
                f"and {classes[1]!r}. Recode `y` or drop those rows."
            )
    return np.fromiter((code[label] for label in labels), dtype=bool, count=n_rows)


def _values(y: Any) -> list[Any]:
    """Return the labels as a list; pyarrow and polars columns give theirs themselves."""
    for method in ("to_pylist", "to_list"):
        if hasattr(y, method):
            return list(getattr(y, method)())
    array = np.asarray(y, dtype=None if isinstance(y, np.ndarray) else object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InvalidInput(f"`y` must have 1 dimension; got shape {array.shape}.")
    return list(array)
