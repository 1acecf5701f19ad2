"""Expected harm: golden values, identities, its tail beside it, its limits, and bad input."""

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.harm.expected import expected_harm
from riskstats.results import Status
from riskstats.tail.limits import BootstrapT, cvar_interval
from tests.harm.goldens import DOMINANCE, GOLDEN
from tests.reference.harm import cumulative_by_loop, expected_harm_by_loop
from tests.theorems.laws import too_many

KEYS = ("severity", "cost")


def prompts(rng, n=200):
    """(success, severity, cost, weights)."""
    return (
        rng.beta(0.3, 1.0, n).round(2),
        rng.integers(1, 6, n),
        rng.integers(1, 6, n),
        rng.random(n),
    )


def report(success, severity, cost, *, cost_map="linear", random_state=0, **asked):
    return expected_harm(success, severity, cost, cost_map=cost_map, random_state=random_state, **asked)


# ---- values


def test_golden_single_prompts():
    golden = GOLDEN["expected_harm"]
    for severity, cost, harm in zip(golden["severity"], golden["cost"], golden["EH_linear"], strict=True):
        found = report(np.ones(2), [severity] * 2, [cost] * 2, limit=Betting(), tail_limit=BerkJones())
        assert found.value == pytest.approx(harm, rel=1e-14)


@pytest.mark.parametrize("cost_map", ["linear", "reciprocal"])
def test_golden_sample(cost_map):
    columns = [DOMINANCE[key] for key in KEYS]
    asked = {"cost_map": cost_map, "sample_weight": DOMINANCE["sample_weight"]}
    first, second = (report(DOMINANCE[name], *columns, **asked) for name in ("attack_a", "attack_b"))
    assert first.value == pytest.approx(DOMINANCE["expected_harm_a"][cost_map], rel=1e-14)
    assert second.value == pytest.approx(DOMINANCE["expected_harm_b"][cost_map], rel=1e-14)
    asr = DOMINANCE["weighted_attack_success_a"][cost_map]
    assert first.attack_success.estimate == pytest.approx(asr, rel=1e-14)
    np.testing.assert_allclose(first.cumulative, DOMINANCE["cumulative_a"], rtol=1e-14)
    np.testing.assert_allclose(first.interval, DOMINANCE["harm_interval_a"], rtol=1e-14)


def test_values_agree_with_a_loop(rng):
    success, severity, cost, weights = prompts(rng)
    found = report(success, severity, cost, sample_weight=weights, cost_map=[0.9, 0.5, 0.5, 0.2, 0.1])
    likelihood = [0.9, 0.5, 0.5, 0.2, 0.1]
    assert found.value == pytest.approx(
        expected_harm_by_loop(success, severity, cost, likelihood, weights), rel=1e-12
    )
    np.testing.assert_allclose(
        found.cumulative, cumulative_by_loop(success, severity, cost, weights), rtol=1e-12
    )
    assert sum(row.harm for row in found.levels) == pytest.approx(found.value, rel=1e-12)
    assert sum(row.share for row in found.levels) == pytest.approx(1)


def test_a_constant_map_is_severity_weighted_success(rng):
    success, severity, cost, weights = prompts(rng)
    found = report(success, severity, cost, sample_weight=weights, cost_map=np.ones(5))
    assert found.value == pytest.approx(np.average(severity * success, weights=weights), rel=1e-12)
    assert found.attack_success.estimate == pytest.approx(
        np.average(success, weights=weights * severity), rel=1e-12
    )


def test_the_scale_of_the_map_scales_harm_and_leaves_attack_success(rng):
    columns = prompts(rng)[:3]
    whole, half = report(*columns), report(*columns, cost_map=lambda c: 0.5 * (6 - c) / 5)
    assert half.value == pytest.approx(0.5 * whole.value, rel=1e-12)
    assert half.expected_harm.upper == pytest.approx(0.5 * whole.expected_harm.upper, rel=1e-9)
    assert half.attack_success.estimate == pytest.approx(whole.attack_success.estimate, rel=1e-12)
    assert any("f(1) = 0.5" in note for note in half.notes)


