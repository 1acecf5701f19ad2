"""Calibration: does a risk of 20 % come true for 20 % of the rows?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskstats import _validation as gate
from riskstats.losses import sigmoid
from riskstats.results import Result, frame
from riskstats.scores import wording
from riskstats.scores._observed import logit, normal_quantile, outcome_and_risk
from riskstats.scores._types import FloatArray
from riskstats.scores.risk_table import clopper_pearson

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calibration", "CalibrationGroup", "Estimate", "calibration"]

_TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate(Result):
    """A number with its confidence limits; it prints as ``0.98 (0.83 to 1.14)``."""

    value: float
    lower: float
    upper: float

    def summary(self) -> str:
        return f"{self.value:.2f} ({self.lower:.2f} to {self.upper:.2f})"


@dataclass(frozen=True)
class CalibrationGroup(Result):
    """Rows of similar risk: mean predicted risk, observed rate and its exact (Clopper-Pearson) interval."""

    lowest: float
    highest: float
    n: int
    events: int
    predicted: float
    observed: float
    lower: float
    upper: float

    def summary(self) -> str:
        return (
            f"predicted {self.predicted:.3f}, observed {self.events}/{self.n} = {self.observed:.3f} "
            f"({self.lower:.3f} to {self.upper:.3f})"
        )


@dataclass(frozen=True)
class Calibration(Result):
    """Predicted against observed risk.

    Attributes
    ----------
    groups : tuple of CalibrationGroup
        From low to high risk; rows of equal risk are never split.
    in_the_large : Estimate
        The constant a in logit P(y = 1) = a + logit(risk). Ideal 0; above 0 the risks are too low on average.
    slope, intercept : Estimate or None
        b and a in logit P(y = 1) = a + b logit(risk). Ideal 1 and 0; a slope below 1 means risks too extreme.
        None when the fit does not exist: all risks are equal, or they separate the two classes.
    n, events, mean_predicted : int, int, float
        Rows, rows with the outcome, mean of the predicted risks.
    confidence_level : float
        Of all intervals here.
    """

    groups: tuple[CalibrationGroup, ...]
    in_the_large: Estimate
    slope: Estimate | None
    intercept: Estimate | None
    n: int
    events: int
    mean_predicted: float
    confidence_level: float

    def summary(self) -> str:
        level = wording.level(self.confidence_level)
        head = f"{'risk predicted':>16}{'rows':>7}{'events':>8}{'observed':>10}   {level} interval"
        return "\n".join([head, *map(_group_line, self.groups), *self._coefficients()])

    def to_frame(self) -> pd.DataFrame:
        """One row per group."""
        return frame([group.to_dict() for group in self.groups])

    def _coefficients(self) -> list[str]:
        ratio = f"{self.events} events observed, {self.mean_predicted * self.n:.1f} expected"
        lines = [f"in the large {self.in_the_large.summary()}, ideal 0 ({ratio})"]
        if self.slope is None or self.intercept is None:
            return [
                *lines,
                "slope and intercept do not exist here: the risks separate the classes, or are all equal",
            ]
        reading = f"slope {self.slope.summary()}, ideal 1{_slope_in_words(self.slope)}"
        return [*lines, f"{reading}; intercept {self.intercept.summary()}, ideal 0"]


def _slope_in_words(slope: Estimate) -> str:
    """What a slope means whose interval excludes 1."""
    if slope.upper < 1:
        return " (below: the risks are too extreme)"
    return " (above: the risks are too cautious)" if slope.lower > 1 else ""


def _group_line(group: CalibrationGroup) -> str:
    low, high = f"{group.lowest:.3f}", f"{group.highest:.3f}"
    span = low if low == high else f"{low} to {high}"
    return (
        f"{span:>16}{group.n:>7}{group.events:>8}{group.observed:>10.3f}"
        f"   {group.lower:.3f} to {group.upper:.3f}"
    )


def calibration(
    y: ArrayLike, risk: ArrayLike, *, groups: int = 8, confidence_level: float = 0.95
) -> Calibration:
    """Compare predicted with observed risk, by group and by two small logistic models.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes of two classes; the larger label is the outcome.
    risk : array of shape (n,)
        Predicted risks in [0, 1]; for the logistic models they are kept 2.2e-16 away from 0 and 1.
    groups : int
        Most groups. Rows of equal risk stay together, so a score with few totals is shown total by total;
        neighbours are joined until at most `groups` remain, of about equal numbers of rows.
    confidence_level : float
        Exact (Clopper-Pearson) for the groups, Wald for the coefficients.

    References
    ----------
    Cox, Biometrika 45 (1958) 562-565; Clopper and Pearson, Biometrika 26 (1934) 404-413.
    """
    level = gate.confidence_level(confidence_level)
    most = gate.whole_number(groups, "groups", low=1)
    outcome, predicted = outcome_and_risk(y, risk)
    logits = logit(np.clip(predicted, _TINY, 1.0 - _TINY))
    slope, intercept = _slope_and_intercept(outcome, logits, level)
    parts = _split_by_risk(predicted, most)
    return Calibration(
        groups=tuple(_group(outcome[part], predicted[part], level) for part in parts),
        in_the_large=_in_the_large(outcome, logits, level),
        slope=slope,
        intercept=intercept,
        n=int(outcome.size),
        events=int(outcome.sum()),
        mean_predicted=float(predicted.mean()),
        confidence_level=level,
    )


def _split_by_risk(risk: FloatArray, groups: int) -> list[NDArray[np.intp]]:
    """Row indices of at most `groups` groups of about equal size, equal risks kept together."""
    order = np.argsort(risk, kind="stable")
    distinct, first, counts = np.unique(risk[order], return_index=True, return_counts=True)
    if distinct.size <= groups:
        return list(np.split(order, first[1:]))
    middle = first + counts / 2.0
    group = np.minimum((middle * groups / risk.size).astype(int), groups - 1)
    starts = first[np.flatnonzero(np.diff(group)) + 1]
    return list(np.split(order, starts))


def _group(outcome: NDArray[Any], risk: FloatArray, level: float) -> CalibrationGroup:
    n, events = int(outcome.size), int(outcome.sum())
    lower, upper = clopper_pearson(events, n, level)
    return CalibrationGroup(
        float(risk.min()),
        float(risk.max()),
        n,
        events,
        float(risk.mean()),
        events / n,
        float(lower),
        float(upper),
    )


def _in_the_large(outcome: NDArray[Any], logits: FloatArray, level: float) -> Estimate:
    constant = np.ones((logits.size, 1))
    centre, covariance = _logistic_fit(constant, outcome, logits)
    return _wald(centre[0], covariance[0, 0], level)


def _slope_and_intercept(
    outcome: NDArray[Any], logits: FloatArray, level: float
) -> tuple[Estimate | None, Estimate | None]:
    positive, negative = logits[outcome == 1], logits[outcome == 0]
    overlap = positive.min() < negative.max() and negative.min() < positive.max()
    if not overlap:
        return None, None
    design = np.column_stack([np.ones_like(logits), logits])
    centre, covariance = _logistic_fit(design, outcome, np.zeros_like(logits))
    return _wald(centre[1], covariance[1, 1], level), _wald(centre[0], covariance[0, 0], level)


def _logistic_fit(
    design: FloatArray, outcome: NDArray[Any], offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Coefficients of maximum likelihood and their covariance: Newton steps, halved while the loss rises."""
    coefficients = np.zeros(design.shape[1])
    loss = _logit_loss(outcome, offset)
    for _ in range(200):
        gradient, information = _derivatives(design, outcome, offset + design @ coefficients)
        step = np.linalg.solve(information, gradient)
        size = 1.0
        while size > 1e-10 and _logit_loss(outcome, offset + design @ (coefficients + size * step)) > loss:
            size /= 2.0
        coefficients = coefficients + size * step if size > 1e-10 else coefficients
        loss = _logit_loss(outcome, offset + design @ coefficients)
        if size <= 1e-10 or gradient @ step < 1e-20:
            break
    _, information = _derivatives(design, outcome, offset + design @ coefficients)
    return coefficients, np.asarray(np.linalg.inv(information), dtype=np.float64)


def _derivatives(
    design: FloatArray, outcome: NDArray[Any], logits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    risk = sigmoid(logits)
    curvature = np.maximum(sigmoid(logits) * sigmoid(-logits), 1e-300)
    return design.T @ (outcome - risk), (design * curvature[:, None]).T @ design


def _logit_loss(outcome: NDArray[Any], logits: FloatArray) -> float:
    return float(np.sum(np.logaddexp(0.0, logits) - outcome * logits))


def _wald(value: float, variance: float, level: float) -> Estimate:
    half = normal_quantile(level) * float(np.sqrt(variance))
    return Estimate(float(value), float(value) - half, float(value) + half)
