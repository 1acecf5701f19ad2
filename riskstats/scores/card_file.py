"""The card as JSON: a versioned schema, a checksum of the body, and one clear line for every bad file.

    {"schema": "riskstats.scorecard", "schema_version": 1, "card": {...}, "sha256": "..."}

The checksum is the SHA-256 of the card as JSON with sorted keys, no spaces and ASCII only. Floats are written
as the shortest text that reads back to the same number; those JSON cannot hold are ``{"float": "inf"}``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats._atomic import atomic_write
from riskstats.exceptions import CertificateError, InvalidInput
from riskstats.results import plain
from riskstats.scores.risk_table import RiskTable

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = [
    "SCHEMA",
    "SCHEMA_VERSION",
    "card_from_dict",
    "card_to_dict",
    "checksum",
    "dumps",
    "load",
    "loads",
    "save",
]

SCHEMA = "riskstats.scorecard"
SCHEMA_VERSION = 1

_REMEDY = "Make the file again with `card.save(path)`."


def card_to_dict(card: ScoreCard) -> dict[str, Any]:
    """Return the card in plain JSON values."""
    return {
        "outcome": card.outcome,
        "classes": list(card.classes),
        "lines": [{"rule": plain(rule.to_dict()), "points": points} for rule, points in card.lines],
        "columns": [plain(column.to_dict()) for column in card.columns],
        "input_names": list(card.input_names),
        "named": card.named,
        "intercept": card.intercept,
        "multiplier": card.multiplier,
        "table": None if card.table is None else card.table.to_dict(),
        "certificate": None if card.certificate is None else plain(card.certificate.to_dict()),
        "provenance": plain(card.provenance),
    }


def card_from_dict(content: Mapping[str, Any]) -> ScoreCard:
    """Return the card that `card_to_dict` wrote; `CertificateError` if a part is missing or wrong."""
    try:
        return _build(content)
    except KeyError as error:
        raise CertificateError(f"the card has no part {error}. {_REMEDY}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise CertificateError(f"the card cannot be read: {error} {_REMEDY}") from error


def _build(content: Mapping[str, Any]) -> ScoreCard:
    from riskstats.scores.coding import ColumnCoding
    from riskstats.scores.rules import Rule
    from riskstats.scores.scorecard import ScoreCard

    table = content["table"]
    return ScoreCard(
        outcome=content["outcome"],
        classes=tuple(content["classes"]),
        lines=tuple((Rule.from_dict(line["rule"]), line["points"]) for line in content["lines"]),
        columns=tuple(ColumnCoding.from_dict(column) for column in content["columns"]),
        input_names=tuple(content["input_names"]),
        intercept=content["intercept"],
        multiplier=content["multiplier"],
        named=content["named"],
        table=None if table is None else RiskTable.from_dict(table),
        certificate=_certificate(content["certificate"]),
        provenance=content["provenance"],
    )


def _certificate(content: Mapping[str, Any] | None) -> Any:
    if content is None:
        return None
    from riskstats.scores.certificate import Certificate

    return Certificate.from_dict(content)


def checksum(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a card in plain values, over its canonical JSON."""
    text = json.dumps(_encode(body), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def dumps(card: ScoreCard) -> str:
    """Return the whole JSON text of a card."""
    body = card_to_dict(card)
    head = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "card": _encode(body),
        "sha256": checksum(body),
    }
    return json.dumps(head, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str | bytes, source: str = "the text") -> ScoreCard:
    """Return the card in JSON text. `source` names it in messages; all of them are `CertificateError`."""
    content = _parse(text, source)
    _check_schema(content, source)
    body = content.get("card")
    if not isinstance(body, dict) or checksum(body) != content.get("sha256"):
        raise CertificateError(
            f"{source} was edited or damaged: its checksum does not match its card. {_REMEDY}"
        )
    try:
        return card_from_dict(body)
    except CertificateError as error:
        raise CertificateError(f"{source}: {error}") from error


def _parse(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        content = json.loads(decoded, object_hook=_decode, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CertificateError(
            f"{source} is not a readable score card ({error}): cut off or no JSON. {_REMEDY}"
        ) from error
    if not isinstance(content, dict):
        raise CertificateError(
            f"{source} holds a JSON {type(content).__name__}, expected a score card. {_REMEDY}"
        )
    return content


def _check_schema(content: Mapping[str, Any], source: str) -> None:
    schema, version = content.get("schema"), content.get("schema_version")
    if schema != SCHEMA:
        raise CertificateError(
            f"{source} is not a score card: its schema is {schema!r}, expected {SCHEMA!r}."
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


def save(card: ScoreCard, path: str | Path) -> None:
    """Write the card; an existing file is replaced only by a complete one."""
    text = dumps(card)
    with atomic_write(path) as file:
        file.write(text)


def load(path: str | Path) -> ScoreCard:
    """Return the card in a file."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(f"the score card '{path}' cannot be read: {reason}. Check the path.") from error
    return loads(text, f"'{path}'")


def _encode(value: Any) -> Any:
    """Return `value` with infinities and NaN in a form that JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    return value


def _decode(value: dict[str, Any]) -> Any:
    return float(value["float"]) if value.keys() == {"float"} and isinstance(value["float"], str) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"the number {name} is not JSON")
