"""Pictures of bands, bounds and choices, as matplotlib figures; pyplot takes no part.

Certified and not certified differ in shape, filling and line as well as in colour; the two colours keep apart
for every kind of colour vision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.results import Status, as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER, require_matplotlib
from riskstats.scores.wording import clean, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.bounds.result import RiskBound
    from riskstats.control.result import CertifiedSet, GroupReport
    from riskstats.envelope import CDFEnvelope

__all__ = ["plot_certified", "plot_envelope", "plot_groups", "plot_risk_bound", "plot_risk_bounds"]

SOFT, BLUE, PALE, RED = "#5f6770", "#0072b2", "#cfe2f1", "#c24e00"
_MOST_STEPS, _MOST_ROWS, LONGEST_NAME = 2000, 100, 36


# Bands


def plot_envelope(
    envelope: CDFEnvelope, ax: Axes | None = None, *, marks: Mapping[str, float] | None = None
) -> Figure:
    """The empirical distribution function as steps inside its band.

    Parameters
    ----------
    envelope : the band; a side that it lacks reaches to 0 or 1.
    ax : axes to draw in; None makes a figure.
    marks : losses to mark by vertical lines, by what they are called.
    """
    axes = axes_of(ax, 6.6, 4.3)
    left, right = _reach(envelope, (marks or {}).values())
    _draw_band(axes, envelope, left, right)
    for place, (name, loss) in enumerate((marks or {}).items()):
        if math.isfinite(loss):
            style = ("--", ":", "-.")[place % 3]
            axes.axvline(loss, color=RED, linestyle=style, linewidth=1.5, label=f"{clean(name)} {loss:.4g}")
    axes.set_xlim(left, right)
    axes.set_ylim(-0.01, 1.01)
    say(axes, envelope_title(envelope), "loss", "share of units with at most this loss")
    key = axes.legend(facecolor=PAPER, edgecolor="none", framealpha=0.9, fontsize=8.5, loc="lower right")
    for text in key.get_texts():
        text.set_parse_math(False)
    return new_figure(axes)


def envelope_title(envelope: CDFEnvelope) -> str:
    """What the band is, in one line."""
    sides = {(True, True): "two-sided band", (True, False): "lower band", (False, True): "upper band"}
    kind = sides[envelope.lower is not None, envelope.upper is not None]
    low, high = envelope.levels
    span = f"level {low:g}" if low == high else f"levels {low:g} to {high:g}"
    levels = "" if (low, high) == (0.0, 1.0) else f", {span}"
    sure = as_percent(envelope.confidence_level)
    return f"{sure} {kind}: {envelope.band or 'band'}, n = {len(envelope.atoms)}{levels}"


def _draw_band(axes: Axes, envelope: CDFEnvelope, left: float, right: float) -> None:
    """Both edges and the empirical steps, between two losses."""
    atoms, n = envelope.atoms, len(envelope.atoms)
    kept = thinned(n)
    x = np.concatenate([[left], atoms[kept], [right]])
    lower = _edge(envelope.lower, kept, 0.0)
    upper = None if envelope.upper is None else np.concatenate([envelope.upper[kept], [1.0, 1.0]])
    top = np.ones(len(x)) if upper is None else upper
    name = f"band ({envelope.band})" if envelope.band else "band"
    axes.fill_between(x, lower, top, step="post", color=PALE, linewidth=0)
    axes.fill_between([], [], [], facecolor=PALE, edgecolor=BLUE, linewidth=0.9, label=name)
    for edge in (None if envelope.lower is None else lower, upper):
        if edge is not None:
            axes.step(x, edge, where="post", color=BLUE, linewidth=0.9)
    seen = np.concatenate([[0.0], (kept + 1) / n, [1.0]])
    axes.step(x, seen, where="post", color=INK, linewidth=1.5, label="the sample")


def _edge(values: Floats | None, kept: np.ndarray, otherwise: float) -> Floats:
    """The lower edge from the left end of the axis to its right end."""
    if values is None:
        return np.full(len(kept) + 2, otherwise)
    return np.concatenate([[0.0], values[kept], values[-1:]])


def thinned(n: int) -> np.ndarray:
    """Positions of at most `_MOST_STEPS` order statistics, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_STEPS)).round().astype(np.int64))


def _reach(envelope: CDFEnvelope, marks: Any) -> tuple[float, float]:
    """Ends of the axis of losses: the support where the sample fills a fair part of it."""
    low, high = envelope.support
    seen = [
        float(envelope.atoms[0]),
        float(envelope.atoms[-1]),
        *(mark for mark in marks if math.isfinite(mark)),
    ]
    room = 0.08 * (max(seen) - min(seen)) or 0.1 * (abs(seen[0]) or 1.0)
    wide = high - low
    left = low if min(seen) - low < 0.3 * wide else min(seen) - room
    right = high if high - max(seen) < 0.3 * wide and math.isfinite(high) else max(seen) + room
    return max(left, low - 1e-9 * abs(low)), min(right, high)


# Bounds


