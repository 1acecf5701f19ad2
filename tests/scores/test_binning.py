"""Tables become features that a person can check by hand, the same in training and in scoring."""

import json
import math
import re
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstats._validation import Table, as_table
from riskstats.exceptions import InvalidInput
from riskstats.scores.binning import Binning, Coding, ColumnCoding, raw_coding
from riskstats.scores.rules import AtLeast, Equals, Missing, Value

SEEDED = settings(derandomize=True, deadline=None, max_examples=100)
SPECIAL = -9.0
ages = st.one_of(st.none(), st.just(SPECIAL), st.integers(15, 99).map(float), st.floats(-1e3, 1e3))
grades = st.one_of(st.none(), st.integers(-3, 7).map(float))
jobs = st.one_of(st.none(), st.sampled_from(["a", "b", "clerk", "nurse, night", " x", "d e"]))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, np.ndarray, np.ndarray]:
    """A table with a numeric column, a column of small whole numbers and a text column, all with gaps."""
    n = draw(st.integers(2, 40))
    columns = {
        name: draw(st.lists(cells, min_size=n, max_size=n))
        for name, cells in (("age", ages), ("grade", grades), ("job", jobs))
    }
    y = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    weight = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any))
    return as_table(columns), np.array(y), np.array(weight, dtype=float)


binnings = st.builds(
    Binning,
    max_bins=st.integers(2, 5),
    min_share=st.sampled_from([0.0, 0.1, 0.3]),
    method=st.sampled_from(["quantile", "tree"]),
    coding=st.sampled_from(["threshold", "interval"]),
    missing=st.sampled_from(["own_bin", "always"]),
    special_values=st.sampled_from([{}, {"age": [SPECIAL], "grade": [7, 99]}]),
    units=st.sampled_from([{}, {"age": "years"}]),
    max_categories=st.integers(1, 4),
)


def read_label(label: str, value: float | str | None) -> float:
    """Do what a reader of the card does with one line and one value."""
    if label.endswith(" missing"):
        return float(value is None)
    if match := re.fullmatch(r"\w+ other than (.*)", label):
        return float(value is not None and value not in _names(match[1]))
    if match := re.fullmatch(r"job = (.*)", label):
        return float(value is not None and [value] == _names(match[1]))
    if match := re.fullmatch(r"\w+ = (.*)", label):
        return float(value is not None and value == float(match[1]))
    body, codes = _without_codes(label)
    if value is None or value in codes:
        return 0.0
    if match := re.fullmatch(r"(\S+) <= \w+ < (\S+)", body):
        return float(float(match[1]) <= value < float(match[2]))
    if match := re.fullmatch(r"\w+ (>=|<) (\S+)", body):
        return float(value >= float(match[2]) if match[1] == ">=" else value < float(match[2]))
    assert re.fullmatch(r"\w+", body), label
    return value


def _names(text: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r"(?:'([^']*)'|([^,']+))(?:, |$)", text)]


def _without_codes(label: str) -> tuple[str, list[float]]:
    match = re.fullmatch(r"(.*?)(?: years)?(?: \((?:not|0 if) (.*)\))?", label)
    codes = re.split(" or ", match[2]) if match[2] else []
    return match[1], [float(code) for code in codes if code != "missing"]


def labels(coding: Coding) -> list[str]:
    return [rule.label for rule in coding.rules]


@SEEDED
@given(tables(), binnings)
def test_features_are_what_a_reader_gets_from_the_labels(data, binning) -> None:
    table, y, _ = data
    coding = binning.fit(table, y)
    features = coding.transform(table)
    assert features.shape == (table.n_rows, len(coding.rules))
    for column, rule in enumerate(coding.rules):
        cells = table.column(rule.column).tolist()
        plain = [None if cell is None or cell != cell else cell for cell in cells]
        expected = [read_label(rule.label, cell) for cell in plain]
        np.testing.assert_array_equal(features[:, column], expected, err_msg=rule.label)


