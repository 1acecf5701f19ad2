"""Measures at the two edges of a band, for many samples: one boundary for all rows, or one for each.

Only the order statistics that a measure looks at are selected and sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.band_kernels import CHUNK, order_statistics, ordered_sums, row_sums
from riskstats.bounds.sample import Sample
from riskstats.envelope import Rows, best_rows, worst_rows
from riskstats.measures.base import RiskMeasure, SpectralMeasure
from riskstats.measures.value_at_risk import ValueAtRisk

__all__ = ["SortedTail", "lower_values", "order_statistic", "upper_values"]


def upper_values(sample: Sample, measure: RiskMeasure, lower: Floats, upper: Floats | None = None) -> Floats:
    """(m,) the largest value of a measure over the laws in a band.

    lower : (n,) edge. upper : (n,) edge, for a measure that needs both.
    """
    if isinstance(measure, SpectralMeasure):
        return _average(sample, measure.weights(np.append(lower, 1.0)), above=True)
    if isinstance(measure, ValueAtRisk):
        return order_statistic(sample, measure.first_atom(np.append(lower, 1.0)) + 1)
    parts = (SortedTail.of(part, measure, lower) for _, part in sample.blocks(CHUNK))
    return np.concatenate([part.upper(slice(None), lower, upper) for part in parts])


def lower_values(sample: Sample, measure: RiskMeasure, lower: Floats | None, upper: Floats) -> Floats:
    """(m,) the smallest value of a measure over the laws in a band."""
    if isinstance(measure, SpectralMeasure):
        return _average(sample, measure.weights(np.append(upper, 1.0)), above=False)
    if isinstance(measure, ValueAtRisk):
        return order_statistic(sample, measure.first_atom(np.append(upper, 1.0)))
    return np.concatenate([_lower(part, measure, lower, upper) for _, part in sample.blocks(CHUNK)])


def order_statistic(sample: Sample, rank: int) -> Floats:
    """(m,) the loss of this rank; rank 0 is the bottom of the support, rank n + 1 its top."""
    if not 1 <= rank <= sample.n_units:
        return np.full(sample.n_candidates, sample.support[0 if rank < 1 else 1])
    parts = (part.values for _, part in sample.blocks(CHUNK))
    return np.concatenate([order_statistics(values, rank - 1, rank - 1)[:, 0] for values in parts])


def _average(sample: Sample, weights: Floats, *, above: bool) -> Floats:
    """A spectral measure at an edge: n + 1 weights for the losses and the top above, or the bottom below."""
    end, inner = (weights[-1], weights[:-1]) if above else (weights[0], weights[1:])
    values = np.full(sample.n_candidates, end * sample.support[1 if above else 0] if end > 0 else 0.0)
    places = np.flatnonzero(inner)
    if len(places):
        first, last = places[[0, -1]]
        values += ordered_sums(sample.values, int(first), inner[first : last + 1])
    return values


def _lower(sample: Sample, measure: RiskMeasure, lower: Floats | None, upper: Floats) -> Floats:
    ordered = order_statistics(sample.values, 0, sample.n_units - 1)
    worst = None if lower is None else worst_rows(ordered, lower, sample.support[1])
    return measure.lower_rows(worst, best_rows(ordered, upper, sample.support[0]))


@dataclass(frozen=True, eq=False)
class SortedTail:
    """The order statistics of m samples that a measure looks at, at a band and at every wider one.

    ordered : (m, n - first), increasing: the ranks first + 1 to n.
    """

    measure: RiskMeasure
    ordered: Floats
    first: int
    support: tuple[float, float]

    @classmethod
    def of(cls, sample: Sample, measure: RiskMeasure, narrowest: Floats) -> SortedTail:
        """narrowest : (n,) the lower edge that reaches a level first."""
        n = sample.n_units
        first = 0 if measure.two_sided else min(measure.first_atom(np.append(narrowest, 1.0)), n - 1)
        return cls(measure, order_statistics(sample.values, first, n - 1), first, sample.support)

    def upper(self, rows: slice | Integers, lower: Floats, upper: Floats | None) -> Floats:
        """The largest values over one band for these rows; the edges (n,) are whole."""
        return self._values(self.ordered[rows], lower[self.first :], upper)

    def upper_each(self, rows: Integers, lower: Floats, upper: Floats | None) -> Floats:
        """The same with a band for each row: lower (r, n - first), upper (r, n)."""
        if isinstance(self.measure, SpectralMeasure):
            return self._averages(self.ordered[rows], lower)
        above = [None] * len(rows) if upper is None else list(upper)
        one_by_one = zip(rows, lower, above, strict=True)
        return np.array([self._values(self.ordered[[i]], b, u)[0] for i, b, u in one_by_one])

    def _values(self, ordered: Floats, lower: Floats, upper: Floats | None) -> Floats:
        if isinstance(self.measure, SpectralMeasure):
            return self._averages(ordered, lower)
        worst = worst_rows(ordered, lower, self.support[1])
        best: Rows | None = None if upper is None else best_rows(ordered, upper, self.support[0])
        return self.measure.upper_rows(worst, best)

    def _averages(self, ordered: Floats, lower: Floats) -> Floats:
        """A spectral measure with one boundary, or with one for each row."""
        assert isinstance(self.measure, SpectralMeasure)
        if lower.ndim == 1:
            weights = self.measure.weights(np.append(lower, 1.0))
        else:
            weights = np.array([self.measure.weights(np.append(row, 1.0)) for row in lower])
        end = weights[..., -1]
        with np.errstate(invalid="ignore"):
            top = np.where(end > 0, end * self.support[1], 0.0)
        return top + row_sums(ordered, weights[..., :-1])
