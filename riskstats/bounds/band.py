"""Bands: from n losses to a set of laws that contains the true one, and from the set to every measure.

A band is a boundary `b_1 <= ... <= b_n` with `P(F(x_(i)) >= b_i for all i) >= 1 - delta`, exact for a
continuous law and conservative with ties. It does not look at the losses, so that m candidates on n units
share it. To add a band, write one file with a frozen subclass of `Band` and its `Family`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.base import Assumptions, Bound
from riskstats.bounds.sample import Sample
from riskstats.envelope import CDFEnvelope
from riskstats.measures.base import RiskMeasure

__all__ = ["Band", "BandSide", "Boundary", "Family", "Pair"]

BandSide: TypeAlias = Literal["lower", "upper", "both"]


@dataclass(frozen=True, eq=False)
class Boundary:
    """The lower edge of a band at one error.

    values : (n,) nondecreasing in [0, 1), `F(x_(i)) >= values_i`.
    level_c, active_ranks, levels : as in `CDFEnvelope`.
    """

    values: Floats
    level_c: float | None = None
    active_ranks: tuple[int, int] | None = None
    levels: tuple[float, float] = (0.0, 1.0)


class Family(ABC):
    """The bands of one shape, from wide to narrow, for one n: a number t orders them.

    Choices that depend on the error (ranks of a truncated band) are made before, from (n, delta). A family
    must be nested, its boundary nondecreasing in t: then `error(t)` at the first t whose bound keeps a limit
    is a p-value.

    Attributes
    ----------
    grid : (g,) increasing t from the widest band, with an error of 1e-15 or less, to the narrowest; all there
        are where the family is not `continuous`, else some tens, between which a bound moves smoothly.
    delta, design, design_t : the error for which choices were made, the lower edge at it, and its place.
    """

    continuous: ClassVar[bool] = True
    n: int
    delta: float

    @property
    @abstractmethod
    def grid(self) -> Floats: ...

    @property
    @abstractmethod
    def design(self) -> Floats: ...

    @property
    @abstractmethod
    def design_t(self) -> float: ...

    @abstractmethod
    def boundaries(self, t: Floats, start: int = 0) -> Floats:
        """(k, n - start) the lower edges at k places within the grid, for the ranks start + 1 to n."""

    @abstractmethod
    def errors(self, t: Floats) -> Floats:
        """(k,) `P(exists i: F(x_(i)) < boundary(t)_i)`, never understated; nondecreasing in t."""

    @abstractmethod
    def reaching(self, ranks: Integers, level: float) -> Floats:
        """(k,) the first t at which the boundary reaches `level` at a rank; inf where it never does."""

    @property
    def design_upper(self) -> Floats | None:
        """The upper edge at `design_t`, where the family has two sides."""
        return None

    def edges(self, t: Floats, start: int = 0) -> tuple[Floats, Floats | None]:
        """Lower edges, and upper edges where the family has two sides."""
        return self.boundaries(t, start), None


@dataclass(frozen=True, eq=False)
class Pair(Family):
    """Both sides of a band at once, each with the error that `delta` of its own family allows.

    The t of the other side keeps its distance, so that both meet their designs together.
    """

    lower: Family
    other: Family

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", self.lower.n)
        object.__setattr__(self, "delta", 2 * self.lower.delta)
        object.__setattr__(self, "continuous", self.lower.continuous)

    @property
    def grid(self) -> Floats:
        return self.lower.grid

    @property
    def design(self) -> Floats:
        return self.lower.design

    @property
    def design_t(self) -> float:
        return self.lower.design_t

    @property
    def design_upper(self) -> Floats:
        return 1.0 - self.other.design[::-1]

    def boundaries(self, t: Floats, start: int = 0) -> Floats:
        return self.lower.boundaries(t, start)

    def edges(self, t: Floats, start: int = 0) -> tuple[Floats, Floats]:
        below = self.lower.boundaries(t)
        above = below if self.other is self.lower else self.other.boundaries(self._shifted(t))
        return below[:, start:], 1.0 - above[:, ::-1]

    def errors(self, t: Floats) -> Floats:
        above = None if self.other is self.lower else self.other.errors(self._shifted(t))
        below = self.lower.errors(t)
        return below + (below if above is None else above)

    def reaching(self, ranks: Integers, level: float) -> Floats:
        return self.lower.reaching(ranks, level)

    def _shifted(self, t: Floats) -> Floats:
        grid = self.other.grid
        return np.clip(t + (self.other.design_t - self.lower.design_t), grid[0], grid[-1])


class Band(Bound):
    """A bound on every monotone law-invariant measure at once, by the edges of a band."""

    requires: ClassVar[Assumptions] = Assumptions(bounded=False)

    @abstractmethod
    def boundary(self, n: int, delta: float) -> Boundary:
        """The lower edge with error at most `delta`; the same for every sample of n units."""

    @abstractmethod
    def family(self, n: int, delta: float) -> Family:
        """The nested bands whose errors are p-values; shapes are fixed by (n, delta)."""

    def reflected(self) -> Band:
        """The band to use on `a + b - x`, whose lower edge becomes the upper edge of this one."""
        return self

    def carries(self, measure: RiskMeasure) -> bool:
        return True

    def envelope(self, sample: Sample, side: BandSide, delta: float) -> CDFEnvelope:
        """The band of a single sample; both sides together take `delta / 2` each."""
        n, share = sample.n_units, delta / 2 if side == "both" else delta
        edge = (self.reflected() if side == "upper" else self).boundary(n, share)
        low, high = edge.levels
        ranks = edge.active_ranks
        if side == "upper":
            low, high = 1.0 - high, 1.0 - low
            ranks = None if ranks is None else (n + 1 - ranks[1], n + 1 - ranks[0])
        return CDFEnvelope(
            atoms=np.sort(sample.values[0]),
            lower=None if side == "upper" else edge.values,
            upper=None if side == "lower" else self.upper_edge(n, share),
            support=sample.support,
            confidence_level=1.0 - delta,
            band=self.name,
            levels=(low, high),
            level_c=edge.level_c,
            active_ranks=ranks,
        )

    def upper_edge(self, n: int, delta: float) -> Floats:
        """(n,) with `F(x_(i)-) <= upper_i` for all i, by reflection: `1 - b_(n-i+1)`."""
        return 1.0 - self.reflected().boundary(n, delta).values[::-1]

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        from riskstats.bounds.edges import upper_values

        share = _share(measure, delta)
        upper = self.upper_edge(sample.n_units, share) if measure.two_sided else None
        return upper_values(sample, measure, self.boundary(sample.n_units, share).values, upper)

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        from riskstats.bounds.edges import lower_values

        share = _share(measure, delta)
        lower = self.boundary(sample.n_units, share).values if measure.two_sided else None
        return lower_values(sample, measure, lower, self.upper_edge(sample.n_units, share))

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        from riskstats.bounds.inversion import band_p_values

        return band_p_values(self._family_for(measure, sample.n_units, delta), sample, measure, risk_limit)

    def _family_for(self, measure: RiskMeasure, n: int, delta: float) -> Family:
        share = _share(measure, delta)
        family = self.family(n, share)
        if not measure.two_sided:
            return family
        other = self.reflected()
        return Pair(family, family if other == self else other.family(n, share))


def _share(measure: RiskMeasure, delta: float) -> float:
    """A measure that needs both edges pays for both."""
    return delta / 2 if measure.two_sided else delta
