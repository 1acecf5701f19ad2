"""Pictures of harm: by cost level under a map, of models against each other, and of refusals by cost.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.plotting import BLUE, PALE, RED, SOFT, axes_of, new_figure
from riskstats.plotting_ranges import dot, line
from riskstats.plotting_rows import HUES, key_above, short, titled
from riskstats.results import as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER
from riskstats.scores.wording import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.harm.calibration_report import CalibrationReport
    from riskstats.harm.harm_comparison import HarmComparison
    from riskstats.harm.harm_report import HarmReport

__all__ = ["plot_harm_levels", "plot_harm_steps", "plot_refusals"]

_MOST_MODELS = len(HUES)


def plot_harm_levels(report: HarmReport, ax: Axes | None = None) -> Figure:
    """Severity x success and its part in the expected harm at every cost level, with the map over them.

    The pale bars are what the prompts of a level add to severity x success, the dark ones what is left of it
    under the map; the line, on the right axis, is the map.
    """
    from matplotlib.patches import Patch

    axes = axes_of(ax, 6.8, 4.2)
    x = np.arange(len(report.levels))
    whole = np.diff([0.0, *report.cumulative])
    _upright(axes)
    axes.bar(x, whole, width=0.66, color=PALE, edgecolor=BLUE, linewidth=0.8, zorder=2)
    axes.bar(x, [row.harm for row in report.levels], width=0.66, color=BLUE, zorder=2.1)
    axes.set_xticks(x, [_level_name(row.cost, row.n) for row in report.levels], fontsize=8.5)
    _plain_ticks(axes)
    axes.set_ylim(0.0, 1.12 * float(whole.max()) or 1.0)
    over = _right_axis(axes, "likelihood under the map")
    values = [row.likelihood for row in report.levels]
    over.plot(x, values, "o-", color=RED, markersize=5, linewidth=1.6, markerfacecolor=PAPER)
    over.set_ylim(0.0, 1.12 * max(1.0, values[0]))
    marks = [
        Patch(facecolor=PALE, edgecolor=BLUE, linewidth=0.8, label="severity x success"),
        Patch(color=BLUE, label="expected harm"),
        line(RED, f"map: {clean(report.cost_map)}", "-", 1.6),
    ]
    rows = key_above(axes, marks)
    titled(axes, _levels_title(report), _levels_note(report), "part of the mean over prompts", key_rows=rows)
    return new_figure(axes)


def _levels_title(report: HarmReport) -> str:
    sure = as_percent(report.confidence_level)
    return (
        f"Expected harm {report.value:.3g} (to {report.expected_harm.upper:.3g}), CVaR {report.cvar:.3g} "
        f"(to {report.tail.upper:.3g}), {sure}"
    )


def _levels_note(report: HarmReport) -> str:
    return (
        f"cost of acting on the answer; n = {report.n}, level {report.level:g}, n_tail = {report.n_tail:.4g}"
    )


def _level_name(name: str, n: int) -> str:
    return f"{short(name)}\n(n = {n})"


def _plain_ticks(axes: Axes) -> None:
    for label in axes.get_xticklabels():
        label.set_parse_math(False)


def _upright(axes: Axes) -> None:
    """Grid lines across, none along."""
    axes.grid(False)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)


def _right_axis(axes: Axes, name: str) -> Axes:
    over = axes.twinx()
    over.spines[["top", "left", "bottom"]].set_visible(False)
    over.spines["right"].set_color(SOFT)
    over.tick_params(colors=SOFT, labelsize=8.5, labelcolor=RED)
    over.set_ylabel(name, fontsize=9, color=SOFT)
    return over


def plot_harm_steps(comparison: HarmComparison, ax: Axes | None = None) -> Figure:
    """G of every model, the harm of the prompts of at most each cost, as steps.

    A model whose steps are nowhere above those of another does no more harm for every decreasing map. Of more
    models than there are colours, the first are drawn.
    """
    axes = axes_of(ax, 6.8, 4.2)
    _upright(axes)
    shown = comparison.models[:_MOST_MODELS]
    k = len(comparison.levels)
    edges: Floats = np.arange(k + 1, dtype=np.float64) - 0.5
    marks: list[Any] = _draw_pair(axes, comparison, edges)
    for model, color, style in zip(shown, HUES, _styles(), strict=False):
        axes.stairs(model.cumulative, edges, baseline=None, color=color, linewidth=2.0, linestyle=style)
        axes.plot(np.arange(k), model.cumulative, "o", color=color, markersize=4)
        marks.append(line(color, f"{short(model.name)}, expected harm {model.expected_harm:.3g}", style, 2.0))
    axes.set_xticks(np.arange(k), [short(name) for name in comparison.levels], fontsize=8.5)
    _plain_ticks(axes)
    axes.set_xlim(-0.6, k - 0.4)
    axes.set_ylim(0.0, 1.08 * max(float(model.cumulative[-1]) for model in shown) or 1.0)
    rows = key_above(axes, marks)
    titled(axes, _steps_title(comparison), _steps_note(comparison), "harm up to this cost", key_rows=rows)
    return new_figure(axes)


def _draw_pair(axes: Axes, comparison: HarmComparison, edges: Floats) -> list[Any]:
    """Of two models, where the steps of the first can be given those of the second."""
    if len(comparison.pairs) != 1:
        return []
    from matplotlib.patches import Patch

    pair, second = comparison.pairs[0], comparison.models[1].cumulative
    low, high = second + pair.cumulative_lower, second + pair.cumulative_upper
    axes.stairs(np.maximum(high, 0.0), edges, baseline=np.maximum(low, 0.0), fill=True, color=PALE, zorder=1)
    sure = as_percent(comparison.confidence_level)
    names = f"where {short(pair.first)} can be, given {short(pair.second)}"
    return [Patch(color=PALE, label=f"{names} ({sure}, all levels at once)")]


def _styles() -> list[Any]:
    """Lines that keep apart without their colours."""
    return ["-", "--", "-.", ":", (0, (6, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 3))]


def _steps_title(comparison: HarmComparison) -> str:
    if len(comparison.pairs) != 1:
        shown = sum(pair.confident_verdict != "undecided" for pair in comparison.pairs)
        return f"{shown} of {len(comparison.pairs)} pairs ordered for every decreasing map"
    pair = comparison.pairs[0]
    words = {
        "a_lower": f"{short(pair.first)} does no more harm for every map",
        "b_lower": f"{short(pair.second)} does no more harm for every map",
        "equal": "The same harm for every map",
        "undecided": "Which does less harm depends on the map",
    }
    sure = as_percent(comparison.confidence_level)
    known = f", shown with {sure}" if pair.confident_verdict == pair.verdict != "undecided" else ""
    return words[pair.verdict] + (known or ", in the sample")


def _steps_note(comparison: HarmComparison) -> str:
    hidden = len(comparison.models) - _MOST_MODELS
    more = f"; {hidden} more models not shown" if hidden > 0 else ""
    return f"cost of acting on the answer, at most; n = {comparison.n}{more}"


def plot_refusals(report: CalibrationReport, ax: Axes | None = None) -> Figure:
    """Refusal by cost with its Wilson bands, and the decreasing curve of a calibrated model.

    Pale lines are the same within each severity.
    """
    axes = axes_of(ax, 7.6, 4.2)
    _upright(axes)
    place = {name: k for k, name in enumerate(report.levels)}
    marks = _draw_within(axes, report, place)
    x = np.array([place[row.cost] for row in report.curve])
    rate = np.array([row.rate for row in report.curve])
    low, high = (np.array([getattr(row, end) for row in report.curve]) for end in ("lower", "upper"))
    axes.errorbar(
        x, rate, [rate - low, high - rate], fmt="o-", color=BLUE, capsize=4, linewidth=1.8, markersize=6
    )
    fit: Floats = report.calibrated.calibrated
    known = np.flatnonzero(~np.isnan(fit))
    axes.plot(known, fit[known], "s--", color=RED, markersize=5, linewidth=1.5, markerfacecolor=PAPER)
    sizes = {row.cost: row.n for row in report.curve}
    axes.set_xticks(
        range(len(place)), [_level_name(name, sizes.get(name, 0)) for name in place], fontsize=8.5
    )
    _plain_ticks(axes)
    axes.set_xlim(-0.4, len(place) - 0.6)
    axes.set_ylim(-0.03, 1.03)
    sure = as_percent(report.confidence_level)
    marks = [
        dot(BLUE, f"refused, {sure} band of each"),
        dot(RED, "calibrated, weighted by severity", marker="s", face=PAPER),
        *marks,
    ]
    rows = key_above(axes, marks)
    titled(axes, _refusals_title(report), _refusals_note(report), "share refused", key_rows=rows)
    return new_figure(axes)


def _draw_within(axes: Axes, report: CalibrationReport, place: dict[str, int]) -> list[Any]:
    """One pale line per severity, darker where it is higher."""
    severities = sorted({row.severity for row in report.within if row.severity is not None})
    if len(severities) < 2 or len(severities) > _MOST_MODELS:
        return []
    for k, severity in enumerate(severities):
        rows = [row for row in report.within if row.severity == severity]
        shade = 0.25 + 0.55 * k / (len(severities) - 1)
        at = [place[row.cost] for row in rows]
        axes.plot(at, [row.rate for row in rows], "-", color=INK, alpha=shade, linewidth=0.9, zorder=1.5)
    ends = f"{severities[0]:g} (pale) to {severities[-1]:g}"
    return [line(SOFT, f"within severity {ends}", "-", 0.9)]


def _refusals_title(report: CalibrationReport) -> str:
    words = {
        "inverse": "Refuses more where acting is harder",
        "calibrated": "Refuses less where acting is harder",
        "undecided": "Refusal and cost: direction not decided",
    }
    tau = report.tau
    if tau.value is None:
        return f"{words[report.direction]}: tau-b undefined"
    ends = "" if tau.lower is None or tau.upper is None else f" ({tau.lower:.2g} to {tau.upper:.2g})"
    return f"{words[report.direction]}: tau-b {tau.value:.2g}{ends}"


def _refusals_note(report: CalibrationReport) -> str:
    slope = report.slope
    told = f"slope {slope.status}"
    if slope.slope is not None and math.isfinite(slope.slope):
        told = f"slope {slope.slope:.2g} ({slope.lower:.2g} to {slope.upper:.2g})"
    by = "" if slope.adjusted_for == "nothing" else f", adjusted for {slope.adjusted_for}"
    return f"cost of acting on the answer; {told}{by}; regret {report.regret:.3g}"
