"""Inverse risk calibration: golden sample, planted signs, separation, confounding, and regret."""

import numpy as np
import pytest
from scipy.stats import binomtest, kendalltau, mannwhitneyu
from sklearn.isotonic import IsotonicRegression

from riskstats.exceptions import InvalidInput
from riskstats.harm.calibration import risk_calibration
from riskstats.harm.cost_maps import Exponential, Linear, Reciprocal
from riskstats.harm.refusal_curve import calibrated_refusals, wilson_band
from riskstats.harm.refusal_rank import resampled_tables, table_of, tau_b_of_tables
from riskstats.losses import sigmoid
from tests.harm.goldens import GOLDEN
from tests.reference.harm import profile_limits, random_maps
from tests.theorems.laws import too_many

IRC = GOLDEN["irc"]
DATA = [IRC["data"][key] for key in ("refused", "cost", "severity")]
TAU_02 = 0.325  # slope of the log odds per level with tau-b = .20 on five equally frequent levels


def calibration(refused, cost, severity=None, *, random_state=0, **asked):
    return risk_calibration(refused, cost, severity, random_state=random_state, **asked)


def refusals(rng, n, slope, severity_slope=0.0):
    """(refused, cost, severity) with independent cost and severity."""
    cost, severity = rng.integers(1, 6, n), rng.integers(1, 6, n)
    chance = sigmoid(slope * (cost - 3.0) + severity_slope * (severity - 3.0))
    return (rng.random(n) < chance).astype(float), cost, severity


# ---- golden sample


def test_golden_ranks():
    found = calibration(*DATA)
    assert found.tau.value == pytest.approx(IRC["tau_b"], rel=1e-12)
    assert found.auc.value == pytest.approx(IRC["auc_cost"], rel=1e-12)


def test_golden_graded_refusals():
    golden = GOLDEN["expected_harm"]["irc_example"]
    found = calibration(golden["refuse"], [1, 2, 3, 4, 5])
    assert found.tau.value == pytest.approx(golden["kendall_tau_b_refuse_cost"], rel=1e-12)
    assert found.slope.status == "graded"


def test_golden_separation_is_a_status():
    found = calibration(*DATA)
    assert (found.slope.status, found.slope.slope, found.slope.upper) == ("separated", None, np.inf)
    assert 0 < found.slope.lower < 10
    assert found.raw_slope.status == "estimated"
    assert "separated" in found.summary()


# ---- ranks


@pytest.mark.parametrize("grades", [2, 4])
def test_tau_agrees_with_scipy(rng, grades):
    for _ in range(20):
        refused, cost = rng.integers(0, grades, 40), rng.integers(0, 5, 40)
        table = table_of(refused, cost, np.ones(40), (grades, 5))
        assert tau_b_of_tables(table) == pytest.approx(kendalltau(refused, cost).statistic, rel=1e-12)


def test_weights_are_repetitions(rng):
    refused, cost, _ = refusals(rng, 60, 0.5)
    weights = rng.integers(0, 4, 60)
    found = calibration(refused, cost, sample_weight=weights)
    again = calibration(np.repeat(refused, weights), np.repeat(cost, weights))
    assert found.tau.value == pytest.approx(again.tau.value, rel=1e-12)
    assert found.auc.value == pytest.approx(again.auc.value, rel=1e-12)
    assert found.slope.slope == pytest.approx(again.slope.slope, rel=1e-6)
    assert found.regret == pytest.approx(again.regret, rel=1e-9, abs=1e-12)


def test_auc_is_the_mann_whitney_statistic(rng):
    refused, cost, _ = refusals(rng, 80, 0.5)
    up, down = cost[refused == 1], cost[refused == 0]
    expected = mannwhitneyu(up, down).statistic / (len(up) * len(down))
    assert calibration(refused, cost).auc.value == pytest.approx(expected, rel=1e-12)


