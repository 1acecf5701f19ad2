"""Outcomes beside predictions: the gate of the evaluation, and three formulas that its parts share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskstats import _validation as gate
from riskstats.exceptions import InvalidInput
from riskstats.scores._types import FloatArray

__all__ = ["logit", "normal_quantile", "outcome_and_risk", "outcome_and_score"]


def outcome_and_score(y: ArrayLike, values: ArrayLike, name: str) -> tuple[NDArray[Any], FloatArray]:
    """Return a two-class outcome as 0 and 1 and finite values, one per row, or raise `InvalidInput`."""
    outcome, _ = gate.binary_target(y)
    numbers = gate.finite_vector(values, name)
    gate.same_length(y=outcome, **{name: numbers})
    return outcome, numbers


def outcome_and_risk(y: ArrayLike, risk: ArrayLike) -> tuple[NDArray[Any], FloatArray]:
    """Return outcome and risks in [0, 1], one per row."""
    outcome, predicted = outcome_and_score(y, risk, "risk")
    bad = np.flatnonzero((predicted < 0) | (predicted > 1))
    if bad.size:
        raise InvalidInput(
            f"`risk` must lie in [0, 1]; row {bad[0]} has {predicted[bad[0]]:g}. Pass probabilities."
        )
    return outcome, predicted


def logit(risk: Any) -> Any:
    """Return the log odds of a risk."""
    return np.log(risk) - np.log1p(-risk)


def normal_quantile(level: float) -> float:
    """Return z such that a standard normal variable lies in (-z, z) with probability `level`."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2.0))
