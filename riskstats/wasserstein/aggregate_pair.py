"""A pair of atoms whose weighted sum is moved at two prices, each outcome in its own interval.

    sup over s1, s2 of  sign g(a1 s1 + a2 s2) - l1 |s1 - v1|^p - l2 |s2 - v2|^p

In x_j = a_j s_j the least cost of bringing the sum to S is convex in S: on the line it is ``kappa |S -
S0|^p``, in a box the same with the shares cut. So a linear piece of g, and the nearest point of an event,
are solved on S alone. Squares of order 1 and 2 are solved by their stationary points, inside and on the
edges of the box.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats
from riskstats.wasserstein.couplings import joint_multiplier, share_of_first
from riskstats.wasserstein.exact_order import scaled
from riskstats.wasserstein.functional import PairInner, decimal_sum
from riskstats.wasserstein.shape_base import along, frozen, power_cost
from riskstats.wasserstein.shapes import Interval, PiecewiseLinear, Shape, Square

__all__ = ["aggregate_pair"]

Box = tuple[tuple[float, float], tuple[float, float]]


def aggregate_pair(
    g: Shape,
    sign: int,
    weights: tuple[float, float],
    v: tuple[Floats, Floats],
    prices: tuple[float, float],
    order: float,
    within: Box,
) -> PairInner | None:
    """The inner supremum, elementwise in v; None for a square of an order other than 1 and 2."""
    if isinstance(g, Square) and order not in (1.0, 2.0):
        return None
    xp, pair = namespace(*v, *prices), _pair(weights, v, prices, order, within)
    x, y = pair.still
    value = sign * g(decimal_sum(pair.clipped)) - pair.cost(x, y)
    for s, t, height in _candidates(g, sign, pair):
        here = (sign * g(s + t) if height is None else height) - pair.cost(s, t)
        better = here > value
        value, x, y = xp.where(better, here, value), xp.where(better, s, x), xp.where(better, t, y)
    return PairInner(value, pair.outcome(0, x), pair.outcome(1, y))


@dataclass(frozen=True, eq=False)
class _Pair:
    """The pair in x_j = a_j s_j: sources u, prices and boxes to match."""

    weights: tuple[float, float]
    v: tuple[Floats, Floats]
    u: tuple[Floats, Floats]
    prices: tuple[float, float]
    order: float
    box: Box

    @property
    def clipped(self) -> list[Floats]:
        """Each x_j in its interval."""
        xp = namespace(*self.u)
        return [xp.clip(u, *ends) for u, ends in zip(self.u, self.box, strict=True)]

    @property
    def still(self) -> tuple[Floats, Floats]:
        """The nearest point of the box."""
        x, y = namespace(*self.u).broadcast_arrays(*self.clipped)
        return x, y

    @property
    def range(self) -> tuple[float, float]:
        """The sums that the box allows."""
        return self.box[0][0] + self.box[1][0], self.box[0][1] + self.box[1][1]

    def cost(self, x: Floats, y: Floats) -> Floats:
        """What a move costs, priced."""
        return power_cost(self.prices[0], x - self.u[0], self.order) + power_cost(
            self.prices[1], y - self.u[1], self.order
        )

    def cheapest(self, total: Floats) -> tuple[Floats, Floats]:
        """The cheapest (x, y) of the box with ``x + y = total``, or as near as what can move allows."""
        (low, high), (other_low, other_high) = self.box
        xp = namespace(*self.u, *self.prices)
        u, w = xp.broadcast_arrays(*self.u)
        if frozen(self.prices[0]):
            return u, w if frozen(self.prices[1]) else xp.clip(total - u, other_low, other_high)
        if frozen(self.prices[1]):
            return xp.clip(total - w, low, high), w
        share = share_of_first(*self.prices, self.order)
        least, most = xp.maximum(low, total - other_high), xp.minimum(high, total - other_low)
        x = xp.clip(u + share * (total - u - w), least, most)
        return x, xp.clip(total - x, other_low, other_high)

    def outcome(self, place: int, x: Floats) -> Floats:
        """Back to the outcome itself; what has not moved is exactly where it was."""
        a, v, (low, high) = self.weights[place], self.v[place], self.box[place]
        if a == 0.0:
            return namespace(x).broadcast_to(v, x.shape)
        first, last = min(low / a, high / a), max(low / a, high / a)
        xp = namespace(x)
        return xp.where(x == self.u[place], v, xp.clip(x / a, first, last))


def _pair(
    weights: tuple[float, float],
    v: tuple[Floats, Floats],
    prices: tuple[float, float],
    order: float,
    within: Box,
) -> _Pair:
    costs, boxes = [], []
    for a, price, (low, high) in zip(weights, prices, within, strict=True):
        costs.append(price / abs(a) ** order if a else math.inf)
        boxes.append((min(a * low, a * high), max(a * low, a * high)) if a else (0.0, 0.0))
    u = tuple(scaled(values, a) for a, values in zip(weights, v, strict=True))
    return _Pair(weights, v, u, (costs[0], costs[1]), order, (boxes[0], boxes[1]))  # type: ignore[arg-type]


def _candidates(g: Shape, sign: int, pair: _Pair) -> Iterator[tuple[Floats, Floats, Floats | None]]:
    """(x, y, the value there or None): one of them is best, if it is not to stay."""
    if isinstance(g, PiecewiseLinear):
        yield from _linear_pieces(g, sign, pair)
    elif isinstance(g, Interval):
        yield from _events(g, sign, pair)
    elif isinstance(g, Square):
        for s, t in _square(g, sign, pair):
            yield s, t, None


def _events(g: Interval, sign: int, pair: _Pair) -> Iterator[tuple[Floats, Floats, Floats]]:
    """The cheapest way into each part of the set; reached where nothing was cut off, or by order."""
    middle, height = sum(pair.still), float(max(sign, 0))
    xp = namespace(*pair.u, *pair.prices)
    for first, last in g.closed_parts(sign, pair.range):
        target = xp.clip(middle, first, last)
        x, y = pair.cheapest(target)
        free = [low < s for s, (low, _) in zip((x, y), pair.box, strict=True)]
        free = [f & (s < high) for f, s, (_, high) in zip(free, (x, y), pair.box, strict=True)]
        reached = sign * g(x + y) == height
        for f, price in zip(free, pair.prices, strict=True):
            reached = reached if frozen(price) else reached | f
        yield x, y, xp.where(reached, height, -np.inf)


def _linear_pieces(g: PiecewiseLinear, sign: int, pair: _Pair) -> Iterator[tuple[Floats, Floats, None]]:
    xp = namespace(*pair.u, *pair.prices)
    for low, high, _, _, slope in g.pieces:
        low, high = max(low, pair.range[0]), min(high, pair.range[1])
        if low <= high:
            free = [
                xp.clip(u + along(sign * slope, price, pair.order), *ends)
                for u, price, ends in zip(pair.u, pair.prices, pair.box, strict=True)
            ]
            yield *pair.cheapest(xp.clip(free[0] + free[1], low, high)), None


def _square(g: Square, sign: int, pair: _Pair) -> Iterator[tuple[Floats, Floats]]:
    """Stationary points inside the box and on its edges."""
    xp, x = namespace(*pair.u, *pair.prices), pair.still[0]
    for place, box in enumerate(pair.box):
        for end in filter(math.isfinite, box):
            edge, center = xp.full_like(x, end), g.center - end
            other = (
                Square(center)
                .best(sign, pair.u[1 - place], pair.prices[1 - place], pair.order, pair.box[1 - place])
                .target
            )
            other = xp.broadcast_to(other, x.shape)
            yield (edge, other) if place == 0 else (other, edge)
    for place in range(2):
        kept = pair.still[place]
        room = g.center - kept
        other = _along_edge(sign, pair, 1 - place, room)
        yield (kept, other) if place == 0 else (other, kept)
    if pair.order == 2:
        yield from _inside(g, sign, pair)


def _along_edge(sign: int, pair: _Pair, place: int, center: Floats) -> Floats:
    """The best x of one outcome for ``sign (x - center)^2`` while the other stays."""
    u, price, ends = pair.u[place], pair.prices[place], pair.box[place]
    moved = Square(0.0).best(sign, u - center, price, pair.order).target
    xp = namespace(moved)
    return xp.clip(xp.where(xp.isfinite(moved), moved, 0.0) + center, *ends)


def _inside(g: Square, sign: int, pair: _Pair) -> Iterator[tuple[Floats, Floats]]:
    """Order 2: both move in the ratio of their prices; kept only where the box allows it."""
    kappa, distance = joint_multiplier(*pair.prices, 2.0), pair.u[0] + pair.u[1] - g.center
    xp = namespace(distance, kappa)
    if sign < 0 or xp is not np or kappa > 1.0:
        inside = (kappa > 1.0) | (sign < 0)
        stretch = 1.0 if frozen(kappa) else kappa / xp.where(inside, kappa - sign, kappa)
        yield pair.cheapest(xp.clip(g.center + distance * stretch, *pair.range))