def plot_risk_bound(bound: RiskBound, ax: Axes | None = None) -> Figure:
    """Estimate and bound on a line of losses; the shaded part is what the bound allows."""
    axes = axes_of(ax, 6.6, 2.1)
    ends = _ends(np.array([bound.estimate, bound.value]), bound.support)
    reach = ends[0] if bound.side == "upper" else ends[1]
    stop = bound.value if math.isfinite(bound.value) else ends[1 if bound.side == "upper" else 0]
    axes.hlines(0.0, *ends, color=FAINT, linewidth=1.0)
    axes.hlines(0.0, reach, stop, color=PALE, linewidth=13)
    axes.plot([bound.estimate], [0.0], "o", color=BLUE, markersize=8, clip_on=False)
    _tag(axes, bound.estimate, -13, f"estimate {bound.estimate:.4g}", BLUE, ends)
    if bound.status is Status.NO_BOUND:
        _tag(axes, stop, 18, "no bound", RED, ends)
    else:
        axes.vlines(bound.value, -0.5, 0.5, color=RED, linewidth=2.0, clip_on=False)
        word = "at most" if bound.side == "upper" else "at least"
        _tag(axes, bound.value, 18, f"{word} {bound.value:.4g}", RED, ends)
    axes.set_ylim(-1.5, 1.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(*ends)
    sure = as_percent(bound.confidence_level)
    say(axes, f"{bound.measure}, {sure} confidence ({bound.bound}, n = {bound.n_units})", "loss", "")
    return new_figure(axes)


def _tag(axes: Axes, x: float, above: float, text: str, color: str, ends: tuple[float, float]) -> None:
    """A word beside a point of the line, turned inward near the ends."""
    share = (x - ends[0]) / (ends[1] - ends[0])
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    axes.annotate(
        text,
        (x, 0.0),
        xytext=({"left": 4, "right": -4, "center": 0}[side], above),
        textcoords="offset points",
        ha=side,
        va="bottom" if above > 0 else "top",
        color=color,
        fontsize=9,
    )


def _ends(values: Floats, support: tuple[float, float]) -> tuple[float, float]:
    """Ends of an axis that shows the values, within the support and with some room."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=support[0])), float(finite.max(initial=support[0]))
    high = high if high > low else low + (support[1] - low if math.isfinite(support[1]) else 1.0)
    room = 0.12 * (high - low)
    return max(support[0], low - room), min(support[1], high + room)


def plot_risk_bounds(bounds: Sequence[RiskBound], names: Sequence[str], ax: Axes | None = None) -> Figure:
    """Many bounds below each other, sorted by estimate; each holds alone."""
    first = bounds[0]
    order = np.argsort([bound.estimate for bound in bounds], kind="stable")
    rows = [_Row(names[i], bounds[i].estimate, bounds[i].value, True, False) for i in order]
    sure = as_percent(first.confidence_level)
    title = f"{first.measure}: estimate and {sure} {first.side} bound of each alone (n = {first.n_units})"
    axes = _draw_rows(rows, first.support, ax)
    say(axes, title, "loss", "")
    return new_figure(axes)


def plot_groups(report: GroupReport, ax: Axes | None = None) -> Figure:
    """Estimate and upper bound of every group, the largest bound first; groups without units are named."""
    known = {name: value for name, value in report.estimates.items() if report.n_units[name]}
    order = sorted(known, key=lambda name: report.upper[name], reverse=True)
    rows = [
        _Row(f"{name} (n = {report.n_units[name]})", known[name], report.upper[name], True, False)
        for name in order
    ]
    if not rows:
        raise InvalidInput("no group has a unit: there is nothing to draw. Give losses of some group.")
    axes = _draw_rows(rows, report.support, ax)
    sure = as_percent(report.confidence_level)
    empty = [clean(name) for name in report.upper if name not in known]
    below = f"loss; without units, and without a bound: {', '.join(empty)}" if empty else "loss"
    say(axes, f"{report.measure} by group: estimate and {sure} upper bounds that hold together", below, "")
    return new_figure(axes)


# Choices


@dataclass(frozen=True)
class _Row:
    """One line of a ladder: a candidate with its estimate and bound."""

    name: str
    estimate: float
    bound: float
    certified: bool
    selected: bool


def plot_certified(found: CertifiedSet, ax: Axes | None = None) -> Figure:
    """Estimate and joint upper bound of every candidate, sorted by estimate, with the limit.

    Filled marks on solid lines are certified, hollow marks on dotted lines are not; a diamond is selected.
    Of more than 100 candidates those of the smallest estimates are shown, and the selected one.
    """
    certified = set(found.certified)
    order = [int(i) for i in np.argsort(found.estimates, kind="stable")]
    shown = order[:_MOST_ROWS]
    if found.selected is not None and found.selected not in shown:
        shown = [*shown[:-1], found.selected]
    rows = [
        _Row(
            found.names[i],
            float(found.estimates[i]),
            float(found.upper_bounds[i]),
            i in certified,
            i == found.selected,
        )
        for i in shown
    ]
    axes = _draw_rows(rows, found.support, ax, limit=found.risk_limit)
    sure = as_percent(found.confidence_level)
    claims = [
        f"{each.measure} \N{LESS-THAN OR EQUAL TO} {each.risk_limit:g}" for each in found.risks or (found,)
    ]
    title = f"{len(certified)} of {plural(len(order), 'candidate')} certified: {' and '.join(claims)}"
    say(axes, title, _certified_note(found, len(order) - len(shown), certified - set(shown), sure), "")
    return new_figure(axes)


def _certified_note(found: CertifiedSet, hidden: int, unseen: set[int], sure: str) -> str:
    lines = [
        f"loss; lines end at upper bounds that hold together with {sure} confidence, n = {found.n_units}"
    ]
    if hidden:
        lines.append(f"{hidden} more candidates not shown, {len(unseen)} of them certified")
    return "\n".join(lines)


def _draw_rows(
    rows: Sequence[_Row], support: tuple[float, float], ax: Axes | None, limit: float | None = None
) -> Axes:
    """A ladder with one line per row, the first on top; returns the axes."""
    pitch = float(np.clip(7.5 / len(rows), 0.118, 0.3))
    longest = max(len(_short(row)) for row in rows)
    axes = axes_of(ax, 6.4 + 0.075 * longest, 1.55 + pitch * len(rows))
    size = float(np.clip(28 * pitch, 3.2, 7.0))
    values = np.array([[row.estimate, row.bound] for row in rows])
    ends = _ends(values.ravel() if limit is None else np.append(values, limit), support)
    for y, row in enumerate(rows):
        _draw_row(axes, y, row, ends[1], size)
    axes.set_yticks(range(len(rows)), [_short(row) for row in rows], fontsize=min(9.0, 62 * pitch))
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_parse_math(False)
        label.set_color(INK if row.certified else SOFT)
        label.set_fontweight("bold" if row.selected else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*ends)
    if limit is not None:
        axes.axvline(limit, color=INK, linestyle="--", linewidth=1.2, zorder=1)
        _key(axes, rows, limit, size)
    return axes


def _draw_row(axes: Axes, y: int, row: _Row, edge: float, size: float) -> None:
    color = BLUE if row.certified else RED
    stop = row.bound if math.isfinite(row.bound) else edge
    axes.hlines(
        y, row.estimate, stop, color=color, linewidth=size / 4, linestyles="-" if row.certified else ":"
    )
    axes.plot(
        [stop], [y], "|" if math.isfinite(row.bound) else ">", color=color, markersize=size, clip_on=False
    )
    axes.plot([row.estimate], [y], **_mark(row.certified, row.selected, size))


def _mark(certified: bool, selected: bool, size: float) -> dict[str, Any]:
    color = BLUE if certified else RED
    return {
        "marker": "D" if selected else "o",
        "linestyle": "none",
        "color": color,
        "markerfacecolor": color if certified else PAPER,
        "markersize": size * (1.25 if selected else 1.0),
    }


def _key(axes: Axes, rows: Sequence[_Row], limit: float, size: float) -> None:
    """What the marks mean, above the axes."""
    from matplotlib.lines import Line2D

    kinds = {(row.certified, row.selected) for row in rows}
    words = {
        (True, True): "selected",
        (True, False): "certified",
        (False, False): "not certified",
    }
    marks = [
        Line2D([], [], label=word, **_mark(*kind, min(size * 1.2, 7.0)))
        for kind, word in words.items()
        if kind in kinds
    ]
    marks.append(Line2D([], [], color=INK, linestyle="--", linewidth=1.2, label=f"limit {limit:g}"))
    axes.legend(
        handles=marks,
        loc="lower left",
        bbox_to_anchor=(-0.015, 1.0),
        ncols=len(marks),
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def _short(row: _Row) -> str:
    name = clean(row.name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"


# Axes


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes of the caller, or new ones on paper."""
    require_matplotlib()
    if ax is None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), dpi=150, facecolor=PAPER, layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot(facecolor=PAPER)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(SOFT)
    ax.tick_params(colors=SOFT, labelsize=8.5, labelcolor=INK)
    ax.set_axisbelow(True)
    ax.grid(True, axis="x", color=FAINT, linewidth=0.6)
    return ax


def say(axes: Axes, title: str, x: str, y: str) -> None:
    """Write the title, above a key that is there, and the names of the axes."""
    has_key = axes.get_legend() is not None
    axes.set_title(
        clean(title), loc="left", fontsize=10.5, color=INK, parse_math=False, pad=26 if has_key else 8
    )
    axes.set_xlabel(x, fontsize=9, color=SOFT, parse_math=False)
    axes.set_ylabel(y, fontsize=9, color=SOFT, parse_math=False)


def at_the_right(axes: Axes, y: float, text: str, size: float = 8.5) -> None:
    """Words beside a row, outside the right edge of the axes."""
    axes.annotate(
        text,
        (1.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=size,
        color=SOFT,
        annotation_clip=False,
        parse_math=False,
    )


def new_figure(axes: Axes) -> Figure:
    """The figure of these axes."""
    figure: Any = axes.figure
    return figure
