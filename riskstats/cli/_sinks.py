"""Where scored rows go, one chunk after the other: CSV text or a Parquet file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

from riskstats.cli._output import STDOUT
from riskstats.exceptions import InvalidInput, Unavailable

if TYPE_CHECKING:
    from riskstats._tables import Chunk

__all__ = ["Sink", "open_sink"]

_CSV = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".pq")


class Sink(Protocol):
    """Takes chunks in order, each with the values of the added columns."""

    def write(self, chunk: Chunk, values: Sequence[np.ndarray]) -> None:
        """Append the rows of a chunk."""


@contextmanager
def open_sink(
    path: str, source: str, first: Chunk, added: Mapping[str, type[int] | type[float]]
) -> Iterator[Sink]:
    """Open the output; a file takes the place of an old one only when the block ends without an error.

    `first` is the first chunk, with the columns of the file; `added` names the new ones with their types.
    """
    from riskstats._tables import atomic_write

    if path == STDOUT:
        yield _CSVSink(sys.stdout, source, first, added)
    elif _kind(path) in _PARQUET:
        with atomic_write(path, binary=True) as file, _parquet_sink(file, first, added) as sink:
            yield sink
    elif _kind(path) in _CSV:
        with atomic_write(path) as file:
            yield _CSVSink(file, path, first, added)
    else:
        raise InvalidInput(
            f"the suffix of '{path}' is none of .csv, .tsv, .csv.gz, .parquet. Rename the output."
        )


def _kind(path: str) -> str:
    name = path.removesuffix(".gz")
    return Path(name).suffix.lower()


class _CSVSink:
    def __init__(self, file: IO[str], like: str, first: Chunk, added: Mapping[str, type]) -> None:
        delimiter = "\t" if _kind(like) == ".tsv" else ","
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._writer.writerow([*first.names, *added])
        self._types = list(added.values())

    def write(self, chunk: Chunk, values: Sequence[np.ndarray]) -> None:
        added = zip(*map(_cells, values, self._types), strict=True)
        self._writer.writerows([*row, *more] for row, more in zip(_rows(chunk), added, strict=True))


def _cells(values: np.ndarray, kind: type) -> list[int | float]:
    """The numbers to print; where whole numbers are usual, a fraction changes no other row of its chunk."""
    numbers = values.astype(np.float64).tolist() if kind is float else values.tolist()
    if kind is float or values.dtype.kind == "i":
        return numbers
    return [int(number) if number.is_integer() else number for number in numbers]


def _rows(chunk: Chunk) -> Iterable[Sequence[Any]]:
    if isinstance(chunk.raw, list):
        return chunk.raw
    return zip(*(column.to_pylist() for column in chunk.raw.columns), strict=True)


class _ParquetSink:
    def __init__(self, writer: Any, schema: Any, added: Sequence[str]) -> None:
        self._writer = writer
        self._schema = schema
        self._added = added

    def write(self, chunk: Chunk, values: Sequence[np.ndarray]) -> None:
        import pyarrow as pa

        types = [self._schema.field(name).type for name in self._added]
        try:
            new = [pa.array(column).cast(kind) for column, kind in zip(values, types, strict=True)]
        except pa.ArrowInvalid:
            raise InvalidInput(
                f"a row from {chunk.first_line} on has a fraction of a point; the Parquet column holds whole "
                "numbers, as the card did in training. Write CSV, or round the input."
            ) from None
        columns = [*_arrow_columns(chunk), *new]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))


@contextmanager
def _parquet_sink(
    file: IO[bytes], first: Chunk, added: Mapping[str, type[int] | type[float]]
) -> Iterator[Sink]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise Unavailable(
            "writing Parquet needs pyarrow. Install it with: pip install 'riskstats[frames]'"
        ) from error
    schema = _schema(first)
    for name, kind in added.items():
        schema = schema.append(pa.field(name, pa.int64() if kind is int else pa.float64()))
    with pq.ParquetWriter(file, schema) as writer:
        yield _ParquetSink(writer, schema, list(added))


def _schema(chunk: Chunk) -> Any:
    import pyarrow as pa

    if isinstance(chunk.raw, list):
        return pa.schema([(name, pa.string()) for name in chunk.names])
    return chunk.raw.schema


def _arrow_columns(chunk: Chunk) -> list[Any]:
    import pyarrow as pa

    if isinstance(chunk.raw, list):
        return [pa.array(cells, pa.string()) for cells in zip(*chunk.raw, strict=True)]
    return list(chunk.raw.columns)
