"""Backtests: golden values, size under the model, power, and what they refuse."""

import json
import re

import numpy as np
import pytest
from scipy import stats

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.tail.acerbi_szekely import first_statistic, second_statistic
from riskstats.tail.backtest import expected_shortfall_backtest
from riskstats.tail.coverage_tests import independence, kupiec, transitions
from tests.reference.extremes import backtest
from tests.tail.goldens import GOLDEN

LEVEL = 0.95
VAR = float(stats.norm.ppf(LEVEL))
ES = float(stats.norm.pdf(VAR) / (1 - LEVEL))
T = np.arange(250)
GOLDEN_LOSSES = ((73 * T) % 251) / 251 * 4 - 1


def normal(rng, m):
    return rng.standard_normal((m, 250))


def test_golden():
    expected = GOLDEN["backtest"]
    report = expected_shortfall_backtest(GOLDEN_LOSSES, 2.75, 2.9, LEVEL, stake=expected["e_process_lambda"])
    found = {
        "hits": report.hits,
        "kupiec_lr": report.kupiec.statistic,
        "kupiec_p": report.kupiec.p_value,
        "christoffersen_ind_lr": report.independence.statistic,
        "christoffersen_ind_p": report.independence.p_value,
        "cc_lr": report.conditional_coverage.statistic,
        "acerbi_szekely_z1": report.z1.statistic,
        "acerbi_szekely_z2": report.z2.statistic,
        "mean_e_es": report.mean_e_value,
        "log_e_process_final": report.log_wealth[-1],
        "max_log_e": report.max_log_wealth,
        "fz0_mean": report.fissler_ziegel,
    }
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-10)
    assert [list(row) for row in report.transitions] == expected["transitions"]
    assert report.conditional_coverage.p_value == pytest.approx(
        stats.chi2.sf(expected["cc_lr"], 2), rel=1e-10
    )


def test_forecasts_that_change_equal_the_loop(rng):
    x, v = rng.normal(size=120), rng.uniform(0.5, 1.5, 120)
    es = v + rng.uniform(0.2, 1, 120)
    report, twin = expected_shortfall_backtest(x, v, es, 0.8, stake=0.2), backtest(x, v, es, 0.8, 0.2)
    assert report.kupiec.statistic == pytest.approx(twin["kupiec"], abs=1e-10)
    assert report.independence.statistic == pytest.approx(twin["independence"], abs=1e-10)
    assert report.z1.statistic == pytest.approx(twin["z1"], abs=1e-12)
    assert report.z2.statistic == pytest.approx(twin["z2"], abs=1e-12)
    np.testing.assert_allclose(np.exp(report.log_wealth), twin["wealth"], rtol=1e-12)


def test_simulated_p_values_hold_size_under_the_model(rng):
    """With the model's own law the five p-values are at most a with probability a, at T = 250."""
    p_values = []
    for _ in range(400):
        report = expected_shortfall_backtest(
            rng.standard_normal(250), VAR, ES, LEVEL, sampler=normal, n_simulations=99, random_state=rng
        )
        p_values.append([test.exact_p_value for test in report.tests])
    for share in (0.05, 0.2):
        for rejected in (np.array(p_values) <= share).sum(axis=0):
            assert stats.binomtest(int(rejected), 400, share, alternative="greater").pvalue > 1e-4


def test_chi_squared_p_values_are_near_their_size_in_long_series(rng):
    """T = 2000: Kupiec and Christoffersen reject about 5 % of right models."""
    hits = rng.random((2000, 2000)) < 0.05
    number, order = kupiec(hits.sum(axis=1) * 1.0, 2000, 0.05), independence(transitions(hits))
    rejections = [
        number > stats.chi2.isf(0.05, 1),
        order > stats.chi2.isf(0.05, 1),
        number + order > stats.chi2.isf(0.05, 2),
    ]
    for share in map(np.mean, rejections):
        assert share == pytest.approx(0.05, abs=0.025)


def test_z_have_mean_zero_under_the_model_and_fall_where_the_shortfall_is_understated(rng):
    """Losses a fifth larger than forecast: Z2 is negative and mostly beyond its 5 % quantile."""
    v, es = np.full(250, VAR), np.full(250, ES)
    right, wrong = rng.standard_normal((4000, 250)), 1.2 * rng.standard_normal((4000, 250))
    first, second = first_statistic(right, v, es), second_statistic(right, v, es, 1 - LEVEL)
    assert abs(first.mean()) < 4 * first.std() / 4000**0.5
    assert abs(second.mean()) < 4 * second.std() / 4000**0.5
    cut = np.quantile(second, 0.05)
    assert (second_statistic(wrong, v, es, 1 - LEVEL) <= cut).mean() > 0.7
    assert (first_statistic(wrong, v, es) < first.mean()).mean() > 0.7


