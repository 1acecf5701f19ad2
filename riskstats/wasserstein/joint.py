"""Functions of two outcomes that are not functions of one sum: larger, product, both at most a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._jit import namespace, while_loop
from riskstats._validation import Floats, finite_vector, number
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.functional import Functional, PairInner
from riskstats.wasserstein.shape_base import along, frozen, power_cost

__all__ = ["JointCDF", "Maximum", "Product"]

_HALVINGS = 80

Box = tuple[tuple[float, float], tuple[float, float]]


class _OfTwo(Functional):
    """A function of two numbers."""

    def check(self, balls: tuple[WassersteinBall, ...]) -> None:
        if len(balls) != 2 or any(ball.dimension != 1 for ball in balls):
            sizes = ", ".join(str(ball.dimension) for ball in balls)
            raise InvalidInput(
                f"`{type(self).__name__}` is of two outcomes that are numbers; got balls of dimension "
                f"{sizes}. "
                "Pass `MarginalBalls` of two."
            )


@dataclass(frozen=True)
class Maximum(_OfTwo):
    """``max(y1, y2)``, or with a strike ``(max(y1, y2) - strike)_+``; submodular."""

    strike: float | None = None

    def __post_init__(self) -> None:
        if self.strike is not None:
            object.__setattr__(self, "strike", number(self.strike, "strike"))

    def __call__(self, *targets: Floats) -> Floats:
        return self._of(np.maximum(targets[0][:, 0], targets[1][:, 0]))

    def _of(self, larger: Floats) -> Floats:
        return larger if self.strike is None else namespace(larger).maximum(larger - self.strike, 0.0)

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        if sign > 0:
            return 1.0 if any(moving) else 0.0
        return 1.0 if all(moving) and self.strike is None else 0.0

    def coupling(self, sign: int) -> int:
        return -sign

    def rays(
        self, sign: int, order: float, moving: tuple[bool, ...]
    ) -> list[tuple[float, tuple[float, ...]]]:
        if order != 1 or self.growth(sign, moving) == 0:
            return []
        if sign < 0:
            return [(1.0, (1.0, 1.0))]
        alone: list[tuple[float, tuple[float, ...]]] = [(1.0, (1.0, 0.0)), (1.0, (0.0, 1.0))]
        return [ray for ray, moves in zip(alone, moving, strict=True) if moves]

    def lipschitz_within(self, within: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
        return 1.0, 1.0

    def pair(
        self,
        sign: int,
        v: tuple[Floats, Floats],
        prices: tuple[float, float],
        order: float,
        within: Box,
    ) -> PairInner:
        xp, still = namespace(*v, *prices), _clipped(v, within)
        options = [still]
        if sign > 0:
            for place in range(2):
                raised = list(still)
                raised[place] = xp.clip(v[place] + along(1.0, prices[place], order), *within[place])
                options.append(tuple(raised))  # type: ignore[arg-type]
        else:
            floor = max(within[0][0], within[1][0])
            level = xp.maximum(_level(v, still, prices, order, floor), floor)
            if self.strike is not None:
                level = xp.maximum(level, self.strike)
            options.append((xp.minimum(still[0], level), xp.minimum(still[1], level)))
        return _best(options, lambda s, t: sign * self._of(xp.maximum(s, t)), v, prices, order)

    def describe(self) -> str:
        return "E max(Y1, Y2)" if self.strike is None else f"E (max(Y1, Y2) - {self.strike:g})_+"


@dataclass(frozen=True)
class Product(_OfTwo):
    """``y1 y2``; supermodular."""

    def __call__(self, *targets: Floats) -> Floats:
        return targets[0][:, 0] * targets[1][:, 0]

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        return float(sum(moving))

    def coupling(self, sign: int) -> int:
        return sign

    def lipschitz_within(self, within: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
        first, second = (max(abs(low), abs(high)) for low, high in within)
        return second, first

    def pair(
        self,
        sign: int,
        v: tuple[Floats, Floats],
        prices: tuple[float, float],
        order: float,
        within: Box,
    ) -> PairInner | None:
        fixed_one = any(map(frozen, prices))
        if order not in (1.0, 2.0) and not fixed_one:
            return None
        xp, still = namespace(*v, *prices), _clipped(v, within)
        options = [still]
        for place in range(2):
            for fixed in (
                still[place],
                *(xp.full_like(still[0], end) for end in within[place] if math.isfinite(end)),
            ):
                other = v[1 - place] + along(sign * fixed, prices[1 - place], order)
                moved = xp.clip(other, *within[1 - place])
                options.append((fixed, moved) if place == 0 else (moved, fixed))
        bounded = fixed_one or not any(math.isinf(end) for box in within for end in box)
        if order == 2 and not fixed_one:
            inside = 4.0 * prices[0] * prices[1] > 1.0
            saddle = _clipped(_saddle(sign, v, prices, inside), within)
            options.append(tuple(xp.where(inside, s, t) for s, t in zip(saddle, still, strict=True)))
            bounded = bounded | inside
        found = _best(options, lambda s, t: sign * s * t, v, prices, order)
        ends = (xp.where(bounded, s, t) for s, t in zip(found[1:], still, strict=True))
        return PairInner(xp.where(bounded, found.value, np.inf), *ends)

    def describe(self) -> str:
        return "E Y1 Y2"


@dataclass(frozen=True)
class JointCDF(_OfTwo):
    """``1{y1 <= point_1 and y2 <= point_2}``; supermodular."""

    point: tuple[float, float]

    def __post_init__(self) -> None:
        point = finite_vector(self.point, "point")
        if len(point) != 2:
            raise InvalidInput(f"`point` must be two numbers; got {len(point)}.")
        object.__setattr__(self, "point", tuple(point.tolist()))

    def __call__(self, *targets: Floats) -> Floats:
        return self._of(targets[0][:, 0], targets[1][:, 0])

    def _of(self, first: Floats, second: Floats) -> Floats:
        return ((first <= self.point[0]) & (second <= self.point[1])).astype(first.dtype)

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        return 0.0

    def coupling(self, sign: int) -> int:
        return sign

    def pair(
        self,
        sign: int,
        v: tuple[Floats, Floats],
        prices: tuple[float, float],
        order: float,
        within: Box,
    ) -> PairInner:
        xp, still = namespace(*v, *prices), _clipped(v, within)
        options = [still]
        if sign > 0:
            down = [xp.minimum(s, z) for s, z in zip(still, self.point, strict=True)]
            options.append(_clipped((down[0], down[1]), within))
        else:
            for place in range(2):
                beyond = math.nextafter(self.point[place], math.inf)
                moved = list(still)
                moved[place] = xp.clip(xp.maximum(still[place], beyond), *within[place])
                options.append(tuple(moved))  # type: ignore[arg-type]
        return _best(options, lambda s, t: sign * self._of(s, t), v, prices, order)

    def describe(self) -> str:
        return f"P(Y1 <= {self.point[0]:g}, Y2 <= {self.point[1]:g})"


def _clipped(s: tuple[Floats, Floats], within: Box) -> tuple[Floats, Floats]:
    xp = namespace(*s)
    first, second = xp.broadcast_arrays(xp.clip(s[0], *within[0]), xp.clip(s[1], *within[1]))
    return first, second


def _best(
    options: list[tuple[Floats, Floats]],
    f: Callable[[Floats, Floats], Floats],
    v: tuple[Floats, Floats],
    prices: tuple[float, float],
    order: float,
) -> PairInner:
    """The best of some targets, pair by pair; an infinite one is worth infinitely much."""
    xp = namespace(*options[0])
    value, first, second = xp.full_like(options[0][0], -np.inf), *options[0]
    for s, t in options:
        with np.errstate(invalid="ignore"):
            here = f(s, t) - power_cost(prices[0], s - v[0], order) - power_cost(prices[1], t - v[1], order)
        here = xp.where(xp.isinf(s) | xp.isinf(t), np.inf, here)
        better = here > value
        value = xp.where(better, here, value)
        first, second = xp.where(better, s, first), xp.where(better, t, second)
    return PairInner(value, first, second)


def _level(
    v: tuple[Floats, Floats],
    still: tuple[Floats, Floats],
    prices: tuple[float, float],
    order: float,
    floor: float,
) -> Floats:
    """The t that minimises ``t + l1 (v1 - t)_+^p + l2 (v2 - t)_+^p``; v_j beyond its box moves anyhow."""
    xp = namespace(*v, *prices)
    (first, second), (x, y) = xp.broadcast_arrays(*v), still
    top, low = xp.maximum(x, y), xp.minimum(x, y)
    if order == 1:
        dear = xp.where(x >= y, prices[0], prices[1])
        return xp.where(prices[0] + prices[1] < 1.0, -math.inf, xp.where(dear < 1.0, low, top))
    power = order - 1.0
    with np.errstate(divide="ignore"):
        reach = [xp.power(order * price, -1.0 / power) for price in prices]
    alone = xp.minimum(first - reach[0], x), xp.minimum(second - reach[1], y)
    start = xp.minimum(xp.maximum(xp.maximum(*alone), floor), top)

    def falling(t: Floats) -> np.ndarray:
        pull = power_cost(order * prices[0], xp.where(t < x, first - t, 0.0), power)
        return pull + power_cost(order * prices[1], xp.where(t < y, second - t, 0.0), power) > 1.0

    def halved(state: tuple[int, Floats, Floats]) -> tuple[int, Floats, Floats]:
        count, low, high = state
        middle = 0.5 * (low + high)
        pulled = falling(middle)
        return count + 1, xp.where(pulled, middle, low), xp.where(pulled, high, middle)

    return while_loop(lambda state: state[0] < _HALVINGS, halved, (0, start, top), xp)[2]


def _saddle(
    sign: int, v: tuple[Floats, Floats], prices: tuple[float, float], inside: Any
) -> tuple[Floats, Floats]:
    """Where ``sign s1 s2 - l1 (s1 - v1)^2 - l2 (s2 - v2)^2`` is stationary, if 4 l1 l2 > 1: if `inside`."""
    xp = namespace(*v, *prices)
    one, two = (sign / (2.0 * xp.where(inside, price, 1.0)) for price in prices)
    scale = 1.0 - one * two
    return (v[0] + one * v[1]) / scale, (v[1] + two * v[0]) / scale
