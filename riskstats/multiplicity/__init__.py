"""Predictive multiplicity: how far the predictions of near-optimal models differ, and what hangs on it."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.multiplicity.ambiguity import ambiguity as ambiguity
    from riskstats.multiplicity.capacity import CapacityResult as CapacityResult
    from riskstats.multiplicity.capacity import rashomon_capacity as rashomon_capacity
    from riskstats.multiplicity.disagreement import disagreement as disagreement
    from riskstats.multiplicity.disagreement import label_ambiguity as label_ambiguity
    from riskstats.multiplicity.epsilon_path import EpsilonPath as EpsilonPath
    from riskstats.multiplicity.estimator import RashomonSet as RashomonSet
    from riskstats.multiplicity.pool import viable_prediction_range as viable_prediction_range
    from riskstats.multiplicity.pool_discrepancy import discrepancy as discrepancy
    from riskstats.multiplicity.prediction_range import PredictionRange as PredictionRange
    from riskstats.multiplicity.refits import Refits as Refits
    from riskstats.multiplicity.report import MultiplicityReport as MultiplicityReport
    from riskstats.multiplicity.result import MultiplicityRate as MultiplicityRate
    from riskstats.multiplicity.score_pool import ScorePool as ScorePool

_NAMES = {
    "CapacityResult": "riskstats.multiplicity.capacity",
    "EpsilonPath": "riskstats.multiplicity.epsilon_path",
    "MultiplicityRate": "riskstats.multiplicity.result",
    "MultiplicityReport": "riskstats.multiplicity.report",
    "PredictionRange": "riskstats.multiplicity.prediction_range",
    "RashomonSet": "riskstats.multiplicity.estimator",
    "Refits": "riskstats.multiplicity.refits",
    "ScorePool": "riskstats.multiplicity.score_pool",
    "ambiguity": "riskstats.multiplicity.ambiguity",
    "disagreement": "riskstats.multiplicity.disagreement",
    "discrepancy": "riskstats.multiplicity.pool_discrepancy",
    "label_ambiguity": "riskstats.multiplicity.disagreement",
    "rashomon_capacity": "riskstats.multiplicity.capacity",
    "viable_prediction_range": "riskstats.multiplicity.pool",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
