"""Pictures of worst cases: they draw what the answer says, safe between points, with words that fit."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.entropic import Entropic
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.plotting_breakdown import draw_bounds, draw_breakdown, draw_frontier
from riskstats.plotting_wasserstein import draw_band, draw_sensitivity, draw_worst_case
from riskstats.results import Status
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.breakdown import Breakdown, Claim, Frontier, breakdown_frontier, breakdown_radius
from riskstats.wasserstein.effects import (
    effect_distribution_bounds,
    effect_quantile_bounds,
    squared_effect_bounds,
)
from riskstats.wasserstein.frechet import frechet_hoeffding_bounds
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.inference import ConfidenceBounds
from riskstats.wasserstein.makarov import makarov_bounds
from riskstats.wasserstein.makarov_law import makarov_worst_case
from riskstats.wasserstein.sensitivity import Question, SensitivityCurve, sensitivity_curve
from riskstats.wasserstein.shapes import AtMost, Call
from riskstats.wasserstein.treatment import average_effect_bounds
from riskstats.wasserstein.worst_risk import worst_case_risk

NASTY = "$x_1 \\frac$ \n\x1b[31m site " + "very " * 20 + "long"
LOSSES = np.random.default_rng(0).lognormal(0.0, 1.0, 60)
TREATED, CONTROL = (np.random.default_rng(1).normal(mean, 1.0, (2, 40))[0] for mean in (1.0, 0.0))
POINTS = np.linspace(-3.0, 5.0, 41)


def ball(radius=0.1, order=1.0):
    return WassersteinBall(LOSSES, radius=radius, order=order)


def two(radius=0.1, order=1.0):
    return MarginalBalls(*(WassersteinBall(x, radius=radius, order=order) for x in (TREATED, CONTROL)))


def shared(radius=0.1):
    rows = [
        np.column_stack([y, np.linspace(0.0, 1.0 + shift, 40)]) for y, shift in ((TREATED, 0.5), (CONTROL, 0))
    ]
    return OverlappingBalls(*(WassersteinBall(each, radius=radius) for each in rows))


def cvar(balls):
    return worst_case_risk(CVaR(0.9), balls)


def limits(lower, upper, points=None):
    """Limits a tenth outside of the bounds."""
    return ConfidenceBounds(
        "bounds", lower, upper, lower - 0.1, upper + 0.1, 0.95, "a method", (40, 40), points=points
    )


@cache
def band(radius=0.1):
    return effect_distribution_bounds(two(radius), POINTS)


@cache
def effect():
    return average_effect_bounds(two())


@cache
def broken(below=None):
    """The breakdown of the effect, or of a risk."""
    if below is None:
        return breakdown_radius(Claim(average_effect_bounds, above=0.0), two())
    return breakdown_radius(Claim(cvar, below=below), ball())


@cache
def curve(name="effect"):
    asked = {
        "effect": (average_effect_bounds, two(), np.linspace(0.0, 3.0, 7)),
        "risk": (cvar, ball(), np.linspace(0.0, 0.4, 9)),
        "many radii": (average_effect_bounds, two(), np.linspace(0.0, 3.0, 60)),
        "gap": (lambda balls: worst_case_risk(ValueAtRisk(0.9), balls), three(), [0.0, 0.1, 0.2]),
        "no law": (average_effect_bounds, shared(), [0.0, 0.1, 0.5, 1.0, 2.0]),
        "infinite": (squared_effect_bounds, two(), [0.0, 0.5, 1.0]),
        "one radius": (average_effect_bounds, two(), [0.5]),
    }[name]
    return sensitivity_curve(Question(*asked[:2]), asked[2])


def three():
    rng = np.random.default_rng(2)
    return MarginalBalls(*(WassersteinBall(rng.pareto(2.0, 30), radius=0.1) for _ in range(3)))


def contour(ratios=(0.0, 0.5, 1.0, 2.0, math.inf)):
    return breakdown_frontier(Claim(average_effect_bounds, above=0.0), two(), ratios)


def law(name="tail"):
    return {
        "tail": lambda: cvar(ball(0.3)),
        "order 2": lambda: cvar(ball(0.3, 2.0)),
        "call": lambda: worst_case_expectation(Call(3.0), ball()),
        "sum": lambda: worst_case_risk(ValueAtRisk(0.9), two()),
        "event": lambda: worst_case_expectation(Aggregate(AtMost(0.0), (1, -1)), two()),
        "shift": lambda: makarov_worst_case(*two(0.5).balls, 0.0, weights=(1, -1), direction="lower"),
        "reference": lambda: cvar(ball(0.0)),
        "shared": lambda: worst_case_expectation(Aggregate(AtMost(0.0), (1, -1)), small_shared()),
    }[name]()


def small_shared():
    rows = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 1.0], [1.0, 1.0]])
    return OverlappingBalls(WassersteinBall(rows, radius=0.1), WassersteinBall(rows - [0.5, 0.0], radius=0.1))


SCALES = {"distance of two sites": 0.4, NASTY: 0.9, "nothing": 0.0}
PICTURES = {
    "band": lambda: draw_band(band()),
    "band without a shift": lambda: draw_band(band(0.0)),
    "band, one total": lambda: draw_band(makarov_bounds(TREATED, CONTROL, POINTS, radius=0.5)),
    "band with limits": lambda: draw_band(band(), limits=limits(band().lower, band().upper, POINTS)),
    "band of one point": lambda: draw_band(effect_distribution_bounds(two(), [0.0])),
    "quantiles": lambda: draw_band(effect_quantile_bounds(two(), np.linspace(0.1, 0.9, 9))),
    "nasty name": lambda: draw_band(replace(band(), name=NASTY[:60])),
    "interval": lambda: draw_bounds(effect()),
    "interval with limits": lambda: draw_bounds(effect(), limits=effect_limits()),
    "curve": lambda: draw_sensitivity(curve(), breakdown=broken()),
    "curve of a risk": lambda: draw_sensitivity(curve("risk"), breakdown=broken(8.0)),
    "curve, not even at 0": lambda: draw_sensitivity(curve("risk"), breakdown=broken(1.0)),
    "curve, far breakdown": lambda: draw_sensitivity(curve("risk"), breakdown=123.0),
    "curve, never": lambda: draw_sensitivity(curve("risk"), breakdown=math.inf),
    **{f"curve, {name}": lambda name=name: draw_sensitivity(curve(name)) for name in ("many radii", "gap")},
    "curve, no law": lambda: draw_sensitivity(curve("no law"), breakdown=1.5),
    "curve, infinite": lambda: draw_sensitivity(curve("infinite")),
    "curve, one radius": lambda: draw_sensitivity(curve("one radius")),
    "breakdown": lambda: draw_breakdown(broken()),
    "breakdown in scales": lambda: draw_breakdown(broken(), scales=SCALES),
    "breakdown at 0": lambda: draw_breakdown(broken(1.0), scales=SCALES),
    "no breakdown": lambda: draw_breakdown(replace(broken(), radius=math.inf, proven=1e6)),
    "contour": lambda: draw_frontier(contour()),
    "contour, one point": lambda: draw_frontier(contour([1.0])),
    **{
        f"law, {name}": lambda name=name: draw_worst_case(law(name))
        for name in ("tail", "order 2", "call", "sum", "event", "shift", "reference", "shared")
    },
}


def effect_limits():
    return limits(np.array([effect().lower.value]), np.array([effect().upper.value]))


def fits(figure):
    """Every text lies on the figure."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes:
        texts = [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
        for text in texts:
            box = text.get_window_extent(renderer)
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
            if text.get_text() and text.get_visible() and not inside:
                return False
    return True


def apart(figure):
    """The title stands above the key, and no two remarks overlap."""
    figure.canvas.draw()
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    key = axes.get_legend()
    if key is not None:
        assert axes._left_title.get_window_extent(renderer).y0 >= key.get_window_extent(renderer).y1 - 8
    boxes = [text.get_window_extent(renderer) for text in axes.texts if text.get_text()]
    return not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


@pytest.mark.parametrize("name", PICTURES)
def test_text_stays_on_the_figure_and_apart(name):
    figure = PICTURES[name]()
    assert fits(figure)
    assert apart(figure)


def words(axes):
    """All that is written: title, key and remarks."""
    key = axes.get_legend()
    return [
        axes._left_title.get_text(),
        *(t.get_text() for t in [*axes.texts, *(key.get_texts() if key else [])]),
    ]


def at(line, x):
    """(smallest, largest) height of a drawn line at x."""
    heights = line.get_ydata()[np.isclose(line.get_xdata(), x, atol=1e-12)]
    return heights.min(), heights.max()


def between(line, x):
    """Height of a step line between two of its corners."""
    return np.interp(x, line.get_xdata(), line.get_ydata())


# bands


def test_the_band_is_safe_between_points():
    """Between two points the lower edge is that of the left one, the upper edge that of the right one."""
    found = band()
    axes = draw_band(found).axes[0]
    inner_low, inner_high, low, high = axes.lines
    for k in range(len(POINTS) - 1):
        x = POINTS[k] + 0.3 * (POINTS[k + 1] - POINTS[k])
        assert between(low, x) == pytest.approx(found.lower[k])
        assert between(high, x) == pytest.approx(found.upper[k + 1])
        assert between(inner_low, x) == pytest.approx(found.classical_lower[k])
        assert between(inner_high, x) == pytest.approx(found.classical_upper[k + 1])


def test_the_classical_band_lies_inside_and_is_named_first():
    axes = draw_band(band()).axes[0]
    inner_low, inner_high, low, high = axes.lines
    for x in (POINTS[:-1] + POINTS[1:]) / 2:
        assert between(low, x) <= between(inner_low, x) <= between(inner_high, x) <= between(high, x)
    assert words(axes)[1:] == ["any dependence, no shift", "and a shift of at most 0.1 and 0.1"]
    assert axes.collections[0].get_zorder() > axes.collections[1].get_zorder()


def test_without_a_shift_there_is_one_band():
    axes = draw_band(band(0.0)).axes[0]
    assert len(axes.collections) == 1
    assert words(axes)[1:] == ["any dependence, no shift"]


def test_limits_are_lines_of_their_own():
    found = band()
    axes = draw_band(found, limits=limits(found.lower, found.upper, POINTS)).axes[0]
    low, high = axes.lines[-2:]
    assert low.get_color() == high.get_color() != axes.lines[0].get_color()
    assert "95 % limits for sampling error" in words(axes)
    assert at(low, POINTS[20])[1] == pytest.approx(found.lower[20] - 0.1)
    with pytest.raises(InvalidInput, match="has 1 points and the bounds 41"):
        draw_band(found, limits=effect_limits())


def test_points_in_any_order():
    turned = effect_distribution_bounds(two(), POINTS[::-1])
    for one, other in zip(draw_band(turned).axes[0].lines, draw_band(band()).axes[0].lines, strict=True):
        assert one.get_xydata() == pytest.approx(other.get_xydata())


def test_a_joint_distribution_has_no_picture():
    joint = frechet_hoeffding_bounds(TREATED, CONTROL, [[0.0, 0.0]])
    with pytest.raises(InvalidInput, match="joint"):
        joint.plot()


def test_unknown_bounds_are_left_out():
    found = band()
    holes = replace(found, classical_lower=np.full(41, np.nan), classical_upper=np.full(41, np.nan))
    axes = draw_band(holes).axes[0]
    assert words(axes)[1:] == ["and a shift of at most 0.1 and 0.1"]


# intervals


def test_the_interval_and_its_limits():
    axes = draw_bounds(effect(), limits=effect_limits()).axes[0]
    low, high = effect().interval.lower, effect().interval.upper
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    assert marks == pytest.approx([low, high, low - 0.1, high + 0.1])
    assert {f"{low:.5g}", f"{high:.5g}", f"{low - 0.1:.5g}", f"{high + 0.1:.5g}"} <= set(words(axes))
    assert f"reference {effect().reference:.5g}" in words(axes)


@pytest.mark.parametrize(
    ("bounds", "word"),
    [
        (lambda: squared_effect_bounds(two()), "UNBOUNDED"),
        (lambda: average_effect_bounds(shared(0.01)), "INFEASIBLE"),
    ],
)
def test_no_interval_without_two_ends(bounds, word):
    with pytest.raises(InvalidInput, match=word):
        bounds().plot()


# curves


def test_the_curve_has_every_value_and_the_reference():
    found = curve()
    axes = draw_sensitivity(found).axes[0]
    low, high, reference = axes.lines
    assert low.get_xdata().tolist() == found.radii.tolist()
    assert low.get_ydata().tolist() == found.values("lower").tolist()
    assert high.get_ydata().tolist() == found.values("upper").tolist()
    assert set(reference.get_ydata()) == {effect().reference}
    assert axes.get_xlim() == (0.0, 3.0)


def test_the_breakdown_is_marked_where_the_curve_meets_the_claim():
    axes = draw_sensitivity(curve(), breakdown=broken()).axes[0]
    (diamond,) = [line for line in axes.lines if line.get_marker() == "D"]
    assert diamond.get_xydata()[0] == pytest.approx([broken().radius, 0.0], abs=1e-6)
    (text,) = [t.get_text() for t in axes.texts]
    assert "above 0" in text
    assert f"{broken().radius:.4g}" in text


def test_a_breakdown_outside_does_not_stretch_the_axis():
    for breakdown, said in (
        (123.0, "123, further right"),
        (math.inf, "at no radius"),
        (0.0, "even at radius 0"),
    ):
        axes = draw_sensitivity(curve("risk"), breakdown=breakdown).axes[0]
        assert axes.get_xlim() == (0.0, 0.4)
        assert said in axes.texts[-1].get_text()


def test_what_is_not_proven_is_hollow_with_its_enclosure():
    found = curve("gap")
    axes = draw_sensitivity(found).axes[0]
    cases = found.side("upper")
    assert Status.GAP in [case.status for case in cases]
    hollow = next(
        line
        for line in axes.lines
        if line.get_markerfacecolor() != line.get_color() and line.get_marker() == "o"
    )
    loose = [k for k, case in enumerate(cases) if case.status is Status.GAP]
    assert hollow.get_xdata().tolist() == [found.radii[k] for k in loose]
    bars = [path.vertices[:, 1].tolist() for path in axes.collections[-1].get_paths()]
    assert bars == [[cases[k].lower, cases[k].upper] for k in loose]


def test_no_law_and_no_finite_value_are_said():
    axes = draw_sensitivity(curve("no law")).axes[0]
    needed = curve("no law").side("upper")[0].feasible_radius
    assert f"no law exists below radius {needed:.4g}" in words(axes)
    axes = draw_sensitivity(curve("infinite")).axes[0]
    assert "the largest value is infinite from radius 0.5 on" in words(axes)
    assert axes.lines[0].get_ydata().tolist() == curve("infinite").values("lower").tolist()


def test_a_curve_without_a_finite_value():
    infinite = Question(lambda balls: worst_case_risk(Entropic(1.0), balls), ball())
    with pytest.raises(InvalidInput, match="finite at none of the radii"):
        sensitivity_curve(infinite, [0.1, 0.2]).plot()


# breakdowns


def test_the_line_of_radii_compares_with_scales():
    axes = draw_breakdown(broken(), scales={"two sites": 0.4}).axes[0]
    said = "\n".join(words(axes))
    assert f"follows up to {broken().radius:.4g}" in said
    assert f"two sites 0.4\nbreakdown at {broken().radius / 0.4:.3g} times this" in said
    with pytest.raises(InvalidInput, match="finite radii >= 0; got -1"):
        draw_breakdown(broken(), scales={"two sites": -1.0})


def test_the_contour_shades_only_what_is_proven():
    found = contour()
    axes = draw_frontier(found).axes[0]
    assert axes.lines[0].get_xydata() == pytest.approx(np.array(sorted(found.points)), abs=1e-9)
    (area,) = axes.collections
    (path,) = area.get_paths()
    for x, y in [(r1, r2) for r1, r2 in found.points if r1 > 0 and r2 > 0]:
        assert path.contains_point((0.99 * x, 0.99 * y))
        assert not path.contains_point((1.01 * x, 1.01 * y))
    never = Breakdown(math.inf, 1e6, math.inf, "q", "above 0", 1.0)
    with pytest.raises(InvalidInput, match="no finite radius"):
        draw_frontier(Frontier((1.0,), (never,)))


# laws


def test_the_shaded_area_is_the_distance():
    """For order 1 and one law, the area between the two distribution functions is the radius."""
    axes = draw_worst_case(law()).axes[0]
    area = 0.0
    for path in axes.collections[0].get_paths():
        x, y = path.vertices[:-1].T
        area += 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    assert area == pytest.approx(0.3, rel=1e-6)
    assert words(axes)[1:] == ["Y, reference", "Y, worst case"]


def test_a_small_tail_fills_the_picture_and_a_large_shift_is_seen_whole():
    bottom, top = draw_worst_case(law()).axes[0].get_ylim()
    assert 0.8 < bottom < 0.9 < 1.0 <= top < 1.05
    assert draw_worst_case(law("shift")).axes[0].get_ylim() == (-0.01, 1.01)
    assert draw_worst_case(law("reference")).axes[0].get_ylim() == (-0.01, 1.01)


def test_mass_that_was_sent_far_away_is_named():
    case = law()
    found = case.worst_case_distribution
    far = found.targets[0].copy()
    far[np.argmin(found.weights)] = 1e6
    moved = replace(case, worst_case_distribution=replace(found, targets=(far,)))
    axes = draw_worst_case(moved).axes[0]
    assert axes.get_xlim()[1] < 1e3
    (note,) = [text for text in words(axes) if "further right" in text]
    assert note == f"{100 * found.weights.min():.3g} % of Y lies further right, as far as 1e+06"


def test_an_answer_without_a_law():
    with pytest.raises(InvalidInput, match="no law to draw"):
        effect().upper.plot()


# all


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: draw_band(band(), ax),
        lambda ax: draw_bounds(effect(), ax),
        lambda ax: draw_sensitivity(curve(), ax),
        lambda ax: draw_breakdown(broken(), ax),
        lambda ax: draw_frontier(contour([1.0]), ax),
        lambda ax: draw_worst_case(law(), ax),
    ],
)
def test_axes_of_the_caller(draw):
    figure = Figure()
    FigureCanvasAgg(figure)
    first, second = figure.subplots(1, 2)
    assert draw(second) is figure
    assert len(figure.axes) == 2
    assert not first.lines
    assert second.lines


def test_results_plot_themselves():
    every = (law(), effect(), band(), curve(), contour([1.0]), broken())
    assert isinstance(curve(), SensitivityCurve)
    for found in every:
        assert isinstance(found.plot(), Figure)
    assert isinstance(curve().plot(breakdown=broken()), Figure)
    assert isinstance(broken().plot(scales={"one": 1.0}), Figure)
    assert isinstance(effect().plot(limits=effect_limits()), Figure)


def test_importing_it_loads_no_matplotlib():
    program = "import sys, riskstats.plotting_breakdown; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
