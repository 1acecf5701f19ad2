"""The cones of the interior-point method: scaling, product, step to the boundary; the compiled products."""

import numpy as np
import pytest

from riskstats.wasserstein.robust_cones import Cones, Scaling
from riskstats.wasserstein.robust_interior import norm_cone
from riskstats.wasserstein.robust_linear import Factor
from riskstats.wasserstein.robust_rows import DeviceRows, HostRows, rows_of

CONES = Cones(3, (4, 2))


def inside(rng):
    point = rng.random(CONES.size) + 0.1
    for ball in CONES.balls:
        point[ball.start + 1 : ball.stop] = rng.normal(size=ball.stop - ball.start - 1)
        point[ball.start] = np.linalg.norm(point[ball.start + 1 : ball.stop]) + 0.1 * rng.random() + 0.01
    return point


def test_scaling_maps_both_points_to_one(rng):
    s, z = inside(rng), inside(rng)
    scaling = Scaling.at(CONES, s, z)
    assert scaling.times(z) == pytest.approx(scaling.inverse_times(s), abs=1e-12)
    assert scaling.times(scaling.inverse_times(s)) == pytest.approx(s, abs=1e-12)
    A = rng.normal(size=(CONES.size, 3))
    columns = np.column_stack([scaling.inverse_times(column) for column in A.T])
    assert scaling.inverse_times(A) == pytest.approx(columns, abs=1e-12)


def test_quotient_inverts_the_product(rng):
    lam, x = inside(rng), rng.normal(size=CONES.size)
    assert CONES.product(lam, CONES.quotient(lam, x)) == pytest.approx(x, abs=1e-10)
    assert CONES.product(lam, CONES.identity) == pytest.approx(lam)


def test_centred_dual(rng):
    s = inside(rng)
    assert CONES.product(s, CONES.centred_dual(s, 0.3)) == pytest.approx(0.3 * CONES.identity, abs=1e-12)


def test_longest_step_ends_at_the_boundary(rng):
    for _ in range(30):
        s, change = inside(rng), rng.normal(size=CONES.size)
        step = CONES.longest_step(s, change)
        assert CONES.inside(s + min(step, 1e3) * (1 - 1e-9) * change)
        if np.isfinite(step):
            assert not CONES.inside(s + step * (1 + 1e-6) * change)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_norm_cones_hold_the_norm(rng, norm):
    b = rng.normal(size=4)
    size = 5 + (4 if norm == 1 else 0)
    A, cones = norm_cone(4, norm, size, 4)
    for factor, expected in ((1 + 1e-9, True), (1 - 1e-6, False)):
        x = np.concatenate([b, [factor * np.linalg.norm(b, norm)], (np.abs(b) + 1e-11)[: size - 5]])
        assert cones.inside(A @ x) is expected


def test_factor_solves_badly_scaled_and_singular_systems(rng):
    root = rng.normal(size=(5, 5)) * np.logspace(-8, 8, 5)
    matrix = root.T @ root
    assert matrix @ Factor(matrix).solve(matrix[:, 0]) == pytest.approx(matrix[:, 0], rel=1e-6)
    flat = np.outer(np.ones(3), np.ones(3))
    assert flat @ Factor(flat).solve(np.ones(3)) == pytest.approx(np.ones(3), rel=1e-6)
    assert np.isfinite(Factor(np.zeros((2, 2))).solve(np.zeros(2))).all()


@pytest.mark.parametrize("intercept", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_compiled_products_are_those_of_numpy(rng, intercept):
    X = rng.normal(size=(5000, 3))
    host, device = HostRows(X, intercept), DeviceRows(X, intercept)
    theta, v = rng.normal(size=host.p), rng.normal(size=5000)
    design = np.column_stack([X, np.ones(5000)]) if intercept else X
    assert host.times(theta) == pytest.approx(design @ theta, abs=1e-12)
    assert device.times(theta) == pytest.approx(design @ theta, abs=1e-12)
    assert host.transposed(v) == pytest.approx(design.T @ v, abs=1e-9)
    assert device.transposed(v) == pytest.approx(design.T @ v, abs=1e-9)
    gram = (design.T * v**2) @ design
    assert host.gram(v**2) == pytest.approx(gram, abs=1e-9)
    assert device.gram(v**2) == pytest.approx(gram, abs=1e-9)


def test_device_words(rng):
    X = rng.normal(size=(5, 2))
    assert isinstance(rows_of(X, True), HostRows)
    assert isinstance(rows_of(X, True, "auto"), HostRows)
    assert isinstance(rows_of(X, True, "cpu"), DeviceRows)
