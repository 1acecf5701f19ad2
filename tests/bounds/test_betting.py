import numpy as np
import pytest

from riskstats._jit import accelerator_present
from riskstats.bounds.betting import Betting, betting
from riskstats.bounds.sample import Sample
from riskstats.exceptions import InvalidInput
from riskstats.measures.mean import Mean
from tests.bounds.means import DELTA, golden_sample, known_wrong, label, records, too_many
from tests.reference.mean_bounds import betting_upper, fixed_horizon_stakes, wealth_peak

LAWS = {
    "square": lambda rng, shape: rng.random(shape) ** 2,
    "rare": lambda rng, shape: (rng.random(shape) < 0.05) * 1.0,
    "high": lambda rng, shape: 1 - rng.beta(1, 30, shape),
}


@pytest.mark.parametrize("record", records("mean_upper", "betting"), ids=label)
def test_golden_bounds(record):
    losses = golden_sample(record["n"])[None]
    value = Betting("numpy").mean_upper(losses, record["delta"])[0]
    assert value == pytest.approx(record["value"], abs=1e-10)
    assert betting(losses[0], confidence_level=1 - record["delta"]).value == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize("record", records("mean_p_value", "betting"), ids=label)
def test_golden_p_values(record):
    losses = golden_sample(record["n"])[None]
    p = Betting("numpy").mean_p_value(losses, record["risk_limit"], record["bets_delta"])[0]
    assert p == pytest.approx(record["value"], rel=1e-9)


def test_tighter_than_empirical_bernstein_of_others():
    for method in ("empirical_bennett", "empirical_bernstein_predictable_fixed_n"):
        for record in records("mean_upper_comparison", method):
            assert betting(golden_sample(record["n"])).value < record["value"] - 1e-3


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [1, 2, 30, 400])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_loop_and_bisection_agree_from_above(law, n, delta, rng):
    losses = LAWS[law](rng, (5, n))
    slow = np.array([betting_upper(row, delta) for row in losses])
    error = Betting().mean_upper(losses, delta) - slow
    assert (error >= -2e-15).all()
    assert (error <= 1e-12).all()
    stakes = [fixed_horizon_stakes(row, delta) for row in losses]
    peaks = [wealth_peak(row, bets, 0.4) for row, bets in zip(losses, stakes, strict=True)]
    p = Betting().mean_p_value(losses, 0.4, delta)
    np.testing.assert_allclose(p, np.exp(-np.maximum(peaks, 0)), rtol=1e-11)


def test_one_maximum_over_one_sum():
    """Adding the maxima of two halves makes errors of .25, .22, .18 and .16 at a promised .1."""
    (wrong,) = known_wrong("type I error at the true mean, Bernoulli(p), n=200, delta=.1, 20000 repetitions")
    rng, repetitions = np.random.default_rng(3), 4000
    for p, peer in zip(wrong["p"], wrong["value"], strict=True):
        losses = (rng.random((repetitions, 200)) < p) * 1.0
        missed = int((Betting().mean_upper(losses, 0.1) < p).sum())
        assert not too_many(missed, repetitions, 0.1)
        assert too_many(int(peer * repetitions), repetitions, 0.1)  # the test sees the peer's error
        assert int((Betting().mean_p_value(losses, p, 0.1) <= 0.1).sum()) == missed


def test_losses_above_the_limit_are_no_evidence_for_it(rng):
    """A two-sided wealth grows when the risk is far above the limit, and certified it."""
    losses = np.clip(0.8 + 0.05 * rng.standard_normal((5, 300)), 0, 1)
    assert (Betting().mean_p_value(losses, 0.2, DELTA) == 1.0).all()


def test_losses_just_below_one():
    assert Betting().mean_upper(np.full((1, 5), 0.999), DELTA)[0] >= 0.999


def test_the_order_of_units_matters():
    losses = golden_sample(200)
    assert betting(losses).value != pytest.approx(betting(losses[::-1]).value, abs=1e-6)


@pytest.mark.parametrize("n", [1, 4097])
def test_compiled_and_numpy_agree(n, rng):
    losses = np.concatenate(
        [draw(rng, (3, n)) for draw in LAWS.values()] + [np.zeros((1, n)), np.ones((1, n))]
    )
    bounds = [Betting(device).mean_upper(losses, DELTA) for device in ("numpy", "cpu")]
    np.testing.assert_allclose(*bounds, rtol=0, atol=1e-12)
    p = [Betting(device).mean_p_value(losses, 0.35, DELTA) for device in ("numpy", "cpu")]
    np.testing.assert_allclose(*p, rtol=1e-11)


@pytest.mark.gpu
def test_an_accelerator_agrees(rng):
    if not accelerator_present():
        pytest.skip("no accelerator")
    losses = rng.random((64, 20_000)) ** 2
    bounds = [Betting(device).mean_upper(losses, DELTA) for device in ("numpy", "gpu")]
    np.testing.assert_allclose(*bounds, rtol=0, atol=1e-12)


def test_devices():
    assert Betting("cpu") == Betting()
    assert str(Betting("cpu")) == str(Betting())
    with pytest.raises(InvalidInput, match="`device` must be one of"):
        Betting("tpu").mean_upper(np.zeros((1, 5)), DELTA)


@pytest.mark.slow
def test_memory_stays_bounded():
    """1000 candidates on 100,000 units: 0.8 GB of losses, 4 GiB in all."""
    import resource

    losses = np.random.default_rng(0).random((1000, 100_000), dtype=np.float64)
    bounds = Betting().upper(Sample(losses, (0.0, 1.0)), Mean(), DELTA)
    assert (np.abs(bounds - 0.502) < 0.01).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20  # KiB
