import json

import numpy as np
import pytest
from scipy.stats import binom

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.split_bound import SplitBound
from riskstats.control.exact_planning import exact_power, exact_sizes
from riskstats.control.planning import detectable_risk, sample_size
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean


def slow_power(n, risk, limit, delta):
    """From the definition: try every count."""
    passing = np.flatnonzero(binom.cdf(np.arange(n + 1), n, limit) <= delta)
    return binom.cdf(passing[-1], n, risk) if len(passing) else 0.0


def test_reached_and_kept():
    plan = sample_size(pilot=0.02, risk_limit=0.05)
    assert (plan.first_reached, plan.n_units) == (234, 286)
    assert plan.power >= 0.8
    assert exact_power(np.array([285]), 0.02, 0.05, 0.05)[0] < 0.8
    assert (plan.method, plan.monte_carlo_error, plan.bound) == ("exact", 0.0, str(ClopperPearson()))
    assert "286 units certify Mean at most 0.05 with power" in plan.summary()
    assert "first reached at 234 units, and lost again" in str(plan)


@pytest.mark.parametrize(
    ("risk", "limit", "delta", "power"),
    [(0.02, 0.05, 0.05, 0.8), (0.1, 0.2, 0.01, 0.9), (0.3, 0.5, 0.2, 0.5), (0.0, 0.1, 0.05, 0.8)],
)
def test_sizes_by_trying_all(risk, limit, delta, power):
    sizes = np.arange(1, 420)
    slow = np.array([slow_power(int(n), risk, limit, delta) for n in sizes])
    np.testing.assert_allclose(exact_power(sizes, risk, limit, delta), slow, rtol=1e-10, atol=1e-14)
    first, kept, attained = exact_sizes(risk, limit, delta, power)
    enough = slow >= power
    assert first == sizes[enough.argmax()]
    assert kept == sizes[np.flatnonzero(~enough)[-1]] + 1
    assert attained == pytest.approx(slow[kept - 1])


def test_power_at_a_size_is_a_share_of_certificates(rng):
    n, risk, limit = 286, 0.02, 0.05
    counts = rng.binomial(n, risk, 20_000)
    certified = binom.cdf(counts, n, limit) <= 0.05
    assert certified.mean() == pytest.approx(exact_power(np.array([n]), risk, limit, 0.05)[0], abs=0.01)


def test_more_candidates_and_closer_limits_cost_units():
    plain = sample_size(pilot=0.02, risk_limit=0.05).n_units
    assert sample_size(pilot=0.02, risk_limit=0.05, n_candidates=50).n_units > plain
    assert sample_size(pilot=0.02, risk_limit=0.04).n_units > plain
    assert sample_size(pilot=0.02, risk_limit=0.05, power=0.95).n_units > plain
    assert sample_size(pilot=0.02, risk_limit=0.05, confidence_level=0.99).n_units > plain


def test_pilot_of_booleans_is_exact():
    pilot = np.arange(100) < 2
    assert sample_size(pilot=pilot, risk_limit=0.05).n_units == 286
    assert sample_size(pilot=pilot * 1.0, risk_limit=0.05, binary=True).n_units == 286


def test_detectable_risk_is_the_other_way_round():
    assert detectable_risk(286, pilot=0.02) <= 0.05 < detectable_risk(285, pilot=0.02)
    for n in (10, 100, 1000):
        limit = detectable_risk(n, pilot=0.1)
        assert slow_power(n, 0.1, limit + 1e-9, 0.05) >= 0.8 > slow_power(n, 0.1, limit - 1e-9, 0.05)
    assert detectable_risk(1, pilot=0.9) == 1.0


def test_simulation_agrees_with_the_exact_power():
    """The same bound in a wrapper is simulated."""
    wrapped = SplitBound((ClopperPearson(),), (1.0,))
    plan = sample_size(
        pilot=0.1, risk_limit=0.2, bound=wrapped, binary=True, n_simulations=2000, random_state=3
    )
    assert plan.method == "simulation"
    exact = exact_power(np.array([plan.n_units]), 0.1, 0.2, 0.05)[0]
    assert abs(plan.power - exact) < 4 * plan.monte_carlo_error
    first, kept, _ = exact_sizes(0.1, 0.2, 0.05, 0.8)
    assert 0.9 * first <= plan.n_units <= 1.1 * kept
    limit = detectable_risk(200, pilot=0.1, bound=wrapped, binary=True, n_simulations=2000, random_state=3)
    assert limit == pytest.approx(detectable_risk(200, pilot=0.1), abs=0.01)


