"""What every model class offers: the range of its predictions, the baseline, and its members where they can
be listed.

A model class is one file that turns a fitted estimator into a `ModelSet` and declares whether its range is
exact, inner or outer: `convex`, `score_pool`, `refits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.multiplicity.pool import pool_range
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.tail.provenance import input_hash

__all__ = ["ModelSet", "Near", "PoolModels", "PoolPredictions"]

ROUNDING = 1e-12  # by which two limits that were computed in different ways may differ, relative


@dataclass(frozen=True)
class Near:
    """How near the best a model must be.

    epsilon, kind : ``loss <= (1 + epsilon) best`` where "relative", ``best + epsilon`` where "additive".
    """

    epsilon: float
    kind: str

    @property
    def relative(self) -> bool:
        """Whether epsilon multiplies the best loss."""
        return self.kind == "relative"

    def limit(self, best: float) -> float:
        """The largest loss of a member."""
        return (1.0 + self.epsilon) * best if self.relative else best + self.epsilon

    def of_loss(self, best: float, worst: float) -> float:
        """The limit above a best loss; `InvalidInput` where it is too near 0 for a relative epsilon.

        worst : the loss of a model that has learned nothing, the yardstick of 0.
        """
        if self.relative and best <= ROUNDING * worst:
            raise InvalidInput(
                f"The best loss is {best:.3g}, so a relative epsilon adds nothing. "
                "Use `epsilon_kind='additive'`."
            )
        return self.limit(best)


class ModelSet(Protocol):
    """A set of near-optimal models."""

    @property
    def source(self) -> str:
        """Where the models come from, in words."""

    @property
    def scale(self) -> str:
        """ "probability" or "response"."""

    @property
    def loss_name(self) -> str:
        """The objective in words."""

    @property
    def loss(self) -> float:
        """The loss of the baseline."""

    @property
    def loss_bound(self) -> float | None:
        """What no model of the class can beat; None where nothing is certified."""

    @property
    def loss_limit(self) -> float:
        """The largest loss of a member."""

    def baseline_logits(self, X: Any) -> Floats:
        """(n,) logits of the baseline, or its predictions on the response scale."""

    def range(self, X: Any) -> PredictionRange:
        """The range of every row."""


class PoolPredictions(Protocol):
    """What the models of a pool say about any rows; `chosen` are positions among all of them."""

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) predictions, or (chosen, n, classes) where there are more than two."""

    def logits(self, X: Any, chosen: Integers) -> Floats:
        """The same as log-odds; predictions that are no probabilities stay as they are."""


@dataclass(frozen=True, eq=False)
class PoolModels:
    """A finite pool of models whose loss is within the limit.

    Attributes
    ----------
    predictor : what the models predict.
    kept : (members,) positions of the members among all models. losses : (all,) their losses.
    baseline : position of the baseline among all models.
    complete : whether the members are every model of the class within the limit.
    models : the models themselves, by position, where there are any.
    slack : allowance for the rounding of a loss, which `loss_limit` includes.
    position : of the class whose probability is meant, where there are more than two.
    """

    predictor: PoolPredictions
    losses: Floats
    kept: Integers
    baseline: int
    near: Near
    loss_limit: float
    complete: bool
    source: str
    loss_name: str
    scale: str = "probability"
    models: Sequence[Any] | None = None
    slack: float = 0.0
    position: int | None = None

    @cached_property
    def set_hash(self) -> str:
        """16 hexadecimal digits of the losses of the members, and of the class whose probability is meant."""
        place = -1 if self.position is None else self.position
        return input_hash(self.losses[self.kept], self.kept, self.baseline, place)

    @property
    def loss(self) -> float:
        """The loss of the baseline."""
        return float(self.losses[self.baseline])

    @property
    def loss_bound(self) -> float | None:
        """The loss of the baseline, less its rounding, where the pool is complete: it is the best."""
        return self.loss - self.slack if self.complete else None

    @property
    def counts(self) -> tuple[int, int]:
        """(models made, members)."""
        return len(self.losses), len(self.kept)

    def predictions(self, X: Any) -> Floats:
        """(members, n) predictions, or (members, n, classes)."""
        return self.predictor.predictions(X, self.kept)

    def logits(self, X: Any) -> Floats:
        """(members, n) logits, or predictions on the response scale; (members, n, classes) for several."""
        return self.predictor.logits(X, self.kept)

    def baseline_predictions(self, X: Any) -> Floats:
        """(n,) predictions of the baseline, or (n, classes)."""
        return self.predictor.predictions(X, self._alone)[0]

    def baseline_logits(self, X: Any) -> Floats:
        """(n,) logits of the baseline, or its predictions on the response scale; (n, classes) for several."""
        return self.predictor.logits(X, self._alone)[0]

    @property
    def place_of_baseline(self) -> int:
        """Where the baseline is among the members."""
        return int(np.flatnonzero(self.kept == self.baseline)[0])

    @property
    def _alone(self) -> Integers:
        return np.array([self.baseline])

    def range(self, X: Any) -> PredictionRange:
        """The range of every row over the members; witnesses are positions among all models."""
        logits = self.logits(X)
        found = pool_range(
            logits,
            complete=self.complete,
            baseline=logits[self.place_of_baseline],
            scale=self.scale,
            epsilon=self.near.epsilon,
            epsilon_kind=self.near.kind,
            source=self.source,
            set_hash=self.set_hash,
        )
        return _renumbered(found, self.kept)

    def of_class(self, position: int) -> PoolModels:
        """The pool seen as the probability of one class of several."""
        return replace(self, predictor=OneClass(self.predictor, position), position=position)

    def nearer(self, near: Near) -> PoolModels:
        """The pool of a smaller epsilon."""
        limit = near.limit(self.loss) + self.slack
        if limit > self.loss_limit * (1.0 + ROUNDING):
            raise Infeasible(
                f"the pool holds models with loss <= {self.loss_limit:.6g}; epsilon {near.epsilon:g} asks "
                f"for {limit:.6g}. Fit with the largest epsilon of interest."
            )
        limit = min(limit, self.loss_limit)
        kept = self.kept[self.losses[self.kept] <= limit]
        return replace(self, near=near, loss_limit=limit, kept=kept)


@dataclass(frozen=True)
class OneClass:
    """The probability of one class of several."""

    every: PoolPredictions
    position: int

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) probabilities."""
        return self.every.predictions(X, chosen)[..., self.position]

    def logits(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) log-odds of the class against the others."""
        return self.every.logits(X, chosen)[..., self.position]


def _renumbered(found: PredictionRange, kept: Integers) -> PredictionRange:
    ends = {name: kept[getattr(found, name)] for name in ("witness_lower", "witness_upper")}
    return replace(found, **ends)
