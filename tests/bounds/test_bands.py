"""What every band must do, whatever its formula."""

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.dkw import DKW
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.sample import Sample
from riskstats.measures.atkinson import Atkinson
from riskstats.measures.cvar import CVaR
from riskstats.measures.entropic import Entropic
from riskstats.measures.evar import EVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.spectral import Spectral
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang
from tests.bounds.bands import BANDS, EXTREME, GOLDEN, UNIT, golden, golden_band, golden_sample, one
from tests.reference import bands as twin

MEASURES = [
    Mean(),
    CVaR(0.9),
    ValueAtRisk(0.9),
    ValueAtRisk(0.9, "upper"),
    ValueAtRisk(0.0),
    VaRInterval(0.5, 0.9),
    Spectral(np.square),
    Wang(0.5),
    Entropic(2.0),
    EVaR(0.9),
    Expectile(0.8),
    Gini(),
    Atkinson(0.5),
]
ids = {"ids": str}


@pytest.mark.parametrize(
    "record", golden("cdf_band_lower"), ids=lambda r: f"{r['method']} {r['n']} {r['delta']}"
)
def test_golden_bands(record):
    band, n, delta = golden_band(record), record["n"], record["delta"]
    edge = band.boundary(n, delta)
    ranks = [int(rank) - 1 for rank in record["lower"]]
    np.testing.assert_allclose(edge.values[ranks], list(record["lower"].values()), rtol=1e-9)
    sample = one(golden_sample(n))
    for name, measure in {
        "mean_upper": Mean(),
        "value_at_risk_90_upper": ValueAtRisk(0.9),
        "cvar_90_upper": CVaR(0.9),
        "var_interval_50_90_upper": VaRInterval(0.5, 0.9),
    }.items():
        assert band.upper(sample, measure, delta)[0] == pytest.approx(record[name], rel=1e-9)
    if "radius" in record:
        assert band.family(n, delta).design_radius == pytest.approx(record["radius"], rel=1e-9)
    if "level_c" in record:
        assert record["level_c"] * (1 - 1e-9) < edge.level_c <= record["level_c"] * (1 + 1e-12)
    if "plateau_rank" in record:
        assert edge.active_ranks == (record["first_active_rank"], record["plateau_rank"])


@pytest.mark.parametrize("record", golden("gini_upper"), ids=lambda r: f"{r['method']} {r['n']}")
def test_golden_gini_splits_the_error(record):
    value = golden_band(record).upper(one(golden_sample(record["n"])), Gini(), record["delta"])[0]
    assert value == pytest.approx(record["value"], rel=1e-9)
    for wrong in GOLDEN["known_wrong"]:
        if wrong["peer"] == "prompt_risk.calc_gini" and wrong["n"] == record["n"]:
            assert value > wrong["value"] + 0.01
            if record["method"] == "berk_jones":
                assert value == pytest.approx(wrong["correct"], rel=1e-9)


def test_a_quantile_that_no_band_value_reaches_is_bounded_by_the_top():
    assert BerkJones().upper(one(golden_sample(50)), ValueAtRisk(0.9), 0.05 / 50)[0] == 1.0
    assert BerkJones((0.99, 1.0)).upper(one(golden_sample(20)), ValueAtRisk(0.99), 0.001)[0] == 1.0


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_bounds_are_measures_of_the_laws_at_the_edges(band, n, rng):
    x, support = np.round(rng.random(n), 2) * 3 - 1, (-1.0, 2.5)
    sample, b, mirrored = (
        one(x, support),
        band.boundary(n, 0.1).values,
        band.reflected().boundary(n, 0.1).values,
    )
    worst, best = twin.worst_law(x, b, support[1]), twin.best_law(x, mirrored, support[0])
    for measure, of in {
        Mean(): twin.mean,
        CVaR(0.8): lambda a, m: twin.cvar(a, m, 0.8),
        VaRInterval(0.3, 0.8): lambda a, m: twin.var_interval(a, m, 0.3, 0.8),
        ValueAtRisk(0.73): lambda a, m: twin.value_at_risk(a, m, 0.73),
    }.items():
        assert band.upper(sample, measure, 0.1)[0] == pytest.approx(of(*worst), abs=1e-12)
        assert band.lower(sample, measure, 0.1)[0] == pytest.approx(of(*best), abs=1e-12)


@pytest.mark.parametrize("band", [DKW(), KolmogorovSmirnov(), BerkJones()], **ids)
def test_gini_takes_both_laws_at_half_the_error(band, rng):
    x = 0.2 + 0.6 * rng.random(400)
    expected = twin.gini_upper(x, band.boundary(400, 0.05).values, UNIT)
    assert band.upper(one(x), Gini(), 0.1)[0] == pytest.approx(expected, rel=1e-12)
    assert expected < 1


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("measure", MEASURES, **ids)
def test_the_bound_keeps_a_limit_if_and_only_if_the_p_value_is_small(band, measure, rng):
    values = rng.beta(2, 6, (12, 80))
    sample, delta = Sample(values, UNIT), 0.05
    bounds = band.upper(sample, measure, delta)
    inner = bounds[(bounds > 0) & (bounds < 1)][:2]
    limits = [0.05, 0.2, 0.4, 0.7, 0.99]
    limits += [step for bound in inner for step in (np.nextafter(bound, 0), bound, np.nextafter(bound, 1))]
    for limit in limits:
        p = band.p_value(sample, measure, limit, delta)
        np.testing.assert_array_equal(p <= delta, bounds <= limit, err_msg=f"limit {limit}")
        assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("measure", [Mean(), CVaR(0.9), ValueAtRisk(0.9), Gini(), Expectile(0.8)], **ids)
