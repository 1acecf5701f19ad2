"""Pools of integer risk scores: a finite set, whose range is exact where the pool is proven complete."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.inputs import prediction_array
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.model_set import ROUNDING, Near, PoolModels, PoolPredictions

__all__ = ["ScorePool", "check_epsilon", "is_score_pool", "score_pool_models"]


@dataclass(frozen=True, eq=False)
class ScorePool:
    """Models with their losses, found by a search.

    Attributes
    ----------
    predictions : (models, n) probabilities of the positive class for the rows of `fit`, or a function that
        gives them for any rows.
    losses : (models,) objective of each on the data of `fit`.
    complete : whether the search proved that no other model has loss at most `loss_limit`.
    loss_limit : up to which loss models were looked for, inf for every model there is; None is the largest
        loss in a complete pool, and no limit in another.
    """

    predictions: npt.ArrayLike | Callable[[Any], Floats]
    losses: npt.ArrayLike
    complete: bool
    loss_limit: float | None = None


def score_pool_models(pool: Any, near: Near, X: Any) -> PoolModels:
    """The members of a pool within epsilon of its best.

    pool : a `ScorePool`, or anything with `losses`, `complete`, `loss_limit` and a method `predictions(X)`,
        and where it has them `logits(X)`, `cards`, and what a search that knows its own epsilon tells:
        `epsilon`, `epsilon_kind`, `best_loss` (from which the allowance for rounding in `loss_limit`
        follows) and `proven_limit` (below which no model is missing).

    The range is exact only if no model up to the limit can be missing: the pool is complete and reaches as
    far, or is proven that far. `InvalidInput` for an epsilon that asks for more than was looked for.
    """
    losses = finite_vector(pool.losses, "losses")
    best = int(losses.argmin())
    slack = _slack(pool)
    limit = near.of_loss(float(losses[best]), math.log(2.0)) + slack
    known = _looked_for(pool, losses)
    if limit > known * (1.0 + ROUNDING):
        raise InvalidInput(
            f"the pool holds models of loss up to {known:.6g}; {near.kind} epsilon {near.epsilon:g} asks for "
            f"{limit:.6g}. Make a larger pool, or lower `epsilon`."
        )
    limit = min(limit, known)
    return PoolModels(
        predictor=_predictions(pool, len(losses), X),
        losses=losses,
        kept=np.flatnonzero(losses <= limit),
        baseline=best,
        near=near,
        loss_limit=limit,
        complete=bool(pool.complete) or limit < getattr(pool, "proven_limit", -math.inf),
        source="score pool",
        loss_name="objective of the risk score",
        models=pool if hasattr(pool, "__getitem__") else getattr(pool, "cards", None),
        slack=slack,
    )


def _slack(pool: Any) -> float:
    """What the limit of a search adds for the rounding of losses."""
    if not hasattr(pool, "best_loss"):
        return 0.0
    bare = Near(pool.epsilon, pool.epsilon_kind).limit(pool.best_loss)
    return max(0.0, float(pool.loss_limit) - bare)


def _looked_for(pool: Any, losses: Floats) -> float:
    if pool.loss_limit is None:
        return float(losses.max()) if pool.complete else math.inf
    known = float(pool.loss_limit)
    if math.isnan(known):
        raise InvalidInput("`loss_limit` is NaN; pass a loss, or None.")
    return known


def check_epsilon(estimator: Any, near: Near) -> None:
    """Refuse an epsilon that a pool which has yet to be made is known not to reach."""
    pool = estimator.pool
    given, kind = getattr(pool, "epsilon", math.inf), getattr(pool, "epsilon_kind", near.kind)
    if kind == near.kind and given < near.epsilon:
        raise InvalidInput(
            f"the pool is asked for {kind} epsilon {given:g}, the set for {near.epsilon:g}. "
            f"Pass `pool=Pool({near.epsilon:g})` or more, or lower `epsilon`."
        )


def is_score_pool(estimator: Any) -> bool:
    """Whether `estimator` is a pool, or makes one when it is fitted."""
    finished = hasattr(estimator, "losses") and hasattr(estimator, "predictions")
    return finished or (hasattr(estimator, "fit") and getattr(estimator, "pool", None) is not None)


# what the models predict


def _predictions(pool: Any, models: int, X: Any) -> PoolPredictions:
    if callable(getattr(pool, "logits", None)):
        return _Logits(pool)
    if callable(pool.predictions):
        return _Function(pool.predictions, models)
    known = prediction_array(pool.predictions)
    if len(known) != models:
        raise InvalidInput(
            f"`predictions` has {len(known)} models and `losses` {models}. Pass one loss each."
        )
    rows = np.array(X)
    if known.shape[1] != len(rows):
        raise InvalidInput(
            f"`predictions` has {known.shape[1]} rows and `X` has {len(rows)}. Pass the rows of `fit`."
        )
    return _KnownRows(known, rows)


@dataclass(frozen=True, eq=False)
class _Logits:
    """A pool that gives the log-odds of any rows itself."""

    pool: Any

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        return np.asarray(self.pool.predictions(X))[chosen]

    def logits(self, X: Any, chosen: Integers) -> Floats:
        return np.asarray(self.pool.logits(X))[chosen]


@dataclass(frozen=True, eq=False)
class _Function:
    """Probabilities from a function of rows."""

    function: Callable[[Any], Floats]
    models: int

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        found = prediction_array(self.function(X))
        if len(found) != self.models:
            raise InvalidInput(
                f"`predictions` gave {len(found)} models and `losses` has {self.models}. Pass one loss each."
            )
        return found[chosen]

    def logits(self, X: Any, chosen: Integers) -> Floats:
        return logit(self.predictions(X, chosen))


@dataclass(frozen=True, eq=False)
class _KnownRows:
    """Probabilities of the rows of `fit` and no others."""

    known: Floats
    rows: np.ndarray

    def predictions(self, X: Any, chosen: Integers) -> Floats:
        rows = np.asarray(X)
        if not np.array_equal(rows, self.rows, equal_nan=rows.dtype.kind == self.rows.dtype.kind == "f"):
            raise InvalidInput(
                "the pool knows its predictions for the rows of `fit` only. Pass `predictions` as a "
                "function of rows to ask for others."
            )
        return self.known[chosen]

    def logits(self, X: Any, chosen: Integers) -> Floats:
        return logit(self.predictions(X, chosen))
