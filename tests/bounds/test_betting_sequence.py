import dataclasses
import json
import math
import sys

import numpy as np
import pytest

from riskstats.bounds.betting_sequence import BettingSequence, BettingWealth, betting_sequence
from riskstats.exceptions import InvalidInput
from tests.bounds.means import DELTA, LAWS, golden_sample, label, records, too_many
from tests.reference.mean_bounds import betting_upper


@pytest.mark.parametrize("record", records("mean_upper", "betting_anytime"), ids=label)
def test_golden_bounds(record):
    losses = golden_sample(record["n"])
    assert betting_sequence(losses, confidence_level=1 - record["delta"]).value == pytest.approx(
        record["value"], abs=1e-10
    )
    if record["n"] <= 200:
        assert BettingSequence().running(losses, record["delta"])[-1] == pytest.approx(
            record["value"], abs=1e-10
        )


@pytest.mark.parametrize("n", [1, 2, 50])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_loop_and_bisection_agree_from_above(n, delta, rng):
    losses = np.concatenate([rng.random((3, n)) ** 2, np.zeros((1, n)), np.ones((1, n))])
    error = BettingSequence().mean_upper(losses, delta) - [
        betting_upper(x, delta, anytime=True) for x in losses
    ]
    assert (error >= -2e-15).all()
    assert (error <= 1e-12).all()


def test_the_bound_after_every_unit(monkeypatch):
    losses = golden_sample(150)
    one_by_one = [BettingSequence().mean_upper(losses[None, :t], DELTA)[0] for t in range(1, 151)]
    running = BettingSequence().running(losses, DELTA)
    np.testing.assert_allclose(running, one_by_one, rtol=0, atol=2e-13)
    assert (np.diff(running) <= 0).all()
    monkeypatch.setattr(sys.modules[BettingSequence.__module__], "ELEMENTS", 1000)
    np.testing.assert_allclose(BettingSequence().running(losses, DELTA), running, rtol=0, atol=2e-13)


def test_running_bounds_in_other_units():
    losses = golden_sample(60)
    upper = BettingSequence().running_upper(losses, DELTA)
    scaled = BettingSequence().running_upper(3 * losses + 1, DELTA, support=(1, 4))
    np.testing.assert_allclose(scaled, 3 * upper + 1, atol=1e-11)
    lower = BettingSequence().running_lower(1 - losses, DELTA)
    np.testing.assert_allclose(lower, 1 - upper, atol=1e-11)


@pytest.mark.parametrize("law", ["coin", "smooth", "high"])
def test_looking_after_every_unit_is_free(law):
    draw, mean = LAWS[law]
    losses = draw(np.random.default_rng(8), (1500, 600))
    p = BettingSequence().mean_p_value(losses, mean, DELTA)  # of the highest wealth at any time
    assert not too_many(int((p <= DELTA).sum()), 1500, DELTA)


def test_the_price_of_looking_is_small():
    assert betting_sequence(golden_sample(1000)).value <= 0.3630 * 1.05


def test_wealth_is_the_same_to_the_last_bit_however_it_is_fed(rng):
    losses = rng.random(3000) ** 2
    at_once = BettingWealth(0.4, DELTA).update(losses)
    one_by_one, in_batches, resumed = (BettingWealth(0.4, DELTA) for _ in range(3))
    for loss in losses:
        one_by_one = one_by_one.update([loss])
    for batch in np.split(losses, np.sort(rng.integers(0, 3000, 40))):
        in_batches = in_batches.update(batch)
        stored = json.loads(json.dumps(dataclasses.asdict(resumed)))
        resumed = BettingWealth(**stored).update(batch)
    assert one_by_one == in_batches == resumed == at_once
    assert at_once.crossed_at is not None
    strided = np.repeat(losses, 2)[::2]
    assert BettingWealth(0.4, DELTA).update(strided) == at_once


def test_wealth_crosses_where_the_bound_does(rng):
    losses = rng.random(800) ** 2
    state = BettingWealth(0.45, DELTA).update(losses)
    running = BettingSequence().running(losses, DELTA)
    assert state.crossed_at == int((running <= 0.45).argmax()) + 1
    assert state.p_value == pytest.approx(
        BettingSequence().mean_p_value(losses[None], 0.45, DELTA)[0], rel=1e-12
    )
    before = BettingWealth(0.45, DELTA).update(losses[: state.crossed_at - 1])
    assert before.crossed_at is None
    assert before.p_value > DELTA


def test_wealth_at_the_start():
    start = BettingWealth(0.4, DELTA)
    assert start.update([]) is start
    assert start.p_value == 1.0
    for limit in (0.0, 1.0, -3.0, math.nan):
        with pytest.raises(InvalidInput, match="must lie inside the support"):
            BettingWealth(limit, DELTA)
