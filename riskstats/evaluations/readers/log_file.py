"""Log files as bytes: plain, gzip or zstd by their first bytes, streamed, refused where they are cut."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from riskstats._optional import zstandard_or
from riskstats._record_files import shown
from riskstats.evaluations.readers.archive import Member, directory
from riskstats.exceptions import InvalidInput

__all__ = ["CutShort", "LogFile"]

_CHUNK, _PACKED = 1 << 18, 1 << 12
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK"


class CutShort(InvalidInput):
    """A file ends in the middle of what it holds."""


@dataclass(frozen=True)
class LogFile:
    """A log on disk.

    Attributes
    ----------
    path : where it is. Messages name it by `label`.
    """

    path: Path

    @property
    def label(self) -> str:
        """The path as it was given."""
        return str(self.path)

    @cached_property
    def magic(self) -> bytes:
        """The first four bytes."""
        try:
            with open(self.path, "rb") as file:
                return file.read(4)
        except OSError as error:
            raise InvalidInput(
                f"cannot read {self.label}: {error.strerror or error}. Check the path."
            ) from error

    @property
    def zipped(self) -> bool:
        """Whether it is a zip archive."""
        return self.magic.startswith(_ZIP)

    @cached_property
    def members(self) -> dict[str, Member]:
        """The members of an archive by name; `CutShort` where its directory at the end is missing."""
        try:
            return directory(self.path)
        except zipfile.BadZipFile as error:
            raise CutShort(
                f"{self.label} is no whole archive ({error}): it was cut short. {_COPY}"
            ) from error

    @property
    def sha256(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of its bytes."""
        digest = hashlib.sha256()
        with open(self.path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()[:16]

    def chunks(self) -> Iterator[bytes]:
        """The decompressed content, piece by piece; `CutShort` where a compressed file ends too early."""
        with open(self.path, "rb") as file:
            if self.magic.startswith((_GZIP, _ZSTD)):
                yield from self._unpacked(file)
                return
            while chunk := file.read(_CHUNK):
                yield chunk

    def _unpacked(self, file: IO[bytes]) -> Iterator[bytes]:
        """The content of the compressed parts that follow each other in a file."""
        unpack: Any = None
        while chunk := file.read(_PACKED):
            while chunk:
                unpack = unpack or _decompressor(self.magic, self.label)
                try:
                    yield unpack.decompress(chunk)
                except Exception as error:
                    raise InvalidInput(f"{self.label} is damaged ({error}). {_COPY}") from error
                chunk = unpack.unused_data if unpack.eof else b""
                unpack = None if unpack.eof else unpack
        if unpack is not None:
            raise CutShort(f"{self.label} ends in the middle: the compressed stream has no end. {_COPY}")

    def lines(self) -> Iterator[bytes]:
        """The lines, without their ends; memory holds one piece and one line."""
        pending: list[bytes] = []
        for chunk in self.chunks():
            first, *others = chunk.split(b"\n")
            pending.append(first)
            if others:
                yield b"".join(pending)
                yield from others[:-1]
                pending = [others[-1]]
        if any(pending):
            yield b"".join(pending)

    def objects(self, *, keep_partial: bool = False) -> Objects:
        """The objects of JSON lines, streamed."""
        return Objects(self, keep_partial)

    def parsed(self, raw: bytes, line: int) -> dict[str, Any]:
        try:
            found = json.loads(raw)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self.label}, line {line}: not UTF-8 ({error.reason}). {_COPY}") from error
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise InvalidInput(f"{self.label}, line {line}: no JSON object ({reason}). {_COPY}") from error
        if not isinstance(found, dict):
            raise InvalidInput(f"{self.label}, line {line}: {shown(found)} is no JSON object.")
        return found

    def document(self) -> Any:
        """The whole file as one JSON value; `CutShort` where it ends in the middle."""
        try:
            content = b"".join(self.chunks())
            return json.loads(content)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self.label} is not UTF-8 ({error.reason}). {_COPY}") from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, InvalidInput):
                raise
            if isinstance(error, json.JSONDecodeError):
                kind = (
                    CutShort if error.pos >= len(content.rstrip()) - 1 or _unfinished(error) else InvalidInput
                )
                raise kind(
                    f"{self.label}, line {error.lineno} column {error.colno}: not whole JSON "
                    f"({error.msg}). {_COPY}"
                ) from error
            raise InvalidInput(f"{self.label} is no JSON ({error}). {_COPY}") from error

    def beside(self, name: str) -> Any | None:
        """A JSON file in the same folder, or None where there is none."""
        other = LogFile(self.path.parent / name)
        return other.document() if other.path.is_file() else None


class Objects:
    """(line, object) of JSON lines. A bad line is reported by its number; blank ones are passed over.

    Attributes
    ----------
    cut : why the file ends too early, where `keep_partial` lets what came before pass; else None.
    """

    def __init__(self, log: LogFile, keep_partial: bool) -> None:
        self.log, self.keep_partial = log, keep_partial
        self.cut: str | None = None

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            yield from self._all()
        except CutShort as error:
            if not self.keep_partial:
                raise
            self.cut = str(error)

    def _all(self) -> Iterator[tuple[int, dict[str, Any]]]:
        lines = enumerate(self.log.lines(), start=1)
        for line, raw in lines:
            if not raw.strip():
                continue
            try:
                found = self.log.parsed(raw, line)
            except InvalidInput as error:
                if all(not rest.strip() for _, rest in lines):
                    raise CutShort(f"{error} It is the last line: the file was cut short.") from error
                raise
            yield line, found


_COPY = "Copy or write it again."


def _unfinished(error: json.JSONDecodeError) -> bool:
    return error.msg.startswith("Unterminated")


def _decompressor(magic: bytes, label: str) -> Any:
    """A new decompressor with `decompress`, `eof` and `unused_data`."""
    if magic.startswith(_GZIP):
        return zlib.decompressobj(wbits=31)
    return zstandard_or(label).ZstdDecompressor().decompressobj()
