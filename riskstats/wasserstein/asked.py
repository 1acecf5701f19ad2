"""The gate of a worst-case expectation: functional, balls, direction and support, checked and in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._jit import resolve_device
from riskstats._validation import Floats, choice, positive_number
from riskstats._validation import time_limit as checked_time_limit
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.functional import Functional, as_functional
from riskstats.wasserstein.shapes import LINE

__all__ = ["Asked", "asked_of", "balls_of"]


@dataclass(frozen=True, eq=False)
class Asked:
    """A question in the form of a supremum of ``sign f``.

    within : an interval for each ball, or None. points : a finite set (S_j, k_j) for each ball, or None.
    device : where transport over many pairs is computed.
    """

    functional: Functional
    balls: tuple[WassersteinBall, ...]
    sign: int
    within: tuple[tuple[float, float], ...] | None
    points: tuple[Floats, ...] | None
    gap: float
    time_limit: float
    device: str = "auto"

    @property
    def order(self) -> float:
        """The order p of the balls."""
        return float(self.balls[0].order)

    @property
    def radius(self) -> tuple[float, ...]:
        """The radius of each ball."""
        return tuple(ball.radius for ball in self.balls)

    @property
    def budget(self) -> tuple[float, ...]:
        """The budget of each ball."""
        return tuple(ball.budget for ball in self.balls)

    @property
    def moving(self) -> tuple[bool, ...]:
        """Which marginals can move."""
        return tuple(ball.radius > 0 for ball in self.balls)

    @property
    def direction(self) -> str:
        """upper or lower."""
        return "upper" if self.sign > 0 else "lower"

    @property
    def box(self) -> tuple[tuple[float, float], ...]:
        """The interval of each ball, the line where there is none."""
        return self.within or tuple(LINE for _ in self.balls)


def balls_of(model: Any) -> tuple[WassersteinBall, ...]:
    """The balls of a `WassersteinBall` or of `MarginalBalls`."""
    if isinstance(model, WassersteinBall):
        return (model,)
    if isinstance(model, MarginalBalls):
        return model.balls
    raise InvalidInput(
        "`model` must be a `WassersteinBall`, `MarginalBalls` or `OverlappingBalls`; got "
        f"{type(model).__name__}."
    )


def asked_of(
    functional: Any,
    model: Any,
    direction: Any,
    support: Any,
    gap: Any,
    time_limit: Any,
    device: str = "auto",
) -> Asked:
    """The checked question; `InvalidInput` names what does not fit."""
    balls = balls_of(model)
    declared = as_functional(functional, len(balls))
    declared.check(balls)
    within, points = _support(support, balls)
    if len(balls) > 2 and support is not None:
        raise InvalidInput(
            f"a `support` is answered for one or two balls; got {len(balls)}. Drop it: the answer is then "
            "a bound."
        )
    if within is not None and any(ball.dimension != 1 for ball in balls):
        raise InvalidInput(
            "an interval is a `support` of numbers; for vectors pass the points (S, k) of a finite set."
        )
    return Asked(
        declared,
        balls,
        1 if choice(direction, ("upper", "lower"), "direction") == "upper" else -1,
        within,
        points,
        positive_number(gap, "gap"),
        checked_time_limit(time_limit),
        device if device == "auto" else resolve_device(device),
    )


def _support(support: Any, balls: tuple[WassersteinBall, ...]) -> tuple[Any, Any]:
    """(intervals or None, sets of points or None)."""
    if support is None:
        return None, None
    if _is_interval(support):
        return tuple(_interval(support) for _ in balls), None
    each = isinstance(support, (list, tuple)) and len(support) > 0 and all(np.ndim(s) > 0 for s in support)
    if each and len(support) == len(balls) and all(_is_interval(s) for s in support):
        return tuple(_interval(s) for s in support), None
    if (
        each
        and len(support) == len(balls)
        and (len(balls) > 1 or np.ndim(support[0]) == 2 or balls[0].dimension == 1)
    ):
        return None, tuple(_points(s, ball) for s, ball in zip(support, balls, strict=True))
    return None, tuple(_points(support, ball) for ball in balls)


def _is_interval(support: Any) -> bool:
    return isinstance(support, tuple) and len(support) == 2 and all(np.ndim(end) == 0 for end in support)


def _interval(support: tuple[Any, Any]) -> tuple[float, float]:
    try:
        low, high = float(support[0]), float(support[1])
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not low < high:
        raise InvalidInput(
            f"`support` as a pair is an interval, low < high; got {support!r}. A finite set is an array "
            "of points."
        )
    return low, high


def _points(support: Any, ball: WassersteinBall) -> Floats:
    try:
        points = np.array(support, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`support` must be (low, high) or an array of points; {error}.") from error
    points = points.reshape(-1, 1) if points.ndim < 2 else points
    if points.size == 0 or points.ndim != 2 or not np.isfinite(points).all():
        raise InvalidInput(
            f"`support` must be finite points (S,) or (S, k), not empty; got shape {points.shape}."
        )
    if points.shape[1] != ball.dimension:
        raise InvalidInput(
            f"the points of `support` have {points.shape[1]} numbers and the outcomes {ball.dimension}; "
            "pass (S, k) "
            "points of the same length, a list with one array for each ball where they differ."
        )
    return np.unique(points, axis=0)
