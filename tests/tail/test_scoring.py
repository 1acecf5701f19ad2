"""The Fissler-Ziegel score: the truth has the smallest mean, and units do not matter."""

import re

import numpy as np
import pytest
from scipy import stats

from riskstats.exceptions import InvalidInput
from riskstats.tail.scoring import fissler_ziegel_score, mean_fissler_ziegel_score
from tests.tail.goldens import GOLDEN

LEVEL = 0.9
VAR = float(stats.expon.ppf(LEVEL))


def test_golden():
    t = np.arange(250)
    losses = ((73 * t) % 251) / 251 * 4 - 1
    expected = GOLDEN["backtest"]["fz0_mean"]
    assert mean_fissler_ziegel_score(losses, 2.75, 2.9, 0.95) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("shape", [(), (7,), (3, 7)])
def test_one_score_for_each_loss_in_the_published_signs(shape, rng):
    x, t = rng.normal(size=shape), 1 - LEVEL
    v, es = 0.5, 1.5
    q, s, y = -v, -es, -x
    expected = -np.where(y <= q, q - y, 0) / (t * s) + q / s + np.log(-s) - 1
    np.testing.assert_allclose(fissler_ziegel_score(x, v, es, LEVEL), expected, rtol=1e-13)


def test_the_truth_scores_best():
    """Quantiles of an exponential law as losses: its value at risk is log(1 / t), its shortfall 1 more."""
    losses = stats.expon.ppf((np.arange(20_000) + 0.5) / 20_000)
    best = mean_fissler_ziegel_score(losses, VAR, VAR + 1, LEVEL)
    for shift, stretch in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1), (0.2, 0.2)):
        assert mean_fissler_ziegel_score(losses, VAR + shift, VAR + 1 + stretch, LEVEL) > best


def test_differences_do_not_depend_on_the_unit(rng):
    losses = rng.exponential(size=100)
    scores = [
        fissler_ziegel_score(unit * losses, unit * VAR, unit * (VAR + 1), LEVEL)
        - fissler_ziegel_score(unit * losses, unit * 2.0, unit * 3.5, LEVEL)
        for unit in (1.0, 1000.0)
    ]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-10, atol=1e-12)


def test_weights_equal_repetition(rng):
    losses, weights = rng.exponential(size=20), rng.integers(0, 4, 20)
    weighted = mean_fissler_ziegel_score(losses, VAR, VAR + 1, LEVEL, sample_weight=weights)
    repeated = mean_fissler_ziegel_score(np.repeat(losses, weights), VAR, VAR + 1, LEVEL)
    assert weighted == pytest.approx(repeated, rel=1e-13)


@pytest.mark.parametrize(
    ("v", "es", "message"),
    [
        (-2.0, -1.0, "`expected_shortfall` must be > 0 in this score; violated at t = 0."),
        (2.0, [3.0, 3.0, 1.0], "`expected_shortfall` must exceed `value_at_risk`; violated at t = 2."),
        (2.0, np.nan, "NaN"),
    ],
)
def test_refusals(v, es, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        fissler_ziegel_score([0.0, 1.0, 5.0], v, es, LEVEL)


def test_large_weights_are_only_ratios():
    given = ([0.2, 0.9, 0.4], 0.5, 0.6, 0.8)
    found = mean_fissler_ziegel_score(*given, sample_weight=np.full(3, 1e308))
    assert found == pytest.approx(mean_fissler_ziegel_score(*given), rel=1e-12)
