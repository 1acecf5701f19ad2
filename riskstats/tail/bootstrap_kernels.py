"""CVaR of resamples by tail counts: for one series and many resamples, in NumPy and in JAX.

Losses are sorted once, the largest first, and a resample is its counts of units. With `c_i` the cumulative
count (or weight) of the i largest losses and `t n` the mass of the tail,

    CVaR* = x_m + sum_(i<m) (x_i - x_(i+1)) min(c_i, t n) / (t n)

for every m with `c_m >= t n`: only the m largest losses are looked at. The kernels are written once against
an array namespace; they say how far each resample reaches, and the caller doubles m where one falls short.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from riskstats._jit import Compiled, namespace

__all__ = ["Draws", "Top", "compiled_means", "compiled_moments", "tail_means", "tail_moments"]

TIE = 1e-12  # a tail whose mean is within this of its quantile is one atom
WIDE = 64  # resamples from which adding row by row is faster than a cumulative sum along the first axis


class Top(NamedTuple):
    """The m largest losses of one series, the largest first; a leading axis makes it many series.

    atoms : (m,) losses. places : (m,) the unit of each. weights : (m,) of each, None for one each.
    """

    atoms: Any
    places: Any
    weights: Any = None


class Draws(NamedTuple):
    """R resamples of the units.

    counts : (units, R) integers. mass : (R,) or () weight of the tail, `t n` where all weights are one.
    total : (R,) or () weight of the resample. squares : (R,) or () sum over the units of the squared weight.
    """

    counts: Any
    mass: Any
    total: Any
    squares: Any


def tail_means(top: Top, draws: Draws) -> tuple[Any, Any]:
    """(R,) CVaR of every resample, and whether the m losses reach the mass of its tail."""
    xp = namespace(top.atoms)
    reached = _cumulative(top, draws)
    steps = top.atoms[:-1] - top.atoms[1:]
    between = np.flatnonzero(steps) if xp is np else slice(0, len(steps))
    taken = xp.minimum(reached[between], draws.mass).astype(top.atoms.dtype, copy=False)
    return top.atoms[-1] + (steps[between] @ taken) / draws.mass, reached[-1] >= draws.mass


def tail_moments(top: Top, draws: Draws, groups: Any = None) -> tuple[Any, Any, Any, Any]:
    """(R,) CVaR, its squared standard error less the factor `units / (units - 1)`, v, whether m suffices.

    With v the lower quantile, `y = (x - v)+`, w the weights, `W = sum w` and Y, W_u their sums in unit u,
    `se^2 = sum_u (Y_u - W_u mean)^2 / (W t)^2`, `mean = sum_u Y_u / W`: for equal weights
    `sd((x - v)+) / (t sqrt n)`. It is exactly 0 where the tail is one atom.

    groups : None where every row is a unit; else the m rows in the order of their units, as `Groups`.
    """
    xp = namespace(top.atoms)
    reached, slack = _cumulative(top, draws), 4.0 * float(np.finfo(np.float64).eps)
    passed = reached <= xp.minimum(draws.mass + slack * draws.total, (1.0 - slack) * draws.total)
    quantile = top.atoms[xp.minimum(passed.sum(axis=0), len(top.atoms) - 1)]
    excess = xp.maximum(top.atoms[:, np.newaxis] - quantile, 0.0)
    own = xp.ones_like(top.atoms) if top.weights is None else top.weights
    y = excess * own[:, np.newaxis]
    drawn = draws.counts[top.places] if groups is None else draws.counts[groups.units]
    if groups is not None:
        y, own = np.add.reduceat(y[groups.order], groups.starts, axis=0), groups.weights
    drawn = drawn.astype(y.dtype)
    first = (drawn * y).sum(axis=0)
    mean, gap = first / draws.total, first / draws.mass
    crossed = (drawn * y * own[:, np.newaxis]).sum(axis=0)
    variance = (drawn * y**2).sum(axis=0) - 2.0 * mean * crossed + mean**2 * draws.squares
    value = quantile + gap
    flat = gap <= TIE * xp.maximum(xp.abs(quantile), xp.abs(value))
    error = xp.where(flat, 0.0, xp.maximum(variance, 0.0) / draws.mass**2)
    return value, error, quantile, ~passed[-1]


class Groups(NamedTuple):
    """The m rows by unit: `order` sorts them by unit, `starts` are the first rows of each, `units` (g,) the
    units that occur, `weights` (g,) of all rows of each."""

    order: Any
    starts: Any
    units: Any
    weights: Any


def _cumulative(top: Top, draws: Draws) -> Any:
    """(m, R) weight of the largest losses, in the type of the counts where there are no weights."""
    xp = namespace(top.atoms)
    drawn = draws.counts[top.places]
    sums = drawn if top.weights is None else drawn * top.weights[:, np.newaxis]
    if xp is not np or sums.shape[1] < WIDE:
        return xp.cumsum(sums, axis=0, dtype=sums.dtype)
    for row in range(1, len(sums)):
        sums[row] += sums[row - 1]
    return sums


def _over_series(kernel: Any) -> Any:
    """A kernel over the first axis of `Top`, with the same resamples for every series."""

    def mapped(top: Top, draws: Draws) -> Any:
        import jax

        return jax.vmap(kernel, in_axes=(0, None))(top, draws)

    return mapped


compiled_means = Compiled(_over_series(tail_means))
compiled_moments = Compiled(_over_series(tail_moments))
