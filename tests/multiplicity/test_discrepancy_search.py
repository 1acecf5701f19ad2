from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

from riskstats.multiplicity.discrepancy_colouring import bits, colour_bound, coloured, mask_of
from riskstats.multiplicity.discrepancy_literals import Conditions, conditions_of, whole_weights
from riskstats.multiplicity.discrepancy_models import Models, Nogoods
from riskstats.multiplicity.discrepancy_multipliers import multipliers
from riskstats.multiplicity.discrepancy_oracle import MET, REFUTED, UNDECIDED, Oracle
from riskstats.multiplicity.literals import literals_of
from tests.multiplicity.convex_sets import level_set, range_over
from tests.reference import discrepancy as slow


def conditions_on(levels, rows, deviation):
    found = range_over(levels, rows)
    literals = literals_of(found.baseline, deviation, found.scale)
    return conditions_of(rows, literals, found.outer, np.ones(len(rows)))


def graph(rng, n, density):
    """Compatible pairs as masks."""
    pairs = rng.random((n, n)) < density
    pairs = np.triu(pairs, 1)
    pairs |= pairs.T
    return {i: mask_of(np.flatnonzero(pairs[i]).tolist()) for i in range(n)}


def heaviest_clique(compatible, weights):
    best = 0
    for size in range(1, len(weights) + 1):
        for chosen in combinations(range(len(weights)), size):
            if all(compatible[i] >> j & 1 for i, j in combinations(chosen, 2)):
                best = max(best, sum(weights[i] for i in chosen))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_colours_bound_every_set_without_a_conflict(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 10))
    compatible = graph(rng, n, rng.random())
    weights = rng.integers(1, 6, n).tolist()
    everything = (1 << n) - 1
    assert colour_bound(everything, compatible, weights) >= heaviest_clique(compatible, weights)
    seen = 0
    for place, bound in coloured(everything, compatible, weights):
        seen |= 1 << place
        here = list(bits(seen))
        inside = {
            i: mask_of([k for k, j in enumerate(here) if compatible[here[i]] >> j & 1])
            for i in range(len(here))
        }
        assert bound >= heaviest_clique(inside, [weights[i] for i in here])
    assert seen == everything


def test_colours_are_exact_without_conflicts_and_where_all_conflict():
    weights = [3, 1, 2]
    assert colour_bound(0b111, {0: 0b110, 1: 0b101, 2: 0b011}, weights) == 6
    assert colour_bound(0b111, {0: 0, 1: 0, 2: 0}, weights) == 3
    assert colour_bound(0, {}, weights) == 0


def test_whole_weights_are_in_exact_proportion():
    weights = np.array([0.1, 0.2, 3.0, 0.0, 1e-300, 7e200])
    whole = whole_weights(weights)
    ratios = {Fraction(w) / k for w, k in zip(weights.tolist(), whole, strict=True) if k}
    assert len(ratios) == 1
    assert whole[3] == 0
    assert whole_weights(np.array([2.0, 4.0, 6.0])) == [1, 2, 3]


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_multipliers_solve_their_quadratic_programs(k):
    rng = np.random.default_rng(k)
    factors = rng.normal(size=(40, k, k + 1))
    products = factors @ factors.transpose(0, 2, 1)
    goal = rng.normal(size=(40, k))
    s = multipliers(products, goal)
    for lane in range(40):
        best = 0.0
        for free in product([False, True], repeat=k):
            on = np.flatnonzero(free)
            part = np.zeros(k)
            part[on] = np.linalg.solve(products[lane][np.ix_(on, on)], goal[lane][on])
            if (part >= 0).all():
                best = min(best, 0.5 * part @ products[lane] @ part - goal[lane] @ part)
        value = 0.5 * s[lane] @ products[lane] @ s[lane] - goal[lane] @ s[lane]
        assert (s[lane] >= 0).all()
        assert value == pytest.approx(best, abs=1e-9)


def test_multipliers_of_equal_conditions_are_finite():
    s = multipliers(np.ones((1, 3, 3)), np.ones((1, 3)))
    assert np.isfinite(s).all()
    assert s.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("size", [5, 64, 130])
