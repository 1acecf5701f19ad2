"""Pictures of what hangs on the choice of the model: ranges of rows, rates, groups, the path of epsilon.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`. What is certified, what is only
attained and what is only safe differ in shape, filling and words as well as in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.groups import SMALL_GROUP
from riskstats.multiplicity.inputs import checked_deviation
from riskstats.multiplicity.wording import SAME, between, counted, percent
from riskstats.plotting import BLUE, PALE, RED, SOFT, at_the_right, axes_of, new_figure
from riskstats.plotting_ranges import dot, line, plot_ranges
from riskstats.plotting_rows import key_above, short, titled
from riskstats.scores.sheet import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.multiplicity.epsilon_path import EpsilonPath, PathRates
    from riskstats.multiplicity.groups import GroupRates
    from riskstats.multiplicity.report import MultiplicityReport
    from riskstats.multiplicity.result import MultiplicityRate

__all__ = ["plot_epsilon_path", "plot_group_rates", "plot_ranges", "plot_rates"]

# Rates


def plot_rates(report: MultiplicityReport, ax: Axes | None = None) -> Figure:
    """Ambiguity and discrepancy against the deviation, each from what is shown up to what is certified.

    Both stand in one picture: neither says what the other does.
    """
    axes = axes_of(ax, 7.2, 4.0)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)
    deviations = np.array(report.deviations)
    marks = _draw_rate(axes, deviations, report.ambiguity, "ambiguity")
    marks += _draw_rate(axes, deviations, report.discrepancy, "discrepancy")
    top = max(100.0 * (rate.value if rate.bound is None else rate.bound) for rate in report.ambiguity)
    axes.set_ylim(-0.11 * max(top, 1.0), 1.16 * max(top, 1.0))
    span = float(deviations[-1] - deviations[0]) or float(deviations[0])
    axes.set_xlim(max(0.0, deviations[0] - 0.12 * span), deviations[-1] + 0.16 * span)
    axes.set_xticks(deviations, [f"{each:g}" for each in deviations])
    of = report.stamps
    title = (
        f"How many of {counted(len(report.baseline))} hang on the model "
        f"({of.epsilon_kind} epsilon {of.epsilon:g})"
    )
    unit = "probability" if of.scale == "probability" else "prediction"
    below = f"least difference in {unit} from the baseline that counts"
    titled(axes, title, below, "share of rows, %", key_rows=key_above(axes, marks))
    return new_figure(axes)


_RATE_STYLES = {  # colour, mark, its face, whether numbers stand above and bands are filled
    "ambiguity": (BLUE, "o", BLUE, True),
    "discrepancy": (RED, "s", PAPER, False),
}
_RATE_WORDS = {
    "ambiguity": "ambiguity: a model for each row",
    "discrepancy": "discrepancy: one model for all rows",
}


def _draw_rate(axes: Axes, x: Floats, rates: Sequence[MultiplicityRate], name: str) -> list[Any]:
    """Values that are shown, the band up to the bounds, and the numbers; the marks for the key."""
    color, mark, face, above = _RATE_STYLES[name]
    values = 100.0 * np.array([rate.value for rate in rates])
    inner = any(rate.bound is None for rate in rates)
    mark, least = ("^", ", at least") if inner else (mark, "")
    axes.plot(x, values, color=color, linestyle=":" if inner else "-", linewidth=1.6, zorder=3)
    axes.plot(
        x, values, mark, color=color, markerfacecolor=face, markeredgewidth=1.4, markersize=6, zorder=3.1
    )
    marks = [dot(color, f"{_RATE_WORDS[name]}{least}", marker=mark, face=face)]
    if not inner:
        bounds = 100.0 * np.array([rate.bound for rate in rates], dtype=np.float64)
        marks += _draw_bounds(axes, x, values, bounds, name)
    for place, value, rate in zip(x, values, rates, strict=True):
        axes.annotate(
            str(rate.n_conflict),
            (place, value),
            xytext=(5, 4) if above else (-4, -13),
            textcoords="offset points",
            ha="left" if above else "right",
            fontsize=8.5,
            color=color,
            zorder=4,
        )
    return marks


def _draw_bounds(axes: Axes, x: Floats, values: Floats, bounds: Floats, name: str) -> list[Any]:
    """The part between what is shown and what is certified, where there is one."""
    from matplotlib.patches import Patch

    if not (bounds > values * (1.0 + SAME)).any():
        return []
    color, _, _, filled = _RATE_STYLES[name]
    look: dict[str, Any] = {"facecolor": color, "alpha": 0.16, "linewidth": 0}
    if not filled:
        look = {"facecolor": "none", "edgecolor": color, "alpha": 0.45, "linewidth": 0, "hatch": "///"}
    axes.fill_between(x, values, bounds, **look)
    axes.plot(x, bounds, color=color, linewidth=1.0, linestyle="--", zorder=2)
    return [Patch(label=f"{name} may reach here, not beyond", **look)]


# Groups


def plot_group_rates(
    report: MultiplicityReport, ax: Axes | None = None, *, deviation: float | None = None
) -> Figure:
    """Ambiguity of every group with its bound, and the share of its rows that are decided either way.

    deviation : one of the report; None is the smallest. The dashed line is all rows together.
    """
    if not report.groups:
        raise InvalidInput("the report has no groups. Pass `groups=` to it.")
    j = _position(report, deviation)
    lines = _group_lines(report.groups)
    longest = max(len(short(name)) for name, _, _ in lines)
    words = [_group_words(group, i, j) for _, group, i in lines]
    room = 0.068 * (longest + max(map(len, words)))
    axes = axes_of(ax, 4.6 + room, 1.7 + 0.36 * len(lines))
    overall = report.ambiguity[j]
    axes.axvline(100.0 * overall.value, color=SOFT, linestyle="--", linewidth=1.0, zorder=1)
    for y, (_, group, i) in enumerate(lines):
        if group is not None:
            _draw_group(axes, y, group, i, j)
            at_the_right(axes, y, words[y])
    _name_rows(axes, lines)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -0.02 * high), high)
    certified = all(group.ambiguity_bound is not None for group in report.groups)
    marks = _group_marks(report, overall, certified)
    unit = "probability" if report.stamps.scale == "probability" else "prediction"
    title = f"Ambiguity by group: {unit} differs by {report.deviations[j]:g} or more"
    small = any(group.small.any() for group in report.groups)
    below = "share of the rows of a group, %"
    if small:
        below += f"\nhollow: fewer than {SMALL_GROUP} rows, one row is a large share"
    titled(axes, title, below, key_rows=key_above(axes, marks))
    return new_figure(axes)


def _position(report: MultiplicityReport, deviation: float | None) -> int:
    if deviation is None:
        return 0
    amount = checked_deviation(deviation, report.stamps.scale)
    if amount not in report.deviations:
        known = ", ".join(f"{each:g}" for each in report.deviations)
        raise InvalidInput(f"`deviation` must be one of the report, {known}; got {amount:g}.")
    return report.deviations.index(amount)


_MOST_GROUPS = 25
_Line = tuple[str, Any, int]


def _group_lines(groups: Sequence[GroupRates]) -> list[_Line]:
    """(name, group, position) from top to bottom; a heading has no group."""
    lines: list[_Line] = []
    for group in groups:
        rest = len(group.names) - _MOST_GROUPS
        more = f", the first {_MOST_GROUPS} of {len(group.names)}" if rest > 0 else ""
        if len(groups) > 1 or rest > 0:
            lines.append((f"by {group.by}{more}", None, -1))
        names = group.names[:_MOST_GROUPS]
        lines += [(f"{name} (n = {group.n[i]})", group, i) for i, name in enumerate(names)]
    return lines


def _name_rows(axes: Axes, lines: Sequence[_Line]) -> None:
    axes.set_yticks(range(len(lines)), [short(name) for name, _, _ in lines], fontsize=9)
    for label, (_, group, _) in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_parse_math(False)
        label.set_color(SOFT if group is None else INK)
        label.set_fontstyle("italic" if group is None else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(lines) - 0.4, -0.6)


def _draw_group(axes: Axes, y: int, group: GroupRates, i: int, j: int) -> None:
    """A dot with its interval, and a diamond for the decisions with theirs."""
    value = 100.0 * float(group.ambiguity[i, j])
    if group.ambiguity_bound is not None:
        stop = 100.0 * float(group.ambiguity_bound[i, j])
        axes.hlines(y, value, stop, color=BLUE, linewidth=7, alpha=0.25)
    face = PAPER if group.small[i] else BLUE
    mark = "o" if group.ambiguity_bound is not None else ">"
    axes.plot([value], [y], mark, color=BLUE, markerfacecolor=face, markeredgewidth=1.5, markersize=7)
    if group.label_ambiguity is None:
        return
    at = 100.0 * float(group.label_ambiguity[i])
    if group.label_ambiguity_bound is not None:
        stop = 100.0 * float(group.label_ambiguity_bound[i])
        axes.hlines(y + 0.22, at, stop, color=RED, linewidth=1.2)
    axes.plot([at], [y + 0.22], "D", color=RED, markerfacecolor=PAPER, markeredgewidth=1.3, markersize=5)


def _group_words(group: GroupRates | None, i: int, j: int) -> str:
    if group is None:
        return ""
    words = group.words("ambiguity", i, j)
    if group.label_ambiguity is None:
        return words
    return f"{words}; either way {group.words('label_ambiguity', i)}"


def _group_marks(report: MultiplicityReport, overall: MultiplicityRate, certified: bool) -> list[Any]:
    from matplotlib.patches import Patch

    marks: list[Any] = [
        dot(BLUE, "ambiguity" if certified else "ambiguity, at least", marker="o>"[not certified])
    ]
    if certified and any(
        (g.ambiguity_bound is not None and (g.ambiguity_bound > g.ambiguity).any()) for g in report.groups
    ):
        marks.append(Patch(color=BLUE, alpha=0.25, label="up to its bound"))
    if report.label_ambiguity is not None:
        least = "" if certified else ", at least"
        word = f"decided either way at {report.decision_threshold:g}{least}"
        marks.append(dot(RED, word, marker="D", face=PAPER))
    share = between(overall.value, overall.bound, percent)
    return [*marks, line(SOFT, f"all rows, {share}", "--", 1.0)]


# The path of epsilon


def plot_epsilon_path(path: EpsilonPath, ax: Axes | None = None, *, deviation: float | None = None) -> Figure:
    """Widths of the ranges against epsilon, on a log axis: mean, 90th percentile and largest.

    deviation : draws the share of rows that differ by it or more instead.
    """
    axes = axes_of(ax, 7.0, 4.0)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)
    x, (least, most) = path.epsilons, _PATH_WORDS[path.kind]
    if deviation is None:
        marks = _draw_path(axes, x, path.mean_widths(), BLUE, "o", f"mean width{least}", 1.0)
        for share, style, word in ((90.0, "--", "90th percentile of rows"), (100.0, ":", "widest row")):
            axes.plot(
                x, np.percentile(path.widths, share, axis=1), color=SOFT, linestyle=style, linewidth=1.3
            )
            marks.append(line(SOFT, f"{word}{most}", style, 1.3))
        title, what = f"Width of the ranges of {counted(len(path.ranges[0]))}", "width"
    else:
        amount = checked_deviation(deviation, path.ranges[0].scale)
        marks = _draw_path(axes, x, path.ambiguity(amount), BLUE, "o", f"ambiguity{least}", 100.0)
        title = f"Share of {counted(len(path.ranges[0]))} on which some model differs by {amount:g} or more"
        what = "share of rows, %"
    if len(x) > 1:
        axes.set_xscale("log")
    if len(x) <= 12:
        axes.set_xticks(x, _epsilon_names(path))
        axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0.0)
    titled(axes, title, f"{path.epsilon_kind} epsilon", what, key_rows=key_above(axes, marks))
    return new_figure(axes)


def _epsilon_names(path: EpsilonPath) -> list[str]:
    """Each epsilon, and below it the number of models in a pool."""
    if path.n_members is None:
        return [f"{epsilon:g}" for epsilon in path.epsilons]
    pairs = zip(path.epsilons, path.n_members.tolist(), strict=True)
    return [f"{epsilon:g}\n{counted(members, 'model')}" for epsilon, members in pairs]


_PATH_WORDS = {  # of a mean with its band, and of single rows
    "exact": ("", ""),
    "outer": (", at least", ", at most"),
    "inner": (", at least", ", at least"),
}


def _draw_path(
    axes: Axes, x: Floats, rates: PathRates, color: str, mark: str, word: str, scale: float
) -> list[Any]:
    """A rate with its band up to the bound; the marks for the key."""
    from matplotlib.patches import Patch

    values = scale * rates.values
    inner = rates.bounds is None
    mark = "^" if inner else mark
    axes.plot(x, values, f"{mark}{':' if inner else '-'}", color=color, markersize=5, linewidth=1.6, zorder=3)
    marks: list[Any] = [dot(color, word, marker=mark)]
    if rates.bounds is not None and (scale * rates.bounds > values * (1.0 + 1e-6)).any():
        axes.fill_between(x, values, scale * rates.bounds, color=PALE, linewidth=0)
        axes.plot(x, scale * rates.bounds, color=color, linewidth=0.9, linestyle="--")
        marks.append(Patch(facecolor=PALE, edgecolor=color, label="may reach here, not beyond"))
    return marks
