"""Pictures: what they draw is what the result says, texts stay on the sheet, and no global state changes."""

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

from riskstats.bounds.result import RiskBound
from riskstats.control.result import CertifiedRisk, CertifiedSet
from riskstats.envelope import CDFEnvelope
from riskstats.plotting import plot_certified, plot_envelope, plot_risk_bound, plot_risk_bounds
from riskstats.results import Status

NASTY = "$x_1 \\frac$ \n\x1b[31m prompt " + "very " * 20 + "long"


def envelope(n=50, *, sides="both", support=(0.0, 1.0), scale=1.0):
    atoms = scale * np.sort(np.random.default_rng(n).beta(2, 5, n))
    radius = math.sqrt(math.log(20) / (2 * n))
    steps = np.arange(1, n + 1) / n
    return CDFEnvelope(
        atoms=atoms,
        lower=None if sides == "upper" else np.maximum(steps - radius, 0.0),
        upper=None if sides == "lower" else np.minimum(steps - 1 / n + radius, 1.0),
        support=support,
        confidence_level=0.95,
        band="DKW",
    )


def bound(value=0.4, estimate=0.3, **changes):
    given = RiskBound(value, estimate, "upper", "CVaR(0.9)", "BerkJones()", 0.95, 500, (0.0, 1.0))
    return replace(given, **changes)


def certified_set(m=5, limit=0.3, **changes):
    rng = np.random.default_rng(m)
    estimates = rng.beta(4, 10, m)
    upper = estimates + 0.1
    certified = tuple(np.flatnonzero(upper <= limit).tolist())
    given = CertifiedSet(
        certified=certified,
        selected=min(certified, key=lambda i: estimates[i]) if certified else None,
        p_values=np.where(upper <= limit, 0.001, 0.5),
        upper_bounds=upper,
        estimates=estimates,
        risk_limit=limit,
        procedure="holm",
        measure="CVaR(0.9)",
        bound="BerkJones()",
        confidence_level=0.95,
        n_units=1000,
        support=(0.0, 1.0),
        names=tuple(f"prompt-{i}" for i in range(m)),
        status=Status.CERTIFIED if certified else Status.NOT_CERTIFIED,
    )
    return replace(given, **changes)


def fits(figure: Figure) -> bool:
    """Every text lies on the figure."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    axes = figure.axes[0]
    texts = [*figure.texts, *axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    texts += axes.get_legend().get_texts() if axes.get_legend() else []
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text() and text.get_visible()]
    return all(
        box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1 for box in boxes
    )


def labels_apart(figure: Figure) -> bool:
    """No two labels of candidates overlap."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in figure.axes[0].get_yticklabels()]
    tops = sorted((box.y0, box.y1) for box in boxes)
    return all(high <= next_low + 0.5 for (_, high), (next_low, _) in itertools.pairwise(tops))


def marks(figure: Figure, marker: str):
    return [line for line in figure.axes[0].lines if line.get_marker() == marker]


