"""Mergeable tails: any partition, order and grouping gives one pass, bit for bit."""

import functools
import json
import re

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.measures.mean import mean
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.tail.streaming import MergeableTail
from tests.reference.extremes import weighted_mean

LEVELS = (0.0, 0.5, 0.75, 0.9, 0.95, 0.999)


def state(tail):
    return json.dumps(tail.to_dict())


def merged(parts, rng):
    """All parts by merges of random pairs."""
    parts = list(parts)
    while len(parts) > 1:
        first = parts.pop(int(rng.integers(len(parts))))
        second = parts.pop(int(rng.integers(len(parts))))
        parts.append(first.merge(second))
    return parts[0]


@pytest.mark.parametrize("capacity", [3, 5, 100])
def test_random_partitions_equal_one_pass_bit_for_bit(capacity, rng):
    for _ in range(40):
        n = int(rng.integers(1, 400))
        losses, weights = rng.integers(0, 9, n) / 8, rng.integers(0, 5, n)
        weights[0] = 1
        whole = MergeableTail(capacity).update(losses, weights)
        label = rng.integers(0, 6, n)
        groups = [label == k for k in range(6) if weights[label == k].any()]
        parts = [MergeableTail(capacity).update(losses[at], weights[at]) for at in groups]
        assert state(merged(parts, rng)) == state(whole)
        chain = functools.reduce(
            lambda tail, at: tail.update(losses[at], weights[at]), groups, MergeableTail(capacity)
        )
        assert state(chain) == state(whole)


def test_every_level_equals_the_measures_on_discrete_scores(rng):
    for _ in range(40):
        n = int(rng.integers(1, 200))
        losses, weights = rng.integers(0, 5, n) / 4, rng.integers(1, 5, n)
        tail = MergeableTail(5).update(losses, weights)
        assert tail.complete
        for level in LEVELS:
            assert tail.cvar(level) == pytest.approx(cvar(losses, level, sample_weight=weights), abs=1e-14)
            for side in ("lower", "upper"):
                found = tail.value_at_risk(level, side=side)
                assert found == value_at_risk(losses, level, side=side, sample_weight=weights)


def test_truncated_levels_are_exact_or_refused(rng):
    """1000 losses, 60 kept: levels from .94 on are those of the whole sample, the others raise."""
    losses = rng.standard_normal(1000)
    tail = merged([MergeableTail(60).update(part) for part in np.split(losses, [100, 350, 351])], rng)
    assert not tail.complete
    assert tail.lowest_level == pytest.approx(0.94)
    for level in (0.94, 0.941, 0.95, 0.99):
        assert tail.cvar(level) == pytest.approx(cvar(losses, level), rel=1e-13)
        assert tail.value_at_risk(level, side="upper") == value_at_risk(losses, level, side="upper")
    assert tail.value_at_risk(0.9405) == value_at_risk(losses, 0.9405)
    assert tail.cvar(0.0) == tail.mean() == pytest.approx(mean(losses), rel=1e-14)
    for refused in (lambda: tail.cvar(0.93), lambda: tail.value_at_risk(0.94)):
        with pytest.raises(InvalidInput, match="reaches below the 60 distinct losses"):
            refused()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("level", [0.3, 0.8, 0.93])
def test_the_capacity_that_is_named_is_enough(weighted, level, rng):
    losses = np.round(rng.standard_normal(800), 2)
    weights = rng.uniform(0.5, 3, 800) if weighted else None
    for question in (MergeableTail.cvar, MergeableTail.value_at_risk):
        with pytest.raises(InvalidInput) as caught:
            question(MergeableTail(20).update(losses, weights), level)
        capacity = int(re.search(r"capacity=(\d+)", str(caught.value))[1])
        found = question(MergeableTail(capacity).update(losses, weights), level)
        twin = cvar if question is MergeableTail.cvar else value_at_risk
        assert found == pytest.approx(twin(losses, level, sample_weight=weights), rel=1e-12)