def hoeffding_size(law, limit, rng):
    """The n at which 80 % of means leave a Hoeffding bound below the limit, by a normal approximation."""
    mean, deviation = law.mean(), law.std()
    n = np.arange(2, 3000)
    reach = limit - np.sqrt(np.log(20) / (2 * n))
    return int(n[((reach - mean) / (deviation / np.sqrt(n)) >= 0.8416).argmax()])


@pytest.mark.parametrize("model", ["pilot", "beta"])
def test_simulated_size(rng, model):
    pilot = rng.beta(2, 8, 80)
    plan = sample_size(pilot=pilot, risk_limit=0.3, bound=Hoeffding(), model=model, random_state=0)
    assert plan.n_units == pytest.approx(hoeffding_size(pilot, 0.3, rng), rel=0.08)
    assert 0.8 <= plan.power < 0.9
    assert plan.monte_carlo_error == pytest.approx(np.sqrt(plan.power * (1 - plan.power) / 1000))


def test_seed_repeats_a_plan(rng):
    pilot = rng.beta(2, 8, 50)
    plans = [sample_size(pilot=pilot, risk_limit=0.3, random_state=5, n_simulations=200) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plans[0].bound == str(Betting())


def test_tail_measure(rng):
    pilot = rng.beta(2, 8, 60)
    plan = sample_size(pilot=pilot, measure=CVaR(0.8), risk_limit=0.6, random_state=0, n_simulations=200)
    assert plan.bound == str(BerkJones(levels=(0.8, 1.0)))
    limit = detectable_risk(plan.n_units, pilot=pilot, measure=CVaR(0.8), random_state=0, n_simulations=200)
    assert limit == pytest.approx(0.6, abs=0.02)
    assert json.loads(json.dumps(plan.to_dict()))["measure"] == "CVaR(0.8)"


def test_other_units(rng):
    pilot = rng.beta(2, 8, 50)
    options = {"random_state": 1, "n_simulations": 200}
    plain = sample_size(pilot=pilot, risk_limit=0.35, **options)
    moved = sample_size(pilot=1 + 4 * pilot, risk_limit=1 + 4 * 0.35, support=(1, 5), **options)
    assert moved.n_units == plain.n_units


def test_trivial_limit():
    assert sample_size(pilot=0.5, risk_limit=1.0).n_units == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bound": "betting"}, InvalidInput, "`bound` must be a bound"),
        ({"risk_limit": 0.01}, InvalidInput, r"the assumed risk 0\.02 is not below `risk_limit` 0\.01"),
        ({"risk_limit": 0.020000001}, InvalidInput, "too close to `risk_limit`"),
        ({"power": 1.0}, InvalidInput, "`power` must be in"),
        ({"pilot": 1.5}, InvalidInput, "`pilot` must be in"),
        ({"pilot": [0.1, np.nan]}, InvalidInput, "`pilot` contains 1 NaN"),
        ({"n_candidates": 0}, InvalidInput, "`n_candidates` must be an integer >= 1"),
        ({"model": "normal"}, InvalidInput, "`model` must be one of 'pilot', 'beta'"),
        ({"pilot": [0.01, 0.02], "n_simulations": 5}, InvalidInput, "`n_simulations` must be"),
        ({"pilot": [0.02, 0.02], "model": "beta"}, InvalidInput, "no beta law has the mean"),
        ({"pilot": [0.03, 0.049], "max_units": 50}, Infeasible, "power 0.8 is not reached at `max_units` 50"),
        (
            {"pilot": [0.02, 0.03], "model": "beta", "support": (0, np.inf), "bound": Hoeffding()},
            InvalidInput,
            "needs a finite `support`",
        ),
    ],
)
def test_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        sample_size(**{"pilot": 0.02, "risk_limit": 0.05, "random_state": 0, **arguments})


def test_mean_is_the_default(rng):
    pilot = rng.beta(2, 8, 50)
    options = {"pilot": pilot, "risk_limit": 0.35, "random_state": 1, "n_simulations": 200}
    assert sample_size(**options) == sample_size(measure=Mean(), **options)
