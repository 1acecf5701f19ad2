"""What every model class offers: the range of its predictions, the baseline, and its members where they can
be listed.

A model class is one file that turns a fitted estimator into a `ModelSet` and declares whether its range is
exact, inner or outer: `convex`, `score_pool`, `refits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import Infeasible
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.pool import pool_range
from riskstats.multiplicity.prediction_range import PredictionRange

__all__ = ["ModelSet", "Near", "PoolModels"]


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


@dataclass(frozen=True, eq=False)
class PoolModels:
    """A finite pool of models whose loss is within the limit.

    Attributes
    ----------
    predict : rows -> (models, n) predictions of all models that were made, or (models, n, classes).
    predict_logits : rows -> (models, n), where logits are known more exactly; else None.
    kept : (members,) positions of the members among all models. losses : (all,) their losses.
    baseline : position of the baseline among all models.
    complete : whether the members are every model of the class within the limit.
    models : the models themselves, by position, where there are any.
    """

    predict: Callable[[Any], Floats]
    losses: Floats
    kept: np.ndarray
    baseline: int
    near: Near
    loss_limit: float
    complete: bool
    source: str
    loss_name: str
    scale: str = "probability"
    predict_logits: Callable[[Any], Floats] | None = None
    models: Sequence[Any] | None = None

    @property
    def loss(self) -> float:
        """The loss of the baseline."""
        return float(self.losses[self.baseline])

    @property
    def loss_bound(self) -> float | None:
        """The loss of the baseline where the pool is complete: then it is the best of its class."""
        return self.loss if self.complete else None

    @property
    def counts(self) -> tuple[int, int]:
        """(models made, members)."""
        return len(self.losses), len(self.kept)

    def predictions(self, X: Any) -> Floats:
        """(members, n) probabilities, or (members, n, classes)."""
        return np.asarray(self.predict(X))[self.kept]

    def logits(self, X: Any) -> Floats:
        """(members, n) logits, or predictions on the response scale."""
        return self._every(X)[self.kept]

    def baseline_logits(self, X: Any) -> Floats:
        """(n,) logits of the baseline, or its predictions on the response scale."""
        return self._every(X)[self.baseline]

    def _every(self, X: Any) -> Floats:
        if self.predict_logits is not None:
            return np.asarray(self.predict_logits(X))
        values = np.asarray(self.predict(X))
        return values if self.scale == "response" else logit(values)

    def range(self, X: Any) -> PredictionRange:
        """The range of every row over the members; witnesses are positions among all models."""
        every = self._every(X)
        found = pool_range(
            every[self.kept],
            complete=self.complete,
            baseline=every[self.baseline],
            scale=self.scale,
            epsilon=self.near.epsilon,
            epsilon_kind=self.near.kind,
            source=self.source,
        )
        return _renumbered(found, self.kept)

    def of_class(self, position: int) -> PoolModels:
        """The pool seen as the probability of one class of several."""
        every = self.predict
        return replace(self, predict=lambda X: np.asarray(every(X))[..., position])

    def nearer(self, near: Near) -> PoolModels:
        """The pool of a smaller epsilon."""
        limit = near.limit(self.loss)
        if limit > self.loss_limit:
            raise Infeasible(
                f"the pool holds models with loss <= {self.loss_limit:.6g}; epsilon {near.epsilon:g} asks "
                f"for {limit:.6g}. Fit with the largest epsilon of interest."
            )
        return _replaced(self, near, limit)


def _replaced(pool: PoolModels, near: Near, limit: float) -> PoolModels:
    return replace(pool, near=near, loss_limit=limit, kept=pool.kept[pool.losses[pool.kept] <= limit])


def _renumbered(found: PredictionRange, kept: np.ndarray) -> PredictionRange:
    ends = {name: kept[getattr(found, name)] for name in ("witness_lower", "witness_upper")}
    return replace(found, **ends)
