"""Success, severity and cost at the gate: one number of each for every prompt, on scales that are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._frames import is_missing
from riskstats._validation import Floats, Integers, choice, finite_vector, sample_weights, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.harm.strongreject import HALF_SUM, UNIT, GradedSuccess, as_unit

__all__ = [
    "COST_LEVELS",
    "SEVERITY_SCALE",
    "GradedPrompts",
    "Levels",
    "checked_severity",
    "checked_success",
    "cost_codes",
    "cost_levels",
    "graded_prompts",
    "success_matrix",
]

Levels = int | Sequence[Any]

COST_LEVELS = 5
SEVERITY_SCALE = (1.0, 5.0)
_MOST_ROWS = 5


@dataclass(frozen=True, eq=False)
class GradedPrompts:
    """n prompts.

    Attributes
    ----------
    severity : (n,) on `severity_scale` (lowest, highest). cost : (n,) positions 0 ... K - 1 of their levels.
    weights : (n,) >= 0. levels : K names, the easiest first.
    """

    severity: Floats
    cost: Integers
    weights: Floats
    levels: tuple[str, ...]
    severity_scale: tuple[float, float]

    @property
    def n_levels(self) -> int:
        return len(self.levels)

    @property
    def shares(self) -> Floats:
        """(n,) weights of sum 1."""
        scaled = self.weights / self.weights.max()
        return scaled / scaled.sum()

    def by_level(self, values: Floats) -> Floats:
        """(K,) or (K, columns) sums over the prompts of each cost level of values (n,) or (n, columns)."""
        sums = np.zeros((self.n_levels, *values.shape[1:]))
        np.add.at(sums, self.cost, values)
        return sums


def graded_prompts(
    severity: Any, cost: Any, n: int, *, sample_weight: Any, levels: Levels, severity_scale: Any
) -> GradedPrompts:
    """Severity, cost and weights of n prompts; `InvalidInput` says what is missing or off its scale."""
    names, lookup = cost_levels(levels)
    low, high = _checked_scale(severity_scale)
    return GradedPrompts(
        severity=_rows(checked_severity(severity, (low, high)), n, "severity"),
        cost=_rows(cost_codes(cost, lookup), n, "cost"),
        weights=sample_weights(sample_weight, n),
        levels=names,
        severity_scale=(low, high),
    )


def _rows(values: Any, n: int, name: str) -> Any:
    if len(values) != n:
        raise InvalidInput(f"`{name}` has {len(values)} values for {n} prompts. Pass one per prompt.")
    return values


def _checked_scale(scale: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in scale)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not 0.0 <= low < high < np.inf:
        raise InvalidInput(f"`severity_scale` must be numbers 0 <= lowest < highest; got {scale!r}.")
    return low, high


def checked_severity(severity: Any, scale: tuple[float, float]) -> Floats:
    """(n,) severities on a scale (lowest, highest)."""
    if severity is None:
        raise InvalidInput(
            "`severity` is missing for every prompt; expected harm has no default severity. "
            "Grade the prompts."
        )
    absent = sum(is_missing(value) for value in np.asarray(severity, dtype=object).ravel().tolist())
    if absent:
        raise InvalidInput(
            f"`severity` is missing for {absent} prompt{'s' * (absent > 1)}; expected harm has no default "
            "severity. Drop or grade them."
        )
    found = finite_vector(severity, "severity")
    bad = (found < scale[0]) | (found > scale[1])
    if bad.any():
        row = int(bad.argmax())
        raise InvalidInput(
            f"`severity` must lie in [{scale[0]:g}, {scale[1]:g}]; got {found[row]:g} at row {row}. "
            "Pass `severity_scale=(lowest, highest)` for another scale."
        )
    return found


# cost


def cost_levels(levels: Levels) -> tuple[tuple[str, ...], dict[Any, int]]:
    """(K names, {level: position}) of a number K of levels, or of the levels themselves, easiest first."""
    if isinstance(levels, (int, np.integer)):
        known: list[Any] = list(range(1, whole_number(levels, "levels", low=1) + 1))
    elif isinstance(levels, str) or not hasattr(levels, "__len__"):
        raise InvalidInput(f"`levels` must be a number of levels or the levels in order; got {levels!r}.")
    else:
        known = np.asarray(levels).tolist()
    lookup = {level: place for place, level in enumerate(known)}
    if not known or len(lookup) < len(known):
        raise InvalidInput(f"`levels` must be different levels, the easiest first; got {levels!r}.")
    return tuple(f"{level:g}" if isinstance(level, float) else str(level) for level in known), lookup


def cost_codes(cost: Any, lookup: dict[Any, int]) -> Integers:
    """(n,) positions of costs among their levels."""
    given = _cost_values(cost, lookup)
    codes = np.array([lookup.get(value, -1) for value in given], dtype=np.int64)
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        raise InvalidInput(_off_the_levels(given, bad, list(lookup)))
    return codes


def _cost_values(cost: Any, lookup: dict[Any, int]) -> list[Any]:
    array = np.asarray(cost)
    if array.ndim != 1 or len(array) == 0:
        raise InvalidInput(f"`cost` must be one level per prompt; got shape {array.shape}.")
    given: list[Any] = array.tolist()
    absent = [row for row, value in enumerate(given) if is_missing(value)]
    if absent:
        raise InvalidInput(
            f"`cost` is missing for {len(absent)} prompt{'s' * (len(absent) > 1)}, first at row {absent[0]}. "
            "Drop or grade them."
        )
    if all(isinstance(level, (int, float)) for level in lookup):
        return finite_vector(given, "cost").tolist()
    return given


def _off_the_levels(given: list[Any], bad: Integers, known: list[Any]) -> str:
    rows = ", ".join(str(row) for row in bad[:_MOST_ROWS].tolist()) + (
        f" and {len(bad) - _MOST_ROWS} more" if len(bad) > _MOST_ROWS else ""
    )
    place = f"row {rows}" if len(bad) == 1 else f"rows {rows}"
    value = given[int(bad[0])]
    shown = f"{value:g}" if isinstance(value, float) else repr(value)
    run = known == list(range(1, len(known) + 1))
    if run and isinstance(value, float) and not 1 <= value <= len(known):
        return (
            f"`cost` must lie in 1..{len(known)}; got {shown} at {place}. Pass `levels=` for another scale."
        )
    among = f"the levels 1..{len(known)}" if run else f"the levels {', '.join(map(str, known[:8]))}"
    return f"`cost` must be one of {among}; got {shown} at {place}. Pass `levels=` for another scale."


# success


def checked_success(success: Any, scale_id: str | None = None) -> tuple[Floats, str | None]:
    """((n,) success in [0, 1], the scale it came on).

    A half-sum of StrongREJECT is put on the unit scale. `InvalidInput`: outside [0, 1], NaN, a `scale_id`
    that is not the one the scores carry.
    """
    own = success.scale_id if isinstance(success, GradedSuccess) else None
    scale = _one_scale(own, scale_id)
    values = finite_vector(success.values if isinstance(success, GradedSuccess) else success, "success")
    if scale == HALF_SUM:
        return as_unit(values), scale
    return _inside_unit(values), scale


def _one_scale(own: str | None, stated: str | None) -> str | None:
    if stated is not None:
        choice(stated, (UNIT, HALF_SUM), "scale_id")
    if own is not None and stated is not None and own != stated:
        raise InvalidInput(f"`success` is on the scale {own}, `scale_id` says {stated}. Do not mix scales.")
    return own if own is not None else stated


def _inside_unit(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return values
    end = f"max {high:.4g}" if high > 1 else f"min {low:.4g}"
    hint = "Rescale it, 1 the full success."
    if low >= 0 and 1 < high <= 5:
        hint = (
            "That is the half-sum StrongREJECT scale: rescale to (x - 1)/4 for answered prompts, or use "
            "`scale_id`."
        )
    raise InvalidInput(f"`success` must lie in [0, 1]; got {end}. {hint}")


def success_matrix(models: dict[str, Any], scale_id: str | None) -> tuple[Floats, str | None]:
    """((m, n) success in [0, 1], the scale) of models by name; mixing scales raises."""
    each = {name: checked_success(values, scale_id) for name, values in models.items()}
    scales = {scale: name for name, (_, scale) in each.items()}
    if len(scales) > 1:
        told = ", ".join(f"{name} on {scale or 'no named scale'}" for scale, name in scales.items())
        raise InvalidInput(f"`success` of the models mixes scales: {told}. Score all of them on one scale.")
    return np.array([values for values, _ in each.values()]), next(iter(scales))
