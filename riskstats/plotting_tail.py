"""Pictures of tails: how large, what they are made of, which model's is smaller, and whether a forecast held.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`. No estimate is drawn without its
interval where one is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.plotting import (
    BLUE,
    PALE,
    RED,
    SOFT,
    at_the_right,
    axes_of,
    new_figure,
    say,
    thinned,
)
from riskstats.plotting_rows import HUES, key_above, plot_attribution, plot_risk_profile, short, titled
from riskstats.results import as_percent
from riskstats.scores.sheet import INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.tail.backtest_report import BacktestReport
    from riskstats.tail.comparison import ComparedModel, ModelComparison
    from riskstats.tail.result import TailReport
    from riskstats.tail.tail_fit import TailFit

__all__ = [
    "plot_attribution",
    "plot_comparison",
    "plot_e_process",
    "plot_loss_tail",
    "plot_risk_profile",
    "plot_threshold_stability",
]


_LARGEST_LOG = 600.0  # of wealth that is drawn


# One sample


def plot_loss_tail(report: TailReport, ax: Axes | None = None) -> Figure:
    """The share of units with a larger loss, on a log axis, with value at risk, CVaR, its limit, the fit."""
    axes = axes_of(ax, 6.6, 4.2)
    losses, above = _survival(report.losses, report.tail.probabilities)
    bottom = 0.5 / max(report.tail.n, 2)
    _draw_survival(axes, losses, above, report, bottom)
    _draw_fit(axes, report.extremes, losses, bottom)
    _mark_losses(axes, report)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(bottom, 1.25)
    axes.set_xlim(*_room(losses[0], [*_marks(report), float(losses[-1])]))
    title = f"Tail of the losses: n = {report.tail.n}, {report.tail.n_tail:.4g} of them in the tail"
    say(axes, title, "loss", "share of units with a larger loss")
    _key_below(axes)
    return new_figure(axes)


def _survival(losses: Floats, mass: Floats) -> tuple[Floats, Floats]:
    """Sorted losses of positive weight, thinned, and the share above each."""
    order = np.argsort(losses[mass > 0], kind="stable")
    ordered, weights = losses[mass > 0][order], mass[mass > 0][order]
    above = np.maximum(1.0 - np.cumsum(weights), 0.0)
    kept = np.append(ordered[1:] > ordered[:-1], True)
    ordered, above = ordered[kept], above[kept]
    few = thinned(len(ordered))
    return ordered[few], above[few]


def _draw_survival(axes: Axes, losses: Floats, above: Floats, report: TailReport, bottom: float) -> None:
    """The steps, with the tail shaded below its mass."""
    x = np.concatenate([[losses[0]], losses])
    y = np.concatenate([[1.0], above])
    y = np.maximum(y, bottom / 2)
    tail = np.minimum(y, report.tail.mass)
    axes.fill_between(
        x, bottom / 2, tail, step="post", where=x >= report.value_at_risk, color=PALE, linewidth=0
    )
    axes.step(x, y, where="post", color=INK, linewidth=1.5, label="the sample")
    axes.axhline(report.tail.mass, color=SOFT, linewidth=0.8, linestyle=(0, (1, 2)))
    text = f"tail: the worst {100 * report.tail.mass:.4g} %"
    axes.annotate(
        text,
        (1.0, report.tail.mass),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8.5,
        color=SOFT,
    )


def _draw_fit(axes: Axes, fit: Any, losses: Floats, bottom: float) -> None:
    """The generalised Pareto law above its threshold, where there is one."""
    if fit is None:
        return
    top = fit.endpoint if math.isfinite(fit.endpoint) else 1.15 * float(losses[-1])
    x = np.linspace(fit.threshold, top, 300)
    y = np.log1p(np.maximum(fit.shape * (x - fit.threshold) / fit.scale, -1.0 + 1e-12))
    log_above = -(x - fit.threshold) / fit.scale if abs(fit.shape) < 1e-9 else -y / fit.shape
    share = fit.n_exceedances / fit.n * np.exp(log_above)
    shown = share >= bottom / 2
    axes.plot(x[shown], share[shown], color=HUES[2], linewidth=1.6, label="generalised Pareto fit")


def _mark_losses(axes: Axes, report: TailReport) -> None:
    """Vertical lines, each with its name and number in the key."""
    low, high = report.value_at_risk, report.tail.value_at_risk_upper
    side = "value at risk" if low == high else "value at risk (lower)"
    lines: list[tuple[str, float, str, Any]] = [(side, low, SOFT, "--"), ("CVaR", report.cvar, BLUE, "-")]
    upper = getattr(report.interval, "upper", None)
    if upper is not None and math.isfinite(upper):
        sure = as_percent(report.interval.confidence_level)  # type: ignore[union-attr]
        lines.append((f"{sure} limit of CVaR", upper, RED, "-"))
    if report.risk_limit is not None:
        lines.append(("risk limit", report.risk_limit, INK, (0, (4, 2))))
    for name, loss, color, style in lines:
        axes.axvline(loss, color=color, linestyle=style, linewidth=1.5, label=f"{name} {loss:.4g}")


def _marks(report: TailReport) -> list[float]:
    """Where the lines stand."""
    given = [report.value_at_risk, report.cvar, report.risk_limit, getattr(report.interval, "upper", None)]
    return [float(value) for value in given if value is not None and math.isfinite(value)]


def _room(low: float, highs: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis with some room on both sides."""
    least, most = min(float(low), *highs), max(highs)
    room = 0.03 * (most - least) or 0.05 * (abs(most) or 1.0)
    return least - room, most + room


