import numpy as np
import pytest

from riskstats.exceptions import NotConverged
from riskstats.levelset import ConvexProblem, LevelSet, SquaredLoss
from riskstats.levelset import level_set as module
from riskstats.levelset.baseline import Baseline, fit_baseline
from riskstats.levelset.certificate import objective_above
from tests.levelset.cases import both_ends, level_set, logistic_sample
from tests.reference.levelset import long_terms

CLOSE = 3e-9
"""Two answers of gap 1e-9 for the same end."""


@pytest.fixture
def sample(rng):
    return logistic_sample(rng)


def ends(X, y, rows, epsilon=0.05, relative=True, penalty=0.02, **options):
    problem = ConvexProblem.of(X, y, penalty=penalty, **options)
    inner, outer = both_ends(level_set(problem, epsilon, relative), problem.augmented(rows))
    assert (outer[:, 0] <= inner[:, 0]).all()
    assert (inner[:, 1] <= outer[:, 1]).all()
    return inner


def test_larger_epsilon_holds_the_smaller(sample):
    X, y = sample
    narrow, wide = ends(X, y, X), ends(X, y, X, epsilon=0.06)
    assert (wide[:, 0] < narrow[:, 0]).all()
    assert (wide[:, 1] > narrow[:, 1]).all()


def test_additive_epsilon_of_relative_size(sample):
    X, y = sample
    best = fit_baseline(ConvexProblem.of(X, y, penalty=0.02)).above
    np.testing.assert_allclose(ends(X, y, X), ends(X, y, X, 0.05 * best, relative=False), atol=CLOSE)


def test_minimiser_lies_inside_and_random_members_too(sample, rng):
    X, y = sample
    models = level_set(ConvexProblem.of(X, y, penalty=0.02))
    q = models.problem.augmented(5 * X)
    _, outer = both_ends(models, q)
    points = models.baseline.theta + rng.normal(size=(500, 5)) * 10 ** rng.uniform(-3, 3, size=(500, 1))
    members = models.pulled_inside(points)
    assert (long_terms(models.problem, members)[0] <= models.inner_limit).all()
    products = np.vstack([members, models.baseline.theta]) @ q.T
    assert (products >= outer[:, 0]).all()
    assert (products <= outer[:, 1]).all()


def test_points_far_outside_come_near_the_boundary(sample, rng):
    X, y = sample
    models = level_set(ConvexProblem.of(X, y, penalty=0.02))
    members = models.pulled_inside(models.baseline.theta + 3 * rng.normal(size=(50, 5)))
    rise = long_terms(models.problem, members)[0] - models.baseline.above
    assert (rise > 0.99 * (models.inner_limit - models.baseline.above)).all()


def test_points_without_a_loss_become_the_minimiser(sample):
    X, y = sample
    models = level_set(ConvexProblem.of(X, y, penalty=0.02))
    points = np.full((2, 5), [[np.nan], [1e200]])
    np.testing.assert_array_equal(models.pulled_inside(points), np.tile(models.baseline.theta, (2, 1)))


def test_order_of_rows(sample, rng):
    X, y = sample
    order = rng.permutation(len(y))
    np.testing.assert_allclose(ends(X, y, X), ends(X[order], y[order], X), atol=CLOSE)


def test_order_of_lanes_and_chunks(sample, rng, monkeypatch):
    X, y = sample
    order = rng.permutation(len(y))
    whole = ends(X, y, X)
    np.testing.assert_allclose(whole[order], ends(X, y, X[order]), atol=CLOSE)
    monkeypatch.setattr(module, "_LANES", (7, 7))
    np.testing.assert_allclose(whole, ends(X, y, X), atol=CLOSE)


def test_flipped_labels(sample):
    X, y = sample
    np.testing.assert_allclose(ends(X, y, X), -ends(X, -y, X)[:, ::-1], atol=CLOSE)


def test_rotated_features(sample, rng):
    X, y = sample
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    np.testing.assert_allclose(ends(X, y, X), ends(X @ rotation, y, X @ rotation), atol=CLOSE)


