"""From the end of a program to a `WorstCase`: signs, statuses and the verified law."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.program import ProgramAnswer
from riskstats.wasserstein.result import WorstCase, WorstCaseLaw

__all__ = ["known_case", "law_of", "merged", "with_origins", "worst_case_of"]


def worst_case_of(
    found: ProgramAnswer,
    model: WassersteinBall | MarginalBalls | OverlappingBalls,
    *,
    question: str,
    direction: str,
    route: str,
    reference: float | None = None,
    feasible_radius: float | None = None,
) -> WorstCase:
    """The answer of a program that maximised f ("upper") or -f ("lower")."""
    radius, budget = _tuple(model.radius), _tuple(model.budget)
    low, high = found.enclosure.lower, found.enclosure.upper
    if direction == "lower":
        low, high = 0.0 - high, 0.0 - low  # never -0.0
    multiplier = found.enclosure.multiplier
    sign = 1.0 if direction == "upper" else -1.0
    empty = found.status is Status.INFEASIBLE
    return WorstCase(
        value=math.nan if empty else high if direction == "upper" else low,
        lower=low,
        upper=high,
        status=found.status,
        direction=direction,
        question=question,
        route=route,
        order=float(model.order),
        radius=radius,
        budget=budget,
        multiplier=None if multiplier is None else tuple((sign * multiplier + 0.0).tolist()),
        attained=None if empty else bool((found.far <= 1e-12).all()),
        worst_case_distribution=None if empty else with_origins(law_of(found.columns, found.weights), model),
        feasible_radius=feasible_radius if empty else None,
        reference_value=reference,
    )


def known_case(
    value: float,
    model: WassersteinBall | MarginalBalls | OverlappingBalls,
    *,
    question: str,
    direction: str,
    route: str,
    status: Status = Status.OPTIMAL,
    **more: Any,
) -> WorstCase:
    """The answer of a formula: both ends are `value`. more : other fields of `WorstCase`."""
    return WorstCase(
        value=value,
        lower=value,
        upper=value,
        status=status,
        direction=direction,
        question=question,
        route=route,
        order=float(model.order),
        radius=_tuple(model.radius),
        budget=_tuple(model.budget),
        **more,
    )


def with_origins(law: WorstCaseLaw | None, model: Any) -> WorstCaseLaw | None:
    """The law with the atoms that its rows come from."""
    if law is None:
        return None
    if isinstance(model, OverlappingBalls):
        balls: tuple[WassersteinBall, ...] = (model.treated, model.control)
    else:
        balls = model.balls if isinstance(model, MarginalBalls) else (model,)
    return replace(law, origins=tuple(ball.points[law.sources[:, j]] for j, ball in enumerate(balls)))


def law_of(columns: Columns | None, weights: Floats | None) -> WorstCaseLaw | None:
    """The law of some columns, equal rows merged, rows without mass dropped."""
    if columns is None or weights is None:
        return None
    rows, mass = merged(columns, weights)
    sources = np.stack([rows.first, rows.second], axis=1)[:, : rows.costs.shape[1]]
    return WorstCaseLaw(
        weights=mass / mass.sum(), sources=sources, targets=rows.targets, costs=weights @ columns.costs
    )


def merged(columns: Columns, weights: Floats) -> tuple[Columns, Floats]:
    """Equal rows as one, rows without mass dropped."""
    keys = np.column_stack([columns.first, columns.second, *columns.targets])
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    mass = np.bincount(inverse.ravel(), weights)
    kept = mass > 0
    return columns.take(first[kept]), np.asarray(mass[kept], dtype=np.float64)


def _tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),)
