"""Smooth convex losses of a margin: value, slope, curvature, and the conjugate that certifies a bound.

A loss ``f(m, y)`` joins by giving four things at a margin m = x'theta and a target y:

    terms     f, df/dm, d2f/dm2
    tangent   f - m df/dm, the intercept of the tangent, which is minus the convex conjugate of f at its slope

For any slopes u_i the tangents lie below f, hence the dual bound of `levelset.certificate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats
from riskstats.losses import binary_entropy, softplus_terms

__all__ = ["LogisticLoss", "SmoothLoss", "SquaredLoss"]


class SmoothLoss(Protocol):
    """What the level set asks of a loss."""

    @property
    def name(self) -> str:
        """The loss in words."""

    @property
    def largest_curvature(self) -> float:
        """A number that the second derivative never exceeds."""

    @property
    def self_concordance(self) -> float:
        """A number c such that the third derivative is at most c times the second: 1 for the log loss, 0 for
        a quadratic."""

    def terms(self, margins: Any, target: Any) -> tuple[Any, Any, Any]:
        """Value, slope and curvature, in the shape of `margins`."""

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """Intercept of the tangent at each margin, and the size of the numbers it was formed from."""

    def offset_bound(self, target: Floats, weight: Floats, limit: float) -> tuple[Floats, Floats, Floats]:
        """Rows of weights a and numbers c with ``sign * sum_i a_i m_i <= c`` wherever the mean loss is at
        most `limit`: (signs, weights, c). They bound the intercept."""


@dataclass(frozen=True)
class LogisticLoss:
    """``log(1 + exp(-y m))`` for y in {-1, +1}; m is a logit."""

    name: str = "log loss"
    largest_curvature: float = 0.25
    self_concordance: float = 1.0

    def terms(self, margins: Any, target: Any) -> tuple[Any, Any, Any]:
        """Value, slope and curvature, in the shape of `margins`."""
        value, rise, curvature = softplus_terms(-target * margins)
        return value, -target * rise, curvature

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """The entropy of sigmoid(m), which holds no cancellation."""
        entropy = binary_entropy(margins)
        return entropy, entropy

    def offset_bound(self, target: Floats, weight: Floats, limit: float) -> tuple[Floats, Floats, Floats]:
        """Jensen in each class: the class mean of -y m is at most limit / share of the class."""
        members = np.stack([weight * (target > 0), weight * (target < 0)])
        share = members.sum(axis=1)
        return np.array([-1.0, 1.0]), members / share[:, None], limit / share


@dataclass(frozen=True)
class SquaredLoss:
    """``(m - y)**2 / 2``; m is a prediction in the units of y."""

    name: str = "squared loss"
    largest_curvature: float = 1.0
    self_concordance: float = 0.0

    def terms(self, margins: Any, target: Any) -> tuple[Any, Any, Any]:
        """Value, slope and curvature, in the shape of `margins`."""
        xp = namespace(margins)
        residual = margins - target
        return 0.5 * residual * residual, residual, xp.ones_like(residual)

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """-u (u / 2 + y) for the residual u = m - y."""
        residual = margins - target
        size = 0.5 * residual * residual + abs(residual * target)
        return -residual * (0.5 * residual + target), size

    def offset_bound(self, target: Floats, weight: Floats, limit: float) -> tuple[Floats, Floats, Floats]:
        """Jensen: the mean residual is at most sqrt(2 limit) on either side."""
        room = np.sqrt(2.0 * limit)
        mean = float(weight @ target)
        return np.array([-1.0, 1.0]), np.stack([weight, weight]), np.array([room - mean, room + mean])
