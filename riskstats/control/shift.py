"""Covariate shift: bound the risk on target units from losses that were measured on source units."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._samples import checked_support, loss_vector
from riskstats._validation import Floats, finite_vector, positive_number, same_length
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.result import RiskBound
from riskstats.bounds.sample import Sample
from riskstats.control.shift_methods import (
    ControlVariate,
    Declared,
    Estimated,
    Rejection,
    Reweighted,
    Shifted,
    ShiftMethod,
    StratifiedBox,
)
from riskstats.control.shift_weights import ShiftWeights
from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean
from riskstats.results import Status

__all__ = [
    "ControlVariate",
    "Rejection",
    "Reweighted",
    "ShiftMethod",
    "ShiftedRiskBound",
    "StratifiedBox",
    "shifted_upper_bound",
]

SHIFT = "Assumes that a unit with the same inputs has the same law of the loss in source and target."


@dataclass(frozen=True)
class ShiftedRiskBound(RiskBound):
    """A bound on the target risk; `n_units` counts source units, `estimate` is the weighted measure.

    Attributes
    ----------
    method : how the weights entered.
    w_max : largest weight, declared or estimated.
    epsilon : width of the widest box of estimated weights; 0 for declared ones.
    kept : units that the bound was computed on.
    n_effective : `(sum w)^2 / sum w^2`; nan without a positive weight.
    """

    method: str = ""
    w_max: float = 1.0
    epsilon: float = 0.0
    kept: int = 0
    n_effective: float = math.nan

    def summary(self) -> str:
        """The statement, the estimate, what the weights cost, and the notes."""
        lines = super().summary().split("\n")
        cost = (
            f"Target risk by {self.method}: {self.kept} of {self.n_units} source units used, largest "
            f"weight {self.w_max:.4g}, effective size {self.n_effective:.4g}, width of the weights "
            f"{self.epsilon:.3g}."
        )
        return "\n".join([*lines[:2], cost, *lines[2:]])


def shifted_upper_bound(
    losses: Any,
    weights: Any,
    measure: RiskMeasure | None = None,
    *,
    weight_bound: float | None = None,
    score: Any = None,
    method: ShiftMethod | None = None,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    binary: bool = False,
    random_state: RandomState = None,
) -> ShiftedRiskBound:
    """A number that the risk on the target exceeds with probability at most the stated error.

    Parameters
    ----------
    losses : (n,) one loss per independent source unit.
    weights : (n,) known density ratios `dQ/dP` of target to source, which average 1; or the `ShiftWeights` of
        `covariate_shift_weights`.
    measure : what to bound; None is the mean.
    weight_bound : with known weights, a number that no weight can exceed, known beforehand.
    score : (n,) with `ShiftWeights`, the score of every unit in `losses`.
    method : None takes `ControlVariate()` for the mean and `Rejection()` for other measures with known
        weights, `StratifiedBox()` with `ShiftWeights`.
    confidence_level : of the bound given the weights. The result states the total: with `ShiftWeights` at
        .99 and .95 here it is .94.
    support, binary : as in `upper_bound`.
    random_state : for `Rejection`. Repeating the draw and quoting the best is invalid.

    Raises
    ------
    InvalidInput : weights that are negative, NaN, above `weight_bound`, or that are not one per loss.
    IncompatibleBound : a method without a statement for this measure or these weights.
    """
    ends = checked_support(support)
    vector, boolean = loss_vector(losses, ends)
    sample = Sample(vector[np.newaxis], ends, binary or boolean)
    delta = 1.0 - checked_confidence(confidence_level)
    measure = Mean() if measure is None else measure
    if not isinstance(measure, RiskMeasure):
        raise InvalidInput(f"`measure` must be a risk measure such as CVaR(0.9); got {measure!r}.")
    if isinstance(weights, ShiftWeights):
        return _estimated(sample, weights, measure, score, method, delta, random_state)
    return _declared(sample, weights, measure, weight_bound, method, delta, random_state)


def _declared(
    sample: Sample,
    weights: Any,
    measure: RiskMeasure,
    weight_bound: float | None,
    method: ShiftMethod | None,
    delta: float,
    random_state: RandomState,
) -> ShiftedRiskBound:
    vector, top = _checked_weights(weights, weight_bound, sample.n_units)
    if method is None:
        method = ControlVariate() if isinstance(measure, Mean) else Rejection()
    if not isinstance(method, Rejection):
        _average_one(vector, top)
    case = Declared(sample, measure, delta, vector, top, _stream(random_state))
    return _result(_method(method).declared(case), sample, measure, method, vector, delta, top, 0.0, (SHIFT,))


def _estimated(
    sample: Sample,
    boxes: ShiftWeights,
    measure: RiskMeasure,
    score: Any,
    method: ShiftMethod | None,
    delta: float,
    random_state: RandomState,
) -> ShiftedRiskBound:
    if score is None:
        raise InvalidInput("`ShiftWeights` need `score=`, the score of every unit in `losses`; got None.")
    scores = finite_vector(score, "score")
    same_length(losses=sample.values[0], score=scores)
    method = StratifiedBox() if method is None else method
    bins = boxes.bins(scores)
    case = Estimated(sample, measure, delta, boxes, bins, _stream(random_state))
    answer = _method(method).estimated(case)
    total = delta + (1.0 - boxes.confidence_level)
    notes = boxes.notes if isinstance(method, Rejection) else boxes.notes[:1]
    plug_in = boxes.shares()[bins]
    return _result(answer, sample, measure, method, plug_in, total, boxes.w_max, boxes.epsilon, notes)


def _result(
    answer: Shifted,
    sample: Sample,
    measure: RiskMeasure,
    method: ShiftMethod,
    weights: Floats,
    delta: float,
    w_max: float,
    epsilon: float,
    notes: tuple[str, ...],
) -> ShiftedRiskBound:
    some = bool(weights.any())
    return ShiftedRiskBound(
        value=answer.value,
        estimate=measure(sample.values[0], weights) if some else math.nan,
        side="upper",
        measure=str(measure),
        bound=str(answer.bound),
        confidence_level=1.0 - delta,
        n_units=sample.n_units,
        support=sample.support,
        status=Status.BOUND if math.isfinite(answer.value) else Status.NO_BOUND,
        notes=notes,
        method=str(method),
        w_max=w_max,
        epsilon=epsilon,
        kept=answer.kept,
        n_effective=float(weights.sum() ** 2 / (weights**2).sum()) if some else math.nan,
    )


def _stream(random_state: RandomState) -> np.random.Generator:
    """A stream of its own, which is not that of data simulated with the same seed."""
    return generator(random_state).spawn(1)[0]


def _method(method: object) -> ShiftMethod:
    if not isinstance(method, ShiftMethod):
        raise InvalidInput(f"`method` must be a shift method such as `Rejection()`; got {method!r}.")
    return method


def _checked_weights(weights: Any, weight_bound: float | None, n: int) -> tuple[Floats, float]:
    vector = finite_vector(weights, "weights")
    if len(vector) != n:
        raise InvalidInput(f"`weights` has {len(vector)} values for {n} losses. Pass one per unit.")
    if vector.min() < 0:
        raise InvalidInput(f"`weights` must be >= 0; got {vector.min():g} at {int(vector.argmin())}.")
    if weight_bound is None:
        raise InvalidInput(
            f"`weight_bound` is missing; `weights` reach {vector.max():g}. Importance weights need a known "
            "bound, not the sample maximum."
        )
    top = positive_number(weight_bound, "weight_bound")
    if vector.max() > top:
        raise InvalidInput(
            f"`weights` reach {vector.max():.6g} > `weight_bound` {top:g}. Importance weights need a known "
            "bound, not the sample maximum."
        )
    if top < 1:
        raise InvalidInput(f"`weight_bound` must be >= 1, as weights average 1; got {top:g}.")
    return vector, top


def _average_one(weights: Floats, top: float) -> None:
    """Warn where weights in [0, top] with mean 1 would average so far from 1 once in a million samples."""
    room = top * math.sqrt(math.log(2e6) / (2 * len(weights)))
    average = float(weights.mean())
    if abs(average - 1.0) > room:
        warnings.warn(
            f"`weights` average {average:.3g}; density ratios of target to source average 1. Divide by their "
            "known mean, or use `Rejection()`, which needs them up to a factor only.",
            AssumptionWarning,
            stacklevel=4,
        )
