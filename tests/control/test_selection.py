import numpy as np
import pytest

from riskstats.control.selection import pareto_order, selected_candidate
from riskstats.exceptions import InvalidInput


def test_front_of_two_criteria_from_safe_to_cheap():
    risk = [0.3, 0.1, 0.2, 0.25, 0.05]
    cost = [1.0, 5.0, 2.0, 2.5, 5.5]
    assert pareto_order(np.column_stack([risk, cost])) == (4, 1, 2, 0)


def test_front_is_what_nobody_beats(rng):
    points = rng.integers(0, 6, (40, 3)) / 5
    order = pareto_order(points)
    beaten = {j for j in range(40) if any((p <= points[j]).all() and (p < points[j]).any() for p in points)}
    assert set(order) == set(range(40)) - beaten
    assert [points[j, 0] for j in order] == sorted(points[j, 0] for j in order)


def test_priority_orders_the_front():
    points = [[0.1, 0.9], [0.5, 0.5], [0.9, 0.1], [1.0, 1.0]]
    assert pareto_order(points, priority=[3.0, 1.0, 2.0, 0.0]) == (1, 2, 0)


def test_equals_stay_on_the_front():
    assert pareto_order([[0.1, 0.2], [0.1, 0.2], [0.3, 0.2]]) == (0, 1)


def test_one_criterion_leaves_the_best():
    assert pareto_order([[0.3], [0.1], [0.2]]) == (1,)


def test_selected_is_certified():
    objective = np.array([0.5, 0.1, 0.3, 0.3])
    assert selected_candidate((0, 2, 3), objective) == 2
    assert selected_candidate((), objective) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto_order([0.1, 0.2]), r"shape \(candidates, criteria\)"),
        (lambda: pareto_order([[]]), r"shape \(candidates, criteria\)"),
        (lambda: pareto_order([[np.nan, 1.0]]), "NaN or infinite"),
        (lambda: pareto_order("ab"), "matrix of numbers"),
        (lambda: pareto_order([[1.0], [2.0]], priority=[1.0]), "`priority` has 1 values for 2 candidates"),
    ],
)
def test_messages(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