def test_three_ways_of_resampling_have_one_law(rng):
    refused, cost, _ = refusals(rng, 60, 0.5)
    rows, columns, n = refused.astype(int), cost - 1, 60
    given = (rows, columns), (2, 5)
    by_cell = resampled_tables(*given[0], np.ones(n), None, given[1], 4000, np.random.default_rng(1))
    by_row = resampled_tables(*given[0], np.ones(n), np.arange(n), given[1], 4000, np.random.default_rng(2))
    for tables in (by_cell, by_row):
        np.testing.assert_allclose(tables.sum(axis=(1, 2)), n)
    spread = [tau_b_of_tables(tables).std() for tables in (by_cell, by_row)]
    assert spread[0] == pytest.approx(spread[1], rel=0.06)
    np.testing.assert_allclose(by_cell.mean(axis=0), by_row.mean(axis=0), atol=0.3)


def test_the_sign_is_shown_in_95_percent_of_samples():
    """tau-b = .2, n = 300: the lower limit is above 0 in at least 95 % of samples, either way."""
    rng, shown, runs = np.random.default_rng(7), 0, 100
    for seed in range(runs):
        sign = 1.0 if seed % 2 else -1.0
        refused, cost, _ = refusals(rng, 300, sign * TAU_02)
        found = calibration(refused, cost, random_state=seed, resamples=199)
        shown += found.direction == ("inverse" if sign > 0 else "calibrated")
    assert not too_many(runs - shown, runs, 0.05)
    assert shown >= 90


@pytest.mark.slow
def test_the_sign_in_many_samples():
    rng, right, shown, runs = np.random.default_rng(8), 0, 0, 1000
    for seed in range(runs):
        refused, cost, _ = refusals(rng, 300, TAU_02)
        found = calibration(refused, cost, random_state=seed)
        right, shown = right + (found.tau.value > 0), shown + (found.direction == "inverse")
    assert right >= 0.99 * runs
    assert shown >= 0.95 * runs


@pytest.mark.slow
def test_limits_of_clusters_cover():
    rng, runs, missed = np.random.default_rng(9), 300, np.zeros(2, dtype=int)
    unit = np.repeat(np.arange(80), 4)

    def sample(units, size):
        effect, cost = np.repeat(rng.normal(size=units), size), np.repeat(rng.integers(1, 6, units), size)
        return (rng.random(units * size) < sigmoid(0.3 * (cost - 3.0) + effect)).astype(float), cost

    truth = calibration(*sample(200_000, 1), resamples=99)
    for seed in range(runs):
        found = calibration(*sample(80, 4), cluster=unit, random_state=seed)
        missed[0] += not found.tau.lower <= truth.tau.value <= found.tau.upper
        missed[1] += not found.slope.lower <= truth.slope.slope <= found.slope.upper
    assert (missed <= 0.08 * runs).all()


# ---- slope


@pytest.mark.parametrize("slope", [-0.6, 0.6])
def test_a_planted_slope_is_found(rng, slope):
    found = calibration(*refusals(rng, 800, slope, 0.4))
    assert found.slope.lower <= slope <= found.slope.upper
    assert np.sign(found.tau.value) == np.sign(found.slope.slope) == np.sign(slope)


@pytest.mark.parametrize("adjust", ["levels", "linear"])
def test_limits_agree_with_a_general_optimiser(rng, adjust):
    refused, cost, severity = refusals(rng, 120, 0.4, 0.3)
    found = calibration(refused, cost, severity, adjust=adjust).slope
    columns = [severity == v for v in np.unique(severity)] if adjust == "levels" else [np.ones(120), severity]
    design = np.column_stack([*columns, cost - 1]).astype(float)
    expected = profile_limits(refused, design, design.shape[1] - 1, 0.95)
    assert (found.slope, found.lower, found.upper) == pytest.approx(expected, abs=2e-4)


