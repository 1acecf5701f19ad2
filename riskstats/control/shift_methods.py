"""Ways to carry a bound from source units to the target: how weights enter, and for which measures.

To add a way, write a frozen subclass of `ShiftMethod` that gives `declared`, `estimated` or both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn

import numpy as np

from riskstats._validation import Floats, Integers, probability
from riskstats.bounds.band import Band
from riskstats.bounds.base import Bound, MeanBound
from riskstats.bounds.choose import recommend
from riskstats.bounds.edges import upper_values
from riskstats.bounds.row_order import warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.control.shift_weights import ShiftWeights
from riskstats.exceptions import IncompatibleBound
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean

__all__ = [
    "ControlVariate",
    "Declared",
    "Estimated",
    "Rejection",
    "Reweighted",
    "ShiftMethod",
    "StratifiedBox",
]


@dataclass(frozen=True, eq=False)
class Declared:
    """Source losses with weights `dQ/dP` known for every unit.

    sample : one row of n losses. weights : (n,) in [0, weight_bound]. delta : error allowed.
    generator : for methods that draw.
    """

    sample: Sample
    measure: RiskMeasure
    delta: float
    weights: Floats
    weight_bound: float
    generator: np.random.Generator


@dataclass(frozen=True, eq=False)
class Estimated:
    """Source losses with weights known in boxes; bins : (n,) bin of each unit, the rest as in `Declared`."""

    sample: Sample
    measure: RiskMeasure
    delta: float
    boxes: ShiftWeights
    bins: Integers
    generator: np.random.Generator


class Shifted(NamedTuple):
    """A bound on the target risk, the bound it rests on, and how many units it used; inf: no bound."""

    value: float
    bound: Bound
    kept: int


class ShiftMethod:
    """How a bound on source losses becomes one on target losses."""

    def declared(self, case: Declared) -> Shifted:
        """From known weights."""
        raise IncompatibleBound(
            f"`{self.name}` needs weights estimated by `covariate_shift_weights`; got declared ones. Use "
            "`Rejection` or, for a mean, `ControlVariate`."
        )

    def estimated(self, case: Estimated) -> Shifted:
        """From weights in boxes."""
        raise IncompatibleBound(
            f"`{self.name}` needs declared weights; got estimated `ShiftWeights`. Use `StratifiedBox` or "
            "`Rejection`."
        )

    @property
    def name(self) -> str:
        """The name that results print."""
        return type(self).__name__

    def refuse(self, measure: RiskMeasure) -> NoReturn:
        """`IncompatibleBound` for a measure that this way cannot carry."""
        raise IncompatibleBound(
            f"`{self.name}` bounds a mean; `{measure}` needs `Rejection` with a CDF band, or with estimated "
            "weights `StratifiedBox`."
        )


@dataclass(frozen=True)
class Rejection(ShiftMethod):
    """Keep a unit with probability `w / max w`: the kept ones are a sample of the target.

    Declared weights: any bound for any measure, on the kept units. Estimated weights: a band on the kept
    units at delta, lowered by `eps / (1 - eps)`, or a bound on a mean raised by that share of the support;
    `eps >= 1` gives no bound. There the weights must come from source units other than those of the losses.

    Parameters
    ----------
    bound : the method on the kept units; None takes `recommend` for declared weights and
        `KolmogorovSmirnov()` for estimated ones.
    """

    bound: Bound | None = None

    def declared(self, case: Declared) -> Shifted:
        kept = _kept(case.sample, case.weights / case.weight_bound, case.generator)
        bounded = math.isfinite(case.sample.support[1])
        bound = self.bound or recommend(
            case.measure, max(kept.n_units, 1), binary=case.sample.binary, bounded=bounded
        )
        return Shifted(_upper(bound, kept, case.sample, case.measure, case.delta), bound, kept.n_units)

    def estimated(self, case: Estimated) -> Shifted:
        bound = self.bound or _kolmogorov_smirnov()
        if case.measure.two_sided or not isinstance(bound, Band | MeanBound):
            raise IncompatibleBound(
                f"`{self.name}` with `{bound}` has no statement on `{case.measure}` for estimated weights; "
                "it needs a CDF band, or a bound on a mean, and a monotone measure."
            )
        bound.check(case.sample, case.measure)
        epsilon = case.boxes.epsilon
        if epsilon >= 1:
            return Shifted(math.inf, bound, 0)
        middle = np.array(case.boxes.mid)
        kept = _kept(case.sample, (middle / middle.max())[case.bins], case.generator)
        value = self._lowered(bound, kept, case, epsilon / (1 - epsilon))
        return Shifted(value, bound, kept.n_units)

    def _lowered(self, bound: Bound, kept: Sample, case: Estimated, shift: float) -> float:
        if isinstance(bound, Band) and kept.n_units:
            lower = np.maximum(bound.boundary(kept.n_units, case.delta).values - shift, 0.0)
            return float(upper_values(kept, case.measure, lower)[0])
        low, top = case.sample.support
        value = _upper(bound, kept, case.sample, case.measure, case.delta)
        return min(value + shift * (top - low), top)


@dataclass(frozen=True)
class Reweighted(ShiftMethod):
    """Bound the mean of `w x / w_max` in [0, 1] and multiply by `w_max`, for losses x in [0, 1].

    Declared weights and the mean alone. A reference for `ControlVariate`, which is tighter.

    Parameters
    ----------
    bound : a bound on a mean; None is `Betting()`.
    """

    bound: Bound | None = None

    def declared(self, case: Declared) -> Shifted:
        return _weighted_mean(self, self.bound, case, 0.0)


@dataclass(frozen=True)
class ControlVariate(ShiftMethod):
    """Bound the mean of `w (x - a) + a` on `[a - w_max a, a + w_max (1 - a)]`, for losses x in [0, 1].

    The mean is the target risk because weights average 1, and it varies least where a is near that risk.
    Declared weights and the mean alone.

    Parameters
    ----------
    centre : a, as a share of the support, fixed before the losses are seen.
    bound : a bound on a mean; None is `Betting()`.
    """

    centre: float = 0.5
    bound: Bound | None = None

    def __post_init__(self) -> None:
        probability(self.centre, "centre", closed=True)

    def declared(self, case: Declared) -> Shifted:
        return _weighted_mean(self, self.bound, case, self.centre)


@dataclass(frozen=True)
class StratifiedBox(ShiftMethod):
    """Bound each bin at `delta / K`, then take the worst target shares in their boxes.

    Mean: `max sum_k t_k U_k` over `t_low <= t <= t_high`, `sum t = 1`. Other monotone measures: at every loss
    the smallest `sum_k t_k b_k` of the lower edges of K bands, which is again the lower edge of a band.
    Nothing is drawn, source shares are not divided by, and the source units of the weights may be those of
    the losses. A bin without losses counts as the top of the support.

    Parameters
    ----------
    bound : the method in each bin; None takes `recommend` for a mean and `BerkJones()` otherwise.
    """

    bound: Bound | None = None

    def estimated(self, case: Estimated) -> Shifted:
        if isinstance(case.measure, Mean):
            return self._mean(case)
        bound = self.bound or _berk_jones()
        if case.measure.two_sided or not isinstance(bound, Band):
            raise IncompatibleBound(
                f"`{self.name}` with `{bound}` has no statement on `{case.measure}`; it needs a CDF band and "
                "a monotone measure."
            )
        bound.check(case.sample, case.measure)
        ordered, lower = self._edge(bound, case)
        return Shifted(float(upper_values(ordered, case.measure, lower)[0]), bound, ordered.n_units)

    def _mean(self, case: Estimated) -> Shifted:
        sample, boxes = case.sample, case.boxes
        bound = self.bound or recommend(case.measure, sample.n_units, binary=sample.binary)
        parts = (_part(sample, case.bins == k) for k in range(boxes.n_bins))
        share = case.delta / boxes.n_bins
        uppers = np.array([_upper(bound, part, sample, case.measure, share) for part in parts])
        value = largest_mixture(uppers, np.array(boxes.target_low), np.array(boxes.target_high))
        return Shifted(min(float(value), sample.support[1]), bound, sample.n_units)

    def _edge(self, band: Band, case: Estimated) -> tuple[Sample, Floats]:
        """The sample in order, and (n,) lower bounds on the target's F at each loss."""
        order = np.argsort(case.sample.values[0], kind="stable")
        bins, k = case.bins[order], case.boxes.n_bins
        heights = np.empty((len(bins), k))
        for j in range(k):
            inside = np.cumsum(bins == j)
            edge = band.boundary(inside[-1], case.delta / k).values if inside[-1] else np.empty(0)
            heights[:, j] = np.append(0.0, edge)[inside]
        lower = -largest_mixture(-heights, np.array(case.boxes.target_low), np.array(case.boxes.target_high))
        lower = np.minimum(np.maximum.accumulate(lower), 1.0)
        return replace(case.sample, values=case.sample.values[:, order]), lower


