"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskstats.scores import Binning, RiskScoreClassifier

QUICK = {"max_features": 3, "coefficient_range": (-3, 3), "time_limit": 20.0}


@pytest.mark.filterwarnings("ignore:The data are separable")
@pytest.mark.filterwarnings("ignore:One point on")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        RiskScoreClassifier(**QUICK),
        RiskScoreClassifier(**QUICK, multiplier=1.0, binning=None, gap=0.05),
        RiskScoreClassifier(
            **QUICK, multiplier="search", solver="beam", binning=Binning(method="tree", max_bins=3)
        ),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
