"""Refits of any estimator: what a random search finds, an inner range and never more.

Of n_refits fits on resampled rows or with other seeds, those with training loss within the limit are
members. That few are found, or that they agree, is no evidence of agreement: a convex set asked exactly is
far wider than its refits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, choice, probability, whole_number
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.multiplicity.model_set import Near, PoolModels

__all__ = ["Refits", "refit_models"]

_KINDS = ("bootstrap", "subsample", "seed")


@dataclass(frozen=True)
class Refits:
    """How to refit.

    n_refits : number of fits beside the baseline.
    kind : "bootstrap": rows drawn with replacement, as weights; "subsample": a share of the rows, without;
        "seed": the same rows with another `random_state` of the estimator.
    share : of the rows in a subsample.
    """

    n_refits: int = 100
    kind: str = "bootstrap"
    share: float = 0.8


def refit_models(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Floats | None,
    refits: Refits,
    near: Near,
    *,
    loss: Callable[[Any], float],
    loss_name: str,
    predict: Callable[[Any, Any], Floats],
    scale: str,
    random_state: RandomState,
    n_jobs: int | None,
) -> PoolModels:
    """Fit the baseline on all rows and the refits on theirs; keep those within the limit of the baseline's
    loss.

    loss, predict : of a fitted model on the rows of `fit`, and on any rows.
    `Infeasible` where no refit is within the limit: a range of the baseline alone would say nothing.
    """
    from joblib import Parallel, delayed
    from sklearn.base import clone

    count = whole_number(refits.n_refits, "n_refits", low=1)
    choice(refits.kind, _KINDS, "kind")
    probability(refits.share, "share")
    plans = _plans(estimator, refits, count, len(y), random_state)
    baseline = _fitted(clone(estimator), X, y, sample_weight, np.arange(len(y)))
    others = Parallel(n_jobs=n_jobs)(
        delayed(_refit)(clone(estimator), X, y, sample_weight, plan) for plan in plans
    )
    models = [baseline, *(model for model in others if model is not None)]
    losses = np.array([loss(model) for model in models])
    limit = near.limit(float(losses[0]))
    kept = np.flatnonzero(losses <= limit)
    if len(kept) <= 1:
        raise Infeasible(
            f"0 of {count} refits have loss <= {limit:.4f}. Raise `epsilon`; no range is reported."
        )
    return PoolModels(
        predict=lambda rows: np.stack([predict(model, rows) for model in models]),
        losses=losses,
        kept=kept,
        baseline=0,
        near=near,
        loss_limit=limit,
        complete=False,
        source="refits",
        loss_name=loss_name,
        scale=scale,
        models=models,
    )


def _plans(
    estimator: Any, refits: Refits, count: int, n: int, random_state: RandomState
) -> list[tuple[np.ndarray, int]]:
    """(rows, seed) of every refit."""
    rng = generator(random_state)
    if refits.kind == "seed" and "random_state" not in estimator.get_params():
        raise InvalidInput(
            f"`kind='seed'` needs an estimator with a `random_state`; {type(estimator).__name__} has none. "
            "Use 'bootstrap'."
        )
    seeds = rng.integers(2**31, size=count)
    if refits.kind == "seed":
        rows = [np.arange(n)] * count
    elif refits.kind == "bootstrap":
        rows = [np.sort(rng.integers(n, size=n)) for _ in range(count)]
    else:
        size = max(2, round(refits.share * n))
        rows = [np.sort(rng.permutation(n)[:size]) for _ in range(count)]
    return [(row, int(seed)) for row, seed in zip(rows, seeds, strict=True)]


def _refit(model: Any, X: Any, y: Any, sample_weight: Floats | None, plan: tuple[np.ndarray, int]) -> Any:
    """A refit, or None where its rows miss a class."""
    rows, seed = plan
    if hasattr(model, "predict_proba") and len(np.unique(np.asarray(y)[rows])) < len(np.unique(y)):
        return None
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    return _fitted(model, X, y, sample_weight, rows)


def _fitted(model: Any, X: Any, y: Any, sample_weight: Floats | None, rows: np.ndarray) -> Any:
    from sklearn.utils import _safe_indexing
    from sklearn.utils.validation import has_fit_parameter

    part, labels = _safe_indexing(X, rows), np.asarray(y)[rows]
    if sample_weight is None:
        return model.fit(part, labels)
    if not has_fit_parameter(model, "sample_weight"):
        raise InvalidInput(
            f"`sample_weight` was passed, but {type(model).__name__}.fit takes none. Leave it out."
        )
    return model.fit(part, labels, sample_weight=sample_weight[rows])
