"""Node relaxations: bounds that hold, values that meet a conic solver's, compiled batches that agree."""

import itertools
import warnings

import numpy as np
import pytest

from riskstats.scores.compression import ScoreData
from riskstats.scores.minorant import minorant_bound
from riskstats.scores.problem import IntegerScoreProblem
from riskstats.scores.relaxation import NodeProblem, into_hull, minorant_at, node_hull, relax, used_share
from riskstats.scores.relaxers_jax import padded_data, relax_batch, relax_batch_on_lattice, stacked
from tests.scores.test_scip import PLANTED, planted_problem, small_problem

cvxpy = pytest.importorskip("cvxpy")
EXACT, MEETS = 1e-8, 2e-6
"""How close a relaxation is asked to come, in units of the cutoff; how close two solvers are."""


def root(problem, *, scales=None, cutoff=10.0, closeness=EXACT, required=()):
    """The root of a problem as the kernel takes it; columns in `required` must be positive."""
    lower, upper = problem.lower.astype(float), problem.upper.astype(float)
    free = np.ones(len(lower))
    free[0] = 0.0
    for column in required:
        lower[column], free[column] = 1.0, 0.0
    first, last = scales or problem.scale_range
    offset = problem.penalty * len(required)
    slots = float(problem.max_features - len(required))
    start = np.zeros(len(lower))
    return NodeProblem(
        lower, upper, free, slots, problem.penalty, offset, first, last, cutoff, closeness, start
    )


def hull_value(data: ScoreData, node: NodeProblem) -> float:
    """The relaxation by Clarabel: min sum_r w_r log(1 + exp(s_r)) - target . x + C0 used over the hull."""
    hull = node_hull(node)
    u, v = cvxpy.Variable(len(hull.up), nonneg=True), cvxpy.Variable(len(hull.up), nonneg=True)
    x = hull.origin + cvxpy.multiply(hull.up, u) - cvxpy.multiply(hull.down, v)
    used = hull.free @ (u + v)
    loss = data.weight @ cvxpy.logistic(data.design @ x) - data.target @ x
    goal = cvxpy.Minimize(loss + node.penalty * used + node.offset)
    program = cvxpy.Problem(goal, [u + v <= 1, used <= node.slots])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "may be inaccurate": far below MEETS
        program.solve(solver="CLARABEL", tol_gap_abs=1e-8, tol_gap_rel=1e-8, tol_feas=1e-8)
    assert program.status in ("optimal", "optimal_inaccurate")
    return float(program.value)


def objectives(problem, t, required=()):
    """F of every card of the root at scale t."""
    ranges = [range(int(a), int(b) + 1) for a, b in zip(problem.lower, problem.upper, strict=True)]
    cards = np.array(list(itertools.product(*ranges)), dtype=float)
    cards = cards[np.count_nonzero(cards[:, 1:], axis=1) <= problem.max_features]
    cards = cards[np.all(cards[:, list(required)] > 0, axis=1)]
    scores = t * (problem.design @ cards.T)
    losses = problem.positive @ np.logaddexp(0, -scores) + problem.negative @ np.logaddexp(0, scores)
    return losses + problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)


KINDS = ("binary", "integer", "real")
PROBLEMS = list(itertools.product(KINDS, range(6)))


@pytest.mark.parametrize(("kind", "seed"), PROBLEMS)
@pytest.mark.parametrize("required", [(), (1,)])
def test_bounds_hold_and_meet_the_relaxed_value(kind, seed, required):
    problem = small_problem(seed, kind, lower=np.full(3, -3), upper=np.full(3, 3), n=25, max_features=2)
    node = root(problem, required=required)
    relaxed = relax(problem.data, node)
    assert relaxed.bound <= objectives(problem, problem.scale_range[0], required).min() + 1e-13
    expected = hull_value(problem.data, node)
    assert relaxed.value == pytest.approx(expected, rel=0, abs=MEETS)
    assert relaxed.bound == pytest.approx(expected, rel=0, abs=MEETS)
    assert used_share(relaxed.last, node_hull(node)) <= node.slots + 1e-5


