"""The last step of every route: a proposed law and a proposed bound become an answer, or are refused.

The law is taken as rows (weight, sources, targets). Its marginals of sources are compared with the
references, its transport costs with the budgets, and its value is computed from the targets alone: nothing
that a solver said is used. A law outside of a ball, or with a value above the bound, is a failure and is
said to be one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.results import Status
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.cost import vector_norm
from riskstats.wasserstein.functional import Aggregate, Functional
from riskstats.wasserstein.result import WorstCase, WorstCaseLaw

__all__ = ["Proposal", "infeasible_case", "law_value", "moves_of", "nudged", "unbounded_case", "verified"]

TOLERANCE = 1e-9
ROUNDING = 1e-13
"""Of the largest atom: a distance that is put down to the rounding of targets."""
_NUDGES = 12


@dataclass(frozen=True, eq=False)
class Proposal:
    """A law in rows, the bound ``upper`` of ``sign f`` that no law exceeds, and what is known beside.

    weights (K,), sources (K, d), targets d arrays (K, k_j). multiplier : (d,) d value / d budget, or None.
    status : set where the search ended early.
    """

    weights: Floats
    sources: Integers
    targets: tuple[Floats, ...]
    upper: float
    route: str
    multiplier: tuple[float, ...] | None = None
    attained: bool = True
    status: Status | None = None
    reference: float | None = field(default=None)


def verified(asked: Asked, found: Proposal) -> WorstCase:
    """The answer; `NONFINITE` with the reason in `route` where the proposal does not hold."""
    costs, reason = transport_costs(asked.balls, found)
    reason = reason or outside_support(asked, found)
    value = law_value(asked.functional, asked.balls, found) * asked.sign if not reason else math.nan
    if not reason and not (math.isfinite(value) and not math.isnan(found.upper)):
        reason = f"the law has value {value:g} and the bound is {found.upper:g}"
    if not reason and value > found.upper + TOLERANCE * (1.0 + abs(found.upper)):
        reason = f"the law has value {value:.10g}, above the bound {found.upper:.10g}"
    if reason:
        return _answer(
            asked, math.nan, -math.inf, math.inf, Status.NONFINITE, f"{found.route}; not certified: {reason}"
        )
    upper = max(found.upper, value)
    status = found.status
    if status is None:
        status = Status.OPTIMAL if upper - value <= asked.gap * (1.0 + abs(value)) else Status.GAP
    origins = tuple(ball.points[found.sources[:, j]] for j, ball in enumerate(asked.balls))
    law = WorstCaseLaw(found.weights, found.sources, found.targets, costs, origins)
    return _answer(asked, upper, value, upper, status, found.route, found, law)


def _answer(
    asked: Asked,
    value: float,
    lower: float,
    upper: float,
    status: Status,
    route: str,
    found: Proposal | None = None,
    law: WorstCaseLaw | None = None,
    feasible_radius: float | None = None,
) -> WorstCase:
    """A `WorstCase` from the terms of a supremum of ``sign f``."""
    s = asked.sign
    multiplier = (
        None
        if found is None or found.multiplier is None
        else tuple(s * float(m) + 0.0 for m in found.multiplier)
    )
    return WorstCase(
        value=s * value + 0.0,  # never -0.0
        lower=s * (lower if s > 0 else upper) + 0.0,
        upper=s * (upper if s > 0 else lower) + 0.0,
        status=status,
        direction=asked.direction,
        question=asked.functional.describe(),
        route=route,
        order=asked.order,
        radius=asked.radius,
        budget=asked.budget,
        multiplier=multiplier,
        attained=None if found is None else found.attained,
        worst_case_distribution=law,
        feasible_radius=feasible_radius,
        reference_value=None if found is None or found.reference is None else s * found.reference,
    )


def unbounded_case(asked: Asked, route: str = "growth beyond the order") -> WorstCase:
    """The functional grows faster than the cost: no law is the worst."""
    return _answer(asked, math.inf, math.inf, math.inf, Status.UNBOUNDED, route)


def infeasible_case(asked: Asked, route: str, feasible_radius: float | None = None) -> WorstCase:
    """No law of the set lives on the support."""
    return _answer(
        asked, math.nan, math.nan, math.nan, Status.INFEASIBLE, route, feasible_radius=feasible_radius
    )


def transport_costs(balls: tuple[WassersteinBall, ...], found: Proposal) -> tuple[Floats, str]:
    """((d,) costs recomputed from the rows, why the law is not in the set, or nothing)."""
    costs, mass = np.full(len(balls), np.nan), found.weights
    if not (np.isfinite(mass).all() and (mass >= 0).all()):
        return costs, "weights that are negative or not numbers"
    for j, (ball, target) in enumerate(zip(balls, found.targets, strict=True)):
        source = found.sources[:, j]
        if not np.isfinite(target).all():
            return costs, f"targets of ball {j + 1} that are not finite"
        off = float(np.abs(np.bincount(source, mass, len(ball.weights)) - ball.weights).sum())
        if off > TOLERANCE:
            return costs, f"the sources of ball {j + 1} miss the reference by {off:.2g}"
        costs[j] = float(mass @ moves_of(ball, target, source) ** ball.order)
        size = float(np.abs(ball.points).max())
        if not costs[j] ** (1.0 / ball.order) <= ball.radius * (1.0 + TOLERANCE) + ROUNDING * size:
            return costs, f"ball {j + 1} costs {costs[j]:.10g} and its budget is {ball.budget:.10g}"
    return costs, ""


def outside_support(asked: Asked, found: Proposal) -> str:
    """Why the targets are not in the support, or nothing."""
    for j, target in enumerate(found.targets):
        if asked.within is not None:
            low, high = asked.within[j]
            held = (target >= low) & (target <= high)
        elif asked.points is not None:
            held = np.isin(_rows(target), _rows(asked.points[j]))
        else:
            continue
        if not held.all():
            return f"targets of ball {j + 1} outside of its support"
    return ""


def _rows(points: Floats) -> np.ndarray:
    """Each row as one value; 0 and -0 are one number."""
    whole = np.ascontiguousarray(points + 0.0)
    return whole[:, 0] if whole.shape[1] == 1 else whole.view([("", whole.dtype)] * whole.shape[1])[:, 0]


def moves_of(ball: WassersteinBall, target: Floats, source: Integers) -> Floats:
    """(K,) how far each row is moved."""
    return vector_norm(target - ball.points[source], ball.cost.norm)


def law_value(functional: Functional, balls: tuple[WassersteinBall, ...], found: Proposal) -> float:
    """``E f`` of the rows; sums of atoms that stay are compared as the decimals they are."""
    return functional.expectation(found.weights, row_values(functional, balls, found.sources, found.targets))


def row_values(
    functional: Functional, balls: tuple[WassersteinBall, ...], sources: Integers, targets: tuple[Floats, ...]
) -> Floats:
    """(K,) values of the rows."""
    if not (isinstance(functional, Aggregate) and functional.g.event):
        return functional(*targets)
    moved = np.zeros(len(sources), dtype=bool)
    for j, (ball, target) in enumerate(zip(balls, targets, strict=True)):
        moved |= (target != ball.points[sources[:, j]]).any(axis=1)
    values = np.empty(len(sources))
    for part in (moved, ~moved):
        if part.any():
            values[part] = functional(*(target[part] for target in targets))
    return values


def nudged(
    functional: Functional,
    sign: int,
    balls: tuple[WassersteinBall, ...],
    sources: Integers,
    targets: tuple[Floats, ...],
    claimed: Floats,
    within: tuple[tuple[float, float], ...],
) -> tuple[Floats, ...]:
    """Targets moved by a few last digits, where rounding left a row on the wrong side of an event."""
    ends = [np.array(target) for target in targets]
    origins = [ball.points[sources[:, j]] for j, ball in enumerate(balls)]
    short = np.flatnonzero(sign * row_values(functional, balls, sources, tuple(ends)) < claimed - 0.5)
    for k in range(2 * _NUDGES):
        if len(short) == 0:
            break
        sizes = ends if k < _NUDGES else origins  # near 0 the last digits are those of where a row came from
        size = np.max([np.abs(end[short]).max(axis=1) for end in sizes], axis=0) + 1e-300
        for j, ball in enumerate(balls):
            if ball.radius == 0:
                continue
            for side in (1.0, -1.0):
                tried = [end[short] for end in ends]
                tried[j] = np.clip(
                    tried[j] + side * 2.0 ** (k % _NUDGES) * 1.2e-16 * size[:, np.newaxis], *within[j]
                )
                good = sign * functional(*tried) >= claimed[short] - 0.5
                ends[j][short[good]] = tried[j][good]
                short, size = short[~good], size[~good]
                if len(short) == 0:
                    break
            if len(short) == 0:
                break
    return tuple(ends)
