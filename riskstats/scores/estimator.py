"""`RiskScoreClassifier`: a certified integer risk score as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from riskstats import __version__
from riskstats._progress import SearchProgress
from riskstats._validation import (
    Table,
    as_table,
    binary_target,
    choice,
    no_missing,
    non_negative_number,
    number_range,
    positive_number,
    sample_weights,
    time_limit,
    weighted_classes,
    whole_number,
)
from riskstats.exceptions import InvalidInput
from riskstats.results import plain
from riskstats.scores import beam, bnb, scip
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.binning import Binning, Coding, raw_coding
from riskstats.scores.boxes import coefficient_boxes
from riskstats.scores.certificate import Certificate
from riskstats.scores.compression import data_hash
from riskstats.scores.fit_warnings import warn_of_large_steps, warn_of_the_end, warn_of_the_pool
from riskstats.scores.pool import Pool
from riskstats.scores.pool import solve as solve_pool
from riskstats.scores.pool_result import CardPool
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, ScoreSolution, SolveOptions
from riskstats.scores.proof import Proof
from riskstats.scores.scorecard import ScoreCard

__all__ = ["RiskScoreClassifier"]

_ENGINES = {"bnb": bnb.solve, "scip": scip.solve, "beam": beam.solve}
_KINDS = {"bnb": "proof", "scip": "solver bound", "beam": "none"}


class RiskScoreClassifier(ClassifierMixin, BaseEstimator):
    """A risk score with small integer points, of least logistic loss, with a proof of how good it is.

        risk = 1 / (1 + exp(-(intercept + total) / multiplier)),    total = sum of the points of a row

    The points minimise mean logistic loss + `coefficient_penalty` x number of features over all integer
    points in their ranges with at most `max_features` features, and over the multiplier (see
    `scores.problem`). The positive class is ``classes_[1]``.

    Parameters
    ----------
    max_features : most lines on the card (`None`: no limit); every bin of a binned column counts.
    coefficient_range : (low, high), whole numbers, low <= 0 <= high.
    coefficient_penalty : loss, in nats, that a feature must save to be used. The default only prefers the
        smaller of equally good cards.
    multiplier : "certified": the best over `multiplier_range`, with proof; a number > 0: fixed; "search":
        the best that the heuristic finds (``solver="beam"``).
    multiplier_range : (low, high) for "certified" and "search". On separable data the best multiplier is
        the low end.
    intercept_range : "auto", a range that provably holds a best intercept, or (low, high).
    sign : {column: +1 or -1}: points of that column are never negative (+1) or never positive (-1). On a
        column binned by thresholds this makes the risk monotone. Bins of missing values and special codes
        are free.
    feature_ranges : {column or feature label: (low, high)} in place of `coefficient_range`.
    binning : "auto": continuous and text columns become readable bins (`Binning()`), 0/1 and small whole
        numbers are used as they are; a `Binning`; None: every column as it is.
    class_weight : None, "balanced" or {class: weight}; multiplies `sample_weight`.
    solver : "bnb": branch and bound with a proof that `verify_certificate` re-checks; "scip": the solver
        SCIP, for a fixed multiplier; "beam": heuristic alone.
    time_limit : seconds. A search that is stopped keeps its best card, with an honest gap, and warns
        (`StoppedEarly`).
    gap : relative gap at which to stop.
    pool : a `Pool`, such as ``Pool(0.01)``: list the cards whose objectives are within epsilon of the best.
        That search follows the fit and has `time_limit` seconds of its own.
    device : "auto", "numpy", "cpu" or "gpu": where the relaxations are solved.
    verbose : draw a progress bar where there is a terminal. Log lines go to the logger "riskstats.progress".
    random_state : recorded on the card. No solver has chance in it: same data, same card.

    Attributes
    ----------
    scorecard_ : the `ScoreCard`. certificate_ : its `Certificate`. proof_ : the `Proof`, None unless
        ``solver="bnb"``. pool_ : the `CardPool` that `pool` asks for, else None.
    coef_ : (1, features) points, int64. intercept_ : (1,) int64. multiplier_ : float.
    coding_ : the `Coding` from columns to features. features_ : labels of the features.
    classes_, n_features_in_, feature_names_in_ : as everywhere in scikit-learn.

    Raises `InvalidInput` (a `ValueError`) for data and parameters that cannot be used, with what to do.

    Source: Ustun and Rudin, "Learning Optimized Risk Scores", JMLR 20 (2019), for the problem with a fixed
    multiplier.
    """

    def __init__(
        self,
        max_features: int | None = 5,
        coefficient_range: tuple[int, int] = (-5, 5),
        coefficient_penalty: float = 1e-6,
        *,
        multiplier: float | str = "certified",
        multiplier_range: tuple[float, float] = (1.0, 20.0),
        intercept_range: tuple[int, int] | str = "auto",
        sign: Mapping[str, int] | None = None,
        feature_ranges: Mapping[str, tuple[int, int]] | None = None,
        binning: Binning | str | None = "auto",
        class_weight: Mapping[Any, float] | str | None = None,
        solver: str = "bnb",
        time_limit: float | None = 60.0,
        gap: float = 0.0,
        pool: Pool | None = None,
        device: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.max_features = max_features
        self.coefficient_range = coefficient_range
        self.coefficient_penalty = coefficient_penalty
        self.multiplier = multiplier
        self.multiplier_range = multiplier_range
        self.intercept_range = intercept_range
        self.sign = sign
        self.feature_ranges = feature_ranges
        self.binning = binning
        self.class_weight = class_weight
        self.solver = solver
        self.time_limit = time_limit
        self.gap = gap
        self.pool = pool
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RiskScoreClassifier:
        """Learn the card.

        Parameters
        ----------
        X : array or frame, (n, columns). y : labels of two classes, (n,). sample_weight : (n,), >= 0; a
            weight equals repetition.
        """
        choice(self.solver, tuple(_ENGINES), "solver")
        self._check_pool()
        multipliers = self._multipliers()
        sample = self._sample(X, y, sample_weight)
        coding = self._coding(sample)
        features = coding.transform(sample.table)
        lower, upper = coefficient_boxes(coding, self.coefficient_range, self.sign, self.feature_ranges)
        problem = IntegerScoreProblem.from_data(
            features,
            sample.target,
            sample.weight * sample.factors[sample.target],
            lower=lower,
            upper=upper,
            max_features=self._most_features(),
            penalty=non_negative_number(self.coefficient_penalty, "coefficient_penalty"),
            multiplier_range=multipliers,
            intercept=self._intercept_box(),
        )
        warn_of_large_steps(coding, features)
        solution = self._solve(problem)
        self._learn(sample, coding, problem, solution)
        warn_of_the_end(solution, problem)
        self.pool_ = self._pool(sample, coding, problem, solution)
        warn_of_the_pool(self.pool_, solution)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every row: the positive one where the risk is above 1/2, not at 1/2 itself."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(np.int64)]

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probabilities of the negative and the positive class, (n, 2)."""
        table = self._table(X)
        return self.scorecard_.predict_proba(table)

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of the positive class, (intercept + total) / multiplier, (n,)."""
        table = self._table(X)
        return self.scorecard_.decision_function(table)

    def predict_score(self, X: Any) -> IntArray:
        """Return the total points of every row, without the intercept: the number that a reader adds up."""
        table = self._table(X)
        return self.scorecard_.predict_score(table)

    def contributions(self, X: Any) -> IntArray:
        """Return the points of every row on every line of the card, (n, lines); rows sum to
        `predict_score`."""
        table = self._table(X)
        return self.scorecard_.contributions(table)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = self.binning is not None
        return tags

    # ---- input

    def _table(self, X: Any) -> Table:
        check_is_fitted(self)
        table = as_table(X)
        self._check_columns(X, table, reset=False)
        return table

    def _check_columns(self, X: Any, table: Table, *, reset: bool) -> None:
        """Learn or compare number and names of the columns; a `Table` and a dict go by name, the rest as in
        scikit-learn."""
        if not isinstance(X, Table | Mapping):
            validate_data(self, X, reset=reset, skip_check_array=True)
        elif reset:
            self.n_features_in_ = len(table.names)
            self.feature_names_in_ = np.array(table.names, dtype=object)

    def _sample(self, X: Any, y: Any, sample_weight: Any) -> _Sample:
        """Check data and weights, drop rows without weight, and learn names and classes."""
        table = as_table(X)
        self._check_columns(X, table, reset=True)
        target, classes = binary_target(y)
        if len(target) != table.n_rows:
            raise InvalidInput(
                f"`X` has {table.n_rows} rows and `y` has {len(target)}. Pass one label per row."
            )
        weight = sample_weights(sample_weight, table.n_rows)
        weighted_classes(target, weight, classes)
        kept = weight > 0
        if not kept.all():
            table, target, weight = table.take(kept), target[kept], weight[kept]
        self.classes_ = np.unique(np.asarray(y))
        name = getattr(y, "name", None)
        return _Sample(
            table, target, weight, self._class_factors(target, weight, classes), classes, str(name or "y")
        )

    def _class_factors(self, target: IntArray, weight: FloatArray, classes: tuple[Any, Any]) -> FloatArray:
        """Return the weight of the negative and of the positive class."""
        if self.class_weight is None:
            return np.ones(2)
        if isinstance(self.class_weight, str):
            choice(self.class_weight, ("balanced",), "class_weight")
            sums = np.bincount(target, weight, 2)
            return np.asarray(weight.sum() / (2.0 * sums))
        unknown = [key for key in self.class_weight if key not in classes]
        if unknown:
            raise InvalidInput(
                f"`class_weight` names {unknown[0]!r}, which is not a class of `y`: "
                f"{classes[0]!r}, {classes[1]!r}."
            )
        return np.array(
            [
                positive_number(self.class_weight.get(label, 1.0), f"class_weight[{label!r}]")
                for label in classes
            ]
        )

    def _coding(self, sample: _Sample) -> Coding:
        if self.binning is None:
            no_missing(sample.table, remedy="Pass `binning=Binning()`: missing becomes a bin of its own.")
            return raw_coding(sample.table)
        if not (
            isinstance(self.binning, Binning) or (isinstance(self.binning, str) and self.binning == "auto")
        ):
            raise InvalidInput(f"`binning` must be 'auto', a Binning or None; got {self.binning!r}.")
        binning = Binning() if isinstance(self.binning, str) else self.binning
        return binning.fit(sample.table, sample.target, sample.weight)

    # ---- problem

    def _multipliers(self) -> tuple[float, float]:
        if isinstance(self.multiplier, str):
            if self.multiplier not in ("certified", "search"):
                raise InvalidInput(
                    f"`multiplier` must be > 0, 'certified' or 'search'; got {self.multiplier!r}."
                )
            if self.multiplier == "certified" and self.solver != "bnb":
                why = "gives no bound" if self.solver == "beam" else "works at one multiplier only"
                raise InvalidInput(
                    f"{self.solver!r} {why}, so it cannot certify a multiplier. "
                    "Use `multiplier='search'` with "
                    "`solver='beam'`, a number, or `solver='bnb'`."
                )
            if self.multiplier == "search" and self.solver != "beam":
                raise InvalidInput(
                    "`multiplier='search'` belongs to `solver='beam'`; use 'certified' or a number."
                )
            return number_range(self.multiplier_range, "multiplier_range")
        value = positive_number(self.multiplier, "multiplier")
        return value, value

    def _most_features(self) -> int | None:
        return None if self.max_features is None else whole_number(self.max_features, "max_features", low=1)

    def _intercept_box(self) -> tuple[int, int] | None:
        if isinstance(self.intercept_range, str):
            choice(self.intercept_range, ("auto",), "intercept_range")
            return None
        try:
            low, high = self.intercept_range
        except (TypeError, ValueError):
            raise InvalidInput(
                f"`intercept_range` must be 'auto' or two integers; got {self.intercept_range!r}."
            ) from None
        low = whole_number(low, "the low end of intercept_range")
        return low, whole_number(high, "the high end of intercept_range", low=low)

    def _check_pool(self) -> None:
        if not (self.pool is None or isinstance(self.pool, Pool)):
            raise InvalidInput(f"`pool` must be a Pool, such as Pool(0.01), or None; got {self.pool!r}.")

    def _solve(self, problem: IntegerScoreProblem) -> ScoreSolution:
        with self._progress() as progress:
            options = replace(self._options(), gap=non_negative_number(self.gap, "gap"), progress=progress)
            return _ENGINES[self.solver](problem, options)

    def _progress(self) -> SearchProgress:
        return SearchProgress(time_limit(self.time_limit), bar=bool(self.verbose))

    def _options(self) -> SolveOptions:
        return SolveOptions(time_limit=time_limit(self.time_limit), device=self.device)

    # ---- answer

    def _learn(
        self, sample: _Sample, coding: Coding, problem: IntegerScoreProblem, solution: ScoreSolution
    ) -> None:
        points = solution.coefficients
        self.coding_ = coding
        self.features_ = tuple(rule.label for rule in coding.rules)
        self.coef_ = points[None, 1:].copy()
        self.intercept_ = points[:1].copy()
        self.multiplier_ = solution.multiplier
        statement = self._statement(sample, coding, problem)
        self.proof_ = None
        if solution.proof is not None:
            self.proof_ = Proof(
                {**solution.proof.header, **statement, "coding": coding.to_dict()}, solution.proof.arrays
            )
        self.certificate_ = Certificate(
            objective=solution.value,
            loss=solution.loss,
            lower_bound=solution.bound,
            status=solution.status,
            kind=_KINDS[self.solver],
            engine=solution.engine,
            nodes=solution.nodes,
            seconds=solution.seconds,
            compile_seconds=solution.compile_seconds,
            tolerance=TOLERANCE,
            problem={**problem.to_dict(), **statement},
            data_hash=statement["data_hash"],
            proof_hash=None if self.proof_ is None else self.proof_.digest(),
        )
        self.scorecard_ = self._card(sample, coding)

    def _pool(
        self, sample: _Sample, coding: Coding, problem: IntegerScoreProblem, solution: ScoreSolution
    ) -> CardPool | None:
        """Return the pool around the card that was found, if one is asked for."""
        if self.pool is None:
            return None
        card = self.scorecard_
        with self._progress() as progress:
            start = solution.coefficients, solution.scale
            options = replace(self._options(), start=start, progress=progress)
            any_intercept = isinstance(self.intercept_range, str)
            found = solve_pool(problem, self.pool, options, any_intercept=any_intercept)
        return CardPool.of(
            found,
            self.pool,
            coding=coding,
            outcome=card.outcome,
            classes=card.classes,
            input_names=card.input_names,
            named=card.named,
            statement=self._statement(sample, coding, problem),
            provenance=card.provenance,
        )

    def _statement(self, sample: _Sample, coding: Coding, problem: IntegerScoreProblem) -> dict[str, Any]:
        """Return what a checker needs beyond the integer problem: data, weights of the classes, the
        intercept's origin."""
        negative, positive = sample.factors
        return {
            "data_hash": data_hash(problem.rows, problem.positive, problem.negative),
            "class_weight": {"negative": float(negative), "positive": float(positive)},
            "intercept_range": "auto" if isinstance(self.intercept_range, str) else "given",
        }

    def _card(self, sample: _Sample, coding: Coding) -> ScoreCard:
        used = [
            (rule, int(points)) for rule, points in zip(coding.rules, self.coef_[0], strict=True) if points
        ]
        columns = {rule.column for rule, _ in used}
        card = ScoreCard(
            outcome=f"{sample.name} = {sample.classes[1]}",
            classes=sample.classes,
            lines=tuple(used),
            columns=tuple(column for column in coding.columns if column.column in columns),
            input_names=sample.table.names,
            named=sample.table.named,
            intercept=int(self.intercept_[0]),
            multiplier=self.multiplier_,
            certificate=self.certificate_,
            provenance=self._provenance(sample, coding),
        )
        labels = np.array(sample.classes, dtype=object)[sample.target]
        table = card.risk_table(sample.table, labels, sample_weight=sample.weight, data="training rows")
        return replace(card, table=table)

    def _provenance(self, sample: _Sample, coding: Coding) -> dict[str, Any]:
        parameters = {name: plain(value) for name, value in self.get_params(deep=False).items()}
        parameters["random_state"] = str(self.random_state)
        if isinstance(self.class_weight, Mapping):
            parameters["class_weight"] = {str(label): value for label, value in self.class_weight.items()}
        return {
            "riskstats": __version__,
            "rows": sample.table.n_rows,
            "features": len(coding.rules),
            "unused_columns": list(coding.constant),
            "parameters": parameters,
        }


@dataclass(frozen=True)
class _Sample:
    """Training rows with weight, their 0/1 target, and the factor of each class."""

    table: Table
    target: IntArray
    weight: FloatArray
    factors: FloatArray
    classes: tuple[Any, Any]
    name: str
