"""The eight claims about distributional model risk that the package reproduces, one test each.

The second method is always a linear program written out in full and solved by HiGHS, or an independent
formula; stored values are those of `golden/wasserstein.json`.
"""

import numpy as np
import pytest
from scipy.optimize import linprog

from riskstats.measures.cvar import CVaR
from riskstats.results import Status
from riskstats.wasserstein import (
    Aggregate,
    AtLeast,
    AtMost,
    Call,
    JointCDF,
    MarginalBalls,
    Maximum,
    Product,
    Square,
    WassersteinBall,
    average_effect_bounds,
    effect_distribution_bounds,
    makarov_bounds,
    rank_rules,
    robust_welfare,
    squared_effect_bounds,
    worst_case_expectation,
    worst_case_risk,
)
from tests.reference.wasserstein_program import costs, one_ball, two_balls
from tests.wasserstein.golden import GOLDEN, budgets, overlapping

V1, A1, V2, A2 = (np.array(GOLDEN["inputs"][name]) for name in ("v1", "a1", "v2", "a2"))
DIFFERENCE = (1.0, -1.0)


def marginals(first=0.1, second=0.2, order=1.0):
    """Balls around the two stored samples."""
    return MarginalBalls(
        WassersteinBall(V1, radius=first, order=order, weights=A1),
        WassersteinBall(V2, radius=second, order=order, weights=A2),
    )


def program_of_two(f, model, supports):
    """The exact program of two balls on finite supports."""
    supports = [np.asarray(s, dtype=float).reshape(-1, 1) for s in supports]
    n, m = map(len, supports)
    table = f(np.repeat(supports[0], m, axis=0), np.tile(supports[1], (n, 1)))
    return two_balls(
        [ball.points for ball in model.balls],
        [ball.weights for ball in model.balls],
        supports,
        np.reshape(table, (n, m)),
        model.budget,
        model.order,
    )


def program_of_shared(value, model, y_grid, x_grid):
    """sup E value(y1, y0, x) over laws of three numbers on a grid; None where there is none."""
    y1, y0, x = (part.ravel() for part in np.meshgrid(y_grid, y_grid, x_grid, indexing="ij"))
    states = np.arange(len(x))
    equal, right, priced = [], [], []
    for ball, y in ((model.treated, y1), (model.control, y0)):
        where, place = np.unique(np.column_stack([y, x]), axis=0, return_inverse=True)
        p = model.order
        price = costs(ball.points[:, :1], where[:, :1], 2) ** p
        price += model.covariate_weight * costs(ball.points[:, 1:], where[:, 1:], 2) ** p
        n, m = price.shape
        of_state = np.zeros((m, len(states)))
        of_state[place.ravel(), states] = 1.0
        equal.append((of_state, np.kron(np.ones((1, n)), np.eye(m)), np.kron(np.eye(n), np.ones((1, m)))))
        right.append(ball.weights)
        priced.append(price.ravel())
    sizes = [len(price) for price in priced]
    empty = [[np.zeros((len(part), sizes[1 - j])) for part in equal[j]] for j in (0, 1)]
    rows = [
        np.hstack([equal[0][0], -equal[0][1], empty[0][0]]),
        np.hstack([equal[1][0], empty[1][0], -equal[1][1]]),
        np.hstack([np.zeros((len(right[0]), len(x))), equal[0][2], empty[0][2]]),
        np.hstack([np.zeros((len(right[1]), len(x))), empty[1][2], equal[1][2]]),
    ]
    zeros = np.zeros(len(rows[0]) + len(rows[1]))
    answer = linprog(
        -np.concatenate([value(y1, y0, x), np.zeros(sum(sizes))]),
        A_ub=[
            np.concatenate([np.zeros(len(x)), priced[0], np.zeros(sizes[1])]),
            np.concatenate([np.zeros(len(x)), np.zeros(sizes[0]), priced[1]]),
        ],
        b_ub=model.budget,
        A_eq=np.vstack(rows),
        b_eq=np.concatenate([zeros, *right]),
        method="highs",
    )
    return None if answer.status == 2 else -answer.fun


# 1