def test_features_and_penalty_scaled_together(sample):
    X, y = sample
    np.testing.assert_allclose(ends(X, y, X), ends(100 * X, y, 100 * X, penalty=0.02 * 1e4), atol=CLOSE)


def test_doubled_row_is_a_weight_of_two(sample):
    X, y = sample
    weight = np.ones(len(y))
    weight[3] = 2
    twice = ends(np.vstack([X, X[3]]), np.append(y, y[3]), X)
    np.testing.assert_allclose(ends(X, y, X, sample_weight=weight), twice, atol=CLOSE)


def test_rows_of_weight_zero(sample):
    X, y = sample
    weight = np.append(np.ones(len(y)), np.zeros(3))
    extra = np.vstack([X, 1e6 * X[:3]])
    np.testing.assert_allclose(
        ends(X, y, X), ends(extra, np.append(y, -y[:3]), X, sample_weight=weight), atol=CLOSE
    )


def test_all_weights_scaled(sample):
    X, y = sample
    np.testing.assert_allclose(ends(X, y, X), ends(X, y, X, sample_weight=np.full(len(y), 7.0)), atol=CLOSE)


def test_constant_column_stands_for_the_intercept(sample):
    """Without an intercept, unpenalised problems see a column of ones as one."""
    X, y = sample
    ones = np.ones((len(y), 1))
    with_ones = np.hstack([ones, X])
    plain = ends(X, y, X, penalty=0.0)
    np.testing.assert_allclose(plain, ends(with_ones, y, with_ones, penalty=0.0, intercept=False), atol=CLOSE)


def test_no_intercept_moves_the_ends(sample):
    X, y = sample
    X = X + 1
    assert np.abs(ends(X, y, X) - ends(X, y, X, intercept=False)).max() > 1e-3


def test_direction_of_zeros(sample):
    X, y = sample
    found = level_set(ConvexProblem.of(X, y, penalty=0.02)).support(np.zeros((1, 5)))
    assert found.inner[0] == found.outer[0] == 0


def test_no_directions(sample):
    X, y = sample
    assert len(level_set(ConvexProblem.of(X, y, penalty=0.02)).support(np.zeros((0, 5))).inner) == 0


def test_time_limit_leaves_honest_ends(sample):
    X, y = sample
    models = level_set(ConvexProblem.of(X, y, penalty=1e-7), 5.0)
    q = models.problem.augmented(10 * X[:10])
    quick, slow = models.support(q, time_limit=0.0, max_iter=13), models.support(q)
    assert (quick.inner <= slow.outer).all()
    assert (quick.outer >= slow.inner).all()


def test_least_loss_too_uncertain(sample):
    X, y = sample
    problem = ConvexProblem.of(X, y, penalty=0.02)
    best = fit_baseline(problem)
    loose = Baseline(best.theta, best.below - 1e-3, best.above, best.hessian, best.steps)
    with pytest.raises(NotConverged, match="no model is surely inside"):
        LevelSet.near_optimal(problem, loose, 1e-4, relative=True)


def test_loss_from_above_is_above_and_close(sample, rng):
    X, y = sample
    problem = ConvexProblem.of(100 * X, y, penalty=1e-6)
    theta = rng.normal(size=(200, 5)) * 10 ** rng.uniform(-3, 2, size=(200, 1))
    exact = long_terms(problem, theta)[0]
    above = objective_above(problem, theta)
    assert (above >= exact).all()
    assert (objective_above(problem.precise, theta) >= exact).all()
    assert ((above - exact) <= 1e-11 * (1 + np.abs(theta) @ problem.column_rms)).all()


def test_squared_loss_without_noise():
    """The least loss is 0, known to rounding: an additive epsilon still has both ends."""
    X = np.arange(12.0).reshape(6, 2) ** 1.5
    problem = ConvexProblem.of(X, X @ [1.0, 2.0] + 3, penalty=0.0, loss=SquaredLoss())
    found = level_set(problem, 0.5, relative=False).support(problem.augmented(X))
    assert found.gap.max() <= 1e-6
