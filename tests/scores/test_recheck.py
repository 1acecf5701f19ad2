"""The walk through a proof: accepts what the search proves, and nothing that enumeration does not bear out.

`Twin` is exhaustive: it lists every card of a tiny problem and looks at each one that a record drops or
closes, with lines formed row by row. The walk may be stricter than the twin, never more lenient.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import CertificateError
from riskstats.scores import bnb, node, proof, recheck_bounds, recheck_tree
from riskstats.scores.problem import IntegerScoreProblem, SolveOptions
from riskstats.scores.recheck import recheck
from riskstats.scores.recheck_bounds import Bounds, CardSets, Sample, least_over_scales, lines_at

PENALTIES = (0.0, 1e-6, 1e-3, 0.02, 0.1)
KINDS = ("binary", "integer", "real")


def tiny(
    seed: int, *, free: bool | None = None, columns: int | None = None
) -> tuple[IntegerScoreProblem, bool]:
    """A random problem of every kind, small enough to enumerate, and whether to use lattice lines."""
    rng = np.random.default_rng(seed)
    d, n = columns or int(rng.integers(2, 4)), int(rng.integers(8, 40))
    kind = KINDS[seed % 3]
    X = {
        "binary": (rng.random((n, d)) < 0.5).astype(float),
        "integer": rng.integers(-1, 3, (n, d)).astype(float),
        "real": np.round(rng.standard_normal((n, d)), 2),
    }[kind]
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ rng.integers(-2, 3, d)))).astype(int)
    y[:2] = 0, 1
    sign = rng.integers(-1, 2, d) * (rng.random() < 0.4)
    m = float(rng.choice([0.8, 1.0, 2.3]))
    free = bool(rng.random() < 0.4) if free is None else free
    problem = IntegerScoreProblem.from_data(
        X, y, rng.integers(0, 4, n) + 0.5 if rng.random() < 0.5 else None,
        lower=np.where(sign > 0, 0, -2), upper=np.where(sign < 0, 0, 2),
        max_features=int(rng.integers(1, d + 1)), penalty=float(rng.choice(PENALTIES)),
        multiplier_range=(m, 3 * m) if free else (m, m),
        intercept=(-4, 4) if rng.random() < 0.7 else None,
    )  # fmt: skip
    return problem, kind != "real" and not free and bool(rng.random() < 0.6)


def solved(problem: IntegerScoreProblem, lattice: bool = False, max_nodes: int | None = None):
    return bnb.solve(problem, SolveOptions(device="numpy", lattice=lattice, max_nodes=max_nodes))


def checked(problem, solution, arrays=None, header=None, coefficients=None, scale=None):
    return recheck(
        header or solution.proof.header, arrays or solution.proof.arrays, problem.rows, problem.positive,
        problem.negative, solution.coefficients if coefficients is None else coefficients,
        solution.scale if scale is None else scale,
    )  # fmt: skip


def proves(found, bound: float) -> bool:
    return found.sound and found.lower_bound >= bound - 1e-9


def softplus(z):
    return np.logaddexp(0.0, z)


def all_cards(problem) -> np.ndarray:
    ranges = [range(int(a), int(b) + 1) for a, b in zip(problem.lower, problem.upper, strict=True)]
    cards = np.array(list(itertools.product(*ranges)), dtype=float)
    return cards[np.count_nonzero(cards[:, 1:], axis=1) <= problem.max_features]


def loss_at(problem, cards, t):
    z = t * (cards @ problem.design.T)
    return softplus(z) @ problem.weight - z @ problem.positive


def best_objectives(problem, cards) -> np.ndarray:
    """The least objective of every card over the scales, by ternary search on a convex function."""
    low, high = (np.full(len(cards), end)[:, None] for end in problem.scale_range)
    for _ in range(70 if not problem.fixed_scale else 0):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        left = loss_at(problem, cards, a) < loss_at(problem, cards, b)
        low, high = np.where(left[:, None], low, a), np.where(left[:, None], b, high)
    loss = np.minimum(loss_at(problem, cards, low), loss_at(problem, cards, high))
    return loss + problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)


# ---- what the search proves


@pytest.mark.parametrize("seed", range(60))
def test_every_proof_of_the_search_is_accepted(seed):
    problem, lattice = tiny(seed)
    solution = solved(problem, lattice)
    found = checked(problem, solution)
    assert found.sound, [check for check in found.checks if not check.passed]
    assert found.objective == pytest.approx(solution.value, abs=1e-13)
    assert found.loss == pytest.approx(solution.loss, abs=1e-13)
    assert (
        solution.value - 1e-9
        <= found.lower_bound
        <= best_objectives(problem, all_cards(problem)).min() + 1e-12
    )
    assert found.records == len(solution.proof)


@pytest.mark.parametrize("seed", range(60, 90))
def test_a_search_that_stopped_early_proves_its_bound(seed):
    problem, lattice = tiny(seed, columns=3)
    optimum = best_objectives(problem, all_cards(problem)).min()
    for nodes in (0, 1, 3, 9):
        solution = solved(problem, lattice, nodes)
        found = checked(problem, solution)
        assert proves(found, solution.bound)
        assert found.lower_bound <= optimum + 1e-12


def test_larger_problems_are_accepted(rng):
    X = (rng.random((300, 9)) < 0.4).astype(float)
    y = (rng.random(300) < 1 / (1 + np.exp(1 - X[:, :4] @ [1, -2, 2, 1]))).astype(int)
    for multipliers, lattice in (((1.0, 1.0), False), ((2.0, 2.0), True), ((1.0, 10.0), False)):
        problem = IntegerScoreProblem.from_data(
            X,
            y,
            lower=np.full(9, -5),
            upper=np.full(9, 5),
            max_features=3,
            penalty=1e-6,
            multiplier_range=multipliers,
        )
        solution = solved(problem, lattice)
        assert proves(checked(problem, solution), solution.value)


def test_roles_and_endings_are_those_of_the_search():
    assert recheck_tree.ENDINGS == proof.ENDINGS
    assert (recheck_bounds.OUT, recheck_bounds.FREE, recheck_bounds.IN, recheck_bounds.INTERCEPT) == (
        node.OUT, node.FREE, node.IN, node.INTERCEPT,
    )  # fmt: skip


def test_no_code_is_shared_with_the_search():
    for module in ("recheck", "recheck_tree", "recheck_bounds"):
        tree = ast.parse(Path(recheck_tree.__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
        names = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        own = {name for name in names if name and name.startswith("riskstats")}
        assert own <= {
            "riskstats.exceptions", "riskstats.scores._types", "riskstats.scores.recheck_bounds",
            "riskstats.scores.recheck_tree",
        }  # fmt: skip


# ---- lines and bounds


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("spaced", [False, True])
def test_lines_lie_below_the_loss_of_every_card(seed, spaced, rng):
    problem, _ = tiny(3 * seed + seed % 2, free=False)  # binary or integer
    sample, t = Sample.of(problem.rows, problem.positive, problem.negative), problem.scale_range[0]
    points = rng.normal(0, 2, (20, len(problem.lower))) * rng.choice([0.1, 1, 30], (20, 1))
    lines = lines_at(sample, points, np.full(20, t * spaced), rng.uniform(-0.1, t, 20))
    cards = all_cards(problem)
    loss = loss_at(problem, cards, t)
    below = lines.constant[:, None] + lines.gradient @ (t * cards).T
    assert np.all(below <= loss + 1e-12 * (1 + lines.size[:, None]))
    if not spaced:
        at = np.array([loss_at(problem, point[None], 1.0)[0] for point in points])
        np.testing.assert_allclose(lines.constant + (lines.gradient * points).sum(axis=1), at, atol=1e-11)


def random_sets(problem, rng, count: int) -> CardSets:
    size = (count, len(problem.lower))
    ends = np.sort(rng.integers(-2, 3, (2, *size)), axis=0).astype(float)
    role = rng.integers(0, 3, size).astype(float)
    role[:, 0] = recheck_bounds.INTERCEPT
    lower = np.where(role == recheck_bounds.FREE, np.minimum(ends[0], 0), ends[0])
    upper = np.where(role == recheck_bounds.FREE, np.maximum(ends[1], 0), ends[1])
    lower, upper = (
        np.where(role == recheck_bounds.OUT, 0, lower),
        np.where(role == recheck_bounds.OUT, 0, upper),
    )
    first = rng.uniform(0.2, 1, count)
    sets, empty = CardSets(lower, upper, role, first, first * rng.choice([1, 1.5], count)).settled(
        problem.max_features
    )
    return sets.take(np.flatnonzero(~empty))


def members(problem, lower, upper, role) -> np.ndarray:
    cards = np.array(list(itertools.product(range(-2, 3), repeat=len(lower))), dtype=float)
    kept = np.all((cards >= lower) & (cards <= upper), axis=1)
    kept &= np.all((role != recheck_bounds.IN) | (cards != 0), axis=1)
    return cards[kept & (np.count_nonzero(cards[:, 1:], axis=1) <= problem.max_features)]


@pytest.mark.parametrize("seed", range(20))
def test_bounds_are_the_least_values_of_lines(seed, rng):
    problem, _ = tiny(seed, columns=3)
    sample = Sample.of(problem.rows, problem.positive, problem.negative)
    sets = random_sets(problem, np.random.default_rng(seed), 30)
    count = len(sets.first)
    lines = lines_at(sample, rng.normal(0, 1, (count, 4)), np.zeros(count), np.zeros(count))
    bounds = Bounds(lines, sets, sample, problem.max_features, problem.penalty)
    least = bounds.least()
    assert bounds.margin.max() < 1e-11
    for i in range(count):
        cards = members(problem, sets.lower[i], sets.upper[i], sets.role[i])
        paid = problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)
        values = [
            lines.constant[i] + t * cards @ lines.gradient[i] + paid for t in (sets.first[i], sets.last[i])
        ]
        assert least[i] == pytest.approx(np.min(values), abs=1e-10)
        assert least[i] <= np.min(values)


def cut_down(problem, sets: CardSets, rng) -> CardSets:
    """Sets inside the given ones: fewer values, roles settled at random, fewer scales."""
    width = sets.upper - sets.lower
    lower = sets.lower + np.floor(width * rng.choice([0, 0, 0.5, 1], width.shape))
    upper = sets.upper - np.floor((sets.upper - lower) * rng.choice([0, 0, 0.5, 1], width.shape))
    free = sets.role == recheck_bounds.FREE
    role = np.where(free, rng.choice([0, 1, 1, 2], width.shape), sets.role)
    around = role == recheck_bounds.FREE
    lower, upper = (
        np.where(around, np.minimum(lower, 0), lower),
        np.where(around, np.maximum(upper, 0), upper),
    )
    lower, upper = (np.where(role == recheck_bounds.OUT, 0, end) for end in (lower, upper))
    length = sets.last - sets.first
    first, last = (
        sets.first + length * rng.choice([0, 0.3], len(length)),
        sets.last - length * rng.choice([0, 0.3]),
    )
    return CardSets(lower, upper, role, first, last).settled(problem.max_features)[0]


@pytest.mark.parametrize("seed", range(30))
def test_what_is_dropped_is_bounded_by_its_least_value(seed):
    rng = np.random.default_rng(seed)
    problem, _ = tiny(seed, columns=3)
    sample = Sample.of(problem.rows, problem.positive, problem.negative)
    sets = random_sets(problem, rng, 40)
    left, count = cut_down(problem, sets, rng), len(sets.first)
    points = rng.normal(0, 1, (count, 4)) * rng.choice([0.2, 5.0], (count, 1))
    lines = lines_at(sample, points, np.zeros(count), np.zeros(count))
    bound = Bounds(lines, sets, sample, problem.max_features, problem.penalty).dropped(left)
    for i in range(count):
        cards = members(problem, sets.lower[i], sets.upper[i], sets.role[i])
        kept = {tuple(card) for card in members(problem, left.lower[i], left.upper[i], left.role[i])}
        out = np.array([tuple(card) not in kept for card in cards])
        paid = lines.constant[i] + problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)
        value = {t: paid + t * cards @ lines.gradient[i] for t in {*left_scales(left, sets, i)}}
        dropped = [value[t][out].min(initial=np.inf) for t in (left.first[i], left.last[i])]
        if left.first[i] > sets.first[i]:
            dropped += [value[sets.first[i]].min(), value[left.first[i]].min()]
        if left.last[i] < sets.last[i]:
            dropped += [value[left.last[i]].min(), value[sets.last[i]].min()]
        assert bound[i] <= np.min(dropped)


def left_scales(left: CardSets, sets: CardSets, i: int):
    return left.first[i], left.last[i], sets.first[i], sets.last[i]


@pytest.mark.parametrize("seed", range(20))
def test_the_loss_over_scales_is_bounded_tightly(seed):
    problem, _ = tiny(seed, free=True)
    sample = Sample.of(problem.rows, problem.positive, problem.negative)
    cards = all_cards(problem)
    ends = (np.full(len(cards), end) for end in problem.scale_range)
    exact = best_objectives(problem, cards) - problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)
    bound = least_over_scales(sample, cards, *ends)
    assert np.all(bound <= exact + 1e-15)
    np.testing.assert_allclose(bound, exact, atol=2e-11)


# ---- faults, judged by enumeration


class Twin:
    """Judges a tree for an objective by listing the cards of a tiny problem."""

    def __init__(self, problem: IntegerScoreProblem, objective: float) -> None:
        self.problem, self.target = problem, objective - 1e-9 - 1e-12
        self.cards = all_cards(problem)
        self.paid = problem.penalty * np.count_nonzero(self.cards[:, 1:], axis=1)
        self.scores = self.cards @ problem.design.T
        self.lattice = problem.fixed_scale and np.array_equal(problem.rows, np.rint(problem.rows))

    def accepts(self, arrays) -> bool:
        self.arrays = arrays
        self.reached = [self.line(i) for i in range(len(arrays["parent"]))]
        roots = [i for i, parent in enumerate(arrays["parent"]) if parent < 0]
        edges = np.geomspace(*self.problem.scale_range, len(roots) + 1)
        everything = np.ones(len(self.cards), dtype=bool)
        if sorted(arrays["branch"][roots]) != list(range(len(roots))):
            return False
        pieces = [(edges[arrays["branch"][i]], edges[arrays["branch"][i] + 1]) for i in roots]
        return all(self.record(i, everything, piece, []) for i, piece in zip(roots, pieces, strict=True))

    def line(self, i: int):
        """The line of a record as a function of the scale: its value, with the penalty, at every card."""
        a, problem = self.arrays, self.problem
        s = problem.design @ a["point"][i]
        if (
            a["spacing"][i] != 0
            and self.lattice
            and abs(a["spacing"][i] / problem.scale_range[0] - 1) < 1e-12
        ):
            h = problem.scale_range[0]
            knot = np.round(s / h)
            left = (softplus(knot * h) - softplus(knot * h - h)) / h
            right = (softplus(knot * h + h) - softplus(knot * h)) / h
            share = (
                np.clip((s - knot * h + a["window"][i]) / (2 * a["window"][i]), 0, 1)
                if a["window"][i] > 0
                else s > knot * h
            )
            at, slope = knot * h, left + share * (right - left)
        else:
            at, slope = s, 1 / (1 + np.exp(-s))
        fixed = problem.weight @ (softplus(at) - slope * at)
        pull = self.scores @ (problem.weight * slope - problem.positive)
        return lambda t: fixed + t * pull + self.paid

    def bounded(self, cards, lines, ends) -> bool:
        """Every one of the cards is ruled out between the ends by one of the lines."""
        best = np.full(len(self.cards), -np.inf)
        for line in lines:
            best = np.maximum(best, np.minimum(line(ends[0]), line(ends[1])))
        return bool(np.all(best[cards] >= self.target))

    def record(self, i: int, start, interval, above) -> bool:
        a = self.arrays
        lines = [*above, self.reached[i]]
        ending = proof.ENDINGS[a["ending"][i]]
        if ending == "closed":
            return self.bounded(start, lines, interval)
        if ending == "open":
            return True
        left = np.all((self.cards >= a["lower"][i]) & (self.cards <= a["upper"][i]), axis=1)
        left &= np.all((a["role"][i] != node.IN) | (self.cards != 0), axis=1)
        left &= np.all((a["role"][i] != node.OUT) | (self.cards == 0), axis=1)
        first, last = a["scales"][i]
        sound = self.bounded(start & ~left, lines, (first, last))
        sound &= first <= interval[0] or self.bounded(start, lines, (interval[0], first))
        sound &= last >= interval[1] or self.bounded(start, lines, (last, interval[1]))
        return sound and self.below(i, ending, left, (first, last), lines)

    def below(self, i: int, ending: str, left, interval, lines) -> bool:
        if ending == "single":
            return bool(np.all(best_objectives(self.problem, self.cards[left]) >= self.target))
        column, value = self.cards[:, self.arrays["column"][i]], self.arrays["value"][i]
        first, last = interval
        pieces = {
            "again": [(left, interval)],
            "feature": [(left & (np.sign(column) == sign), interval) for sign in (0, 1, -1)],
            "integer": [(left & (column <= value), interval), (left & (column >= value + 1), interval)],
            "scale": [(left, (first, value)), (left, (value, last))],
        }[ending]
        for branch, (cards, part) in enumerate(pieces):
            children = np.flatnonzero((self.arrays["parent"] == i) & (self.arrays["branch"] == branch))
            if len(children) > 1 or (len(children) == 0 and cards.any()):
                return False
            if len(children) and not self.record(children[0], cards, part, lines):
                return False
        return True


def copy_of(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def without(arrays, gone):
    """The arrays without some records; the others are renumbered."""
    kept = np.ones(len(arrays["parent"]), dtype=bool)
    kept[gone] = False
    number = np.append(np.cumsum(kept) - 1, -1)
    return {
        name: (number[array] if name == "parent" else array)[kept].astype(array.dtype)
        for name, array in arrays.items()
    }


def descendants(arrays, record: int) -> list[int]:
    found = {record}
    for i, parent in enumerate(arrays["parent"]):
        if parent in found:
            found.add(i)
    return sorted(found - {record})


def other_index(rng, value, count: int) -> int:
    return (value + rng.integers(1, count)) % count


def drop(a, rng, i, j):
    """Leave out a record that ends the tree."""
    return without(a, [int(rng.choice(np.flatnonzero(a["ending"] <= 2)))])


def column(a, rng, i, j):
    i = rng.choice(np.flatnonzero(a["ending"] >= 2))
    a["column"][i] = other_index(rng, a["column"][i], a["lower"].shape[1])


def value(a, rng, i, j):
    i = rng.choice(np.flatnonzero(a["ending"] >= 2))
    a["value"][i] += rng.choice([-1, 1, 0.5]) if a["ending"][i] < 6 else 0.3 * rng.standard_normal()


def ending(a, rng, i, j):
    a["ending"][i] = other_index(rng, a["ending"][i], 7)


def prune(a, rng, i, j):
    """End the tree at a record that was split."""
    a["ending"][i] = rng.choice([0, 1])
    return without(a, descendants(a, i))


def branch(a, rng, i, j):
    a["branch"][i] = other_index(rng, a["branch"][i], 3)


def parent(a, rng, i, j):
    a["parent"][i] = rng.integers(-1, i) if i else -1


def box(a, rng, i, j):
    end, step = (("lower", 1), ("upper", -1))[rng.integers(2)]
    a[end][i, j] += step


def role(a, rng, i, j):
    a["role"][i, max(j, 1)] = other_index(rng, a["role"][i, max(j, 1)], 3)


def scale(a, rng, i, j):
    i = rng.choice(np.flatnonzero(a["parent"] < 0)) if rng.random() < 0.5 else i
    first, last = a["scales"][i]
    cut = rng.uniform(0, 0.6) * (last - first)
    a["scales"][i] = (first + cut, last) if rng.random() < 0.5 else (first, last - cut)


def point(a, rng, i, j):
    noise = rng.choice([0.0, 1.0]) * rng.standard_normal(len(a["point"][i]))
    a["point"][i] = a["point"][i] * rng.choice([0.0, 0.5, -1.0]) + noise


def spacing(a, rng, i, j):
    a["spacing"][i] = a["scales"][i, 0] if a["spacing"][i] == 0 else 0.5 * a["spacing"][i]
    a["window"][i] = 0.2 * a["spacing"][i]


def swap(a, rng, i, j):
    k = rng.integers(len(a["parent"]))
    for name in ("lower", "upper", "role", "scales"):
        a[name][[i, k]] = a[name][[k, i]]


def move(a, rng, i, j):
    """Let a record go on with a set of its own making, from which a new record is closed."""
    gone, size = descendants(a, i), a["lower"].shape[1]
    ends = np.sort(rng.integers(-2, 3, (2, size)), axis=0)
    roles = np.where(rng.random(size) < 0.5, a["role"][i], rng.integers(0, 3, size))
    roles[0] = node.INTERCEPT
    ends = np.where(roles == node.FREE, [[-1], [1]] * np.abs(ends), np.where(roles == node.OUT, 0, ends))
    near = rng.random(size) < 0.7
    same = near & (roles == a["role"][i])
    a["lower"][i], a["upper"][i] = np.where(same, [a["lower"][i], a["upper"][i]], ends)
    a["role"][i], a["ending"][i] = roles, proof.ENDINGS.index("again")
    a = {name: np.append(array, array[i : i + 1], axis=0) for name, array in a.items()}
    a["parent"][-1], a["branch"][-1], a["ending"][-1] = i, 0, proof.ENDINGS.index("closed")
    return without(a, gone)


FAULTS = {
    fault.__name__: fault
    for fault in (
        drop, column, value, ending, prune, branch, parent, box, role, scale, point, spacing, swap, move,
    )
}  # fmt: skip


def mutated(arrays, rng, fault: str):
    """The arrays with one random fault."""
    a = copy_of(arrays)
    i, j = int(rng.integers(len(a["parent"]))), int(rng.integers(a["lower"].shape[1]))
    changed = FAULTS[fault](a, rng, i, j)
    return a if changed is None else changed


@pytest.fixture(scope="module")
def cases():
    """Tiny problems with proofs of some size, and their twins."""
    found = []
    for seed in range(200, 500):
        problem, lattice = tiny(seed)
        solution = solved(problem, lattice)
        endings = np.bincount(solution.proof.arrays["ending"], minlength=7)
        if 4 <= endings.sum() <= 60 and (endings[1] + endings[6] or len(found) < 16):
            found.append((problem, solution, Twin(problem, solution.value)))
        if len(found) == 24:
            break
    assert len(found) == 24
    return found


def test_the_twin_accepts_every_proof(cases):
    assert all(twin.accepts(solution.proof.arrays) for _, solution, twin in cases)


def verdicts(cases, fault: str, rng, times: int):
    """Whether the walk and the twin accept each of a number of trees with one fault."""
    for problem, solution, twin in cases * times:
        arrays = mutated(solution.proof.arrays, rng, fault)
        try:
            accepted = proves(checked(problem, solution, arrays), solution.value)
        except CertificateError:
            yield False, None
        else:
            yield accepted, twin.accepts(arrays)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_make_a_tree_unsound_are_caught(cases, fault):
    rng = np.random.default_rng(list(FAULTS).index(fault))
    found = list(verdicts(cases, fault, rng, 4))
    assert len(found) >= 80
    assert not [pair for pair in found if pair == (True, False)]
    assert sum(not accepted for accepted, _ in found) >= 10
    if fault in ("drop", "branch"):
        assert not any(accepted for accepted, _ in found)


def another_card(problem, solution) -> tuple[np.ndarray, float, float]:
    """The best card that is clearly worse than the best, its scale on a grid, and the optimum."""
    cards = all_cards(problem)
    objectives = best_objectives(problem, cards)
    worse = np.flatnonzero(objectives > solution.value + 1e-6)
    card = cards[worse[np.argmin(objectives[worse])]]
    grid = np.geomspace(*problem.scale_range, 400)
    return card, float(grid[np.argmin([loss_at(problem, card[None], t)[0] for t in grid])]), objectives.min()


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_proves_that_another_card_is_optimal(cases, fault):
    rng = np.random.default_rng(100 + list(FAULTS).index(fault))
    for problem, solution, _ in cases:
        card, scale, optimum = another_card(problem, solution)
        for _ in range(3):
            arrays = mutated(solution.proof.arrays, rng, fault)
            try:
                found = checked(problem, solution, arrays, coefficients=card, scale=scale)
            except CertificateError:
                continue
            assert found.lower_bound <= optimum + 1e-12
            assert not proves(found, found.objective)


# ---- trees made by hand


def tree(*records) -> dict[str, np.ndarray]:
    """Arrays from records (parent, branch, ending, column, value, lower, upper, role, scales, point)."""
    names = ("parent", "branch", "ending", "column", "value", "lower", "upper", "role", "scales", "point")
    arrays = {name: np.array([record[i] for record in records]) for i, name in enumerate(names)}
    nothing = np.zeros(len(records))
    return {**arrays, "ending": np.array([proof.ENDINGS.index(e) for e in arrays["ending"]]),
            "spacing": nothing, "window": nothing}  # fmt: skip


@pytest.fixture(scope="module")
def one_column():
    """One 0/1 column and four cards worth having: the best is (1, -2); the others are far behind."""
    rows = np.array([[0.0], [1.0]])
    sides = np.array([0.73, 0.27]), np.array([0.27, 0.73])
    problem = IntegerScoreProblem(
        rows, sides[0] / 2, sides[1] / 2, np.array([-3, -3]), np.array([3, 3]), 1, 0.0, (1.0, 1.0)
    )
    solution = solved(problem)
    np.testing.assert_array_equal(solution.coefficients, [1, -2])
    return problem, solution


def hand_made(one_column, *records) -> bool:
    """Whether a tree proves that the card (2, -3), which is not the best, is the best."""
    problem, solution = one_column
    found = checked(problem, solution, tree(*records), coefficients=np.array([2, -3]))
    best = best_objectives(problem, all_cards(problem)).min()
    assert found.lower_bound <= best + 1e-12
    return proves(found, found.objective)


F, BOTH = (1.0, 1.0), [3, 1]


def test_a_split_at_half_a_point_leaves_out_a_value(one_column):
    low = (0, 0, "again", -1, 0, [-3, -3], [0, 3], BOTH, F, [0, 0])
    high = (0, 1, "again", -1, 0, [2, -3], [3, 3], BOTH, F, [2, -3])
    closed = [(1, 0, "open", -1, 0, *low[5:8], F, [0, 0]), (2, 0, "open", -1, 0, *high[5:8], F, [2, -3])]
    root = (-1, 0, "integer", 0, 0.5, [-3, -3], [3, 3], BOTH, F, [0, 0])
    assert not hand_made(one_column, root, low, high, *closed)
    problem, solution = one_column
    names = [
        c.name for c in checked(problem, solution, tree(root, low, high, *closed)).checks if c.passed is False
    ]
    assert names == ["records end as they can"]


@pytest.mark.parametrize(
    ("ending", "lower", "upper", "role"),
    [
        ("open", [-3, 1], [3, 3], [3, 2]),
        ("open", [-3, 0], [3, 3], [3, 1]),
        ("again", [-3, 0], [3, 0], [3, 2]),
    ],
    ids=["out to in", "out to free", "out to in, and so empty"],
)
def test_a_role_cannot_change_back(one_column, ending, lower, upper, role):
    """A record that starts with the column out cannot go on with it in."""
    problem, solution = one_column
    root = (-1, 0, "feature", 1, 0, [-3, -3], [3, 3], BOTH, F, [0, 0])
    used = [
        (0, 1, "open", -1, 0, [-3, 1], [3, 3], [3, 2], F, [0, 0]),
        (0, 2, "open", -1, 0, [-3, -3], [3, -1], [3, 2], F, [0, 0]),
    ]
    found = checked(
        problem, solution, tree(root, (0, 0, ending, -1, 0, lower, upper, role, F, [0, 0]), *used)
    )
    assert [c.name for c in found.checks if c.passed is False] == ["records stay inside their piece"]
    unused = (0, 0, "open", -1, 0, [-3, 0], [3, 0], [3, 0], F, [0, 0])
    assert checked(problem, solution, tree(root, unused, *used)).sound


@pytest.mark.parametrize("scales", [(0.9, 1.0), (0.5, 0.6), (0.6, 0.9)], ids=str)
@pytest.mark.parametrize("deep", [False, True])
def test_scales_that_were_dropped_need_a_reason(one_column, scales, deep):
    problem, solution = one_column
    wide = replace(problem, scale_range=(0.5, 1.0))
    header = {**solution.proof.header, "multiplier_range": [1.0, 2.0]}
    box, point = ([-3, -3], [3, 3], BOTH), [0, 0]
    records = [
        (-1, 0, "again", -1, 0, *box, (0.5, 1.0) if deep else scales, point),
        (0, 0, "again" if deep else "open", -1, 0, *box, scales, point),
        (1, 0, "open", -1, 0, *box, scales, point),
    ]
    found = checked(wide, solution, tree(*records[: 2 + deep]), header=header)
    assert [c.name for c in found.checks if c.passed is False] == ["what was dropped reaches the objective"]


# ---- searches with a bug


def _loses_a_value(tighten):
    def broken(*args):
        box = tighten(*args)
        wide = np.flatnonzero((box.upper > box.lower) & (box.upper > 0))
        if len(wide):
            box.upper[wide[-1]] -= 1
        return box

    return broken


def _loses_a_piece(children):
    return lambda *args: children(*args)[:-1] or children(*args)


def _loses_scales(scale_cut):
    def broken(*args):
        first, last = scale_cut(*args)
        return first, 0.7 * last + 0.3 * first

    return broken


def _forgets_zero(settled):
    def broken(node_, lower, upper, role, limit):
        role = np.where((role == node.FREE) & (np.cumsum(role == node.FREE) == 1), node.IN, role)
        return settled(node_, lower, upper, role, limit)

    return broken


BUGS = {
    "tighten": _loses_a_value,
    "children": _loses_a_piece,
    "scale_cut": _loses_scales,
    "settled": _forgets_zero,
}


@pytest.mark.parametrize("name", BUGS)
def test_searches_with_a_bug_are_caught(name, monkeypatch):
    monkeypatch.setattr(bnb, name, BUGS[name](getattr(bnb, name)))
    rejected = unsound = 0
    for seed in range(500, 540):
        problem, lattice = tiny(seed, free=True if name == "scale_cut" else None)
        solution = solved(problem, lattice)
        optimum = best_objectives(problem, all_cards(problem)).min()
        found = checked(problem, solution)
        accepted = proves(found, solution.value)
        sound = Twin(problem, solution.value).accepts(solution.proof.arrays)
        assert found.lower_bound <= optimum + 1e-12
        assert sound or not accepted
        rejected, unsound = rejected + (not accepted), unsound + (not sound)
    assert rejected >= unsound >= 10


def test_a_search_that_closes_too_early_is_caught(monkeypatch):
    monkeypatch.setattr(bnb._Search, "cutoff", property(lambda self: self.best.objective - 0.02))
    rejected = 0
    for seed in range(600, 630):
        problem, lattice = tiny(seed)
        solution = solved(problem, lattice)
        found = checked(problem, solution)
        rejected += not proves(found, solution.value)
        assert found.lower_bound >= solution.value - 0.02 - 1e-9
    assert rejected >= 20


# ---- other problems than the proof's


def changed_problems(problem):
    """Problems that differ a little from the one that a proof was made for, with what their header says."""
    low, high = 1 / problem.scale_range[1], 1 / problem.scale_range[0]
    ends = (
        {"upper": problem.upper + 1},
        {"lower": problem.lower - 1},
        {"max_features": problem.max_features + 1},
    )
    yield from (
        (replace(problem, **end), {k: np.asarray(v).tolist() for k, v in end.items()}) for end in ends
    )
    yield replace(problem, penalty=problem.penalty + 0.01), {"penalty": problem.penalty + 0.01}
    wide = (1 / (1.5 * high), 1.5 / low)
    yield replace(problem, scale_range=wide), {"multiplier_range": [low / 1.5, 1.5 * high]}
    flipped = replace(problem, positive=problem.negative, negative=problem.positive)
    weight = 0.5 + np.arange(len(problem.rows)) % 2
    heavier = replace(problem, positive=problem.positive * weight, negative=problem.negative * weight)
    total = heavier.positive.sum() + heavier.negative.sum()
    yield from (
        (flipped, {}),
        (replace(heavier, positive=heavier.positive / total, negative=heavier.negative / total), {}),
    )


def test_a_proof_does_not_do_for_another_problem(cases):
    rejected = 0
    for problem, solution, _ in cases:
        for other, changes in changed_problems(problem):
            found = checked(other, solution, header={**solution.proof.header, **changes})
            accepted = proves(found, found.objective)
            assert found.lower_bound <= best_objectives(other, all_cards(other)).min() + 1e-12
            assert not accepted or Twin(other, found.objective).accepts(solution.proof.arrays)
            rejected += not accepted
    assert rejected >= 4 * len(cases)


def test_a_bound_over_scales_holds_before_it_is_tight(monkeypatch):
    monkeypatch.setattr(recheck_bounds, "_NEWTON_STEPS", 2)
    problem, _ = tiny(4, free=True)
    sample, cards = Sample.of(problem.rows, problem.positive, problem.negative), all_cards(problem)
    exact = best_objectives(problem, cards) - problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)
    bound = least_over_scales(sample, cards, *(np.full(len(cards), end) for end in problem.scale_range))
    assert np.all(bound <= exact + 1e-15)
    assert np.any(bound < exact - 1e-6)


def test_a_range_of_scales_that_the_roots_do_not_cover_is_seen():
    problem, _ = tiny(1, free=True)
    solution = solved(problem)
    header = dict(solution.proof.header)
    low, high = header["multiplier_range"]
    found = checked(problem, solution, header={**header, "multiplier_range": [low, 400 * high]})
    assert (
        found.lower_bound
        <= best_objectives(
            replace(problem, scale_range=(1 / (400 * high), 1 / low)), all_cards(problem)
        ).min()
    )


def test_lattice_lines_are_refused_for_real_features_and_free_scales():
    for seed, free in ((2, False), (0, True)):
        problem, _ = tiny(seed, free=free)
        solution = solved(problem)
        arrays = copy_of(solution.proof.arrays)
        arrays["spacing"][0] = arrays["scales"][0, 0]
        found = checked(problem, solution, arrays)
        assert [check.name for check in found.checks if check.passed is False] == [
            "lattice lines are allowed"
        ]


def test_the_card_must_belong_to_the_problem():
    problem, _ = tiny(0, free=False)
    solution = solved(problem)
    card, scale = solution.coefficients, solution.scale
    outside, fraction, many = card.copy(), card + 0.5, np.where(problem.upper > 0, 1, -1)
    outside[0] = problem.upper[0] + 1
    header = {**solution.proof.header, "max_features": 0}
    for detail, found in {
        "leaves the box": checked(problem, solution, coefficients=outside),
        "not whole": checked(problem, solution, coefficients=fraction),
        "too many features": checked(problem, solution, header=header, coefficients=many),
        "multiplier out of range": checked(problem, solution, scale=1.001 * scale),
    }.items():
        failed = [check.detail for check in found.checks if check.name == "the card belongs to the problem"]
        assert detail in failed[0]
        assert not found.sound


@pytest.mark.parametrize("seed", range(8))
def test_an_automatic_range_of_the_intercept_is_derived_again(seed):
    problem, _ = tiny(seed)
    problem = IntegerScoreProblem.from_data(
        problem.rows, np.arange(len(problem.rows)) % 2, problem.weight, lower=problem.lower[1:],
        upper=problem.upper[1:], max_features=problem.max_features,
        multiplier_range=(1 / problem.scale_range[1], 1 / problem.scale_range[0]),
    )  # fmt: skip
    solution = solved(problem, max_nodes=1)
    header = {**solution.proof.header, "intercept_range": "auto"}
    assert checked(problem, solution, header=header).sound
    low, high = problem.lower[0], problem.upper[0]
    for ends in ((low + 2, high), (low, high - 2)):
        narrow = replace(
            problem, lower=np.r_[ends[0], problem.lower[1:]], upper=np.r_[ends[1], problem.upper[1:]]
        )
        solution = solved(narrow, max_nodes=1)
        found = checked(narrow, solution, header={**solution.proof.header, "intercept_range": "auto"})
        assert [check.passed for check in found.checks if "optimal intercept" in check.name] == [False]


# ---- damaged proofs


def _set(name, index, value):
    def damage(arrays):
        arrays[name] = arrays[name].astype(float)
        arrays[name][index] = value

    return damage


DAMAGE = {
    "no array": lambda arrays: arrays.pop("point"),
    "no parents": lambda arrays: arrays.pop("parent"),
    "text": lambda arrays: arrays.update(value=arrays["value"].astype(str)),
    "objects": lambda arrays: arrays.update(value=arrays["value"].astype(object)),
    "short": lambda arrays: arrays.update(value=arrays["value"][:-1]),
    "flat": lambda arrays: arrays.update(lower=arrays["lower"].ravel()),
    "narrow": lambda arrays: arrays.update(point=arrays["point"][:, :-1]),
    "empty": lambda arrays: arrays.update({name: array[:0] for name, array in arrays.items()}),
    "NaN point": _set("point", (0, 0), np.nan),
    "infinite scale": _set("scales", (0, 1), np.inf),
    "NaN window": _set("window", 0, np.nan),
    "fractional box": _set("lower", (0, 0), -1.5),
    "cycle": _set("parent", 1, 2),
    "own parent": _set("parent", 1, 1),
    "parent out of range": _set("parent", 1, 10**6),
    "parent below -1": _set("parent", 1, -2),
    "branch out of range": _set("branch", 1, 3),
    "negative branch": _set("branch", 1, -1),
    "unknown ending": _set("ending", 1, 7),
    "column out of range": _set("column", 0, 99),
    "unknown role": _set("role", (1, 1), 4),
    "two intercepts": _set("role", (1, 1), 3),
    "huge role": _set("role", (1, 1), 1e30),
    "no intercept": _set("role", (1, 0), 2),
    "crossed box": _set("lower", (1, 0), 10**4),
    "huge box": _set("upper", (1, 0), 1e30),
    "crossed scales": _set("scales", (0, 0), 10**4),
    "zero scale": _set("scales", (0, 0), 0.0),
}


@pytest.fixture(scope="module")
def damaged_case():
    problem, _ = tiny(205, columns=3, free=False)
    solution = solved(problem)
    assert len(solution.proof) >= 3
    return problem, solution


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_arrays_are_refused(damaged_case, damage):
    problem, solution = damaged_case
    arrays = copy_of(solution.proof.arrays)
    DAMAGE[damage](arrays)
    with pytest.raises(CertificateError, match="proof"):
        checked(problem, solution, arrays)


@pytest.mark.parametrize(
    "changes",
    [
        {"lower": None}, {"lower": [0]}, {"lower": "wide"}, {"upper": [[1, 2], [3]]}, {"penalty": "none"},
        {"penalty": -1.0}, {"penalty": float("nan")}, {"max_features": -1}, {"max_features": None},
        {"multiplier_range": [2.0, 1.0]}, {"multiplier_range": [0.0, 1.0]}, {"multiplier_range": 1.0},
        {"multiplier_range": [1.0, float("inf")]}, {"multiplier_range": [1.0, float("nan")]},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_headers_are_refused(damaged_case, changes):
    problem, solution = damaged_case
    with pytest.raises(CertificateError):
        checked(problem, solution, header={**solution.proof.header, **changes})


def test_a_header_without_the_problem_is_refused(damaged_case):
    problem, solution = damaged_case
    for name in ("lower", "upper", "max_features", "penalty", "multiplier_range"):
        header = {key: value for key, value in solution.proof.header.items() if key != name}
        with pytest.raises(CertificateError, match=name):
            checked(problem, solution, header=header)
    for end in ("lower", "upper"):
        for value in (0.5, float("nan"), 1e300):
            values = [*solution.proof.header[end][:-1], value]
            with pytest.raises(CertificateError, match="box"):
                checked(problem, solution, header={**solution.proof.header, end: values})