def random_question(rng):
    """(functional, balls, supports) with ties and unequal weights."""
    order = float(rng.choice([1, 2, 3]))
    balls = [
        WassersteinBall(
            rng.integers(-4, 5, n) / 2,
            radius=float(rng.choice([0.0, 0.1, 0.5])),
            order=order,
            weights=rng.dirichlet(np.ones(n)),
        )
        for n in rng.integers(2, 6, 2)
    ]
    supports = [np.unique(np.append(ball.points, rng.integers(-4, 5, 4) / 2)) for ball in balls]
    a = (float(rng.choice([1.0, -1.0, 0.5])), float(rng.choice([1.0, -2.0])))
    functionals = (
        Product(),
        Maximum(0.5),
        JointCDF((0.0, 0.5)),
        Aggregate(Square(0.5), a),
        Aggregate(AtMost(0.5), a),
        Aggregate(Call(0.25), a),
    )
    return functionals[rng.integers(len(functionals))], MarginalBalls(*balls), supports


def test_first_strong_duality():
    """The largest value over the laws is the smallest value of the dual, and that of the program."""
    for seed in range(60):
        f, model, supports = random_question(np.random.default_rng(seed))
        exact = program_of_two(f, model, supports)
        found = worst_case_expectation(f, model, support=supports, gap=1e-10)
        assert found.status is Status.OPTIMAL
        assert found.duality_gap <= 1e-8
        assert found.lower - 1e-8 <= exact <= found.upper + 1e-8, f"seed {seed}"


# 2


def test_second_finite_exactly_where_the_cost_keeps_up():
    """E (Y1 - Y2)^2 is infinite at order 1 on the line, and finite at order 2 or on an interval."""
    square = Aggregate(Square(), DIFFERENCE)
    assert worst_case_expectation(square, marginals(order=1.0)).status is Status.UNBOUNDED
    assert worst_case_expectation(square, marginals(0.0, 0.0)).status is Status.OPTIMAL
    finite = worst_case_expectation(square, marginals(order=2.0), gap=1e-10)
    assert finite.value == pytest.approx(squared_effect_bounds(marginals(order=2.0)).upper.value, rel=1e-9)

    values = {1.0: [], 2.0: []}
    for order, found in values.items():
        for reach in (6.0, 12.0, 24.0):
            supports = [np.unique(np.concatenate([v, np.linspace(-reach, reach, 97)])) for v in (V1, V2)]
            found.append(program_of_two(square, marginals(order=order), supports))
    assert (np.diff(values[1.0]) > 0.25 * np.array([6.0, 12.0])).all()
    assert max(values[2.0]) <= finite.value + 1e-7
    assert finite.value - values[2.0][0] < 0.05
    inside = worst_case_expectation(square, marginals(order=1.0), support=(-6.0, 6.0))
    assert inside.status is Status.OPTIMAL
    assert inside.value == pytest.approx(values[1.0][0], abs=1e-4)


# 3

QUESTIONS = [
    (Call(0.5), WassersteinBall(V1, radius=0.2, order=2, weights=A1)),
    (AtLeast(1.0), WassersteinBall(V1, radius=0.2, weights=A1)),
    (Aggregate(AtMost(-1.0)), marginals(order=2.0)),
    (Aggregate(Call(0.5)), marginals(order=2.0)),
    (Maximum(), marginals(order=2.0)),
    (Product(), marginals(order=2.0)),
    (JointCDF((0.0, 0.0)), marginals()),
]


@pytest.mark.parametrize(("f", "model"), QUESTIONS, ids=lambda part: type(part).__name__)
def test_third_an_optimiser_exists(f, model):
    """The law that is returned has the references as sources, costs within the budgets, and the value."""
    found = worst_case_expectation(f, model, gap=1e-9)
    law = found.worst_case_distribution
    balls = model.balls if isinstance(model, MarginalBalls) else (model,)
    assert found.status is Status.OPTIMAL
    assert found.attained
    assert law.weights.min() >= 0
    for j, ball in enumerate(balls):
        assert np.bincount(law.sources[:, j], law.weights, len(ball.weights)) == pytest.approx(
            ball.weights, abs=1e-9
        )
        moved = np.abs(law.targets[j] - ball.points[law.sources[:, j]])[:, 0] ** ball.order
        assert law.weights @ moved <= ball.budget + 1e-9
    reached = law.weights @ (f(law.targets[0][:, 0]) if len(balls) == 1 else f(*law.targets))
    assert reached == pytest.approx(found.value, abs=1e-7)
    if len(balls) == 1:
        assert len(law) <= len(balls[0].weights) + 1


# 4


def stored_shared(row):
    """The stored reference with one marginal of X, at the budgets of a row."""
    return overlapping(GOLDEN["F_overlap_commonX"], row["p"], budgets(row))


