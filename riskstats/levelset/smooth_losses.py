"""Smooth convex losses of a margin: value, slope, curvature, and the conjugate that certifies a bound.

A loss ``f(m, y)`` joins by giving four things at a margin m = x'theta and a target y:

    terms     f, df/dm, d2f/dm2
    tangent   f - m df/dm, the intercept of the tangent, which is minus the convex conjugate of f at its slope
    bends     d3f/dm3, d4f/dm4, which only choose where a search starts

For any slopes u_i the tangents lie below f, hence the dual bound of `levelset.certificate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats
from riskstats.losses import softplus_tangent, softplus_terms

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

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any, Any, Any]:
        """Value, slope, intercept of the tangent at each margin, and the size of the numbers that the
        intercept was formed from."""

    def bends(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """Third and fourth derivative, in the shape of `margins`."""

    def steepest(self, target: Floats, weight: Floats) -> Floats:
        """What minus and plus ``sum_i w_i slope_i`` stay below, (2,)."""

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

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any, Any, Any]:
        """The intercept is the entropy of sigmoid(m), which holds no cancellation."""
        value, rise, entropy = softplus_tangent(-target * margins)
        return value, -target * rise, entropy, entropy

    def bends(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """c (1 - 2 sigmoid(m)) and c (1 - 6 c) for the curvature c, whatever the target."""
        _, rise, curvature = softplus_terms(margins)
        return curvature * (1.0 - 2.0 * rise), curvature * (1.0 - 6.0 * curvature)

    def steepest(self, target: Floats, weight: Floats) -> Floats:
        """The shares of the classes: slopes lie in (-1, 0) for +1 and in (0, 1) for -1."""
        return np.array([float(weight @ (target > 0)), float(weight @ (target < 0))])

    def offset_bound(self, target: Floats, weight: Floats, limit: float) -> tuple[Floats, Floats, Floats]:
        """Jensen in each class: the class mean of -y m is at most limit / share of the class."""
        members = np.stack([weight * (target > 0), weight * (target < 0)])
        share = members.sum(axis=1)
        if not share.all():
            return np.ones(1), np.zeros((1, len(weight))), np.array([np.inf])
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

    def tangent(self, margins: Any, target: Any) -> tuple[Any, Any, Any, Any]:
        """The intercept is -u (u / 2 + y) for the residual u = m - y."""
        residual = margins - target
        value = 0.5 * residual * residual
        return value, residual, -residual * (0.5 * residual + target), value + abs(residual * target)

    def bends(self, margins: Any, target: Any) -> tuple[Any, Any]:
        """Zero: the loss is quadratic."""
        zero = 0.0 * (margins - target)
        return zero, zero

    def steepest(self, target: Floats, weight: Floats) -> Floats:
        """No end."""
        return np.full(2, np.inf)

    def offset_bound(self, target: Floats, weight: Floats, limit: float) -> tuple[Floats, Floats, Floats]:
        """Jensen: the mean residual is at most sqrt(2 limit) on either side."""
        room = np.sqrt(2.0 * limit)
        mean = float(weight @ target)
        return np.array([-1.0, 1.0]), np.stack([weight, weight]), np.array([room - mean, room + mean])
