"""What a function of one number gives to a worst case, and the arithmetic of moving an atom."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats

__all__ = ["LINE", "Inner", "Nearest", "Shape", "along", "frozen", "power_cost"]

LINE = (-math.inf, math.inf)


class Inner(NamedTuple):
    """value : the inner supremum or infimum. target : where it is, or beside where it is approached."""

    value: Floats
    target: Floats


class Nearest(NamedTuple):
    """distance : to a set, inf where it is empty. target : the nearest number in it, or beside an open end.

    attained : whether the target is at that distance.
    """

    distance: Floats
    target: Floats
    attained: np.ndarray


class Shape(ABC):
    """A function g of one number; subclasses are frozen dataclasses.

    Attributes
    ----------
    convex : whether g is convex. event : whether g is the indicator of a set.
    """

    convex: ClassVar[bool] = False
    event: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, s: Floats) -> Floats:
        """g, elementwise."""

    @abstractmethod
    def growth(self, sign: int) -> float:
        """The power of ``|s|`` with which ``sign g`` grows; 0 where it is bounded above."""

    @abstractmethod
    def slope(self, sign: int) -> float:
        """``limsup sign g(s) / |s|^growth``; 0 where it is bounded above."""

    @abstractmethod
    def best(
        self, sign: int, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        """``sup over s in within of sign g(s) - multiplier |s - v|^order``; inf where it is."""

    def supremum(
        self, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        """``sup g(s) - multiplier |s - v|^order``, elementwise in v."""
        return self.best(1, np.asarray(v, dtype=np.float64), multiplier, order, within)

    def infimum(
        self, v: Floats, multiplier: float, order: float, within: tuple[float, float] = LINE
    ) -> Inner:
        """``inf g(s) + multiplier |s - v|^order``, elementwise in v."""
        value, target = self.best(-1, np.asarray(v, dtype=np.float64), multiplier, order, within)
        return Inner(-value, target)

    def describe(self, variable: str) -> str:
        """The expectation of g of a variable, in words."""
        return f"E {type(self).__name__}({variable})"


def power_cost(multiplier: float | Floats, move: Floats, order: float) -> Floats:
    """``multiplier |move|^order``, 0 where nothing moves although the multiplier is inf."""
    xp = namespace(multiplier, move)
    size = xp.abs(move)
    power = _power(size, order)
    with np.errstate(invalid="ignore"):
        if isinstance(multiplier, float) and math.isfinite(multiplier):
            return multiplier * power
        return xp.where(size == 0.0, 0.0, multiplier * power)


def _power(size: Floats, order: float) -> Floats:
    if order == 1:
        return size
    return size * size if order == 2 else size * size * size if order == 3 else size**order


def along(slope: Any, multiplier: float, order: float) -> Any:
    """The move t that is best for ``slope t - multiplier |t|^order``; infinite where there is no best."""
    if frozen(multiplier):
        return 0.0 * slope
    xp = namespace(slope, multiplier)
    size: Any = abs(slope)
    if order == 1:
        return xp.copysign(xp.where(size > multiplier, math.inf, 0.0), slope)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        move = xp.divide(size, order * multiplier) ** (1.0 / (order - 1.0))
    return xp.copysign(xp.where(size == 0.0, 0.0, move), slope)


def frozen(price: float) -> bool:
    """Whether a price is known to be inf; the price of a compiled kernel is not known, and finite."""
    return isinstance(price, float) and math.isinf(price)