def test_fourth_continuity_to_radius_0_and_concavity_in_the_budgets():
    """With covariates the limit is the conditional value, .5 <- .54 <- .58; infima of events may jump."""
    block = GOLDEN["F_overlap_commonX"]
    grid, x = np.array(block["gx"]), np.array(block["x1"])
    rows = [row for row in block["rows"] if row["p"] == 1][:3]
    found = [
        effect_distribution_bounds(stored_shared(row), [0.0], admissible=grid[:, None]).upper[0]
        for row in rows
    ]
    assert found == pytest.approx([0.5, 0.54, 0.58], abs=1e-6)
    strata = [
        np.mean(x == value)
        * makarov_bounds(
            *(np.array(block[y])[x == value] for y in ("y1", "y0")), [0.0], weights=(1, -1)
        ).upper[0]
        for value in np.unique(x)
    ]
    assert sum(strata) == pytest.approx(found[0], abs=1e-9)

    f = Aggregate(AtMost(-1.0))
    values = [worst_case_expectation(f, marginals(r, 2 * r), gap=1e-9).value for r in (0.0, 1e-6, 1e-4, 1e-2)]
    assert (np.diff(values) >= -1e-9).all()
    assert values[1] - values[0] < 1e-5

    rng = np.random.default_rng(0)
    for f in (Product(), Maximum(0.2), Aggregate(AtMost(0.0)), Aggregate(Square())):
        one, two = rng.uniform(0.0, 0.5, (2, 2))
        ends = [value_at(f, budget) for budget in (one, two, (one + two) / 2)]
        assert ends[2] >= (ends[0] + ends[1]) / 2 - 1e-7

    low = makarov_bounds(V1, V2, [3.0], sample_weight=(A1, A2)).lower[0]
    limit = makarov_bounds(V1, V2, [3.0], sample_weight=(A1, A2), radius=1e-9).lower[0]
    assert (low, limit) == pytest.approx((0.9, 0.8), abs=1e-6)


def value_at(f, budget):
    """The worst case of order 2 at two budgets."""
    balls = (
        WassersteinBall(v, budget=float(b), order=2, weights=a)
        for v, a, b in zip((V1, V2), (A1, A2), budget, strict=True)
    )
    return worst_case_expectation(f, MarginalBalls(*balls), gap=1e-9).value


# 5


def test_fifth_robust_makarov_bounds_tend_to_those_of_makarov():
    """The sharp bounds of the law of a sum, at every stored radius, down to those of dependence alone."""
    for row in GOLDEN["C_dr_makarov_empirical"]["rows"]:
        found = makarov_bounds(
            V1, V2, row["z"], radius=row["r_total"], order=row["p"], sample_weight=(A1, A2)
        )
        assert found.upper == pytest.approx(row["F_upper"], abs=1e-9)
        assert found.lower == pytest.approx(row["F_lower"], abs=1e-9)
    z = np.array([-2.0, -1.0, 0.0])
    still = makarov_bounds(V1, V2, z, sample_weight=(A1, A2)).upper
    gaps = [
        np.abs(makarov_bounds(V1, V2, z, radius=r, order=2, sample_weight=(A1, A2)).upper - still).max()
        for r in (1e-1, 1e-2, 1e-3, 1e-4)
    ]
    assert (np.diff(gaps) < 0).all()
    assert gaps[-1] < 1e-4
    for point in z:
        model, supports = marginals(0.15, 0.0, 2.0), (np.unique(np.append(V1, point - V2)), V2)
        exact = program_of_two(Aggregate(AtMost(point + 1e-12)), model, supports)
        assert makarov_bounds(*model.balls, [point]).upper[0] == pytest.approx(exact, abs=1e-8)


# 6


def test_sixth_covariates_narrow_the_distribution_of_effects_but_not_their_mean():
    """X in both arms, with one marginal: the mean keeps its interval, P(Y1 - Y0 <= 0) loses much of its."""
    block = GOLDEN["F_overlap_commonX"]
    grid, narrowed = np.array(block["gx"]), 0
    for row in block["rows"][:4]:
        model = stored_shared(row)
        without = MarginalBalls(
            *(
                WassersteinBall(np.array(block[y]), budget=budget, order=row["p"])
                for y, budget in zip(("y1", "y0"), budgets(row), strict=True)
            )
        )
        wide, narrow = average_effect_bounds(without), average_effect_bounds(model)
        assert (narrow.interval.lower, narrow.interval.upper) == pytest.approx(
            (wide.interval.lower, wide.interval.upper), abs=1e-12
        )
        assert narrow.upper.value == pytest.approx(row["ATE_sup"], abs=1e-9)
        share = effect_distribution_bounds(model, [0.0], admissible=grid[:, None]).upper[0]
        alone = effect_distribution_bounds(without, [0.0]).upper[0]
        exact = program_of_shared(
            lambda y1, y0, x: (y1 - y0 <= 1e-9) * 1.0, model, np.array(block["gy"]), grid
        )
        assert share == pytest.approx(exact, abs=1e-6)
        assert (share, alone) == pytest.approx((row["P_diff_le_0_sup"], row["P_diff_le_0_sup_noX"]), abs=1e-6)
        narrowed += alone - share > 0.05
    assert narrowed == 4


