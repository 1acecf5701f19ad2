"""Pictures of worst cases: a band around the classical one, a curve over the radius, a law beside its own.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`. Sampling error and model risk are
never drawn as one thing. Between two points an edge of a band is drawn on its safe side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.plotting import BLUE, PALE, RED, SOFT, axes_of, new_figure
from riskstats.plotting_rows import HUES, key_above, titled
from riskstats.results import Status, as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.wasserstein.breakdown import Breakdown
    from riskstats.wasserstein.inference import ConfidenceBounds
    from riskstats.wasserstein.result import DistributionBounds, WorstCase, WorstCaseLaw
    from riskstats.wasserstein.sensitivity import SensitivityCurve

__all__ = [
    "INNER",
    "captioned",
    "draw_band",
    "draw_sensitivity",
    "draw_worst_case",
]

INNER = "#8fbbdf"
_DOTS, _DASHES = (0, (1, 2)), (0, (5, 2))
_MOST_MARKED = 25  # points of a curve that are marked one by one
_SIDES = {"lower": "smallest value", "upper": "largest value"}


# Bands


def draw_band(
    bounds: DistributionBounds, ax: Axes | None = None, *, limits: ConfidenceBounds | None = None
) -> Figure:
    """The band with model risk around the band of unknown dependence alone.

    limits : of the same bounds at the same points, drawn as dotted lines outside: sampling error.
    """
    if bounds.points.ndim != 1:
        raise InvalidInput("a joint distribution function has no picture; draw the rows of `to_frame()`.")
    axes = axes_of(ax, 6.6, 4.4)
    places = np.argsort(bounds.points, kind="stable")
    x = bounds.points[places]
    bands = [(bounds.classical_lower, bounds.classical_upper, INNER, "any dependence, no shift")]
    if any(radius > 0 for radius in bounds.radius):
        bands.append((bounds.lower, bounds.upper, PALE, _shift(bounds.radius)))
    for place, (lower, upper, colour, label) in enumerate(bands):
        _band(axes, x, (lower[places], upper[places]), (colour, label), zorder=2.0 - 0.5 * place)
    if limits is not None:
        _limits(axes, x, limits, places)
    quantile = bounds.kind == "quantile"
    if not quantile:
        axes.set_ylim(-0.01, 1.01)
    captioned(axes, bounds.name, "level" if quantile else "z", "quantile" if quantile else "probability")
    return new_figure(axes)


def _shift(radii: Sequence[float]) -> str:
    """How far the laws may be, in words."""
    if len(radii) == 1:
        return f"and a shift of at most {radii[0]:.4g} in all"
    return f"and a shift of at most {' and '.join(f'{radius:.4g}' for radius in radii)}"


def _edges(x: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats, Floats]:
    """Edges that do not fall, as steps: between two points the lower one of the left, the upper of the
    right."""
    low = np.concatenate([lower[:1], np.repeat(lower, 2)[:-1]])
    high = np.concatenate([np.repeat(upper, 2)[1:], upper[-1:]])
    return np.repeat(x, 2), low, high


def _band(
    axes: Axes, x: Floats, edges: tuple[Floats, Floats], style: tuple[str, str], *, zorder: float
) -> None:
    """A band where it is known."""
    known = np.isfinite(edges[0]) & np.isfinite(edges[1])
    if not known.any():
        return
    steps, low, high = _edges(x[known], edges[0][known], edges[1][known])
    colour, label = style
    axes.fill_between(steps, low, high, color=colour, linewidth=0, label=label, zorder=zorder)
    for edge in (low, high):
        axes.plot(steps, edge, color=BLUE, linewidth=0.7 if colour == INNER else 1.4, zorder=zorder)


def _limits(axes: Axes, x: Floats, limits: ConfidenceBounds, places: np.ndarray) -> None:
    if len(limits.lower_limit) != len(x):
        raise InvalidInput(
            f"`limits` has {len(limits.lower_limit)} points and the bounds {len(x)}; ask both at the same."
        )
    steps, low, high = _edges(x, limits.lower_limit[places], limits.upper_limit[places])
    label = f"{as_percent(limits.confidence_level)} limits for sampling error"
    for edge, name in ((low, label), (high, "_upper")):
        axes.plot(steps, edge, color=RED, linewidth=1.3, linestyle=_DOTS, label=name)


# Along the radius


def draw_sensitivity(
    curve: SensitivityCurve, ax: Axes | None = None, *, breakdown: float | Breakdown | None = None
) -> Figure:
    """The certified ends against the total radius, the reference as a line, the breakdown as a mark.

    breakdown : a radius, or a `Breakdown`, whose claim is then named. Marks: every radius that was asked;
    hollow ones are not proven optimal, with a bar to what a law is known to reach.
    """
    axes = axes_of(ax, 6.6, 4.2)
    sides = {name: curve.values(name) for name in curve.sides}
    if not any(np.isfinite(values).any() for values in sides.values()):
        raise InvalidInput(
            f"{curve.question} is finite at none of the radii; there is no curve to draw. Choose other "
            "radii, or a larger order."
        )
    if len(sides) == 2:
        both = np.isfinite(sides["lower"]) & np.isfinite(sides["upper"])
        axes.fill_between(
            curve.radii, sides["lower"], sides["upper"], where=both.tolist(), color=PALE, linewidth=0
        )
    for name, values in sides.items():
        own = _SIDES[name] if len(sides) == 1 else "_" if name == "lower" else "smallest and largest value"
        _curve(axes, curve, name, values, own)
    _reference(axes, curve)
    right = float(curve.radii[-1])
    axes.set_xlim(float(curve.radii[0]), right if right > curve.radii[0] else right + 1.0)
    axes.margins(y=0.12)
    _note_what_is_missing(axes, curve, sides)
    if breakdown is not None:
        _mark_breakdown(axes, curve, breakdown)
    captioned(axes, f"{curve.question} as the world shifts", "total radius (transport distance)", "value")
    return new_figure(axes)


def _curve(axes: Axes, curve: SensitivityCurve, name: str, values: Floats, label: str) -> None:
    """One end, with its marks, and what is proven where it is not optimal."""
    cases, finite = curve.side(name), np.isfinite(values)
    few = len(values) <= _MOST_MARKED
    axes.plot(
        curve.radii[finite],
        values[finite],
        color=BLUE,
        linewidth=1.8,
        marker="o" if few else None,
        markersize=3.5,
        label=label,
    )
    loose = finite & np.array([case.status not in (Status.OPTIMAL, Status.UNBOUNDED) for case in cases])
    if not loose.any():
        return
    inner = np.array([case.lower if name == "upper" else case.upper for case in cases])
    low, high = np.minimum(inner, values), np.maximum(inner, values)
    axes.vlines(curve.radii[loose], low[loose], high[loose], color=BLUE, linewidth=0.9, alpha=0.7)
    words = "not proven optimal, with what is known to be reached"
    axes.plot(curve.radii[loose], values[loose], "o", mfc=PAPER, mec=BLUE, ms=5, label=words)


def _reference(axes: Axes, curve: SensitivityCurve) -> None:
    """A line at the value without any shift, where it is one number."""
    first = curve.answers[0]
    known = getattr(first, "reference", getattr(first, "reference_value", None))
    if known is not None and math.isfinite(known):
        axes.axhline(known, color=SOFT, linewidth=1.0, linestyle=_DOTS, label=f"reference {known:.5g}")


def _mark_breakdown(axes: Axes, curve: SensitivityCurve, breakdown: float | Breakdown) -> None:
    """A line where a claim breaks down; in words where it is not on the picture."""
    if isinstance(breakdown, (int, float)):
        radius, words, claim = float(breakdown), None, "the claim"
    else:
        radius, words = breakdown.radius, breakdown.claim
        claim = f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"
    left, right = axes.get_xlim()
    if radius == 0.0:
        _write(axes, left, f"{claim} does not follow even at radius 0")
    elif radius > right:
        far = "at no radius" if math.isinf(radius) else f"at {radius:.4g}, further right"
        _write(axes, right, f"{claim} breaks down {far}")
    else:
        axes.axvline(radius, color=RED, linewidth=1.5, linestyle=":")
        _write(axes, radius, f"{claim} breaks down at {radius:.4g}")
        _cross(axes, curve, radius, words)


def _cross(axes: Axes, curve: SensitivityCurve, radius: float, claim: str | None) -> None:
    """A diamond where the deciding end meets the line of the claim."""
    side = curve.sides[0] if len(curve.sides) == 1 else None
    if claim is not None and side is None:
        side = "lower" if claim.startswith("above") else "upper"
    values = np.empty(0) if side is None else curve.values(side)
    known = np.isfinite(values)
    if known.any() and curve.radii[known][0] <= radius:
        height = np.interp(radius, curve.radii[known], values[known])
        axes.plot([radius], [height], "D", color=RED, markersize=6)


# Laws


def draw_worst_case(case: WorstCase, ax: Axes | None = None) -> Figure:
    """The distribution function of every marginal, worst case against reference.

    The area between the two is what was moved, for order 1 in units of the distance. What lies far outside
    is named at the edge.
    """
    law = case.worst_case_distribution
    if law is None or law.origins is None:
        raise InvalidInput(
            f"this answer has no law to draw ({case.status.value}, by {case.route}). Draw its value over the "
            "radius by `sensitivity_curve`."
        )
    axes = axes_of(ax, 6.6, 4.2)
    left, right = _reach(law)
    notes, moved = [], []
    for j, colour in zip(range(len(law.targets)), (BLUE, RED, *HUES[2:]), strict=False):
        name = f"Y{j + 1}" if len(law.targets) > 1 else "Y"
        before = _steps(law.origins[j][:, 0], law.weights, left, right)
        after = _steps(law.targets[j][:, 0], law.weights, left, right)
        moved += _between(axes, before, after, colour)
        axes.step(
            *before, where="post", color=colour, linewidth=1.1, linestyle=_DASHES, label=f"{name}, reference"
        )
        axes.step(*after, where="post", color=colour, linewidth=1.8, label=f"{name}, worst case")
        notes += _beyond(law.targets[j][:, 0], law.weights, left, right, name)
    axes.set_xlim(left, right)
    _zoom(axes, moved)
    _corner(axes, "\n".join(notes))
    captioned(axes, f"{case.question}: {case.value:.5g}", "value", "probability of at most this value")
    return new_figure(axes)


def _zoom(axes: Axes, moved: Sequence[tuple[float, float, float]]) -> None:
    """The part of the distribution functions that was moved, where it is small; else all of them."""
    left, right = axes.get_xlim()
    low, high = (min(row[1] for row in moved), max(row[2] for row in moved)) if moved else (0.0, 1.0)
    if low < 0.6 and high > 0.4:
        axes.set_ylim(-0.01, 1.01)
        return
    room = 0.15 * (high - low)
    x = [row[0] for row in moved]
    if low >= 0.6:
        axes.set_ylim(low - room, 1.0 + 0.04 * (1.0 - low))
        axes.set_xlim(max(left, min(x) - 0.15 * (right - min(x))), right)
    else:
        axes.set_ylim(-0.04 * high, high + room)
        axes.set_xlim(left, min(right, max(x) + 0.15 * (max(x) - left)))


def _reach(law: WorstCaseLaw) -> tuple[float, float]:
    """Ends of the axis: all of the references and of the worst case, as far as half their spread outside."""
    assert law.origins is not None
    old = np.concatenate([origin[:, 0] for origin in law.origins])
    new = np.concatenate([target[:, 0] for target in law.targets])
    low, high = float(old.min()), float(old.max())
    spread = high - low or max(float(np.ptp(new)), 1.0)
    left, right = max(float(new.min()), low - 0.5 * spread), min(float(new.max()), high + 0.5 * spread)
    room = 0.04 * (max(high, right) - min(low, left) or 1.0)
    return min(low, left) - room, max(high, right) + room


def _steps(values: Floats, weights: Floats, left: float, right: float) -> tuple[Floats, Floats]:
    """A distribution function as steps from the left end of the axis to the right one."""
    order = np.argsort(values, kind="stable")
    x, y = values[order], np.cumsum(weights[order])
    inside = (x >= left) & (x <= right)
    start = float(weights[values < left].sum())
    last = float(y[x <= right][-1]) if (x <= right).any() else 0.0
    return np.concatenate([[left], x[inside], [right]]), np.concatenate([[start], y[inside], [last]])


def _between(
    axes: Axes, before: tuple[Floats, Floats], after: tuple[Floats, Floats], colour: str
) -> list[tuple[float, float, float]]:
    """Shade the area between two distribution functions; (place, lower, upper) wherever they differ."""
    x = np.unique(np.concatenate([before[0], after[0]]))
    old, new = (each[1][np.searchsorted(each[0], x, side="right") - 1] for each in (before, after))
    axes.fill_between(x, old, new, step="post", color=colour, alpha=0.16, linewidth=0)
    apart = np.abs(old - new) > 1e-9
    low, high = np.minimum(old, new)[apart], np.maximum(old, new)[apart]
    return list(zip(x[apart].tolist(), low.tolist(), high.tolist(), strict=True))


def _beyond(values: Floats, weights: Floats, left: float, right: float, name: str) -> list[str]:
    """What lies outside the picture, in words."""
    found = []
    for out, side, far in ((values < left, "left", values.min()), (values > right, "right", values.max())):
        share = float(weights[out].sum())
        if share > 0:
            found.append(f"{100 * share:.3g} % of {name} lies further {side}, as far as {far:.4g}")
    return found


# Words


def _note_what_is_missing(axes: Axes, curve: SensitivityCurve, sides: Mapping[str, Floats]) -> None:
    """Say where no law exists, and where the value is infinite."""
    words = []
    for name in sides:
        pairs = list(zip(curve.radii, curve.side(name), strict=True))
        empty = [(radius, case) for radius, case in pairs if case.status is Status.INFEASIBLE]
        infinite = [radius for radius, case in pairs if case.status is Status.UNBOUNDED]
        if empty:
            radius, case = empty[-1]
            needed = case.feasible_radius
            words.append(f"no law exists {'at' if needed is None else 'below'} radius {needed or radius:.4g}")
            axes.axvspan(0.0, float(needed or radius), color=FAINT, alpha=0.5, linewidth=0)
        if infinite:
            words.append(f"the {_SIDES[name]} is infinite from radius {min(infinite):.4g} on")
    _corner(axes, "\n".join(dict.fromkeys(words)))


def _corner(axes: Axes, text: str) -> None:
    if text:
        axes.annotate(
            text,
            (0.015, 0.03),
            xycoords="axes fraction",
            fontsize=8.5,
            color=INK,
            ha="left",
            va="bottom",
            parse_math=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 2},
        )


def _write(axes: Axes, x: float, text: str) -> None:
    """Words beside a vertical line, on the side where there is room."""
    left, right = axes.get_xlim()
    late = x > left + 0.5 * (right - left)
    axes.annotate(
        text,
        (x, 0.98),
        xytext=(-5 if late else 5, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        fontsize=8.5,
        color=RED,
        parse_math=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1},
    )


def captioned(axes: Axes, title: str, x: str, y: str) -> None:
    """Title and names of the axes, with what the lines mean between title and axes."""
    handles, _ = axes.get_legend_handles_labels()
    words = title.replace("<=", "\N{LESS-THAN OR EQUAL TO}").replace(">=", "\N{GREATER-THAN OR EQUAL TO}")
    titled(axes, words, x, y, key_rows=key_above(axes, handles) if handles else 1)
