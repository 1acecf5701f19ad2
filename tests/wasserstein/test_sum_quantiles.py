"""The kernels of a sum of two: pieces, transport, roots; two ways through the code, and fractions."""

from fractions import Fraction

import numpy as np
import pytest

from riskstats.wasserstein.continuous_sum import ContinuousLaw, ContinuousSum
from riskstats.wasserstein.exact_order import comparable, counts_at_most, decimal_places, scaled
from riskstats.wasserstein.step_quantiles import pieces, step_law
from riskstats.wasserstein.sum_quantiles import StepSum, norm_root, positive_norm
from tests.reference import makarov as exact


def laws(rng, n, m):
    return step_law(np.round(rng.normal(size=n), 1)), step_law(rng.normal(size=m), rng.uniform(size=m))


def uneven(law):
    """The same law with its first atom in two parts, so that the weights are not equal."""
    values = np.append(law.values, law.values[0])
    weights = np.append(law.weights, 0.25 * law.weights[0])
    weights[0] *= 0.75
    return step_law(values, weights)


# Pieces


@pytest.mark.parametrize("q", [1e-9, 0.2, 1 / 3, 0.5, 0.7500001, 1.0])
def test_pieces_fill_the_share(rng, q):
    for n, m in ((6, 6), (6, 4), (1, 5), (3, 1)):
        for first, second in (laws(rng, n, m), [step_law(rng.normal(size=k)) for k in (n, m)]):
            laid = pieces(first, second, q)
            assert laid.lengths.sum() == pytest.approx(q, rel=1e-12)
            assert (laid.lengths >= 0).all()
            used = np.bincount(laid.first, laid.lengths, n), np.bincount(laid.second, laid.lengths, m)
            for law, mass in zip((first, second), used, strict=True):
                assert (mass <= law.weights + 1e-15).all()
                taken = np.minimum(law.cumulative, q)
                np.testing.assert_allclose(np.cumsum(mass), taken, atol=1e-15)


def test_pieces_pair_small_with_large(rng):
    first, second = laws(rng, 7, 5)
    laid = pieces(first, second, 0.6)
    kept = laid.lengths > 1e-15
    order = np.argsort(laid.first[kept], kind="stable")
    assert (np.diff(laid.first[kept][order]) >= 0).all()
    assert (np.diff(laid.second[kept][np.lexsort((-laid.second[kept], laid.first[kept]))]) <= 0).all()


def test_slopes_are_those_of_the_lengths(rng):
    for first, second in (laws(rng, 7, 5), [step_law(rng.normal(size=8)) for _ in range(2)]):
        for q in (0.31, 0.5, 0.875):
            laid = pieces(first, second, q)
            step = 0.5 * laid.room
            before = pieces(first, second, q - step)
            total = StepSum(first, second)
            sums = laid.sums(first, second)
            shrunk = laid.lengths - step * laid.slopes
            assert shrunk.min() >= -1e-15
            one = (shrunk * np.maximum(sums, 0) ** 2).sum()
            other = (before.lengths * np.maximum(before.sums(first, second), 0) ** 2).sum()
            assert one == pytest.approx(other, abs=1e-14)
            assert total.distance(0.0, q, 2) ** 2 == pytest.approx(
                (laid.lengths * np.maximum(sums, 0) ** 2).sum()
            )


def test_transport_against_fractions(rng):
    for _ in range(40):
        x, y = np.round(rng.normal(size=4), 1), np.round(rng.normal(size=3), 1)
        mass = rng.integers(1, 5, 4).astype(float), rng.integers(1, 5, 3).astype(float)
        total = StepSum(step_law(x, mass[0]), step_law(y, mass[1]))
        q, z, order = Fraction(int(rng.integers(1, 20)), 20), Fraction(int(rng.integers(-20, 20)), 10), 3
        wanted = exact.transport(exact.law(x, mass[0]), exact.law(y, mass[1]), z, q, order)
        assert total.distance(float(z), float(q), order) ** order == pytest.approx(float(wanted), abs=1e-13)


def test_transport_is_convex_and_increasing(rng):
    total = StepSum(*laws(rng, 30, 20))
    grid = np.linspace(0.01, 1, 100)
    for order in (1, 2, 3):
        T = np.array([total.distance(-0.5, q, order) ** order for q in grid])
        assert (np.diff(T) >= -1e-15).all()
        assert (np.diff(T, 2) >= -1e-13).all()


# Two ways through the code


@pytest.mark.parametrize("n", [50, 6000, 20000])
def test_even_and_uneven_weights_agree(rng, n):
    """The second passes no coarse law of its own kind and no even sums."""
    total = StepSum(step_law(rng.normal(size=n)), step_law(rng.standard_t(3, size=n)))
    other = StepSum(uneven(total.first), uneven(total.second))
    points = np.array([-3.0, -1.0, 0.5])
    for radius, order in ((0.0, 1), (0.1, 1), (0.1, 2), (1e-4, 1.5), (3.0, 3)):
        one, two = (each.cdf_bounds(points, radius, order) for each in (total, other))
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)
        for q in (0.05, 0.95):
            for name in ("smallest_quantile", "largest_quantile"):
                one, two = (getattr(each, name)(q, radius, order) for each in (total, other))
                assert one == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize("order", [1, 1.5, 2, 3, 4.5])
def test_root_solves_its_equation(rng, order):
    for n, m in ((9000, 9000), (9000, 5000), (40, 30)):
        total = StepSum(step_law(rng.normal(size=n)), step_law(rng.lognormal(size=m)))
        points = np.array([-1.0, 0.3, 1.0])
        for point, q in zip(points, total.shares(points, 0.2, order), strict=True):
            assert total.distance(point, q, order) == pytest.approx(0.2, rel=1e-12)


