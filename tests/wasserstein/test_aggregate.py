"""Sums: one ball on the line, its exact laws, and routes that answer the same question."""

import math

import numpy as np
import pytest

from riskstats.results import Status
from riskstats.wasserstein.aggregate import reduced
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.asked import asked_of
from riskstats.wasserstein.assignment import assigned, match_potentials, solve_assignment
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.joint import Maximum
from riskstats.wasserstein.line import line_dual, line_worst
from riskstats.wasserstein.pair_suprema import BoxPairs, SumPairs
from riskstats.wasserstein.pairs import box_case, pairs_case
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.search import searched
from riskstats.wasserstein.shapes import (
    Above,
    Absolute,
    AtLeast,
    AtMost,
    Below,
    Between,
    Call,
    Linear,
    Put,
    Square,
)
from riskstats.wasserstein.sorted_route import sorted_case

SHAPES = (
    Linear(-2.0),
    Call(0.3),
    Put(0.3),
    Absolute(0.1),
    Square(0.2),
    AtMost(0.3),
    Below(0.3),
    AtLeast(0.3),
    Above(0.3),
    Between(-0.2, 0.5),
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
def test_a_ball_on_the_line_has_a_law_of_n_plus_one_atoms_at_its_dual_value(shape, order):
    rng = np.random.default_rng(int(10 * order))
    for k in range(24):
        n, sign = int(rng.integers(1, 9)), 1 if k % 2 else -1
        v, w = np.round(rng.normal(size=n), 1 if k % 3 else 8), rng.dirichlet(np.ones(n))
        radius = float(rng.choice([0.01, 0.3, 2.0]))
        within = (-math.inf, math.inf) if k % 4 < 2 else (-2.0, 2.5)
        if within[0] == -2.0:
            v = np.clip(v, *within)
        elif shape.growth(sign) > order:
            continue
        found = line_worst(shape, sign, v, w, radius, order, within=within, gap=1e-9)
        assert len(found.weights) <= n + 1
        assert (found.weights > 0).all()
        np.testing.assert_allclose(np.bincount(found.places, found.weights, n), w, atol=1e-15)
        moves = np.abs(found.targets - v[found.places])
        assert found.weights @ moves**order <= radius**order * (1 + 1e-11)
        value = float(found.weights @ (sign * shape(found.targets)))
        scale = 1.0 + abs(found.upper)
        assert value <= found.upper + 1e-12 * scale
        assert found.upper - value <= (1e-12 if found.attained else 2e-9) * scale
        assert ((found.targets >= within[0]) & (found.targets <= within[1])).all()


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
def test_closed_forms_agree_with_the_search(order):
    rng = np.random.default_rng(1)
    v, w = rng.normal(size=9), rng.dirichlet(np.ones(9))
    for shape in (Call(0.3), Put(0.3), Absolute(0.1), Linear(-2.0), AtMost(-0.4), Between(0.2, 0.5)):
        for radius in (0.05, 0.7):
            closed = line_worst(shape, 1, v, w, radius, order)
            found = searched(lambda m, s=shape: s.best(1, v, m, order), v, w, radius, order)
            assert found.upper == pytest.approx(closed.upper, rel=1e-11)


def test_the_worst_law_of_order_two_in_closed_form():
    v = np.array([-1.0, -0.4, 0.1, 0.5, 0.9, 1.6])
    w = np.full(6, 1 / 6)
    for radius, strike in ((0.1, 0.5), (0.4, 1.0), (1.0, -2.0)):
        a = np.linspace(1e-3, 6.0, 400001)
        dual = radius**2 / (4 * a) + np.maximum(v[:, None] - strike + a[None], 0.0).T @ w
        found = line_worst(Call(strike), 1, v, w, radius, 2.0)
        assert found.upper <= dual.min() + 1e-12
        assert found.upper == pytest.approx(float(dual.min()), abs=1e-9)
        assert line_dual(Call(strike), 1, v, w, found.multiplier, radius, 2.0) == found.upper


def test_radius_zero_is_the_reference_with_strict_and_weak_apart():
    v, w = np.array([0.0, 1.0]), np.array([0.25, 0.75])
    for shape, value in ((AtMost(0.0), 0.25), (Below(0.0), 0.0), (AtLeast(1.0), 0.75), (Above(1.0), 0.0)):
        found = line_worst(shape, 1, v, w, 0.0, 2.0)
        assert found.upper == value
        assert found.attained


def test_sorted_couplings_have_the_marginals_and_the_order():
    rng = np.random.default_rng(0)
    values = [rng.normal(size=n) for n in (5, 8, 3)]
    weights = [rng.dirichlet(np.ones(n)) for n in (5, 8, 3)]
    for couple in (comonotone, antithetic_chain):
        mass, places = couple(values, weights)
        assert mass.sum() == pytest.approx(1.0, abs=1e-15)
        assert len(mass) <= 5 + 8 + 3 - 2
        for j, w in enumerate(weights):
            np.testing.assert_allclose(np.bincount(places[:, j], mass, len(w)), w, atol=1e-14)
    mass, places = comonotone(values, weights)
    assert all((np.diff(v[places[:, j]]) >= 0).all() for j, v in enumerate(values))


def two(n, m, order, radii, seed=0, weighted=False):
    rng = np.random.default_rng(seed)
    made = []
    for size, r in zip((n, m), radii, strict=True):
        w = rng.dirichlet(np.ones(size)) if weighted else None
        made.append(WassersteinBall(rng.normal(size=size), radius=r, order=order, weights=w))
    return MarginalBalls(*made)


@pytest.mark.parametrize("direction", ["upper", "lower"])
@pytest.mark.parametrize("g", [AtMost(0.2), Above(0.4), Below(-0.1)], ids=str)
def test_quantiles_of_a_sum_agree_with_transport_over_pairs(g, direction):
    for order, radii in ((1, (0.1, 0.2)), (2, (0.3, 0.0)), (2, (0.0, 0.0))):
        model = two(7, 6, order, radii, weighted=True)
        asked = asked_of(Aggregate(g, (1, -2)), model, direction, None, 1e-9, None)
        fast = worst_case_expectation(Aggregate(g, (1, -2)), model, direction=direction, gap=1e-9)
        slow = pairs_case(asked, reduced(asked))
        assert fast.status is slow.status is Status.OPTIMAL
        assert fast.value == pytest.approx(slow.value, abs=1e-8)


@pytest.mark.parametrize("direction", ["upper", "lower"])
def test_sorted_coupling_agrees_with_transport_over_pairs(direction):
    model = two(7, 6, 2, (0.1, 0.3), weighted=True)
    for f in (Maximum(), Maximum(0.2), Aggregate(Call(0.3), (1, -1))):
        asked = asked_of(f, model, direction, (-6.0, 6.0), 1e-8, None)
        one, other = sorted_case(asked), box_case(asked)
        assert one.status is other.status is Status.OPTIMAL
        assert one.value == pytest.approx(other.value, abs=1e-7)
        whole = worst_case_expectation(f, model, direction=direction, gap=1e-8)
        assert one.value == pytest.approx(whole.value, abs=1e-6)


def test_assignment_agrees_with_column_generation():
    model = two(40, 40, 2, (0.05, 0.1))
    asked = asked_of(Aggregate(Between(-0.1, 0.1), (1, 1)), model, "upper", None, 1e-7, None)
    question = SumPairs(reduced(asked), Between(-0.1, 0.1), 1)
    fast = solve_assignment(question, start=np.array([20.0]), gap=1e-7, time_limit=np.inf)
    slow = solve_program(question, gap=1e-7)
    assert fast.status is slow.status is Status.OPTIMAL
    assert fast.enclosure.upper == pytest.approx(slow.enclosure.upper, abs=1e-6)
    boxed = asked_of(Maximum(0.3), model, "upper", (-9.0, 9.0), 1e-7, None)
    box = BoxPairs(boxed)
    fast = solve_assignment(box, start=np.full(2, 5.0), gap=1e-7, time_limit=np.inf)
    assert fast.enclosure.upper == pytest.approx(worst_case_expectation(Maximum(0.3), model).value, abs=1e-6)


def failing_instance():
    """v1 normal, v2 t4, sorted, the last of samples of 200, 500, 1000 and 2000."""
    rng = np.random.default_rng(5)
    for n in (200, 500, 1000, 2000):
        v1, v2 = np.sort(rng.standard_normal(n)), np.sort(rng.standard_t(4, n))
    return v1, v2


def test_transport_that_a_solver_called_infeasible_is_solved_and_certified():
    v1, v2 = failing_instance()
    strike, prices = 0.5, (1.60562646, 0.02)
    one, other = (v - strike + 1 / (4 * price) for v, price in zip((v1, v2), prices, strict=True))
    values = np.maximum(0.0, np.maximum(one[:, None], other[None]))
    rows, opposite = np.arange(2000), np.arange(2000)[::-1]
    potential = match_potentials(values, opposite, np.zeros(2000), 0.0)
    match = assigned(values, potential)
    potential = match_potentials(values, match, potential, 0.0)
    phi = (values - potential[None]).max(axis=1)
    assert values[rows, match].mean() == pytest.approx(12.00739027, abs=5e-9)
    assert values[rows, opposite].mean() == pytest.approx(12.00739027, abs=5e-9)
    assert phi.mean() + potential.mean() == pytest.approx(values[rows, match].mean(), abs=1e-12)


def test_best_of_two_calls_on_two_thousand_atoms():
    v1, v2 = failing_instance()
    model = MarginalBalls(WassersteinBall(v1, radius=0.1, order=2), WassersteinBall(v2, radius=0.3, order=2))
    found = worst_case_expectation(Maximum(0.5), model)
    assert found.status is Status.OPTIMAL
    assert found.duality_gap <= 2e-6
    grown = worst_case_expectation(Maximum(0.5), model.at(0.5)).value
    assert worst_case_expectation(Maximum(0.5), model.at(0.0)).value < found.value < grown


@pytest.mark.slow
def test_best_of_two_calls_by_assignment():
    v1, v2 = failing_instance()
    model = MarginalBalls(WassersteinBall(v1, radius=0.1, order=2), WassersteinBall(v2, radius=0.3, order=2))
    found = box_case(asked_of(Maximum(0.5), model, "upper", None, 1e-6, None))
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(worst_case_expectation(Maximum(0.5), model).value, abs=2e-6)
