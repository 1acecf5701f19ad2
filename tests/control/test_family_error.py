"""The error over a family of 100 correlated candidates is what was promised, whatever is tested and how.

Every repetition draws losses of 100 candidates on the same units. Half of them have a risk exactly at the
limit, the worst case of "above it"; the others are far below and are certified, so that step-down procedures
spend their whole error on the first half. A test fails when the number of wrong certificates would have
probability below 1e-6 if each had probability `delta`.
"""

import numpy as np
import pytest
from scipy.special import ndtr

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus
from riskstats.bounds.multiple_testing import (
    bonferroni,
    design_delta,
    fixed_sequence,
    holm,
    procedure_name,
    sequential_graphical,
)
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.sample import Sample
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.theorems.laws import too_many

DELTA = 0.05
UNITS, CANDIDATES, NULLS = 100, 100, 50
CASES = {  # measure, bound, power k, and the measure of the k-th power of a uniform number
    "mean by betting": (Mean(), Betting(), 2, 1 / 3),
    "mean by counts": (Mean(), HoeffdingBentkus(), 2, 1 / 3),
    "quantile": (ValueAtRisk(0.9), OrderStatisticBand(0.9), 2, 0.81),
    "CVaR": (CVaR(0.9), BerkJones(levels=(0.9, 1.0)), 2, (1 - 0.9**3) / 0.3),
    "Gini": (Gini(sharp=True), BerkJones(), 8, 0.8),
}


def correlated(rng, repetitions, correlation):
    """(repetitions, candidates, units) uniform numbers that share a normal factor in every unit."""
    shared = rng.standard_normal((repetitions, 1, UNITS))
    own = rng.standard_normal((repetitions, CANDIDATES, UNITS))
    return ndtr(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


def losses(rng, repetitions, correlation, power=2):
    """Powers of uniform numbers for the first half, .05 + .05 u for the others: lower in every measure."""
    u = correlated(rng, repetitions, correlation)
    u[:, :NULLS] **= power
    u[:, NULLS:] = 0.05 + 0.05 * u[:, NULLS:]
    return u


def p_values(values, case, delta):
    measure, bound, _, limit = case
    rows = Sample(values.reshape(-1, UNITS), (0.0, 1.0))
    return bound.p_value(rows, measure, limit, delta).reshape(values.shape[:2])


def graph(rng):
    transitions = rng.random((CANDIDATES, CANDIDATES)) ** 4
    np.fill_diagonal(transitions, 0.0)
    return sequential_graphical(
        weights=rng.dirichlet(np.ones(CANDIDATES)), transitions=transitions / transitions.sum(axis=1)[:, None]
    )


def procedures(rng):
    mixed = [*range(NULLS, NULLS + 5), *rng.permutation(CANDIDATES)]
    order = list(dict.fromkeys(map(int, mixed)))
    return [bonferroni, holm, fixed_sequence(order=order), fixed_sequence(order=order, starts=4), graph(rng)]


def wrong_certificates(p, procedure):
    """Number of repetitions with a candidate certified whose risk is not below the limit."""
    return sum(bool((procedure(row) < NULLS).any()) for row in p)


def check_family(case, rng, repetitions, batch):
    tests = procedures(rng)
    wrong, certified = np.zeros(len(tests), dtype=int), np.zeros(len(tests), dtype=int)
    for _ in range(repetitions // batch):
        values = losses(rng, batch, rng.choice([0.0, 0.5, 0.9]), case[2])
        designs = [design_delta(procedure, DELTA, CANDIDATES) for procedure in tests]
        p = {design: p_values(values, case, design) for design in set(designs)}
        for i, (procedure, design) in enumerate(zip(tests, designs, strict=True)):
            wrong[i] += wrong_certificates(p[design], procedure)
            certified[i] += sum(len(procedure(row)) for row in p[design])
    for procedure, errors, found in zip(tests, wrong, certified, strict=True):
        assert not too_many(int(errors), repetitions, DELTA), (procedure_name(procedure), errors)
        assert found > 0, procedure_name(procedure)


@pytest.mark.parametrize("name", CASES)
def test_error_over_the_family(rng, name):
    check_family(CASES[name], rng, 60 if name == "Gini" else 240, 30)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_error_over_the_family_in_full(rng, name):
    check_family(CASES[name], rng, 5000, 50)


def check_joint(rng, repetitions, batch):
    """Mean and CVaR at once: half of the candidates break one, half the other; none may be certified."""
    wrong = 0
    for _ in range(repetitions // batch):
        first = losses(rng, batch, 0.5)
        second = losses(rng, batch, 0.5)[:, ::-1]
        p = [
            p_values(values, CASES[name], DELTA / CANDIDATES)
            for values, name in ((first, "mean by betting"), (second, "CVaR"))
        ]
        wrong += sum(len(holm(row)) > 0 for row in np.maximum(*p))
    assert not too_many(wrong, repetitions, DELTA), wrong


def test_error_of_two_risks(rng):
    check_joint(rng, 120, 40)


@pytest.mark.slow
def test_error_of_two_risks_in_full(rng):
    check_joint(rng, 5000, 50)


def test_without_a_procedure_the_error_is_far_too_large(rng):
    """The check can fail: every candidate at the full error."""
    p = p_values(losses(rng, 120, 0.5), CASES["quantile"], DELTA)
    assert too_many(wrong_certificates(p, lambda row: np.flatnonzero(row <= DELTA)), 120, DELTA)
