"""No wrong certificate: every engine against the enumeration of all cards, on thousands of tiny problems.

A search that starts from the best card proves nothing about its bounds: whatever it prunes, its answer is
right. So every other case runs without heuristics, from the empty card, and has to find the optimum by
splitting alone. Failures are listed by seed: ``tiny(seed)`` rebuilds one.
"""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from riskstats.results import Status
from riskstats.scores import bnb, relaxers_jax, scip
from riskstats.scores.polish import card_of
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, SolveOptions
from tests.reference.enumeration import Cards, Optimum, best_card

PENALTIES = (0.0, 1e-6, 1e-3, 0.02, 0.1)
MULTIPLIERS = (0.8, 1.0, 2.3)
LATTICE = (None, True, False)
KINDS = ("binary", "integer", "real", "half")


def features(rng, kind, shape):
    """Values of one kind, now and then with a constant column, a repeated one or a complement."""
    X = {
        "binary": lambda: (rng.random(shape) < rng.uniform(0.2, 0.8)).astype(float),
        "integer": lambda: rng.integers(-1, 4, shape).astype(float),
        "real": lambda: np.round(rng.standard_normal(shape), 2),
        "half": lambda: rng.integers(0, 5, shape) / 2.0,
    }[kind]()
    fate = rng.random()
    if fate < 0.1:
        X[:, 0] = X[0, 0]
    elif fate < 0.2:
        X[:, -1] = X[:, 0]
    elif fate < 0.3:
        X[:, -1] = 1.0 - X[:, 0]
    return X


def labels(rng, X):
    """Logistic labels; sometimes rare, sometimes separable; both classes among the first two rows."""
    logits = X @ rng.integers(-2, 3, X.shape[1]) - rng.integers(-2, 3)
    kind = rng.choice(["logistic", "separable", "rare"], p=[0.7, 0.15, 0.15])
    chance = {"logistic": 1 / (1 + np.exp(-logits)), "separable": logits > np.median(logits), "rare": 0.1}
    y = (rng.random(len(X)) < chance[kind]).astype(int)
    y[:2] = 0, 1
    return y


def weights(rng, n):
    """None alike, whole numbers with zeros, or very uneven; the first two rows keep some."""
    kind = rng.integers(3)
    if kind == 0:
        return np.ones(n)
    weight = rng.integers(0, 4, n).astype(float) if kind == 1 else rng.gamma(0.5, size=n)
    weight[:2] += 0.5
    return weight


def box(rng, X, weight, reach):
    """-reach .. reach, some cut at 0 by a sign; constant columns are no features, hence {0}."""
    sign = rng.integers(-1, 2, X.shape[1]) * (rng.random() < 0.4)
    varies = np.ptp(X[weight > 0], axis=0) > 0
    return np.where(varies & (sign <= 0), -reach, 0), np.where(varies & (sign >= 0), reach, 0)


def tiny(seed: int, free: bool = False) -> Cards:
    """The problem of a seed: its kind and penalty go round, the rest is drawn."""
    rng = np.random.default_rng([seed, free])
    d = int(rng.integers(1, 4) if free else rng.integers(2, 6))
    n = int(rng.integers(6, 41 if free else 81))
    X = features(rng, KINDS[seed % 4], (n, d))
    y, weight = labels(rng, X), weights(rng, n)
    lower, upper = box(rng, X, weight, int(rng.integers(1, 3)) if free or d > 3 else 3)
    low = float(rng.choice(MULTIPLIERS))
    start = int(rng.integers(-6, 4))
    return Cards(
        X, y, weight, lower, upper,
        max_features=int(rng.choice([1, 2, 3, d + 2])),
        penalty=PENALTIES[seed % 5],
        multipliers=(low, low * float(rng.choice([1.2, 4.0, 20.0])) if free else low),
        intercept=(start, start + int(rng.integers(0, 9))) if rng.random() < 0.4 else None,
    )  # fmt: skip


def stated(cards: Cards) -> IntegerScoreProblem:
    return IntegerScoreProblem.from_data(
        cards.X, cards.y, cards.weight, lower=cards.lower, upper=cards.upper,
        max_features=cards.max_features, penalty=cards.penalty, multiplier_range=cards.multipliers,
        intercept=cards.intercept,
    )  # fmt: skip


