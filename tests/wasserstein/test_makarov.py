"""DR-Makarov bounds: golden values, exact fractions, linear programs, and what every such bound must do."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.makarov import makarov_bounds, makarov_breakdown, makarov_quantile_bounds
from riskstats.wasserstein.makarov_law import makarov_worst_case
from tests.reference import makarov as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
INPUTS = GOLDEN["inputs"]
V1, V2 = np.array(INPUTS["v1"]), np.array(INPUTS["v2"])
MASS = np.array(INPUTS["a1"]), np.array(INPUTS["a2"])
REAL = GOLDEN["meta"]["tolerance"]["real"]
Z = np.linspace(-6, 6, 49)


def golden(name):
    return GOLDEN[name]["rows"]


def bounds(points, **named):
    return makarov_bounds(V1, V2, points, sample_weight=MASS, **named)


# Golden


@pytest.mark.parametrize("row", golden("C_dr_makarov_empirical"), ids=lambda r: f"{r['p']}-{r['r_total']}")
def test_golden_empirical(row):
    for weights, key in (((1, 1), "F"), ((1, -1), "Fdiff")):
        found = bounds(row["z"], weights=weights, radius=row["r_total"], order=row["p"])
        np.testing.assert_allclose(found.upper, row[f"{key}_upper"], rtol=0, atol=1e-14)
        np.testing.assert_allclose(found.lower, row[f"{key}_lower"], rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["C_uniform", "C_normal"])
def test_golden_continuous(name):
    law = {"C_uniform": stats.uniform(), "C_normal": stats.norm()}[name]
    for row in golden(name):
        found = makarov_bounds(law, law, row["z"], radius=row["R"], order=row["p"])
        assert found.upper[0] == pytest.approx(row["F_upper"], rel=0, abs=REAL)
        if name == "C_uniform" and row["R"] > 0 and row["F_upper"] < 1:
            mirrored = makarov_bounds(law, law, 2 - row["z"], radius=row["R"], order=row["p"])
            assert mirrored.lower[0] == pytest.approx(1 - row["F_upper"], rel=0, abs=REAL)


@pytest.mark.parametrize("row", golden("B_two_marginal"), ids=lambda r: f"{r['p']}-{r['r1']}-{r['r2']}")
def test_golden_two_marginals(row):
    found = bounds([-1, 0, 1], radius=(row["r1"], row["r2"]), order=row["p"])
    for k, z in enumerate((-1, 0, 1)):
        assert found.upper[k] == pytest.approx(row[f"P_sum_le_{z}_sup_real"], rel=0, abs=REAL)
        assert found.lower[k] == pytest.approx(row[f"P_sum_le_{z}_inf_real"], rel=0, abs=REAL)
        assert found.lower[k] == pytest.approx(row[f"P_sum_lt_{z}_inf_grid"], rel=0, abs=1e-7)
        assert found.upper[k] >= row[f"P_sum_le_{z}_sup_grid"] - 1e-7
        assert found.lower[k] <= row[f"P_sum_le_{z}_inf_grid"] + 1e-7
        multiplier = makarov_worst_case(
            V1, V2, z, radius=(row["r1"], row["r2"]), order=row["p"], sample_weight=MASS
        ).multiplier
        if row["p"] == 1:
            np.testing.assert_allclose(multiplier, row[f"P_sum_le_{z}_lambda_grid"], atol=1e-7)


@pytest.mark.parametrize("row", golden("H_breakdown"), ids=lambda r: f"{r['p']}-{r['z']}-{r['probability']}")
def test_golden_breakdown(row):
    named = {"weights": (-1, 1), "order": row["p"], "sample_weight": MASS}
    found = makarov_breakdown(V1, V2, row["z"], row["probability"], **named)
    assert found == pytest.approx(row["total_radius"], rel=0, abs=1e-9)
    at = [
        makarov_bounds(V1, V2, row["z"], radius=r, **named).upper[0] for r in (0, found, found * (1 - 1e-6))
    ]
    assert at[0] == pytest.approx(row["at_radius_0"], abs=REAL)
    assert at[1] >= row["probability"] - 1e-9
    assert found == 0 or at[2] < row["probability"]


@pytest.mark.parametrize("row", [r for r in golden("E_aggregate_risk") if "R" in r])
def test_golden_value_at_risk(row):
    found = makarov_quantile_bounds(V1, V2, row["alpha"], radius=row["R"], order=row["p"], sample_weight=MASS)
    assert found.kind == "quantile"
    assert found.upper[0] == pytest.approx(row["worst_VaR_sum"], rel=0, abs=REAL)
    assert found.lower[0] == pytest.approx(row["best_VaR_sum"], rel=0, abs=REAL)
    assert found.upper[0] <= row["worst_CVaR_sum"] + 1e-12


# Slow twins


def instances(rng, count, *, size=5):
    """Random small questions with ties, zero and unequal weights, radius 0 and orders 1, 2, 3."""
    while count:
        n, m = rng.integers(1, size, 2)
        places = int(rng.integers(0, 2))
        x, y = (np.round(2 * rng.normal(size=k), places) for k in (n, m))
        mass = [rng.integers(0, 4, k).astype(float) if rng.random() < 0.6 else np.ones(k) for k in (n, m)]
        if mass[0].any() and mass[1].any():
            count -= 1
            factors = rng.choice([1, -1, 0.5, 2, 0.3], 2)
            radius, order = float(rng.choice([0, 0, 0.1, 0.25, 0.5, 1.3])), int(rng.integers(1, 4))
            yield x, y, mass, factors, radius, order, np.round(2 * rng.normal(size=3), places)


def against_fractions(rng, count):
    for x, y, mass, factors, radius, order, points in instances(rng, count):
        named = {"weights": factors, "radius": radius, "order": order, "sample_weight": mass}
        found = makarov_bounds(x, y, points, **named)
        one, two = exact.law(x, mass[0], factors[0]), exact.law(y, mass[1], factors[1])
        R = Fraction(str(radius))
        for k, z in enumerate(Fraction(str(point)) for point in points):
            assert found.upper[k] == pytest.approx(float(exact.largest_cdf(one, two, z, R, order)), abs=1e-13)
            assert found.lower[k] == pytest.approx(
                float(exact.smallest_cdf(one, two, z, R, order)), abs=1e-13
            )
        if order == 1:
            level = Fraction(int(rng.integers(1, 20)), 20)
            ends = makarov_quantile_bounds(x, y, float(level), **named)
            low = exact.smallest_quantile(one, two, level, R)
            high = exact.smallest_quantile(exact.reflected(one), exact.reflected(two), 1 - level, R)
            assert ends.lower[0] == pytest.approx(float(low), abs=1e-12)
            assert ends.upper[0] == pytest.approx(-float(high), abs=1e-12)


def test_fractions(rng):
    against_fractions(rng, 120)


@pytest.mark.slow
def test_fractions_at_length(rng):
    against_fractions(rng, 1500)


def against_programs(rng, count):
    for _ in range(count):
        n, m, order = *rng.integers(2, 12, 2), float(rng.choice([1, 1.5, 2, 3]))
        x, y = rng.normal(size=n), np.round(rng.normal(size=m), 1)
        a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
        z, radius = rng.normal(), float(rng.uniform(0.01, 0.8))
        found = makarov_bounds(x, y, z, radius=radius, order=order, sample_weight=(a, b)).upper[0]
        assert found == pytest.approx(exact.aggregate_program(x, a, y, b, z, radius, order), abs=1e-8)


def test_linear_program(rng):
    against_programs(rng, 60)


@pytest.mark.slow
def test_linear_program_at_length(rng):
    against_programs(rng, 1000)


def test_reduction_to_one_ball(rng):
    """The exact program with two balls and all useful targets on the line, order 1."""
    for _ in range(6):
        x, y = np.round(rng.normal(size=(2, 4)), 1)
        a, b = rng.dirichlet(np.ones(4), 2)
        z, radii = float(np.round(rng.normal(), 1)), rng.uniform(0.05, 0.5, 2)
        ends = np.unique(np.concatenate([x, z - y])), np.unique(np.concatenate([y, z - x]))
        costs = [np.abs(np.subtract.outer(v, end)) for v, end in zip((x, y), ends, strict=True)]
        event = (np.add.outer(*ends) <= z + 1e-12).astype(float)
        program = exact.marginal_program((a, b), costs, radii, event, 1.0)
        found = makarov_bounds(x, y, z, radius=radii, sample_weight=(a, b))
        assert found.upper[0] == pytest.approx(program, abs=1e-8)


@pytest.mark.slow
def test_two_hundred_atoms_against_the_program(rng):
    x, y = rng.normal(size=(2, 200))
    even = np.full(200, 1 / 200)
    found = makarov_bounds(x, y, -1.0, radius=0.1, order=2).upper[0]
    assert found == pytest.approx(exact.aggregate_program(x, even, y, even, -1.0, 0.1, 2), abs=1e-12)


# Ties


def test_ties_are_decided_by_order():
    """At a sum of atoms the strict and the weak inequality differ; one float below, they do not."""
    at, below = 3.0, np.nextafter(3.0, 0.0)
    found = bounds([below, at])
    np.testing.assert_allclose(found.lower, [0.8, 0.9], atol=1e-15)
    for order in (1, 2, 3):
        near = bounds([at], radius=1e-13, order=order)
        assert near.lower[0] == pytest.approx(0.8, abs=1e-6)
        assert near.classical_lower[0] == pytest.approx(0.9, abs=1e-15)


@pytest.mark.parametrize(
    ("x", "y", "z"), [(0.1, 0.2, 0.3), (1.6, -0.7, 0.9), (1.1, 2.2, 3.3), (0.7, 0.1, 0.8)]
)
def test_decimals_add_up_as_decimals(x, y, z):
    found = makarov_bounds([x], [y], [np.nextafter(z, -9), z, np.nextafter(z, 9)])
    assert found.lower.tolist() == found.upper.tolist() == [0.0, 1.0, 1.0]
    assert makarov_bounds([10 * x], [y], z, weights=(0.1, 1)).lower[0] == 1.0


def test_thirds_compare_as_floats():
    x, y = np.array([1 / 3, 2 / 3]), np.array([1 / 7])
    for a in x:
        z = a + y[0]
        found = makarov_bounds([a], y, [np.nextafter(z, 0), z])
        assert found.upper.tolist() == found.lower.tolist() == [0.0, 1.0]


# Properties


def test_only_the_total_distance_matters():
    for order in (1, 1.5, 2, 3):
        one = bounds(Z, radius=0.5, order=order)
        for split in ((0.5, 0), (0, 0.5), (0.25, 0.25), (0.375, 0.125)):
            other = bounds(Z, radius=split, order=order)
            assert other.total_radius == 0.5
            np.testing.assert_array_equal(one.upper, other.upper)
            np.testing.assert_array_equal(one.lower, other.lower)


def test_coefficients_scale_the_radii():
    one = bounds(Z, weights=(2, -0.5), radius=(0.25, 0.5), order=2)
    assert one.total_radius == 0.75
    scaled = makarov_bounds(2 * V1, -V2 / 2, Z, radius=0.75, order=2, sample_weight=MASS)
    np.testing.assert_allclose(one.upper, scaled.upper, rtol=0, atol=1e-14)
    np.testing.assert_allclose(one.lower, scaled.lower, rtol=0, atol=1e-14)


def test_budget_is_a_power_of_the_radius():
    one, other = bounds(Z, radius=(0.5, 0.25), order=2), bounds(Z, budget=(0.25, 0.0625), order=2)
    np.testing.assert_array_equal(one.upper, other.upper)
    assert one.budget == other.budget == (0.25, 0.0625)
    np.testing.assert_array_equal(bounds(Z, radius=0.5, order=2).upper, bounds(Z, budget=0.25, order=2).upper)


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
def test_monotone(order):
    before = bounds(Z)
    for radius in (1e-9, 0.01, 0.1, 0.5, 2.0):
        found = bounds(Z, radius=radius, order=order)
        assert (np.diff(found.upper) >= -1e-15).all()
        assert (np.diff(found.lower) >= -1e-15).all()
        assert (found.upper >= before.upper - 1e-15).all()
        assert (found.lower <= before.lower + 1e-15).all()
        before = found


def test_larger_order_is_a_smaller_ball():
    radii = [bounds(Z, radius=0.3, order=order).upper for order in (1, 1.5, 2, 3, 7)]
    for wide, narrow in pairwise(radii):
        assert (narrow <= wide + 1e-14).all()


def test_upper_bound_is_continuous_at_radius_zero():
    np.testing.assert_allclose(bounds(Z, radius=1e-14).upper, bounds(Z).upper, atol=1e-9)


def test_translation_scaling_reflection_permutation(rng):
    x, y = rng.normal(size=(2, 30))
    named = {"radius": 0.25, "order": 2}
    base = makarov_bounds(x, y, Z, **named)
    moved = makarov_bounds(x + 8, y - 4, Z + 4, **named)
    np.testing.assert_allclose(moved.upper, base.upper, atol=1e-12)
    wide = makarov_bounds(4 * x, 4 * y, 4 * Z, radius=1.0, order=2)
    np.testing.assert_array_equal(wide.upper, base.upper)
    flipped = makarov_bounds(-x, -y, -Z, **named)
    np.testing.assert_allclose(1 - flipped.upper, base.lower, atol=1e-14)
    mixed = makarov_bounds(rng.permutation(x), rng.permutation(y), Z, **named)
    np.testing.assert_array_equal(mixed.upper, base.upper)
    swapped = makarov_bounds(y, x, Z, **named)
    np.testing.assert_allclose(swapped.lower, base.lower, atol=1e-14)


def test_splitting_an_atom_and_zero_weights():
    split = np.append(V2, [V2[3], 77.0])
    mass = np.append(MASS[1], [0.1, 0.0])
    mass[3] -= 0.1
    for radius in (0, 0.3):
        one = bounds(Z, radius=radius, order=2)
        other = makarov_bounds(V1, split, Z, radius=radius, order=2, sample_weight=(MASS[0], mass))
        np.testing.assert_allclose(one.upper, other.upper, atol=1e-14)
        np.testing.assert_allclose(one.lower, other.lower, atol=1e-14)


def test_unequal_sizes_agree_with_repeated_samples(rng):
    """Three atoms against two, written out as six each: the two ways through the code."""
    x, y = rng.normal(size=3), rng.normal(size=2)
    for order in (1, 2, 3):
        one = makarov_bounds(x, y, Z, radius=0.2, order=order)
        other = makarov_bounds(np.repeat(x, 2), np.repeat(y, 3), Z, radius=0.2, order=order)
        np.testing.assert_allclose(one.upper, other.upper, atol=1e-14)
        np.testing.assert_allclose(one.lower, other.lower, atol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_brackets_simulated_laws(rng, order):
    radii = (0.2, 0.3)
    found = bounds(Z, radius=radii, order=order)
    for pull in (np.abs, lambda noise: -np.abs(noise), lambda noise: noise**3):
        rows, mass = exact.sampled_laws(rng, (V1, V2), MASS, radii, order, pull, size=600)
        below = ((rows.sum(axis=1)[:, np.newaxis] <= Z) * mass[:, np.newaxis]).sum(axis=0)
        assert (below <= found.upper + 1e-12).all()
        assert (below >= found.lower - 1e-12).all()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_quantile_bounds_invert_the_bounds(order):
    levels = np.array([0.05, 0.3, 0.5, 0.77, 0.95])
    for radius in (0, 0.1, 0.7):
        ends = makarov_quantile_bounds(V1, V2, levels, radius=radius, order=order, sample_weight=MASS)
        step = 1e-7
        above = bounds(ends.lower + step, radius=radius, order=order).upper
        below = bounds(ends.lower - step, radius=radius, order=order).upper
        assert (above >= levels - 1e-12).all()
        assert (below < levels).all()
        above = bounds(ends.upper + step, radius=radius, order=order).lower
        below = bounds(ends.upper - step, radius=radius, order=order).lower
        assert (above > levels - 1e-12).all()
        assert (below <= levels + 1e-12).all()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_breakdown_inverts_the_lower_bound(order):
    for z in (1.0, 2.5, 3.5):
        start = bounds(z).lower[0]
        for probability in (0.5 * start, 0.9 * start):
            R = makarov_breakdown(V1, V2, z, probability, bound="lower", order=order, sample_weight=MASS)
            assert bounds(z, radius=R, order=order).lower[0] == pytest.approx(probability, abs=1e-12)


def test_breakdown_at_the_jump_of_the_lower_bound():
    """P(S <= 3) >= .9 at radius 0 and .8 for every small radius: any radius brings it to .85."""
    assert makarov_breakdown(V1, V2, 3.0, 0.85, bound="lower", sample_weight=MASS) == 0.0


# Laws


@pytest.mark.parametrize("direction", ["upper", "lower"])
def test_a_law_attains_the_bound(rng, direction):
    for x, y, mass, factors, radius, order, points in instances(rng, 40):
        given = radius if rng.random() < 0.5 else (radius, 0.5 * radius)
        named = {"weights": factors, "radius": given, "order": order, "sample_weight": mass}
        found = makarov_worst_case(x, y, points[0], direction=direction, **named)
        law = found.worst_case_distribution
        assert found.status is Status.OPTIMAL
        assert found.attained == (direction == "upper" or radius == 0)
        assert found.duality_gap <= 1e-9
        wanted = getattr(makarov_bounds(x, y, points[0], **named), direction)[0]
        assert found.value == wanted
        for j, (sample, weights) in enumerate(((x, mass[0]), (y, mass[1]))):
            kept, share = sample[weights > 0], weights[weights > 0] / weights.sum()
            np.testing.assert_allclose(
                np.bincount(law.sources[:, j], law.weights, len(kept)), share, atol=1e-14
            )
            paid = law.weights @ np.abs(kept[law.sources[:, j]] - law.targets[j][:, 0]) ** order
            assert law.costs[j] == pytest.approx(paid, abs=1e-15)
        if isinstance(given, tuple):
            assert (law.costs <= np.array(given) ** order * (1 + 1e-9) + 1e-15).all()
        else:
            assert np.abs(factors) @ law.costs ** (1 / order) <= radius * (1 + 1e-9)
        if radius > 0:
            below = factors[0] * law.targets[0][:, 0] + factors[1] * law.targets[1][:, 0] <= points[0]
            assert law.weights[below].sum() == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_multiplier_is_the_slope_in_the_budget(order):
    found = makarov_worst_case(V1, V2, -1.0, radius=(0.2, 0.3), order=order, sample_weight=MASS)
    step = 1e-7
    for j in (0, 1):
        more = np.array(found.budget)
        more[j] += step
        risen = bounds(-1.0, budget=more, order=order).upper[0]
        assert found.multiplier[j] == pytest.approx((risen - found.value) / step, rel=1e-4)


# References of every kind


def test_kinds_of_reference_agree():
    base = bounds(Z, radius=(0.25, 0.5), order=2)
    laws = makarov_bounds(
        Distribution(V1, MASS[0]), Distribution(V2, MASS[1]), Z, radius=(0.25, 0.5), order=2
    )
    balls = makarov_bounds(
        WassersteinBall(V1, radius=0.25, order=2, weights=MASS[0]),
        WassersteinBall(V2, budget=0.25, order=2, weights=MASS[1]),
        Z,
    )
    for other in (laws, balls):
        np.testing.assert_allclose(other.upper, base.upper, atol=1e-14)
        np.testing.assert_allclose(other.lower, base.lower, atol=1e-14)
        assert other.order == 2
        assert other.radius == (0.25, 0.5)


def test_samples_come_near_their_law():
    grid = (np.arange(4000) + 0.5) / 4000
    x = stats.norm.ppf(grid)
    for radius, order in ((0, 1), (0.1, 2)):
        continuous = makarov_bounds(stats.norm(), stats.norm(), [-1.5], radius=radius, order=order)
        sampled = makarov_bounds(x, x, [-1.5], radius=radius, order=order)
        np.testing.assert_allclose(sampled.upper, continuous.upper, atol=1e-3)
        np.testing.assert_allclose(sampled.lower, continuous.lower, atol=1e-3)


def test_uniform_value_at_risk():
    law = stats.uniform()
    for level, radius, order in ((0.9, 0.0, 1), (0.9, 0.1, 1), (0.5, 0.2, 2), (0.8, 0.1, 3)):
        found = makarov_quantile_bounds(law, law, level, radius=radius, order=order)
        spread = radius * (1 - level) ** (-1 / order)
        assert found.upper[0] == pytest.approx(1 + level + spread, abs=1e-9)


def test_extreme_scales(rng):
    x, y = rng.normal(size=(2, 40))
    base = makarov_bounds(x, y, Z, radius=0.2, order=3)
    for power in (-300, -60, 60, 300):
        scale = 2.0**power
        found = makarov_bounds(x * scale, y * scale, Z * scale, radius=0.2 * scale, order=3)
        np.testing.assert_allclose(found.upper, base.upper, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.lower, base.lower, rtol=0, atol=1e-12)
    assert makarov_bounds(x, y, [-1e9, 1e9], radius=1e-200, order=3).upper.tolist() == [
        pytest.approx(0.0, abs=1e-150),
        1.0,
    ]


def test_answer_speaks():
    found = bounds([-1, 0, 1], weights=(1, -2), radius=(0.1, 0.2), order=2)
    assert found.name == "P(Y1 - 2 Y2 <= z)"
    assert "0.1, 0.2" in found.summary()
    assert found.to_frame().shape == (3, 5)
    assert found.to_dict()["total_radius"] == pytest.approx(0.5)
    assert found.status is Status.OPTIMAL


# Bad input


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"radius": 0.1, "budget": 0.1}, "got both"),
        ({"radius": (0.1, 0.1), "budget": 0.1}, "got both"),
        ({"radius": -0.1}, "-0.1"),
        ({"radius": (0.1, np.nan)}, "nan"),
        ({"radius": (0.1, 0.1, 0.1)}, "total distance"),
        ({"budget": np.inf}, "inf"),
        ({"order": 0.5}, ">= 1"),
        ({"order": np.inf}, "order"),
        ({"weights": (1, 1, 1)}, "3 coefficients"),
        ({"weights": (0, 0)}, "all 0"),
        ({"weights": (1, np.nan)}, "NaN"),
        ({"sample_weight": (np.ones(6),)}, "each of 2"),
        ({"sample_weight": (np.ones(5), None)}, "5 values for 6 rows"),
        ({"sample_weight": (np.zeros(6), None)}, "zero in every row"),
        ({"sample_weight": (-np.ones(6), None)}, "min -1"),
        ({"points": [0, np.nan]}, "NaN"),
        ({"points": []}, "empty"),
        ({"first": [1.0, np.inf]}, "infinite"),
        ({"first": []}, "empty"),
        ({"first": stats.norm()}, "two of a kind"),
        ({"first": stats.poisson(2)}, "Distribution"),
        ({"first": WassersteinBall(V1, radius=0.1), "radius": 0.1}, "own radius"),
        ({"first": WassersteinBall(np.ones((3, 2)), radius=0.1)}, "on the line"),
        ({"first": WassersteinBall(V1, radius=0.1, order=2), "order": 3}, "one order"),
        ({"first": Distribution(V1), "sample_weight": (np.ones(6), None)}, "own weights"),
    ],
)
def test_bad_input(named, message):
    arguments = {"first": V1, "second": V2, "points": [0.0], **named}
    with pytest.raises(InvalidInput, match=message):
        makarov_bounds(**arguments)


def test_balls_of_two_orders():
    with pytest.raises(InvalidInput, match="order"):
        makarov_bounds(WassersteinBall(V1, radius=0.1, order=2), WassersteinBall(V2, radius=0.1), 0.0)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_bad_level(level):
    with pytest.raises(InvalidInput, match=r"pass 0\.95"):
        makarov_quantile_bounds(V1, V2, [0.5, level])


def test_bad_breakdown():
    with pytest.raises(InvalidInput, match="probability"):
        makarov_breakdown(V1, V2, 0.0, 0.0)
    with pytest.raises(InvalidInput, match="probability"):
        makarov_breakdown(V1, V2, 0.0, 1.0, bound="lower")
    with pytest.raises(InvalidInput, match="bound"):
        makarov_breakdown(V1, V2, 0.0, 0.5, bound="both")
