"""Tests of hits: golden values, empty cells, and an exact p-value that adds up the binomial law."""

import numpy as np
import pytest
from scipy import stats

from riskstats.tail.coverage_tests import exact_kupiec, independence, kupiec, transitions
from tests.reference.extremes import backtest
from tests.tail.goldens import GOLDEN


@pytest.mark.parametrize("row", GOLDEN["kupiec_simple"], ids=lambda row: str(row["x"]))
def test_golden_kupiec(row):
    assert kupiec(np.array(float(row["x"])), row["n"], row["p"]) == pytest.approx(row["lr"], abs=1e-10)


@pytest.mark.parametrize("hits", [0, 1, 4, 40])
def test_no_hit_and_all_hits_are_numbers(hits):
    statistic = float(kupiec(np.array(float(hits)), 40, 0.1))
    assert statistic == pytest.approx(2 * _best(hits, 40, 0.1), abs=1e-10)


def _best(hits, n, p):
    return stats.binom.logpmf(hits, n, hits / n) - stats.binom.logpmf(hits, n, p)


def test_transitions_and_independence_on_many_series_at_once(rng):
    hits = rng.random((3, 5, 60)) < 0.2
    counts = transitions(hits)
    assert counts.shape == (3, 5, 2, 2)
    found = independence(counts)
    for place in np.ndindex(3, 5):
        twin = backtest(hits[place] * 1.0, np.full(60, 0.5), np.full(60, 1.0), 0.8, 0.1)
        assert counts[place].tolist() == twin["transitions"]
        assert found[place] == pytest.approx(twin["independence"], abs=1e-10)


def test_independence_without_hits_or_with_hits_alone_is_zero():
    assert independence(transitions(np.zeros(9))) == 0
    assert independence(transitions(np.ones(9))) == 0
    assert independence(transitions(np.tile([0, 1], 20))) > 40


def test_exact_p_value_is_the_law_of_the_statistic():
    n, t = 30, 0.1
    laws = stats.binom.pmf(np.arange(n + 1), n, t)
    statistics = kupiec(np.arange(n + 1.0), n, t)
    for hits in range(n + 1):
        expected = laws[statistics >= statistics[hits] - 1e-12].sum()
        assert exact_kupiec(hits, n, t) == pytest.approx(expected, abs=1e-12)
    sizes = [laws[[exact_kupiec(hits, n, t) <= a for hits in range(n + 1)]].sum() for a in (0.01, 0.05, 0.1)]
    assert sizes[0] <= 0.01
    assert sizes[1] <= 0.05
    assert sizes[2] <= 0.1


def test_exact_p_values_keep_their_size_where_they_are_small():
    assert exact_kupiec(50, 50, 0.05) == pytest.approx(0.05**50, rel=1e-9)
    assert exact_kupiec(100, 100, 1 / 3) == pytest.approx((1 / 3) ** 100, rel=1e-9)
