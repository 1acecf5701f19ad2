"""The largest quantile of a sum of three or more with unknown dependence and transport, from both sides.

Below: a coupling. The upper tails are cut into cells of equal mass, and each column in turn is arranged
against the sum of the others; a cell counts with its smallest value, so the quantile of what comes out, after
transport within R, is a quantile of a law of the set.

Above: a dual. For any r, width D > 0 and kappa > 0, with ``g = max_y (y - kappa y^p)`` over y >= 0,

    P(S' >= s) <= ( kappa R^p + sum_j E min((Y_j - r_j)_+, D) ) / D,     s = sum_j r_j + D + g

for every S' within R of a sum S of the references. The sum of the terms is at least min(S - sum_j r_j, D),
which with S = s - y is at least D - kappa y^p, and ``1 - kappa y^p / D`` integrates to no less than
``P(S' >= s) - kappa R^p / D``. So the quantile at `level` is at most s once the right side is 1 - level.
At R = 0 this is the dual bound of Embrechts and Puccetti (2006), Bounds for functions of dependent risks;
with D unlimited it is the sum of the CVaRs plus ``R (1 - level)^(-1/p)``. Source of the arrangement: Puccetti
and Rueschendorf (2012), Computation of sharp bounds on the distribution of a function of dependent risks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.distribution import LEVEL_SLACK
from riskstats.wasserstein.step_quantiles import StepLaw
from riskstats.wasserstein.sum_quantiles import norm_root

__all__ = ["QuantileEnclosure", "dual_quantile", "largest_quantile_of_sum", "rearranged_quantile"]

_CELLS = 500
_STARTS = 3
_SWEEPS = 200
_PATIENCE = 4
_CANDIDATES = 20
_HALVINGS = 10  # of a search for r
_POLISHES = 30
_PUSHES = 30
_ENOUGH = 1e-3  # relative gap at which neither side is improved further
_STEPS = 100


@dataclass(frozen=True)
class QuantileEnclosure:
    """lower <= the greatest upper quantile <= upper."""

    lower: float
    upper: float


def largest_quantile_of_sum(
    laws: Sequence[StepLaw], level: float, radius: float, order: float
) -> QuantileEnclosure:
    """An enclosure of ``sup { z : inf P(S < z) <= level }`` for the sum of d laws and a total distance."""
    upper = dual_quantile(laws, level, radius, order, polished=False)
    lower = rearranged_quantile(laws, level, radius, order, enough=upper - _ENOUGH * abs(upper))
    if upper - lower > _ENOUGH * abs(upper):
        upper = min(upper, dual_quantile(laws, level, radius, order))
    return QuantileEnclosure(min(lower, upper), upper)


def rearranged_quantile(
    laws: Sequence[StepLaw], level: float, radius: float, order: float, *, enough: float = np.inf
) -> float:
    """The quantile under the best arrangement found: a value that a law of the set reaches.

    enough : a value that ends the search at the start that reaches it.
    """
    columns = _tail_cells(laws, level)
    weights = np.full(len(columns), (1.0 - level) / len(columns))
    draws, best = np.random.default_rng(0), -np.inf
    for _ in range(_STARTS):
        best = max(best, _arranged(columns, draws, weights, radius, order))
        if best >= enough:
            break
    return best


def _arranged(
    columns: Floats, draws: np.random.Generator, weights: Floats, radius: float, order: float
) -> float:
    """The best quantile on the way from a random start."""
    best, stalled = -np.inf, 0
    arranged = draws.permuted(columns, axis=0)
    for _ in range(_SWEEPS):
        _sweep(columns, arranged)
        found = -norm_root(-arranged.sum(axis=1), weights, radius, order)
        stalled = 0 if found > best + 1e-9 * abs(best) else stalled + 1
        best = max(best, found)
        if stalled >= _PATIENCE:
            break
    return best


def _sweep(columns: Floats, arranged: Floats) -> None:
    """Each column against the sum of the others, in place; `columns` are increasing."""
    total = arranged.sum(axis=1)
    for j in range(arranged.shape[1]):
        total -= arranged[:, j]
        arranged[np.argsort(-total), j] = columns[:, j]
        total += arranged[:, j]


def _tail_cells(laws: Sequence[StepLaw], level: float) -> Floats:
    """(cells, d) the smallest value of each cell of equal mass of the upper tails, increasing."""
    cells = _number_of_cells(laws, 1.0 - level)
    starts = level + (1.0 - level) * np.arange(cells) / cells + LEVEL_SLACK
    columns = np.empty((cells, len(laws)))
    for j, law in enumerate(laws):
        places = np.searchsorted(law.cumulative, starts, side="right")
        columns[:, j] = law.values[np.minimum(places, len(law) - 1)]
    return columns


def _number_of_cells(laws: Sequence[StepLaw], mass: float) -> int:
    """A multiple of the atoms in the tail where all laws have the same number of equal weights."""
    sizes = {len(law) if law.equal else 0 for law in laws}
    atoms = max(sizes) * mass
    if len(sizes) > 1 or abs(atoms - round(atoms)) > 4 * max(sizes) * LEVEL_SLACK or round(atoms) < 1:
        return 2 * _CELLS
    return round(atoms) * int(np.ceil(_CELLS / round(atoms)))


def dual_quantile(
    laws: Sequence[StepLaw], level: float, radius: float, order: float, *, polished: bool = True
) -> float:
    """The smallest dual bound found; every candidate is a valid one."""
    dual = _Dual([_Tail(law, level) for law in laws], 1.0 - level, radius, order)
    rows = _candidates(_tail_cells(laws, level), np.linspace(0.0, 1.0, _CANDIDATES + 1)[1:] ** 2)
    rows = np.maximum(rows, dual.low)
    values = dual.bound(rows)
    best = int(np.argmin(values))
    return dual.polished(rows[best], float(values[best])) if polished else float(values[best])


def _candidates(columns: Floats, shares: Floats) -> Floats:
    """(k, d) stationary points of the bound, for shares m (k,) of the tails, in cells.

    r_j and r_j + D cut the share m out of every tail, and what the laws leave beyond adds up to 1 - m; m = 1
    gives the sum of the CVaRs. Values of r need not be exact: every r gives a valid bound.
    """
    high = np.full((len(shares), 1), float((columns[-1] - columns[0]).sum()))
    low, part = np.zeros_like(high), shares[:, np.newaxis]
    for _ in range(_HALVINGS):
        width = 0.5 * (low + high)
        narrow = _beyond(columns, part, width).sum(axis=1, keepdims=True) > 1.0 - part
        low, high = np.where(narrow, width, low), np.where(narrow, high, width)
    return _value_beyond(columns, np.minimum(part + _beyond(columns, part, high), 1.0))


def _beyond(columns: Floats, part: Floats, width: Floats) -> Floats:
    """(k, d) shares w with Q(1 - w) - Q(1 - m - w) = width, which falls in w for decreasing densities."""
    low = np.zeros((len(part), columns.shape[1]))
    high = np.broadcast_to(1.0 - part, low.shape)
    for _ in range(_HALVINGS):
        w = 0.5 * (low + high)
        wide = _value_beyond(columns, w) - _value_beyond(columns, part + w) > width
        low, high = np.where(wide, w, low), np.where(wide, high, w)
    return high


def _value_beyond(columns: Floats, shares: Floats) -> Floats:
    """(k, d) the values that shares (k, d) of the tails lie beyond."""
    last = len(columns) - 1
    places = np.maximum(last - (shares * len(columns)).astype(np.int64), 0)
    return columns[places, np.arange(columns.shape[1])]


class _Tail:
    """Quantiles and excess means ``E (Y - r)_+`` of one law, for r from its upper quantile at `level` on."""

    def __init__(self, law: StepLaw, level: float) -> None:
        start = min(int(np.searchsorted(law.cumulative, level + LEVEL_SLACK, side="right")), len(law) - 1)
        self.atoms = law.values[start:]
        weights = law.weights[start:].copy()
        weights[0] = law.cumulative[start] - level
        self.beyond = np.cumsum(weights[::-1])[::-1]
        steps = np.diff(self.atoms) * self.beyond[1:]
        self.beyond = np.append(self.beyond, 0.0)
        self.means = np.append(np.cumsum(steps[::-1])[::-1], 0.0)

    def excess(self, r: Floats) -> Floats:
        """``E (Y - r)_+`` over the tail."""
        return np.interp(r, self.atoms, self.means)

    def share(self, r: Floats) -> Floats:
        """``P(Y > r)``."""
        return self.beyond[np.searchsorted(self.atoms, r, side="right")]


class _Dual:
    """The bound as a function of r (k, d), at its best width."""

    def __init__(self, tails: list[_Tail], mass: float, radius: float, order: float) -> None:
        self.tails, self.mass, self.radius, self.order = tails, mass, radius, order
        self.budget = radius**order
        self.low = np.array([tail.atoms[0] for tail in tails])
        self.high = np.array([tail.atoms[-1] for tail in tails])
        self.spread = float((self.high - self.low).sum())
        self.total = float(sum(tail.means[0] for tail in tails))
        self.rounding = 1e-14 * (self.total + mass * self.spread)

    def bound(self, r: Floats) -> Floats:
        """(k,) the least bound over widths, for each row of r >= the quantiles at `level`."""
        start = self._last_width(r, self.budget if self.order == 1 else 0.0)
        if self.order == 1 or self.radius == 0:
            return r.sum(axis=1) + start
        low, high = start, start + 4.0 * self.radius * self.mass ** (-1.0 / self.order)
        for _ in range(_PUSHES):
            width = 0.5 * (low + high)
            falls = self._pushed(r, width)[1] < 0
            low, high = np.where(falls, width, low), np.where(falls, high, width)
        return r.sum(axis=1) + self._pushed(r, high)[0]

    def _pushed(self, r: Floats, width: Floats) -> tuple[Floats, Floats]:
        """(``D + g(kappa)`` with the largest kappa that the bound allows, its slope in D)."""
        p, (slack, slope) = self.order, self._slack(r, width)
        with np.errstate(divide="ignore", over="ignore"):
            far = (p * np.maximum(slack, 0.0) / self.budget) ** (-1.0 / (p - 1.0))
            return width + (p - 1.0) / p * far, 1.0 - far**p * slope / self.budget

    def _slack(self, r: Floats, width: Floats) -> tuple[Floats, Floats]:
        """((1 - level) D - sum_j E min((Y_j - r_j)_+, D) less its rounding, its slope in D); convex in D."""
        slack, slope = self.mass * width - self.rounding, np.full(len(width), self.mass)
        for j, tail in enumerate(self.tails):
            past = r[:, j] + width
            slack += tail.excess(past) - tail.excess(r[:, j])
            slope -= tail.share(past)
        return slack, slope

    def _last_width(self, r: Floats, needed: float) -> Floats:
        """(k,) where the slack comes to exceed `needed` for good, by Newton steps from above."""
        width = np.full(len(r), (self.total + needed + self.rounding) / self.mass)
        for _ in range(_STEPS):
            slack, slope = self._slack(r, width)
            ahead = width - np.maximum(slack - needed, 0.0) / np.maximum(slope, 1e-300)
            if not (ahead < width).any():
                break
            width = np.where(slope > 0, ahead, width)
        return width

    def polished(self, r: Floats, value: float) -> float:
        """A better bound near r, by steps along each coordinate that halve where none helps."""
        step = 0.05 * (self.high - self.low)
        for _ in range(_POLISHES):
            tried = np.clip(r + np.concatenate([np.diag(step), -np.diag(step)]), self.low, self.high)
            values = self.bound(tried)
            best = int(np.argmin(values))
            if values[best] < value:
                r, value = tried[best], float(values[best])
            else:
                step = 0.5 * step
        return value