def test_p_values_fall_as_the_limit_rises_and_agree_with_bounds_at_other_errors(band, measure, rng):
    sample = one(rng.beta(5, 5, 300))
    limits = np.linspace(0.2, 0.95, 12)
    p = np.array([band.p_value(sample, measure, limit, 0.05)[0] for limit in limits])
    assert (np.diff(p) <= 1e-15).all()
    if band.levels != UNIT if isinstance(band, BerkJones) else False:
        return  # its ranks are those of delta = 0.05, another delta has others
    for limit, value in zip(limits, p, strict=True):
        if 1e-9 < value < 0.3:
            kept = band.upper(sample, measure, value * (1 + 1e-8))[0]
            assert kept <= limit
            if not isinstance(band, OrderStatisticBand):
                assert band.upper(sample, measure, value * (1 - 1e-7))[0] > limit - 1e-12


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("measure", MEASURES, **ids)
def test_a_batch_is_a_loop_over_its_rows(band, measure, rng):
    sample = Sample(rng.beta(2, 6, (70, 40)), UNIT)
    rows = [Sample(row[np.newaxis], UNIT) for row in sample.values]
    for side in (band.upper, band.lower):
        alone = np.concatenate([side(row, measure, 0.05) for row in rows[:9]])
        np.testing.assert_allclose(side(sample, measure, 0.05)[:9], alone, rtol=1e-13)
    alone = np.concatenate([band.p_value(row, measure, 0.6, 0.05) for row in rows[:9]])
    np.testing.assert_allclose(band.p_value(sample, measure, 0.6, 0.05)[:9], alone, rtol=1e-8)


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("measure", MEASURES, **ids)
@pytest.mark.parametrize("name", EXTREME)
def test_extreme_samples_get_ordered_bounds_within_the_support(band, measure, name):
    sample = one(EXTREME[name])
    for delta in (0.5, 1e-9):
        lower, upper = band.lower(sample, measure, delta)[0], band.upper(sample, measure, delta)[0]
        assert 0.0 <= lower <= upper + 1e-15 <= 1.0 + 2e-15
        assert 0.0 <= band.p_value(sample, measure, 0.3, delta)[0] <= 1.0


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize(
    "measure", [Mean(), CVaR(0.9), ValueAtRisk(0.7), VaRInterval(0.2, 0.9), Wang(0.4)], **ids
)
def test_a_smaller_error_gives_a_wider_bound(band, measure):
    sample = one(golden_sample(120))
    deltas = [0.5, 0.2, 0.05, 1e-3, 1e-6, 1e-9]
    uppers = [band.upper(sample, measure, delta)[0] for delta in deltas]
    if not (isinstance(band, BerkJones) and band.levels != UNIT):
        assert np.all(np.diff(uppers) >= -1e-15)
    assert uppers[0] < 1 or (isinstance(band, OrderStatisticBand) and measure == CVaR(0.9))


@pytest.mark.parametrize("band", BANDS, **ids)
def test_without_a_top_only_levels_that_the_band_reaches_are_bounded(band):
    sample = one(golden_sample(200), (0.0, np.inf))
    reached = band.boundary(200, 0.05).values[-1]
    for measure in (ValueAtRisk(0.5), VaRInterval(0.1, 0.6), ValueAtRisk(0.999), VaRInterval(0.5, 0.9999)):
        value = band.upper(sample, measure, 0.05)[0]
        assert np.isfinite(value) == (reached >= measure.levels[1])
        p = band.p_value(sample, measure, 0.9, 0.05)[0]
        with_top = band.p_value(one(golden_sample(200)), measure, 0.9, 0.05)[0]
        if isinstance(measure, ValueAtRisk):
            assert p == pytest.approx(with_top, rel=1e-9)
        assert p >= with_top * (1 - 1e-9)
        assert (p < 0.049) == (value <= 0.9)
    for measure in (Mean(), CVaR(0.9), Expectile(0.8), Entropic(1.0)):
        assert band.upper(sample, measure, 0.05)[0] == np.inf
        assert np.isfinite(band.lower(sample, measure, 0.05)[0])
        assert band.p_value(sample, measure, 0.9, 0.05)[0] == 1.0


@pytest.mark.parametrize("band", BANDS, **ids)
@pytest.mark.parametrize("side", ["lower", "upper", "both"])
def test_an_envelope_bounds_what_the_band_bounds(band, side):
    sample = one(golden_sample(90))
    envelope = band.envelope(sample, side, 0.05)
    share = 0.025 if side == "both" else 0.05
    assert envelope.confidence_level == 0.95
    assert envelope.band == type(band).__name__
    if side != "upper":
        for measure in (Mean(), CVaR(0.9), Expectile(0.8)):
            assert envelope.upper_bound(measure) == pytest.approx(band.upper(sample, measure, share)[0])
        np.testing.assert_array_equal(envelope.lower, band.boundary(90, share).values)
    if side != "lower":
        for measure in (Mean(), CVaR(0.9), Expectile(0.8)):
            assert envelope.lower_bound(measure) == pytest.approx(band.lower(sample, measure, share)[0])
        np.testing.assert_array_equal(envelope.upper, 1 - band.reflected().boundary(90, share).values[::-1])
    if side == "both":
        assert envelope.upper_bound(Gini()) == pytest.approx(band.upper(sample, Gini(), 0.05)[0])
        assert envelope.lower_bound(Gini()) == pytest.approx(band.lower(sample, Gini(), 0.05)[0])
