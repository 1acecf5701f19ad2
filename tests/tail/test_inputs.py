"""The gate of the tail functions."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import checked_array, inside, label_codes, labelled, matrix_and_names


def test_messages_name_the_first_rows():
    values = np.zeros((1000, 2))
    values[[4, 17, 902], 1] = np.nan
    with pytest.raises(
        InvalidInput, match=r"`losses` has 3 NaN at rows 4, 17, 902\. Drop them or model missing"
    ):
        checked_array(values, "losses")
    values[903] = np.nan
    with pytest.raises(InvalidInput, match=r"has 5 NaN at rows 4, 17, 902, \.\.\.\. Drop them"):
        checked_array(values, "losses")
    with pytest.raises(InvalidInput, match="has an infinite value, first at row 1"):
        checked_array([0.0, -np.inf, np.inf], "losses")
    with pytest.raises(InvalidInput, match="`losses` must be numbers"):
        checked_array(["high"], "losses")
    with pytest.raises(InvalidInput, match="`losses` is empty"):
        checked_array([], "losses")


def test_arrays_are_not_copied():
    values = np.ones((3, 2))
    assert checked_array(values, "x") is values


def test_support():
    inside(np.array([0.0, 1.0]), (0.0, 1.0), "losses")
    with pytest.raises(
        InvalidInput, match=r"`losses` must lie in support \(0, 1\); got max 1.7. Rescale, or pass"
    ):
        inside(np.array([-3.0, 1.7]), (0.0, 1.0), "losses")


def test_columns_and_their_names():
    array, names = matrix_and_names([0.1, 0.2], None, "scores")
    assert (array.shape, names) == ((2, 1), ("d1",))
    array, names = matrix_and_names({"a": [0.1, 0.2], "b": [1, 0]}, None, "scores")
    assert (array.tolist(), names) == ([[0.1, 1.0], [0.2, 0.0]], ("a", "b"))
    assert matrix_and_names({"a": [0.1]}, ["other"], "scores")[1] == ("other",)
    with pytest.raises(InvalidInput, match="must have rows; got the single number"):
        matrix_and_names(0.5, None, "scores")
    with pytest.raises(InvalidInput, match="has 1 NaN at rows 1"):
        matrix_and_names({"a": [0.1, None]}, None, "scores")


def test_labels():
    names, codes = label_codes(np.array([3, 1, 3]), 3, "groups")
    assert (names, codes.tolist()) == (("1", "3"), [1, 0, 1])
    with pytest.raises(InvalidInput, match="2 missing labels, first at row 0"):
        label_codes([np.nan, 1.0, np.nan], 3, "groups")
    with pytest.raises(InvalidInput, match="mixes labels that have no order"):
        label_codes(np.array(["a", 1], dtype=object), 2, "groups")
    with pytest.raises(InvalidInput, match=r"one label for each of 2 rows; got shape \(2, 2\)"):
        label_codes(np.zeros((2, 2)), 2, "groups")


def test_one_or_several_sets_of_labels():
    assert labelled(None, 2, "groups") == {}
    assert list(labelled(["a", "b"], 2, "groups", "group")) == ["group"]
    assert list(labelled({"age": ["a", "b"], 7: [1, 2]}, 2, "groups")) == ["age", "7"]
    with pytest.raises(InvalidInput, match=r"`groups\['age'\]` must be one label"):
        labelled({"age": ["a"]}, 2, "groups")
