"""The pool as JSON: a versioned schema, a checksum of the body, and one clear line for every bad file.

    {"schema": "riskstats.cardpool", "schema_version": 1, "pool": {...}, "sha256": "..."}

The body holds the coding from raw columns to features, so that predictions need nothing but the file. The
checksum is that of `card_file.checksum`. Floats are written as the shortest text that reads back to the same
number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from riskstats._atomic import atomic_write
from riskstats.exceptions import CertificateError, InvalidInput
from riskstats.scores.card_file import checksum
from riskstats.scores.coding import Coding
from riskstats.scores.pool_result import CardPool

__all__ = ["SCHEMA", "SCHEMA_VERSION", "dumps", "load", "loads", "pool_from_dict", "save"]

SCHEMA = "riskstats.cardpool"
SCHEMA_VERSION = 1

_REMEDY = "Make the file again with `pool.save(path)`."


def dumps(pool: CardPool) -> str:
    """Return the whole JSON text of a pool."""
    body = pool.to_dict()
    head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "pool": body, "sha256": checksum(body)}
    return json.dumps(head, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str | bytes, source: str = "the text") -> CardPool:
    """Return the pool in JSON text. `source` names it in messages; all of them are `CertificateError`."""
    content = _parse(text, source)
    _check_schema(content, source)
    body = content.get("pool")
    if not isinstance(body, dict) or checksum(body) != content.get("sha256"):
        raise CertificateError(
            f"{source} was edited or damaged: its checksum does not match its pool. {_REMEDY}"
        )
    try:
        return pool_from_dict(body)
    except CertificateError as error:
        raise CertificateError(f"{source}: {error}") from error


def pool_from_dict(content: Mapping[str, Any]) -> CardPool:
    """Return the pool that `CardPool.to_dict` wrote; `CertificateError` if a part is missing or wrong."""
    names = {item.name for item in fields(CardPool)}
    if not isinstance(content, Mapping) or set(content) - {"complete"} != names:
        got = sorted(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise CertificateError(f"a pool has the fields {', '.join(sorted(names))}; got {got}. {_REMEDY}")
    try:
        values = {name: content[name] for name in names}
        pool = CardPool(**{**values, "coding": Coding.from_dict(content["coding"])})
    except (TypeError, ValueError, AttributeError) as error:
        raise CertificateError(f"the pool cannot be read: {error} {_REMEDY}") from error
    if content.get("complete", pool.complete) != pool.complete:
        raise CertificateError(f"the pool says two things about whether it is complete. {_REMEDY}")
    return pool


def _parse(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        content = json.loads(
            text.decode("utf-8-sig") if isinstance(text, bytes) else text, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise CertificateError(
            f"{source} is not a readable pool of cards ({error}): cut off or no JSON. {_REMEDY}"
        ) from error
    if not isinstance(content, dict):
        raise CertificateError(
            f"{source} holds a JSON {type(content).__name__}, expected a pool of cards. {_REMEDY}"
        )
    return content


def _no_constant(name: str) -> Any:
    raise ValueError(f"the number {name} is not JSON")


def _check_schema(content: Mapping[str, Any], source: str) -> None:
    schema, version = content.get("schema"), content.get("schema_version")
    if schema != SCHEMA:
        raise CertificateError(
            f"{source} is not a pool of cards: its schema is {schema!r}, expected {SCHEMA!r}."
        )
    if type(version) is not int or version < 1:
        raise CertificateError(
            f"{source} has the schema version {version!r}, expected a whole number from 1. {_REMEDY}"
        )
    if version > SCHEMA_VERSION:
        raise CertificateError(
            f"{source} has schema version {version}; this riskstats reads up to version {SCHEMA_VERSION}. "
            "Upgrade riskstats to read it."
        )


def save(pool: CardPool, path: str | os.PathLike[str]) -> None:
    """Write the pool; an existing file is replaced only by a complete one."""
    text = dumps(pool)
    with atomic_write(path) as file:
        file.write(text)


def load(path: str | os.PathLike[str]) -> CardPool:
    """Return the pool in a file."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(
            f"the pool '{os.fspath(path)}' cannot be read: {reason}. Check the path."
        ) from error
    return loads(text, f"'{os.fspath(path)}'")
