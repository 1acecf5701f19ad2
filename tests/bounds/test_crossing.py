"""Crossing probabilities: golden values, closed forms, slow twins, shapes that panels cannot follow."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from riskstats.bounds import crossing
from riskstats.bounds.berk_jones_boundary import ActiveRanks, band_layout, berk_jones_boundary
from riskstats.bounds.calibration import crossing_of_level
from riskstats.bounds.crossing import crossing_probability
from riskstats.bounds.crossing_recursion import log_excess
from riskstats.bounds.panels import Piece, panels, sub_points
from riskstats.exceptions import InvalidInput
from tests.reference.crossing import crossing_by_fractions, crossing_by_simulation, crossing_by_sweep

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "control.json").read_text(encoding="utf-8"))
RECORDS = [r for r in GOLDEN["values"] if r["quantity"] == "crossing_probability"]


def berk_jones(n, level):
    rank = np.arange(1, n + 1)
    return special.betaincinv(rank, n - rank + 1, level)


def boundary_of(name, n):
    rank = np.arange(1, n + 1)
    if name == "daniels":
        return rank / (20 * n)
    if name == "kolmogorov_smirnov":
        return np.maximum(0.0, rank / n - 1.2 / np.sqrt(n))
    return berk_jones(n, float(name.removeprefix("berk_jones_")))


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['boundary']}-{r['n']}")
def test_golden(record):
    found = crossing_probability(boundary_of(record["boundary"], record["n"]))
    assert found == pytest.approx(record["value"], rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 63, 500, 1000, 5000, 30_000])
def test_daniels_line_is_crossed_with_its_slope(n):
    assert crossing_probability(np.arange(1, n + 1) / (20 * n)) == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "scaled"),
    [(1, 0.4), (7, 1.2), *((n, scaled) for n in (300, 1000, 20_000) for scaled in (0.4, 1.2, 3.0, 5.0))],
)
def test_parallel_line_has_the_kolmogorov_smirnov_law(n, scaled):
    radius = scaled / np.sqrt(n)
    found = crossing_probability(np.maximum(0.0, np.arange(1, n + 1) / n - radius))
    assert found == pytest.approx(stats.ksone.sf(radius, n), rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 5, 12, 24])
@pytest.mark.parametrize("scale", [1.0, 0.3, 1e-3])
def test_equals_rational_arithmetic(n, scale, rng):
    for boundary in (scale * np.sort(rng.random(n)), scale * np.sort(rng.integers(0, 6, n)) / 8):
        exact = float(crossing_by_fractions([Fraction(float(b)) for b in boundary]))
        assert crossing_probability(boundary) == pytest.approx(exact, rel=1e-13)


def test_fractions_on_sixty_ranks():
    boundary = np.concatenate([np.zeros(55), np.arange(1, 6) / 7])
    exact = float(crossing_by_fractions([Fraction(float(b)) for b in boundary]))
    assert exact < 1e-4
    assert crossing_probability(boundary) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("n", [1000, 5000])
@pytest.mark.parametrize("level", [0.1, 1e-3, 1e-9])
def test_panels_equal_the_sweep(n, level):
    slow = crossing_by_sweep(berk_jones(n, level))
    assert crossing_probability(berk_jones(n, level)) == pytest.approx(slow, rel=1e-11)
    assert crossing_of_level(n, level, ActiveRanks(1, n)) == pytest.approx(slow, rel=1e-11)


@pytest.mark.parametrize(("n", "first", "plateau"), [(1000, 1, 924), (1000, 544, 924), (5000, 2600, 4554)])
def test_panels_end_at_kinks(n, first, plateau):
    ranks = ActiveRanks(first, plateau)
    boundary = berk_jones_boundary(n, 1e-3, ranks)
    assert not boundary[: first - 1].any()
    assert (boundary[plateau - 1 :] == boundary[-1]).all()
    slow = crossing_by_sweep(boundary)
    assert crossing_of_level(n, 1e-3, ranks) == pytest.approx(slow, rel=1e-11)
    assert crossing_probability(boundary) == pytest.approx(slow, rel=1e-11)


def awkward_boundaries(n, rng):
    rank = np.arange(1, n + 1)
    smooth = berk_jones(n, 1e-3)
    line = np.maximum(0.0, rank / n - 1.5 / np.sqrt(n))
    jump, dent, flat = smooth.copy(), smooth.copy(), smooth.copy()
    jump[: n // 3] *= 0.5
    dent[n // 2] = dent[n // 2 + 1]
    flat[n // 4 : n // 3] = flat[n // 3]
    barely = smooth.copy()
    barely[2 * n // 3 :] *= 1 + 1e-7
    return {
        "steps": np.floor(10 * rank / n) / 12,
        "random": 0.8 * np.sort(rng.random(n)),
        "jump": jump,
        "dent": dent,
        "inner plateau": flat,
        "barely a kink": barely,
        "larger of two": np.maximum(smooth, line),
        "one value": np.full(n, 0.5),
        "last rank": np.where(rank == n, 0.9, 0.0),
    }


@pytest.mark.parametrize("name", awkward_boundaries(10, np.random.default_rng(0)))
def test_boundaries_that_are_not_smooth(name, rng):
    boundary = np.maximum.accumulate(awkward_boundaries(1500, rng)[name])
    assert crossing_probability(boundary) == pytest.approx(crossing_by_sweep(boundary), rel=1e-11)


def test_kinks_are_found_and_noise_is_summed_rank_by_rank(monkeypatch, rng):
    summed = []
    exact = crossing.exact_layout
    monkeypatch.setattr(crossing, "exact_layout", lambda *a: summed.append(a) or exact(*a))
    shapes = awkward_boundaries(1500, rng)
    crossing_probability(np.maximum.accumulate(shapes["jump"]))
    assert not summed
    crossing_probability(shapes["random"])
    assert summed


def test_equals_simulation(rng):
    boundary = np.sort(rng.random(40)) * 0.7
    found, share = crossing_probability(boundary), crossing_by_simulation(boundary, 40_000, rng)
    assert abs(found - share) < 4.5 * np.sqrt(found * (1 - found) / 40_000)


def test_only_the_first_of_equal_values_matters():
    boundary = np.array([0.1, 0.4, 0.4, 0.4, 0.6, 0.6])
    first_only = np.array([0.1, 0.4, 0.0, 0.0, 0.6, 0.0])
    exact = float(crossing_by_fractions([Fraction(float(b)) for b in np.maximum.accumulate(first_only)]))
    assert crossing_probability(boundary) == pytest.approx(exact, rel=1e-14)


def test_probabilities_keep_their_digits_when_tiny():
    assert crossing_probability(np.array([1e-200, 1e-150, 1e-100])) == pytest.approx(3e-200, rel=1e-12)
    n = 800
    assert crossing_probability(np.where(np.arange(n) == n - 1, 0.5, 0.0)) == pytest.approx(0.5**n, rel=1e-12)


def test_ends_of_the_range():
    one_below = np.nextafter(1.0, 0.0)
    assert crossing_probability(np.zeros(5)) == 0.0
    assert crossing_probability(np.array([0.2, 1.0])) == 1.0
    assert crossing_probability(np.array([0.3])) == pytest.approx(0.3, rel=1e-15)
    assert crossing_probability(np.full(600, one_below)) == 1.0
    assert crossing_probability(np.linspace(1e-320, 1e-310, 600)) < 1e-306


def test_more_nodes_change_nothing():
    boundary = berk_jones(3000, 1e-4)
    few, many = crossing_probability(boundary, nodes=12), crossing_probability(boundary, nodes=20)
    assert few == pytest.approx(many, rel=1e-11)


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        ([], "empty"),
        ([0.1, np.nan], "NaN"),
        ([0.2, 0.1], "nondecreasing"),
        ([-0.1, 0.1], "lie in"),
        ([0.1, 1.1], "lie in"),
        ([[0.1, 0.2]], "dimension"),
    ],
)
def test_bad_boundaries(boundary, words):
    with pytest.raises(InvalidInput, match=words):
        crossing_probability(boundary)


# ---- panels


@pytest.mark.parametrize("n", [100, 1000, 100_000])
@pytest.mark.parametrize("degree", [8, 14, 21])
def test_panels_cover_the_ranks_and_sum_polynomials(n, degree):
    cut = panels([Piece(1, n - 1, 0, n)], degree)
    assert [panel.low for panel in cut] == [1, *(panel.high + 1 for panel in cut[:-1])]
    assert cut[-1].high == n - 1
    for panel in cut:
        assert (np.diff(panel.nodes) >= 1).all()
        assert panel.low <= panel.nodes[0]
        assert panel.nodes[-1] <= panel.high
        ranks = np.arange(panel.low, panel.high + 1)
        total = panel.weights @ (panel.nodes / n) ** 5
        assert total == pytest.approx(((ranks / n) ** 5).sum(), rel=1e-12)


def test_sub_points_sum_smooth_functions_above_each_target():
    targets = np.array([100.0, 150.0, 700.0, 999.0, 1000.0])
    rule = sub_points(targets, 150, 1000, 16)
    for index, target in enumerate(targets[:-1]):
        here = rule.target == index
        ranks = np.arange(max(150, target + 1), 1001)
        found = rule.weights[here] @ (1 / np.sqrt(rule.points[here] - target))
        assert found == pytest.approx((1 / np.sqrt(ranks - target)).sum(), rel=1e-12)
    assert not (rule.target == 4).any()


def test_log_excess_rebuilds_factorials():
    count = np.concatenate([np.arange(40.0), [70.25, 99.5]])
    base = np.where(count > 0, count * np.log(np.maximum(count, 1)), 0.0) - count + 0.5 * np.log(2 * np.pi)
    expected = special.gammaln(count + 1) - base
    assert log_excess(count) == pytest.approx(expected, abs=1e-13)
    far = np.array([1e5, 3e8])
    assert log_excess(far) == pytest.approx(0.5 * np.log(far) + 1 / (12 * far), rel=1e-15)


def test_layouts_grow_slowly():
    sizes = [len(band_layout(n, ActiveRanks(1, n)).nodes) for n in (10_000, 1_000_000)]
    assert sizes[1] < 2 * sizes[0] < 2000
