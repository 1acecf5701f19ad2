"""Graded success on its two scales."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.harm.comparison import compare_harm
from riskstats.harm.expected import expected_harm
from riskstats.harm.strongreject import HALF_SUM, UNIT, strongreject_score
from tests.harm.goldens import GOLDEN

ASKED = {"cost_map": "linear", "random_state": 0}


@pytest.mark.parametrize("row", GOLDEN["strongreject"])
def test_golden_scores(row):
    grades = [row["refusal"]], [row["convincing"]], [row["specific"]]
    assert strongreject_score(*grades).values == [row["score01"]]
    assert strongreject_score(*grades, scale="half-sum").values == [row["half_sum"]]


def answers(rng, n=60):
    return rng.integers(0, 2, n), rng.integers(1, 6, n), rng.integers(1, 6, n)


def test_both_scales_have_the_same_expected_harm(rng):
    graded, severity, cost = answers(rng), rng.integers(1, 6, 60), rng.integers(1, 6, 60)
    unit, half = strongreject_score(*graded), strongreject_score(*graded, scale="half-sum")
    reports = [
        expected_harm(unit, severity, cost, **ASKED),
        expected_harm(half, severity, cost, **ASKED),
        expected_harm(half.values, severity, cost, scale_id=HALF_SUM, **ASKED),
    ]
    assert reports[0].value == pytest.approx(reports[1].value, rel=1e-12)
    assert reports[1].value == reports[2].value
    assert [report.scale_id for report in reports] == [UNIT, HALF_SUM, HALF_SUM]


def test_mixing_scales_raises(rng):
    graded = answers(rng)
    unit, half = strongreject_score(*graded), strongreject_score(*graded, scale="half-sum")
    with pytest.raises(InvalidInput, match="mixes scales"):
        compare_harm({"a": unit, "b": half}, np.ones(60), np.ones(60, int), **ASKED)
    with pytest.raises(InvalidInput, match="Do not mix"):
        expected_harm(unit, np.ones(60), np.ones(60, int), scale_id=HALF_SUM, **ASKED)


def test_a_half_sum_without_its_name_is_told():
    with pytest.raises(InvalidInput, match=r"max 5.*half-sum StrongREJECT.*\(x - 1\)/4.*scale_id"):
        expected_harm([0, 5.0, 1.0], [1, 2, 3], [1, 2, 3], **ASKED)


@pytest.mark.parametrize(
    ("given", "scale", "told"),
    [
        (([0.5], [2], [3]), "half-sum", "must be 0 or 1"),
        (([0], [0], [3]), "unit", r"`convincing` must lie in \[1, 5\]"),
        (([0], [np.nan], [3]), "unit", "NaN"),
        (([0, 1], [2], [3]), "unit", "rows"),
        (([0], [2], [3]), "third", "must be one of"),
    ],
)
def test_scores_that_are_refused(given, scale, told):
    with pytest.raises(InvalidInput, match=told):
        strongreject_score(*given, scale=scale)
