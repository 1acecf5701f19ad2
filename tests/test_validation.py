import datetime
import decimal

import numpy as np
import pytest

from riskstats import _validation as gate
from riskstats.exceptions import InvalidInput, InvalidInputType

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NUMBERS = [1.0, np.nan, 3.0]
WORDS = ["u", None, "w"]


def assert_same(table: gate.Table, expected: dict[str, list]) -> None:
    assert table.names == tuple(expected)
    for name, values in expected.items():
        column = table.column(name)
        assert column.dtype == (object if any(isinstance(v, str) for v in values) else np.float64)
        np.testing.assert_array_equal(column, np.array(values, dtype=column.dtype))


FRAMES = {
    "pandas": lambda: pd.DataFrame({"a": NUMBERS, "b": WORDS}),
    "pandas nullable": lambda: pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": WORDS}),
    "pandas category": lambda: pd.DataFrame({"a": NUMBERS, "b": pd.Categorical(WORDS)}),
    "pandas objects": lambda: pd.DataFrame({"a": NUMBERS, "b": WORDS}, dtype=object),
    "polars": lambda: pl.DataFrame({"a": [1, None, 3], "b": WORDS}),
    "polars NaN": lambda: pl.DataFrame({"a": NUMBERS, "b": pl.Series(WORDS, dtype=pl.Categorical)}),
    "pyarrow": lambda: pa.table({"a": [1, None, 3], "b": WORDS}),
    "dict of lists": lambda: {"a": [1, None, 3], "b": WORDS},
    "dict of arrays": lambda: {"a": np.array(NUMBERS, dtype=np.float32), "b": np.array(WORDS, dtype=object)},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_becomes_the_same_table(kind):
    table = gate.as_table(FRAMES[kind]())
    assert table.named
    assert table.n_rows == 3
    assert_same(table, {"a": NUMBERS, "b": WORDS})


ARRAYS = {
    "float64": lambda: np.array([[1.0, 0.0], [2.0, np.nan]]),
    "float32, columns first": lambda: np.array([[1.0, 0.0], [2.0, np.nan]], dtype=np.float32, order="F"),
    "objects": lambda: np.array([[1, False], [2.0, None]], dtype=object),
    "lists": lambda: [[1, 0], [2, None]],
    "decimals": lambda: [[decimal.Decimal(1), 0], [2, np.nan]],
    "frame with numbered columns": lambda: pd.DataFrame([[1, 0], [2, None]]),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_array_becomes_the_same_table(kind):
    table = gate.as_table(ARRAYS[kind]())
    assert not table.named
    assert_same(table, {"x0": [1.0, 2.0], "x1": [0.0, np.nan]})


def test_rows_of_mixed_cells_keep_their_types():
    assert_same(gate.as_table([[1, "a"], [2, ""], [3, "c"]]), {"x0": [1.0, 2.0, 3.0], "x1": ["a", None, "c"]})


def test_booleans_are_zero_and_one():
    frame = pd.DataFrame({"a": [True, False], "b": pd.array([True, None], dtype="boolean")})
    assert_same(gate.as_table(frame), {"a": [1.0, 0.0], "b": [1.0, np.nan]})


def test_the_table_does_not_follow_the_array():
    source = np.ones((2, 2))
    table = gate.as_table(source)
    source[:] = 5.0
    np.testing.assert_array_equal(table.values(), np.ones((2, 2)))


def test_integers_up_to_two_to_the_53_pass():
    assert gate.as_table([[2**53], [-(2**53)]]).column("x0").tolist() == [2.0**53, -(2.0**53)]


def refused_tables():
    sparse = pytest.importorskip("scipy.sparse")
    day = datetime.date(2020, 1, 1)
    return [
        (sparse.csr_array(np.eye(2)), r"`X` is a sparse matrix.*toarray"),
        (np.zeros((0, 3)), r"no rows \(shape=\(0, 3\)\)"),
        (np.zeros((12, 0)), r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required"),
        (pd.DataFrame(index=[0, 1]), r"0 feature\(s\)"),
        ({}, r"0 feature\(s\)"),
        (np.array([1.0, 2.0]), "Reshape your data"),
        (pd.Series([1.0]), "Reshape your data"),
        (np.zeros((1, 1, 1)), "must have 2 dimensions"),
        ("data.csv", "got str"),
        (None, "got NoneType"),
        (np.eye(2) * 1j, "Complex data not supported"),
        (np.array([[1j]], dtype=object), "Complex data not supported"),
        ([[1, 2], [3]], "rows differ in length"),
        ({"a": [1, 2], "b": [1]}, "differ in length: \\[1, 2\\]"),
        ([[0.0, 1.0], [0.0, np.inf]], "infinite value, first at row 1, column 'x1'"),
        (pl.DataFrame({"a": [1.0, -np.inf]}), "infinite value, first at row 1, column 'a'"),
        (pl.DataFrame({"a": [1]}).lazy(), r"lazy frame.*collect"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "column 'a' of `X` holds dates"),
        (pl.DataFrame({"a": [day]}), "column 'a' of `X` holds dates"),
        ([[day]], "column 'x0' of `X` holds dates"),
        (np.array([["2020-01-01"]], dtype="M8[D]"), "holds dates"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'"),
        (pa.table([[1], [2]], names=["a", "a"]), "more than one column named 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", 1]), "not text \\('a', '1'\\)"),
        ([[2**60]], "integers beyond 2\\*\\*53 in column 'x0'"),
        (pd.DataFrame({"a": [2**60]}), "integers beyond 2\\*\\*53 in column 'a'"),
        (np.array([[2**60]], dtype=object), "integers beyond"),
        ([[1], ["b"]], "mixes numbers and text, first text 'b' at row 1"),
    ]


@pytest.mark.parametrize(("X", "message"), refused_tables())
def test_bad_tables_are_refused(X, message):
    with pytest.raises(InvalidInput, match=message):
        gate.as_table(X)


def test_a_cell_of_no_kind_is_also_a_type_error():
    with pytest.raises(TypeError, match=r"argument must be .* string.* number") as caught:
        gate.as_table(np.array([[{"a": 1}, 2]], dtype=object))
    assert isinstance(caught.value, InvalidInputType)
    assert isinstance(caught.value, InvalidInput)


@pytest.fixture
def table():
    return gate.as_table({"a": [1, 2, None], "b": ["x", None, "z"], "c": [0, 1, 0]})


def test_select_without_and_take(table):
    assert table.select(["c", "a"]).names == ("c", "a")
    assert table.without(["b"]).names == ("a", "c")
    assert "b" in table
    assert "d" not in table
    for index in ([2, 0], np.array([False, True, False]), slice(1, None)):
        np.testing.assert_array_equal(table.take(index).column("b"), table.column("b")[index])


def test_values_want_numbers(table):
    np.testing.assert_array_equal(table.without(["b"]).values(), [[1, 0], [2, 1], [np.nan, 0]])
    with pytest.raises(InvalidInput, match="column 'b' holds text, first 'x' at row 0"):
        table.values()
    with pytest.raises(InvalidInput, match="holds text, first None"):
        table.take([1]).values()


def test_unknown_columns_are_named(table):
    with pytest.raises(InvalidInput, match="no column 'd'; the columns are 'a', 'b', 'c'"):
        table.column("d")
    with pytest.raises(InvalidInput, match="no columns 'd', 'e'"):
        table.select(["a", "d", "e"])


def test_quoted_names_stay_short():
    assert gate.quoted("abc") == "'a', 'b', 'c'"
    assert gate.quoted(range(10), 2) == "'0', '1' and 8 more"


def test_missing_values_are_counted_and_placed(table):
    with pytest.raises(
        InvalidInput, match=r"`X` has 2 missing values \(NaN\), first at row 1, column 'b'\. Fill them\."
    ):
        gate.no_missing(table, remedy="Fill them.")
    with pytest.raises(InvalidInput, match=r"1 missing value \(NaN\), at row 2, column 'a'"):
        gate.no_missing(table.select(["a"]), remedy="")
    gate.no_missing(table.select(["c"]), remedy="")


TARGETS = {
    "booleans": ([False, True, True], (False, True)),
    "integers": ([1, 2, 2], (1, 2)),
    "signs": (np.array([-1.0, 1.0, 1.0]), (-1.0, 1.0)),
    "words": (["no", "yes", "yes"], ("no", "yes")),
    "pandas": (pd.Series(["no", "yes", "yes"], dtype="category"), ("no", "yes")),
    "nullable": (pd.Series([0, 1, 1], dtype="Int64"), (0, 1)),
    "polars": (pl.Series([0, 1, 1]), (0, 1)),
    "objects": (np.array([0, 1, 1], dtype=object), (0, 1)),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_two_classes_become_zero_and_one(kind):
    y, classes = TARGETS[kind]
    target, found = gate.binary_target(y)
    assert target.tolist() == [0, 1, 1]
    assert found == classes
    assert [type(label) for label in found] == [type(label) for label in classes]


@pytest.mark.parametrize("positive", [0, "0", 0.0, "0.0"])
def test_the_positive_class_can_be_chosen(positive):
    target, classes = gate.binary_target([0.0, 1.0, 1.0], positive=positive)
    assert target.tolist() == [1, 0, 0]
    assert classes == (1.0, 0.0)
    with pytest.raises(InvalidInput, match=r"`positive` must be a class of `y` \(0 or 1\); got 'no'"):
        gate.binary_target([0, 1], positive="no")


def test_a_column_vector_is_accepted_with_a_warning():
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(
        DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"
    ):
        target, _ = gate.binary_target([[0], [1]])
    assert target.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([], "`y` is empty"),
        ([1, 1], r"holds 1 class \(1\); a risk score needs two"),
        (list("abca"), r"holds 3 classes \(a, b, c\); a risk score needs two\. Fit one score per class"),
        (range(9), r"holds 9 classes \(0, 1, 2, 3, 4, \.\.\.\).*Only binary classification is supported"),
        ([0.1, 0.2, 0.3], "Unknown label type: continuous"),
        ([1, np.nan, 0], r"missing labels \(NaN\): 1, first at row 1"),
        (np.array(["a", None, "b"], dtype=object), "first at row 1"),
        (pd.Series([1, 0, None], dtype="Int64"), "first at row 2"),
        ([0, np.inf], "infinite label, first at row 1"),
        ([[0, 1], [1, 0]], "should be a 1d array"),
        (np.array([0, "a"], dtype=object), "mixes types"),
        ([1j, 0], "Complex data not supported"),
    ],
)
def test_bad_targets_are_refused(y, message):
    with pytest.raises(InvalidInput, match=message):
        gate.binary_target(y)


def test_weights_become_floats():
    assert gate.sample_weights(None, 3).tolist() == [1.0, 1.0, 1.0]
    assert gate.sample_weights(2, 2).tolist() == [2.0, 2.0]
    source = np.array([0, 3])
    weights = gate.sample_weights(source, 2)
    weights[0] = 1.0
    assert source[0] == 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -2], r"must be >= 0 with a positive sum; got min -2 at row 1"),
        ([0, 0], "zero in every row"),
        ([1, np.nan], "1 NaN at rows 1"),
        ([np.inf, 1], "infinite value, first at row 0"),
        ([1], "1 values for 2 rows"),
        ([[1, 2]], "must have 1 dimension"),
        (["a", "b"], "must be numbers"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InvalidInput, match=message):
        gate.sample_weights(weights, 2)


