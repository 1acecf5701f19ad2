"""Certified choices: candidates whose risk is within a limit, with a stated probability of error."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.control.api import Requirement as Requirement
    from riskstats.control.api import certify as certify
    from riskstats.control.api import certify_jointly as certify_jointly
    from riskstats.control.estimator import RiskController as RiskController
    from riskstats.control.groups import group_bounds as group_bounds
    from riskstats.control.judge import judge_corrected_bound as judge_corrected_bound
    from riskstats.control.pairs import difference_bound as difference_bound
    from riskstats.control.planning import detectable_risk as detectable_risk
    from riskstats.control.planning import sample_size as sample_size
    from riskstats.control.result import CertifiedRisk as CertifiedRisk
    from riskstats.control.result import CertifiedSet as CertifiedSet
    from riskstats.control.result import GroupReport as GroupReport
    from riskstats.control.result import SampleSizePlan as SampleSizePlan
    from riskstats.control.selection import pareto_order as pareto_order
    from riskstats.control.sequential import SequentialCertifier as SequentialCertifier
    from riskstats.control.shift import ShiftedRiskBound as ShiftedRiskBound
    from riskstats.control.shift import shifted_upper_bound as shifted_upper_bound
    from riskstats.control.shift_methods import ControlVariate as ControlVariate
    from riskstats.control.shift_methods import Rejection as Rejection
    from riskstats.control.shift_methods import Reweighted as Reweighted
    from riskstats.control.shift_methods import StratifiedBox as StratifiedBox
    from riskstats.control.shift_weights import ShiftWeights as ShiftWeights
    from riskstats.control.shift_weights import covariate_shift_weights as covariate_shift_weights

_NAMES = {
    "CertifiedRisk": "riskstats.control.result",
    "CertifiedSet": "riskstats.control.result",
    "ControlVariate": "riskstats.control.shift_methods",
    "GroupReport": "riskstats.control.result",
    "Rejection": "riskstats.control.shift_methods",
    "Requirement": "riskstats.control.api",
    "Reweighted": "riskstats.control.shift_methods",
    "RiskController": "riskstats.control.estimator",
    "SampleSizePlan": "riskstats.control.result",
    "SequentialCertifier": "riskstats.control.sequential",
    "ShiftWeights": "riskstats.control.shift_weights",
    "ShiftedRiskBound": "riskstats.control.shift",
    "StratifiedBox": "riskstats.control.shift_methods",
    "certify": "riskstats.control.api",
    "certify_jointly": "riskstats.control.api",
    "covariate_shift_weights": "riskstats.control.shift_weights",
    "detectable_risk": "riskstats.control.planning",
    "difference_bound": "riskstats.control.pairs",
    "group_bounds": "riskstats.control.groups",
    "judge_corrected_bound": "riskstats.control.judge",
    "pareto_order": "riskstats.control.selection",
    "sample_size": "riskstats.control.planning",
    "shifted_upper_bound": "riskstats.control.shift",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
