"""The loss by which refits are judged, and what they predict.

The loss is the estimator's own objective where it is known, the mean log loss or half the mean squared error
of the rows of `fit` otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.exceptions import InvalidInput
from riskstats.levelset.problem import ConvexProblem
from riskstats.multiplicity.targets import Sample

__all__ = ["OwnObjective", "RefitLoss", "RefitPredictions", "TrainingLoss", "log_odds"]

_TINY = float(np.finfo(np.float64).tiny)


class RefitLoss(Protocol):
    """The loss of a fitted model on the rows of `fit`."""

    @property
    def name(self) -> str:
        """The loss in words."""

    @property
    def of_nothing(self) -> float:
        """The loss of a model that has learned nothing."""

    def of(self, model: Any) -> float:
        """The loss of one model."""


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """Mean log loss of a classifier, half the mean squared error of a regressor."""

    X: Any
    sample: Sample

    @property
    def name(self) -> str:
        """The loss in words."""
        return "mean squared error / 2" if self.sample.classes is None else "mean log loss"

    @property
    def of_nothing(self) -> float:
        """Of equal chances for every class; of the prediction 0."""
        if self.sample.classes is not None:
            return math.log(len(self.sample.classes))
        return 0.5 * self._mean(self.sample.y**2)

    def of(self, model: Any) -> float:
        """The loss of one model; a probability of 0 counts as the least positive number."""
        if self.sample.classes is None:
            return 0.5 * self._mean((_responses(model, self.X) - self.sample.y) ** 2)
        chances = np.asarray(model.predict_proba(self.X), dtype=np.float64)
        chance = chances[np.arange(len(self.sample)), self.sample.codes]
        return -self._mean(np.log(np.maximum(chance, _TINY)))

    def _mean(self, values: Floats) -> float:
        counted = self.sample.weights > 0
        weights = self.sample.weights[counted]
        return float(weights @ values[counted] / weights.sum())


@dataclass(frozen=True, eq=False)
class OwnObjective:
    """What a linear model minimises, penalty included."""

    problem: ConvexProblem
    name: str = "own objective, penalty included"

    @property
    def of_nothing(self) -> float:
        """Of coefficients 0."""
        return float(self.problem.objective(np.zeros(self.problem.p)))

    def of(self, model: Any) -> float:
        """The loss of one model."""
        theta = np.ravel(model.coef_)
        if self.problem.intercept:
            theta = np.concatenate([np.ravel(model.intercept_), theta])
        return float(self.problem.objective(theta))


@dataclass(frozen=True, eq=False)
class RefitPredictions:
    """What fitted models say about any rows.

    classes : how many a classifier tells apart, None for a regressor.
    """

    models: Sequence[Any]
    classes: int | None

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) probabilities of the positive class, or responses; (chosen, n, classes) for more."""
        found = self._every(X, chosen)
        return found[..., 1] if self.classes == 2 else found

    def logits(self, X: Any, chosen: Integers) -> Floats:
        """The same as log-odds; responses stay as they are."""
        found = self._every(X, chosen)
        if self.classes is None:
            return found
        odds = log_odds(found)
        return odds[..., 1] if self.classes == 2 else odds

    def _every(self, X: Any, chosen: Integers) -> Floats:
        models = [self.models[place] for place in chosen.tolist()]
        if self.classes is None:
            return np.stack([_responses(model, X) for model in models])
        return np.stack([_chances(model, X, self.classes) for model in models])


def log_odds(chances: Floats) -> Floats:
    """Log-odds of every class against the others, (..., classes), without 1 - p."""
    rest = np.stack(
        [np.delete(chances, place, axis=-1).sum(axis=-1) for place in range(chances.shape[-1])], axis=-1
    )
    with np.errstate(divide="ignore"):
        return np.log(chances) - np.log(rest)


def _responses(model: Any, X: Any) -> Floats:
    return np.asarray(model.predict(X), dtype=np.float64).reshape(-1)


def _chances(model: Any, X: Any, classes: int) -> Floats:
    found = np.asarray(model.predict_proba(X), dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != classes or not np.isfinite(found).all():
        raise InvalidInput(
            f"`predict_proba` of {type(model).__name__} must give {classes} finite columns, one per class; "
            f"got shape {found.shape}{'' if np.isfinite(found).all() else ' with NaN or inf'}."
        )
    return found
