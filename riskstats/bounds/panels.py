"""Ranks cut into panels on which a smooth function is a polynomial, and sums over ranks by few points.

A function on the ranks `first..last` is held at a few nodes of each panel. A panel grows with the distance
from both ends of its smooth piece, so that there are `O(log n)` of them; short ones keep every rank. Sums
over the ranks of a longer range use real points between the ranks, with weights exact for polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import factorial

import numpy as np

from riskstats._validation import Floats, Integers

__all__ = [
    "SHORT",
    "Panel",
    "Piece",
    "SubPoints",
    "every_rank",
    "interpolation",
    "panels",
    "rounded_nodes",
    "shortest_panel",
    "sub_points",
]

SHORT = 32
"""Ranges of at most this many ranks are summed rank by rank."""
_GROWTH = 0.5
"""Length of a panel as a share of its distance from the ends of the piece."""


@dataclass(frozen=True)
class Piece:
    """Ranks `first..last` on which the boundary is smooth.

    `left` and `right` are the places of the nearest singularities, with left < first and last < right.
    """

    first: int
    last: int
    left: int
    right: int


@dataclass(frozen=True, eq=False)
class Panel:
    """Ranks `low..high`, held at the ranks `nodes`; `weights` sum the interpolant over the ranks.

    `kept`: every rank is a node. `start`: place of the first node among those of all panels.
    """

    low: int
    high: int
    start: int
    nodes: Floats
    weights: Floats
    kept: bool

    @property
    def stop(self) -> int:
        """Place after the last node."""
        return self.start + len(self.nodes)

    @property
    def place(self) -> slice:
        """Places of the nodes among those of all panels."""
        return slice(self.start, self.stop)

    def parts(self, low: int, count: int, degree: int) -> tuple[Floats, Floats]:
        """Points and weights of the sum over the ranks from `low` on, in `count` parts of equal length."""
        edges = np.linspace(low, self.high + 1, count + 1).astype(np.int64)
        rules = [_sum_rule(a, b - a, degree) for a, b in pairwise(edges.tolist())]
        points, weights = (np.concatenate(column) for column in zip(*rules, strict=True))
        return points, weights

    def interpolation(self, points: Floats) -> Floats:
        """Matrix (points, nodes) from values at the nodes to values at `points`."""
        return interpolation(self.nodes, points)


def panels(pieces: list[Piece], degree: int) -> list[Panel]:
    """Panels of the pieces from left to right, with `degree` nodes where not every rank is kept."""
    answer: list[Panel] = []
    start = 0
    for piece in pieces:
        for low, high, kept in _ranges(piece, degree):
            answer.append(_kept(low, high, start) if kept else _panel(low, high, start, degree))
            start = answer[-1].stop
    return answer


def every_rank(first: int, last: int) -> list[Panel]:
    """Panels that keep every rank of `first..last`."""
    lows = range(first, last + 1, SHORT)
    return [_kept(low, min(low + SHORT - 1, last), low - first) for low in lows]


def _ranges(piece: Piece, degree: int) -> Iterator[tuple[int, int, bool]]:
    """Cut a piece into (low, high, whether every rank is kept).

    The distance to the right is measured from the end of the panel, as that to the left from its beginning.
    """
    low = piece.first
    shortest = shortest_panel(degree)
    while low <= piece.last:
        from_left = _GROWTH * (low - piece.left)
        from_right = _GROWTH * (piece.right - low + 1) / (1 + _GROWTH)
        length = int(min(from_left, from_right))
        high = min(low + (length if length >= shortest else SHORT) - 1, piece.last)
        yield low, high, length < shortest
        low = high + 1


def shortest_panel(degree: int) -> int:
    """Fewest ranks for which nodes are worth it and rounding them does no harm."""
    return degree + degree // 2


def _kept(low: int, high: int, start: int) -> Panel:
    return Panel(low, high, start, np.arange(low, high + 1.0), np.ones(high - low + 1), kept=True)


def _panel(low: int, high: int, start: int, degree: int) -> Panel:
    nodes = rounded_nodes(low, high, degree)
    points, weights = _sum_rule(low, high - low + 1, degree + 2)
    return Panel(low, high, start, nodes, weights @ interpolation(nodes, points), kept=False)


def rounded_nodes(low: int, high: int, degree: int) -> Floats:
    """Chebyshev points of `low..high` rounded to distinct ranks, increasing."""
    step = np.arange(degree)
    near = np.rint((high - low) / 2 * (1 - np.cos(np.pi * (step + 0.5) / degree)))
    near = np.maximum.accumulate(near - step) + step
    far = (high - low) - near[::-1]
    nodes = np.where(step < degree / 2, near, far)
    return low + nodes


def interpolation(nodes: Floats, points: Floats) -> Floats:
    """Matrix (points, nodes) of barycentric Lagrange interpolation."""
    gaps = (nodes[:, None] - nodes) * (4.0 / max(nodes[-1] - nodes[0], 1.0))
    np.fill_diagonal(gaps, 1.0)
    shift = points[:, None] - nodes
    hit = shift == 0
    shift[hit] = 1.0
    matrix = (1.0 / gaps.prod(axis=1)) / shift
    rows = hit.any(axis=1)
    matrix[rows] = hit[rows]
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix


def _sum_rule(low: int, length: int, degree: int) -> tuple[Floats, Floats]:
    """Points and weights whose weighted sum is that over the ranks `low .. low + length - 1`."""
    if length <= SHORT:
        return low + np.arange(float(length)), np.ones(length)
    return _real_points(np.array([low]), np.array([length]), degree)


def _real_points(low: Integers, length: Integers, degree: int) -> tuple[Floats, Floats]:
    """The same for several ranges of more than `SHORT` ranks: points and weights of all, in sequence."""
    unit, table = _sum_table(degree)
    points = (low + (length - 1) / 2)[:, None] + (length / 2)[:, None] * unit
    powers = (1.0 / length[:, None] ** 2.0) ** np.arange(len(table))
    return points.ravel(), (length[:, None] * (powers @ table)).ravel()


@lru_cache(maxsize=16)
def _sum_table(degree: int) -> tuple[Floats, Floats]:
    """Chebyshev points of (-1, 1) and W such that `L sum_s W[s] L**(-2 s)` are weights for L ranks.

    The ranks are the midpoints of L equal parts of the interval. The midpoint Euler-Maclaurin formula is
    exact for the Lagrange polynomials of the points, so the weights are exact for polynomials too.
    """
    from numpy.polynomial import chebyshev
    from scipy.special import bernoulli

    unit = -np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
    lagrange = np.linalg.inv(chebyshev.chebvander(unit, degree - 1))
    ends = np.array([-1.0, 1.0])
    primitive = chebyshev.chebval(ends, chebyshev.chebint(lagrange))
    table = [0.5 * (primitive[:, 1] - primitive[:, 0])]
    numbers = bernoulli(degree + 2)
    for order in range(1, (degree + 1) // 2 + 1):
        at_ends = chebyshev.chebval(ends, chebyshev.chebder(lagrange, 2 * order - 1))
        half = (2.0 ** (1 - 2 * order) - 1) * numbers[2 * order]
        table.append(0.5 * half * 4.0**order / factorial(2 * order) * (at_ends[:, 1] - at_ends[:, 0]))
    return unit, np.array(table)


@dataclass(frozen=True, eq=False)
class SubPoints:
    """Points that replace the ranks after each target: graded, so that their gaps grow with the distance.

    `target` (S,) index of the target of a point, nondecreasing; `points`, `weights` (S,).
    """

    target: Integers
    points: Floats
    weights: Floats


def sub_points(targets: Floats, low: int, high: int, degree: int, shares: int = 1) -> SubPoints:
    """Points for the sum over the ranks of `low..high` above each target.

    A block of ranks is as long as its distance from the target over `shares`; each has `degree` points.
    """
    at = np.maximum(low, targets + 1).astype(np.int64)
    index = np.flatnonzero(at <= high)
    parts: list[tuple[Integers, Floats, Floats]] = []
    while index.size:
        distance = (at[index] - targets[index]).astype(np.int64) // shares
        length = np.minimum(np.maximum(distance, SHORT), high - at[index] + 1)
        parts.extend(_blocks(index, at[index], length, degree))
        at[index] += length
        index = index[at[index] <= high]
    target, points, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(target, kind="stable")
    return SubPoints(target[order], points[order], weights[order])


def _blocks(
    index: Integers, low: Integers, length: Integers, degree: int
) -> Iterator[tuple[Integers, Floats, Floats]]:
    short = length <= SHORT
    if short.any():
        inside = np.arange(SHORT) < length[short, None]
        target = np.broadcast_to(index[short, None], inside.shape)[inside]
        points = (low[short, None] + np.arange(float(SHORT)))[inside]
        yield target, points, np.ones(len(points))
    if not short.all():
        points, weights = _real_points(low[~short], length[~short], degree)
        yield np.repeat(index[~short], degree), points, weights
