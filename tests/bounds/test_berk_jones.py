"""The Berk-Jones band: calibrated ranks, its p-values, and the record that it leaves."""

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones, berk_jones
from riskstats.bounds.calibration import crossing_of_level
from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from tests.bounds.bands import GOLDEN, golden_sample, one
from tests.reference import bands as twin


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.9, 1.0), (0.5, 0.9), (0.0, 0.4)])
@pytest.mark.parametrize("n", [1, 2, 25])
def test_the_error_is_exact_from_below(n, levels):
    edge = BerkJones(levels).boundary(n, 0.05)
    np.testing.assert_allclose(edge.values, twin.berk_jones(n, edge.level_c, *edge.active_ranks), rtol=1e-11)
    assert 0.05 * (1 - 1e-9) < twin.crossing_probability(edge.values) <= 0.05


def test_calibration_is_tighter_than_a_bisection_with_an_absolute_tolerance():
    wrong = next(w for w in GOLDEN["known_wrong"] if w["peer"] == "prompt_risk.berk_jones" and w["n"] == 50)
    found = BerkJones().boundary(50, 5e-5).level_c
    assert found < wrong["value"] * (1 - 5e-7)
    assert found == pytest.approx(wrong["correct"], rel=1e-9)


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.5, 0.9), (0.8, 1.0)])
def test_the_p_value_is_the_crossing_probability_of_the_band_that_meets_the_limit(levels):
    n, delta, x = 30, 0.05, golden_sample(30) * 0.3
    band, limit = BerkJones(levels), 0.4
    first, plateau = band.boundary(n, delta).active_ranks

    def keeps(log_c: float) -> bool:
        worst = twin.worst_law(x, twin.berk_jones(n, np.exp(log_c), first, plateau), 1.0)
        return twin.var_interval(*worst, 0.5, 0.9) <= limit

    c = np.exp(twin.first_kept(keeps, np.log(1e-17), np.log(0.6)))
    exact = twin.crossing_probability(twin.berk_jones(n, c, first, plateau))
    found = band.p_value(one(x), VaRInterval(0.5, 0.9), limit, delta)[0]
    assert 1e-8 < exact < 0.5
    assert exact * (1 - 1e-12) <= found <= exact * (1 + 1e-9)


def test_the_p_value_of_a_quantile_is_one_crossing_probability(rng):
    from scipy.stats import binom

    x, n = rng.random(200) ** 2, 200
    ranks = BerkJones().boundary(n, 0.05)
    count = int((x <= 0.95).sum())
    exact = crossing_of_level(n, binom.sf(count - 1, n, 0.9), BerkJones().family(n, 0.05).calibration.ranks)
    assert BerkJones().p_value(one(x), ValueAtRisk(0.9), 0.95, 0.05)[0] == pytest.approx(exact, rel=1e-9)
    assert ranks.active_ranks == (1, n)


def test_ranks_below_the_first_active_one_certify_nothing():
    x = golden_sample(100)
    band = BerkJones((0.9, 1.0))
    first = band.boundary(100, 0.05).active_ranks[0]
    limit = np.sort(x)[first - 2]
    assert band.p_value(one(x), ValueAtRisk(0.5), limit, 0.05)[0] == 1.0


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.9, 1.0), (0.5, 0.9)])
@pytest.mark.parametrize("n", [1, 2, 60, 900])
def test_interpolated_bands_are_the_bands(n, levels):
    family = BerkJones(levels).family(n, 0.05)
    t = np.linspace(family.grid[0] + 0.01, family.grid[-1] - 0.01, 7)
    from scipy.special import ndtr

    ranks = family.calibration.ranks
    exact = np.array([twin.berk_jones(n, c, ranks.first, ranks.plateau) for c in ndtr(t)])
    found = family.boundaries(t)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(family.boundaries(t, n // 2), found[:, n // 2 :], rtol=1e-13)
    assert (np.diff(found, axis=1) >= 0).all()
    many = family.errors(np.linspace(family.grid[0], family.grid[-1], 100)[:99])
    one_by_one = np.concatenate(
        [
            family.errors(place[np.newaxis])
            for place in np.linspace(family.grid[0], family.grid[-1], 100)[:99:14]
        ]
    )
    np.testing.assert_allclose(many[::14], one_by_one, rtol=1e-9)


def test_a_measure_with_two_sides_uses_the_reflected_band():
    x = 0.3 + 0.4 * golden_sample(300)
    band = BerkJones((0.4, 1.0))
    lower, upper = band.boundary(300, 0.025).values, BerkJones((0.0, 0.6)).boundary(300, 0.025).values
    f = np.concatenate([[0.0], lower, [1.0]])
    maximum = (np.append(np.sort(x), 1.0) * np.diff(f**2)).sum()
    expected = min(1.0, maximum / twin.mean(*twin.best_law(x, upper, 0.0)) - 1)
    assert band.upper(one(x), Gini(), 0.05)[0] == pytest.approx(expected, rel=1e-9)
    p = band.p_value(one(x), Gini(), expected, 0.05)[0]
    assert p == pytest.approx(0.05, rel=1e-6)


def test_the_record_names_levels_ranks_and_parameter():
    envelope = berk_jones(golden_sample(50), levels=(0.5, 0.9), side="both")
    share = (1 - 0.95) / 2
    edge = BerkJones((0.5, 0.9)).boundary(50, share)
    assert (envelope.levels, envelope.level_c, envelope.active_ranks) == (
        (0.5, 0.9),
        edge.level_c,
        edge.active_ranks,
    )
    upper = berk_jones(golden_sample(50), levels=(0.0, 0.1), side="upper")
    first = BerkJones((0.9, 1.0)).boundary(50, 1 - 0.95).active_ranks[0]
    assert upper.levels == pytest.approx((0.0, 0.1))
    assert upper.active_ranks == (1, 51 - first)


@pytest.mark.parametrize(
    "levels", [(0.9, 0.1), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.2), (0.5,), 0.5, (0.1, np.nan)]
)
def test_levels_out_of_order_are_refused(levels):
    with pytest.raises(InvalidInput, match="`levels`"):
        BerkJones(levels)


@pytest.mark.parametrize(
    "levels", [(0.0, 1e-12), (0.999999, 1.0), (0.3, 0.3 + 1e-15), (0.0, 0.5), (1e-300, 1.0)]
)
@pytest.mark.parametrize("n", [1, 2, 17])
@pytest.mark.parametrize("delta", [0.5, 1e-9])
def test_any_range_of_levels_has_a_band(n, levels, delta):
    band = BerkJones(levels)
    x = one(golden_sample(n))
    for measure in (CVaR(0.9), VaRInterval(*levels), Gini()):
        lower, upper = band.lower(x, measure, delta)[0], band.upper(x, measure, delta)[0]
        assert 0 <= lower <= upper <= 1
        assert 0 <= band.p_value(x, measure, 0.4, delta)[0] <= 1
