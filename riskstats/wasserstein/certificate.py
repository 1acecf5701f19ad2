"""Certificates of a worst case: the value of a law inside every ball, and a dual value that no law exceeds.

Primal. Weights are clipped at 0 and their sums restored to the reference weights along cheap columns; costs
are linear in the weights, so where a budget is exceeded the law is mixed with one that has room. The value
of the law that is left is a bound from one side, whatever solver proposed it.

Dual. For multipliers l >= 0 and any potential g on the second reference,

    phi_i = max_j (M_ij - g_j),    psi_j = max_i (M_ij - phi_i),    <l, budget> + sum a phi + sum b psi

is at least the value of every law, where M is an upper bound of the inner supremum at l.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from riskstats._validation import Floats, Integers

if TYPE_CHECKING:
    from riskstats.wasserstein.program import InnerSupremum

__all__ = ["Columns", "Enclosure", "Law", "dual_value", "inside", "restored", "rounded_up"]

EPS = float(np.finfo(np.float64).eps)
ROUNDING = 1e-13
"""Excess over a budget that is put down to the rounding of sums."""


@dataclass(frozen=True, eq=False)
class Columns:
    """k ways to send a source pair somewhere.

    first, second : (k,) positions of the pair. targets : d arrays (k, k_l), where each marginal goes.
    value : (k,) the functional there. costs : (k, d) the transport cost in each ball.
    """

    first: Integers
    second: Integers
    targets: tuple[Floats, ...]
    value: Floats
    costs: Floats

    def __len__(self) -> int:
        return len(self.first)

    def take(self, places: Any) -> Columns:
        """The columns at `places`."""
        targets = tuple(target[places] for target in self.targets)
        return Columns(
            self.first[places], self.second[places], targets, self.value[places], self.costs[places]
        )

    def joined(self, other: Columns) -> Columns:
        """The columns of both."""
        targets = tuple(
            np.concatenate([mine, theirs]) for mine, theirs in zip(self.targets, other.targets, strict=True)
        )
        return Columns(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            targets,
            np.concatenate([self.value, other.value]),
            np.concatenate([self.costs, other.costs]),
        )


Law: TypeAlias = tuple[Columns, Floats]


@dataclass(frozen=True, eq=False)
class Enclosure:
    """``lower <= worst case <= upper``, with the multipliers of the upper end."""

    lower: float
    upper: float
    multiplier: Floats | None

    @property
    def gap(self) -> float:
        """upper - lower, inf where a side is unknown."""
        gap = self.upper - self.lower
        return max(gap, 0.0) if np.isfinite(gap) else np.inf

    def tightened(self, lower: float, upper: float, multiplier: Floats | None) -> Enclosure:
        """The better of both ends."""
        better = upper < self.upper
        return Enclosure(
            max(self.lower, lower), min(self.upper, upper), multiplier if better else self.multiplier
        )


def dual_value(question: InnerSupremum, multiplier: Floats, values: Floats, potential: Floats) -> float:
    """The dual value of multipliers and a potential (m,) that need not be feasible; rounded up.

    values : (n, m) upper bounds of the inner supremum at `multiplier`; -inf where a pair has no target at
        all. Anything that is not a bound, NaN or a negative multiplier, gives inf.
    """
    if not ((values < np.inf).all() and np.isfinite(potential).all() and (multiplier >= 0).all()):
        return np.inf
    phi = (values - potential[None, :]).max(axis=1)
    psi = (values - phi[:, None]).max(axis=0) if np.isfinite(phi).all() else phi
    if not (np.isfinite(phi).all() and np.isfinite(psi).all()):
        return np.inf
    return rounded_up((multiplier * question.budget, question.first * phi, question.second * psi))


def rounded_up(parts: tuple[Floats, ...]) -> float:
    """The sum of all entries of some arrays, and what rounding may have taken from it."""
    size = sum(float(np.abs(part).sum()) for part in parts)
    total = sum(float(part.sum()) for part in parts)
    return total + (sum(map(len, parts)) + 8) * EPS * size


def restored(
    question: InnerSupremum, cheap: Columns, start: Law, columns: Columns, weights: Floats
) -> Law | None:
    """Columns and weights of a law with the reference marginals, inside every ball; None where that fails.

    cheap : one column for every pair, in row-major order; what clipping and a solver's tolerance leave
    missing is sent along them. start : a law inside every ball, to mix with where a budget is exceeded.
    """
    sound = np.isfinite(weights) & (weights > 0)
    columns, mass = _balanced(question, cheap, columns.take(sound), weights[sound])
    costs = mass @ columns.costs
    if (costs > question.budget * (1.0 + ROUNDING) + ROUNDING).any():
        columns, mass = _mixed(question, start, columns, mass, costs)
    return (columns, mass) if inside(question, columns, mass) else None


def inside(question: InnerSupremum, columns: Columns, mass: Floats, tolerance: float = 1e-9) -> bool:
    """Whether marginals and transport costs hold, recomputed from the columns."""
    row = np.bincount(columns.first, mass, len(question.first))
    column = np.bincount(columns.second, mass, len(question.second))
    costs = mass @ columns.costs
    return bool(
        (mass >= 0).all()
        and np.abs(row - question.first).sum() <= tolerance
        and np.abs(column - question.second).sum() <= tolerance
        and (costs <= question.budget + tolerance * (1.0 + question.budget)).all()
    )


def _balanced(
    question: InnerSupremum, cheap: Columns, columns: Columns, mass: Floats
) -> tuple[Columns, Floats]:
    """Scale rows down to their reference weight, then columns, then send the rest over cheap columns."""
    first, second = question.first, question.second
    n, m = len(first), len(second)
    row = np.bincount(columns.first, mass, n)
    mass = mass * np.minimum(1.0, first / np.maximum(row, 1e-300))[columns.first]
    column = np.bincount(columns.second, mass, m)
    mass = mass * np.minimum(1.0, second / np.maximum(column, 1e-300))[columns.second]
    left = np.maximum(first - np.bincount(columns.first, mass, n), 0.0)
    right = np.maximum(second - np.bincount(columns.second, mass, m), 0.0)
    total = min(left.sum(), right.sum())
    if total <= 1e-300:
        return columns, mass
    sent = (np.outer(left / left.sum(), right / right.sum()) * total).ravel()
    places = np.flatnonzero((sent > 0) & np.isfinite(cheap.costs).all(axis=1))
    return columns.joined(cheap.take(places)), np.append(mass, sent[places])


def _mixed(
    question: InnerSupremum, start: Law, columns: Columns, mass: Floats, costs: Floats
) -> tuple[Columns, Floats]:
    """Mix with a law that has room, until every budget holds; costs are linear in the mixture."""
    base, weights = start
    spare = np.maximum(question.budget - weights @ base.costs, 0.0)
    over = costs > question.budget
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(over, spare / (spare + (costs - question.budget)), 1.0).min()
    share = float(share) * (1.0 - 4.0 * EPS)
    return columns.joined(base), np.concatenate([share * mass, (1.0 - share) * weights])