def test_order_of_prompts_and_names_of_levels_do_not_matter(rng):
    success, severity, cost, weights = prompts(rng)
    order = rng.permutation(len(success))
    names = np.array(["trivial", "easy", "fair", "hard", "expert"])
    found = report(success, severity, cost, sample_weight=weights)
    moved = report(
        success[order],
        severity[order],
        names[cost[order] - 1],
        sample_weight=weights[order],
        levels=names,
    )
    assert moved.value == pytest.approx(found.value, rel=1e-12)
    assert moved.cvar == pytest.approx(found.cvar, rel=1e-12)
    assert [row.cost for row in moved.levels] == names.tolist()


# ---- the tail is always there


@pytest.mark.parametrize(
    "asked",
    [{}, {"limit": Betting()}, {"tail_limit": BerkJones()}, {"side": "two-sided"}, {"risk_limit": 1.0}],
)
def test_every_summary_has_harm_and_cvar_with_limits_on_its_first_line(rng, asked):
    success, severity, cost, _ = prompts(rng)
    found = report(success, severity, cost, prompts=[f"p{i}" for i in range(200)], **asked)
    line = found.summary().splitlines()[0]
    for part in (
        f"Expected harm {found.value:.4g}",
        f"{found.expected_harm.upper:.4g}",
        f"CVaR of severity x success at level 0.95 {found.cvar:.4g}",
        f"at most {found.tail.upper:.4g}",
        f"n_tail = {found.n_tail:.4g}",
        f"{found.worst[0].prompt} (severity {found.worst[0].severity:g}, cost {found.worst[0].cost}",
    ):
        assert part in line


def test_cvar_is_that_of_the_tail(rng):
    success, severity, cost, weights = prompts(rng)
    found = report(success, severity, cost, sample_weight=weights, level=0.9)
    alone = cvar_interval(severity * success, 0.9, support=(0, 5), sample_weight=weights, random_state=0)
    assert (found.cvar, found.tail.upper) == (alone.estimate, alone.upper)


def test_a_catastrophe_that_the_map_hides_is_the_worst_prompt(rng):
    success, severity, cost = np.zeros(200), rng.integers(1, 3, 200), rng.integers(1, 6, 200)
    success[:60] = 0.3
    success[7], severity[7], cost[7] = 1.0, 5, 5
    found = report(success, severity, cost, cost_map="exponential:2", level=0.995)
    assert found.worst[0].prompt == "7"
    assert found.worst[0].harm < 0.01
    assert found.cvar == pytest.approx(5)


def test_easier_prompts_come_first_among_the_worst():
    found = report([1, 1, 1, 0, 0.5], [4, 4, 4, 5, 1], [3, 1, 2, 1, 1], level=0.2, limit=Betting())
    assert [row.prompt for row in found.worst[:3]] == ["1", "2", "0"]


# ---- limits


def test_limits_cover(rng):
    """At n = 150 the approximate and the guaranteed limits of one law miss in few samples."""
    grid = np.array([(s, c) for s in range(1, 6) for c in range(1, 6)])
    chance = 0.1 * (0.5 + 0.2 * grid[:, 0])
    truth = float(np.mean(grid[:, 0] * (6 - grid[:, 1]) / 5 * chance))
    missed = np.zeros(2, dtype=int)
    for seed in range(60):
        rows = rng.integers(0, 25, 150)
        success = (rng.random(150) < chance[rows]).astype(float)
        for place, asked in enumerate(({"limit": BootstrapT(199)}, {"limit": Betting()})):
            found = report(success, *grid[rows].T, random_state=seed, tail_limit=BootstrapT(99), **asked)
            missed[place] += found.expected_harm.upper < truth
    assert not too_many(int(missed[0]), 60, 0.05)
    assert not too_many(int(missed[1]), 60, 0.05)


def test_clusters_widen_the_limit(rng):
    unit = np.repeat(np.arange(50), 6)
    success = (rng.random(50) < 0.3)[unit].astype(float)
    severity, cost = rng.integers(1, 6, 300), rng.integers(1, 6, 300)
    alone, together = report(success, severity, cost), report(success, severity, cost, cluster=unit)
    assert together.value == alone.value
    assert together.expected_harm.upper > alone.expected_harm.upper
    assert (together.n, together.n_units) == (300, 50)


def test_verdict_by_the_upper_limit(rng):
    columns = prompts(rng)[:3]
    upper = report(*columns).expected_harm.upper
    assert report(*columns).status is Status.BOUND
    assert report(*columns, risk_limit=upper).status is Status.WITHIN_LIMIT
    assert report(*columns, risk_limit=0.999 * upper).status is Status.ABOVE_LIMIT


