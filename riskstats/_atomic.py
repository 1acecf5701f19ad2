"""Writing files so that an old one is replaced by a whole new one, or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from riskstats.exceptions import InvalidInput

__all__ = ["atomic_write"]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, binary: bool = False) -> Iterator[IO[Any]]:
    """A file to write to, which takes the place of `path` only when the block ends without an error.

    The text (UTF-8, line ends as written) or bytes go to a file beside it, are flushed to disk, then renamed;
    on an error that file is removed and an old `path` stays as it was. A name in `.gz` is compressed.
    A `path` that is a device or a pipe is written directly. `InvalidInput` if the place cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InvalidInput(f"cannot write {os.fspath(path)}: it is a folder. Pass the name of a file.")
    in_place = target.exists() and not target.is_file()
    temporary = target if in_place else target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with _cannot_write(path):
        raw = open(temporary, "wb" if in_place else "xb")  # noqa: SIM115
    try:
        with raw:
            yield from _layers(raw, target.suffix == ".gz", binary)
            if not in_place:
                os.fsync(raw.fileno())
        if not in_place:
            with _cannot_write(path):
                if target.exists():
                    shutil.copymode(target, temporary)
                os.replace(temporary, target)
    finally:
        if not in_place:
            temporary.unlink(missing_ok=True)


def _layers(raw: IO[bytes], compressed: bool, binary: bool) -> Iterator[IO[Any]]:
    """`raw` behind compression and encoding; everything is flushed into it at the end."""
    inner: Any = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if compressed else raw
    outer: Any = inner if binary else io.TextIOWrapper(inner, encoding="utf-8", newline="")
    yield outer
    if not binary:
        outer.flush()
        outer.detach()
    if compressed:
        inner.close()
    raw.flush()


@contextlib.contextmanager
def _cannot_write(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"cannot write {os.fspath(path)}: {error.strerror or error}. "
            "Choose a folder that exists and can be written."
        ) from error
