import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from riskstats.bounds.betting import Betting
from riskstats.bounds.per_item import per_item_bound, per_item_p_value
from riskstats.bounds.sample import Sample
from riskstats.bounds.units import failure_at_k, unit_losses
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean
from tests.theorems.laws import too_many

DELTA = 0.05


# one loss per unit


def test_units_keep_the_order_of_their_first_row():
    units, losses = unit_losses([1.0, 0.0, 0.5, 0.25], ["b", "a", "b", "c"])
    assert units.tolist() == ["b", "a", "c"]
    assert losses.tolist() == [0.75, 0.0, 0.25]


def test_maximum_and_function():
    unit = [7, 7, 3, 7]
    losses = [0.1, 0.9, 0.3, 0.2]
    assert unit_losses(losses, unit, reduce="max")[1].tolist() == [0.9, 0.3]
    assert unit_losses(losses, unit, reduce=np.median)[1].tolist() == [0.2, 0.3]


def test_matrix_is_reduced_row_by_row(rng):
    losses, unit = rng.random((4, 60)), rng.integers(0, 13, 60)
    for reduce in ("mean", "max", np.min):
        units, reduced = unit_losses(losses, unit, reduce=reduce)
        assert reduced.shape == (4, len(units))
        for row, values in zip(losses, reduced, strict=True):
            np.testing.assert_array_equal(unit_losses(row, unit, reduce=reduce)[1], values)


def test_mean_agrees_with_a_loop(rng):
    losses, unit = rng.random(200), rng.integers(0, 30, 200)
    units, reduced = unit_losses(losses, unit)
    np.testing.assert_allclose(reduced, [losses[unit == each].mean() for each in units], rtol=1e-14)


def test_mean_of_equal_losses_is_that_loss():
    assert unit_losses([0.1] * 3, ["a"] * 3)[1][0] == 0.1  # not 0.10000000000000002
    assert unit_losses(np.full(7, 0.7), np.zeros(7))[1][0] <= 0.7


def test_one_row_per_unit_changes_nothing(rng):
    losses = rng.random(20)
    np.testing.assert_array_equal(unit_losses(losses, np.arange(20))[1], losses)


def test_frames_and_series():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [0.0, 1.0, 1.0], "b": [1.0, 1.0, 0.0]}, index=["q", "q", "r"])
    units, losses = unit_losses(frame, frame.index)
    assert units.tolist() == ["q", "r"]
    assert losses.tolist() == [[0.5, 1.0], [1.0, 0.0]]
    assert unit_losses(frame["a"], frame.index)[1].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unit_losses([0.1, 0.2], ["a"]), "one label per loss, 2 of them"),
        (lambda: unit_losses([0.1, 0.2], ["a", None]), "1 missing labels, first at 1"),
        (lambda: unit_losses([0.1, 0.2], [np.nan, 1.0]), "1 missing labels, first at 0"),
        (lambda: unit_losses([0.1, np.nan], ["a", "b"]), "a missing loss is not a zero loss"),
        (lambda: unit_losses([0.1, 0.2], ["a", "b"], reduce="median"), "'mean', 'max'; got 'median'"),
        (lambda: unit_losses([0.1, 0.2], ["a", "b"], reduce=lambda x: x), "one finite number per unit"),
        (lambda: unit_losses([0.1, 0.2], ["a", "b"], reduce=lambda x: np.nan), "one finite number per unit"),
    ],
)
def test_messages_of_units(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()


# failure at k


def test_failure_at_k_counts_draws():
    for samples in range(1, 7):
        for correct, k in itertools.product(range(samples + 1), range(1, samples + 1)):
            answers = [True] * correct + [False] * (samples - correct)
            draws = list(itertools.combinations(answers, k))
            share = sum(not any(draw) for draw in draws) / len(draws)
            assert failure_at_k(samples, correct, k) == pytest.approx(share, abs=1e-15)


def test_failure_at_k_is_exact_where_logarithms_are_not():
    value = failure_at_k(10_000, 5_000, 50)
    exact = Fraction(math.comb(5_000, 50), math.comb(10_000, 50))
    assert value == float(exact)
    assert failure_at_k(2000, 1, 1999) == 1 / 2000


def test_failure_at_k_is_unbiased():
    p, samples, k = 0.3, 9, 4
    counts = np.arange(samples + 1)
    chances = [math.comb(samples, c) * p**c * (1 - p) ** (samples - c) for c in counts]
    assert np.dot(chances, failure_at_k(samples, counts, k)) == pytest.approx((1 - p) ** k, rel=1e-14)


def test_failure_at_k_is_elementwise():
    values = failure_at_k([[5], [10]], [0, 1, 5], 1)
    np.testing.assert_allclose(values, [[1.0, 0.8, 0.0], [1.0, 0.9, 0.5]], rtol=1e-15)
    assert isinstance(failure_at_k(5, 2, 1), float)
    assert failure_at_k(5.0, 2.0, 1) == failure_at_k(5, 2, 1)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((5, 6, 1), "`n_correct` must lie in 0..n_samples; got 6 of 5"),
        ((5, -1, 1), "got -1 of 5"),
        ((5, 1, 6), "`k` must lie in 1..n_samples; got 6 with 5 samples"),
        ((5, 1, 0), "got 0 with 5 samples"),
        ((0, 0, 1), "`n_samples` must be >= 1"),
        ((5, 1.5, 1), "`n_correct` must be whole numbers"),
        (([5, 5], [1, 2, 3], 1), "differ in shape"),
    ],
)
def test_messages_of_failure_at_k(args, message):
    with pytest.raises(InvalidInput, match=message):
        failure_at_k(*args)


# several generations per prompt