@SEEDED
@given(tables(), binnings)
def test_weights_are_repetition_and_weight_zero_is_absence(data, binning) -> None:
    table, y, weight = data
    rows = np.repeat(np.arange(table.n_rows), weight.astype(int))[::-1]
    assert binning.fit(table, y, weight) == binning.fit(table.take(rows), y[rows])


@SEEDED
@given(tables(), binnings)
def test_json_round_trip_gives_an_equal_coding(data, binning) -> None:
    table, y, _ = data
    coding = binning.fit(table, y)
    restored = Coding.from_dict(json.loads(json.dumps(coding.to_dict())))
    assert restored == coding
    np.testing.assert_array_equal(restored.transform(table), coding.transform(table))


@SEEDED
@given(tables(), binnings)
def test_interval_features_split_every_row_once(data, binning) -> None:
    table, y, _ = data
    interval = Binning(**{**vars(binning), "coding": "interval"})
    coding = interval.fit(table, y).column("age")
    if any(rule.kind == "between" for rule in coding.rules):
        np.testing.assert_array_equal(coding.evaluate(table.column("age")).sum(axis=1), 1)


def test_small_whole_numbers_pass_untouched() -> None:
    table = as_table({"flag": [0, 1, 1, 0], "grade": [-10, 3, 10, 4], "many": [0, 3, 11, 7]})
    coding = Binning(min_share=0.2, units={"grade": "points"}).fit(table)
    assert coding.column("flag").rules == (Value("flag"),)
    assert coding.column("grade").rules == (Value("grade", "points"),)
    assert coding.column("grade").value_range == (-10.0, 10.0)
    assert labels(coding)[2:] == ["many >= 1", "many >= 5", "many >= 10"]


def test_small_whole_numbers_with_gaps_and_codes_say_what_counts_zero() -> None:
    coding = Binning(special_values={"grade": [9]}).fit(as_table({"grade": [1, 2, 3, 9, None]}))
    assert labels(coding) == ["grade (0 if 9 or missing)", "grade = 9", "grade missing"]
    expected = [[1, 0, 0], [2, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1]]
    np.testing.assert_array_equal(coding.transform(as_table({"grade": [1, 2, 3, 9, None]})), expected)
    assert coding.column("grade").value_range == (1.0, 3.0)


def test_constant_columns_are_listed_and_not_read() -> None:
    table = as_table({"same": [5.0, 5.0], "none": [None, None], "word": ["a", "a"], "x": [0, 1]})
    coding = Binning().fit(table)
    assert coding.constant == ("same", "none", "word")
    assert coding.input_names == ("same", "none", "word", "x")
    np.testing.assert_array_equal(coding.transform(as_table({"x": [1, 0]})), [[1], [0]])
    assert Binning().fit(as_table({"x": [0.5, 0.5, None]})).rules == (Missing("x"),)


def test_user_edges_are_used_as_given() -> None:
    table = as_table({"age": np.arange(20.0, 80.0), "flag": [0, 1] * 30})
    given_edges = {"age": [45, 60.125, 500], "flag": [1]}
    threshold = Binning(edges=given_edges, units={"age": "years"}).fit(table)
    assert labels(threshold) == [
        "age >= 45 years",
        "age >= 60.125 years",
        "age >= 500 years",
        "flag >= 1",
    ]
    interval = Binning(edges={"age": [45, 60]}, coding="interval").fit(table.select(["age"]))
    assert labels(interval) == ["age < 45", "45 <= age < 60", "age >= 60"]


def test_special_codes_do_not_shape_the_cuts() -> None:
    plain = np.arange(100.0)
    coded = as_table({"age": np.concatenate([plain, [999.0] * 50])})
    coding = Binning(special_values={"age": [999]}, coding="interval").fit(coded)
    assert labels(coding) == [
        "age < 20",
        "20 <= age < 40",
        "40 <= age < 60",
        "60 <= age < 80",
        "age >= 80 (not 999)",
        "age = 999",
    ]


