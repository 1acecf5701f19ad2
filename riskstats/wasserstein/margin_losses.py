"""Losses of a signed margin that a shift of x by t raises by at most t times the dual norm of the slopes.

With u = y m for labels y in {-1, +1}, or u = m - y for a regression, a row costs

    logistic    softplus(-u)
    hinge       max(0, 1 - u)
    absolute    |u|

All are 1-Lipschitz in m. Where a label may be flipped at cost kappa and l is the price of transport, the row
costs max(loss(u), loss(-u) - l kappa). Every one of these is

    phi(u) + max_k (alpha_k u + beta_k - gamma_k l),      phi smooth or 0,

which is what the solver and the dual bound are written for: softplus(u) = softplus(-u) + u, so the flipped
logistic row adds the pieces 0 and u - l kappa.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.losses import softplus, softplus_terms

__all__ = ["Absolute", "Hinge", "Logistic", "MarginLoss", "Pieces"]


class Pieces(NamedTuple):
    """alpha, beta and gamma of every affine piece, (K,) each; K = 0 where the row is smooth."""

    slope: Floats
    constant: Floats
    price: Floats

    def values(self, u: Floats, price: float) -> Floats:
        """(K, n) the pieces at signed margins u and the price l."""
        return self.slope[:, None] * u + (self.constant - self.price * price)[:, None]


@dataclass(frozen=True)
class MarginLoss:
    """What the solver and the certificate ask of a loss.

    name : in words. classifies : whether y is a label. smooth : whether there is a phi.
    steep, mild : pieces between which a row that is not smooth moves weight when its slope has to change.
    """

    name: str
    classifies: bool
    smooth: bool
    steep: int = 1
    mild: int = 0

    def value(self, u: Any) -> Any:
        """The loss at signed margins u."""
        raise NotImplementedError

    def smooth_terms(self, u: Floats) -> tuple[Any, Any, Any]:
        """phi, its slope and its curvature in u."""
        zero = np.zeros_like(u)
        return zero, zero, zero

    def pieces(self, label_cost: float) -> Pieces:
        """The affine pieces of a row."""
        raise NotImplementedError

    def flip_gain(self, u: Floats) -> Floats:
        """loss(-u) - loss(u): what a flipped label adds."""
        return np.asarray(self.value(-u) - self.value(u))

    def null_margin(self, target: Floats, weight: Floats) -> float:
        """The constant prediction with the smallest mean loss."""
        raise NotImplementedError


def _pieces(*rows: tuple[float, float, float]) -> Pieces:
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return Pieces(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())


@dataclass(frozen=True)
class Logistic(MarginLoss):
    """``log(1 + exp(-u))``, in nats."""

    name: str = "log loss"
    classifies: bool = True
    smooth: bool = True

    def value(self, u: Any) -> Any:
        """``log(1 + exp(-u))``."""
        return softplus(-u)

    def smooth_terms(self, u: Floats) -> tuple[Any, Any, Any]:
        """Value, slope and curvature of the log loss."""
        value, rise, curvature = softplus_terms(-u)
        return value, -rise, curvature

    def flip_gain(self, u: Floats) -> Floats:
        """u itself, without cancellation."""
        return u

    def pieces(self, label_cost: float) -> Pieces:
        """None, or 0 and u - l kappa."""
        return _pieces() if math.isinf(label_cost) else _pieces((0, 0, 0), (1, 0, label_cost))

    def null_margin(self, target: Floats, weight: Floats) -> float:
        """The logit of the weight of the positives."""
        return math.log(float(weight[target > 0].sum()) / float(weight[target < 0].sum()))


@dataclass(frozen=True)
class Hinge(MarginLoss):
    """``max(0, 1 - u)``."""

    name: str = "hinge loss"
    classifies: bool = True
    smooth: bool = False

    def value(self, u: Any) -> Any:
        """``max(0, 1 - u)``."""
        return np.maximum(0.0, 1.0 - u)

    def pieces(self, label_cost: float) -> Pieces:
        """0 and 1 - u, and 1 + u - l kappa where labels may flip."""
        flipped = () if math.isinf(label_cost) else ((1.0, 1.0, label_cost),)
        return _pieces((0, 0, 0), (-1, 1, 0), *flipped)

    def null_margin(self, target: Floats, weight: Floats) -> float:
        """The label of the heavier class; 0 at a tie."""
        return float(np.sign(np.round(float(weight @ target), 12)))


@dataclass(frozen=True)
class Absolute(MarginLoss):
    """``|u|``."""

    name: str = "absolute error"
    classifies: bool = False
    smooth: bool = False

    def value(self, u: Any) -> Any:
        """``|u|``."""
        return np.abs(u)

    def pieces(self, label_cost: float) -> Pieces:
        """u and -u."""
        return _pieces((1, 0, 0), (-1, 0, 0))

    def null_margin(self, target: Floats, weight: Floats) -> float:
        """A weighted median of the targets."""
        order = np.argsort(target, kind="stable")
        mass = np.cumsum(weight[order])
        return float(target[order[np.searchsorted(mass, 0.5 * mass[-1])]])
