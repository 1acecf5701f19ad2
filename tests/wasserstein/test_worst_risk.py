"""Worst-case risk: golden values, closed forms against programs, properties, and refused pairings."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from riskstats.distribution import Distribution
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures import (
    CVaR,
    DualPower,
    Entropic,
    EVaR,
    Expectile,
    ExponentialDistortion,
    Gini,
    Mean,
    ProportionalHazard,
    Spectral,
    ValueAtRisk,
    VaRInterval,
    Wang,
)
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.spectrum import cell_norm, dual_order, spectrum_cells, spectrum_norm
from riskstats.wasserstein.worst_risk import worst_case_risk
from tests.reference.wasserstein_program import one_ball

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
INPUTS = GOLDEN["inputs"]
REAL = GOLDEN["meta"]["tolerance"]["real"]


def model(row):
    first, second = (row["r1"], row["r2"]) if "r1" in row else (0.3 * row["R"], 0.7 * row["R"])
    return MarginalBalls(
        WassersteinBall(INPUTS["v1"], radius=first, order=row["p"], weights=INPUTS["a1"]),
        WassersteinBall(INPUTS["v2"], radius=second, order=row["p"], weights=INPUTS["a2"]),
    )


def label(row):
    return f"{row.get('alpha')}-{row['p']}-{row.get('R', row.get('r1', row.get('r')))}"


@pytest.mark.parametrize("row", GOLDEN["A_single"]["rows"], ids=label)
def test_golden_one_ball(row):
    ball = WassersteinBall(INPUTS["v1"], radius=row["r"], order=row["p"], weights=INPUTS["a1"])
    for measure, key in ((CVaR(0.8), "CVaR0.8_sup_real"), (Mean(), "mean_sup_real")):
        found = worst_case_risk(measure, ball)
        assert found.status is Status.OPTIMAL
        assert found.value == pytest.approx(row[key], abs=REAL)
        assert found.duality_gap <= 1e-12


@pytest.mark.parametrize("row", GOLDEN["E_aggregate_risk"]["rows"], ids=label)
def test_golden_aggregates(row):
    balls, level = model(row), row["alpha"]
    found = worst_case_risk(CVaR(level), balls)
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(row.get("worst_CVaR_sum", row.get("worst_CVaR_sum_real")), abs=REAL)
    if "worst_CVaR_sum_grid" in row:
        assert row["worst_CVaR_sum_grid"] <= found.value + 1e-9
    if "worst_VaR_sum" in row:
        worst = worst_case_risk(ValueAtRisk(level, "upper"), balls)
        best = worst_case_risk(ValueAtRisk(level, "lower"), balls, direction="lower")
        assert worst.status is best.status is Status.OPTIMAL
        assert worst.value == pytest.approx(row["worst_VaR_sum"], abs=REAL)
        assert best.value == pytest.approx(row["best_VaR_sum"], abs=REAL)
        assert worst.value <= found.value + 1e-12
        if row["R"] > 0:
            for side, direction, value in (("lower", "upper", worst), ("upper", "lower", best)):
                other = worst_case_risk(ValueAtRisk(level, side), balls, direction=direction)
                assert other.value == pytest.approx(value.value, abs=REAL)
                assert other.status is Status.OPTIMAL
                assert not other.attained


def sample(seed, n):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.dirichlet(np.ones(n))


def ball(seed, n, radius, order):
    v, w = sample(seed, n)
    return WassersteinBall(v, radius=radius, order=order, weights=w)


COHERENT = (
    Mean(),
    CVaR(0.7),
    VaRInterval(0.4, 1.0),
    Spectral.steps((0, 0.5, 0.9, 1), (0.2, 0.4, 0.4)),
    Wang(0.5),
    ProportionalHazard(1.1),
    DualPower(3.0),
    ExponentialDistortion(2.0),
    Expectile(0.8),
)


@pytest.mark.parametrize("measure", COHERENT, ids=str)
@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 4.0])
def test_coherent_measures_of_a_sum_have_a_law_at_their_bound(measure, order):
    balls = MarginalBalls(ball(0, 6, 0.1, order), ball(1, 5, 0.2, order), ball(2, 4, 0.0, order))
    found = worst_case_risk(measure, balls, weights=(1.0, -2.0, 0.5), gap=3e-6)
    heavy = isinstance(measure, (Wang, ProportionalHazard)) and order == 1
    if heavy:
        assert found.status is Status.UNBOUNDED
        return
    assert found.status is Status.OPTIMAL
    law = found.worst_case_distribution
    total = sum(a * y[:, 0] for a, y in zip((1.0, -2.0, 0.5), law.targets, strict=True))
    assert measure.of(Distribution(total, law.weights)) == pytest.approx(found.value, abs=1e-5)


@pytest.mark.parametrize("measure", [m for m in COHERENT if not isinstance(m, Expectile)], ids=str)
@pytest.mark.parametrize("order", [1.5, 2.0, 3.0])
def test_norm_of_the_spectrum_is_that_of_its_cells(measure, order):
    levels, heights = spectrum_cells(measure, np.arange(1, 101) / 100)
    q = dual_order(order)
    cells = cell_norm(heights, np.diff(levels), q)
    assert cells <= spectrum_norm(measure, order) * (1 + 1e-12)
    assert cells == pytest.approx(spectrum_norm(measure, order), rel=2e-4)


def test_spectral_bound_is_the_value_plus_the_norm():
    one = ball(0, 8, 0.3, 2.0)
    law = Distribution(one.points[:, 0], one.weights)
    for measure in COHERENT[:-1]:
        found = worst_case_risk(measure, one)
        assert found.value == pytest.approx(measure.of(law) + 0.3 * spectrum_norm(measure, 2.0), abs=1e-9)


def test_a_spectrum_given_as_a_function_is_estimated_and_says_so():
    one = ball(0, 8, 0.3, 2.0)
    found = worst_case_risk(Spectral(lambda p: p**3), one)
    exact = worst_case_risk(DualPower(3.0), one)
    assert found.status in (Status.HEURISTIC, Status.OPTIMAL)
    assert found.value == pytest.approx(exact.value, abs=1e-5)


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("level", [0.3, 0.8, 0.95])
def test_smallest_cvar_is_certified_and_not_beaten(order, level):
    for balls in (ball(3, 9, 0.2, order), MarginalBalls(ball(3, 9, 0.1, order), ball(4, 7, 0.05, order))):
        found = worst_case_risk(CVaR(level), balls, direction="lower")
        assert found.status is Status.OPTIMAL
        still = worst_case_risk(CVaR(level), balls.at(0.0), direction="lower")
        assert found.value < still.value
        law = found.worst_case_distribution
        for ball_, source, target in zip(
            balls.balls if isinstance(balls, MarginalBalls) else (balls,),
            law.sources.T,
            law.targets,
            strict=True,
        ):
            moved = np.abs(ball_.points[source] - target)[:, 0] ** order
            assert law.weights @ moved <= ball_.budget * (1 + 1e-9)


def cvar_on_a_grid(one, level, steps):
    """The smallest CVaR over laws on a grid: ``min over v`` of linear programs."""
    points = np.unique(np.append(np.linspace(-2, 2, steps), one.points))[:, None]
    best = math.inf
    for v in points[:, 0]:
        excess = -np.maximum(points[:, 0] - v, 0.0) / (1 - level)
        best = min(best, v - one_ball(one.points, one.weights, points, excess, one.budget, one.order))
    return best


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_smallest_cvar_is_approached_by_programs_on_finer_grids(order):
    one, level = ball(5, 5, 0.2, order), 0.7
    found = worst_case_risk(CVaR(level), one, direction="lower").value
    coarse, fine = (cvar_on_a_grid(one, level, steps) for steps in (17, 65))
    assert found - 1e-9 <= fine <= coarse + 1e-9
    assert fine - found < 0.03


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_three_laws_have_a_value_at_risk_within_one_per_cent(order):
    rng = np.random.default_rng(0)
    balls = MarginalBalls(
        *(WassersteinBall(rng.exponential(size=300), radius=0.02, order=order) for _ in range(3))
    )
    worst = worst_case_risk(ValueAtRisk(0.9, "upper"), balls)
    assert worst.duality_gap <= 0.01 * worst.value
    assert worst.upper <= worst_case_risk(CVaR(0.9), balls).value + 1e-9
    best = worst_case_risk(ValueAtRisk(0.9), balls, direction="lower")
    assert best.lower <= best.upper <= worst.lower


def test_radius_zero_is_the_measure_itself():
    v, w = sample(0, 9)
    law = Distribution(v, w)
    still = WassersteinBall(v, radius=0, weights=w)
    for measure in (
        *COHERENT,
        ValueAtRisk(0.7),
        ValueAtRisk(0.7, "upper"),
        Entropic(1.0),
        EVaR(0.5),
        Expectile(0.2),
    ):
        for direction in ("upper", "lower"):
            found = worst_case_risk(measure, still, direction=direction)
            assert found.value == pytest.approx(measure.of(law), abs=1e-9), str(measure)


def test_risk_is_translation_equivariant_and_grows_with_the_radius():
    one = ball(0, 8, 0.3, 2.0)
    moved = WassersteinBall(one.points + 2.0, radius=0.3, order=2, weights=one.weights)
    for measure in (*COHERENT, ValueAtRisk(0.8, "upper")):
        for direction in ("upper", "lower"):
            found = worst_case_risk(measure, one, direction=direction)
            shifted = worst_case_risk(measure, moved, direction=direction)
            assert shifted.value == pytest.approx(found.value + 2.0, abs=1e-6)
            wider = worst_case_risk(measure, one.at(0.4), direction=direction)
            sign = 1 if direction == "upper" else -1
            assert sign * wider.value >= sign * found.value - 1e-9


def test_multiplier_is_the_slope_in_the_budget():
    for measure in (CVaR(0.8), Mean(), Wang(0.4), ValueAtRisk(0.8, "upper")):
        found = worst_case_risk(measure, MarginalBalls(ball(0, 8, 0.3, 2.0), ball(1, 6, 0.2, 2.0)))
        step = 1e-4
        for j, delta in enumerate((0.09, 0.04)):
            radii = [
                [math.sqrt(b + s * step * (i == j)) for i, b in enumerate((0.09, 0.04))] for s in (1, -1)
            ]
            ahead, behind = (
                worst_case_risk(measure, MarginalBalls(ball(0, 8, a, 2.0), ball(1, 6, b, 2.0))).value
                for a, b in radii
            )
            assert found.multiplier[j] == pytest.approx(
                (ahead - behind) / (2 * step), abs=1e-5 / math.sqrt(delta)
            )


def test_exponential_moments_are_infinite_and_their_growth_is_seen():
    one = ball(0, 6, 0.2, 2.0)
    for measure in (Entropic(0.5), EVaR(0.8)):
        assert worst_case_risk(measure, one).status is Status.UNBOUNDED
        values = []
        for share in (1e-2, 1e-4, 1e-6):
            far = one.points.max() + 0.2 / math.sqrt(share)
            law = Distribution(np.append(one.points[:, 0], far), np.append((1 - share) * one.weights, share))
            values.append(measure.of(law))
        assert values[0] < values[1] < values[2]
    for flat in (Entropic(0.0), EVaR(0.0), CVaR(0.0)):
        assert worst_case_risk(flat, one).value == pytest.approx(
            worst_case_risk(Mean(), one).value, abs=1e-12
        )


def test_vector_losses_are_weighted():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    a = (1.0, -1.0, 2.0)
    found = worst_case_risk(CVaR(0.8), WassersteinBall(x, radius=0.1, order=2, cost=1), weights=(a,))
    still = CVaR(0.8)(x @ np.array(a))
    assert found.value == pytest.approx(still + 0.1 * 2.0 * 0.2**-0.5, abs=1e-12)


OVERLAP = OverlappingBalls(
    WassersteinBall([[1.0, 0.0]], radius=0.1), WassersteinBall([[1.0, 0.0]], radius=0.1)
)
ONE = WassersteinBall([0.0, 1.0], radius=0.1)


@pytest.mark.parametrize(
    ("measure", "balls", "direction", "both"),
    [
        (Gini(), ONE, "upper", "Gini.*ball of positive radius"),
        (Gini(), MarginalBalls(ONE, ONE), "upper", "Gini.*MarginalBalls"),
        (CVaR(0.9), OVERLAP, "upper", "CVaR.*OverlappingBalls"),
        (VaRInterval(0.2, 0.8), MarginalBalls(ONE, ONE), "upper", "VaRInterval.*MarginalBalls"),
        (Expectile(0.2), MarginalBalls(ONE, ONE), "upper", "Expectile.*MarginalBalls"),
        (Entropic(1.0), ONE, "lower", "Entropic.*ball"),
        (Wang(-0.5), MarginalBalls(ONE, ONE), "lower", "Wang.*MarginalBalls"),
    ],
)
def test_pairings_without_a_proof_are_refused_by_name(measure, balls, direction, both):
    with pytest.raises(IncompatibleBound, match=both):
        worst_case_risk(measure, balls, direction=direction)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_case_risk(0.95, ONE), "risk measure"),
        (lambda: worst_case_risk(CVaR(0.9), ONE, weights=(1, 2)), "2 weights"),
        (lambda: worst_case_risk(CVaR(0.9), 3), "model"),
        (lambda: worst_case_risk(CVaR(0.9), ONE, direction="down"), "direction"),
        (lambda: worst_case_risk(CVaR(0.9), ONE, gap=-1), "gap"),
        (lambda: worst_case_risk(CVaR(95), ONE), "level"),
    ],
)
def test_bad_input_says_what_to_do(call, words):
    with pytest.raises(InvalidInput, match=words):
        call()


def test_measures_that_are_not_coherent_have_an_enclosure_over_one_ball():
    one = ball(2, 9, 0.2, 2.0)
    law = Distribution(one.points[:, 0], one.weights)
    for measure in (VaRInterval(0.2, 0.7), Wang(-0.4)):
        for direction in ("upper", "lower"):
            found = worst_case_risk(measure, one, direction=direction)
            reach = 0.2 * spectrum_norm(measure, 2.0)
            assert found.lower <= found.upper
            assert abs(found.value - measure.of(law)) <= reach + 1e-9
