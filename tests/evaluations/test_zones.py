"""Zones: every verdict, and how often green is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from riskstats.evaluations.proportions import proportion_interval
from riskstats.evaluations.rate_methods import RateSample
from riskstats.evaluations.zones import zone
from riskstats.exceptions import InvalidInput
from tests.evaluations.clustered import clustered
from tests.theorems.laws import too_many


@pytest.mark.parametrize(
    ("lower", "upper", "verdict", "possible"),
    [
        (0.1, 0.19, "green", ("green",)),
        (0.1, 0.2, "cannot rule out yellow", ("green", "yellow")),
        (0.2, 0.5, "yellow", ("yellow",)),
        (0.3, 0.4, "yellow", ("yellow",)),
        (0.1, 0.6, "cannot rule out red", ("green", "yellow", "red")),
        (0.3, 0.51, "cannot rule out red", ("yellow", "red")),
        (0.5, 0.6, "cannot rule out red", ("yellow", "red")),
        (0.51, 0.6, "red", ("red",)),
        (None, 0.1, "green", ("green",)),
        (0.7, None, "red", ("red",)),
        (None, None, "cannot rule out red", ("green", "yellow", "red")),
    ],
)
def test_verdicts(lower, upper, verdict, possible):
    middle = (0.0 if lower is None else lower, 1.0 if upper is None else upper)
    found = zone(sum(middle) / 2, (lower, upper), 0.2, 0.5)
    assert found.verdict == verdict
    assert found.possible == possible
    assert found.zone == (verdict if verdict in ("green", "yellow", "red") else None)


@pytest.mark.parametrize("rate", [0.2, 0.25, 0.5])
def test_wrong_green_is_rare(rate):
    """Exactly, over the binomial law of the count, at and above the yellow line."""
    from scipy.stats import binom

    n, green = 80, 0.0
    for k in range(n + 1):
        found = proportion_interval(k, n, side="upper")
        green += binom.pmf(k, n, rate) * (zone(k / n, (0.0, found.upper), 0.2, 0.6).verdict == "green")
    assert green <= 0.05
    assert rate > 0.2 or green > 0.02


def test_wrong_verdicts_are_rare_with_clusters(rng):
    """At the yellow line green is wrong; at the red line red is wrong."""
    wrong = {"green": 0, "red": 0}
    for verdict, rate in (("green", 0.1), ("red", 0.3)):
        for _ in range(100):
            sample = RateSample(*clustered(rng, 40, 6, rate, 0.2), None, "betting")
            limits = sample.lower(0.025), sample.upper(0.025)
            wrong[verdict] += zone(sample.estimate, limits, 0.1, 0.3).verdict == verdict
    assert not too_many(max(wrong.values()), 100, 0.025)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, (0.0, 0.2), 0.5, 0.2), "`yellow` must be below `red`"),
        ((0.3, (0.0, 0.2), 0.2, 0.5), "must lie between its limits"),
        ((0.1, (0.2, 0.0), 0.2, 0.5), "lower <= upper"),
        ((0.1, (np.nan, 0.2), 0.2, 0.5), "without NaN"),
        ((np.nan, (0.0, 0.2), 0.2, 0.5), "`estimate` must be a finite number"),
        ((0.1, 0.2, 0.2, 0.5), r"`limits` must be \(lower, upper\)"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        zone(*arguments)


def test_exports():
    found = zone(0.1, (0.0, 0.3), 0.2, 0.5)
    assert json.loads(json.dumps(found.to_dict()))["worst"] == "yellow"
    assert str(found).startswith("cannot rule out yellow: 0.1 [0, 0.3]")
    assert len(found.to_frame()) == 1
