"""The range of a pool of models: the smallest and the largest prediction of each row, and who makes them.

A pool that holds every model of the set gives the exact range; any other pool says how far apart at least.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.multiplicity.inputs import checked_reference, checked_scale, prediction_array
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.prediction_range import PredictionRange, range_of_ends

__all__ = ["pool_range", "viable_prediction_range"]


def viable_prediction_range(
    predictions: npt.ArrayLike,
    *,
    complete: bool = False,
    baseline: npt.ArrayLike | None = None,
    scale: str = "probability",
) -> PredictionRange:
    """Smallest and largest prediction of each row over a pool of models.

    Parameters
    ----------
    predictions : (models, rows) probabilities in [0, 1], or any finite numbers with `scale="response"`.
    complete : whether the pool is known to hold every model of the set. Then the range is "exact", otherwise
        "inner": the set may hold models beyond it, and its gap is infinite.
    baseline : (rows,) predictions of the reference model, which need not be in the pool.
    scale : "probability" or "response".

    `witness_lower` and `witness_upper` are positions of the first models that attain the ends. Probabilities
    of 0 and 1 have infinite logits. `InvalidInput`: another shape, no models, values that are not finite or
    not probabilities.
    """
    checked_scale(scale)
    array = prediction_array(predictions, scale=scale)
    if baseline is not None:
        baseline = checked_reference(baseline, array.shape[1], scale, "baseline")
    if scale == "response":
        return pool_range(array, complete=complete, baseline=baseline, scale=scale)
    reference = None if baseline is None else logit(baseline)
    return pool_range(logit(array), values=array, complete=complete, baseline=reference)


def pool_range(
    logits: Floats, *, complete: bool, values: Floats | None = None, **stamps: Any
) -> PredictionRange:
    """The range of a pool from its logits (models, rows), and its probabilities where they are at hand.

    `stamps` go to `range_of_ends`.
    """
    seen = logits if values is None else values
    witnesses = np.stack([seen.argmin(axis=0), seen.argmax(axis=0)], axis=1)
    rows = np.arange(seen.shape[1])[:, np.newaxis]
    inner = logits[witnesses, rows]
    return range_of_ends(
        inner,
        inner if complete else None,
        values=None if values is None else values[witnesses, rows],
        witness_lower=witnesses[:, 0],
        witness_upper=witnesses[:, 1],
        **stamps,
    )
