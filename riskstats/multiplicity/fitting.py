"""From an estimator and rows to the set of models near its best: one function for each class of models."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.pipeline import Pipeline

from riskstats._random import RandomState
from riskstats._validation import finite_rows
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.convex import ConvexModels, SearchLimits, convex_models
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.own_objective import (
    check_supported,
    convex_problem,
    is_convex,
    last_step,
    set_coefficients,
)
from riskstats.multiplicity.refit_losses import OwnObjective, TrainingLoss
from riskstats.multiplicity.refits import refit_models
from riskstats.multiplicity.score_pool import check_epsilon, is_score_pool, score_pool_models
from riskstats.multiplicity.targets import Sample

__all__ = ["FittedSet", "classifies", "fit_convex", "fit_pool", "fit_refits", "has_steps", "model_class"]


@dataclass(frozen=True, eq=False)
class FittedSet:
    """A set of models with what `RashomonSet` learns beside it.

    baseline : the best model, None where a pool has only its predictions. transform : fitted steps before the
    models, or None. n_iter : steps to the baseline, 1 where its solver tells none. estimator : what was
    fitted to list a pool, else None.
    """

    models: ConvexModels | PoolModels
    baseline: Any
    transform: Any = None
    n_iter: int = 1
    estimator: Any = None


def classifies(estimator: Any) -> bool:
    """Whether `estimator` is no regressor; a `ScorePool` classifies."""
    return not (hasattr(estimator, "__sklearn_tags__") and is_regressor(estimator))


def model_class(estimator: Any, refits: Any) -> str:
    """ "convex", "pool" or "refits"; `InvalidInput` where no set is known."""
    fits = hasattr(estimator, "fit")
    if refits is None and is_score_pool(estimator):
        return "pool"
    if refits is None and fits and is_convex(estimator):
        return "convex"
    if refits is not None and fits:
        return "refits"
    name = type(estimator).__name__
    if refits is not None:
        raise InvalidInput(f"{name} cannot be fitted again. Leave `refits` out, or pass an estimator.")
    raise InvalidInput(
        f"{name} has no exact range. Pass `refits=Refits(...)` for an inner one, or a `LogisticRegression`, "
        "`Ridge`, `LinearRegression` or a risk score with a pool."
    )


def fit_convex(
    estimator: Any, X: Any, sample: Sample, near: Near, limits: SearchLimits, names: np.ndarray | None
) -> FittedSet:
    """The level set of the last step's objective.

    names : of the columns of X, which the last step learns where nothing comes before it.
    """
    fitted, steps = clone(estimator), None
    last = last_step(fitted)
    check_supported(last)
    rows = X
    if has_steps(fitted):
        steps, rows, names = fitted[:-1].fit(X, sample.y), None, None
        rows = finite_rows(steps.transform(X))
    models = convex_models(convex_problem(last, rows, sample), near, limits)
    best = models.level_set.baseline
    set_coefficients(last, best.theta, rows.shape[1], names=names, classes=sample.classes, steps=best.steps)
    return FittedSet(models, fitted, steps, max(best.steps, 1))


def fit_refits(
    estimator: Any,
    X: Any,
    sample: Sample,
    refits: Any,
    near: Near,
    *,
    random_state: RandomState,
    n_jobs: int | None,
) -> FittedSet:
    """Refits of an estimator.

    Where the objective is known they are judged by it; then the last step alone is refitted, because the
    objective holds for one set of transformed rows. Others are refitted as a whole.
    """
    if sample.classes is not None and not hasattr(estimator, "predict_proba"):
        raise InvalidInput(
            f"{type(estimator).__name__} has no `predict_proba`. Wrap it in `CalibratedClassifierCV`."
        )
    settings: Any = {"random_state": random_state, "n_jobs": n_jobs}
    if not _has_objective(estimator, sample):
        models = refit_models(estimator, X, sample, refits, near, loss=TrainingLoss(X, sample), **settings)
        return _refitted(models, models.models[0])  # type: ignore[index]
    fitted, steps, rows = clone(estimator), None, X
    if has_steps(fitted):
        steps = fitted[:-1].fit(X, sample.y)
        rows = finite_rows(steps.transform(X))
    last = last_step(fitted)
    loss = OwnObjective(convex_problem(last, finite_rows(rows), sample))
    models = refit_models(last, rows, sample, refits, near, loss=loss, **settings)
    best = models.models[0]  # type: ignore[index]
    if steps is not None:
        fitted.steps[-1] = (fitted.steps[-1][0], best)
    return _refitted(models, best if steps is None else fitted, steps)


def has_steps(estimator: Any) -> bool:
    """Whether transformers come before the last step."""
    return isinstance(estimator, Pipeline) and len(estimator) > 1


def _has_objective(estimator: Any, sample: Sample) -> bool:
    """Whether the estimator minimises a `ConvexProblem` on this target."""
    if not is_convex(estimator) or (sample.classes is not None and len(sample.classes) > 2):
        return False
    try:
        check_supported(last_step(estimator))
    except InvalidInput:
        return False
    return True


def _refitted(models: PoolModels, baseline: Any, steps: Any = None) -> FittedSet:
    told = getattr(last_step(baseline), "n_iter_", None)
    return FittedSet(models, baseline, steps, 1 if told is None else max(1, int(np.max(told))))


def fit_pool(estimator: Any, X: Any, y: Any, sample: Sample, near: Near) -> FittedSet:
    """The members of a pool that is given, or that a risk score lists when it is fitted."""
    fitted = None
    if hasattr(estimator, "fit"):
        check_epsilon(estimator, near)
        weights = sample.weights if sample.weighted else None
        fitted = clone(estimator).fit(X, y, sample_weight=weights)
        pool = fitted.pool_
    elif sample.weighted:
        raise InvalidInput(
            "`sample_weight` cannot change the losses of a finished pool. Leave it out, or pass the "
            "estimator that makes the pool."
        )
    else:
        pool = copy.copy(estimator)
    _check_classes(pool, sample)
    models = score_pool_models(pool, near, X)
    best = None if models.models is None else models.models[models.baseline]
    return FittedSet(models, best, estimator=fitted)


def _check_classes(pool: Any, sample: Sample) -> None:
    known, found = getattr(pool, "classes", None), sample.classes
    assert found is not None
    if len(found) != 2:
        raise InvalidInput(f"a pool of risk scores is about two classes; `y` holds {len(found)}.")
    if known is not None and list(known) != found.tolist():
        raise InvalidInput(f"the pool is about the classes {list(known)}; `y` holds {found.tolist()}.")
