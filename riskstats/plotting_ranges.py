"""The range of every row as a picture, and marks for the keys of such pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.wording import counted
from riskstats.plotting import BLUE, RED, axes_of, new_figure
from riskstats.plotting_rows import key_above, titled
from riskstats.scores.sheet import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.multiplicity.prediction_range import PredictionRange

__all__ = ["dot", "line", "plot_ranges"]

FEW = 80  # rows that are drawn one by one, with caps
_WORDS = {
    "exact": "exact range",
    "outer": "at most the pale bar, at least the dark one",
    "inner": "attained: the range is at least this",
}
_POINTS = 480.0  # width of the axes of a single figure, in points


def plot_ranges(
    found: PredictionRange, ax: Axes | None = None, *, decision_threshold: float | None = None
) -> Figure:
    """The range of every row as a bar, rows sorted by the prediction of the baseline.

    decision_threshold : a line; rows whose attained ends lie on either side of it stand out.
    """
    if len(found) == 0:
        raise InvalidInput("the range has no rows: there is nothing to draw.")
    axes = axes_of(ax, 7.2, 4.2)
    axes.grid(False)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)
    baseline = _shown(found, found.baseline)
    middle = 0.5 * (found.lower + found.upper) if baseline is None else baseline
    order = np.argsort(middle, kind="stable")
    sorted_rows = found.rows(order)
    straddles = _straddling(sorted_rows, decision_threshold)
    marks = _draw_bars(axes, sorted_rows, straddles)
    if baseline is not None:
        marks += _draw_baseline(axes, baseline[order])
    if decision_threshold is not None:
        axes.axhline(decision_threshold, color=INK, linestyle="--", linewidth=1.2, zorder=1)
        marks.append(line(INK, f"decision threshold {decision_threshold:g}", "--", 1.2))
    room = 0.012 * len(found) + 0.4
    axes.set_xlim(-room, len(found) - 1 + room)
    if found.scale == "probability":
        axes.set_ylim(-0.02, 1.02)
    below = f"{_name_ticks(axes, order)}sorted by the {'middle' if baseline is None else 'baseline'}"
    what = "probability" if found.scale == "probability" else "prediction"
    titled(axes, _ranges_title(found, straddles), below, what, key_rows=key_above(axes, marks))
    return new_figure(axes)


def _shown(found: PredictionRange, logits: Floats | None) -> Floats | None:
    if logits is None:
        return None
    return sigmoid(logits) if found.scale == "probability" else logits


def _straddling(found: PredictionRange, threshold: float | None) -> np.ndarray:
    """Which rows have attained ends on either side of the threshold."""
    if threshold is None:
        return np.zeros(len(found), dtype=bool)
    from riskstats.multiplicity.disagreement import label_ambiguity

    return label_ambiguity(found, threshold).rows


def _ranges_title(found: PredictionRange, straddles: np.ndarray) -> str:
    of = "these models" if found.epsilon is None else f"{found.epsilon_kind} epsilon {found.epsilon:g}"
    if not straddles.any():
        return f"Range of the predictions of {counted(len(found))} ({of})"
    least = "At least " if found.overall_kind == "inner" else ""
    return f"{least}{int(straddles.sum())} of {counted(len(found))} can be decided either way ({of})"


def _draw_bars(axes: Axes, found: PredictionRange, straddles: np.ndarray) -> list[Any]:
    """A bar for every row, by its kind; the marks for the key."""
    from matplotlib.patches import Patch

    marks = []
    colors = np.where(straddles, RED, BLUE)
    for kind in ("exact", "outer", "inner"):
        rows = np.flatnonzero(found.kind == kind)
        if len(rows):
            _draw_kind(axes, found, rows, kind, colors[rows].tolist())
            marks.append(_bar_mark(kind))
    return [*marks, Patch(color=RED, label="decided either way")] if straddles.any() else marks


def _draw_kind(axes: Axes, found: PredictionRange, rows: np.ndarray, kind: str, colors: list[str]) -> None:
    """Bars of one kind: solid where exact; pale to the safe ends around a dark core; thin where attained."""
    n = len(found)
    wide = float(np.clip((0.5 if n <= 2 * FEW else 1.2) * _POINTS / n, 0.35, 7.0))
    low, high = found.lower[rows], found.upper[rows]
    if kind == "exact":
        axes.vlines(rows, low, high, colors=colors, linewidth=wide, zorder=2.0)
    elif kind == "outer":
        core = _shown(found, found.inner[rows])
        assert core is not None
        axes.vlines(rows, low, high, colors=colors, linewidth=wide, alpha=0.3, zorder=1.9)
        axes.vlines(rows, core[:, 0], core[:, 1], colors=colors, linewidth=0.5 * wide, zorder=2.0)
    else:
        axes.vlines(rows, low, high, colors=colors, linewidth=max(0.45 * wide, 0.35), zorder=2.0)
    if n <= FEW and kind == "inner":
        for ends, mark in ((low, "v"), (high, "^")):
            axes.scatter(rows, ends, s=min(wide, 4.5) ** 2, c=colors, marker=mark, zorder=2.0)


def _bar_mark(kind: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=BLUE, alpha={"exact": 1.0, "outer": 0.35, "inner": 0.65}[kind], label=_WORDS[kind])


def _draw_baseline(axes: Axes, baseline: Floats) -> list[Any]:
    n = len(baseline)
    if n <= FEW:
        size = float(np.clip(160.0 / n, 2.6, 5.0))
        axes.plot(np.arange(n), baseline, "o", color=INK, markersize=size, markerfacecolor=PAPER, zorder=3)
        return [dot(INK, "baseline", face=PAPER)]
    axes.plot(np.arange(n), baseline, color=PAPER, linewidth=2.6, alpha=0.8, zorder=2.9)
    axes.plot(np.arange(n), baseline, color=INK, linewidth=1.2, zorder=3)
    return [line(INK, "baseline", "-", 1.2)]


def _name_ticks(axes: Axes, order: np.ndarray) -> str:
    """Numbers of the rows below the axis where they fit, else places; what they are."""
    from matplotlib.ticker import MaxNLocator

    if len(order) <= FEW // 2:
        axes.set_xticks(range(len(order)), [str(row) for row in order], fontsize=8)
        return "number of the row, "
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return f"{counted(len(order))}, "


# Marks


def dot(color: str, label: str, *, marker: str = "o", face: str | None = None) -> Any:
    """A mark for the key."""
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        color=color,
        marker=marker,
        linestyle="none",
        markersize=6,
        markerfacecolor=face or color,
        label=label,
    )


def line(color: str, label: str, style: Any, width: float) -> Any:
    """A line for the key."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, linestyle=style, linewidth=width, label=label)
