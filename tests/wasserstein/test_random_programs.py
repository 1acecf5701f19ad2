"""Worst cases on finite supports against the exact linear program, instance by instance."""

import numpy as np
import pytest

from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Declared
from riskstats.wasserstein.joint import JointCDF, Maximum, Product
from riskstats.wasserstein.shapes import Above, Absolute, AtMost, Below, Between, Call, Square
from tests.reference.wasserstein_program import one_ball, two_balls

RADII = (0.0, 0.05, 0.3, 0.3, 1.0)
SHAPES = (Call(0.3), Absolute(0.1), Square(0.2), AtMost(0.3), Below(0.3), Above(0.3), Between(-0.2, 0.5))
TWO = (Maximum(), Maximum(0.2), Product(), JointCDF((0.1, 0.3)))


def ball(rng, order, dimension=1):
    """Atoms with ties, weights that are equal, unequal or zero."""
    n = int(rng.integers(1, 5))
    atoms = np.round(rng.normal(size=(n, dimension)), 1 if rng.random() < 0.7 else 8)
    weights = None if rng.random() < 0.5 else rng.dirichlet(np.ones(n)) * (rng.random(n) < 0.8)
    if weights is not None and not weights.any():
        weights = None
    radius = float(rng.choice(RADII))
    return WassersteinBall(atoms, radius=radius, order=order, weights=weights, cost=float(rng.choice([1, 2])))


def support(rng, centre):
    """Points, among them the atoms most of the time."""
    extra = np.round(rng.normal(size=(int(rng.integers(1, 5)), centre.dimension)), 1)
    keeps = rng.random() < 0.8
    return np.unique(np.concatenate([extra, centre.points]) if keeps else extra, axis=0)


def instance(seed):
    """(answer, exact value or None) of one random question."""
    rng = np.random.default_rng(seed)
    order, direction = float(rng.choice([1, 2, 3])), str(rng.choice(["upper", "lower"]))
    sign = 1.0 if direction == "upper" else -1.0
    if rng.random() < 0.3:
        centre = ball(rng, order, int(rng.choice([1, 2])))
        points = support(rng, centre)
        a = tuple(rng.choice([1.0, -1.0, 0.5], size=centre.dimension))
        f = Aggregate(SHAPES[rng.integers(len(SHAPES))], (a,))
        found = worst_case_expectation(f, centre, direction=direction, support=[points], gap=1e-10)
        exact = one_ball(
            centre.points, centre.weights, points, sign * f(points), centre.budget, order, centre.cost.norm
        )
        return found, exact, sign
    first, second = ball(rng, order), ball(rng, order)
    sets = [support(rng, first), support(rng, second)]
    weights = tuple(float(w) for w in rng.choice([1.0, -1.0, 2.0], size=2))
    f = Aggregate(SHAPES[rng.integers(len(SHAPES))], weights)
    if rng.random() < 0.4:
        f = TWO[rng.integers(len(TWO))]
    elif rng.random() < 0.2:
        f = Declared(lambda y1, y2: np.sin(3 * y1) * np.cos(2 * y2) + y1 * y1)
    model = MarginalBalls(first, second)
    found = worst_case_expectation(f, model, direction=direction, support=sets, gap=1e-10)
    s, t = len(sets[0]), len(sets[1])
    table = f(np.repeat(sets[0], t, axis=0), np.tile(sets[1], (s, 1))).reshape(s, t)
    exact = two_balls(
        (first.points, second.points),
        (first.weights, second.weights),
        sets,
        sign * table,
        model.budget,
        order,
    )
    return found, exact, sign


def violation(seed):
    """What is wrong with the answer, or nothing."""
    found, exact, sign = instance(seed)
    if exact is None or found.status == "INFEASIBLE":
        return "" if exact is None and found.status == "INFEASIBLE" else f"{found.status} against {exact}"
    scale = 1e-8 * (1.0 + abs(exact))
    if found.status != "OPTIMAL" or abs(sign * found.value - exact) > scale:
        return f"{found.status} {found.value} against {sign * exact}"
    if not found.lower - scale <= sign * exact <= found.upper + scale:
        return f"[{found.lower}, {found.upper}] misses {sign * exact}"
    return ""


@pytest.mark.parametrize("block", range(10))
def test_worst_case_is_the_value_of_the_exact_program(block):
    wrong = {seed: text for seed in range(30 * block, 30 * (block + 1)) if (text := violation(seed))}
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("block", range(97))
def test_ten_thousand_worst_cases_are_those_of_the_exact_program(block):
    wrong = {seed: text for seed in range(300 + 100 * block, 400 + 100 * block) if (text := violation(seed))}
    assert wrong == {}
