"""The area under the ROC curve with an honest interval: do rows with the outcome get higher scores?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from riskstats import _validation as gate
from riskstats.losses import sigmoid
from riskstats.results import Result
from riskstats.scores import wording
from riskstats.scores._observed import logit, normal_quantile, outcome_and_score
from riskstats.scores._types import FloatArray

__all__ = ["AUCInterval", "auc_interval"]

_TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class AUCInterval(Result):
    """Area under the ROC curve with its confidence limits.

    `method` says which interval it is: "delong" or "newcombe" (see `auc_interval`).
    """

    auc: float
    lower: float
    upper: float
    confidence_level: float
    method: str
    n_positive: int
    n_negative: int

    def summary(self) -> str:
        name = {"delong": "DeLong", "newcombe": "Newcombe"}[self.method]
        level = wording.level(self.confidence_level)
        return f"AUC {self.auc:.3f} ({level} interval {self.lower:.3f} to {self.upper:.3f}, {name})"


def auc_interval(
    y: ArrayLike, score: ArrayLike, *, confidence_level: float = 0.95, method: str = "delong"
) -> AUCInterval:
    """Return the area under the ROC curve, P(score+ > score-) + P(score+ = score-) / 2, with an interval.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes of two classes; the larger label is the positive one.
    score : array of shape (n,)
        Any finite numbers, larger = more likely positive. Ties count one half.
    confidence_level : float
        Two-sided, asymptotic.
    method : {"delong", "newcombe"}
        "delong": the variance of the placement values, limits on the logit scale so that they stay in (0, 1).
        It says nothing when the scores separate the classes or are all equal (variance 0), or when a class
        has a single row; there, "newcombe" is used and reported. "newcombe": the score interval that solves
        |auc - t| = z sqrt(V(t)) with the Hanley-McNeil variance V; never of width 0. Cost O(n log n).

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845. Newcombe, Statistics in Medicine 25
    (2006) 559-573, method 5.
    """
    level = gate.confidence_level(confidence_level)
    gate.choice(method, ("delong", "newcombe"), "method")
    outcome, values = outcome_and_score(y, score, "score")
    above, below = _placements(values[outcome == 1], values[outcome == 0])
    auc = float(above.mean())
    error = _delong_error(above, below) if method == "delong" else 0.0
    used = "delong" if error > 0 else "newcombe"
    sizes = above.size, below.size
    lower, upper = _logit_limits(auc, error, level) if error > 0 else _newcombe_limits(auc, *sizes, level)
    return AUCInterval(auc, lower, upper, level, used, *sizes)


def _placements(positive: FloatArray, negative: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of negatives below each positive, and of positives above each negative; ties count 1/2."""
    low, high = np.sort(negative), np.sort(positive)
    above = (np.searchsorted(low, positive, "left") + np.searchsorted(low, positive, "right")) / (
        2.0 * low.size
    )
    under = (np.searchsorted(high, negative, "left") + np.searchsorted(high, negative, "right")) / (
        2.0 * high.size
    )
    return above, 1.0 - under


def _delong_error(above: FloatArray, below: FloatArray) -> float:
    if min(above.size, below.size) < 2:
        return 0.0
    variance = np.var(above, ddof=1) / above.size + np.var(below, ddof=1) / below.size
    return float(np.sqrt(variance)) if variance > _TINY**2 else 0.0


def _logit_limits(auc: float, error: float, level: float) -> tuple[float, float]:
    half = normal_quantile(level) * error / (auc * (1.0 - auc))
    centre = logit(auc)
    return float(sigmoid(centre - half)), float(sigmoid(centre + half))


def _newcombe_limits(auc: float, n_positive: int, n_negative: int, level: float) -> tuple[float, float]:
    from scipy.optimize import brentq

    z2 = normal_quantile(level) ** 2
    spread = (n_positive + n_negative) / 2.0 - 1.0

    def excess(t: float) -> float:
        variance = t * (1.0 - t) * (1.0 + spread * (1.0 - t) / (2.0 - t) + spread * t / (1.0 + t))
        return (t - auc) ** 2 - z2 * variance / (n_positive * n_negative)

    step = 1e-9
    lower = 0.0 if auc <= step else float(brentq(excess, 0.0, auc - step))
    upper = 1.0 if auc >= 1.0 - step else float(brentq(excess, auc + step, 1.0))
    return lower, upper
