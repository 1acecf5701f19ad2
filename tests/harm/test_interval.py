"""Ranges over all maps and weights: golden values, brute force, and what more knowledge does."""

import math

import numpy as np
import pytest

from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.harm.dominance import dominance
from riskstats.harm.interval import harm_interval, range_over_maps, ratio_over_maps
from riskstats.harm.map_sets import DecreasingMaps
from riskstats.harm.weights import HarmWeights
from riskstats.results import Status
from tests.harm.goldens import DOMINANCE
from tests.reference.harm import cumulative_by_loop, random_maps

COLUMNS = DOMINANCE["severity"], DOMINANCE["cost"]
WEIGHTS = {"sample_weight": DOMINANCE["sample_weight"]}
ALL = DecreasingMaps()
SAME = DecreasingMaps(constraints=(((0.0,) * 5, 1.0),))  # says nothing, and goes through the linear program
LEVELS = ("1", "2", "3", "4", "5")
NARROWER = [
    DecreasingMaps(convex=True),
    DecreasingMaps(floor=0.2),
    DecreasingMaps(lower=(1, 0.5, 0.2, 0, 0)),
    DecreasingMaps(upper=(1, 0.9, 0.6, 0.5, 0.1)),
    DecreasingMaps(constraints=(((0, -1, 0, 2, 0), 0.1),)),
]


def harms(rng, zeros=0.2):
    """(K,) harms of the levels, some of them 0."""
    return rng.random(5) * (rng.random(5) > zeros)


# ---- golden values


def test_golden_dominance_and_intervals():
    assert dominance(*(np.array(DOMINANCE[f"cumulative_{x}"]) for x in "ab")) == DOMINANCE["verdict"]
    found = harm_interval(DOMINANCE["attack_a"], *COLUMNS, **WEIGHTS)
    np.testing.assert_allclose((found.lower, found.upper), DOMINANCE["harm_interval_a"], rtol=1e-14)
    ratio = harm_interval(DOMINANCE["attack_a"], *COLUMNS, against=DOMINANCE["attack_b"], **WEIGHTS)
    np.testing.assert_allclose((ratio.lower, ratio.upper), DOMINANCE["ratio_interval"], rtol=1e-14)


# ---- brute force over maps


def test_closed_forms_agree_with_brute_force(rng):
    maps = random_maps(rng, 10_000)
    for _ in range(40):
        first, second = harms(rng), harms(rng)
        values, others = maps @ first, maps @ second
        found = range_over_maps(first, LEVELS, ALL)
        assert (values.min(), values.max()) == pytest.approx((found.lower, found.upper), rel=1e-12)
        signed = range_over_maps(first - second, LEVELS, ALL)
        gap = values - others
        assert (gap.min(), gap.max()) == pytest.approx((signed.lower, signed.upper), abs=1e-12)
        verdict = dominance(np.cumsum(first), np.cumsum(second))
        below, above = (gap < -1e-12).any(), (gap > 1e-12).any()
        assert verdict == {(True, False): "a_lower", (False, True): "b_lower", (False, False): "equal"}.get(
            (below, above), "undecided"
        )
        ratio = ratio_over_maps(first, second, LEVELS, ALL)
        counted = (values > 0) | (others > 0)
        with np.errstate(divide="ignore"):
            ratios = values[counted] / others[counted]
        assert (ratios.min(), ratios.max()) == pytest.approx((ratio.lower, ratio.upper), rel=1e-12)


def test_values_from_prompts_agree_with_a_loop(rng):
    n = 80
    success, severity, cost = rng.random(n), rng.integers(1, 6, n), rng.integers(1, 6, n)
    weights = rng.random(n)
    g = cumulative_by_loop(success, severity, cost, weights)
    found = harm_interval(success, severity, cost, sample_weight=weights)
    assert (found.lower, found.upper) == pytest.approx((g[0], g[-1]), rel=1e-12)


# ---- linear programs


def test_the_linear_program_is_the_closed_form(rng):
    for _ in range(12):
        first, second = harms(rng), harms(rng)
        for among in (range_over_maps, ratio_over_maps):
            given = (first,) if among is range_over_maps else (first, second)
            closed, solved = among(*given, LEVELS, ALL), among(*given, LEVELS, SAME)
            assert closed.status is solved.status
            if closed.lower is not None:
                assert solved.lower == pytest.approx(closed.lower, rel=1e-9, abs=1e-12)
                assert solved.upper == pytest.approx(closed.upper, rel=1e-9, abs=1e-12)


