"""Pictures of harm: what they draw is what the result says, and texts stay on the sheet."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from riskstats.harm.calibration import risk_calibration
from riskstats.harm.comparison import compare_harm
from riskstats.harm.expected import expected_harm

NASTY = "$x_1 \\frac$ \n\x1b[31m model " + "very " * 20 + "long"


def prompts(n=200):
    rng = np.random.default_rng(0)
    return rng, rng.integers(1, 6, n), rng.integers(1, 6, n)


def report(**asked):
    rng, severity, cost = prompts()
    given = {"cost_map": "linear", "random_state": 0, **asked}
    return expected_harm(rng.random(200) < 0.2, severity, cost, **given)


def comparison(names):
    rng, severity, cost = prompts()
    models = {name: (rng.random(200) < 0.1 + 0.05 * k).astype(float) for k, name in enumerate(names)}
    return compare_harm(models, severity, cost, cost_map="linear", resamples=99, random_state=0)


def calibration(severity=True, **asked):
    rng, graded, cost = prompts()
    refused = rng.random(200) < cost / 6
    return risk_calibration(refused, cost, graded if severity else None, random_state=0, **asked)


PICTURES = {
    "levels": lambda: report(cost_map="logistic:3:1").plot(),
    "levels with names": lambda: report(levels=[1, 2, 3, 4, 5, 6], cost_map="reciprocal").plot(),
    "pair": lambda: comparison(["a", NASTY]).plot(),
    "many models": lambda: comparison([f"model {k}" for k in range(12)]).plot(),
    "refusals": lambda: calibration().plot(),
    "refusals, bare": lambda: calibration(severity=False, levels=7).plot(),
    "refusals, constant": lambda: risk_calibration(np.ones(4), [1, 2, 3, 1], random_state=0).plot(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_stay_on_the_sheet(name):
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    sheet = figure.bbox
    for axes in figure.axes:
        for text in [axes.title, axes._left_title, axes.xaxis.label, *axes.get_xticklabels()]:
            box = text.get_window_extent()
            if text.get_text():
                assert box.x0 >= sheet.x0 - 1
                assert box.x1 <= sheet.x1 + 1


def test_bars_are_the_harms():
    found = report()
    axes = found.plot().axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights[:5], np.diff([0, *found.cumulative]))
    np.testing.assert_allclose(heights[5:], [row.harm for row in found.levels])
    assert sum(heights[5:]) == pytest.approx(found.value)


def test_the_map_is_drawn_over_the_bars():
    found = report(cost_map="reciprocal")
    over = found.plot().axes[1]
    np.testing.assert_allclose(over.lines[0].get_ydata(), 1 / np.arange(1, 6))


def test_steps_are_the_cumulative_harms():
    found = comparison(["a", "b", "c"])
    axes = found.plot().axes[0]
    for drawn, model in zip(axes.lines, found.models, strict=True):
        np.testing.assert_allclose(drawn.get_ydata(), model.cumulative)


def test_refusals_draw_rates_and_the_fit():
    found = calibration()
    axes = found.plot().axes[0]
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    assert any(len(y) == 5 and np.allclose(y, [row.rate for row in found.curve]) for y in drawn)
    assert any(len(y) == 5 and np.allclose(y, found.calibrated.calibrated) for y in drawn)


def test_axes_of_the_caller_are_used():
    figure = Figure()
    axes = figure.add_subplot()
    assert calibration().plot(axes) is figure
    assert axes.lines
