"""A pool holds every card up to its limit, and says so only then: against the enumeration of all cards."""

from dataclasses import replace

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.scores import pool
from riskstats.scores.pool import Pool, PoolStatus, with_every_intercept
from riskstats.scores.pool_boxes import cards_in, count_cards, least_losses
from riskstats.scores.pool_groups import equal_predictions
from riskstats.scores.problem import IntegerScoreProblem, SolveOptions
from tests.reference.enumeration import Cards
from tests.reference.pool import every_card_within
from tests.scores.test_enumeration import chunks, empty_card, named, options, stated, tiny

EPSILONS = (0.0, 0.003, 0.02, 0.1, 0.2)
NUMPY = SolveOptions(device="numpy")


def request_of(seed: int) -> Pool:
    """Epsilon and its kind go round with the seed; no limit on the number of cards."""
    return Pool(EPSILONS[seed // 2 % 5], 10**6, ("relative", "additive")[seed % 2])


def unhurried(seed: int, **changes) -> SolveOptions:
    """The options of a seed without a time limit: a slow machine proves the same."""
    return options(seed, **{"time_limit": np.inf, **changes})


def found_for(cards: Cards, request: Pool, given: SolveOptions) -> pool.FoundPool:
    """The pool of a tiny problem; without a start the search begins at the empty card."""
    problem = stated(cards)
    if given.start is None:
        start = empty_card(problem)
        given = replace(given, start=(start.coefficients, start.scale))
    return pool.solve(problem, request, given, any_intercept=cards.intercept is None)


def members(found: pool.FoundPool) -> set[tuple[int, ...]]:
    return set(map(tuple, found.coefficients.tolist()))


def faults(cards: Cards, request: Pool, found: pool.FoundPool) -> list[str]:
    """What is wrong with a pool that says it is complete, in words."""
    twin = every_card_within(cards, request.epsilon, request.epsilon_kind)
    best = min(twin.values())
    limit = request.limit(best)
    got, low, high = members(found), *cards.multipliers
    true = {card for card, value in twin.items() if value <= limit + 1e-12}
    near = {card for card, value in twin.items() if value <= found.limit + 1e-12}
    points = found.coefficients[:, 1:]
    own = [cards.objective(card, scale) for card, scale in zip(found.coefficients, found.scales, strict=True)]
    checks = {
        "complete": found.complete and found.proven_limit == found.limit,
        "no card is lost": true <= got,
        "no card is foreign": got <= near,
        "no card is there twice": len(got) == len(found.coefficients),
        "best": abs(found.best - best) <= 1e-12,
        "limit": limit <= found.limit <= limit + 2e-9,
        "objectives": np.allclose(own, found.objectives, rtol=0, atol=1e-12),
        "own best multipliers": all(
            abs(twin[card] - value) <= 1e-11
            for card, value in zip(map(tuple, found.coefficients.tolist()), found.objectives, strict=True)
            if card in twin
        ),
        "order": bool(np.all(np.diff(found.objectives) >= -1e-12)),
        "box": bool(np.all(points >= cards.lower) and np.all(points <= cards.upper)),
        "multipliers": bool(
            np.all(1 / found.scales >= low * (1 - 1e-12)) and np.all(1 / found.scales <= high * (1 + 1e-12))
        ),
    }
    return [name for name, passed in checks.items() if not passed]


@pytest.fixture
def split(monkeypatch):
    """A function that makes the search split as far as it can, now and then, where it would write out."""

    def switch(seed: int) -> None:
        entries, few = ((0, 1), (300, 1), (1 << 18, 16))[seed % 3]
        monkeypatch.setattr(pool, "_ENTRIES", entries)
        monkeypatch.setattr(pool, "_FEW", few)

    return switch


def wrong_pools(seeds, split, free=False, **changes) -> dict[int, list[str]]:
    """The faults of every seed that has some. Every other search starts from the empty card."""
    wrong = {}
    for seed in seeds:
        split(seed)
        cards, request = tiny(seed, free), request_of(seed)
        given, any_intercept = unhurried(seed, **changes), cards.intercept is None
        if seed % 2 == 0:
            found = found_for(cards, request, given)
        else:
            found = pool.solve(stated(cards), request, given, any_intercept=any_intercept)
        if told := faults(cards, request, found):
            wrong[seed] = told
    return wrong


@pytest.mark.parametrize("chunk", chunks(0, 40, 20), ids=named)
def test_a_pool_is_the_enumeration(chunk, split):
    assert wrong_pools(chunk, split) == {}


@pytest.mark.parametrize("chunk", chunks(0, 12, 6), ids=named)
def test_a_pool_with_a_free_multiplier_is_the_enumeration(chunk, split):
    assert wrong_pools(chunk, split, free=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("free", [False, True])
def test_a_pool_from_compiled_relaxations_is_the_enumeration(free, split):
    assert wrong_pools(range(60, 90), split, free, device="cpu") == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", chunks(1_000, 4_000, 250), ids=named)
def test_many_pools_are_the_enumeration(chunk, split):
    assert wrong_pools(chunk, split) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", chunks(1_000, 2_500, 250), ids=named)
def test_many_pools_with_a_free_multiplier_are_the_enumeration(chunk, split):
    assert wrong_pools(chunk, split, free=True) == {}


def test_the_cases_hold_pools_worth_the_name():
    sizes = [len(found_for(tiny(seed), request_of(seed), unhurried(seed)).objectives) for seed in range(12)]
    assert sum(size > 3 for size in sizes) >= 4


# intercepts


def small(intercept=None) -> Cards:
    """One yes-or-no column that says little: many intercepts are nearly as good."""
    x = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])[:, None]
    y = np.array([0, 0, 1, 1, 0, 1, 1, 0])
    return Cards(x, y, np.ones(8), np.array([0]), np.array([1]), 1, 0.0, (1.0, 1.0), intercept)


def test_intercepts_beyond_the_range_that_holds_an_optimal_one_are_not_missed():
    cards, request = small(), Pool(0.5)
    problem = stated(cards)
    found = pool.solve(problem, request, NUMPY, any_intercept=True)
    assert faults(cards, request, found) == []
    beyond = (found.coefficients[:, 0] < problem.lower[0]) | (found.coefficients[:, 0] > problem.upper[0])
    assert beyond.any()


def test_a_given_range_of_intercepts_is_kept():
    cards, request = small((0, 1)), Pool(0.5)
    found = pool.solve(stated(cards), request, NUMPY)
    assert faults(cards, request, found) == []
    assert set(found.coefficients[:, 0].tolist()) == {0, 1}


@pytest.mark.parametrize("free", [False, True])
def test_the_range_of_intercepts_holds_every_card_of_the_pool(free):
    for seed in range(200, 208):
        cards = replace(tiny(seed, free), intercept=None)
        twin = every_card_within(cards, 0.5)
        wide = with_every_intercept(stated(cards), 1.5 * min(twin.values()))
        inside = [card[0] for card, value in twin.items() if value <= 1.5 * min(twin.values())]
        assert wide.lower[0] <= min(inside)
        assert max(inside) <= wide.upper[0]


# stopped early


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("stop", [1, 4, 15])
def test_a_stopped_pool_claims_nothing_false(stop, free, split):
    split(0)
    statuses = set()
    for seed in range(520, 525):
        cards, request = tiny(seed, free), Pool(0.2)
        found = found_for(cards, request, unhurried(seed, max_nodes=stop))
        whole = found_for(cards, request, unhurried(seed))
        statuses.add(found.status)
        missing = [
            value
            for card, value in zip(map(tuple, whole.coefficients.tolist()), whole.objectives, strict=True)
            if card not in members(found)
        ]
        assert found.complete == (found.status is PoolStatus.COMPLETE)
        assert not (found.complete and missing)
        assert found.proven_limit <= min(missing, default=np.inf)
        assert found.proven_limit <= found.limit
        assert found.objectives.max() <= found.limit
        assert found.best >= whole.best - 1e-12
    assert stop > 4 or PoolStatus.TIME_LIMIT in statuses


def test_no_time_is_no_proof(split):
    split(0)
    found = found_for(tiny(7), Pool(0.1), unhurried(7, time_limit=1e-9))
    assert found.status is PoolStatus.TIME_LIMIT
    assert not found.complete
    assert found.proven_limit < found.limit
    assert len(found.objectives) >= 1


@pytest.mark.parametrize("free", [False, True])
def test_a_full_pool_holds_the_best_and_is_not_complete(free):
    tried = 0
    for seed in range(600, 606):
        cards = tiny(seed, free)
        whole = found_for(cards, Pool(0.3, 10**6), unhurried(seed))
        for most in {1, 2, 5, len(whole.objectives) - 1} - {0}:
            if most >= len(whole.objectives):
                continue
            found = found_for(cards, Pool(0.3, most), unhurried(seed))
            tried += 1
            assert found.status is PoolStatus.MAX_CARDS
            assert len(found.objectives) == most
            np.testing.assert_allclose(found.objectives, whole.objectives[:most], rtol=0, atol=1e-11)
            beyond = [
                value
                for card, value in zip(map(tuple, whole.coefficients.tolist()), whole.objectives, strict=True)
                if card not in members(found)
            ]
            assert found.proven_limit <= min(beyond)
            assert found.proven_limit <= found.limit
        exact = found_for(cards, Pool(0.3, len(whole.objectives)), unhurried(seed))
        assert exact.complete
        assert members(exact) == members(whole)
    assert tried >= 6


def test_a_pool_far_beyond_its_size_keeps_the_best(monkeypatch):
    """More cards than are held at a time: the worst leave during the search, and the ceiling comes down."""
    rng = np.random.default_rng(2)
    X, y = rng.integers(0, 2, (40, 4)).astype(float), rng.integers(0, 2, 40)
    problem = IntegerScoreProblem.from_data(
        X, y, lower=np.full(4, -3), upper=np.full(4, 3), max_features=4, penalty=1e-6
    )
    monkeypatch.setattr(pool, "_ENTRIES", 2_000)
    whole = pool.solve(problem, Pool(0.5, 10**6), NUMPY, any_intercept=True)
    assert whole.complete
    assert len(whole.objectives) > 2_000
    found = pool.solve(problem, Pool(0.5, 30), NUMPY, any_intercept=True)
    assert found.status is PoolStatus.MAX_CARDS
    assert found.nodes < whole.nodes
    np.testing.assert_allclose(found.objectives, whole.objectives[:30], rtol=0, atol=1e-11)
    assert whole.objectives[29] - 1e-8 <= found.proven_limit <= whole.objectives[30]


# epsilon


@pytest.mark.parametrize("kind", ["relative", "additive"])
@pytest.mark.parametrize("free", [False, True])
def test_pools_are_nested_in_epsilon(kind, free):
    for seed in range(700, 702):
        cards, before = tiny(seed, free), set()
        for epsilon in EPSILONS:
            found = found_for(cards, Pool(epsilon, 10**6, kind), unhurried(seed))
            assert before <= members(found)
            before = members(found)


def test_epsilon_zero_gives_the_cards_that_tie():
    x = np.array([0, 0, 1, 1, 1.0])
    problem = IntegerScoreProblem.from_data(
        np.column_stack([x, x]), np.array([0, 1, 1, 1, 0]), lower=np.full(2, -2), upper=np.full(2, 2),
        max_features=1, penalty=1e-6,
    )  # fmt: skip
    found = pool.solve(problem, Pool(0), NUMPY, any_intercept=True)
    assert found.complete
    assert found.coefficients.tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epsilon": -0.1}, "`epsilon` must be a number >= 0; got -0.1"),
        ({"epsilon": float("nan")}, "`epsilon` must be a number >= 0"),
        ({"epsilon": float("inf")}, "`epsilon` must be a number >= 0"),
        ({"epsilon": "1 %"}, "`epsilon` must be a number >= 0"),
        ({"epsilon": 0.1, "max_cards": 0}, "`max_cards` must be an integer >= 1; got 0"),
        ({"epsilon": 0.1, "max_cards": 2.5}, "`max_cards` must be an integer >= 1"),
        ({"epsilon": 0.1, "epsilon_kind": "share"}, "`epsilon_kind` must be one of 'relative', 'additive'"),
    ],
)
def test_requests_that_cannot_be_met(values, message):
    with pytest.raises(InvalidInput, match=message):
        Pool(**values)


