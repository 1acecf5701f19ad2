"""The robust objective of a linear model, and its exact value at any coefficients.

Every law within transport distance r of the data, where moving x costs ||x - x'|| and flipping a label
costs kappa, has a mean loss of at most

    F(b, c) = min over l >= ||b||_* of   l r + sum_i w_i max( loss(u_i), loss(-u_i) - l kappa ),

the largest of them, by strong duality for one ball of order 1; ||.||_* is the dual norm. With fixed labels
F = mean loss + r ||b||_*. The intercept is not penalised and x may be anywhere.

Source: Shafieezadeh-Abadeh, Kuhn and Mohajerin Esfahani, "Regularization via Mass Transportation", Journal of
Machine Learning Research 20 (2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.cost import dual_norm, vector_norm
from riskstats.wasserstein.margin_losses import MarginLoss, Pieces
from riskstats.wasserstein.robust_rows import Rows, rows_of

__all__ = ["RobustProblem"]


@dataclass(frozen=True, eq=False)
class RobustProblem:
    """Rows, a loss and a ball.

    rows : products with the design. sign, offset : u = sign (x'b + c) - offset. weight : (n,) of sum 1.
    radius, norm, label_cost : the ball.
    """

    rows: Rows
    sign: Floats
    offset: Floats
    weight: Floats
    loss: MarginLoss
    radius: float
    norm: float = 2
    label_cost: float = math.inf
    longest: float = field(default=math.nan)

    @classmethod
    def of(
        cls,
        X: Floats,
        target: Floats,
        weight: Floats,
        loss: MarginLoss,
        *,
        radius: float,
        norm: float = 2,
        label_cost: float = math.inf,
        intercept: bool = True,
        device: str = "numpy",
    ) -> RobustProblem:
        """From checked arrays; y in {-1, +1} for a classifier. The weights are divided by their sum."""
        sign, offset = (target, np.zeros(len(target))) if loss.classifies else (np.ones(len(target)), target)
        return cls(
            rows_of(X, intercept, device),
            sign,
            offset,
            weight / weight.sum(),
            loss,
            radius,
            norm,
            label_cost if loss.classifies and radius > 0 else math.inf,
            float(np.abs(X).max(initial=0.0)),
        )

    def at(self, radius: float) -> RobustProblem:
        """The same data with another radius."""
        return replace(self, radius=radius, label_cost=self.label_cost if radius > 0 else math.inf)

    @property
    def intercept(self) -> bool:
        """Whether the last coefficient is an intercept."""
        return self.rows.intercept

    @property
    def d(self) -> int:
        """Number of columns."""
        return self.rows.p - int(self.intercept)

    @property
    def penalty_norm(self) -> float:
        """The dual norm, of the slopes."""
        return dual_norm(self.norm)

    @property
    def labels_move(self) -> bool:
        """Whether flipping a label has a finite price."""
        return math.isfinite(self.label_cost)

    @cached_property
    def pieces(self) -> Pieces:
        """The affine pieces of every row."""
        return self.loss.pieces(self.label_cost)

    def length(self, theta: Floats) -> float:
        """||b||_*."""
        return float(vector_norm(theta[: self.d], self.penalty_norm)) if self.d else 0.0

    def pull(self, theta: Floats) -> float:
        """The transport norm of the slope part of a gradient."""
        return float(vector_norm(theta[: self.d], self.norm)) if self.d else 0.0

    def margins(self, theta: Floats) -> Floats:
        """(n,) signed margins u."""
        return self.sign * self.rows.times(theta) - self.offset

    def price(self, theta: Floats, u: Floats) -> float:
        """The l that attains F: ||b||_*, or more where flipping labels would exceed the budget."""
        length = self.length(theta)
        if not self.labels_move:
            return length
        gain = self.loss.flip_gain(u) / self.label_cost
        worth = np.flatnonzero(gain > length)
        order = worth[np.argsort(-gain[worth], kind="stable")]
        spent = np.cumsum(self.weight[order]) * self.label_cost
        over = int(np.searchsorted(spent, self.radius, side="right"))
        return float(gain[order[over]]) if over < len(order) else length

    def objective(self, theta: Floats, u: Floats | None = None) -> float:
        """F at theta."""
        u = self.margins(theta) if u is None else u
        price = self.price(theta, u)
        rows = self.loss.value(u)
        if self.labels_move:
            rows = rows + np.maximum(0.0, self.loss.flip_gain(u) - price * self.label_cost)
        return float(self.weight @ rows) + self.radius * price

    def null(self) -> Floats:
        """theta of the best constant prediction, labels fixed; zero without an intercept."""
        theta = np.zeros(self.rows.p)
        if self.intercept:
            target = self.sign if self.loss.classifies else self.offset
            theta[-1] = self.loss.null_margin(target, self.weight)
        return theta
