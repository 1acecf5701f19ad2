"""The comparison `>= deviation`, in one place and in logits.

With reference p0 a model differs on a row when its logit is at least the threshold "up", `logit(p0 + d)`, or
at most the threshold "down", `logit(p0 - d)`. Ambiguity and discrepancy count the same literals, so the
second is never the larger. A threshold beyond 1 or below 0 is reached by no model: it is infinite.

Equality counts. What rounding may have added to a threshold is taken off again, so that 0.4 differs from 0.6
by 0.2; it is a few units in the last place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.losses import sigmoid

__all__ = ["Booleans", "Literals", "down_threshold", "literals_of", "logit", "up_threshold"]

Booleans = npt.NDArray[np.bool_]

ROUNDING = 4.0 * float(np.finfo(np.float64).eps)


def logit(p: npt.ArrayLike) -> Floats:
    """log(p / (1 - p)) of probabilities; -inf at 0 and inf at 1."""
    p = np.asarray(p, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.log(p / (1.0 - p))


def up_threshold(reference: npt.ArrayLike, deviation: float) -> Floats:
    """Logit of `sigmoid(reference) + deviation`, less its rounding; inf where the sum is 1 or more.

    reference : logits of any shape; deviation in (0, 1). It is formed as
    `log((sigmoid(l) + d) / (sigmoid(-l) - d))`, which needs no 1 - p.
    """
    reference = np.asarray(reference, dtype=np.float64)
    p, rest = sigmoid(reference), sigmoid(-reference)
    above, room = p + deviation, rest - deviation
    there = room > 0.0
    room = np.where(there, room, 1.0)
    threshold = np.log(above / room)
    error = _error_of_probability(reference)
    rounding = ROUNDING * (2.0 + np.abs(threshold) + (rest + error) / room + error / above)
    return np.where(there, threshold - rounding, np.inf)


def down_threshold(reference: npt.ArrayLike, deviation: float) -> Floats:
    """Logit of `sigmoid(reference) - deviation`, plus its rounding; -inf where it is 0 or less."""
    return -up_threshold(-np.asarray(reference, dtype=np.float64), deviation)


def _error_of_probability(logits: Floats) -> Floats:
    """Error of sigmoid(l), in units of rounding, where l carries a relative error of one such unit."""
    size = np.abs(logits)
    tail = np.exp(-size)
    return tail * (1.0 + np.where(np.isfinite(size), size, 0.0)) / (1.0 + tail) ** 2


class Literals(NamedTuple):
    """Thresholds of n rows, on the scale of the ends of a range: logits, or the response itself.

    up, down : (n,) a model differs at or beyond them.
    up_exists, down_exists : (n,) whether any prediction can reach them; at a threshold of exactly 1 or 0 only
        a model that predicts 1 or 0 does.
    """

    up: Floats
    down: Floats
    up_exists: Booleans
    down_exists: Booleans

    def reached(self, low: Floats, high: Floats) -> Booleans:
        """Whether an interval with these ends reaches a threshold; arrays (..., n)."""
        return self.up_exists & (high >= self.up) | self.down_exists & (low <= self.down)


def literals_of(reference: Floats, deviation: float, scale: str = "probability") -> Literals:
    """The literals of reference predictions (n,): logits, or responses with `scale="response"`."""
    if scale == "response":
        slack = ROUNDING * (np.abs(reference) + deviation)
        everywhere = np.ones(np.shape(reference), dtype=bool)
        return Literals(
            reference + (deviation - slack), reference - (deviation - slack), everywhere, everywhere
        )
    slack = ROUNDING * (1.0 + _error_of_probability(reference))
    return Literals(
        up=up_threshold(reference, deviation),
        down=down_threshold(reference, deviation),
        up_exists=sigmoid(-reference) + slack >= deviation,
        down_exists=sigmoid(reference) + slack >= deviation,
    )
