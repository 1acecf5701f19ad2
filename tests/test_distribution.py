from fractions import Fraction

import numpy as np
import pytest

from riskstats.distribution import LEVEL_SLACK, Distribution, rank_of_level
from riskstats.exceptions import InvalidInput
from tests.reference import distribution as exact

SIDES = ("lower", "upper")


def agree_with_exact_fractions(rng: np.random.Generator, cases: int) -> None:
    """Random atoms with ties, weights with zeros and a common factor, levels that often hit a jump."""
    for _ in range(cases):
        n = int(rng.integers(1, 61))
        atoms = [
            Fraction(int(v), int(d))
            for v, d in zip(rng.integers(-9, 10, n), rng.integers(1, 8, n), strict=True)
        ]
        counts = rng.integers(0, 4, n)
        counts[rng.integers(n)] += 1
        weights = [Fraction(int(c)) for c in counts]
        total = int(counts.sum())
        q = total if rng.random() < 0.7 else int(rng.integers(1, 200))
        level = Fraction(int(rng.integers(0, q + 1)), q)
        factor = float(rng.choice([1.0, 0.1, 1 / 3, 7e-5, 1e12]))
        distribution = Distribution(np.array([float(a) for a in atoms]), factor * counts)
        for side in SIDES:
            want = float(exact.quantile(atoms, weights, level, side))
            assert distribution.quantile(float(level), side) == want, (atoms, counts, level, factor, side)
        x = atoms[int(rng.integers(n))]
        for strict in (False, True):
            want = float(exact.cdf(atoms, weights, x, strict=strict))
            assert distribution.cdf(float(x), strict=strict) == pytest.approx(want, abs=1e-15)


def test_agrees_with_exact_fractions(rng):
    agree_with_exact_fractions(rng, 800)


@pytest.mark.slow
def test_agrees_with_exact_fractions_on_many_cases(rng):
    agree_with_exact_fractions(rng, 100_000)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 49, 100, 901, 1000, 4096, 1_000_000])
def test_every_fraction_of_n_has_its_rank(n):
    k = np.arange(n + 1)
    np.testing.assert_array_equal(rank_of_level(k / n, n, "lower"), np.maximum(k, 1))
    np.testing.assert_array_equal(rank_of_level(k / n, n, "upper"), np.minimum(k + 1, n))
    between = (k[:-1] + 0.5) / n
    for side in SIDES:
        np.testing.assert_array_equal(rank_of_level(between, n, side), k[1:])


@pytest.mark.slow
def test_every_fraction_up_to_a_thousand_has_its_rank():
    for n in range(1, 1001):
        k = np.arange(1, n + 1)
        np.testing.assert_array_equal(rank_of_level(k / n, n), k)
        np.testing.assert_array_equal(rank_of_level(1 - (n - k) / n, n), k)


def test_rank_follows_its_definition(rng):
    for _ in range(300):
        n, q = int(rng.integers(1, 40)), int(rng.integers(1, 40))
        level = Fraction(int(rng.integers(0, q + 1)), q)
        for side in SIDES:
            assert rank_of_level(float(level), n, side) == exact.rank_of_level(level, n, side)


def test_quantile_of_equal_weights_is_the_order_statistic_of_its_rank(rng):
    x = np.sort(rng.normal(size=137))
    distribution = Distribution(x)
    levels = np.append(np.arange(138) / 137, rng.random(200))
    for side in SIDES:
        np.testing.assert_array_equal(
            distribution.quantile(levels, side), x[rank_of_level(levels, 137, side) - 1]
        )


def test_sides_differ_only_where_a_jump_ends():
    ten = Distribution(np.arange(10.0))
    assert (ten.quantile(0.9), ten.quantile(0.9, "upper")) == (8.0, 9.0)
    assert (ten.quantile(0.85), ten.quantile(0.85, "upper")) == (8.0, 8.0)
    assert (ten.quantile(0.0), ten.quantile(1.0, "upper")) == (0.0, 9.0)


@pytest.mark.parametrize("factor", [1.0, 0.1, 3e-300, 1e300, 5e-324])
def test_weights_are_repetitions_and_their_scale_is_neutral(rng, factor):
    x, counts = rng.integers(0, 9, 200) / 7, rng.integers(0, 5, 200)
    weighted, repeated = Distribution(x, counts * factor), Distribution(np.repeat(x, counts))
    np.testing.assert_array_equal(weighted.atoms, repeated.atoms)
    np.testing.assert_allclose(weighted.cumulative, repeated.cumulative, rtol=0, atol=LEVEL_SLACK / 2)
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-14)


def test_a_million_rows_of_weight_a_tenth_lose_no_rank():
    x = np.tile(np.arange(5.0), 200_000)
    distribution = Distribution(x, np.full(len(x), 0.1))
    np.testing.assert_allclose(distribution.cumulative, np.arange(1, 6) / 5, rtol=0, atol=LEVEL_SLACK / 2)
    levels = np.arange(1, 5) / 5
    np.testing.assert_array_equal(distribution.quantile(levels), np.arange(4.0))
    np.testing.assert_array_equal(distribution.quantile(levels, "upper"), np.arange(1.0, 5.0))


