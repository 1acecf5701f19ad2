"""`RiskController`: a classifier and threshold with a certified risk, as a scikit-learn estimator."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats._frames import as_frame
from riskstats._random import generator
from riskstats._validation import (
    Floats,
    Integers,
    binary_target,
    finite_vector,
    probability,
    same_length,
)
from riskstats.bounds.multiple_testing import FixedSequence, Procedure, design_delta, holm
from riskstats.control.api import certify
from riskstats.control.decision_losses import DecisionLoss, Decisions, LossSpec, decision_loss
from riskstats.exceptions import AssumptionWarning, Infeasible, InvalidInput
from riskstats.measures.mean import Mean

if TYPE_CHECKING:
    from riskstats.bounds.base import Bound
    from riskstats.control.result import CertifiedSet
    from riskstats.measures.base import RiskMeasure

__all__ = ["RiskController"]

_OBJECTIVES = {"false_negative": "false_positive", "false_positive": "false_negative"}


class RiskController(ClassifierMixin, BaseEstimator):
    """A classifier and a decision threshold whose true risk is within a limit, with a stated confidence.

    The family of candidates is every classifier with every threshold: positive where the probability of
    ``classes_[1]`` is above the threshold, not at it. Rows drawn at random are held out from fitting; on them
    `certify` tests each candidate, and among the certified the one with the best objective is selected. The
    guarantee covers that choice: with probability `confidence_level` over the held-out rows, every certified
    candidate has risk at most `risk_limit` on new rows of the same law.

    Parameters
    ----------
    candidates : a classifier with `predict_proba`; or a sequence of them, or of (name, classifier). A
        `sklearn.frozen.FrozenEstimator` is used as it is; where all are, every row calibrates.
    loss : what an error costs. "zero_one"; "false_negative": misses among positive rows, 1 - recall;
        "false_positive": false alarms among negative rows; {"false_negative": 5, "false_positive": 1, ...}:
        costs by outcome; or a function (target, decision, probability) -> (n,) losses, where target and
        decision are 0 or 1.
    measure : a risk measure such as CVaR(0.9); None is the mean.
    risk_limit : in the units of the loss.
    thresholds : (k,) fixed before the data are seen; None is 0, 0.05, ..., 1.
    procedure : multiple test; None is `holm`. For "false_negative" with one classifier,
        `fixed_sequence(order=range(k))` over increasing thresholds has the most power.
    bound : the method of the p-values; None takes `recommend`.
    objective : what to minimise among the certified, as `loss`, by its mean on the held-out rows. None:
        "false_positive" for "false_negative" and the reverse, else "zero_one". Ties go to the threshold
        nearest 1/2.
    calibration_size : share of the rows to hold out, in (0, 1).
    confidence_level : of the guarantee.
    support : (lowest, highest) loss of a function; None is (0, 1).
    random_state : of the split, and of the order in which held-out rows enter a bound by betting. Trying
        several and keeping the best voids the guarantee.

    Attributes
    ----------
    certified_set_ : the `CertifiedSet`. candidates_ : ((name, threshold), ...) in its order.
    certified_ : indices of the certified, increasing. p_values_ : (m,).
    selected_ : (name, threshold); None where nothing is certified, and then `predict` raises `Infeasible`.
    estimator_, threshold_ : the selected ones, or None. estimators_ : {name: fitted classifier}.
    n_units_ : held-out rows that are units of the loss.
    classes_, n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Weights change what is learned, never what is certified: `sample_weight` reaches the classifiers by
    metadata routing. The split is not stratified: the guarantee needs held-out rows that are independent
    draws.
    Raises `InvalidInput` (a `ValueError`) for data and parameters that cannot be used.

    Source: Angelopoulos, Bates, Candes, Jordan and Lei, Learn then Test, for selection by multiple testing.
    """

    def __init__(
        self,
        candidates: Any,
        *,
        loss: LossSpec = "zero_one",
        measure: RiskMeasure | None = None,
        risk_limit: float = 0.1,
        thresholds: Sequence[float] | None = None,
        procedure: Procedure | None = None,
        bound: Bound | None = None,
        objective: LossSpec | None = None,
        calibration_size: float = 0.5,
        confidence_level: float = 0.95,
        support: tuple[float, float] | None = None,
        random_state: Any = None,
    ) -> None:
        self.candidates = candidates
        self.loss = loss
        self.measure = measure
        self.risk_limit = risk_limit
        self.thresholds = thresholds
        self.procedure = procedure
        self.bound = bound
        self.objective = objective
        self.calibration_size = calibration_size
        self.confidence_level = confidence_level
        self.support = support
        self.random_state = random_state

    def fit(self, X: Any, y: Any, **params: Any) -> RiskController:
        """Fit the classifiers, certify the family on held-out rows, and select.

        Parameters
        ----------
        X : (n, columns) what the classifiers take, or a dict of columns, which reaches them as a frame.
            y : (n,) labels of two classes. params : what metadata routing passes to the `fit` of the
            classifiers, one value per row.
        """
        X = as_frame(X)
        loss = decision_loss(self.loss, self.support)
        objective = decision_loss(self._objective(), self.support, "objective")
        classifiers, thresholds = named_classifiers(self.candidates), self._thresholds()
        validate_data(self, X, skip_check_array=True)
        target, classes = binary_target(y)
        (X,) = indexable(X)
        same_length(X=_rows(X), y=target)
        self.classes_ = np.array(classes)
        learning, held_out = self._split(target, classifiers)
        self.estimators_ = self._fitted(classifiers, X, y, learning, params)
        chances = self._probabilities(_safe_indexing(X, held_out))
        self.candidates_ = tuple((name, float(t)) for name in self.estimators_ for t in thresholds)
        self._certify(loss, objective, target[held_out], chances, thresholds)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every row by the selected classifier and threshold.

        `Infeasible` where no candidate is certified; it says what is missing.
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(np.int64)]

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the selected classifier, (n, 2), columns as ``classes_``."""
        self._check_selected()
        return _columns(self.estimator_, self.classes_, as_frame(X))

    def decision_function(self, X: Any) -> Floats:
        """Return the probability of the positive class less the selected threshold, (n,)."""
        return np.asarray(self.predict_proba(X)[:, 1] - self.threshold_)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the router that passes arguments of `fit` to every classifier."""
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add(method_mapping=mapping, **named_classifiers(self.candidates))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = [
            get_tags(classifier).input_tags for classifier in named_classifiers(self.candidates).values()
        ]
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = all(each.sparse for each in inner)
        tags.input_tags.allow_nan = all(each.allow_nan for each in inner)
        return tags

    # ---- learning

    def _objective(self) -> LossSpec:
        if self.objective is not None:
            return self.objective
        return _OBJECTIVES.get(self.loss, "zero_one") if isinstance(self.loss, str) else "zero_one"

    def _thresholds(self) -> Floats:
        if self.thresholds is None:
            return np.arange(21) / 20
        thresholds = finite_vector(self.thresholds, "thresholds")
        if len(np.unique(thresholds)) < len(thresholds):
            raise InvalidInput("`thresholds` repeats a number; every candidate needs its own.")
        return thresholds

    def _split(self, target: Integers, classifiers: Mapping[str, Any]) -> tuple[Integers, Integers]:
        """Rows to learn from, and rows to certify on in a random order, which bounds by betting need.

        In that order the first rows are learned from: as many as asked for, or more until both classes are
        there. The rest are independent draws, because where to stop looks at no row of the rest.
        """
        n = len(target)
        order = generator(self.random_state).permutation(n)
        if all(isinstance(classifier, FrozenEstimator) for classifier in classifiers.values()):
            return np.arange(0), order
        share = probability(self.calibration_size, "calibration_size")
        both = max(int((target[order] == label).argmax()) for label in (0, 1)) + 1
        cut = max(n - max(round(share * n), 1), both)
        if cut >= n:
            raise InvalidInput(
                f"all {n} rows are needed to learn from two classes; none is left to certify on. "
                "Pass more rows."
            )
        return np.sort(order[:cut]), order[cut:]

    def _fitted(
        self, classifiers: Mapping[str, Any], X: Any, y: Any, learning: Integers, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        if params and not get_config()["enable_metadata_routing"]:
            raise InvalidInput(
                f"`fit` got {', '.join(map(repr, params))}. Pass it on to the classifiers with "
                "`sklearn.set_config(enable_metadata_routing=True)` and "
                "`classifier.set_fit_request(sample_weight=True)`; certification takes no weights."
            )
        routed = process_routing(self, "fit", **params)
        if len(learning) == 0:
            return dict(classifiers)
        rows, labels = _safe_indexing(X, learning), np.asarray(y).reshape(-1)[learning]
        fitted = {}
        for name, classifier in classifiers.items():
            chosen = {key: _safe_indexing(value, learning) for key, value in routed[name].fit.items()}
            fitted[name] = clone(classifier).fit(rows, labels, **chosen)
        return fitted

    def _probabilities(self, X: Any) -> list[Floats]:
        return [_columns(classifier, self.classes_, X)[:, 1] for classifier in self.estimators_.values()]

    def _certify(
        self,
        loss: DecisionLoss,
        objective: DecisionLoss,
        target: Integers,
        chances: Sequence[Floats],
        thresholds: Floats,
    ) -> None:
        family = [Decisions(target, (p > t).astype(np.int64), p) for p in chances for t in thresholds]
        units, judged = loss.units(target), objective.units(target)
        if not units.any():
            raise InvalidInput(
                f"none of the {len(target)} held-out rows is a unit of `loss`={self.loss!r}. Pass more rows."
            )
        goal = np.array([objective.of(rows)[judged].mean() if judged.any() else 0.0 for rows in family])
        self.certified_set_ = _certified(
            np.array([loss.of(rows)[units] for rows in family]),
            Mean() if self.measure is None else self.measure,
            risk_limit=self.risk_limit,
            bound=self.bound,
            procedure=self._procedure(),
            confidence_level=self.confidence_level,
            support=loss.support,
            binary=loss.binary,
            objective=_ranked(goal, np.tile(thresholds, len(chances))),
            names=[f"{name} > {threshold:g}" for name, threshold in self.candidates_],
        )
        self.n_units_ = int(units.sum())
        self._learn()

    def _learn(self) -> None:
        answer = self.certified_set_
        self.certified_ = np.array(answer.certified, dtype=np.int64)
        self.p_values_ = np.array(answer.p_values)
        self.selected_ = None if answer.selected is None else self.candidates_[answer.selected]
        self.estimator_ = None if self.selected_ is None else self.estimators_[self.selected_[0]]
        self.threshold_: Any = None if self.selected_ is None else self.selected_[1]

    def _procedure(self) -> Procedure:
        return holm if self.procedure is None else self.procedure

    # ---- answering

    def _check_selected(self) -> None:
        check_is_fitted(self)
        if self.estimator_ is None:
            raise Infeasible(self._shortfall())

    def _shortfall(self) -> str:
        """How far the best candidate was from its threshold, and about how many units would do."""
        delta, m = 1.0 - self.confidence_level, len(self.p_values_)
        procedure = self._procedure()
        first = _first_tests(procedure, m)
        best = int(first[np.argmin(self.p_values_[first])])
        p, threshold = float(self.p_values_[best]), design_delta(procedure, delta, m)
        enough = f" (about {n})" if (n := self._units_needed(best, p, threshold)) else ""
        return (
            f"no candidate certified: smallest p-value {p:.2g} against {threshold:.2g}. "
            f"Raise n{enough}, `risk_limit`, or test fewer candidates."
        )

    def _units_needed(self, best: int, p: float, threshold: float) -> int | None:
        """`n log(threshold) / log(p)` to two digits, as p falls exponentially in n; None if no n would do."""
        if self.certified_set_.estimates[best] >= self.risk_limit or not 0 < threshold < p < 1:
            return None
        n = self.n_units_ * math.log(threshold) / math.log(p)
        step = 10 ** max(math.floor(math.log10(n)) - 1, 0)
        return math.ceil(n / step) * step


def _certified(losses: Floats, *args: Any, **kwargs: Any) -> CertifiedSet:
    """`certify`; that candidates outnumber units is no sign here that rows were taken for columns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*transpose", AssumptionWarning)
        return certify(losses, *args, **kwargs)


