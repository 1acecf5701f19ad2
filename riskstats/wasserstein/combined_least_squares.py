"""Least squares from two samples that share no row: the worst dependence and the worst shift, in closed form.

    sup E (Y1 - theta'Y0 - c)^2 = ( W + r1 + ||theta||_* r0 )^2
    W^2 = worst E (Y1 - theta'Y0 - c)^2 over couplings of the samples

over laws whose marginals are within W_2 distance r1 and r0 of them. W couples the largest Y1 with the
smallest theta'Y0, whatever the sign of theta, so W is smallest at theta = 0, and so is the rest: without
covariates seen in both samples nothing can be learned of how Y1 depends on Y0. The minimiser is theta = 0,
c = mean Y1, with value (sd Y1 + r1)^2.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats._validation import Floats, finite_rows, finite_vector, number, number_target, sample_weights
from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.wasserstein.cost import Cost, dual_norm, radius_and_budget, vector_norm
from riskstats.wasserstein.coupled import comonotone

__all__ = ["CombinedLeastSquares"]


class CombinedLeastSquares(BaseEstimator):
    """Least squares of Y1 on Y0 where the two were never seen together, against the worst of all joint laws.

    `fit(X, y)` takes X, a sample of Y0, and y, a sample of Y1, of any lengths: row i of one has nothing to do
    with row i of the other. The model minimises the largest ``E (Y1 - theta'Y0 - c)^2`` over every dependence
    and every shift of the marginals within their W_2 radii. That largest value is
    ``(W + r1 + ||theta||_* r0)^2``, with W the root mean square under the worst coupling.

    Whatever the data, the minimiser is theta = 0: `fit` warns of it. What the estimator offers is the value
    of *other* models: `worst_case_error(theta, c)` says how bad a rule may be that was obtained elsewhere.

    Parameters
    ----------
    radius, budget : exactly one; a number for both samples, or (r1 of y, r0 of X); budget = radius^2.
    norm : 1, 2 or inf, of a shift of Y0 with several columns.

    Attributes
    ----------
    coef_ : (d,) zeros. intercept_ : the mean of y. objective_ : ``(sd y + r1)^2``, attained. bound_ : the
    same. duality_gap_ : 0. radius_, budget_ : pairs (of y, of X). n_features_in_, feature_names_in_.

    `InvalidInput`: both or neither of radius and budget; samples that are empty or not finite.

    Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal
    Transport".
    """

    def __init__(self, radius: Any = None, budget: Any = None, *, norm: float = 2) -> None:
        self.radius = radius
        self.budget = budget
        self.norm = norm

    def fit(
        self, X: Any, y: Any, *, predictor_weight: Any = None, target_weight: Any = None
    ) -> CombinedLeastSquares:
        """Take both samples and minimise the worst mean squared error.

        Parameters
        ----------
        X : (m, d) sample of Y0. y : (n,) sample of Y1; n and m may differ. predictor_weight : (m,) and
            target_weight : (n,), >= 0; None is one each.
        """
        Cost(norm=self.norm)
        self.radius_, self.budget_ = _pair(self.radius, self.budget)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=1)
        self._predictors = finite_rows(X)
        self._targets = number_target(y)
        masses = ((predictor_weight, X, "predictor_weight"), (target_weight, self._targets, "target_weight"))
        weights = [sample_weights(given, len(rows), name=name) for given, rows, name in masses]
        self._predictor_mass, self._target_mass = (mass / mass.sum() for mass in weights)
        self.coef_ = np.zeros(X.shape[1])
        self.intercept_ = float(self._target_mass @ self._targets)
        self.objective_ = self.bound_ = self.worst_case_error(self.coef_, self.intercept_)
        self.duality_gap_ = 0.0
        warnings.warn(
            "no covariates are shared by the two samples, so the worst dependence makes every slope useless: "
            "the minimiser is coef_ = 0 whatever the data. Use `worst_case_error` to judge other slopes.",
            AssumptionWarning,
            stacklevel=2,
        )
        return self

    def predict(self, X: Any) -> Floats:
        """Return ``X theta + c``, (n,): the mean of y in every row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite=False)
        return np.asarray(finite_rows(X) @ self.coef_ + self.intercept_)

    def worst_case_error(self, theta: Any, intercept: float | None = None) -> float:
        """Return the largest ``E (Y1 - theta'Y0 - c)^2`` over every coupling and the balls, in units of y^2.

        Parameters
        ----------
        theta : a number, or (d,). intercept : c; None takes the best one for this theta, the mean residual.
        """
        check_is_fitted(self, "coef_")
        slopes = finite_vector(np.atleast_1d(theta), "theta")
        if len(slopes) != self._predictors.shape[1]:
            raise InvalidInput(f"`theta` has {len(slopes)} entries for {self._predictors.shape[1]} columns.")
        score = self._predictors @ slopes
        if intercept is None:
            intercept = float(self._target_mass @ self._targets - self._predictor_mass @ score)
        shift = number(intercept, "intercept")
        size = _widest(self._targets, self._target_mass, score + shift, self._predictor_mass)
        first, second = self.radius_
        return float((size + first + float(vector_norm(slopes, dual_norm(self.norm))) * second) ** 2)


def _pair(radius: Any, budget: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """((r1, r0), (budget1, budget0))."""
    given = [_two(radius), _two(budget)]
    pairs = [radius_and_budget(r, b, 2.0) for r, b in zip(*given, strict=True)]
    return (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1])


def _two(value: Any) -> tuple[Any, Any]:
    if isinstance(value, (tuple, list, np.ndarray)):
        if len(value) != 2:
            raise InvalidInput(f"a pair of radii or budgets is (of y, of X); got {len(value)} numbers.")
        return value[0], value[1]
    return value, value


def _widest(first: Floats, first_mass: Floats, second: Floats, second_mass: Floats) -> float:
    """The largest root mean square of first - second over couplings: large ones meet small ones."""
    mass, places = comonotone([first, second], [first_mass, second_mass], (1, -1))
    return math.sqrt(float(mass @ (first[places[:, 0]] - second[places[:, 1]]) ** 2))
