"""Pictures of what is left of a claim: an interval, a breakdown radius on a line, the plane of two radii."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from riskstats.exceptions import InvalidInput
from riskstats.plotting import BLUE, PALE, RED, SOFT, axes_of, new_figure
from riskstats.plotting_rows import short
from riskstats.plotting_wasserstein import INNER, captioned
from riskstats.results import as_percent
from riskstats.scores.sheet import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.wasserstein.breakdown import Breakdown, Frontier
    from riskstats.wasserstein.inference import ConfidenceBounds
    from riskstats.wasserstein.result import Bounds, WorstCase

__all__ = ["draw_bounds", "draw_breakdown", "draw_frontier"]


def draw_bounds(bounds: Bounds, ax: Axes | None = None, *, limits: ConfidenceBounds | None = None) -> Figure:
    """The interval of model risk around the reference, on a line; `limits` stand apart, below."""
    axes = axes_of(ax, 6.6, 2.1 if limits is None else 2.6)
    low, high = bounds.lower.value, bounds.upper.value
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidInput(
            f"{bounds.name} has no interval to draw ({bounds.status.value}); see `summary()`, or draw a "
            "curve over the radius."
        )
    axes.hlines(0.0, low, high, color=INNER, linewidth=11, label=_within(bounds.lower))
    seen = [low, high]
    for value, place in ((low, "right"), (high, "left")):
        axes.plot([value], [0.0], "|", color=BLUE, markersize=15, markeredgewidth=2)
        _name(axes, value, 0.0, f"{value:.5g}", place, 11)
    if bounds.reference is not None:
        axes.plot(
            [bounds.reference], [0.0], "o", color=INK, markersize=6, label=f"reference {bounds.reference:.5g}"
        )
        seen.append(bounds.reference)
    if limits is not None:
        seen += [float(limits.lower_limit[0]), float(limits.upper_limit[0])]
        label = f"{as_percent(limits.confidence_level)} limits for sampling error"
        axes.plot(seen[-2:], [-1.0, -1.0], color=RED, linewidth=1.5, linestyle="--", label=label)
        for value, place in zip(seen[-2:], ("right", "left"), strict=True):
            axes.plot([value], [-1.0], "|", color=RED, markersize=11, markeredgewidth=1.5)
            _name(axes, value, -1.0, f"{value:.5g}", place, 8)
    _mark_zero(axes, seen)
    axes.set_ylim(-0.8 if limits is None else -1.8, 0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    captioned(axes, bounds.name, "value", "")
    return new_figure(axes)


def _within(case: WorstCase) -> str:
    radii = " and ".join(f"{radius:.4g}" for radius in case.radius)
    return f"every law within radius {radii}"


def _name(axes: Axes, x: float, y: float, text: str, side: str, away: float) -> None:
    """A number beside a point, to its left or right."""
    left = side == "right"
    axes.annotate(
        text,
        (x, y),
        xytext=(-away if left else away, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=9,
        color=INK,
    )


def _mark_zero(axes: Axes, seen: Sequence[float]) -> None:
    """Room on both sides, and a line at 0 where it is near."""
    low, high = min(seen), max(seen)
    room = 0.25 * (high - low) or 0.25 * (abs(low) or 1.0)
    axes.set_xlim(low - room, high + room)
    if low - room <= 0.0 <= high + room:
        axes.axvline(0.0, color=SOFT, linewidth=0.8)


def draw_breakdown(
    found: Breakdown, ax: Axes | None = None, *, scales: Mapping[str, float] | None = None
) -> Figure:
    """How far the claim follows, on a line of radii.

    scales : radii to compare with, by name, such as {"distance of two sites": 0.4}.
    """
    marks = {name: float(value) for name, value in (scales or {}).items()}
    bad = [name for name, value in marks.items() if not 0.0 <= value < math.inf]
    if bad:
        raise InvalidInput(f"`scales` must be finite radii >= 0; got {marks[bad[0]]} for '{bad[0]}'.")
    axes = axes_of(ax, 6.6, 1.9 + 0.42 * len(marks))
    known = [value for value in (found.radius, *marks.values()) if math.isfinite(value)]
    right = 1.25 * max([*known, found.proven if math.isinf(found.radius) else 0.0]) or 1.0
    end, finite = min(found.radius, right), math.isfinite(found.radius)
    axes.hlines(0.0, 0.0, right, color=FAINT, linewidth=11)
    axes.hlines(0.0, 0.0, end, color=INNER, linewidth=11)
    if finite:
        axes.plot([end], [0.0], "|", color=RED, markersize=17, markeredgewidth=2.2, clip_on=False)
    words = "no breakdown found" if math.isinf(found.radius) else f"follows up to {found.radius:.4g}"
    words = "does not follow even at radius 0" if found.radius == 0.0 else words
    _turned(axes, end, 0.0, words, RED, right, 12)
    for row, (name, value) in enumerate(marks.items(), start=1):
        axes.vlines(value, 0.0, -row, color=SOFT, linewidth=0.9)
        axes.plot([value], [-row], "o", color=SOFT, markersize=4.5)
        share = f"\nbreakdown at {found.radius / value:.3g} times this" if value > 0 and finite else ""
        _turned(axes, value, -row, f"{short(name)} {value:.4g}{share}", INK, right, 0)
    axes.set_xlim(0.0, right)
    axes.set_ylim(-len(marks) - 0.7, 1.1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    captioned(axes, f"{found.question} {found.claim}", "total radius (transport distance)", "")
    return new_figure(axes)


def _turned(axes: Axes, x: float, y: float, text: str, colour: str, right: float, above: float) -> None:
    """Words beside a point, turned to where there is room."""
    late = x > 0.5 * right
    axes.annotate(
        text,
        (x, y),
        xytext=(-7 if late else 7, above),
        textcoords="offset points",
        ha="right" if late else "left",
        va="bottom" if above else "center",
        fontsize=9,
        color=colour,
        parse_math=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1},
    )


def draw_frontier(frontier: Frontier, ax: Axes | None = None) -> Figure:
    """The contour in the plane of the two radii.

    Shaded is what is proven: both radii less than those of a breakdown that was found.
    """
    points = np.array([point for point in frontier.points if all(map(math.isfinite, point))])
    if len(points) == 0:
        raise InvalidInput("the claim breaks down at no finite radius; there is no contour to draw.")
    axes = axes_of(ax, 5.4, 4.8)
    points = points[np.lexsort((-points[:, 1], points[:, 0]))]
    x, y = points[:, 0], points[:, 1]
    reach = np.maximum.accumulate(y[::-1])[::-1]
    edges = np.concatenate([[0.0], x])
    axes.fill_between(
        edges,
        0.0,
        np.append(reach, reach[-1]),
        step="post",
        color=PALE,
        linewidth=0,
        label="the claim follows",
    )
    axes.plot(
        x, y, color=BLUE, linewidth=1.0, linestyle=(0, (5, 2)), marker="o", markersize=5, label="breakdown"
    )
    axes.set_xlim(0.0, 1.12 * float(x.max()) or 1.0)
    axes.set_ylim(0.0, 1.12 * float(y.max()) or 1.0)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.6)
    first = frontier.breakdowns[0]
    captioned(axes, f"{first.question} {first.claim}", "radius of the first law", "radius of the second law")
    return new_figure(axes)
