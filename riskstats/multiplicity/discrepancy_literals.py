"""The conditions that a discrepancy counts: half-spaces ``a'theta >= threshold``, one or two for every row.

A model differs from the reference on a row when its prediction reaches the threshold "up" or the threshold
"down" of `literals`. With row q of the design these are ``q'theta >= up`` and ``-q'theta >= -down``. A
condition is left out only where the safe end of the range shows that no model of the set meets it, so the
conditions that remain count every model of the set correctly.

Weights are kept as whole numbers in proportion, so that sums of them are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.multiplicity.literals import Booleans, Literals

__all__ = ["Conditions", "conditions_of", "whole_weights"]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Conditions:
    """N half-spaces ``directions theta >= thresholds``, the easiest to meet first.

    directions : (N, p). thresholds : (N,). row : (N,) which row of the data each belongs to; a row has at
    most two, which no model meets together. weights : N whole numbers in proportion to the weights of the
    rows. total : the sum over all rows in the same proportion, rows without a condition included.
    """

    directions: Floats
    thresholds: Floats
    row: npt.NDArray[np.int64]
    weights: tuple[int, ...]
    total: int

    def __len__(self) -> int:
        return len(self.thresholds)

    @cached_property
    def size(self) -> Floats:
        """|directions|, for the rounding of products."""
        return np.abs(self.directions)

    def met_by(self, theta: Floats) -> Booleans:
        """(k, N): which conditions points (k, p) meet in exact arithmetic, as far as float64 can show."""
        products = theta @ self.directions.T
        error = (theta.shape[-1] + 4) * _EPS * (np.abs(theta) @ self.size.T)
        return np.asarray(products - error >= self.thresholds)

    def weight_of(self, places: npt.NDArray[np.int64]) -> int:
        """The exact weight of some conditions."""
        return sum(self.weights[place] for place in places.tolist())


def conditions_of(directions: Floats, literals: Literals, outer: Floats, sample_weight: Floats) -> Conditions:
    """The conditions of rows (n, p) that their safe ends (n, 2) leave open; rows of weight 0 have none."""
    weighty = sample_weight > 0.0
    up = np.flatnonzero(weighty & literals.up_exists & (outer[:, 1] >= literals.up))
    down = np.flatnonzero(weighty & literals.down_exists & (outer[:, 0] <= literals.down))
    row = np.concatenate([up, down])
    thresholds = np.concatenate([literals.up[up], -literals.down[down]])
    ends = np.concatenate([outer[up, 1], -outer[down, 0]])
    signed = np.concatenate([directions[up], -directions[down]])
    reached = np.isfinite(thresholds)
    order = np.flatnonzero(reached)[np.argsort((thresholds - ends)[reached], kind="stable")]
    whole = whole_weights(sample_weight)
    chosen = row[order]
    weights = tuple(whole[place] for place in chosen.tolist())
    return Conditions(signed[order], thresholds[order], chosen, weights, sum(whole))


def whole_weights(weights: Floats) -> list[int]:
    """Whole numbers in exact proportion to float64 weights >= 0."""
    ratios = [float(weight).as_integer_ratio() for weight in weights]
    common = max(denominator for _, denominator in ratios)
    whole = [numerator * (common // denominator) for numerator, denominator in ratios]
    divisor = math.gcd(*whole)
    return [weight // divisor for weight in whole]
