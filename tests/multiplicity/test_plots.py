"""Pictures of multiplicity: what they draw is what the result says, from 5 rows to 5000, and texts fit."""

import itertools
import math
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression, Ridge

from riskstats.exceptions import InvalidInput, StoppedEarly
from riskstats.losses import sigmoid
from riskstats.multiplicity import deviations
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.prediction_range import range_of_ends
from riskstats.multiplicity.score_pool import ScorePool
from riskstats.plotting import BLUE, RED
from riskstats.plotting_multiplicity import plot_epsilon_path, plot_group_rates, plot_ranges, plot_rates
from tests.reference.multiplicity_report import extreme_models_discrepancy

NASTY = "$x_1 \\frac$ \n\x1b[31m group " + "very " * 20 + "long"


def ranges(n=60, kind="exact", **stamps):
    rng = np.random.default_rng(1)
    centre = np.sort(2.5 * rng.standard_normal(n))[rng.permutation(n)]
    inner = centre[:, None] + np.abs(rng.standard_normal((n, 2))) * [-0.6, 0.6]
    outer = {"exact": inner, "inner": None, "outer": inner + 0.3 * np.array([-1, 1])}
    mixed = inner + np.where(rng.random((n, 1)) < 0.4, 0.5, 0.0) * [-1, 1]
    given = {"baseline": centre, "epsilon": 0.05, "epsilon_kind": "relative", "source": "convex", **stamps}
    return range_of_ends(inner, mixed if kind == "mixed" else outer[kind], **given)


def data(n=60):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


@cache
def report(kind="exact", many=False, **asked):
    X, y = data()
    groups = np.where(X[:, 1] > 0.8, NASTY, np.where(X[:, 2] > 0, "north", "south"))
    if many:
        groups = {"site": np.arange(60) % 40, "sex": np.arange(60) % 2}
    if kind == "inner":
        chances = np.clip(0.5 + 0.3 * X[:, 0] + 0.1 * np.random.default_rng(2).standard_normal((5, 60)), 0, 1)
        rs = RashomonSet(ScorePool(chances, 0.5 + 0.01 * np.arange(5), False), epsilon=0.08)
    elif kind == "response":
        rs, y, asked = RashomonSet(Ridge()), y * 100.0, {"deviations": (2.0, 5.0), **asked}
    else:
        few = {"max_iter": 1} if kind == "outer" else {}
        scale = 20.0 if kind == "outer" else 1.0
        X = scale * X
        rs = RashomonSet(LogisticRegression(C=100.0 if few else 1.0), epsilon=0.05, **few)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        patch.setattr(deviations, "set_discrepancy", extreme_models_discrepancy)
        return rs.fit(X, y).report(X, groups=groups, **asked)


