"""Pairs: two systems on the same items, compared item by item."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from riskstats._samples import checked_support, loss_vector
from riskstats._validation import choice
from riskstats.bounds.api import lower_bound, upper_bound
from riskstats.bounds.base import Bound
from riskstats.bounds.result import RiskBound
from riskstats.control.pairing import checked_bound
from riskstats.exceptions import IncompatibleBound, InvalidInput

__all__ = ["difference_bound"]


def difference_bound(
    losses: Any,
    baseline: Any,
    *,
    bound: Bound | None = None,
    side: Literal["upper", "lower"] = "upper",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    cluster: Any = None,
) -> RiskBound:
    """Bound on the mean of `losses - baseline`, two systems scored on the same items.

    One bound on the differences at delta, instead of two at delta/2: what items have in common cancels. An
    upper bound below 0 says that the first system is better.

    Parameters
    ----------
    losses, baseline : (n,) one loss per item, in the same order; two series must have the same index.
    bound : the method; None takes `Betting`.
    side : "upper" or "lower".
    support : (lowest, highest) possible loss (a, b) of either; differences lie in (a - b, b - a).
    cluster : (n,) labels of what was sampled independently; differences are averaged in each first.

    Many candidates against one baseline: `certify(losses - baseline, risk_limit=0, support=(a - b, b - a))`.
    Errors as in `upper_bound`, and `InvalidInput` where the items differ.
    """
    low, high = checked_support(support)
    if math.isinf(high):
        raise IncompatibleBound(f"a difference needs bounded losses; got support ({low:g}, inf).")
    ours, _ = loss_vector(losses, (low, high))
    theirs, _ = loss_vector(baseline, (low, high), name="baseline")
    _same_items(losses, baseline, len(ours), len(theirs))
    door = upper_bound if choice(side, ("upper", "lower"), "side") == "upper" else lower_bound
    result = door(
        np.clip(ours - theirs, low - high, high - low),
        bound=checked_bound(bound),
        confidence_level=confidence_level,
        support=(low - high, high - low),
        cluster=cluster,
    )
    return replace(result, measure=f"{result.measure} of the difference")


def _same_items(losses: Any, baseline: Any, n: int, m: int) -> None:
    if n != m:
        raise InvalidInput(f"`losses` and `baseline` must hold the same items; got {n} and {m}.")
    ours, theirs = (_ids(each) for each in (losses, baseline))
    if ours is None or theirs is None or ours == theirs:
        return
    row = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    remedy = (
        "Sort both by item." if sorted(map(str, ours)) == sorted(map(str, theirs)) else "Keep common items."
    )
    raise InvalidInput(
        f"`losses` and `baseline` must hold the same items; their index differs at row {row}: {ours[row]!r} "
        f"and {theirs[row]!r}. {remedy}"
    )


def _ids(losses: Any) -> list[Any] | None:
    """The index of a series, or None."""
    index = getattr(losses, "index", None)
    return None if index is None or callable(index) else np.asarray(index).tolist()
