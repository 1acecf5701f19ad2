"""The multipliers of several budgets, by cutting planes: inner solves outside, a small linear program inside.

At prices l an inner solve gives a plan with value F and costs C, and a number phi(l) that no law exceeds.
Over the plans found so far, and rays (gain, costs) of vanishing mass sent to infinity,

    maximise sum theta F + sum z gain   subject to   sum theta = 1,  sum theta C + sum z costs <= budget

is the value of a mixture that is a law of the set; the duals of the budgets are the next prices. Where phi is
infinite there, or has not improved, the prices are drawn towards the best so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import NotConverged
from riskstats.results import Status

__all__ = ["Bundled", "Cut", "bundled"]

_MOST_ROUNDS = 200
_STALL = 12
_WEAK = 0.9
_EXACT = 1e-10
_DEAREST = 1e12  # of a budget: plans that cost more are of no use in a mixture


@dataclass(frozen=True, eq=False)
class Cut:
    """upper : phi at the prices. value, costs (d,) : of the plan. plan : what the caller rebuilds it from."""

    upper: float
    value: float
    costs: Floats
    plan: Any


@dataclass(frozen=True, eq=False)
class Bundled:
    """The end of a search: shares of plans, ray amounts, the best bound and its prices."""

    plans: list[Any]
    shares: Floats
    rays: Floats
    lower: float
    upper: float
    prices: Floats
    status: Status
    rounds: int


def bundled(
    solve: Callable[[Floats], Cut],
    budget: Floats,
    start: Floats,
    still: Cut,
    *,
    rays: list[tuple[float, tuple[float, ...]]],
    gap: float,
    time_limit: float = np.inf,
    patience: int = _STALL,
    reach: float = np.inf,
    width: Callable[[Floats], float] = lambda prices: 0.0,
) -> Bundled:
    """The minimum of phi over prices >= 0.

    start : (d,) first prices. still : a plan within every budget. patience : rounds without progress before
    the search ends. reach : how far, as a share of them, the next prices may lie from the best so far; it
    doubles every round. width : what the plan at some prices leaves open there, which no prices close.
    """
    deadline = time.perf_counter() + time_limit
    cuts, best, center = [still], np.inf, start
    mixed: Any = None
    prices, stalled, rounds, status, lower = start, 0, 0, Status.GAP, still.value
    while rounds < _MOST_ROUNDS:
        rounds += 1
        cut = solve(prices)
        if np.isfinite(cut.upper):
            cuts.append(cut)
        before = best - lower
        if cut.upper < best:
            best, center = cut.upper, prices
        if not np.isfinite(best):
            prices = prices * 4.0
            continue
        mixed = _mixture(cuts, rays, budget)
        lower = max(lower, mixed[0])
        if best - lower <= max(gap * (1.0 + abs(best)), width(center)):
            status = Status.OPTIMAL
            break
        if time.perf_counter() > deadline:
            status = Status.TIME_LIMIT
            break
        stalled = 0 if best - lower < _WEAK * before else stalled + 1
        if stalled > patience:
            break
        reached = np.isfinite(cut.upper)
        prices = (
            mixed[3] if reached and stalled % 3 != 2 else 0.5 * (center + (mixed[3] if reached else prices))
        )
        prices, reach = _within(prices, center, reach), 2.0 * reach
    if mixed is None:
        raise NotConverged("no prices with a finite bound were found; scale the data.")
    _, shares, amounts, _ = mixed
    return Bundled(
        [cut.plan for cut in cuts][: len(shares)], shares, amounts, mixed[0], best, center, status, rounds
    )


def _within(prices: Floats, center: Floats, reach: float) -> Floats:
    """The prices, no further than a factor ``1 + reach`` from those of the center that are not 0."""
    if not np.isfinite(reach):
        return prices
    return np.clip(prices, center / (1.0 + reach), np.where(center > 0, center * (1.0 + reach), np.inf))


def _mixture(
    cuts: list[Cut], rays: list[tuple[float, tuple[float, ...]]], budget: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """(value, shares of the cuts, amounts of the rays, duals of the budgets)."""
    from scipy.optimize import linprog

    unit = np.where(budget > 0, budget, 1.0)
    costs = np.array([cut.costs for cut in cuts] + [costs for _, costs in rays]) / unit
    gains = np.array([cut.value for cut in cuts] + [gain for gain, _ in rays])
    sane = (costs <= _DEAREST).all(axis=1)
    size = float(np.ptp(gains[sane])) or 1.0
    one = np.append(np.ones(len(cuts)), np.zeros(len(rays)))[np.newaxis]
    answer = linprog(
        (gains[0] * one[0] - gains)[sane] / size,
        A_ub=costs[sane].T,
        b_ub=budget / unit,
        A_eq=one[:, sane],
        b_eq=[1.0],
        bounds=(0, None),
        method="highs",
        options={"primal_feasibility_tolerance": _EXACT, "dual_feasibility_tolerance": _EXACT},
    )
    if answer.x is None:
        raise NotConverged(f"the linear program was not solved: {answer.message} Scale the data.")
    found = np.zeros(len(gains))
    found[sane] = np.maximum(answer.x, 0.0)
    shares = found[: len(cuts)]
    prices = np.maximum(-answer.ineqlin.marginals, 0.0) * size / unit
    value = gains[0] - size * float(answer.fun)
    return value, shares / shares.sum(), found[len(cuts) :], prices
