"""Losses from files: CSV, TSV, Parquet, JSON lines and NumPy files, wide or long.

Wide: each row is a unit and each column a candidate. Long: each row is one loss, with columns that name its
candidate and its unit. A loss that is missing is an error with its place in the file, never a zero.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from riskstats._frames import quoted, unknown_columns
from riskstats._record_files import Cells, PathLike, Records, read_records, shown
from riskstats._samples import Support, unique_units
from riskstats._tables import MISSING
from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput

__all__ = ["LossTable", "Reduction", "read_losses"]

Reduction: TypeAlias = Callable[[Any, Any], "tuple[Any, Any]"]
"""From losses (k,) and their unit ids (k,) to the ids (n,) and one loss (n,) each, as `unit_losses`."""

_BOOLEANS = {"true": 1.0, "false": 0.0}
_ANY: Support = (-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class LossTable:
    """m candidates measured on the same n units, in the order of the file.

    Attributes
    ----------
    values : (m, n) finite losses.
    names : m names of candidates.
    units : n ids of units, or None where the file has none.
    cluster : n labels of what was sampled independently, or None.
    binary : whether every loss is a boolean in the file (true or false); 0 and 1 are numbers.
    """

    values: Floats
    names: tuple[str, ...]
    units: tuple[str, ...] | None
    cluster: tuple[str, ...] | None
    binary: bool


def read_losses(
    path: PathLike,
    *,
    unit: str | None = None,
    candidate: str | None = None,
    loss: str | None = None,
    cluster: str | None = None,
    columns: Sequence[str] | None = None,
    support: Support = _ANY,
    reduce: Reduction | None = None,
) -> LossTable:
    """The losses of a file.

    Parameters
    ----------
    path : `.csv`, `.tsv`, `.txt` or `.jsonl`, each also as `.gz`, `.parquet`, `.npz`, `.npy`; `-` is CSV on
        standard input. An `.npz` holds `losses` (m, n), with `names` and `units` if known, or one array (n,)
        per column.
    unit : column of unit ids.
    candidate, loss : columns of candidates and losses in the long form; it needs `unit` too.
    cluster : column of labels of what was sampled independently.
    columns : names of the candidates to read; None is all.
    support : (lowest, highest) possible loss.
    reduce : how several losses of one candidate on one unit become one; None refuses them.

    Raises
    ------
    InvalidInput : names the file and the line: text, missing or infinite losses, losses outside the support,
        repeated ids, pairs of candidate and unit that are missing, and everything that cannot be read.
    """
    records = read_records(path)
    layout = _Layout(records.unit if unit is None else unit, cluster, columns, support, reduce)
    if candidate is None and loss is None:
        return _wide(records, layout)
    if candidate is None or loss is None or layout.unit is None:
        raise InvalidInput(
            "one row per candidate and unit needs three columns: `candidate`, `unit` and `loss`. "
            "Name all of them, or only `unit` where every column is a candidate."
        )
    return _long(records, candidate, layout.unit, loss, layout)


class _Layout(NamedTuple):
    """Which columns hold what, and what their losses must satisfy."""

    unit: str | None
    cluster: str | None
    columns: Sequence[str] | None
    support: Support
    reduce: Reduction | None


# Forms


def _wide(records: Records, layout: _Layout) -> LossTable:
    """One row per unit, or several where they are reduced: the columns are the candidates."""
    units = None if layout.unit is None else read_ids(records, layout.unit, "unit")
    clusters = None if layout.cluster is None else read_ids(records, layout.cluster, "cluster")
    names = _candidates(records, layout)
    read = [_losses(records, name) for name in names]
    values, binary = np.stack([column for column, _ in read]), all(boolean for _, boolean in read)
    _check(records, values, names, layout.support)
    if layout.reduce is None:
        _once(units, records)
        return LossTable(values, names, _ordered(units), _ordered(clusters), binary)
    if units is None:
        raise InvalidInput("`reduce` makes one loss of several of one unit: name the ids with `unit`.")
    found, codes = id_codes(units)
    reduced = np.stack([_reduced(layout.reduce, row, codes)[1] for row in values])
    return LossTable(reduced, names, tuple(found), _cluster_of(records, found, units, clusters), False)


def _once(units: Sequence[str] | None, records: Records) -> None:
    """`InvalidInput` of the gate where a unit id is repeated, with the file."""
    try:
        unique_units(units)
    except InvalidInput as error:
        raise InvalidInput(f"{records.label}: {error}") from None


def _candidates(records: Records, layout: _Layout) -> tuple[str, ...]:
    """The columns of losses; those that were named must be there and hold no ids."""
    ids = {layout.unit, layout.cluster}
    if layout.columns is None:
        names = [name for name in records.candidates or records.columns if name not in ids]
    else:
        names = list(dict.fromkeys(layout.columns))
        missing = [name for name in names if name not in records.columns]
        if missing:
            raise InvalidInput(f"{records.label}: {unknown_columns(missing, list(records.columns))}")
        taken = [name for name in names if name in ids]
        if taken:
            raise InvalidInput(
                f"{records.label}: column '{taken[0]}' cannot hold both ids and losses. Leave it out."
            )
    if not names:
        raise InvalidInput(f"{records.label} has no column of losses besides the ids. Add one per candidate.")
    return tuple(names)


def _long(records: Records, candidate: str, unit: str, loss: str, layout: _Layout) -> LossTable:
    """One row per loss: m n rows become (m, n), units in the order in which they first appear."""
    if len({candidate, unit, loss}) < 3:
        raise InvalidInput(f"`candidate`, `unit` and `loss` must be three columns; got '{loss}' twice.")
    labels = read_ids(records, candidate, "candidate")
    kept = _rows_of(labels, layout.columns, records.label)
    values, boolean = _losses(records, loss)
    records = records if len(kept) == len(labels) else records.take(kept)
    _check(records, values[np.newaxis, kept], (loss,), layout.support)
    units = read_ids(records, unit, "unit")
    clusters = None if layout.cluster is None else read_ids(records, layout.cluster, "cluster")
    names, of_name = id_codes(labels[row] for row in kept)
    found, of_unit = id_codes(units)
    cells, losses = of_name * len(found) + of_unit, values[kept]
    if layout.reduce is None:
        _no_repeats(cells, names, found, records.label)
    else:
        cells, losses = _reduced(layout.reduce, losses, cells)
    _no_gaps(cells, names, found, records.label)
    matrix = losses[np.argsort(cells)].reshape(len(names), len(found))
    of_cluster = _cluster_of(records, found, units, clusters)
    return LossTable(matrix, tuple(names), tuple(found), of_cluster, boolean and layout.reduce is None)


def _reduced(reduce: Reduction, losses: Floats, codes: np.ndarray) -> tuple[np.ndarray, Floats]:
    """The distinct codes in increasing order, and one loss for each."""
    found, values = (np.asarray(each) for each in reduce(losses, codes))
    order = np.argsort(found)
    return found[order], values[order]


def _rows_of(labels: Sequence[str], columns: Sequence[str] | None, label: str) -> np.ndarray:
    """Positions of the rows of the candidates that were asked for."""
    if columns is None:
        return np.arange(len(labels))
    wanted = set(columns)
    if not wanted:
        raise InvalidInput(f"`columns` names no candidate of {label}. Name at least one, or leave it out.")
    missing = sorted(wanted.difference(labels))
    if missing:
        known = list(dict.fromkeys(labels))
        raise InvalidInput(f"{label} has no candidate {quoted(missing)}; it has {quoted(known)}.")
    return np.flatnonzero([name in wanted for name in labels])


def id_codes(labels: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """The distinct labels in order of appearance, and the position of each row's label among them."""
    known: dict[str, int] = {}
    codes = [known.setdefault(label, len(known)) for label in labels]
    return list(known), np.array(codes, dtype=np.int64)


