"""Rashomon capacity: how many bits the choice of the model carries about a prediction.

The models are the inputs of a channel whose outputs are the classes; its capacity is 0 where they agree and
log2 of the number of classes where they are certain of different ones. Over two classes only the ends of the
range matter: mass moved from a model between them to the ends keeps the mean prediction and lowers the mean
entropy. So the capacity has a closed form, increasing as the range grows. Over more classes the iteration of
Blahut and Arimoto brackets it: for weights r and q = sum r_j P_j it is at least `sum r_j KL(P_j || q)` and at
most `max_j KL(P_j || q)`.

Source: Hsu, Calmon (2022), Rashomon capacity: a metric for predictive multiplicity in classification; Blahut
(1972), Computation of channel capacity and rate-distortion functions; Arimoto (1972), An algorithm for
computing the capacity of arbitrary discrete memoryless channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, positive_number, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.losses import binary_entropy, sigmoid
from riskstats.multiplicity.channel_capacity import pool_capacity
from riskstats.multiplicity.inputs import prediction_array, read_only
from riskstats.multiplicity.prediction_range import PredictionRange, described_set
from riskstats.results import Result, frame, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CapacityResult", "binary_capacity", "rashomon_capacity"]

NARROW = 2.0  # in logits: below it the mean logit is integrated, above it differences of entropies are safe
SERIES = 0.08  # below it phi is summed as a series
FARTHEST = 700.0  # logits beyond it are taken there: the probability is below 1e-304
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_NODES, _WEIGHTS = (_NODES + 1.0) / 2.0, _WEIGHTS / 2.0
_PHI = [(-1.0) ** k / (k * (k - 1.0)) for k in range(2, 17)]
SUM_TOLERANCE = 1e-6  # by which the classes of a model may miss a sum of 1


@dataclass(frozen=True, eq=False)
class CapacityResult(Result):
    """Capacity of n rows, in bits: between 0 and log2 of the number of classes.

    Attributes
    ----------
    value : (n,) capacity that models which were found attain.
    bound : (n,) capacity that no model of the set passes; None where nothing is certified.
    kind : "exact" where the two agree within the tolerance, "outer" where they do not, "inner" without a
        bound.
    n_classes : number of classes.
    epsilon, epsilon_kind, source : of the set of models; "these models" where predictions were passed, and
        then value and bound are about those models alone.
    """

    value: Floats
    bound: Floats | None
    kind: str
    n_classes: int = 2
    epsilon: float | None = None
    epsilon_kind: str | None = None
    source: str = "pool"

    def __post_init__(self) -> None:
        read_only(self, "value", "bound")

    @property
    def gap(self) -> Floats:
        """(n,) `bound - value`, inf without a bound."""
        return np.full(len(self.value), np.inf) if self.bound is None else self.bound - self.value

    def to_dict(self) -> dict[str, Any]:
        """Every field by name in plain Python types, and the gap, None without a bound."""
        return {**super().to_dict(), "gap": None if self.bound is None else plain(self.gap)}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per row; needs the extra `frames`."""
        bounds = [None] * len(self.value) if self.bound is None else self.bound.tolist()
        return frame(
            [
                {"value": v, "bound": b, "kind": self.kind}
                for v, b in zip(self.value.tolist(), bounds, strict=True)
            ]
        )

    def summary(self) -> str:
        """Mean and largest capacity with what is certified about them."""
        row = int(self.value.argmax())
        mean, largest = self._between(np.mean), self._between(np.max)
        return (
            f"Rashomon capacity of {len(self.value)} row{'' if len(self.value) == 1 else 's'} over "
            f"{described_set(self)}: mean {mean}, largest {largest} of {math.log2(self.n_classes):.4g} bit "
            f"(row {row})."
        )

    def _between(self, of: Any) -> str:
        value = f"{of(self.value):.4g}"
        if self.bound is None:
            return f"at least {value}"
        return value if self.kind == "exact" else f"between {value} and {of(self.bound):.4g}"

    def __str__(self) -> str:
        return self.summary()


def rashomon_capacity(
    source: PredictionRange | npt.ArrayLike, *, gap_tolerance: float = 1e-8, max_iter: int = 200
) -> CapacityResult:
    """Capacity of every row, in bits, with a lower and an upper end.

    Parameters
    ----------
    source : a `PredictionRange` on the probability scale, or (models, rows, classes) probabilities of a pool
        which sum to 1 over the classes.
    gap_tolerance : bits within which the two ends count as equal; the iteration of a row stops there.
    max_iter : most steps of that iteration, for three or more classes. A row that stops short keeps its gap.

    Over a range the value comes from the attained ends and the bound from the safe ends; a range without safe
    ends has no bound. Over predictions both are about the models that were passed: a set of which they are a
    sample has at least this capacity. `InvalidInput`: a range of responses, another shape, values that are no
    probabilities or do not sum to 1.
    """
    tolerance = positive_number(gap_tolerance, "gap_tolerance")
    steps = whole_number(max_iter, "max_iter", low=1)
    if isinstance(source, PredictionRange):
        return _of_range(source, tolerance)
    array = _distributions(source)
    if array.shape[2] == 2:
        with np.errstate(divide="ignore"):
            logits = np.log(array[:, :, 1]) - np.log(array[:, :, 0])
        value = binary_capacity(logits.min(axis=0), logits.max(axis=0))
        bound = value
    else:
        value, bound = pool_capacity(array, tolerance, steps)
    kind = "exact" if (bound - value <= tolerance).all() else "outer"
    return CapacityResult(value, bound, kind, array.shape[2], source="these models")


