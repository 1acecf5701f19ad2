import numpy as np
import pytest

from riskstats.levelset import ConvexProblem
from riskstats.levelset.baseline import fit_baseline
from riskstats.levelset.boundedness import coefficient_reach
from riskstats.levelset.separability import full_column_rank, separating_direction
from tests.levelset.cases import both_ends, breast_cancer, level_set, logistic_sample


def line(target, values, weight=None, penalty=0.0, **options):
    X = np.array(values, dtype=float)[:, None]
    return ConvexProblem.of(
        X, np.array(target, dtype=float), sample_weight=weight, penalty=penalty, **options
    )


SEPARABLE = line([-1, -1, 1, 1], [0, 1, 2, 3])
QUASI = line([-1, -1, 1, 1], [0, 1, 1, 2])
OVERLAP = line([-1, 1, -1, 1], [0, 1, 2, 3])


def reach(problem, rise=0.1):
    baseline = fit_baseline(problem)
    return coefficient_reach(problem, baseline.theta, baseline.below, baseline.above + rise)


@pytest.mark.parametrize("problem", [SEPARABLE, QUASI], ids=["separable", "quasi-separable"])
def test_a_separating_rule_is_found_and_nothing_is_certified(problem):
    direction = separating_direction(problem)
    margins = problem.target * (problem.design @ direction)
    assert margins.min() >= -1e-9 * margins.max()
    assert margins.max() > 0
    assert not np.isfinite(reach(problem)).any()


def test_overlap_is_not_separable_and_is_bounded():
    assert separating_direction(OVERLAP) is None
    assert np.isfinite(reach(OVERLAP)).all()


def test_breast_cancer_without_penalty_is_separable():
    X, y = breast_cancer()
    assert separating_direction(ConvexProblem.of(X, y, penalty=0.0)) is not None


def test_rows_of_weight_zero_do_not_hinder_a_rule():
    weight = np.array([1.0, 0.0, 0.0, 1.0])
    problem = line([-1, 1, -1, 1], [0, 1, 2, 3], weight=weight)
    assert separating_direction(problem) is not None
    assert not np.isfinite(reach(problem)).any()
    assert not full_column_rank(line([-1, 1], [0, 1], weight=np.array([1.0, 0.0])))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_dependent_columns_are_never_bounded(scale, rng):
    X, y = logistic_sample(rng)
    for column in (X[:, 0], 3 * X[:, 1] - X[:, 2], np.full(len(y), 2.0)):
        problem = ConvexProblem.of(np.column_stack([X, scale * column]), y, penalty=0.0)
        assert not full_column_rank(problem)
        assert not np.isfinite(reach(problem)).all()


def test_no_separable_problem_is_ever_bounded(rng):
    """Rules of any margin, from any stage of the fit: a finite bound would be false."""
    for _ in range(100):
        n, d = int(rng.integers(4, 40)), int(rng.integers(1, 5))
        X = rng.normal(size=(n, d)) * 10 ** rng.uniform(-3, 3, size=d)
        score = X @ (rng.normal(size=d) / X.std(axis=0))
        y = np.where(score > np.median(score), 1.0, -1.0)
        problem = ConvexProblem.of(X, y, penalty=0.0)
        baseline = fit_baseline(problem, max_iter=int(rng.integers(1, 40)))
        for room in (1e-12, 1e-3, 1.0):
            limit = baseline.above + room
            assert not np.isfinite(coefficient_reach(problem, baseline.theta, baseline.below, limit)).all()
        assert baseline.below == 0


@pytest.mark.parametrize("penalty", [0.0, 0.01])
@pytest.mark.parametrize("epsilon", [0.01, 0.5, 3.0])
def test_reach_holds_the_certified_ends(penalty, epsilon, rng):
    X, y = logistic_sample(rng)
    models = level_set(ConvexProblem.of(X, y, penalty=penalty), epsilon)
    first = coefficient_reach(
        models.problem, models.baseline.theta, models.baseline.below, models.outer_limit
    )
    inner, _ = both_ends(models, np.eye(5))
    free = models.problem.ridge == 0
    largest = np.abs(inner).max(axis=1)
    assert (first[free] >= largest[free]).all()
    assert (models.reach[free] >= largest[free] - 1e-12).all()
    assert (models.reach[free] <= first[free]).all()


def test_one_class_has_no_bound_of_the_intercept():
    problem = line([1, 1, -1], [0, 1, 2], weight=np.array([1.0, 1.0, 0.0]), penalty=0.1)
    assert not np.isfinite(reach(problem)[0])
