"""One multiplier: the minimum of ``phi(l) = l R^p + E sup_s { f(s) - l |s - S|^p }`` and the law behind it.

At every l the inner suprema give a law with value F and cost C: a tangent ``F + l (R^p - C)`` of phi from
below. Between an l whose law costs too much and one whose law has room, the tangents meet at the value of the
mixture that costs R^p, so phi less that value is a certified gap. The next l is where they meet, or a middle
where that stalls. The law of the end takes, atom by atom, the dearer target where it gains most for its cost:
at most one atom is split.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.shapes import Inner, power_cost

__all__ = ["Searched", "searched"]

_MOST_STEPS = 300
_CLOSE = 2e-16
_LARGEST = 1e200


@dataclass(frozen=True, eq=False)
class Searched:
    """upper : the least phi found, at `multiplier`. places, weights, targets : (k,) the law."""

    upper: float
    multiplier: float
    places: Integers
    weights: Floats
    targets: Floats
    steps: int


@dataclass(frozen=True, eq=False)
class _State:
    """phi at a multiplier, and the law there: f and cost of each atom, F and C on average."""

    multiplier: float
    upper: float
    targets: Floats
    f: Floats
    costs: Floats
    value: float
    cost: float


def searched(
    best: Callable[[float], Inner], values: Floats, weights: Floats, radius: float, order: float
) -> Searched:
    """The minimum over l >= 0, for R > 0; phi must be finite somewhere."""
    budget = radius**order

    def at(multiplier: float) -> _State:
        inner, targets = best(multiplier)
        costs = power_cost(1.0, targets - values, order)
        with np.errstate(invalid="ignore"):
            f = inner + multiplier * costs
        upper = multiplier * budget + float(weights @ inner)
        return _State(multiplier, upper, targets, f, costs, float(weights @ f), float(weights @ costs))

    free = at(0.0)
    if math.isfinite(free.upper) and free.cost <= budget:
        return Searched(free.upper, 0.0, np.arange(len(values)), weights, free.targets, 1)
    low, high = _bracket(at, budget, radius ** (1.0 - order) / order)
    if low is None and math.isfinite(free.upper):
        low = free
    if low is None:
        return Searched(high.upper, high.multiplier, np.arange(len(values)), weights, high.targets, 1)
    return _narrowed(at, low, high, budget, weights)


def _bracket(at: Callable[[float], _State], budget: float, start: float) -> tuple[_State | None, _State]:
    """(a state whose law costs more than the budget, one whose law does not)."""
    state = at(start)
    low: _State | None = None
    while not (math.isfinite(state.upper) and state.cost <= budget) and state.multiplier < _LARGEST:
        low = state if math.isfinite(state.upper) else low
        state = at(state.multiplier * 4.0)
    high = state
    while low is None and high.multiplier > 1.0 / _LARGEST:
        state = at(high.multiplier / 4.0)
        if not math.isfinite(state.upper):
            return _finite_below(at, state.multiplier, high, budget)
        if state.cost > budget:
            low = state
        else:
            high = state
    return low, high


def _finite_below(
    at: Callable[[float], _State], infinite: float, high: _State, budget: float
) -> tuple[_State | None, _State]:
    """The same where phi is infinite below some multiplier."""
    for _ in range(60):
        state = at(0.5 * (infinite + high.multiplier))
        if not math.isfinite(state.upper):
            infinite = state.multiplier
        elif state.cost > budget:
            return state, high
        else:
            high = state
    return None, high


def _narrowed(
    at: Callable[[float], _State], low: _State, high: _State, budget: float, weights: Floats
) -> Searched:
    best = min(low, high, key=lambda state: state.upper)
    steps, before, middle = 0, math.inf, False
    while steps < _MOST_STEPS:
        steps += 1
        share = (budget - high.cost) / (low.cost - high.cost)
        mixed = share * low.value + (1.0 - share) * high.value
        gap = best.upper - mixed
        if gap <= _CLOSE * (1.0 + abs(best.upper)):
            break
        meet = (low.value - high.value) / (low.cost - high.cost)
        middle = not middle and gap > 0.25 * before
        before = gap
        if middle or not low.multiplier < meet < high.multiplier:
            meet = _middle(low.multiplier, high.multiplier)
        if not low.multiplier < meet < high.multiplier:
            break
        state = at(meet)
        best = state if state.upper < best.upper else best
        if state.cost > budget:
            low = state
        else:
            high = state
        if state.cost == budget:
            break
    places, mass, targets = _law(low, high, budget, weights)
    return Searched(best.upper, best.multiplier, places, mass, targets, steps)


def _middle(low: float, high: float) -> float:
    return math.sqrt(low * high) if low > 0 and high > 4.0 * low else 0.5 * (low + high)


def _law(low: _State, high: _State, budget: float, weights: Floats) -> tuple[Integers, Floats, Floats]:
    """The cheaper targets, and the dearer ones where they gain most for it, while the budget lasts."""
    dearer = weights * (low.costs - high.costs)
    gain = weights * (low.f - high.f)
    candidates = np.flatnonzero(dearer > 0)
    ranked = candidates[np.argsort(-gain[candidates] / dearer[candidates], kind="stable")]
    places, targets, mass = np.arange(len(weights)), high.targets.copy(), weights.copy()
    left = budget - high.cost
    spent = np.cumsum(dearer[ranked])
    count = int(np.searchsorted(spent, left, side="right"))
    targets[ranked[:count]] = low.targets[ranked[:count]]
    if count == len(ranked):
        return places, mass, targets
    last = int(ranked[count])
    share = (left - (float(spent[count - 1]) if count else 0.0)) / float(dearer[last])
    split = min(max(share, 0.0), 1.0) * float(mass[last])
    if split == 0.0:
        return places, mass, targets
    mass[last] -= split
    return np.append(places, last), np.append(mass, split), np.append(targets, low.targets[last])
