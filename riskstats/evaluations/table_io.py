"""Outcome tables from frames and files, and to files from which the same table is read back.

A file that was written names a condition `condition.NAME`, or `number.NAME` if it is a number, and keeps the
order of the levels of a column in another, `COLUMN.order`, of positions 1, 2, ...
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from riskstats._atomic import atomic_write
from riskstats._frames import as_table, quoted, unknown_columns
from riskstats._record_files import PathLike, Records, read_records
from riskstats._records import read_loss
from riskstats.evaluations.factor import Factor, as_word
from riskstats.evaluations.scale import Scale, checked_scale, declare
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_checks import Unused
from riskstats.evaluations.table_columns import (
    COLUMNS,
    Column,
    Places,
    as_floats,
    checked_conditions,
    columns_of,
    json_category,
)
from riskstats.exceptions import InvalidInput, Unavailable

__all__ = ["file_table", "frame_table", "write_table"]

CONDITION, NUMBER, ORDER = "condition.", "number.", ".order"
Scales = Scale | Mapping[str, Scale] | None
Orders = Mapping[str, Sequence[Any]] | None


def frame_table(
    frame: Any, columns: Mapping[str, str], conditions: Sequence[str], orders: Orders, scale: Scales
) -> OutcomeTable:
    """A table from a frame or a dict of columns."""
    if isinstance(frame, OutcomeTable):
        return frame
    checked_conditions(conditions)
    wanted, original = {*COLUMNS, *columns.values(), *conditions}, frame
    names = _names(frame)
    kept_marks = [name for name in names if name.startswith((CONDITION, NUMBER)) or name.endswith(ORDER)]
    used = [name for name in names if name in wanted or name in kept_marks]
    if isinstance(frame, Mapping):
        kept = {name: frame[name] for name in used}
        cells: dict[str, Any] = {name: c for name, c in kept.items() if name == "category"}
        frame = {name: c for name, c in kept.items() if name != "category"}
    elif len(set(used)) == len(used) and used:
        cells = {name: _listed(frame, name) for name in used if name == "category"}
        used = [name for name in used if name != "category"]
        frame = frame.select(used) if hasattr(frame, "select") else frame[used]
    else:
        cells = {}
    table = as_table(frame, name="outcomes")
    cells |= dict(zip(table.names, table.columns, strict=True))
    records = Records("`outcomes`", "row", range(table.n_rows), cells)
    others = {name: original[name] for name in names if name not in wanted}
    return _table(records, columns, conditions, orders, scale, lambda: _arrays(others))


def _listed(frame: Any, name: str) -> list[Any]:
    """A column of a frame whose cells may be lists."""
    import narwhals as nw

    return nw.from_native(frame)[name].to_list()


def _arrays(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(cells) for name, cells in columns.items()}


def _names(frame: Any) -> list[str]:
    if isinstance(frame, Mapping):
        return [str(name) for name in frame]
    found = getattr(frame, "column_names", None) or getattr(frame, "columns", None)
    if found is None:
        raise InvalidInput(
            "an outcome table is made from a frame or a dict of columns; got "
            f"{type(frame).__name__}. Name the "
            "columns model, prompt_id and loss."
        )
    return [str(name) for name in found]


def file_table(
    path: PathLike, columns: Mapping[str, str], conditions: Sequence[str], orders: Orders, scale: Scales
) -> OutcomeTable:
    """A table from CSV, JSON lines or Parquet."""
    return _table(read_records(path), columns, conditions, orders, scale)


def _table(
    records: Records,
    columns: Mapping[str, str],
    conditions: Sequence[str],
    orders: Orders,
    scale: Scales,
    others: Unused | None = None,
) -> OutcomeTable:
    names = {name: name for name in COLUMNS if name in records.columns} | dict(columns)
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise unknown_columns(unknown, list(COLUMNS))
    written = _written_conditions(records)
    named = {**written, **{name: name for name in conditions}}
    given = {name: records.column(source) for name, source in {**names, **named}.items()}
    if "category" in given:
        given["category"] = [json_category(c) if isinstance(c, str) else c for c in given["category"]]
    places = Places(records.label, records.word, records.lines)
    for name, source in written.items():
        if source.startswith(NUMBER):
            given[name] = as_floats(name, given[name], places)
    found = {**_written_orders(records, given), **(orders or {})}
    if scale is not None:
        given = {**given, **_scaled(given, scale, places)}

    def unused() -> dict[str, Any]:
        whole = records.columns if others is None else others()
        return {n: cells for n, cells in whole.items() if n not in {*names.values(), *named.values()}}

    return OutcomeTable.of(given, conditions=tuple(named), orders=found, places=places, unused=unused)


def _written_conditions(records: Records) -> dict[str, str]:
    """{condition: column} of a file that was written here."""
    marked = [name for name in records.columns if name.startswith((CONDITION, NUMBER))]
    return {name.partition(".")[2]: name for name in marked if not name.endswith(ORDER)}


def _written_orders(records: Records, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """The order of levels that a file holds beside the levels."""
    orders = {}
    for name, cells in given.items():
        stored = f"{CONDITION if name not in COLUMNS else ''}{name}{ORDER}"
        if stored in records.columns:
            ranks = {
                as_word(cell): read_loss(rank)
                for cell, rank in zip(cells, records.columns[stored], strict=True)
            }
            orders[name] = sorted(ranks, key=lambda word: ranks[word] or 0.0)
    return orders


def _scaled(given: Mapping[str, Any], scale: Scale | Mapping[str, Scale], places: Places) -> dict[str, Any]:
    """The losses of scores, and the names of their scales."""
    checked_scale(scale, "dimension")
    if "loss" not in given:
        return {}
    placed = {name: given[name] for name in ("loss", "dimension") if name in given}
    read = columns_of({"model": "m", "prompt_id": "p", **placed}, places=places)
    scores, n = np.asarray(read["loss"]), len(read["loss"])
    dimension = read.get("dimension", Factor.constant("", n))
    if not isinstance(dimension, Factor):
        raise TypeError("a dimension is text")
    unknown = [] if isinstance(scale, Scale) else [name for name in scale if name not in dimension.words]
    if unknown:
        raise InvalidInput(
            f"`scale` names {quoted(unknown)}, which is no dimension; there are {quoted(dimension.words)}. "
            "Check the spelling."
        )
    losses, names = np.empty(n), []
    for code, word in enumerate(dimension.words):
        own = scale if isinstance(scale, Scale) else scale.get(word)
        at = np.flatnonzero(dimension.codes == code)
        if own is None:
            raise InvalidInput(
                f"dimension `{word}` declares no direction; `scale` has "
                f"{quoted(dict(scale) if isinstance(scale, Mapping) else ())}. {declare(scores[at], word)}"
            )
        losses[at] = own.losses(scores[at], where=_where(places, at))
        names.append(own.name)
    return {"loss": losses, "scale_id": [names[code] for code in dimension.codes.tolist()]}


def _where(places: Places, rows: np.ndarray) -> Callable[[int], str]:
    return lambda at: f"{places.label}, {places.of(int(rows[at]))}, score"


# Writing


def write_table(table: OutcomeTable, path: PathLike) -> None:
    """Write a table by the kind that the suffix names."""
    name = Path(path)
    kind = Path(name.stem).suffix.lower() if name.suffix == ".gz" else name.suffix.lower()
    columns = dict(_stored(table))
    if kind in (".csv", ".tsv", ".txt"):
        _write_csv(columns, path, "\t" if kind == ".tsv" else ",")
    elif kind in (".jsonl", ".ndjson"):
        _write_json_lines(columns, path)
    elif kind in (".parquet", ".pq"):
        _write_parquet(columns, path)
    else:
        raise InvalidInput(f"cannot write {name.name}: the suffix is none of .csv, .tsv, .jsonl, .parquet.")


def _stored(table: OutcomeTable) -> Iterator[tuple[str, Column]]:
    for name, column in table.columns.items():
        stored = (
            f"{CONDITION if isinstance(column, Factor) else NUMBER}{name}"
            if name in table.conditions
            else name
        )
        yield stored, column
        if isinstance(column, Factor) and column.ordered:
            yield f"{stored}{ORDER}", column.codes + 1


def _texts(column: Column) -> list[str]:
    """Cells as text that reads back to the same value; missing is empty."""
    if isinstance(column, Factor):
        return [str(value) for value in column.values]
    if column.dtype.kind == "f":
        return ["" if math.isnan(v) else repr(v) for v in column.tolist()]
    return [str(v) for v in column.tolist()]


def _write_csv(columns: Mapping[str, Column], path: PathLike, delimiter: str) -> None:
    with atomic_write(path) as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(_texts(column) for column in columns.values()), strict=True))


def _write_json_lines(columns: Mapping[str, Column], path: PathLike) -> None:
    lists = [_cells(column) for column in columns.values()]
    with atomic_write(path) as file:
        for row in zip(*lists, strict=True):
            cells = {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None}
            file.write(json.dumps(cells, ensure_ascii=False) + "\n")


def _cells(column: Column) -> Iterable[Any]:
    values = column.values.tolist() if isinstance(column, Factor) else column.tolist()
    return [None if isinstance(v, float) and math.isnan(v) else v for v in values]


def _write_parquet(columns: Mapping[str, Column], path: PathLike) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise Unavailable(
            "writing Parquet needs pyarrow. Install it with: pip install 'riskstats[frames]'"
        ) from error
    arrays = {name: _arrow(pa, column) for name, column in columns.items()}
    with atomic_write(path, binary=True) as file:
        pq.write_table(pa.table(arrays), file)


def _arrow(pa: Any, column: Column) -> Any:
    if not isinstance(column, Factor):
        return pa.array(column, from_pandas=True)
    codes = pa.array(column.codes.astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string())).cast(pa.string())
