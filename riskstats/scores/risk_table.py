"""The risk table: for every total, the predicted risk beside the observed rate and its exact interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from riskstats._validation import confidence_level as checked_level
from riskstats._validation import sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.results import frame
from riskstats.scores._types import BoolArray, FloatArray, IntArray

__all__ = ["RiskBand", "RiskTable", "clopper_pearson", "whole_numbers"]

_ARRAYS = ("total", "n", "events", "predicted", "lower", "upper", "rows", "event_rows")
_THIN_STEP = 0.1
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def clopper_pearson(
    events: ArrayLike, n: ArrayLike, confidence_level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the exact two-sided binomial interval of a rate, end by end.

    With a = (1 - confidence_level) / 2 the ends are the a quantile of Beta(k, n - k + 1) and the 1 - a
    quantile of Beta(k + 1, n - k); 0 where k = 0 and 1 where k = n. Valid for every rate and n: each end is
    missed with probability at most a.

    Parameters: `events` k and `n` are counts of the same shape, 0 <= k <= n, n >= 1.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    from scipy.special import betainccinv, betaincinv

    tail = (1.0 - checked_level(confidence_level)) / 2.0
    k, size = np.broadcast_arrays(np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not np.all((k >= 0) & (k <= size) & (size >= 1)):
        raise InvalidInput("`events` must lie between 0 and `n`, and `n` be at least 1. Pass counts of rows.")
    low = np.where(k > 0, betaincinv(np.maximum(k, 1.0), size - k + 1.0, tail), 0.0)
    high = np.where(k < size, betainccinv(k + 1.0, np.maximum(size - k, 1.0), tail), 1.0)
    return low, high


@dataclass(frozen=True)
class RiskBand:
    """One line of a printed risk table: the totals from `first` to `last`, pooled when they differ."""

    first: float
    last: float
    n: float
    events: float
    predicted: float
    observed: float
    lower: float
    upper: float

    @property
    def pooled(self) -> bool:
        """True if the band covers more than one total."""
        return self.first != self.last


@dataclass(frozen=True, eq=False)
class RiskTable:
    """Rows of one data set, grouped by the total of their points.

    All arrays have one entry per distinct total, in rising order, and are read-only.

    total           points without the intercept; int64 (float64 if a column counted per unit holds fractions)
    n, events       rows and rows of the positive class; sums of `sample_weight` when weights were given
    predicted       risk by the card
    observed        events / n
    lower, upper    Clopper-Pearson interval of the rate at `confidence_level`
    rows, event_rows  plain counts of the rows of positive weight. The interval is about counts, so it is
                    always made from these; without weights they equal `n` and `events`
    data            which data the table is from, in words
    """

    total: np.ndarray
    n: FloatArray
    events: FloatArray
    predicted: FloatArray
    lower: FloatArray
    upper: FloatArray
    rows: IntArray
    event_rows: IntArray
    confidence_level: float = 0.95
    data: str = "given data"

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            kind: type = np.int64 if name in ("rows", "event_rows") else np.float64
            values: np.ndarray = np.array(getattr(self, name), dtype=kind)
            values = whole_numbers(values) if name == "total" else values
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "confidence_level", float(self.confidence_level))
        self._check()

    def _check(self) -> None:
        shapes = {getattr(self, name).shape for name in _ARRAYS}
        if len(shapes) != 1 or len(self.total.shape) != 1 or not len(self.total):
            raise InvalidInput(
                "A risk table needs equally long, nonempty columns, one entry per distinct total."
            )
        if not all(np.isfinite(getattr(self, name)).all() for name in _ARRAYS):
            raise InvalidInput("A risk table holds a value that is not finite.")
        if np.any(np.diff(self.total) <= 0):
            raise InvalidInput("The totals of a risk table must rise, each appearing once.")
        counts = ((self.events, self.n), (self.event_rows, self.rows))
        if any(np.any((k < 0) | (k > size) | (size <= 0)) for k, size in counts):
            raise InvalidInput("In a risk table `events` must lie between 0 and `n`, and `n` be above 0.")

    @classmethod
    def from_counts(
        cls,
        total: ArrayLike,
        n: ArrayLike,
        events: ArrayLike,
        predicted: ArrayLike,
        *,
        confidence_level: float = 0.95,
        data: str = "given data",
    ) -> RiskTable:
        """Make the table from counts of rows per total (rising, each once) and the risk predicted there."""
        low, high = clopper_pearson(events, n, confidence_level)
        total, n, events, predicted = (np.asarray(column) for column in (total, n, events, predicted))
        return cls(total, n, events, predicted, low, high, n, events, confidence_level, data)

    @classmethod
    def from_rows(
        cls,
        totals: ArrayLike,
        positive: ArrayLike,
        risk: Callable[[Any], FloatArray],
        *,
        sample_weight: ArrayLike | None = None,
        confidence_level: float = 0.95,
        data: str = "given data",
    ) -> RiskTable:
        """Group rows by their total.

        Parameters: `totals` (n,), `positive` (n,) true for the class the risk is about, `risk` maps totals to
        predicted risks. Rows of weight 0 are left out; weights enter `n` and `events`, not the interval.
        """
        weight = sample_weights(sample_weight, len(np.asarray(totals)))
        kept = weight > 0
        flags: BoolArray = np.asarray(positive, dtype=bool)[kept]
        distinct, place = np.unique(np.asarray(totals)[kept], return_inverse=True)

        def sums(of: np.ndarray) -> np.ndarray:
            return np.bincount(place, weights=of, minlength=len(distinct))

        weight = weight[kept]
        rows, event_rows = sums(np.ones_like(weight)), sums(flags.astype(np.float64))
        low, high = clopper_pearson(event_rows, rows, confidence_level)
        n = sums(weight)
        events = np.where(event_rows == rows, n, sums(weight * flags))
        return cls(distinct, n, events, risk(distinct), low, high, rows, event_rows, confidence_level, data)

    @property
    def observed(self) -> FloatArray:
        """Share of the positive class at each total, events / n."""
        return self.events / self.n

    @property
    def n_rows(self) -> int:
        """Rows of positive weight in the data."""
        return int(self.rows.sum())

    @property
    def weighted(self) -> bool:
        """True if `n` and `events` are sums of weights that differ from plain counts."""
        return not (np.array_equal(self.n, self.rows) and np.array_equal(self.events, self.event_rows))

    @property
    def calibration_error(self) -> float:
        """Mean distance of risk and observed rate over the rows: sum_s (n_s / n) |predicted - observed|."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.n))

    def at(self, total: float) -> RiskBand | None:
        """Return the line of one total, or None if no row of the data has it."""
        place = int(np.searchsorted(self.total, total))
        found = place < len(self) and self.total[place] == total
        return self._band(place, place + 1) if found else None

    def bands(self, limit: int | None = None) -> tuple[RiskBand, ...]:
        """Return the lines to print: one per total, or at most `limit` by pooling neighbours of similar risk.

        The totals pooled are those whose predicted risks differ by no more than the smallest of a list of
        round steps that brings the table under the limit. A pooled line has the mean predicted risk of its
        rows (weighted) and the exact interval of its pooled counts.
        """
        if limit is None or len(self) <= limit:
            return tuple(self._band(place, place + 1) for place in range(len(self)))
        ends = next(cut for cut in map(self._cuts, _STEPS) if len(cut) <= max(limit, 1) + 1)
        return tuple(self._band(first, last) for first, last in pairwise(ends))

    def _cuts(self, step: float) -> list[int]:
        """Return where bands start when each spans at most `step` of predicted risk, and the end.

        A band with less than one row in a hundred may span `_THIN_STEP`: its interval says little otherwise.
        """
        cuts, few = [0], self.n_rows / 100
        for place in range(1, len(self)):
            thin = self.rows[cuts[-1] : place].sum() < few
            limit = max(step, _THIN_STEP) if thin else step
            if self.predicted[place] - self.predicted[cuts[-1]] > limit + 1e-12:
                cuts.append(place)
        return [*cuts, len(self)]

    def _band(self, first: int, last: int) -> RiskBand:
        part = slice(first, last)
        if last == first + 1:
            low, high = self.lower[first], self.upper[first]
        else:
            rows, event_rows = self.rows[part].sum(), self.event_rows[part].sum()
            low, high = clopper_pearson(event_rows, rows, self.confidence_level)
        n, events = float(self.n[part].sum()), float(self.events[part].sum())
        predicted = float(np.average(self.predicted[part], weights=self.n[part]))
        ends = self.total[first].item(), self.total[last - 1].item()
        return RiskBand(*ends, n, events, predicted, events / n, float(low), float(high))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, from which `from_dict` gives an equal table."""
        columns = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return columns | {"confidence_level": self.confidence_level, "data": self.data}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RiskTable:
        """Return the table that `to_dict` wrote."""
        return cls(**content)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per total."""
        names = ("total", "n", "events", "predicted", "observed", "lower", "upper")
        columns = [getattr(self, name).tolist() for name in names]
        return frame([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])

    def __len__(self) -> int:
        return len(self.total)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RiskTable) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.total.tobytes(), self.rows.tobytes(), self.event_rows.tobytes(), self.data))


def whole_numbers(values: FloatArray) -> np.ndarray:
    """Return int64 if every value is a whole number, else the values."""
    whole = (
        np.all(np.isfinite(values)) and np.all(values == np.rint(values)) and np.all(np.abs(values) < 2.0**53)
    )
    return values.astype(np.int64) if whole else values
