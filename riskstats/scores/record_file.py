"""A JSON record with a versioned schema and a checksum, and one clear line for every bad file.

    {"schema": "...", "schema_version": 1, PART: {...}, "sha256": "..."}

The checksum is the SHA-256 of the body as JSON with sorted keys, no spaces and ASCII only. Numbers that JSON
cannot hold are ``{"float": "inf"}`` there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstats.exceptions import CertificateError, InvalidInput

__all__ = ["RecordKind", "checksum", "encoded"]


@dataclass(frozen=True)
class RecordKind:
    """One kind of record.

    noun : what messages call it. part : the key of its body. remedy : what to do about a damaged file.
    """

    noun: str
    part: str
    schema: str
    version: int
    remedy: str

    def body(self, text: str | bytes, source: str) -> dict[str, Any]:
        """The body in JSON text, its schema and checksum checked; `CertificateError` names `source`."""
        content = self._parsed(text, source)
        self._check_schema(content, source)
        body = content.get(self.part)
        if not isinstance(body, dict) or checksum(body) != content.get("sha256"):
            raise CertificateError(
                f"{source} was edited or damaged: its checksum does not match its {self.part}. {self.remedy}"
            )
        return body

    def head(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The whole record of a body."""
        whole = {"schema": self.schema, "schema_version": self.version, self.part: encoded(body)}
        return {**whole, "sha256": checksum(body)}

    def _parsed(self, text: str | bytes, source: str) -> dict[str, Any]:
        try:
            plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
            content = json.loads(plain, object_hook=_decoded, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise CertificateError(
                f"{source} is not a readable {self.noun} ({error}): cut off or no JSON. {self.remedy}"
            ) from error
        if not isinstance(content, dict):
            raise CertificateError(
                f"{source} holds a JSON {type(content).__name__}, expected a {self.noun}. {self.remedy}"
            )
        return content

    def _check_schema(self, content: Mapping[str, Any], source: str) -> None:
        schema, version = content.get("schema"), content.get("schema_version")
        if schema != self.schema:
            raise CertificateError(
                f"{source} is not a {self.noun}: its schema is {schema!r}, expected {self.schema!r}."
            )
        if type(version) is not int or version < 1:
            raise CertificateError(
                f"{source} has the schema version {version!r}, expected a whole number from 1. {self.remedy}"
            )
        if version > self.version:
            raise CertificateError(
                f"{source} has schema version {version}; this riskstats reads up to version {self.version}. "
                "Upgrade riskstats to read it."
            )

    def read(self, path: str | os.PathLike[str], noun: str) -> bytes:
        """The bytes of a file; `InvalidInput` where it cannot be read. noun : what the message calls it."""
        try:
            return Path(path).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InvalidInput(
                f"the {noun} '{os.fspath(path)}' cannot be read: {reason}. Check the path."
            ) from error


def checksum(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a body in plain values, over its canonical JSON."""
    text = json.dumps(encoded(body), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def encoded(value: Any) -> Any:
    """Return `value` with infinities and NaN in a form that JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, Mapping):
        return {key: encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(item) for item in value]
    return value


def _decoded(value: dict[str, Any]) -> Any:
    return float(value["float"]) if value.keys() == {"float"} and isinstance(value["float"], str) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"the number {name} is not JSON")
