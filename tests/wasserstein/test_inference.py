"""The interval of the bounds: what it covers, how wide it is, and how it is told apart from model risk."""

import numpy as np
import pytest
from scipy import stats

from riskstats.bounds.dkw import DKW
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.inference import NumericalDelta, bounds_interval
from riskstats.wasserstein.makarov import makarov_bounds, makarov_quantile_bounds
from riskstats.wasserstein.shapes import Call
from riskstats.wasserstein.treatment import average_effect_bounds

TRUTH = 2 * stats.norm.cdf(-0.5)  # sup P(Y1 + Y2 <= -1) of two standard normal marginals


def makarov(points, **settings):
    return lambda first, second: makarov_bounds(first, second, points, **settings)


def at_minus_one(first, second):
    """The classical Makarov bounds at -1 of two samples, in a few array operations."""
    first, second = np.sort(first), np.sort(second)
    n, m = len(first), len(second)
    rest = -1.0 - first
    above = (np.arange(n) / n + np.searchsorted(second, rest, side="right") / m).min()
    below = (np.arange(1, n + 1) / n + np.searchsorted(second, rest, side="left") / m).max() - 1
    return max(0.0, below), min(1.0, above)


def effect(treated, control):
    balls = [WassersteinBall(sample, radius=0.1) for sample in (treated, control)]
    return average_effect_bounds(MarginalBalls(*balls))


def pair(seed, n=60, m=None):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=m or n)


def assert_covers(n, simulations, seed):
    rng, hits, upper = np.random.default_rng(seed), 0, []
    for _ in range(simulations):
        samples = tuple(rng.normal(size=(2, n)))
        found = bounds_interval(at_minus_one, samples, n_resamples=199, random_state=rng)
        hits += found.lower_limit[0] <= 0 and found.upper_limit[0] >= TRUTH
        upper.append(found.upper_limit[0])
    assert hits >= stats.binom.ppf(1e-3, simulations, 0.93), f"{hits} of {simulations}"
    return float(np.mean(upper))


def band_upper(n, simulations, seed):
    rng = np.random.default_rng(seed)
    return float(
        np.mean(
            [
                bounds_interval(
                    makarov(-1.0), tuple(rng.normal(size=(2, n))), method=DKW(), monotone=(-1, -1)
                ).upper_limit[0]
                for _ in range(simulations)
            ]
        )
    )


def test_the_limits_hold_the_bounds_and_are_narrower_than_bands():
    assert assert_covers(100, 50, 31) < band_upper(100, 15, 32) - 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("n", "simulations"), [(100, 1500), (1000, 400)])
def test_the_limits_hold_the_bounds_at_length(n, simulations):
    upper = assert_covers(n, simulations, 33)
    if n == 1000:
        assert upper < 0.703


def test_bands_reach_what_they_should():
    assert band_upper(1000, 20, 34) == pytest.approx(0.703, abs=0.013)


def test_the_array_form_is_the_makarov_bound():
    samples = pair(35)
    exact = makarov(-1.0)(*samples)
    assert at_minus_one(*samples) == (pytest.approx(exact.lower[0]), pytest.approx(exact.upper[0]))


# every kind of answer


def test_every_point_has_limits_around_its_bounds():
    points = [-2.0, 0.0, 1.0]
    found = bounds_interval(makarov(points, radius=0.1), pair(36, 40, 80), n_resamples=200, random_state=1)
    assert found.points.tolist() == points
    assert found.n == (40, 80)
    assert (found.lower_limit >= 0).all()
    assert (found.lower_limit <= found.lower).all()
    assert (found.upper <= found.upper_limit).all()
    assert (found.upper_limit <= 1).all()
    assert (found.sampling_width >= 0).all()
    assert found.sampling_width.max() > 0
    first, again = (
        bounds_interval(at_minus_one, pair(36), n_resamples=200, random_state=1) for _ in range(2)
    )
    assert again.to_dict() == first.to_dict()
    assert len(found.to_frame()) == 3
    assert found.to_frame()["point"].tolist() == points


def test_smooth_bounds_have_the_limits_of_a_normal_mean():
    treated, control = pair(37, 400)
    found = bounds_interval(effect, (treated, control), n_resamples=500, random_state=2)
    assert found.model_width[0] == pytest.approx(0.4)
    error = np.sqrt(treated.var() / 400 + control.var() / 400)
    share = 0.05 * 400 / 500 / 2
    assert found.upper_limit[0] - found.upper[0] == pytest.approx(stats.norm.isf(share) * error, rel=0.2)
    assert found.lower[0] - found.lower_limit[0] == pytest.approx(stats.norm.isf(share) * error, rel=0.2)


