"""Rates within groups against loops over rows, with bounds, and groups too small to say much."""

import json

import numpy as np
import pytest

from riskstats.losses import sigmoid
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.disagreement import label_ambiguity
from riskstats.multiplicity.groups import SMALL_GROUP, group_rates
from riskstats.multiplicity.prediction_range import range_of_ends
from riskstats.tail.inputs import label_codes
from tests.reference.multiplicity_report import rate_of_group

DEVIATIONS = (0.05, 0.2)


def ranges(rng, n=200, certified=True, open_share=0.3):
    centre = 2 * rng.standard_normal(n)
    reach = np.abs(rng.standard_normal((n, 2)))
    inner = np.stack([centre - reach[:, 0], centre + reach[:, 1]], axis=1)
    more = np.where(rng.random((n, 1)) < open_share, rng.random((n, 2)), 0.0)
    outer = inner + more * [-1, 1] if certified else None
    return range_of_ends(inner, outer, baseline=centre, source="convex" if certified else "refits")


def rates(found, labels, weights=None, threshold=0.5):
    weights = np.ones(len(found)) if weights is None else np.asarray(weights, dtype=np.float64)
    each = tuple(ambiguity(None, found, deviation=d, sample_weight=weights) for d in DEVIATIONS)
    decided = None if threshold is None else label_ambiguity(found, threshold, sample_weight=weights)
    return group_rates("site", label_codes(labels, len(found), "groups"), found, weights, each, decided), each


@pytest.mark.parametrize("certified", [True, False])
def test_loops_over_rows_agree(rng, certified):
    found = ranges(rng, certified=certified)
    labels = rng.choice(["a", "b", "c", "d"], 200).tolist()
    weights = rng.integers(0, 4, 200)
    group, each = rates(found, labels, weights)
    for j, rate in enumerate(each):
        expected = rate_of_group(rate.rows, labels, weights.tolist())
        for i, name in enumerate(group.names):
            assert group.ambiguity[i, j] == pytest.approx(expected[name])
        if certified:
            most = rate_of_group(rate.rows | rate.open_rows, labels, weights.tolist())
            for i, name in enumerate(group.names):
                assert group.ambiguity_bound[i, j] == pytest.approx(most[name])
    p = sigmoid(found.inner)
    straddles = (p[:, 0] < 0.5) & (p[:, 1] >= 0.5)
    expected = rate_of_group(straddles, labels, weights.tolist())
    width = rate_of_group(p[:, 1] - p[:, 0], labels, weights.tolist())
    for i, name in enumerate(group.names):
        assert group.label_ambiguity[i] == pytest.approx(expected[name])
        assert group.mean_width[i] == pytest.approx(width[name])
    if certified:
        assert (group.ambiguity <= group.ambiguity_bound).all()
        assert (group.label_ambiguity <= group.label_ambiguity_bound).all()
        assert (group.mean_width <= group.mean_width_bound).all()
        assert (group.mean_width < group.mean_width_bound).any()
    else:
        assert group.ambiguity_bound is group.label_ambiguity_bound is group.mean_width_bound is None


def test_groups_together_make_the_rate_of_all(rng):
    found = ranges(rng)
    weights = rng.random(200)
    group, each = rates(found, rng.integers(0, 7, 200), weights)
    assert group.mass.sum() == pytest.approx(1)
    for j, rate in enumerate(each):
        assert group.mass @ group.ambiguity[:, j] == pytest.approx(rate.value)
        assert group.mass @ group.ambiguity_bound[:, j] == pytest.approx(rate.bound)


def test_the_largest_ambiguity_comes_first_and_codes_follow(rng):
    found = ranges(rng)
    labels = rng.choice(["x", "y", "z"], 200)
    group, _ = rates(found, labels)
    assert (np.diff(group.ambiguity[:, 0]) <= 0).all()
    assert group.labels() == labels.tolist()
    assert group.n.tolist() == [int((labels == name).sum()) for name in group.names]


def test_groups_without_weight_are_left_out_and_small_ones_are_marked(rng):
    found = ranges(rng)
    labels = np.array(["big"] * 150 + ["few"] * (SMALL_GROUP - 1) + ["gone"] * (51 - SMALL_GROUP))
    weights = (labels != "gone").astype(float)
    group, _ = rates(found, labels, weights)
    assert sorted(group.names) == ["big", "few"]
    assert dict(zip(group.names, group.small.tolist(), strict=True)) == {"big": False, "few": True}
    assert set(np.array(group.labels())[labels == "gone"]) == {None}
    assert "small" in group.summary()
    assert "29 small" in group.summary()


def test_words_frame_and_json(rng):
    labels = rng.choice(["x", "y"], 200)
    certified, inner = rates(ranges(rng), labels)[0], rates(ranges(rng, certified=False), labels)[0]
    assert " to " in certified.summary()
    assert "at least" not in certified.summary()
    assert "at least" in inner.summary()
    for line in inner.summary().splitlines()[1:]:
        assert line.count("at least") == 4
    table = certified.to_frame()
    assert table["site"].tolist() == list(certified.names)
    assert table["ambiguity_bound_0.2"].tolist() == certified.ambiguity_bound[:, 1].tolist()
    assert inner.to_frame()["mean_width_bound"].isna().all()
    data = certified.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_no_threshold_leaves_decisions_out_and_many_groups_are_cut(rng):
    group, _ = rates(ranges(rng), np.arange(200) % 40, threshold=None)
    assert group.label_ambiguity is None
    assert "either way" not in group.summary()
    assert "label_ambiguity" not in group.to_frame()
    assert "32 more groups" in group.summary()