def test_refuted_sets_leave_what_they_ask(size):
    known = Nogoods(size)
    last = size - 1
    for places in ([0, 1, last], [2], [0, 3], [0, 1, 2, 3, 4], [1, 3, 4]):
        known.add(mask_of(places))
    known.add(mask_of([2]))
    assert len(known) == 5
    found = known.left_by(mask_of([0, 1]), mask_of([2, 3, last]))
    expected = [[2], [3], [last]] if last != 4 else [[2], [3], [3, 4], [4]]
    assert sorted(found) == expected
    assert known.left_by(mask_of([0, 3]), 0) == [[]]
    assert known.left_by(0, mask_of([0, 1])) == []


def test_models_remember_what_was_met_together():
    rows = np.eye(3)
    conditions = Conditions(rows, np.ones(3), np.arange(3), (1, 1, 1), 3)
    models = Models(conditions, np.zeros(3))
    assert models.best == 0
    models.offer(np.array([[2.0, 2.0, 0.0], [0.0, 0.0, 2.0], [0.0, 2.0, 2.0]]))
    assert models.best == 2
    assert models.meets((0, 1))
    assert models.meets((2,))
    assert not models.meets((0, 2))
    assert models.together((), 0b111) == {0: 0b011, 1: 0b111, 2: 0b110}
    assert models.together((0,), 0b110) == {1: 0b010, 2: 0}


def test_a_condition_met_only_by_rounding_is_not_met():
    conditions = Conditions(
        np.array([[0.1, 0.2]]), np.array([0.1 * 3.0 + 0.2 * 7.0]), np.zeros(1, int), (1,), 1
    )
    assert not conditions.met_by(np.array([[3.0, 7.0]])).any()
    assert conditions.met_by(np.array([[3.0, 7.0 + 1e-13]])).all()


@pytest.mark.parametrize(
    ("squared", "penalty", "scale"),
    [
        (False, 0.02, 1.0),
        (False, 0.02, 1e3),
        (False, 2.0, 1e-3),
        (False, 0.0, 1.0),
        (True, 0.1, 1.0),
        (True, 0.0, 1.0),
    ],
)
def test_the_oracle_never_refutes_what_a_member_meets(squared, penalty, scale):
    rng = np.random.default_rng(0)
    levels = level_set(1, n=50, d=4, epsilon=0.1, penalty=penalty, squared=squared, scale=scale)
    conditions = conditions_on(levels, levels.problem.design, 0.1 if squared else 0.04)
    assert len(conditions) > 20
    directions = rng.normal(size=(300, levels.problem.p)) / levels.problem.column_rms
    best = levels.baseline.theta
    far = levels.support(directions).theta
    members = levels.pulled_inside(best + rng.uniform(0.9, 1.0, (300, 1)) ** 0.1 * (far - best))
    met = conditions.met_by(members)
    sets = [rng.permutation(np.flatnonzero(row))[:5].tolist() for row in met]
    longest = np.array([places + [len(conditions)] * (5 - len(places)) for places in sets])
    verdicts = Oracle(levels, conditions).judge(longest).verdict
    assert not (verdicts == REFUTED).any()
    assert (verdicts == MET).mean() > 0.99


@pytest.mark.parametrize("penalty", [0.02, 0.0])
def test_verdicts_agree_with_a_general_solver(penalty):
    rng = np.random.default_rng(2)
    levels = level_set(2, n=50, d=4, epsilon=0.1, penalty=penalty)
    conditions = conditions_on(levels, levels.problem.design, 0.08)
    sets = np.array([rng.choice(len(conditions), 3, replace=False) for _ in range(60)])
    verdicts = Oracle(levels, conditions).judge(sets)
    for places, verdict, s in zip(sets, verdicts.verdict, verdicts.multipliers, strict=True):
        kept = places[s > 0] if verdict == REFUTED else places
        least, _ = slow.least(
            levels.problem, levels.baseline.theta, conditions.directions[kept], conditions.thresholds[kept]
        )
        assert verdict == (MET if least <= levels.inner_limit else REFUTED)
    assert {MET, REFUTED} == set(verdicts.verdict.tolist())


def test_out_of_time_is_undecided():
    levels = level_set(2)
    conditions = conditions_on(levels, levels.problem.design, 0.05)
    verdicts = Oracle(levels, conditions).judge(np.array([[0, 1], [1, 2]]), deadline=0.0)
    assert (verdicts.verdict == UNDECIDED).all()
