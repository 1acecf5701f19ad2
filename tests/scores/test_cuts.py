"""Cut points: the best boundaries, at the roundest numbers, indifferent to how rows are written down."""

import math
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstats.scores.cuts import Profile, profile, quantile_cuts, readable_edges, roundest, tree_cuts
from riskstats.scores.rules import number_text

SEEDED = settings(derandomize=True, deadline=None, max_examples=150)
SEARCHES = [quantile_cuts, tree_cuts]
numbers = st.one_of(
    st.integers(-50, 50).map(float),
    st.floats(-1e6, 1e6).map(lambda value: value + 0.0),
    st.decimals(-99, 99, places=2).map(float),
)


@st.composite
def columns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values with ties, targets and whole weights."""
    pool = draw(st.lists(numbers, min_size=1, max_size=25))
    values = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=60))
    n = len(values)
    positive = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    weight = draw(st.lists(st.integers(1, 4), min_size=n, max_size=n))
    return np.array(values), np.array(positive, dtype=float), np.array(weight, dtype=float)


def profile_of(values: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> Profile:
    return profile(values, positive, weight / weight.sum())


def significant_digits(value: float) -> int:
    return len(Decimal(number_text(value)).normalize().as_tuple().digits)


def fewest_digits(low: float, high: float) -> int:
    """Find, in exact arithmetic, the fewest significant digits of a number in (low, high]."""
    if low < 0 <= high:
        return 1
    if high < 0:  # mirror: the numbers with low < c <= high are those with -high <= c < -low
        return next(k for k in range(1, 25) if _ceiling(Decimal(-high), k) < Decimal(-low))
    return next(k for k in range(1, 25) if _floor(Decimal(high), k) > Decimal(low))


def _floor(value: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_FLOOR).plus(value)


def _ceiling(value: Decimal, digits: int) -> Decimal:
    return -_floor(-value, digits)


@pytest.mark.parametrize(
    ("low", "high", "near", "expected"),
    [
        (44, 45, 44.5, 45),
        (44, 47, 45.5, 45),
        (45, 47, 46, 46),
        (0, 114, 57, 100),
        (-5, 3, -1, 0),
        (-5, 0, -1, 0),
        (0, 3, 1.5, 1),
        (99, 101, 100, 100),
        (0.1357, 0.1374, 0.1365, 0.136),
        (0.13999, 0.14001, 0.14, 0.14),
        (0.29999999999999993, 0.3, 0.3, 0.3),
        (-120, -100, -110, -100),
        (-100, -90, -95, -90),
        (110, 190, 174, 150),
        (1, math.nextafter(1, 2), 1, math.nextafter(1, 2)),
        (-1.7e308, -1.2e308, -1.5e308, -1.5e308),
        (1.2e308, 1.7e308, 1.4e308, 1.5e308),
        (0, 5e-324, 0, 5e-324),
    ],
)
def test_roundest(low: float, high: float, near: float, expected: float) -> None:
    assert roundest(low, high, near) == expected


@SEEDED
@given(numbers, numbers)
def test_roundest_stays_in_the_gap_with_the_fewest_digits(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    if low == high or 0 < max(abs(low), abs(high)) < 1e-290:
        return
    number = roundest(low, high, low / 2 + high / 2)
    assert low < number <= high
    assert float(number_text(number)) == number
    exact = fewest_digits(low, high)
    assert significant_digits(number) <= min(exact, 17) or number == high


@SEEDED
@given(columns(), st.integers(2, 6), st.sampled_from([0.0, 0.05, 0.2]), st.sampled_from(SEARCHES))
def test_rounding_without_tolerance_keeps_every_row_in_its_bin(column, max_bins, min_share, search) -> None:
    shape = profile_of(*column)
    cuts = search(shape, max_bins, min_share, 0.0)
    edges = readable_edges(shape, cuts, min_share)
    raw = shape.values[[cut.boundary for cut in cuts]]
    np.testing.assert_array_equal(
        np.searchsorted(edges, column[0], side="right"), np.searchsorted(raw, column[0], side="right")
    )


@SEEDED
@given(columns(), st.integers(2, 6), st.sampled_from([0.0, 0.05, 0.2]), st.sampled_from(SEARCHES))
def test_bins_are_few_and_keep_their_share(column, max_bins, min_share, search) -> None:
    values, _, weight = column
    shape = profile_of(*column)
    edges = readable_edges(shape, search(shape, max_bins, min_share, 0.02), min_share)
    assert len(edges) < max_bins
    assert all(low < high for low, high in pairwise(edges))
    shares = np.bincount(np.searchsorted(edges, values, side="right"), weight, len(edges) + 1) / weight.sum()
    assert shares.min() >= min_share - 1e-9
    assert shares.min() > 0


@SEEDED
@given(columns(), st.integers(2, 6), st.sampled_from(SEARCHES))
def test_rounding_moves_at_most_the_tolerance(column, max_bins, search) -> None:
    values, _, weight = column
    shape = profile_of(*column)
    cuts = search(shape, max_bins, 0.05, 0.1)
    for cut, edge in zip(cuts, readable_edges(shape, cuts, 0.05), strict=True):
        moved = (values >= edge) != (values >= shape.values[cut.boundary])
        assert weight[moved].sum() / weight.sum() <= 0.1 + 1e-9


@SEEDED
@given(columns(), st.sampled_from(SEARCHES), st.randoms(use_true_random=False))
def test_weights_are_repetition_and_row_order_is_nothing(column, search, random) -> None:
    values, positive, weight = column
    rows = np.repeat(np.arange(len(values)), weight.astype(int)).tolist()
    random.shuffle(rows)
    repeated = profile_of(values[rows], positive[rows], np.ones(len(rows)))
    scaled = profile_of(values, positive, 7.3 * weight)
    first, second = (
        readable_edges(shape, search(shape, 5, 0.05, 0.01), 0.05) for shape in (repeated, scaled)
    )
    assert first == second


def log_loss(weight: float, positive: float) -> float:
    negative = weight - positive
    return sum(-part * math.log(part / weight) for part in (positive, negative) if part > 0)


@SEEDED
@given(columns())
def test_the_first_tree_cut_is_the_best_split(column) -> None:
    values, positive, weight = column
    losses = {}
    for edge in np.unique(values)[1:]:
        sides = [values < edge, values >= edge]
        losses[float(edge)] = sum(log_loss(weight[s].sum(), (weight * positive)[s].sum()) for s in sides)
    shape = profile_of(*column)
    cuts = tree_cuts(shape, 2, 0.0, 0.0)
    whole = log_loss(weight.sum(), (weight * positive).sum())
    if not cuts:
        assert min(losses.values(), default=whole) >= whole - 1e-6 * weight.sum()
    else:
        assert losses[shape.values[cuts[0].boundary]] <= min(losses.values()) + 1e-8 * weight.sum()


def test_tree_finds_a_planted_threshold_and_stops() -> None:
    values = np.arange(1000) * 0.37
    shape = profile_of(values, (values >= 126).astype(float), np.ones(1000))
    assert readable_edges(shape, tree_cuts(shape, 5, 0.05, 0.01), 0.05) == [126.0]


def test_quantile_cuts_fall_on_equal_shares() -> None:
    values = np.random.default_rng(0).permutation(1000) / 1000
    shape = profile_of(values, np.zeros(1000), np.ones(1000))
    assert readable_edges(shape, quantile_cuts(shape, 5, 0.05, 0.0), 0.05) == [0.2, 0.4, 0.6, 0.8]


def test_a_column_of_mostly_one_value_is_still_cut_once() -> None:
    values = np.concatenate([np.zeros(92), np.linspace(114, 9999, 8)])
    shape = profile_of(values, np.zeros(100), np.ones(100))
    assert readable_edges(shape, quantile_cuts(shape, 5, 0.05, 0.0), 0.05) == [100.0]
    assert quantile_cuts(shape, 5, 0.1, 0.0) == []


def test_few_distinct_values_are_cut_between_all_of_them() -> None:
    values = np.repeat([10.0, 20.0, 50.0], [6, 7, 87])
    shape = profile_of(values, np.zeros(100), np.ones(100))
    assert readable_edges(shape, quantile_cuts(shape, 5, 0.05, 0.0), 0.05) == [20.0, 30.0]


def test_tolerance_buys_round_numbers() -> None:
    values = np.random.default_rng(3).normal(100, 15, 5000)
    shape = profile_of(values, np.zeros(5000), np.ones(5000))
    exact = readable_edges(shape, quantile_cuts(shape, 5, 0.05, 0.0), 0.05)
    loose = readable_edges(shape, quantile_cuts(shape, 5, 0.05, 0.01), 0.05)
    assert max(map(significant_digits, loose)) <= 3 < max(map(significant_digits, exact))
