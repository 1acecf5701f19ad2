"""Files of records as columns of cells, each row with its place: CSV, TSV, Parquet, JSON lines, NumPy."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from riskstats._frames import quoted, unknown_columns
from riskstats._tables import Chunk, stream_tables
from riskstats.exceptions import InvalidInput

__all__ = ["Cells", "PathLike", "Records", "read_records", "shown"]

PathLike: TypeAlias = "str | os.PathLike[str]"
Cells: TypeAlias = "Sequence[Any] | np.ndarray"

_TABLES = {"", ".csv", ".txt", ".data", ".tsv", ".parquet", ".pq"}
_JSON_LINES = {".jsonl", ".ndjson"}
_NUMPY = {".npz", ".npy"}


class Records(NamedTuple):
    """The columns of a file.

    Attributes
    ----------
    label : name of the file.
    word : what counts its rows: line, row or index.
    lines : the line, row or index of each row.
    columns : cells by name: text in CSV, else an array, or a list of whatever the file holds.
    unit, candidates : column of unit ids and columns of candidates, where the file itself says so.
    """

    label: str
    word: str
    lines: Sequence[int]
    columns: Mapping[str, Cells]
    unit: str | None = None
    candidates: tuple[str, ...] | None = None

    def place(self, row: int) -> str:
        """Where a row stands in the file."""
        return f"{self.word} {self.lines[row]}"

    def column(self, name: str) -> Cells:
        """The cells of a column; `InvalidInput` lists the columns there are."""
        if name not in self.columns:
            raise InvalidInput(f"{self.label}: {unknown_columns([name], list(self.columns))}")
        return self.columns[name]

    def take(self, rows: np.ndarray) -> Records:
        """These rows alone, each with its place."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return self._replace(lines=[self.lines[row] for row in rows], columns=columns)


def read_records(path: PathLike) -> Records:
    """The columns of a file, by the kind that its suffix names; `-` is CSV on standard input."""
    kind = _kind(path)
    if kind in _JSON_LINES:
        return _read_json_lines(path)
    if kind in _NUMPY:
        return _read_numpy(path)
    if kind in _TABLES:
        return _read_table(path)
    raise InvalidInput(
        f"the suffix of '{os.fspath(path)}' is none of .csv, .tsv, .parquet, .jsonl, .npz, .npy. "
        "Save the losses as one of them."
    )


def _kind(path: PathLike) -> str:
    """The suffix without `.gz`; none for standard input."""
    name = Path(os.fspath(path))
    return Path(name.stem).suffix.lower() if name.suffix == ".gz" else name.suffix.lower()


def _read_table(path: PathLike) -> Records:
    label = "standard input" if os.fspath(path) == "-" else os.fspath(path)
    chunks = stream_tables(path)
    first = next(chunks)
    if not isinstance(first.raw, list):
        every = [first, *chunks]
        return Records(label, "row", [line for chunk in every for line in chunk.lines], _arrow_columns(every))
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in first.names]
    for chunk in itertools.chain([first], chunks):
        lines.extend(chunk.lines)
        for column, cells in zip(columns, zip(*chunk.raw, strict=True), strict=True):
            column.extend(cells)
    return Records(label, "line", lines, dict(zip(first.names, columns, strict=True)))


def _arrow_columns(chunks: Sequence[Chunk]) -> dict[str, Cells]:
    """Columns of numbers and booleans as arrays, every other one as a list."""
    import pyarrow as pa

    table = pa.Table.from_batches([chunk.raw for chunk in chunks])
    columns: dict[str, Cells] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        exact = plain and column.null_count == 0
        columns[name] = column.to_numpy() if exact else column.to_pylist()
    return columns


def _read_json_lines(path: PathLike) -> Records:
    label = os.fspath(path)
    lines: list[int] = []
    rows: list[dict[str, Any]] = []
    for line, text in enumerate(_text_lines(path), start=1):
        if text.strip():
            lines.append(line)
            rows.append(_json_object(text, f"{label}, line {line}"))
    if not rows:
        raise InvalidInput(f"{label} is empty. It needs one JSON object per line.")
    names = dict.fromkeys(name for row in rows for name in row)
    return Records(label, "line", lines, {name: [row.get(name) for row in rows] for name in names})


def _text_lines(path: PathLike) -> list[str]:
    label = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
        content = gzip.decompress(raw) if label.endswith(".gz") else raw
        return content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInput(f"{label}, line {line}: not UTF-8. Save the file as UTF-8.") from error
    except (EOFError, OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"cannot read {label}: {reason}. Check the path.") from error


def _json_object(text: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_fields)
    except (ValueError, RecursionError) as error:
        at = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidInput(f"{place}: no JSON object ({reason}{at}). Write one object per line.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f'{place}: {shown(found)} is no JSON object. Write {{"name": loss, ...}}.')
    return found


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field '{twice}' stands there twice")
    return fields


def shown(value: Any, limit: int = 40) -> str:
    """A value as it is quoted in messages."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


# NumPy


def _read_numpy(path: PathLike) -> Records:
    label = os.fspath(path)
    arrays = _arrays(path, label)
    losses = arrays.pop("losses", None)
    if losses is not None and losses.ndim == 2:
        return _matrix(label, losses, arrays)
    if losses is not None:
        arrays = {"losses": losses, **arrays}
    shapes = sorted({array.shape for array in arrays.values()})
    if len(shapes) != 1 or len(shapes[0]) != 1 or shapes[0] == (0,):
        raise InvalidInput(
            f"{label} holds arrays of shapes {quoted(shapes)}. It needs `losses` of shape (candidates, "
            "units), or one array (units,) per candidate."
        )
    columns: dict[str, Cells] = {**arrays}
    return Records(label, "index", range(*shapes[0]), columns)


def _arrays(path: PathLike, label: str) -> dict[str, np.ndarray]:
    """The arrays of a file by name; the one of an `.npy` file is `losses`."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"losses": found}
        with found:
            return {name: found[name] for name in found.files}
    except FileNotFoundError as error:
        raise InvalidInput(f"cannot read {label}: {error.strerror}. Check the path.") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition(". ")[0]
        raise InvalidInput(
            f"{label} is no NumPy file of numbers or text ({reason}). Write it again with `numpy.savez`."
        ) from error


def _matrix(label: str, losses: np.ndarray, others: Mapping[str, np.ndarray]) -> Records:
    """(m, n) losses with the arrays `names` (m,) and `units` (n,); further arrays (n,) label units."""
    m, n = losses.shape
    names = [str(name) for name in others.get("names", np.arange(m)).ravel()]
    labels = {name: array for name, array in others.items() if name != "names"}
    if losses.size == 0:
        raise InvalidInput(f"{label}: `losses` is empty, shape {losses.shape}.")
    if len(names) != m or len({*names, *labels}) != m + len(labels):
        raise InvalidInput(f"{label}: `names` must be {m} different names, one per row of `losses`.")
    for name, array in labels.items():
        if array.shape != (n,):
            raise InvalidInput(
                f"{label}: `losses` is {m} candidates x {n} units, so '{name}' must have shape ({n},); "
                f"got {array.shape}."
            )
    columns: dict[str, Cells] = {**dict(zip(names, losses, strict=True)), **labels}
    unit = "units" if "units" in labels else None
    return Records(label, "index", range(n), columns, unit, tuple(names))
