"""A robust linear model of given rows at any radius: the order 1 losses and least squares behind one face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.cost import Cost
from riskstats.wasserstein.margin_losses import MarginLoss
from riskstats.wasserstein.robust_data import Prepared, prepared
from riskstats.wasserstein.robust_fit import RobustFit, fit_rows, null_pull
from riskstats.wasserstein.robust_least_squares import LeastSquaresProblem, fit_least_squares
from riskstats.wasserstein.robust_problem import RobustProblem

__all__ = ["LeastSquaresModel", "MarginModel", "RobustModel"]


class RobustModel(Protocol):
    """What an estimator asks of its rows."""

    def fit(
        self, radius: float, *, gap: float, deadline: float = math.inf, start: Floats | None = None
    ) -> RobustFit:
        """The certified minimum at a radius; `start` is the theta of a radius nearby."""

    def coefficients(self, theta: Floats) -> tuple[Floats, float]:
        """(slopes, intercept) for rows as they came."""

    def largest_radius(self) -> float:
        """From about this radius on every slope is zero."""

    def slope(self, fit: RobustFit, radius: float) -> float:
        """d objective / d radius."""


@dataclass(frozen=True, eq=False)
class MarginModel:
    """Log loss, hinge loss or absolute error, order 1."""

    data: Prepared
    problem: RobustProblem

    @classmethod
    def of(
        cls,
        X: Floats,
        target: Floats,
        weight: Floats,
        loss: MarginLoss,
        cost: Cost,
        *,
        intercept: bool,
        device: str,
    ) -> MarginModel:
        """From checked arrays. Rows are joined where the minimum need not be unique."""
        newton = loss.smooth and cost.norm == 2 and math.isinf(cost.label_cost)
        data = prepared(X, target, weight, intercept=intercept, labels=loss.classifies, joined=not newton)
        problem = RobustProblem.of(
            data.X,
            data.target,
            data.weight,
            loss,
            radius=1.0,
            norm=cost.norm,
            label_cost=cost.label_cost,
            intercept=intercept,
            device=device,
        )
        return cls(data, problem)

    def fit(
        self, radius: float, *, gap: float, deadline: float = math.inf, start: Floats | None = None
    ) -> RobustFit:
        """The certified minimum at a radius."""
        return fit_rows(self.problem.at(radius), gap=gap, deadline=deadline, start=start)

    def coefficients(self, theta: Floats) -> tuple[Floats, float]:
        """(slopes, intercept) for rows as they came."""
        return self.data.coefficients(theta)

    def largest_radius(self) -> float:
        """The transport norm of the slopes of the loss at the constant model."""
        return null_pull(self.problem)

    def slope(self, fit: RobustFit, radius: float) -> float:
        """The price of transport at the minimum."""
        problem = self.problem.at(radius)
        return problem.price(fit.theta, problem.margins(fit.theta))


@dataclass(frozen=True, eq=False)
class LeastSquaresModel:
    """Mean squared error, order 2."""

    data: Prepared
    problem: LeastSquaresProblem

    @classmethod
    def of(
        cls, X: Floats, target: Floats, weight: Floats, cost: Cost, *, intercept: bool
    ) -> LeastSquaresModel:
        """From checked arrays."""
        data = prepared(X, target, weight, intercept=intercept, labels=False, joined=False)
        return cls(data, LeastSquaresProblem(data.X, data.target, data.weight, 1.0, cost.norm))

    def fit(
        self, radius: float, *, gap: float, deadline: float = math.inf, start: Floats | None = None
    ) -> RobustFit:
        """The certified minimum at a radius."""
        return fit_least_squares(self.problem.at(radius), gap=gap, deadline=deadline, start=start)

    def coefficients(self, theta: Floats) -> tuple[Floats, float]:
        """(slopes, intercept) for rows as they came."""
        return self.data.coefficients(theta)

    def largest_radius(self) -> float:
        """The transport norm of X'y over the size of y."""
        R, q, rest, _ = self.problem.triangle
        whole = math.hypot(float(np.linalg.norm(q)), rest)
        return self.problem.pull(R.T @ q) / whole if whole > 0 else 0.0

    def slope(self, fit: RobustFit, radius: float) -> float:
        """2 sqrt(objective) ||b||_*."""
        return 2.0 * math.sqrt(fit.value) * self.problem.length(fit.theta)
