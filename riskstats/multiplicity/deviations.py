"""Discrepancies at several deviations: one time limit for all, and what one proves about the next.

A model that differs by at least d differs by at least every smaller amount. So the discrepancy falls as the
deviation grows, the model found for a large deviation is a lower end at a small one, and the bound at a small
deviation holds at a large one.
"""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.inputs import checked_deviation
from riskstats.multiplicity.literals import literals_of
from riskstats.multiplicity.model_set import PoolModels
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate, weighted_share
from riskstats.multiplicity.set_discrepancy import set_discrepancy
from riskstats.results import Status

__all__ = ["checked_deviations", "discrepancies"]

DEVIATIONS = (0.05, 0.1, 0.2, 0.3)
LEAST_SECONDS = 1e-3
_CLOSED: dict[str, Any] = {"kind": "exact", "status": str(Status.OPTIMAL)}


def checked_deviations(deviations: Any, scale: str) -> tuple[float, ...]:
    """Deviations in ascending order, each once; None is 0.05, 0.1, 0.2, 0.3 for probabilities."""
    if deviations is None:
        if scale == "probability":
            return DEVIATIONS
        raise InvalidInput(
            "`deviations` must be given for a regressor, in units of y, such as `deviations=(1.0, 5.0)`."
        )
    if isinstance(deviations, numbers.Real):
        deviations = (deviations,)
    if isinstance(deviations, str) or not hasattr(deviations, "__iter__"):
        raise InvalidInput(f"`deviations` must be numbers, such as (0.05, 0.1); got {deviations!r}.")
    amounts = sorted({checked_deviation(each, scale) for each in deviations})
    if not amounts:
        raise InvalidInput("`deviations` is empty. Give at least one, such as (0.05, 0.1).")
    return tuple(amounts)


def discrepancies(
    models: ConvexModels | PoolModels,
    rows: Any,
    amounts: Sequence[float],
    weights: Floats,
    seconds: float,
    found: PredictionRange,
) -> tuple[MultiplicityRate, ...]:
    """The discrepancy at each of the ascending amounts, together within about `seconds`.

    The largest comes first, which is the easiest; each may use an equal share of the time that is left.
    """
    deadline = time.perf_counter() + seconds
    answers: list[MultiplicityRate] = []
    for position in reversed(range(len(amounts))):
        share = max((deadline - time.perf_counter()) / (position + 1), LEAST_SECONDS)
        answer = set_discrepancy(
            models,
            rows,
            deviation=amounts[position],
            sample_weight=weights,
            time_limit=share if math.isfinite(share) else None,
            prediction_range=found,
        )
        if answers and isinstance(models, ConvexModels):
            answer = _at_least(answer, answers[-1], models, rows, weights)
        answers.append(answer)
    return _bounded(answers[::-1])


def _at_least(
    answer: MultiplicityRate, larger: MultiplicityRate, models: ConvexModels, rows: Any, weights: Floats
) -> MultiplicityRate:
    """The answer, or what the model of a larger deviation shows at this one where that is more."""
    if not isinstance(larger.witness, np.ndarray) or answer.deviation is None:
        return answer
    coefficients = larger.witness if models.level_set.problem.intercept else larger.witness[1:]
    logits = models.directions(rows) @ coefficients
    literals = literals_of(models.baseline_logits(rows), answer.deviation, models.scale)
    differs = literals.reached(logits, logits) & (weights > 0.0)
    value = weighted_share(differs, weights)
    if value <= answer.value:
        return answer
    closed = answer.bound is not None and value >= answer.bound
    return replace(
        answer,
        value=value,
        rows=differs,
        n_conflict=int(differs.sum()),
        witness=larger.witness,
        **(_CLOSED if closed else {}),
    )


def _bounded(ascending: Sequence[MultiplicityRate]) -> tuple[MultiplicityRate, ...]:
    """No bound above that of a smaller deviation."""
    answers = [ascending[0]]
    for rate in ascending[1:]:
        known = answers[-1].bound
        if known is not None and rate.bound is not None and known < rate.bound:
            rate = replace(rate, bound=known, **(_CLOSED if rate.value >= known else {}))
        answers.append(rate)
    return tuple(answers)
