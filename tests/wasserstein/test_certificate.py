"""The last step of every route: no law outside of a ball, no value above its bound, whoever proposed them."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from riskstats.results import Status
from riskstats.wasserstein.asked import asked_of
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.certificate import dual_value, inside, restored
from riskstats.wasserstein.finite import FiniteSupport
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.shapes import Above, AtMost, Linear
from riskstats.wasserstein.verified import Proposal, nudged, verified

MODEL = MarginalBalls(
    WassersteinBall([0.0, 1.0], radius=0.5, order=1), WassersteinBall([0.0, 2.0, 4.0], radius=0.0, order=1)
)
ASKED = asked_of(Aggregate(Linear(), (1, 1)), MODEL, "upper", None, 1e-6, None)
SOUND = Proposal(
    weights=np.array([1 / 3, 1 / 6, 1 / 6, 1 / 3]),
    sources=np.array([[0, 0], [0, 1], [1, 1], [1, 2]]),
    targets=(np.array([[0.5], [0.5], [1.5], [1.5]]), np.array([[0.0], [2.0], [2.0], [4.0]])),
    upper=3.0,
    route="by hand",
    multiplier=(1.0, 1.0),
)


def test_a_sound_proposal_is_the_answer():
    found = verified(ASKED, SOUND)
    assert found.status is Status.OPTIMAL
    assert found.value == found.lower == 3.0
    assert found.worst_case_distribution.costs.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weights": np.zeros(4)}, "miss the reference"),
        ({"weights": np.array([1 / 3, 1 / 6, 1 / 6, np.nan])}, "not numbers"),
        ({"weights": np.array([2 / 3, -1 / 6, 1 / 6, 1 / 3])}, "negative"),
        ({"weights": np.array([1 / 3, 1 / 6, 1 / 6, 1 / 6])}, "miss the reference"),
        ({"weights": SOUND.weights.astype(np.float32) * np.float32(1.0001)}, "miss the reference"),
        ({"sources": SOUND.sources[::-1]}, "miss the reference|costs"),
        ({"targets": (SOUND.targets[0] + 0.1, SOUND.targets[1])}, "ball 1 costs"),
        ({"targets": (SOUND.targets[0], SOUND.targets[1] + 1e-6)}, "ball 2 costs"),
        ({"targets": (SOUND.targets[0] * np.nan, SOUND.targets[1])}, "not finite"),
        ({"upper": 2.9}, "above the bound"),
        ({"upper": math.nan}, "bound is nan"),
    ],
)
def test_an_unsound_proposal_is_refused_and_says_why(change, reason):
    found = verified(ASKED, replace(SOUND, **change))
    assert found.status is Status.NONFINITE
    assert math.isnan(found.value)
    assert found.worst_case_distribution is None
    assert "not certified" in found.route
    assert re.search(reason, found.route)


def test_a_loose_bound_is_a_gap_and_not_an_error():
    found = verified(ASKED, replace(SOUND, upper=3.5))
    assert found.status is Status.GAP
    assert (found.lower, found.upper) == (3.0, 3.5)


def test_targets_outside_of_the_support_are_refused():
    for support in ((0.0, 4.0), [np.array([0.0, 0.5, 1.0]), np.array([0.0, 2.0, 4.0])]):
        asked = asked_of(Aggregate(Linear(), (1, 1)), MODEL, "upper", support, 1e-6, None)
        held = support == (0.0, 4.0)
        assert (verified(asked, SOUND).status is Status.OPTIMAL) == held


def test_events_are_nudged_by_last_digits_only():
    ball = WassersteinBall([0.1, 0.7], radius=0.5, order=1)
    f, sources = Aggregate(AtMost(0.3), (3.0,)), np.array([[0], [1]])
    targets = (np.array([[0.1], [0.1 + 1e-17]]),)
    moved = (targets[0] * (1 + 4e-16),)
    back = nudged(f, 1, (ball,), sources, moved, np.ones(2), ((-np.inf, np.inf),))
    assert (f(*back) == 1.0).all()
    assert np.abs(back[0] - targets[0]).max() < 1e-14
    up = nudged(Aggregate(Above(0.3), (3.0,)), 1, (ball,), sources, targets, np.ones(2), ((-np.inf, np.inf),))
    assert (Aggregate(Above(0.3), (3.0,))(*up) == 1.0).all()


@pytest.mark.parametrize("seed", range(20))
def test_any_potential_and_any_prices_give_a_bound(seed):
    rng = np.random.default_rng(seed)
    first = WassersteinBall(rng.normal(size=4), radius=0.3, order=2)
    second = WassersteinBall(rng.normal(size=5), radius=0.1, order=2)
    sets = tuple(np.unique(np.append(np.linspace(-3, 3, 13), b.points))[:, None] for b in (first, second))
    question = FiniteSupport((first, second), sets, lambda a, b: np.sin(3 * a + b)[:, 0])
    best = solve_program(question, gap=1e-9).enclosure.lower
    for potential in (rng.normal(size=5), np.zeros(5), rng.normal(size=5).astype(np.float32)):
        prices = rng.exponential(size=2)
        assert dual_value(question, prices, question.at(prices)[0], potential) >= best - 1e-12
    assert dual_value(question, np.array([-1.0, 1.0]), question.at(np.ones(2))[0], np.zeros(5)) == np.inf
    assert dual_value(question, np.ones(2), question.at(np.ones(2))[0], np.full(5, np.nan)) == np.inf


@pytest.mark.parametrize("damage", ["zeros", "half", "negative", "nan", "swapped", "float32", "too dear"])
def test_restoring_damaged_weights_gives_a_law_inside_or_nothing(damage):
    rng = np.random.default_rng(0)
    first = WassersteinBall(rng.normal(size=4), radius=0.3, order=2)
    second = WassersteinBall(rng.normal(size=4), radius=0.1, order=2)
    sets = tuple(np.unique(np.append(np.linspace(-3, 3, 13), b.points))[:, None] for b in (first, second))
    question = FiniteSupport((first, second), sets, lambda a, b: np.sin(3 * a + b)[:, 0])
    sound = solve_program(question, gap=1e-9)
    cheap = question.cheapest(np.ones(2))[1]
    start = (cheap, np.outer(question.first, question.second).ravel())
    weights = sound.weights.copy()
    broken = {
        "zeros": 0.0 * weights,
        "half": 0.5 * weights,
        "negative": -weights,
        "nan": np.where(np.arange(len(weights)) == 0, np.nan, weights),
        "swapped": weights[::-1],
        "float32": weights.astype(np.float32).astype(np.float64),
        "too dear": 3.0 * weights,
    }[damage]
    found = restored(question, cheap, start, sound.columns, broken)
    if found is None:
        return
    columns, mass = (found.columns, found.weights) if hasattr(found, "columns") else found[:2]
    assert inside(question, columns, mass)
    assert mass @ columns.value <= sound.enclosure.upper + 1e-9