def generations(rng, repetitions, prompts, each, icc):
    """(repetitions, prompts * each) losses 0/1 with mean .2 and this intraclass correlation."""
    if icc in (0.0, 1.0):
        rate = np.full((repetitions, prompts), 0.2)
        rate = rate if icc == 0.0 else (rng.random(rate.shape) < 0.2).astype(float)
    else:
        size = 1 / icc - 1
        rate = rng.beta(0.2 * size, 0.8 * size, (repetitions, prompts))
    return (rng.random((repetitions, prompts, each)) < rate[:, :, np.newaxis]).reshape(repetitions, -1) * 1.0


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.5, 1.0])
def test_prompts_are_the_units(rng, icc):
    losses = generations(rng, 1000, 60, 5, icc)
    per_prompt = unit_losses(losses, np.repeat(np.arange(60), 5))[1]
    bounds = Betting().upper(Sample(per_prompt, (0.0, 1.0)), Mean(), DELTA)
    assert not too_many(int((bounds < 0.2).sum()), 1000, DELTA)


def test_generations_are_not_the_units(rng):
    losses = generations(rng, 1000, 60, 5, 1.0)
    bounds = Betting().upper(Sample(losses, (0.0, 1.0)), Mean(), DELTA)
    assert too_many(int((bounds < 0.2).sum()), 1000, DELTA)


# risk per item


def clusters(rng, count, largest=10):
    """Sizes and losses whose rate grows with the size: (labels, losses)."""
    sizes = rng.integers(1, largest + 1, count)
    rates = sizes / (3 * largest)
    losses = np.concatenate([(rng.random(s) < r) * 1.0 for s, r in zip(sizes, rates, strict=True)])
    return np.repeat(np.arange(count), sizes), losses


PER_ITEM = float(sum(s * s for s in range(1, 11)) / 30 / sum(range(1, 11)))  # E T / E S = .2333
PER_CLUSTER = sum(range(1, 11)) / 300  # .1833


def test_equal_clusters_are_betting_on_their_means(rng):
    losses, cluster = rng.random(1800) ** 2, np.repeat(np.arange(600), 3)  # enough for bets below their cap
    sample = Sample(unit_losses(losses, cluster)[1][np.newaxis], (0.0, 1.0))
    for side in ("upper", "lower"):
        ours = per_item_bound(losses, cluster, max_size=3, side=side).value
        theirs = getattr(Betting(), side)(sample, Mean(), 1 - 0.95)[0]
        assert ours == pytest.approx(theirs, abs=1e-11)
    p = per_item_p_value(losses, cluster, risk_limit=0.45, max_size=3)
    assert p == pytest.approx(Betting().p_value(sample, Mean(), 0.45, 1 - 0.95)[0], rel=1e-10)


def test_item_risk_is_covered(rng):
    repetitions = 1000
    missed = above = 0
    for _ in range(repetitions):
        cluster, losses = clusters(rng, 80)
        missed += per_item_p_value(losses, cluster, risk_limit=PER_ITEM, max_size=10) <= DELTA
        reflected = per_item_p_value(1 - losses, cluster, risk_limit=1 - PER_ITEM, max_size=10)
        above += reflected <= DELTA
    assert not too_many(missed, repetitions, DELTA)
    assert not too_many(above, repetitions, DELTA)


def test_counting_each_cluster_once_is_another_risk(rng):
    cluster, losses = clusters(rng, 4000)
    found = per_item_bound(losses, cluster, max_size=10)
    assert PER_CLUSTER < PER_ITEM <= found.value < PER_ITEM + 0.03
    assert unit_losses(losses, cluster)[1].mean() < 0.2 < found.estimate


def test_bound_and_test_agree(rng):
    cluster, losses = clusters(rng, 50)
    value = per_item_bound(losses, cluster, max_size=12, confidence_level=0.9).value
    near = [
        per_item_p_value(losses, cluster, risk_limit=value + step, max_size=12, confidence_level=0.9)
        for step in (1e-9, -1e-9)
    ]
    assert near[0] <= 0.1 * (1 + 1e-12)
    assert near[1] > 0.1


def test_item_bound_in_other_units(rng):
    cluster, losses = clusters(rng, 50)
    scaled = per_item_bound(2 + 5 * losses, cluster, max_size=10, support=(2, 7)).value
    assert scaled == pytest.approx(2 + 5 * per_item_bound(losses, cluster, max_size=10).value, abs=1e-12)


def test_item_bound_at_the_ends():
    assert per_item_bound(np.ones(6), [0, 0, 1, 1, 1, 2], max_size=3).value == 1.0
    assert 0 < per_item_bound(np.zeros(60), np.arange(60) // 2, max_size=2).value < 0.2
    assert per_item_p_value([0.5], [0], risk_limit=1.0, max_size=1) == 0.0
    assert per_item_p_value([0.0], [0], risk_limit=0.0, max_size=1) == 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"max_size": 1},
            InvalidInput,
            r"`max_size` must bound every cluster; got 1 and a cluster of 2 items",
        ),
        ({"max_size": 2.5}, InvalidInput, "`max_size` must be an integer"),
        ({"max_size": 2, "support": (0, np.inf)}, IncompatibleBound, "bounded losses"),
        ({"max_size": 2, "side": "both"}, InvalidInput, "'upper', 'lower'"),
        ({"max_size": 2, "cluster": ["a"]}, InvalidInput, "`cluster` must be one label per loss, 3"),
    ],
)
def test_messages_of_item_bounds(arguments, error, message):
    with pytest.raises(error, match=message):
        per_item_bound([0.1, 0.2, 0.3], **{"cluster": ["a", "a", "b"], **arguments})
