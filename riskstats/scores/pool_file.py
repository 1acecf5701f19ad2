"""The pool as JSON: a versioned schema, a checksum of the body, and one clear line for every bad file.

    {"schema": "riskstats.cardpool", "schema_version": 1, "pool": {...}, "sha256": "..."}

The body holds the coding from raw columns to features, so that predictions need nothing but the file. Its
checksum is that of `record_file`. Floats are written as the shortest text that reads back to the same number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from riskstats._atomic import atomic_write
from riskstats.exceptions import CertificateError
from riskstats.scores.coding import Coding
from riskstats.scores.pool_result import CardPool
from riskstats.scores.record_file import RecordKind

__all__ = ["SCHEMA", "SCHEMA_VERSION", "dumps", "load", "loads", "pool_from_dict", "save"]

SCHEMA = "riskstats.cardpool"
SCHEMA_VERSION = 1

_REMEDY = "Make the file again with `pool.save(path)`."
_KIND = RecordKind("pool of cards", "pool", SCHEMA, SCHEMA_VERSION, _REMEDY)


def dumps(pool: CardPool) -> str:
    """Return the whole JSON text of a pool."""
    body = pool.to_dict()
    return json.dumps(_KIND.head(body), ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str | bytes, source: str = "the text") -> CardPool:
    """Return the pool in JSON text. `source` names it in messages; all of them are `CertificateError`."""
    body = _KIND.body(text, source)
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


def save(pool: CardPool, path: str | os.PathLike[str]) -> None:
    """Write the pool; an existing file is replaced only by a complete one."""
    text = dumps(pool)
    with atomic_write(path) as file:
        file.write(text)


def load(path: str | os.PathLike[str]) -> CardPool:
    """Return the pool in a file."""
    return loads(_KIND.read(path, "pool"), f"'{os.fspath(path)}'")
