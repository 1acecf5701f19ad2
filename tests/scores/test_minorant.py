"""Lines below the loss: golden values, exact minima, and nothing dropped that could have been better."""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from riskstats.losses import chord_interpolant, chord_support
from riskstats.scores.minorant import Minorant, minorant_bound, rounding_allowance, scale_cut, tighten
from riskstats.scores.problem import IntegerScoreProblem
from riskstats.scores.relaxation import minorant_at
from tests.scores.test_scip import planted, small_problem

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scores.json").read_text())["minorant"]
SMOOTH, LATTICE = ([case for case in GOLDEN["cases"] if case["lattice"] is kind] for kind in (False, True))
KINDS = ("binary", "integer", "real")
OUT, FREE, IN = 0, 1, 2


@pytest.fixture(scope="module")
def golden_problem():
    X, y, weight = planted(GOLDEN["generator"])
    return IntegerScoreProblem.from_data(
        X, y, weight, lower=np.full(10, -5), upper=np.full(10, 5), max_features=4, penalty=1e-6,
        intercept=(-10, 10),
    )  # fmt: skip


def root_bound(constant, gradient):
    lower, upper, free = np.full(11, -5.0), np.full(11, 5.0), np.ones(11)
    lower[0], upper[0], free[0] = -10.0, 10.0, 0.0
    return minorant_bound(constant, gradient, lower, upper, free, 4, 1e-6, 1.0)


@pytest.mark.parametrize("case", SMOOTH, ids=lambda case: case["bound"])
def test_golden_minorants(case, golden_problem):
    point = np.array(case["point"])
    value, gradient, _, constant = minorant_at(golden_problem.data, point)
    assert value == pytest.approx(case["value"], rel=0, abs=1e-12)
    np.testing.assert_allclose(gradient, case["gradient"], rtol=0, atol=1e-12)
    assert constant == pytest.approx(case["value"] - np.dot(case["gradient"], point), rel=0, abs=1e-12)
    assert root_bound(constant, gradient) == pytest.approx(case["bound"], rel=0, abs=1e-12)


@pytest.mark.parametrize("case", LATTICE, ids=lambda case: case["bound"])
def test_golden_lattice_minorant(case, golden_problem):
    """A score of the case is a whole number up to rounding: the chord on either side of it will do."""
    problem, point = golden_problem, np.array(case["point"])
    scores = problem.design @ point
    found = []
    for side in (-1, 1):
        near = np.where(np.abs(scores - np.round(scores)) < 1e-9, np.round(scores) + side * 1e-6, scores)
        _, slope, _, intercept = chord_support(near, 1.0, 1e-9)
        gradient = (problem.weight * slope) @ problem.design - problem.target
        found.append([root_bound(problem.weight @ intercept, gradient), *gradient])
    value = problem.weight @ chord_interpolant(scores, 1.0) - problem.target @ point
    assert value == pytest.approx(case["value"], rel=0, abs=1e-12)
    expected = np.array([case["bound"], *case["gradient"]])
    assert np.min(np.abs(np.array(found) - expected).max(axis=1)) <= 1e-12