# parts


def some_nodes(count: int, free: bool, split):
    """Small nodes of real searches, in all their roles."""
    nodes = []

    class Watch(pool._PoolSearch):
        def _write_out(self, node):
            nodes.append((self.problem, node))
            super()._write_out(node)

    for seed in range(count):
        split(seed)
        cards = tiny(seed, free)
        problem, request = stated(cards), Pool(0.3)
        start = empty_card(problem)
        Watch(problem, request, unhurried(seed), start, 1e-9).collect()
    return nodes


@pytest.mark.parametrize("free", [False, True])
def test_the_cards_of_a_node_are_counted_and_written_out(free, split):
    nodes = some_nodes(6, free, split)
    assert len(nodes) > 10
    for problem, node in nodes:
        cards = cards_in(node, problem.max_features)
        whole = np.zeros((len(cards), len(node.lower)))
        whole[:, node.active] = cards
        assert len(cards) == count_cards(node, problem.max_features)
        assert len(np.unique(cards, axis=0)) == len(cards)
        assert np.all(whole >= node.lower)
        assert np.all(whole <= node.upper)
        assert np.all(whole[:, node.role == 2] != 0)
        assert np.all(np.count_nonzero(whole[:, 1:], axis=1) <= problem.max_features)


def test_least_losses_are_those_of_a_fine_grid():
    rng = np.random.default_rng(3)
    cards = tiny(5, True)
    problem = stated(cards)
    trials = rng.integers(-3, 4, (200, len(problem.lower))).astype(float)
    first, last = 0.3, 1.7
    grid = np.linspace(first, last, 4001)
    losses = np.array([[problem.loss(card, t) for t in grid[::40]] for card in trials]).min(axis=1)
    found = least_losses(problem.data, trials, (first, last), np.full(200, 2.0))
    kept = np.isfinite(found)
    assert np.all(losses[~kept] > 2.0)
    assert np.all(found[kept] <= losses[kept] + 1e-11)
    for card, value in zip(trials[kept][:20], found[kept][:20], strict=True):
        assert value == pytest.approx(min(problem.loss(card, t) for t in grid), abs=1e-6)


