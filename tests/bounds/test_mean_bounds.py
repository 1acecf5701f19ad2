"""What every bound on a mean must do, whatever its formula."""

import numpy as np
import pytest

from riskstats.bounds.api import lower_bound, p_value, upper_bound
from riskstats.bounds.bentkus import Bentkus
from riskstats.bounds.betting import Betting
from riskstats.bounds.betting_sequence import BettingSequence
from riskstats.bounds.chernoff import Chernoff
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.empirical_bernstein import EmpiricalBernstein
from riskstats.bounds.empirical_bernstein_sequence import EmpiricalBernsteinSequence
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from tests.bounds.means import DELTA, EXTREME, LAWS, golden_sample, too_many

REAL = [
    Hoeffding(),
    Chernoff(),
    Bentkus(),
    HoeffdingBentkus(),
    EmpiricalBernstein(),
    Betting(),
    BettingSequence(),
    EmpiricalBernsteinSequence(),
]
every_bound = pytest.mark.parametrize("bound", [*REAL, ClopperPearson()], ids=str)
real_bound = pytest.mark.parametrize("bound", REAL, ids=str)


def losses_for(bound, rng, shape):
    losses = rng.random(shape) ** 2
    return (losses > 0.6) * 1.0 if bound.requires.binary else losses


@every_bound
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "repetitions"), [(20, 1000), (200, 500)])
def test_the_true_mean_is_missed_as_rarely_as_promised(bound, law, n, repetitions):
    draw, mean = LAWS[law]
    losses = draw(np.random.default_rng(n), (repetitions, n))
    if bound.requires.binary and not np.isin(losses, (0, 1)).all():
        pytest.skip("needs 0 or 1")
    sample = Sample(losses, (0.0, 1.0))
    assert not too_many(int((bound.upper(sample, Mean(), DELTA) < mean).sum()), repetitions, DELTA)
    assert not too_many(int((bound.lower(sample, Mean(), DELTA) > mean).sum()), repetitions, DELTA)
    p = bound.p_value(sample, Mean(), mean, DELTA)
    for threshold in (0.01, 0.05, 0.2):
        assert not too_many(int((p <= threshold).sum()), repetitions, threshold)


@every_bound
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_bound_and_p_value_are_the_same_statement(bound, delta, rng):
    sample = Sample(losses_for(bound, rng, (30, 60)), (0.0, 1.0))
    upper = bound.upper(sample, Mean(), delta)
    for row, value in enumerate(upper):
        one = Sample(sample.values[row : row + 1], (0.0, 1.0))
        if value < 1.0 - 1e-9:
            assert bound.p_value(one, Mean(), value + 1e-9, delta)[0] <= delta
        assert bound.p_value(one, Mean(), value - 1e-9, delta)[0] > delta * (1 - 1e-4)


@every_bound
@pytest.mark.parametrize("case", EXTREME)
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_extreme_losses_give_a_number_in_the_support(bound, case, delta, n):
    losses = EXTREME[case][:n]
    if n < bound.requires.minimum_units or (bound.requires.binary and not np.isin(losses, (0, 1)).all()):
        pytest.skip("no statement")
    sample = Sample(losses[np.newaxis], (0.0, 1.0))
    upper, lower = bound.upper(sample, Mean(), delta)[0], bound.lower(sample, Mean(), delta)[0]
    assert 0.0 <= lower <= 1.0
    assert 0.0 <= upper <= 1.0
    if case not in ("ones first", "ones last"):  # betting takes the order of the units at its word
        assert lower - 1e-12 <= losses.mean() <= upper + 1e-12
    for limit in (1e-300, 1e-9, 0.5, np.nextafter(1.0, 0.0)):
        assert 0.0 <= bound.p_value(sample, Mean(), limit, delta)[0] <= 1.0


@every_bound
def test_a_batch_is_a_loop(bound, rng):
    losses = losses_for(bound, rng, (7, 50))
    whole, rows = Sample(losses, (0.0, 1.0)), [Sample(row[np.newaxis], (0.0, 1.0)) for row in losses]
    for answer in (
        lambda s: bound.upper(s, Mean(), DELTA),
        lambda s: bound.lower(s, Mean(), DELTA),
        lambda s: bound.p_value(s, Mean(), 0.6, DELTA),
    ):
        np.testing.assert_allclose(answer(whole), np.concatenate([*map(answer, rows)]), rtol=0, atol=2e-13)


@real_bound
def test_scale_and_reflection(bound):
    losses = golden_sample(120)
    on_unit = upper_bound(losses, bound=bound)
    scaled = upper_bound(7 * losses - 2, bound=bound, support=(-2.0, 5.0))
    assert scaled.value == pytest.approx(7 * on_unit.value - 2, abs=1e-11)
    assert scaled.estimate == pytest.approx(7 * losses.mean() - 2)
    reflected = lower_bound(1 - losses, bound=bound)
    assert reflected.value == pytest.approx(1 - on_unit.value, abs=1e-12)
    limit = p_value(7 * losses - 2, bound=bound, risk_limit=7 * 0.45 - 2, support=(-2.0, 5.0))
    assert limit == pytest.approx(p_value(losses, bound=bound, risk_limit=0.45), rel=1e-9)


@every_bound
def test_more_confidence_is_a_wider_bound(bound, rng):
    sample = Sample(losses_for(bound, rng, (20, 80)), (0.0, 1.0))
    bounds = np.array([bound.upper(sample, Mean(), delta) for delta in (0.5, 0.1, 0.01, 1e-4, 1e-9)])
    assert (np.diff(bounds, axis=0) >= -1e-9).all() or bound.name.startswith(
        ("Betting", "EmpiricalBernsteinS")
    )
    p = np.array([bound.p_value(sample, Mean(), r, DELTA) for r in (0.2, 0.4, 0.6, 0.8)])
    assert (np.diff(p, axis=0) <= 1e-12).all()


@every_bound
def test_another_measure_is_refused(bound):
    with pytest.raises(IncompatibleBound, match=f"`{bound.name}` bounds a mean; .*RockafellarUryasev"):
        upper_bound(golden_sample(50), CVaR(0.9), bound)


@pytest.mark.parametrize("peer", ["t", "Wald"])
def test_no_failure_in_100_is_not_a_risk_of_zero(peer):
    """Intervals from a normal approximation would say [0, 0]."""
    none = np.zeros(100)
    assert upper_bound(none, bound=ClopperPearson(), binary=True).value == pytest.approx(0.0295, abs=5e-5)
    for bound in REAL:
        assert upper_bound(none, bound=bound).value > 0.0295


def test_the_smallest_number_of_units():
    with pytest.raises(InvalidInput, match="`EmpiricalBernstein` needs at least 2 units; got 1"):
        upper_bound([0.5], bound=EmpiricalBernstein())
