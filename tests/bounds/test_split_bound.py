"""Several bounds, each with a share of the error."""

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.quantile_sequence import QuantileSequence
from riskstats.bounds.sample import Sample
from riskstats.bounds.split_bound import SplitBound
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from tests.bounds.bands import UNIT, golden_sample, one

PARTS = (KolmogorovSmirnov(), BerkJones((0.5, 1.0)))  # the ranks of the second depend on its error


def test_it_is_the_best_of_its_bounds_at_their_shares(rng):
    sample, measure = Sample(rng.beta(2, 5, (9, 80)), UNIT), CVaR(0.6)
    bound = SplitBound(PARTS, (0.25, 0.75))
    at_shares = [(part, 0.05 * share) for part, share in zip(PARTS, (0.25, 0.75), strict=True)]
    for side, best in (("upper", np.min), ("lower", np.max)):
        each = [getattr(part, side)(sample, measure, delta) for part, delta in at_shares]
        np.testing.assert_array_equal(getattr(bound, side)(sample, measure, 0.05), best(each, axis=0))
    p = [part.p_value(sample, measure, 0.6, delta) / (delta / 0.05) for part, delta in at_shares]
    found = bound.p_value(sample, measure, 0.6, 0.05)
    np.testing.assert_allclose(found, np.minimum(np.min(p, axis=0), 1.0), rtol=1e-14)
    np.testing.assert_array_equal(found <= 0.05, bound.upper(sample, measure, 0.05) <= 0.6)


def test_each_bound_makes_its_choices_at_its_own_error():
    sample, band = one(golden_sample(1000)), BerkJones((0.9, 1.0))
    expected = band.p_value(sample, CVaR(0.9), 0.95, 0.01)[0] / 0.2
    assert band.p_value(sample, CVaR(0.9), 0.95, 0.05)[0] / 0.2 != pytest.approx(expected, rel=1e-3)
    assert SplitBound((band,), (0.2,)).p_value(sample, CVaR(0.9), 0.95, 0.05)[0] == pytest.approx(expected)


def test_shares_are_equal_by_default_and_may_leave_some_error_unspent():
    assert SplitBound((DKW(), *PARTS)).shares == (1 / 3,) * 3
    SplitBound(PARTS, (0.5, 0.4))
    SplitBound((DKW(),) * 10, (0.1,) * 10)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.5, 0.6), r"`shares` must be positive and sum to at most 1; got 1\.1\."),
        ((1.0, 0.0), r"must be positive and sum to at most 1; got \(1\.0, 0\.0\)"),
        ((0.5, -0.1), "must be positive"),
        ((0.5, np.nan), "must be positive"),
        ((0.5,), "`shares` has 1 numbers for 2 bounds"),
    ],
)
def test_bad_shares_are_refused(shares, message):
    with pytest.raises(InvalidInput, match=message):
        SplitBound(PARTS, shares)


def test_bad_bounds_are_refused():
    with pytest.raises(InvalidInput, match="`bounds` must be bounds"):
        SplitBound((BerkJones, DKW()))
    with pytest.raises(InvalidInput, match="`bounds` must be bounds"):
        SplitBound(())


def test_every_bound_must_carry_the_measure():
    with pytest.raises(IncompatibleBound, match=r"cannot bound `CVaR\(0\.9\)`: `Hoeffding` bounds a mean"):
        SplitBound((Hoeffding(), DKW())).upper(one(golden_sample(9)), CVaR(0.9), 0.05)


def test_it_requires_what_its_bounds_require():
    needs = SplitBound((Hoeffding(), QuantileSequence(0.9))).requires
    assert (needs.bounded, needs.anytime, needs.independent) == (True, False, True)
    with pytest.raises(IncompatibleBound, match="needs bounded losses"):
        SplitBound((Hoeffding(), DKW())).upper(one(golden_sample(9), (0.0, np.inf)), Mean(), 0.05)
