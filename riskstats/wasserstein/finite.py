"""The inner supremum over finite supports: every target is tried, so the answer is exact for that support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._validation import Floats
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.cost import distances, scaled_costs

__all__ = ["FiniteSupport", "affordable"]


@dataclass(frozen=True, eq=False)
class FiniteSupport:
    """One or two balls whose laws live on finite sets of points.

    balls : one or two. supports : their sets, (S_j, k_j).
    function : (targets_1 (N, k_1), ...) -> (N,) values.
    """

    balls: tuple[WassersteinBall, ...]
    supports: tuple[Floats, ...]
    function: Callable[..., Floats]
    exact: bool = True

    @cached_property
    def first(self) -> Floats:
        """Weights of the first reference."""
        return self.balls[0].weights

    @cached_property
    def second(self) -> Floats:
        """Weights of the second reference; a single 1 for one ball."""
        return self.balls[1].weights if len(self.balls) == 2 else np.ones(1)

    @cached_property
    def budget(self) -> Floats:
        """(d,)"""
        return np.array([ball.budget for ball in self.balls])

    @cached_property
    def recession(self) -> Floats:
        """Nothing can be sent to infinity."""
        return np.zeros(len(self.balls))

    @property
    def safe(self) -> Floats:
        """The supremum over finitely many targets is finite everywhere."""
        return self.recession

    @cached_property
    def costs(self) -> list[Floats]:
        """(n_j, S_j) of each ball, inf where one of budget 0 would move; (1, 1) of zeros beside one ball."""
        costs = []
        for ball, support in zip(self.balls, self.supports, strict=True):
            cost = distances(ball.points, support, ball.cost.norm) ** ball.order
            costs.append(affordable(ball, cost))
        return costs if len(costs) == 2 else [*costs, np.zeros((1, 1))]

    @cached_property
    def table(self) -> Floats:
        """(S_1, S_2) values of the functional."""
        if len(self.balls) == 1:
            return np.asarray(self.function(self.supports[0]), dtype=np.float64)[:, np.newaxis]
        s, t = (len(support) for support in self.supports)
        one, two = np.repeat(self.supports[0], t, axis=0), np.tile(self.supports[1], (s, 1))
        return np.asarray(self.function(one, two), dtype=np.float64).reshape(s, t)

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The best target of every pair."""
        return self._search(multiplier, self.table)

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The nearest target of every pair."""
        values, columns = self._search(multiplier, np.zeros_like(self.table))
        return -values, columns

    def _search(self, multiplier: Floats, table: Floats) -> tuple[Floats, Columns]:
        prices = np.append(multiplier, 0.0)[:2]
        one, two = (scaled_costs(l, c) for l, c in zip(prices, self.costs, strict=True))  # noqa: E741
        n, m = len(one), len(two)
        values, s, t = np.empty((n, m)), np.empty((n, m), np.int64), np.empty((n, m), np.int64)
        for i in range(n):
            best = table - one[i][:, np.newaxis]
            s_of_t = best.argmax(axis=0)
            top = best[s_of_t, np.arange(best.shape[1])]
            each = top[np.newaxis] - two
            t[i] = each.argmax(axis=1)
            values[i] = each[np.arange(m), t[i]]
            s[i] = s_of_t[t[i]]
        return values, self._columns(s.ravel(), t.ravel(), n, m)

    def _columns(self, s: np.ndarray, t: np.ndarray, n: int, m: int) -> Columns:
        i, j = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
        places = (s, t)[: len(self.balls)]
        costs = [self.costs[0][i, s], self.costs[1][j, t]][: len(self.balls)]
        return Columns(
            i,
            j,
            tuple(support[place] for support, place in zip(self.supports, places, strict=True)),
            self.table[s, t],
            np.stack(costs, axis=1),
        )


def affordable(ball: WassersteinBall, costs: Floats) -> Floats:
    """The costs; inf for the moves of a ball of budget 0."""
    return costs if ball.budget > 0 else np.where(costs > 0, np.inf, 0.0)
