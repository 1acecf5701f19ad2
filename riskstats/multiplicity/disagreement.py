"""Decisions that depend on the model: how many models of a pool decide otherwise, and which rows can go
either way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.inputs import checked_reference, checked_threshold, prediction_array
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate, judged_rate

__all__ = ["disagreement", "label_ambiguity"]


def disagreement(
    predictions: npt.ArrayLike,
    *,
    reference: npt.ArrayLike | None = None,
    decision_threshold: float = 0.5,
) -> Floats:
    """How much the decisions of K models differ, one number in [0, 1] for each row.

    Parameters
    ----------
    predictions : (models, rows) probabilities; a model decides for the positive class where they are at least
        `decision_threshold`.
    reference : (rows,) probabilities of the model to compare with. The answer then is the share of models
        that decide otherwise. Without it, it is the share of unordered pairs of models that differ,
        `2 k (K - k) / (K (K - 1))` with k models for the positive class, which needs two models.
    """
    threshold = checked_threshold(decision_threshold)
    decisions = prediction_array(predictions) >= threshold
    models, rows = decisions.shape
    positive = decisions.sum(axis=0)
    if reference is not None:
        decided = checked_reference(reference, rows) >= threshold
        return np.where(decided, models - positive, positive) / models
    if models < 2:
        raise InvalidInput(
            "`predictions` holds one model; pairs need two. Pass `reference` to compare with one."
        )
    return 2.0 * positive * (models - positive) / (models * (models - 1.0))


def label_ambiguity(
    prediction_range: PredictionRange,
    decision_threshold: float = 0.5,
    *,
    sample_weight: npt.ArrayLike | None = None,
) -> MultiplicityRate:
    """Weighted share of rows with `p_lo < decision_threshold <= p_hi`: models of the set decide either way.

    `value` counts the rows whose attained ends lie on both sides of the threshold, `bound` those whose safe
    ends do as well; there is no bound where the range has no safe ends. Compared in logits.
    """
    of = prediction_range
    threshold = checked_threshold(decision_threshold, of.scale)
    cut = float(logit(threshold)) if of.scale == "probability" else threshold
    weights = sample_weights(sample_weight, len(of))
    conflict, possible = ((ends[:, 0] < cut) & (cut <= ends[:, 1]) for ends in (of.inner, of.outer))
    return judged_rate("label ambiguity", conflict, possible, weights, of, decision_threshold=threshold)
