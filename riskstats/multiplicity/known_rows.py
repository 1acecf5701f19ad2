"""A pool whose predictions for some rows are computed once and asked many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.model_set import PoolModels, PoolPredictions

__all__ = ["on_rows"]


@dataclass(frozen=True, eq=False)
class _KnownRows:
    """What the members say about these rows; whatever rows are passed, these are meant."""

    predictor: PoolPredictions
    rows: Any
    members: Integers

    @cached_property
    def _predictions(self) -> Floats:
        return np.asarray(self.predictor.predictions(self.rows, self.members))

    @cached_property
    def _logits(self) -> Floats:
        return np.asarray(self.predictor.logits(self.rows, self.members))

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) predictions of members."""
        return self._predictions[np.searchsorted(self.members, chosen)]

    def logits(self, X: Any, chosen: Integers) -> Floats:
        """(chosen, n) logits of members."""
        return self._logits[np.searchsorted(self.members, chosen)]


@overload
def on_rows(models: PoolModels, rows: Any) -> PoolModels: ...
@overload
def on_rows(models: ConvexModels, rows: Any) -> ConvexModels: ...
def on_rows(models: ConvexModels | PoolModels, rows: Any) -> ConvexModels | PoolModels:
    """The same set; a pool then answers about these rows only, and predicts them once."""
    if not isinstance(models, PoolModels):
        return models
    return replace(models, predictor=_KnownRows(models.predictor, rows, models.kept))
