"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskstats.bounds.hoeffding import Hoeffding
from riskstats.control.estimator import RiskController


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        RiskController(LogisticRegression(), risk_limit=1.0, bound=Hoeffding()),
        RiskController(
            [("bayes", GaussianNB()), ("logit", LogisticRegression(C=0.5))],
            risk_limit=1.0,
            loss={"false_negative": 0.7, "false_positive": 0.3},
            thresholds=(0.5,),
            calibration_size=0.3,
        ),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