def _no_repeats(cells: np.ndarray, names: Sequence[str], units: Sequence[str], label: str) -> None:
    keys, counts = np.unique(cells, return_counts=True)
    if counts.max() > 1:
        worst = int(counts.argmax())
        name, unit = divmod(int(keys[worst]), len(units))
        raise InvalidInput(
            f"unit id '{units[unit]}' appears {int(counts[worst])} times for candidate '{names[name]}' in "
            f"{label}. Reduce with `unit_losses(losses, unit)`, or name the column that tells them apart."
        )


def _no_gaps(cells: np.ndarray, names: Sequence[str], units: Sequence[str], label: str) -> None:
    """`InvalidInput` where a candidate has no loss on a unit."""
    every = len(names) * len(units)
    if len(cells) == every:
        return
    absent = np.setdiff1d(np.arange(every), cells)
    first = [divmod(int(cell), len(units)) for cell in absent[:3]]
    pairs = ", ".join(f"('{names[name]}', '{units[unit]}')" for name, unit in first)
    raise InvalidInput(
        f"{label} is ragged: {len(absent)} of {every} pairs of candidate and unit have no loss, first "
        f"{pairs}. Score every candidate on the same units."
    )


def _cluster_of(
    records: Records, found: Sequence[str], units: Iterable[str], clusters: Sequence[str] | None
) -> tuple[str, ...] | None:
    """The cluster of every unit; `InvalidInput` where the rows of a unit name two."""
    if clusters is None:
        return None
    known: dict[str, str] = {}
    for row, (unit, cluster) in enumerate(zip(units, clusters, strict=True)):
        if known.setdefault(str(unit), cluster) != cluster:
            raise InvalidInput(
                f"{records.label}, {records.place(row)}: unit '{unit}' is in cluster '{cluster}', and before "
                f"in '{known[str(unit)]}'. A unit belongs to one cluster."
            )
    return tuple(known[unit] for unit in found)


