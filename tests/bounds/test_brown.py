"""Brown's limits for CVaR: the formula, its p-value, and that it can say less than the support."""

import math

import numpy as np
import pytest

from riskstats.bounds.api import lower_bound
from riskstats.bounds.brown import Brown, brown
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound
from riskstats.measures.cvar import CVaR, cvar
from riskstats.measures.mean import Mean
from tests.tail.goldens import LIMITS, golden_losses
from tests.tail.populations import LEVEL, POPULATIONS
from tests.theorems.laws import too_many

DELTA = 0.05


@pytest.mark.parametrize("golden", LIMITS, ids=lambda golden: f"{golden['sample']}, {golden['delta']}")
def test_golden_limits_cut_to_the_support(golden):
    losses, confidence = golden_losses(golden["sample"]), 1 - golden["delta"]
    upper = brown(losses, golden["alpha"], confidence_level=confidence)
    lower = lower_bound(losses, CVaR(golden["alpha"]), Brown(), confidence_level=confidence)
    assert upper.value == pytest.approx(min(golden["brown_upper"], 1.0), abs=1e-10)
    assert lower.value == pytest.approx(max(golden["brown_lower"], 0.0), abs=1e-10)


@pytest.mark.parametrize("golden", LIMITS, ids=lambda golden: f"{golden['sample']}, {golden['delta']}")
def test_golden_distances_before_the_cut(golden):
    """So many copies of the losses that the limits stay inside; the distance shrinks with the root of n."""
    losses, level, delta = golden_losses(golden["sample"]), golden["alpha"], golden["delta"]
    copies = Sample(np.tile(0.5 * losses, 400)[np.newaxis], (0.0, 1.0))
    estimate = 0.5 * cvar(losses, level)
    upper = Brown().upper(copies, CVaR(level), delta)[0] - estimate
    lower = estimate - Brown().lower(copies, CVaR(level), delta)[0]
    assert 20 * upper == pytest.approx(golden["brown_upper"] - golden["cvar"], abs=1e-10)
    assert 20 * lower == pytest.approx(golden["cvar"] - golden["brown_lower"], abs=1e-10)


def test_a_small_sample_in_one_formula():
    losses = np.array([0.0, 0.2, 0.9, 1.0] * 500)
    expected = cvar(losses, 0.5) + 4.0 * math.sqrt(5 * math.log(3 / DELTA) / (0.5 * 2000))
    found = Brown().upper(Sample(losses[np.newaxis], (-1.0, 3.0)), CVaR(0.5), DELTA)[0]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("limit", [0.5, 0.55, 0.65])
def test_the_p_value_is_the_error_whose_bound_meets_the_limit(limit, rng):
    sample = Sample(rng.random((1, 4000)) * 0.5, (0.0, 1.0))
    p = Brown().p_value(sample, CVaR(0.5), limit, DELTA)[0]
    assert 0 < p < 0.5
    assert Brown().upper(sample, CVaR(0.5), p)[0] == pytest.approx(limit, abs=1e-12)


@pytest.mark.parametrize("law", POPULATIONS, ids=lambda law: law.name)
def test_the_truth_is_missed_as_rarely_as_promised(law, rng):
    sample = Sample(law.draw(rng, 500, 901), (0.0, 1.0))
    assert not too_many(int((Brown().upper(sample, CVaR(LEVEL), DELTA) < law.truth).sum()), 500, DELTA)
    assert not too_many(int((Brown().lower(sample, CVaR(LEVEL), DELTA) > law.truth).sum()), 500, DELTA)


def test_other_measures_are_refused():
    with pytest.raises(IncompatibleBound, match=r"`Brown` bounds a CVaR; `Mean` needs another"):
        Brown()([0.1, 0.2], Mean())
