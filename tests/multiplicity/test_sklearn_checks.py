"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from riskstats.scores import Pool, RiskScoreClassifier

# Three checks demand that a weight equals repetition, of the estimator inside as well. That leaves out a
# forest that draws rows, `GaussianNB` and `StandardScaler`, whose variances ignore weights, and
# `LinearRegression`, which has no bounded set on the data of those checks: fewer rows than columns.
ANY_LOSS = {"epsilon": 1e12, "epsilon_kind": "additive", "refits": Refits(3), "random_state": 0}
FAST = [
    RashomonSet(),
    RashomonSet(Ridge()),
    RashomonSet(LogisticRegression(), refits=Refits(3), epsilon=5.0),
]
SLOW = [
    RashomonSet(make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression())),
    RashomonSet(Ridge(solver="svd"), **ANY_LOSS),
    RashomonSet(DecisionTreeClassifier(random_state=0), **ANY_LOSS),
    RashomonSet(RandomForestClassifier(3, bootstrap=False, max_features=None, random_state=0), **ANY_LOSS),
    RashomonSet(RiskScoreClassifier(2, (-2, 2), multiplier=1.0, time_limit=20.0, pool=Pool(0.01))),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(FAST)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The data are separable")
@pytest.mark.filterwarnings("ignore:One point on")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(SLOW)
def test_scikit_learn_check_of_slow_estimators(estimator, check):
    check(estimator)
