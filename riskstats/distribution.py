"""Weighted atoms: the one definition of ties, ranks and quantiles in the package.

Larger is worse. `level` is the share *not* in the tail. For a distribution function F and a level b

    lower quantile  inf {x : F(x) >= b}        upper quantile  inf {x : F(x) > b}

The two differ exactly where F takes the value b. Levels are floating-point numbers and stand for the
fractions they round, so a level within `4 eps` of a value of F is taken to be that value: in ranks a slack of
`4 n eps`, which grows with n as the rounding of `n * level` does. There the lower side gives the smaller and
the upper side the larger of the two candidates: whoever needs the safe side of a loss asks for `upper`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from riskstats._validation import (
    Floats,
    Integers,
    choice,
    finite_vector,
    same_length,
    sample_weights,
    whole_number,
)
from riskstats.exceptions import InvalidInput

__all__ = ["Distribution", "Side", "rank_of_level"]

Side: TypeAlias = Literal["lower", "upper"]

LEVEL_SLACK = 4 * float(np.finfo(np.float64).eps)
TIE = 1e-12  # atoms whose relative distance is at most this are one: sums of logs differ in their last bits


@dataclass(frozen=True, eq=False)
class Distribution:
    """A discrete distribution of losses.

    Parameters
    ----------
    atoms : (n,) finite numbers in any order, repeats allowed.
    weights : (n,) numbers >= 0 with a positive sum; None is one each.

    Attributes
    ----------
    atoms : (m,) increasing, read-only. Values within a relative 1e-12 of the next are one atom, the
        largest of them.
    weights : (m,) positive, read-only, sum 1.
    cumulative : (m,) `P(X <= atom)`, the last one exactly 1, read-only.

    Integer weights equal repetition, zero weights are neutral, and so is a common factor of the weights;
    the order of the rows does not matter. `InvalidInput`: empty, NaN or infinite atoms; negative, missing or
    all-zero weights. Cost: one sort.
    """

    atoms: Floats
    weights: Floats | None = None
    cumulative: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        atoms = finite_vector(self.atoms, "losses")
        weights = sample_weights(self.weights, len(atoms))
        atoms, weights = atoms[weights > 0], weights[weights > 0]
        order = np.argsort(atoms, kind="stable")
        atoms, weights = atoms[order], weights[order]
        last = np.append(_apart(atoms), True)
        first = np.flatnonzero(np.append(True, last[:-1]))
        scaled = np.ldexp(weights, -math.frexp(weights.max())[1])
        mass = np.add.reduceat(scaled, first)
        units = np.cumsum(np.add.reduceat(_units(scaled), first))
        self._freeze(atoms=atoms[last], weights=mass / mass.sum(), cumulative=units / units[-1])

    @classmethod
    def from_cumulative(cls, atoms: npt.ArrayLike, cumulative: npt.ArrayLike) -> Distribution:
        """The distribution with `P(X <= atoms_k) = cumulative_k`, taken exactly.

        atoms : (k,) finite, nondecreasing. cumulative : (k,) in [0, 1], nondecreasing, the last one 1.
        `InvalidInput` otherwise. Atoms without mass are dropped, equal atoms are one.
        """
        points, levels = finite_vector(atoms, "atoms"), finite_vector(cumulative, "cumulative")
        same_length(atoms=points, cumulative=levels)
        if (np.diff(points) < 0).any() or (np.diff(levels, prepend=0.0) < 0).any() or levels[-1] != 1.0:
            raise InvalidInput(
                "`atoms` and `cumulative` must not decrease, and the last `cumulative` must be 1; got "
                f"cumulative from {levels[0]:g} to {levels[-1]:g}. Sort the atoms and sum their weights."
            )
        last = np.append(points[1:] > points[:-1], True)
        points, levels = points[last], levels[last]
        mass = np.diff(levels, prepend=0.0)
        law: Distribution = object.__new__(cls)
        law._freeze(atoms=points[mass > 0], weights=mass[mass > 0], cumulative=levels[mass > 0])
        return law

    def _freeze(self, **arrays: Floats) -> None:
        for name, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.atoms)

    def mean(self) -> float:
        """Expectation `sum_k weights_k atoms_k`."""
        return float(np.dot(self.weights, self.atoms))  # type: ignore[arg-type]

    @overload
    def cdf(self, x: float, *, strict: bool = False) -> float: ...
    @overload
    def cdf(self, x: npt.ArrayLike, *, strict: bool = False) -> float | Floats: ...
    def cdf(self, x: npt.ArrayLike, *, strict: bool = False) -> float | Floats:
        """`P(X <= x)`, or `P(X < x)` if `strict`; elementwise.

        An `x` within a relative 1e-12 of an atom is at that atom.
        """
        points = np.asarray(x, dtype=np.float64)
        if np.isnan(points).any():
            raise InvalidInput("`x` has NaN; a probability needs a number. Drop the missing points.")
        shift = TIE * np.abs(np.where(np.isinf(points), 0.0, points))
        below = np.searchsorted(
            self.atoms, points - shift if strict else points + shift, "left" if strict else "right"
        )
        result = np.append(0.0, self.cumulative)[below]
        return float(result) if result.ndim == 0 else result

    @overload
    def quantile(self, level: float, side: Side = "lower") -> float: ...
    @overload
    def quantile(self, level: npt.ArrayLike, side: Side = "lower") -> float | Floats: ...
    def quantile(self, level: npt.ArrayLike, side: Side = "lower") -> float | Floats:
        """Lower or upper quantile at levels in [0, 1]; elementwise, always an atom.

        Level 0 on the lower side is the smallest atom, level 1 on the upper side the largest.
        """
        levels = _levels(level)
        if choice(side, ("lower", "upper"), "side") == "lower":
            index = np.searchsorted(self.cumulative, levels - LEVEL_SLACK, "left")
        else:
            index = np.searchsorted(self.cumulative, levels + LEVEL_SLACK, "right")
        result = self.atoms[np.minimum(index, len(self) - 1)]
        return float(result) if np.ndim(result) == 0 else result


@overload
def rank_of_level(level: float, n: int, side: Side = "lower") -> int: ...
@overload
def rank_of_level(level: npt.ArrayLike, n: int, side: Side = "lower") -> int | Integers: ...
def rank_of_level(level: npt.ArrayLike, n: int, side: Side = "lower") -> int | Integers:
    """The rank in 1..n whose order statistic is the quantile of n equally weighted values; elementwise.

    lower: the smallest k with `k / n >= level`; upper: the smallest k with `k / n > level`, at most n.
    A level that is the nearest float to k/n counts as k/n, for every n up to 1e14.
    """
    levels, size = _levels(level), whole_number(n, "n", low=1)
    if choice(side, ("lower", "upper"), "side") == "lower":
        ranks = np.ceil(size * levels - size * LEVEL_SLACK)
    else:
        ranks = np.floor(size * levels + size * LEVEL_SLACK) + 1
    result = np.clip(ranks, 1, size).astype(np.int64)
    return int(result) if result.ndim == 0 else result


def _levels(level: npt.ArrayLike) -> Floats:
    levels = np.asarray(level, dtype=np.float64)
    outside = ~((levels >= 0) & (levels <= 1))
    if outside.any():
        wrong = float(levels[outside].flat[0])
        hint = f" Write {wrong / 100:g}." if 1 < wrong <= 100 else " It is the share not in the tail."
        raise InvalidInput(f"`level` must lie in [0, 1]; got {wrong:g}.{hint}")
    return levels


def _apart(atoms: Floats) -> npt.NDArray[np.bool_]:
    """Whether each sorted value is distinct from the next one."""
    low, high = atoms[:-1], atoms[1:]
    with np.errstate(over="ignore"):
        return high - low > TIE * np.maximum(np.abs(low), np.abs(high))


def _units(scaled: Floats) -> Integers:
    """The weights as integers in one power-of-two unit, so that their sums are exact in any order.

    The sum stays below 2**62; integer weights are represented exactly, equal weights by equal integers.
    """
    exponent = 61 - math.frexp(float(scaled.sum()))[1]
    return np.rint(np.ldexp(scaled, exponent)).astype(np.int64)