def test_order_of_rows_and_zero_weights_do_not_matter(rng):
    x, w = rng.integers(0, 9, 300) / 7, rng.random(300)
    order = rng.permutation(300)
    one = Distribution(x, w)
    other = Distribution(np.append(x[order], [-50.0, 50.0]), np.append(w[order], [0.0, 0.0]))
    np.testing.assert_array_equal(one.atoms, other.atoms)
    np.testing.assert_array_equal(one.cumulative, other.cumulative)
    assert one.mean() == pytest.approx(other.mean(), abs=1e-15)


def test_values_that_differ_in_their_last_bits_are_one_atom():
    x = np.array([0.1 + 0.2, 0.3, 1.0, 1.0 + 1e-9, 0.0, 5e-324, -1e308, 1e308])
    distribution = Distribution(x)
    assert distribution.atoms.tolist() == [-1e308, 0.0, 5e-324, 0.1 + 0.2, 1.0, 1.0 + 1e-9, 1e308]
    assert distribution.cdf(0.3) == distribution.cdf(0.1 + 0.2) == 5 / 8
    assert distribution.cdf(0.3, strict=True) == 3 / 8


def test_cdf_at_the_ends():
    distribution = Distribution(np.array([2.0, 1.0, 2.0]))
    np.testing.assert_array_equal(distribution.cdf([-np.inf, 0.9, 1.0, 2.0, np.inf]), [0, 0, 1 / 3, 1, 1])
    assert distribution.cdf(np.inf, strict=True) == 1.0


def test_mean_is_weighted():
    assert Distribution(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 1.0])).mean() == 2.25


def test_a_distribution_is_frozen():
    source = np.array([2.0, 1.0])
    distribution = Distribution(source)
    with pytest.raises(ValueError, match="read-only"):
        distribution.atoms[0] = 3.0
    with pytest.raises(AttributeError):
        distribution.atoms = source
    source[0] = 7.0
    assert distribution.atoms.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("atoms", "weights", "message"),
    [
        ([], None, "`losses` is empty"),
        ([1.0, np.nan], None, "1 NaN at rows 1"),
        ([1.0, np.inf], None, "infinite value, first at row 1"),
        ([[1.0]], None, "1 dimension"),
        ([1.0, 2.0], [1.0], "1 values for 2 rows"),
        ([1.0, 2.0], [1.0, -0.2], "must be >= 0 with a positive sum; got min -0.2"),
        ([1.0, 2.0], [0.0, 0.0], "zero in every row"),
    ],
)
def test_bad_samples_are_refused(atoms, weights, message):
    with pytest.raises(InvalidInput, match=message):
        Distribution(np.array(atoms), weights)


def test_bad_levels_are_refused():
    distribution = Distribution(np.arange(3.0))
    with pytest.raises(InvalidInput, match=r"got 95\. Write 0\.95"):
        distribution.quantile(95)
    with pytest.raises(InvalidInput, match="got nan"):
        distribution.quantile([0.5, np.nan])
    with pytest.raises(InvalidInput, match="`side` must be one of 'lower', 'upper'"):
        distribution.quantile(0.5, "middle")
    with pytest.raises(InvalidInput, match="`n` must be an integer >= 1"):
        rank_of_level(0.5, 0)
    with pytest.raises(InvalidInput, match="`x` has NaN"):
        distribution.cdf(np.nan)


def test_a_distribution_from_cumulative_probabilities_is_taken_exactly():
    law = Distribution.from_cumulative([0.1, 0.1, 0.3, 0.3 + 1e-16, 0.7, 1.0], [0.0, 0.2, 0.2, 0.5, 0.9, 1.0])
    assert law.atoms.tolist() == [0.1, 0.3 + 1e-16, 0.7, 1.0]
    assert law.cumulative.tolist() == [0.2, 0.5, 0.9, 1.0]
    np.testing.assert_allclose(law.weights, [0.2, 0.3, 0.4, 0.1], rtol=1e-15)
    close = Distribution.from_cumulative([1.0, 1.0 + 1e-15, 1.0 + 3e-15], [0.3, 0.6, 1.0])
    assert len(close) == 3
    assert Distribution.from_cumulative([0.4], [1.0]).mean() == 0.4
    assert law.quantile(0.2) == 0.1
    with pytest.raises(ValueError, match="read-only"):
        law.atoms[0] = 0.0


def test_atoms_without_mass_are_dropped():
    law = Distribution.from_cumulative([0.0, 0.2, 0.5, 0.9], [0.0, 1e-300, 1.0, 1.0])
    assert law.atoms.tolist() == [0.2, 0.5]
    assert law.weights.tolist() == [1e-300, 1.0]


@pytest.mark.parametrize(
    ("atoms", "cumulative", "message"),
    [
        ([0.2, 0.1], [0.5, 1.0], "must not decrease"),
        ([0.1, 0.2], [0.5, 0.4], "must not decrease"),
        ([0.1, 0.2], [-0.5, 1.0], "must not decrease"),
        ([0.1, 0.2], [0.5, 0.9], "the last `cumulative` must be 1"),
        ([0.1, 0.2], [0.5, 1.5], "the last `cumulative` must be 1"),
        ([0.1, 0.2], [1.0], "inconsistent numbers of rows"),
        ([0.1, np.inf], [0.5, 1.0], "`atoms` has an infinite value"),
        ([0.1, 0.2], [np.nan, 1.0], "`cumulative` has 1 NaN"),
        ([], [], "`atoms` is empty"),
    ],
)
def test_cumulative_probabilities_of_no_law_are_refused(atoms, cumulative, message):
    with pytest.raises(InvalidInput, match=message):
        Distribution.from_cumulative(atoms, cumulative)
