"""Where an increasing function reaches a level, for many rows at once, erring to the safe side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from riskstats._jit import while_loop

__all__ = ["rising_root"]

TOLERANCE = 1e-13
STEPS = 200
LARGE = 1e100


class _Bracket(NamedTuple):
    """Two ends with opposite signs, the newest first, and the end that was dropped last."""

    new: Any
    f_new: Any
    other: Any
    f_other: Any
    old: Any
    f_old: Any
    step: Any


def rising_root(
    function: Callable[[Any], Any],
    target: float,
    guess: Any,
    slope: Any,
    *,
    low: float = 0.0,
    high: float = 1.0,
    xp: Any = np,
) -> Any:
    """(m,) numbers x with `function(x) >= target`, above the root by at most 1e-13; `high` where it is not
    reached.

    function : (m,) -> (m,), nondecreasing in each row, at most 0 at `low`; `-inf` is allowed.
    guess, slope : (m,) a point near the root and the slope there; they save evaluations, never accuracy.

    Bracketing with inverse quadratic interpolation; the answer is the end of the last bracket where the
    level was seen to be reached.
    Source: Chandrupatla (1997), A new hybrid quadratic/bisection algorithm.
    """

    def gap(x: Any) -> Any:
        return xp.clip(function(x) - target, -LARGE, LARGE)

    top = xp.full_like(guess, high)
    start = _start(gap, target, guess, slope, low, top, xp)
    end = while_loop(
        lambda state: xp.any(xp.abs(state.other - state.new) > TOLERANCE) & (state.step < STEPS),
        lambda state: _narrowed(gap, state, xp),
        start,
        xp,
    )
    return xp.where(end.f_new >= 0, end.new, end.other)


def _start(gap: Any, target: float, guess: Any, slope: Any, low: float, top: Any, xp: Any) -> _Bracket:
    """The tightest bracket among the ends, the guess, and a step from it by a little more than Newton's."""
    first = xp.clip(guess, low, top)
    f_first = gap(first)
    second = xp.clip(first - 1.2 * f_first / slope, low, top)
    f_second = gap(second)
    below, above = xp.full_like(guess, low), top
    f_below, f_above = xp.full_like(guess, -target), gap(top)
    for x, f in ((first, f_first), (second, f_second)):
        rises, falls = (f >= 0) & (x < above), (f < 0) & (x > below)
        above, f_above = xp.where(rises, x, above), xp.where(rises, f, f_above)
        below, f_below = xp.where(falls, x, below), xp.where(falls, f, f_below)
    below = xp.where(f_above < 0, top, below)  # never reached: nothing to search
    return _Bracket(above, f_above, below, f_below, below, f_below, 0)


def _narrowed(gap: Any, state: _Bracket, xp: Any) -> _Bracket:
    """One step: a point inside the bracket replaces the end of its sign."""
    width = xp.abs(state.other - state.new)
    least = xp.minimum(0.5, 0.25 * TOLERANCE / xp.maximum(width, TOLERANCE))
    share = xp.clip(_share(state, xp), least, 1.0 - least)
    x = state.new + share * (state.other - state.new)
    f = gap(x)
    same = (f >= 0) == (state.f_new >= 0)
    return _Bracket(
        new=x,
        f_new=f,
        other=xp.where(same, state.other, state.new),
        f_other=xp.where(same, state.f_other, state.f_new),
        old=xp.where(same, state.new, state.other),
        f_old=xp.where(same, state.f_new, state.f_other),
        step=state.step + 1,
    )


def _share(state: _Bracket, xp: Any) -> Any:
    """How far to go from the newest end to the other: by interpolation where it is trustworthy, else half."""
    a, b, c = state.f_new, state.f_other, state.f_old
    xi = _ratio(state.new - state.other, state.old - state.other, xp)
    phi = _ratio(a - b, c - b, xp)
    smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
    reach = _ratio(state.old - state.new, state.other - state.new, xp)
    step = _ratio(a, b - a, xp) * _ratio(c, b - c, xp) + reach * _ratio(a, c - a, xp) * _ratio(b, c - b, xp)
    return xp.where(smooth, step, 0.5)


def _ratio(numerator: Any, denominator: Any, xp: Any) -> Any:
    """`numerator / denominator`, 0 where the denominator is 0."""
    zero = denominator == 0
    return xp.where(zero, 0.0, numerator / xp.where(zero, 1.0, denominator))
