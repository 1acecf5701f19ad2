"""A band that contains an unknown distribution function, and the two laws at its edges.

Every monotone law-invariant measure is largest at the law of the lower edge and smallest at that of the
upper edge, so one band bounds them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from riskstats._validation import Floats
from riskstats.distribution import Distribution
from riskstats.exceptions import IncompatibleBound, InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CDFEnvelope", "Rows", "best_rows", "worst_rows"]


class Rows(NamedTuple):
    """m laws that share their cumulative probabilities.

    atoms : (m, k), each row nondecreasing. cumulative : (k,) nondecreasing, the last one 1.
    `P(X_j <= atoms[j, i]) >= cumulative[i]`, with equality at the last of tied atoms.
    """

    atoms: Floats
    cumulative: Floats


class _Bounded(Protocol):
    """What a band asks of a measure."""

    def upper_rows(self, worst: Rows, best: Rows | None) -> Floats: ...

    def lower_rows(self, worst: Rows | None, best: Rows) -> Floats: ...

    @property
    def two_sided(self) -> bool: ...

    def needs_both(self, worst: Rows | None, best: Rows | None) -> tuple[Rows, Rows]: ...


def worst_rows(ordered: Floats, lower: Floats, top: float) -> Rows:
    """The laws at the lower edge: mass `b_i - b_{i-1}` at the i-th smallest loss, `1 - b_n` at `top`.

    ordered : (m, n), rows nondecreasing. lower : (n,), `F(x_(i)) >= b_i`.
    """
    return Rows(np.column_stack([ordered, np.full(len(ordered), top)]), np.append(lower, 1.0))


def best_rows(ordered: Floats, upper: Floats, bottom: float) -> Rows:
    """The laws at the upper edge: `P(X < x_(i)) = u_i`, with mass `u_1` at `bottom`.

    ordered : (m, n), rows nondecreasing. upper : (n,), `F(x_(i)-) <= u_i`.
    """
    return Rows(np.column_stack([np.full(len(ordered), bottom), ordered]), np.append(upper, 1.0))


@dataclass(frozen=True, eq=False)
class CDFEnvelope:
    """`lower_i <= F(x_(i))` and `F(x_(i)-) <= upper_i` for all i at once, with the stated confidence.

    Parameters
    ----------
    atoms : (n,) the losses, nondecreasing, within `support`.
    lower, upper : (n,) in [0, 1], nondecreasing; None where that side of the band was not asked for.
    support : (lowest, highest) possible loss; the highest may be inf.
    confidence_level : of the whole band, both sides together.
    band : name of the method.
    levels : range of levels that the band was calibrated for.
    level_c : calibrated parameter of a Berk-Jones band, else None.
    active_ranks : (first, last) rank, counted from 1, between which the edge rises; None for all.
    """

    atoms: Floats
    lower: Floats | None
    upper: Floats | None
    support: tuple[float, float]
    confidence_level: float
    band: str = ""
    levels: tuple[float, float] = (0.0, 1.0)
    level_c: float | None = None
    active_ranks: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.lower is None and self.upper is None:
            raise InvalidInput("a band needs `lower`, `upper` or both; got neither.")
        low, high = self.support
        object.__setattr__(self, "atoms", _nondecreasing(self.atoms, len(self.atoms), "atoms", low, high))
        for name in ("lower", "upper"):
            if (edge := getattr(self, name)) is not None:
                object.__setattr__(self, name, _nondecreasing(edge, len(self.atoms), name, 0.0, 1.0))

    def worst_case(self) -> Distribution:
        """The law with the largest losses in the band. Needs the lower side and a finite top."""
        return _law(self.worst_rows())

    def best_case(self) -> Distribution:
        """The law with the smallest losses in the band. Needs the upper side."""
        return _law(self.best_rows())

    def worst_rows(self) -> Rows:
        """`worst_case` as one row; its last atom may be infinite."""
        if self.lower is None:
            raise IncompatibleBound("the worst case needs the lower side of the band; got side='upper'.")
        return worst_rows(self.atoms[np.newaxis], self.lower, self.support[1])

    def best_rows(self) -> Rows:
        """`best_case` as one row."""
        if self.upper is None:
            raise IncompatibleBound("the best case needs the upper side of the band; got side='lower'.")
        return best_rows(self.atoms[np.newaxis], self.upper, self.support[0])

    def upper_bound(self, measure: _Bounded) -> float:
        """The largest value of a measure over the laws in the band; inf where there is none.

        One band bounds any number of measures of its sample at once. `IncompatibleBound`: a side is missing.
        """
        if not measure.two_sided:
            return float(measure.upper_rows(self.worst_rows(), None)[0])
        return float(measure.upper_rows(*measure.needs_both(*self._edges()))[0])

    def lower_bound(self, measure: _Bounded) -> float:
        """The smallest value of a measure over the laws in the band; errors as in `upper_bound`."""
        if not measure.two_sided:
            return float(measure.lower_rows(None, self.best_rows())[0])
        return float(measure.lower_rows(*measure.needs_both(*self._edges()))[0])

    def _edges(self) -> tuple[Rows | None, Rows | None]:
        return (
            None if self.lower is None else self.worst_rows(),
            None if self.upper is None else self.best_rows(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain Python types."""
        from riskstats.results import plain

        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}

    def plot(self, ax: Axes | None = None) -> Figure:
        """The band around the empirical distribution function; needs matplotlib."""
        from riskstats.plotting import plot_envelope

        return plot_envelope(self, ax)


def _law(rows: Rows) -> Distribution:
    if np.isinf(rows.atoms[0, -1]):
        raise InvalidInput(
            "the worst case has mass at infinity: `support` has no finite top. Pass `support=(low, high)`, "
            "or ask for a quantile below the last value of the band."
        )
    return Distribution.from_cumulative(rows.atoms[0], rows.cumulative)


def _nondecreasing(values: Any, n: int, name: str, low: float, high: float) -> Floats:
    """A read-only copy of n >= 1 nondecreasing numbers in [low, high]."""
    array = np.array(values, dtype=np.float64)
    if n == 0 or array.shape != (n,):
        raise InvalidInput(f"`{name}` must have one number for each of {n} >= 1 losses; got {array.shape}.")
    if np.isnan(array).any() or (np.diff(array) < 0).any():
        raise InvalidInput(f"`{name}` must not decrease and have no NaN. Sort the losses first.")
    if array[0] < low or array[-1] > high:
        raise InvalidInput(f"`{name}` must lie in [{low:g}, {high:g}]; got {array[0]:g} to {array[-1]:g}.")
    array.setflags(write=False)
    return array