@cache
def path(kind="exact", epsilons=(0.005, 0.02, 0.05)):
    X, y = data()
    rs = RashomonSet(LogisticRegression(), epsilon=0.05)
    if kind == "inner":
        chances = np.random.default_rng(2).random((5, 60))
        rs = RashomonSet(ScorePool(chances, 0.5 + 0.002 * np.arange(5), False), epsilon=0.1)
    if kind == "outer":
        X, epsilons = 20 * X, (0.01, 0.05, 5.0)
        rs = RashomonSet(LogisticRegression(C=100.0), max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        return rs.fit(X, y).epsilon_path(X, epsilons)


PICTURES = {
    **{
        f"{n} rows": (lambda n=n: plot_ranges(ranges(n), decision_threshold=0.5))
        for n in (1, 5, 20, 569, 5000)
    },
    **{
        f"{kind}, {n} rows": (lambda kind=kind, n=n: plot_ranges(ranges(n, kind), decision_threshold=0.5))
        for kind, n in (("outer", 300), ("inner", 20), ("mixed", 20))
    },
    "no baseline": lambda: plot_ranges(ranges(40, baseline=None, epsilon=None)),
    "responses": lambda: plot_ranges(ranges(40, scale="response"), decision_threshold=1.0),
    **{
        f"rates, {kind}": (lambda k=kind: plot_rates(report(k)))
        for kind in ("exact", "outer", "inner", "pool")
    },
    "rates of responses": lambda: plot_rates(report("response")),
    "one deviation": lambda: plot_rates(report(deviations=0.1)),
    **{
        f"groups, {kind}": (lambda k=kind: plot_group_rates(report(k)))
        for kind in ("exact", "outer", "inner")
    },
    "groups of responses": lambda: plot_group_rates(report("response")),
    "many groups": lambda: plot_group_rates(report(many=True)),
    **{f"path, {kind}": (lambda k=kind: plot_epsilon_path(path(k))) for kind in ("exact", "outer", "inner")},
    "path of a rate": lambda: plot_epsilon_path(path(), deviation=0.1),
    "one epsilon": lambda: plot_epsilon_path(path(epsilons=(0.05,))),
    "many epsilons": lambda: plot_epsilon_path(path("inner", tuple(np.geomspace(1e-4, 0.1, 14)))),
}


def texts(axes):
    every = [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        every += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return every + (axes.get_legend().get_texts() if axes.get_legend() else [])


def fits(figure):
    """Every text lies on the figure, and no names of rows or numbers of ticks overlap."""
    figure.draw_without_rendering()
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    for text in texts(axes):
        box = text.get_window_extent(renderer)
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        if text.get_text() and text.get_visible() and not inside:
            return False
    for labels, side in ((axes.get_yticklabels(), "y"), (axes.get_xticklabels(), "x")):
        boxes = [label.get_window_extent(renderer) for label in labels if label.get_text()]
        spans = sorted((getattr(box, f"{side}0"), getattr(box, f"{side}1")) for box in boxes)
        if any(high > low + 1 for (_, high), (low, _) in itertools.pairwise(spans)):
            return False
    return True


@pytest.mark.parametrize("name", PICTURES)
def test_texts_fit_and_the_title_stands_above_the_key(name):
    figure = PICTURES[name]()
    assert fits(figure)
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    key = axes.get_legend()
    assert axes._left_title.get_window_extent(renderer).y0 >= key.get_window_extent(renderer).y1 - 8


def bars(axes):
    """{place: [(low, high, colour), ...]} of vertical bars."""
    found = {}
    for each in axes.collections:
        if isinstance(each, LineCollection):
            colors = each.get_colors()
            for i, segment in enumerate(each.get_segments()):
                color = to_hex(colors[i % len(colors)])
                place = found.setdefault(int(segment[0, 0]), [])
                place.append((segment[0, 1], segment[1, 1], color))
    return found


@pytest.mark.parametrize("n", [20, 5000])
def test_bars_are_the_ranges_in_the_order_of_the_baseline(n):
    r = ranges(n)
    drawn = bars(plot_ranges(r, decision_threshold=0.5).axes[0])
    order = np.argsort(r.baseline, kind="stable")
    assert sorted(drawn) == list(range(n))
    straddles = (r.lower < 0.5) & (r.upper >= 0.5)
    assert straddles.any()
    for place, row in enumerate(order):
        ((low, high, color),) = drawn[place]
        assert (low, high) == (r.lower[row], r.upper[row])
        assert color == (RED if straddles[row] else BLUE)


def test_the_baseline_and_the_threshold_are_drawn():
    r = ranges(300)
    axes = plot_ranges(r, decision_threshold=0.3).axes[0]
    lines = [line.get_ydata() for line in axes.lines]
    expected = np.sort(sigmoid(r.baseline))
    assert any(len(y) == 300 and np.allclose(y, expected) for y in lines)
    assert any(set(np.ravel(y)) == {0.3} for y in lines)
    assert "decision threshold 0.3" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_safe_ends_stand_around_what_is_attained():
    r = ranges(20, "outer")
    drawn = bars(plot_ranges(r).axes[0])
    order = np.argsort(r.baseline, kind="stable")
    core = sigmoid(r.inner)
    for place, row in enumerate(order):
        pale, dark = sorted(drawn[place])
        assert pale[:2] == (r.lower[row], r.upper[row])
        assert dark[:2] == pytest.approx(tuple(core[row]))


@pytest.mark.parametrize(
    ("kind", "word"),
    [("exact", "exact range"), ("inner", "at least this"), ("outer", "at most the pale bar")],
)
def test_kinds_are_told_apart_in_words(kind, word):
    axes = plot_ranges(ranges(20, kind), decision_threshold=0.5).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any(word in each for each in words)
    assert ("At least" in axes._left_title.get_text()) == (kind == "inner")
    straddles = int(((sigmoid(ranges(20).inner) >= 0.5) @ [1, 1] == 1).sum())
    assert f"{straddles} of 20 rows" in axes._left_title.get_text()


def test_few_rows_are_named_by_their_number():
    r = ranges(20)
    names = [label.get_text() for label in plot_ranges(r).axes[0].get_xticklabels()]
    assert names == [str(row) for row in np.argsort(r.baseline, kind="stable")]


def test_both_rates_are_drawn_whichever_is_asked_for():
    found = report("exact")
    for asked in ("ambiguity", "discrepancy"):
        axes = found.plot(asked).axes[0]
        lines = {tuple(np.round(line.get_ydata(), 9)) for line in axes.lines}
        for rates in (found.ambiguity, found.discrepancy):
            assert tuple(np.round([100 * rate.value for rate in rates], 9)) in lines
            assert tuple(np.round([100 * rate.bound for rate in rates], 9)) in lines
        words = " ".join(text.get_text() for text in axes.get_legend().get_texts())
        assert "a model for each row" in words
        assert "one model for all rows" in words
        counts = [text.get_text() for text in axes.texts]
        assert counts == [str(rate.n_conflict) for rate in found.ambiguity + found.discrepancy]


def test_rates_from_below_say_so_and_have_no_band():
    axes = plot_rates(report("inner")).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert all("at least" in each for each in words)
    assert not axes.collections
    assert "may reach" in " ".join(
        text.get_text() for text in plot_rates(report("outer")).axes[0].get_legend().get_texts()
    )


@pytest.mark.parametrize("kind", ["exact", "outer", "inner"])
def test_groups_are_drawn_as_they_are_reported(kind):
    found = report(kind)
    group, j = found.groups[0], 1
    axes = found.plot("groups", deviation=found.deviations[j]).axes[0]
    marks = {(round(float(x), 9), float(y)) for line in axes.lines for x, y in line.get_xydata()}
    words = [text.get_text() for text in axes.texts]
    for i in range(len(group.names)):
        assert (round(100 * float(group.ambiguity[i, j]), 9), float(i)) in marks
        assert group.words("ambiguity", i, j) in words[i]
        assert ("at least" in words[i]) == (kind == "inner")
    hollow = [line for line in axes.lines if line.get_marker() in "o>" and line.get_markerfacecolor() != BLUE]
    assert len(hollow) == group.small.sum() > 0


def test_groups_need_groups_and_a_deviation_of_the_report():
    found = report()
    with pytest.raises(InvalidInput, match=r"`deviation` must be one of the report, 0\.05, 0\.1"):
        found.plot("groups", deviation=0.15)
    with pytest.raises(InvalidInput, match="no groups"):
        replace(found, groups=()).plot("groups")
    with pytest.raises(InvalidInput, match="no rows"):
        plot_ranges(ranges(5).rows([]))


def test_the_path_shows_its_mean_and_its_bound():
    for kind in ("exact", "outer"):
        found = path(kind)
        axes = plot_epsilon_path(found).axes[0]
        mean = found.mean_widths()
        assert any(np.array_equal(line.get_ydata(), mean.values) for line in axes.lines)
        bounded = any(np.array_equal(line.get_ydata(), mean.bounds) for line in axes.lines)
        assert bounded == (kind == "outer")
        assert axes.get_xscale() == "log"
    rate = plot_epsilon_path(path(), deviation=0.1).axes[0]
    assert any(np.array_equal(line.get_ydata(), 100 * path().ambiguity(0.1).values) for line in rate.lines)


def test_the_path_of_a_pool_counts_its_models():
    axes = path("inner").plot().axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["0.005\n2 models", "0.02\n5 models", "0.05\n5 models"]
    assert all("at least" in text.get_text() for text in axes.get_legend().get_texts())


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_ranges(ranges(), ax),
        lambda ax: plot_rates(report(), ax),
        lambda ax: plot_group_rates(report(), ax),
        lambda ax: plot_epsilon_path(path(), ax),
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
    assert isinstance(ranges().plot(decision_threshold=0.5), Figure)
    assert isinstance(path().plot(deviation=0.1), Figure)
    for kind in ("ranges", "ambiguity", "discrepancy", "groups"):
        assert isinstance(report().plot(kind), Figure)


def test_infinite_logits_are_drawn():
    r = range_of_ends([[-math.inf, 0.0], [1.0, math.inf]], source="pool", baseline=[-1.0, math.inf])
    assert fits(plot_ranges(r, decision_threshold=0.5))


def test_importing_it_loads_no_matplotlib():
    program = "import sys, riskstats.plotting_multiplicity; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
