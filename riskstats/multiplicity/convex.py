"""Logistic and ridge regression: a convex level set, whose range is exact.

The set follows the estimator's own objective, penalty, class weights and intercept included:

    LogisticRegression    mean log loss + ||w||^2 / (2 C sum of weights)
    Ridge                 mean squared error / 2 + alpha ||w||^2 / (2 sum of weights)
    LinearRegression      mean squared error / 2

A pipeline keeps its fitted transformers; the set is over its last step.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput, NotConverged, StoppedEarly
from riskstats.levelset.baseline import Baseline, fit_baseline
from riskstats.levelset.level_set import LevelSet, Support
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.separability import full_column_rank, separating_direction
from riskstats.levelset.smooth_losses import LogisticLoss, SquaredLoss
from riskstats.multiplicity.model_set import Near
from riskstats.multiplicity.prediction_range import PredictionRange, range_of_ends

__all__ = [
    "ConvexModels",
    "SearchLimits",
    "convex_models",
    "convex_problem",
    "is_convex",
    "with_coefficients",
]


@dataclass(frozen=True)
class SearchLimits:
    """When a row counts as exact, and when to stop trying. device : as in `LevelSet`."""

    gap_tolerance: float = 1e-9
    max_iter: int = 100
    time_limit: float = math.inf
    device: str = "auto"


@dataclass(frozen=True, eq=False)
class ConvexModels:
    """The level set of a convex objective with its certified ranges."""

    level_set: LevelSet
    near: Near
    limits: SearchLimits

    source = "convex"

    @property
    def scale(self) -> str:
        """ "probability" for the log loss, "response" for squared loss."""
        return "probability" if isinstance(self.level_set.problem.loss, LogisticLoss) else "response"

    @cached_property
    def loss_name(self) -> str:
        """The objective in words."""
        problem = self.level_set.problem
        name = "mean log loss" if self.scale == "probability" else "mean squared error / 2"
        return f"{name} + {problem.penalty / 2:.6g} ||w||^2" if problem.penalty > 0 else name

    @property
    def loss(self) -> float:
        """F at the baseline, rounded up."""
        return self.level_set.baseline.above

    @property
    def loss_bound(self) -> float:
        """What no model of the class can beat."""
        return self.level_set.baseline.below

    @property
    def loss_limit(self) -> float:
        """The largest F of a member."""
        return self.level_set.inner_limit

    def directions(self, X: Floats) -> Floats:
        """Rows with a leading 1 where there is an intercept, (n, p)."""
        return self.level_set.problem.augmented(X)

    def baseline_logits(self, X: Floats) -> Floats:
        """(n,) logits of the baseline, or its predictions on the response scale."""
        return self.directions(X) @ self.level_set.baseline.theta

    def range(self, X: Floats) -> PredictionRange:
        """The range of every row; a warning counts the rows that stay uncertified."""
        return self._range_of(self.directions(X), self.scale)

    def coefficients(self) -> PredictionRange:
        """The range of every coefficient, the intercept first: the same solver along unit vectors."""
        return self._range_of(np.eye(self.level_set.problem.p), "response")

    def _range_of(self, directions: Floats, scale: str) -> PredictionRange:
        both = np.concatenate([-directions, directions])
        limits = self.limits
        found = self.level_set.support(
            both,
            gap_tolerance=limits.gap_tolerance,
            max_iter=limits.max_iter,
            time_limit=limits.time_limit,
        )
        return self.range_of_support(found, directions, scale)

    def range_of_support(self, found: Support, directions: Floats, scale: str) -> PredictionRange:
        """The range of k directions from the support of (-directions, directions), 2 k lanes."""
        k = len(directions)
        answer = range_of_ends(
            np.stack([-found.inner[:k], found.inner[k:]], axis=1),
            np.stack([-found.outer[:k], found.outer[k:]], axis=1),
            gap_tolerance=self.limits.gap_tolerance,
            witness_lower=self._with_intercept(found.theta[:k]),
            witness_upper=self._with_intercept(found.theta[k:]),
            baseline=directions @ self.level_set.baseline.theta,
            scale=scale,
            epsilon=self.near.epsilon,
            epsilon_kind=self.near.kind,
            source=self.source,
        )
        wide = int((answer.kind != "exact").sum())
        if wide:
            warnings.warn(
                f"{wide} of {k} ranges are not certified within {self.limits.gap_tolerance:g}; widest gap "
                f"{answer.gap.max():.3g}. Their safe ends hold. Raise `max_iter` or `time_limit` for more.",
                StoppedEarly,
                stacklevel=4,
            )
        return answer

    def _with_intercept(self, theta: Floats) -> Floats:
        if self.level_set.problem.intercept:
            return theta
        return np.column_stack([np.zeros(len(theta)), theta])

    def nearer(self, near: Near) -> ConvexModels:
        """The level set of another epsilon."""
        other = self.level_set.at(near.epsilon, relative=near.relative)
        return ConvexModels(other, near, self.limits)


def is_convex(estimator: Any) -> bool:
    """Whether exact ranges exist for this estimator: its last step, where it is a pipeline."""
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return type(estimator) in (LogisticRegression, Ridge, LinearRegression)


def convex_problem(estimator: Any, X: Floats, target: Floats, sample_weight: Floats) -> ConvexProblem:
    """The objective that `estimator` minimises on these rows, as it stands.

    target : -1 or +1 for a classifier. `InvalidInput` for settings whose objective is another.
    """
    _supported(estimator)
    name, settings = type(estimator).__name__, estimator.get_params(deep=False)
    total = math.fsum(sample_weight)
    if name == "LogisticRegression":
        inverse = settings["C"]
        unpenalised = settings.get("penalty") is None or math.isinf(inverse)
        penalty, loss = 0.0 if unpenalised else 1.0 / (inverse * total), LogisticLoss()
        return ConvexProblem.of(
            X,
            target,
            sample_weight=sample_weight,
            penalty=penalty,
            loss=loss,
            intercept=settings["fit_intercept"],
        )
    return ConvexProblem.of(
        X,
        target,
        sample_weight=sample_weight,
        penalty=float(settings.get("alpha", 0.0)) / total,
        loss=SquaredLoss(),
        intercept=settings["fit_intercept"],
    )


def _supported(estimator: Any) -> None:
    settings = estimator.get_params(deep=False)
    wrong = {
        "l1_ratio": settings.get("l1_ratio") not in (None, 0, 0.0),
        "penalty": settings.get("penalty", "l2") not in ("l2", None, "deprecated"),
        "solver": settings.get("solver") == "liblinear",
        "positive": bool(settings.get("positive", False)),
    }
    for setting in (name for name, bad in wrong.items() if bad):
        raise InvalidInput(
            f"exact ranges exist for the ridge penalty, or none, with a free intercept; got "
            f"{type(estimator).__name__}({setting}={settings[setting]!r}). Change it, or pass "
            "`refits=Refits(...)` for an inner range."
        )
    for name, low in (("C", 0.0), ("alpha", -1e-300)):
        if name in settings and not (isinstance(settings[name], (int, float)) and settings[name] > low):
            raise InvalidInput(f"`{name}` must be a number > 0; got {settings[name]!r}.")


def convex_models(problem: ConvexProblem, near: Near, limits: SearchLimits) -> ConvexModels:
    """Fit the baseline and set up the level set; `InvalidInput` where it is unbounded or empty of meaning."""
    _check_bounded(problem)
    baseline = fit_baseline(problem, max(limits.max_iter, 100))
    if near.relative and baseline.above <= 1e-12 * _worst(problem):
        raise InvalidInput(
            f"The best loss is {baseline.above:.3g}, so a relative epsilon adds nothing. "
            "Use `epsilon_kind='additive'`."
        )
    level_set = LevelSet.near_optimal(
        problem, baseline, near.epsilon, relative=near.relative, device=limits.device
    )
    _check_known(baseline, near)
    return ConvexModels(level_set, near, limits)


def _worst(problem: ConvexProblem) -> float:
    """The loss of predicting 0 everywhere, the yardstick of a best loss near 0."""
    return max(float(problem.objective(np.zeros(problem.p))), float(np.finfo(float).tiny))


def _check_bounded(problem: ConvexProblem) -> None:
    if problem.penalty > 0:
        return
    if not full_column_rank(problem):
        raise InvalidInput(
            "The level set is unbounded: columns of `X` are linearly dependent and no penalty is set. "
            "Drop columns, or set a finite `C`."
        )
    if isinstance(problem.loss, LogisticLoss) and separating_direction(problem) is not None:
        raise InvalidInput(
            "The level set is unbounded: a linear rule separates the classes and no penalty is set, so "
            "ranges tend to (0, 1). Set a finite `C`."
        )


def _check_known(baseline: Baseline, near: Near) -> None:
    rise = near.limit(baseline.above) - baseline.above
    if not baseline.gap <= 0.01 * rise:
        raise NotConverged(
            f"The best loss is only known within {baseline.gap:.2g}, and epsilon allows {rise:.2g}; "
            "ranges would rest on a wrong loss limit. Scale `X` or lower `C`."
        )


def with_coefficients(fitted: Any, owner: Any, theta: Floats, columns: int) -> Any:
    """The estimator as fitted, with the coefficients of the exact minimiser."""
    last = fitted[-1] if hasattr(fitted, "steps") else fitted
    intercept, coefficients = (theta[0], theta[1:]) if last.fit_intercept else (0.0, theta)
    last.n_features_in_ = columns
    if hasattr(owner, "classes_"):
        last.classes_ = owner.classes_
        last.coef_, last.intercept_ = coefficients[np.newaxis], np.array([intercept])
        last.n_iter_ = np.array([owner.level_set_.level_set.baseline.steps])
    else:
        last.coef_, last.intercept_ = coefficients.copy(), float(intercept)
    if fitted is last and hasattr(owner, "feature_names_in_"):
        last.feature_names_in_ = owner.feature_names_in_
    return fitted
