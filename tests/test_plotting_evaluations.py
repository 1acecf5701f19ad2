"""Pictures of evaluations: they draw what the result says, with any names."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from riskstats.evaluations.attacks import attack_matrix
from riskstats.evaluations.paired import paired_comparison
from riskstats.evaluations.pooled import pooled_rates
from riskstats.evaluations.rates import rate_interval
from riskstats.evaluations.traces import kaplan_meier, trace_summary
from riskstats.evaluations.zones import zone
from riskstats.exceptions import InvalidInput
from riskstats.plotting_evaluations import plot_differences, plot_survival, plot_zones

NASTY = "$x_1 \\frac$ \n " + "very " * 20 + "long"


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_rates_are_sorted_and_the_limit_is_drawn(rng):
    category = rng.choice(["a", "b", NASTY], 300)
    losses = rng.random(300) < np.where(category == "b", 0.4, 0.1)
    found = rate_interval(losses, category=category, risk_limit=0.3, side="upper")
    figure = found.plot()
    assert labels(figure)[:2] == ["all", "b"]
    key = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert key == ["below the limit, limits", "not shown to be, limits", "limit"]
    assert isinstance(rate_interval(losses).plot(), Figure)


def test_many_categories_say_how_many_are_hidden(rng):
    category = np.repeat(np.arange(70), 5)
    figure = rate_interval(rng.random(350) < 0.3, category=category).plot()
    assert len(labels(figure)) == 61
    assert "10 categories with smaller limits not drawn" in figure.axes[0].get_xlabel()
    pooled = pooled_rates(rng.random(350) < 0.3, category).plot()
    assert "10 categories with smaller rates not drawn" in pooled.axes[0].get_xlabel()


def test_differences(rng):
    losses = (rng.random((3, 200)) < np.array([[0.1], [0.1], [0.5]])) * 1.0
    found = paired_comparison(
        losses, names=["a", "b", NASTY], category=rng.choice(["x", "y"], 200), resamples=99
    )
    assert labels(found.plot())[0] == "a - b"
    assert ", x: " in plot_differences(found, category="x").axes[0].get_title(loc="left")
    with pytest.raises(InvalidInput, match="`category` must be one of 'all', 'x', 'y'; got 'z'"):
        plot_differences(found, category="z")


def test_zones_say_their_verdict():
    one, other = zone(0.1, (0.0, 0.15), 0.2, 0.5), zone(0.3, (None, 0.6), 0.2, 0.5)
    figure = plot_zones({"cyber": one, NASTY: other})
    told = [text.get_text() for text in figure.axes[0].texts]
    assert told == ["green", "cannot rule out red"]
    assert one.plot().axes[0].get_title(loc="left") == "green"
    with pytest.raises(InvalidInput, match="`zones` is empty"):
        plot_zones({})


def test_attacks_are_ordered_by_the_first_direction(rng):
    matrix = np.outer(np.linspace(0.1, 0.9, 6), [0.4, 1.0, 0.7])
    figure = attack_matrix(matrix, attacks=["low", "high", NASTY], permutations=19).plot()
    assert labels(figure)[0] == "s6"
    assert figure.axes[0].get_xticklabels()[0].get_text().startswith("high (+1.00)")
    assert len(figure.axes[0].texts) == 18


def test_survival(rng):
    losses, item, chunk = rng.random(60), np.repeat(np.arange(12), 5), np.tile(np.arange(1, 6), 12)
    figure = trace_summary(losses, item, chunk, threshold=0.8).plot()
    assert figure.axes[0].get_xlabel() == "chunk"
    assert "a loss of 0.8 or more" in figure.axes[0].get_title(loc="left")
    none = plot_survival(kaplan_meier([1.0, 2.0], [False, False]))
    assert none.axes[0].get_title(loc="left") == "No event in 2 items"


def test_axes_of_the_caller_are_used(rng):
    figure = Figure()
    axes = figure.add_subplot()
    assert rate_interval(rng.random(20) < 0.5).plot(axes) is figure
