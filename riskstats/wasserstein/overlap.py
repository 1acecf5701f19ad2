"""The inner supremum of two balls that share covariates, for a function of one combination of the outcomes.

With f = g(a1 y1 + a0 y0) a pair of rows (y1, x1), (y0, x0) is sent to (y1', y0', x') at the least cost, and
outcomes and covariates part ways:

    sup over s of g(s) - kappa_y |s - a1 y1 - a0 y0|^p
    less  w min over x' of l1 ||x1 - x'||^p + l0 ||x0 - x'||^p

kappa_y is the joint multiplier of ``l1 / |a1|^p`` and ``l0 / |a0|^p`` (`couplings`). Over the whole space the
second term is ``w kappa ||x1 - x0||^p``, with x' on the segment between x1 and x0; over finitely many values
every one is tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.ball import OverlappingBalls
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.cost import distances, scaled_costs, vector_norm
from riskstats.wasserstein.couplings import joint_multiplier, share_of_first
from riskstats.wasserstein.overlap_finite import TwoArms, covariate_costs
from riskstats.wasserstein.shapes import Shape

__all__ = ["OverlapSupremum"]

_NUDGES = 8


@dataclass(frozen=True, eq=False)
class OverlapSupremum(TwoArms):
    """The supremum of ``sign g(a1 y1 + a0 y0)``.

    values : (U, k) covariates may take these alone; None is the whole space.
    """

    balls: OverlappingBalls
    shape: Shape
    weights: tuple[float, float]
    sign: int = 1
    values: Floats | None = None
    exact: bool = True

    @cached_property
    def recession(self) -> Floats:
        """For order 1 and linear growth, the slope of g along each outcome; 0 where nothing can move."""
        if self.balls.order != 1.0 or self.shape.growth(self.sign) != 1.0:
            return np.zeros(2)
        return np.where(self.budget > 0, self.shape.slope(self.sign) * np.abs(self.weights), 0.0)

    @cached_property
    def safe(self) -> Floats:
        """Twice what makes the joint multiplier exceed the slope of g."""
        p = self.balls.order
        slope = max(self.shape.slope(self.sign), 1.0)
        return 2.0 * slope * 2.0 ** (p - 1.0) * np.maximum(np.abs(self.weights), 1e-12) ** p

    @property
    def unbounded(self) -> bool:
        """Whether g grows faster than the cost, and something can move."""
        moves = (self.budget > 0) & (np.array(self.weights) != 0)
        return bool(self.shape.growth(self.sign) > self.balls.order and moves.any())

    @cached_property
    def sums(self) -> Floats:
        """(n, m) reference combinations of outcomes."""
        y1, y0 = self.balls.outcomes
        return self.weights[0] * y1[:, None] + self.weights[1] * y0[None, :]

    @cached_property
    def apart(self) -> Floats:
        """(n, m) distances of the covariates, exactly 0 at equal ones."""
        return distances(*self.balls.covariates, self.balls.treated.cost.norm)

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The best target of every pair."""
        fixed = np.where(self.budget > 0, multiplier, np.inf)
        p = self.balls.order
        one, two = (_per_unit(l, a, p) for l, a in zip(fixed, self.weights, strict=True))  # noqa: E741
        kappa = joint_multiplier(one, two, p)
        value, target = self.sign * self.shape(self.sums), self.sums
        if math.isfinite(kappa):
            value, target = self.shape.best(self.sign, self.sums, kappa, p)
        moved, x = self._covariates(fixed)
        lost = np.isinf(moved)
        values = np.where(lost, -np.inf, value - np.where(lost, 0.0, moved))
        target = np.where(np.isfinite(target), target, self.sums)
        return values, self._columns(target, share_of_first(one, two, p), x)

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """Outcomes stay, covariates meet."""
        fixed = np.where(self.budget > 0, np.maximum(multiplier, 1e-300), np.inf)
        moved, x = self._covariates(fixed)
        return moved, self._columns(self.sums, 0.5, x)

    def _covariates(self, multiplier: Floats) -> tuple[Floats, Floats]:
        """((n, m) least costs of meeting, (n m, k) where)."""
        x1, x0 = self.balls.covariates
        n, m = self.apart.shape
        if self.values is not None:
            return self._among_values(multiplier)
        first, second = (float(l) for l in multiplier)  # noqa: E741
        kappa = joint_multiplier(first, second, self.balls.order)
        share = share_of_first(first, second, self.balls.order)
        still = self.apart == 0.0
        weight = self.balls.covariate_weight
        with np.errstate(invalid="ignore"):
            moved = np.where(still, 0.0, weight * kappa * self.apart**self.balls.order)
        frozen = math.isinf(weight) | math.isinf(kappa)
        moved = np.where(still, 0.0, np.inf) if frozen else moved
        x = x1[:, None, :] + share * (x0[None, :, :] - x1[:, None, :])
        x = x1[:, None, :] + 0.0 * x if share == 0.0 else x
        x = x0[None, :, :] + 0.0 * x if share == 1.0 else x
        return moved, x.reshape(n * m, -1)

    def _among_values(self, multiplier: Floats) -> tuple[Floats, Floats]:
        assert self.values is not None
        x1, x0 = self.balls.covariates
        one = scaled_costs(float(multiplier[0]), covariate_costs(self.balls, x1, self.values))
        two = scaled_costs(float(multiplier[1]), covariate_costs(self.balls, x0, self.values))
        moved, place = np.full(self.apart.shape, np.inf), np.zeros(self.apart.shape, dtype=np.int64)
        for u in range(len(self.values)):
            here = one[:, u][:, None] + two[:, u][None, :]
            place = np.where(here < moved, u, place)
            moved = np.minimum(moved, here)
        return moved, self.values[place.ravel()]

    def _columns(self, target: Floats, share: float, x: Floats) -> Columns:
        """Columns of all pairs, row-major."""
        n, m = target.shape
        return self._sent(np.repeat(np.arange(n), m), np.tile(np.arange(m), n), target.ravel(), share, x)

    def columns(self, first: Integers, second: Integers, target: Floats, share: float) -> Columns:
        """Columns of some pairs: the combination goes to `target`, the covariates meet, and the treated row
        makes `share` of either move."""
        x1, x0 = self.balls.covariates
        x = x1[first] if share == 0 else x0[second]
        if 0 < share < 1:
            x = x1[first] + share * (x0[second] - x1[first])
        return self._sent(first, second, target, share, x)

    def _sent(self, i: Integers, j: Integers, target: Floats, share: float, x: Floats) -> Columns:
        """Columns recomputed from where the rows really go."""
        y1, y0 = self.balls.outcomes
        z1, z0 = self._outcomes(y1[i], y0[j], target, share)
        p, norm, w = self.balls.order, self.balls.treated.cost.norm, self.balls.covariate_weight
        x1, x0 = self.balls.covariates
        costs = []
        for y, z, own, budget in ((y1[i], z1, x1[i], self.budget[0]), (y0[j], z0, x0[j], self.budget[1])):
            gone = np.asarray(vector_norm(own - x, norm))
            stays = (gone == 0.0) | ((w < np.inf) & (budget > 0))
            covered = np.where(
                gone == 0.0, 0.0, np.where(stays, (w if w < np.inf else 0.0) * gone**p, np.inf)
            )
            costs.append(np.abs(z - y) ** p + covered)
        value = self.sign * self.shape(self.weights[0] * z1 + self.weights[1] * z0)
        targets = (np.column_stack([z1, x]), np.column_stack([z0, x]))
        return Columns(i, j, targets, value, np.stack(costs, axis=1))

    def _outcomes(self, y1: Floats, y0: Floats, target: Floats, share: float) -> tuple[Floats, Floats]:
        """The outcomes whose combination is `target`; for an event, on the right side of its end."""
        a1, a0 = self.weights
        move = target - (a1 * y1 + a0 * y0)
        z1 = y1 + (share * move / a1 if a1 != 0 and share > 0 else 0.0 * move)
        z0 = y0 + ((1.0 - share) * move / a0 if a0 != 0 and share < 1 else 0.0 * move)
        if not self.shape.event:
            return z1, z0
        wanted = self.sign * self.shape(target)
        mover, factor = (z1, a1) if share >= 0.5 else (z0, a0)
        step = np.spacing(np.maximum(np.abs(z1), np.abs(z0)))
        for _ in range(_NUDGES):
            short = (self.sign * self.shape(a1 * z1 + a0 * z0) < wanted) & (move != 0)
            if not short.any():
                break
            mover[short] += np.sign(move[short] * factor) * step[short]
            step = 2.0 * step
        return z1, z0


def _per_unit(multiplier: float, weight: float, order: float) -> float:
    """The multiplier of a move of the combination: an outcome of weight 0 cannot make it."""
    return math.inf if weight == 0 else float(multiplier) / abs(weight) ** order
