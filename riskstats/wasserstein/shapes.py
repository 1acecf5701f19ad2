"""Functions of one number whose inner suprema are known in closed form.

    sup over s of g(s) - l |s - v|^p        and        inf over s of g(s) + l |s - v|^p

with s on the line or in an interval. Every answer comes with the s that attains it; of a set without its end
point, the nearest number inside. Strict and weak inequalities are decided by order, without a tolerance.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats, number
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.shape_base import LINE, Inner, Nearest, Shape, along, frozen, power_cost
from riskstats.wasserstein.square import square_targets

__all__ = [
    "LINE",
    "Above",
    "Absolute",
    "AtLeast",
    "AtMost",
    "Below",
    "Between",
    "Call",
    "Inner",
    "Interval",
    "Linear",
    "PiecewiseLinear",
    "Put",
    "Shape",
    "Square",
    "along",
    "power_cost",
]


class PiecewiseLinear(Shape):
    """A continuous function that is linear between knots, given by its `pieces`."""

    @property
    @abstractmethod
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        """(low, high, anchor, height, slope): ``g = height + slope (s - anchor)`` on [low, high]."""

    def __call__(self, s: Floats) -> Floats:
        s = _floats(s)
        xp = namespace(s)
        value = xp.zeros_like(s)
        for low, high, anchor, height, slope in self.pieces:
            value = xp.where((s >= low) & (s <= high), height + slope * (s - anchor), value)
        return value

    def growth(self, sign: int) -> float:
        return 1.0 if self.slope(sign) > 0 else 0.0

    def slope(self, sign: int) -> float:
        first, last = self.pieces[0][4], self.pieces[-1][4]
        return max(sign * last, -sign * first, 0.0)

    def best(
        self, sign: int, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        xp = namespace(v, multiplier)
        value, target = xp.full_like(v, -np.inf), v
        for low, high, anchor, height, slope in self.pieces:
            low, high = max(low, within[0]), min(high, within[1])
            if low > high:
                continue
            s = xp.clip(v + along(sign * slope, multiplier, order), low, high)
            with np.errstate(invalid="ignore"):
                here = sign * (height + slope * (s - anchor)) - power_cost(multiplier, s - v, order)
            here = xp.where(xp.isinf(s), np.inf, here)
            better = here > value
            value, target = xp.where(better, here, value), xp.where(better, s, target)
        return Inner(value, target)


@dataclass(frozen=True)
class Linear(PiecewiseLinear):
    """``g(s) = factor s``."""

    convex: ClassVar[bool] = True
    factor: float = 1.0

    def __post_init__(self) -> None:
        _number(self, "factor")

    @property
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        return ((*LINE, 0.0, 0.0, self.factor),)

    def describe(self, variable: str) -> str:
        return f"E {variable}" if self.factor == 1 else f"{self.factor:g} E {variable}"


@dataclass(frozen=True)
class Call(PiecewiseLinear):
    """``g(s) = (s - strike)_+``, the loss beyond a retention."""

    convex: ClassVar[bool] = True
    strike: float

    def __post_init__(self) -> None:
        _number(self, "strike")

    def __call__(self, s: Floats) -> Floats:
        s = _floats(s)
        return namespace(s).maximum(s - self.strike, 0.0)

    @property
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        k = self.strike
        return ((-math.inf, k, k, 0.0, 0.0), (k, math.inf, k, 0.0, 1.0))

    def describe(self, variable: str) -> str:
        return f"E ({variable} - {self.strike:g})_+"


@dataclass(frozen=True)
class Put(PiecewiseLinear):
    """``g(s) = (strike - s)_+``, the shortfall below a target."""

    convex: ClassVar[bool] = True
    strike: float

    def __post_init__(self) -> None:
        _number(self, "strike")

    def __call__(self, s: Floats) -> Floats:
        s = _floats(s)
        return namespace(s).maximum(self.strike - s, 0.0)

    @property
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        k = self.strike
        return ((-math.inf, k, k, 0.0, -1.0), (k, math.inf, k, 0.0, 0.0))

    def describe(self, variable: str) -> str:
        return f"E ({self.strike:g} - {variable})_+"


@dataclass(frozen=True)
class Absolute(PiecewiseLinear):
    """``g(s) = |s - center|``."""

    convex: ClassVar[bool] = True
    center: float = 0.0

    def __post_init__(self) -> None:
        _number(self, "center")

    @property
    def pieces(self) -> tuple[tuple[float, float, float, float, float], ...]:
        c = self.center
        return ((-math.inf, c, c, 0.0, -1.0), (c, math.inf, c, 0.0, 1.0))

    def describe(self, variable: str) -> str:
        return f"E |{variable}|" if self.center == 0 else f"E |{variable} - {self.center:g}|"


@dataclass(frozen=True)
class Square(Shape):
    """``g(s) = (s - center)^2``."""

    convex: ClassVar[bool] = True
    center: float = 0.0

    def __post_init__(self) -> None:
        _number(self, "center")

    def __call__(self, s: Floats) -> Floats:
        return (_floats(s) - self.center) ** 2

    def growth(self, sign: int) -> float:
        return 2.0 if sign > 0 else 0.0

    def slope(self, sign: int) -> float:
        return 1.0 if sign > 0 else 0.0

    def best(
        self, sign: int, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        xp = namespace(v, multiplier)
        value, target = xp.full_like(v, -np.inf), v
        for s in square_targets(sign, v, self.center, multiplier, order, within):
            with np.errstate(invalid="ignore"):
                here = sign * (s - self.center) ** 2 - power_cost(multiplier, s - v, order)
            here = xp.where(xp.isinf(s), np.inf, here)
            better = here > value
            value, target = xp.where(better, here, value), xp.where(better, s, target)
        return Inner(value, target)

    def describe(self, variable: str) -> str:
        return f"E {variable}^2" if self.center == 0 else f"E ({variable} - {self.center:g})^2"


class Interval(Shape):
    """The indicator of an interval, given by its `ends`."""

    event: ClassVar[bool] = True

    @property
    @abstractmethod
    def ends(self) -> tuple[float, bool, float, bool]:
        """(low, whether it belongs to the set, high, whether it belongs to the set)."""

    def __call__(self, s: Floats) -> Floats:
        low, with_low, high, with_high = self.ends
        s = _floats(s)
        above = s >= low if with_low else s > low
        return (above & (s <= high if with_high else s < high)).astype(s.dtype)

    def growth(self, sign: int) -> float:
        return 0.0

    def slope(self, sign: int) -> float:
        return 0.0

    def parts(self, sign: int) -> Iterator[tuple[float, bool, float, bool]]:
        """Where ``sign g`` is largest: the interval, or what lies outside of it."""
        low, with_low, high, with_high = self.ends
        if sign > 0:
            yield low, with_low, high, with_high
            return
        if low > -math.inf:
            yield -math.inf, False, low, not with_low
        if high < math.inf:
            yield high, not with_high, math.inf, False

    def closed_parts(self, sign: int, within: tuple[float, float] = LINE) -> Iterator[tuple[float, float]]:
        """(first, last) numbers of the parts in an interval; beside an end that does not belong to them."""
        for low, with_low, high, with_high in self.parts(sign):
            first = max(low if with_low else _next(low, math.inf), within[0])
            last = min(high if with_high else _next(high, -math.inf), within[1])
            if first <= last:
                yield first, last

    def nearest(self, sign: int, v: Floats, within: tuple[float, float] = LINE) -> Nearest:
        """The way to where ``sign g`` is largest."""
        xp = namespace(v)
        distance, target = xp.full_like(v, np.inf), xp.clip(v, *within)
        attained = xp.zeros(v.shape, dtype=bool)
        ends = {self.ends[0], self.ends[2]}
        for first, last in self.closed_parts(sign, within):
            inside = xp.clip(v, first, last)
            low, high = (
                next((e for e in ends if abs(e - x) <= 1.0 and _next(e, x) == x), x) for x in (first, last)
            )
            end = xp.clip(v, low, high)
            better = xp.abs(end - v) < distance
            distance = xp.where(better, xp.abs(end - v), distance)
            target = xp.where(better, inside, target)
            attained = xp.where(better, end == inside, attained)
        return Nearest(distance, target, attained)

    def best(
        self, sign: int, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        xp = namespace(v, multiplier)
        still = xp.clip(v, *within)
        value = sign * self(still) - power_cost(multiplier, still - v, order)
        distance, target, _ = self.nearest(sign, v, within)
        if frozen(multiplier):
            distance = xp.where(xp.isinf(distance), distance, xp.abs(target - v))
        moved = xp.where(xp.isinf(distance), -np.inf, max(sign, 0) - power_cost(multiplier, distance, order))
        return Inner(xp.maximum(moved, value), xp.where(moved > value, target, still))


@dataclass(frozen=True)
class AtMost(Interval):
    """``g(s) = 1{s <= point}``, so that ``E g(S) = P(S <= point)``."""

    point: float

    def __post_init__(self) -> None:
        _number(self, "point")

    @property
    def ends(self) -> tuple[float, bool, float, bool]:
        return (-math.inf, False, self.point, True)

    def describe(self, variable: str) -> str:
        return f"P({variable} <= {self.point:g})"


@dataclass(frozen=True)
class Below(Interval):
    """``g(s) = 1{s < point}``."""

    point: float

    def __post_init__(self) -> None:
        _number(self, "point")

    @property
    def ends(self) -> tuple[float, bool, float, bool]:
        return (-math.inf, False, self.point, False)

    def describe(self, variable: str) -> str:
        return f"P({variable} < {self.point:g})"


@dataclass(frozen=True)
class AtLeast(Interval):
    """``g(s) = 1{s >= point}``."""

    point: float

    def __post_init__(self) -> None:
        _number(self, "point")

    @property
    def ends(self) -> tuple[float, bool, float, bool]:
        return (self.point, True, math.inf, False)

    def describe(self, variable: str) -> str:
        return f"P({variable} >= {self.point:g})"


@dataclass(frozen=True)
class Above(Interval):
    """``g(s) = 1{s > point}``."""

    point: float

    def __post_init__(self) -> None:
        _number(self, "point")

    @property
    def ends(self) -> tuple[float, bool, float, bool]:
        return (self.point, False, math.inf, False)

    def describe(self, variable: str) -> str:
        return f"P({variable} > {self.point:g})"


@dataclass(frozen=True)
class Between(Interval):
    """``g(s) = 1{low <= s <= high}``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _number(self, "low")
        _number(self, "high")
        if self.low > self.high:
            raise InvalidInput(f"`low` must be at most `high`; got {self.low:g} and {self.high:g}.")

    @property
    def ends(self) -> tuple[float, bool, float, bool]:
        return (self.low, True, self.high, True)

    def describe(self, variable: str) -> str:
        return f"P({self.low:g} <= {variable} <= {self.high:g})"


def _floats(s: Floats) -> Floats:
    """An array of float64, or the array of a compiled kernel as it is."""
    return s if type(s).__module__.startswith("jax") else np.asarray(s, dtype=np.float64)


def _next(end: float, towards: float) -> float:
    return end if math.isinf(end) else math.nextafter(end, towards)


def _number(shape: Shape, name: str) -> None:
    object.__setattr__(shape, name, number(getattr(shape, name), name))
