"""Density ratios of target to source, in boxes that hold with a stated probability.

The ratio is taken constant within bins of a score, so that it is a ratio of two proportions in each bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, Integers, finite_vector, number, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, Status, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ASSUMPTION", "ShiftWeights", "covariate_shift_weights"]

ASSUMPTION = (
    "Assumes that the weight is constant within each bin of the score, and that a unit with the same inputs "
    "has the same law of the loss in source and target. Neither is checked."
)
PER_BIN = (
    "source_counts",
    "target_counts",
    "source_low",
    "source_high",
    "target_low",
    "target_high",
    "low",
    "high",
    "mid",
)
SLACK = 1e-5  # room left for bins that are not quite constant


@dataclass(frozen=True)
class ShiftWeights(Result):
    """Weights `dQ/dP` of target Q against source P in K bins of a score, all boxes holding at once.

    Attributes
    ----------
    edges : (K - 1) inner edges, increasing; a score on an edge belongs to the bin above it.
    source_counts, target_counts : units of each bin.
    source_low, source_high, target_low, target_high : boxes of the shares of each bin.
    low, high : boxes of the weights; `high` is inf where the source share may be 0. mid : their middle.
    epsilon : widest box, `max(high - low)`.
    w_max : `max(mid)`.
    confidence_level : of all boxes together.
    n_source, n_target : units.
    status : BOUND, or NO_BOUND where `epsilon >= 1`: the weights are too vague for `Rejection`.
    notes : the assumption, and what went wrong.
    """

    edges: tuple[float, ...]
    source_counts: tuple[int, ...]
    target_counts: tuple[int, ...]
    source_low: tuple[float, ...]
    source_high: tuple[float, ...]
    target_low: tuple[float, ...]
    target_high: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mid: tuple[float, ...]
    epsilon: float
    w_max: float
    confidence_level: float
    n_source: int
    n_target: int
    status: Status
    notes: tuple[str, ...] = ()

    @property
    def n_bins(self) -> int:
        """Number of bins, K."""
        return len(self.mid)

    def bins(self, score: Any) -> Integers:
        """(n,) bin of each score, counted from 0."""
        return np.searchsorted(np.array(self.edges), finite_vector(score, "score"), "right").astype(np.int64)

    def weights(self, score: Any) -> Floats:
        """(n,) middle weight of each score's bin."""
        return np.array(self.mid)[self.bins(score)]

    def shares(self) -> Floats:
        """(K,) plug-in weights: target share over source share, 0 where there is no source unit."""
        source, target = np.array(self.source_counts), np.array(self.target_counts)
        ratio = np.zeros(self.n_bins)
        np.divide(target * self.n_source, source * self.n_target, out=ratio, where=source > 0)
        return ratio

    def summary(self) -> str:
        """One line per bin, the width, and the assumption."""
        head = (
            f"Weights of {self.n_target} target against {self.n_source} source units in {self.n_bins} bins "
            f"at {as_percent(self.confidence_level)} confidence: width {self.epsilon:.3g}."
        )
        low = (-math.inf, *self.edges)
        lines = [
            f"  score from {start:.4g}: weight {self.low[k]:.4g} to {self.high[k]:.4g}"
            for k, start in enumerate(low)
        ]
        return "\n".join([head, *lines, *self.notes])

    def to_frame(self) -> pd.DataFrame:
        """One row per bin: counts and boxes."""
        rows = [{name: getattr(self, name)[k] for name in PER_BIN} for k in range(self.n_bins)]
        return frame(rows)


