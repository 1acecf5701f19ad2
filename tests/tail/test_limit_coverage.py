"""Coverage and mean excess of the limits for CVaR on three populations, at level and confidence 0.95.

Counts of misses pass an exact binomial test: they fail where so many would have probability below 1e-6. The
slow tests measure the table of limits; run them with `-m slow -s` to see it.
"""

import warnings

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.brown import Brown
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller
from riskstats.exceptions import AssumptionWarning
from riskstats.measures.cvar import CVaR
from riskstats.tail.limits import Asymptotic, BootstrapT, cvar_interval
from tests.tail.populations import LEVEL, POPULATIONS, A, B, C
from tests.theorems.laws import too_few, too_many

DELTA = 0.05
UNIT = (0.0, 1.0)
LARGEST_EXCESS = {"A": 0.12, "B": 0.07, "C": 0.32}
TIGHT = [BerkJones(levels=(LEVEL, 1.0)), RockafellarUryasev("split"), RockafellarUryasev()]
GUARANTEED = [*TIGHT, Brown(), ThomasLearnedMiller()]
every_population = pytest.mark.parametrize("law", POPULATIONS, ids=lambda law: law.name)


def uppers(bound, law, n, repetitions, seed=1):
    losses = law.draw(np.random.default_rng([seed, n]), repetitions, n)
    return bound.upper(Sample(losses, UNIT), CVaR(LEVEL), DELTA)


def intervals(law, limit, side, repetitions, seed=2, **given):
    """(repetitions, 2) limits of so many samples of 901 losses."""
    rng = np.random.default_rng(seed)
    found = np.empty((repetitions, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        for row, losses in enumerate(law.draw(rng, repetitions, 901)):
            ends = cvar_interval(
                losses, LEVEL, limit=limit, side=side, support=UNIT, random_state=rng, **given
            )
            found[row] = (
                0.0 if ends.lower is None else ends.lower,
                1.0 if ends.upper is None else ends.upper,
            )
    return found


def misses(found, truth):
    return int(((found[:, 0] > truth) | (found[:, 1] < truth)).sum())


def test_the_truths_of_the_populations():
    """Against the mean of the worst of many draws, and the union by hand."""
    rng = np.random.default_rng(1)
    for law in POPULATIONS:
        drawn = CVaR(LEVEL)(law.draw(rng, 1, 1_000_000)[0])
        assert law.truth == pytest.approx(drawn, abs=4e-3)


@every_population
@pytest.mark.parametrize("bound", GUARANTEED, ids=str)
@pytest.mark.parametrize("n", [50, 901])
def test_guaranteed_limits_hold(law, bound, n):
    found = uppers(bound, law, n, 1000)
    assert not too_many(int((found < law.truth).sum()), 1000, DELTA)


@every_population
@pytest.mark.parametrize("bound", TIGHT, ids=str)
def test_guaranteed_limits_are_tight(law, bound):
    assert (uppers(bound, law, 901, 1000) - law.truth).mean() <= LARGEST_EXCESS[law.name]


@every_population
def test_the_studentised_bootstrap_covers(law):
    """At 300 samples a coverage below .88 is found; the slow test finds one below .93."""
    missed = misses(intervals(law, BootstrapT(), "upper", 300), law.truth)
    assert not too_many(missed, 300, 0.06)
    assert not too_few(missed, 300, 0.025)


def test_two_sided_limits_have_two_sides():
    """The width does not explode where a tail may be one atom."""
    found = intervals(C, BootstrapT(), "two-sided", 100)
    assert not too_many(misses(found, C.truth), 100, DELTA)
    assert (found[:, 1] - found[:, 0]).mean() < 0.6


# ---- measured


@pytest.mark.slow
@every_population
@pytest.mark.parametrize("side", ["upper", "lower", "two-sided"])
def test_the_studentised_bootstrap_covers_in_full(law, side):
    repetitions = 4000
    found = intervals(law, BootstrapT(), side, repetitions)
    missed = misses(found, law.truth)
    print(f"\nBootstrapT, {law.name}, {side}: coverage {1 - missed / repetitions:.4f}")
    assert not too_many(missed, repetitions, 0.06)
    if side == "upper":
        assert 0.94 <= 1 - missed / repetitions <= 0.975


@pytest.mark.slow
@every_population
def test_the_asymptotic_limit_covers_too_rarely(law):
    repetitions = 4000
    missed = misses(intervals(law, Asymptotic(), "upper", repetitions), law.truth)
    print(f"\nAsymptotic, {law.name}: coverage {1 - missed / repetitions:.4f}")
    assert not too_many(missed, repetitions, 0.09)
    assert not too_few(missed, repetitions, 0.055)


@pytest.mark.slow
@every_population
@pytest.mark.parametrize("bound", GUARANTEED, ids=str)
@pytest.mark.parametrize("n", [50, 901])
def test_the_table_of_guaranteed_limits(law, bound, n):
    found = uppers(bound, law, n, 10_000)
    coverage, excess = (found >= law.truth).mean(), (found - law.truth).mean()
    print(f"\n{bound}, {law.name}, n = {n}: coverage {coverage:.4f}, mean excess {excess:.4f}")
    assert not too_many(int((found < law.truth).sum()), 10_000, DELTA)
    if n == 901 and bound in TIGHT:
        assert coverage >= 0.95
        assert excess <= LARGEST_EXCESS[law.name]


@pytest.mark.slow
@pytest.mark.parametrize("law", [A, B], ids=lambda law: law.name)
def test_clusters_and_weights_are_covered(law):
    """Clusters of three equal losses, with weights that do not depend on them."""
    rng, repetitions = np.random.default_rng(3), 2000
    missed = {"clusters": 0, "weights": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        for losses in law.draw(rng, repetitions, 901):
            thrice, cluster = np.repeat(losses, 3), np.repeat(np.arange(901), 3)
            given = {"support": UNIT, "random_state": rng}
            ends = cvar_interval(thrice, LEVEL, cluster=cluster, **given)
            missed["clusters"] += ends.upper < law.truth
            ends = cvar_interval(losses, LEVEL, sample_weight=rng.integers(1, 4, 901), **given)
            missed["weights"] += ends.upper < law.truth
    print(f"\n{law.name}: " + ", ".join(f"{k} {1 - v / repetitions:.4f}" for k, v in missed.items()))
    assert not any(too_many(count, repetitions, 0.065) for count in missed.values())
