"""Solvers that lie: whatever they return, no answer is wrong, and no wrong answer is called proven."""

import numpy as np
import pytest
import scipy.optimize

from riskstats.exceptions import NotConverged
from riskstats.results import Status
from riskstats.wasserstein import assignment
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Declared
from riskstats.wasserstein.joint import JointCDF, Maximum
from riskstats.wasserstein.shapes import Between, Call

RNG = np.random.default_rng(4)
V1, V2 = RNG.normal(size=45), RNG.normal(size=45)
W1, W2 = RNG.dirichlet(np.ones(6)), RNG.dirichlet(np.ones(5))
EQUAL = MarginalBalls(WassersteinBall(V1, radius=0.1, order=2), WassersteinBall(V2, radius=0.05, order=2))
UNEQUAL = MarginalBalls(
    WassersteinBall(V1[:6], radius=0.1, order=1, weights=W1),
    WassersteinBall(V2[:5], radius=0.2, order=1, weights=W2),
)
POINTS = [np.unique(np.append(np.linspace(-2, 2, 9), b.points[:, 0])) for b in UNEQUAL.balls]


def wave(y1, y2):
    return np.sin(3 * y1) * np.cos(2 * y2)


QUESTIONS = {
    "assignment": (Aggregate(Between(-0.1, 0.1)), EQUAL, None),
    "pairs": (Aggregate(Between(-0.3, 0.4)), UNEQUAL, None),
    "sorted": (Maximum(), UNEQUAL, None),
    "events": (JointCDF((0.1, 0.2)), UNEQUAL, None),
    "finite": (Declared(wave), UNEQUAL, POINTS),
    "finite sorted": (Maximum(), UNEQUAL, POINTS),
    "interval": (Aggregate(Call(0.2), (1, -1)), UNEQUAL, (-4.0, 4.0)),
}
TRUTH = {}


def truth(name):
    """The value with honest solvers."""
    if name not in TRUTH:
        f, model, support = QUESTIONS[name]
        found = worst_case_expectation(f, model, support=support, gap=1e-7)
        assert found.status is Status.OPTIMAL
        TRUTH[name] = found
    return TRUTH[name]


def is_caught(name):
    """With the solvers as they are now: an error, or an enclosure of the truth, proven only if right."""
    f, model, support = QUESTIONS[name]
    try:
        with np.errstate(all="ignore"):
            found = worst_case_expectation(f, model, support=support, gap=1e-7, time_limit=5.0)
    except (NotConverged, ValueError, IndexError):
        return True
    right = TRUTH[name]
    if found.status is Status.NONFINITE:
        return found.worst_case_distribution is None
    encloses = found.lower - 1e-6 <= right.value and right.lower <= found.upper + 1e-6
    proven = abs(found.value - right.value) <= 1e-5 if found.status is Status.OPTIMAL else True
    law = found.worst_case_distribution
    inside = (law.costs <= np.array(found.budget) * (1 + 1e-8) + 1e-9).all()
    return encloses and proven and inside


def linear_program(change):
    """`linprog` with its answer changed."""
    honest = scipy.optimize.linprog

    def lying(*args, **named):
        answer = honest(*args, **named)
        if answer.x is not None:
            change(answer)
        return answer

    return lying


def set_x(function):
    def change(answer):
        answer.x = function(answer.x)

    return change


def set_duals(function):
    def change(answer):
        answer.eqlin.marginals = function(answer.eqlin.marginals)
        answer.ineqlin.marginals = function(answer.ineqlin.marginals)

    return change


PROGRAMS = {
    "zero plan": set_x(lambda x: 0.0 * x),
    "half of the mass": set_x(lambda x: 0.5 * x),
    "twice the mass": set_x(lambda x: 2.0 * x),
    "NaN plan": set_x(lambda x: np.where(np.arange(len(x)) % 3 == 0, np.nan, x)),
    "negative plan": set_x(lambda x: -x),
    "reversed plan": set_x(lambda x: x[::-1].copy()),
    "float32 plan": set_x(lambda x: x.astype(np.float32).astype(np.float64)),
    "negative multipliers": set_duals(lambda y: -y),
    "zero multipliers": set_duals(lambda y: 0.0 * y),
    "NaN multipliers": set_duals(lambda y: np.nan * y),
    "float32 multipliers": set_duals(lambda y: y.astype(np.float32).astype(np.float64)),
    "rolled multipliers": set_duals(lambda y: np.roll(y, 1)),
    "large multipliers": set_duals(lambda y: 1e6 * y),
    "a better value than there is": lambda answer: setattr(answer, "fun", answer.fun - 1.0),
}


@pytest.mark.parametrize("name", list(QUESTIONS))
@pytest.mark.parametrize("fault", list(PROGRAMS))
def test_a_linear_program_that_lies_is_caught(name, fault, monkeypatch):
    truth(name)
    monkeypatch.setattr(scipy.optimize, "linprog", linear_program(PROGRAMS[fault]))
    assert is_caught(name)


ASSIGNMENTS = {
    "every row to one column": lambda rows, columns: (rows, np.zeros_like(columns)),
    "the identity": lambda rows, columns: (rows, np.sort(columns)),
    "reversed": lambda rows, columns: (rows, columns[::-1]),
    "half of the rows": lambda rows, columns: (rows[::2], columns[::2]),
    "two swapped": lambda rows, columns: (rows, np.append(columns[[1, 0]], columns[2:])),
    "swapped marginals": lambda rows, columns: (rows, np.argsort(columns)),
}


@pytest.mark.parametrize("fault", list(ASSIGNMENTS))
def test_an_assignment_that_lies_is_caught(fault, monkeypatch):
    truth("assignment")
    honest = scipy.optimize.linear_sum_assignment
    monkeypatch.setattr(
        scipy.optimize,
        "linear_sum_assignment",
        lambda matrix, maximize=False: ASSIGNMENTS[fault](*honest(matrix, maximize=maximize)),
    )
    assert is_caught("assignment")


POTENTIALS = {
    "zeros": lambda psi: np.zeros_like(psi),
    "NaN": lambda psi: np.nan * psi,
    "noise": lambda psi: psi + np.random.default_rng(0).normal(size=len(psi)),
    "float32": lambda psi: psi.astype(np.float32).astype(np.float64),
    "negative": lambda psi: -psi,
}


@pytest.mark.parametrize("fault", list(POTENTIALS))
def test_potentials_that_lie_are_caught(fault, monkeypatch):
    truth("assignment")
    honest = assignment.match_potentials
    monkeypatch.setattr(assignment, "match_potentials", lambda *args: POTENTIALS[fault](honest(*args)))
    assert is_caught("assignment")


def test_stale_potentials_are_caught(monkeypatch):
    truth("assignment")
    monkeypatch.setattr(assignment, "match_potentials", lambda values, match, old, close: old)
    assert is_caught("assignment")