def covariate_shift_weights(
    source_score: Any, target_score: Any, *, bins: int | Sequence[float] = 5, confidence_level: float = 0.99
) -> ShiftWeights:
    """Weights from unlabelled units of source and target, with boxes.

    In bin k with shares `s_k` and `t_k` the weight lies in
    `[(t_low - E)+ / (s_high + E), (t_high + E) / (s_low - E)+]`, E = 1e-5, where the shares are bounded by
    two-sided Clopper-Pearson intervals with error `(1 - confidence_level) / 2K` each.

    Parameters
    ----------
    source_score, target_score : (n,), (n_target,) one number per unit, by a rule that was fixed without these
        units, for instance the probability of being a target unit by a classifier fitted on other data.
    bins : number of bins of equal width on [0, 1]; or their inner edges, increasing, fixed without these
        units. The outer bins have no outer end.
    confidence_level : of all boxes together; what uses them adds its own error.

    Errors: `InvalidInput` for empty, NaN or infinite scores, scores outside [0, 1] with a number of bins, and
    edges that do not increase.
    """
    source, target = finite_vector(source_score, "source_score"), finite_vector(target_score, "target_score")
    delta = 1.0 - checked_confidence(confidence_level)
    edges = _edges(bins, source, target)
    counts = [_counts(edges, scores) for scores in (source, target)]
    share = delta / (2 * len(counts[0]))
    (source_low, source_high), (target_low, target_high) = (clopper_pearson_box(c, share) for c in counts)
    low = np.maximum(target_low - SLACK, 0.0) / (source_high + SLACK)
    room = np.maximum(source_low - SLACK, 0.0)
    high = np.full(len(room), np.inf)
    np.divide(target_high + SLACK, room, out=high, where=room > 0)
    epsilon = float(np.max(high - low))
    return ShiftWeights(
        edges=_floats(edges),
        source_counts=tuple(map(int, counts[0])),
        target_counts=tuple(map(int, counts[1])),
        source_low=_floats(source_low),
        source_high=_floats(source_high),
        target_low=_floats(target_low),
        target_high=_floats(target_high),
        low=_floats(low),
        high=_floats(high),
        mid=_floats((low + high) / 2),
        epsilon=epsilon,
        w_max=float(np.max((low + high) / 2)),
        confidence_level=1.0 - delta,
        n_source=len(source),
        n_target=len(target),
        status=Status.BOUND if epsilon < 1 else Status.NO_BOUND,
        notes=(ASSUMPTION, *_vague(epsilon)),
    )


def clopper_pearson_box(counts: Integers, delta: float) -> tuple[Floats, Floats]:
    """(low, high) of the probability of each category: two-sided with error `delta` each."""
    from scipy.special import betainccinv, betaincinv

    n = int(counts.sum())
    low = np.where(counts > 0, betaincinv(np.maximum(counts, 1), n - counts + 1, delta / 2), 0.0)
    high = np.where(counts < n, betainccinv(counts + 1, np.maximum(n - counts, 1), delta / 2), 1.0)
    return low, high


def _edges(bins: Any, source: Floats, target: Floats) -> Floats:
    if isinstance(bins, Sequence | np.ndarray):
        return _given_edges(bins)
    k = whole_number(bins, "bins", low=1)
    for name, scores in (("source_score", source), ("target_score", target)):
        if scores.min() < 0 or scores.max() > 1:
            raise InvalidInput(
                f"`{name}` runs from {scores.min():g} to {scores.max():g}, outside [0, 1] where {k} equal "
                "bins are laid. Pass inner edges as `bins=`, chosen without these units."
            )
    return np.linspace(0.0, 1.0, k + 1)[1:-1]


def _given_edges(bins: Any) -> Floats:
    edges = np.array([number(edge, "bins") for edge in bins], dtype=np.float64)
    if (np.diff(edges) <= 0).any():
        raise InvalidInput(f"`bins` must be increasing inner edges; got {edges.tolist()}.")
    return edges


def _counts(edges: Floats, scores: Floats) -> Integers:
    return np.bincount(np.searchsorted(edges, scores, "right"), minlength=len(edges) + 1)


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())


def _vague(epsilon: float) -> tuple[str, ...]:
    if epsilon < 1:
        return ()
    text = (
        f"The boxes are up to {epsilon:.3g} wide; `Rejection` needs less than 1. Use more units, fewer bins, "
        "or `StratifiedBox()`."
    )
    return (text,)
