"""Zip archives of logs: their directory and single members, also those packed by zstd (zip method 93).

The standard library reads neither zstd, before Python 3.14, nor a directory of thousands of members quickly.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from riskstats._optional import zstandard_or
from riskstats.exceptions import InvalidInput

__all__ = ["Member", "directory", "unpacked"]

ZSTD = 93
_END, _END_SIZE = b"PK\x05\x06", 22
_ENTRY, _ENTRY_SIZE = struct.Struct("<4s6xH4xIIIHHH8xI"), 46
_LOCAL_SIZE = 30
_LARGEST_COMMENT = 65_535
_IN_EXTRA = 0xFFFFFFFF


class Member(NamedTuple):
    """Where a member stands in an archive, how it is packed, the checksum and size of its content."""

    method: int
    checksum: int
    packed: int
    size: int
    offset: int


def directory(path: Path) -> dict[str, Member]:
    """The members by name, the last of one name; `zipfile.BadZipFile` where there is no directory."""
    entries = _entries(path)
    if entries is None:
        return _by_zipfile(path)
    members: dict[str, Member] = {}
    at = 0
    while at < len(entries):
        if len(entries) - at < _ENTRY_SIZE:
            raise zipfile.BadZipFile("the directory ends in the middle")
        mark, method, checksum, packed, size, name, extra, comment, offset = _ENTRY.unpack_from(entries, at)
        if mark != b"PK\x01\x02":
            raise zipfile.BadZipFile("bad entry in the directory")
        if _IN_EXTRA in (packed, size, offset):
            return _by_zipfile(path)
        start = at + _ENTRY_SIZE
        members[entries[start : start + name].decode("utf-8", "replace")] = Member(
            method, checksum, packed, size, offset
        )
        at = start + name + extra + comment
    return members


def _entries(path: Path) -> bytes | None:
    """The bytes of the directory; None for archives of more than 4 GiB or 65,535 members."""
    with open(path, "rb") as file:
        whole = file.seek(0, 2)
        tail_size = min(whole, _LARGEST_COMMENT + _END_SIZE)
        file.seek(whole - tail_size)
        tail = file.read(tail_size)
        found = tail.rfind(_END)
        if found < 0 or len(tail) - found < _END_SIZE:
            raise zipfile.BadZipFile("it has no directory")
        count, size, offset = struct.unpack_from("<HII", tail, found + 10)
        if count == 0xFFFF or _IN_EXTRA in (size, offset):
            return None
        if offset + size != whole - tail_size + found:
            raise zipfile.BadZipFile("the directory is not where it should be")
        file.seek(offset)
        return file.read(size)


def _by_zipfile(path: Path) -> dict[str, Member]:
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: Member(
                info.compress_type, info.CRC, info.compress_size, info.file_size, info.header_offset
            )
            for info in archive.infolist()
        }


def unpacked(path: Path, member: Member, label: str) -> bytes:
    """The content of a member; `zipfile.BadZipFile` where it is damaged."""
    with open(path, "rb") as file:
        file.seek(member.offset)
        header = file.read(_LOCAL_SIZE)
        if len(header) < _LOCAL_SIZE or not header.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile("the member is not where the directory says")
        name, extra = struct.unpack_from("<HH", header, 26)
        file.seek(name + extra, 1)
        content = _unpacked(file.read(member.packed), member.method, label)
    if len(content) != member.size or zlib.crc32(content) != member.checksum:
        raise zipfile.BadZipFile("wrong checksum")
    return content


def _unpacked(packed: bytes, method: int, label: str) -> bytes:
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_DEFLATED:
        try:
            return zlib.decompress(packed, -zlib.MAX_WBITS)
        except zlib.error as error:
            raise zipfile.BadZipFile(str(error)) from error
    if method != ZSTD:
        raise InvalidInput(
            f"{label} is packed by zip method {method}, which is not known here. Write it again."
        )
    zstandard = zstandard_or(label)
    try:
        return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(packed))
    except zstandard.ZstdError as error:
        raise zipfile.BadZipFile(str(error)) from error
