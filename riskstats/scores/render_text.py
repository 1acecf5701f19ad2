"""The card as monospaced text: points on the left, the risk table beside or below them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from riskstats.scores import wording
from riskstats.scores.risk_table import RiskBand, RiskTable

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = ["render_text"]

_INDENT = "  "
_GAP = "     "
_NARROWEST = 60
_NO_BREAK = "\N{NO-BREAK SPACE}"


def render_text(card: ScoreCard, width: int = 100) -> str:
    """Return the card as text of at most `width` columns (60 at least)."""
    width = max(width, _NARROWEST)
    return "\n".join([*_header(card, width), "", *_body(card, width), "", *_footer(card, width)])


def _header(card: ScoreCard, width: int) -> list[str]:
    left, right = wording.title(card), f"{wording.size(card)} · {wording.proof(card)}"
    room = width - _width(left) - _width(right)
    head = [left + " " * room + right] if room >= 3 else [*_wrap(left, width), *_wrap(right, width)]
    certificate = wording.certificate_line(card)
    room = width - _width(wording.formula(card)) - _width(certificate)
    second = (
        [wording.formula(card) + " " * room + certificate]
        if room >= 3
        else [wording.formula(card), certificate]
    )
    return [*head, *(line.rstrip() for line in second if line.strip())]


def _body(card: ScoreCard, width: int) -> list[str]:
    """Return points and risk table side by side if both fit, else one above the other."""
    left = _points(card, width - len(_INDENT))
    bands = wording.bands(card)
    if card.table is None:
        return [_INDENT + line for line in left]
    rows = _columns(card.table, bands)
    wide = max(_width(line) for line in left)
    cell = max(5, *(len(text) for row in rows for text in row[1:]))
    right = _lines(rows, cell)
    if len(_INDENT) + wide + len(_GAP) + _width(right[0]) <= width:
        return [line.rstrip() for line in _beside(left, right, wide)]
    blocks = _blocks(rows, cell, width - len(_INDENT))
    return [
        _INDENT + line if line else ""
        for line in [*left, *(line for block in blocks for line in ["", *block])]
    ]


def _beside(left: Sequence[str], right: Sequence[str], wide: int) -> Iterator[str]:
    for place in range(max(len(left), len(right))):
        first = left[place] if place < len(left) else ""
        second = right[place] if place < len(right) else ""
        yield _INDENT + _pad(first, wide) + _GAP + second


def _points(card: ScoreCard, width: int) -> list[str]:
    """Return the points table; a label longer than the line goes on in the next one."""
    lines = wording.point_lines(card)
    if not lines:
        return ["no lines: every row has total 0"]
    right = (
        max(len(line.text) for line in lines if line.unit is None)
        if any(x.unit is None for x in lines)
        else 0
    )
    texts = [line.text.rjust(right) if line.unit is None else line.text for line in lines]
    room = width - max(map(_width, texts)) - 3
    labels = [_wrap(line.label, room) for line in lines]
    wide = max(_width(part) for label in labels for part in label)
    table = []
    for label, text in zip(labels, texts, strict=True):
        table += [*label[:-1], _pad(label[-1], wide) + "   " + text]
    return [*table, "total = sum of points"]


def _columns(table: RiskTable, bands: Sequence[RiskBand]) -> list[list[str]]:
    """Return one list of cells per line of the risk table, its name first."""
    sure = wording.level(table.confidence_level)
    return [
        ["total", *(wording.total_text(band) for band in bands)],
        ["risk %", *(wording.percent(band.predicted) for band in bands)],
        ["observed %", *(wording.percent(band.observed) for band in bands)],
        [f"{sure} low", *(wording.percent(band.lower) for band in bands)],
        [f"{sure} high", *(wording.percent(band.upper) for band in bands)],
        ["n", *(wording.count(band.n).replace(",", "") for band in bands)],
    ]


def _lines(rows: Sequence[Sequence[str]], cell: int) -> list[str]:
    head = max(len(row[0]) for row in rows)
    return [row[0].ljust(head) + "".join(text.rjust(cell + 2) for text in row[1:]) for row in rows]


def _blocks(rows: Sequence[Sequence[str]], cell: int, width: int) -> list[list[str]]:
    """Return the risk table cut into as few blocks as fit the width, about equally long."""
    columns = len(rows[0]) - 1
    most = max(1, (width - max(len(row[0]) for row in rows)) // (cell + 2))
    size = -(-columns // -(-columns // most))
    cuts = (
        [[row[0], *row[1 + start : 1 + start + size]] for row in rows] for start in range(0, columns, size)
    )
    return [_lines(cut, cell) for cut in cuts]


def _footer(card: ScoreCard, width: int) -> list[str]:
    """Return the notes; a number and its percent sign stay on one line."""
    kept = (note.replace(" %", _NO_BREAK + "%") for note in wording.notes(card))
    return [line.replace(_NO_BREAK, " ") for note in kept for line in _wrap(note, width)]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for wide characters, none for marks."""
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` columns, broken at spaces, or inside a long word."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(joined) <= width:
            lines[-1] = joined
            continue
        lines += [word] if lines[-1] else []
        lines[-1:] = _cut(word, width) if _width(word) > width else [word]
    return lines


def _cut(word: str, width: int) -> list[str]:
    parts = [""]
    for char in word:
        if _width(parts[-1] + char) > width:
            parts.append("")
        parts[-1] += char
    return parts
