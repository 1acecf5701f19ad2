"""The declared scale and direction of a score, applied once, at the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats, choice, number
from riskstats.exceptions import InvalidInput

__all__ = ["Scale", "checked_scale", "declare"]


@dataclass(frozen=True)
class Scale:
    """What a score means: its two ends, and which of them is the harm.

    Scores become losses in [0, 1], 1 = harmful or failed: (score - low)/(high - low) where high is worse,
    (high - score)/(high - low) where low is worse.

    Parameters
    ----------
    low, high : smallest and largest possible score, finite, low < high.
    worse : "high" or "low". It has no default: a direction that is guessed is wrong half of the time.
    id : name of the scale, which goes into the column `scale_id`; None makes one of the three others.

    Raises
    ------
    InvalidInput : ends that are no numbers or out of order, another word for `worse`, an empty `id`.
    """

    low: float
    high: float
    worse: str
    id: str | None = None

    def __post_init__(self) -> None:
        low, high = number(self.low, "low"), number(self.high, "high")
        if not low < high:
            raise InvalidInput(
                f"a scale needs low < high; got {low:g} and {high:g}. `worse` says which is bad."
            )
        choice(self.worse, ("high", "low"), "worse")
        if self.id is not None and (not isinstance(self.id, str) or not self.id.strip()):
            raise InvalidInput(f"`id` must be a name that is not blank, or None; got {self.id!r}.")

    @property
    def name(self) -> str:
        """The `id`, or one made of the ends and the direction, such as "0..1, high is worse"."""
        return self.id or f"{self.low:g}..{self.high:g}, {self.worse} is worse"

    @property
    def flipped(self) -> Scale:
        """The same ends with the other direction."""
        name = None if self.id is None else f"{self.id}, flipped"
        return Scale(self.low, self.high, "low" if self.worse == "high" else "high", name)

    def losses(self, scores: Any, *, where: Callable[[int], str] | None = None) -> Floats:
        """Losses in [0, 1] of the scores, of the same shape; NaN stays NaN.

        `where` says in words where the score at a position stands. `InvalidInput` names the first score
        outside [low, high] and its place.
        """
        try:
            values = np.asarray(scores, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"`scores` must be numbers; {error}.") from error
        outside = (values < self.low) | (values > self.high)
        if outside.any():
            at = int(outside.argmax())
            place = f"`scores` at {at}" if where is None else where(at)
            raise InvalidInput(
                f"{place}: {values.flat[at]:g} lies outside [{self.low:g}, {self.high:g}], the ends of scale "
                f"'{self.name}'. Correct the score, or the scale."
            )
        distance = values - self.low if self.worse == "high" else self.high - values
        return np.asarray(distance / (self.high - self.low))


def declare(scores: Any, name: str | None = None) -> str:
    """What to pass for scores without a direction, with the range that they show."""
    known = np.asarray(scores, dtype=np.float64)
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    ends = (low, high) if low < high else (min(low, 0.0), max(high, 1.0))
    if low >= 0.0 and high <= 1.0:
        ends = (0.0, 1.0)
    scale = f"Scale({ends[0]:g}, {ends[1]:g}, worse='high')"
    given = scale if name is None else f"{{'{name}': {scale}}}"
    seen = f"; the scores go from {low:g} to {high:g}, their scale perhaps further" if len(known) else ""
    return f"Pass `scale={given}`, or 'low' where a low score is the bad one{seen}."


def checked_scale(scale: Any, key: str) -> Scale | Mapping[str, Scale] | None:
    """The gate of an argument `scale`: None, a `Scale`, or one by `key`; `InvalidInput` for anything else."""
    parts = list(scale.values()) if isinstance(scale, Mapping) else [scale]
    if not parts or not all(part is None or isinstance(part, Scale) for part in parts):
        raise InvalidInput(f"`scale` must be a `Scale`, or {{{key}: Scale}}; got {scale!r}.")
    return scale
