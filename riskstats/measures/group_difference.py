"""How far apart the risks of groups are, as a difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.measures.base import RiskMeasure
from riskstats.measures.by_group import checked_measure, checked_pair, contrasted, measure_by_group
from riskstats.measures.mean import Mean

__all__ = ["GroupDifference", "group_difference"]


@dataclass(frozen=True)
class GroupDifference:
    """`max_g R_g - min_g R_g` of a measure within groups, or `R_a - R_b` between two named ones.

    Called with (losses, groups, sample_weight). It looks at groups, so it is not a measure of one law: bound
    it with `group_bounds`.

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
        """The difference, a float for (n,) losses, an array (m,) for (m, n)."""
        values = measure_by_group(losses, groups, self.measure, sample_weight=sample_weight)
        first, second = contrasted(values, self.between)
        difference = first - second
        return difference if getattr(difference, "ndim", 0) else float(difference)


def group_difference(
    losses: Any,
    groups: Any,
    measure: RiskMeasure | None = None,
    *,
    between: tuple[Any, Any] | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> float | Floats:
    """Largest less smallest risk over groups, or of `between[0]` less `between[1]`; default the mean."""
    chosen = Mean() if measure is None else measure
    return GroupDifference(chosen, between)(losses, groups, sample_weight)
