"""Calibrated levels on disk, so that the next process need not find them again.

One small file per calibration in `$RISKSTATS_CACHE_DIR`, else `$XDG_CACHE_HOME/riskstats`, else
`~/.cache/riskstats`; `RISKSTATS_CACHE_DIR=""` or "off" keeps everything in memory. Files are replaced
atomically, so processes may share the folder. A file that is damaged, of another version or cannot be
written is as good as none.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import NamedTuple

from riskstats._atomic import atomic_write
from riskstats.exceptions import InvalidInput

__all__ = ["VERSION", "Answer", "recall", "store_folder", "write_down"]

VERSION = 1
"""To be raised when a level or its ranks would come out differently."""


class Answer(NamedTuple):
    """A level and its active ranks."""

    level_c: float
    first: int
    plateau: int


def store_folder() -> Path | None:
    """The folder of this version, which need not exist; None if the disk is not to be used."""
    chosen = os.environ.get("RISKSTATS_CACHE_DIR")
    if chosen is not None and chosen.strip().lower() in ("", "off"):
        return None
    if chosen is None:
        shared = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
        chosen = os.path.join(shared, "riskstats")
    folder = Path(os.path.expanduser(chosen))
    return folder / f"berk_jones_{VERSION}" if folder.is_absolute() or "~" not in str(folder) else None


def recall(n: int, delta: float, levels: tuple[float, float]) -> Answer | None:
    """What was written down for these arguments; None if there is nothing that can be trusted."""
    folder = store_folder()
    if folder is None:
        return None
    key = _key(n, delta, levels)
    try:
        record = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        answer = Answer(float.fromhex(record["level_c"]), int(record["first"]), int(record["plateau"]))
        intact = record["check"] == _check(key, answer)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return answer if intact else None


def write_down(n: int, delta: float, levels: tuple[float, float], answer: Answer) -> None:
    """Keep an answer for `recall`; nothing happens if that is impossible."""
    folder = store_folder()
    if folder is None:
        return
    key = _key(n, delta, levels)
    record = {**answer._asdict(), "level_c": answer.level_c.hex(), "check": _check(key, answer)}
    with contextlib.suppress(OSError, InvalidInput):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / f"{key}.json") as file:
            file.write(json.dumps(record) + "\n")


def _key(n: int, delta: float, levels: tuple[float, float]) -> str:
    """The arguments without rounding, as the name of a file."""
    return "_".join([str(n), *(number.hex() for number in (delta, *levels))])


def _check(key: str, answer: Answer) -> int:
    return zlib.crc32(f"{VERSION} {key} {answer.level_c.hex()} {answer.first} {answer.plateau}".encode())
