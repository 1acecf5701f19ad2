"""The inner supremum of two balls that share covariates, over finite supports.

A source pair is a treated row (y1, x1) and a control row (y0, x0); it is sent to (y1', y0', x') at costs

    c1 = |y1 - y1'|^p + w ||x1 - x'||^p        c0 = |y0 - y0'|^p + w ||x0 - x'||^p

x1 need not equal x0: only their common image x' is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, real_array
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import OverlappingBalls
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.cost import distances, scaled_costs

__all__ = ["OverlapFinite", "TwoArms", "covariate_costs", "covariate_values"]


class TwoArms:
    """The references and budgets of two balls that share covariates, as an `InnerSupremum` gives them."""

    balls: OverlappingBalls

    @property
    def first(self) -> Floats:
        """(n,) weights of the treated rows."""
        return self.balls.treated.weights

    @property
    def second(self) -> Floats:
        """(m,) weights of the control rows."""
        return self.balls.control.weights

    @cached_property
    def budget(self) -> Floats:
        """(2,)"""
        return np.array(self.balls.budget)


@dataclass(frozen=True, eq=False)
class OverlapFinite(TwoArms):
    """Outcomes and covariates on finite sets.

    treated_support (S,), control_support (T,), covariate_support (U, k).
    function : (y1 (N,), y0 (N,), x (N, k)) -> (N,) values.
    """

    balls: OverlappingBalls
    treated_support: Floats
    control_support: Floats
    covariate_support: Floats
    function: Callable[[Floats, Floats, Floats], Floats]
    exact: bool = True

    @cached_property
    def recession(self) -> Floats:
        """Nothing can be sent to infinity."""
        return np.zeros(2)

    @property
    def safe(self) -> Floats:
        """The supremum over finitely many targets is finite everywhere."""
        return self.recession

    @cached_property
    def _table(self) -> Floats:
        """(U, S, T) values of the functional."""
        u, s, t = np.meshgrid(
            np.arange(len(self.covariate_support)),
            np.arange(len(self.treated_support)),
            np.arange(len(self.control_support)),
            indexing="ij",
        )
        values = self.function(
            self.treated_support[s.ravel()],
            self.control_support[t.ravel()],
            self.covariate_support[u.ravel()],
        )
        return np.asarray(values, dtype=np.float64).reshape(u.shape)

    @cached_property
    def _outcome_costs(self) -> tuple[Floats, Floats]:
        """(n, S) and (m, T)."""
        p = self.balls.order
        y1, y0 = self.balls.outcomes
        return (
            np.abs(y1[:, None] - self.treated_support) ** p,
            np.abs(y0[:, None] - self.control_support) ** p,
        )

    @cached_property
    def _covariate_costs(self) -> tuple[Floats, Floats]:
        """(n, U) and (m, U), weighted."""
        x1, x0 = self.balls.covariates
        return (
            covariate_costs(self.balls, x1, self.covariate_support),
            covariate_costs(self.balls, x0, self.covariate_support),
        )

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The best target of every pair."""
        return self._search(multiplier, self._table)

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The nearest target of every pair."""
        values, columns = self._search(multiplier, np.zeros_like(self._table))
        return -values, columns

    def _search(self, multiplier: Floats, table: Floats) -> tuple[Floats, Columns]:
        """For every treated row and x': the best y1' for each y0', then the best y0' for each control row."""
        y1, y0 = multiplier[0] * self._outcome_costs[0], multiplier[1] * self._outcome_costs[1]
        x1, x0 = (scaled_costs(l, c) for l, c in zip(multiplier, self._covariate_costs, strict=True))  # noqa: E741
        n, m = len(y1), len(y0)
        values = np.full((n, m), -np.inf)
        places = np.zeros((3, n, m), dtype=np.int64)
        for i in range(n):
            for u in range(len(self.covariate_support)):
                if not np.isfinite(x1[i, u]):
                    continue
                best = table[u] - y1[i][:, None]
                s_of_t = best.argmax(axis=0)
                top = best[s_of_t, np.arange(best.shape[1])][None, :] - y0
                t = top.argmax(axis=1)
                total = top[np.arange(m), t] - x1[i, u] - x0[:, u]
                better = total > values[i]
                values[i, better] = total[better]
                places[:, i, better] = np.stack([s_of_t[t], t, np.full(m, u)])[:, better]
        one, two, x = places.reshape(3, -1)
        return values, self._columns(one, two, x, n, m)

    def _columns(self, s: np.ndarray, t: np.ndarray, u: np.ndarray, n: int, m: int) -> Columns:
        i, j = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
        x = self.covariate_support[u]
        costs = np.stack(
            [
                self._outcome_costs[0][i, s] + self._covariate_costs[0][i, u],
                self._outcome_costs[1][j, t] + self._covariate_costs[1][j, u],
            ],
            axis=1,
        )
        targets = (
            np.column_stack([self.treated_support[s], x]),
            np.column_stack([self.control_support[t], x]),
        )
        return Columns(i, j, targets, self._table[u, s, t], costs)


def covariate_values(values: npt.ArrayLike, balls: OverlappingBalls, name: str) -> Floats:
    """(U, k) values that covariates may take, each once; `InvalidInput` for anything else."""
    width = balls.covariates[0].shape[1]
    array = real_array(values, name)
    array = array.reshape(len(array), -1) if array.ndim == 1 and array.size else array
    if (
        isinstance(values, tuple)
        or array.ndim != 2
        or array.shape[1] != width
        or not np.isfinite(array).all()
    ):
        raise InvalidInput(
            f"`{name}` must be an array of finite covariate values (U, {width}), a row for each value that X "
            f"may take; got {'a tuple' if isinstance(values, tuple) else f'shape {array.shape}'}."
        )
    return np.unique(array, axis=0)


def covariate_costs(balls: OverlappingBalls, x: Floats, support: Floats) -> Floats:
    """(n, U) ``w ||x - x'||^p``; 0 at equal covariates and inf elsewhere where they are frozen."""
    apart = distances(x, support, balls.treated.cost.norm)
    if np.isinf(balls.covariate_weight):
        return np.where(apart == 0.0, 0.0, np.inf)
    return balls.covariate_weight * apart**balls.order