def test_more_knowledge_never_widens_and_ends_are_attained(rng):
    for _ in range(5):
        first, second = harms(rng, 0), harms(rng, 0)
        wide, wide_ratio = range_over_maps(first, LEVELS, ALL), ratio_over_maps(first, second, LEVELS, ALL)
        for maps in NARROWER:
            found, ratio = (
                range_over_maps(first, LEVELS, maps),
                ratio_over_maps(first, second, LEVELS, maps),
            )
            assert wide.lower - 1e-12 <= found.lower <= found.upper <= wide.upper + 1e-12
            assert wide_ratio.lower - 1e-9 <= ratio.lower <= ratio.upper <= wide_ratio.upper + 1e-9
            for end in ("lower", "upper"):
                point = getattr(found, f"{end}_at")
                assert first @ point == pytest.approx(getattr(found, end), rel=1e-12)
                point = getattr(ratio, f"{end}_at")
                assert first @ point / (second @ point) == pytest.approx(getattr(ratio, end), rel=1e-12)
                assert maps.polyhedron(5).violation(point) < 1e-9
            assert found.status is ratio.status is Status.OPTIMAL
            assert max(found.gap, ratio.gap) < 1e-9


def test_constrained_ends_agree_with_brute_force(rng):
    maps = random_maps(rng, 10_000)
    convex = maps[(np.diff(maps, 2, axis=1) >= -1e-12).all(axis=1)]
    grid = np.array([np.clip((j - np.arange(5)) / j, 0, None) for j in range(1, 200)] + [np.ones(5)])
    shown = np.vstack([convex, grid])
    for _ in range(20):
        first, second = harms(rng, 0), harms(rng, 0)
        found = ratio_over_maps(first, second, LEVELS, DecreasingMaps(convex=True))
        ratios = (shown @ first) / (shown @ second)
        assert found.lower - 1e-9 <= ratios.min()
        assert ratios.max() <= found.upper + 1e-9
        assert found.upper - ratios.max() < 0.02 * found.upper


def test_ratios_without_a_finite_end():
    a, b, none = np.array([1.0, 1, 0, 0, 0]), np.array([0.0, 1, 1, 0, 0]), np.zeros(5)
    for maps in (ALL, SAME):
        found = ratio_over_maps(a, b, LEVELS, maps)
        assert (found.lower, found.upper, found.status) == (1.0, math.inf, Status.UNBOUNDED)
        assert ratio_over_maps(a, none, LEVELS, maps).lower == math.inf
        empty = ratio_over_maps(none, none, LEVELS, maps)
        assert (empty.lower, empty.status) == (None, Status.NO_BOUND)
        assert "undefined" in empty.summary()
        left_out = ratio_over_maps(np.array([0.0, 1, 1, 0, 0]), b, LEVELS, maps)
        assert (left_out.lower, left_out.upper) == pytest.approx((1, 1))


def test_a_floor_bounds_the_ratio_again():
    a, b = np.array([1.0, 1, 0, 0, 0]), np.array([0.0, 1, 1, 0, 0])
    found = ratio_over_maps(a, b, LEVELS, DecreasingMaps(floor=0.1))
    assert found.upper == pytest.approx((1 + 0.1) / 0.2)


# ---- weights


def test_an_order_of_weights_has_the_means_of_its_first_parts(rng):
    names = ("severity", "extent", "likelihood")
    table, success = rng.random((50, 3)), rng.random(50)
    found = harm_interval(success, table, weights=HarmWeights.simplex(names, names))
    mean = (success[:, None] * table).mean(axis=0)
    ends = [mean[: k + 1].mean() for k in range(3)]
    assert (found.lower, found.upper) == pytest.approx((min(ends), max(ends)), rel=1e-12)
    for at, value in ((found.lower_at, found.lower), (found.upper_at, found.upper)):
        assert at @ mean == pytest.approx(value)
        assert at.sum() == pytest.approx(1)
        assert (np.diff(at) <= 1e-12).all()


