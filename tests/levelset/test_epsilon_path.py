from itertools import pairwise

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.levelset import ConvexProblem, SquaredLoss
from riskstats.levelset.epsilon_path import support_path
from tests.levelset.cases import golden_problem, level_set, logistic_sample
from tests.reference.levelset import long_terms

EPSILONS = np.geomspace(1e-3, 0.1, 20)


@pytest.fixture(scope="module")
def path():
    problem, _, X = golden_problem("synthetic_cosine")
    models = level_set(problem, 0.01)
    rows = problem.augmented(X[:30])
    q = np.concatenate([-rows, rows])
    return models, q, support_path(models, q, EPSILONS, relative=True)


def test_every_epsilon_agrees_with_its_own_solve(path):
    models, q, answers = path
    for epsilon, answer in zip(EPSILONS, answers, strict=True):
        alone = models.at(epsilon, relative=True).support(q)
        assert answer.gap.max() <= 1e-9
        np.testing.assert_allclose(answer.inner, alone.inner, atol=2e-9)
        np.testing.assert_allclose(answer.outer, alone.outer, atol=2e-9)


def test_models_are_members_and_reach_the_inner_end(path):
    models, q, answers = path
    for epsilon, answer in zip(EPSILONS, answers, strict=True):
        limit = models.at(epsilon, relative=True).inner_limit
        assert (long_terms(models.problem, answer.theta)[0] <= limit).all()
        assert ((q.astype(np.longdouble) * answer.theta).sum(axis=1) >= answer.inner).all()


def test_both_ends_rise_with_epsilon(path):
    _, _, answers = path
    for smaller, larger in pairwise(answers):
        assert (smaller.inner <= larger.inner).all()
        assert (smaller.outer <= larger.outer).all()


def test_order_of_the_epsilons(path):
    models, q, answers = path
    mixed = support_path(models, q, EPSILONS[::-1], relative=True)
    np.testing.assert_array_equal(mixed[0].inner, answers[-1].inner)


@pytest.mark.parametrize("epsilons", [[0.3], [0.2, 0.2], [1e-6, 3.0]])
def test_few_or_far_epsilons(epsilons, rng):
    X, y = logistic_sample(rng)
    models = level_set(ConvexProblem.of(X, y, penalty=0.0))
    q = models.problem.augmented(10 * X[:10])
    for epsilon, answer in zip(epsilons, support_path(models, q, epsilons, relative=False), strict=True):
        alone = models.at(epsilon, relative=False).support(q)
        np.testing.assert_allclose(answer.inner, alone.inner, atol=1e-7)
        assert answer.gap.max() <= 1e-7


def test_squared_loss(rng):
    X = rng.normal(size=(30, 3))
    problem = ConvexProblem.of(X, X.sum(axis=1) + rng.normal(size=30), penalty=0.1, loss=SquaredLoss())
    models = level_set(problem)
    for answer in support_path(models, problem.augmented(X), [0.01, 0.1, 1.0], relative=True):
        assert answer.gap.max() <= 1e-9


def test_no_epsilon(path):
    models, q, _ = path
    with pytest.raises(InvalidInput, match="empty"):
        support_path(models, q, [], relative=True)