PICTURES = {
    "band": lambda: plot_envelope(envelope()),
    "one side": lambda: plot_envelope(envelope(sides="upper")),
    "one unit": lambda: plot_envelope(envelope(1, sides="lower")),
    "no top": lambda: plot_envelope(envelope(support=(0.0, math.inf), scale=1e4), marks={NASTY[:30]: 2e3}),
    "bound": lambda: plot_risk_bound(bound()),
    "lower bound": lambda: plot_risk_bound(bound(0.1, side="lower")),
    "bound at the top": lambda: plot_risk_bound(bound(1.0, 0.999)),
    "bound at the bottom": lambda: plot_risk_bound(bound(0.0, 0.0, side="lower")),
    "no bound": lambda: plot_risk_bound(bound(math.inf, status=Status.NO_BOUND, support=(0.0, math.inf))),
    "many bounds": lambda: plot_risk_bounds([bound(), bound(0.2, 0.1), bound(0.9, 0.5)], ["a", "b", NASTY]),
    "one candidate": lambda: plot_certified(certified_set(1)),
    "three": lambda: plot_certified(certified_set(3)),
    "nasty": lambda: plot_certified(certified_set(2, names=("a", NASTY))),
    "none certified": lambda: plot_certified(certified_set(5, limit=0.01)),
    "hundred": lambda: plot_certified(certified_set(100)),
    "many": lambda: plot_certified(certified_set(230)),
    "infinite": lambda: plot_certified(
        certified_set(2, upper_bounds=np.array([0.4, math.inf]), support=(0.0, math.inf))
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_text_stays_on_the_figure(name):
    assert fits(PICTURES[name]())


@pytest.mark.parametrize("m", [3, 12, 40, 100])
def test_labels_of_candidates_are_apart(m):
    assert labels_apart(plot_certified(certified_set(m)))


def test_the_steps_are_the_sample_and_the_edges():
    band = envelope(20)
    axes = plot_envelope(band).axes[0]
    lower, upper, sample = (line.get_xydata() for line in axes.lines)
    assert np.array_equal(lower[1:-1], np.column_stack([band.atoms, band.lower]))
    assert np.array_equal(sample[1:-1], np.column_stack([band.atoms, np.arange(1, 21) / 20]))
    assert np.array_equal(upper[:-2, 1], band.upper)
    assert np.array_equal(upper[1:-1, 0], band.atoms)
    assert lower[0, 1] == sample[0, 1] == 0.0


def test_a_thinned_band_never_understates():
    """Of many steps some are drawn: the lower edge not above the true one, the upper not below."""
    band = envelope(5000)
    axes = plot_envelope(band).axes[0]
    lower, upper = (line.get_xydata() for line in axes.lines[:2])
    assert len(lower) <= 2002
    middle = (band.atoms[:-1] + band.atoms[1:]) / 2
    at = np.searchsorted(lower[:, 0], middle, "right") - 1
    assert (lower[at, 1] <= band.lower[:-1]).all()
    assert (upper[at, 1] >= band.upper[1:]).all()


@pytest.mark.parametrize(
    ("levels", "words"),
    [((0.0, 1.0), "n = 50"), ((0.9, 1.0), "n = 50, levels 0.9 to 1"), ((0.9, 0.9), "n = 50, level 0.9")],
)
def test_the_title_says_what_the_band_is_calibrated_for(levels, words):
    axes = plot_envelope(replace(envelope(sides="lower"), levels=levels)).axes[0]
    assert axes._left_title.get_text() == f"95 % lower band: DKW, {words}"


def test_marks_are_drawn_and_named():
    axes = plot_envelope(envelope(), marks={"estimate": 0.25, "bound": math.inf}).axes[0]
    assert [line.get_xdata()[0] for line in axes.lines[3:]] == [0.25]
    assert "estimate 0.25" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_bound_stands_where_it_is():
    axes = plot_risk_bound(bound(0.42, 0.31)).axes[0]
    assert axes.lines[0].get_xdata() == [0.31]
    words = {text.get_text(): text.xy[0] for text in axes.texts}
    assert words == {"estimate 0.31": 0.31, "at most 0.42": 0.42}
    low = plot_risk_bound(bound(0.1, 0.3, side="lower")).axes[0]
    assert "at least 0.1" in [text.get_text() for text in low.texts]


def test_candidates_are_sorted_and_marked_by_shape():
    found = certified_set(12, limit=0.36)
    figure = plot_certified(found)
    axes = figure.axes[0]
    order = np.argsort(found.estimates)
    assert [label.get_text() for label in axes.get_yticklabels()] == [found.names[i] for i in order]
    selected = marks(figure, "D")
    certified = [line for line in marks(figure, "o") if line.get_markerfacecolor() == line.get_color()]
    others = [line for line in marks(figure, "o") if line.get_markerfacecolor() != line.get_color()]
    assert [line.get_xdata()[0] for line in selected] == [found.estimates[found.selected]]
    assert len(certified) == len(found.certified) - 1 > 0
    assert len(others) == 12 - len(found.certified) > 0
    ends = sorted(line.get_xdata()[0] for line in marks(figure, "|"))
    assert ends == sorted(found.upper_bounds.tolist())
    limits = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert limits[0].get_xdata()[0] == 0.36
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["selected", "certified", "not certified", "limit 0.36"]


def test_what_is_not_shown_is_said():
    found = certified_set(230, limit=0.6)
    worst = max(found.certified, key=lambda i: found.estimates[i])
    axes = plot_certified(replace(found, selected=worst)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == 100
    assert names[-1] == found.names[worst]
    assert (
        f"130 more candidates not shown, {len(found.certified) - 100} of them certified" in axes.get_xlabel()
    )


def test_several_requirements_are_all_in_the_title():
    found = certified_set(3)
    risks = [
        CertifiedRisk(name, "", limit, found.p_values, found.estimates, found.upper_bounds, 10, (0.0, 1.0))
        for name, limit in (("Mean", 0.1), ("CVaR(0.9)", 0.3))
    ]
    axes = plot_certified(replace(found, risks=tuple(risks))).axes[0]
    assert "Mean ≤ 0.1 and CVaR(0.9) ≤ 0.3" in axes._left_title.get_text()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_envelope(envelope(), ax),
        lambda ax: plot_risk_bound(bound(), ax),
        lambda ax: plot_certified(certified_set(), ax),
        lambda ax: bound().plot(ax),
    ],
)
def test_axes_of_the_caller(draw):
    figure = Figure()
    FigureCanvasAgg(figure)
    first, second = figure.subplots(1, 2)
    assert draw(second) is figure
    assert not first.lines
    assert second.lines


def test_results_plot_themselves():
    assert isinstance(bound().plot(), Figure)
    assert isinstance(certified_set().plot(), Figure)
    assert isinstance(envelope().plot(), Figure)


def test_no_global_setting_changes_and_pyplot_is_not_needed():
    program = (
        "import sys, numpy, matplotlib; before = dict(matplotlib.rcParams)\n"
        "from riskstats.envelope import CDFEnvelope\n"
        "from riskstats.plotting import plot_envelope\n"
        "band = CDFEnvelope(numpy.array([0.1]), numpy.array([0.05]), None, (0.0, 1.0), 0.95)\n"
        "plot_envelope(band).savefig('/dev/null', format='png')\n"
        "assert dict(matplotlib.rcParams) == before; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_it_loads_no_matplotlib():
    program = "import sys, riskstats.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