def _of_range(of: PredictionRange, tolerance: float) -> CapacityResult:
    if of.scale != "probability":
        raise InvalidInput("`source` is a range of responses; capacity needs probabilities.")
    value = binary_capacity(of.inner[:, 0], of.inner[:, 1])
    bound = None
    if of.certified:
        bound = np.maximum(value, binary_capacity(of.outer[:, 0], of.outer[:, 1]))
    kind = "inner" if bound is None else "exact" if (bound - value <= tolerance).all() else "outer"
    return CapacityResult(value, bound, kind, 2, of.epsilon, of.epsilon_kind, of.source)


def _distributions(source: Any) -> Floats:
    """(models, rows, classes) probabilities that sum to 1."""
    array = prediction_array(source, 3, name="source")
    if array.shape[2] < 2:
        raise InvalidInput(f"`source` has {array.shape[2]} class; capacity needs two or more.")
    sums = array.sum(axis=2, keepdims=True)
    worst = np.unravel_index(int(np.abs(sums - 1.0).argmax()), sums.shape)
    if abs(sums[worst] - 1.0) > SUM_TOLERANCE:
        raise InvalidInput(
            f"`source` must sum to 1 over the classes; model {worst[0]} sums to {sums[worst]:.6g} at row "
            f"{worst[1]}. Pass the probabilities of all classes."
        )
    return array / sums


# Kernels


def binary_capacity(low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """Capacity, in bits, of two classes over the interval with these ends, logits with low <= high.

    With a, b the probabilities of the ends and h the entropy, the best mean prediction is q = sigmoid(s), s
    the slope `-(h(b) - h(a)) / (b - a)`, which is the mean of logit(p) over [a, b]; the capacity is
    `r KL(a || q) + (1 - r) KL(b || q)` with `r = (b - q) / (b - a)`. Every difference of probabilities is
    formed from the difference of their logits, so that narrow and extreme intervals keep their digits.
    """
    low, high = (np.clip(np.asarray(end, dtype=np.float64), -FARTHEST, FARTHEST) for end in (low, high))
    turned = low + high > 0.0
    low, high = np.where(turned, -high, low), np.where(turned, -low, high)
    width = high - low
    offset = np.clip(
        np.where(width < NARROW, _integrated(low, width), _by_entropy(low, high, width)), 0.0, width
    )
    rest, slope = width - offset, low + offset
    spread = np.where(width > 0.0, -np.expm1(-width), 1.0)
    at_low = sigmoid(-slope) * -np.expm1(-rest) / (sigmoid(-low) * spread)
    at_high = sigmoid(slope) * -np.expm1(-offset) / (sigmoid(high) * spread)
    nats = at_low * _divergence(low, slope, -offset) + at_high * _divergence(high, slope, rest)
    return np.where(width > 0.0, nats, 0.0) / math.log(2.0)


def _integrated(low: Floats, width: Floats) -> Floats:
    """Mean of logit(p) over the interval, less its lower end, by quadrature in the logit."""
    width = np.minimum(width, NARROW)
    tail = np.exp(-np.abs(low[..., np.newaxis] + width[..., np.newaxis] * _NODES))
    density = tail / (1.0 + tail) ** 2
    return width * (density @ (_WEIGHTS * _NODES)) / (density @ _WEIGHTS)


def _by_entropy(low: Floats, high: Floats, width: Floats) -> Floats:
    """The same from the entropies of the ends."""
    difference = sigmoid(high) * sigmoid(-low) * -np.expm1(-np.maximum(width, NARROW))
    return (binary_entropy(low) - binary_entropy(high)) / difference - low


def _divergence(end: Floats, slope: Floats, step: Floats) -> Floats:
    """KL(p || q) in nats, p and q with the logits `end` and `slope`, `step = end - slope`.

    It is q phi(u) + (1 - q) phi(v) with u = (p - q) / q and v = (q - p) / (1 - q).
    """
    u = sigmoid(-end) * np.expm1(step)
    v = sigmoid(end) * np.expm1(-step)
    return sigmoid(slope) * _phi(u) + sigmoid(-slope) * _phi(v)


def _phi(u: Floats) -> Floats:
    """(1 + u) log(1 + u) - u for u >= -1, to full relative precision."""
    near = np.abs(u) < SERIES
    small = np.where(near, u, 0.0)
    series = np.zeros_like(small)
    for coefficient in reversed(_PHI):
        series = series * small + coefficient
    large = np.where(near | (u <= -1.0), 1.0, u)
    direct = np.where(u > -1.0, (1.0 + large) * np.log1p(large) - large, 1.0)
    return np.where(near, small * small * series, direct)
