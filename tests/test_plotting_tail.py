"""Pictures of tails: what they draw is what the result says, and texts stay on the sheet."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from riskstats.plotting_tail import (
    plot_attribution,
    plot_comparison,
    plot_e_process,
    plot_loss_tail,
    plot_risk_profile,
    plot_threshold_stability,
)
from riskstats.tail.backtest import expected_shortfall_backtest
from riskstats.tail.extremes import peaks_over_threshold
from riskstats.tail.limits import BootstrapT
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.report import tail_report

NASTY = "$x_1 \\frac$ \n\x1b[31m model " + "very " * 20 + "long"
GRADES, SHARES = [0.0, 0.25, 0.5, 0.75, 0.95], [0.86, 0.08, 0.035, 0.02, 0.005]


def losses(n=400):
    rng = np.random.default_rng(0)
    return np.where(rng.random(n) < 0.6, 0.0, rng.beta(0.8, 6, n))


def report(n=400, **asked):
    given = {"limit": BootstrapT(), "support": (0, 1), "random_state": 0, **asked}
    return tail_report(losses(n), 0.95, **given)


def profile(k=4, n=400, **asked):
    rng = np.random.default_rng(1)
    scores = rng.choice(GRADES, p=SHARES, size=(n, k))
    group = rng.choice(["en", "de", NASTY], n, p=[0.7, 0.29, 0.01])
    given = {"groups": group, "limit": BootstrapT(), "risk_limit": 0.9, "random_state": 0, **asked}
    return risk_profile(scores, dimensions=[*"abcdefghijkl"[: k - 1], NASTY[:60]], **given)


def comparison(m=4):
    rng = np.random.default_rng(2)
    models = {f"model-{j}": rng.beta(0.2 + 0.2 * j, 4, 300) for j in range(m - 1)}
    return compare_models({**models, NASTY: rng.beta(0.9, 4, 300)}, 0.9, support=(0, 1), random_state=0)


def fit():
    return peaks_over_threshold(losses(), 0.95, support=(0, 1), n_resamples=0)


def backtest(scale=1.5, n=300):
    drawn = np.random.default_rng(3).standard_normal(n)
    return expected_shortfall_backtest(scale * drawn, 1.645, 2.063, 0.95)


PICTURES = {
    "loss tail": lambda: plot_loss_tail(report(risk_limit=0.6)),
    "loss tail, bare": lambda: plot_loss_tail(report(limit=None, extremes=False)),
    "loss tail, constant": lambda: plot_loss_tail(tail_report(np.full(30, 0.3), 0.9, limit=None)),
    "one loss": lambda: plot_loss_tail(tail_report([2.0], 0.5, limit=None)),
    "attribution": lambda: plot_attribution(profile().attribution),
    "attribution of log-risk": lambda: plot_attribution(profile().log_attribution),
    "twelve dimensions": lambda: plot_attribution(profile(12).attribution),
    "profile": lambda: plot_risk_profile(profile()),
    "profile, many dimensions": lambda: plot_risk_profile(profile(12)),
    "profile, bare": lambda: plot_risk_profile(profile(1, limit=None, risk_limit=None, groups=None)),
    "comparison": lambda: plot_comparison(comparison()),
    "many models": lambda: plot_comparison(comparison(25)),
    "thresholds": lambda: plot_threshold_stability(fit()),
    "alarm": lambda: plot_e_process(backtest()),
    "no alarm": lambda: plot_e_process(backtest(1.0)),
    "one period": lambda: plot_e_process(backtest(1.0, 1)),
}


def fits(figure):
    """Every text lies on the figure."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes:
        texts = [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        texts += [tick.label1 for tick in axes.yaxis.get_major_ticks() if _seen(axes.yaxis, tick)]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
        for text in texts:
            box = text.get_window_extent(renderer)
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
            if text.get_text() and text.get_visible() and not inside:
                return False
    return True


def _seen(axis, tick):
    low, high = sorted(axis.get_view_interval())
    return low <= tick.get_loc() <= high


def apart(figure):
    """The title stands above the key, and no two names of rows overlap."""
    figure.canvas.draw()
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    key = axes.get_legend()
    if key is not None and key.get_window_extent(renderer).y0 > axes.bbox.y1 - 1:
        assert axes._left_title.get_window_extent(renderer).y0 >= key.get_window_extent(renderer).y1 - 8
    boxes = [label.get_window_extent(renderer) for label in axes.get_yticklabels() if label.get_text()]
    spans = sorted((box.y0, box.y1) for box in boxes)
    return all(high <= low + 1 for (_, high), (low, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("name", PICTURES)
def test_text_stays_on_the_figure_and_apart(name):
    figure = PICTURES[name]()
    assert fits(figure)
    assert apart(figure)


def verticals(axes):
    """Numbers at which a vertical line crosses the axes, by their name in the key."""
    lines = [line for line in axes.lines if len(set(map(float, line.get_xdata()))) == 1]
    return {line.get_label().rpartition(" ")[0]: float(line.get_xdata()[0]) for line in lines}


def test_loss_tail_marks_its_numbers():
    found = report(risk_limit=0.6)
    marked = verticals(plot_loss_tail(found).axes[0])
    assert marked["CVaR"] == found.cvar
    assert marked["95 % limit of CVaR"] == found.interval.upper
    assert marked["risk limit"] == 0.6
    assert any(name.startswith("value at risk") and x == found.value_at_risk for name, x in marked.items())


def test_loss_tail_is_the_share_above():
    found = report(extremes=False)
    steps = next(line for line in plot_loss_tail(found).axes[0].lines if line.get_label() == "the sample")
    for x, y in steps.get_xydata()[1:-1]:
        assert y == pytest.approx((found.losses > x).mean(), abs=1e-9)


def test_weighted_losses_are_drawn_by_weight():
    sample, weights = losses(50), np.arange(50) % 3
    found = tail_report(sample, 0.9, sample_weight=weights, limit=None)
    steps = next(line for line in plot_loss_tail(found).axes[0].lines if line.get_label() == "the sample")
    for x, y in steps.get_xydata()[1:-1]:
        assert y == pytest.approx(weights[sample > x].sum() / weights.sum(), abs=1e-9)


def test_the_fitted_tail_is_that_of_the_report():
    found = report()
    curve = next(
        line for line in plot_loss_tail(found).axes[0].lines if line.get_label().startswith("generalised")
    )
    x, y = curve.get_data()
    assert np.interp(found.extremes.value_at_risk, x, y) == pytest.approx(0.05, rel=0.02)
    assert y[0] == pytest.approx(found.extremes.n_exceedances / found.extremes.n)


def bars(axes, y):
    return [
        bar
        for bar in axes.patches
        if hasattr(bar, "get_width") and bar.get_y() < y < bar.get_y() + bar.get_height()
    ]


def test_attribution_pieces_sum_to_cvar():
    found = profile().attribution
    axes = plot_attribution(found).axes[0]
    top = bars(axes, 0.0)
    assert sum(bar.get_width() for bar in top) == pytest.approx(found.total)
    assert [bar.get_width() for bar in top] == pytest.approx(found.parts[0].values.tolist())
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:4] == ["all", "a", "b", "c"]
    assert bars(axes, 1.0)[0].get_width() == pytest.approx(found.parts[0].values[0])


def test_attribution_shows_the_range_at_the_tie():
    found = profile().attribution
    part = found.parts[0]
    segments = [
        path.vertices for each in plot_attribution(found).axes[0].collections for path in each.get_paths()
    ]
    level = [v[:, 0].tolist() for v in segments if len(v) == 2 and v[0, 1] == v[1, 1] == 1.0]
    assert [float(part.lower[0]), float(part.upper[0])] in level


def test_more_dimensions_than_colours_are_summed_up():
    found = profile(12).attribution
    axes = plot_attribution(found).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[-1] == "others"
    assert sum(bar.get_width() for bar in bars(axes, 0.0)) == pytest.approx(found.total)


def test_profile_shows_the_limit_and_the_frechet_bounds():
    found = profile()
    axes = plot_risk_profile(found).axes[0]
    assert f"limit {found.interval.upper:.4g}" in axes._left_title.get_text()
    segments = [path.vertices for each in axes.collections for path in each.get_paths()]
    ends = [v[:, 0].tolist() for v in segments if len(v) == 2 and v[0, 1] == v[1, 1]]
    assert [found.cvar, found.interval.upper] in ends
    assert [found.frechet.cvar_lower, found.frechet.cvar_upper] in ends
    assert 0.9 in [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]


def test_models_stand_with_intervals_and_ranks():
    found = comparison()
    axes = plot_comparison(found).axes[0]
    models = sorted(found.models, key=lambda model: model.cvar)
    segments = [path.vertices for each in axes.collections for path in each.get_paths()]
    for y, model in enumerate(models):
        ends = [v[:, 0].tolist() for v in segments if len(v) == 2 and v[0, 1] == v[1, 1] == y]
        assert [model.lower, model.upper] in ends
        assert [model.value_at_risk, model.cvar] in ends
    ranks = [text.get_text() for text in axes.texts]
    assert len(ranks) == len(models)
    assert all(text.startswith("rank ") for text in ranks)
    filled = [
        line.get_ydata()[0]
        for line in axes.lines
        if line.get_marker() == "o" and line.get_markerfacecolor() == line.get_color()
    ]
    assert filled == [y for y, model in enumerate(models) if model.in_set]


def test_an_interval_without_an_end_reaches_the_edge():
    found = comparison(3)
    open_ended = replace(found.models[0], lower=-math.inf, upper=math.inf)
    axes = plot_comparison(replace(found, models=(open_ended, *found.models[1:]))).axes[0]
    assert all(map(math.isfinite, axes.get_xlim()))


def test_thresholds_are_those_of_the_table():
    found = fit()
    figure = plot_threshold_stability(found)
    shape, shortfall = figure.axes
    drawn = next(line for line in shape.lines if line.get_label() == "shape")
    assert drawn.get_xdata().tolist() == [
        row.threshold for row in found.thresholds if row.shape_error is not None
    ]
    assert found.threshold in verticals(shape).values()
    assert shortfall.get_xlabel() == "threshold"


def test_wealth_is_that_of_the_report():
    found = backtest()
    axes = plot_e_process(found).axes[0]
    wealth = next(line for line in axes.lines if line.get_label() == "wealth of the bet")
    assert wealth.get_ydata() == pytest.approx(np.exp(found.log_wealth))
    assert axes.get_yscale() == "log"
    assert found.alarm is not None
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"] == [found.alarm]
    assert "refuted" in axes._left_title.get_text()
    assert "not refuted" in plot_e_process(backtest(1.0)).axes[0]._left_title.get_text()


def test_enormous_wealth_is_drawn():
    found = backtest()
    figure = plot_e_process(replace(found, log_wealth=found.log_wealth * 1e4))
    assert fits(figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_loss_tail(report(), ax),
        lambda ax: plot_attribution(profile().attribution, ax),
        lambda ax: plot_risk_profile(profile(), ax),
        lambda ax: plot_comparison(comparison(), ax),
        lambda ax: plot_threshold_stability(fit(), ax),
        lambda ax: plot_e_process(backtest(), ax),
    ],
)
def test_axes_of_the_caller(draw):
    figure = Figure()
    FigureCanvasAgg(figure)
    first, second = figure.subplots(1, 2)
    assert draw(second) is figure
    assert len(figure.axes) == 2
    assert not first.lines
    assert second.lines or second.patches


def test_results_plot_themselves():
    for found in (report(), profile(), profile().attribution, fit(), backtest()):
        assert isinstance(found.plot(), Figure)


def test_importing_it_loads_no_matplotlib():
    program = "import sys, riskstats.plotting_tail; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
