"""The best of several bounds, each paid for by a share of the error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import Assumptions, Bound
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure

__all__ = ["SplitBound"]

ROUNDING = 1e-12  # by which shares such as 1/3 may miss 1


@dataclass(frozen=True)
class SplitBound(Bound):
    """`min_j U_j(share_j delta)`: the smallest of several upper bounds, valid together by the union bound.

    The lower bound is the largest; the p-value is `min_j p_j / share_j`, at most 1. Trying several bounds and
    quoting the best without it is invalid.

    Parameters
    ----------
    bounds : two or more bounds that carry the same measure.
    shares : > 0, sum <= 1; None is equal shares.
    """

    bounds: tuple[Bound, ...]
    shares: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        bounds = tuple(self.bounds)
        if not bounds or not all(isinstance(bound, Bound) for bound in bounds):
            raise InvalidInput(f"`bounds` must be bounds such as `BerkJones()`; got {self.bounds!r}.")
        object.__setattr__(self, "bounds", bounds)
        object.__setattr__(self, "shares", _checked(self.shares, len(bounds)))

    @property
    def requires(self) -> Assumptions:  # type: ignore[override]
        """What the bounds require, taken together."""
        each = [bound.requires for bound in self.bounds]
        return Assumptions(
            independent=any(needs.independent for needs in each),
            bounded=any(needs.bounded for needs in each),
            binary=any(needs.binary for needs in each),
            anytime=all(needs.anytime for needs in each),
            minimum_units=max(needs.minimum_units for needs in each),
        )

    def carries(self, measure: RiskMeasure) -> bool:
        return all(bound.carries(measure) for bound in self.bounds)

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return np.min([b.upper(sample, measure, s * delta) for b, s in self._parts()], axis=0)

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return np.max([b.lower(sample, measure, s * delta) for b, s in self._parts()], axis=0)

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        each = [b.p_value(sample, measure, risk_limit, s * delta) / s for b, s in self._parts()]
        return np.minimum(np.min(each, axis=0), 1.0)

    def _parts(self) -> list[tuple[Bound, float]]:
        return list(zip(self.bounds, self.shares or (), strict=True))

    def _refusal(self, measure: RiskMeasure) -> str:
        refusing = next(bound for bound in self.bounds if not bound.carries(measure))
        try:
            refusing.check(_NO_SAMPLE, measure)
        except IncompatibleBound as error:
            return f"`SplitBound` cannot bound `{measure}`: {error}"
        return super()._refusal(measure)


_NO_SAMPLE = Sample(np.zeros((1, 1)), (0.0, 1.0))


def _checked(shares: tuple[float, ...] | None, count: int) -> tuple[float, ...]:
    if shares is None:
        return (1.0 / count,) * count
    values = tuple(map(float, shares))
    if len(values) != count:
        raise InvalidInput(f"`shares` has {len(values)} numbers for {count} bounds. Pass one for each.")
    total = math.fsum(values)
    if not (all(0.0 < value <= 1.0 for value in values) and total <= 1.0 + ROUNDING):
        wrong = f"{total:g}" if all(value > 0 for value in values) else f"{values}"
        raise InvalidInput(f"`shares` must be positive and sum to at most 1; got {wrong}.")
    return values
