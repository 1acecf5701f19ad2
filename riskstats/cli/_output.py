"""Where results go: a file that is replaced only when the new one is complete, or standard output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from riskstats.exceptions import InvalidInput

__all__ = ["STDOUT", "check_destination", "write_bytes", "write_text"]

STDOUT = "-"


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
