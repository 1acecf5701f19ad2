"""The law of a sum of two continuous variables with unknown dependence and transport, by quadrature.

T_z(q) as for samples, from quantile functions Q1 and Q2. The sign changes of Q1(u) + Q2(q - u) - z are
found on a grid that is dense at both ends and refined by bisection; every positive stretch is integrated by
the double-exponential rule, which copes with quantiles that are infinite at 0 and 1. For smooth quantile
functions the bounds are accurate to about 1e-10; a positive stretch between two grid points is missed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import NotConverged

__all__ = ["ContinuousLaw", "ContinuousSum"]

_T = np.linspace(-5.0, 5.0, 401)
_ENOUGH = 8.0  # far above the root, where a search need not see the true size
_SECANTS = 10
_GOLDEN = 22  # 3e-5 of a grid step remains: an error of a smooth peak of second order in that
_PEAKS = 8


def _near(t: Floats) -> Floats:
    """The share of an interval to the left of its point t: 0 at -inf, 1 at inf, accurate near 0."""
    return 1.0 / (1.0 + np.exp(-math.pi * np.sinh(t)))


_X, _Y = _near(_T), _near(-_T)
_W = math.pi * np.cosh(_T) * _X * _Y * (_T[1] - _T[0])


@dataclass(frozen=True, eq=False)
class ContinuousLaw:
    """``factor * Y`` for an object with quantile function `ppf`, and `isf` where it has one."""

    base: Any
    factor: float = 1.0

    def quantile(self, u: Floats, rest: Floats) -> Floats:
        """Q(u), with ``rest = 1 - u`` given so that the upper tail is as accurate as the lower one."""
        if self.factor == 0:
            return np.zeros_like(u)
        low, high = (u, rest) if self.factor > 0 else (rest, u)
        upper = self.base.isf if hasattr(self.base, "isf") else lambda tail: self.base.ppf(1.0 - tail)
        values = np.where(low <= 0.5, self.base.ppf(np.minimum(low, 0.5)), upper(np.minimum(high, 0.5)))
        return self.factor * values


@dataclass(frozen=True, eq=False)
class ContinuousSum:
    """S = Y1 + Y2 with given continuous marginals and unknown dependence; the methods of `StepSum`."""

    first: ContinuousLaw
    second: ContinuousLaw

    @cached_property
    def reflected(self) -> ContinuousSum:
        """-S."""
        return ContinuousSum(*(ContinuousLaw(law.base, -law.factor) for law in (self.first, self.second)))

    def cdf_bounds(self, points: Floats, radius: float, order: float) -> tuple[Floats, Floats]:
        """(inf P(S <= z), sup P(S <= z)), each (k,)."""
        lower = [1.0 - self.reflected._share(-z, radius, order) for z in points.tolist()]
        return np.array(lower), np.array([self._share(z, radius, order) for z in points.tolist()])

    def smallest_quantile(self, q: float, radius: float, order: float) -> float:
        """The least q-quantile of S, for 0 < q < 1."""
        from scipy.optimize import brentq

        top = self._highest(q)
        if radius == 0:
            return top
        step = radius * q ** (-1.0 / order)
        low = top - step
        while self.distance(low, q, order) < radius:
            step *= 2.0
            low = top - step
        found: float = brentq(lambda z: self.distance(z, q, order) - radius, low, top, xtol=1e-14, rtol=1e-14)
        return found

    def largest_quantile(self, q: float, radius: float, order: float) -> float:
        """The greatest q-quantile of S, for 0 < q < 1."""
        return -self.reflected.smallest_quantile(1.0 - q, radius, order)

    def distance(self, point: float, q: float, order: float) -> float:
        """T_z(q)^(1/p), for 0 < q <= 1."""
        return float(self._transport(point, q, order) ** (1.0 / order))

    def _sums(self, q: float, u: Floats, v: Floats) -> Floats:
        """Q1(u) + Q2(v) at pairs with u + v = q."""
        left = 1.0 - q
        sums = self.first.quantile(u, left + v) + self.second.quantile(v, left + u)
        if np.isnan(sums).any():
            raise NotConverged("a quantile function returned NaN; pass a sample of this law instead.")
        return sums

    def _transport(self, point: float, q: float, order: float) -> float:
        """T_z(q)."""
        ends = [-np.inf, *self._crossings(point, q), np.inf]
        total = 0.0
        for low, high in pairwise(ends):
            u_low, u_high = q * _near(np.array([low, high]))
            v_low, v_high = q * _near(-np.array([low, high]))
            width = u_high - u_low if u_high < 0.5 * q else v_low - v_high
            with np.errstate(over="ignore"):
                excess = self._sums(q, u_low + width * _X, v_high + width * _Y) - point
                total += width * float((_W * np.maximum(excess, 0.0) ** order).sum())
        return total

    def _at(self, q: float, t: Floats) -> Floats:
        """Q1(u) + Q2(q - u) at the point t of (0, q), in the variable of the rule."""
        with np.errstate(over="ignore"):
            return self._sums(q, q * _near(t), q * _near(-t))

    def _crossings(self, point: float, q: float) -> list[float]:
        """Where Q1(u) + Q2(q - u) - z changes sign, by false position that never keeps an end twice."""
        values = self._at(q, _T) - point
        places = np.flatnonzero((values[1:] > 0) != (values[:-1] > 0))
        low, high, below, above = _T[places], _T[places + 1], values[places], values[places + 1]
        for _ in range(_SECANTS if len(places) else 0):
            middle = (low * above - high * below) / (above - below)
            middle = np.where((middle > low) & (middle < high), middle, 0.5 * (low + high))
            value = self._at(q, middle) - point
            left = (value > 0) == (below > 0)
            below, above = np.where(left, value, 0.5 * below), np.where(left, 0.5 * above, value)
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return [float(t) for t in low]

    def _highest(self, q: float, enough: float = np.inf) -> float:
        """sup over u of Q1(u) + Q2(q - u): the largest grid values, refined by golden section.

        enough : a value from which it does not matter how much larger it is.
        """
        sums = self._at(q, _T)
        if sums.max() > enough:
            return float(sums.max())
        inside = np.append(0, np.flatnonzero((sums[1:-1] >= sums[:-2]) & (sums[1:-1] >= sums[2:])))
        inside = inside[np.argsort(-sums[inside + 1])[:_PEAKS]]
        low, width = _T[inside], np.full(len(inside), _T[2] - _T[0])
        ratio = (math.sqrt(5.0) - 1.0) / 2.0
        one, two = self._at(q, low + (1.0 - ratio) * width), self._at(q, low + ratio * width)
        for _ in range(_GOLDEN):
            left = one > two
            low = np.where(left, low, low + (1.0 - ratio) * width)
            width = ratio * width
            fresh = self._at(q, np.where(left, low + (1.0 - ratio) * width, low + ratio * width))
            one, two = np.where(left, fresh, two), np.where(left, one, fresh)
        return float(max(sums.max(), one.max(), two.max()))

    def _share(self, point: float, radius: float, order: float) -> float:
        """The last q with T_z(q) <= R^p."""
        from scipy.optimize import brentq

        with np.errstate(over="ignore"):
            at_one = (
                self._highest(1.0, point) - point
                if radius == 0
                else self.distance(point, 1.0, order) - radius
            )
            if at_one <= 0:
                return 1.0

            def excess(q: float) -> float:
                if radius == 0:
                    return max(min(self._highest(q) - point, _ENOUGH), -_ENOUGH)
                return min(self.distance(point, q, order) / radius, _ENOUGH) - 1.0

            if excess(1e-300) >= 0:
                return 0.0
            found: float = brentq(excess, 1e-300, 1.0, xtol=1e-16, rtol=1e-14, maxiter=500)
        return found
