"""The objective whose level sets are studied.

    F(theta) = sum_i w_i f(x_i'theta, y_i) + (penalty / 2) ||coefficients||^2        weights w sum to 1

The first coefficient is the intercept where there is one; it is never penalised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.smooth_losses import LogisticLoss, SmoothLoss

__all__ = ["ConvexProblem"]


@dataclass(frozen=True, eq=False)
class ConvexProblem:
    """Rows, weights, a smooth convex loss and a ridge penalty.

    Attributes
    ----------
    design : (n, p), a leading column of ones where `intercept`.
    target : (n,), -1 or +1 for the logistic loss, numbers for squared loss.
    sample_weight : (n,), >= 0; the weights w are these divided by their sum.
    penalty : the ridge factor, >= 0: 1 / (C sum of weights) for scikit-learn's C, alpha / sum of weights for
        its ridge regression.
    """

    design: Floats
    target: Floats
    sample_weight: Floats
    penalty: float
    loss: SmoothLoss = field(default_factory=LogisticLoss)
    intercept: bool = True

    @classmethod
    def of(
        cls,
        X: Floats,
        target: Floats,
        *,
        sample_weight: Floats | None = None,
        penalty: float,
        loss: SmoothLoss | None = None,
        intercept: bool = True,
    ) -> ConvexProblem:
        """Build from checked arrays; every weight is 1 where none are given."""
        X = np.asarray(X, dtype=np.float64)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        design = np.column_stack([np.ones(len(X)), X]) if intercept else np.ascontiguousarray(X)
        loss = LogisticLoss() if loss is None else loss
        return cls(design, np.asarray(target, dtype=np.float64), weight, float(penalty), loss, intercept)

    @cached_property
    def weight(self) -> Floats:
        """Weights of sum 1, (n,), in the precision of the data."""
        return self.sample_weight / self.sample_weight.sum()

    @cached_property
    def precise(self) -> ConvexProblem:
        """The same problem in the longest numbers of this platform, often with 64 bits of mantissa."""
        arrays: list[Any] = [self.design, self.target, self.sample_weight]
        design, target, weight = (array.astype(np.longdouble) for array in arrays)
        return ConvexProblem(design, target, weight, self.penalty, self.loss, self.intercept)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.design)

    @property
    def p(self) -> int:
        """Number of coefficients, the intercept included."""
        return self.design.shape[1]

    @cached_property
    def row_block(self) -> int:
        """Rows summed in one go by the certificates: near sqrt(n), and so is the error of a sum in units."""
        return max(64, 1 << (math.isqrt(self.n).bit_length() - 1))

    @cached_property
    def ridge(self) -> Floats:
        """The penalty of every coefficient, (p,): 0 for the intercept."""
        ridge = np.full(self.p, self.penalty)
        if self.intercept:
            ridge[0] = 0.0
        return ridge

    @cached_property
    def column_rms(self) -> Floats:
        """Root of the weighted mean square of every column, (p,); no size of the data underflows."""
        largest = np.abs(self.design).max(axis=0)
        largest = np.where(largest > 0, largest, 1.0)
        return largest * np.sqrt(self.weight @ (self.design / largest) ** 2)

    def augmented(self, X: Floats) -> Floats:
        """Rows of columns as directions: a leading 1 where there is an intercept."""
        return np.column_stack([np.ones(len(X)), X]) if self.intercept else np.asarray(X)

    def objective(self, theta: Floats) -> Any:
        """F at theta, (..., p) -> (...)."""
        value = self.loss.terms(theta @ self.design.T, self.target)[0]
        return value @ self.weight + 0.5 * (self.ridge * theta * theta).sum(axis=-1)

    def derivatives(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """F, its gradient (p,) and its Hessian (p, p) at one theta (p,)."""
        value, slope, curvature = self.loss.terms(self.design @ theta, self.target)
        gradient = self.design.T @ (self.weight * slope) + self.ridge * theta
        hessian = (self.design.T * (self.weight * curvature)) @ self.design
        hessian[np.diag_indices(self.p)] += self.ridge
        objective = float(self.weight @ value + 0.5 * (self.ridge * theta) @ theta)
        return objective, gradient, hessian
