"""Pictures of grades with their probability, of probes by layer, and of the OWASP matrix.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`. A grade is never drawn without the
others that the counts leave open, nor a probe without its controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.exceptions import InvalidInput
from riskstats.harm.grade_scale import GRADES
from riskstats.harm.owasp import LEVELS, MATRIX, SEVERITIES
from riskstats.plotting import BLUE, RED, SOFT, axes_of, new_figure
from riskstats.plotting_rows import key_above, short, titled
from riskstats.results import as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER
from riskstats.scores.wording import clean, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.harm.grades import Grade
    from riskstats.harm.owasp import OwaspRating, StakeholderRating
    from riskstats.harm.probe_report import ProbeReport

__all__ = ["plot_grades", "plot_owasp", "plot_probes"]

# from worst to best, apart for every kind of colour vision and in grey
_GRADE_COLORS = ("#a63603", "#ec8a4a", "#e9e4d4", "#8ab8d9", "#1f5f99")
_SEVERITY_COLORS = ("#e8f0f6", "#b9d3e6", "#f3d9b1", "#ec8a4a", "#a63603")
_SEEN = 0.045  # the smallest share that has its number written


# Grades


def plot_grades(grades: Mapping[str, Grade], ax: Axes | None = None) -> Figure:
    """P(grade) of each system as a stacked bar, with the point grade and whether it is certain.

    Parameters
    ----------
    grades : by the name of the system, with one confidence level.
    ax : axes to draw in; None makes a figure.
    """
    if not grades:
        raise InvalidInput("`grades` is empty; pass at least one, by name.")
    axes = axes_of(ax, 7.2, 1.45 + 0.5 * len(grades))
    for row, found in enumerate(grades.values()):
        _draw_grade(axes, row, found)
    axes.set_yticks(range(len(grades)), [short(name) for name in grades])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(grades) - 0.45, -0.55)
    axes.set_xlim(0.0, 1.0)
    rows = key_above(axes, _grade_marks())
    levels = sorted({found.confidence_level for found in grades.values()})
    sure = " or ".join(as_percent(level) for level in levels)
    scales = ", ".join(sorted({found.scale.name for found in grades.values()}))
    titled(axes, f"Grades with their probability, scale {scales}", "P(grade)", key_rows=rows)
    axes.set_xlabel(
        f"P(grade); right: the point grade, with ? where others are reachable at {sure}", fontsize=9
    )
    return new_figure(axes)


def _draw_grade(axes: Axes, row: int, found: Grade) -> None:
    start = 0.0
    for name, color in zip(GRADES, _GRADE_COLORS, strict=True):
        share = found.probabilities[name]
        axes.barh(row, share, left=start, height=0.66, color=color, edgecolor=PAPER, linewidth=0.8)
        if share >= _SEEN:
            dark = color in (_GRADE_COLORS[0], _GRADE_COLORS[-1])
            axes.text(
                start + 0.5 * share,
                row,
                "> 0.99" if 0.99 < share < 1.0 - 1e-9 else f"{share:.2f}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=PAPER if dark else INK,
            )
        start += share
    word = f"{found.grade}, certain" if found.certain else f"{found.grade} ?"
    weight = "bold" if found.certain else "normal"
    axes.text(
        1.012, row, word, ha="left", va="center", fontsize=8.5, fontweight=weight, color=INK, clip_on=False
    )


def _grade_marks() -> list[Any]:
    from matplotlib.patches import Patch

    pairs = zip(GRADES, _GRADE_COLORS, strict=True)
    return [Patch(facecolor=color, edgecolor=SOFT, linewidth=0.5, label=name) for name, color in pairs]


# Probes


def plot_probes(report: ProbeReport, ax: Axes | None = None) -> Figure:
    """Selectivity of every target (rows) in every layer (columns), or its interval where there is one layer.

    A dot marks what is decodable after correction for the layers; a square the best layer of each target.
    """
    if report.n_layers == 1:
        return _plot_one_layer(report, ax)
    names = [target.name for target in report.targets]
    size = len(names)
    longest = max(len(short(name)) for name in names)
    axes = axes_of(ax, max(6.4 + 0.07 * longest, 2.4 + 0.3 * report.n_layers), 1.7 + 0.42 * size)
    table = np.array([target.selectivity for target in report.targets])
    largest = max(float(np.abs(table).max()), 0.05)
    image = axes.imshow(table, cmap=_diverging(), vmin=-largest, vmax=largest, aspect="auto")
    axes.grid(False)
    for row, target in enumerate(report.targets):
        shown = (target.p_corrected <= 1.0 - report.confidence_level) & (target.lower > 0.0)
        layers = np.flatnonzero(shown)
        axes.plot(layers, np.full(len(layers), row), "o", color=INK, markersize=4)
        axes.plot([target.best_layer], [row], "s", color=INK, markersize=11, markerfacecolor="none")
    axes.set_yticks(range(size), [short(name) for name in names])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    step = max(1, -(-report.n_layers // 16))
    axes.set_xticks(range(0, report.n_layers, step))
    bar = new_figure(axes).colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    bar.set_label("selectivity", fontsize=9, color=SOFT)
    bar.ax.tick_params(labelsize=8.5, colors=SOFT, labelcolor=INK)
    bar.outline.set_visible(False)
    rows = key_above(axes, _probe_marks(report))
    titled(axes, _probe_title(report), "layer", key_rows=rows)
    return new_figure(axes)


def _probe_title(report: ProbeReport) -> str:
    groups = "" if report.n_groups is None else f", {plural(report.n_groups, 'group')} left out whole"
    return f"Linear probes beside {report.n_controls} control tasks each, n = {report.n}{groups}"


def _probe_marks(report: ProbeReport) -> list[Any]:
    from matplotlib.lines import Line2D

    level = f"p <= {1.0 - report.confidence_level:.2g}"
    plain: Any = {"color": INK, "linestyle": "none"}
    return [
        Line2D([], [], marker="o", markersize=4, label=f"decodable, {level} over all layers", **plain),
        Line2D([], [], marker="s", markersize=9, markerfacecolor="none", label="best layer", **plain),
    ]


def _diverging() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("selectivity", ["#c24e00", "#f6f3ec", "#0072b2"])


def _plot_one_layer(report: ProbeReport, ax: Axes | None) -> Figure:
    """Selectivity of every target with its interval, and the spread of its controls about 0."""
    axes = axes_of(ax, 6.6, 1.6 + 0.42 * len(report.targets))
    axes.axvline(0.0, color=SOFT, linewidth=0.8)
    for row, target in enumerate(report.targets):
        color = BLUE if report.decodable(target.name) else RED
        axes.hlines(row, -2 * target.control_sd[0], 2 * target.control_sd[0], color=FAINT, linewidth=9)
        axes.hlines(row, target.lower[0], target.upper[0], color=color, linewidth=1.8)
        filled = color if report.decodable(target.name) else PAPER
        axes.plot([target.selectivity[0]], [row], "o", color=color, markerfacecolor=filled, markersize=6)
        axes.annotate(
            f"p = {target.p_corrected[0]:.2g}",
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=INK,
        )
    axes.set_yticks(range(len(report.targets)), [short(target.name) for target in report.targets])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(report.targets) - 0.45, -0.55)
    rows = key_above(axes, _interval_marks(report))
    titled(axes, _probe_title(report), "selectivity: score less mean score of the controls", key_rows=rows)
    return new_figure(axes)


def _interval_marks(report: ProbeReport) -> list[Any]:
    from matplotlib.lines import Line2D

    sure = as_percent(report.confidence_level)
    kinds = {report.decodable(target.name) for target in report.targets}
    marks = [
        (True, Line2D([], [], color=BLUE, marker="o", label=f"decodable, {sure} interval")),
        (False, Line2D([], [], color=RED, marker="o", markerfacecolor=PAPER, label="not shown to be")),
    ]
    spread = Line2D([], [], color=FAINT, linewidth=7, label="two sd of the controls")
    return [*(mark for kind, mark in marks if kind in kinds), spread]


# OWASP


def plot_owasp(rating: OwaspRating, ax: Axes | None = None) -> Figure:
    """The matrix of likelihood and impact with the point of every stakeholder and the box it may lie in."""
    axes = axes_of(ax, 6.0, 4.6)
    axes.grid(False)
    for across, likelihood in enumerate(LEVELS):
        for up, impact in enumerate(LEVELS):
            severity = MATRIX[impact, likelihood]
            color = _SEVERITY_COLORS[SEVERITIES.index(severity)]
            axes.fill_between([3 * across, 3 * across + 3], 3 * up, 3 * up + 3, color=color, linewidth=0)
            dark = severity == "Critical"
            axes.text(
                3 * across + 0.1,
                3 * up + 2.86,
                severity,
                va="top",
                fontsize=8.5,
                color=PAPER if dark else INK,
            )
    axes.hlines([3, 6], 0, 9, color=PAPER, linewidth=1.5)
    axes.vlines([3, 6], 0, 9, color=PAPER, linewidth=1.5)
    for place, each in enumerate(rating.stakeholders):
        _draw_stakeholder(axes, each, place, alone=len(rating.stakeholders) == 1)
    axes.set_xlim(0, 9)
    axes.set_ylim(0, 9)
    axes.set_xticks([0, 3, 6, 9])
    axes.set_yticks([0, 3, 6, 9])
    rows = key_above(axes, axes.get_legend_handles_labels()[0])
    title = f"OWASP risk rating: {rating.severity}"
    titled(axes, title, "likelihood, mean of 8 factors", "impact, mean of 4 factors", key_rows=rows)
    return new_figure(axes)


_MARKS = ("o", "D", "s", "^", "v", "P", "X", "*")


def _draw_stakeholder(axes: Axes, each: StakeholderRating, place: int, *, alone: bool) -> None:
    from matplotlib.patches import Rectangle

    (left, right), (low, high) = each.likelihood_range, each.impact_range
    if right > left or high > low:
        box = Rectangle((left, low), right - left, high - low, fill=False, edgecolor=INK, linewidth=1.1)
        axes.add_patch(box)
    named = "the rating" if alone else short(each.name)
    sure = len(each.reachable) == 1
    told = each.severity if sure else f"{each.severity}, reachable {' or '.join(each.reachable)}"
    axes.plot(
        [each.likelihood],
        [each.impact],
        _MARKS[place % len(_MARKS)],
        color=INK,
        markersize=7,
        markerfacecolor=INK if place < len(_MARKS) else PAPER,
        clip_on=False,
        label=clean(f"{named}: {told}"),
    )
