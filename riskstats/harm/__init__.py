"""Expected harm: severity weighted by the likelihood that an answer is acted upon, and what follows."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.harm.aggregation import HarmBenefitModel as HarmBenefitModel
    from riskstats.harm.aggregation import HarmExplanation as HarmExplanation
    from riskstats.harm.calibration import CalibrationReport as CalibrationReport
    from riskstats.harm.calibration import risk_calibration as risk_calibration
    from riskstats.harm.comparison import HarmComparison as HarmComparison
    from riskstats.harm.comparison import compare_harm as compare_harm
    from riskstats.harm.cost_maps import CostMap as CostMap
    from riskstats.harm.cost_maps import Exponential as Exponential
    from riskstats.harm.cost_maps import Linear as Linear
    from riskstats.harm.cost_maps import Logistic as Logistic
    from riskstats.harm.cost_maps import Reciprocal as Reciprocal
    from riskstats.harm.cost_maps import Tabulated as Tabulated
    from riskstats.harm.expected import HarmReport as HarmReport
    from riskstats.harm.expected import expected_harm as expected_harm
    from riskstats.harm.grades import AILUMINATE_0_5 as AILUMINATE_0_5
    from riskstats.harm.grades import AILUMINATE_1_0 as AILUMINATE_1_0
    from riskstats.harm.grades import Grade as Grade
    from riskstats.harm.grades import GradeScale as GradeScale
    from riskstats.harm.grades import grade as grade
    from riskstats.harm.interval import HarmInterval as HarmInterval
    from riskstats.harm.interval import harm_interval as harm_interval
    from riskstats.harm.map_sets import DecreasingMaps as DecreasingMaps
    from riskstats.harm.owasp import OwaspRating as OwaspRating
    from riskstats.harm.owasp import StakeholderRating as StakeholderRating
    from riskstats.harm.owasp import owasp_rating as owasp_rating
    from riskstats.harm.probes import ProbeReport as ProbeReport
    from riskstats.harm.probes import linear_probe as linear_probe
    from riskstats.harm.probes import residualised as residualised
    from riskstats.harm.strongreject import GradedSuccess as GradedSuccess
    from riskstats.harm.strongreject import strongreject_score as strongreject_score
    from riskstats.harm.weights import HarmWeights as HarmWeights

_NAMES = {
    "AILUMINATE_0_5": "riskstats.harm.grades",
    "AILUMINATE_1_0": "riskstats.harm.grades",
    "CalibrationReport": "riskstats.harm.calibration",
    "CostMap": "riskstats.harm.cost_maps",
    "DecreasingMaps": "riskstats.harm.map_sets",
    "Exponential": "riskstats.harm.cost_maps",
    "Grade": "riskstats.harm.grades",
    "GradeScale": "riskstats.harm.grades",
    "GradedSuccess": "riskstats.harm.strongreject",
    "HarmBenefitModel": "riskstats.harm.aggregation",
    "HarmComparison": "riskstats.harm.comparison",
    "HarmExplanation": "riskstats.harm.aggregation",
    "HarmInterval": "riskstats.harm.interval",
    "HarmReport": "riskstats.harm.expected",
    "HarmWeights": "riskstats.harm.weights",
    "Linear": "riskstats.harm.cost_maps",
    "Logistic": "riskstats.harm.cost_maps",
    "OwaspRating": "riskstats.harm.owasp",
    "ProbeReport": "riskstats.harm.probes",
    "Reciprocal": "riskstats.harm.cost_maps",
    "StakeholderRating": "riskstats.harm.owasp",
    "Tabulated": "riskstats.harm.cost_maps",
    "compare_harm": "riskstats.harm.comparison",
    "expected_harm": "riskstats.harm.expected",
    "grade": "riskstats.harm.grades",
    "harm_interval": "riskstats.harm.interval",
    "linear_probe": "riskstats.harm.probes",
    "owasp_rating": "riskstats.harm.owasp",
    "residualised": "riskstats.harm.probes",
    "risk_calibration": "riskstats.harm.calibration",
    "strongreject_score": "riskstats.harm.strongreject",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
