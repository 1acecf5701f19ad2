"""Which bounds look at the order of the rows, and when that order is suspicious."""

import warnings

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.betting_sequence import BettingSequence
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.row_order import takes_rows_in_order, warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.bounds.split_bound import SplitBound
from riskstats.exceptions import AssumptionWarning
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean

ORDERED = [Betting(), BettingSequence(), SplitBound((Hoeffding(), Betting()))]


@pytest.mark.parametrize("bound", [*ORDERED, RockafellarUryasev(), Hoeffding(), BerkJones()], ids=str)
def test_a_bound_takes_rows_in_order_if_and_only_if_their_order_changes_it(bound, rng):
    measure = Mean() if bound.carries(Mean()) else CVaR(0.9)
    values = rng.random((1, 300)) ** 2
    sample, mirrored = (Sample(each, (0.0, 1.0)) for each in (values, values[:, ::-1]))
    moved = abs(bound.upper(sample, measure, 0.05) - bound.upper(mirrored, measure, 0.05))[0] > 1e-9
    assert takes_rows_in_order(bound) == moved


def noticed(values, bound=ORDERED[0], support=(0.0, 1.0)):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_trend(Sample(np.atleast_2d(values), support), bound)
    assert all(each.category is AssumptionWarning for each in caught)
    return [str(each.message) for each in caught]


def test_sorted_rows_are_noticed_and_shuffled_ones_are_not(rng):
    x = rng.random(200)
    assert "rise along the rows (correlation 1)" in noticed(np.sort(x))[0]
    assert "fall along the rows" in noticed(np.sort(x)[::-1])[0]
    assert "of candidate 2 rise" in noticed([x, x[::-1], np.sort(x)])[0]
    assert noticed(np.repeat([0.0, 1.0], 50))
    assert noticed(1e9 + np.sort(x), support=(1e9, 1e9 + 1))
    assert not noticed(np.sort(x), Hoeffding())
    assert not noticed(rng.random((5000, 60)))
    for share in (0.001, 0.5, 0.999):
        assert not noticed((rng.random((2000, 200)) < share) * 1.0)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_a_few_rows_have_no_trend(n):
    assert not noticed(np.arange(n) / 10)
    assert not noticed(np.full(100, 0.1))
