"""Distortions: the shipped ones, the user's, and what is derived from g."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.distortion import Distortion, distortion_risk
from riskstats.measures.dual_power import DualPower
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.mean import mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.wang import Wang

SHIPPED = [Wang(0.8), Wang(-0.4), ProportionalHazard(3), DualPower(2.5), ExponentialDistortion(7)]


@pytest.mark.parametrize("measure", [*SHIPPED, ProportionalHazard(0.5), DualPower(0.7)], ids=str)
def test_shipped_functions_pass_the_checks_of_the_user(measure, rng):
    own = Distortion(measure.distortion)
    assert own.coherent == measure.coherent
    assert own.levels == pytest.approx(measure.levels, abs=1e-6)
    assert measure.levels == (0.0, 1.0)
    x = rng.random((4, 30))
    np.testing.assert_allclose(own(x), measure(x), rtol=1e-15)
    np.testing.assert_allclose(distortion_risk(x, measure.distortion), distortion_risk(x, measure))


@pytest.mark.parametrize("measure", SHIPPED, ids=str)
def test_the_integral_of_the_distorted_survival_function(measure, rng):
    """For losses >= 0, `int_0^inf g(S(x)) dx`, which does not sort anything."""
    x, w = rng.random(25), rng.random(25)

    def height(at: float) -> float:
        return float(measure.distortion(np.array([w[x > at].sum() / w.sum()]))[0])

    want = quad(height, 0, 1, points=np.sort(x), limit=200)[0]
    assert measure(x, w) == pytest.approx(want, rel=1e-9)


def test_wang_shifts_a_normal_loss():
    u = (np.arange(200_000) + 0.5) / 200_000
    assert Wang(0.5)(norm.ppf(u)) == pytest.approx(0.5, abs=2e-4)


def test_dual_power_is_the_worst_of_k_units():
    x = np.array([0.0, 1.0])
    assert DualPower(3)(x) == pytest.approx(1 - 0.5**3, abs=1e-15)


@pytest.mark.parametrize(
    "measure",
    [Wang(0), ProportionalHazard(1), DualPower(1), ExponentialDistortion(0), ExponentialDistortion(5e-324)],
    ids=repr,
)
def test_the_neutral_parameter_is_the_mean(measure, rng):
    x = rng.random(33)
    assert measure(x) == pytest.approx(mean(x), rel=1e-14)
    assert measure.coherent


@pytest.mark.parametrize(
    "measure",
    [Wang(50.0), ProportionalHazard(1e12), DualPower(1e12), ExponentialDistortion(1e12)],
    ids=str,
)
def test_extreme_parameters_reach_the_largest_loss(measure, rng):
    x = rng.random(33)
    assert measure(x) == pytest.approx(x.max(), rel=1e-9)


def test_cvar_and_maximum_as_distortions(rng):
    x, w = rng.random(50), rng.random(50)
    own = Distortion(lambda s: np.minimum(s / 0.125, 1.0))
    assert own(x, w) == pytest.approx(CVaR(0.875)(x, w), rel=1e-13)
    assert own.levels == (0.875, 1.0)
    assert own.coherent
    largest = Distortion(lambda s: (s > 0) * 1.0)
    assert largest(x) == x.max()
    assert largest.coherent
    assert not Distortion(lambda s: (s == 1) * 1.0).coherent


def test_names():
    assert str(Distortion(np.sqrt)) == "Distortion(sqrt)"
    assert str(Wang(0.5)) == "Wang(0.5)"
    assert eval(repr(ProportionalHazard(2))) == ProportionalHazard(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Distortion(lambda s: s + 1), "`function` must be 0 at 0 and 1 at 1"),
        (lambda: Distortion(lambda s: np.sin(np.pi * s * 2.5)), "`function` must not decrease"),
        (lambda: Distortion("wang"), "`function` must be a function"),
        (lambda: Wang(np.inf), "`shift` must be a finite number"),
        (lambda: ProportionalHazard(0), "`r` must be a number > 0"),
        (lambda: DualPower(-1), "`k` must be a number > 0"),
        (lambda: ExponentialDistortion(-1), "`k` must be a number >= 0"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()
