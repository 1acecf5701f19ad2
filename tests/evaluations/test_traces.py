"""Traces: time to the first unsafe chunk, the product limit against its twin, clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from riskstats.evaluations.traces import kaplan_meier, trace_summary
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many

ITEM = np.array(list("aaabbbbcc"))
CHUNK = np.array([1, 2, 3, 1, 2, 3, 4, 5, 6])
LOSS = np.array([0.1, 0.6, 0.2, 0.0, 0.0, 0.3, 0.5, 0.1, 0.2])


def test_by_hand():
    found = trace_summary(LOSS, ITEM, CHUNK)
    assert found.items == ("a", "b", "c")
    assert found.item_maximum.tolist() == [0.6, 0.5, 0.2]
    assert found.item_mean == pytest.approx([0.3, 0.2, 0.15])
    assert found.first_unsafe.tolist()[:2] == [2.0, 4.0]
    assert np.isnan(found.first_unsafe[2])
    assert found.last_chunk.tolist() == [3, 4, 6]
    assert found.ever_unsafe.estimate == pytest.approx(2 / 3)
    assert found.maximum.estimate == pytest.approx(1.3 / 3)
    assert found.survival.times.tolist() == [2.0, 4.0]
    assert found.survival.survival == pytest.approx([2 / 3, 1 / 3])
    assert found.survival.median == 4.0
    assert found.survival.censored == 1


def test_order_of_rows_does_not_matter(rng):
    order = rng.permutation(len(LOSS))
    one, other = trace_summary(LOSS, ITEM, CHUNK), trace_summary(LOSS[order], ITEM[order], CHUNK[order])
    assert one.maximum == other.maximum
    assert one.survival.survival.tolist() == other.survival.survival.tolist()


def test_product_limit_is_that_of_scipy(rng):
    times, event = rng.integers(1, 12, 80).astype(float), rng.random(80) < 0.6
    found = kaplan_meier(times, event)
    twin = ecdf(CensoredData(uncensored=times[event], right=times[~event])).sf
    limits = twin.confidence_interval(0.95, method="log-log")
    place = np.searchsorted(twin.quantiles, found.times)
    assert found.survival == pytest.approx(twin.probabilities[place])
    inside = (found.survival > 0) & (found.survival < 1)
    for mine, theirs in ((found.lower, limits.low), (found.upper, limits.high)):
        assert mine[inside] == pytest.approx(theirs.probabilities[place][inside])


def test_items_counted_twice_in_a_cluster_leave_the_error_as_it_is(rng):
    times, event = rng.integers(1, 8, 200).astype(float), rng.random(200) < 0.7
    plain = kaplan_meier(times, event)
    doubled = kaplan_meier(np.tile(times, 2), np.tile(event, 2), cluster=np.tile(np.arange(200), 2))
    assert doubled.survival == pytest.approx(plain.survival)
    width = (doubled.upper - doubled.lower) / (plain.upper - plain.lower)
    assert width[np.isfinite(width)] == pytest.approx(1.0, abs=0.01)


def test_limits_hold_with_clusters(rng):
    """Scenarios of 5 items with a hazard of their own; survival past chunk 3 is E (1 - h)^3."""
    truth, wrong = np.prod([(8 + i) / (10 + i) for i in range(3)]), 0
    cluster = np.repeat(np.arange(40), 5)
    for _ in range(300):
        hazard = rng.beta(2, 8, 40)[cluster]
        times, end = rng.geometric(hazard).astype(float), rng.integers(3, 8, 200)
        found = kaplan_meier(np.minimum(times, end), times <= end, cluster=cluster)
        place = np.flatnonzero(found.times == 3)[0]
        wrong += not found.lower[place] <= truth <= found.upper[place]
    assert not too_many(wrong, 300, 0.06)


def test_no_event(rng):
    found = trace_summary(LOSS, ITEM, CHUNK, threshold=0.9)
    assert found.survival.median is None
    assert len(found.survival.times) == 0
    assert "not reached by half of the items" in str(found)
    assert found.ever_unsafe.events == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunk": [1, 2, 3, 1, 2, 2, 4, 5, 6]}, "item 'b' has chunk 2 twice"),
        ({"chunk": [1, 2, 3, 1, 2, 3, 5, 5, 6]}, "item 'b' has chunk 3 followed by 5"),
        ({"losses": [0.1] * 8}, "`losses` has 8, `chunk` has 9"),
        ({"losses": [2.0] * 9}, "must lie in support"),
        ({"threshold": 50}, "`threshold` must be in"),
        ({"cluster": list("xyxxxxxxx")}, "item 'a' is in two clusters, 'x' and 'y'"),
    ],
)
def test_messages(change, message):
    with pytest.raises(InvalidInput, match=message):
        trace_summary(**({"losses": LOSS, "item": ITEM, "chunk": CHUNK} | change))


def test_exports():
    found = trace_summary(LOSS, ITEM, CHUNK, cluster=list("xxxxxxxyy"))
    assert json.loads(json.dumps(found.to_dict()))["n_chunks"] == 9
    assert found.to_frame()["maximum"].tolist() == [0.6, 0.5, 0.2]
    assert len(found.survival.to_frame()) == 2
    assert found.maximum.n_units == 2


@pytest.mark.parametrize(
    ("times", "event", "message"),
    [
        ([-1, 2], [1, 0], "`times` must be >= 0; got -1"),
        ([1, 2], [1, np.nan], "`event` has 1 NaN"),
        ([1, 2], [1, 2], "`event` must be 0 or 1 for each item; got 2"),
        ([1, 2], ["yes", "no"], "`event` must be numbers"),
    ],
)
def test_events_and_times_are_checked(times, event, message):
    with pytest.raises(InvalidInput, match=message):
        kaplan_meier(times, event)
