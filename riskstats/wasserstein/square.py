"""Where a square less a power cost is largest: ``sup (u + t)^2 - l |t|^p`` and ``inf (u + t)^2 + l |t|^p``.

By symmetry let w = |u|, and d the length of the move. Away from the centre the gain is ``(w + d)^2 - l d^p``
and towards it ``(w - d)^2 - l d^p``: a convex function less a convex one. For p > 2 each has one interior
maximum, for p = 2 it is rational, for p < 2 the sup over the line is infinite and in an interval a local
maximum may lie before the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats
from riskstats.wasserstein.shape_base import frozen

__all__ = ["square_targets"]

_HALVINGS = 200


def square_targets(
    sign: int, v: Floats, center: float, multiplier: float, order: float, within: tuple[float, float]
) -> Iterator[Floats]:
    """The numbers s in `within` of which one is best, for sources v."""
    xp, u = namespace(v, multiplier), v - center
    w, side = xp.abs(u), xp.where(u < 0, -1.0, 1.0)
    if sign < 0:
        yield xp.clip(v - side * _towards(w, multiplier, order), *within)
        return
    still = xp.clip(v, *within)
    yield still
    for end in within:
        if math.isfinite(end):
            yield xp.full_like(v, end)
        elif order == 2 and (xp is not np or multiplier <= 1.0):
            yield xp.where((multiplier < 1.0) | ((multiplier == 1.0) & (w > 0)), end, still)
        elif order < 2 or (xp is np and multiplier == 0.0):
            yield xp.full_like(v, end)
    for direction in (1.0, -1.0):
        move = _interior(direction * w, multiplier, order)
        yield xp.clip(v + direction * side * xp.where(xp.isfinite(move), move, 0.0), *within)


def _towards(w: Floats, multiplier: float, order: float) -> Floats:
    """The d in [0, w] that minimises ``(w - d)^2 + l d^p``."""
    xp = namespace(w, multiplier)
    if order == 1:
        return xp.maximum(w - multiplier / 2.0, 0.0)
    if frozen(multiplier):
        return xp.zeros_like(w)
    if order == 2:
        return w / (1.0 + multiplier)
    return _bisected(lambda d: 2.0 * (w - d) - multiplier * order * d ** (order - 1.0), np.zeros_like(w), w)


def _interior(w: Floats, multiplier: float, order: float) -> Floats:
    """A local maximum of ``(w + d)^2 - l d^p`` over d > 0, w of either sign; 0 where there is none."""
    xp = namespace(w, multiplier)
    if order == 1 or frozen(multiplier):
        return xp.zeros_like(w)
    if order == 2:
        bends = multiplier > 1.0
        return xp.where(bends, xp.maximum(w / xp.where(bends, multiplier - 1.0, 1.0), 0.0), 0.0)
    if multiplier == 0.0:
        return np.zeros_like(w)

    def slope(d: Floats) -> Floats:
        return 2.0 * (w + d) - multiplier * order * d ** (order - 1.0)

    bend = (2.0 / (multiplier * order * (order - 1.0))) ** (1.0 / (order - 2.0))
    middle = np.full_like(w, bend)
    if order > 2:
        far = (4.0 / (multiplier * order)) ** (1.0 / (order - 2.0))
        top = np.maximum(far, (4.0 * np.abs(w) / (multiplier * order)) ** (1.0 / (order - 1.0)))
        return np.where(slope(middle) > 0, _bisected(slope, middle, np.maximum(top, middle)), 0.0)
    return np.where((slope(middle) < 0) & (w > 0), _bisected(slope, np.zeros_like(w), middle), 0.0)


def _bisected(slope: object, low: Floats, high: Floats) -> Floats:
    """The root of a function that is >= 0 at `low` and <= 0 at `high`, to the last digit."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not ((middle > low) & (middle < high)).any():
            break
        right = slope(middle) > 0  # type: ignore[operator]
        low, high = np.where(right, middle, low), np.where(right, high, middle)
    return low
