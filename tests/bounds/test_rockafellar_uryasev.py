"""CVaR by betting: validity of every choice of threshold, and how tight it is."""

import numpy as np
import pytest

from riskstats.bounds import tail_wagers
from riskstats.bounds.api import lower_bound, upper_bound
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev, rockafellar_uryasev
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from tests.bounds.means import DELTA, EXTREME, golden_sample, too_many
from tests.reference.mean_bounds import fixed_threshold_upper, mixture_upper, predictable_upper

CHOICES = [
    RockafellarUryasev(),
    RockafellarUryasev("split", random_state=3),
    RockafellarUryasev("mixture", grid=(0.0, 0.4, 0.8)),
    RockafellarUryasev(0.7),
]
every_choice = pytest.mark.parametrize("bound", CHOICES, ids=lambda bound: str(bound.threshold))


def union(rng, shape):
    """One minus the product of four independent factors: rare and large losses."""
    z = rng.choice([0, 0.25, 0.5, 0.75, 1], p=[0.86, 0.08, 0.035, 0.02, 0.005], size=(*shape, 4))
    return 1 - np.prod(1 - 0.9 * z, axis=-1)


SQUARE = (lambda rng, shape: rng.random(shape) ** 2, 0.9, 0.9033333)
LAWS = {
    "square": SQUARE,
    "A": (lambda rng, shape: np.where(rng.random(shape) < 0.6, 0, rng.beta(0.8, 6, shape)), 0.95, 0.3575),
    "B": (union, 0.95, 0.8327),
    "C": (lambda rng, shape: (rng.random(shape) < 0.03) * 1.0, 0.95, 0.6),
}


def bounds_on(law, bound, n, repetitions, seed=1):
    draw, level, truth = LAWS[law]
    losses = draw(np.random.default_rng(seed), (repetitions, n))
    return bound.upper(Sample(losses, (0.0, 1.0)), CVaR(level), DELTA), truth


@every_choice
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "repetitions"), [(20, 600), (300, 600)])
def test_the_truth_is_missed_as_rarely_as_promised(bound, law, n, repetitions):
    uppers, truth = bounds_on(law, bound, n, repetitions)
    assert not too_many(int((uppers < truth - 1e-4).sum()), repetitions, DELTA)
    draw, level, _ = LAWS[law]
    sample = Sample(draw(np.random.default_rng(2), (repetitions, n)), (0.0, 1.0))
    p = bound.p_value(sample, CVaR(level), truth - 1e-4, DELTA)
    for threshold in (0.01, 0.05, 0.2):
        assert not too_many(int((p <= threshold).sum()), repetitions, threshold)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [1, 2, 40, 120])
def test_loops_agree_from_above(level, n, rng):
    losses = rng.random((4, n)) ** 2
    sample, measure = Sample(losses, (0.0, 1.0)), CVaR(level)
    for bound, slow in (
        (RockafellarUryasev(), lambda x: predictable_upper(x, level, DELTA)),
        (RockafellarUryasev(0.6), lambda x: fixed_threshold_upper(x, 0.6, level, DELTA)),
        (RockafellarUryasev("mixture", (0.2, 0.7)), lambda x: mixture_upper(x, (0.2, 0.7), level, DELTA)),
    ):
        error = bound.upper(sample, measure, DELTA) - [slow(row.tolist()) for row in losses]
        assert (error >= -1e-13).all()
        assert (error <= 1e-12).all()


def test_split_is_a_fixed_threshold_on_the_units_not_drawn(rng):
    losses = rng.random((3, 97))
    threshold, rest = tail_wagers.split_off(losses, 0.9, 5)
    assert rest.shape == (3, 97 - 13)
    uppers = RockafellarUryasev("split", random_state=5).upper(Sample(losses, (0.0, 1.0)), CVaR(0.9), DELTA)
    slow = [fixed_threshold_upper(x, t, 0.9, DELTA) for x, t in zip(rest, threshold[:, 0], strict=True)]
    np.testing.assert_allclose(uppers, slow, rtol=0, atol=1e-12)
    for row in range(3):
        drawn = np.setdiff1d(losses[row], rest[row])
        assert threshold[row, 0] == np.sort(drawn)[11]  # rank ceil(.9 * 13)


def test_one_seed_does_not_draw_the_same_ranks_in_every_sample(rng):
    """Sorting before a seeded permutation would: thresholds of many samples would all sit at one rank."""
    losses = rng.random((200, 80))
    threshold, _ = tail_wagers.split_off(losses, 0.9, 0)
    ranks = (losses < threshold).sum(axis=1)
    assert ranks.std() > 3


@every_choice
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bound_and_p_value_are_the_same_statement(bound, level, rng):
    losses = rng.random((10, 200)) ** 2
    uppers = bound.upper(Sample(losses, (0.0, 1.0)), CVaR(level), DELTA)
    for row, value in zip(losses, uppers, strict=True):
        sample = Sample(row[None], (0.0, 1.0))
        if value < 1 - 1e-9:
            assert bound.p_value(sample, CVaR(level), value + 1e-9, DELTA)[0] <= DELTA
        assert bound.p_value(sample, CVaR(level), value - 1e-9, DELTA)[0] > DELTA * (1 - 1e-5)


