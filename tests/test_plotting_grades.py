"""Pictures of grades, probes and ratings: they draw what the results say, and texts stay on the sheet."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from riskstats.exceptions import InvalidInput
from riskstats.harm.grades import grade
from riskstats.harm.owasp import owasp_rating
from riskstats.harm.probes import linear_probe
from riskstats.plotting_grades import plot_grades, plot_owasp, plot_probes

NASTY = "$x_1 \\frac$ \n\x1b[31m model " + "very " * 20 + "long"


def graded(unsafe):
    return grade(unsafe, 1000, reference_unsafe=150, reference_total=1000)


def probed(layers):
    rng = np.random.default_rng(0)
    severity = rng.integers(1, 6, 60)
    states = rng.normal(size=(layers, 60, 10))
    states[layers // 2] += 1.5 * (severity - 3)[:, np.newaxis] * rng.normal(size=10)
    targets = {"severity": severity, NASTY: rng.normal(size=60)}
    return linear_probe(states, targets, n_controls=39, random_state=0)


def texts(figure):
    found = []
    for axes in figure.axes:
        key = axes.get_legend()
        found += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        found += [*axes.get_xticklabels(), *axes.get_yticklabels(), *(key.get_texts() if key else [])]
    return [text for text in found if text.get_text() and text.get_visible()]


PICTURES = {
    "grades": lambda: plot_grades({"a": graded(40), "b": graded(82), NASTY: graded(225)}),
    "one grade": lambda: graded(430).plot(),
    "layers": lambda: probed(5).plot(),
    "one layer": lambda: probed(1).plot(),
    "owasp": lambda: owasp_rating([(2, 6)] * 8, [(4, 5, 9)] * 4).plot(),
    "stakeholders": lambda: owasp_rating([5] * 8, business={"users": [4] * 4, NASTY: [8] * 4}).plot(),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_texts_stay_on_the_sheet(kind):
    figure = PICTURES[kind]()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    for text in texts(figure):
        box = text.get_window_extent()
        assert box.x0 >= -1, text.get_text()
        assert box.x1 <= width + 1, text.get_text()
        assert box.y0 >= -1, text.get_text()
        assert box.y1 <= height + 1, text.get_text()
        assert "\x1b" not in text.get_text()


def test_bars_are_the_probabilities():
    found = {"a": graded(40), "b": graded(82)}
    axes = plot_grades(found).axes[0]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(2, 5)
    assert widths == pytest.approx(np.array([[*each.probabilities.values()] for each in found.values()]))
    written = [text.get_text() for text in axes.texts]
    assert "Very Good, certain" in written
    assert "Good ?" in written
    assert "scale ailuminate 1.0" in axes._left_title.get_text()
    with pytest.raises(InvalidInput, match="`grades` is empty"):
        plot_grades({})


def test_cells_are_the_selectivities_and_dots_what_is_decodable():
    report = probed(5)
    axes = plot_probes(report).axes[0]
    table = np.array([target.selectivity for target in report.targets])
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(table)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert 2 in dots[0].get_xdata()
    assert len(dots[1].get_xdata()) == 0


def test_one_layer_shows_intervals_and_controls():
    report = probed(1)
    axes = plot_probes(report).axes[0]
    assert any("p = " in text.get_text() for text in axes.texts)
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert points == pytest.approx([target.selectivity[0] for target in report.targets])


def test_the_matrix_holds_the_ranges():
    rating = owasp_rating([(2, 6)] * 8, [4] * 4)
    axes = plot_owasp(rating).axes[0]
    box = axes.patches[-1]
    assert (box.get_x(), box.get_width(), box.get_y(), box.get_height()) == (2, 4, 4, 0)
    assert "reachable Low or Medium or High" in axes.get_legend().get_texts()[0].get_text()


def test_own_axes_are_used():
    figure = Figure()
    axes = figure.add_subplot()
    assert graded(40).plot(axes) is figure
    assert owasp_rating([5] * 8, [4] * 4).plot(figure.add_subplot()) is figure
