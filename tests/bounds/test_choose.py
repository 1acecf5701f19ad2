"""The fixed rule that picks a bound."""

import pytest

from riskstats.bounds.choose import LARGE, recommend
from riskstats.measures.atkinson import Atkinson
from riskstats.measures.cvar import CVaR
from riskstats.measures.entropic import Entropic
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval


@pytest.mark.parametrize(
    ("measure", "n", "facts", "expected"),
    [
        (Mean(), 5, {}, "Betting"),
        (Mean(), 5, {"binary": True}, "ClopperPearson"),
        (Mean(), 5, {"bounded": False}, "BerkJones"),
        (ValueAtRisk(0.9), 5000, {}, "OrderStatisticBand"),
        (CVaR(0.9), LARGE - 1, {}, "BerkJones"),
        (CVaR(0.9), LARGE, {}, "RockafellarUryasev"),
        (CVaR(0.9), LARGE, {"bounded": False}, "BerkJones"),
        (CVaR(0.9), LARGE, {"side": "lower"}, "BerkJones"),
        (CVaR(0.0), LARGE, {}, "BerkJones"),
        (VaRInterval(0.5, 0.9), LARGE, {}, "BerkJones"),
        (Gini(), 5, {}, "BerkJones"),
        (Atkinson(0.5), 5, {}, "BerkJones"),
        (Entropic(1.0), 5, {}, "BerkJones"),
    ],
)
def test_the_rule(measure, n, facts, expected):
    bound = recommend(measure, n, **facts)
    assert bound.name == expected
    assert bound.carries(measure)


def test_bands_are_calibrated_on_the_levels_of_the_measure():
    assert recommend(CVaR(0.8), 10).levels == (0.8, 1.0)
    assert recommend(VaRInterval(0.5, 0.9), 10).levels == (0.5, 0.9)
    assert recommend(Gini(), 10).levels == (0.0, 1.0)
    assert recommend(ValueAtRisk(0.7, "upper"), 10).level == 0.7
