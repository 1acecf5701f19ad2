"""The card as JSON: a versioned schema, a checksum of the body, and one clear line for every bad file.

    {"schema": "riskstats.scorecard", "schema_version": 1, "card": {...}, "sha256": "..."}

The checksum is the SHA-256 of the card as JSON with sorted keys, no spaces and ASCII only. Floats are written
as the shortest text that reads back to the same number; those JSON cannot hold are ``{"float": "inf"}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats._atomic import atomic_write
from riskstats.exceptions import CertificateError
from riskstats.results import plain
from riskstats.scores.record_file import RecordKind, checksum
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
_KIND = RecordKind("score card", "card", SCHEMA, SCHEMA_VERSION, _REMEDY)


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


def dumps(card: ScoreCard) -> str:
    """Return the whole JSON text of a card."""
    body = card_to_dict(card)
    return json.dumps(_KIND.head(body), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str | bytes, source: str = "the text") -> ScoreCard:
    """Return the card in JSON text. `source` names it in messages; all of them are `CertificateError`."""
    body = _KIND.body(text, source)
    try:
        return card_from_dict(body)
    except CertificateError as error:
        raise CertificateError(f"{source}: {error}") from error


def save(card: ScoreCard, path: str | Path) -> None:
    """Write the card; an existing file is replaced only by a complete one."""
    text = dumps(card)
    with atomic_write(path) as file:
        file.write(text)


def load(path: str | Path) -> ScoreCard:
    """Return the card in a file."""
    return loads(_KIND.read(path, "score card"), f"'{path}'")
