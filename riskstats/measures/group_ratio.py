"""How far apart the risks of groups are, as a ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.by_group import checked_measure, checked_pair, contrasted, measure_by_group
from riskstats.measures.mean import Mean

__all__ = ["GroupRatio", "group_ratio"]


@dataclass(frozen=True)
class GroupRatio:
    """`max_g R_g / min_g R_g` of a measure within groups, or `R_a / R_b` between two named ones.

    A positive risk over zero is `inf`; zero over zero is 1, for the risks are equal. Risks below zero have
    no ratio: `InvalidInput`. Called with (losses, groups, sample_weight).

    Parameters
    ----------
    measure : within each group.
    between : (a, b), group labels; None compares the worst with the best.
    """

    measure: RiskMeasure = Mean()  # noqa: RUF009
    between: tuple[Any, Any] | None = None

    def __post_init__(self) -> None:
        checked_measure(self.measure)
        object.__setattr__(self, "between", checked_pair(self.between))

    def __call__(self, losses: Any, groups: Any, sample_weight: Any = None) -> Any:
        """The ratio, a float for (n,) losses, an array (m,) for (m, n)."""
        values = measure_by_group(losses, groups, self.measure, sample_weight=sample_weight)
        first, second = map(np.asarray, contrasted(values, self.between))
        ratio = _ratio(first, second)
        return ratio if ratio.ndim else float(ratio)


def group_ratio(
    losses: Any,
    groups: Any,
    measure: RiskMeasure | None = None,
    *,
    between: tuple[Any, Any] | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> float | Floats:
    """Largest over smallest risk over groups, or of `between[0]` over `between[1]`; default the mean."""
    chosen = Mean() if measure is None else measure
    return GroupRatio(chosen, between)(losses, groups, sample_weight)


def _ratio(first: Floats, second: Floats) -> Floats:
    smallest = min(float(first.min()), float(second.min()))
    if smallest < 0:
        raise InvalidInput(f"a ratio of risks needs risks >= 0; got {smallest:g}. Use `GroupDifference`.")
    with np.errstate(divide="ignore", over="ignore"):
        quotient = np.divide(first, second, out=np.ones_like(first, dtype=np.float64), where=second > 0)
    return np.where((second == 0) & (first > 0), np.inf, quotient)
