"""`RashomonSet`: every question about the models that are nearly as good as the best, as one estimator."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats._frames import as_frame
from riskstats._jit import DEVICES
from riskstats._validation import Floats, choice, finite_rows, positive_number, time_limit, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.convex import ConvexModels, SearchLimits
from riskstats.multiplicity.disagreement import disagreement, label_ambiguity
from riskstats.multiplicity.fitting import (
    FittedSet,
    classifies,
    fit_convex,
    fit_pool,
    fit_refits,
    has_steps,
    model_class,
)
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.own_objective import is_convex
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.score_pool import score_pool_models
from riskstats.multiplicity.targets import Sample, checked_sample, indexed

if TYPE_CHECKING:
    from riskstats.multiplicity.capacity import CapacityResult
    from riskstats.multiplicity.epsilon_path import EpsilonPath
    from riskstats.multiplicity.prediction_range import PredictionRange
    from riskstats.multiplicity.report import MultiplicityReport
    from riskstats.multiplicity.result import MultiplicityRate

__all__ = ["RashomonSet"]


def _classifying(self: Any) -> bool:
    return classifies(self._estimator)


class RashomonSet(BaseEstimator):
    """The models whose training loss is near the best, and how much hangs on which of them is picked.

        S = { model : loss <= (1 + epsilon) best }     or, "additive",     { loss <= best + epsilon }

    Parameters
    ----------
    estimator : the model class, with its own objective, penalty included. `LogisticRegression` (ridge penalty
        or none), `Ridge` and `LinearRegression`, alone or at the end of a `Pipeline`, whose other steps are
        fitted once: every range is exact, with a certificate. A risk score with `pool=Pool(...)`, or a
        `ScorePool`: exact where the pool is proven complete. Any other, with `refits`: an inner range, "at
        least". None is `LogisticRegression()`.
    epsilon : how much worse than the best a model may be, > 0.
    epsilon_kind : "relative" or "additive" (nats for the log loss; half the mean squared error for squared
        loss).
    refits : a `Refits`; forces an inner range by refitting, for any estimator. Refits are judged by the
        estimator's own objective where that is one of the above on two classes or a number, else by their
        training loss: mean log loss, or half the mean squared error.
    gap_tolerance : distance between the attained and the safe end, in logits, at which a row counts as exact.
    max_iter : Newton steps of a row before it is left with a wide gap. time_limit : seconds for all rows of a
        call, None for no limit. Rows that stay wide keep safe ends, and a warning counts them
        (`StoppedEarly`).
    n_jobs : refits at a time. device : "auto", "numpy", "cpu" or "gpu", for the search of the convex ranges.
    random_state : of the refits.

    Attributes
    ----------
    baseline_ : the best model, fitted: every question is asked relative to it. For convex objectives it is
        the minimiser to rounding, whatever the tolerance of the estimator's own solver; for a pool of risk
        scores the best card, None where a pool has predictions only.
    loss_, loss_bound_, loss_limit_ : loss of the baseline, what no model of the class can beat (None where
        nothing is certified), and the largest loss of a member.
    level_set_ : the `ConvexModels` or the `PoolModels`, which take rows as `transform_` gives them.
    kind_ : "exact" or "inner", the kind of its ranges; single rows of an exact set may still be "outer".
    transform_ : the fitted steps before the models of the set, or None.
    estimator_ : the fitted risk score, where one was fitted to list a pool.
    n_iter_ : Newton steps to the baseline, or those of its own solver; 1 where it tells none.
    classes_, n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Source: Watson-Daniels, Parkes and Ustun, "Predictive Multiplicity in Probabilistic Classification", AAAI
    2023, for the questions.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        epsilon: float = 0.01,
        epsilon_kind: str = "relative",
        refits: Refits | None = None,
        gap_tolerance: float = 1e-9,
        max_iter: int = 100,
        time_limit: float | None = None,
        n_jobs: int | None = None,
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.epsilon = epsilon
        self.epsilon_kind = epsilon_kind
        self.refits = refits
        self.gap_tolerance = gap_tolerance
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RashomonSet:
        """Find the best model and set up the models near it.

        Parameters
        ----------
        X : (n, columns) what the estimator takes. y : (n,) labels of two classes, or numbers for a regressor.
        sample_weight : (n,) >= 0; doubling every weight changes the set unless C is halved, as in
            scikit-learn.

        `InvalidInput` (a `ValueError`) names what cannot be used: separable classes without a penalty, whose
        set is unbounded; a best loss of 0 with a relative epsilon; settings with another objective.
        `NotConverged` where the best loss is not known well enough for so small an epsilon, `Infeasible`
        where no refit is near the baseline.
        """
        X = as_frame(X)
        near, limits = self._near(), self._limits()
        estimator = self._estimator
        kind = model_class(estimator, self.refits)
        X = self._taken(X, reset=True, numbers=kind == "convex" and not has_steps(estimator))
        sample = checked_sample(X, y, sample_weight, classify=classifies(estimator))
        self._learn(self._fitted(kind, estimator, X, y, sample, near, limits), sample.classes)
        return self

    @classmethod
    def of_pool(
        cls, pool: Any, *, epsilon: float | None = None, epsilon_kind: str | None = None
    ) -> RashomonSet:
        """Return the set of a finished pool that knows its classes, such as a `CardPool` that was loaded.

        Its losses are known, so there is nothing to fit. epsilon, epsilon_kind : those of the pool where they
        are None; no larger set can be asked for (`InvalidInput`).
        """
        found = cls(
            pool,
            epsilon=pool.epsilon if epsilon is None else epsilon,
            epsilon_kind=pool.epsilon_kind if epsilon_kind is None else epsilon_kind,
        )
        models = score_pool_models(pool, found._near(), None)
        best = None if models.models is None else models.models[models.baseline]
        found._learn(FittedSet(models, best), np.asarray(pool.classes))
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions of the baseline: classes at probability 1/2, or numbers."""
        check_is_fitted(self)
        logits = self._logits(X)
        if not _classifying(self):
            return logits
        if logits.ndim == 2:
            return self.classes_[logits.argmax(axis=1)]
        return self.classes_[(logits > 0).astype(np.int64)]

    @available_if(_classifying)
    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the baseline, (n, classes)."""
        check_is_fitted(self)
        if isinstance(self.level_set_, PoolModels) and len(self.classes_) > 2:
            return self.level_set_.baseline_predictions(self._rows(X))
        logits = self._logits(X)
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    @available_if(_classifying)
    def decision_function(self, X: Any) -> Floats:
        """Return the logits of the baseline, (n,); of every class, (n, classes), for more than two."""
        check_is_fitted(self)
        return self._logits(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the baseline, or its R2 for a regressor."""
        from sklearn.metrics import accuracy_score, r2_score

        measure = accuracy_score if _classifying(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    # ---- questions

    def viable_prediction_range(self, X: Any, *, label: Any = None) -> PredictionRange:
        """Return the range of predictions over the set, row by row; any rows can be asked.

        label : whose probability, where there are more than two classes. With two it is ``classes_[1]``.
        """
        check_is_fitted(self)
        return self._models(label).range(self._rows(X))

    def coefficient_range(self) -> PredictionRange:
        """Return the range of every coefficient over a convex set, the intercept first, on their own
        scale."""
        return self._convex("coefficients", "Ask for `viable_prediction_range`.").coefficients()

    def ambiguity(
        self, X: Any, *, deviation: float, sample_weight: Any = None, label: Any = None
    ) -> MultiplicityRate:
        """Return the share of rows on which some member differs from the baseline by `deviation` or more."""
        found = self.viable_prediction_range(X, label=label)
        return ambiguity(None, found, deviation=deviation, sample_weight=sample_weight)

    def discrepancy(
        self,
        X: Any,
        *,
        deviation: float,
        sample_weight: Any = None,
        label: Any = None,
        gap: float = 0.0,
        time_limit: float | None = 60.0,
        solver: str = "search",
    ) -> MultiplicityRate:
        """Return the largest share of rows on which one member differs from the baseline by `deviation` or
        more.

        For convex sets a search over groups of rows, stopped at a gap of `gap` (relative) or after
        `time_limit` seconds with an honest bound; `solver="scip"` asks SCIP, whose bound is floating point.
        Never larger than the ambiguity.
        """
        from riskstats.multiplicity.set_discrepancy import set_discrepancy

        check_is_fitted(self)
        rows = self._rows(X)
        return set_discrepancy(
            self._models(label),
            rows,
            deviation=deviation,
            sample_weight=sample_weight,
            gap=gap,
            time_limit=time_limit,
            solver=solver,
        )

    def rashomon_capacity(self, X: Any) -> CapacityResult:
        """Return the bits that the choice of the model carries about each prediction; "at least" for
        refits."""
        from riskstats.multiplicity.capacity import rashomon_capacity

        check_is_fitted(self)
        if len(getattr(self, "classes_", ())) <= 2:
            return rashomon_capacity(self.viable_prediction_range(X))
        models = self.level_set_
        found = rashomon_capacity(models.predictions(self._rows(X)))
        stamps = {"epsilon": models.near.epsilon, "epsilon_kind": models.near.kind, "source": models.source}
        return replace(found, bound=None, kind="inner", **stamps)

    def disagreement(self, X: Any, *, decision_threshold: float = 0.5, label: Any = None) -> Floats:
        """Return the share of the members of a pool that decide other than the baseline, one number per row.

        A convex set has infinitely many members and no share: ask it for `label_ambiguity`.
        """
        check_is_fitted(self)
        models = self._models(label)
        if not isinstance(models, PoolModels) or models.scale == "response":
            raise InvalidInput(
                "a share of models that decide otherwise needs a finite pool of classifiers. Ask for "
                "`label_ambiguity`, or pass `refits=Refits(...)` to a classifier."
            )
        rows = self._rows(X)
        reference = models.baseline_predictions(rows)
        return disagreement(
            models.predictions(rows), reference=reference, decision_threshold=decision_threshold
        )

    def label_ambiguity(
        self, X: Any, *, decision_threshold: float = 0.5, sample_weight: Any = None, label: Any = None
    ) -> MultiplicityRate:
        """Return the share of rows that members of the set decide either way."""
        found = self.viable_prediction_range(X, label=label)
        return label_ambiguity(found, decision_threshold, sample_weight=sample_weight)

    def epsilon_path(self, X: Any, epsilons: npt.ArrayLike, *, label: Any = None) -> EpsilonPath:
        """Return the ranges for several epsilons; wider for larger ones, one certificate each."""
        from riskstats.multiplicity.epsilon_path import path_of_ranges

        check_is_fitted(self)
        return path_of_ranges(self._models(label), self._rows(X), epsilons)

    def report(
        self,
        X: Any,
        *,
        deviations: Sequence[float] | None = None,
        groups: Any = None,
        decision_threshold: float | None = None,
        sample_weight: Any = None,
        time_limit: float | None = 60.0,
        label: Any = None,
    ) -> MultiplicityReport:
        """Return every answer for some rows in one record: ranges, rates, groups, and who to abstain on.

        deviations : None is 0.05, 0.1, 0.2 and 0.3; a regressor needs its own, in units of y.
        decision_threshold : None is 0.5, and no decisions for a regressor.
        time_limit : seconds for the discrepancies of all deviations.
        """
        from riskstats.multiplicity.report import multiplicity_report

        check_is_fitted(self)
        return multiplicity_report(
            self,
            as_frame(X),
            deviations=deviations,
            groups=groups,
            decision_threshold=decision_threshold,
            sample_weight=sample_weight,
            time_limit=time_limit,
            label=label,
        )

    # ---- fitting

    @property
    def _estimator(self) -> Any:
        return LogisticRegression() if self.estimator is None else self.estimator

    def _near(self) -> Near:
        kind = choice(self.epsilon_kind, ("relative", "additive"), "epsilon_kind")
        try:
            return Near(positive_number(self.epsilon, "epsilon"), kind)
        except InvalidInput as error:
            raise InvalidInput(
                f"`epsilon` must be finite and > 0; got {self.epsilon!r}. At 0 the set is the baseline alone."
            ) from error

    def _limits(self) -> SearchLimits:
        return SearchLimits(
            positive_number(self.gap_tolerance, "gap_tolerance"),
            whole_number(self.max_iter, "max_iter", low=1),
            time_limit(self.time_limit),
            choice(self.device, DEVICES, "device"),
        )

    def _fitted(
        self, kind: str, estimator: Any, X: Any, y: Any, sample: Sample, near: Near, limits: SearchLimits
    ) -> FittedSet:
        if kind == "convex":
            return fit_convex(estimator, X, sample, near, limits, getattr(self, "feature_names_in_", None))
        if kind == "pool":
            return fit_pool(estimator, X, y, sample, near)
        return fit_refits(
            estimator, X, sample, self.refits, near, random_state=self.random_state, n_jobs=self.n_jobs
        )

    def _learn(self, fitted: FittedSet, classes: np.ndarray | None) -> None:
        models = fitted.models
        for name in ("classes_", "estimator_"):
            self.__dict__.pop(name, None)
        self.level_set_: Any = models
        self.loss_, self.loss_bound_, self.loss_limit_ = models.loss, models.loss_bound, models.loss_limit
        self.kind_ = "exact" if isinstance(models, ConvexModels) or models.complete else "inner"
        self.baseline_, self.transform_, self.n_iter_ = fitted.baseline, fitted.transform, fitted.n_iter
        if classes is not None:
            self.classes_ = classes
        if fitted.estimator is not None:
            self.estimator_ = fitted.estimator

    # ---- answering

    def _taken(self, X: Any, *, reset: bool, numbers: bool) -> Any:
        """`X` with its columns learned or compared: as finite numbers, or as it is for others to read."""
        if numbers:
            X = validate_data(
                self, X, reset=reset, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=1
            )
            return finite_rows(X)
        X = indexed(X)
        if reset or hasattr(self, "n_features_in_"):  # a finished pool compares columns itself
            validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _rows(self, X: Any) -> Any:
        """Rows as the model set takes them."""
        numbers = isinstance(self.level_set_, ConvexModels) and self.transform_ is None
        X = self._taken(as_frame(X), reset=False, numbers=numbers)
        return X if self.transform_ is None else finite_rows(self.transform_.transform(X))

    def _logits(self, X: Any) -> Floats:
        return self.level_set_.baseline_logits(self._rows(X))

    def _models(self, label: Any) -> Any:
        """The set, seen as the probability of one class."""
        classes = getattr(self, "classes_", None)
        if classes is None or len(classes) == 2:
            if label is not None and (classes is None or label != classes[1]):
                one = "" if classes is None else f" here every probability is that of {classes[1]!s};"
                raise InvalidInput(f"`label` is for more than two classes;{one} leave it out.")
            return self.level_set_
        known = classes.tolist()
        if label is None or label not in known:
            raise InvalidInput(f"`label` must say whose probability is meant, one of {known}; got {label!r}.")
        return self.level_set_.of_class(known.index(label))

    def _convex(self, what: str, remedy: str) -> ConvexModels:
        check_is_fitted(self)
        if not isinstance(self.level_set_, ConvexModels):
            raise InvalidInput(f"{what} have a certified range in convex sets only; this is a pool. {remedy}")
        return self.level_set_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if not hasattr(self._estimator, "__sklearn_tags__"):
            return tags
        inner = get_tags(self._estimator)
        tags.estimator_type = inner.estimator_type
        for part in ("classifier_tags", "regressor_tags", "target_tags", "input_tags"):
            setattr(tags, part, copy.copy(getattr(inner, part)))
        tags.target_tags.multi_output, tags.target_tags.single_output = False, True
        convex = self.refits is None and is_convex(self._estimator)
        if convex and not has_steps(self._estimator):
            tags.input_tags.sparse = tags.input_tags.allow_nan = False
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_class &= not convex
            tags.classifier_tags.multi_label = False
        return tags