class Piece:
    """A random node of a problem: every column out, free or in, some boxes cut, an interval of scales."""

    def __init__(self, problem, rng, free_scale=False):
        self.problem = problem
        d = len(problem.lower) - 1
        role = rng.choice([OUT, FREE, IN], d, p=[0.15, 0.5, 0.35])
        while np.count_nonzero(role == IN) > problem.max_features:
            role[rng.choice(np.flatnonzero(role == IN))] = FREE
        if np.count_nonzero(role == IN) == problem.max_features:
            role[role == FREE] = OUT
        lower, upper = problem.lower.astype(float), problem.upper.astype(float)
        for j in range(d):
            low, high = lower[j + 1], upper[j + 1]
            if role[j] == OUT or low == high:
                role[j], lower[j + 1], upper[j + 1] = OUT, 0.0, 0.0
            elif role[j] == IN:
                positive = high > 0 and (low == 0 or rng.random() < 0.5)
                lower[j + 1], upper[j + 1] = (1.0, high) if positive else (low, -1.0)
            else:
                lower[j + 1], upper[j + 1] = low + rng.integers(0, 2) * (low < 0), high
        lower[0], upper[0] = np.sort(rng.integers(lower[0], upper[0] + 1, 2)).astype(float)
        self.lower, self.upper = lower, upper
        self.free = np.concatenate([[False], role == FREE])
        self.required = int(np.count_nonzero(role == IN))
        self.slots = problem.max_features - self.required
        t = problem.scale_range[0]
        self.scales = (t * rng.uniform(0.4, 0.9), t * rng.uniform(1.0, 2.0)) if free_scale else (t, t)

    @property
    def rest(self):
        return self.lower, self.upper, self.free, self.slots, self.problem.penalty

    def cards(self):
        """Every integer vector of the node, intercept first."""
        ranges = [range(int(a), int(b) + 1) for a, b in zip(self.lower, self.upper, strict=True)]
        cards = np.array(list(itertools.product(*ranges)), dtype=float)
        return cards[np.count_nonzero(cards[:, self.free], axis=1) <= self.slots]

    def objectives(self, cards, t):
        scores = t * (self.problem.design @ cards.T)
        losses = self.problem.positive @ np.logaddexp(0, -scores)
        losses = losses + self.problem.negative @ np.logaddexp(0, scores)
        return losses + self.problem.penalty * np.count_nonzero(cards[:, 1:], axis=1)

    def line(self, point, lattice=False):
        """The minorant at a point in logits, with the penalty of what is in for certain."""
        spacing = self.problem.scale_range[0] if lattice else None
        _, gradient, _, constant = minorant_at(self.problem.data, point, spacing, 0.2 * (spacing or 1.0))
        return Minorant(constant + self.problem.penalty * self.required, gradient, point)

    def points(self, rng, count):
        """Points inside the box and a bit beyond: lines are valid wherever they are taken."""
        middle = np.sqrt(self.scales[0] * self.scales[1])
        return middle * rng.uniform(self.lower - 0.5, self.upper + 0.5, (count, len(self.lower)))

    def cutoff(self, cards, rng):
        """An objective that some cards of the node beat."""
        return float(np.quantile(self.objectives(cards, self.scales[0]), rng.uniform(0.0, 0.4)))


def pieces(free_scale=False, count=8, kinds=KINDS):
    for kind, seed in itertools.product(kinds, range(count)):
        rng = np.random.default_rng([seed, 99])
        problem = small_problem(seed, kind, n=25)
        yield Piece(problem, rng, free_scale), rng


@pytest.mark.parametrize("lattice", [False, True])
def test_bounds_lie_below_a_thousand_random_cards(lattice):
    for piece, rng in pieces(kinds=KINDS[: 2 if lattice else 3]):
        cards = piece.cards()
        cards = cards[rng.integers(len(cards), size=1_000)]
        least = piece.objectives(cards, piece.scales[0]).min()
        for point in piece.points(rng, 20):
            line = piece.line(point, lattice)
            assert minorant_bound(line.constant, line.gradient, *piece.rest, piece.scales[0]) <= least + 1e-13


def test_bounds_over_an_interval_of_scales_lie_below_random_cards_at_random_scales():
    for piece, rng in pieces(free_scale=True):
        cards = piece.cards()
        chosen = cards[rng.integers(len(cards), size=1_000)]
        for point in piece.points(rng, 10):
            line = piece.line(point)
            bound = min(minorant_bound(line.constant, line.gradient, *piece.rest, t) for t in piece.scales)
            for t in (*piece.scales, *rng.uniform(*piece.scales, 5)):
                assert bound <= piece.objectives(chosen, t).min() + 1e-13


def linear_values(piece, line, cards, t):
    """The line plus penalty at every card."""
    prices = piece.problem.penalty * np.count_nonzero(cards[:, piece.free], axis=1)
    return line.constant + t * (cards @ line.gradient) + prices


@pytest.mark.parametrize("lattice", [False, True])
def test_the_bound_is_the_exact_minimum_of_its_line(lattice):
    for piece, rng in pieces(kinds=KINDS[: 2 if lattice else 3]):
        cards, t = piece.cards(), piece.scales[0]
        for point in piece.points(rng, 10):
            line = piece.line(point, lattice)
            bound = minorant_bound(line.constant, line.gradient, *piece.rest, t)
            assert bound == pytest.approx(linear_values(piece, line, cards, t).min(), rel=0, abs=1e-12)


def test_the_bound_is_concave_in_the_scale():
    for piece, rng in pieces(free_scale=True):
        line = piece.line(piece.points(rng, 1)[0])
        scales = np.linspace(*piece.scales, 21)
        bounds = [minorant_bound(line.constant, line.gradient, *piece.rest, t) for t in scales]
        assert np.diff(bounds, 2).max() <= 1e-13


