import math

import numpy as np
import pytest

from riskstats.bounds.chernoff import Chernoff, chernoff, entropy_inverse
from riskstats.bounds.hoeffding import Hoeffding
from tests.bounds.means import golden_sample, known_wrong, label, records
from tests.reference.mean_bounds import chernoff_upper


@pytest.mark.parametrize("record", records("mean_upper", "chernoff"), ids=label)
def test_golden_bounds(record):
    answer = chernoff(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


def test_the_bound_that_never_acts_elsewhere():
    """A maximum where the minimum was meant gave 1."""
    wrong = [record for record in known_wrong("mean_upper") if record["peer"] == "rcps.hoeffding_mu_plus"]
    assert wrong
    for record in wrong:
        value = Chernoff().mean_upper(golden_sample(record["n"])[None], record["delta"])[0]
        assert value == pytest.approx(record["correct"], abs=1e-10)


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_bisection_agrees(delta, rng):
    losses = rng.beta(0.4, 0.6, (40, 12))
    slow = [chernoff_upper(row, delta) for row in losses]
    np.testing.assert_allclose(Chernoff().mean_upper(losses, delta), slow, rtol=0, atol=1e-14)


def test_closed_forms_at_the_ends():
    radius = np.array([1e-12, 1e-6, 0.01, 1.0, 30.0])
    at_zero = [entropy_inverse(np.array([0.0]), c)[0] for c in radius]
    np.testing.assert_allclose(at_zero, -np.expm1(-radius), rtol=2e-16)
    assert (entropy_inverse(np.array([1.0, np.nextafter(1.0, 0.0)]), 1e-3) == 1.0).all()
    assert entropy_inverse(np.array([5e-324]), 1e-3)[0] == pytest.approx(-math.expm1(-1e-3))


def exact_entropy(mean, mu):
    from decimal import Decimal

    p, q = Decimal(mean), Decimal(mu)
    return p * (p / q).ln() + (1 - p) * ((1 - p) / (1 - q)).ln()


@pytest.mark.parametrize("mean", [1e-12, 0.001, 0.3, 0.97, 1 - 1e-9])
@pytest.mark.parametrize("radius", [1e-9, 1e-5, 0.01, 2.0])
def test_full_precision(mean, radius):
    """`kl(mean, mu) = radius` in 50 digits within the last bits of mu."""
    from decimal import localcontext

    mu = float(entropy_inverse(np.array([mean]), radius)[0])
    with localcontext() as context:
        context.prec = 50
        if mu == 1.0:
            assert float(exact_entropy(mean, np.nextafter(1.0, 0.0))) < radius
        else:
            error = float(exact_entropy(mean, mu)) - radius
            assert abs(error) <= 3e-16 * (mu - mean) / (mu * (1 - mu)) + 1e-15 * radius


def test_never_wider_than_hoeffding(rng):
    losses = rng.random((50, 30))
    assert (Chernoff().mean_upper(losses, 0.05) <= Hoeffding().mean_upper(losses, 0.05)).all()