def test_report_of_an_understated_shortfall(rng):
    report = expected_shortfall_backtest(
        1.5 * rng.standard_normal(250), VAR, ES, LEVEL, sampler=normal, random_state=1
    )
    assert report.status is Status.REFUTED
    assert report.log_wealth[report.alarm] >= np.log(20)
    assert (report.log_wealth[: report.alarm] < np.log(20)).all()
    assert report.anytime_p_value == pytest.approx(np.exp(-report.max_log_wealth))
    assert report.z2.exact_p_value <= 0.01
    assert "Alarm at t = " in report.summary()
    assert list(report.to_frame()["name"]) == [test.name for test in report.tests]
    assert json.loads(json.dumps(report.to_dict()))["provenance"]["seed"] == 1


def test_report_of_a_right_model(rng):
    report = expected_shortfall_backtest(rng.standard_normal(250), VAR, ES, LEVEL)
    assert report.status is Status.UNDECIDED
    assert report.alarm is None
    assert report.z2.exact_p_value is None
    assert "pass `sampler`" in report.summary()
    assert "No alarm" in str(report)
    assert report.kupiec.exact_p_value == pytest.approx(
        stats.binomtest(report.hits, 250, 0.05).pvalue, abs=0.1
    )


def test_no_hits():
    report = expected_shortfall_backtest(np.zeros(30), 1.0, 2.0, LEVEL)
    assert report.z1.statistic is None
    assert "no loss exceeds" in report.z1.reason
    assert report.z2.statistic == 1.0
    assert report.kupiec.statistic > 0
    assert "Fewer than 10 hits expected" in report.summary()


def test_one_period_and_level_zero():
    report = expected_shortfall_backtest([3.0], 1.0, 2.0, 0.0)
    assert report.independence.statistic is None
    assert report.kupiec.statistic == 0
    assert report.mean_e_value == 2.0


def test_shortfall_that_is_not_positive_has_no_ratio(rng):
    report = expected_shortfall_backtest(rng.standard_normal(50) - 5, VAR - 5, ES - 5, LEVEL)
    assert report.z1.statistic is report.z2.statistic is report.fissler_ziegel is None
    assert "not positive" in report.z2.reason
    assert np.isfinite(report.log_wealth).all()


def test_ties_with_the_value_at_risk_are_said():
    report = expected_shortfall_backtest(np.tile([0, 0, 0.5, 1.0], 60), 0.5, 0.9, 0.7)
    assert "60 losses are tied with the value at risk" in report.summary()
    assert "only with a `sampler`" in report.summary()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"expected_shortfall": np.r_[np.full(12, 3.0), 1.0, np.full(7, 3.0)]}, "violated at t = 12."),
        ({"expected_shortfall": 1.0}, "`expected_shortfall` must exceed `value_at_risk`; violated at t = 0."),
        ({"value_at_risk": np.ones(3)}, "shape (20,); got shape (3,)"),
        ({"losses": np.full(20, np.nan)}, "`losses` has 20 NaN at rows 0, 1, 2, ..."),
        ({"value_at_risk": np.nan}, "`value_at_risk` has 1 NaN"),
        ({"losses": []}, "`losses` is empty"),
        ({"level": 95}, "got 95. Write 0.95."),
        ({"confidence_level": 0.05}, "Did you mean 0.95?"),
        ({"stake": 1.5}, "`stake` must be in [0, 1]"),
        ({"stake": [0.1, 0.2]}, "`stake` must be a number or 20 of them"),
        ({"stake": np.nan}, "`stake` has 1 NaN"),
        ({"sampler": lambda rng, m: np.zeros((m, 3))}, "must give shape (m, T) = (1000, 20); got (1000, 3)"),
        ({"n_simulations": 0}, "`n_simulations` must be an integer >= 1"),
    ],
)
def test_refusals(given, message):
    given = {"losses": np.zeros(20), "value_at_risk": 1.0, "expected_shortfall": 2.0, "level": 0.95} | given
    with pytest.raises(InvalidInput, match=re.escape(message)):
        expected_shortfall_backtest(**given)
