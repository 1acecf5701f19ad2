"""Pictures of evaluations: rates between their limits, differences, zones, attacks, and traces.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.plotting import BLUE, PALE, RED, SOFT, at_the_right, axes_of, new_figure
from riskstats.plotting_rows import key_above, short, titled
from riskstats.results import as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.evaluations.attacks import AttackMatrix
    from riskstats.evaluations.paired import PairedComparison
    from riskstats.evaluations.pooled import PooledRates
    from riskstats.evaluations.rates import RateReport
    from riskstats.evaluations.report_result import EvaluationReport
    from riskstats.evaluations.traces import Survival
    from riskstats.evaluations.zones import Zone

__all__ = [
    "plot_attack_matrix",
    "plot_differences",
    "plot_pooled",
    "plot_rates",
    "plot_report",
    "plot_survival",
    "plot_zones",
]

MOST_ROWS = 60
GREEN_ZONE, YELLOW_ZONE, RED_ZONE = "#d7ecdf", "#fbeec2", "#f6d5c5"


class _Row(NamedTuple):
    """A name with an estimate between limits."""

    name: str
    value: float
    lower: float
    upper: float
    strong: bool = False
    beside: str = ""


# Forests


def _forest(rows: Sequence[_Row], ax: Axes | None, ends: tuple[float, float]) -> Axes:
    """One line per row, the first on top; strong rows are filled and blue."""
    pitch = float(np.clip(9.0 / len(rows), 0.16, 0.3))
    longest = max(len(short(row.name)) for row in rows)
    axes = axes_of(ax, 6.2 + 0.07 * longest, 1.6 + pitch * len(rows))
    size = float(np.clip(24 * pitch, 3.5, 6.5))
    for y, row in enumerate(rows):
        color = BLUE if row.strong else SOFT
        low, high = max(row.lower, ends[0]), min(row.upper, ends[1])
        axes.hlines(y, low, high, color=color, linewidth=size / 4)
        face = color if row.strong else PAPER
        axes.plot([row.value], [y], "o", color=color, markerfacecolor=face, markersize=size, clip_on=False)
        if row.beside:
            at_the_right(axes, y, row.beside, min(8.0, 40 * pitch))
    axes.set_yticks(range(len(rows)), [short(row.name) for row in rows], fontsize=min(9.0, 48 * pitch))
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*ends)
    return axes


def _marks(strong: str, weak: str, used: Sequence[_Row], limits: str) -> list[Any]:
    """What the marks of a forest mean, those that occur."""
    from matplotlib.lines import Line2D

    style: dict[str, Any] = {"marker": "o", "markersize": 6, "linewidth": 1.5}
    marks = []
    if any(row.strong for row in used):
        marks.append(Line2D([], [], color=BLUE, label=f"{strong}, {limits}", **style))
    if any(not row.strong for row in used):
        marks.append(Line2D([], [], color=SOFT, markerfacecolor=PAPER, label=f"{weak}, {limits}", **style))
    return marks


def plot_rates(report: RateReport, ax: Axes | None = None) -> Figure:
    """The rate of all items on top, then every category, the largest rate first; the limit as a line.

    Of more than 60 categories those of the largest upper limits are drawn.
    """
    chosen = sorted(report.categories, key=lambda rate: -rate.upper)[:MOST_ROWS]
    chosen.sort(key=lambda rate: -rate.estimate)
    rates = [report.overall, *chosen]
    top = max(rate.upper for rate in rates)
    bottom = min(rate.lower for rate in rates)
    ends = _span([bottom, top, *([] if report.risk_limit is None else [report.risk_limit])])
    rows = [_rate_row(rate, report.risk_limit) for rate in rates]
    axes = _forest(rows, ax, ends)
    if len(rows) > 1:
        axes.axhline(0.5, color=FAINT, linewidth=1.0)
    marks = (
        _marks("below the limit", "not shown to be", rows, "limits") if report.risk_limit is not None else []
    )
    if report.risk_limit is not None:
        marks.append(axes.axvline(report.risk_limit, color=RED, linestyle="--", linewidth=1.3, label="limit"))
    key_rows = key_above(axes, marks) if marks else 1
    hidden = len(report.categories) - len(chosen)
    together = "each alone" if report.multiplicity == "none" else "categories all at once"
    note = f"rate; {report.side} limits, {together}"
    note += f"; {hidden} categories with smaller limits not drawn" if hidden else ""
    sure = as_percent(report.confidence_level)
    titled(axes, f"Rates with {sure} confidence ({report.overall.method})", note, key_rows=key_rows)
    return new_figure(axes)


def _rate_row(rate: Any, risk_limit: float | None) -> _Row:
    count = f"n = {rate.n}" if rate.events is None else f"{rate.events}/{rate.n}"
    strong = risk_limit is None or bool(rate.below_limit)
    return _Row(rate.name, rate.estimate, rate.lower, rate.upper, strong, count)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis of rates, within 0 and 1 and with some room."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 0.05
    return max(low - room, 0.0), min(high + room, 1.0)


def plot_differences(
    found: PairedComparison, ax: Axes | None = None, *, category: str | None = None
) -> Figure:
    """Differences of all pairs with limits that hold at once; filled marks are told apart.

    category : draw one; None draws "all", the comparison on all prompts.
    """
    wanted = "all" if category is None else category
    pairs = [pair for pair in found.pairs if pair.category == wanted][:MOST_ROWS]
    if not pairs:
        known = sorted({pair.category for pair in found.pairs})
        raise InvalidInput(f"`category` must be one of {', '.join(map(repr, known))}; got {wanted!r}.")
    apart = set(map(id, found.separated))
    rows = [
        _Row(
            f"{pair.first} - {pair.second}",
            pair.difference,
            pair.lower,
            pair.upper,
            id(pair) in apart,
            f"n = {pair.n}",
        )
        for pair in pairs
    ]
    reach = max(0.02, *(abs(end) for row in rows for end in (row.lower, row.upper)))
    axes = _forest(rows, ax, (-1.05 * reach, 1.05 * reach))
    axes.axvline(0.0, color=INK, linewidth=1.0, zorder=1)
    key_rows = key_above(axes, _marks("told apart", "not told apart", rows, "limits"))
    what = "" if wanted == "all" else f", {wanted}"
    sure = as_percent(found.confidence_level)
    title = f"Differences of mean loss{what}: {len(found.separated)} of {len(found.pairs)} told apart"
    note = f"first less second; {sure} limits hold for all {len(found.pairs)} comparisons"
    titled(axes, title, note, key_rows=key_rows)
    return new_figure(axes)


def plot_pooled(pooled: PooledRates, ax: Axes | None = None) -> Figure:
    """Pooled rates with their limits, the largest first, and raw rates as crosses.

    Of more than 60 categories the 60 largest rates are drawn.
    """
    from matplotlib.lines import Line2D

    order = np.argsort(-pooled.rates, kind="stable")[:MOST_ROWS]
    rows = [
        _Row(
            pooled.names[g],
            float(pooled.rates[g]),
            float(pooled.lower[g]),
            float(pooled.upper[g]),
            True,
            f"{pooled.events[g]}/{pooled.n[g]}",
        )
        for g in order
    ]
    seen = [
        pooled.lower[order].min(),
        pooled.upper[order].max(),
        pooled.raw[order].min(),
        pooled.raw[order].max(),
    ]
    axes = _forest(rows, ax, _span([float(value) for value in seen]))
    axes.plot(pooled.raw[order], np.arange(len(rows)), "x", color=RED, markersize=4.5, clip_on=False)
    line = axes.axvline(pooled.mean, color=INK, linestyle="--", linewidth=1.1, zorder=1, label="common mean")
    marks = [
        Line2D([], [], color=BLUE, marker="o", markersize=6, label="pooled rate, limits"),
        Line2D([], [], color=RED, marker="x", linestyle="none", label="raw rate"),
        line,
    ]
    key_rows = key_above(axes, marks)
    hidden = len(pooled.names) - len(rows)
    note = f"rate; {hidden} categories with smaller rates not drawn" if hidden else "rate"
    sure = as_percent(pooled.confidence_level)
    titled(axes, f"{len(pooled.names)} categories, pooled; {sure} limits on average", note, key_rows=key_rows)
    return new_figure(axes)


# Zones


def plot_zones(zones: Mapping[str, Zone], ax: Axes | None = None) -> Figure:
    """Each risk with its limits on its own zones, and the verdict beside it.

    Rows may have lines of their own; risks are drawn on one axis.
    """
    if not zones:
        raise InvalidInput("`zones` is empty; pass {name: zone}.")
    values = [v for z in zones.values() for v in (z.estimate, z.lower, z.upper, z.yellow, z.red)]
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = 0.08 * (high - low)
    ends = (0.0 if 0.0 <= low <= high <= 1.0 else low - room, high + room)
    longest = max(len(short(name)) for name in zones)
    axes = axes_of(ax, 6.4 + 0.07 * longest, 1.6 + 0.42 * len(zones))
    for y, each in enumerate(zones.values()):
        _draw_zone(axes, y, each, ends)
    axes.grid(False)
    axes.set_yticks(range(len(zones)), [short(name) for name in zones], fontsize=9)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(zones) - 0.4, -0.6)
    axes.set_xlim(*ends)
    first = next(iter(zones.values()))
    settled = sum(each.zone is not None for each in zones.values())
    title = first.verdict if len(zones) == 1 else f"{settled} of {len(zones)} risks lie in one zone"
    titled(axes, title, "risk, with its limits; higher is worse")
    return new_figure(axes)


def _draw_zone(axes: Axes, y: float, each: Zone, ends: tuple[float, float]) -> None:
    edges = [ends[0], each.yellow, each.red, ends[1]]
    for left, right, color in zip(edges, edges[1:], (GREEN_ZONE, YELLOW_ZONE, RED_ZONE), strict=False):
        axes.barh(y, right - left, left=left, height=0.72, color=color, linewidth=0)
    low, high = max(each.lower, ends[0]), min(each.upper, ends[1])
    open_ = each.zone is None
    axes.hlines(y, low, high, color=INK, linewidth=1.8, linestyles=":" if open_ else "-")
    face = PAPER if open_ else INK
    axes.plot([each.estimate], [y], "o", color=INK, markerfacecolor=face, markersize=6)
    at_the_right(axes, y, each.verdict, 8.5)


# Attacks


def plot_attack_matrix(found: AttackMatrix, ax: Axes | None = None) -> Figure:
    """Success rates as a table of shades, systems and attacks in the order of the first direction."""
    rows = np.argsort(-found.scores[:, 0], kind="stable")
    columns = np.argsort(-found.loadings[:, 0], kind="stable")
    longest = max(len(short(name)) for name in (*found.systems, *found.attacks))
    width = 3.4 + 0.46 * len(columns) + 0.06 * longest
    axes = axes_of(ax, width, 1.9 + 0.3 * len(rows) + 0.05 * longest)
    shades = _shades()
    table = found.rates[np.ix_(rows, columns)]
    axes.imshow(table, cmap=shades, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    if table.size <= 400:
        for (i, j), value in np.ndenumerate(table):
            color = PAPER if value > 0.55 else INK
            axes.text(j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=7.5, color=color)
    axes.grid(False)
    axes.set_xticks(range(len(columns)), [_told(found, j) for j in columns], rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), [short(found.systems[i]) for i in rows])
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)
        label.set_fontsize(8.5)
    axes.tick_params(length=0)
    share = 100 * found.explained[0]
    title = f"Attack success in %: one direction carries {share:.3g} % (p = {found.p_value:.3g})"
    titled(axes, title, "attack, with the skill of the others in telling it", "system")
    return new_figure(axes)


def _told(found: AttackMatrix, j: int) -> str:
    return f"{short(found.attacks[j])} ({found.skill[j]:+.2f})"


def _shades() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("success", [PAPER, PALE, BLUE, "#00294a"])


# Traces


def plot_survival(
    survival: Survival, ax: Axes | None = None, *, x: str = "time", threshold: float | None = None
) -> Figure:
    """The share of items without an event as steps between their limits."""
    axes = axes_of(ax, 6.4, 3.6)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)
    if len(survival.times) == 0:
        axes.axhline(1.0, color=BLUE, linewidth=1.8)
        axes.set_ylim(0.0, 1.02)
        titled(axes, f"No event in {survival.n} items", x, "share without an event")
        return new_figure(axes)
    last = float(survival.times[-1])
    start = min(0.0, float(survival.times[0]))
    times = np.concatenate([[start], survival.times, [last + 0.04 * (last - start) + 0.5]])

    def steps(values: Floats) -> Floats:
        return np.concatenate([[1.0], values, values[-1:]])

    low, high = steps(survival.lower), steps(survival.upper)
    sure = as_percent(survival.confidence_level)
    axes.fill_between(
        times, low, high, step="post", color=PALE, linewidth=0, label=f"{sure} limits, each time"
    )
    axes.step(times, steps(survival.survival), where="post", color=BLUE, linewidth=1.8, label="items without")
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(0.0, 1.02)
    rows = key_above(axes, axes.get_legend_handles_labels()[0])
    of = "an event" if threshold is None else f"a loss of {threshold:g} or more"
    title = f"Items without {of}: n = {survival.n}, {survival.censored} to the end of their trace"
    titled(axes, title, x, "share without an event", key_rows=rows)
    return new_figure(axes)


# Reports


def plot_report(report: EvaluationReport, ax: Axes | None = None) -> Figure:
    """The rate of every model in every outcome between its limits, with the units behind it.

    Rates of missing losses at their worst are drawn where the report has both ends. Filled marks are of
    models that keep every gate.
    """
    failed = {gate.model for gate in report.failed}
    rates = [
        (model, outcome, found.overall)
        for outcome, models in report.findings.rates.items()
        for model, found in models.items()
    ][:MOST_ROWS]
    if not rates:
        raise InvalidInput("the report has no rates to draw. Compute the part 'rates'.")
    several = len(report.findings.rates) > 1
    rows = [
        _Row(
            f"{model}, {outcome}" if several else model,
            rate.estimate,
            rate.lower,
            rate.upper,
            model not in failed,
            f"n = {rate.n_units}",
        )
        for model, outcome, rate in rates
    ]
    axes = _forest(rows, ax, _span([end for row in rows for end in (row.lower, row.upper)]))
    key_rows = key_above(axes, _marks("every gate kept", "a gate not kept", rows, "limits")) if failed else 1
    part = "PARTIAL log: " if report.origin.partial else ""
    worst = "; missing losses at their worst" if "worst" in report.cases else ""
    sure = as_percent(report.confidence_level)
    title = f"{part}rates of {len(report.models)} models on {report.n_prompts} prompts, {sure} limits"
    titled(axes, f"{title[0].upper()}{title[1:]}", f"rate; limits, each alone{worst}", key_rows=key_rows)
    return new_figure(axes)