def named_classifiers(candidates: Any) -> dict[str, Any]:
    """{name: classifier} of one classifier, several, or (name, classifier) pairs; names are made unique."""
    if hasattr(candidates, "fit"):
        return {_type_name(candidates): candidates}
    if isinstance(candidates, Mapping):
        candidates = list(candidates.items())
    if not isinstance(candidates, Sequence) or isinstance(candidates, str) or not len(candidates):
        raise InvalidInput(
            "`candidates` must be a classifier, a sequence of them, or of (name, classifier); got "
            f"{candidates!r}."
        )
    named: dict[str, Any] = {}
    for each in candidates:
        name, classifier = each if isinstance(each, tuple) and len(each) == 2 else (None, each)
        if not hasattr(classifier, "fit"):
            raise InvalidInput(f"`candidates` holds {classifier!r}, which has no `fit`. Pass classifiers.")
        name = _unused(_type_name(classifier), named) if name is None else str(name)
        if name in named:
            raise InvalidInput(f"`candidates` names {name!r} twice; every classifier needs its own name.")
        named[name] = classifier
    return named


def _type_name(classifier: Any) -> str:
    inner = classifier.estimator if isinstance(classifier, FrozenEstimator) else classifier
    return type(inner).__name__.lower()


def _unused(name: str, named: Mapping[str, Any]) -> str:
    if name not in named:
        return name
    return next(f"{name}-{k}" for k in range(2, len(named) + 3) if f"{name}-{k}" not in named)


