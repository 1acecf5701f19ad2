"""How many units would be enough, and what notes say."""

import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.notes import SCOPE, notes_of, units_needed
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.quantile_sequence import QuantileSequence
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.bounds.bands import golden_sample, one


@pytest.mark.parametrize(
    "bound",
    [DKW(), KolmogorovSmirnov(), BerkJones(), BerkJones((0.9, 1.0)), OrderStatisticBand(0.9)],
    ids=str,
)
def test_the_number_of_units_is_the_smallest_that_suffices(bound):
    needed = units_needed(bound, 5, 0.9, 0.05)
    assert bound.boundary(needed, 0.05).values[-1] >= 0.9
    assert bound.boundary(needed - 1, 0.05).values[-1] < 0.9


def test_an_order_statistic_needs_the_least_and_no_loss_exceeds_it():
    assert units_needed(OrderStatisticBand(0.9), 5, 0.9, 0.05) == 29  # 0.9**29 <= 0.05 < 0.9**28
    assert units_needed(OrderStatisticBand(0.9), 5, 0.95, 0.05) is None
    needed = units_needed(QuantileSequence(0.9), 5, 0.9, 0.05)
    assert QuantileSequence(0.9).rank(needed, 0.05) == needed
    assert QuantileSequence(0.9).rank(needed - 1, 0.05) == needed
    assert units_needed(Hoeffding(), 5, 0.9, 0.05) is None
    assert units_needed(DKW(), 5, 0.9999, 0.05) is None


def test_every_note_ends_with_what_the_confidence_is_about():
    notes = notes_of(QuantileSequence(0.9), one(golden_sample(5)), ValueAtRisk(0.9), "upper", 1.0, 0.05)
    assert "at every number of units at once" in notes[0]
    assert "the top of the support" in notes[1]
    assert notes[-1] == SCOPE
    assert len(notes_of(DKW(), one(golden_sample(50)), Mean(), "upper", 0.5, 0.05)) == 2
    vacuous = notes_of(DKW(), one(golden_sample(1)), Mean(), "upper", 1.0, 0.05)
    assert vacuous[1] == "The bound is the top of the support: the losses say no more."
