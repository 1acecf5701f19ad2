"""Worst cases over Wasserstein balls: how bad a number can get if the world shifts."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.wasserstein.api import worst_case_expectation as worst_case_expectation
    from riskstats.wasserstein.ball import MarginalBalls as MarginalBalls
    from riskstats.wasserstein.ball import OverlappingBalls as OverlappingBalls
    from riskstats.wasserstein.ball import WassersteinBall as WassersteinBall
    from riskstats.wasserstein.breakdown import Breakdown as Breakdown
    from riskstats.wasserstein.breakdown import Claim as Claim
    from riskstats.wasserstein.breakdown import Frontier as Frontier
    from riskstats.wasserstein.breakdown import breakdown_frontier as breakdown_frontier
    from riskstats.wasserstein.breakdown import breakdown_radius as breakdown_radius
    from riskstats.wasserstein.combined_least_squares import CombinedLeastSquares as CombinedLeastSquares
    from riskstats.wasserstein.cost import Cost as Cost
    from riskstats.wasserstein.cross_validation import (
        WassersteinHingeClassifierCV as WassersteinHingeClassifierCV,
    )
    from riskstats.wasserstein.cross_validation import (
        WassersteinLADRegressionCV as WassersteinLADRegressionCV,
    )
    from riskstats.wasserstein.cross_validation import (
        WassersteinLinearRegressionCV as WassersteinLinearRegressionCV,
    )
    from riskstats.wasserstein.cross_validation import (
        WassersteinLogisticRegressionCV as WassersteinLogisticRegressionCV,
    )
    from riskstats.wasserstein.effects import effect_deviation_bounds as effect_deviation_bounds
    from riskstats.wasserstein.effects import effect_distribution_bounds as effect_distribution_bounds
    from riskstats.wasserstein.effects import effect_quantile_bounds as effect_quantile_bounds
    from riskstats.wasserstein.effects import squared_effect_bounds as squared_effect_bounds
    from riskstats.wasserstein.estimators import WassersteinHingeClassifier as WassersteinHingeClassifier
    from riskstats.wasserstein.estimators import WassersteinLADRegression as WassersteinLADRegression
    from riskstats.wasserstein.estimators import WassersteinLinearRegression as WassersteinLinearRegression
    from riskstats.wasserstein.estimators import (
        WassersteinLogisticRegression as WassersteinLogisticRegression,
    )
    from riskstats.wasserstein.frechet import frechet_hoeffding_bounds as frechet_hoeffding_bounds
    from riskstats.wasserstein.functional import Aggregate as Aggregate
    from riskstats.wasserstein.functional import Declared as Declared
    from riskstats.wasserstein.inference import ConfidenceBounds as ConfidenceBounds
    from riskstats.wasserstein.inference import NumericalDelta as NumericalDelta
    from riskstats.wasserstein.inference import bounds_interval as bounds_interval
    from riskstats.wasserstein.joint import JointCDF as JointCDF
    from riskstats.wasserstein.joint import Maximum as Maximum
    from riskstats.wasserstein.joint import Product as Product
    from riskstats.wasserstein.makarov import makarov_bounds as makarov_bounds
    from riskstats.wasserstein.makarov import makarov_breakdown as makarov_breakdown
    from riskstats.wasserstein.makarov import makarov_quantile_bounds as makarov_quantile_bounds
    from riskstats.wasserstein.makarov_batch import MakarovQuestion as MakarovQuestion
    from riskstats.wasserstein.makarov_law import makarov_worst_case as makarov_worst_case
    from riskstats.wasserstein.radius import Radius as Radius
    from riskstats.wasserstein.radius import bootstrap_radius as bootstrap_radius
    from riskstats.wasserstein.radius import observed_shift_radius as observed_shift_radius
    from riskstats.wasserstein.radius_sources import profile_radius as profile_radius
    from riskstats.wasserstein.result import Bounds as Bounds
    from riskstats.wasserstein.result import DistributionBounds as DistributionBounds
    from riskstats.wasserstein.result import Interval as Interval
    from riskstats.wasserstein.result import WorstCase as WorstCase
    from riskstats.wasserstein.result import WorstCaseLaw as WorstCaseLaw
    from riskstats.wasserstein.sensitivity import Question as Question
    from riskstats.wasserstein.sensitivity import SensitivityCurve as SensitivityCurve
    from riskstats.wasserstein.sensitivity import sensitivity_curve as sensitivity_curve
    from riskstats.wasserstein.shapes import Above as Above
    from riskstats.wasserstein.shapes import Absolute as Absolute
    from riskstats.wasserstein.shapes import AtLeast as AtLeast
    from riskstats.wasserstein.shapes import AtMost as AtMost
    from riskstats.wasserstein.shapes import Below as Below
    from riskstats.wasserstein.shapes import Between as Between
    from riskstats.wasserstein.shapes import Call as Call
    from riskstats.wasserstein.shapes import Linear as Linear
    from riskstats.wasserstein.shapes import Put as Put
    from riskstats.wasserstein.shapes import Square as Square
    from riskstats.wasserstein.sum_value_at_risk import sum_value_at_risk_bounds as sum_value_at_risk_bounds
    from riskstats.wasserstein.treatment import average_effect_bounds as average_effect_bounds
    from riskstats.wasserstein.welfare import RuleRanking as RuleRanking
    from riskstats.wasserstein.welfare import rank_rules as rank_rules
    from riskstats.wasserstein.welfare import robust_welfare as robust_welfare
    from riskstats.wasserstein.worst_risk import worst_case_risk as worst_case_risk

_NAMES = {
    "Above": "riskstats.wasserstein.shapes",
    "Absolute": "riskstats.wasserstein.shapes",
    "Aggregate": "riskstats.wasserstein.functional",
    "AtLeast": "riskstats.wasserstein.shapes",
    "AtMost": "riskstats.wasserstein.shapes",
    "Below": "riskstats.wasserstein.shapes",
    "Between": "riskstats.wasserstein.shapes",
    "Bounds": "riskstats.wasserstein.result",
    "Breakdown": "riskstats.wasserstein.breakdown",
    "Call": "riskstats.wasserstein.shapes",
    "Claim": "riskstats.wasserstein.breakdown",
    "CombinedLeastSquares": "riskstats.wasserstein.combined_least_squares",
    "ConfidenceBounds": "riskstats.wasserstein.inference",
    "Cost": "riskstats.wasserstein.cost",
    "Declared": "riskstats.wasserstein.functional",
    "DistributionBounds": "riskstats.wasserstein.result",
    "Frontier": "riskstats.wasserstein.breakdown",
    "Interval": "riskstats.wasserstein.result",
    "JointCDF": "riskstats.wasserstein.joint",
    "Linear": "riskstats.wasserstein.shapes",
    "MakarovQuestion": "riskstats.wasserstein.makarov_batch",
    "MarginalBalls": "riskstats.wasserstein.ball",
    "Maximum": "riskstats.wasserstein.joint",
    "NumericalDelta": "riskstats.wasserstein.inference",
    "OverlappingBalls": "riskstats.wasserstein.ball",
    "Product": "riskstats.wasserstein.joint",
    "Put": "riskstats.wasserstein.shapes",
    "Question": "riskstats.wasserstein.sensitivity",
    "Radius": "riskstats.wasserstein.radius",
    "RuleRanking": "riskstats.wasserstein.welfare",
    "SensitivityCurve": "riskstats.wasserstein.sensitivity",
    "Square": "riskstats.wasserstein.shapes",
    "WassersteinBall": "riskstats.wasserstein.ball",
    "WassersteinHingeClassifier": "riskstats.wasserstein.estimators",
    "WassersteinHingeClassifierCV": "riskstats.wasserstein.cross_validation",
    "WassersteinLADRegression": "riskstats.wasserstein.estimators",
    "WassersteinLADRegressionCV": "riskstats.wasserstein.cross_validation",
    "WassersteinLinearRegression": "riskstats.wasserstein.estimators",
    "WassersteinLinearRegressionCV": "riskstats.wasserstein.cross_validation",
    "WassersteinLogisticRegression": "riskstats.wasserstein.estimators",
    "WassersteinLogisticRegressionCV": "riskstats.wasserstein.cross_validation",
    "WorstCase": "riskstats.wasserstein.result",
    "WorstCaseLaw": "riskstats.wasserstein.result",
    "average_effect_bounds": "riskstats.wasserstein.treatment",
    "bootstrap_radius": "riskstats.wasserstein.radius",
    "bounds_interval": "riskstats.wasserstein.inference",
    "breakdown_frontier": "riskstats.wasserstein.breakdown",
    "breakdown_radius": "riskstats.wasserstein.breakdown",
    "effect_deviation_bounds": "riskstats.wasserstein.effects",
    "effect_distribution_bounds": "riskstats.wasserstein.effects",
    "effect_quantile_bounds": "riskstats.wasserstein.effects",
    "frechet_hoeffding_bounds": "riskstats.wasserstein.frechet",
    "makarov_bounds": "riskstats.wasserstein.makarov",
    "makarov_breakdown": "riskstats.wasserstein.makarov",
    "makarov_quantile_bounds": "riskstats.wasserstein.makarov",
    "makarov_worst_case": "riskstats.wasserstein.makarov_law",
    "observed_shift_radius": "riskstats.wasserstein.radius",
    "profile_radius": "riskstats.wasserstein.radius_sources",
    "rank_rules": "riskstats.wasserstein.welfare",
    "robust_welfare": "riskstats.wasserstein.welfare",
    "sensitivity_curve": "riskstats.wasserstein.sensitivity",
    "squared_effect_bounds": "riskstats.wasserstein.effects",
    "sum_value_at_risk_bounds": "riskstats.wasserstein.sum_value_at_risk",
    "worst_case_expectation": "riskstats.wasserstein.api",
    "worst_case_risk": "riskstats.wasserstein.worst_risk",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
