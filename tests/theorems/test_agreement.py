"""Methods that must agree, do: one statement in two forms, and the order of methods by their width."""

import numpy as np
import pytest

from riskstats.bounds.band import Band
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.quantile_sequence import QuantileSequence
from riskstats.bounds.sample import Sample
from riskstats.measures.cvar import CVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang
from tests.bounds.bands import UNIT, golden_sample, one

SYMMETRIC: list[Band] = [DKW(), KolmogorovSmirnov(), BerkJones()]
BANDS = [*SYMMETRIC, BerkJones((0.9, 1.0)), BerkJones((0.5, 0.9))]
MEASURES = [Mean(), CVaR(0.9), ValueAtRisk(0.8), VaRInterval(0.5, 0.9), Wang(0.5), Expectile(0.8)]


@pytest.mark.parametrize("n", [50, 200, 1000, 5000])
def test_the_order_of_bands(n):
    sample = one(golden_sample(n))
    at = {band: band.upper(sample, CVaR(0.9), 0.05)[0] for band in BANDS}
    assert at[BerkJones()] <= at[KolmogorovSmirnov()] <= at[DKW()]
    assert at[BerkJones((0.9, 1.0))] <= at[BerkJones()]
    mean = [band.upper(sample, Mean(), 0.05)[0] for band in (KolmogorovSmirnov(), DKW())]
    assert mean[0] <= mean[1]
    quantile = OrderStatisticBand(0.9).upper(sample, ValueAtRisk(0.9), 0.05)[0]
    assert all(quantile <= band.upper(sample, ValueAtRisk(0.9), 0.05)[0] for band in BANDS)
    assert quantile <= QuantileSequence(0.9).upper(sample, ValueAtRisk(0.9), 0.05)[0]


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("delta", [0.05, 1e-4])
def test_a_quantile_is_bounded_exactly_where_the_share_above_is(level, delta, rng):
    """`P(X > v) <= 1 - level` and `VaR_level <= v` are one statement, and so are their exact bounds."""
    x = np.round(rng.random(150) ** 2, 2)
    limits = np.unique(np.append(x, [0.0, 0.999]))[:-1]
    above = Sample((x > limits[:, np.newaxis]).astype(float), UNIT, binary=True)
    share = ClopperPearson().upper(above, Mean(), delta)
    upper = OrderStatisticBand(level).upper(one(x), ValueAtRisk(level), delta)[0]
    np.testing.assert_array_equal(share <= 1 - level + 1e-15, upper <= limits)
    p = [OrderStatisticBand(level).p_value(one(x), ValueAtRisk(level), v, delta)[0] for v in limits]
    tested = ClopperPearson().p_value(above, Mean(), 1 - level, delta)
    np.testing.assert_allclose(p, tested, rtol=1e-10)


@pytest.mark.parametrize("band", BANDS, ids=str)
@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_scaling_losses_scales_bounds_and_leaves_p_values(band, measure, rng):
    values = rng.beta(2, 5, (5, 120))
    plain, scaled = Sample(values, UNIT), Sample(7 * values - 3, (-3.0, 4.0))
    for side in ("upper", "lower"):
        np.testing.assert_allclose(
            getattr(band, side)(scaled, measure, 0.05),
            7 * getattr(band, side)(plain, measure, 0.05) - 3,
            atol=1e-12,
        )
    np.testing.assert_allclose(
        band.p_value(scaled, measure, 7 * 0.6 - 3, 0.05), band.p_value(plain, measure, 0.6, 0.05), rtol=1e-7
    )


@pytest.mark.parametrize("band", [*BANDS, OrderStatisticBand(0.7)], ids=str)
def test_a_lower_bound_is_the_upper_bound_of_the_mirrored_losses(band, rng):
    sample = Sample(rng.beta(2, 5, (4, 90)), UNIT)
    mirror = Sample(1 - sample.values, UNIT)
    flipped = band.reflected()
    pairs = [
        (Mean(), Mean()),
        (VaRInterval(0.25, 0.75), VaRInterval(0.25, 0.75)),
        (VaRInterval(0.0, 0.5), CVaR(0.5)),
        (ValueAtRisk(0.25), ValueAtRisk(0.75, "upper")),
        (Expectile(0.25), Expectile(0.75)),
    ]
    for measure, other in pairs:
        np.testing.assert_allclose(
            band.lower(sample, measure, 0.05), 1 - flipped.upper(mirror, other, 0.05), atol=1e-12
        )


@pytest.mark.parametrize("band", [*BANDS, OrderStatisticBand(0.8)], ids=str)
@pytest.mark.parametrize("measure", [*MEASURES, Gini()], ids=str)
def test_the_order_of_units_does_not_matter(band, measure, rng):
    values = np.round(rng.beta(2, 5, (3, 80)), 2)
    plain, shuffled = Sample(values, UNIT), Sample(values[:, rng.permutation(80)], UNIT)
    for side in ("upper", "lower"):
        np.testing.assert_array_equal(
            getattr(band, side)(plain, measure, 0.05), getattr(band, side)(shuffled, measure, 0.05)
        )
    np.testing.assert_array_equal(
        band.p_value(plain, measure, 0.6, 0.05), band.p_value(shuffled, measure, 0.6, 0.05)
    )


@pytest.mark.parametrize("band", SYMMETRIC, ids=str)
def test_one_unit_keeps_the_whole_error_below_it(band):
    """With one loss x the law may have 1 - delta above it: the mean bound is `delta x + 1 - delta`."""
    bound = band.upper(one(np.array([0.4])), Mean(), 0.05)[0]
    if isinstance(band, DKW):
        assert bound == 1.0
    else:
        assert bound == pytest.approx(0.05 * 0.4 + 0.95, rel=1e-9)


@pytest.mark.parametrize("band", BANDS, ids=str)
def test_bounds_of_a_small_error_hold_for_larger_ones_too(band, rng):
    """The p-value of a limit is the smallest error whose band keeps it, with the ranks of the design."""
    sample = Sample(rng.beta(4, 4, (6, 200)), UNIT)
    for measure in (Mean(), CVaR(0.9), Gini()):
        rows = [one(row) for row in sample.values]
        upper = np.concatenate([band.upper(row, measure, 0.05) for row in rows])
        at_bound = np.concatenate(
            [band.p_value(row, measure, value, 0.05) for row, value in zip(rows, upper, strict=True)]
        )
        inside = upper < 1
        assert (at_bound[inside] <= 0.05).all()
        assert (at_bound[inside] > 0.05 * (1 - 1e-6)).all()


@pytest.mark.slow
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_every_n_and_range_of_levels_has_bounds(delta, rng):
    for n in [*range(1, 30), 47, 100, 333]:
        x = one(np.round(rng.random(n), 3))
        for low, high in ((0.0, 1.0), (0.0, 0.01), (0.99, 1.0), (0.3, 0.31), (0.5, 0.9), (0.999999, 1.0)):
            for measure in (VaRInterval(low, high), Gini()):
                band = BerkJones((low, high))
                lower, upper = band.lower(x, measure, delta)[0], band.upper(x, measure, delta)[0]
                assert 0 <= lower <= upper <= 1
                assert (band.p_value(x, measure, 0.5, delta)[0] <= delta) == (upper <= 0.5)
