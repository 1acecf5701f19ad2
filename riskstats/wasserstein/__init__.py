"""Worst cases over Wasserstein balls: how bad a number can get if the world shifts."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.wasserstein.ball import MarginalBalls as MarginalBalls
    from riskstats.wasserstein.ball import OverlappingBalls as OverlappingBalls
    from riskstats.wasserstein.ball import WassersteinBall as WassersteinBall
    from riskstats.wasserstein.cost import Cost as Cost
    from riskstats.wasserstein.result import Bounds as Bounds
    from riskstats.wasserstein.result import DistributionBounds as DistributionBounds
    from riskstats.wasserstein.result import Interval as Interval
    from riskstats.wasserstein.result import WorstCase as WorstCase
    from riskstats.wasserstein.result import WorstCaseLaw as WorstCaseLaw

_NAMES = {
    "Bounds": "riskstats.wasserstein.result",
    "Cost": "riskstats.wasserstein.cost",
    "DistributionBounds": "riskstats.wasserstein.result",
    "Interval": "riskstats.wasserstein.result",
    "MarginalBalls": "riskstats.wasserstein.ball",
    "OverlappingBalls": "riskstats.wasserstein.ball",
    "WassersteinBall": "riskstats.wasserstein.ball",
    "WorstCase": "riskstats.wasserstein.result",
    "WorstCaseLaw": "riskstats.wasserstein.result",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