def test_cards_alike_on_every_row_are_one_group():
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, (30, 2)).astype(float)
    design = np.column_stack([np.ones(30), x, x[:, 0], 1 - x[:, 1]])
    coefficients = np.array(
        [
            [1, 2, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [1, 0, 0, 2, 0],
            [2, 4, 0, 0, 0],
            [1, 0, 0, 0, -1],
            [2, 4, 0, 0, 0],
        ]
    )
    scales = np.array([1.0, 1.0, 1.0, 0.5, 1.0, 0.4])
    assert equal_predictions(design, coefficients, scales).tolist() == [0, 1, 0, 0, 1, 2]


@pytest.mark.parametrize("free", [False, True])
def test_groups_are_those_of_all_pairs(free):
    for seed in range(800, 805):
        cards = tiny(seed, free)
        found = found_for(cards, Pool(0.2, 300), unhurried(seed))
        logits = found.scales[:, None] * (found.coefficients @ found.problem.design.T)
        group = equal_predictions(found.problem.design, found.coefficients, found.scales)
        alike = np.abs(logits[:, None] - logits[None]).max(axis=2) < 1e-8
        np.testing.assert_array_equal(group[:, None] == group[None], alike)
        firsts = [int(np.flatnonzero(group == number)[0]) for number in range(group.max() + 1)]
        assert firsts == sorted(firsts)
