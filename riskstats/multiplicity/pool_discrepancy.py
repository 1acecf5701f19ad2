"""The largest share of rows on which one and the same model of a pool differs from the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, sample_weights
from riskstats.multiplicity.inputs import (
    checked_deviation,
    checked_reference,
    checked_scale,
    prediction_array,
)
from riskstats.multiplicity.literals import Booleans, literals_of, logit
from riskstats.multiplicity.result import MultiplicityRate, weighted_share
from riskstats.results import Status

__all__ = ["discrepancy", "pool_rate"]

NEAR = 1e-9  # models whose plain sums are this close to the largest are summed again without error


def discrepancy(
    reference: npt.ArrayLike,
    predictions: npt.ArrayLike,
    *,
    deviation: float,
    sample_weight: npt.ArrayLike | None = None,
    complete: bool = False,
    scale: str = "probability",
) -> MultiplicityRate:
    """Largest weighted share of rows with `|p - p0| >= deviation` over the models of a pool.

    Parameters
    ----------
    reference : (n,) predictions p0 of the reference model.
    predictions : (models, n) probabilities in [0, 1], or any finite numbers with `scale="response"`.
    deviation : in (0, 1); on the response scale any number > 0. A difference of exactly this much counts.
    sample_weight : (n,) numbers >= 0; None is one each.
    complete : whether the pool is known to hold every model of the set; otherwise there is no bound.

    `witness` is the position of the first model that attains the value. The comparison is that of
    `ambiguity`, which is never smaller on the range of the same pool. `InvalidInput`: other shapes, values
    or weights.
    """
    checked_scale(scale)
    array = prediction_array(predictions, scale=scale)
    amount = checked_deviation(deviation, scale)
    p0 = checked_reference(reference, array.shape[1], scale)
    weights = sample_weights(sample_weight, array.shape[1])
    at, centre = (logit(array), logit(p0)) if scale == "probability" else (array, p0)
    return pool_rate(centre, at, amount, weights, complete=complete, scale=scale)


def pool_rate(
    centre: Floats, at: Floats, amount: float, weights: Floats, *, complete: bool, scale: str, **stamps: Any
) -> MultiplicityRate:
    """The discrepancy of checked logits: of the reference (n,) and of the models (models, n).

    `stamps` go to the answer.
    """
    differs = literals_of(centre, amount, scale).reached(at, at) & (weights > 0.0)
    witness, value = _largest(differs, weights)
    return MultiplicityRate(
        name="discrepancy",
        value=value,
        bound=value if complete else None,
        kind="exact" if complete else "inner",
        n_conflict=int(differs[witness].sum()),
        n_open=None,
        n_rows=int((weights > 0.0).sum()),
        rows=differs[witness],
        deviation=amount,
        status=str(Status.OPTIMAL if complete else Status.HEURISTIC),
        witness=witness,
        **stamps,
    )


def _largest(differs: Booleans, weights: Floats) -> tuple[int, float]:
    """(position, share) of the model of (models, n) that differs on the largest weight of rows."""
    sums = differs @ weights
    near = np.flatnonzero(sums >= sums.max() * (1.0 - NEAR))
    shares = [weighted_share(differs[model], weights) for model in near]
    best = int(np.argmax(shares))
    return int(near[best]), shares[best]