def _key_below(axes: Axes) -> None:
    key = axes.legend(facecolor=PAPER, edgecolor="none", framealpha=0.9, fontsize=8.5, loc="lower left")
    for text in key.get_texts():
        text.set_parse_math(False)


# Several models


def plot_comparison(comparison: ModelComparison, ax: Axes | None = None) -> Figure:
    """A dumbbell for each model, value at risk to CVaR, with the interval of CVaR and the ranks it may have.

    Filled marks are in the confidence set of models that may be the best.
    """
    models = sorted(comparison.models, key=lambda model: model.cvar)
    longest = max(len(short(model.name)) for model in models)
    axes = axes_of(ax, 6.8 + 0.06 * longest, 1.6 + 0.34 * len(models))
    seen = np.array([[each.value_at_risk, each.cvar, each.lower, each.upper] for each in models])
    ends = _room(seen[np.isfinite(seen)].min(), [float(seen[np.isfinite(seen)].max())])
    for y, model in enumerate(models):
        _draw_model(axes, y, model, ends)
    axes.set_yticks(range(len(models)), [short(model.name) for model in models], fontsize=9)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.set_xlim(*ends)
    rows = key_above(axes, _comparison_marks(comparison))
    told = f"{len(comparison.separated)} of {len(comparison.pairs)} pairs told apart"
    sure = as_percent(comparison.confidence_level)
    basis = f"risk; n = {comparison.n}, n_tail = {comparison.n_tail:.4g}; ranks hold together with {sure}"
    titled(axes, f"CVaR at level {comparison.level:g} of {len(models)} models: {told}", basis, key_rows=rows)
    return new_figure(axes)


def _draw_model(axes: Axes, y: float, model: ComparedModel, ends: tuple[float, float]) -> None:
    """One dumbbell; an interval without an end reaches the edge."""
    color = BLUE if model.in_set else RED
    face = color if model.in_set else PAPER
    low, high = max(model.lower, ends[0]), min(model.upper, ends[1])
    axes.hlines(y, low, high, color=color, alpha=0.25, linewidth=9)
    axes.hlines(y, model.value_at_risk, model.cvar, color=SOFT, linewidth=1.4)
    axes.plot([model.value_at_risk], [y], "|", color=SOFT, markersize=10, markeredgewidth=1.6)
    axes.plot([model.cvar], [y], "o", color=color, markerfacecolor=face, markeredgewidth=1.5, markersize=7)
    _ranks(axes, y, model)


def _ranks(axes: Axes, y: float, model: ComparedModel) -> None:
    """The ranks that a model may have, at the right edge."""
    low, high = model.rank_low, model.rank_high
    text = f"rank {low}" if low == high else f"rank {low} to {high}"
    at_the_right(axes, y, text)


