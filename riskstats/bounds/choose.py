"""Which bound to use, by a fixed rule on declared facts and never on the losses."""

from __future__ import annotations

from riskstats.bounds.base import Bound
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk

__all__ = ["recommend"]

LARGE = 2000  # units from which betting on CVaR is tighter than a band


def recommend(
    measure: RiskMeasure,
    n_units: int,
    *,
    binary: bool = False,
    bounded: bool = True,
    side: str = "upper",
) -> Bound:
    """The bound to use for a measure of n units; what `bound=None` takes.

    | measure | bound |
    |---|---|
    | mean of 0/1 losses (`binary`) | `ClopperPearson`, exact |
    | other means | `Betting`, the tightest for losses that vary less than 0/1 ones |
    | quantile | `OrderStatisticBand` at its level, exact for a continuous law |
    | CVaR, upper side, from 2000 units, `bounded` | `RockafellarUryasev` |
    | CVaR, interval and other averages of quantiles | `BerkJones` calibrated on the levels they look at |
    | anything else, Gini and Atkinson among it | `BerkJones` |

    Only n, the measure and what was declared decide, so that the choice costs nothing. Trying several bounds
    and quoting the best is invalid; `SplitBound` pays for it.
    """
    if isinstance(measure, Mean) and bounded:
        return _mean_bound(binary)
    if isinstance(measure, ValueAtRisk):
        from riskstats.bounds.order_statistics import OrderStatisticBand

        return OrderStatisticBand(measure.level)
    betting = side == "upper" and bounded and n_units >= LARGE
    if isinstance(measure, CVaR) and measure.level > 0 and betting:
        from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev

        return RockafellarUryasev()
    return _tail_band(measure)


def _mean_bound(binary: bool) -> Bound:
    if binary:
        from riskstats.bounds.clopper_pearson import ClopperPearson

        return ClopperPearson()
    from riskstats.bounds.betting import Betting

    return Betting()


def _tail_band(measure: RiskMeasure) -> Bound:
    from riskstats.bounds.berk_jones import BerkJones

    low, high = measure.levels
    return BerkJones() if measure.two_sided or not low < high else BerkJones(levels=(low, high))
