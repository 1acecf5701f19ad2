"""Contrast pairs: a hand-counted table, matching of twins, clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from riskstats.evaluations.contrast import contrast_pairs, match_twins
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many

# 10 pairs: 4 both right, 3 only a false alarm, 1 only a miss, 2 both wrong
UNSAFE = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
SAFE = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1, 1])


def test_hand_counted():
    found = contrast_pairs(UNSAFE, SAFE)
    assert found.sensitivity.estimate == 0.7
    assert found.false_alarm.estimate == 0.5
    assert found.pair_accuracy.estimate == 0.4
    assert found.overreaction_gap == pytest.approx(0.2)
    table = (found.both_right, found.only_false_alarm, found.only_miss, found.both_wrong)
    assert table == (4, 3, 1, 2)
    assert found.n_pairs == 10
    assert found.p_value == pytest.approx(binomtest(1, 4).pvalue)
    exact = binomtest(7, 10).proportion_ci(0.95, "exact")
    assert (found.sensitivity.lower, found.sensitivity.upper) == pytest.approx((exact.low, exact.high))
    assert found.gap_lower <= found.overreaction_gap <= found.gap_upper


def test_gap_turns_with_the_twins():
    one, other = contrast_pairs(UNSAFE, SAFE), contrast_pairs(SAFE, UNSAFE)
    assert other.overreaction_gap == pytest.approx(-one.overreaction_gap)
    assert other.p_value == one.p_value


def test_gap_holds_with_clusters(rng):
    """Scenarios of 4 pairs with a chance of their own; the true gap is .2."""
    wrong = 0
    for _ in range(60):
        chance = rng.random((25, 1)) * 0.4
        unsafe, safe = rng.random((25, 4)) < chance, rng.random((25, 4)) < chance + 0.2
        found = contrast_pairs(unsafe.ravel(), safe.ravel(), cluster=np.repeat(np.arange(25), 4))
        wrong += not found.gap_lower <= 0.2 <= found.gap_upper
    assert not too_many(wrong, 60, 0.05)
    assert found.p_value is None
    assert found.sensitivity.n_units == 25


def test_twins_are_matched(rng):
    ids = np.repeat([f"p{i}" for i in range(10)], 2)
    twin = np.tile(["unsafe", "safe"], 10)
    losses = np.column_stack([UNSAFE, SAFE]).ravel()
    order = rng.permutation(20)
    unsafe, safe, names = match_twins(losses[order], ids[order], twin[order])
    place = np.array([int(name[1:]) for name in names])
    assert unsafe.tolist() == UNSAFE[place].tolist()
    assert safe.tolist() == SAFE[place].tolist()


@pytest.mark.parametrize(
    ("twin", "message"),
    [
        (["unsafe", "safe", "unsafe", "unsafe"], "pair 'q' has 2 unsafe items"),
        (["unsafe", "safe", "unsafe", "benign"], "must be 'unsafe' or 'safe'; got 'benign' at row 3"),
        (["unsafe"], "one word for each of 4 rows"),
    ],
)
def test_bad_twins(twin, message):
    with pytest.raises(InvalidInput, match=message):
        match_twins([0, 1, 0, 1], ["p", "p", "q", "q"], twin)


def test_messages():
    with pytest.raises(InvalidInput, match=r"`safe` must be 0 or 1; got 0\.5"):
        contrast_pairs([0, 1], [0, 0.5])
    with pytest.raises(InvalidInput, match="`unsafe` has 2, `safe` has 1"):
        contrast_pairs([0, 1], [0])


def test_exports():
    found = contrast_pairs(UNSAFE, SAFE)
    assert json.loads(json.dumps(found.to_dict()))["both_right"] == 4
    assert found.to_frame()["name"].tolist() == ["sensitivity", "false-alarm rate", "pair accuracy"]
    assert "overreaction gap (false alarms - misses): +0.2000" in str(found)