def test_a_severity_that_fakes_inverse_calibration_is_removed(rng):
    n, runs, missed = 500, 40, 0
    for seed in range(runs):
        severity = rng.integers(1, 6, n)
        cost = np.clip(severity + rng.integers(-1, 2, n), 1, 5)
        refused = (rng.random(n) < sigmoid(severity - 3.0)).astype(float)
        found = calibration(refused, cost, severity, random_state=seed, resamples=99)
        assert found.direction == "inverse"
        assert found.raw_slope.lower > 0.4
        missed += not found.slope.lower <= 0 <= found.slope.upper
        assert ("not shown at the same severity" in found.summary()) == (found.slope.lower <= 0)
    assert not too_many(missed, runs, 0.05)


def test_without_severity_variation_the_slopes_are_the_same_and_said_so(rng):
    refused, cost, _ = refusals(rng, 100, 0.4)
    found = calibration(refused, cost, np.full(100, 3))
    assert found.slope == found.raw_slope
    assert not found.severity_varies
    assert any("does not vary" in note for note in found.notes)


def test_a_severity_at_which_all_is_refused_says_nothing(rng):
    refused, cost, severity = refusals(rng, 300, 0.4)
    refused[severity == 5] = 1.0
    found, without = calibration(refused, cost, severity), severity < 5
    rest = calibration(refused[without], cost[without], severity[without])
    assert found.slope.slope == pytest.approx(rest.slope.slope, rel=1e-6)
    assert (found.slope.lower, found.slope.upper) == pytest.approx(
        (rest.slope.lower, rest.slope.upper), rel=1e-6
    )
    assert found.slope.n_informative == int(without.sum())


@pytest.mark.parametrize(
    ("refused", "cost", "severity", "status"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], None, "separated"),
        ([1, 1, 0, 0], [1, 2, 3, 4], None, "separated"),
        ([0, 0, 1, 1], [1, 2, 2, 3], None, "separated"),
        ([0, 1, 0, 1], [1, 1, 2, 2], None, "estimated"),
        ([1, 1, 1, 1], [1, 2, 3, 4], None, "constant"),
        ([0, 1, 0, 1], [1, 1, 2, 2], [1, 1, 2, 2], "not identified"),
        ([0, 0, 1, 1], [1, 2, 1, 2], [1, 1, 2, 2], "not identified"),
        ([0, 1, 1, 1], [1, 2, 1, 2], [1, 1, 2, 2], "separated"),
    ],
)
def test_statuses_of_the_slope(refused, cost, severity, status):
    found = calibration(refused, cost, severity)
    assert found.slope.status == status
    assert (found.slope.slope is None) == (status != "estimated")
    assert status in found.slope.summary() or status == "estimated"


def test_a_separated_slope_has_one_finite_limit():
    rising = calibration([0] * 10 + [1] * 10, [1] * 10 + [2] * 10)
    falling = calibration([1] * 10 + [0] * 10, [1] * 10 + [2] * 10)
    assert rising.slope.lower == pytest.approx(-falling.slope.upper, rel=1e-6)
    b = rising.slope.lower  # by symmetry the best intercept is -b / 2
    assert 2 * 20 * np.log1p(np.exp(-b / 2)) == pytest.approx(3.841458820694124, rel=1e-6)


def test_one_answer_only_has_no_ranks():
    found = calibration(np.ones(6), [1, 2, 3, 1, 2, 3])
    assert (found.tau.value, found.auc.value, found.direction) == (None, None, "undecided")
    assert "undefined" in found.summary()


# ---- curve


def test_wilson_agrees_with_scipy():
    for k, n in ((0, 7), (3, 10), (10, 10)):
        low, high = wilson_band(np.array([k / n]), np.array([float(n)]), 0.9)
        expected = binomtest(k, n).proportion_ci(0.9, method="wilson")
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), rel=1e-12, abs=1e-15)