def test_both_classes_need_weight():
    target = np.array([0, 1, 1])
    gate.weighted_classes(target, np.array([1.0, 0.0, 1.0]), ("no", "yes"))
    with pytest.raises(InvalidInput, match="sums to 0 in class yes; each class needs positive weight"):
        gate.weighted_classes(target, np.array([1.0, 0.0, 0.0]), ("no", "yes"))


def test_lengths_are_compared_by_name():
    assert gate.same_length(X=[1, 2], y=[0, 1]) == 2
    with pytest.raises(InvalidInput, match="`X` has 2, `y` has 1"):
        gate.same_length(X=[1, 2], y=[0])


ACCEPTED = [
    (gate.number, (np.float32(0.5), "x"), 0.5),
    (gate.positive_number, (3, "x"), 3.0),
    (gate.non_negative_number, (0, "x"), 0.0),
    (gate.probability, (0.5, "x"), 0.5),
    (gate.level, (0,), 0.0),
    (gate.confidence_level, (0.95,), 0.95),
    (gate.whole_number, (np.int64(4), "x"), 4),
    (gate.integer_range, ((-5, np.int32(5)), "x"), (-5, 5)),
    (gate.number_range, ((1, 20.0), "x"), (1.0, 20.0)),
    (gate.choice, ("a", ("a", "b"), "x"), "a"),
    (gate.time_limit, (None,), np.inf),
    (gate.time_limit, (60,), 60.0),
]


