"""Pictures of what a tail is made of: rows of pieces by dimension, label and group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.plotting import BLUE, LONGEST_NAME, RED, SOFT, axes_of, new_figure, say
from riskstats.results import as_percent
from riskstats.scores.sheet import INK, PAPER
from riskstats.scores.wording import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.tail.result import Contributions, RiskProfile, TailAttribution

__all__ = ["HUES", "beside", "key_above", "plot_attribution", "plot_risk_profile", "short", "titled"]

# eight colours that stay apart for every kind of colour vision (Okabe and Ito)
HUES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c2a", "#7a6f9b")
_OTHERS = "#b3b9c0"
_MOST_LABELS = 10
_LETTER = 0.068  # inches in a key


# What a tail is made of


def plot_attribution(attribution: TailAttribution, ax: Axes | None = None) -> Figure:
    """CVaR as a row of pieces by dimension, then each dimension and the largest labels.

    A line across the end of a dimension is its range over all ways of sharing the mass tied at the value at
    risk.
    """
    dimensions = attribution.parts[0]
    shown = _largest(dimensions)
    parts = [part for part in attribution.parts[1:] if part.by_dimension is not None and part.by != "prompt"]
    rows = 1 + len(shown) + sum(1 + min(len(part.names), _MOST_LABELS) for part in parts)
    axes = axes_of(
        ax, _width([*dimensions.names, *(name for part in parts for name in part.names)]), 1.5 + 0.3 * rows
    )
    places = _Places()
    _draw_bar(axes, places.next("all"), _pieces(dimensions.values, shown), heavy=True)
    for place, index in enumerate(shown):
        _draw_piece(axes, places.next(dimensions.names[index]), dimensions, index, place, attribution.total)
    for part in parts:
        _draw_labels(axes, places, part, shown)
    _finish_rows(axes, places)
    names = [dimensions.names[index] for index in shown]
    key_rows = key_above(axes, _dimension_marks(names, len(dimensions.names) > len(shown)))
    how = {"euler": "Euler components", "shapley": "Shapley values of the union"}[attribution.method]
    title = f"CVaR {attribution.total:.4g} at level {attribution.level:g} by {how}"
    note = f"n = {attribution.n}, n_tail = {attribution.n_tail:.4g}"
    titled(axes, title, f"part of CVaR ({note}); lines are ranges at the tie", key_rows=key_rows)
    return new_figure(axes)


class _Places:
    """Rows from top to bottom: a name each, and headings between them."""

    def __init__(self) -> None:
        self.names: dict[float, str] = {}
        self.headings: dict[float, str] = {}
        self.below = 0.0

    def next(self, name: str) -> float:
        """The place of a new row."""
        place, self.below = self.below, self.below + 1.0
        self.names[place] = name
        return place

    def heading(self, text: str) -> None:
        """Leave room for a heading."""
        self.headings[self.below] = text
        self.below += 0.9


def _largest(part: Contributions) -> list[int]:
    """Positions of at most as many pieces as there are colours, in their own order."""
    order = np.argsort(-part.values, kind="stable")[: len(HUES)]
    return sorted(int(i) for i in order)


def _pieces(values: Floats, shown: Sequence[int]) -> Floats:
    """The pieces that have a colour, and the sum of the others."""
    chosen = values[list(shown)]
    return np.append(chosen, values.sum() - chosen.sum())


def _draw_bar(axes: Axes, y: float, pieces: Floats, *, heavy: bool = False) -> None:
    start = 0.0
    for piece, color in zip(pieces.tolist(), [*HUES[: len(pieces) - 1], _OTHERS], strict=True):
        if piece > 0:
            axes.barh(
                y,
                piece,
                left=start,
                height=0.72 if heavy else 0.56,
                color=color,
                edgecolor=PAPER,
                linewidth=0.8,
            )
            start += piece


def _draw_piece(
    axes: Axes,
    y: float,
    part: Contributions,
    index: int,
    place: int,
    total: float,
    *,
    alone: float | None = None,
) -> None:
    """One dimension: a bar, its range at the tie, its CVaR alone as a hollow mark, and all in words."""
    value, low, high = (float(each[index]) for each in (part.values, part.lower, part.upper))
    axes.barh(y, value, height=0.34, color=HUES[place], linewidth=0)
    if high - low > 1e-9 * max(abs(high), abs(low)):
        axes.hlines(y, low, high, color=INK, linewidth=1.3)
        axes.vlines([low, high], y - 0.2, y + 0.2, color=INK, linewidth=1.3)
    words = f"{value:.3g} ({100 * value / total:.3g} %)" if total else f"{value:.3g}"
    if alone is not None:
        _hollow(axes, alone, y, HUES[place])
        words = f"part {words}, alone {alone:.3g}"
    beside(axes, max(value, high, alone or 0.0), y, words)


def _draw_labels(axes: Axes, places: _Places, part: Contributions, shown: Sequence[int]) -> None:
    """The largest labels as rows of their pieces by dimension."""
    assert part.by_dimension is not None
    order = np.argsort(-part.values, kind="stable")
    left = len(order) - _MOST_LABELS
    places.heading(f"by {part.by}" + (f", the largest {_MOST_LABELS} of {len(order)}" if left > 0 else ""))
    for index in order[:_MOST_LABELS]:
        y = places.next(part.names[index])
        _draw_bar(axes, y, _pieces(part.by_dimension[index], shown))
        beside(axes, float(part.values[index]), y, f"{part.values[index]:.3g}")


def beside(axes: Axes, x: float, y: float, text: str) -> None:
    """A word to the right of a point."""
    axes.annotate(
        text,
        (x, y),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=SOFT,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
    )


def _finish_rows(axes: Axes, places: _Places) -> None:
    """Names of rows at the left, headings in the plot, the first row on top."""
    axes.set_yticks(list(places.names), [short(name) for name in places.names.values()], fontsize=9)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    for y, text in places.headings.items():
        axes.annotate(
            clean(text),
            (0.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(4, -3),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=SOFT,
            parse_math=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(places.below - 0.4, -0.7)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.0), high + 0.3 * (high - low))


def short(name: str) -> str:
    """A name as it is drawn."""
    text = clean(name)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _dimension_marks(names: Sequence[str], others: bool) -> list[Any]:
    """Colours of the dimensions, for the key."""
    from matplotlib.patches import Patch

    marks = [Patch(color=color, label=short(name)) for color, name in zip(HUES, names, strict=False)]
    return [*marks, Patch(color=_OTHERS, label="others")] if others else [*marks]


def _width(names: Sequence[str]) -> float:
    """Inches of a figure whose rows have these names."""
    return max(7.0, 5.6 + 0.075 * max(len(short(name)) for name in names))


def key_above(axes: Axes, marks: Sequence[Any]) -> int:
    """What the marks mean, above the axes in as many rows as the width needs; returns their number."""
    names = [str(mark.get_label()) for mark in marks]
    figure: Any = axes.figure
    longest = max((len(label.get_text()) for label in axes.get_yticklabels()), default=0)
    columns = _columns(names, figure.get_figwidth() - 0.5 - _LETTER * longest)
    key = axes.legend(
        handles=list(marks),
        loc="lower left",
        bbox_to_anchor=(-0.015, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        handlelength=1.2,
        handletextpad=0.5,
        columnspacing=1.4,
    )
    for text in key.get_texts():
        text.set_parse_math(False)
    return math.ceil(len(names) / columns)


def _columns(names: Sequence[str], width: float) -> int:
    """The most columns, filled one after the other, whose names fit in a width in inches."""
    for columns in range(len(names), 1, -1):
        parts = np.array_split([len(name) for name in names], columns)
        if sum(0.5 + _LETTER * int(part.max()) for part in parts) <= width:
            return columns
    return 1


def titled(axes: Axes, title: str, x: str, y: str = "", *, key_rows: int = 1) -> None:
    """Title and labels, the title above a key of some rows."""
    say(axes, title, x, y)
    if key_rows > 1:
        pad = 11 + 15 * key_rows
        axes.set_title(clean(title), loc="left", fontsize=10.5, color=INK, parse_math=False, pad=pad)


# One model


def plot_risk_profile(profile: RiskProfile, ax: Axes | None = None) -> Figure:
    """CVaR of the union as a row of dimensions with its limit, the Frechet bounds, and each group.

    Hollow marks are the tail of a dimension or group alone; they do not add up.
    """
    part = profile.attribution.parts[0]
    shown = _largest(part)
    groups = [(group, i) for group in profile.groups for i in range(min(len(group.names), _MOST_LABELS))]
    width = _width([*part.names, *(f"{group.names[i]} (n = 000)" for group, i in groups)])
    axes = axes_of(ax, width, 2.1 + 0.3 * (2 + len(shown) + len(groups) + len(profile.groups)))
    places = _Places()
    top = places.next("CVaR of any failure")
    _draw_bar(axes, top, _pieces(part.values, shown), heavy=True)
    _draw_limit(axes, top, profile.cvar, profile.interval)
    if len(part.names) > 1:
        _draw_dimensions(axes, places, profile, shown)
    for group in profile.groups:
        _draw_group(axes, places, group)
    if profile.risk_limit is not None:
        axes.axvline(profile.risk_limit, color=INK, linestyle="--", linewidth=1.2, zorder=1)
    _finish_rows(axes, places)
    names = [part.names[index] for index in shown]
    rows = key_above(axes, _profile_marks(profile, names, len(part.names) > len(shown)))
    size = f"risk; n = {profile.n}, n_tail = {profile.n_tail:.4g}"
    titled(axes, _profile_title(profile), size, key_rows=rows)
    return new_figure(axes)


def _draw_dimensions(axes: Axes, places: _Places, profile: RiskProfile, shown: Sequence[int]) -> None:
    """The Frechet bounds, then the part of each dimension beside its tail alone."""
    part = profile.attribution.parts[0]
    _draw_frechet(axes, places.next("without independence"), profile)
    places.heading("each dimension: its part, and its own CVaR alone")
    for place, index in enumerate(shown):
        alone = float(profile.marginals.cvar[index])
        y = places.next(part.names[index])
        _draw_piece(axes, y, part, index, place, profile.attribution.total, alone=alone)


def _profile_title(profile: RiskProfile) -> str:
    upper = getattr(profile.interval, "upper", None)
    known = "no limit was asked for" if upper is None else f"limit {upper:.4g}"
    return f"CVaR {profile.cvar:.4g} at level {profile.level:g}, {known}"


def _draw_limit(axes: Axes, y: float, cvar: float, interval: Any) -> None:
    """A line from CVaR to its upper limit."""
    upper = getattr(interval, "upper", None)
    if upper is not None and math.isfinite(upper):
        axes.hlines(y, cvar, upper, color=RED, linewidth=1.6)
        axes.vlines(upper, y - 0.36, y + 0.36, color=RED, linewidth=2.0)


def _draw_frechet(axes: Axes, y: float, profile: RiskProfile) -> None:
    low, high = profile.frechet.cvar_lower, profile.frechet.cvar_upper
    axes.hlines(y, low, high, color=SOFT, linewidth=1.3)
    axes.vlines([low, high], y - 0.18, y + 0.18, color=SOFT, linewidth=1.3)
    beside(axes, high, y, f"{low:.3g} to {high:.3g}")


def _draw_group(axes: Axes, places: _Places, group: Any) -> None:
    """The largest tails of groups, pale where there are too few prompts to rank."""
    few = "" if group.ranked.all() else "; too few to rank where the mark is pale"
    places.heading(f"CVaR by {group.by}{few}")
    for i in range(min(len(group.names), _MOST_LABELS)):
        y = places.next(f"{group.names[i]} (n = {group.n[i]})")
        _hollow(axes, float(group.cvar[i]), y, BLUE if group.ranked[i] else _OTHERS)


def _hollow(axes: Axes, x: float, y: float, color: str) -> None:
    axes.plot([x], [y], "o", color=color, markerfacecolor=PAPER, markeredgewidth=1.5, markersize=6, zorder=3)


def _profile_marks(profile: RiskProfile, names: Sequence[str], others: bool) -> list[Any]:
    """Colours of the dimensions, the limit and the risk limit, for the key."""
    from matplotlib.lines import Line2D

    marks = _dimension_marks(names, others)
    if profile.interval is not None:
        sure = as_percent(profile.interval.confidence_level)  # type: ignore[attr-defined]
        marks.append(Line2D([], [], color=RED, marker="|", markersize=9, label=f"to the {sure} limit"))
    if profile.risk_limit is not None:
        label = f"risk limit {profile.risk_limit:g}"
        marks.append(Line2D([], [], color=INK, linestyle="--", linewidth=1.2, label=label))
    return marks
