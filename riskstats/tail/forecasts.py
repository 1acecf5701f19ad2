"""Losses beside the forecasts made for them, at the gate of backtests and scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import checked_array

__all__ = ["Forecasts", "checked_forecasts"]


class Forecasts(NamedTuple):
    """Losses x, forecasts v of value at risk and es of expected shortfall, of one shape; tail mass t."""

    losses: Floats
    value_at_risk: Floats
    expected_shortfall: Floats
    mass: float


def checked_forecasts(losses: Any, value_at_risk: Any, expected_shortfall: Any, level: Any) -> Forecasts:
    """Forecasts are numbers, or one for each loss. `InvalidInput`: NaN, other shapes, es <= v."""
    mass = 1.0 - checked_level(level)
    x = checked_array(losses, "losses")
    v = _for_each(checked_array(value_at_risk, "value_at_risk"), x, "value_at_risk")
    es = _for_each(checked_array(expected_shortfall, "expected_shortfall"), x, "expected_shortfall")
    if (es <= v).any():
        raise InvalidInput(f"`expected_shortfall` must exceed `value_at_risk`; violated at {place(es <= v)}.")
    return Forecasts(x, v, es, mass)


def _for_each(forecast: Floats, losses: Floats, name: str) -> Floats:
    try:
        return np.broadcast_to(forecast, losses.shape)
    except ValueError:
        raise InvalidInput(
            f"`{name}` must be a number or one for each of the losses, shape {losses.shape}; got shape "
            f"{forecast.shape}."
        ) from None


def place(where: np.ndarray) -> str:
    """The first place where something is true, as `t = 12`, or `(2, 12)` in a matrix."""
    first = tuple(map(int, np.unravel_index(int(where.argmax()), where.shape)))
    return f"t = {first[0] if first else 0}" if len(first) < 2 else str(first)
