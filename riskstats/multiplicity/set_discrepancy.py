"""Discrepancy of a model set: the pool's by looking at every member, a convex set's by certified search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from riskstats._validation import choice, non_negative_number, sample_weights
from riskstats._validation import time_limit as checked_time_limit
from riskstats.exceptions import IncompatibleBound
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.discrepancy import SOLVERS, convex_discrepancy
from riskstats.multiplicity.inputs import checked_deviation
from riskstats.multiplicity.model_set import PoolModels
from riskstats.multiplicity.pool_discrepancy import pool_rate
from riskstats.multiplicity.prediction_range import PredictionRange, described_set
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

    X : rows as the set takes them. prediction_range : of the same rows, where it is known already; else it is
    found first.
    """
    amount = checked_deviation(deviation, models.scale)
    choice(solver, SOLVERS, "solver")
    non_negative_number(gap, "gap")
    checked_time_limit(time_limit)
    if isinstance(models, PoolModels):
        return _of_pool(models, X, amount, sample_weight)
    found = models.range(X) if prediction_range is None else prediction_range
    _check_same_set(models, found)
    return convex_discrepancy(
        models.level_set,
        models.directions(X),
        found,
        deviation=amount,
        sample_weight=sample_weight,
        gap=gap,
        time_limit=time_limit,
        solver=solver,
    )


def _check_same_set(models: ConvexModels, of: PredictionRange) -> None:
    """The safe ends of a range rule rows out, so it must be over this very set."""
    own = (models.near.epsilon, models.near.kind, models.source, models.scale)
    if (of.epsilon, of.epsilon_kind, of.source, of.scale) != own:
        raise IncompatibleBound(
            f"the range is over {described_set(of)}, the discrepancy over those within {models.near.kind} "
            f"epsilon {models.near.epsilon:g} ({models.source}). Pass the range of the same set."
        )


def _of_pool(models: PoolModels, X: Any, deviation: float, sample_weight: Any) -> MultiplicityRate:
    """Every member against the baseline, in the logits that the range of the pool is made of."""
    logits = models.logits(X)
    found = pool_rate(
        logits[models.place_of_baseline],
        logits,
        deviation,
        sample_weights(sample_weight, logits.shape[1]),
        complete=models.complete,
        scale=models.scale,
        epsilon=models.near.epsilon,
        epsilon_kind=models.near.kind,
        source=models.source,
    )
    assert isinstance(found.witness, int)
    return replace(found, witness=int(models.kept[found.witness]))