@every_choice
def test_highest_wealth_rises_with_the_limit(bound, rng):
    sample = Sample(rng.random((30, 100)) ** 3, (0.0, 1.0))
    ((_, wager),) = bound._wagers(sample, CVaR(0.8), 3.0)
    peaks = np.array([wager.peak(np.full(wager.peak(np.zeros(30)).shape, r)) for r in np.linspace(0, 1, 101)])
    assert (np.diff(peaks, axis=0) >= -1e-12).all()
    assert peaks[0].max() <= 0
    assert np.median(peaks[-1]) > 0


@every_choice
@pytest.mark.parametrize("case", EXTREME)
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_extreme_losses_give_a_number_in_the_support(bound, case, delta, n):
    sample = Sample(EXTREME[case][None, :n], (0.0, 1.0))
    for level in (0.0, 0.5, 0.999):
        assert 0.0 <= bound.upper(sample, CVaR(level), delta)[0] <= 1.0
        for limit in (1e-300, 0.5, np.nextafter(1.0, 0.0)):
            assert 0.0 <= bound.p_value(sample, CVaR(level), limit, delta)[0] <= 1.0


def test_the_future_sets_no_threshold(rng):
    """Changing the last losses changes nothing that was staked before them."""
    losses = rng.random((1, 300))
    other = losses.copy()
    other[0, 200:] = rng.random(100)
    one, two = (tail_wagers.Predictable.of(x, 0.9, 3.0) for x in (losses, other))
    for name in ("payoffs", "tops", "stakes"):
        np.testing.assert_array_equal(getattr(one, name)[:, :200], getattr(two, name)[:, :200])
    assert (one.payoffs[:, 200:] != two.payoffs[:, 200:]).any()


def test_tightness_on_the_square_of_a_uniform():
    uppers, _ = bounds_on("square", RockafellarUryasev(), 1000, 400)
    assert uppers.mean() <= 0.9300
    uppers, _ = bounds_on("square", RockafellarUryasev(), 5000, 60)
    assert uppers.mean() <= 0.9160


@pytest.mark.parametrize(("law", "excess"), [("A", 0.12), ("B", 0.07), ("C", 0.32)])
@pytest.mark.parametrize("bound", CHOICES[:2], ids=lambda bound: str(bound.threshold))
def test_tightness_on_rare_losses(bound, law, excess):
    uppers, truth = bounds_on(law, bound, 901, 400)
    assert uppers.mean() - truth <= excess
    assert (uppers >= truth - 1e-4).mean() >= 0.94


@every_choice
def test_other_units(bound, rng):
    losses = rng.random(250) ** 2
    value = upper_bound(losses, CVaR(0.8), bound).value
    scaled = RockafellarUryasev(
        bound.threshold if isinstance(bound.threshold, str) else 10 * bound.threshold - 5,
        None if bound.grid is None else tuple(10 * t - 5 for t in bound.grid),
        bound.random_state,
    )
    answer = upper_bound(10 * losses - 5, CVaR(0.8), scaled, support=(-5, 5))
    assert answer.value == pytest.approx(10 * value - 5, abs=1e-10)


def test_the_function(rng):
    losses = rng.random(100)
    answer = rockafellar_uryasev(losses, 0.9, threshold="split", confidence_level=0.9)
    assert (
        answer.value
        == upper_bound(losses, CVaR(0.9), RockafellarUryasev("split"), confidence_level=0.9).value
    )
    assert answer.guaranteed


def test_what_it_refuses():
    losses = golden_sample(50)
    with pytest.raises(IncompatibleBound, match=r"from above only; .*`BerkJones`"):
        lower_bound(losses, CVaR(0.9), RockafellarUryasev())
    with pytest.raises(IncompatibleBound, match="`RockafellarUryasev` bounds a CVaR"):
        upper_bound(losses, Mean(), RockafellarUryasev())
    with pytest.raises(IncompatibleBound, match="needs bounded losses"):
        upper_bound(losses, CVaR(0.9), RockafellarUryasev(), support=(0.0, np.inf))
    with pytest.raises(InvalidInput, match=r"`threshold` must lie in \[0, 1\), the support; got 1"):
        upper_bound(losses, CVaR(0.9), RockafellarUryasev(1.0))
    with pytest.raises(InvalidInput, match="`threshold` must be one of"):
        RockafellarUryasev("best")
    with pytest.raises(InvalidInput, match="`grid` holds the thresholds"):
        RockafellarUryasev(grid=(0.1,))
    with pytest.raises(InvalidInput, match="`threshold` must be a finite number"):
        RockafellarUryasev(np.nan)
    with pytest.raises(InvalidInput, match="`random_state` must be an integer"):
        RockafellarUryasev(random_state=None)
