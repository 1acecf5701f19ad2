"""The rows of a robust fit inside the interior-point method, eliminated one by one.

A row has an epigraph e_i above its pieces, slacks s_ik = e_i - alpha_k u_i - beta_k + gamma_k l > 0 and
weights lambda_ik > 0 with sum_k lambda_ik = w_i. With D = lambda / s its share of Newton's matrix in (u_i, l)
is

    sum_k D_ik (alpha_k - mean alpha, gamma_k - mean gamma)(...)'          means weighted by D,

a covariance, formed as one so that nothing cancels; the smooth part adds w_i phi''(u_i) to its corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.robust_certificate import RowDual
from riskstats.wasserstein.robust_problem import RobustProblem

__all__ = ["RowChange", "RowState", "RowSystem"]


@dataclass(frozen=True, eq=False)
class RowState:
    """u : (n,) signed margins. slack, weights : (K, n)."""

    u: Floats
    slack: Floats
    weights: Floats

    @property
    def complementarity(self) -> float:
        """sum of slack times weight."""
        return float((self.slack * self.weights).sum())

    def moved(self, change: RowChange, step: float) -> RowState:
        """The state after a step."""
        return RowState(
            self.u + step * change.u,
            self.slack + step * change.slack,
            self.weights + step * change.weights,
        )

    def longest_step(self, change: RowChange) -> float:
        """The largest step that keeps slacks and weights >= 0."""
        worst = 0.0
        for value, delta in ((self.slack, change.slack), (self.weights, change.weights)):
            worst = min(worst, float((delta / value).min(initial=0.0)))
        return -1.0 / worst if worst < 0 else np.inf


@dataclass(frozen=True, eq=False)
class RowChange:
    """A direction for every part of a `RowState`."""

    u: Floats
    slack: Floats
    weights: Floats


class RowSystem:
    """Newton's matrix and directions of all rows at one state."""

    def __init__(self, problem: RobustProblem, state: RowState) -> None:
        self.problem, self.state = problem, state
        self.pieces = problem.pieces
        _, slope, curvature = problem.loss.smooth_terms(state.u)
        weights, slack = state.weights, state.slack
        self.slopes = problem.weight * slope + self.pieces.slope @ weights
        self.curvature = problem.weight * curvature
        self.price_slope = -float(self.pieces.price @ weights.sum(axis=1))
        if not len(slack):
            return
        self.ratio = weights / slack
        self.total = self.ratio.sum(axis=0)
        self.alpha = self.pieces.slope @ self.ratio / self.total
        self.gamma = self.pieces.price @ self.ratio / self.total
        self.alpha_off = self.pieces.slope[:, None] - self.alpha
        self.gamma_off = self.pieces.price[:, None] - self.gamma
        self.missing = problem.weight - weights.sum(axis=0)

    def gradient(self) -> Floats:
        """(p + 1,) slopes in theta and in l."""
        force = self.problem.rows.transposed(self.problem.sign * self.slopes)
        return np.append(force, self.price_slope)

    def matrix(self) -> Floats:
        """(p + 1, p + 1) in theta and l."""
        problem = self.problem
        p = problem.rows.p
        answer = np.zeros((p + 1, p + 1))
        h = self.curvature
        if len(self.state.slack):
            h = h + (self.ratio * self.alpha_off**2).sum(axis=0)
            if self.pieces.price.any():
                cross = -(self.ratio * self.alpha_off * self.gamma_off).sum(axis=0)
                answer[:p, p] = answer[p, :p] = problem.rows.transposed(problem.sign * cross)
                answer[p, p] = float((self.ratio * self.gamma_off**2).sum())
        answer[:p, :p] = problem.rows.gram(h)
        return answer

    def right_side(self, target: Floats) -> Floats:
        """(p + 1,) what aiming at slack * weight + change = target adds to the gradient."""
        if not len(self.state.slack):
            return np.zeros(self.problem.rows.p + 1)
        push = target / self.state.slack
        in_u = (push * self.alpha_off).sum(axis=0) + self.missing * self.alpha
        in_l = float((push * self.gamma_off).sum() + self.missing @ self.gamma)
        return np.append(self.problem.rows.transposed(self.problem.sign * in_u), -in_l)

    def change(self, direction: Floats, target: Floats) -> RowChange:
        """The direction of every row for a direction (p + 1,) in theta and l."""
        u = self.problem.sign * self.problem.rows.times(direction[:-1])
        slack, price = self.state.slack, direction[-1]
        if not len(slack):
            return RowChange(u, slack, slack)
        push = target / slack
        lift = self.alpha * u - self.gamma * price + (push.sum(axis=0) - self.missing) / self.total
        opened = lift - self.pieces.slope[:, None] * u + self.pieces.price[:, None] * price
        return RowChange(u, opened, push - self.ratio * opened)

    @staticmethod
    def dual_of(problem: RobustProblem, state: RowState) -> RowDual:
        """The dual point of a state."""
        return RowDual(-problem.loss.smooth_terms(state.u)[1], state.weights)

    @staticmethod
    def start(problem: RobustProblem, theta: Floats, price: float, mu: float) -> RowState:
        """Slacks and weights with product mu, and weights that sum to those of the rows."""
        u = problem.margins(theta)
        values = problem.pieces.values(u, price)
        if not len(values):
            return RowState(u, values, values)
        aim = problem.weight / mu
        epigraph = values.max(axis=0) + 1.0 / aim
        for _ in range(8):
            inverse = 1.0 / (epigraph - values)
            epigraph = epigraph + (inverse.sum(axis=0) - aim) / (inverse**2).sum(axis=0)
        slack = epigraph - values
        weights = 1.0 / slack
        return RowState(u, slack, weights * (problem.weight / weights.sum(axis=0)))
