"""The card as a picture for the wall: points, then for every total a column with its risk and what was seen.

Lengths are inches. The two colours that carry meaning, blue and vermilion, keep apart for every kind of
colour vision, and their marks differ in shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.scores import wording
from riskstats.scores.risk_table import RiskBand
from riskstats.scores.sheet import (
    FAINT,
    INK,
    PAPER,
    WIDE,
    Sheet,
    blank_sheet,
    measure,
    require_matplotlib,
    wrap,
)
from riskstats.scores.wording import PointLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.scores.scorecard import ScoreCard

__all__ = ["draw_card", "draw_chart"]

_SOFT, _RED, _BAR, _RISK, _SEEN, _PROOF = "#5f6770", "#b5482f", "#cfe2f1", "#0072b2", "#c24e00", "#00695a"
_LOW = 5.83  # A5 landscape; the sheet grows downwards where it must
_MARGIN, _GUTTER, _HEADS = 0.45, 0.42, 0.82
_MOST_BESIDE, _ROW, _STEP = 14, 0.235, 0.2
_MOST_PREDICTED = 15


def draw_card(card: ScoreCard) -> Figure:
    """Return the card as a figure: A5 landscape, taller where lines or notes need it."""
    require_matplotlib()
    lines = wording.point_lines(card)
    inner = WIDE - 2 * _MARGIN
    head = wrap(wording.title(card), inner, 19, "bold")
    notes = [part for note in _notes(card) for part in wrap(note, inner, 7.2)]
    top = 0.42 + 0.33 * len(head) + 0.62
    bottom = 0.62 + 0.145 * len(notes)
    beside = _fits_beside(card, lines)
    points = 0.3 + _ROW * (len(lines) + 1) if beside else _stacked_height(lines, inner)
    height = max(_LOW, top + bottom + (max(points, 3.3) if beside else points + 0.2 + 3.3))
    sheet = blank_sheet(height)
    _head(sheet, card, head)
    if beside:
        left = _left_width(lines)
        _points(sheet, lines, _MARGIN, top, left, min(0.36, (height - top - bottom - 0.3) / (len(lines) + 1)))
        start = _MARGIN + left + _GUTTER
        _risks(sheet, card, start, top, WIDE - _MARGIN - start, height - top - bottom)
    else:
        _stacked_points(sheet, lines, top, inner)
        _risks(sheet, card, _MARGIN, top + points + 0.2, inner, height - top - bottom - points - 0.2)
    _foot(sheet, card, notes)
    return sheet.figure


def draw_chart(card: ScoreCard, ax: Axes) -> Figure:
    """Draw risk, observed rate and interval at every total into `ax`; return its figure."""
    require_matplotlib()
    bands = _bands(card)
    _bars(ax, bands)
    totals = [_minus(wording.total_text(band)) for band in bands]
    ax.set_xticks(range(len(bands)), totals, rotation=90 if len(bands) > 12 else 0)
    ax.set_yticks(np.linspace(0.0, 1.0, 6), [f"{share} %" for share in range(0, 101, 20)])
    ax.set_xlabel("total")
    ax.set_title(wording.title(card), parse_math=False)
    figure: Any = ax.figure
    return figure


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _minus_numbers(text: str) -> str:
    """Return the text with a true minus sign before numbers; hyphens inside words stay."""
    return re.sub(r"(?<![\w-])-(?=\d)", "\N{MINUS SIGN}", text)


def _head(sheet: Sheet, card: ScoreCard, title: Sequence[str]) -> None:
    """Write the title, the formula, and how good the card is known to be; rule them off in red."""
    y = 0.42
    for line in title:
        y += 0.33
        sheet.write(_MARGIN, y - 0.06, line, 19, weight="bold")
    y += 0.24
    sheet.write(_MARGIN, y, wording.formula(card), 9.5, mono=True)
    stamp = wording.proof(card)
    wide = measure(stamp, 9, "bold") + 0.24
    right = WIDE - _MARGIN
    color = _PROOF if stamp == "proven optimal" else _SOFT
    sheet.box(right - wide, y - 0.185, wide, 0.265, color, fill=False, linewidth=1.2)
    sheet.write(right - wide / 2, y, stamp, 9, weight="bold", color=color, ha="center")
    used = measure(wording.formula(card), 9.5, mono=True) + measure(wording.size(card), 9)
    if used + wide + 0.5 < right - _MARGIN:
        sheet.write(right - wide - 0.16, y, wording.size(card), 9, color=_SOFT, ha="right")
    sheet.line(_MARGIN, right, y + 0.19, _RED, 1.5)


def _notes(card: ScoreCard) -> list[str]:
    known = wording.certificate_line(card)
    first = f"{wording.size(card)}; {wording.proof(card)}{f': {known}' if known else ''}."
    pooled = card.table is not None and len(_bands(card)) < len(card.table) <= wording.MOST_TOTALS
    more = [wording.pool_note(card.table)] if card.table is not None and pooled else []
    return [first, *map(_minus_numbers, wording.notes(card)), *more]


def _foot(sheet: Sheet, card: ScoreCard, notes: Sequence[str]) -> None:
    y = sheet.height - 0.32 - 0.145 * len(notes)
    sheet.line(_MARGIN, WIDE - _MARGIN, y - 0.06)
    for note in notes:
        y += 0.145
        sheet.write(_MARGIN, y, note, 7.2, color=_SOFT)


# ---- points


def _points_width(lines: Sequence[PointLine]) -> float:
    return max((measure(_minus(line.short), 10.5, "bold") for line in lines), default=0.0)


def _left_width(lines: Sequence[PointLine]) -> float:
    labels = max((measure(line.label, 10) for line in lines), default=0.0)
    return max(labels + _points_width(lines) + 0.3, 2.1)


def _fits_beside(card: ScoreCard, lines: Sequence[PointLine]) -> bool:
    room = WIDE - 2 * _MARGIN - _left_width(lines) - _GUTTER - _HEADS
    return len(lines) <= _MOST_BESIDE and room >= max(1.8, len(_bands(card)) * _cell(_bands(card)))


def _columns_of(lines: Sequence[PointLine], inner: float) -> int:
    return 2 if len(lines) > 3 and _left_width(lines) <= (inner - _GUTTER) / 2 else 1


def _stacked_height(lines: Sequence[PointLine], inner: float) -> float:
    columns = _columns_of(lines, inner)
    rows = len(_labels(lines, inner)) if columns == 1 else -(-len(lines) // 2)
    return 0.3 + _ROW * (rows + 1)


def _stacked_points(sheet: Sheet, lines: Sequence[PointLine], top: float, inner: float) -> None:
    """Write the points over the whole width, in two columns if they fit."""
    if _columns_of(lines, inner) == 1:
        _points(sheet, lines, _MARGIN, top, inner, _ROW)
        return
    half, wide = -(-len(lines) // 2), (inner - _GUTTER) / 2
    _points(sheet, lines[:half], _MARGIN, top, wide, _ROW, total=False)
    _points(sheet, lines[half:], _MARGIN + wide + _GUTTER, top, wide, _ROW, caption="", total=False)
    sheet.write(_MARGIN, top + 0.3 + _ROW * (half + 1) - 0.05, "total = sum of points", 10, weight="bold")


def _labels(lines: Sequence[PointLine], width: float) -> list[tuple[str, str]]:
    """Return (label, points) per printed row; a label that is too long takes several rows."""
    room = width - _points_width(lines) - 0.3
    rows = []
    for line in lines:
        parts = wrap(line.label, room, 10)
        rows += [(part, "") for part in parts[:-1]] + [(parts[-1], _minus(line.short))]
    return rows


def _points(
    sheet: Sheet,
    lines: Sequence[PointLine],
    x: float,
    top: float,
    width: float,
    step: float,
    caption: str = "POINTS",
    total: bool = True,
) -> None:
    sheet.write(x, top + 0.1, caption, 7.5, color=_SOFT, weight="bold")
    closing = "total = sum of points" if lines else "no lines: every total is 0"
    y = top + 0.2
    for label, points in _labels(lines, width):
        y += step
        sheet.write(x, y - step / 2 + 0.05, label, 10)
        sheet.write(x + width, y - step / 2 + 0.05, points, 10.5, weight="bold", ha="right")
        if points:
            sheet.line(x, x + width, y)
    if total:
        sheet.write(x, y + step / 2 + 0.07, closing, 10, weight="bold")


# ---- risks


def _bands(card: ScoreCard) -> tuple[RiskBand, ...]:
    """Return the columns of the chart, pooled until their numbers fit the width of the sheet."""
    if card.table is None:
        return _predicted_only(card)
    bands = wording.bands(card)
    limit, room = len(bands), WIDE - 2 * _MARGIN - _HEADS
    while limit > 1 and len(bands) * _cell(bands) > room:
        limit -= 1
        bands = card.table.bands(limit)
    return bands


def _predicted_only(card: ScoreCard) -> tuple[RiskBand, ...]:
    """Return the risk alone at the possible totals, or at those from 1 % to 99 %, thinned if many."""
    possible = card.possible_totals()
    reach = math.ceil(4.6 * card.multiplier)
    totals = np.arange(-reach, reach + 1) - card.intercept if possible is None else possible
    totals = totals[:: -(-len(totals) // _MOST_PREDICTED)]
    return tuple(
        RiskBand(total, total, 0.0, 0.0, risk, math.nan, math.nan, math.nan)
        for total, risk in zip(totals.tolist(), card.risk(totals).tolist(), strict=True)
    )


def _cell(bands: Sequence[RiskBand]) -> float:
    """Return the least width of a column in inches."""
    return max(measure(text, 7.5, "bold") for band in bands for text in _cells(band)) + 0.07


def _cells(band: RiskBand) -> list[str]:
    shares = [wording.percent(band.predicted)]
    if band.n:
        shares += [wording.percent(share) for share in (band.observed, band.lower, band.upper)]
        shares.append(_short_count(band.n))
    return [_minus(wording.total_text(band)), *shares]


def _short_count(number: float) -> str:
    return f"{number / 1000:.0f}k" if number >= 100_000 else wording.count(number).replace(",", "")


def _risks(sheet: Sheet, card: ScoreCard, x: float, top: float, width: float, height: float) -> None:
    """Draw one column per total, and under each its total, risk, observed rate and number of rows."""
    bands = _bands(card)
    sure = wording.level(card.table.confidence_level) if card.table is not None else ""
    _key(sheet, x, top + 0.1, sure)
    left, chart = x + _HEADS, height - 0.37 - _STEP * len(_cells(bands[0]))
    axes = sheet.axes(left, top + 0.3, width - _HEADS, chart)
    _bars(axes, bands)
    for share in range(0, 101, 20):
        y = top + 0.3 + chart * (1.0 - (share / 100 + _BELOW) / (1.0 + _BELOW + _ABOVE))
        sheet.write(left - 0.08, y + 0.035, f"{share} %", 7.5, color=_SOFT, ha="right")
    _under(sheet, bands, x, top + 0.3 + chart, width, sure)


def _under(sheet: Sheet, bands: Sequence[RiskBand], x: float, y: float, width: float, sure: str) -> None:
    """Write the risk table under the chart, a column of numbers below every bar."""
    rows = [
        ("total", "bold", INK),
        ("risk %", "bold", _RISK),
        ("observed %", "normal", _SEEN),
        (f"{sure} low", "normal", _SEEN),
        (f"{sure} high", "normal", _SEEN),
        ("n", "normal", _SOFT),
    ]
    step = (width - _HEADS) / len(bands)
    cells = [_cells(band) for band in bands]
    for row, (head, weight, color) in enumerate(rows[: len(cells[0])]):
        line = y + 0.19 + _STEP * row
        size = 8.5 if row == 0 and len(bands) < 15 else 7.5
        sheet.write(x, line, head, 7.5, weight=weight, color=color)
        for place, column in enumerate(cells):
            middle = x + _HEADS + step * (place + 0.5)
            sheet.write(middle, line, column[row], size, weight=weight, color=color, ha="center")
        sheet.line(x, x + width, line + 0.06)


def _key(sheet: Sheet, x: float, y: float, sure: str) -> None:
    """Write what the marks of the chart mean, each word in the colour of its mark."""
    sheet.write(x, y, "FROM TOTAL TO RISK", 7.5, color=_SOFT, weight="bold")
    x += measure("FROM TOTAL TO RISK", 7.5, "bold") + 0.2
    marks = [("\N{BLACK SQUARE} risk", _RISK), (f"\N{BLACK CIRCLE} observed, {sure} interval", _SEEN)]
    for text, color in marks[: 2 if sure else 1]:
        sheet.write(x, y, text, 7.5, color=color)
        x += measure(text, 7.5) + 0.18


_BELOW, _ABOVE = 0.02, 0.03


def _bars(ax: Axes, bands: Sequence[RiskBand]) -> None:
    """Draw the risk as bars and the observed rates with their intervals over them."""
    place = np.arange(len(bands))
    risk, seen, low, high = (
        np.array([getattr(band, name) for band in bands])
        for name in ("predicted", "observed", "lower", "upper")
    )
    ax.grid(False)
    ax.hlines(np.linspace(0.0, 1.0, 6), -0.5, len(bands) - 0.5, colors=FAINT, linewidths=0.7, zorder=0)
    ax.hlines([0.5], -0.5, len(bands) - 0.5, colors=_SOFT, linewidths=0.7, linestyles=(0, (4, 3)), zorder=0)
    ax.bar(place, risk, width=0.76, color=_BAR, edgecolor="none", linewidth=0, zorder=1)
    ax.hlines(risk, place - 0.38, place + 0.38, colors=_RISK, linewidths=1.8, zorder=2)
    ax.vlines(place, low, high, colors=_SEEN, linewidths=1.3, zorder=3)
    size = min(5.5, 60.0 / len(bands))
    ax.plot(
        place,
        seen,
        linestyle="none",
        marker="o",
        markersize=size,
        color=_SEEN,
        markeredgecolor=PAPER,
        zorder=4,
    )
    ax.set_xlim(-0.5, len(bands) - 0.5)
    ax.set_ylim(-_BELOW, 1.0 + _ABOVE)
