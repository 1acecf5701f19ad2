"""One order statistic for one quantile: ranks, both sides of the quantile, both sides of the bound."""

import numpy as np
import pytest
from scipy.stats import binom

from riskstats.bounds.order_statistics import (
    OrderStatisticBand,
    order_statistic_band,
    rank_above,
    rank_below,
)
from riskstats.bounds.sample import Sample
from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.bounds.bands import UNIT, golden, golden_sample, one

LEVELS = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, np.nextafter(0.9, 1), 1 - 0.1, 1 / 3]


@pytest.mark.parametrize("record", golden("value_at_risk_upper"), ids=lambda r: f"{r['n']} {r['level']}")
def test_golden_ranks(record):
    assert rank_above(record["n"], record["delta"], record["level"]) == record["rank"]
    band, sample = OrderStatisticBand(record["level"]), one(golden_sample(record["n"]))
    assert band.upper(sample, ValueAtRisk(record["level"]), record["delta"])[0] == pytest.approx(
        record["value"], rel=1e-12
    )


@pytest.mark.parametrize("record", golden("value_at_risk_p_value"), ids=lambda r: f"{r['n']} {r['level']}")
def test_golden_p_values(record):
    sample = one(golden_sample(record["n"]))
    assert (sample.values <= record["risk_limit"]).sum() == record["count_at_or_below"]
    found = OrderStatisticBand(record["level"]).p_value(
        sample, ValueAtRisk(record["level"]), record["risk_limit"], 0.05
    )
    assert found[0] == pytest.approx(record["value"], rel=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 2, 13, 200])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_ranks_are_the_tightest_that_the_binomial_law_allows(n, level, delta):
    k, j = rank_above(n, delta, level), rank_below(n, delta, level)
    assert k == binom.isf(delta, n, level) + 1
    assert k == n + 1 or binom.sf(k - 1, n, level) <= delta
    assert binom.sf(k - 2, n, level) > delta
    assert j == 0 or binom.cdf(j - 1, n, level) <= delta
    assert binom.cdf(j, n, level) > delta


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_both_sides_of_the_quantile_and_of_the_bound_use_their_rank(level, side):
    x, n = np.sort(golden_sample(150)), 150
    band, measure = OrderStatisticBand(level), ValueAtRisk(level, side)
    k, j = rank_above(n, 0.05, level), rank_below(n, 0.05, level)
    padded = np.concatenate([[0.0], x, [1.0]])
    assert band.upper(one(x), measure, 0.05)[0] == padded[k]
    assert band.lower(one(x), measure, 0.05)[0] == padded[j]


def test_level_zero_is_bounded_by_the_smallest_loss():
    x = golden_sample(10)
    band = OrderStatisticBand(0.0)
    assert band.upper(one(x), ValueAtRisk(0.0), 0.05)[0] == x.min()
    assert band.lower(one(x), ValueAtRisk(0.0), 0.05)[0] == 0.0
    assert not band.boundary(10, 0.05).values.any()


def test_a_flat_quantile_is_covered_on_both_sides(rng):
    """F = 0.5 on (0.2, 0.8): the lower quantile is 0.2 and the upper one 0.8."""
    x = np.where(rng.random((4000, 40)) < 0.5, 0.2, 0.8)
    band, sample = OrderStatisticBand(0.5), Sample(x, UNIT)
    for side, truth in (("lower", 0.2), ("upper", 0.8)):
        measure = ValueAtRisk(0.5, side)
        for misses in (
            (band.upper(sample, measure, 0.05) < truth).sum(),
            (band.lower(sample, measure, 0.05) > truth).sum(),
        ):
            assert binom.sf(misses - 1, 4000, 0.05) > 1e-6


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_test_and_the_bound_are_the_same_statement(level, rng):
    sample, measure = Sample(np.round(rng.random((30, 60)), 2), UNIT), ValueAtRisk(level)
    band = OrderStatisticBand(level)
    upper = band.upper(sample, measure, 0.05)
    for limit in np.unique(np.concatenate([upper, [0.1, 0.55, 0.94]])):
        np.testing.assert_array_equal(band.p_value(sample, measure, limit, 0.05) <= 0.05, upper <= limit)


def test_other_measures_and_levels_are_bounded_by_the_band():
    x = golden_sample(100)
    band, k = OrderStatisticBand(0.5), rank_above(100, 0.05, 0.5)
    at_rank = np.sort(x)[k - 1]
    assert band.upper(one(x), CVaR(0.0), 0.05)[0] == pytest.approx(0.5 * at_rank + 0.5)
    assert band.upper(one(x), ValueAtRisk(0.4), 0.05)[0] == at_rank
    assert band.upper(one(x), ValueAtRisk(0.6), 0.05)[0] == 1.0
    p = band.p_value(one(x), CVaR(0.0), 0.5 * at_rank + 0.5, 0.05)[0]
    assert p == pytest.approx(binom.sf(k - 1, 100, 0.5), rel=1e-10)


def test_the_function_gives_the_envelope():
    envelope = order_statistic_band(golden_sample(50), 0.9)
    assert envelope.active_ranks == (49, 49)
    assert envelope.lower.tolist() == [0.0] * 48 + [0.9, 0.9]
    few = order_statistic_band(golden_sample(10), 0.9)
    assert few.active_ranks is None
    assert not few.lower.any()
    with pytest.raises(InvalidInput, match=r"got 90\. Write 0\.9"):
        order_statistic_band(golden_sample(10), 90)
