"""Bounds on a target from source losses: figures, guarantees on five shifts, pairings and messages."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import beta, binom

from riskstats.bounds.api import upper_bound
from riskstats.bounds.betting import Betting
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.control.shift import (
    ControlVariate,
    Rejection,
    Reweighted,
    StratifiedBox,
    shifted_upper_bound,
)
from riskstats.control.shift_methods import largest_mixture
from riskstats.control.shift_weights import covariate_shift_weights
from riskstats.envelope import CDFEnvelope
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.results import Status

SHIFTS = {
    "none": (1.0, 1.0, 1.0, 1.0, 1.0),
    "tilt": (0.4, 0.7, 1.0, 1.3, 1.6),
    "strong": (0.1, 0.4, 0.8, 1.4, 2.3),
    "gap": (0.0, 0.0, 1.0, 2.0, 2.0),
    "one bin": (0.5, 0.5, 0.5, 0.5, 3.0),
}


def source(rng, n):
    """Scores uniform on [0, 1] and losses that rise with them."""
    score = rng.random(n)
    return score, (rng.random(n) < 0.1 + 0.6 * score) * rng.random(n)


def target(rng, n, weights):
    """Scores of the target: bin k with probability w_k / 5."""
    return (rng.choice(5, size=n, p=np.array(weights) / 5) + rng.random(n)) / 5


def target_mean(weights):
    """`E w(z) (.1 + .6 z) / 2`."""
    middle = (np.arange(5) + 0.5) / 5
    return float(np.mean(np.array(weights) * (0.1 + 0.6 * middle) / 2))


def too_many(failures, repetitions, delta):
    """Whether so many failures have probability below 1e-6 where each has at most delta."""
    return binom.sf(failures - 1, repetitions, delta) < 1e-6


def linear_weight(rng, n):
    """Scores, weights 2z and losses z^2: the target mean is 1/2."""
    score = rng.random(n)
    return score**2, 2 * score


def test_figures_with_known_weights():
    rng = np.random.default_rng(3)
    methods = {
        Rejection(KolmogorovSmirnov()): 0.538,
        Reweighted(): 0.529,
        Rejection(Betting()): 0.5195,
        ControlVariate(): 0.5164,
    }
    samples = [linear_weight(rng, 2000) for _ in range(30)]
    for method, expected in methods.items():
        values = [
            shifted_upper_bound(x, w, weight_bound=2.0, method=method, random_state=k).value
            for k, (x, w) in enumerate(samples)
        ]
        assert np.mean(values) == pytest.approx(expected, abs=0.004), method


@pytest.mark.parametrize("method", [Rejection(Betting()), Rejection(), Reweighted(), ControlVariate(0.3)])
def test_coverage_with_known_weights(method):
    repetitions = 400
    rng = np.random.default_rng(5)
    failures = 0
    for k in range(repetitions):
        x, w = linear_weight(rng, 200)
        bound = shifted_upper_bound(
            x, w, weight_bound=2.0, method=method, confidence_level=0.9, random_state=k
        )
        failures += bound.value < 0.5
    assert not too_many(failures, repetitions, 0.1)
    assert bound.confidence_level == pytest.approx(0.9)


@pytest.mark.parametrize("measure", [CVaR(0.8), ValueAtRisk(0.8)])
def test_other_measures_by_rejection(measure):
    """Under the target z^2 is uniform, so CVaR(.8) is .9 and VaR(.8) is .8."""
    rng = np.random.default_rng(6)
    truth = 0.9 if isinstance(measure, CVaR) else 0.8
    failures = 0
    for k in range(200):
        x, w = linear_weight(rng, 300)
        method = Rejection(KolmogorovSmirnov())
        bound = shifted_upper_bound(
            x, w, measure, weight_bound=2.0, method=method, confidence_level=0.8, random_state=k
        )
        failures += bound.value < truth
    assert not too_many(failures, 200, 0.2)
    assert bound.kept < 200


def test_the_default_for_other_measures_is_rejection():
    x, w = linear_weight(np.random.default_rng(0), 500)
    bound = shifted_upper_bound(x, w, ValueAtRisk(0.5), weight_bound=2.0, random_state=1)
    assert bound.method.startswith("Rejection")
    assert 0.5 < bound.value < 0.75


def test_a_seed_shared_with_the_data_is_harmless():
    score = np.random.default_rng(7).random(2000)
    bound = shifted_upper_bound(
        score**2, 2 * score, weight_bound=2.0, method=Rejection(Betting()), random_state=7
    )
    assert 900 < bound.kept < 1100


@pytest.mark.parametrize("weights", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.parametrize("n", [60, 1500])
def test_estimated_weights_keep_their_error_and_beat_rejection(weights, n):
    repetitions = 120
    rng = np.random.default_rng(8)
    truth, delta, delta_w, failures = target_mean(weights), 0.1, 0.1, 0
    for k in range(repetitions):
        score, losses = source(rng, n)
        other = source(rng, n)[0]
        boxes = covariate_shift_weights(other, target(rng, n, weights), confidence_level=1 - delta_w)
        options = {"score": score, "confidence_level": 1 - delta, "random_state": k}
        box = shifted_upper_bound(losses, boxes, **options)
        kept = shifted_upper_bound(losses, boxes, method=Rejection(), **options)
        assert box.value <= kept.value
        assert box.confidence_level == pytest.approx(1 - delta - delta_w)
        failures += min(box.value, kept.value) < truth
    assert not too_many(failures, repetitions, delta + delta_w)


@pytest.mark.slow
@pytest.mark.parametrize("weights", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.parametrize("n", [60, 1500, 20000])
@pytest.mark.parametrize(
    "method", [StratifiedBox(), StratifiedBox(KolmogorovSmirnov()), Rejection(Betting())]
)
def test_coverage_with_estimated_weights_in_full(weights, n, method):
    repetitions = 1000
    rng = np.random.default_rng(9)
    truth, failures = target_mean(weights), 0
    for k in range(repetitions):
        score, losses = source(rng, n)
        first = score if isinstance(method, StratifiedBox) else source(rng, n)[0]
        boxes = covariate_shift_weights(first, target(rng, n, weights), confidence_level=0.9)
        bound = shifted_upper_bound(
            losses, boxes, score=score, method=method, confidence_level=0.9, random_state=k
        )
        failures += bound.value < truth
    assert not too_many(failures, repetitions, 0.2)


@pytest.mark.parametrize("weights", SHIFTS.values(), ids=SHIFTS)
def test_a_tail_from_estimated_weights(weights):
    """Losses rise with the score alone, so the quantile of the target is known."""
    rng = np.random.default_rng(10)
    failures, n = 0, 4000
    cdf = np.cumsum(weights) / 5
    k = int(np.searchsorted(cdf, 0.9 - 1e-12))
    truth = (k + (0.9 - (cdf[k] - weights[k] / 5)) / (weights[k] / 5)) / 5
    for _ in range(40):
        score = rng.random(n)
        boxes = covariate_shift_weights(score, target(rng, n, weights))
        bound = shifted_upper_bound(score, boxes, ValueAtRisk(0.9), score=score)
        failures += bound.value < truth
    assert bound.value < 1
    assert not too_many(failures, 40, 0.06)


def test_boxes_follow_their_formula():
    rng = np.random.default_rng(11)
    score, other = rng.random(400), rng.random(300) ** 0.5
    boxes = covariate_shift_weights(score, other, bins=4, confidence_level=0.95)
    share, slack = 0.05 / 8, 1e-5
    s, t = (np.histogram(values, bins=4, range=(0, 1))[0] for values in (score, other))
    assert (boxes.source_counts, boxes.target_counts) == (tuple(s), tuple(t))
    t_low, t_high = beta.ppf(share / 2, t, 300 - t + 1), beta.isf(share / 2, t + 1, 300 - t)
    s_low, s_high = beta.ppf(share / 2, s, 400 - s + 1), beta.isf(share / 2, s + 1, 400 - s)
    np.testing.assert_allclose(boxes.low, (t_low - slack) / (s_high + slack), rtol=1e-10)
    np.testing.assert_allclose(boxes.high, (t_high + slack) / (s_low - slack), rtol=1e-10)
    assert boxes.epsilon == max(np.subtract(boxes.high, boxes.low))
    np.testing.assert_array_equal(boxes.weights([0.1, 0.25, 0.9]), np.array(boxes.mid)[[0, 1, 3]])
    np.testing.assert_allclose(boxes.shares(), (t / 300) / (s / 400))
    assert len(boxes.to_frame()) == 4
    assert json.loads(json.dumps(boxes.to_dict()))["status"] == boxes.status


def test_boxes_hold_together():
    rng = np.random.default_rng(12)
    weights, failures = SHIFTS["strong"], 0
    for _ in range(500):
        boxes = covariate_shift_weights(rng.random(150), target(rng, 100, weights), confidence_level=0.8)
        failures += not np.all((np.array(boxes.low) <= weights) & (weights <= np.array(boxes.high)))
    assert not too_many(failures, 500, 0.2)
    assert failures > 0


def test_edges_may_be_given_and_scores_may_then_lie_anywhere():
    boxes = covariate_shift_weights([-3.0, -1.0, 2.0, 5.0], [0.0, 7.0], bins=[-2.0, 3.0])
    assert boxes.source_counts == (1, 2, 1)
    assert boxes.target_counts == (0, 1, 1)
    assert covariate_shift_weights([0.5], [0.5], bins=1).source_counts == (1,)


def test_vague_weights_give_no_bound_by_rejection_and_one_by_boxes():
    score, losses = source(np.random.default_rng(13), 50)
    boxes = covariate_shift_weights(score * 0.5, np.linspace(0, 1, 50))
    assert boxes.status is Status.NO_BOUND
    assert boxes.epsilon == boxes.w_max == np.inf
    bound = shifted_upper_bound(losses, boxes, score=score * 0.5, method=Rejection())
    assert (bound.value, bound.status, bound.kept) == (np.inf, Status.NO_BOUND, 0)
    assert "no bound at 94 % confidence" in str(bound)
    assert "constant within each bin" in str(bound)
    assert "use more units" in str(bound).lower()
    assert shifted_upper_bound(losses, boxes, score=score * 0.5).value < 1


def test_bins_without_losses_count_as_the_top():
    rng = np.random.default_rng(14)
    score = rng.random(5000) * 0.79
    boxes = covariate_shift_weights(score, rng.random(5000))
    bound = shifted_upper_bound(np.zeros(5000), boxes, score=score)
    assert bound.value == pytest.approx(boxes.target_high[4], abs=0.01)


def test_greedy_fill_is_the_linear_programme():
    rng = np.random.default_rng(15)
    for _ in range(100):
        k = int(rng.integers(1, 8))
        values, share = rng.normal(size=k), rng.dirichlet(np.ones(k))
        low, high = share * rng.random(k), np.minimum(share * (1 + rng.random(k)), 1.0)
        best = linprog(-values, A_eq=np.ones((1, k)), b_eq=[1.0], bounds=list(zip(low, high, strict=True)))
        assert largest_mixture(values, low, high) == pytest.approx(-best.fun, abs=1e-10)


def test_stratified_band_is_the_linear_programme_at_every_loss():
    rng = np.random.default_rng(16)
    score, losses = source(rng, 120)
    boxes = covariate_shift_weights(score, rng.random(300) ** 0.7, bins=3)
    share = 0.05 / 3
    edges = [np.sort(losses[boxes.bins(score) == k]) for k in range(3)]
    heights = [
        np.append(0.0, DKW().boundary(len(part), share).values)[np.searchsorted(part, losses, "right")]
        for part in edges
    ]
    limits = list(zip(boxes.target_low, boxes.target_high, strict=True))
    lower = [linprog(h, A_eq=np.ones((1, 3)), b_eq=[1.0], bounds=limits).fun for h in np.array(heights).T]
    for level in (0.2, 0.5, 0.7):
        reached = losses[np.array(lower) >= level]
        expected = reached.min() if len(reached) else 1.0
        bound = shifted_upper_bound(
            losses, boxes, ValueAtRisk(level), score=score, method=StratifiedBox(DKW())
        )
        assert bound.value == expected


def test_stratified_mean_is_the_linear_programme_of_bounds_at_a_share_of_the_error():
    rng = np.random.default_rng(26)
    score, losses = source(rng, 400)
    boxes = covariate_shift_weights(score, rng.random(300) ** 0.7, bins=3)
    uppers = [upper_bound(losses[boxes.bins(score) == k], confidence_level=1 - 0.05 / 3) for k in range(3)]
    best = linprog(
        [-upper.value for upper in uppers],
        A_eq=np.ones((1, 3)),
        b_eq=[1.0],
        bounds=list(zip(boxes.target_low, boxes.target_high, strict=True)),
    )
    assert shifted_upper_bound(losses, boxes, score=score).value == pytest.approx(-best.fun, abs=1e-10)


def test_rejection_with_estimated_weights_lowers_the_band_by_the_width_of_the_boxes():
    """With equal middle weights every unit is kept, and the band is that of the sample."""
    score, losses = source(np.random.default_rng(27), 500)
    boxes = covariate_shift_weights(score, score)
    boxes = replace(boxes, mid=(1.0,) * 5, epsilon=0.2)
    bound = shifted_upper_bound(losses, boxes, CVaR(0.5), score=score, method=Rejection(DKW()))
    lower = np.maximum(DKW().boundary(500, 0.05).values - 0.2 / 0.8, 0.0)
    law = CDFEnvelope(np.sort(losses), lower, None, (0.0, 1.0), 0.95).worst_case()
    assert bound.kept == 500
    assert bound.value == pytest.approx(CVaR(0.5)(law), abs=1e-12)
    mean = shifted_upper_bound(losses, boxes, score=score, method=Rejection(Hoeffding()))
    plain = upper_bound(losses, bound=Hoeffding()).value
    assert mean.value == pytest.approx(plain + 0.25, abs=1e-12)


def test_support_scales():
    x, w = linear_weight(np.random.default_rng(17), 300)
    score = w / 2
    boxes = covariate_shift_weights(score, score**0.5)
    for weights, options in ((w, {"weight_bound": 2.0}), (boxes, {"score": score})):
        unit = shifted_upper_bound(x, weights, **options)
        wide = shifted_upper_bound(10 * x - 5, weights, support=(-5, 5), **options)
        assert wide.value == pytest.approx(10 * unit.value - 5, abs=1e-9)


@pytest.mark.parametrize("method", [Rejection(), Reweighted(), ControlVariate(), StratifiedBox()])
def test_one_loss_is_enough(method):
    if isinstance(method, StratifiedBox):
        weights, options = covariate_shift_weights([0.5], [0.5]), {"score": [0.5]}
    else:
        weights, options = [1.0], {"weight_bound": 1.5}
    bound = shifted_upper_bound([0.0], weights, method=method, random_state=0, **options)
    assert 0 < bound.value <= 1


def test_no_weight_at_all_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        bound = shifted_upper_bound([0.1, 0.2], [0.0, 0.0], weight_bound=2.0, method=Rejection())
    assert bound.value == 1.0
    assert bound.kept == 0
    assert np.isnan(bound.estimate)


def test_the_result_says_what_it_rests_on():
    x, w = linear_weight(np.random.default_rng(18), 1000)
    bound = shifted_upper_bound(x, w, weight_bound=2.0)
    assert bound.n_effective == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert bound.estimate == pytest.approx(np.average(x, weights=w))
    assert "same inputs" in str(bound)
    assert "1000 of 1000 source units used, largest weight 2" in str(bound)
    assert json.loads(json.dumps(bound.to_dict()))["w_max"] == 2.0


def test_weights_that_do_not_average_one_are_noticed():
    x, w = linear_weight(np.random.default_rng(19), 2000)
    with pytest.warns(AssumptionWarning, match=r"average 0\.5.*Divide by their known mean"):
        shifted_upper_bound(x, w / 2, weight_bound=2.0)
    shifted_upper_bound(x, w / 2, weight_bound=1.0, method=Rejection(), random_state=0)


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (
            [3.26, 0.1],
            {"weight_bound": 3},
            r"`weights` reach 3.26 > `weight_bound` 3. Importance weights need a",
        ),
        (
            [1.0, 0.1],
            {},
            r"`weight_bound` is missing; `weights` reach 1. Importance weights need a known bound",
        ),
        ([1.0], {"weight_bound": 3}, r"`weights` has 1 values for 2 losses"),
        ([1.0, -1.0], {"weight_bound": 3}, r"`weights` must be >= 0; got -1 at 1"),
        ([1.0, np.nan], {"weight_bound": 3}, r"`weights` has 1 NaN"),
        ([0.1, 0.2], {"weight_bound": 0.5}, r"`weight_bound` must be >= 1"),
        ([1.0, 1.0], {"weight_bound": 3, "method": "reject"}, r"`method` must be a shift method"),
        ([1.0, 1.0], {"weight_bound": 3, "measure": "mean"}, r"`measure` must be a risk measure"),
    ],
)
def test_messages_for_known_weights(weights, options, message):
    with pytest.raises(InvalidInput, match=message):
        shifted_upper_bound([0.1, 0.2], weights, **options)


def test_messages_for_estimated_weights():
    boxes = covariate_shift_weights([0.2, 0.3], [0.4])
    with pytest.raises(InvalidInput, match="`ShiftWeights` need `score=`"):
        shifted_upper_bound([0.1], boxes)
    with pytest.raises(InvalidInput, match="`losses` has 2, `score` has 1"):
        shifted_upper_bound([0.1, 0.1], boxes, score=[0.3])
    with pytest.raises(InvalidInput, match=r"`target_score` runs from 0.4 to 1.4, outside \[0, 1\]"):
        covariate_shift_weights([0.2], [0.4, 1.4])
    with pytest.raises(InvalidInput, match="`bins` must be increasing inner edges"):
        covariate_shift_weights([0.2], [0.4], bins=[0.5, 0.5])
    with pytest.raises(InvalidInput, match="`source_score` is empty"):
        covariate_shift_weights([], [0.4])
    with pytest.raises(InvalidInput, match="`centre` must be in"):
        ControlVariate(1.5)


@pytest.mark.parametrize(
    ("method", "measure", "message"),
    [
        (ControlVariate(), CVaR(0.9), r"`ControlVariate` bounds a mean; `CVaR\(0.9\)` needs `Rejection`"),
        (Reweighted(), CVaR(0.9), r"`Reweighted` bounds a mean"),
        (StratifiedBox(), Mean(), r"`StratifiedBox` needs weights estimated"),
        (Rejection(Hoeffding()), CVaR(0.9), r"`Hoeffding` bounds a mean"),
    ],
)
def test_pairings_without_a_statement(method, measure, message):
    with pytest.raises(IncompatibleBound, match=message):
        shifted_upper_bound([0.1, 0.2], [1.0, 1.0], measure, weight_bound=3, method=method)


@pytest.mark.parametrize(
    ("method", "measure", "message"),
    [
        (ControlVariate(), Mean(), r"`ControlVariate` needs declared weights; got estimated `ShiftWeights`"),
        (
            StratifiedBox(Betting()),
            CVaR(0.9),
            r"`StratifiedBox` with `Betting` has no statement on `CVaR",
        ),
        (Rejection(Betting()), CVaR(0.9), r"`Betting` bounds a mean"),
    ],
)
def test_pairings_without_a_statement_for_estimated_weights(method, measure, message):
    boxes = covariate_shift_weights(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000))
    with pytest.raises(IncompatibleBound, match=message):
        shifted_upper_bound([0.1, 0.2], boxes, measure, score=[0.1, 0.2], method=method)


@pytest.mark.parametrize("method", [Reweighted(), ControlVariate()], ids=str)
def test_sorted_rows_are_told(method, rng):
    losses = np.sort(rng.random(400))
    with pytest.warns(AssumptionWarning, match="rise along the rows"):
        shifted_upper_bound(losses, np.ones(400), weight_bound=2.0, method=method, random_state=0)
