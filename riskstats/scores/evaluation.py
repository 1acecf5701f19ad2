"""How good are predicted risks on rows that were not used for training?

`auc_interval` asks whether rows with the outcome get higher scores (ranking), `calibration` whether 20 %
means 20 % (reliability), `evaluate` puts both beside the log loss of a card and of the base rate alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from riskstats import _validation as gate
from riskstats.results import Result
from riskstats.scores._observed import outcome_and_risk
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.calibration import Calibration, CalibrationGroup, Estimate, calibration
from riskstats.scores.discrimination import AUCInterval, auc_interval

__all__ = [
    "AUCInterval",
    "Calibration",
    "CalibrationGroup",
    "Estimate",
    "Evaluation",
    "auc_interval",
    "calibration",
    "evaluate",
]

_TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Evaluation(Result):
    """Ranking, reliability and overall accuracy of predicted risks on one set of rows.

    `log_loss` is in nats per row; `base_rate_log_loss` is that of giving every row the risk `base_rate`.
    """

    auc: AUCInterval
    calibration: Calibration
    log_loss: float
    base_rate: float
    base_rate_log_loss: float
    brier: float

    def summary(self) -> str:
        saved = 1.0 - self.log_loss / self.base_rate_log_loss
        loss = (
            f"log loss {self.log_loss:.4f}; giving everybody the base rate of {self.base_rate:.3f} costs "
            f"{self.base_rate_log_loss:.4f}, so the score saves {100 * saved:.0f} %"
        )
        return f"{self.auc.summary()}\n{loss}\nBrier score {self.brier:.4f}\n{self.calibration.summary()}"


def evaluate(
    y: ArrayLike,
    risk: ArrayLike,
    *,
    base_rate: float | None = None,
    groups: int = 8,
    confidence_level: float = 0.95,
) -> Evaluation:
    """Judge predicted risks against what happened.

    Parameters
    ----------
    y : array of shape (n,)
        Outcomes of two classes; the larger label is the outcome the risks are about.
    risk : array of shape (n,)
        Predicted risks in [0, 1]. For the log loss they are kept 2.2e-16 away from 0 and 1.
    base_rate : float, optional
        The risk given to every row for comparison, best the share of events in the training rows. Default:
        their share in `y`, which favours the base rate.
    groups, confidence_level
        As in `calibration`.

    Raises
    ------
    InvalidInput
        Lengths differ, `y` has not two classes, or a risk is missing or outside [0, 1].
    """
    outcome, predicted = outcome_and_risk(y, risk)
    base = float(outcome.mean()) if base_rate is None else gate.probability(base_rate, "base_rate")
    return Evaluation(
        auc=auc_interval(outcome, predicted, confidence_level=confidence_level),
        calibration=calibration(outcome, predicted, groups=groups, confidence_level=confidence_level),
        log_loss=_log_loss(outcome, predicted),
        base_rate=base,
        base_rate_log_loss=_log_loss(outcome, np.full(predicted.shape, base)),
        brier=float(np.mean((outcome - predicted) ** 2)),
    )


def _log_loss(outcome: IntArray, risk: FloatArray) -> float:
    kept = np.clip(risk, _TINY, 1.0 - _TINY)
    return float(-np.mean(np.where(outcome == 1, np.log(kept), np.log1p(-kept))))
