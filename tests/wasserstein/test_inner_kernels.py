"""Inner suprema by formula: one source for NumPy and JAX, and nothing of n m numbers in memory."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

from riskstats._jit import double_precision
from riskstats.wasserstein.aggregate import reduced
from riskstats.wasserstein.asked import asked_of
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.inner_kernels import BoxFormula, SumFormula, coarse_pairs, lazy_pairs
from riskstats.wasserstein.joint import JointCDF, Maximum, Product
from riskstats.wasserstein.pair_suprema import BoxPairs, SumPairs
from riskstats.wasserstein.shapes import LINE, Absolute, AtMost, Below, Between, Call, Linear, Put, Square
from riskstats.wasserstein.transforms import coupling_bound, row_maxima

RNG = np.random.default_rng(8)
U, V = RNG.normal(size=9)[:, np.newaxis], np.round(RNG.normal(size=7), 1)[np.newaxis]
BOX = ((-2.0, 1.5), (-math.inf, 2.0))
PRICES = ((0.3, 0.9), (0.7, 0.4), (2.0, 1.0), (0.0, 0.0), (0.0, 1.5), (3.0, 0.0))
SHAPES = (Linear(-0.7), Call(0.2), Put(-0.1), Absolute(0.3), AtMost(0.1), Below(-0.2), Between(-0.3, 0.4))
FUNCTIONALS = (
    Maximum(),
    Maximum(0.4),
    Product(),
    JointCDF((0.1, -0.2)),
    Aggregate(Square(0.2), (1.0, -0.5)),
    *(Aggregate(shape, (1.0, -0.5)) for shape in SHAPES),
)


def agree(formula, parameters, *arrays):
    """The formula in NumPy and in JAX, where it also compiles with prices that the compiler does not know."""
    import jax

    with np.errstate(all="ignore"):
        wanted = formula(*arrays, [float(x) for x in parameters])
    given = (*arrays, np.array(parameters))
    with double_precision():
        found = formula(*map(jax.numpy.asarray, given))
        for kind in (np.float32, np.float64):
            assert jax.eval_shape(formula, *(x.astype(kind) for x in given)).dtype == kind
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


CASES = list(itertools.product((1.0, 2.0), (1, -1), (BOX, (LINE, LINE)), ((True, True), (True, False))))


def pairs_agree(f, cases):
    for (order, sign, box, moving), prices in zip(cases, itertools.cycle(PRICES), strict=False):
        agree(BoxFormula(f, sign, order, box, moving), prices, U, V)


@pytest.mark.parametrize("f", FUNCTIONALS[1:6:2] + FUNCTIONALS[2:12:4], ids=str)
def test_pairs_are_one_formula_in_numpy_and_jax(f):
    pairs_agree(f, CASES[::5])


@pytest.mark.slow
@pytest.mark.parametrize("f", FUNCTIONALS, ids=str)
def test_pairs_are_one_formula_in_numpy_and_jax_all(f):
    pairs_agree(f, CASES)


@pytest.mark.parametrize("shape", [*SHAPES, Square(0.3)], ids=str)
def test_sums_are_one_formula_in_numpy_and_jax(shape):
    for order, sign, price in zip((1.0, 2.0, 2.0, 1.0), (1, -1, 1, -1), (0.4, 2.5, 0.9, 1.0), strict=True):
        agree(SumFormula(shape, sign, order, True), (price, 1.0), U, V)
    agree(SumFormula(shape, 1, 1.0, False), (1.0, 1.0), U, V)


def question(kind, n, m, seed=2):
    rng = np.random.default_rng(seed)
    balls = (
        WassersteinBall(np.round(rng.normal(size=n), 2), radius=0.1, order=2, weights=rng.random(n)),
        WassersteinBall(np.round(rng.normal(size=m), 2), radius=0.05, order=2),
    )
    f = Maximum(0.3) if kind == "box" else Aggregate(Between(-0.1, 0.2), (1, -2))
    asked = asked_of(f, MarginalBalls(*balls), "upper", None, 1e-6, None)
    return BoxPairs(asked) if kind == "box" else SumPairs(reduced(asked), f.g, 1)


@pytest.mark.parametrize(("kind", "prices"), [("box", [0.8, 1.3]), ("sum", [2.0])])
def test_blocks_are_the_rows_of_the_matrix_that_programs_hold(kind, prices):
    asked = question(kind, 23, 17)
    matrix = lazy_pairs(asked).at(np.array(prices))
    whole = asked.values(np.array(prices))
    assert np.array_equal(matrix.block(slice(4, 11)), whole[4:11])
    assert matrix.shape == whole.shape


def test_sums_of_decimals_compare_as_decimals():
    first, second = (WassersteinBall(v, radius=0.0, order=2) for v in ([0.1, 0.7], [0.2, 0.3]))
    asked = asked_of(Aggregate(AtMost(0.3)), MarginalBalls(first, second), "upper", None, 1e-6, None)
    matrix = lazy_pairs(SumPairs(reduced(asked), AtMost(0.3), 1)).at(np.array([1.0]))
    assert 0.1 + 0.2 > 0.3
    assert row_maxima(matrix, np.zeros(2)).tolist() == [1.0, 0.0]


def test_squares_of_other_orders_have_no_formula():
    ball = WassersteinBall([0.0, 1.0], radius=0.1, order=3)
    asked = asked_of(Aggregate(Square()), MarginalBalls(ball, ball), "upper", None, 1e-6, None)
    assert lazy_pairs(BoxPairs(asked)) is None


@pytest.mark.parametrize("kind", ["box", "sum"])
def test_fewer_atoms_keep_budgets_and_nearly_the_laws(kind):
    asked = question(kind, 2000, 900)
    fewer = coarse_pairs(asked, 100)
    assert np.allclose(fewer.budget, asked.budget)
    assert (len(fewer.first), len(fewer.second)) == (100, 100)
    assert fewer.first.sum() == pytest.approx(1.0)
    old, new = lazy_pairs(asked), lazy_pairs(fewer)
    assert old.formula == new.formula or kind == "sum"
    assert new.rows @ fewer.first == pytest.approx(old.rows @ asked.first, abs=0.02 * np.abs(old.rows).max())


@pytest.mark.parametrize(
    ("device", "n"), [("numpy", 2500), ("cpu", 2500), pytest.param("numpy", 20_000, marks=pytest.mark.slow)]
)
def test_memory_grows_with_the_atoms_not_with_the_pairs(device, n):
    asked = question("sum", n, n)
    matrix = lazy_pairs(asked).at(np.array([2.0]))
    tracemalloc.start()
    bound = coupling_bound(matrix, asked.first, asked.second, np.zeros(n), device)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bound >= 0
    assert peak < 16e6 + 1000 * n
