"""Where results go: a file that is replaced only when the new one is complete, or standard output."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "STDOUT",
    "check_destination",
    "check_picture",
    "check_table",
    "json_text",
    "put_out",
    "table_text",
    "write_bytes",
    "write_picture",
    "write_table",
    "write_text",
]

STDOUT = "-"
_PICTURES = (".png", ".svg", ".pdf")
_TABLES = {".csv": ",", ".tsv": "\t"}


def check_destination(path: str | Path | None) -> None:
    """Refuse, before any long work, a file that could not be written; "-" and None pass."""
    if path is None or str(path) == STDOUT:
        return
    folder = Path(path).resolve().parent
    if Path(path).is_dir():
        raise InvalidInput(f"cannot write '{path}': it is a folder. Give the name of a file.")
    if not folder.is_dir():
        raise InvalidInput(f"cannot write '{path}': there is no folder '{folder}'. Make it first.")
    if not os.access(folder, os.W_OK):
        raise InvalidInput(f"cannot write '{path}': the folder '{folder}' is not writable. Choose another.")


def write_text(text: str, path: str | Path | None) -> None:
    """Write text to a file, or to standard output with a final line end."""
    whole = text if text.endswith("\n") else text + "\n"
    if path is None or str(path) == STDOUT:
        sys.stdout.write(whole)
    else:
        write_bytes(whole.encode("utf-8"), path)


def write_bytes(content: bytes, path: str | Path | None) -> None:
    """Write bytes to a file, or to standard output."""
    if path is None or str(path) == STDOUT:
        sys.stdout.buffer.write(content)
        return
    from riskstats._tables import atomic_write

    with atomic_write(path, binary=True) as file:
        file.write(content)


def check_picture(path: str | None) -> None:
    """Refuse, before any long work, a picture that could not be written; None passes."""
    if path is None:
        return
    if Path(path).suffix.lower() not in _PICTURES:
        raise InvalidInput(f"the suffix of '{path}' is none of {', '.join(_PICTURES)}. Rename the picture.")
    check_destination(path)


def check_table(path: str | None, *, json: bool) -> None:
    """Refuse, before any long work, a table of numbers that could not be written; None passes."""
    if path is None:
        return
    if path == STDOUT and json:
        raise InvalidInput("-o - and --json both write to standard output. Leave out one of them.")
    if path != STDOUT and Path(path).suffix.lower() not in _TABLES:
        raise InvalidInput(f"the suffix of '{path}' is neither .csv nor .tsv. Rename the output.")
    check_destination(path)


def table_text(head: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    """Rows of cells under a head, with numbers that read back exactly and nothing for None."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return buffer.getvalue()


def write_table(head: Sequence[str], rows: Iterable[Sequence[Any]], path: str) -> None:
    """Write rows of cells to a file, with commas or tabs by its suffix."""
    delimiter = _TABLES[Path(path).suffix.lower()]
    write_bytes(table_text(head, rows, delimiter).encode("utf-8"), path)


def put_out(
    args: argparse.Namespace,
    *,
    text: Callable[[], str],
    content: Callable[[], Any],
    table: Callable[[], tuple[Sequence[str], Iterable[Sequence[Any]]]],
) -> None:
    """Print an answer as words, as JSON (`--json`) or as CSV (`-o -`), and write its table to `-o FILE`.

    table : gives the head and the rows.
    """
    if args.json:
        write_text(json_text(content()), STDOUT)
    else:
        write_text(table_text(*table()) if args.output == STDOUT else text(), STDOUT)
    if args.output not in (None, STDOUT):
        write_table(*table(), args.output)


def write_picture(figure: Figure, path: str) -> None:
    """Write a figure to a file, in the format of its suffix."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=Path(path).suffix.lower().removeprefix("."))
    write_bytes(buffer.getvalue(), path)


def json_text(content: Any) -> str:
    """JSON as every reader accepts it: a number that is infinite or NaN becomes null."""
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