def test_roots_at_large_orders(rng):
    """T changes by hundreds of orders of magnitude between two atoms: the root still lies where it should."""
    for order in (3, 10, 50, 200):
        for n, m in ((1, 1), (3, 2), (20, 20), (20, 19), (300, 300), (300, 299)):
            total = StepSum(step_law(rng.standard_t(2, size=n)), step_law(rng.standard_t(2, size=m)))
            for radius in (1e-6, 1e-3, 0.3):
                point = float(rng.normal())
                q = total.shares(np.array([point]), radius, order)[0]
                assert q >= 1 - 1e-12 or total.distance(point, q + 1e-12, order) >= radius
                assert q <= 1e-12 or total.distance(point, q - 1e-12, order) <= radius * (1 + 1e-12)


def test_answers_do_not_depend_on_the_other_points(rng):
    total = StepSum(step_law(rng.normal(size=9000)), step_law(rng.normal(size=9000)))
    points = rng.normal(size=12)
    together = total.shares(points, 0.1, 2)
    alone = [total.shares(points[k : k + 1], 0.1, 2)[0] for k in range(12)]
    np.testing.assert_array_equal(together, alone)


def test_classical_bounds_against_every_atom(rng):
    for n, m in ((900, 900), (700, 1100)):
        x, y = np.sort(np.round(rng.normal(size=n), 2)), np.sort(np.round(rng.normal(size=m), 2))
        for z in (-2.11, 0.0, 1.73):
            below = (np.round(x[:, np.newaxis] + y, 2) <= z).mean(axis=1)
            strict, weak = np.searchsorted(x, x, "left") / n, np.searchsorted(x, x, "right") / n
            lower, upper = StepSum(step_law(x), step_law(y)).classical(np.array([z]))
            assert upper[0] == pytest.approx(min(1, (strict + below).min()), abs=1e-14)
            assert lower[0] == pytest.approx(max(0, (weak + below).max() - 1), abs=1e-14)


# Roots in z


@pytest.mark.parametrize("order", [1, 1.3, 2, 3, 6])
def test_norm_root(rng, order):
    for radius in (1e-12, 1e-3, 0.7, 50.0):
        sums, weights = rng.normal(size=200), rng.uniform(size=200) / 400
        z = norm_root(sums, weights, radius, order)
        assert positive_norm(np.maximum(sums - z, 0), weights, order) == pytest.approx(
            radius, rel=1e-9, abs=1e-14
        )
    assert norm_root(sums, weights, 0.0, order) == sums.max()
    assert norm_root(np.array([2.0]), np.array([0.25]), 0.5, order) == pytest.approx(
        2 - 0.5 * 4 ** (1 / order)
    )


def test_positive_norm_of_extreme_numbers():
    assert positive_norm(np.array([1e300, 1e300]), np.array([0.5, 0.5]), 3) == pytest.approx(1e300)
    assert positive_norm(np.array([1e-300, 0.0]), np.array([1.0, 1.0]), 3) == pytest.approx(1e-300)
    assert positive_norm(np.zeros(2), np.ones(2), 2) == 0.0


# Order


@pytest.mark.parametrize(
    ("values", "places"),
    [([1, 2, 3], 0), ([0.1, 2.25], 2), ([1e-7], 7), ([1 / 3], None), ([1e15], None), ([1e14, 0.5], None)],
)
def test_decimal_places(values, places):
    assert decimal_places(np.array(values, dtype=float)) == places


def test_scaled_decimals_are_the_nearest_floats():
    assert scaled(np.array([0.1, 0.7]), 0.3).tolist() == [0.03, 0.21]
    assert scaled(np.array([0.1]), -1.0).tolist() == [-0.1]
    assert scaled(np.array([1 / 3]), 0.3).tolist() == [0.3 / 3]


def test_comparable_points():
    first, second, points = comparable(
        np.array([0.1]), np.array([0.25]), np.array([0.35, np.nextafter(0.35, 0), 1e300, -1e300])
    )
    assert (first.tolist(), second.tolist()) == ([10.0], [25.0])
    assert (first + second <= points).tolist() == [True, False, True, False]


def test_counts_at_most(rng):
    atoms = np.unique(np.round(rng.normal(size=50), 1))
    padded = np.concatenate([[-np.inf], atoms, [np.inf]])
    terms = rng.normal(size=30)
    found = counts_at_most(terms, padded, 0.3)
    np.testing.assert_array_equal(found, (terms[:, np.newaxis] + atoms <= 0.3).sum(axis=1))


# Continuous laws


class Kumaraswamy:
    """A law with a quantile function and nothing else."""

    def ppf(self, u):
        return 1 - np.sqrt(1 - np.asarray(u))


def test_a_quantile_function_is_enough():
    total = ContinuousSum(ContinuousLaw(Kumaraswamy()), ContinuousLaw(Kumaraswamy()))
    grid = (np.arange(20000) + 0.5) / 20000
    sample = StepSum(*[step_law(Kumaraswamy().ppf(grid))] * 2)
    for radius, order in ((0.0, 1), (0.05, 1), (0.1, 2)):
        points = np.array([0.3, 1.2])
        one, two = (each.cdf_bounds(points, radius, order) for each in (total, sample))
        np.testing.assert_allclose(one, two, atol=2e-4)
        assert total.smallest_quantile(0.4, radius, order) == pytest.approx(
            sample.smallest_quantile(0.4, radius, order), abs=2e-4
        )
