"""The Gini coefficient: how unequally the losses are spread over the units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.distribution import Distribution
from riskstats.envelope import Rows
from riskstats.measures._inequality import refuse_negative
from riskstats.measures.base import RiskMeasure, evaluated

__all__ = ["Gini", "gini"]


@dataclass(frozen=True)
class Gini(RiskMeasure):
    """`E |X - X'| / (2 E X) = E max(X, X') / E X - 1` for losses >= 0; X' an independent copy of X.

    From 0, all losses equal, towards 1, one unit has all the loss. Losses that are all zero are equal: 0.
    No correction `n / (n - 1)`: it is the coefficient of the law, not an estimate with less bias.

    Not monotone, so that a bound needs both edges L <= F <= U of a band. With `2 E max = N` and mean D

    - upper bound `min(1, N(worst) / D(best) - 1)`, 1 where D = 0: maximum and mean are bounded apart;
    - upper bound with `sharp`: the largest value of any law in the band, never above the other one. For a
      number c, `int (F - c)(1 - F) dx` is largest at F = (1 + c) / 2 cut to [L, U], which is a law; c is
      the bound where that integral is 0;
    - lower bound: the smallest value of any law in the band. That integrand is concave in F, so it is
      smallest at an end, L where L + U < 1 + c and U beyond: one jump, tried at every place.

    Parameters
    ----------
    sharp : which upper bound a band gives.
    """

    two_sided: ClassVar[bool] = True
    equivariant: ClassVar[bool] = False

    sharp: bool = False

    def check_support(self, support: tuple[float, float]) -> None:
        refuse_negative(support[0], self)

    def of(self, law: Distribution) -> float:
        refuse_negative(float(law.atoms[0]), self)
        return float(_gini(law.atoms[:1], np.diff(law.atoms)[np.newaxis], law.cumulative[:-1])[0])

    def of_rows(self, rows: Rows) -> Floats:
        refuse_negative(float(rows.atoms[:, 0].min()), self)
        with np.errstate(invalid="ignore"):
            values = _gini(rows.atoms[:, 0], np.diff(rows.atoms), rows.cumulative[:-1])
        return np.where(np.isfinite(rows.atoms[:, -1]), values, 1.0)

    def upper_rows(self, worst: Rows, best: Rows | None) -> Floats:
        worst, best = self.needs_both(worst, best)
        return _sharp_upper(worst, best) if self.sharp else _ratio_upper(worst, best)

    def lower_rows(self, worst: Rows | None, best: Rows) -> Floats:
        return _sharp_lower(*self.needs_both(worst, best))


def gini(losses: Any, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """Gini coefficient of losses >= 0: (n,), rows of (m, n), or a `Distribution`."""
    return evaluated(Gini(), losses, sample_weight)


def _gini(first: Floats, widths: Floats, cumulative: Floats) -> Floats:
    """`int F (1 - F) dx / int (1 - F) dx`: F is 0 below `first`, then has steps of these widths."""
    above = 1 - cumulative
    return _quotient(widths @ (cumulative * above), first + widths @ above)


def _quotient(halves: Floats, means: Floats) -> Floats:
    """Gini from `E |X - X'| / 2` and the mean; 0 over 0 is 0."""
    return np.divide(halves, means, out=np.zeros_like(means), where=means > 0)


def _ratio_upper(worst: Rows, best: Rows) -> Floats:
    squares = worst.cumulative**2
    maximum = worst.atoms @ np.diff(squares, prepend=0.0)
    mean = best.atoms @ np.diff(best.cumulative, prepend=0.0)
    with np.errstate(over="ignore"):
        ratio = np.divide(maximum, mean, out=np.full_like(mean, np.inf), where=mean > 0)
    return np.minimum(ratio - 1.0, 1.0)


def _edges(worst: Rows, best: Rows) -> tuple[Floats, Floats, Floats, Floats]:
    """(bottom (m,), widths (m, n + 1), L and U (n + 1,)): the band on the intervals between its atoms."""
    widths = np.diff(worst.atoms, prepend=best.atoms[:, :1])
    return best.atoms[:, 0], widths, np.append(0.0, worst.cumulative[:-1]), best.cumulative


def _sharp_upper(worst: Rows, best: Rows) -> Floats:
    """Iterates `c <- Gini of the law at c`, increasing and quadratic, until it stands still."""
    bottom, widths, low, high = _edges(worst, best)
    values = np.where(np.isfinite(widths[:, -1]), 0.0, 1.0)
    open_rows = np.flatnonzero(values == 0.0)
    while len(open_rows):
        levels = np.clip((1 + values[open_rows, np.newaxis]) / 2, low, high)
        above = widths[open_rows] * (1 - levels)
        raised = _quotient((above * levels).sum(axis=1), bottom[open_rows] + above.sum(axis=1))
        rising = raised > values[open_rows] + 1e-15
        values[open_rows] = np.maximum(values[open_rows], raised)
        open_rows = open_rows[rising]
    return values


def _sharp_lower(worst: Rows, best: Rows) -> Floats:
    """The smallest Gini of the laws that follow L up to one of the steps and U from there on."""
    bottom, widths, low, high = _edges(worst, best)
    finite = np.where(np.isfinite(widths), widths, 0.0)
    halves = _switched(finite * (low * (1 - low)), finite * (high * (1 - high)))
    means = _switched(finite * (1 - low), finite * (1 - high)) + bottom[:, np.newaxis]
    least = _quotient(halves, means).min(axis=1)
    return np.where(np.isfinite(widths[:, -1]), least, np.minimum(least, low[-1]))


def _switched(before: Floats, after: Floats) -> Floats:
    """(m, k + 1) sums of `before` over the first j steps and of `after` over the others, j = 0 ... k."""
    head = np.pad(np.cumsum(before, axis=1), ((0, 0), (1, 0)))
    tail = np.pad(np.cumsum(after[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    return head + tail