def _rows(X: Any) -> Any:
    return range(X.shape[0]) if hasattr(X, "shape") else X


def _columns(classifier: Any, classes: np.ndarray, X: Any) -> Floats:
    """(n, 2) probabilities of `classes`; `InvalidInput` where the classifier has none, or other classes.

    In float64: certificates and predictions must compare the same number with a threshold.
    """
    if not hasattr(classifier, "predict_proba"):
        raise InvalidInput(
            f"`candidates` holds `{type(classifier).__name__}`, which has no `predict_proba`. Wrap it in "
            "`CalibratedClassifierCV`."
        )
    own = list(classifier.classes_)
    if len(own) != 2 or any(label not in own for label in classes):
        raise InvalidInput(f"a classifier knows the classes {own}; `y` holds {list(classes)}.")
    chances = np.asarray(classifier.predict_proba(X), dtype=np.float64)
    if np.isnan(chances).any():
        row = int(np.isnan(chances).any(axis=1).argmax())
        raise InvalidInput(
            f"`{type(classifier).__name__}` gives no probability for row {row}: NaN. Nothing can be decided."
        )
    return chances[:, [own.index(label) for label in classes]]


def _ranked(goal: Floats, thresholds: Floats) -> Floats:
    """Ranks by the goal, ties by the distance of the threshold from 1/2."""
    order = np.lexsort((np.abs(thresholds - 0.5), goal))
    ranks = np.empty(len(goal))
    ranks[order] = np.arange(len(goal))
    return ranks


def _first_tests(procedure: Procedure, m: int) -> Integers:
    """Candidates that the procedure tests first: all, or the starts of a fixed sequence."""
    if not isinstance(procedure, FixedSequence):
        return np.arange(m)
    order = np.array(procedure.order)
    return order[len(order) * np.arange(procedure.starts) // procedure.starts]