def test_one_worst_case_of_one_sample():
    x = pair(38, 200)[0]
    found = bounds_interval(
        lambda rows: worst_case_expectation(Call(0.0), WassersteinBall(rows, radius=0.1)),
        x,
        n_resamples=100,
        random_state=0,
        confidence_level=0.9,
    )
    assert found.lower == found.upper == pytest.approx(np.maximum(x, 0).mean() + 0.1)
    assert found.lower_limit < found.lower < found.upper_limit
    band = bounds_interval(
        lambda law: worst_case_expectation(Call(0.0), WassersteinBall(law, radius=0.1)),
        x,
        method=DKW(),
        monotone=1,
        support=(-5.0, 5.0),
    )
    assert band.lower_limit < found.lower_limit
    assert found.upper_limit < band.upper_limit


def test_vectors_are_resampled_by_rows():
    rows = np.random.default_rng(39).normal(size=(50, 2))

    def span(sample):
        assert sample.shape[1] == 2
        return sample.mean(axis=0).min(), sample.mean(axis=0).max()

    found = bounds_interval(span, rows, n_resamples=200, random_state=0)
    assert found.lower_limit[0] < found.lower[0] < found.upper[0] < found.upper_limit[0]


# bands


def test_bands_hold_all_points_together_and_an_exact_band_is_narrower():
    samples, points = pair(40, 100), [-1.0, 0.5]
    wide, narrow = (
        bounds_interval(makarov(points), samples, method=band, monotone=(-1, -1))
        for band in (DKW(), KolmogorovSmirnov())
    )
    assert wide.simultaneous
    assert "all points together" in wide.summary()
    assert (narrow.upper_limit <= wide.upper_limit).all()
    assert (narrow.lower_limit >= wide.lower_limit).all()
    half = np.sqrt(np.log(2 * 2 / 0.05) / 200)
    assert wide.upper_limit[0] == pytest.approx(wide.upper[0] + 2 * half, abs=1e-9)


def test_a_difference_reverses_the_second_direction():
    samples = pair(41, 100)
    question = makarov(0.0, weights=(1, -1))
    found = bounds_interval(question, samples, method=DKW(), monotone=(-1, 1))
    assert found.lower_limit[0] <= found.lower[0] <= found.upper[0] <= found.upper_limit[0]
    with pytest.raises(InvalidInput, match="not monotone"):
        bounds_interval(question, samples, method=DKW(), monotone=(1, -1))


def test_quantiles_need_a_support_for_a_band():
    def question(first, second):
        return makarov_quantile_bounds(first, second, 0.5)

    samples = pair(42, 100)
    with pytest.raises(InvalidInput, match="support"):
        bounds_interval(question, samples, method=DKW(), monotone=(1, 1))
    found = bounds_interval(question, samples, method=DKW(), monotone=(1, 1), support=(-6.0, 6.0))
    assert -12 <= found.lower_limit[0] <= found.lower[0] <= found.upper[0] <= found.upper_limit[0] <= 12


# words and refusals


def test_the_summary_keeps_model_risk_apart():
    found = bounds_interval(makarov([-1.0, 0.0]), pair(43), n_resamples=200, random_state=0)
    text = str(found)
    for words in (
        "P(Y1 + Y2 <= z)",
        "95 % limits",
        "model risk",
        "more data do not narrow",
        "sampling error",
    ):
        assert words in text
    assert "each point" in text
    assert "60, 60" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"question": 3}, "`question` must be a function"),
        ({"question": lambda a, b: "none"}, "must return"),
        ({"question": lambda a, b: (0.0, np.inf)}, "not finite"),
        ({"question": lambda a, b: (np.zeros(len(set(a))), 1.0)}, "same points"),
        ({"samples": (np.arange(9.0), np.arange(20.0))}, "sample 0 has 9 rows"),
        ({"samples": (np.arange(20.0), [np.nan] * 20)}, "sample 1 has 20 atoms"),
        ({"samples": (WassersteinBall([0.0], radius=1.0), np.arange(20.0))}, "independent rows"),
        ({"confidence_level": 0.05}, "confidence_level"),
        ({"method": "delta"}, "`method`"),
        ({"n_resamples": 20}, "too few"),
        ({"method": DKW()}, "`monotone`"),
        ({"method": DKW(), "monotone": (-1, 0)}, "`monotone`"),
        ({"method": DKW(), "monotone": (-1, -1), "support": (1, 2, 3)}, "`support`"),
        ({"method": DKW(), "monotone": (-1, -1), "support": (-0.1, 0.1)}, "support"),
    ],
)
def test_refusals(change, told):
    first, second = pair(44, 30)
    given = {"question": at_minus_one, "samples": (first, second), "random_state": 0}
    if isinstance(change.get("method"), DKW):
        given["question"] = makarov(0.0)
    given |= change
    with pytest.raises(InvalidInput, match=told):
        bounds_interval(given.pop("question"), given.pop("samples"), **given)


@pytest.mark.parametrize("exponent", [0, 1, -0.5, np.nan, "a"])
def test_the_exponent_lies_between_0_and_1(exponent):
    with pytest.raises(InvalidInput, match="exponent"):
        NumericalDelta(exponent)
