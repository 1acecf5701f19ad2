"""The ends of a direction over level sets of many sizes, for little more than the price of a few.

Along a direction q the optimum (theta, t) is a smooth function of r, the root of twice the rise of F. Its
derivatives at r = 0 follow from those of F at the minimiser. At a knot, a value of r where the optimum is
solved, the derivative is free: ``d theta / d tau = H^-1 q / s`` and ``dt / d tau = 1 / s`` with ``s = t
q'H^-1 q`` and tau the limit. A polynomial through all of them gives (theta, t) at every epsilon. What it
misses costs the certificate only its square, and every epsilon gets its own certificate; where that is
wide, the direction is searched again.

The sets are nested, so a model of a smaller set is one of a larger, and an end that no model of a larger set
exceeds holds for a smaller: both ends are made to rise with epsilon.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskstats._jit import one_blas_thread
from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.levelset.level_set import LevelSet, Support, better
from riskstats.levelset.support import Lanes

__all__ = ["support_path"]

_KNOTS = (1.0, 0.6, 0.3)
"""Knots as shares of the largest r, in the order in which they are solved."""
_KNOT_STEPS = 12


@dataclass(frozen=True, eq=False)
class _Knot:
    """A derivative of (theta, t) in r: its place, its order and the values (k, p + 1)."""

    r: float
    order: int
    values: Floats


def support_path(
    level_set: LevelSet,
    directions: Floats,
    epsilons: Sequence[float],
    *,
    relative: bool,
    gap_tolerance: float = 1e-9,
    max_iter: int = 100,
    time_limit: float = np.inf,
) -> list[Support]:
    """`LevelSet.support` of every row of `directions` (k, p) at every epsilon, in the order of `epsilons`.

    level_set : any level set of the problem over its minimiser; its own epsilon is not used.
    """
    if len(epsilons) == 0:
        raise InvalidInput("`epsilons` is empty. Pass at least one number > 0.")
    deadline = time.perf_counter() + time_limit
    order = np.argsort(np.asarray(epsilons, dtype=np.float64), kind="stable")
    sets = [level_set.at(float(epsilons[place]), relative=relative) for place in order]
    with one_blas_thread():
        for smaller in sets[:-1]:
            smaller.within(sets[-1])
        supports = []
        for each, (found, places, lanes) in zip(
            sets, _first_look(sets, directions, gap_tolerance), strict=True
        ):
            for rows in each.chunks(len(places)) if len(places) else ():
                more = each.refined(lanes.take(rows), gap_tolerance, max_iter, deadline)
                found = better(found, places[rows], more)
            supports.append(found)
    risen = _nested(supports)
    return [risen[place] for place in np.argsort(order, kind="stable")]


def _first_look(
    sets: list[LevelSet], directions: Floats, gap_tolerance: float
) -> Iterator[tuple[Support, Any, Lanes]]:
    """For every set, smallest first: the ends as interpolated, and the directions left wide, with their
    lanes."""
    above = sets[0].baseline.above
    radii = [math.sqrt(2.0 * (each.aim - above)) for each in sets]
    parts: list[list[tuple[Support, Any, Lanes]]] = [[] for _ in sets]
    for rows in sets[-1].chunks(len(directions)):
        q = directions[rows]
        knots = _at_minimum(sets[-1], q)
        for share in _KNOTS[: len(sets) - 1]:
            knots += _at_knot(sets[-1], q, share * radii[-1], knots)
        for part, each, r in zip(parts, sets, radii, strict=True):
            lanes = _interpolated(q, knots, r)
            found = each.certified(lanes, gap_tolerance)
            wide = each.wide(found, lanes, gap_tolerance)
            part.append((found, rows.start + wide, lanes.take(wide)))
    for part in parts:
        places = np.concatenate([each[1] for each in part])
        yield Support.joined([each[0] for each in part]), places, Lanes.joined([each[2] for each in part])


def _at_minimum(level_set: LevelSet, q: Floats) -> list[_Knot]:
    """Value and three derivatives at r = 0: those of theta(t), and the series of t in r that makes F rise by
    ``r^2 / 2``."""
    kernel, theta = level_set.kernel, level_set.baseline.theta
    scaled = q / kernel.scale
    first = kernel.first(scaled)
    second, third = kernel.curve(first)
    a, b, c = ((scaled * part).sum(axis=1) for part in (first, second, third))
    with np.errstate(all="ignore"):
        t1 = 1.0 / np.sqrt(np.maximum(a, np.finfo(float).tiny))
        beta, gamma = 2.0 * b * t1 / (3.0 * a), c * t1 * t1 / (4.0 * a)
        t2, t3 = -0.5 * beta * t1, (0.625 * beta * beta - 0.5 * gamma) * t1
    t1, t2, t3 = t1[:, None], t2[:, None], t3[:, None]
    moves = [
        t1 * first,
        t2 * first + 0.5 * t1 * t1 * second,
        t3 * first + t1 * t2 * second + t1**3 * third / 6.0,
    ]
    start = np.column_stack([np.tile(theta, (len(q), 1)), np.zeros(len(q))])
    series = zip(moves, (t1, t2, t3), strict=True)
    return [_Knot(0.0, 0, start)] + [
        _Knot(0.0, order, math.factorial(order) * np.column_stack([move / kernel.scale, t]))
        for order, (move, t) in enumerate(series, start=1)
    ]


def _at_knot(level_set: LevelSet, q: Floats, r: float, knots: list[_Knot]) -> list[_Knot]:
    """Solve where F has risen by ``r^2 / 2``; value and two derivatives there."""
    kernel = level_set.kernel
    limit = level_set.baseline.above + 0.5 * r * r
    lanes = _interpolated(q, knots, r)
    if len(knots) <= 4:
        lanes = kernel.start(q, 0.5 * r * r, order=3)
    enough = level_set.enough(lanes)
    lanes = kernel.run(lanes, limit, tolerance=enough, max_iter=_KNOT_STEPS, device=level_set.library)
    theta, t, once, twice = kernel.derivatives(lanes)
    values = np.column_stack([theta, t])
    return [_Knot(r, 0, values), _Knot(r, 1, r * once), _Knot(r, 2, once + r * r * twice)]


def _interpolated(q: Floats, knots: list[_Knot], r: float) -> Lanes:
    """(theta, t) at r on the polynomial through the knots."""
    unit = max(max(knot.r for knot in knots), r)
    powers = np.arange(len(knots))
    rows = np.zeros((len(knots), len(knots)))
    for row, knot in zip(rows, knots, strict=True):
        at = powers >= knot.order
        factor = np.array([math.perm(int(power), knot.order) for power in powers[at]], dtype=float)
        row[at] = factor * (knot.r / unit) ** (powers[at] - knot.order)
    share = np.linalg.solve(rows.T, (r / unit) ** powers)
    with np.errstate(all="ignore"):
        values = sum(
            weight * unit**knot.order * knot.values for weight, knot in zip(share, knots, strict=True)
        )
    theta, t = values[:, :-1], values[:, -1]
    return Lanes(q, theta, t, np.where(np.isfinite(values).all(axis=1) & (t > 0), 0.0, np.inf))


def _nested(found: list[Support]) -> list[Support]:
    """Supports from the smallest set to the largest, both ends made to rise."""
    risen = [found[0]]
    for part in found[1:]:
        inner, theta = part.inner.copy(), part.theta.copy()
        kept = risen[-1].inner > inner
        inner[kept], theta[kept] = risen[-1].inner[kept], risen[-1].theta[kept]
        risen.append(replace(part, inner=inner, theta=theta))
    lowered = [risen[-1]]
    for part in reversed(risen[:-1]):
        outer, t = part.outer.copy(), part.t.copy()
        kept = lowered[-1].outer < outer
        outer[kept], t[kept] = lowered[-1].outer[kept], lowered[-1].t[kept]
        lowered.append(replace(part, outer=outer, t=t))
    return lowered[::-1]
