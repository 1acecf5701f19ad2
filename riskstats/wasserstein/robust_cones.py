"""Small cones of the interior-point method: numbers >= 0, and second-order cones, with their scalings.

A point s and a dual point z inside a cone have a Nesterov-Todd scaling W with W z = W^-1 s = lambda. For a
number W = sqrt(s / z). For a second-order cone {s_0 > ||s_1||}, J = diag(1, -I), det s = s'J s,

    w = (s / sqrt(det s) + J z / sqrt(det z)) / (2 gamma),        W = eta (2 v v' - J),  v = (w + e) / |..|

with eta = (det s / det z)^(1/4). Source: Vandenberghe, "The CVXOPT linear and quadratic cone program
solvers" (2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from riskstats._validation import Floats

__all__ = ["Cones", "Scaling"]


@dataclass(frozen=True)
class Cones:
    """The first `orthant` entries are numbers >= 0; then second-order cones of the given sizes."""

    orthant: int
    second_order: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Length of a point."""
        return self.orthant + sum(self.second_order)

    @property
    def degree(self) -> int:
        """s'z of a centred pair, in units of mu."""
        return self.orthant + len(self.second_order)

    @cached_property
    def balls(self) -> Sequence[slice]:
        """The entries of every second-order cone."""
        ends = np.cumsum((self.orthant, *self.second_order))
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @cached_property
    def identity(self) -> Floats:
        """The unit of the product."""
        unit = np.zeros(self.size)
        unit[: self.orthant] = 1.0
        for ball in self.balls:
            unit[ball.start] = 1.0
        return unit

    def centred_dual(self, s: Floats, mu: float) -> Floats:
        """The z with s o z = mu e."""
        z = np.empty(self.size)
        z[: self.orthant] = mu / s[: self.orthant]
        for ball in self.balls:
            z[ball] = mu * _reflected(s[ball]) / _det(s[ball])
        return z

    def product(self, a: Floats, b: Floats) -> Floats:
        """a o b."""
        answer = a * b
        for ball in self.balls:
            x, y = a[ball], b[ball]
            answer[ball] = np.append(x @ y, x[0] * y[1:] + y[0] * x[1:])
        return answer

    def quotient(self, lam: Floats, b: Floats) -> Floats:
        """The x with lam o x = b."""
        answer = np.empty(self.size)
        answer[: self.orthant] = b[: self.orthant] / lam[: self.orthant]
        for ball in self.balls:
            x, y = lam[ball], b[ball]
            head = (x[0] * y[0] - x[1:] @ y[1:]) / _det(x)
            answer[ball] = np.append(head, (y[1:] - head * x[1:]) / x[0])
        return answer

    def longest_step(self, s: Floats, change: Floats) -> float:
        """The largest t with s + t change in the cones, or inf."""
        down = change[: self.orthant] < 0
        ratios = -s[: self.orthant][down] / change[: self.orthant][down]
        best = float(ratios.min(initial=math.inf))
        for ball in self.balls:
            best = min(best, _ball_step(s[ball], change[ball]))
        return best

    def inside(self, s: Floats) -> bool:
        """Whether s is in the interior."""
        balls = all(s[ball.start] > 0 and _det(s[ball]) > 0 for ball in self.balls)
        return bool((s[: self.orthant] > 0).all()) and balls


@dataclass(frozen=True, eq=False)
class Scaling:
    """W at a pair (s, z), and lambda = W z."""

    cones: Cones
    root: Floats
    balls: tuple[tuple[float, Floats], ...]

    @classmethod
    def at(cls, cones: Cones, s: Floats, z: Floats) -> Scaling:
        """The Nesterov-Todd scaling."""
        first = slice(0, cones.orthant)
        balls = []
        for ball in cones.balls:
            size_s, size_z = math.sqrt(_det(s[ball])), math.sqrt(_det(z[ball]))
            unit_s, unit_z = s[ball] / size_s, z[ball] / size_z
            gamma = math.sqrt(max(0.5 * (1.0 + float(unit_s @ unit_z)), 0.5))
            balls.append((math.sqrt(size_s / size_z), (unit_s + _reflected(unit_z)) / (2.0 * gamma)))
        return cls(cones, np.sqrt(s[first] / z[first]), tuple(balls))

    def times(self, x: Floats) -> Floats:
        """W x, along the first axis."""
        return self._apply(x, inverse=False)

    def inverse_times(self, x: Floats) -> Floats:
        """W^-1 x, along the first axis."""
        return self._apply(x, inverse=True)

    def _apply(self, x: Floats, inverse: bool) -> Floats:
        answer = np.array(x, dtype=np.float64)
        first = slice(0, self.cones.orthant)
        root = (1.0 / self.root if inverse else self.root).reshape((-1,) + (1,) * (x.ndim - 1))
        answer[first] *= root
        for ball, (eta, w) in zip(self.cones.balls, self.balls, strict=True):
            part = x[ball]
            head, tail = (w[0], -w[1:]) if inverse else (w[0], w[1:])
            along = tail @ part[1:]
            top = head * part[0] + along
            rest = part[1:] + np.multiply.outer(tail, part[0] + along / (1.0 + head))
            factor = 1.0 / eta if inverse else eta
            answer[ball.start] = factor * top
            answer[ball.start + 1 : ball.stop] = factor * rest
        return answer


def _reflected(s: Floats) -> Floats:
    """J s."""
    answer = -s
    answer[0] = s[0]
    return answer


def _det(s: Floats) -> float:
    """s_0^2 - ||s_1||^2, formed as a product."""
    tail = math.sqrt(float(s[1:] @ s[1:]))
    return float((s[0] - tail) * (s[0] + tail))


def _ball_step(s: Floats, change: Floats) -> float:
    """The smallest positive root of det(s + t change), in a form that does not cancel."""
    a = _det(change)
    b = float(s[0] * change[0] - s[1:] @ change[1:])
    c = _det(s)
    inner = b * b - a * c
    if inner < 0:
        return math.inf
    root = math.sqrt(inner)
    candidates = []
    if b - root < 0:
        candidates.append(-c / (b - root))
    if b + root < 0:
        candidates.append(-c / (b + root))
    if change[0] < 0:
        candidates.append(-s[0] / change[0])
    return min((t for t in candidates if t > 0), default=math.inf)
