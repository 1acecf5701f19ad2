"""The gate of losses: what comes in, and what each refusal says."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from riskstats._samples import candidate_names, checked_support, loss_matrix, loss_vector, unique_units
from riskstats.exceptions import AssumptionWarning, InvalidInput

UNIT = (0.0, 1.0)


@pytest.mark.parametrize(
    "losses",
    [
        [0.25, 1, 0],
        (0.25, 1, 0),
        np.array([0.25, 1, 0], dtype=np.float32),
        np.array([0.25, 1, 0], dtype=np.float16),
        np.array([0.25, 1, 0], dtype=object),
        [Decimal("0.25"), 1, False],
        pd.Series([0.25, 1, 0]),
        pd.Series([0.25, 1, 0], dtype="Float64", index=["a", "b", "c"]),
        pl.Series([0.25, 1, 0]),
        pd.DataFrame({"model": [0.25, 1, 0]}),
        pl.DataFrame({"model": [0.25, 1, 0]}),
        {"model": [0.25, 1, 0]},
        np.ma.array([0.25, 1, 0], mask=False),
        np.array([[0.25, 1, 0]]),
    ],
    ids=lambda losses: type(losses).__name__,
)
def test_every_form_is_one_sample(losses):
    vector, boolean = loss_vector(losses, UNIT)
    assert vector.tolist() == [0.25, 1.0, 0.0]
    assert vector.dtype == np.float64
    assert not boolean


@pytest.mark.parametrize(
    "losses",
    [
        [True, False],
        np.array([True, False]),
        pd.Series([True, False]),
        {"a": np.array([True, False])},
        pd.DataFrame({"a": [True, False]}),
        pl.DataFrame({"a": [True, False]}),
        pd.DataFrame({"a": pd.array([True, False], dtype="boolean")}),
    ],
    ids=lambda losses: type(losses).__name__,
)
def test_booleans_are_declared_by_type_and_never_by_value(losses):
    assert loss_vector(losses, UNIT)[1]
    assert not loss_vector([1, 0], UNIT)[1]
    assert not loss_vector({"a": [1, 0]}, UNIT)[1]


def test_float64_arrays_are_not_copied():
    array = np.random.default_rng(0).random((3, 5))
    assert loss_matrix(array, UNIT)[0] is array or np.shares_memory(loss_matrix(array, UNIT)[0], array)


def test_columns_of_a_frame_are_candidates():
    for frame in (pd.DataFrame, pl.DataFrame, dict):
        matrix, _, names = loss_matrix(frame({"a": [0.1, 0.2, 0.3], "b": [1, 0, 1]}), UNIT)
        assert matrix.tolist() == [[0.1, 0.2, 0.3], [1.0, 0.0, 1.0]]
        assert names == ("a", "b")
        assert matrix.flags.c_contiguous
    assert loss_matrix([[0.1, 0.2], [1, 0]], UNIT)[2] is None


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (
            [0.2, 1.7],
            r"`losses` must lie in support \(0, 1\); got max 1\.7 at 1\. Rescale, or pass `support=`\.",
        ),
        ([[0.2, 0.1], [0.3, -0.5]], r"got min -0\.5 at \(1, 1\)"),
        (np.float32([1.0000001]), "got max 1 at 0"),
        ([5], "got max 5 at 0"),
        ([0.1, np.nan, np.nan], r"`losses` contains 2 NaN, first at 1\. Drop or score them: a missing loss"),
        ([[0.1], [np.nan]], r"1 NaN, first at \(1, 0\)"),
        ([0.1, None], "1 NaN, first at 1"),
        (pd.Series([0.1, None], dtype="Float64"), "1 NaN, first at 1"),
        (pl.Series([0.1, None]), "1 NaN, first at 1"),
        (pd.DataFrame({"a": [0.1, np.nan]}), "1 NaN, first at 1"),
        (np.ma.array([0, 1], mask=[False, True]), "1 NaN, first at 1"),
        ([0.1, np.inf], "infinite loss, first at 1. Cap it"),
        ([], "`losses` is empty"),
        ([[]], "`losses` is empty"),
        ({}, "`losses` is empty"),
        (pd.DataFrame(), "`losses` is empty"),
        (np.zeros((2, 0)), "`losses` is empty"),
        (0.3, r"must have shape \(n,\) or \(m, n\); got \(\)"),
        (np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
        (
            [[0.1], [0.2, 0.3]],
            "`losses` is ragged: rows have 1, 2 units. Score every candidate on the same units",
        ),
        ("0.3", "must be numbers; got"),
        (["0.3", "0.1"], "must be numbers; got"),
        ([0.3, "n/a"], "must be numbers; got"),
        ([0.3, "n/a", None], "must be numbers; got 'n/a'"),
        (np.array([1j]), "must be numbers; got"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "must be numbers; got"),
        ({"a": [0.1], "b": ["x"]}, "columns 'b' hold text"),
    ],
    ids=str,
)
def test_refusals_say_what_came_and_where(losses, message):
    with pytest.raises(InvalidInput, match=message):
        loss_matrix(losses, UNIT)


def test_sparse_matrices_are_refused():
    from scipy.sparse import csr_matrix

    with pytest.raises(InvalidInput, match="is a sparse matrix"):
        loss_matrix(csr_matrix(np.eye(2)), UNIT)


def test_one_sample_is_asked_for():
    with pytest.raises(InvalidInput, match=r"2 candidates \('a', 'b'\). Use `certify`"):
        loss_vector({"a": [0.1], "b": [0.2]}, UNIT)


def test_repeated_units_are_refused():
    series = pd.Series([0.1, 0.2, 0.3, 0.4], index=["q1", "q17", "q17", "q17"])
    message = (
        r"^unit id 'q17' appears 3 times\. Reduce with `unit_losses\(losses, unit\)` or pass `cluster=`\.$"
    )
    with pytest.raises(InvalidInput, match=message):
        loss_vector(series, UNIT)
    with pytest.raises(InvalidInput, match="unit id '5' appears 2 times"):
        unique_units([5, 1, 5])
    unique_units(pd.RangeIndex(3))
    unique_units(None)


def test_gains_are_pointed_out():
    for losses in (
        pd.Series([0.1], name="accuracy"),
        {"test_accuracy": [0.1]},
        pd.DataFrame({"loss": [0.2], "Accuracy": [0.1]}),
        pl.Series("accuracy", [0.1]),
    ):
        with pytest.warns(
            AssumptionWarning, match=r"larger must be worse\. Pass `1 - \w*accuracy`\.|Accuracy"
        ):
            loss_matrix(losses, UNIT)
    loss_matrix({"inaccuracy": [0.1], "loss": [0.2]}, UNIT)


def test_a_transposed_matrix_is_pointed_out():
    with pytest.warns(
        AssumptionWarning, match=r"shape \(5000, 30\): 5000 candidates x 30 units. If rows are units"
    ):
        loss_matrix(np.zeros((5000, 30)), UNIT)
    loss_matrix(np.zeros((300, 30)), UNIT)
    loss_matrix(np.zeros((20, 1)), UNIT)


@pytest.mark.parametrize("support", [(0, 1), [0, 2.5], (-1.0, np.inf), np.array([0, 1])])
def test_supports(support):
    assert checked_support(support) == tuple(map(float, support))


@pytest.mark.parametrize(
    "support", [None, 1, (0,), (0, 1, 2), (1, 0), (0, 0), (-np.inf, 0), (np.nan, 1), (0, np.nan), "ab", "01"]
)
def test_bad_supports(support):
    with pytest.raises(InvalidInput, match="`support` must be"):
        checked_support(support)


def test_names_of_candidates():
    assert candidate_names(None, None, 2) == ("0", "1")
    assert candidate_names(None, ("a", "b"), 2) == ("a", "b")
    assert candidate_names([1, "b"], ("x", "y"), 2) == ("1", "b")
    with pytest.raises(InvalidInput, match="`names` has 1 names for 2 candidates"):
        candidate_names(["a"], None, 2)
    with pytest.raises(InvalidInput, match="repeats a name"):
        candidate_names(["a", "a"], None, 2)
