"""The card as Markdown: two tables and a list of notes, with every special character of a name escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from riskstats.scores import wording

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = ["render_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~$#])")


def render_markdown(card: ScoreCard) -> str:
    """Return the card as Markdown (tables as on GitHub)."""
    facts = [wording.size(card), f"**{wording.proof(card)}**", _escape(wording.certificate_line(card))]
    parts = [
        f"## {_escape(wording.title(card))}",
        " · ".join(fact for fact in facts if fact),
        f"`{wording.formula(card)}`",
        _points(card),
        _risks(card),
        "\n".join(f"- {_escape(note)}" for note in wording.notes(card)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _points(card: ScoreCard) -> str:
    rows = [(_escape(line.label), line.text) for line in wording.point_lines(card)]
    return _table(["Points for", "Points"], ":-", [*rows, ("**total**", "**sum of points**")])


def _risks(card: ScoreCard) -> str:
    if card.table is None:
        return ""
    head = ["Total", "Risk %", "Observed %", f"{wording.level(card.table.confidence_level)} interval", "n"]
    rows = [
        (
            wording.total_text(band, " to "),
            _escape(wording.percent(band.predicted)),
            _escape(wording.percent(band.observed)),
            _escape(f"{wording.percent(band.lower)} to {wording.percent(band.upper)}"),
            wording.count(band.n),
        )
        for band in wording.bands(card)
    ]
    return _table(head, "-:", rows)


def _table(head: Sequence[str], first: str, rows: Iterable[Sequence[str]]) -> str:
    rule = [first, *["-:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
