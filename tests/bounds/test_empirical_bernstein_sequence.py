import numpy as np
import pytest

from riskstats.bounds.betting_sequence import BettingSequence
from riskstats.bounds.empirical_bernstein_sequence import (
    EmpiricalBernsteinSequence,
    empirical_bernstein_sequence,
)
from tests.bounds.means import DELTA, LAWS, golden_sample, label, records, too_many
from tests.reference.mean_bounds import empirical_bernstein_sequence_upper


@pytest.mark.parametrize("record", records("mean_upper", "empirical_bernstein_anytime"), ids=label)
def test_golden_bounds(record):
    answer = empirical_bernstein_sequence(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_the_loop_agrees(delta, rng):
    losses = rng.random((5, 80)) ** 2
    slow = [empirical_bernstein_sequence_upper(row, delta) for row in losses]
    bound = EmpiricalBernsteinSequence()
    np.testing.assert_allclose(bound.mean_upper(losses, delta), slow, rtol=1e-12)
    running = bound.running(losses[0], delta)
    np.testing.assert_allclose(
        running, [bound.mean_upper(losses[:1, :t], delta)[0] for t in range(1, 81)], rtol=1e-12
    )


@pytest.mark.parametrize("law", ["coin", "smooth", "high"])
def test_looking_after_every_unit_is_free(law):
    draw, mean = LAWS[law]
    losses = draw(np.random.default_rng(8), (1500, 600))
    missed = EmpiricalBernsteinSequence().mean_upper(losses, DELTA) < mean
    assert not too_many(int(missed.sum()), 1500, DELTA)


def test_wider_than_betting_by_little():
    losses = golden_sample(1000)
    closed, betting = (
        b.running(losses, DELTA)[-1] for b in (EmpiricalBernsteinSequence(), BettingSequence())
    )
    assert betting < closed < betting + 0.003
