"""Pooled rates: the marginal likelihood, shrinkage of equal rates, coverage with clusters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import betabinom

from riskstats.evaluations.beta_binomial import Counts, fitted, posterior
from riskstats.evaluations.pooled import pooled_rates
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many


def leaves(rng, rates, size=18):
    category = np.repeat(np.arange(len(rates)), size)
    return rng.random(len(category)) < rates[category], category


def test_fit_is_the_maximum_of_the_likelihood(rng):
    n = rng.integers(5, 40, 60)
    k = rng.binomial(n, rng.beta(1, 6, 60))
    law = fitted(Counts(k.astype(float), n.astype(float)))

    def loss(point):
        m, s = 1 / (1 + np.exp(-point[0])), np.exp(point[1])
        return -betabinom.logpmf(k, n, m * s, (1 - m) * s).sum()

    best = minimize(loss, (-2.0, 1.5), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert law.mean == pytest.approx(1 / (1 + np.exp(-best.x[0])), rel=1e-4)
    assert law.concentration == pytest.approx(np.exp(best.x[1]), rel=1e-3)


def test_rates_are_drawn_to_the_mean(rng):
    losses, category = leaves(rng, rng.beta(1, 9, 100))
    found = pooled_rates(losses, category)
    s = found.concentration
    assert found.rates == pytest.approx((found.events + found.mean * s) / (found.n + s))
    assert found.shrinkage == pytest.approx(s / (found.n + s))
    assert (np.sign(found.raw - found.mean) == np.sign(found.raw - found.rates)).all()


def test_equal_rates_shrink_to_one(rng):
    """314 leaves of 18 at one rate: what is left of the spread is a small part of the raw one."""
    losses, category = leaves(rng, np.full(314, 0.1))
    found = pooled_rates(losses, category)
    assert found.rates.std() < 0.1 * found.raw.std()
    assert ((found.lower <= 0.1) & (found.upper >= 0.1)).mean() > 0.99
    same = pooled_rates(np.tile([1, 0, 0, 0], 30), np.repeat(np.arange(30), 4))
    assert np.isinf(same.concentration)
    assert same.rates == pytest.approx(0.25)


def test_limits_cover_314_small_leaves(rng):
    """Averaged over leaves and over three samples, .95 within its Monte Carlo error; raw limits are wider."""
    hits, widths, raw = [], [], []
    for _ in range(3):
        rates = rng.beta(1, 9, 314)
        found = pooled_rates(*leaves(rng, rates))
        hits.append(((found.lower <= rates) & (rates <= found.upper)).mean())
        widths.append((found.upper - found.lower).mean())
        from riskstats.evaluations.proportions import exact_limits

        ends = exact_limits(found.events, found.n, 0.025)
        raw.append((ends[1] - ends[0]).mean())
    assert 0.93 < np.mean(hits) < 0.97
    assert np.mean(widths) < 0.8 * np.mean(raw)


def test_limits_are_right_over_laws_drawn_from_the_prior(rng):
    """Mean uniform, shrinkage uniform, one category of each law looked at: coverage .95 exactly."""
    misses = 0
    for _ in range(80):
        mean, shrinkage = rng.random(), rng.random()
        s = 18 * shrinkage / (1 - shrinkage)
        rates = rng.beta(mean * s, (1 - mean) * s, 5)
        counts = Counts(rng.binomial(18, rates).astype(float), np.full(5, 18.0))
        lower, upper = posterior(counts).limits(counts, 0.05)
        misses += not lower[0] <= rates[0] <= upper[0]
    assert not too_many(misses, 80, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, 12, 40])
def test_few_categories_keep_the_error_of_the_common_law(rng, count):
    """At one law of the rates, not on average over laws: .93 to .945 where .95 is stated."""
    hits = []
    for _ in range(1200 // count):
        rates = rng.beta(1, 9, count)
        found = pooled_rates(*leaves(rng, rates))
        hits.append(((found.lower <= rates) & (rates <= found.upper)).mean())
    assert 0.92 < np.mean(hits) < 0.97


def test_clusters_widen_the_limits(rng):
    """5 templates of 6 items in each category, correlation .2: the design effect is 1 + 5 x .2."""
    rates = rng.beta(2, 10, 1500)
    chances = rng.beta(np.repeat(rates * 4, 5), np.repeat((1 - rates) * 4, 5))
    losses = (rng.random((7500, 6)) < chances[:, np.newaxis]).ravel()
    category, cluster = np.repeat(np.arange(1500), 30), np.repeat(np.arange(7500), 6)
    found = pooled_rates(losses, category, cluster=cluster)
    naive = pooled_rates(losses, category)
    assert found.design_effect == pytest.approx(2.0, abs=0.08)
    assert ((found.lower <= rates) & (rates <= found.upper)).mean() > 0.93
    assert ((naive.lower <= rates) & (rates <= naive.upper)).mean() < 0.93


def test_no_event_at_all():
    found = pooled_rates(np.zeros(60), np.repeat(np.arange(6), 10))
    assert found.mean == 0.0
    assert (found.rates == 0.0).all()
    assert (found.upper > 0).all()
    assert (found.upper < 0.2).all()


def test_weights_of_the_grid_sum_to_one(rng):
    law = posterior(Counts(rng.integers(0, 5, 20).astype(float), np.full(20, 12.0)))
    assert law.weights.sum() == pytest.approx(1.0)
    assert ((law.mean > 0) & (law.mean < 1)).all()


def test_order_of_rows_does_not_matter(rng):
    losses, category = leaves(rng, rng.beta(1, 9, 20))
    order = rng.permutation(len(losses))
    one, other = pooled_rates(losses, category), pooled_rates(losses[order], category[order])
    assert one.rates.tolist() == other.rates.tolist()
    assert one.upper.tolist() == other.upper.tolist()


@pytest.mark.parametrize(
    ("losses", "category", "message"),
    [
        ([0.5, 1], ["a", "b"], "`losses` must be 0 or 1"),
        ([0, 1], ["a", "a"], "has one category, and there is nothing to pool"),
        ([0, 1], ["a"], "`category` must be one label"),
        ([0, np.nan], ["a", "b"], "NaN"),
    ],
)
def test_messages(losses, category, message):
    with pytest.raises(InvalidInput, match=message):
        pooled_rates(losses, category)


def test_exports(rng):
    found = pooled_rates(*leaves(rng, rng.beta(1, 9, 15)))
    assert json.loads(json.dumps(found.to_dict()))["n"] == [18] * 15
    assert len(found.to_frame()) == 15
    assert "and 5 with smaller rates" in str(found)
