"""The anytime-valid bound on a quantile: ranks, wealth, the running version and its error over all times."""

import math

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import beta, binom

from riskstats.bounds.order_statistics import rank_above
from riskstats.bounds.quantile_sequence import QuantileSequence, log_wealth, ranks_reaching
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.bounds.bands import UNIT, golden_sample, one


def test_the_rank_is_that_of_the_table():
    assert QuantileSequence(0.9).rank(1000, 0.05) == 927
    assert rank_above(1000, 0.05, 0.9) == 916


@pytest.mark.parametrize(
    ("s", "n", "level"), [(0, 1, 0.5), (1, 1, 0.9), (18, 20, 0.7), (95, 100, 0.9), (3, 60, 0.02)]
)
def test_the_wealth_is_the_mixture_of_likelihood_ratios(s, n, level):
    prior = beta(20 * level, 20 * (1 - level))

    def ratio(p: float) -> float:
        return math.exp(s * math.log(p / level) + (n - s) * math.log((1 - p) / (1 - level))) * prior.pdf(p)

    mixed = integrate.quad(ratio, level, 1, epsabs=0, epsrel=1e-11, limit=500)[0] / prior.sf(level)
    found = log_wealth(np.array([s]), n, level, 1 - level)[0]
    assert found <= math.log(mixed)
    assert found == pytest.approx(math.log(mixed), abs=1e-7)


def test_the_wealth_increases_in_the_count():
    wealth = log_wealth(np.arange(101), 100, 0.8, 0.2)
    assert (np.diff(wealth[np.isfinite(wealth)]) > 0).all()


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_running_bound_is_the_smallest_so_far(level):
    x, bound = golden_sample(300), QuantileSequence(level)
    each = [np.append(np.sort(x[:t]), 1.0)[bound.rank(t, 1 - 0.95) - 1] for t in range(1, 301)]
    np.testing.assert_array_equal(bound.running_upper(x), np.minimum.accumulate(each))
    assert bound.upper(one(x), ValueAtRisk(level), 1 - 0.95)[0] == each[-1]


def test_ranks_of_many_numbers_of_units_are_those_of_each():
    n = np.arange(1, 400)
    ranks = ranks_reaching(n, 0.05, 0.7, 0.3)
    assert (np.diff(ranks) >= 0).all()
    assert (np.diff(ranks) <= 1).all()
    for size in (1, 5, 50, 399):
        reached = log_wealth(np.arange(1, size + 1), size, 0.7, 0.3) >= math.log(20)
        assert ranks[size - 1] == (int(reached.argmax()) + 1 if reached.any() else size + 1)


def test_the_error_over_all_times_is_kept(rng):
    """The bound fails at t if k_t or more of the first t losses lie below the quantile."""
    paths, n, delta = 2000, 2000, 0.05
    for level in (0.5, 0.9):
        ranks = ranks_reaching(np.arange(1, n + 1), delta, level, 1 - level)
        below = np.cumsum(rng.random((paths, n)) < level, axis=1)
        failures = int((below >= ranks).any(axis=1).sum())
        assert binom.sf(failures - 1, paths, delta) > 1e-6
        assert failures > 0.2 * delta * paths  # the mixture is not much wider than it must be


@pytest.mark.parametrize("level", [0.3, 0.9])
def test_test_and_bound_agree_and_the_lower_bound_is_the_reflection(level, rng):
    sample, bound, measure = Sample(rng.random((20, 120)), UNIT), QuantileSequence(level), ValueAtRisk(level)
    upper = bound.upper(sample, measure, 0.05)
    for limit in np.concatenate([upper, [0.2, 0.95]]):
        np.testing.assert_array_equal(bound.p_value(sample, measure, limit, 0.05) <= 0.05, upper <= limit)
    mirror = QuantileSequence(1 - level).upper(Sample(1 - sample.values, UNIT), ValueAtRisk(1 - level), 0.05)
    np.testing.assert_allclose(bound.lower(sample, measure, 0.05), 1 - mirror, atol=1e-12)
    assert (bound.lower(sample, measure, 0.05) <= upper).all()


def test_few_units_are_bounded_by_the_top():
    bound = QuantileSequence(0.9)
    assert bound.upper(one(golden_sample(5), (0.0, np.inf)), ValueAtRisk(0.9), 0.05)[0] == np.inf
    assert bound.running_upper(golden_sample(3), support=(0.0, 2.0)).tolist() == [2.0, 2.0, 2.0]


def test_it_is_for_one_quantile_only():
    assert QuantileSequence(0.9).requires.anytime
    with pytest.raises(IncompatibleBound, match=r"`QuantileSequence` bounds `ValueAtRisk\(0\.9\)`; `CVaR"):
        QuantileSequence(0.9).upper(one(golden_sample(5)), CVaR(0.9), 0.05)
    assert not QuantileSequence(0.9).carries(ValueAtRisk(0.8))
    for level in (0.0, 1.0, 90):
        with pytest.raises(InvalidInput, match="`level`"):
            QuantileSequence(level)
