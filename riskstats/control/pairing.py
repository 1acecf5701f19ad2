"""The measure and the bound that a caller of this package names, checked."""

from __future__ import annotations

from typing import Any

from riskstats.bounds.base import Bound
from riskstats.exceptions import InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean

__all__ = ["checked_bound", "checked_measure"]


def checked_measure(measure: Any) -> RiskMeasure:
    """A risk measure; None is the mean."""
    if measure is None:
        return Mean()
    if not isinstance(measure, RiskMeasure):
        raise InvalidInput(f"`measure` must be a risk measure such as CVaR(0.9); got {measure!r}.")
    return measure


def checked_bound(bound: Any) -> Bound | None:
    """A bound, or None for the recommended one."""
    if bound is not None and not isinstance(bound, Bound):
        raise InvalidInput(f"`bound` must be a bound such as `Betting()`; got {bound!r}.")
    return bound
