"""The level set of a convex objective, and the certified ranges of its members."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput, NotConverged, StoppedEarly
from riskstats.levelset.baseline import Baseline, fit_baseline
from riskstats.levelset.level_set import LevelSet, Support
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.separability import full_column_rank, separating_direction
from riskstats.levelset.smooth_losses import LogisticLoss
from riskstats.multiplicity.model_set import Near
from riskstats.multiplicity.prediction_range import PredictionRange, range_of_ends
from riskstats.tail.provenance import input_hash

__all__ = ["ConvexModels", "SearchLimits", "convex_models"]


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

    @cached_property
    def set_hash(self) -> str:
        """16 hexadecimal digits of the training data and the penalty."""
        problem = self.level_set.problem
        return input_hash(problem.design, problem.target, problem.weight, problem.penalty)

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
        """The range of k directions from the support of (-directions, directions), 2 k lanes.

        An end that was not reached even as far as the baseline is that of the baseline, which is a member.
        """
        k, best = len(directions), self.level_set.baseline.theta
        centre = directions @ best
        inner = np.stack([-found.inner[:k], found.inner[k:]], axis=1)
        outer = np.stack([-found.outer[:k], found.outer[k:]], axis=1)
        members = np.stack([found.theta[:k], found.theta[k:]])
        short = np.stack([inner[:, 0] > centre, inner[:, 1] < centre])
        members[short] = best
        inner = np.where(short.T, centre[:, None], inner)
        answer = range_of_ends(
            inner,
            outer,
            gap_tolerance=self.limits.gap_tolerance,
            witness_lower=self._with_intercept(members[0]),
            witness_upper=self._with_intercept(members[1]),
            baseline=centre,
            scale=scale,
            epsilon=self.near.epsilon,
            epsilon_kind=self.near.kind,
            source=self.source,
            set_hash=self.set_hash,
        )
        wide = int((answer.kind != "exact").sum())
        if wide:
            warnings.warn(
                f"{wide} of {k} ranges are not certified within {self.limits.gap_tolerance:g}; widest gap "
                f"{answer.gap.max():.3g}. Their safe ends hold. Raise `max_iter` or `time_limit` for more.",
                StoppedEarly,
                stacklevel=5,
            )
        return answer

    def __getstate__(self) -> dict[str, Any]:
        """All but the tables of the search, which are made again when they are needed."""
        return {**self.__dict__, "level_set": replace(self.level_set, _kernel={})}

    def _with_intercept(self, theta: Floats) -> Floats:
        if self.level_set.problem.intercept:
            return theta
        return np.column_stack([np.zeros(len(theta)), theta])

    def nearer(self, near: Near) -> ConvexModels:
        """The level set of another epsilon."""
        _check_known(self.level_set.baseline, near)
        other = self.level_set.at(near.epsilon, relative=near.relative)
        return ConvexModels(other, near, self.limits)


def convex_models(problem: ConvexProblem, near: Near, limits: SearchLimits) -> ConvexModels:
    """Fit the baseline and set up the level set; `InvalidInput` where it is unbounded or empty of meaning."""
    _check_bounded(problem)
    baseline = fit_baseline(problem, max(limits.max_iter, 100))
    near.of_loss(baseline.above, float(problem.objective(np.zeros(problem.p))))
    _check_known(baseline, near)
    level_set = LevelSet.near_optimal(
        problem, baseline, near.epsilon, relative=near.relative, device=limits.device
    )
    return ConvexModels(level_set, near, limits)


def _check_bounded(problem: ConvexProblem) -> None:
    if problem.penalty > 0:
        return
    if not full_column_rank(problem):
        raise InvalidInput(
            "The level set is unbounded: columns of `X` are linearly dependent and no penalty is set. "
            "Drop columns, or set a penalty: a finite `C`, or `Ridge`."
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
            "ranges would rest on a wrong loss limit. Scale `X` or lower `C` (raise `alpha`), or raise "
            "`epsilon`."
        )