def largest_mixture(values: Floats, low: Floats, high: Floats) -> Floats:
    """`max sum_k t_k v_k` over `low <= t <= high`, `sum t = 1`, along the last axis, by a greedy fill.

    values : (..., K). low, high : (K,) with `sum low <= 1 <= sum high`.
    """
    order = np.argsort(-values, axis=-1)
    room = (high - low)[order]
    before = np.cumsum(room, axis=-1) - room
    shares = low[order] + np.clip(1.0 - low.sum() - before, 0.0, room)
    return (shares * np.take_along_axis(values, order, axis=-1)).sum(axis=-1)


def _weighted_mean(method: ShiftMethod, bound: Bound | None, case: Declared, centre: float) -> Shifted:
    if not isinstance(case.measure, Mean):
        method.refuse(case.measure)
    bound = bound or recommend(case.measure, case.sample.n_units)
    top = case.weight_bound
    support = (centre - top * centre, centre + top * (1.0 - centre))
    centred = np.clip(case.weights * (case.sample.scaled(method.name) - centre) + centre, *support)
    sample = Sample(centred, support)
    warn_of_trend(sample, bound)
    value = bound.upper(sample, case.measure, case.delta)
    inside = np.clip(value, 0.0, 1.0)
    return Shifted(float(case.sample.from_scale(inside)[0]), bound, case.sample.n_units)


def _kept(sample: Sample, chance: Floats, generator: np.random.Generator) -> Sample:
    return _part(sample, generator.random(sample.n_units) < chance)


def _part(sample: Sample, chosen: np.ndarray) -> Sample:
    return replace(sample, values=sample.values[:, chosen])


def _upper(bound: Bound, part: Sample, whole: Sample, measure: RiskMeasure, delta: float) -> float:
    """The bound on a part of the sample; the largest possible risk where the part is too small."""
    bound.check(whole, measure)
    if part.n_units < max(bound.requires.minimum_units, 1):
        return whole.support[1] if measure.equivariant else math.inf
    warn_of_trend(part, bound)
    return float(bound.upper(part, measure, delta)[0])


def _kolmogorov_smirnov() -> Band:
    from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov

    return KolmogorovSmirnov()


def _berk_jones() -> Band:
    from riskstats.bounds.berk_jones import BerkJones

    return BerkJones()