# 7


def rules():
    """The rules that are stored."""
    return {
        "treat_if_x>=0.5": lambda x: x[:, 0] >= 0.5,
        "treat_all": lambda x: np.ones(len(x), dtype=bool),
        "treat_none": lambda x: np.zeros(len(x), dtype=bool),
    }


def test_seventh_robust_welfare_reorders_rules():
    """The rule that is best at a small radius loses to treating all at a larger one: X is cheap to move."""
    block = GOLDEN["F_welfare_cheap_x"]
    reference, first = block["references"]["different_x"], []
    grid, weight = np.array(reference["gx"]), block["covariate_weight"]
    rows = [row for row in block["rows"] if row["reference"] == "different_x" and row["p"] == 1]
    for row in rows[1:3]:
        model = overlapping(reference, 1, budgets(row), weight)
        ranking = rank_rules(rules(), model, admissible=grid[:, None])
        first.append(ranking.names[0])
        for name, case in zip(ranking.names, ranking.cases, strict=True):
            treats = rules()[name]
            exact = program_of_shared(
                lambda y1, y0, x, treats=treats: -np.where(treats(x[:, None]), y1, y0),
                model,
                np.array(block["gy"]),
                grid,
            )
            assert case.value == pytest.approx(-exact, abs=1e-6)
            assert case.value == pytest.approx(row["welfare_inf_real"][name], abs=1e-6)
    assert first == ["treat_if_x>=0.5", "treat_all"]

    row = next(row for row in block["rows"] if row["reference"] == "common_x" and row["delta1"] == 0.02)
    frozen = overlapping(block["references"]["common_x"], 1, budgets(row), np.inf)
    for name, used in (("treat_if_x>=0.5", 2), ("treat_all", 1), ("treat_none", 1)):
        case = robust_welfare(rules()[name], frozen)
        assert case.value == pytest.approx(case.reference_value - 0.02 * used, abs=1e-7)


# 8


def worst_fifth(values, weights):
    """The mean of the worst fifth, by its definition as a minimum."""
    return min(t + weights @ np.maximum(values - t, 0.0) / 0.2 for t in values)


def test_eighth_worst_cvar_adds_up():
    """Worst CVaR of a sum = sum of the CVaR of the parts + total radius / (1 - level)^(1/p): 4.8333 at .8."""
    model = marginals(0.1, 0.2)
    found = worst_case_risk(CVaR(0.8), model)
    parts = [worst_fifth(V1, A1), worst_fifth(V2, A2)]
    assert found.value == pytest.approx(sum(parts) + 0.3 / 0.2, abs=1e-9)
    assert found.value == pytest.approx(4.833333333333334, abs=1e-9)

    supports = [np.append(v, v + 2.0) for v in (V1, V2)]
    sums = np.unique(np.round(np.add.outer(*supports), 9))
    tails = [
        t + program_of_two(Aggregate(Call(t)), model, supports) / 0.2 for t in sums[(sums > 1) & (sums < 4)]
    ]
    assert min(tails) == pytest.approx(found.value, abs=1e-7)
    for order in (2.0, 3.0):
        expected = sum(parts) + 0.3 * 0.2 ** (-1 / order)
        assert worst_case_risk(CVaR(0.8), marginals(order=order)).value == pytest.approx(expected, abs=1e-9)
    single = WassersteinBall(V1, radius=0.1, weights=A1)
    grid = np.append(V1, V1 + 2.0)[:, None]
    calls = [
        one_ball(single.points, single.weights, grid, np.maximum(grid[:, 0] - t, 0.0), 0.1, 1)
        for t in grid[:, 0]
    ]
    least = min(t + call / 0.2 for t, call in zip(grid[:, 0], calls, strict=True))
    assert worst_case_risk(CVaR(0.8), single).value == pytest.approx(least, abs=1e-7)
