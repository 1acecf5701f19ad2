"""Worst-case expectations: golden values, statuses, properties, and bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate, Declared
from riskstats.wasserstein.joint import JointCDF, Maximum, Product
from riskstats.wasserstein.shapes import (
    Above,
    Absolute,
    AtLeast,
    AtMost,
    Below,
    Between,
    Call,
    Linear,
    Put,
    Square,
)
from riskstats.wasserstein.verified import TOLERANCE

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
INPUTS = GOLDEN["inputs"]
ENDS = INPUTS["grid"]
GRID = np.round(np.arange(ENDS["start"], ENDS["stop"] + 1e-9, ENDS["step"]), 10)
ONE = (
    ("call_K0.5_sup", Call(0.5), "upper"),
    ("call_K0.5_inf", Call(0.5), "lower"),
    ("P_le_0_sup", AtMost(0.0), "upper"),
    ("P_le_0_inf", AtMost(0.0), "lower"),
    ("P_ge_1_sup", AtLeast(1.0), "upper"),
    ("mean_sup", Linear(), "upper"),
    ("second_moment_sup", Square(), "upper"),
)
TWO = (
    *(
        (f"P_sum_le_{z}_{end}", Aggregate(AtMost(z)), side)
        for z in (-1, 0, 1)
        for end, side in (("sup", "upper"), ("inf", "lower"))
    ),
    *((f"P_sum_lt_{z}_inf", Aggregate(Below(z)), "lower") for z in (-1, 0, 1)),
    ("sqdiff_sup", Aggregate(Square(), (1, -1)), "upper"),
    ("sqdiff_inf", Aggregate(Square(), (1, -1)), "lower"),
    ("call_sum_K0.5_sup", Aggregate(Call(0.5)), "upper"),
    ("call_sum_K2_sup", Aggregate(Call(2.0)), "upper"),
    ("max_sup", Maximum(), "upper"),
    ("prod_sup", Product(), "upper"),
    ("joint_cdf_00_sup", JointCDF((0.0, 0.0)), "upper"),
    ("joint_cdf_00_inf", JointCDF((0.0, 0.0)), "lower"),
)


def one_ball(row):
    return WassersteinBall(INPUTS["v1"], radius=row["r"], order=row["p"], weights=INPUTS["a1"])


def two_balls(row):
    return MarginalBalls(
        WassersteinBall(INPUTS["v1"], radius=row["r1"], order=row["p"], weights=INPUTS["a1"]),
        WassersteinBall(INPUTS["v2"], radius=row["r2"], order=row["p"], weights=INPUTS["a2"]),
    )


def agrees(found, value, tolerance):
    """The golden value, with a law that was verified."""
    if value == "inf":
        assert found.status is Status.UNBOUNDED
        assert found.value == math.inf
        assert found.to_dict()["value"] == "inf"
        return
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(value, abs=tolerance)
    assert found.lower - 1e-9 <= value <= found.upper + 1e-9
    assert (found.worst_case_distribution.costs <= np.array(found.budget) + TOLERANCE * 2).all()


def rows(section, functionals):
    """(row, name, functional, direction) of a section of the golden file."""
    return [(row, *each) for row in GOLDEN[section]["rows"] for each in functionals]


def name(case):
    row = case[0]
    return f"{case[1]}-{row['p']}-{row.get('r', row.get('r1'))}"


@pytest.mark.parametrize("case", rows("A_single", ONE), ids=name)
def test_golden_one_ball(case):
    row, key, f, direction = case
    found = worst_case_expectation(f, one_ball(row), direction=direction, support=GRID, gap=1e-9)
    agrees(found, row[f"{key}_grid"], GOLDEN["meta"]["tolerance"]["grid_lp"])
    if f"{key}_real" in row:
        found = worst_case_expectation(f, one_ball(row), direction=direction, gap=1e-9)
        agrees(found, row[f"{key}_real"], GOLDEN["meta"]["tolerance"]["real"])


@pytest.mark.parametrize("case", rows("B_two_marginal", TWO), ids=name)
def test_golden_two_balls_on_the_line(case):
    row, key, f, direction = case
    for suffix in ("_real", "_real_p2"):
        if key + suffix in row:
            found = worst_case_expectation(f, two_balls(row), direction=direction, gap=1e-9)
            agrees(found, row[key + suffix], GOLDEN["meta"]["tolerance"]["real"])


def on_grid(case):
    row, key, f, direction = case
    found = worst_case_expectation(f, two_balls(row), direction=direction, support=GRID, gap=1e-9)
    agrees(found, row[f"{key}_grid"], GOLDEN["meta"]["tolerance"]["grid_lp"])


@pytest.mark.parametrize("case", rows("B_two_marginal", TWO)[::9], ids=name)
def test_golden_two_balls_on_the_grid(case):
    on_grid(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", rows("B_two_marginal", TWO), ids=name)
def test_golden_two_balls_on_the_grid_all(case):
    on_grid(case)


# statuses


def sample(seed, n=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.dirichlet(np.ones(n))


def balls(order, *radii, seed=0):
    """Balls around different weighted samples."""
    made = [sample(seed + j, 6 + j) for j in range(len(radii))]
    return tuple(
        WassersteinBall(v, radius=r, order=order, weights=w) for (v, w), r in zip(made, radii, strict=True)
    )


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
@pytest.mark.parametrize("f", [Linear(), Call(0.0), Square(), AtMost(0.0)], ids=str)
def test_unbounded_exactly_when_growth_exceeds_the_order(order, f):
    two = MarginalBalls(*balls(order, 0.2, 0.1))
    still = MarginalBalls(*balls(order, 0.0, 0.0))
    found = worst_case_expectation(Aggregate(f), two)
    assert (found.status is Status.UNBOUNDED) == (f.growth(1) > order)
    assert "larger order" in found.summary() or found.status is Status.OPTIMAL
    assert worst_case_expectation(Aggregate(f), still).status is Status.OPTIMAL
    assert (
        worst_case_expectation(Aggregate(f), two, direction="lower").status is Status.OPTIMAL or f == Linear()
    )
    assert worst_case_expectation(Aggregate(f), two, support=(-9.0, 9.0), gap=1e-4).status in (
        Status.OPTIMAL,
        Status.GAP,
    )


def test_a_support_out_of_reach_is_infeasible_and_says_what_would_do():
    ball = WassersteinBall([0.0, 1.0], radius=0.4, order=2)
    for support in ((2.0, 3.0), np.array([2.0, 3.0])):
        found = worst_case_expectation(Call(1.0), ball, support=support)
        assert found.status is Status.INFEASIBLE
        assert math.isnan(found.value)
        assert found.to_dict()["value"] == "infeasible"
        assert found.feasible_radius == pytest.approx(math.sqrt(2.5), abs=1e-9)
        reached = ball.at(found.feasible_radius * (1 + 1e-9))
        assert worst_case_expectation(Call(1.0), reached, support=support).status is Status.OPTIMAL


def test_a_supremum_that_is_only_approached_says_by_how_much():
    ball = WassersteinBall([0.0, 1.0], radius=0.5, order=1)
    far = worst_case_expectation(Call(3.0), ball, gap=1e-4)
    assert far.value == pytest.approx(0.5, abs=1e-12)
    assert not far.attained
    assert 0 < far.duality_gap <= 2e-4
    strict, weak = (worst_case_expectation(f, ball) for f in (Below(-0.5), AtMost(-0.5)))
    assert strict.value == weak.value == pytest.approx(2 / 3, abs=1e-15)
    assert weak.attained
    assert not strict.attained


@pytest.mark.parametrize(
    ("f", "sup"),
    [(Maximum(), "upper"), (Maximum(0.3), "upper"), (Maximum(), "lower")],
    ids=["max", "best-of-call", "max-lower"],
)
def test_order_one_spends_its_budget_far_away(f, sup):
    model = MarginalBalls(*balls(1, 0.2, 0.3))
    found = worst_case_expectation(f, model, direction=sup)
    still = worst_case_expectation(f, model.at(0.0), direction=sup)
    assert found.status is Status.OPTIMAL
    if sup == "upper":
        assert found.value == pytest.approx(still.value + 0.5, abs=1e-6)
    else:
        assert still.value - 0.5 <= found.value <= still.value - 0.2 + 1e-6


# properties


def functionals():
    of_sums = [
        Aggregate(g, (1.0, -0.5))
        for g in (Call(0.2), Put(0.1), Absolute(), AtMost(0.1), Above(0.1), Between(-0.3, 0.4))
    ]
    return [*of_sums, Maximum(), JointCDF((0.1, 0.3))]


@pytest.mark.parametrize("f", functionals(), ids=lambda f: f.describe())
@pytest.mark.parametrize("direction", ["upper", "lower"])
def test_value_grows_with_the_budgets_and_is_concave_in_them(f, direction):
    sign = 1 if direction == "upper" else -1
    for order in (1.0, 2.0):
        v1, v2 = balls(order, 0.0, 0.0)

        def at(first, second, order=order, v1=v1, v2=v2):
            pair = [
                WassersteinBall(b.points, budget=delta, order=order, weights=b.weights)
                for b, delta in ((v1, first), (v2, second))
            ]
            found = worst_case_expectation(f, MarginalBalls(*pair), direction=direction, gap=1e-8)
            assert found.status is Status.OPTIMAL
            return sign * found.value

        low, middle, high = at(0.01, 0.02), at(0.06, 0.11), at(0.11, 0.20)
        assert low <= middle + 1e-7 <= high + 2e-7
        assert middle >= 0.5 * (low + high) - 1e-7


@pytest.mark.parametrize("g", [Call(0.2), Absolute(), AtMost(0.1), Below(0.1), Square()], ids=str)
@pytest.mark.parametrize("direction", ["upper", "lower"])
def test_only_the_total_radius_matters_for_a_sum(g, direction):
    values = [
        worst_case_expectation(
            Aggregate(g, (1.0, 2.0)), MarginalBalls(*balls(2, *radii)), direction=direction
        ).value
        for radii in ((0.5, 0.0), (0.0, 0.25), (0.25, 0.125))
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-13)
    assert values[0] == pytest.approx(values[2], abs=1e-13)


@pytest.mark.parametrize("f", functionals(), ids=lambda f: f.describe())
def test_shift_scale_reflection_permutation_and_split_atoms(f):
    v1, v2 = balls(2, 0.2, 0.1)
    value = worst_case_expectation(f, MarginalBalls(v1, v2), gap=1e-9).value
    order = np.random.default_rng(0).permutation(len(v1.points))
    shuffled = WassersteinBall(v1.points[order], radius=0.2, order=2, weights=v1.weights[order])
    twice = np.repeat(v1.points, 2, axis=0)
    share = np.column_stack([0.3 * v1.weights, 0.7 * v1.weights]).ravel()
    split = WassersteinBall(twice, radius=0.2, order=2, weights=share)
    for same in (shuffled, split):
        found = worst_case_expectation(f, MarginalBalls(same, v2), gap=1e-9)
        assert found.value == pytest.approx(value, abs=1e-8)
    if isinstance(f, Aggregate):
        back = WassersteinBall(-v1.points, radius=0.2, order=2, weights=v1.weights)
        turned = Aggregate(f.g, (-1.0, -0.5))
        assert worst_case_expectation(turned, MarginalBalls(back, v2), gap=1e-9).value == pytest.approx(
            value, abs=1e-8
        )
        half = WassersteinBall(0.5 * v1.points, radius=0.1, order=2, weights=v1.weights)
        scaled = Aggregate(f.g, (2.0, -0.5))
        assert worst_case_expectation(scaled, MarginalBalls(half, v2), gap=1e-9).value == pytest.approx(
            value, abs=1e-8
        )


@pytest.mark.parametrize("f", functionals(), ids=lambda f: f.describe())
def test_bounds_bracket_models_inside_the_balls(f):
    model = MarginalBalls(*balls(2, 0.3, 0.2))
    low, high = (worst_case_expectation(f, model, direction=side).value for side in ("lower", "upper"))
    rng = np.random.default_rng(1)
    for _ in range(200):
        rows = [rng.choice(len(b.weights), 4000, p=b.weights) for b in model.balls]
        if rng.random() < 0.5:
            rows = [np.sort(row) for row in rows]
        targets = []
        for ball, row in zip(model.balls, rows, strict=True):
            move = rng.normal(size=4000) * (rng.random(4000) < rng.random())
            size = math.sqrt(float(np.mean(move**2))) or 1.0
            targets.append(ball.points[row] + 0.9 * ball.radius * (move / size)[:, None])
        value = float(f(*targets).mean())
        assert low - 0.06 <= value <= high + 0.06


@pytest.mark.parametrize("f", [*functionals()[::2], Product()], ids=lambda f: f.describe())
@pytest.mark.parametrize("direction", ["upper", "lower"])
def test_multiplier_is_the_slope_in_the_budget(f, direction):
    budgets = np.array([0.04, 0.09])
    v1, v2 = balls(2, 0.0, 0.0)

    def at(delta):
        pair = [
            WassersteinBall(b.points, budget=d, order=2, weights=b.weights)
            for b, d in zip((v1, v2), delta, strict=True)
        ]
        return worst_case_expectation(f, MarginalBalls(*pair), direction=direction, gap=1e-9)

    found, step = at(budgets), 1e-3
    for j in range(2):
        move = step * np.eye(2)[j]
        ahead, behind = (at(budgets + s * move).value for s in (1, -1))
        left, right = (found.value - behind) / step, (ahead - found.value) / step
        assert min(left, right) - 2e-5 <= found.multiplier[j] <= max(left, right) + 2e-5


def test_finer_grids_approach_the_line_from_inside():
    model = MarginalBalls(*balls(2, 0.2, 0.1))
    f = Aggregate(Call(0.3))
    whole = worst_case_expectation(f, model).value
    values = []
    for steps in (9, 33, 129):
        points = [np.unique(np.append(np.linspace(-3.2, 3.2, steps), b.points)) for b in model.balls]
        values.append(worst_case_expectation(f, model, support=points).value)
    assert values[0] <= values[1] + 1e-6 <= values[2] + 2e-6 <= whole + 3e-6
    assert whole - values[2] < 2e-3


@pytest.mark.parametrize(
    "f",
    [Aggregate(Call(0.3)), Maximum(), Product(), Aggregate(AtMost(0.1)), JointCDF((0.1, 0.2))],
    ids=lambda f: f.describe(),
)
def test_an_interval_is_inside_the_line_and_reaches_it_when_wide(f):
    model = MarginalBalls(*balls(2, 0.2, 0.1))
    whole = worst_case_expectation(f, model).value
    wide = worst_case_expectation(f, model, support=(-50.0, 50.0)).value
    tight = worst_case_expectation(f, model, support=(-2.6, 2.6)).value
    assert wide == pytest.approx(whole, abs=4e-6)
    assert tight <= whole + 4e-6


def test_vectors_reduce_by_the_dual_norm():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(5, 2))
    a, b = (1.0, -2.0, 0.5), (0.3, 1.0)
    for norm, dual in ((1, math.inf), (2, 2), (math.inf, 1)):
        model = MarginalBalls(
            WassersteinBall(x, radius=0.2, order=2, cost=norm),
            WassersteinBall(y, radius=0.1, order=2, cost=norm),
        )
        found = worst_case_expectation(Aggregate(Linear(), (a, b)), model)
        total = 0.2 * np.linalg.norm(a, dual) + 0.1 * np.linalg.norm(b, dual)
        assert found.status is Status.OPTIMAL
        assert found.value == pytest.approx((x @ a).mean() + (y @ b).mean() + total, abs=1e-12)


@pytest.mark.parametrize("direction", ["upper", "lower"])
@pytest.mark.parametrize(
    "g", [Linear(), Call(0.5), Square(), Absolute(), AtMost(0.0), Above(1.0), Between(0.0, 1.0)], ids=str
)
def test_three_balls_have_a_law_and_a_bound(g, direction):
    model = MarginalBalls(*balls(2, 0.1, 0.2, 0.1))
    found = worst_case_expectation(Aggregate(g), model, direction=direction)
    assert found.status in (Status.OPTIMAL, Status.GAP)
    assert found.lower <= found.upper
    exact = isinstance(g, Linear) or (g.convex and direction == "upper")
    assert (found.status is Status.OPTIMAL) or not exact


# functions of the user


def test_a_plain_function_is_exact_on_a_finite_support():
    ball = WassersteinBall([0.0, 1.0], radius=0.5, order=1)
    points = np.linspace(-2, 3, 51)
    plain = worst_case_expectation(lambda y: np.maximum(y - 0.5, 0.0), ball, support=points)
    declared = worst_case_expectation(Call(0.5), ball, support=points)
    assert plain.status is Status.OPTIMAL
    assert plain.value == pytest.approx(declared.value, abs=1e-6)


def test_a_lipschitz_constant_encloses_on_an_interval_and_without_a_support():
    def wave(y):
        return np.sin(3.0 * y)

    ball = WassersteinBall([0.0, 1.0, 1.7], radius=0.2, order=1)
    f = Declared(wave, lipschitz=3.0)
    inside = worst_case_expectation(f, ball, support=(-2.0, 3.0))
    fine = worst_case_expectation(f, ball, support=np.linspace(-2.0, 3.0, 2001), gap=1e-9)
    assert inside.status is Status.GAP
    assert inside.lower <= fine.value + 1e-9 <= inside.upper
    assert inside.duality_gap < 0.02
    whole = worst_case_expectation(f, ball)
    assert whole.status is Status.GAP
    assert whole.upper == pytest.approx(wave(ball.points[:, 0]).mean() + 0.6, abs=1e-6)
    assert whole.lower >= fine.value - 0.01


@pytest.mark.parametrize("shape", [None, "supermodular"])
def test_a_declared_function_of_two_is_enclosed_on_intervals(shape):
    model = MarginalBalls(*balls(2, 0.2, 0.1))
    f = Declared(lambda y1, y2: y1 * y2, lipschitz=3.0, shape=shape)
    found = worst_case_expectation(f, model, support=(-3.0, 3.0))
    exact = worst_case_expectation(Product(), model, support=(-3.0, 3.0))
    assert found.lower - 1e-6 <= exact.value <= found.upper + 1e-6
    assert found.duality_gap < 0.5


# bad input


BALL = WassersteinBall([0.0, 1.0], radius=0.1)
PAIR = MarginalBalls(BALL, BALL)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: worst_case_expectation(Aggregate(Call(0.0), (1, 1, 1)), PAIR),
            "3 weights and the model 2 balls",
        ),
        (lambda: worst_case_expectation(Aggregate(Call(0.0), ((1, 2), 1)), PAIR), "2 entries"),
        (lambda: worst_case_expectation(Call(0.0), PAIR), "Aggregate"),
        (lambda: worst_case_expectation(lambda y: y, BALL), "Declare `growth="),
        (lambda: worst_case_expectation(Declared(np.abs, growth=1), BALL), "lipschitz"),
        (lambda: worst_case_expectation("call", BALL), "declared"),
        (lambda: worst_case_expectation(Call(0.0), BALL, direction="up"), "direction"),
        (lambda: worst_case_expectation(Call(0.0), BALL, support=(1.0, 0.0)), "low < high"),
        (lambda: worst_case_expectation(Call(0.0), BALL, support=[]), "support"),
        (lambda: worst_case_expectation(Call(0.0), BALL, support=[np.nan]), "finite points"),
        (lambda: worst_case_expectation(Call(0.0), BALL, support=np.ones((3, 2))), "2 numbers"),
        (lambda: worst_case_expectation(Call(0.0), BALL, gap=0), "gap"),
        (lambda: worst_case_expectation(Call(0.0), BALL, time_limit=-1), "time_limit"),
        (lambda: worst_case_expectation(Call(0.0), 3), "WassersteinBall"),
        (lambda: worst_case_expectation(Maximum(), BALL), "two outcomes"),
        (lambda: worst_case_expectation(lambda a, b, c: a, MarginalBalls(BALL, BALL, BALL)), "Aggregate"),
        (
            lambda: worst_case_expectation(
                Aggregate(Call(0.0)), MarginalBalls(BALL, BALL, BALL), support=(0, 9)
            ),
            "one or two",
        ),
        (
            lambda: worst_case_expectation(lambda y: y[:1], BALL, support=[0.0, 1.0]),
            "one finite number for each row",
        ),
        (lambda: worst_case_expectation(lambda a, b: a, BALL, support=[0.0, 1.0]), "1 arrays"),
        (lambda: Call(math.nan), "finite number"),
        (lambda: Between(1.0, 0.0), "at most"),
        (lambda: Aggregate(abs), "declared shape"),
        (lambda: JointCDF((1.0,)), "two numbers"),
        (lambda: Declared(np.abs, lipschitz=-1.0), "lipschitz"),
        (lambda: Declared(np.abs, shape="flat"), "shape"),
        (lambda: worst_case_expectation(Declared(np.abs, lipschitz=(1, 2, 3)), BALL), "3 numbers"),
    ],
)
def test_bad_input_says_what_to_do(call, words):
    with pytest.raises(InvalidInput, match=words):
        call()


def test_balls_that_share_covariates_take_a_weighted_sum():
    treated = WassersteinBall([[1.0, 0.0], [2.0, 1.0]], radius=0.2, order=1)
    control = WassersteinBall([[0.0, 0.0], [0.5, 1.0]], radius=0.1, order=1)
    model = OverlappingBalls(treated, control)
    found = worst_case_expectation(Aggregate(Linear(), (1, -1)), model)
    assert found.value == pytest.approx(1.25 + 0.3, abs=1e-6)
    with pytest.raises(IncompatibleBound, match="OverlappingBalls"):
        worst_case_expectation(Maximum(), model)


def test_the_answer_prints_and_exports():
    found = worst_case_expectation(Call(0.5), WassersteinBall([0.0, 1.0], radius=0.1, order=2))
    data = found.to_dict()
    assert data["status"] == "OPTIMAL"
    assert data["slope"][0] == pytest.approx(found.multiplier[0] * 2 * 0.1)
    assert json.loads(json.dumps(data))["value"] == found.value
    assert "E (Y - 0.5)_+" in found.summary()
    assert found.reference_value == pytest.approx(0.25)
