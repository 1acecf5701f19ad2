"""One ball around a law on the line, exactly: ``sup E g(S')`` over ``W_p(S', S) <= R``.

    = inf over l of  l R^p + E sup_s { g(s) - l |s - S|^p }

Events. Moving an atom at distance d from the set costs d^p and gains its mass: the nearest atoms first, the
last one in part. Calls. The worst law lifts the top q of the mass by ``R q^(-1/p)``, and q maximises the
concave ``int_{1-q}^1 (Q - strike) + R q^(1 - 1/p)``, which is solved between two knots. Linear and absolute
values move everything by R, a square of order 2 stretches its distance from the centre. Everything else is a
search in l: two laws, one beyond the budget and one within, whose tangents meet at a bound from below.

All of them end in the same way: the dual value at the multiplier found is computed anew.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.search import searched
from riskstats.wasserstein.shapes import (
    LINE,
    Absolute,
    Call,
    Interval,
    Linear,
    Put,
    Shape,
    Square,
    power_cost,
)

__all__ = ["LineAnswer", "line_dual", "line_worst"]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LineAnswer:
    """upper : no law exceeds it. multiplier : d value / d R^p, None at R = 0.

    places (k,) : which atom a row comes from. weights (k,). targets (k,) : where it goes.
    attained : whether the law has the value, or only comes near it.
    """

    upper: float
    multiplier: float | None
    places: Integers
    weights: Floats
    targets: Floats
    attained: bool = True


def line_dual(
    shape: Shape,
    sign: int,
    values: Floats,
    weights: Floats,
    multiplier: float,
    radius: float,
    order: float,
    within: tuple[float, float] = LINE,
) -> float:
    """``l R^p + E sup_s { sign g(s) - l |s - S|^p }``."""
    inner = shape.best(sign, values, multiplier, order, within).value
    return float(multiplier * radius**order + weights @ inner)


def line_worst(
    shape: Shape,
    sign: int,
    values: Floats,
    weights: Floats,
    radius: float,
    order: float,
    *,
    within: tuple[float, float] = LINE,
    gap: float = 1e-6,
) -> LineAnswer:
    """The largest ``E sign g`` within W_p distance `radius` of a law; it must be finite.

    values : (n,) in any order. weights : (n,) of sum 1.
    """
    if radius == 0:
        still = float(weights @ (sign * shape(values)))
        return LineAnswer(still, None, np.arange(len(values)), weights, values)
    if within == LINE:
        found = _closed(shape, sign, values, weights, radius, order, gap)
        if found is not None:
            return found
    return _by_search(shape, sign, values, weights, radius, order, within)


def _closed(
    shape: Shape, sign: int, values: Floats, weights: Floats, radius: float, order: float, gap: float
) -> LineAnswer | None:
    """The cases without a search; None for the others."""
    if isinstance(shape, Interval):
        return _event(shape, sign, values, weights, radius, order)
    if isinstance(shape, Linear):
        moves = np.full(len(values), sign * radius * np.sign(shape.factor))
        return _moved(shape, sign, values, weights, values + moves, radius, order, abs(shape.factor))
    if sign < 0:
        return None
    if isinstance(shape, Absolute):
        moves = np.where(values < shape.center, -radius, radius)
        return _moved(shape, sign, values, weights, values + moves, radius, order, 1.0)
    if isinstance(shape, Call):
        return _lifted(shape, values, weights, 1.0, shape.strike, radius, order, gap)
    if isinstance(shape, Put):
        return _lifted(shape, values, weights, -1.0, -shape.strike, radius, order, gap)
    if isinstance(shape, Square) and order == 2:
        return _stretched(shape, values, weights, radius)
    return None


def _moved(
    shape: Shape,
    sign: int,
    values: Floats,
    weights: Floats,
    targets: Floats,
    radius: float,
    order: float,
    slope: float,
) -> LineAnswer:
    """Every atom moves by R and gains `slope` for each unit."""
    multiplier = slope * radius ** (1.0 - order) / order
    upper = line_dual(shape, sign, values, weights, multiplier, radius, order)
    return LineAnswer(upper, multiplier, np.arange(len(values)), weights, targets)


def _stretched(shape: Square, values: Floats, weights: Floats, radius: float) -> LineAnswer:
    """``E (S - c)^2`` of order 2: ``(||S - c|| + R)^2``."""
    u = values - shape.center
    norm = math.sqrt(float(weights @ (u * u)))
    move = np.full_like(u, radius) if norm == 0 else u * (radius / norm)
    multiplier = 1.0 + norm / radius
    upper = line_dual(shape, 1, values, weights, multiplier, radius, 2.0) if norm > 0 else radius**2
    return LineAnswer(upper, multiplier, np.arange(len(u)), weights, values + move)


def _event(
    shape: Interval, sign: int, values: Floats, weights: Floats, radius: float, order: float
) -> LineAnswer:
    """Nearest atoms first, until the budget is spent."""
    distance, target, attained = shape.nearest(sign, values)
    budget = radius**order
    order_of = np.argsort(distance, kind="stable")
    spent = np.cumsum((weights * power_cost(1.0, distance, order))[order_of])
    count = int(np.searchsorted(spent, budget, side="right"))
    moved = np.zeros(len(values), dtype=bool)
    moved[order_of[:count]] = True
    places, mass = np.arange(len(values)), weights
    targets = np.where(moved, target, values)
    multiplier = 0.0
    if count < len(values) and math.isfinite(float(distance[order_of[count]])):
        last = int(order_of[count])
        multiplier = float(distance[last] ** -order)
        left = budget - (float(spent[count - 1]) if count else 0.0)
        share = min(left * multiplier, float(weights[last]))
        mass = np.append(weights, share)
        mass[last] -= share
        places, targets = np.append(places, last), np.append(targets, target[last])
    kept = mass > 0
    upper = line_dual(shape, sign, values, weights, multiplier, radius, order)
    reached = targets != values[places]
    return LineAnswer(
        upper,
        multiplier,
        places[kept],
        mass[kept],
        targets[kept],
        bool(attained[places][reached & kept].all()),
    )


def _lifted(
    shape: Shape,
    values: Floats,
    weights: Floats,
    side: float,
    strike: float,
    radius: float,
    order: float,
    gap: float,
) -> LineAnswer:
    """A call on ``side S``: the top q of the mass is lifted by ``R q^(-1/p)``."""
    down = _descending(side * values)
    v, w = side * values[down], weights[down]
    q, count = _top_share(v, w, strike, radius, order)
    attained = count > 0
    if not attained:
        wanted = 0.25 * gap * (1.0 + radius)
        q, count = min(float(w[0]), wanted / max(strike - float(v[0]), 1e-300)), 1
    share = w[:count].copy()
    share[-1] = min(max(q - float(w[: count - 1].sum()), 0.0), float(w[count - 1]))
    lift = radius * float(share.sum()) ** (-1.0 / order)
    left = float(w[count - 1]) - share[-1]
    rest = np.arange(count, len(v))
    places, mass = np.append(np.arange(count), rest), np.append(share, w[rest])
    targets = np.append(v[:count] + lift, v[rest])
    if left > 0:
        places, mass, targets = (
            np.append(places, count - 1),
            np.append(mass, left),
            np.append(targets, v[count - 1]),
        )
    multiplier = q ** (1.0 - 1.0 / order) * radius ** (1.0 - order) / order if attained else 1.0
    upper = line_dual(shape, 1, values, weights, multiplier, radius, order)
    kept = mass > 0
    return LineAnswer(upper, multiplier, down[places[kept]], mass[kept], side * targets[kept], attained)


def _descending(values: Floats) -> Integers:
    if (values[1:] >= values[:-1]).all():
        return np.arange(len(values))[::-1]
    return np.argsort(-values)


def _top_share(v: Floats, w: Floats, strike: float, radius: float, order: float) -> tuple[float, int]:
    """(q, how many of the largest atoms it takes, the last one in part); (0, 0) where q -> 0 is best."""
    if order == 1:
        count = int(np.searchsorted(-v, -strike, side="right"))
        return float(w[:count].sum()), count
    reach, ends = radius * (1.0 - 1.0 / order), np.minimum(np.cumsum(w), 1.0)

    def rising(i: int) -> bool:
        return float(v[i]) - strike + reach * float(ends[i]) ** (-1.0 / order) >= 0

    i = bisect_left(range(len(v)), True, key=lambda k: not rising(k))
    if i == len(v):
        return float(w.sum()), len(v)
    start = float(ends[i - 1]) if i else 0.0
    q = max((reach / (strike - float(v[i]))) ** order, start)
    return (q, i + 1) if q > start else (start, i)


def _by_search(
    shape: Shape,
    sign: int,
    values: Floats,
    weights: Floats,
    radius: float,
    order: float,
    within: tuple[float, float],
) -> LineAnswer:
    """A search in the multiplier."""
    found = searched(
        lambda multiplier: shape.best(sign, values, multiplier, order, within), values, weights, radius, order
    )
    kept = found.weights > 0
    return LineAnswer(
        found.upper, found.multiplier, found.places[kept], found.weights[kept], found.targets[kept]
    )
