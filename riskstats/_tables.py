"""Files of tables: read at once, streamed in constant memory, written so that no half file is ever left.

CSV (`.csv`, `.tsv`, `.txt`, each also as `.gz`) needs the standard library alone, Parquet needs pyarrow.
`-` is the standard input as CSV. A CSV file is UTF-8 with a header line. A cell is missing if it is one of
`MISSING` once blanks around it are dropped. A column is numeric if every other cell is a number, else text.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import itertools
import math
import os
import sys
import warnings
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

from riskstats._atomic import atomic_write
from riskstats._frames import Floats, Table, as_table, quoted, unknown_columns
from riskstats.exceptions import InvalidInput, Unavailable

__all__ = ["MISSING", "Chunk", "atomic_write", "read_table", "stream_tables"]

_FEW_WORDS = 0.1
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "None", "?"})

PathLike: TypeAlias = "str | os.PathLike[str]"
_CSV = {".csv": ",", ".txt": ",", ".data": ",", "": ",", ".tsv": "\t"}
_PARQUET = {".parquet", ".pq"}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some consecutive rows of a streamed file.

    Attributes
    ----------
    table : the columns that were asked for, converted.
    names : the names of every column of the file.
    raw : the rows as they stand in the file: lists of cells, or a pyarrow record batch.
    lines : where each row begins: its line in a CSV file (the header is line 1), in Parquet its row
        number from 1.
    """

    table: Table
    names: tuple[str, ...]
    raw: Any
    lines: Sequence[int]

    @property
    def first_line(self) -> int:
        """Where the first row begins."""
        return self.lines[0]


def read_table(path: PathLike, *, columns: Sequence[str] | None = None) -> Table:
    """The whole table of a file, or its `columns` in the order given.

    `InvalidInput` names the file and, for CSV, the line: no file, unknown kind, not UTF-8, no header,
    no rows, rows of different length, names that are missing or repeated, infinite values.
    """
    label = _label(path)
    if _is_parquet(path):
        with _parquet(path) as file:
            names = _known(columns, file.schema_arrow.names, label)
            return as_table(file.read(columns=list(names)), name=label)
    with _open_csv(path) as (names, rows):
        wanted = _known(columns, names, label)
        lines, cells = _gather(rows, None)
        if not lines:
            raise InvalidInput(f"{label} has a header and no rows. Add at least one row.")
        by_name = dict(zip(names, zip(*cells, strict=True), strict=True))
        arrays = tuple(_guess(by_name[name], lines, name, label) for name in wanted)
    return Table(tuple(wanted), arrays)


def stream_tables(
    path: PathLike, *, numeric: Collection[str] = (), text: Collection[str] = (), chunk_rows: int = 20_000
) -> Iterator[Chunk]:
    """The rows of a file in order, at most `chunk_rows` at a time; memory does not grow with the file.

    The columns `numeric` and `text` are converted as such, whatever a chunk happens to hold; the others
    are only passed on in `Chunk.raw`. Errors as in `read_table`, and a cell that is no number in a
    numeric column.
    """
    label = _label(path)
    if _is_parquet(path):
        yield from _stream_parquet(path, numeric, text, chunk_rows)
        return
    with _open_csv(path) as (names, rows):
        wanted = _in_order([*numeric, *text], names, label)
        empty = True
        while True:
            lines, cells = _gather(rows, chunk_rows)
            if not lines:
                break
            empty = False
            by_name = dict(zip(names, zip(*cells, strict=True), strict=True))
            convert = {name: _numbers if name in numeric else _text for name in wanted}
            arrays = tuple(convert[name](by_name[name], lines, name, label) for name in wanted)
            yield Chunk(Table(wanted, arrays), names, cells, lines)
    if empty:
        raise InvalidInput(f"{label} has a header and no rows. Add at least one row.")


def _label(path: PathLike) -> str:
    return "standard input" if os.fspath(path) == "-" else os.fspath(path)


def _known(columns: Sequence[str] | None, names: Sequence[str], label: str) -> Sequence[str]:
    """`columns`, every one of which the file has; all names for None."""
    wanted = names if columns is None else columns
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InvalidInput(f"{label}: {unknown_columns(missing, names)}")
    return wanted


def _in_order(columns: Sequence[str], names: Sequence[str], label: str) -> tuple[str, ...]:
    wanted = set(_known(columns, names, label))
    return tuple(name for name in names if name in wanted)


# CSV

Row: TypeAlias = tuple[int, list[str]]


