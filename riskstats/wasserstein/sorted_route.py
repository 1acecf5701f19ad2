"""Two balls and a function that is super- or submodular: one sorted coupling is worst at all prices.

If f is supermodular then so is ``f_l(v) = sup_s f(s) - sum_j l_j |s_j - v_j|^p``, because a supremum over a
lattice keeps it; hence the comonotone coupling of the references is worst for every l, and only the prices
are left to find (`bundle`). Turning the sign of one outcome does the same for submodular f and the
antithetic one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.results import Status
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.bundle import Bundled, Cut, bundled
from riskstats.wasserstein.coupled import comonotone
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.shapes import power_cost
from riskstats.wasserstein.verified import Proposal, nudged, row_values, verified

__all__ = ["ClosedInner", "Inner", "sorted_case"]


def sorted_case(asked: Asked, inner: Inner | None = None) -> WorstCase:
    """The worst case of a function of two outcomes with a known worst coupling.

    inner : the best targets of the pairs at given prices; None is the closed form of the functional.
    """
    direction = asked.functional.coupling(asked.sign)
    values = [ball.points[:, 0] for ball in asked.balls]
    mass, places = comonotone(values, [ball.weights for ball in asked.balls], (1, direction))
    route = f"{'comonotone' if direction > 0 else 'antithetic'} coupling"
    return _Sorted(asked, mass, places, inner or ClosedInner(asked)).case(route)


class Inner(Protocol):
    """What moving the pairs (i, j) of a coupling earns."""

    def best(self, places: Integers, prices: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """(K,) upper bounds of the inner suprema, two arrays of targets, and the values of sign f there."""

    def nearest(self, places: Integers) -> tuple[Floats, Floats]:
        """The cheapest targets."""


@dataclass(frozen=True, eq=False)
class ClosedInner:
    """Inner suprema in closed form, on the line or in intervals; a fixed outcome has price inf."""

    asked: Asked

    def best(self, places: Integers, prices: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """See `Inner`."""
        asked = self.asked
        v = asked.balls[0].points[places[:, 0], 0], asked.balls[1].points[places[:, 1], 0]
        used = (float(prices[0]), float(prices[1]))
        found = asked.functional.pair(asked.sign, v, used, asked.order, asked.box)  # type: ignore[arg-type]
        assert found is not None
        value = found.value
        for target, source, price in zip(found[1:], v, used, strict=True):
            with np.errstate(invalid="ignore"):
                value = value + power_cost(price, target - source, asked.order)
        first, second = (np.clip(s, *box) for s, box in zip(found[1:], asked.box, strict=True))
        return found.value, first, second, value

    def nearest(self, places: Integers) -> tuple[Floats, Floats]:
        """See `Inner`."""
        first, second = (
            np.clip(ball.points[places[:, j], 0], *box)
            for j, (ball, box) in enumerate(zip(self.asked.balls, self.asked.box, strict=True))
        )
        return first, second


class _Sorted:
    """The pairs of a coupling, and the search for their prices."""

    def __init__(self, asked: Asked, mass: Floats, places: Integers, inner: Inner) -> None:
        self.asked, self.mass, self.places, self.inner = asked, mass, places, inner
        self.v = tuple(ball.points[places[:, j], 0] for j, ball in enumerate(asked.balls))
        self.budget = np.array(asked.budget)
        self.frozen = ~np.array(asked.moving)

    def solve(self, prices: Floats) -> Cut:
        """The best targets at some prices."""
        bound, first, second, value = self.inner.best(self.places, np.where(self.frozen, math.inf, prices))
        if not np.isfinite(bound).all():
            return Cut(math.inf, math.nan, np.full(2, math.nan), None)
        upper = float(np.where(self.frozen, 0.0, prices) @ self.budget + self.mass @ bound)
        return Cut(upper, float(self.mass @ value), self._costs((first, second)), (first, second, value))

    def _costs(self, targets: tuple[Floats, Floats]) -> Floats:
        pairs = zip(targets, self.v, strict=True)
        return np.array([float(self.mass @ power_cost(1.0, s - v, self.asked.order)) for s, v in pairs])

    def still(self) -> Cut:
        """The cheapest law: atoms outside of their support go to its nearest point."""
        targets = self.inner.nearest(self.places)
        columns = tuple(target[:, np.newaxis] for target in targets)
        values = self.asked.sign * row_values(self.asked.functional, self.asked.balls, self.places, columns)
        return Cut(math.inf, float(self.mass @ values), self._costs(targets), (*targets, values))

    def case(self, route: str) -> WorstCase:
        """Search the prices, mix the plans, verify."""
        asked, still = self.asked, self.still()
        if self.frozen.all():
            cut = self.solve(np.zeros(2))
            return self._verified(
                Bundled(
                    [still.plan],
                    np.ones(1),
                    np.zeros(0),
                    still.value,
                    cut.upper,
                    np.zeros(2),
                    Status.OPTIMAL,
                    1,
                ),
                still,
                [],
                route,
            )
        free = asked.within is None and asked.points is None
        rays = asked.functional.rays(asked.sign, asked.order, asked.moving) if free else []
        p, radius = asked.order, np.where(self.frozen, 1.0, np.array(asked.radius))
        start = radius ** (1.0 - p) * 1.001
        found = bundled(
            self.solve,
            self.budget,
            start,
            still,
            rays=rays,
            gap=0.25 * asked.gap,
            time_limit=asked.time_limit,
        )
        return self._verified(found, still, rays, route)

    def _verified(
        self, found: Bundled, still: Cut, rays: list[tuple[float, tuple[float, ...]]], route: str
    ) -> WorstCase:
        asked = self.asked
        weights, sources, targets, claimed = self._rows(found)
        ends = nudged(asked.functional, asked.sign, asked.balls, sources, targets, claimed, asked.box)
        weights, sources, ends = _with_rays(asked, weights, sources, ends, found.rays, rays)
        known = None if self.frozen.all() else tuple(np.where(self.frozen, math.inf, found.prices).tolist())
        approached = bool((found.rays > 0).any()) or _beside(asked, ends, sources)
        reference = still.value if asked.within is None and asked.points is None else None
        status = found.status if found.status is Status.TIME_LIMIT else None
        return verified(
            asked,
            Proposal(weights, sources, ends, found.upper, route, known, not approached, status, reference),
        )

    def _rows(self, found: Bundled) -> tuple[Floats, Integers, tuple[Floats, ...], Floats]:
        used = [k for k, share in enumerate(found.shares) if share > 0]
        weights = np.concatenate([found.shares[k] * self.mass for k in used])
        sources = np.concatenate([self.places for _ in used])
        targets = tuple(
            np.concatenate([np.asarray(found.plans[k][j]) for k in used])[:, np.newaxis] for j in (0, 1)
        )
        claimed = np.concatenate([np.asarray(found.plans[k][2]) for k in used])
        return weights, sources, targets, claimed


def _beside(asked: Asked, ends: tuple[Floats, ...], sources: Integers) -> bool:
    """Whether a row stops just beyond a point that does not belong to the event."""
    point = getattr(asked.functional, "point", None)
    if point is None or asked.sign > 0:
        return False
    near = [
        (np.abs(end[:, 0] - z) <= 1e-14 * (1.0 + abs(z)))
        & (end[:, 0] > z)
        & (end[:, 0] != ball.points[sources[:, j], 0])
        for j, (end, z, ball) in enumerate(zip(ends, point, asked.balls, strict=True))
    ]
    return bool(np.any(near))


def _with_rays(
    asked: Asked,
    weights: Floats,
    sources: Integers,
    targets: tuple[Floats, ...],
    amounts: Floats,
    rays: list[tuple[float, tuple[float, ...]]],
) -> tuple[Floats, Integers, tuple[Floats, ...]]:
    """Vanishing mass sent far: a small share of the heaviest row, which spends what the rays have."""
    for amount, (_, costs) in zip(amounts, rays, strict=True):
        if amount <= 0:
            continue
        heavy = int(weights.argmax())
        spread = max(float(np.ptp(np.concatenate([target[:, 0] for target in targets]))), 1.0)
        share = min(0.5 * float(weights[heavy]), 0.25 * asked.gap / (len(rays) * spread))
        weights = np.append(weights, share)
        weights[heavy] -= share
        sources = np.concatenate([sources, sources[heavy : heavy + 1]])
        moved = [
            np.concatenate([target, target[heavy : heavy + 1] + asked.sign * amount * cost / share])
            for target, cost in zip(targets, costs, strict=True)
        ]
        targets = tuple(moved)
    return weights, sources, targets