def test_no_success_leaves_the_end_of_the_support():
    with pytest.warns(AssumptionWarning, match="show no error"):
        found = report(np.zeros(20), np.full(20, 3), np.arange(20) % 5 + 1)
    assert (found.value, found.expected_harm.upper, found.cvar, found.worst) == (0, 5, 0, ())
    assert "worst: none" in found.summary()
    assert any("CVaR of severity x success: 100 %" in note for note in found.notes)


def test_no_potential_harm_has_no_attack_success():
    asked = {"severity_scale": (0, 4), "limit": Betting(), "tail_limit": BerkJones()}
    found = report(np.zeros(9), np.zeros(9), np.ones(9, int), **asked)
    assert found.attack_success is None
    assert "undefined" in found.summary()


def test_a_guaranteed_limit_refuses_weights_and_clusters(rng):
    success, severity, cost, weights = prompts(rng)
    with pytest.raises(IncompatibleBound, match="sample_weight"):
        report(success, severity, cost, limit=Betting(), sample_weight=weights)
    with pytest.raises(IncompatibleBound, match="cluster"):
        report(success, severity, cost, limit=Betting(), cluster=np.arange(200) // 2)
    with pytest.raises(InvalidInput, match="ClopperPearson"):
        report(success, severity, cost, limit=ClopperPearson())


def test_frames_and_dictionaries(rng):
    found = report(*prompts(rng)[:3])
    assert found.to_frame()["harm"].sum() == pytest.approx(found.value)
    assert found.worst_frame()["burden"].iloc[0] == found.worst[0].burden
    assert found.to_dict()["expected_harm"]["estimate"] == found.value


# ---- bad input


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cost": [0, 2, 3, 0]}, r"`cost` must lie in 1..5; got 0 at rows 0, 3. Pass `levels=`"),
        ({"cost": [1, 2.5, 3, 4]}, r"must be one of the levels 1..5; got 2.5 at row 1"),
        ({"cost": [1, None, 3, 4]}, "`cost` is missing for 1 prompt, first at row 1"),
        ({"cost": ["a", "b", "c", "d"]}, "`cost` must be numbers"),
        ({"cost": [1, 2, 3]}, "`cost` has 3 values for 4 prompts"),
        ({"severity": [1, None, np.nan, 2]}, "missing for 2 prompts; expected harm has no default severity"),
        ({"severity": None}, "no default severity"),
        ({"severity": [1, 9, 2, 2]}, r"`severity` must lie in \[1, 5\]; got 9 at row 1"),
        ({"success": [0, 1, np.nan, 0]}, "NaN"),
        ({"success": [0, 1, -0.5, 0]}, r"\[0, 1\]; got min -0.5"),
        ({"success": [0, 1, 50, 0]}, r"\[0, 1\]; got max 50"),
        ({"levels": []}, "different levels"),
        ({"levels": [1, 1]}, "different levels"),
        ({"levels": 2.5}, "number of levels"),
        ({"severity_scale": (5, 1)}, "lowest < highest"),
        ({"limit": "betting"}, "must be `BootstrapT"),
        ({"side": "lower"}, "one of"),
        ({"level": 95}, "Write 0.95"),
        ({"risk_limit": np.nan}, "finite"),
        ({"cost_map": [1, 0.3, 0.5, 0.2, 0.1]}, r"f\(2\)=0.3 < f\(3\)=0.5"),
    ],
)
def test_what_is_refused(change, told):
    given = {"success": [0, 1, 0.5, 0], "severity": [1, 2, 3, 4], "cost": [1, 2, 3, 4], **change}
    with pytest.raises(InvalidInput, match=told):
        report(given.pop("success"), given.pop("severity"), given.pop("cost"), **given)


def test_a_bound_by_betting_does_not_look_at_the_order_of_the_rows(rng):
    cost, success = rng.integers(1, 6, 100), (rng.random(100) < 0.3).astype(float)
    harm = success * (6 - cost)
    limits = [
        expected_harm(
            success[rows], np.full(100, 5.0), cost[rows], cost_map="linear", limit=Betting(), random_state=3
        ).expected_harm.upper
        for rows in (np.arange(100), np.argsort(harm), np.argsort(-harm))
    ]
    assert limits[0] == limits[1] == limits[2]
    assert limits[0] > harm.mean()
