"""Pools of integer risk scores: a finite set, whose range is exact where the pool is proven complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.inputs import prediction_array
from riskstats.multiplicity.model_set import Near, PoolModels

__all__ = ["ScorePool", "is_score_pool", "score_pool_models"]


@dataclass(frozen=True, eq=False)
class ScorePool:
    """Models with their losses, found by a search.

    Attributes
    ----------
    predictions : (models, n) probabilities of the positive class for the rows of `fit`, or a function that
        gives them for any rows.
    losses : (models,) objective of each on the data of `fit`.
    complete : whether the search proved that no other model has loss at most `loss_limit`.
    loss_limit : up to which loss the pool is complete; None is the largest loss in it.
    """

    predictions: npt.ArrayLike | Callable[[Any], Floats]
    losses: npt.ArrayLike
    complete: bool
    loss_limit: float | None = None


def score_pool_models(pool: Any, near: Near, X: Any) -> PoolModels:
    """The members of a pool within epsilon of its best.

    pool : a `ScorePool`, or anything with `losses`, `complete`, `loss_limit` and a method `predictions(X)`,
    and `logits(X)` where it has it. The range is exact only if the pool is complete up to the limit.
    """
    losses = finite_vector(pool.losses, "losses")
    best = int(losses.argmin())
    limit = near.limit(float(losses[best]))
    known = float(losses.max()) if pool.loss_limit is None else float(pool.loss_limit)
    complete = bool(pool.complete)
    if complete and limit > known * (1.0 + 1e-12):
        raise InvalidInput(
            f"the pool is complete up to loss {known:.6g}; epsilon {near.epsilon:g} asks for {limit:.6g}. "
            "Make a larger pool, or lower `epsilon`."
        )
    return PoolModels(
        predict=_predictor(pool, len(losses), X),
        predict_logits=getattr(pool, "logits", None),
        losses=losses,
        kept=np.flatnonzero(losses <= limit),
        baseline=best,
        near=near,
        loss_limit=limit,
        complete=complete,
        source="score pool",
        loss_name="objective of the risk score",
        models=getattr(pool, "cards", None),
    )


def _predictor(pool: Any, models: int, X: Any) -> Callable[[Any], Floats]:
    if callable(pool.predictions):
        return pool.predictions
    known = prediction_array(pool.predictions)
    if len(known) != models:
        raise InvalidInput(
            f"`predictions` has {len(known)} models and `losses` {models}. Pass one loss each."
        )
    if known.shape[1] != len(X):
        raise InvalidInput(
            f"`predictions` has {known.shape[1]} rows and `X` has {len(X)}. Pass the rows of `fit`."
        )
    rows = np.array(X)

    def of_known_rows(asked: Any) -> Floats:
        if not np.array_equal(np.asarray(asked), rows):
            raise InvalidInput(
                "the pool knows its predictions for the rows of `fit` only. Pass `predictions` as a "
                "function of rows to ask for others."
            )
        return known

    return of_known_rows


def is_score_pool(estimator: Any) -> bool:
    """Whether `estimator` is a pool, or makes one when it is fitted."""
    finished = hasattr(estimator, "losses") and hasattr(estimator, "predictions")
    return finished or getattr(estimator, "pool", None) is not None
