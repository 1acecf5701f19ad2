from decimal import Decimal, localcontext

import numpy as np
import pytest

from riskstats.losses import sigmoid
from riskstats.multiplicity.literals import down_threshold, literals_of, logit, up_threshold


def exact_up(reference, deviation):
    """Logit of sigmoid(reference) + deviation in 60 digits, None where it is 1 or more."""
    with localcontext() as context:
        context.prec = 60
        p = 1 / (1 + (-Decimal(reference)).exp()) + Decimal(deviation)
        return (p / (1 - p)).ln() if p < 1 else None


@pytest.mark.parametrize("deviation", [1e-6, 0.05, 0.3, 0.9])
def test_thresholds_are_a_few_roundings_below_the_exact_ones(rng, deviation):
    reference = np.concatenate([rng.uniform(-28, 28, 200), logit(rng.uniform(0, 1, 200))])
    for l0, found in zip(reference.tolist(), up_threshold(reference, deviation).tolist(), strict=True):
        exact = exact_up(l0, deviation)
        if exact is None:
            assert found == np.inf
            continue
        off = float(exact - Decimal(found))
        room = float(sigmoid(-l0) - deviation)
        assert 0 <= off < 1e-14 * (5 + abs(found) + 1 / room)


def test_down_mirrors_up(rng):
    reference = rng.uniform(-5, 5, 50)
    np.testing.assert_array_equal(down_threshold(reference, 0.1), -up_threshold(-reference, 0.1))


def test_no_threshold_beyond_the_ends():
    reference = logit([0.05, 0.5, 0.95])
    np.testing.assert_array_equal(np.isinf(up_threshold(reference, 0.2)), [False, False, True])
    np.testing.assert_array_equal(np.isinf(down_threshold(reference, 0.2)), [True, False, False])
    literals = literals_of(reference, 0.2)
    np.testing.assert_array_equal(literals.up_exists, [True, True, False])
    np.testing.assert_array_equal(literals.down_exists, [False, True, True])
    everything = literals.reached(np.full(3, -np.inf), np.full(3, np.inf))
    np.testing.assert_array_equal(everything, True)
    np.testing.assert_array_equal(literals_of(reference, 0.96).reached(-np.inf, np.inf), False)


def test_extreme_references_stay_apart():
    reference = np.array([-np.inf, -800.0, -28.0, 28.0, 800.0, np.inf])
    up = up_threshold(reference, 0.25)
    np.testing.assert_allclose(up[:3], logit(0.25), rtol=1e-10)
    assert (up[3:] == np.inf).all()
    assert not np.isnan(down_threshold(reference, 0.25)).any()


@pytest.mark.parametrize("steps", [10, 20, 64, 1000])
def test_equality_counts_and_the_next_step_does_not(steps):
    """All pairs on a grid of probabilities that rounding does not hold exactly."""
    rng = np.random.default_rng(steps)
    for _ in range(60):
        d = int(rng.integers(1, steps))
        k0, k = rng.integers(0, steps + 1, (2, 400))
        at = logit(k / steps)
        found = literals_of(logit(k0 / steps), d / steps).reached(at, at)
        np.testing.assert_array_equal(found, abs(k - k0) >= d)


def test_near_misses_do_not_count():
    literals = literals_of(logit(np.array([0.25, 0.4])), 0.25)
    for at, found in ((logit(0.5 - 1e-12), False), (logit(0.5), True)):
        assert literals.reached(at, at)[0] == found
    at = logit(0.15 + 1e-12)
    assert not literals.reached(at, at)[1]


def test_responses_have_thresholds_everywhere():
    literals = literals_of(np.array([-3.0, 0.1]), 0.2, "response")
    at = np.array([-3.2, 0.3])
    np.testing.assert_array_equal(literals.reached(at, at), True)
    nearer = at + np.array([1e-12, -1e-12])
    np.testing.assert_array_equal(literals.reached(nearer, nearer), False)


def test_logit_of_certain_predictions():
    np.testing.assert_array_equal(logit([0.0, 0.5, 1.0]), [-np.inf, 0.0, np.inf])
    p = np.linspace(1e-12, 1 - 1e-12, 1001)
    np.testing.assert_allclose(sigmoid(logit(p)), p, rtol=1e-12)
