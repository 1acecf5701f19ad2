"""Discrepancy of a model set: the pool's by looking at every member, a convex set's by certified search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from riskstats.losses import sigmoid
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.model_set import PoolModels
from riskstats.multiplicity.pool_discrepancy import discrepancy
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate

__all__ = ["set_discrepancy"]


def set_discrepancy(
    models: ConvexModels | PoolModels,
    X: Any,
    *,
    deviation: float,
    sample_weight: Any = None,
    gap: float = 0.0,
    time_limit: float | None = 60.0,
    solver: str = "search",
    prediction_range: PredictionRange | None = None,
) -> MultiplicityRate:
    """The largest share of rows that one member moves by `deviation`; see `RashomonSet.discrepancy`.

    prediction_range : of the same rows, where it is known already.
    """
    if isinstance(models, PoolModels):
        return _of_pool(models, X, deviation, sample_weight)
    from riskstats.multiplicity.discrepancy import convex_discrepancy

    raise NotImplementedError


def _of_pool(models: PoolModels, X: Any, deviation: float, sample_weight: Any) -> MultiplicityRate:
    found = discrepancy(
        models.baseline_logits(X) if models.scale == "response" else sigmoid(models.baseline_logits(X)),
        models.logits(X) if models.scale == "response" else models.predictions(X),
        deviation=deviation,
        sample_weight=sample_weight,
        complete=models.complete,
        scale=models.scale,
    )
    assert isinstance(found.witness, int)
    return replace(
        found,
        witness=int(models.kept[found.witness]),
        epsilon=models.near.epsilon,
        epsilon_kind=models.near.kind,
        source=models.source,
    )
