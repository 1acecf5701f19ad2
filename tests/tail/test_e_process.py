"""The bet: its identity, its bound at any stopping time, and its power."""

import numpy as np
import pytest
from scipy import stats

from riskstats.tail.backtest import expected_shortfall_backtest
from riskstats.tail.e_process import STAKES, e_values, log_wealth, mixed_stakes
from riskstats.tail.forecasts import Forecasts
from tests.reference.extremes import backtest

MASS = 0.05
VAR = float(stats.norm.ppf(1 - MASS))
ES = float(stats.norm.pdf(VAR) / MASS)


def wealth(losses, value_at_risk=VAR, expected_shortfall=ES, mass=MASS):
    """(m, T) log-wealth with the default stakes."""
    e = e_values(Forecasts(losses, np.asarray(value_at_risk), np.asarray(expected_shortfall), mass))
    return np.array([log_wealth(row, mixed_stakes(row, mass)) for row in e])


def test_wealth_is_the_mean_wealth_of_constant_stakes(rng):
    e = rng.exponential(1.2, 200) * (rng.random(200) < 0.3) * 4
    alone = [np.exp(log_wealth(e, np.full(200, stake))) for stake in MASS * STAKES]
    np.testing.assert_allclose(
        np.exp(log_wealth(e, mixed_stakes(e, MASS))), np.mean(alone, axis=0), rtol=1e-10
    )


def test_stakes_look_at_the_past_only(rng):
    e = rng.exponential(size=50)
    changed = np.append(e[:30], 100.0 + e[30:])
    assert (mixed_stakes(e, MASS)[:31] == mixed_stakes(changed, MASS)[:31]).all()
    assert mixed_stakes(e, MASS)[31] != mixed_stakes(changed, MASS)[31]


def test_constant_stake_equals_the_loop(rng):
    x, v, es = rng.normal(size=80), np.full(80, 0.9), np.full(80, 1.4)
    path = log_wealth(e_values(Forecasts(x, v, es, 0.2)), np.full(80, 0.3))
    np.testing.assert_allclose(np.exp(path), backtest(x, v, es, 0.8, 0.3)["wealth"], rtol=1e-12)


def test_whole_stake_can_be_lost():
    path = log_wealth(np.array([2.0, 0.0, 5.0]), np.ones(3))
    assert path.tolist() == [np.log(2.0), -np.inf, -np.inf]


def test_every_mass_gives_stakes_in_the_unit_interval(rng):
    for mass in (1e-6, 0.05, 0.5, 1.0):
        stakes = mixed_stakes(np.zeros(2000), mass)
        assert stakes.min() >= 0
        assert stakes.max() <= 1


@pytest.mark.parametrize("delta", [0.2, 0.05])
def test_optional_stopping_keeps_the_bound(delta, rng):
    """The largest wealth over 500 periods passes 1 / delta in at most a share delta of the series."""
    crossed = int((wealth(rng.standard_normal((2000, 500))).max(axis=1) >= -np.log(delta)).sum())
    assert stats.binomtest(crossed, 2000, delta, alternative="greater").pvalue > 1e-4


def test_optional_stopping_keeps_the_bound_on_tied_losses(rng):
    """Harms on five steps, most of the tail tied at the value at risk: the law needs no density."""
    scores, chances = np.array([0, 0.25, 0.5, 0.75, 1.0]), np.array([0.86, 0.08, 0.035, 0.02, 0.005])
    shortfall = (0.005 * 1 + 0.02 * 0.75 + 0.025 * 0.5) / MASS
    losses = rng.choice(scores, size=(2000, 300), p=chances)
    crossed = int((wealth(losses, 0.5, shortfall).max(axis=1) >= np.log(10)).sum())
    assert crossed > 0
    assert stats.binomtest(crossed, 2000, 0.1, alternative="greater").pvalue > 1e-4


def test_power_grows_with_the_understatement_and_with_time(rng):
    power = {
        (scale, periods): float(
            (wealth(scale * rng.standard_normal((400, periods))).max(axis=1) >= np.log(20)).mean()
        )
        for scale in (1.0, 1.2, 1.4)
        for periods in (250, 1000)
    }
    assert power[1.0, 1000] < 0.06
    assert power[1.2, 250] > 0.45
    assert power[1.2, 1000] > 0.95
    assert power[1.4, 250] > 0.95


def test_a_forecast_without_a_tail_is_refuted_by_one_hit():
    """es - v as small as it gets: e-values are as large as they get, and numbers."""
    found = expected_shortfall_backtest([-1.0, -1.0, 1.0, -1.0], -5e-324, 0.0, 0.9)
    assert np.isfinite(found.log_wealth).all()
    assert np.isfinite(found.mean_e_value)
    assert found.alarm == 2
