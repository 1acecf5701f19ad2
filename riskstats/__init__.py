"""Risk numbers with a proof: what the number is, how sure it is, how bad it can get.

Importing the package is cheap: every public name below loads its module on first use.
"""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.distribution import Distribution as Distribution
    from riskstats.exceptions import CertificateError as CertificateError
    from riskstats.exceptions import IncompatibleBound as IncompatibleBound
    from riskstats.exceptions import Infeasible as Infeasible
    from riskstats.exceptions import InvalidInput as InvalidInput
    from riskstats.exceptions import InvalidInputType as InvalidInputType
    from riskstats.exceptions import NotConverged as NotConverged
    from riskstats.exceptions import StoppedEarly as StoppedEarly
    from riskstats.exceptions import Unavailable as Unavailable
    from riskstats.results import Result as Result
    from riskstats.results import Solution as Solution
    from riskstats.results import Status as Status
    from riskstats.scores.binning import Binning as Binning
    from riskstats.scores.certificate import Certificate as Certificate
    from riskstats.scores.estimator import RiskScoreClassifier as RiskScoreClassifier
    from riskstats.scores.scorecard import ScoreCard as ScoreCard
    from riskstats.scores.verify import Verification as Verification
    from riskstats.scores.verify import verify_certificate as verify_certificate

__version__ = "0.1.0"

_NAMES = {
    "Binning": "riskstats.scores.binning",
    "Certificate": "riskstats.scores.certificate",
    "CertificateError": "riskstats.exceptions",
    "Distribution": "riskstats.distribution",
    "IncompatibleBound": "riskstats.exceptions",
    "Infeasible": "riskstats.exceptions",
    "InvalidInput": "riskstats.exceptions",
    "InvalidInputType": "riskstats.exceptions",
    "NotConverged": "riskstats.exceptions",
    "Result": "riskstats.results",
    "RiskScoreClassifier": "riskstats.scores.estimator",
    "ScoreCard": "riskstats.scores.scorecard",
    "Solution": "riskstats.results",
    "Status": "riskstats.results",
    "StoppedEarly": "riskstats.exceptions",
    "Unavailable": "riskstats.exceptions",
    "Verification": "riskstats.scores.verify",
    "verify_certificate": "riskstats.scores.verify",
}
_SUBMODULES = ("datasets", "distribution", "exceptions", "losses", "results", "scores")

__getattr__, __dir__, __all__ = attach(__name__, _NAMES, _SUBMODULES)