def test_rare_categories_join_other_and_so_do_unseen_ones() -> None:
    job = ["a"] * 10 + ["b"] * 7 + ["c"] * 2 + ["d"]
    coding = Binning(min_share=0.1, max_categories=2).fit(as_table({"job": job}))
    assert labels(coding) == ["job = a", "job = b", "job other than a, b"]
    unseen = as_table({"job": ["a", "c", "d", "new"]})
    np.testing.assert_array_equal(coding.transform(unseen), [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]])


def test_unseen_categories_are_refused_without_other() -> None:
    coding = Binning().fit(as_table({"job": ["a", "b", "c"] * 3}))
    with pytest.raises(InvalidInput, match=r"'job' has the category 'new' at row 101 .*only 'a', 'b', 'c'"):
        coding.transform(as_table({"job": ["a", "new", "new"]}), first_row=100)


def test_two_categories_need_one_feature() -> None:
    coding = Binning().fit(as_table({"sex": ["m", "f", "m"]}))
    assert labels(coding) == ["sex = f"]
    assert coding.column("sex").categories == ("f", "m")
    with pytest.raises(InvalidInput, match="category 'x'"):
        coding.transform(as_table({"sex": ["m", "x"]}))


def test_special_categories_never_join_other() -> None:
    job = ["a"] * 10 + ["b"] * 8 + ["refused"] + ["c"]
    coding = Binning(special_values={"job": ["refused"]}).fit(as_table({"job": job}), None)
    assert labels(coding) == ["job = a", "job = b", "job = c", "job = refused"]
    rare = Binning(special_values={"job": ["refused"]}, min_share=0.2).fit(as_table({"job": job}))
    assert labels(rare) == ["job = a", "job = b", "job = refused", "job other than a, b, refused"]


def test_special_categories_unseen_in_training_are_not_other() -> None:
    job = ["a"] * 10 + ["b"] * 8 + ["c", "d"]
    coding = Binning(special_values={"job": ["refused"]}, min_share=0.2).fit(as_table({"job": job}))
    assert coding.column("job").other
    with pytest.raises(InvalidInput, match="category 'refused' at row 1"):
        coding.transform(as_table({"job": ["new", "refused"]}))


def test_missing_is_refused_in_scoring_unless_training_had_it() -> None:
    table = as_table({"age": np.arange(50.0), "job": ["a", "b", "c", "d", "e"] * 10})
    coding = Binning().fit(table)
    with pytest.raises(InvalidInput, match=r"'age' has missing values \(NaN\) at row 1 \(and 1 more row\)"):
        coding.transform(as_table({"age": [20.0, np.nan, np.nan], "job": ["a", "a", "a"]}))
    with pytest.raises(InvalidInput, match=r"'job' has missing values \(NaN\) at row 0, but no row"):
        coding.transform(as_table({"age": [20.0], "job": [None]}))
    always = Binning(missing="always").fit(table)
    assert always.transform(as_table({"age": [None], "job": [None]})).sum() == 2


def test_missing_can_be_refused_in_training() -> None:
    with pytest.raises(InvalidInput, match=r"'age' misses 1 values, first at row 1"):
        Binning(missing="refuse").fit(as_table({"age": [1.0, None, 3.5]}))


def test_special_codes_unseen_in_training_are_refused_in_scoring() -> None:
    table = as_table({"age": np.arange(50.0)})
    coding = Binning(special_values={"age": [-9]}).fit(table)
    with pytest.raises(InvalidInput, match="special code -9 at row 0"):
        coding.transform(as_table({"age": [-9.0]}))
    always = Binning(special_values={"age": [-9]}, missing="always").fit(table)
    np.testing.assert_array_equal(always.transform(as_table({"age": [-9.0]}))[0, -2:], [1, 0])


def test_the_kind_of_a_column_may_not_change() -> None:
    coding = Binning().fit(as_table({"age": np.arange(50.0), "job": ["a", "b", "c", "d", "e"] * 10}))
    with pytest.raises(InvalidInput, match=r"'age' held numbers in training; got text '4' at row 0"):
        coding.column("age").check(np.array(["4"], dtype=object))
    with pytest.raises(InvalidInput, match=r"'job' held text categories in training; got number 3"):
        coding.column("job").check(np.array([3.0]))


