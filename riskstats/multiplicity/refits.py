"""Refits of any estimator: what a random search finds, an inner range and never more.

Of n_refits fits on resampled rows or with other seeds, those with training loss within the limit are
members. That few are found, or that they agree, is no evidence of agreement: a convex set asked exactly is
far wider than its refits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, Integers, choice, probability, whole_number
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.refit_losses import RefitLoss, RefitPredictions
from riskstats.multiplicity.targets import Sample

__all__ = ["Refits", "refit_models"]

_KINDS = ("bootstrap", "subsample", "seed")


@dataclass(frozen=True)
class Refits:
    """How to refit.

    n_refits : number of fits beside the baseline.
    kind : "bootstrap": as many rows drawn with replacement; "subsample": a share of the rows, without;
        "seed": the same rows. A drawn row keeps its weight, and rows of weight 0 are never drawn. The
        `random_state` of the estimator differs in every refit.
    share : of the rows in a subsample.
    """

    n_refits: int = 100
    kind: str = "bootstrap"
    share: float = 0.8


def refit_models(
    estimator: Any,
    X: Any,
    sample: Sample,
    refits: Refits,
    near: Near,
    *,
    loss: RefitLoss,
    random_state: RandomState,
    n_jobs: int | None,
) -> PoolModels:
    """Fit the baseline on all rows and the refits on theirs; keep those within the limit of the baseline's
    loss.

    `Infeasible` where no refit is within the limit: a range of the baseline alone would say nothing.
    """
    from joblib import Parallel, delayed
    from sklearn.base import clone

    plans = _plans(estimator, _checked(refits), sample, random_state)
    baseline = _fitted(clone(estimator), X, sample, np.flatnonzero(sample.weights > 0))
    best = loss.of(baseline)
    if not math.isfinite(best):
        raise InvalidInput(f"the baseline has loss {best}; its predictions are no use. Check `estimator`.")
    limit = near.of_loss(best, loss.of_nothing)
    others = Parallel(n_jobs=n_jobs)(
        delayed(_refit)(clone(estimator), X, sample, rows, seed) for rows, seed in plans
    )
    models = (baseline, *(model for model in others if model is not None))
    losses = np.array([best, *(loss.of(model) for model in models[1:])])
    kept = np.flatnonzero(losses <= limit)
    if len(kept) <= 1:
        raise Infeasible(
            f"0 of {len(plans)} refits have loss <= {limit:.4f}. Raise `epsilon`; no range is reported."
        )
    return PoolModels(
        predictor=RefitPredictions(models, None if sample.classes is None else len(sample.classes)),
        losses=losses,
        kept=kept,
        baseline=0,
        near=near,
        loss_limit=limit,
        complete=False,
        source="refits",
        loss_name=loss.name,
        scale="response" if sample.classes is None else "probability",
        models=models,
    )


def _checked(refits: Any) -> Refits:
    if not isinstance(refits, Refits):
        raise InvalidInput(f"`refits` must be a Refits, such as Refits(100), or None; got {refits!r}.")
    whole_number(refits.n_refits, "n_refits", low=1)
    choice(refits.kind, _KINDS, "kind")
    probability(refits.share, "share")
    return refits


def _plans(
    estimator: Any, refits: Refits, sample: Sample, random_state: RandomState
) -> list[tuple[Integers, int]]:
    """(rows, seed) of every refit, rows of positive weight only."""
    if refits.kind == "seed" and not _seeds(estimator):
        raise InvalidInput(
            f"`kind='seed'` needs an estimator with a `random_state`; {type(estimator).__name__} has none. "
            "Use 'bootstrap'."
        )
    rng, there = generator(random_state), np.flatnonzero(sample.weights > 0)
    seeds = rng.integers(2**31, size=refits.n_refits)
    return [(_drawn(rng, there, refits), int(seed)) for seed in seeds]


def _drawn(rng: np.random.Generator, there: Integers, refits: Refits) -> Integers:
    n = len(there)
    if refits.kind == "seed":
        return there
    if refits.kind == "bootstrap":
        return there[np.sort(rng.integers(n, size=n))]
    return there[np.sort(rng.permutation(n)[: max(2, round(refits.share * n))])]


def _seeds(estimator: Any) -> list[str]:
    """Names of the parameters that seed an estimator or a part of it."""
    names = estimator.get_params()
    return [name for name in names if name == "random_state" or name.endswith("__random_state")]


def _refit(model: Any, X: Any, sample: Sample, rows: Integers, seed: int) -> Any:
    """A refit, or None where its rows miss a class."""
    if sample.classes is not None and len(np.unique(sample.codes[rows])) < len(sample.classes):  # type: ignore[index]
        return None
    return _fitted(model.set_params(**dict.fromkeys(_seeds(model), seed)), X, sample, rows)


def _fitted(model: Any, X: Any, sample: Sample, rows: Integers) -> Any:
    from sklearn.utils import _safe_indexing

    arguments = _weights(model, sample.weights[rows]) if sample.weighted else {}
    return model.fit(_safe_indexing(X, rows), sample.y[rows], **arguments)


def _weights(model: Any, weights: Floats) -> dict[str, Floats]:
    """How `fit` of a model takes weights: itself, or in a pipeline its last step."""
    from sklearn import get_config
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    if get_config()["enable_metadata_routing"] or has_fit_parameter(model, "sample_weight"):
        return {"sample_weight": weights}
    if isinstance(model, Pipeline) and has_fit_parameter(model[-1], "sample_weight"):
        return {f"{model.steps[-1][0]}__sample_weight": weights}
    raise InvalidInput(
        f"`sample_weight` was passed, but {type(model).__name__}.fit takes none. Leave it out."
    )
