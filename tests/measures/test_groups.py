"""Differences and ratios of a measure between groups."""

import numpy as np
import pandas as pd
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.by_group import measure_by_group
from riskstats.measures.cvar import CVaR, cvar
from riskstats.measures.group_difference import GroupDifference, group_difference
from riskstats.measures.group_ratio import GroupRatio, group_ratio
from riskstats.measures.mean import Mean, mean

LOSSES = [0.0, 0.2, 0.4, 0.4, 1.0, 0.6]
GROUPS = ["a", "a", "b", "b", "c", "c"]


def test_the_worst_and_the_best_group():
    assert measure_by_group(LOSSES, GROUPS, Mean()) == pytest.approx({"a": 0.1, "b": 0.4, "c": 0.8})
    assert group_difference(LOSSES, GROUPS) == pytest.approx(0.7)
    assert group_ratio(LOSSES, GROUPS) == pytest.approx(8.0)


def test_named_groups():
    assert group_difference(LOSSES, GROUPS, between=("a", "b")) == pytest.approx(-0.3)
    assert group_ratio(LOSSES, GROUPS, between=("b", "c")) == pytest.approx(0.5)
    assert GroupDifference(between=["b", "a"]).between == ("b", "a")


def test_any_measure_weights_and_many_samples(rng):
    x, w, groups = rng.random((4, 60)), rng.random(60), rng.integers(0, 3, 60)
    want = np.array(
        [[cvar(row[groups == g], 0.8, sample_weight=w[groups == g]) for g in range(3)] for row in x]
    )
    got = group_difference(x, groups, CVaR(0.8), sample_weight=w)
    np.testing.assert_allclose(got, want.max(axis=1) - want.min(axis=1), rtol=1e-12)
    ratio = GroupRatio(CVaR(0.8))(x, pd.Series(groups), w)
    np.testing.assert_allclose(ratio, want.max(axis=1) / want.min(axis=1), rtol=1e-12)
    pair = group_ratio(x, groups, CVaR(0.8), between=(2, 0), sample_weight=w)
    np.testing.assert_allclose(pair, want[:, 2] / want[:, 0], rtol=1e-12)


def test_a_group_without_weight_does_not_exist():
    weights = [1, 1, 1, 1, 0, 0]
    assert group_difference(LOSSES, GROUPS, sample_weight=weights) == pytest.approx(0.3)
    with pytest.raises(InvalidInput, match="names the group 'c'; the groups are 'a', 'b'"):
        group_difference(LOSSES, GROUPS, between=("a", "c"), sample_weight=weights)


def test_ratios_with_zero():
    assert group_ratio([1, 0], ["a", "b"]) == np.inf
    assert group_ratio([0, 0], ["a", "b"]) == 1.0
    assert group_ratio([0, 1], ["a", "b"], between=("a", "b")) == 0.0
    np.testing.assert_array_equal(group_ratio([[1, 0], [0, 0], [1, 2]], ["a", "b"]), [np.inf, 1.0, 2.0])
    with pytest.raises(InvalidInput, match=r"needs risks >= 0; got -1. Use `GroupDifference`"):
        group_ratio([-1, 1], ["a", "b"])


@pytest.mark.parametrize("function", [group_difference, group_ratio])
@pytest.mark.parametrize(
    ("losses", "groups", "options", "message"),
    [
        ([1, 2], ["a", "a"], {}, r"`groups` has one group \('a'\); a comparison needs two"),
        ([1, 2], ["a", None], {}, "1 missing labels, first at row 1"),
        ([1, 2], [0.5, np.nan], {}, "1 missing labels, first at row 1"),
        ([1, 2], ["a", 3, "b"], {}, "`losses` has 2, `groups` has 3"),
        ([1, 2], [["a"], ["b"]], {}, "one label per unit"),
        ([], [], {}, "not empty"),
        ([1, np.nan], ["a", "b"], {}, "NaN"),
        ([1, 2], ["a", "b"], {"between": ("a", "z")}, "names the group 'z'; the groups are 'a', 'b'"),
        ([1, 2], ["a", "b"], {"between": ("a", "a")}, "two different group labels"),
        ([1, 2], ["a", "b"], {"between": "ab"}, "two different group labels"),
        ([1, 2], ["a", "b"], {"measure": "mean"}, r"must be a risk measure such as CVaR\(0.9\); got 'mean'"),
        ([1, 2], ["a", "b"], {"sample_weight": [1, -1]}, "must be >= 0"),
    ],
)
def test_bad_input(function, losses, groups, options, message):
    with pytest.raises(InvalidInput, match=message):
        function(losses, groups, **options)


def test_mixed_labels_are_refused():
    with pytest.raises(InvalidInput, match="mixes labels that have no order"):
        measure_by_group([1, 2], np.array(["a", 3], dtype=object), Mean())


def test_values_and_names():
    assert GroupRatio(CVaR(0.9), ("a", "b")) == GroupRatio(CVaR(0.9), ("a", "b"))
    assert eval(repr(GroupDifference())) == GroupDifference(Mean())
    assert isinstance(mean([1.0]), float)
    assert isinstance(group_ratio(LOSSES, GROUPS), float)
    assert isinstance(group_difference(LOSSES, GROUPS), float)
