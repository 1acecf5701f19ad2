"""The limits of Thomas and Learned-Miller: their sums over the order statistics, and the band behind them."""

import math

import numpy as np
import pytest

from riskstats.bounds.api import lower_bound
from riskstats.bounds.dkw import DKW
from riskstats.bounds.sample import Sample
from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller, thomas_learned_miller
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.tail.goldens import LIMITS, golden_losses

BOUND = ThomasLearnedMiller()


def upper_by_sum(losses, level, delta, top):
    x, n = [*sorted(losses), top], len(losses)
    eps, t = math.sqrt(math.log(1 / delta) / (2 * n)), 1 - level
    return top - sum((x[i] - x[i - 1]) * max(i / n - eps - level, 0) for i in range(1, n + 1)) / t


def lower_by_sum(losses, level, delta, bottom):
    x, n = [bottom, *sorted(losses)], len(losses)
    eps, t = math.sqrt(math.log(1 / delta) / (2 * n)), 1 - level
    return x[n] - sum((x[i + 1] - x[i]) * max(min(1, i / n + eps) - level, 0) for i in range(n)) / t


@pytest.mark.parametrize("golden", LIMITS, ids=lambda golden: f"{golden['sample']}, {golden['delta']}")
def test_golden_limits(golden):
    losses, confidence = golden_losses(golden["sample"]), 1 - golden["delta"]
    upper = thomas_learned_miller(losses, golden["alpha"], confidence_level=confidence)
    lower = lower_bound(losses, CVaR(golden["alpha"]), BOUND, confidence_level=confidence)
    assert upper.value == pytest.approx(golden["tlm_upper"], abs=1e-10)
    assert lower.value == pytest.approx(golden["tlm_lower"], abs=1e-10)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [1, 7, 400])
@pytest.mark.parametrize("delta", [0.5, 0.05])
def test_the_limits_are_the_stated_sums(level, n, delta, rng):
    losses = np.round(rng.random(n) * 3 - 1, 1)
    sample, measure = Sample(losses[np.newaxis], (-1.0, 2.5)), CVaR(level)
    assert BOUND.upper(sample, measure, delta)[0] == pytest.approx(
        upper_by_sum(losses, level, delta, 2.5), abs=1e-12
    )
    assert BOUND.lower(sample, measure, delta)[0] == pytest.approx(
        lower_by_sum(losses, level, delta, -1.0), abs=1e-12
    )


def test_it_is_the_band_and_has_its_p_values(rng):
    sample = Sample(rng.random((3, 200)) ** 2, (0.0, 1.0))
    p = BOUND.p_value(sample, CVaR(0.5), 0.8, 0.05)
    np.testing.assert_array_equal(p, DKW().p_value(sample, CVaR(0.5), 0.8, 0.05))
    assert (BOUND.upper(sample, CVaR(0.5), float(p[0]))[0]) == pytest.approx(0.8, abs=1e-8)


def test_other_measures_and_errors_above_one_half_are_refused():
    with pytest.raises(IncompatibleBound, match=r"take the band itself, `DKW`"):
        BOUND([0.1, 0.2], ValueAtRisk(0.9))
    with pytest.raises(InvalidInput, match=r"at most 1/2; got 0\.6"):
        BOUND.upper(Sample(np.array([[0.5]]), (0.0, 1.0)), CVaR(0.5), 0.6)
