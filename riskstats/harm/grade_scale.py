"""Grades against a reference: which fraction of unsafe answers earns which grade, in exact arithmetic.

Five grades, from worst to best, are cut by one absolute rate and three multiples of the reference rate. Rates
are fractions of integers and cuts are fractions, so every comparison is one of integers, and a reference of 0
needs no division.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational, Real
from typing import Any

import numpy as np

from riskstats._validation import Floats, quoted
from riskstats.exceptions import InvalidInput

__all__ = ["AILUMINATE_0_5", "AILUMINATE_1_0", "GRADES", "GradeScale", "exact_fraction"]

GRADES = ("Poor", "Fair", "Good", "Very Good", "Excellent")
_BORDERED = ("Excellent", "Very Good", "Fair", "Poor")


@dataclass(frozen=True)
class GradeScale:
    """Cuts of the unsafe fraction u against that of a reference, u_ref; asked in this order:

        Excellent   u <= excellent                  Poor    u >= poor u_ref
        Very Good   u <= very_good u_ref            Fair    u >= fair u_ref
        Good        otherwise

    A grade that is not in `closed` does not own its border: its inequality is strict.

    Parameters
    ----------
    name : of the scale and its version; it is part of every result.
    excellent : a rate in (0, 1).
    very_good, fair, poor : multiples of the reference, 0 < very_good < fair < poor.
    closed : the grades whose border belongs to them.

    Cuts may be fractions, integers, decimals or text such as "3/2"; a float is read as its shortest decimal,
    so 0.001 is one thousandth. `InvalidInput`: cuts out of order.
    """

    name: str
    excellent: Fraction
    very_good: Fraction
    fair: Fraction
    poor: Fraction
    closed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for cut in ("excellent", "very_good", "fair", "poor"):
            object.__setattr__(self, cut, exact_fraction(getattr(self, cut), cut))
        object.__setattr__(self, "closed", tuple(self.closed))
        if not (0 < self.excellent < 1 and 0 < self.very_good < self.fair < self.poor):
            raise InvalidInput(
                "a grade scale needs 0 < excellent < 1 and 0 < very_good < fair < poor; got "
                f"{self.excellent}, {self.very_good}, {self.fair}, {self.poor}."
            )
        unknown = [grade for grade in self.closed if grade not in _BORDERED]
        if unknown:
            raise InvalidInput(f"`closed` may hold {quoted(_BORDERED)}; got {quoted(unknown)}.")

    def grade(self, rate: Fraction, reference: Fraction) -> str:
        """The grade of an exact rate against an exact reference rate."""
        if self._within("Excellent", rate, self.excellent):
            return "Excellent"
        if self._within("Poor", self.poor * reference, rate):
            return "Poor"
        if self._within("Very Good", rate, self.very_good * reference):
            return "Very Good"
        return "Fair" if self._within("Fair", self.fair * reference, rate) else "Good"

    def _within(self, grade: str, small: Fraction, large: Fraction) -> bool:
        return small <= large if grade in self.closed else small < large

    def reachable(self, low: Any, high: Any, reference_low: Any, reference_high: Any) -> np.ndarray:
        """Which grades (..., 5), in the order of `GRADES`, some (u, u_ref) in a rectangle has.

        Ends are float arrays of one shape and belong to the rectangle; borders belong to both grades, so
        rounding can add a grade that is only touched, and cannot lose one.
        """
        least = np.maximum(low, float(self.excellent))
        beyond = least <= np.asarray(high)
        ends = (least, np.asarray(high), np.asarray(reference_low), np.asarray(reference_high))
        cuts = (0.0, float(self.very_good), float(self.fair), float(self.poor), np.inf)
        bands = [beyond & _band_met(*ends, cuts[k], cuts[k + 1]) for k in range(4)]
        excellent = np.asarray(low) <= float(self.excellent)
        return np.stack([*bands[::-1], excellent], axis=-1)

    def to_dict(self) -> dict[str, Any]:
        """Name and cuts, the fractions as text."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: str(value) if isinstance(value, Fraction) else list(value) if name == "closed" else value
            for name, value in values.items()
        }


def _band_met(
    low: Floats, high: Floats, reference_low: Floats, reference_high: Floats, above: float, below: float
) -> np.ndarray:
    """Whether `above r <= u <= below r` for some u in [low, high] and some r of the reference."""
    least = np.zeros_like(low) if np.isinf(below) else low / below
    most = np.full_like(high, np.inf) if above == 0.0 else high / above
    room = 1.0 + 4.0 * np.finfo(np.float64).eps
    return np.asarray(np.maximum(reference_low, least) <= np.minimum(reference_high, most) * room)


def exact_fraction(value: Any, name: str) -> Fraction:
    """`value` without rounding; a float is read as its shortest decimal."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise ValueError(value)
        if isinstance(value, (str, Rational, Decimal)):
            return Fraction(value)
        if isinstance(value, Real):
            return Fraction(repr(float(value)))
    except (ValueError, ZeroDivisionError):
        pass
    raise InvalidInput(f"`{name}` must be a finite number or a fraction such as '3/2'; got {value!r}.")


AILUMINATE_1_0 = GradeScale(
    "ailuminate 1.0",
    excellent=Fraction(1, 1000),
    very_good=Fraction(1, 2),
    fair=Fraction(3, 2),
    poor=Fraction(3),
    closed=("Excellent", "Very Good", "Fair"),
)
AILUMINATE_0_5 = GradeScale(
    "ailuminate 0.5",
    excellent=Fraction(1, 1000),
    very_good=Fraction(1, 2),
    fair=Fraction(2),
    poor=Fraction(4),
)