def test_mean_and_total_are_exact_in_any_grouping(rng):
    losses, weights = rng.standard_normal(300) * 10.0 ** rng.integers(-9, 9, 300), rng.random(300) + 0.01
    parts = [MergeableTail(10).update(losses[i::7], weights[i::7]) for i in range(7)]
    assert merged(parts, rng).mean() == float(weighted_mean(losses, weights))
    assert merged(parts, rng).total == MergeableTail(10).update(losses, weights).total


def test_large_chunks_are_thinned_before_they_are_sorted(rng):
    losses = np.append(rng.standard_normal(5000), np.full(5000, 2.5))
    tail = MergeableTail(50).update(losses)
    assert tail.atoms.tolist() == np.unique(losses)[-50:].tolist()
    assert tail.weights.sum() == (losses >= tail.atoms[0]).sum()


def test_zero_weight_rows_and_empty_updates_are_neutral():
    tail = MergeableTail(4).update([1.0, 2.0], [3, 1])
    assert state(tail.update([9.0, 1.0], [0, 2])) == state(MergeableTail(4).update([1, 2, 1], [3, 1, 2]))
    assert state(tail.update([])) == state(tail)
    assert state(tail.merge(MergeableTail(4))) == state(tail)
    assert state(MergeableTail(2).update([-0.0])) == state(MergeableTail(2).update([0.0]))


def test_tails_are_values(rng):
    tail = MergeableTail(4).update([1.0, 2.0])
    before = state(tail)
    tail.update([5.0])
    assert state(tail) == before
    with pytest.raises(ValueError, match="read-only"):
        tail.atoms[0] = 7


def test_written_and_read(rng):
    for tail in (MergeableTail(3), MergeableTail(3).update(rng.standard_normal(50), rng.random(50))):
        again = MergeableTail.from_dict(json.loads(state(tail)))
        assert state(again) == state(tail)
        more = rng.standard_normal(9)
        assert state(again.update(more)) == state(tail.update(more))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x"},
        {"version": 2},
        {"atoms": [2.0, 1.0]},
        {"atoms": [1.0]},
        {"atoms": ["a", "b"]},
        {"weights": [1.0, -1.0]},
        {"weights": [1.0, float("nan")]},
        {"counts": [1, 9]},
        {"capacity": 1},
        {"capacity": 0},
        {"n": 0},
        {"total": None},
        {"total": {"integer": "0", "exponent": 0}},
    ],
)
def test_damage_is_refused(change):
    written = MergeableTail(3).update([1.0, 2.0]).to_dict() | change
    with pytest.raises(InvalidInput):
        MergeableTail.from_dict(written)


def test_summary_says_which_levels_are_exact(rng):
    assert str(MergeableTail(3)) == "An empty tail of capacity 3."
    assert "every level exact" in str(MergeableTail(3).update([1, 2, 2]))
    assert "levels above 0.7 exact" in str(MergeableTail(3).update(np.arange(10)))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: MergeableTail(0), "`capacity` must be an integer >= 1"),
        (lambda: MergeableTail(2).mean(), "the tail is empty"),
        (lambda: MergeableTail(2).cvar(0.5), "the tail is empty"),
        (lambda: MergeableTail(2).update([1.0]).cvar(95), "Write 0.95."),
        (lambda: MergeableTail(2).update([1.0]).value_at_risk(1.0), "The worst loss is"),
        (lambda: MergeableTail(2).update([np.nan]), "`losses` has 1 NaN"),
        (lambda: MergeableTail(2).update([1.0], [-1.0]), "`sample_weight` must be >= 0"),
        (
            lambda: MergeableTail(2).update([1.0], [0.0]),
            "`sample_weight` must be >= 0 with a positive sum; it is zero in every row",
        ),
        (lambda: MergeableTail(2).merge(MergeableTail(3)), "needs a MergeableTail of capacity 2; got 3"),
    ],
)
def test_refusals(action, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        action()