@pytest.mark.parametrize(("kind", "seed"), PROBLEMS)
def test_bounds_hold_over_an_interval_of_scales(kind, seed):
    problem = small_problem(seed, kind, lower=np.full(3, -2), upper=np.full(3, 2), n=25, max_features=2)
    scales = (0.4, 1.1)
    node = root(problem, scales=scales)
    relaxed = relax(problem.data, node)
    for t in np.linspace(*scales, 7):
        assert relaxed.bound <= objectives(problem, t).min() + 1e-13
    assert relaxed.value == pytest.approx(hull_value(problem.data, node), rel=0, abs=MEETS)


@pytest.mark.parametrize(("kind", "seed"), PROBLEMS[:12])
def test_lattice_bounds_hold_and_are_above_the_smooth_ones(kind, seed):
    problem = small_problem(seed, kind, lower=np.full(3, -3), upper=np.full(3, 3), n=25, max_features=2)
    node, spacing = root(problem), problem.scale_range[0]
    smooth, lattice = relax(problem.data, node), relax(problem.data, node, spacing)
    optimum = objectives(problem, spacing).min()
    assert lattice.bound <= optimum + 1e-13
    assert lattice.bound >= smooth.bound - 1e-4


@pytest.mark.parametrize("case", PLANTED[:4], ids=lambda case: f"{case['generator']}-{case['max_features']}")
def test_lattice_lines_close_part_of_the_gap_at_the_root(case):
    problem, optimum = planted_problem(case), case["fixed"]["objective"]
    smooth, lattice = relax(problem.data, root(problem)), relax(problem.data, root(problem), 1.0)
    assert smooth.bound < lattice.bound < optimum


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case['generator']}-{case['max_features']}")
def test_planted_roots_agree_with_clarabel(case):
    problem = planted_problem(case)
    node = root(problem)
    relaxed = relax(problem.data, node)
    assert relaxed.value == pytest.approx(hull_value(problem.data, node), rel=0, abs=MEETS)
    assert relaxed.bound == pytest.approx(relaxed.value, rel=0, abs=1e-6)


@pytest.fixture(scope="module")
def wide():
    """More columns than a model takes at once: the promising ones are chosen."""
    rng = np.random.default_rng(21)
    X = (rng.random((200, 110)) < 0.3).astype(float)
    y = (rng.random(200) < 1 / (1 + np.exp(1 - X[:, :4] @ [2, -2, 1, 1]))).astype(int)
    box = {"lower": np.full(110, -5), "upper": np.full(110, 5), "intercept": (-10, 10)}
    return IntegerScoreProblem.from_data(X, y, max_features=4, penalty=1e-6, **box)


def test_wide_tables_reach_the_same_value(wide):
    node = root(wide)
    relaxed, expected = relax(wide.data, node), hull_value(wide.data, node)
    assert relaxed.value == pytest.approx(expected, rel=0, abs=MEETS)
    assert relaxed.bound == pytest.approx(expected, rel=0, abs=MEETS)


def test_it_stops_once_the_cutoff_is_reached():
    problem = small_problem(2, "real", max_features=2)
    full = relax(problem.data, root(problem))
    early = relax(problem.data, root(problem, cutoff=float(full.bound) - 0.05))
    assert early.bound >= full.bound - 0.05
    assert early.steps < full.steps


def test_a_careless_relaxation_has_a_valid_bound():
    for seed in range(20):
        problem = small_problem(seed, "integer", n=25)
        relaxed = relax(problem.data, root(problem, closeness=1e9))
        assert relaxed.steps == 0
        assert relaxed.bound <= objectives(problem, problem.scale_range[0]).min() + 1e-13


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_points_are_moved_into_the_hull(scale, rng):
    problem = small_problem(5, "integer", lower=np.full(3, -2), upper=np.full(3, 3), max_features=1)
    node = root(problem, scales=(scale, scale))
    hull = node_hull(node)
    for point in rng.uniform(-30, 30, (200, 4)):
        inside = into_hull(point, hull)
        assert np.all(inside >= scale * node.lower - 1e-12)
        assert np.all(inside <= scale * node.upper + 1e-12)
        assert used_share(inside, hull) <= 1.0 + 1e-12
    kept = into_hull(np.array([0.5, 0.1, -0.1, 0.2]) * scale, hull)
    np.testing.assert_array_equal(kept, np.array([0.5, 0.1, -0.1, 0.2]) * scale)