@pytest.mark.parametrize(("check", "arguments", "value"), ACCEPTED)
def test_good_values_pass(check, arguments, value):
    assert check(*arguments) == value


REFUSED = [
    (gate.number, (np.nan, "x"), "`x` must be a finite number; got nan"),
    (gate.number, (True, "x"), "got True"),
    (gate.positive_number, (0, "multiplier"), "`multiplier` must be a number > 0; got 0"),
    (gate.positive_number, (np.inf, "x"), "got inf"),
    (gate.positive_number, ("1", "x"), "got '1'"),
    (gate.non_negative_number, (-1e-9, "x"), "must be a number >= 0"),
    (gate.probability, (1, "x"), r"must be in \(0, 1\); got 1"),
    (gate.probability, (np.nan, "x"), "got nan"),
    (gate.level, (95,), r"`level` must lie in \[0, 1\); got 95\. Write 0\.95"),
    (gate.level, (1,), "The worst loss is"),
    (gate.confidence_level, (0.05,), "Did you mean 0.95"),
    (gate.confidence_level, (95,), "Write 0.95"),
    (gate.confidence_level, (1,), "must be in"),
    (gate.whole_number, (2.5, "k"), "`k` must be an integer; got 2.5"),
    (gate.whole_number, (True, "k"), "got True"),
    (
        gate.integer_range,
        ((0.5, 3), "coefficient_range"),
        r"must be integers low <= 0 <= high; got \(0\.5, 3\)",
    ),
    (gate.integer_range, ((1, 3), "x"), "low <= 0 <= high"),
    (gate.integer_range, (5, "x"), "got 5"),
    (gate.number_range, ((0, 3), "x"), "0 < low <= high"),
    (gate.number_range, ((3, 2), "x"), "0 < low <= high"),
    (gate.choice, ("c", ("a", "b"), "solver"), "`solver` must be one of 'a', 'b'; got 'c'"),
    (gate.choice, (["a"], ("a",), "x"), "must be one of"),
    (gate.time_limit, (0,), "must be seconds > 0"),
    (gate.time_limit, (np.nan,), "must be seconds > 0"),
]


@pytest.mark.parametrize(("check", "arguments", "message"), REFUSED)
def test_bad_values_are_refused(check, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        check(*arguments)


def test_ranges_of_integers_are_told():
    assert gate.probability(1, "x", closed=True) == 1.0
    for ends, told in [
        ({"low": 1}, "integer >= 1"),
        ({"high": 9}, "integer <= 9"),
        ({"low": 1, "high": 9}, "from 1 to 9"),
    ]:
        with pytest.raises(InvalidInput, match=told):
            gate.whole_number(0 if "low" in ends else 10, "k", **ends)
