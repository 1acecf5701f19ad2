"""scikit-learn's own checks of the robust estimators, with no expected failure."""

import math

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskstats.wasserstein.combined_least_squares import CombinedLeastSquares
from riskstats.wasserstein.cross_validation import (
    WassersteinHingeClassifierCV,
    WassersteinLADRegressionCV,
    WassersteinLinearRegressionCV,
    WassersteinLogisticRegressionCV,
)
from riskstats.wasserstein.estimators import (
    WassersteinHingeClassifier,
    WassersteinLADRegression,
    WassersteinLinearRegression,
    WassersteinLogisticRegression,
)

RADII = (0.05, 0.5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:no covariates are shared:riskstats.exceptions.AssumptionWarning")
@parametrize_with_checks(
    [
        WassersteinLogisticRegression(radius=0.01),
        WassersteinHingeClassifier(radius=0.1),
        WassersteinLADRegression(radius=0.1),
        WassersteinLinearRegression(radius=0.1),
        WassersteinLogisticRegressionCV(RADII, cv=2),
        CombinedLeastSquares(radius=0.1),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        WassersteinLogisticRegression(radius=0.01, norm=1, label_cost=1.0),
        WassersteinHingeClassifier(radius=0.01, norm=math.inf),
        WassersteinLADRegression(radius=0.01, norm=1),
        WassersteinLinearRegression(radius=0.01, norm=math.inf),
        WassersteinHingeClassifierCV(RADII, cv=2),
        WassersteinLADRegressionCV(RADII, cv=2),
        WassersteinLinearRegressionCV(RADII, cv=2),
    ]
)
def test_scikit_learn_check_of_the_slower_ones(estimator, check):
    check(estimator)
