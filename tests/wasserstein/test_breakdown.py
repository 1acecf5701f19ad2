"""Sensitivity curves, breakdown radii and frontiers, against closed forms."""

import math

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.breakdown import Claim, breakdown_frontier, breakdown_radius
from riskstats.wasserstein.sensitivity import Question, sensitivity_curve, total_radius
from riskstats.wasserstein.treatment import average_effect_bounds

Y1, Y0 = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 1.5])
TAU = Y1.mean() - Y0.mean()


def arms(first=0.1, second=0.3, order=1):
    return MarginalBalls(
        WassersteinBall(Y1, radius=first, order=order), WassersteinBall(Y0, radius=second, order=order)
    )


def test_curve_of_the_average_effect():
    curve = sensitivity_curve(Question(average_effect_bounds, arms()), [0.5, 0.0, 1.0, 0.5])
    np.testing.assert_array_equal(curve.radii, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(curve.values("upper"), TAU + curve.radii, rtol=1e-12)
    np.testing.assert_allclose(curve.values("lower"), TAU - curve.radii, rtol=1e-12)
    np.testing.assert_allclose(curve.slopes("upper")[1:], 1.0)
    assert curve.to_dict()["rows"][0]["status"] == "OPTIMAL"
    assert "radius grows" in curve.summary()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_breakdown_inverts_the_curve(order):
    claim = Claim(average_effect_bounds, above=0.0)
    found = breakdown_radius(claim, arms(order=order))
    assert found.radius == pytest.approx(TAU, abs=1e-8)
    assert found.proven <= TAU <= found.refuted + 1e-8
    assert found.at_reference == pytest.approx(TAU)
    at = Question(average_effect_bounds, arms(order=order)).at(found.radius)
    assert at.lower.value == pytest.approx(0.0, abs=1e-7)


def test_claims_that_never_hold_and_that_always_do():
    assert breakdown_radius(Claim(average_effect_bounds, above=5.0), arms()).radius == 0.0
    never = breakdown_radius(Claim(average_effect_bounds, below=1e9), arms(), largest=100.0)
    assert math.isinf(never.radius)
    assert never.to_dict()["radius"] == "inf"


def test_with_covariates_an_empty_set_supports_every_claim():
    treated = WassersteinBall(np.column_stack([Y1, [0.0, 1.0, 2.0]]), radius=0.0, order=2)
    control = WassersteinBall(np.column_stack([Y0, [0.5, 1.5, 2.5]]), radius=0.0, order=2)
    model = OverlappingBalls(treated, control)
    found = breakdown_radius(Claim(average_effect_bounds, above=0.0), model)
    assert found.radius == pytest.approx(math.sqrt(TAU**2 + 0.25), abs=1e-7)


def test_frontier_is_a_line_for_the_average_effect():
    found = breakdown_frontier(Claim(average_effect_bounds, above=0.0), arms(), [0.0, 0.5, 1.0, math.inf])
    assert [sum(point) for point in found.points] == pytest.approx([TAU] * 4, abs=1e-5)
    assert found.points[0][0] == 0.0
    assert found.points[-1][1] == 0.0
    assert "stops to follow" in found.summary()


def test_what_is_no_claim():
    with pytest.raises(InvalidInput, match="exactly one"):
        Claim(average_effect_bounds)
    with pytest.raises(InvalidInput, match="WorstCase"):
        Question(lambda model: 3.0, arms()).at(0.1)
    with pytest.raises(InvalidInput, match="radii"):
        sensitivity_curve(Question(average_effect_bounds, arms()), [-1.0])
    with pytest.raises(InvalidInput, match="ratios"):
        breakdown_frontier(Claim(average_effect_bounds, above=0.0), arms(), [math.nan])
    assert total_radius(arms()) == pytest.approx(0.4)
