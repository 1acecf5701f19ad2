"""Cases that other definitions of a tail get wrong: for each, the exact value, and what the short cut gives.

The short cuts are written out here, so that each case is one in which they do go wrong.
"""

import numpy as np
import pytest

from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller
from riskstats.exceptions import AssumptionWarning
from riskstats.measures.cvar import cvar
from riskstats.measures.evar import evar
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.tail.attribution import tail_attribution
from riskstats.tail.extremes import peaks_over_threshold
from riskstats.tail.limits import cvar_interval
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.report import tail_report
from riskstats.tail.weights import tail_weights

RARE = np.repeat([0.0, 1.0], [97, 3])
TIED = np.repeat([0.1, 0.6, 1.0], [4, 5, 1])
STEPS = np.arange(5.0)


def at_least_the_quantile(x, level):
    return x[x >= np.quantile(x, level)].mean()


def strictly_above(x, level):
    above = x[x > np.quantile(x, level, method="inverted_cdf")]
    return above.mean() if len(above) else np.nan


def worst_whole_rows(x, level):
    """The mean of the worst `int(t n)` rows."""
    k = int((1 - level) * len(x))
    return np.sort(x)[-k:].mean() if k else np.nan


@pytest.mark.parametrize(
    ("losses", "level", "exact", "short_cuts"),
    [
        (RARE, 0.95, 0.6, {at_least_the_quantile: 0.03, strictly_above: 1.0}),
        (TIED, 0.75, 0.76, {at_least_the_quantile: 4 / 6, strictly_above: 1.0}),
        (STEPS, 0.75, 3.8, {at_least_the_quantile: 3.5, strictly_above: 4.0, worst_whole_rows: 4.0}),
        (np.full(7, 0.3), 0.9, 0.3, {strictly_above: np.nan, worst_whole_rows: np.nan}),
    ],
    ids=["rare", "tied", "steps", "constant"],
)
def test_every_front_door_shares_the_tie(losses, level, exact, short_cuts):
    for short_cut, wrong in short_cuts.items():
        assert short_cut(losses, level) == pytest.approx(wrong, nan_ok=True)
    asked = {"log_scale": False, "support": (0, 4)}
    found = [
        cvar(losses, level),
        tail_weights(losses, level).cvar,
        tail_report(losses, level, limit=None).cvar,
        cvar_interval(losses, level, limit=ThomasLearnedMiller(), support=(0, 4)).estimate,
        tail_attribution(losses, level).total,
        4 * risk_profile(losses, level=level, **asked).cvar,
    ]
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)


def test_a_quantile_between_two_losses_has_two_sides_and_prints_them():
    losses = np.arange(10.0)
    assert np.quantile(losses, 0.9) == pytest.approx(8.1)
    assert (value_at_risk(losses, 0.9), value_at_risk(losses, 0.9, side="upper")) == (8, 9)
    for found in (
        tail_weights(losses, 0.9),
        tail_report(losses, 0.9, limit=None),
        risk_profile(losses, level=0.9, support=(0, 10)),
    ):
        assert "(lower)" in found.summary()
        assert "(upper)" in found.summary()


@pytest.mark.parametrize("level", [0.0, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_constant_losses_have_their_value_and_no_limit_out_of_nothing(level, n):
    losses = np.full(n, 0.3)
    assert cvar(losses, level) == value_at_risk(losses, level) == 0.3
    with pytest.warns(AssumptionWarning, match="one atom"):
        found = cvar_interval(losses, level, support=(0, 1), random_state=1)
    assert (found.estimate, found.upper) == (0.3, 1.0)


def test_components_sum_to_the_whole_and_forget_the_row_order(rng):
    losses = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], p=[0.86, 0.08, 0.035, 0.02, 0.005], size=(901, 4))
    total, worst = losses.sum(axis=1), 46
    mixed = losses[rng.permutation(901)]
    found, again = (tail_attribution(each, 0.95)["dimension"].values for each in (losses, mixed))
    assert found.sum() == pytest.approx(cvar(total, 0.95), abs=1e-12)
    np.testing.assert_allclose(found, again, rtol=0, atol=1e-12)

    def of_whole_rows(rows):
        return rows[np.argsort(-rows.sum(axis=1), kind="stable")[:worst]].mean(axis=0)

    assert np.abs(of_whole_rows(losses) / of_whole_rows(mixed) - 1).max() > 0.03


def test_a_central_difference_at_the_kink_does_not_sum_to_the_whole():
    """Two tied rows, one in each dimension: half of the tail each, whatever a small step says."""
    losses, step = np.eye(2), 1e-6
    exact = tail_attribution(losses, 0.5)["dimension"]
    np.testing.assert_allclose(exact.values, [0.5, 0.5])
    np.testing.assert_allclose([exact.lower, exact.upper], [[0, 0], [1, 1]])
    one_sided = [
        (cvar(losses @ (np.ones(2) + step * np.eye(2)[k]), 0.5) - cvar(losses.sum(axis=1), 0.5)) / step
        for k in range(2)
    ]
    assert sum(one_sided) == pytest.approx(2)


def test_evar_stays_at_the_largest_loss():
    losses = np.repeat([0.0, 1.0], [90, 10])
    assert evar(losses, 0.95) == 1
    assert all(evar(losses, level) <= 1 for level in (0.0, 0.5, 0.9, 0.999))


def test_a_fit_in_the_unit_interval_stays_in_it(rng):
    """A tail that ends has a negative shape, and no part of the answer passes the support."""
    losses = rng.beta(0.5, 2.0, 1000)
    found = peaks_over_threshold(losses, 0.99, support=(0, 1), random_state=1)
    assert found.shape < 0
    numbers = (found.value_at_risk, found.expected_shortfall, found.upper, found.bootstrap_upper)
    assert all(found.threshold < number <= 1 for number in numbers)


def test_losses_without_harm_count_among_all(rng):
    losses = rng.pareto(3.0, 1000)
    more = np.append(losses, np.zeros(1000))
    given = {"threshold": float(np.quantile(losses, 0.8)), "n_resamples": 0}
    found, diluted = (peaks_over_threshold(each, 0.98, **given) for each in (losses, more))
    assert diluted.value_at_risk < 0.9 * found.value_at_risk
    assert diluted.value_at_risk == pytest.approx(value_at_risk(more, 0.98), rel=0.15)
    again = peaks_over_threshold(losses, 0.96, **given)
    assert diluted.value_at_risk == pytest.approx(again.value_at_risk, rel=1e-9)


def test_a_comparison_is_of_tails_paired_and_for_all_pairs_at_once(rng):
    """Equal means, different tails; a p-value of one pair alone is never the only one; no bare order."""
    hard = rng.random(400) < 0.1
    mild, harsh = np.where(hard, 0.3, 0.1), np.where(hard, 0.9, 1 / 30) + 0.001 * rng.random(400)
    found = compare_models([mild + 0.05 * rng.random(400), harsh, harsh[::-1]], 0.9, random_state=1)
    assert found.confidence_set == ("0",)
    for pair in found.pairs:
        assert pair.p_value <= pair.p_max_t
        assert pair.p_value <= pair.p_holm
    lines = [line for line in found.summary().splitlines() if "CVaR 0" in line]
    assert len(lines) == 3
    assert all("[" in line and "rank" in line and "% of resamples" in line for line in lines)
