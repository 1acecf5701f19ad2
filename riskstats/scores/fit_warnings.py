"""What a fit warns of: steps too large to read, an early end, separable data, a pool that is not all."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from riskstats.exceptions import StoppedEarly
from riskstats.results import Status
from riskstats.scores._types import FloatArray
from riskstats.scores.coding import Coding
from riskstats.scores.pool import PoolStatus
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, ScoreSolution
from riskstats.scores.rules import Value
from riskstats.scores.wording import gap_percent

if TYPE_CHECKING:
    from riskstats.scores.pool_result import CardPool

__all__ = ["warn_of_large_steps", "warn_of_the_end", "warn_of_the_pool"]

_LARGE_STEP = 100.0


def warn_of_large_steps(coding: Coding, features: FloatArray) -> None:
    """Warn of columns used as they are of which one point moves the score far."""
    for rule, column in zip(coding.rules, features.T, strict=True):
        largest = float(np.abs(column).max(initial=0.0))
        if isinstance(rule, Value) and largest > _LARGE_STEP:
            warnings.warn(
                f"One point on '{rule.column}' moves the score by up to {largest:g}; bin or rescale it.",
                UserWarning,
                stacklevel=3,
            )


def warn_of_the_end(solution: ScoreSolution, problem: IntegerScoreProblem) -> None:
    """Warn of a search that was stopped, and of a multiplier that only its range holds back."""
    if solution.status is Status.TIME_LIMIT:
        known = f"is within {gap_percent(solution.gap)} of the best possible"
        warnings.warn(
            f"Stopped after {solution.seconds:.2g} s: loss {solution.loss:.6g} "
            f"{known if solution.gap < 1 else 'has no useful bound yet'}. "
            "Raise `time_limit`, lower `max_features`, or accept the gap.",
            StoppedEarly,
            stacklevel=3,
        )
    at_low_end = not problem.fixed_scale and solution.scale >= problem.scale_range[1] * (1 - 1e-9)
    if at_low_end and _separates(problem, solution):
        warnings.warn(
            "The data are separable by this card; risks are limited by `multiplier_range` only.",
            UserWarning,
            stacklevel=3,
        )


def warn_of_the_pool(pool: CardPool | None, solution: ScoreSolution) -> None:
    """Warn of a pool that is not complete, and of one that holds a better card than the fitted one."""
    if pool is None:
        return
    if pool.status is PoolStatus.TIME_LIMIT:
        warnings.warn(
            f"The pool stopped after {pool.seconds:.2g} s with {len(pool)} cards: others may exist. "
            "Raise `time_limit`, or lower epsilon or `max_features`.",
            StoppedEarly,
            stacklevel=3,
        )
    if pool.status is PoolStatus.MAX_CARDS:
        warnings.warn(
            f"More than {len(pool)} cards belong to the pool; it holds the best of them. "
            "Raise `max_cards`, or lower epsilon.",
            StoppedEarly,
            stacklevel=3,
        )
    if pool.best_loss < solution.value - TOLERANCE:
        warnings.warn(
            f"The pool holds a card of objective {pool.best_loss:.6g}, better than the fitted one with "
            f"{solution.value:.6g}: the fit ended early. Raise `time_limit`, or take `pool_[0]`.",
            StoppedEarly,
            stacklevel=3,
        )


def _separates(problem: IntegerScoreProblem, solution: ScoreSolution) -> bool:
    """Whether every row of positive weight lies on the right side of risk 1/2."""
    scores = problem.design @ solution.coefficients
    return bool(np.all(scores[problem.positive > 0] > 0) and np.all(scores[problem.negative > 0] < 0))
