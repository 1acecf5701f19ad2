"""Sums of floating-point numbers and of their products, exact, so that no order or grouping changes a bit.

A finite float64 is `m 2^e` with a whole number m of 53 bits. Numbers are added up by exponent in two halves
of m, which cannot overflow, and the totals are joined in one integer in units of `2^-UNIT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput

__all__ = ["ExactSum"]

UNIT = 2304  # more than the 2 * 1074 + 106 that a product of two of the smallest numbers needs
HALF = 27
ROWS = 2**25  # added at once: sums of this many numbers of 27 bits are exact in float64


@dataclass(frozen=True)
class ExactSum:
    """`units 2^-UNIT`, a sum without rounding."""

    units: int = 0

    def __add__(self, other: ExactSum) -> ExactSum:
        return ExactSum(self.units + other.units)

    def __float__(self) -> float:
        """The nearest float64."""
        return self.units / (1 << UNIT)

    def over(self, other: ExactSum) -> float:
        """The float64 nearest to the quotient of two sums."""
        return self.units / other.units

    @property
    def fraction(self) -> Fraction:
        """The sum itself."""
        return Fraction(self.units, 1 << UNIT)

    @classmethod
    def of(cls, values: Floats) -> ExactSum:
        """The sum of finite numbers (n,)."""
        return cls._of_parts(*np.frexp(values))

    @classmethod
    def of_products(cls, values: Floats, weights: Floats) -> ExactSum:
        """`sum_i values_i weights_i` of finite numbers (n,)."""
        (a, i), (b, j) = np.frexp(values), np.frexp(weights)
        product, rest = _product(a, b)
        exponents = i.astype(np.int64) + j
        return cls._of_parts(product, exponents) + cls._of_parts(rest, exponents)

    @classmethod
    def _of_parts(cls, mantissas: Floats, exponents: np.ndarray) -> ExactSum:
        """The sum of `mantissa 2^exponent`."""
        total = 0
        for first in range(0, len(mantissas), ROWS):
            m, more = np.frexp(mantissas[first : first + ROWS])
            e = exponents[first : first + ROWS] + more
            whole = np.ldexp(m, 53).astype(np.int64)
            total += _joined(whole >> HALF, e, HALF - 53) + _joined(whole & (2**HALF - 1), e, -53)
        return cls(total)

    def to_dict(self) -> dict[str, Any]:
        """`integer 2^exponent` with the integer as text: JSON readers keep 53 bits of a number."""
        zeros = (self.units & -self.units).bit_length() - 1 if self.units else UNIT
        return {"integer": str(self.units >> zeros), "exponent": zeros - UNIT}

    @classmethod
    def from_dict(cls, written: Any) -> ExactSum:
        """The sum that `to_dict` wrote; `InvalidInput` if it is damaged."""
        try:
            integer, exponent = int(written["integer"]), int(written["exponent"]) + UNIT
        except (KeyError, TypeError, ValueError):
            raise InvalidInput(f"a sum must be integer and exponent; got {written!r}.") from None
        if not 0 <= exponent <= 2 * UNIT:
            raise InvalidInput(f"a sum has exponent {exponent - UNIT}, which no sum of floats has.")
        return cls(integer << exponent)


def _joined(values: np.ndarray, exponents: np.ndarray, shift: int) -> int:
    """`sum values 2^(exponents + shift + UNIT)` of integers below 2^27 in absolute value."""
    if len(values) == 0:
        return 0
    low = int(exponents.min())
    sums = np.bincount(exponents - low, weights=values)
    places = np.flatnonzero(sums)
    return sum(int(sums[place]) << (int(place) + low + shift + UNIT) for place in places)


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """(rounded product, what rounding lost), exact for numbers in [1/2, 1) (Dekker 1971)."""
    a_high, b_high = _high(a), _high(b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _high(x: Floats) -> Floats:
    spread = (2.0**HALF + 1.0) * x
    return spread - (spread - x)
