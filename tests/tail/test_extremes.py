"""Peaks over a threshold: golden values, the support, refusals, and what the summary says."""

import json
import math
import re

import numpy as np
import pytest
from scipy import stats

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.tail.extremes import peaks_over_threshold
from tests.reference.extremes import pareto_gradient
from tests.tail.goldens import GOLDEN

MIDDLE = (np.arange(1, 1001) - 0.5) / 1000
SAMPLES = {
    "genpareto": stats.genpareto.ppf(MIDDLE, 0.25),
    "beta": stats.beta.ppf(MIDDLE, 0.8, 8),
    "expon": stats.expon.ppf(MIDDLE),
}


@pytest.mark.parametrize("row", GOLDEN["gpd_tail"]["values"], ids=lambda r: f"{r['sample'][:9]}-{r['alpha']}")
@pytest.mark.parametrize("given", [True, False])
def test_golden(row, given):
    sample = SAMPLES[row["sample"].partition(".")[0]]
    fit = peaks_over_threshold(sample, row["alpha"], threshold=row["u"] if given else None, n_resamples=0)
    assert (fit.n, fit.n_exceedances, fit.threshold) == (row["n"], row["n_exceed"], pytest.approx(row["u"]))
    assert fit.negative_log_likelihood <= min(row["nll"] + 1e-9, row["scipy_nll"])
    assert fit.value_at_risk == pytest.approx(row["var"], rel=1e-6)
    assert fit.expected_shortfall == pytest.approx(row["es"], rel=1e-6)
    assert fit.empirical_shortfall == pytest.approx(row["empirical_cvar"], rel=1e-10)
    y = sample[sample > fit.threshold] - fit.threshold
    assert np.abs(pareto_gradient(y, fit.shape, fit.scale)).max() < 1e-8


def test_interval_and_bootstrap_hold_the_estimate_and_agree():
    fit = peaks_over_threshold(SAMPLES["genpareto"], 0.99, random_state=1)
    assert fit.lower < fit.expected_shortfall < fit.upper
    assert fit.bootstrap_lower < fit.expected_shortfall < fit.bootstrap_upper
    assert fit.bootstrap_upper - fit.bootstrap_lower == pytest.approx(fit.upper - fit.lower, rel=0.5)
    assert fit == peaks_over_threshold(SAMPLES["genpareto"], 0.99, random_state=1)


def test_all_losses_count_in_n(rng):
    harm = rng.exponential(size=1000)
    alone = peaks_over_threshold(harm, 0.99, threshold=1.5, n_resamples=0)
    among = peaks_over_threshold(np.append(harm, np.zeros(1000)), 0.99, threshold=1.5, n_resamples=0)
    assert (among.n, among.n_exceedances) == (2000, alone.n_exceedances)
    assert among.value_at_risk == pytest.approx(
        peaks_over_threshold(harm, 0.98, threshold=1.5, n_resamples=0).value_at_risk, rel=1e-12
    )


def test_level_at_the_threshold_gives_the_threshold(rng):
    losses = rng.exponential(size=500)
    u = float(np.sort(losses)[449])
    fit = peaks_over_threshold(losses, 0.9, threshold=u, n_resamples=0)
    assert fit.value_at_risk == pytest.approx(u, rel=1e-12)


@pytest.mark.parametrize("top", [0.99, 1.0, 2.0])
def test_nothing_above_the_support(top, rng):
    losses = 0.98 * rng.beta(1, 1.5, 300)
    fit = peaks_over_threshold(losses, 0.999, support=(0, top), random_state=0)
    values = [fit.endpoint, fit.value_at_risk, fit.expected_shortfall, fit.upper, fit.bootstrap_upper]
    assert max(values + [row.expected_shortfall for row in fit.thresholds if row.expected_shortfall]) <= top
    assert fit.shape < 0


