"""From a tail to a limit and a verdict."""

from __future__ import annotations

from typing import Any

from riskstats._samples import Support
from riskstats._validation import Floats
from riskstats.results import Result, Status

__all__ = ["limit_name", "limit_status", "needs_support", "upper_limit"]


def upper_limit(
    losses: Floats,
    level: float,
    confidence_level: float,
    limit: Any,
    *,
    support: Support | None,
    **asked: Any,
) -> Result | None:
    """The upper confidence limit of CVaR by the method `limit`; None where that is None.

    asked : `sample_weight`, `cluster`, `random_state`.
    """
    if limit is None:
        return None
    from riskstats.tail.limits import cvar_interval

    return cvar_interval(losses, level, confidence_level, limit=limit, side="upper", support=support, **asked)


def needs_support(limit: Any) -> bool:
    """Whether a method has no statement about losses without an upper end: every guaranteed one."""
    from riskstats.tail.limit_methods import Limit

    return limit is not None and not isinstance(limit, Limit)


def limit_name(limit: Any) -> str | None:
    """How a method of limits is called."""
    return None if limit is None else str(limit)


def limit_status(interval: Any, risk_limit: float | None) -> Status:
    """Whether the upper limit is within the risk limit; without one the status of the interval."""
    if interval is None:
        return Status.NO_BOUND
    if risk_limit is None:
        return Status(interval.status)
    return Status.WITHIN_LIMIT if interval.upper <= risk_limit else Status.ABOVE_LIMIT