def options(seed: int, **changes) -> SolveOptions:
    settings = {"device": "numpy", "lattice": LATTICE[seed // 4 % 3], "keep_proof": False, **changes}
    return SolveOptions(**settings)


def empty_card(problem, deadline=np.inf):
    """The empty card at the least scale: what a search without heuristics starts from."""
    return card_of(problem, np.clip(np.zeros_like(problem.lower), problem.lower, problem.upper), None)


@pytest.fixture
def unaided(monkeypatch):
    """A function that takes the heuristics away from branch and bound, or gives them back."""
    aided = bnb.heuristic_card, bnb._Search._look_for_card

    def switch(on: bool) -> None:
        first, look = (empty_card, lambda *_: None) if on else aided
        monkeypatch.setattr(bnb, "heuristic_card", first)
        monkeypatch.setattr(bnb._Search, "_look_for_card", look)

    return switch


def faults(cards: Cards, best: Optimum, solution) -> list[str]:
    """What is wrong with a certificate, in words."""
    card, points = solution.coefficients, solution.coefficients[1:]
    low, high = cards.multipliers
    checks = {
        "status": solution.status is Status.OPTIMAL,
        "value": abs(solution.value - best.value) <= 1e-9,
        "bound above the optimum": solution.bound <= best.value + 1e-12,
        "bound below the value": solution.bound >= solution.value - TOLERANCE,
        "objective of the card": abs(cards.objective(card, solution.scale) - solution.value) <= 1e-12,
        "box": bool(np.all(points >= cards.lower) and np.all(points <= cards.upper)),
        "limit on features": np.count_nonzero(points) <= cards.max_features,
        "intercept": cards.intercept is None or cards.intercept[0] <= card[0] <= cards.intercept[1],
        "multiplier": low * (1 - 1e-12) <= solution.multiplier <= high * (1 + 1e-12),
    }
    return [name for name, passed in checks.items() if not passed]


def wrong_certificates(seeds, solve, free=False) -> dict[int, list[str]]:
    """The faults of every seed that has some."""
    found = {}
    for seed in seeds:
        cards = tiny(seed, free)
        wrong = faults(cards, best_card(cards), solve(seed, stated(cards)))
        if wrong:
            found[seed] = wrong
    return found


def by_branch_and_bound(unaided):
    def solve(seed, problem):
        unaided(seed % 2 == 0)
        return bnb.solve(problem, options(seed))

    return solve


def by_compiled_code(unaided):
    def solve(seed, problem):
        unaided(seed % 2 == 0)
        return bnb.solve(problem, options(seed, device="cpu"))

    return solve


def by_scip(seed, problem):
    return scip.solve(problem, options(seed))


def chunks(first: int, last: int, size: int) -> list[range]:
    return [range(start, min(start + size, last)) for start in range(first, last, size)]


def named(chunk) -> str:
    return f"{chunk.start}-{chunk.stop - 1}"


@pytest.mark.parametrize("chunk", chunks(0, 300, 100), ids=named)
def test_branch_and_bound(chunk, unaided):
    assert wrong_certificates(chunk, by_branch_and_bound(unaided)) == {}


@pytest.mark.parametrize("chunk", chunks(0, 80, 40), ids=named)
def test_branch_and_bound_with_a_free_multiplier(chunk, unaided):
    assert wrong_certificates(chunk, by_branch_and_bound(unaided), free=True) == {}


@pytest.mark.parametrize("chunk", chunks(0, 80, 40), ids=named)
def test_scip(chunk):
    assert wrong_certificates(chunk, by_scip) == {}


def test_compiled_code(unaided):
    assert wrong_certificates(range(300, 340), by_compiled_code(unaided)) == {}
    assert wrong_certificates(range(300, 312), by_compiled_code(unaided), free=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", chunks(1_000, 11_000, 500), ids=named)
def test_branch_and_bound_on_ten_thousand_cases(chunk, unaided):
    assert wrong_certificates(chunk, by_branch_and_bound(unaided)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", chunks(1_000, 2_500, 250), ids=named)
def test_branch_and_bound_on_many_free_multipliers(chunk, unaided):
    assert wrong_certificates(chunk, by_branch_and_bound(unaided), free=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", chunks(1_000, 3_000, 500), ids=named)
def test_scip_on_many_cases(chunk):
    assert wrong_certificates(chunk, by_scip) == {}


@pytest.mark.slow
@pytest.mark.parametrize("free", [False, True])
def test_compiled_code_on_many_cases(free, unaided):
    assert wrong_certificates(range(1_000, 1_300 if free else 2_000), by_compiled_code(unaided), free) == {}


def batched_relaxer(problem, given, lattice):
    """The relaxer of an accelerator, in batches of 8 nodes on the rows of the root, run on the CPU."""
    relaxer = relaxers_jax.JaxRelaxer(problem, problem.scale_range[0] * problem.step * lattice, "gpu")
    relaxer.batch = 8
    return relaxer


SLOW = pytest.mark.slow
BATCHES = [(30, True), pytest.param(500, True, marks=SLOW), pytest.param(500, False, marks=SLOW)]


@pytest.mark.parametrize(("count", "free"), BATCHES)
def test_batches_of_nodes(count, free, unaided, monkeypatch):
    single = bnb.relaxer_for

    def batched(problem, given, lattice):
        make = single if given.device == "numpy" else batched_relaxer
        return make(problem, given, lattice)

    monkeypatch.setattr(bnb, "relaxer_for", batched)
    assert wrong_certificates(range(400, 400 + count), by_compiled_code(unaided), free) == {}


@pytest.mark.parametrize(
    "stop", [{"max_nodes": 1}, {"max_nodes": 4}, {"max_nodes": 12}, {"gap": 0.05}], ids=str
)
@pytest.mark.parametrize("free", [False, True])
def test_a_stopped_search_claims_nothing_false(stop, free, unaided):
    """Neither its bound nor its status; the optimum is known, the search is cut short."""
    unaided(True)
    found = {}
    for seed in range(500, 530):
        cards = tiny(seed, free)
        best, solution = best_card(cards), bnb.solve(stated(cards), options(seed, **stop))
        proven = solution.bound >= solution.value - TOLERANCE
        honest = {
            "bound": solution.bound <= best.value + 1e-12 and solution.bound <= solution.value,
            "value": solution.value >= best.value - 1e-12,
            "status": (solution.status is Status.OPTIMAL) == proven,
            "gap": "gap" not in stop or solution.gap <= stop["gap"],
        }
        if not all(honest.values()):
            found[seed] = [name for name, passed in honest.items() if not passed]
    assert found == {}


def test_the_cases_cover_what_they_should():
    """Every kind of trouble is met: the generator has not quietly stopped making it."""
    cards = [tiny(seed) for seed in range(300)] + [tiny(seed, True) for seed in range(80)]
    seen = {
        "constant column": lambda c: np.any(np.ptp(c.X, axis=0) == 0),
        "repeated column": lambda c: c.X.shape[1] > 1 and np.array_equal(c.X[:, 0], c.X[:, -1]),
        "zero weight": lambda c: np.any(c.weight == 0),
        "sign": lambda c: np.any((c.lower == 0) != (c.upper == 0)),
        "more features allowed than there are": lambda c: c.max_features > c.X.shape[1],
        "binding limit on features": lambda c: c.max_features < c.X.shape[1],
        "given intercepts": lambda c: c.intercept is not None,
        "one intercept": lambda c: c.intercept is not None and c.intercept[0] == c.intercept[1],
    }
    assert {name: sum(map(test, cards)) >= 5 for name, test in seen.items()} == dict.fromkeys(seen, True)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_fixed_twin_is_the_least_of_plain_loops(penalty):
    rng = np.random.default_rng(4)
    X, y, weight = rng.integers(0, 3, (12, 2)).astype(float), np.arange(12) % 2, rng.random(12)
    cards = Cards(X, y, weight, np.array([-2, 0]), np.array([2, 2]), 1, penalty, (1.3, 1.3))
    values = {
        card: cards.objective(np.array(card), 1 / 1.3)
        for card in itertools.product(range(-15, 16), range(-2, 3), range(3))
        if np.count_nonzero(card[1:]) <= 1
    }
    best = best_card(cards)
    assert best.value == pytest.approx(min(values.values()), rel=0, abs=1e-14)
    assert best.value == pytest.approx(values[best.card], rel=0, abs=1e-14)


@pytest.mark.parametrize("separable", [False, True])
def test_free_twin_is_the_least_of_plain_loops(separable):
    rng = np.random.default_rng(5)
    X = rng.integers(0, 3, (12, 1)).astype(float)
    y = (X[:, 0] > 0).astype(int) if separable else rng.integers(0, 2, 12)
    cards = Cards(X, y, rng.random(12), np.array([-2]), np.array([2]), 1, 0.01, (0.7, 5.0), (-6, 6))
    values = []
    for card in itertools.product(range(-6, 7), range(-2, 3)):
        ends = 0.2, 1 / 0.7

        def objective(t, card=card):
            return cards.objective(np.array(card), t)

        inside = minimize_scalar(objective, bounds=ends, method="bounded", options={"xatol": 1e-12}).fun
        values += [inside, *map(objective, ends)]
    best = best_card(cards)
    assert best.value == pytest.approx(min(values), rel=0, abs=1e-9)
    assert best.value == pytest.approx(cards.objective(np.array(best.card), best.scale), rel=0, abs=1e-14)