def test_intervals_of_weights(rng):
    table = rng.random((50, 2))
    free = HarmWeights.intervals([0.2, 0.1], [0.5, 0.8], ["a", "b"])
    mean = table.mean(axis=0)
    found = harm_interval(np.ones(50), table, weights=free)
    assert (found.lower, found.upper) == pytest.approx((mean @ [0.2, 0.1], mean @ [0.5, 0.8]))
    summed = HarmWeights.intervals([0.2, 0.1], [0.5, 0.8], ["a", "b"], total=1.0)
    tighter = harm_interval(np.ones(50), {"a": table[:, 0], "b": table[:, 1]}, weights=summed)
    ends = sorted(mean @ [p, 1 - p] for p in (0.2, 0.5))
    assert (tighter.lower, tighter.upper) == pytest.approx(tuple(ends))


def test_ratio_over_weights_agrees_with_its_corners(rng):
    table = rng.random((40, 3))
    first, second = rng.random(40), rng.random(40)
    found = harm_interval(first, table, weights=HarmWeights.simplex("abc"), against=second)
    corners = (first @ table) / (second @ table)
    assert (found.lower, found.upper) == pytest.approx((corners.min(), corners.max()), rel=1e-9)


def test_the_order_of_prompts_does_not_matter(rng):
    n = 60
    success, severity, cost = rng.random(n), rng.integers(1, 6, n), rng.integers(1, 6, n)
    order = rng.permutation(n)
    maps = DecreasingMaps(convex=True, floor=0.05)
    found = harm_interval(success, severity, cost, weights=maps)
    moved = harm_interval(success[order], severity[order], cost[order], weights=maps)
    assert (moved.lower, moved.upper) == pytest.approx((found.lower, found.upper), rel=1e-12)
    assert found.to_frame()["value"].tolist() == [found.lower, found.upper]


# ---- bad input


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: DecreasingMaps(upper=(0.9, 0.5, 0.5, 0.5, 0.5)).polyhedron(5), r"f\(1\)"),
        (lambda: DecreasingMaps(floor=0.5, upper=(1, 1, 1, 1, 0.2)).polyhedron(5), r"f\(5\)"),
        (
            lambda: DecreasingMaps(
                lower=(1, 0.9, 0, 0, 0), upper=(1, 1, 0.1, 0.1, 0.1), convex=True
            ).polyhedron(5),
            "`lower` or `upper` or `convex`",
        ),
        (lambda: HarmWeights.intervals([0.6, 0.6], [1, 1], total=1.0), "sum 1"),
        (lambda: HarmWeights(("a", "b"), lower=(0.9, 0), upper=(0.5, 1)), "of a would be"),
    ],
)
def test_contradictions_are_named(make, told):
    with pytest.raises(Infeasible, match=told):
        make()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: DecreasingMaps(upper=(1, 2, 0, 0, 0)), r"`upper` must lie in \[0, 1\]"),
        (lambda: DecreasingMaps(floor=2), "floor"),
        (lambda: DecreasingMaps(lower=(1, 0)).polyhedron(5), "2 values for 5"),
        (lambda: DecreasingMaps(constraints=(((1, 2), 0),)).polyhedron(5), "2 coefficients for 5"),
        (lambda: HarmWeights.simplex(("a", "a")), "different names"),
        (lambda: HarmWeights.simplex(("a", "b"), (("a", "c"),)), "'c'"),
        (lambda: HarmWeights(("a",), total=None), "need `upper`"),
        (lambda: HarmWeights(("a", "b"), lower=(-1, 0)), "2 numbers >= 0"),
        (lambda: harm_interval([1], [1], [1], weights=HarmWeights.simplex("a")), "no place"),
        (lambda: harm_interval([1], [1]), "`cost` is missing"),
        (lambda: harm_interval([1], [[1, 2]], weights=HarmWeights.simplex("abc")), "one column for each"),
        (lambda: harm_interval([1], {"b": [1]}, weights=HarmWeights.simplex("a")), "the columns are b"),
        (lambda: harm_interval([1], [1], [1], weights="all"), "must be `DecreasingMaps`"),
        (lambda: harm_interval([1], [1], [1], against=[1, 1]), "rows"),
    ],
)
def test_what_is_refused(make, told):
    with pytest.raises(InvalidInput, match=told):
        make()


def test_a_ratio_over_nothing_says_so_in_words():
    over_nothing = harm_interval([1, 1], [1, 2], [1, 2], against=[0, 0]).summary()
    assert "it has no upper end" in over_nothing
    partly = harm_interval([1, 1], [1, 2], [1, 2], against=[0, 1]).summary()
    assert "at least 1.5, and has no upper end" in partly
    assert "improved" not in over_nothing + partly
