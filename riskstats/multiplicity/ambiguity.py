"""The share of rows on which some near-optimal model differs from the reference by a deviation.

Each row may call on another model. A row is a conflict where an attained end reaches a threshold, clear where
no safe end does, and open in between.
"""

from __future__ import annotations

import numpy.typing as npt

from riskstats._validation import Floats, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.inputs import checked_deviation, checked_reference
from riskstats.multiplicity.literals import literals_of, logit
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate, judged_rate

__all__ = ["ambiguity"]


def ambiguity(
    reference: npt.ArrayLike | None,
    prediction_range: PredictionRange,
    *,
    deviation: float,
    sample_weight: npt.ArrayLike | None = None,
) -> MultiplicityRate:
    """Weighted share of rows with `max(p_hi - p0, p0 - p_lo) >= deviation`, from both sides.

    Parameters
    ----------
    reference : (n,) predictions p0 of the reference model; None takes the baseline of the range, which is
        kept in logits.
    prediction_range : of the same n rows.
    deviation : in (0, 1); on the response scale any number > 0. A difference of exactly this much counts.
    sample_weight : (n,) numbers >= 0; None is one each.

    `value` counts the rows on which an attained end proves a difference, `bound` those that the safe ends do
    not rule out as well; there is no bound where the range has no safe ends. Ends are compared with the
    logits of `p0 + deviation` and `p0 - deviation`. `InvalidInput`: other shapes, values or weights.
    """
    of = prediction_range
    amount = checked_deviation(deviation, of.scale)
    literals = literals_of(_baseline(reference, of), amount, of.scale)
    weights = sample_weights(sample_weight, len(of))
    conflict = literals.reached(of.inner[:, 0], of.inner[:, 1])
    possible = literals.reached(of.outer[:, 0], of.outer[:, 1])
    return judged_rate("ambiguity", conflict, possible, weights, of, deviation=amount)


def _baseline(reference: npt.ArrayLike | None, of: PredictionRange) -> Floats:
    """The reference on the scale of the ends."""
    if reference is not None:
        checked = checked_reference(reference, len(of), of.scale)
        return logit(checked) if of.scale == "probability" else checked
    if of.baseline is None:
        raise InvalidInput(
            "`reference` is None, but the range has no baseline. Pass the predictions of a model."
        )
    return of.baseline