def nodes_of(problem):
    """A handful of nodes of one problem: boxes, roles and cutoffs differ."""
    optimum = objectives(problem, problem.scale_range[0]).min()
    plain = {"cutoff": optimum, "closeness": 0.05}
    roles = [{}, {"required": (1,)}, {"required": (2,)}]
    return [root(problem, **role, **way) for role in roles for way in (plain, {})]


def boxed(kind, seed=5):
    return small_problem(seed, kind, lower=np.full(3, -3), upper=np.full(3, 3), n=25, max_features=2)


def relaxed_batch(problem, nodes, lattice):
    """The compiled batch: 25 rows or fewer in a bucket of 64, 4 columns in one of 8."""
    data, batch = padded_data(problem.data), stacked(nodes, 8)
    assert data.design.shape == (64, 8)
    if lattice:
        return relax_batch_on_lattice(data, batch, problem.scale_range[0])
    return relax_batch(data, batch)


@pytest.mark.parametrize("kind", ["binary", "integer", "real"])
def test_a_compiled_batch_agrees_with_numpy_through_padding(kind):
    """The padding of columns changes the path of the interior point method, not where it leads."""
    problem = boxed(kind)
    nodes = nodes_of(problem)
    found = relaxed_batch(problem, nodes, lattice=False)
    for i, node in enumerate(nodes):
        ours = relax(problem.data, node)
        near = MEETS if node.closeness == EXACT else 1e-3
        assert found.bound[i] == pytest.approx(ours.bound, rel=0, abs=near)
        np.testing.assert_array_equal(found.point[i][4:], 0.0)


LINES = [*itertools.product(KINDS[:2], (False, True)), (KINDS[2], False)]


@pytest.mark.parametrize(("kind", "lattice"), LINES)
def test_lines_from_compiled_code_are_those_of_numpy(kind, lattice):
    """The proof of a compiled bound: NumPy forms the same line at its point, and the same bound from it."""
    for seed in range(6):
        problem = boxed(kind, seed)
        nodes, spacing = nodes_of(problem), problem.scale_range[0]
        found = relaxed_batch(problem, nodes, lattice)
        for i, node in enumerate(nodes):
            point, window = found.point[i][:4], found.window[i]
            _, gradient, _, constant = minorant_at(problem.data, point, spacing if lattice else None, window)
            rest = (node.lower, node.upper, node.free, node.slots, node.penalty, node.first_scale)
            bound = minorant_bound(constant + node.offset, gradient, *rest)
            np.testing.assert_allclose(found.gradient[i][:4], gradient, rtol=0, atol=1e-12)
            assert found.constant[i] == pytest.approx(constant + node.offset, rel=0, abs=1e-12)
            assert found.bound[i] == pytest.approx(bound, rel=0, abs=1e-12)


@pytest.mark.parametrize("lattice", [None, 1.0])
def test_rows_of_weight_zero_change_nothing(lattice, rng):
    problem = small_problem(4, "integer", multiplier_range=(1.0, 1.0))
    node, data = root(problem, closeness=0.05, cutoff=1.0), problem.data
    extra = np.column_stack([np.ones(9), rng.integers(0, 4, (9, 3))])
    longer = ScoreData(np.vstack([data.design, extra]), np.append(data.weight, np.zeros(9)), data.target)
    ours, theirs = relax(data, node, lattice), relax(longer, node, lattice)
    assert theirs.steps == ours.steps
    assert theirs.bound == pytest.approx(ours.bound, rel=0, abs=1e-9)
    np.testing.assert_allclose(theirs.point, ours.point, rtol=0, atol=1e-7)
