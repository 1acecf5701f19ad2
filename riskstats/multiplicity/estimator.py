"""`RashomonSet`: every question about the models that are nearly as good as the best, as one estimator."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats._validation import (
    Floats,
    binary_target,
    choice,
    positive_number,
    sample_weights,
    time_limit,
    whole_number,
)
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.convex import (
    ConvexModels,
    SearchLimits,
    convex_models,
    convex_problem,
    is_convex,
    with_coefficients,
)
from riskstats.multiplicity.disagreement import disagreement, label_ambiguity
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.refits import Refits, refit_models
from riskstats.multiplicity.score_pool import is_score_pool, score_pool_models
from riskstats.multiplicity.targets import class_target, finite_rows, number_target

if TYPE_CHECKING:
    from riskstats.multiplicity.capacity import CapacityResult
    from riskstats.multiplicity.epsilon_path import EpsilonPath
    from riskstats.multiplicity.prediction_range import PredictionRange
    from riskstats.multiplicity.report import MultiplicityReport
    from riskstats.multiplicity.result import MultiplicityRate

__all__ = ["RashomonSet"]


def _classifies(self: Any) -> bool:
    return not is_regressor(self._estimator)


class RashomonSet(BaseEstimator):
    """The models whose training loss is near the best, and how much hangs on which of them is picked.

        S = { model : loss <= (1 + epsilon) best }     or, "additive",     { loss <= best + epsilon }

    Parameters
    ----------
    estimator : the model class, with its own objective, penalty included. `LogisticRegression` (ridge penalty
        or none), `Ridge` and `LinearRegression`, alone or at the end of a `Pipeline`: every range is exact,
        with a certificate. A risk score with `pool=Pool(...)`, or a `ScorePool`: exact where the pool is
        proven complete. Any other, with `refits`: an inner range, "at least". None is
        `LogisticRegression()`.
    epsilon : how much worse than the best a model may be, > 0.
    epsilon_kind : "relative" or "additive" (nats for the log loss; half the mean squared error for squared
        loss).
    refits : a `Refits`; forces an inner range by refitting, for any estimator.
    gap_tolerance : distance between the attained and the safe end, in logits, at which a row counts as exact.
    max_iter : Newton steps of a row before it is left with a wide gap. time_limit : seconds for all rows of a
        call, None for no limit. Rows that stay wide keep safe ends, and a warning counts them
        (`StoppedEarly`).
    n_jobs : refits at a time. device : "auto", "numpy", "cpu" or "gpu", for the search of the convex ranges.
    random_state : of the refits.

    Attributes
    ----------
    baseline_ : the best model, fitted: every question is asked relative to it. For convex objectives it is
        the minimiser to rounding, whatever the tolerance of the estimator's own solver.
    loss_, loss_bound_, loss_limit_ : loss of the baseline, what no model of the class can beat (None where
        nothing is certified), and the largest loss of a member.
    level_set_ : the `ConvexModels` or the `PoolModels`.
    kind_ : "exact" or "inner", the kind of its ranges; single rows of an exact set may still be "outer".
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
        """
        near, limits = self._near(), self._limits()
        estimator = self._estimator
        if self.refits is None and is_score_pool(estimator):
            self._fit_pool(estimator, X, y, sample_weight, near)
        elif is_convex(estimator):
            self._fit_convex(estimator, X, y, sample_weight, near, limits)
        else:
            self._fit_refits(estimator, X, y, sample_weight, near)
        models = self.level_set_
        self.loss_, self.loss_bound_, self.loss_limit_ = models.loss, models.loss_bound, models.loss_limit
        exact = isinstance(models, ConvexModels) or models.complete
        self.kind_ = "exact" if exact else "inner"
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions of the baseline: classes at probability 1/2, or numbers."""
        check_is_fitted(self)
        logits = self._logits(X)
        if not _classifies(self):
            return logits
        if logits.ndim == 2:
            return self.classes_[logits.argmax(axis=1)]
        return self.classes_[(logits > 0).astype(np.int64)]

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the baseline, (n, classes)."""
        check_is_fitted(self)
        logits = self._logits(X)
        if logits.ndim == 2:
            return np.asarray(self.level_set_.predict(self._rows(X))[self.level_set_.baseline])
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    @available_if(_classifies)
    def decision_function(self, X: Any) -> Floats:
        """Return the logits of the baseline, (n,); of every class, (n, classes), for more than two."""
        check_is_fitted(self)
        return self._logits(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the baseline, or its R2 for a regressor."""
        from sklearn.metrics import accuracy_score, r2_score

        measure = accuracy_score if _classifies(self) else r2_score
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
        """Return the bits that the choice of the model carries about each prediction."""
        from riskstats.multiplicity.capacity import rashomon_capacity

        check_is_fitted(self)
        if len(getattr(self, "classes_", ())) > 2:
            return rashomon_capacity(self.level_set_.predictions(self._rows(X)))
        return rashomon_capacity(self.viable_prediction_range(X))

    def disagreement(self, X: Any, *, decision_threshold: float = 0.5) -> Floats:
        """Return the share of the members of a pool that decide other than the baseline, one number per row.

        A convex set has infinitely many members and no share: ask it for `label_ambiguity`.
        """
        check_is_fitted(self)
        models = self._models(None)
        if not isinstance(models, PoolModels):
            raise InvalidInput(
                "a share of models needs a finite pool; this set is convex. Ask for `label_ambiguity`, "
                "or pass `refits=Refits(...)`."
            )
        rows = self._rows(X)
        reference = sigmoid(models.baseline_logits(rows))
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
        deviations: Sequence[float] = (0.05, 0.1, 0.2, 0.3),
        groups: Any = None,
        decision_threshold: float = 0.5,
        sample_weight: Any = None,
        time_limit: float | None = 60.0,
    ) -> MultiplicityReport:
        """Return every answer for some rows in one record: ranges, rates, groups, and who to abstain on.

        time_limit : seconds for the discrepancies of all deviations.
        """
        from riskstats.multiplicity.report import multiplicity_report

        check_is_fitted(self)
        return multiplicity_report(
            self,
            X,
            deviations=deviations,
            groups=groups,
            decision_threshold=decision_threshold,
            sample_weight=sample_weight,
            time_limit=time_limit,
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
            self.device,
        )

    def _fit_convex(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, near: Near, limits: SearchLimits
    ) -> None:
        """The set of the last step; earlier steps are fitted first."""
        from sklearn.pipeline import Pipeline

        fitted = clone(estimator)
        steps = fitted[:-1] if isinstance(fitted, Pipeline) and len(fitted) > 1 else None
        last = fitted[-1] if isinstance(fitted, Pipeline) else fitted
        if steps is None:
            X = self._checked(X, y)
        else:
            validate_data(self, X, skip_check_array=True)
        target, weights = self._target(y, sample_weight, last)
        self.transform_: Any = None if steps is None else steps.fit(X, y)
        rows = X if steps is None else finite_rows(steps.transform(X))
        if len(rows) != len(target):
            raise InvalidInput(f"`X` has {len(rows)} rows and `y` {len(target)}. Pass one label per row.")
        problem = convex_problem(last, rows, target, weights)
        if self.refits is None:
            self.level_set_: Any = convex_models(problem, near, limits)
            theta = self.level_set_.level_set.baseline.theta
            self.baseline_ = with_coefficients(fitted, self, theta, rows.shape[1])
        else:
            self._refit(estimator, X, y, sample_weight, near, problem)

    def _checked(self, X: Any, y: Any, reset: bool = True) -> Floats:
        X = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=1
        )
        return finite_rows(X)

    def _target(self, y: Any, sample_weight: Any, last: Any) -> tuple[Floats, Floats]:
        """(-1/+1 or numbers, weights with class weights multiplied in)."""
        if not _classifies(self):
            target = number_target(y)
            return target, sample_weights(sample_weight, len(target))
        target, weights, self.classes_ = class_target(y, sample_weight, getattr(last, "class_weight", None))
        return target, weights

    def _fit_pool(self, estimator: Any, X: Any, y: Any, sample_weight: Any, near: Near) -> None:
        validate_data(self, X, skip_check_array=True)
        if hasattr(estimator, "fit"):
            fitted = clone(estimator).fit(X, y, sample_weight=sample_weight)
            pool, self.classes_, self.baseline_ = fitted.pool_, fitted.classes_, fitted
        else:
            pool = copy.copy(estimator)
            self.classes_ = np.array(binary_target(y)[1])
            self.baseline_ = None
        self.transform_ = None
        self.level_set_ = score_pool_models(pool, near, X)

    def _fit_refits(self, estimator: Any, X: Any, y: Any, sample_weight: Any, near: Near) -> None:
        if self.refits is None:
            raise InvalidInput(
                f"{type(estimator).__name__} has no exact range. Pass `refits=Refits(...)` for an inner "
                "one, or a `LogisticRegression`, `Ridge`, `LinearRegression` or a risk score with a pool."
            )
        validate_data(self, X, skip_check_array=True)
        self._refit(estimator, X, y, sample_weight, near, None)

    def _refit(self, estimator: Any, X: Any, y: Any, sample_weight: Any, near: Near, problem: Any) -> None:
        from riskstats.multiplicity.refit_losses import refit_loss

        loss = refit_loss(estimator, X, y, sample_weight, problem)
        self.transform_ = None
        if loss.classes is not None:
            self.classes_ = loss.classes
        self.level_set_ = refit_models(
            estimator,
            X,
            y,
            loss.sample_weight,
            self.refits or Refits(),
            near,
            loss=loss.of,
            loss_name=loss.name,
            predict=loss.predict,
            scale=loss.scale,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        self.baseline_ = self.level_set_.models[0]

    # ---- answering

    def _rows(self, X: Any) -> Any:
        """Rows as the model set takes them."""
        if isinstance(self.level_set_, ConvexModels) and self.transform_ is None:
            return self._checked(X, None, reset=False)
        validate_data(self, X, reset=False, skip_check_array=True)
        return X if self.transform_ is None else finite_rows(self.transform_.transform(X))

    def _logits(self, X: Any) -> Floats:
        return self.level_set_.baseline_logits(self._rows(X))

    def _models(self, label: Any) -> Any:
        """The set, seen as the probability of one class."""
        classes = getattr(self, "classes_", None)
        if classes is None or len(classes) == 2:
            if label is not None and (classes is None or label != classes[1]):
                raise InvalidInput(
                    f"`label` is for more than two classes; here every probability is that of "
                    f"{None if classes is None else classes[1]!r}. Leave it out."
                )
            return self.level_set_
        if label is None or label not in list(classes):
            raise InvalidInput(
                f"`label` must say whose probability is meant, one of {list(classes)}; got {label!r}."
            )
        return self.level_set_.of_class(list(classes).index(label))

    def _convex(self, what: str, remedy: str) -> ConvexModels:
        check_is_fitted(self)
        if not isinstance(self.level_set_, ConvexModels):
            raise InvalidInput(f"{what} have a certified range in convex sets only; this is a pool. {remedy}")
        return self.level_set_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if not hasattr(self._estimator, "fit"):
            return tags
        inner = get_tags(self._estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = copy.copy(inner.classifier_tags)
        tags.regressor_tags = copy.copy(inner.regressor_tags)
        tags.target_tags = copy.copy(inner.target_tags)
        convex = is_convex(self._estimator) and self.refits is None
        tags.input_tags.sparse = inner.input_tags.sparse and not convex
        tags.input_tags.allow_nan = inner.input_tags.allow_nan and not convex
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_class = tags.classifier_tags.multi_class and not convex
        return tags
