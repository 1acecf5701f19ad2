import sys

import numpy as np
import pytest

from riskstats.exceptions import Unavailable
from riskstats.levelset import ConvexProblem
from riskstats.levelset.conic import ConicProgram, conic_support
from tests.levelset.cases import level_set, logistic_sample


def test_one_program_for_many_directions(rng):
    pytest.importorskip("cvxpy")
    X, y = logistic_sample(rng, n=30)
    models = level_set(ConvexProblem.of(X, y, penalty=0.05, intercept=False))
    program = ConicProgram(models.problem, models.outer_limit, "CLARABEL")
    for q in X[:3]:
        value, theta, solved = program.solve(q)
        assert solved
        assert value == pytest.approx(float(q @ theta))
        assert value == pytest.approx(models.support(q[None]).inner[0], abs=1e-5)


def test_an_empty_set_is_not_an_answer(rng):
    pytest.importorskip("cvxpy")
    X, y = logistic_sample(rng, n=30)
    answer = conic_support(ConvexProblem.of(X, y, penalty=0.05), 1e-3, np.ones((2, 5)), "CLARABEL")
    assert np.isnan(answer.value).all()
    assert not answer.solved.any()


def test_missing_cvxpy(monkeypatch, rng):
    X, y = logistic_sample(rng, n=30)
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(Unavailable, match="cvxpy"):
        conic_support(ConvexProblem.of(X, y, penalty=0.05), 1.0, np.ones((1, 5)))
