"""Bounds of a joint distribution function: golden values, linear programs, and the marginals they rest on."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.frechet import frechet_hoeffding_bounds
from tests.reference import makarov as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
INPUTS = GOLDEN["inputs"]
V1, V2 = np.array(INPUTS["v1"]), np.array(INPUTS["v2"])
MASS = np.array(INPUTS["a1"]), np.array(INPUTS["a2"])
CORNERS = np.array([(a, b) for a in (-1.2, -0.4, 0.0, 0.5, 1.7) for b in (-1.5, -0.1, 0.3, 2.0)])


@pytest.mark.parametrize(
    "row", GOLDEN["B_two_marginal"]["rows"], ids=lambda r: f"{r['p']}-{r['r1']}-{r['r2']}"
)
def test_golden(row):
    found = frechet_hoeffding_bounds(
        V1, V2, (0, 0), radius=(row["r1"], row["r2"]), order=row["p"], sample_weight=MASS
    )
    assert found.upper[0] == pytest.approx(row["joint_cdf_00_sup_grid"], rel=0, abs=1e-7)
    assert found.lower[0] == pytest.approx(row["joint_cdf_00_inf_grid"], rel=0, abs=1e-7)


def program(x, y, masses, corner, radii, order, sign):
    """The exact program: an atom stays, goes to the corner or, for the infimum, just beyond it."""
    ends, inside = [], []
    for sample, edge in zip((x, y), corner, strict=True):
        ends.append(np.append(sample, edge))
        inside.append(np.append(sample <= edge, sign > 0))
    costs = [np.abs(np.subtract.outer(v, end)) ** order for v, end in zip((x, y), ends, strict=True)]
    event = np.outer(*inside).astype(float)
    return exact.marginal_program(masses, costs, np.array(radii) ** order, event, sign)


def test_linear_program(rng):
    for _ in range(40):
        x, y = rng.normal(size=rng.integers(2, 6)), rng.normal(size=rng.integers(2, 6))
        masses = rng.dirichlet(np.ones(len(x))), rng.dirichlet(np.ones(len(y)))
        corner, radii = rng.normal(size=2), rng.uniform(0, 0.6, 2) * rng.integers(0, 2, 2)
        order = float(rng.choice([1, 2, 3]))
        found = frechet_hoeffding_bounds(x, y, corner, radius=radii, order=order, sample_weight=masses)
        upper = program(x, y, masses, corner, radii, order, 1.0)
        lower = program(x, y, masses, corner, radii, order, -1.0)
        assert found.upper[0] == pytest.approx(upper, abs=1e-7)
        assert found.lower[0] == pytest.approx(lower, abs=1e-7)


def test_radius_zero_is_frechet_and_hoeffding():
    found = frechet_hoeffding_bounds(V1, V2, CORNERS, sample_weight=MASS)
    one = (MASS[0] * (CORNERS[:, :1] >= V1)).sum(axis=1)
    two = (MASS[1] * (CORNERS[:, 1:] >= V2)).sum(axis=1)
    np.testing.assert_allclose(found.upper, np.minimum(one, two), atol=1e-14)
    np.testing.assert_allclose(found.lower, np.maximum(one + two - 1, 0), atol=1e-14)
    np.testing.assert_array_equal(found.upper, found.classical_upper)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_monotone_in_every_radius(order):
    before = frechet_hoeffding_bounds(V1, V2, CORNERS, order=order, sample_weight=MASS)
    for radii in ((0.1, 0.0), (0.1, 0.2), (0.4, 0.2), (0.4, 0.9)):
        found = frechet_hoeffding_bounds(V1, V2, CORNERS, radius=radii, order=order, sample_weight=MASS)
        assert (found.upper >= before.upper - 1e-15).all()
        assert (found.lower <= before.lower + 1e-15).all()
        assert (found.lower <= found.upper).all()
        before = found


@pytest.mark.parametrize("order", [1, 2])
def test_brackets_simulated_laws(rng, order):
    found = frechet_hoeffding_bounds(V1, V2, CORNERS, radius=(0.2, 0.3), order=order, sample_weight=MASS)
    for pull in (np.abs, lambda noise: -np.abs(noise), lambda noise: noise):
        rows, mass = exact.sampled_laws(rng, (V1, V2), MASS, (0.2, 0.3), order, pull, size=600)
        inside = (rows[:, np.newaxis] <= CORNERS).all(axis=2)
        share = mass @ inside
        assert (share <= found.upper + 1e-12).all()
        assert (share >= found.lower - 1e-12).all()


def test_references_of_every_kind():
    corner = (0.3, -0.2)
    number = frechet_hoeffding_bounds(V1, V2, corner, radius=0.25, order=2)
    assert number.radius == (0.25, 0.25)
    balls = frechet_hoeffding_bounds(
        WassersteinBall(V1, radius=0.25, order=2), WassersteinBall(V2, radius=0.25, order=2), corner
    )
    np.testing.assert_allclose(balls.upper, number.upper, atol=1e-14)
    law = frechet_hoeffding_bounds(stats.norm(), stats.norm(), corner)
    assert law.upper[0] == pytest.approx(stats.norm.cdf(-0.2), abs=1e-9)
    assert law.lower[0] == pytest.approx(max(stats.norm.cdf([0.3, -0.2]).sum() - 1, 0), abs=1e-9)
    mixed = frechet_hoeffding_bounds(stats.uniform(), V2, (0.25, 9.0), radius=(0.1, 0.0))
    q = mixed.upper[0]
    assert (q - 0.25) ** 2 / 2 == pytest.approx(0.1, abs=1e-9)


def test_answer_speaks():
    found = frechet_hoeffding_bounds(V1, V2, [(0, 0), (1, 1)], radius=(0.1, 0.2))
    assert "P(Y1 <= a, Y2 <= b)" in found.summary()
    assert "1, 1" in found.summary()
    assert len(found.to_frame()) == 2


@pytest.mark.parametrize("points", [0.0, [0.0], [0, 0, 0], [[0, np.nan]], [["a", "b"]], np.zeros((0, 2))])
def test_bad_points(points):
    with pytest.raises(InvalidInput, match="points"):
        frechet_hoeffding_bounds(V1, V2, points)


def test_bad_input():
    with pytest.raises(InvalidInput, match="pair"):
        frechet_hoeffding_bounds(V1, V2, (0, 0), sample_weight=(None,))
    with pytest.raises(InvalidInput, match="got both"):
        frechet_hoeffding_bounds(V1, V2, (0, 0), radius=0.1, budget=0.1)