@contextlib.contextmanager
def _open_csv(path: PathLike) -> Iterator[tuple[tuple[str, ...], Iterator[Row]]]:
    """The column names and the rows, each with the line where it begins."""
    label = _label(path)
    with _open_binary(path) as binary:
        delimiter = _CSV[_kind(path)]
        rows = _rows(
            csv.reader(_decoded(binary, label), delimiter=delimiter, skipinitialspace=True, strict=True),
            label,
        )
        header = next(rows, None)
        if header is None:
            raise InvalidInput(
                f"{label} is empty. A table needs a line of column names and at least one row."
            )
        names = _header(header, label)
        yield names, _regular(rows, len(names), label)


@contextlib.contextmanager
def _open_binary(path: PathLike) -> Iterator[IO[bytes]]:
    if os.fspath(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file: Any = gzip.open(path, "rb") if Path(path).suffix == ".gz" else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise InvalidInput(
            f"cannot read {_label(path)}: {error.strerror or error}. Check the path."
        ) from error
    with file:
        yield file


def _kind(path: PathLike) -> str:
    """The suffix without `.gz`."""
    name = Path(os.fspath(path))
    return Path(name.stem).suffix.lower() if name.suffix == ".gz" else name.suffix.lower()


def _is_parquet(path: PathLike) -> bool:
    kind = "" if os.fspath(path) == "-" else _kind(path)
    if kind not in _CSV and kind not in _PARQUET:
        raise InvalidInput(
            f"{_label(path)} is neither CSV nor Parquet. Pass .csv, .tsv, .csv.gz or .parquet."
        )
    return kind in _PARQUET


def _decoded(binary: IO[bytes], label: str) -> Iterator[str]:
    """The lines as text, without a byte order mark."""
    line = 0
    try:
        for line, raw in enumerate(binary, start=1):
            yield raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{label}, line {line}: not UTF-8 ({error.reason}). Save the file as UTF-8."
        ) from error
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(
            f"{label}, after line {line}: the file is damaged ({error}). Copy it again."
        ) from error


def _rows(reader: Any, label: str) -> Iterator[Row]:
    """Every record with the line where it begins; blank lines are empty lists."""
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"{label}, line {line}: {error}. Check the quotes and line ends there.") from error


def _header(header: Row, label: str) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in header[1])
    if not names:
        raise InvalidInput(f"{label}, line 1 is blank. It must hold the column names.")
    unnamed = [position for position, name in enumerate(names, start=1) if not name]
    if unnamed:
        raise InvalidInput(
            f"{label}, line 1: column {unnamed[0]} has no name. Name it, or write the file without row index."
        )
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInput(
            f"{label}, line 1: more than one column is named {quoted(twice)}. Rename the copies."
        )
    if all(_number(name) is not None for name in names):
        raise InvalidInput(
            f"{label}, line 1 holds numbers where names are expected. Add a line of column names."
        )
    return names


def _regular(rows: Iterator[Row], width: int, label: str) -> Iterator[Row]:
    """The rows, all of one width. Blank lines at the end are dropped; in a lone column they are missing."""
    blank: list[int] = []
    for line, cells in rows:
        if not cells:
            blank.append(line)
            continue
        if blank and width > 1:
            raise InvalidInput(f"{label}, line {blank[0]} is blank. Remove it, or fill in its {width} cells.")
        for missed in blank:
            yield missed, [""]
        blank.clear()
        if len(cells) != width:
            raise InvalidInput(
                f"{label}, line {line} has {len(cells)} cells where the header has {width}. "
                "Quote cells that hold the separator, or repair the line."
            )
        yield line, cells


def _gather(rows: Iterator[Row], limit: int | None) -> tuple[list[int], list[list[str]]]:
    taken = list(itertools.islice(rows, limit))
    return [line for line, _ in taken], [cells for _, cells in taken]


