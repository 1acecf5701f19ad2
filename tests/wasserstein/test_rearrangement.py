"""Value at risk of a sum: exact for two, enclosed for more; programs, golden values and simulated laws."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.makarov import makarov_quantile_bounds
from riskstats.wasserstein.rearrangement import dual_quantile, largest_quantile_of_sum, rearranged_quantile
from riskstats.wasserstein.step_quantiles import step_law
from riskstats.wasserstein.sum_quantiles import StepSum
from riskstats.wasserstein.sum_value_at_risk import sum_value_at_risk_bounds, worst_quantile_of_sum
from tests.reference import makarov as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
INPUTS = GOLDEN["inputs"]
V1, V2 = np.array(INPUTS["v1"]), np.array(INPUTS["v2"])
MASS = np.array(INPUTS["a1"]), np.array(INPUTS["a2"])
QUESTIONS = [(0.0, 1), (0.1, 1), (0.1, 2), (0.3, 3)]


def program(samples, masses, z, radius, order):
    """sup P(S' >= z) over couplings and transport within R: mass x of every cell, at cost (z - s)_+^p."""
    sums = np.zeros(())
    for sample in samples:
        sums = np.add.outer(sums, sample)
    shape, cells = sums.shape, sums.size
    places = np.unravel_index(np.arange(cells), shape)
    rows = [places[j] == k for j in range(len(samples)) for k in range(shape[j])]
    gain = np.ones(cells) if radius > 0 else (sums.ravel() >= z).astype(float)
    limits = [np.maximum(z - sums.ravel(), 0) ** order] if radius > 0 else []
    right = np.concatenate([*masses, [radius**order] if radius > 0 else []])
    return -linprog(-gain, A_ub=np.array([*rows, *limits], dtype=float), b_ub=right, method="highs").fun


def worst_by_program(samples, masses, level, radius, order):
    """The last z with sup P(S' >= z) >= 1 - level."""
    sums = np.zeros(())
    for sample in samples:
        sums = np.add.outer(sums, sample)
    if radius == 0:
        held = [z for z in np.unique(sums) if program(samples, masses, z, 0, 1) >= 1 - level - 1e-9]
        return max(held)
    low, high = sums.min() - 1, sums.max() + 2 * radius / (1 - level) ** (1 / order)
    for _ in range(30):
        z = 0.5 * (low + high)
        low, high = (z, high) if program(samples, masses, z, radius, order) >= 1 - level else (low, z)
    return low


def against_program(rng, count):
    for _ in range(count):
        d, level = int(rng.integers(3, 5)), float(rng.choice([0.5, 0.75, 0.8]))
        samples = [np.round(rng.standard_t(3, size=3), 1) for _ in range(d)]
        masses = [rng.dirichlet(np.ones(3)) if rng.random() < 0.5 else np.full(3, 1 / 3) for _ in range(d)]
        radius, order = QUESTIONS[int(rng.integers(4))]
        wanted = worst_by_program(samples, masses, level, radius, order)
        laws = [step_law(sample, mass) for sample, mass in zip(samples, masses, strict=True)]
        assert rearranged_quantile(laws, level, radius, order) <= wanted + 1e-7
        assert dual_quantile(laws, level, radius, order) >= wanted - 1e-7


def test_both_sides_hold(rng):
    against_program(rng, 6)


@pytest.mark.slow
def test_both_sides_hold_at_length(rng):
    against_program(rng, 100)


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
def test_two_marginals_lie_between_both_sides(rng, radius, order):
    for size, masses in ((40, (None, None)), (7, rng.dirichlet(np.ones(7), 2))):
        for level in (0.5, 0.75, 0.9):
            samples = np.round(rng.lognormal(size=(2, size)), 2)
            laws = [step_law(sample, mass) for sample, mass in zip(samples, masses, strict=True)]
            value = StepSum(*laws).largest_quantile(level, radius, order)
            assert rearranged_quantile(laws, level, radius, order) <= value + 1e-12 * abs(value)
            assert dual_quantile(laws, level, radius, order) >= value - 1e-12 * abs(value)


FAMILIES = {
    "uniform": stats.uniform(),
    "normal": stats.norm(),
    "lognormal": stats.lognorm(1),
    "pareto": stats.pareto(2),
}


def tail_sum(laws, level, radius, order):
    """Sum of the CVaRs and R (1 - level)^(-1/p)."""
    k = round(len(laws[0]) * (1 - level))
    return sum(law.values[-k:].mean() for law in laws) + radius * (1 - level) ** (-1 / order)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("d", [3, 8])
def test_gap_is_small(name, d):
    """Certified to 0.1 % where the sum of the CVaRs leaves up to 23 %, and never above that sum."""
    laws = [step_law(FAMILIES[name].rvs(20000, random_state=k)) for k in range(d)]
    for radius, order in ((0.0, 1), (0.1, 1), (0.1, 2)):
        found = largest_quantile_of_sum(laws, 0.95, radius, order)
        assert found.lower <= found.upper <= found.lower * 1.001
        assert found.upper <= tail_sum(laws, 0.95, radius, order) * (1 + 1e-9)


def test_widens_with_the_radius(rng):
    laws = [step_law(rng.gamma(2, size=300)) for _ in range(3)]
    for order in (1, 2, 3):
        ends = [largest_quantile_of_sum(laws, 0.9, radius, order) for radius in (0, 0.05, 0.2, 1, 5)]
        assert (np.diff([end.lower for end in ends]) >= 0).all()
        for end in ends:
            assert end.lower <= end.upper <= end.lower * 1.02


def test_a_constant_third_changes_nothing(rng):
    first, second = (step_law(rng.lognormal(size=60)) for _ in range(2))
    for radius, order in QUESTIONS:
        wanted = StepSum(first, second).largest_quantile(0.8, radius, order)
        found = worst_quantile_of_sum([first, second, step_law(np.zeros(60))], 0.8, radius, order)
        assert found.lower - 1e-9 <= wanted <= found.upper + 1e-9
        assert found.lower == pytest.approx(wanted, rel=1e-9)
        exactly = worst_quantile_of_sum([first, second], 0.8, radius, order)
        assert exactly.lower == exactly.upper == wanted


@pytest.mark.parametrize("order", [1, 2])
def test_above_simulated_laws(rng, order):
    samples = [rng.normal(size=50), rng.lognormal(size=50), rng.standard_t(4, size=50)]
    radii = (0.1, 0.2, 0.05)
    bounds = sum_value_at_risk_bounds(*samples, level=0.9, radius=radii, order=order)
    even = [np.full(50, 0.02)] * 3
    for pull in (np.abs, lambda noise: -np.abs(noise), lambda noise: np.abs(noise) ** 3):
        rows, _ = exact.sampled_laws(rng, samples, even, radii, order, pull, size=1000)
        ranked = np.sort(rows.sum(axis=1))
        assert bounds.lower.value - 1e-12 <= ranked[899]
        assert ranked[900] <= bounds.upper.value + 1e-12


# The answer


@pytest.mark.parametrize("row", [r for r in GOLDEN["E_aggregate_risk"]["rows"] if "R" in r])
def test_golden(row):
    found = sum_value_at_risk_bounds(
        V1, V2, level=row["alpha"], radius=row["R"], order=row["p"], sample_weight=MASS
    )
    assert found.upper.value == pytest.approx(row["worst_VaR_sum"], rel=0, abs=1e-9)
    assert found.lower.value == pytest.approx(row["best_VaR_sum"], rel=0, abs=1e-9)
    assert found.status is Status.OPTIMAL


@pytest.mark.parametrize(("radius", "order"), QUESTIONS)
def test_laws_attain_both_ends_for_two(radius, order):
    found = sum_value_at_risk_bounds(
        V1, V2, level=0.8, weights=(1, -2), radius=radius, order=order, sample_weight=MASS
    )
    for end, side in ((found.lower, 1), (found.upper, -1)):
        law = end.worst_case_distribution
        assert np.abs([1, 2]) @ law.costs ** (1 / order) <= radius * (1 + 1e-9)
        sums = side * (law.targets[0][:, 0] - 2 * law.targets[1][:, 0])
        reached = law.weights[sums <= side * end.value + 1e-12].sum()
        assert reached >= (0.8 if side == 1 else 0.2) - 1e-12


def test_three_or_more_are_enclosed(rng):
    samples = rng.lognormal(size=(3, 400))
    found = sum_value_at_risk_bounds(*samples, level=0.9, weights=(1, 2, -1), radius=(0.1, 0.05, 0), order=2)
    assert found.upper.status is Status.GAP
    assert found.upper.value == found.upper.upper
    assert found.lower.value == found.lower.lower
    assert found.lower.upper < found.upper.lower
    assert found.upper.duality_gap < 0.01 * found.upper.value
    assert "Y1 + 2 Y2 - Y3 at level 0.9" in found.summary()
    total = sum_value_at_risk_bounds(*samples, level=0.9, weights=(1, 2, -1), radius=0.2, order=2)
    assert total.upper.value == pytest.approx(found.upper.value, rel=1e-12)


def test_the_best_end_is_the_worst_one_reflected(rng):
    samples = rng.lognormal(size=(3, 100))
    one = sum_value_at_risk_bounds(*samples, level=0.75, radius=0.1)
    other = sum_value_at_risk_bounds(*samples, level=0.25, weights=(-1, -1, -1), radius=0.1)
    assert one.lower.value == pytest.approx(-other.upper.value, rel=1e-12)


def test_continuous_pair_and_balls():
    law = stats.uniform()
    found = sum_value_at_risk_bounds(law, law, level=0.9, radius=0.1)
    assert found.upper.value == pytest.approx(1.9 + 0.1 / 0.1, abs=1e-9)
    balls = sum_value_at_risk_bounds(
        WassersteinBall(V1, radius=0.1, order=2), WassersteinBall(V2, radius=0.2, order=2), level=0.9
    )
    sampled = makarov_quantile_bounds(V1, V2, 0.9, radius=0.1 + 0.2, order=2)
    assert balls.upper.value == pytest.approx(sampled.upper[0], rel=1e-12)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"level": 5}, "pass 0.95"),
        ({"level": 0.9, "weights": (1, 1)}, "2 coefficients"),
        ({"level": 0.9, "radius": (0.1, 0.1)}, "3 numbers"),
        ({"level": 0.9, "radius": -1}, "-1"),
        ({"level": 0.9, "sample_weight": (None, None)}, "each of 3"),
    ],
)
def test_bad_input(named, message):
    with pytest.raises(InvalidInput, match=message):
        sum_value_at_risk_bounds(V1, V2, V1, **named)


def test_a_sum_needs_two():
    with pytest.raises(InvalidInput, match="two or more"):
        sum_value_at_risk_bounds(V1, level=0.9)
    with pytest.raises(InvalidInput, match="ppf"):
        sum_value_at_risk_bounds(V1, V2, stats.norm(), level=0.9)