def test_curves_count_prompts(rng):
    refused, cost, severity = refusals(rng, 200, 0.5)
    found = calibration(refused, cost, severity)
    for row in found.curve:
        own = refused[cost == int(row.cost)]
        assert (row.n, row.rate, row.n_eff) == (len(own), pytest.approx(own.mean()), pytest.approx(len(own)))
    assert sum(row.n for row in found.within) == 200
    assert len(found.to_frame()) == len(found.curve) + len(found.within)


def test_clusters_widen_the_bands(rng):
    unit = np.repeat(np.arange(60), 5)
    refused, cost, _ = refusals(rng, 60, 0.5)
    alone = calibration(refused[unit], cost[unit])
    together = calibration(refused[unit], cost[unit], cluster=unit)
    for one, other in zip(alone.curve, together.curve, strict=True):
        assert other.upper - other.lower > 1.5 * (one.upper - one.lower)
        assert other.rate == pytest.approx(one.rate)
    assert together.tau.upper - together.tau.lower > 1.5 * (alone.tau.upper - alone.tau.lower)
    assert together.slope.design_effect > 3
    assert (together.n, together.n_units) == (300, 60)


# ---- regret


def test_regret_is_never_negative_and_agrees_with_sklearn(rng):
    maps = random_maps(rng, 500)
    for _ in range(10):
        n = 60
        refused, cost = rng.random(n), rng.integers(0, 5, n)
        weights, severity = rng.random(n), rng.integers(1, 6, n).astype(float)
        found = calibrated_refusals(refused, cost, weights, severity, maps[0])
        fit = IsotonicRegression(increasing=False).fit(cost, refused, sample_weight=weights * severity)
        np.testing.assert_allclose(found.calibrated, fit.predict(np.arange(5)), rtol=1e-9)
        each = [calibrated_refusals(refused, cost, weights, severity, f).regret for f in maps]
        assert min(each) >= 0
        assert max(each) == pytest.approx(found.largest_regret, rel=1e-9)
        saved = weights * severity * maps[7][cost] * (fit.predict(cost) - refused)
        assert each[7] == pytest.approx(saved.sum() / weights.sum(), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("cost_map", [Linear(), Reciprocal(), Exponential(0.3)])
def test_regret_is_zero_exactly_where_the_curve_falls(cost_map):
    cost = np.repeat(np.arange(1, 6), 10)
    falling = np.concatenate([np.arange(10) < 10 - 2 * c for c in range(5)]).astype(float)
    assert calibration(falling, cost, cost_map=cost_map).regret == 0
    bent = falling.copy()
    bent[cost == 5] = 1.0
    f = cost_map.values(5)
    expected = (f[2] - f[3]) / 75 + (f[3] - f[4]) / 15  # the last three levels share 2 / 3
    assert calibration(bent, cost, cost_map=cost_map).regret == pytest.approx(expected, rel=1e-12)


# ---- bad input


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (([0, 1], [3, 3]), "at least two cost levels; got only 3"),
        (([0, 2], [1, 2]), r"`refused` must lie in \[0, 1\], 1 a refusal; got max 2"),
        (([0, np.nan], [1, 2]), "NaN"),
        (([0, 1], [0, 2]), r"`cost` must lie in 1..5; got 0 at row 0"),
        (([0, 1], [1, 2], [None, 2]), "missing for 1 prompt;"),
        (([0, 1], [1, 2, 3]), "3 values for 2"),
    ],
)
def test_what_is_refused(given, told):
    with pytest.raises(InvalidInput, match=told):
        calibration(*given)


def test_options_that_are_refused():
    with pytest.raises(InvalidInput, match="`adjust` must be one of"):
        calibration([0, 1], [1, 2], adjust="splines")
    with pytest.raises(InvalidInput, match="at least 39"):
        calibration([0, 1], [1, 2], resamples=9)
    with pytest.raises(InvalidInput, match="different values"):
        calibration(np.linspace(0, 1, 500), np.arange(500) % 5 + 1)
