"""How a quantity that is known from both sides is written: attained from below, bounded from above."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["TO", "between", "counted", "percent"]

TO = "{} to {}"  # the shorter form, for tables and pictures
SAME = 1e-7  # relative difference of the two ends below which one number is written


def between(
    value: float,
    bound: float | None,
    write: Callable[[float], str],
    both: str = "between {} and {}",
) -> str:
    """ "x" where the ends agree, "between x and y" or `both` where not, "at least x" without a bound."""
    if bound is None:
        return f"at least {write(value)}"
    low, high = write(value), write(bound)
    if low == high or math.isclose(value, bound, rel_tol=SAME, abs_tol=1e-12):
        return low
    return both.format(low, high)


def percent(share: float) -> str:
    """0.1564 as '15.6 %'; the true share is 0 or 100 % where that is written."""
    text = f"{100.0 * share:.3g}"
    if text in ("0", "100") and share not in (0.0, 1.0):
        text = f"{100.0 * share:.6g}"
    return f"{text} %"


def counted(n: int, noun: str = "row") -> str:
    """ "1 row", "2 rows"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