def test_shape_from_one_on_has_no_shortfall():
    losses = stats.genpareto.ppf(MIDDLE, 1.3)
    fit = peaks_over_threshold(losses, 0.99, random_state=0)
    assert fit.status is Status.NONFINITE
    assert math.isinf(fit.expected_shortfall)
    assert math.isinf(fit.upper)
    assert math.isfinite(fit.lower)
    assert math.isfinite(fit.value_at_risk)
    assert "no expected shortfall exists" in fit.summary()


def test_threshold_table_is_stable_for_a_pareto_law():
    fit = peaks_over_threshold(SAMPLES["genpareto"], 0.99, n_resamples=0)
    u, shapes = [row.threshold for row in fit.thresholds], [row.shape for row in fit.thresholds]
    assert u == sorted(u)
    assert fit.threshold in u
    np.testing.assert_allclose(shapes, 0.25, atol=0.15)
    scales = [row.modified_scale for row in fit.thresholds]
    assert scales[0] == pytest.approx(1.0, abs=0.1)
    assert list(fit.to_frame()["n_exceedances"]) == sorted(
        (row.n_exceedances for row in fit.thresholds), reverse=True
    )


def test_thresholds_above_the_level_have_no_shortfall():
    fit = peaks_over_threshold(SAMPLES["expon"], 0.9, n_resamples=0)
    absent = [row for row in fit.thresholds if row.expected_shortfall is None]
    assert absent
    assert all(row.n_exceedances < 100 for row in absent)


def test_default_threshold_reaches_the_level_on_tied_and_small_samples(rng):
    for level in (0.5, 0.8, 0.95, 0.999):
        for losses in (rng.exponential(size=41), np.round(rng.exponential(size=400), 1)):
            fit = peaks_over_threshold(losses, level, n_resamples=20, random_state=0)
            assert fit.n_exceedances >= max(10, (1 - level) * fit.n - 1e-9)
            assert np.isfinite(fit.value_at_risk)


@pytest.mark.parametrize(
    ("losses", "given", "message"),
    [
        (np.ones(50), {}, "needs 10 losses above `threshold` 1; got 0 of 50"),
        (np.arange(9.0), {}, "needs 10 losses above"),
        (
            np.repeat([0, 0.25, 0.5, 0.75, 1.0], 40),
            {},
            "needs 10 distinct losses above `threshold` 0.5; got 2",
        ),
        (
            np.arange(100.0),
            {"threshold": 60, "level": 0.5},
            "`level` must be at least 0.61: 39 of 100 losses",
        ),
        (np.arange(100.0), {"support": (0, 99)}, "has 1 values at the top of `support`, 99"),
        (np.arange(100.0), {"support": (0, 1)}, "must lie in support (0, 1); got max 99"),
        ([0.0, np.nan] * 30, {}, "`losses` has 30 NaN at rows 1, 3, 5"),
        ([0.0, np.inf] * 30, {}, "infinite value, first at row 1"),
        (np.arange(100.0), {"level": 95}, "`level` must lie in [0, 1); got 95. Write 0.95."),
        (np.arange(100.0), {"level": 1.0}, "The worst loss is `losses.max()`."),
        (np.arange(100.0), {"confidence_level": 0.05}, "Did you mean 0.95?"),
        (np.arange(100.0), {"threshold": math.nan}, "`threshold` must be a finite number"),
        (np.arange(100.0), {"n_resamples": -1}, "`n_resamples` must be an integer >= 0"),
        ([], {}, "`losses` is empty"),
    ],
)
def test_refusals(losses, given, message):
    level = given.pop("level", 0.95)
    with pytest.raises(InvalidInput, match=re.escape(message)):
        peaks_over_threshold(losses, level, **given)


def test_result_is_plain_and_says_where_it_comes_from():
    fit = peaks_over_threshold(SAMPLES["beta"], 0.99, support=(0, 0.8), random_state=3)
    written = json.loads(json.dumps(fit.to_dict()))
    assert written["provenance"]["seed"] == 3
    assert written["edge"] == "support"
    assert "held at the top of the support" in str(fit)
    assert "95 % likelihood interval" in str(fit)
