"""Integer risk scores that fit on an index card, with a proof of how good they are."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.scores.binning import Binning as Binning
    from riskstats.scores.certificate import Certificate as Certificate
    from riskstats.scores.estimator import RiskScoreClassifier as RiskScoreClassifier
    from riskstats.scores.pool import Pool as Pool
    from riskstats.scores.pool_result import CardPool as CardPool
    from riskstats.scores.problem import IntegerScoreProblem as IntegerScoreProblem
    from riskstats.scores.problem import SolveOptions as SolveOptions
    from riskstats.scores.scorecard import ScoreCard as ScoreCard
    from riskstats.scores.verify import Verification as Verification
    from riskstats.scores.verify import verify_certificate as verify_certificate

_NAMES = {
    "Binning": "riskstats.scores.binning",
    "CardPool": "riskstats.scores.pool_result",
    "Certificate": "riskstats.scores.certificate",
    "IntegerScoreProblem": "riskstats.scores.problem",
    "Pool": "riskstats.scores.pool",
    "RiskScoreClassifier": "riskstats.scores.estimator",
    "ScoreCard": "riskstats.scores.scorecard",
    "SolveOptions": "riskstats.scores.problem",
    "Verification": "riskstats.scores.verify",
    "verify_certificate": "riskstats.scores.verify",
}
_SUBMODULES = ("beam", "bnb", "scip")

__getattr__, __dir__, __all__ = attach(__name__, _NAMES, _SUBMODULES)
