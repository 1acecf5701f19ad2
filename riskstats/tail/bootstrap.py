"""Resampling of units, many series at once: one draw of counts serves every model and dimension."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from riskstats._jit import pad_to, resolve_device
from riskstats._validation import Floats, Integers
from riskstats.tail import bootstrap_kernels as kernels
from riskstats.tail.bootstrap_kernels import Draws, Groups, Top

__all__ = ["Errors", "Resamples", "Series", "pair_variances", "point", "resample", "resample_counts"]

Errors: TypeAlias = Literal["none", "series", "pairs"]

BLOCK = 2**22  # counts held at once
CACHED = 2**16  # counts tallied at once
DEVICE_BLOCK = 2**24  # cumulative counts on a device at once
SMALL, LARGE = 2**15, 2**31


@dataclass(frozen=True, eq=False)
class Series:
    """s series of losses of the same n rows, each sorted once.

    Parameters
    ----------
    losses : (s, n) finite.
    level : share not in the tail, in [0, 1).
    weights : (n,) > 0; None where all are equal.
    unit : (n,) code 0 ... u - 1 of what is drawn; None where every row is drawn by itself.
    """

    losses: Floats
    level: float
    weights: Floats | None = None
    unit: Integers | None = None

    def __post_init__(self) -> None:
        order = np.argsort(-self.losses, axis=1, kind="stable")
        object.__setattr__(self, "_order", order)
        object.__setattr__(self, "_atoms", np.take_along_axis(self.losses, order, axis=1))

    @classmethod
    def of(cls, losses: Floats, level: float, weights: Floats, codes: Integers | None) -> Series:
        """The rows of positive weight; equal weights, and clusters of one row each, are none.

        weights : (n,) numbers >= 0 with a positive sum; only their ratios count, and a power of two brings
        the largest to between 1/2 and 1, where sums of squares are finite. codes : (n,) of clusters, or None.
        """
        kept = weights > 0
        mass = np.ldexp(weights[kept], -np.frexp(weights.max())[1])
        unit = None if codes is None else np.unique(codes[kept], return_inverse=True)[1].reshape(-1)
        if unit is not None and int(unit.max()) + 1 == len(unit):
            unit = None
        return cls(losses[:, kept], level, None if (mass == mass[0]).all() else mass, unit)

    @property
    def n_rows(self) -> int:
        return self.losses.shape[1]

    @property
    def n_units(self) -> int:
        return self.n_rows if self.unit is None else int(self.unit.max()) + 1

    @property
    def share(self) -> float:
        """`t`, the mass of the tail."""
        return 1.0 - self.level

    @property
    def start(self) -> int:
        """How many of the largest losses reach the tail of nearly every resample."""
        tail = self.share * self.n_rows
        return min(self.n_rows, math.ceil(tail + 6.0 * math.sqrt(tail) + 6.0))

    def top(self, m: int, which: Any = slice(None)) -> Top:
        """The m largest losses of all series, or of one."""
        order: Integers = self._order[which, ..., :m]  # type: ignore[attr-defined]
        places = order if self.unit is None else self.unit[order]
        weights = None if self.weights is None else self.weights[order]
        return Top(self._atoms[which, ..., :m], places, weights)  # type: ignore[attr-defined]

    def unit_weights(self) -> Floats | None:
        """(units,) weight of all rows of each unit; None where every unit weighs one."""
        if self.unit is None:
            return self.weights
        return np.bincount(self.unit, self.weights, minlength=self.n_units).astype(np.float64)

    def groups(self, top: Top) -> Groups | None:
        """The rows of `top` by unit, where units have several rows."""
        if self.unit is None:
            return None
        order = np.argsort(top.places, kind="stable")
        units, starts = np.unique(top.places[order], return_index=True)
        weights = self.unit_weights()
        assert weights is not None
        return Groups(order, starts, units, weights[units])

    def draws(self, counts: Integers) -> Draws:
        """Resamples given by the counts (units, R) of the units."""
        weights = self.unit_weights()
        if weights is None:
            total = np.float64(self.n_rows)
            return Draws(counts, self.share * total, total, total)
        return Draws(
            counts.astype(self._count_type, copy=False),
            self.share * (weights @ counts),
            weights @ counts,
            weights**2 @ counts,
        )

    @property
    def _count_type(self) -> Any:
        """The smallest integers that hold the number of rows of every resample."""
        largest = 1 if self.unit is None else int(np.bincount(self.unit).max())
        most = self.n_units * largest
        return np.int16 if most < SMALL else np.int32 if most < LARGE else np.int64


@dataclass(frozen=True, eq=False)
class Resamples:
    """What R resamples say of s series.

    cvar : (R, s). error : (R, s) standard errors, 0 where the tail of a resample is one atom. pair_error :
    (R, pairs) of the differences between series, in the order of `numpy.triu_indices`. None where they were
    not asked for.
    """

    cvar: Floats
    error: Floats | None = None
    pair_error: Floats | None = None


def resample_counts(units: int, resamples: int, rng: np.random.Generator) -> Integers:
    """(units, resamples) how often each unit is drawn in a resample of as many units, with replacement.

    int16 while `units < 2^15`, else int32. Resamples drawn in several calls are those of one call.
    """
    counts = np.empty((units, resamples), np.int16 if units < SMALL else np.int32)
    size = max(1, CACHED // units)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = rng.integers(0, units, size=(rows, units))
        drawn += np.arange(0, rows * units, units)[:, np.newaxis]
        tallies = np.bincount(drawn.ravel(), minlength=rows * units)
        counts[:, start : start + rows] = tallies.reshape(rows, units).T
    return counts


def point(series: Series) -> Resamples:
    """CVaR (1, s) of the series themselves, its standard error, and those of the differences."""
    return _of_draws(series, series.draws(np.ones((series.n_units, 1), np.int16)), "pairs", "numpy")


def resample(
    series: Series,
    resamples: int,
    rng: np.random.Generator,
    *,
    errors: Errors = "none",
    device: str = "numpy",
) -> Resamples:
    """CVaR of every series in every resample of the units.

    errors : "series" studentises each resample: standard errors with its own quantile; "pairs" also the
        differences between series.
    device : "numpy"; "cpu" or "gpu", the compiled kernel; "auto", compiled where there is an accelerator.
        All give the same answer for the same `rng`. Units of several rows are studentised in NumPy.

    Cost: `R n` draws, and `R m` additions for each series, m about `t n + 6 sqrt(t n)`.
    """
    where = resolve_device(device)
    parts = [_of_draws(series, draws, errors, where) for draws in _chunks(series, resamples, rng)]
    return Resamples(
        np.concatenate([part.cvar for part in parts]),
        _joined([part.error for part in parts]),
        _joined([part.pair_error for part in parts]),
    )


def _joined(parts: list[Floats | None]) -> Floats | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _chunks(series: Series, resamples: int, rng: np.random.Generator) -> Iterator[Draws]:
    size = max(1, BLOCK // series.n_units)
    for start in range(0, resamples, size):
        yield series.draws(resample_counts(series.n_units, min(size, resamples - start), rng))


def _of_draws(series: Series, draws: Draws, errors: Errors, where: str) -> Resamples:
    moments = errors != "none"
    compiled = where in ("cpu", "gpu") and not (moments and series.unit is not None)
    found = _compiled(series, draws, moments) if compiled else _in_numpy(series, draws, moments)
    if not moments:
        return Resamples(found[0])
    units = series.n_units
    factor = units / (units - 1.0) if units > 1 else 0.0
    pairs = np.sqrt(factor * pair_variances(series, draws, found[2])) if errors == "pairs" else None
    return Resamples(found[0], np.sqrt(factor * found[1]), pairs)


def _in_numpy(series: Series, draws: Draws, errors: bool) -> list[Floats]:
    """The answers of the kernel, each (R, s), without the last."""
    each = [_one_in_numpy(series, draws, errors, which) for which in range(len(series.losses))]
    return [np.stack(columns, axis=1) for columns in zip(*each, strict=True)]


def _one_in_numpy(series: Series, draws: Draws, errors: bool, which: int) -> tuple[Floats, ...]:
    m = series.start
    while True:
        top = series.top(m, which)
        if errors:
            *answers, enough = kernels.tail_moments(top, draws, series.groups(top))
        else:
            *answers, enough = kernels.tail_means(top, draws)
        if m >= series.n_rows or enough.all():
            return tuple(answers)
        m = min(2 * m, series.n_rows)


def _compiled(series: Series, draws: Draws, errors: bool) -> list[Floats]:
    """The answers of the compiled kernel, each (R, s), without the last."""
    kernel = kernels.compiled_moments if errors else kernels.compiled_means
    m = series.start
    while True:
        top = kernel.put(series.top(m))
        width = max(1, min(DEVICE_BLOCK // (len(series.losses) * m), draws.counts.shape[1]))
        parts = [kernel(top, part) for part in _columns(draws, width)]
        *answers, enough = (np.concatenate(each, axis=1).T for each in zip(*parts, strict=True))
        resamples = draws.counts.shape[1]
        if m >= series.n_rows or enough[:resamples].all():
            return [answer[:resamples] for answer in answers]
        m = min(2 * m, series.n_rows)


def _columns(draws: Draws, width: int) -> Iterator[Draws]:
    """The resamples in chunks of one width, the last filled up with the sample itself."""
    resamples = draws.counts.shape[1]
    full = -(-resamples // width) * width
    whole = draws._replace(
        counts=pad_to(draws.counts, full, axis=1, value=1),
        **{
            name: pad_to(np.broadcast_to(value, resamples), full, value=1.0)
            for name, value in draws._asdict().items()
            if name != "counts"
        },
    )
    for start in range(0, full, width):
        part = slice(start, start + width)
        yield Draws(whole.counts[:, part], whole.mass[part], whole.total[part], whole.squares[part])


def pair_variances(series: Series, draws: Draws, quantiles: Floats) -> Floats:
    """(R, pairs) squared standard errors of the differences, less the factor `units / (units - 1)`.

    The covariance of two CVaRs is `sum_u (Y_u - W_u mean) (Z_u - W_u mean) / (W t)^2`, with Y and Z the sums
    in unit u of the weighted excesses over the quantiles (R, s) of the resample; see `tail_moments`. Rows
    that no quantile lets through are left out. A difference without variance gets 0.
    """
    rows = np.flatnonzero((series.losses > quantiles.min(axis=0)[:, np.newaxis]).any(axis=0))
    units, starts = rows, None
    if series.unit is not None:
        rows = rows[np.argsort(series.unit[rows], kind="stable")]
        units, starts = np.unique(series.unit[rows], return_index=True)
    own = 1.0 if series.weights is None else series.weights[rows]
    whole = series.unit_weights()
    weights = np.ones(len(units)) if whole is None else whole[units]
    losses, drawn = series.losses[:, rows], draws.counts[units].T.astype(np.float64)
    first, second = np.triu_indices(len(losses), 1)
    answer = np.empty((len(quantiles), len(first)))
    totals, masses, squares = (
        np.broadcast_to(x, len(answer)) for x in (draws.total, draws.mass, draws.squares)
    )
    for r, quantile in enumerate(quantiles):
        y = np.maximum(losses - quantile[:, np.newaxis], 0.0) * own
        y = y if starts is None else np.add.reduceat(y, starts, axis=1)
        counted = drawn[r] * y
        mean, crossed = counted.sum(axis=1) / totals[r], counted @ weights
        product = np.outer(mean, crossed)
        covariance = counted @ y.T - product - product.T + np.outer(mean, mean) * squares[r]
        variance = np.diagonal(covariance)
        both = variance[first] + variance[second]
        apart = both - 2.0 * covariance[first, second]
        answer[r] = np.where(apart <= kernels.TIE * both, 0.0, apart) / masses[r] ** 2
    return answer
