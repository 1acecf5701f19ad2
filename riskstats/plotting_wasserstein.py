"""Pictures of worst cases: a band around the classical one, a curve over the radius, a law beside its own.

Matplotlib figures without pyplot, in the style of `riskstats.plotting`. Sampling error and model risk are
never drawn as one thing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.plotting import BLUE, PALE, RED, SOFT, axes_of, new_figure, say
from riskstats.results import Status
from riskstats.scores.sheet import INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.wasserstein.breakdown import Frontier
    from riskstats.wasserstein.result import DistributionBounds, WorstCase
    from riskstats.wasserstein.sensitivity import SensitivityCurve

__all__ = ["draw_band", "draw_frontier", "draw_sensitivity", "draw_worst_case"]

_INNER = "#8fbbdf"


def draw_band(bounds: DistributionBounds, ax: Axes | None = None) -> Figure:
    """The band with model risk around the band of unknown dependence alone."""
    if bounds.points.ndim != 1:
        raise InvalidInput("a joint distribution function has no picture; draw the rows of `to_frame()`.")
    axes = axes_of(ax, 6.6, 4.2)
    quantile = bounds.kind == "quantile"
    step: Any = None if quantile else "post"
    radii = ", ".join(f"{radius:.4g}" for radius in bounds.radius)
    for low, high, colour, label in (
        (bounds.lower, bounds.upper, PALE, f"and a shift of at most {radii}"),
        (bounds.classical_lower, bounds.classical_upper, _INNER, "any dependence, no shift"),
    ):
        axes.fill_between(bounds.points, low, high, step=step, color=colour, linewidth=0, label=label)
    for values in (bounds.lower, bounds.upper):
        axes.plot(
            bounds.points, values, color=BLUE, linewidth=1.2, drawstyle="steps-post" if step else "default"
        )
    if not quantile:
        axes.set_ylim(-0.01, 1.01)
    x, y = ("level", "quantile") if quantile else ("z", "probability")
    say(axes, bounds.name, x, y)
    _key(axes, "upper left")
    return new_figure(axes)


def draw_sensitivity(
    curve: SensitivityCurve, ax: Axes | None = None, *, breakdown: float | None = None
) -> Figure:
    """The certified ends against the total radius, the reference as a line, the breakdown as a mark."""
    axes = axes_of(ax, 6.6, 4.2)
    sides = {name: curve.values(name) for name in curve.sides}
    finite = np.isfinite(np.column_stack(list(sides.values()))).all(axis=1)
    if len(sides) == 2:
        axes.fill_between(
            curve.radii[finite], sides["lower"][finite], sides["upper"][finite], color=PALE, linewidth=0
        )
    for name, values in sides.items():
        label = {"lower": "smallest value", "upper": "largest value"}[name]
        dash = "-" if name == "upper" else (0, (5, 2))
        axes.plot(curve.radii[finite], values[finite], color=BLUE, linewidth=1.8, linestyle=dash, label=label)
        open_ = [case.status not in (Status.OPTIMAL, Status.UNBOUNDED) for case in curve.side(name)]
        shown = finite & np.array(open_)
        axes.plot(curve.radii[shown], values[shown], "o", mfc=PAPER, mec=BLUE, ms=5, label=None)
    _note_what_is_missing(axes, curve, sides)
    if breakdown is not None and math.isfinite(breakdown):
        axes.axvline(breakdown, color=RED, linewidth=1.5, linestyle=":")
        _write(axes, breakdown, f" breaks down at {breakdown:.4g}")
    axes.set_xlim(left=float(curve.radii[0]))
    say(axes, f"{curve.question} as the world shifts", "total radius (transport distance)", "value")
    _key(axes, "best")
    return new_figure(axes)


def draw_frontier(frontier: Frontier, ax: Axes | None = None) -> Figure:
    """The contour in the plane of the two radii: below it the claim follows."""
    axes = axes_of(ax, 5.2, 4.6)
    points = np.array([point for point in frontier.points if all(map(math.isfinite, point))])
    if len(points) == 0:
        raise InvalidInput("the claim breaks down at no finite radius; there is no contour to draw.")
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    axes.fill_between(points[:, 0], 0.0, points[:, 1], color=PALE, linewidth=0, label="the claim follows")
    axes.plot(points[:, 0], points[:, 1], color=BLUE, linewidth=1.8, marker="o", ms=4)
    axes.set_xlim(0.0, 1.08 * float(points[:, 0].max() or 1.0))
    axes.set_ylim(0.0, 1.08 * float(points[:, 1].max() or 1.0))
    first = frontier.breakdowns[0]
    say(axes, f"{first.question} {first.claim}", "radius of the first law", "radius of the second law")
    _key(axes, "upper right")
    return new_figure(axes)


def draw_worst_case(case: WorstCase, ax: Axes | None = None) -> Figure:
    """The distribution functions of every marginal, worst case against reference."""
    law = case.worst_case_distribution
    if law is None or law.origins is None:
        raise InvalidInput(
            f"this answer has no law to draw ({case.status.value}, by {case.route}). Ask for a case with one."
        )
    axes = axes_of(ax, 6.6, 4.2)
    scalar = [j for j, target in enumerate(law.targets) if target.shape[1] == 1]
    shown = scalar or [0]
    for place, j in enumerate(shown):
        name = f"Y{j + 1}" if len(law.targets) > 1 else "Y"
        dash = ("-", (0, (5, 2)), (0, (1, 1)))[place % 3]
        _steps(axes, law.origins[j][:, 0], law.weights, SOFT, dash, f"{name}, reference")
        _steps(axes, law.targets[j][:, 0], law.weights, BLUE, dash, f"{name}, worst case")
    axes.set_ylim(-0.01, 1.01)
    say(axes, f"{case.question}: {case.value:.5g}", "value", "probability of at most this value")
    _key(axes, "lower right")
    return new_figure(axes)


def _steps(axes: Axes, values: Floats, weights: Floats, colour: str, dash: Any, label: str) -> None:
    order = np.argsort(values, kind="stable")
    x = values[order]
    y = np.cumsum(weights[order])
    room = 0.05 * float(x[-1] - x[0] or 1.0)
    x, y = np.concatenate([[x[0] - room], x, [x[-1] + room]]), np.concatenate([[0.0], y, [1.0]])
    axes.step(x, y, where="post", color=colour, linewidth=1.6, linestyle=dash, label=label)


def _note_what_is_missing(axes: Axes, curve: SensitivityCurve, sides: dict[str, Floats]) -> None:
    """Say where no law exists, and where the value is infinite."""
    words = []
    for name in sides:
        cases = curve.side(name)
        empty = [r for r, case in zip(curve.radii, cases, strict=True) if case.status is Status.INFEASIBLE]
        infinite = [r for r, case in zip(curve.radii, cases, strict=True) if case.status is Status.UNBOUNDED]
        if empty:
            words.append(f"no law exists up to radius {max(empty):.4g}")
        if infinite:
            words.append(f"the {'largest' if name == 'upper' else 'smallest'} value is infinite")
    if words:
        text = "; ".join(dict.fromkeys(words))
        axes.annotate(
            text, (0.01, 0.02), xycoords="axes fraction", fontsize=8.5, color=SOFT, ha="left", va="bottom"
        )


def _write(axes: Axes, x: float, text: str) -> None:
    """Words beside a vertical line, on the side where there is room."""
    left, right = axes.get_xlim()
    late = x > left + 0.6 * (right - left)
    axes.annotate(
        text.strip() + " " if late else text,
        (x, 0.97),
        xycoords=("data", "axes fraction"),
        ha="right" if late else "left",
        va="top",
        fontsize=8.5,
        color=INK,
    )


def _key(axes: Axes, place: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles=handles,
            labels=labels,
            facecolor=PAPER,
            edgecolor="none",
            framealpha=0.9,
            fontsize=8.5,
            loc=place,
        )