@pytest.mark.parametrize(("free_scale", "lattice"), [(False, False), (False, True), (True, False)])
def test_tightening_never_cuts_a_better_card(free_scale, lattice):
    dropped = 0
    for piece, rng in pieces(free_scale, kinds=KINDS[: 2 if lattice else 3]):
        cards = piece.cards()
        cutoff = piece.cutoff(cards, rng)
        scales = np.unique([*piece.scales, *rng.uniform(*piece.scales, 6)])
        better = np.any([piece.objectives(cards, t) < cutoff for t in scales], axis=0)
        for point in piece.points(rng, 10):
            box = tighten(piece.line(point, lattice), *piece.rest, piece.scales, cutoff)
            kept = np.all((cards >= box.lower) & (cards <= box.upper), axis=1)
            kept &= np.all(cards[:, box.needed] != 0, axis=1) & (not box.empty)
            assert not np.any(better & ~kept)
            dropped += np.count_nonzero(~kept)
    assert dropped > 0


def test_tightening_drops_all_that_the_line_rules_out():
    """At one scale the surviving ends are those of the values whose exact minimum is under the cutoff."""
    for piece, rng in pieces():
        cards, t = piece.cards(), piece.scales[0]
        for point in piece.points(rng, 5):
            line = piece.line(point)
            values = linear_values(piece, line, cards, t)
            cutoff = float(np.quantile(values, rng.uniform(0.05, 0.5)))
            if np.min(np.abs(values - cutoff)) < 1e-10:
                cutoff += 1e-9
            box = tighten(line, *piece.rest, piece.scales, cutoff)
            alive = cards[values < cutoff]
            for j in range(cards.shape[1]):
                free_without_zero = piece.free[j] and not box.needed[j]
                low = min(alive[:, j].min(), 0) if free_without_zero else alive[:, j].min()
                high = max(alive[:, j].max(), 0) if free_without_zero else alive[:, j].max()
                if not box.needed[j]:
                    assert (box.lower[j], box.upper[j]) == (low, high)
                assert box.needed[j] == (piece.free[j] and np.all(alive[:, j] != 0))


def test_an_unreachable_cutoff_empties_the_box():
    for piece, rng in pieces(count=3):
        line = piece.line(piece.points(rng, 1)[0])
        lowest = minorant_bound(line.constant, line.gradient, *piece.rest, piece.scales[0])
        assert tighten(line, *piece.rest, piece.scales, lowest - 1e-6).empty
        assert not tighten(line, *piece.rest, piece.scales, lowest + 1e-6).empty


def test_scale_cuts_never_cut_a_better_scale():
    cut = 0
    for piece, rng in pieces(free_scale=True, count=12):
        cards = piece.cards()
        scales = np.linspace(*piece.scales, 60)
        least = np.array([piece.objectives(cards, t).min() for t in scales])
        for point in piece.points(rng, 10):
            line = piece.line(point)
            bounds = [minorant_bound(line.constant, line.gradient, *piece.rest, t) for t in piece.scales]
            cutoff = float(rng.uniform(min(bounds), max(bounds)))
            first, last = scale_cut(line, *piece.rest, piece.scales, cutoff)
            assert piece.scales[0] <= first <= last <= piece.scales[1]
            assert np.all((least >= cutoff) | ((scales >= first) & (scales <= last)))
            cut += (first, last) != piece.scales
    assert cut > 50


def test_a_cutoff_above_both_ends_leaves_the_interval():
    piece, rng = next(pieces(free_scale=True))
    assert scale_cut(piece.line(piece.points(rng, 1)[0]), *piece.rest, piece.scales, 1e9) == piece.scales


@pytest.mark.parametrize("rows", [3, 400, 30_000])
def test_the_allowance_covers_the_rounding_of_a_bound(rows):
    """The bound at a card is that card's line, summed in floating point and in fractions."""
    rng = np.random.default_rng(rows)
    design = np.column_stack([np.ones(rows), np.round(50 * rng.standard_normal((rows, 4)), 2)])
    weight = rng.gamma(0.5, size=rows)
    weight /= weight.sum()
    slope, entropy = rng.random(rows), rng.random(rows)
    target = (weight * rng.random(rows)) @ design
    lower = upper = rng.integers(-5, 6, 5).astype(float)
    gradient, constant = (weight * slope) @ design - target, float(weight @ entropy)
    bound = minorant_bound(constant, gradient, lower, upper, np.zeros(5), 0, 0.0, 0.7)
    scores = [sum(map(lambda a, b: Fraction(a) * Fraction(b), row, lower)) for row in design.tolist()]
    exact = sum(
        Fraction(w) * (Fraction(e) + Fraction(s) * z * Fraction(0.7))
        for w, e, s, z in zip(weight.tolist(), entropy.tolist(), slope.tolist(), scores, strict=True)
    ) - Fraction(0.7) * sum(map(lambda a, b: Fraction(a) * Fraction(b), target.tolist(), lower))
    terms = 1.0 + float(0.7 * np.abs(lower) @ (weight @ np.abs(design)))
    assert abs(float(Fraction(float(bound)) - exact)) <= rounding_allowance(rows, 5, terms)