def _number(cell: str) -> float | None:
    """The number that a cell spells, or None. Python's `1_000` is no number here."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _guess(cells: Sequence[str], lines: Sequence[int], name: str, label: str) -> np.ndarray:
    """The column as numbers where all its cells are numbers or missing, else as text, with a warning where
    few cells stand in the way of numbers."""
    words = {cell for cell in set(cells) if not _numeric(cell)}
    if not words:
        return _numbers(cells, lines, name, label)
    _warn_of_words(words, cells, lines, name, label)
    return _text(cells, lines, name, label)


def _warn_of_words(
    words: set[str], cells: Sequence[str], lines: Sequence[int], name: str, label: str
) -> None:
    known = [i for i, cell in enumerate(cells) if cell.strip() not in MISSING]
    others = [i for i in known if cells[i] in words]
    if len(others) <= _FEW_WORDS * len(known):
        first = others[0]
        warnings.warn(
            f"{label}: column '{name}' is read as text, since {cells[first]!r} in line {lines[first]} is no "
            f"number, while {len(known) - len(others)} of {len(known)} cells are. "
            "Correct such cells, or leave them empty if they are unknown.",
            UserWarning,
            stacklevel=4,
        )


def _numeric(cell: str) -> bool:
    return _number(cell) is not None or cell.strip() in MISSING


def _fast_numbers(cells: Sequence[str]) -> Floats | None:
    """Every cell as a number, or None where one is not."""
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return None if any("_" in cell for cell in set(cells)) else values


def _numbers(cells: Sequence[str], lines: Sequence[int], name: str, label: str) -> Floats:
    """The column as float64 with NaN for missing; a cell that is neither is reported with its line."""
    values = _fast_numbers(cells)
    if values is None:
        values = np.empty(len(cells))
        for i, cell in enumerate(cells):
            number = math.nan if cell.strip() in MISSING else _number(cell)
            if number is None:
                raise InvalidInput(
                    f"{label}, line {lines[i]}, column '{name}': {cell!r} is not a number. "
                    "Correct the cell, or leave it empty if it is unknown."
                )
            values[i] = number
    return _all_finite(values, cells, lines, name, label)


def _all_finite(values: Floats, cells: Sequence[str], lines: Sequence[int], name: str, label: str) -> Floats:
    infinite = np.isinf(values)
    if infinite.any():
        i = int(infinite.argmax())
        raise InvalidInput(
            f"{label}, line {lines[i]}, column '{name}': {cells[i]!r} is infinite. "
            "Replace it by a number, or leave it empty if it is unknown."
        )
    return values


def _text(cells: Sequence[str], lines: Sequence[int], name: str, label: str) -> np.ndarray:
    """The column as text with None for missing, blanks around it dropped."""
    known = {cell: None if cell.strip() in MISSING else cell.strip() for cell in set(cells)}
    column = np.empty(len(cells), dtype=object)
    column[:] = [known[cell] for cell in cells]
    return column


# Parquet


@contextlib.contextmanager
def _parquet(path: PathLike) -> Iterator[Any]:
    label = _label(path)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise Unavailable(
            f"reading {label} needs pyarrow. Install it with: pip install 'riskstats[frames]'"
        ) from error
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"cannot read {label}: {error.strerror or error}. Check the path.") from error
    except pa.ArrowInvalid as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput(f"{label} is not a complete Parquet file ({reason}). Write it again.") from error


def _stream_parquet(
    path: PathLike, numeric: Collection[str], text: Collection[str], chunk_rows: int
) -> Iterator[Chunk]:
    label = _label(path)
    with _parquet(path) as file:
        names = tuple(file.schema_arrow.names)
        wanted = _in_order([*numeric, *text], names, label)
        first = 1
        for batch in file.iter_batches(batch_size=chunk_rows):
            lines = range(first, first + len(batch))
            arrays = tuple(_arrow(batch, name, name in numeric, lines, label) for name in wanted)
            yield Chunk(Table(wanted, arrays), names, batch, lines)
            first = lines.stop
    if first == 1:
        raise InvalidInput(f"{label} has no rows. Add at least one row.")


def _arrow(batch: Any, name: str, numeric: bool, lines: Sequence[int], label: str) -> np.ndarray:
    """One column of a record batch, as the kind that was asked for."""
    import pyarrow as pa

    column = pa.table({name: batch.column(name)})
    kind = column.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if numeric and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        cells = [cell or "" for cell in batch.column(name).to_pylist()]
        return _numbers(cells, lines, name, label)
    if not numeric and pa.types.is_integer(kind):
        column = column.cast(pa.schema([(name, pa.string())]))
    values = as_table(column, name=label).column(name)
    if not numeric and values.dtype != object:
        return _empty_text(values, name, label)
    return values


def _empty_text(values: Floats, name: str, label: str) -> np.ndarray:
    if not np.isnan(values).all():
        raise InvalidInput(
            f"{label}: column '{name}' holds numbers where text is expected. Write it as text."
        )
    return np.full(len(values), None, dtype=object)