def test_a_column_without_any_value_fits_a_missing_bin_of_either_kind() -> None:
    coding = Binning().fit(as_table({"age": [*np.arange(9.0), None], "job": ["a", "b"] * 4 + ["c", None]}))
    features = coding.transform(Table(("age", "job"), (np.array([None], dtype=object), np.array([np.nan]))))
    assert features.sum() == 2


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict])
def test_frames_with_every_kind_of_missing_give_one_coding(frame) -> None:
    columns = {
        "age": [23.5, None, 41.0, 67.25, 50.0, 33.0],
        "job": ["a", "b", None, "b", "a", "c"],
        "flag": [True, False, None, True, False, False],
    }
    binning = Binning(min_share=0.0)
    expected = binning.fit(as_table(columns))
    table = as_table(frame(columns))
    assert binning.fit(table) == expected
    assert [rule.kind for rule in expected.rules].count("missing") == 3
    np.testing.assert_array_equal(expected.transform(table), expected.transform(as_table(columns)))


def test_pandas_categories_and_nullable_integers() -> None:
    frame = pd.DataFrame(
        {
            "stage": pd.Categorical(["i", "ii", "iii", None]),
            "count": pd.array([1, 2, None, 3], dtype="Int64"),
        }
    )
    coding = Binning().fit(as_table(frame))
    assert labels(coding) == [
        "stage = i",
        "stage = ii",
        "stage = iii",
        "stage missing",
        "count (0 if missing)",
        "count missing",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_bins": 1}, "max_bins"),
        ({"max_bins": 2.5}, "max_bins"),
        ({"max_categories": 0}, "max_categories"),
        ({"min_share": 0.6}, "min_share"),
        ({"min_share": math.nan}, "min_share"),
        ({"edge_tolerance": -0.1}, "edge_tolerance"),
        ({"method": "kmeans"}, "method"),
        ({"coding": "woe"}, "coding"),
        ({"missing": "drop"}, "missing"),
        ({"edges": [1, 2]}, "must map column names"),
        ({"edges": {"age": []}}, "one or more rising numbers"),
        ({"edges": {"age": [60, 45]}}, r"rising numbers; got \[60, 45\]"),
        ({"edges": {"age": [45, 45]}}, "rising numbers"),
        ({"edges": {"age": [math.nan]}}, "finite number"),
        ({"edges": {"age": "45"}}, "must be a list"),
        ({"edges": {"age": 45}}, "must be a list"),
        ({"special_values": {"age": [None]}}, "special_values"),
        ({"special_values": {"age": [math.nan]}}, "special_values"),
        ({"units": {"age": 3}}, "units"),
    ],
)
def test_parameters_are_checked_at_construction(parameters, message) -> None:
    with pytest.raises(InvalidInput, match=message):
        Binning(**parameters)


@pytest.mark.parametrize("parameter", ["edges", "special_values", "units"])
def test_unknown_columns_are_refused_with_near_matches(parameter) -> None:
    value = {"edges": [1], "special_values": [1], "units": "kg"}[parameter]
    with pytest.raises(InvalidInput, match=rf"`{parameter}` names column 'wieght'.*Did you mean 'weight'\?"):
        Binning(**{parameter: {"wieght": value}}).fit(as_table({"weight": [1.0, 2.5], "age": [1, 2]}))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"edges": {"job": [1]}}, "`edges` names column 'job', which holds text"),
        ({"special_values": {"job": [9]}}, "'job', which holds text"),
        ({"special_values": {"age": ["9"]}}, "'age', which holds numbers"),
        ({"method": "tree"}, "needs the target"),
    ],
)
def test_parameters_that_do_not_suit_the_table(parameters, message) -> None:
    with pytest.raises(InvalidInput, match=message):
        Binning(**parameters).fit(as_table({"age": [1.5, 2.5], "job": ["a", "b"]}))


def test_targets_and_weights_are_checked() -> None:
    table = as_table({"age": [1.5, 2.5]})
    with pytest.raises(InvalidInput, match="0 or 1"):
        Binning().fit(table, np.array([0, 2]))
    with pytest.raises(InvalidInput, match="sample_weight"):
        Binning().fit(table, np.array([0, 1]), np.array([0.0, 0.0]))


