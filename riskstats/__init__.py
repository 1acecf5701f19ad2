"""Risk numbers with a proof: what the number is, how sure it is, how bad it can get.

Importing the package is cheap: every public name below loads its module on first use.
"""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.bounds.api import cdf_band as cdf_band
    from riskstats.bounds.api import lower_bound as lower_bound
    from riskstats.bounds.api import p_value as p_value
    from riskstats.bounds.api import upper_bound as upper_bound
    from riskstats.bounds.result import RiskBound as RiskBound
    from riskstats.control.api import certify as certify
    from riskstats.control.estimator import RiskController as RiskController
    from riskstats.control.result import CertifiedSet as CertifiedSet
    from riskstats.control.sequential import SequentialCertifier as SequentialCertifier
    from riskstats.distribution import Distribution as Distribution
    from riskstats.envelope import CDFEnvelope as CDFEnvelope
    from riskstats.evaluations.readers.log import read_log as read_log
    from riskstats.evaluations.report import evaluation_report as evaluation_report
    from riskstats.evaluations.table import OutcomeTable as OutcomeTable
    from riskstats.exceptions import AssumptionWarning as AssumptionWarning
    from riskstats.exceptions import CertificateError as CertificateError
    from riskstats.exceptions import IncompatibleBound as IncompatibleBound
    from riskstats.exceptions import Infeasible as Infeasible
    from riskstats.exceptions import InvalidInput as InvalidInput
    from riskstats.exceptions import InvalidInputType as InvalidInputType
    from riskstats.exceptions import NotConverged as NotConverged
    from riskstats.exceptions import StoppedEarly as StoppedEarly
    from riskstats.exceptions import Unavailable as Unavailable
    from riskstats.harm.expected import expected_harm as expected_harm
    from riskstats.measures.cvar import CVaR as CVaR
    from riskstats.measures.mean import Mean as Mean
    from riskstats.measures.value_at_risk import ValueAtRisk as ValueAtRisk
    from riskstats.multiplicity.estimator import RashomonSet as RashomonSet
    from riskstats.results import Result as Result
    from riskstats.results import Solution as Solution
    from riskstats.results import Status as Status
    from riskstats.scores.binning import Binning as Binning
    from riskstats.scores.certificate import Certificate as Certificate
    from riskstats.scores.estimator import RiskScoreClassifier as RiskScoreClassifier
    from riskstats.scores.scorecard import ScoreCard as ScoreCard
    from riskstats.scores.verify import Verification as Verification
    from riskstats.scores.verify import verify_certificate as verify_certificate
    from riskstats.tail.limits import cvar_interval as cvar_interval
    from riskstats.tail.profile import risk_profile as risk_profile
    from riskstats.tail.ranking import compare_models as compare_models
    from riskstats.wasserstein.api import worst_case_expectation as worst_case_expectation
    from riskstats.wasserstein.ball import MarginalBalls as MarginalBalls
    from riskstats.wasserstein.ball import WassersteinBall as WassersteinBall
    from riskstats.wasserstein.makarov import makarov_bounds as makarov_bounds
    from riskstats.wasserstein.worst_risk import worst_case_risk as worst_case_risk

__version__ = "0.1.0"

_NAMES = {
    "AssumptionWarning": "riskstats.exceptions",
    "Binning": "riskstats.scores.binning",
    "CDFEnvelope": "riskstats.envelope",
    "CVaR": "riskstats.measures.cvar",
    "Certificate": "riskstats.scores.certificate",
    "CertificateError": "riskstats.exceptions",
    "CertifiedSet": "riskstats.control.result",
    "Distribution": "riskstats.distribution",
    "IncompatibleBound": "riskstats.exceptions",
    "Infeasible": "riskstats.exceptions",
    "InvalidInput": "riskstats.exceptions",
    "InvalidInputType": "riskstats.exceptions",
    "MarginalBalls": "riskstats.wasserstein.ball",
    "Mean": "riskstats.measures.mean",
    "NotConverged": "riskstats.exceptions",
    "OutcomeTable": "riskstats.evaluations.table",
    "RashomonSet": "riskstats.multiplicity.estimator",
    "Result": "riskstats.results",
    "RiskBound": "riskstats.bounds.result",
    "RiskController": "riskstats.control.estimator",
    "RiskScoreClassifier": "riskstats.scores.estimator",
    "ScoreCard": "riskstats.scores.scorecard",
    "SequentialCertifier": "riskstats.control.sequential",
    "Solution": "riskstats.results",
    "Status": "riskstats.results",
    "StoppedEarly": "riskstats.exceptions",
    "Unavailable": "riskstats.exceptions",
    "ValueAtRisk": "riskstats.measures.value_at_risk",
    "Verification": "riskstats.scores.verify",
    "WassersteinBall": "riskstats.wasserstein.ball",
    "cdf_band": "riskstats.bounds.api",
    "certify": "riskstats.control.api",
    "compare_models": "riskstats.tail.ranking",
    "cvar_interval": "riskstats.tail.limits",
    "evaluation_report": "riskstats.evaluations.report",
    "expected_harm": "riskstats.harm.expected",
    "lower_bound": "riskstats.bounds.api",
    "makarov_bounds": "riskstats.wasserstein.makarov",
    "p_value": "riskstats.bounds.api",
    "read_log": "riskstats.evaluations.readers.log",
    "risk_profile": "riskstats.tail.profile",
    "upper_bound": "riskstats.bounds.api",
    "verify_certificate": "riskstats.scores.verify",
    "worst_case_expectation": "riskstats.wasserstein.api",
    "worst_case_risk": "riskstats.wasserstein.worst_risk",
}
_SUBMODULES = (
    "bounds",
    "control",
    "datasets",
    "distribution",
    "envelope",
    "evaluations",
    "exceptions",
    "harm",
    "levelset",
    "losses",
    "measures",
    "multiplicity",
    "results",
    "scores",
    "tail",
    "wasserstein",
)

__getattr__, __dir__, __all__ = attach(__name__, _NAMES, _SUBMODULES)
