"""Increasing maps of [0, 1] onto itself, as users give them: checked where they can be, on a fine grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput

__all__ = ["UnitMap", "convex", "increments", "unit_map_levels"]

UnitMap: TypeAlias = Callable[[Floats], Floats]

CELLS = 1024  # of the uniform part of the grid
ROUNDING = 1e-12  # of a user's function


def values_on(function: UnitMap, points: Floats, name: str) -> Floats:
    """The map at some points; `InvalidInput` unless it is elementwise and finite."""
    try:
        values = np.asarray(function(points), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"`{name}` must work elementwise on an array in [0, 1]; {error}. Write it with numpy functions, "
            "or wrap it in `numpy.vectorize`."
        ) from error
    if values.shape != points.shape or not np.isfinite(values).all():
        raise InvalidInput(
            f"`{name}` must give one finite number for each point of [0, 1]; got shape {values.shape} and "
            f"{int((~np.isfinite(values)).sum())} non-finite values for {len(points)} points."
        )
    return values


def unit_map_levels(function: UnitMap, name: str, breaks: Any = ()) -> tuple[float, float]:
    """(last point with value 0, first point with value 1) on the grid, for a map that passed the checks.

    `InvalidInput` unless it is 0 at 0, 1 at 1 and nowhere decreasing. `breaks` are added to the grid.
    """
    fine = 0.5 ** np.arange(11, 53)
    uniform = np.arange(CELLS + 1) / CELLS
    grid = np.unique(np.concatenate([uniform, fine, 1 - fine, np.asarray(breaks, dtype=np.float64)]))
    values = values_on(function, grid, name)
    if abs(values[0]) > ROUNDING or abs(values[-1] - 1.0) > ROUNDING:
        raise InvalidInput(
            f"`{name}` must be 0 at 0 and 1 at 1; got {values[0]:g} and {values[-1]:g}. Normalise it."
        )
    increments(values, name)
    zero, one = values <= 0.0, values >= 1.0
    return (float(grid[zero][-1]) if zero.any() else 0.0, float(grid[one][0]) if one.any() else 1.0)


def increments(values: Floats, name: str) -> Floats:
    """Differences of the map at increasing points, the first from 0; `InvalidInput` where it decreases."""
    steps = np.diff(values, prepend=0.0)
    if steps.min() < -ROUNDING:
        at = int(steps.argmin())
        raise InvalidInput(
            f"`{name}` must not decrease; got {values[at - 1]:g}, then {values[at]:g} at a larger point."
        )
    return np.maximum(steps, 0.0)


def convex(function: UnitMap, name: str) -> bool:
    """Whether no chord of the uniform grid, of one cell or of sixteen, lies below the map."""
    values = values_on(function, np.arange(CELLS + 1) / CELLS, name)
    return all(np.diff(values[::stride], 2).min() > -0.1 * ROUNDING for stride in (1, 16))
