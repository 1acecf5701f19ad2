import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.prediction_range import PredictionRange, range_of_ends
from riskstats.results import Status

INNER = np.array([[-1.0, 0.5], [2.0, 3.0], [-28.0, -27.0]])
OUTER = np.array([[-1.0, 0.5 + 1e-10], [1.9, 3.0], [-28.0, np.inf]])


def convex(inner=INNER, outer=OUTER, **stamps):
    given = {"source": "convex", "epsilon": 0.01, "epsilon_kind": "relative", **stamps}
    return range_of_ends(inner, outer, **given)


def test_kind_gap_and_shown_ends_follow_from_the_two_pairs_of_ends():
    r = convex()
    assert r.kind.tolist() == ["exact", "outer", "outer"]
    np.testing.assert_allclose(r.gap, [1e-10, 0.1, np.inf], rtol=1e-5)
    np.testing.assert_array_equal(r.lower, sigmoid(np.array([-1.0, 1.9, -28.0])))
    np.testing.assert_array_equal(r.upper, sigmoid(np.array([0.5, 3.0, np.inf])))
    np.testing.assert_array_equal(r.width, r.upper - r.lower)
    assert r.status.tolist() == ["OPTIMAL", "GAP", "GAP"]
    assert r.overall_kind == "outer"
    assert r.certified
    assert convex(gap_tolerance=0.2).kind.tolist() == ["exact", "exact", "outer"]


def test_without_safe_ends_every_row_is_inner():
    r = range_of_ends(INNER, source="refits")
    assert r.kind.tolist() == ["inner"] * 3
    assert np.isinf(r.gap).all()
    np.testing.assert_array_equal(r.outer, [[-np.inf, np.inf]] * 3)
    np.testing.assert_array_equal(r.upper, sigmoid(INNER[:, 1]))
    assert not r.certified
    assert "at least" in r.summary()
    assert "at least" not in convex().summary()


def test_ends_that_meet_are_exact_even_where_they_are_infinite():
    ends = np.array([[-np.inf, np.inf], [-np.inf, -2.0], [0.0, 0.0]])
    r = range_of_ends(ends, ends)
    assert r.overall_kind == "exact"
    np.testing.assert_array_equal(r.gap, 0.0)
    np.testing.assert_array_equal(r.lower, [0.0, 0.0, 0.5])


def test_rounding_between_the_ends_is_forgiven_and_more_is_not():
    touched = range_of_ends([[-1.0, 2.0]], [[-1.0, 2.0 - 4e-16]])
    assert touched.outer[0, 1] == 2.0
    assert touched.gap[0] == 0.0
    with pytest.raises(InvalidInput, match="passes the outer end of row 1 by 1e-10"):
        range_of_ends([[0, 1], [-1.0, 2.0]], [[0, 1], [-1.0, 2.0 - 1e-10]])


@pytest.mark.parametrize(
    ("inner", "outer", "message"),
    [
        ([[0.0, np.nan]], None, "NaN or not in order: \\(0, nan\\) at row 0"),
        ([[0.0, 1.0], [1.0, 0.0]], None, "at row 1"),
        ([0.0, 1.0], None, "shape \\(n, 2\\)"),
        ([[0.0, 1.0]], [[np.nan, 1.0]], "`outer` has ends that are NaN"),
        ([[0.0, 1.0]], [[0.0, 1.0]] * 2, "differ in shape"),
    ],
)
def test_bad_ends(inner, outer, message):
    with pytest.raises(InvalidInput, match=message):
        range_of_ends(inner, outer)


def test_responses_are_shown_as_they_are():
    r = range_of_ends([[-40.0, 300.0]], [[-41.0, 300.0]], scale="response")
    assert (r.lower[0], r.upper[0]) == (-41.0, 300.0)


def test_to_dict_is_json_and_keeps_no_infinite_number():
    data = convex(baseline=[-0.5, 2.5, -27.5]).to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["gap"][2] is None
    assert data["outer"][2] == [-28.0, None]
    assert data["epsilon_kind"] == "relative"


def test_to_frame_has_a_row_for_each_row():
    table = convex(baseline=[-0.5, 2.5, -27.5]).to_frame()
    assert list(table["kind"]) == ["exact", "outer", "outer"]
    assert list(table["inner_lower"]) == [-1.0, 2.0, -28.0]
    assert "baseline" in table


def test_frozen_and_read_only():
    r = convex()
    with pytest.raises(FrozenInstanceError):
        r.lower = 0
    with pytest.raises(ValueError, match="read-only"):
        r.lower[0] = 0


def test_rows_and_combine_undo_each_other():
    r = convex(baseline=[-0.5, 2.5, -27.5], witness_lower=np.eye(3), witness_upper=np.eye(3))
    again = PredictionRange.combine(r.rows([1]), r.rows(np.array([False, False, True])))
    for name in ("lower", "upper", "inner", "outer", "kind", "gap", "status", "baseline", "witness_lower"):
        np.testing.assert_array_equal(getattr(again, name), getattr(r, name)[1:])
    assert len(again) == 2
    assert again.source == "convex"
    assert r.rows(0).kind.tolist() == ["exact"]
    assert "no rows" in r.rows([]).summary()


def test_kinds_and_stamps_do_not_mix():
    exact, inner = convex(INNER, INNER), range_of_ends(INNER, source="refits")
    message = r"Cannot combine an 'inner' range \(refits\) with an 'exact' one \(convex\)\. Report them side"
    with pytest.raises(IncompatibleBound, match=message):
        inner.combine(exact)
    with pytest.raises(IncompatibleBound, match="'exact' range"):
        exact.combine(convex())
    for name, value in {
        "epsilon": 0.05,
        "epsilon_kind": "additive",
        "source": "pool",
        "scale": "response",
    }.items():
        with pytest.raises(IncompatibleBound, match=f"{exact.scale} range over .* with a "):
            exact.combine(replace(exact, **{name: value}))
    with pytest.raises(IncompatibleBound, match="baseline"):
        exact.combine(replace(exact, baseline=np.zeros(3)))


def test_summary_names_the_set_and_its_widest_row():
    text = convex(INNER, INNER).summary()
    assert "relative epsilon 0.01" in text
    assert "at row 0" in text
    assert "exact" in text
    assert "1 of 3 rows are exact" in convex().summary()


def test_words_of_the_producer_replace_the_status():
    r = convex(status=["OPTIMAL", "solver bound", Status.TIME_LIMIT])
    assert r.status.tolist() == ["OPTIMAL", "solver bound", "TIME_LIMIT"]
