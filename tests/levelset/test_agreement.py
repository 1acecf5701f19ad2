import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from riskstats.levelset import ConvexProblem, SquaredLoss
from riskstats.levelset.baseline import fit_baseline
from riskstats.levelset.conic import conic_support
from tests.levelset.cases import both_ends, breast_cancer, golden_problem, level_set, logistic_sample
from tests.reference.levelset import support_by_roots


@pytest.mark.parametrize("penalty", [0.02, 0.0])
def test_root_finding_without_the_intercept(penalty, rng):
    X, y = logistic_sample(rng)
    models = level_set(ConvexProblem.of(X, y, penalty=penalty))
    rows = models.problem.augmented(X[:3])
    for q in np.concatenate([rows, -rows]):
        found = models.support(q[None])
        assert found.gap[0] <= 1e-9
        slow = support_by_roots(models.problem, models.inner_limit, q, models.baseline.theta)
        assert found.inner[0] == pytest.approx(slow, abs=1e-8)


@pytest.mark.parametrize(("solver", "accuracy"), [("CLARABEL", 1e-5), ("SCS", 1e-2)])
def test_conic_solvers(solver, accuracy, rng):
    pytest.importorskip("cvxpy")
    X, y = logistic_sample(rng)
    models = level_set(ConvexProblem.of(X, y, penalty=0.02))
    directions = models.problem.augmented(X[:4])
    answer = conic_support(models.problem, models.outer_limit, directions, solver)
    assert answer.status == "solver bound"
    assert answer.solved.all()
    found = models.support(directions)
    np.testing.assert_allclose(answer.value, found.inner, atol=accuracy)


def test_conic_solver_on_squared_loss_and_weights(rng):
    pytest.importorskip("cvxpy")
    X = rng.normal(size=(40, 3))
    weight = rng.integers(0, 3, size=40).astype(float)
    problem = ConvexProblem.of(
        X, X.sum(axis=1) + rng.normal(size=40), sample_weight=weight, penalty=0.1, loss=SquaredLoss()
    )
    models = level_set(problem, 0.1)
    answer = conic_support(problem, models.outer_limit, problem.augmented(X[:4]), "CLARABEL")
    np.testing.assert_allclose(answer.value, models.support(problem.augmented(X[:4])).inner, atol=1e-5)


@pytest.mark.parametrize("C", [1e-2, 1.0, 1e2])
def test_coefficients_of_scikit_learn(C):
    X, y = breast_cancer()
    theirs = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10, max_iter=200).fit(X, y)
    ours = fit_baseline(ConvexProblem.of(X, y, penalty=1 / (C * len(y)))).theta
    np.testing.assert_allclose(ours, np.append(theirs.intercept_, theirs.coef_[0]), atol=1e-6, rtol=1e-6)


def test_coefficients_of_ridge_regression(rng):
    X = rng.normal(size=(50, 4))
    y, weight = X @ rng.normal(size=4) + 3 + rng.normal(size=50), rng.random(50)
    theirs = Ridge(alpha=2.0).fit(X, y, sample_weight=weight)
    problem = ConvexProblem.of(X, y, sample_weight=weight, penalty=2 / weight.sum(), loss=SquaredLoss())
    np.testing.assert_allclose(
        fit_baseline(problem).theta, np.append(theirs.intercept_, theirs.coef_), atol=1e-10
    )


@pytest.mark.parametrize("penalty", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_squared_loss_in_closed_form(penalty, intercept, rng):
    """An ellipsoid: q'theta* +- sqrt(2 (limit - F*)) sqrt(q'H^-1 q)."""
    X, weight = rng.normal(size=(30, 3)), rng.random(30)
    y = 2 * X[:, 0] + rng.normal(size=30)
    problem = ConvexProblem.of(
        X, y, sample_weight=weight, penalty=penalty, loss=SquaredLoss(), intercept=intercept
    )
    w = weight / weight.sum()
    hessian = (problem.design.T * w) @ problem.design + np.diag(problem.ridge)
    centre = np.linalg.solve(hessian, problem.design.T @ (w * y))
    best = w @ (problem.design @ centre - y) ** 2 / 2 + problem.ridge @ centre**2 / 2
    q = problem.augmented(10 * X)
    width = np.sqrt(2 * 0.2 * best * np.einsum("ka,ab,kb->k", q, np.linalg.inv(hessian), q))
    inner, outer = both_ends(level_set(problem, 0.2), q)
    expected = np.stack([q @ centre - width, q @ centre + width], axis=1)
    np.testing.assert_allclose(inner, expected, atol=1e-10)
    assert np.abs(outer - inner).max() <= 1e-9


@pytest.mark.parametrize("C", [1e-2, 1.0, 1e2])
def test_hard_goal_of_the_gap(C):
    X, y = breast_cancer()
    problem = ConvexProblem.of(X, y, penalty=1 / (C * len(y)))
    rows = problem.augmented(10 * X[::9])
    for epsilon in (1e-2, 0.1):
        found = level_set(problem, epsilon).support(np.concatenate([rows, -rows]))
        assert found.gap.max() <= 1e-9


@pytest.mark.slow
def test_hard_goal_of_a_weak_penalty():
    X, y = breast_cancer()
    problem = ConvexProblem.of(X, y, penalty=1e-4 / len(y))
    rows = problem.augmented(X)
    found = level_set(problem, 2.0).support(np.concatenate([rows, -rows]))
    assert (found.gap <= 1e-6).mean() >= 0.99


def test_devices_agree():
    problem, _, X = golden_problem("synthetic_cosine")
    q = problem.augmented(X[:40])
    here, there = (level_set(problem, 0.05, device=device).support(q) for device in ("numpy", "cpu"))
    np.testing.assert_allclose(here.inner, there.inner, atol=1e-9)
    np.testing.assert_allclose(here.outer, there.outer, atol=1e-9)
