"""Rules say on the card exactly what they compute."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstats.exceptions import InvalidInput
from riskstats.scores.rules import AtLeast, Between, Equals, Missing, Other, Rule, Value, number_text

SEEDED = settings(derandomize=True, deadline=None)
NUMBERS = np.array([44.0, 45.0, 59.5, 60.0, 999.0, np.nan])
JOBS = np.array(["manager", "clerk", "", None], dtype=object)
finite = st.floats(allow_nan=False, allow_infinity=False)

LABELLED = [
    (Value("age"), "age"),
    (Value("dose", "mg"), "dose (mg)"),
    (Value("dose", "mg", zero_if_missing=True, special=(9.0,)), "dose (mg; 0 if 9 or missing)"),
    (AtLeast("age", 45, "years"), "age >= 45 years"),
    (AtLeast("age", 0.136), "age >= 0.136"),
    (AtLeast("age", 45, "years", special=(-9.0, 999.0)), "age >= 45 years (not 999)"),
    (Between("age", 45, 60, "years"), "45 <= age < 60 years"),
    (Between("age", None, 45, "years", special=(-9.0, 999.0)), "age < 45 years (not -9)"),
    (Between("age", 60, None), "age >= 60"),
    (Missing("age"), "age missing"),
    (Equals("age", 999), "age = 999"),
    (Equals("job", "manager"), "job = manager"),
    (Equals("job", "a, b"), "job = 'a, b'"),
    (Equals("job", " x"), "job = ' x'"),
    (Other("job", ("a", "b")), "job other than a, b"),
]


@pytest.mark.parametrize(("rule", "label"), LABELLED)
def test_label(rule: Rule, label: str) -> None:
    assert rule.label == label


@pytest.mark.parametrize("rule", [rule for rule, _ in LABELLED])
def test_json_round_trip_gives_an_equal_rule(rule: Rule) -> None:
    assert Rule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
    assert hash(Rule.from_dict(rule.to_dict())) == hash(rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (AtLeast("age", 45), [0, 1, 1, 1, 1, 0]),
        (AtLeast("age", 45, special=(999.0,)), [0, 1, 1, 1, 0, 0]),
        (Between("age", 45, 60), [0, 1, 1, 0, 0, 0]),
        (Between("age", None, 45), [1, 0, 0, 0, 0, 0]),
        (Between("age", 60, None), [0, 0, 0, 1, 1, 0]),
        (Missing("age"), [0, 0, 0, 0, 0, 1]),
        (Equals("age", 999), [0, 0, 0, 0, 1, 0]),
        (Value("age", zero_if_missing=True, special=(999.0,)), [44, 45, 59.5, 60, 0, 0]),
    ],
)
def test_numbers(rule: Rule, expected: list[float]) -> None:
    result = rule.evaluate(NUMBERS)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Equals("job", "manager"), [1, 0, 0, 0]),
        (Other("job", ("manager", "nurse")), [0, 1, 1, 0]),
        (Missing("job"), [0, 0, 0, 1]),
    ],
)
def test_categories(rule: Rule, expected: list[float]) -> None:
    result = rule.evaluate(JOBS)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, expected)


def test_value_never_turns_missing_into_a_number_unasked() -> None:
    with pytest.raises(InvalidInput, match=r"'age' misses 1 values, first at row 5"):
        Value("age").evaluate(NUMBERS)


def test_value_leaves_its_input_alone() -> None:
    values = NUMBERS.copy()
    Value("age", zero_if_missing=True).evaluate(values)
    np.testing.assert_array_equal(values, NUMBERS)


@pytest.mark.parametrize("rule", [Value("a", zero_if_missing=True), AtLeast("a", 1), Equals("a", 1.0)])
def test_a_column_of_nothing_but_missing_text_is_missing_for_number_rules(rule: Rule) -> None:
    np.testing.assert_array_equal(rule.evaluate(np.array([None, None], dtype=object)), [0, 0])


@pytest.mark.parametrize("rule", [Equals("a", "x"), Other("a", ("x",))])
def test_a_column_of_nothing_but_nan_is_missing_for_category_rules(rule: Rule) -> None:
    np.testing.assert_array_equal(rule.evaluate(np.array([np.nan, np.nan])), [0, 0])


def test_the_wrong_kind_of_column_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"'age' needs numbers; got text, first 'manager' at row 0"):
        AtLeast("age", 1).evaluate(JOBS)
    with pytest.raises(InvalidInput, match=r"'job' needs text categories; got numbers, first 44 at row 0"):
        Equals("job", "x").evaluate(NUMBERS)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Value(""),
        lambda: Value(3),
        lambda: Value("a", unit=None),
        lambda: Value("a", zero_if_missing=1),
        lambda: Value("a", special=[9.0]),
        lambda: AtLeast("a", math.nan),
        lambda: AtLeast("a", math.inf),
        lambda: AtLeast("a", True),
        lambda: AtLeast("a", "45"),
        lambda: AtLeast("a", 1, special=(math.nan,)),
        lambda: Between("a", None, None),
        lambda: Between("a", 2, 2),
        lambda: Between("a", 3, 2),
        lambda: Equals("a", None),
        lambda: Equals("a", math.nan),
        lambda: Other("a", ()),
        lambda: Other("a", ("x", "x")),
        lambda: Other("a", ["x"]),
        lambda: Rule.from_dict([]),
        lambda: Rule.from_dict({"kind": "sum", "column": "a"}),
        lambda: Rule.from_dict({"column": "a"}),
        lambda: Rule.from_dict({"kind": "missing"}),
        lambda: Rule.from_dict({"kind": "missing", "column": "a", "more": 1}),
    ],
)
def test_a_rule_that_cannot_be_is_refused(build) -> None:
    with pytest.raises(InvalidInput):
        build()


def test_rules_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AtLeast("a", 1).edge = 2


def test_numbers_are_stored_as_plain_floats() -> None:
    rule = Between("a", np.float64(1), np.int64(3))
    assert (type(rule.low), type(rule.high)) == (float, float)
    assert math.copysign(1, AtLeast("a", -0.0).edge) == 1


@SEEDED
@given(finite)
def test_a_printed_number_parses_back_to_itself(value: float) -> None:
    assert float(number_text(value)) == value


@SEEDED
@given(finite, st.floats(allow_infinity=False))
def test_at_least_does_what_its_label_says(edge: float, value: float) -> None:
    rule = AtLeast("x", edge)
    printed = float(rule.label.removeprefix("x >= "))
    assert rule.evaluate(np.array([value]))[0] == (value >= printed)
    assert Rule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
