"""Which of two models does less harm for every decreasing map from cost to likelihood.

With G(j) the weighted mean of severity x success over the prompts of cost at most j, every decreasing f with
f(1) = 1 is a mixture of the steps 1[c <= j], and the expected harm is the same mixture of G(1), ..., G(K). So
over all such maps it fills [G(1), G(K)], one model is no worse than another for all of them exactly where its
G is nowhere above, and the ratio of two harms, a mediant of the ratios of G, fills their range.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.harm.graded_prompts import GradedPrompts

__all__ = [
    "Dominance",
    "RatioRange",
    "cumulative_harm",
    "dominance",
    "level_harm",
    "ratio_range",
    "step",
]

Dominance: TypeAlias = Literal["a_lower", "b_lower", "equal", "undecided"]

ROUNDING = 1e-12  # relative, of sums


def level_harm(prompts: GradedPrompts, success: Floats) -> Floats:
    """(K,) `sum over cost c of w s a / sum w`, whose cumulative sums are G."""
    return prompts.by_level(prompts.shares * prompts.severity * success)


def cumulative_harm(prompts: GradedPrompts, success: Floats) -> Floats:
    """(K,) G(1), ..., G(K)."""
    return np.cumsum(level_harm(prompts, success))


def dominance(first: Floats, second: Floats) -> Dominance:
    """The verdict over all decreasing maps from G of two models, (K,) each; equal up to rounding."""
    gap = first - second
    slack = ROUNDING * float(np.maximum(np.abs(first), np.abs(second)).max(initial=0.0))
    lower, higher = bool((gap < -slack).any()), bool((gap > slack).any())
    if lower and higher:
        return "undecided"
    return "a_lower" if lower else "b_lower" if higher else "equal"


class RatioRange(NamedTuple):
    """`lower` and `upper` of EH_A / EH_B over the steps, at the steps `lower_at` and `upper_at` (from 0).

    An x / 0 makes the upper end inf; None throughout where every step is 0 / 0.
    """

    lower: float | None
    upper: float | None
    lower_at: int | None
    upper_at: int | None


def ratio_range(first: Floats, second: Floats) -> RatioRange:
    """The smallest and the largest G_A(j) / G_B(j); steps with 0 / 0 are left out."""
    counted = np.flatnonzero((first > 0) | (second > 0))
    if len(counted) == 0:
        return RatioRange(None, None, None, None)
    top, below = first[counted], second[counted]
    ratios = np.divide(top, below, out=np.full(len(top), math.inf), where=below > 0)
    low, high = int(ratios.argmin()), int(ratios.argmax())
    return RatioRange(float(ratios[low]), float(ratios[high]), int(counted[low]), int(counted[high]))


def step(j: int, levels: int) -> npt.NDArray[np.float64]:
    """(K,) the map 1[c <= j + 1]."""
    return (np.arange(levels) <= j).astype(np.float64)
