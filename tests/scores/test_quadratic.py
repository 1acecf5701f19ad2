"""The interior point method against Clarabel, on hulls of every shape; never outside the hull."""

import numpy as np
import pytest

from riskstats._jit import double_precision
from riskstats.scores.quadratic import Hull, minimise_quadratic
from riskstats.scores.relaxation import used_share

cvxpy = pytest.importorskip("cvxpy")


def random_hull(rng, d):
    """Free columns with both signs or one, columns that must be used, fixed columns; few or many slots."""
    kind = rng.choice(["free", "positive", "negative", "in", "fixed"], d, p=[0.4, 0.15, 0.15, 0.2, 0.1])
    kind[0] = "in"
    up, down = rng.uniform(0.2, 5.0, d), rng.uniform(0.2, 5.0, d)
    free = np.isin(kind, ["free", "positive", "negative"])
    up[(kind == "negative") | (kind == "fixed")] = 0.0
    down[(kind == "positive") | ~free] = 0.0
    origin = np.where(free, 0.0, np.where(kind == "in", rng.uniform(-4, 1, d), 0.0))
    slots = float(rng.integers(1, max(2, free.sum() + 2)))
    return Hull(origin, up, down, free.astype(float), slots)


def random_model(rng, d, rank, size=1.0):
    rows = rng.standard_normal((rank, d)) * np.sqrt(size)
    return rows.T @ rows / rank + 1e-10 * np.eye(d), size * rng.standard_normal(d)


def objective(H, c, hull, penalty, x):
    return float(c @ x + 0.5 * x @ H @ x + penalty * used_share(x, hull))


def reference(H, c, hull, penalty):
    u, v = cvxpy.Variable(len(c), nonneg=True), cvxpy.Variable(len(c), nonneg=True)
    x = hull.origin + cvxpy.multiply(hull.up, u) - cvxpy.multiply(hull.down, v)
    used = hull.free @ (u + v)
    goal = c @ x + 0.5 * cvxpy.quad_form(x, cvxpy.psd_wrap(H)) + penalty * used
    program = cvxpy.Problem(cvxpy.Minimize(goal), [u + v <= 1, used <= hull.slots])
    program.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return program.value


def check_inside(x, hull, margin=2e-6):
    """Inside the hull, up to `margin` of a range."""
    room = margin * (1 + hull.up + hull.down)
    assert np.all(x >= hull.origin - hull.down - room)
    assert np.all(x <= hull.origin + hull.up + room)
    assert used_share(x, hull) <= hull.slots + margin


@pytest.mark.parametrize("penalty", [0.0, 1e-3, 0.3])
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_clarabel(seed, penalty):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 13))
    hull = random_hull(rng, d)
    H, c = random_model(rng, d, rank=int(rng.integers(d // 2 + 1, 2 * d)))
    x = minimise_quadratic(H, c, hull, penalty, 1e-9)
    check_inside(x, hull)
    expected = reference(H, c, hull, penalty)
    assert objective(H, c, hull, penalty, x) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_agrees_at_every_size_of_the_model(size):
    rng = np.random.default_rng(3)
    hull = random_hull(rng, 8)
    H, c = random_model(rng, 8, 12, size)
    x = minimise_quadratic(H, c, hull, 0.01 * size, 1e-9 * size)
    check_inside(x, hull)
    expected = reference(H / size, c / size, hull, 0.01)
    assert objective(H, c, hull, 0.01 * size, x) / size == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_model_of_few_rows_stays_inside_the_hull_too(seed):
    """More columns than distinct rows, as deep nodes have: many points are equally good."""
    rng = np.random.default_rng([seed, 6])
    hull = random_hull(rng, 25)
    H, c = random_model(rng, 25, rank=1 + seed % 3)
    check_inside(minimise_quadratic(H, c, hull, 1e-3, 1e-8), hull, margin=1e-4)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_ends_within_its_tolerance(tolerance):
    for seed in range(20):
        rng = np.random.default_rng([seed, 1])
        hull = random_hull(rng, 6)
        H, c = random_model(rng, 6, 9)
        exact = objective(H, c, hull, 0.01, minimise_quadratic(H, c, hull, 0.01, 1e-8))
        rough = minimise_quadratic(H, c, hull, 0.01, tolerance)
        check_inside(rough, hull)
        assert objective(H, c, hull, 0.01, rough) <= exact + 2 * tolerance


def test_columns_of_very_different_size():
    rng = np.random.default_rng(8)
    size = 10.0 ** np.array([0, -3, 3, 1, -1, 2])
    hull = random_hull(rng, 6)
    H, c = random_model(rng, 6, 9)
    plain = minimise_quadratic(H, c, hull, 0.01, 1e-9)
    scaled = Hull(hull.origin / size, hull.up / size, hull.down / size, hull.free, hull.slots)
    found = minimise_quadratic(H * np.outer(size, size), c * size, scaled, 0.01, 1e-9)
    np.testing.assert_allclose(found * size, plain, rtol=0, atol=1e-4)
    assert objective(H, c, hull, 0.01, found * size) == pytest.approx(
        objective(H, c, hull, 0.01, plain), rel=0, abs=1e-7
    )


def test_an_unconstrained_minimum_inside_is_found():
    H, centre = np.diag([1.0, 2.0, 3.0]), np.array([0.3, -0.4, 0.5])
    origin, up, down = np.array([-5.0, 0, 0]), np.array([10.0, 5, 5]), np.array([0.0, 5, 5])
    hull = Hull(origin, up, down, np.array([0.0, 1, 1]), 2.0)
    x = minimise_quadratic(H, -H @ centre, hull, 0.0, 1e-12)
    np.testing.assert_allclose(x, centre, rtol=0, atol=1e-5)


def test_a_linear_objective_ends_in_a_corner():
    """Two slots, four columns: the two of largest gain go to their ends, the others stay at 0."""
    hull = Hull(np.zeros(4), np.full(4, 2.0), np.full(4, 2.0), np.ones(4), 2.0)
    x = minimise_quadratic(1e-10 * np.eye(4), np.array([1.0, -3.0, 0.5, 2.0]), hull, 0.1, 1e-11)
    np.testing.assert_allclose(x, [0, 2, 0, -2], rtol=0, atol=1e-8)


@pytest.mark.slow
def test_jax_batch_agrees_with_numpy():
    import jax

    programs = []
    for seed in range(10):
        rng = np.random.default_rng([seed, 2])
        hull = random_hull(rng, 6)
        programs.append((*random_model(rng, 6, 8), hull, 0.01, 1e-8))
    with double_precision():
        batch = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *programs)
        found = np.asarray(jax.jit(jax.vmap(minimise_quadratic))(*batch))
    for program, x in zip(programs, found, strict=True):
        H, c, hull, penalty, _ = program
        check_inside(x, hull)
        ours = objective(H, c, hull, penalty, minimise_quadratic(*program))
        assert objective(H, c, hull, penalty, x) == pytest.approx(ours, rel=0, abs=1e-7)