def _ordered(labels: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if labels is None else tuple(labels)


# Columns


def read_ids(records: Records, name: str, word: str) -> list[str]:
    """A column of ids as text; integers keep every digit."""
    cells = records.column(name)
    if all(type(cell) is str for cell in cells):
        stripped = {cell: cell.strip() for cell in set(cells)}
        ids = [stripped[cell] for cell in cells]
    else:
        ids = [_id(cell) for cell in cells]
    if "" in ids:
        place = records.place(ids.index(""))
        raise InvalidInput(f"{records.label}, {place}, column '{name}': the {word} has no name. Fill it in.")
    return ids


def _id(cell: Any) -> str:
    if isinstance(cell, (float, np.floating)):
        return "" if np.isnan(cell) else str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return "" if cell is None else str(cell).strip()


def _losses(records: Records, name: str) -> tuple[Floats, bool]:
    """A column of losses as float64 with NaN for missing, and whether every cell is a boolean."""
    cells = records.column(name)
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        return cells.astype(np.float64), cells.dtype.kind == "b"
    values = fast_numbers(cells)
    if values is not None:
        return values, False
    read = [read_loss(cell) for cell in cells]
    if None in read:
        raise _no_number(records, name, read)
    return np.array(read, dtype=np.float64), all(map(_is_boolean, cells))


def fast_numbers(cells: Cells) -> Floats | None:
    """Cells of text that are all plain numbers, or None."""
    if not all(type(cell) is str for cell in cells):
        return None
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return None if any("_" in cell for cell in cells) else values


def _is_boolean(cell: Any) -> bool:
    return isinstance(cell, (bool, np.bool_)) or (isinstance(cell, str) and cell.strip().lower() in _BOOLEANS)


def read_loss(cell: Any) -> float | None:
    """The number in a cell, NaN for a missing one, None for anything else."""
    if cell is None:
        return np.nan
    if isinstance(cell, str):
        word = cell.strip()
        if word in MISSING:
            return np.nan
        if word.lower() in _BOOLEANS:
            return _BOOLEANS[word.lower()]
        cell = "no number" if "_" in word else word
    elif not isinstance(cell, (numbers.Real, np.bool_, Decimal)):
        return None
    try:
        return float(cell)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return None


def _no_number(records: Records, name: str, read: Sequence[float | None]) -> InvalidInput:
    """One bad cell among numbers is a slip; a column without numbers is no column of losses."""
    row = read.index(None)
    cell = shown(records.columns[name][row])
    if any(value is not None and value == value for value in read):
        return InvalidInput(
            f"{records.label}, {records.place(row)}, column '{name}': {cell} is not a number. Correct it."
        )
    return InvalidInput(
        f"{records.label}: column '{name}' holds no losses but {cell} in {records.place(row)}. If it holds "
        f"the ids of units, pass `unit='{name}'`; else name the columns of losses with `columns`. "
        "One row per candidate and unit needs `candidate`, `unit` and `loss`."
    )


def _check(records: Records, values: Floats, names: Sequence[str], support: Support) -> None:
    """Refuse missing and infinite losses and losses outside the support, with the first place of each."""
    absent = np.isnan(values)
    if absent.any():
        count = int(absent.sum())
        verb = "is 1 missing loss" if count == 1 else f"are {count} missing losses, first"
        raise InvalidInput(
            f"{records.label}: there {verb} in {_where(records, absent, names)}. "
            "Drop or score them: a missing loss is not a zero loss."
        )
    infinite = np.isinf(values)
    if infinite.any():
        raise InvalidInput(
            f"{records.label}, {_where(records, infinite, names)}: the loss is infinite. "
            "Cap it at the largest loss that can occur."
        )
    outside = (values < support[0]) | (values > support[1])
    if outside.any():
        row = int(outside.any(axis=0).argmax())
        value = values[int(outside[:, row].argmax()), row]
        raise InvalidInput(
            f"{records.label}, {_where(records, outside, names)}: {value:g} lies outside the support "
            f"({support[0]:g}, {support[1]:g}). Rescale, or pass `support=`; if the column holds ids, "
            "name it by `unit=`."
        )


def _where(records: Records, at: np.ndarray, names: Sequence[str]) -> str:
    """The first such place in the order of the file."""
    row = int(at.any(axis=0).argmax())
    return f"{records.place(row)}, column '{names[int(at[:, row].argmax())]}'"