def test_parameters_become_plain_json() -> None:
    binning = Binning(edges={"age": (np.float64(45), 60)}, special_values={"job": ["?"]})
    plain = json.loads(json.dumps(binning.to_dict()))
    assert plain["edges"] == {"age": [45.0, 60.0]}
    assert Binning(**plain) == binning


@pytest.mark.parametrize(
    "build",
    [
        lambda: ColumnCoding("a", "text", ()),
        lambda: ColumnCoding(3, "numeric", ()),
        lambda: ColumnCoding("a", "numeric", [Value("a")]),
        lambda: ColumnCoding("a", "numeric", (Value("a"),), missing=0),
        lambda: ColumnCoding("a", "numeric", (Value("a"),), unit=None),
        lambda: ColumnCoding("a", "numeric", (Value("a"),), value_range=(3.0, 1.0)),
        lambda: ColumnCoding("a", "numeric", (Value("a"),), value_range=(1.0, math.nan)),
        lambda: ColumnCoding("a", "numeric", (Value("a"),), special_values=(None,)),
        lambda: ColumnCoding("a", "categorical", (), categories=(1,)),
        lambda: ColumnCoding.from_dict({**ColumnCoding("a", "numeric", ()).to_dict(), "rules": 3}),
        lambda: Coding.from_dict({"columns": 3}),
        lambda: ColumnCoding("a", "numeric", (Value("b"),)),
        lambda: ColumnCoding("a", "numeric", (Missing("a"),), missing=False),
        lambda: ColumnCoding("a", "numeric", (AtLeast("a", 1),), missing=True),
        lambda: ColumnCoding("a", "numeric", (Value("a"), Missing("a")), missing=True),
        lambda: ColumnCoding("a", "numeric", (Value("a", zero_if_missing=True),)),
        lambda: Coding(()),
        lambda: Coding((ColumnCoding("a", "numeric", ()), ColumnCoding("a", "numeric", ()))),
        lambda: Coding.from_dict({}),
        lambda: Coding.from_dict({"columns": [{"column": "a"}]}),
        lambda: Coding.from_dict({"columns": [3]}),
        lambda: Coding((ColumnCoding("a", "numeric", ()),)).column("b"),
    ],
)
def test_a_coding_that_cannot_be_is_refused(build) -> None:
    with pytest.raises(InvalidInput):
        build()


def test_raw_coding_takes_numbers_as_they_are() -> None:
    table = as_table({"a": [0, 1], "b": [0.5, 1234.5]})
    coding = raw_coding(table)
    assert coding.rules == (Value("a"), Value("b"))
    assert coding.column("b").value_range == (0.5, 1234.5)
    np.testing.assert_array_equal(coding.transform(table), table.values())


def test_raw_coding_refuses_text_and_missing_values() -> None:
    with pytest.raises(InvalidInput, match=r"first at row 1, column 'b'|at row 1, column 'b'"):
        raw_coding(as_table({"a": [0, 1], "b": [0.5, None]}))
    with pytest.raises(InvalidInput, match="'job' holds text"):
        raw_coding(as_table({"job": ["a", "b"]}))


def test_equals_is_for_special_codes_and_keeps_their_order() -> None:
    coding = Binning(special_values={"age": [-8, -9]}).fit(as_table({"age": [*np.arange(0.5, 20), -9, -8]}))
    assert coding.rules[-2:] == (Equals("age", -8.0), Equals("age", -9.0))


@pytest.mark.parametrize(("rows", "columns"), [(32_561, 36), (10_000, 100)])
@pytest.mark.parametrize("method", ["quantile", "tree"])
def test_large_tables_take_no_time(rows, columns, method) -> None:
    rng = np.random.default_rng(0)
    table = as_table(rng.normal(size=(rows, columns)))
    y = (table.columns[0] > 0).astype(int)
    start = time.process_time()
    Binning(method=method).fit(table, y).transform(table)
    assert time.process_time() - start < 5
