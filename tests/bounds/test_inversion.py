"""p-values from bounds: validity against a plain search, steps, and no more evaluations than needed."""

import numpy as np
import pytest

from riskstats.bounds import inversion
from riskstats.bounds.band import Family
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.inversion import _first_kept, band_p_values
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.var_interval import VaRInterval
from tests.bounds.bands import UNIT


def searched(family: Family, sample: Sample, measure: RiskMeasure, limit: float) -> float:
    """The error at the first t whose bound keeps the limit, by bisection over the whole grid."""
    from riskstats.bounds.edges import upper_values

    low, high = family.grid[0], family.grid[-1]
    for _ in range(50):
        middle = 0.5 * (low + high)
        lower, upper = family.edges(np.array([middle]))
        edge = None if upper is None else upper[0]
        kept = upper_values(sample, measure, lower[0], edge)[0] <= limit
        low, high = (low, middle) if kept else (middle, high)
    return float(family.errors(np.array([high]))[0])


@pytest.mark.parametrize("band", [KolmogorovSmirnov(), BerkJones(), BerkJones((0.9, 1.0))], ids=str)
@pytest.mark.parametrize("measure", [Mean(), CVaR(0.9), VaRInterval(0.5, 0.95), Gini()], ids=str)
def test_p_values_are_those_of_a_plain_search_and_never_smaller(band, measure, rng):
    sample = Sample(rng.beta(rng.uniform(2, 9, (5, 1)), 6, (5, 150)), UNIT)
    family = band._family_for(measure, 150, 0.05)
    limit = float(np.median(band.upper(sample, measure, 0.05))) + 1e-4
    found = band_p_values(family, sample, measure, limit)
    exact = np.array(
        [searched(family, Sample(row[np.newaxis], UNIT), measure, limit) for row in sample.values]
    )
    inside = (exact > 1e-12) & (exact < 0.5)
    assert inside.any() or (measure == Gini() and band == BerkJones((0.9, 1.0)))
    assert (found[inside] >= exact[inside] * (1 - 1e-11)).all()
    np.testing.assert_allclose(found[inside], exact[inside], rtol=2e-9)


def test_limits_out_of_reach_and_always_kept(rng):
    sample = Sample(rng.beta(2, 6, (5, 90)), UNIT)
    for band in (KolmogorovSmirnov(), BerkJones(), OrderStatisticBand(0.5)):
        assert (band.p_value(sample, Mean(), 0.01, 0.05) == 1.0).all()
        assert (band.p_value(sample, Mean(), 0.9999999, 0.05) <= 1e-6).all()
        assert (band.p_value(sample, Mean(), 1.0, 0.05) == 0.0).all()


@pytest.mark.parametrize(
    "gap",
    [
        lambda t: 0.37 - t,
        lambda t: np.exp(-20 * t) - 0.01,
        lambda t: (t < 0.61803) * 2.0 - 1.0,
        lambda t: np.where(t < 0.2, np.inf, 0.55 - t),
        lambda t: (0.9 - t) ** 3,
        lambda t: np.maximum(0.3 - t, 0.0),
        lambda t: np.minimum(1e-30, 0.7 - t),
    ],
)
def test_the_first_kept_place_is_found_from_above(gap):
    low, high = np.zeros(3), np.ones(3)
    seen = 0

    def counted(rows: np.ndarray, t: np.ndarray) -> np.ndarray:
        nonlocal seen
        seen += 1
        return np.broadcast_to(gap(t), t.shape).astype(float)

    found = _first_kept(counted, low, high, counted(np.arange(3), low), counted(np.arange(3), high))
    assert (gap(found) <= 0).all()
    assert (gap(found - 4.1 * inversion.PRECISION) > 0).all()
    assert seen < 200  # the smooth ones take about ten


def test_smooth_bounds_take_few_evaluations(rng, monkeypatch):
    calls = 0
    plain = inversion._each

    def counted(family, tail, rows, t):
        nonlocal calls
        calls += len(rows)
        return plain(family, tail, rows, t)

    monkeypatch.setattr(inversion, "_each", counted)
    values = rng.beta(2, 6, (200, 300))
    BerkJones((0.9, 1.0)).p_value(Sample(values, UNIT), CVaR(0.9), 0.65, 0.05)
    assert 0 < calls < 11 * 200
