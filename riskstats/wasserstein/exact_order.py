"""Which sums of two atoms are at most z, decided by order alone.

0.1 + 0.2 is 0.3, although the sum of the two floats is larger. Where every atom is a decimal of at most 15
digits, atoms are therefore counted in a common unit, as whole numbers, whose sums are exact. Elsewhere the
rounded sum is compared with z. No tolerance is involved.
"""

from __future__ import annotations

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats, Integers

__all__ = ["comparable", "counts_at_most", "decimal_places", "scaled"]

_LARGEST = 1e15  # whole numbers below it, and the sums of two of them, are exact floats
_MOST_PLACES = 15


def decimal_places(values: Floats) -> int | None:
    """The least number of decimals that writes every value in at most 15 digits, or None."""
    largest = float(np.abs(values).max())
    most = next((p for p in range(_MOST_PLACES, -1, -1) if largest * 10.0**p < _LARGEST), None)
    if most is None or not (_written(values[:64], most) and _written(values, most)):
        return None
    return next(places for places in range(most + 1) if _written(values, places))


def _written(values: Floats, places: int) -> bool:
    return bool((np.rint(values * 10.0**places) / 10.0**places == values).all())


def scaled(values: Floats, factor: float) -> Floats:
    """``factor * values``; for decimals in NumPy the float nearest to the product of the decimals."""
    if namespace(values) is not np:
        return factor * values
    if abs(factor) == 1.0:
        return values if factor == 1.0 else -values
    own, other = decimal_places(np.array([factor])), decimal_places(values)
    if own is not None and other is not None and own + other <= 22:
        whole = np.rint(values * 10.0**other) * np.rint(factor * 10.0**own)
        if np.abs(whole).max() < _LARGEST:
            return whole / 10.0 ** (own + other)
    return factor * values


def comparable(first: Floats, second: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    """(first, second, points) in which ``a + b <= z`` compares as it does for the numbers meant."""
    found = decimal_places(first), decimal_places(second)
    if found[0] is None or found[1] is None:
        return first, second, points
    unit = 10.0 ** max(found[0], found[1])
    if max(np.abs(first).max(), np.abs(second).max()) * unit >= _LARGEST:
        return first, second, points
    return np.rint(first * unit), np.rint(second * unit), _whole_below(points, unit)


def _whole_below(points: Floats, unit: float) -> Floats:
    """The largest whole k with k / unit <= point."""
    bound = 2.0 * _LARGEST
    whole = np.floor(np.clip(points * unit, -bound, bound))
    for _ in range(4):
        whole = np.where((whole + 1.0) / unit <= points, whole + 1.0, whole)
        whole = np.where(whole / unit > points, whole - 1.0, whole)
    return np.clip(whole, -bound, bound)


def counts_at_most(terms: Floats, atoms: Floats, point: float) -> Integers:
    """(k,) how many atoms have ``term + atom <= point``, for each term (k,).

    atoms : (m + 2,) increasing, from -inf to inf; the two ends are not counted.
    """
    counts = np.searchsorted(atoms[1:-1], point - terms, side="right")
    while (low := terms + atoms[counts + 1] <= point).any():
        counts = counts + low
    while (high := terms + atoms[counts] > point).any():
        counts = counts - high
    return counts
