"""Merged rows lose nothing, and the hash says which data they are, however they are written down."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.scores.compression import ScoreData, compress, data_hash, group_rows, restrict
from riskstats.scores.problem import IntegerScoreProblem

KINDS = ("binary", "integer", "real", "wide")


def rows_of(rng, kind, shape=(200, 4)):
    return {
        "binary": lambda: rng.integers(0, 2, shape).astype(float),
        "integer": lambda: rng.integers(-3, 4, shape).astype(float),
        "real": lambda: np.round(rng.standard_normal(shape), 1),
        "wide": lambda: rng.choice([0.0, -0.0, 1e-300, 127.0, 128.0, -128.0, -129.0, 1e15, 2.5], shape),
    }[kind]()


def data_of(rng, kind):
    X = rows_of(rng, kind)
    y = rng.integers(0, 2, len(X))
    weight = rng.integers(0, 4, len(X)) + 0.25 * rng.integers(0, 2, len(X))
    return X, weight * (y == 1), weight * (y == 0)


def loss(X, positive, negative, card):
    z = card[0] + X @ card[1:]
    return positive @ np.logaddexp(0, -z) + negative @ np.logaddexp(0, z)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_are_the_distinct_rows(kind, rng):
    X = rows_of(rng, kind)
    distinct, member = group_rows(X)
    np.testing.assert_array_equal(distinct[member], X)
    assert len(distinct) == len(np.unique(X + 0.0, axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_groups_depends_on_the_set_of_rows_alone(kind, rng):
    X = rows_of(rng, kind)
    order = rng.permutation(len(X))
    again = np.concatenate([X[order], X[order[:50]]])
    np.testing.assert_array_equal(group_rows(X)[0], group_rows(again)[0])


def test_negative_zero_is_zero_and_the_next_float_is_not():
    distinct, member = group_rows(np.array([[0.0], [-0.0], [5e-324], [1.0], [np.nextafter(1.0, 2.0)]]))
    assert len(distinct) == 4
    assert member[0] == member[1]
    assert not np.signbit(distinct).any()


def test_no_columns_and_one_row():
    distinct, member = group_rows(np.zeros((5, 0)))
    assert distinct.shape == (1, 0)
    np.testing.assert_array_equal(member, 0)
    distinct, member = group_rows(np.array([[3.0, 4.0]]))
    np.testing.assert_array_equal(distinct, [[3.0, 4.0]])
    assert member.tolist() == [0]


def test_input_is_left_alone():
    X = np.array([[-0.0, 1.0], [2.0, 3.0]])
    kept = X.copy()
    group_rows(X)
    compress(X, np.ones(2), np.zeros(2))
    np.testing.assert_array_equal(X, kept)
    assert np.signbit(X[0, 0])


@pytest.mark.parametrize("kind", KINDS[:3])
def test_compression_is_lossless(kind, rng):
    X, positive, negative = data_of(rng, kind)
    rows, a, c = compress(X, positive, negative)
    assert len(rows) < len(X)
    assert np.all(a + c > 0)
    assert a.sum() == pytest.approx(positive.sum(), rel=1e-15)
    assert c.sum() == pytest.approx(negative.sum(), rel=1e-15)
    for card in rng.integers(-5, 6, (50, X.shape[1] + 1)):
        assert loss(rows, a, c, card) == pytest.approx(loss(X, positive, negative, card), rel=1e-13)


def test_rows_without_weight_are_dropped():
    X, none = np.array([[1.0], [2.0], [2.0], [3.0]]), np.zeros(4)
    rows, a, c = compress(X, np.array([1.0, 0, 2, 0]), none)
    np.testing.assert_array_equal(rows, [[1.0], [2.0]])
    np.testing.assert_array_equal(a, [1.0, 2.0])
    np.testing.assert_array_equal(c, 0.0)


def test_compressing_twice_is_compressing_once(rng):
    once = compress(*data_of(rng, "integer"))
    for first, second in zip(once, compress(*once), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_restricted_data_have_the_loss_of_cards_on_their_columns(kind, rng):
    X, positive, negative = data_of(rng, kind)
    design = np.column_stack([np.ones(len(X)), X])
    data = ScoreData(design, positive + negative, positive @ design)
    for columns in ([0], [0, 2], [0, 1, 4]):
        part = restrict(data, np.array(columns))
        assert len(part.design) <= len(np.unique(X, axis=0))
        point = rng.standard_normal(len(columns))
        full = np.zeros(5)
        full[columns] = point
        expected = loss(X, positive, negative, full)
        found = part.weight @ np.logaddexp(0, part.design @ point) - part.target @ point
        assert found == pytest.approx(expected, rel=1e-12)


def spread_out(rng, X, positive, negative):
    """The same data as unit rows in another order: whole weights become repetitions."""
    places = [np.repeat(np.arange(len(X)), side.astype(int)) for side in (positive, negative)]
    rows = np.concatenate([X[place] for place in places])
    label = np.repeat([1.0, 0.0], [len(place) for place in places])
    order = rng.permutation(len(rows))
    return rows[order], label[order], 1.0 - label[order]


@pytest.mark.parametrize("kind", KINDS)
def test_the_hash_ignores_order_repetition_and_a_common_factor(kind, rng):
    X, positive, negative = data_of(rng, kind)
    positive, negative = np.floor(positive), np.floor(negative)
    expected = data_hash(X, positive, negative)
    order = rng.permutation(len(X))
    assert data_hash(X[order], positive[order], negative[order]) == expected
    assert data_hash(*spread_out(rng, X, positive, negative)) == expected
    assert data_hash(*compress(X, positive, negative)) == expected
    for factor in (7.0, 1 / 3, 1e-6):
        assert data_hash(X, factor * positive, factor * negative) == expected
    padded = np.vstack([X, X[:5] + 1.0]), np.append(positive, np.zeros(5)), np.append(negative, np.zeros(5))
    assert data_hash(*padded) == expected
    assert data_hash(np.where(X == 0, -0.0, X), positive, negative) == expected


@pytest.mark.parametrize("n", [8192, 16384])
@pytest.mark.parametrize("factor", [0.1, 0.7, 1 / 3])
def test_the_hash_ignores_a_factor_where_shares_lie_between_two_roundings(n, factor, rng):
    """1 / 8192 ends in a 5 at the 13th decimal: rounding to 12 must not hang on the last bit of a sum."""
    X, y = np.arange(float(n))[:, None], rng.integers(0, 2, n)
    positive, negative = (y == 1).astype(float), (y == 0).astype(float)
    order = rng.permutation(n)
    expected = data_hash(X, positive, negative)
    assert data_hash(X, factor * positive, factor * negative) == expected
    assert data_hash(X[order], factor * positive[order], factor * negative[order]) == expected


def test_the_hash_tells_data_apart(rng):
    X, positive, negative = data_of(rng, "integer")
    row = int(np.argmax(positive))
    moved, flipped, heavier = X.copy(), positive.copy(), positive.copy()
    moved[row, 0] += 1.0
    flipped[row] -= 1.0
    heavier[row] += 1e-6 * positive.sum()
    other_side = negative.copy()
    other_side[row] += 1.0
    seen = {
        data_hash(X, positive, negative),
        data_hash(moved, positive, negative),
        data_hash(X, flipped, other_side),
        data_hash(X, heavier, negative),
        data_hash(X, negative, positive),
        data_hash(X[:, ::-1], positive, negative),
        data_hash(X[:, :3], positive, negative),
        data_hash(np.column_stack([X, np.zeros(len(X))]), positive, negative),
    }
    assert len(seen) == 8


def test_the_problem_is_the_same_with_and_without_compression(rng):
    """Objective and spread from the compressed problem against the raw rows."""
    X, positive, negative = data_of(rng, "integer")
    y, weight = (positive > 0).astype(int), positive + negative
    problem = IntegerScoreProblem.from_data(
        X, y, weight, lower=np.full(4, -5), upper=np.full(4, 5), penalty=0.01
    )
    share = weight / weight.sum()
    for card in rng.integers(-5, 6, (20, 5)):
        expected = loss(X, share * y, share * (1 - y), 0.4 * card) + 0.01 * np.count_nonzero(card[1:])
        assert problem.objective(card, 0.4) == pytest.approx(expected, rel=1e-12)
    mean = share @ X
    np.testing.assert_allclose(problem.spread[1:], np.sqrt(share @ (X - mean) ** 2), rtol=1e-12)
    np.testing.assert_allclose(problem.magnitude[1:], np.sqrt(share @ X**2), rtol=1e-12)
    assert problem.spread[0] == pytest.approx(0.0, abs=1e-12)


def test_constant_columns_are_no_features():
    """Constant on the rows that have weight, whatever the others say."""
    X = np.array([[1.0, 2.0], [1.0, 3.0], [9.0, 2.0]])
    box = {"lower": np.full(2, -3), "upper": np.full(2, 3)}
    problem = IntegerScoreProblem.from_data(X, np.array([0, 1, 1]), np.array([1.0, 1.0, 0.0]), **box)
    assert problem.lower[1:].tolist() == [0, -3]
    assert problem.upper[1:].tolist() == [0, 3]


def test_a_class_without_weight_is_refused():
    X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    with pytest.raises(InvalidInput, match="each class needs positive weight"):
        IntegerScoreProblem.from_data(
            X, y, np.array([1.0, 1.0, 0.0, 0.0]), lower=np.array([-1]), upper=np.array([1])
        )


@pytest.mark.parametrize(
    ("values", "step"), [((0, 2), 1.0), ((0.5, 1), 0.0), ((1, 1 + 1e-15), 0.0), ((0, 1e12), 0.0)]
)
def test_a_lattice_takes_whole_numbers(values, step):
    problem = IntegerScoreProblem.from_data(
        np.array(values)[:, None],
        np.array([0, 1]),
        lower=np.array([-1]),
        upper=np.array([1]),
        intercept=(-3, 3),
    )
    assert problem.step == step
