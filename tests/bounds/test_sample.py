"""Losses as bounds see them: scale, reflection, blocks; and the checks of every bound."""

import numpy as np
import pytest

from riskstats.bounds.base import Assumptions, Bound, MeanBound
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk


def test_scaling_stays_within_the_support(rng):
    low, high = -0.1, 0.3
    sample = Sample(np.append(rng.uniform(low, high, 50), [low, high])[np.newaxis], (low, high))
    scaled = sample.scaled()
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    back = sample.from_scale(scaled)
    np.testing.assert_allclose(back, sample.values, atol=1e-15)
    assert (back.min(), back.max()) == (low, high)
    assert sample.to_scale(0.1) == pytest.approx(0.5)
    mirrored = sample.reflected()
    assert (mirrored.values.min(), mirrored.values.max()) == (low, high)
    np.testing.assert_allclose(mirrored.reflected().values, sample.values, atol=1e-15)


def test_the_unit_scale_is_not_copied(rng):
    values = rng.random((2, 3))
    assert Sample(values, (0.0, 1.0)).scaled() is values


def test_blocks_cover_all_rows(rng):
    sample = Sample(rng.random((7, 10)), (0.0, 1.0), True)
    for elements in (1, 10, 25, 1000):
        parts = list(sample.blocks(elements))
        np.testing.assert_array_equal(np.concatenate([part.values for _, part in parts]), sample.values)
        assert [part for part, _ in parts][-1].stop == 7
        assert all(part.binary for _, part in parts)


def test_a_scale_needs_a_top():
    sample = Sample(np.zeros((1, 2)), (0.0, np.inf))
    assert not sample.bounded
    with pytest.raises(IncompatibleBound, match=r"`Some` needs bounded losses; got support \(0, inf\)"):
        sample.scaled("Some")


class HalfWay(MeanBound):
    """The mean and half the way to 1: no theorem."""

    requires = Assumptions(minimum_units=2)

    def mean_upper(self, losses, delta):
        return 0.5 + losses.mean(axis=1) / 2

    def mean_p_value(self, losses, risk_limit, delta):
        return 3.0 * np.ones(len(losses))


def test_a_mean_bound_is_scaled_reflected_and_capped():
    sample = Sample(np.array([[1.0, 3.0], [5.0, 5.0]]), (1.0, 5.0))
    bound: Bound = HalfWay()
    assert bound.upper(sample, Mean(), 0.1).tolist() == [3.5, 5.0]
    assert bound.lower(sample, Mean(), 0.1).tolist() == [1.5, 3.0]
    assert bound.p_value(sample, Mean(), 2.0, 0.1).tolist() == [1.0, 1.0]
    assert bound.p_value(sample, Mean(), 5.0, 0.1).tolist() == [0.0, 0.0]
    assert bound.p_value(sample, Mean(), 0.5, 0.1).tolist() == [1.0, 1.0]


def test_pairing_is_checked_before_any_number():
    sample = Sample(np.zeros((1, 1)), (0.0, 1.0))
    with pytest.raises(IncompatibleBound, match=r"`HalfWay` bounds a mean; `CVaR\(0\.9\)` needs a CDF band"):
        HalfWay().upper(sample, CVaR(0.9), 0.1)
    with pytest.raises(IncompatibleBound, match="`HalfWay` bounds a mean"):
        HalfWay().p_value(sample, ValueAtRisk(0.9), 0.5, 0.1)
    with pytest.raises(InvalidInput, match="`HalfWay` needs at least 2 units; got 1"):
        HalfWay().lower(sample, Mean(), 0.1)
    with pytest.raises(IncompatibleBound, match="needs bounded losses"):
        HalfWay().upper(Sample(np.zeros((1, 3)), (0.0, np.inf)), Mean(), 0.1)
