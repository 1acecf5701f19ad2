"""One score from several judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from riskstats._validation import Floats, choice
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import checked_array

__all__ = ["POOLING_RULES", "pool_judges"]


def _root_mean_square(scores: Floats, axis: int) -> Floats:
    return np.sqrt(np.square(scores).mean(axis=axis))


POOLING_RULES: dict[str, Callable[[Floats, int], Floats]] = {
    "rms": _root_mean_square,
    "mean": lambda scores, axis: scores.mean(axis=axis),
    "median": lambda scores, axis: np.median(scores, axis=axis),
    "max": lambda scores, axis: scores.max(axis=axis),
}


def pool_judges(scores: Any, rule: str = "rms", *, axis: int = -1) -> Any:
    """Pool the scores of judges along `axis`, by default the last.

    rms : `sqrt(mean_j s_j^2)`, which lets a single alarmed judge count for more than the mean does.
    mean, median, max : as they say. max is the most cautious; `median <= max` and `mean <= rms <= max`.

    A score that a judge did not give is an error, not a zero. `InvalidInput`: NaN, an unknown rule, an axis
    that is not there. The rule changes the tail: it is part of every result that used it.
    """
    pool = POOLING_RULES[choice(rule, POOLING_RULES, "pooling")]
    array = checked_array(scores, "scores")
    if not -array.ndim <= axis < array.ndim:
        raise InvalidInput(f"`scores` has {array.ndim} axes; there is no axis {axis} of judges.")
    pooled = pool(array, axis)
    return float(pooled) if np.ndim(pooled) == 0 else pooled