def _comparison_marks(comparison: ModelComparison) -> list[Any]:
    """What a dumbbell shows, for the key."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    sure = as_percent(comparison.confidence_level)
    round_mark: Any = {"marker": "o", "linestyle": "none", "markersize": 7}
    marks: list[Any] = [
        Line2D([], [], color=BLUE, label="CVaR, may be the smallest", **round_mark),
        Line2D([], [], color=RED, markerfacecolor=PAPER, label="CVaR, is not the smallest", **round_mark),
        Patch(color=PALE, label=f"{sure} interval of each"),
        Line2D([], [], color=SOFT, marker="|", markersize=10, linestyle="-", label="value at risk"),
    ]
    kinds = {model.in_set for model in comparison.models}
    needed = zip(marks, (True in kinds, False in kinds, True, True), strict=True)
    return [mark for mark, shown in needed if shown]


# Extremes


def plot_threshold_stability(fit: TailFit, ax: Axes | None = None) -> Figure:
    """Shape, and below it expected shortfall, over a grid of thresholds; the one in use is marked.

    A good threshold has both level to its right, within the error. Only the shape is drawn in axes of the
    caller.
    """
    axes = axes_of(ax, 6.6, 3.0 if ax is not None else 4.8)
    if ax is None:
        axes.set_subplotspec(axes.figure.add_gridspec(2, 1)[0])
    rows = [row for row in fit.thresholds if row.shape_error is not None]
    x = np.array([row.threshold for row in rows])
    shape = np.array([row.shape for row in rows])
    spread = 1.96 * np.array([row.shape_error for row in rows], dtype=np.float64)
    axes.fill_between(x, shape - spread, shape + spread, color=PALE, linewidth=0, label="95 % range of each")
    axes.plot(x, shape, "o-", color=BLUE, markersize=4, linewidth=1.4, label="shape")
    axes.axhline(0.0, color=SOFT, linewidth=0.8, linestyle=":")
    _threshold_line(axes, fit)
    title = f"Generalised Pareto fit above {fit.threshold:.4g}: {fit.n_exceedances} of {fit.n} losses"
    key_above(axes, axes.get_legend_handles_labels()[0])
    say(axes, title, "" if ax is None else "threshold", "shape")
    if ax is None:
        _draw_shortfalls(axes, fit)
    return new_figure(axes)


def _threshold_line(axes: Axes, fit: TailFit) -> None:
    axes.axvline(fit.threshold, color=RED, linestyle="--", linewidth=1.3, label="threshold in use")


def _draw_shortfalls(above: Axes, fit: TailFit) -> None:
    """Expected shortfall over the thresholds, under the shape, with the interval of the one in use."""
    figure: Any = above.figure
    axes = axes_of(figure.add_subplot(figure.axes[0].get_gridspec()[1], sharex=above, facecolor=PAPER), 0, 0)
    rows = [(row.threshold, row.expected_shortfall) for row in fit.thresholds if row.expected_shortfall]
    known = np.array([row for row in rows if math.isfinite(row[1])], dtype=np.float64).reshape(-1, 2)
    axes.plot(known[:, 0], known[:, 1], "o-", color=BLUE, markersize=4, linewidth=1.4)
    axes.axhline(
        fit.empirical_shortfall, color=SOFT, linewidth=1.0, linestyle=":", label="CVaR of the sample"
    )
    if math.isfinite(fit.expected_shortfall):
        tops = [fit.expected_shortfall, *known[:, 1].tolist()]
        high = fit.upper if math.isfinite(fit.upper) else 1.2 * max(tops)
        sure = f"{as_percent(fit.confidence_level)} interval"
        axes.vlines(fit.threshold, fit.lower, high, color=RED, linewidth=2.0, label=sure)
        axes.plot([fit.threshold], [fit.expected_shortfall], "D", color=RED, markersize=5)
    say(axes, "", "threshold", f"shortfall, level {fit.level:g}")
    axes.legend(facecolor=PAPER, edgecolor="none", framealpha=0.9, fontsize=8.5, loc="best")


# Forecasts


def plot_e_process(report: BacktestReport, ax: Axes | None = None) -> Figure:
    """Wealth of the bet against the forecasts, on a log axis, with the line of the alarm.

    At the line the forecasts are refuted, whenever one looks; below 1 the bet has lost. The thin line is the
    largest wealth so far.
    """
    axes = axes_of(ax, 6.6, 3.6)
    times, needed = np.arange(report.n_periods), 1.0 / (1.0 - report.confidence_level)
    wealth = np.exp(np.clip(report.log_wealth, -_LARGEST_LOG, _LARGEST_LOG))
    axes.axhline(1.0, color=SOFT, linewidth=0.8, linestyle=":")
    axes.axhline(needed, color=RED, linestyle="--", linewidth=1.4, label=f"alarm at {needed:.4g}")
    axes.plot(times, np.maximum.accumulate(wealth), color=BLUE, linewidth=0.8, alpha=0.6)
    axes.plot(times, wealth, color=BLUE, linewidth=1.6, label="wealth of the bet")
    if report.alarm is not None:
        spot = f"alarm, t = {report.alarm}"
        axes.plot([report.alarm], [wealth[report.alarm]], "D", color=RED, markersize=6, label=spot)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylim(min(0.5, 0.7 * float(wealth.min())), max(2.0 * needed, 1.6 * float(wealth.max())))
    axes.set_xlim(-0.5, max(report.n_periods - 0.5, 0.5))
    rows = key_above(axes, axes.get_legend_handles_labels()[0])
    sure = as_percent(report.confidence_level)
    verdict = "refuted" if report.alarm is not None else "not refuted"
    title = (
        f"Forecasts {verdict} with {sure} confidence: {report.hits} hits, {report.expected_hits:.4g} expected"
    )
    titled(axes, title, "period", "wealth, from 1", key_rows=rows)
    return new_figure(axes)
