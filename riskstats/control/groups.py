"""Risk by group: bounds that hold for all groups at once, the largest of them, and the spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, quoted
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.base import Bound
from riskstats.bounds.choose import recommend
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.row_order import warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.bounds.units import unit_codes, unit_losses
from riskstats.control.pairing import checked_bound, checked_measure
from riskstats.control.result import GroupReport
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure

__all__ = ["group_bounds"]


def group_bounds(
    losses: Any,
    groups: Any,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    *,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    binary: bool = False,
    cluster: Any = None,
    names: Any = None,
) -> GroupReport:
    """Upper bounds on the risk of every group that hold together, and on the gap between groups.

    With G groups `upper` is at delta/G each, so that all hold at once and `max_upper`, their maximum, bounds
    the worst group. The gap `max_g R_g - min_g R_g` is at most the largest `U_g - L_h` over pairs g != h, and
    the ratio at most the largest `U_g / L_h`, from 2 G bounds at delta/2G.

    Parameters
    ----------
    losses : (n,) one loss per unit, larger is worse, in `support`.
    groups : (n,) the group of each unit, known before its loss.
    measure : what to bound; None is the mean.
    bound : the method in every group; None takes `recommend` with the number of units of the group.
    binary : whether losses are 0 or 1; bool losses are.
    cluster : (n,) labels of what was sampled independently; losses are averaged within cluster and group.
    names : every group that exists, so that one without units is not forgotten; None takes those that occur,
        or the categories of a categorical.

    A group that is empty, or too small for the method, has the top of the support as its bound and a note. A
    method without lower bounds leaves the gap as wide as the support. Errors as in `upper_bound`.
    """
    ends, delta = checked_support(support), 1.0 - checked_confidence(confidence_level)
    measure, bound = checked_measure(measure), checked_bound(bound)
    vector, boolean = loss_vector(losses, ends)
    parts = _parts(vector, groups, names, cluster)
    binary = (binary or boolean) and cluster is None
    cells = {name: _Cell(part, ends, binary, measure, bound) for name, part in parts.items()}
    upper = {name: cell.upper(delta / len(cells)) for name, cell in cells.items()}
    gap, ratio = _spread(list(cells.values()), delta / (2 * len(cells)))
    return GroupReport(
        upper=upper,
        estimates={name: cell.estimate for name, cell in cells.items()},
        n_units={name: cell.n_units for name, cell in cells.items()},
        max_upper=max(upper.values()),
        gap_upper=gap,
        ratio_upper=ratio,
        measure=str(measure),
        bound=", ".join(dict.fromkeys(str(cell.bound("upper")) for cell in cells.values() if cell.n_units)),
        confidence_level=confidence_level,
        support=ends,
        notes=_notes(cells, upper),
    )


def _parts(vector: Floats, groups: Any, names: Any, cluster: Any) -> Mapping[str, Floats]:
    """The losses of each group, one per cluster where there are clusters."""
    labels, codes = unit_codes(groups, len(vector), "groups")
    found = [str(label) for label in labels.tolist()]
    wanted = found if (known := _known(groups, names)) is None else known
    if unknown := sorted(set(found) - set(wanted)):
        raise InvalidInput(
            f"`names` lacks the groups {quoted(unknown)} that occur in `groups`. Name every group."
        )
    rows = {
        name: codes == found.index(name) if name in found else np.zeros(len(codes), bool) for name in wanted
    }
    if cluster is None:
        return {name: vector[mask] for name, mask in rows.items()}
    unit_codes(cluster, len(vector), "cluster")
    ids = np.asarray(cluster)
    return {
        name: unit_losses(vector[mask], ids[mask])[1] if mask.any() else vector[mask]
        for name, mask in rows.items()
    }


def _known(groups: Any, names: Any) -> list[str] | None:
    """Declared groups: the given names, or the categories of a categorical, else None."""
    if names is None:
        names = getattr(getattr(groups, "cat", groups), "categories", None)
    if names is None:
        return None
    known = [str(name) for name in names]
    if not known or len(set(known)) < len(known):
        raise InvalidInput(f"`names` must be different names of groups; got {quoted(known)}.")
    return known


def _notes(cells: Mapping[str, _Cell], upper: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    for name, cell in cells.items():
        if upper[name] >= cell.ends[1]:
            size = "is empty" if cell.n_units == 0 else f"has {cell.n_units} units, which say no more"
            notes.append(f"Group {name!r} {size}: its bound is the largest possible value, {cell.ends[1]:g}.")
    return (*notes, SCOPE)


def _spread(cells: list[_Cell], delta: float) -> tuple[float, float]:
    """(largest difference, largest ratio) over pairs of groups, from an upper and a lower bound of each."""
    if len(cells) == 1:
        return 0.0, 1.0
    upper = np.array([cell.upper(delta) for cell in cells])
    lower = np.array([cell.lower(delta) for cell in cells])
    pairs = ~np.eye(len(cells), dtype=bool)
    gap = float((upper[:, np.newaxis] - lower)[pairs].max())
    floor = np.where(lower > 0, lower, np.nan)
    ratios = (upper[:, np.newaxis] / floor)[pairs]
    return max(gap, 0.0), math.inf if np.isnan(ratios).any() else max(float(ratios.max()), 1.0)


@dataclass(frozen=True, eq=False)
class _Cell:
    """One group: its bounds at any error, and the ends of the scale where the method has none.

    losses : (n,), perhaps none. method : None takes `recommend` for this n.
    """

    losses: Floats
    support: Support
    binary: bool
    measure: RiskMeasure
    method: Bound | None

    @property
    def n_units(self) -> int:
        return len(self.losses)

    @property
    def ends(self) -> Support:
        """Smallest and largest value of the measure; measures of inequality lie in [0, 1]."""
        return (0.0, 1.0) if self.measure.two_sided else self.support

    @property
    def estimate(self) -> float:
        return float(self.measure(self.losses)) if self.n_units else math.nan

    def bound(self, side: str) -> Bound:
        if self.method is not None:
            return self.method
        bounded = math.isfinite(self.support[1])
        return recommend(self.measure, self.n_units, binary=self.binary, bounded=bounded, side=side)

    def upper(self, delta: float) -> float:
        return self._of("upper", delta) if self._enough("upper") else self.ends[1]

    def lower(self, delta: float) -> float:
        try:
            return self._of("lower", delta) if self._enough("lower") else self.ends[0]
        except IncompatibleBound:
            return self.ends[0]

    def _enough(self, side: str) -> bool:
        return self.n_units >= self.bound(side).requires.minimum_units

    def _of(self, side: str, delta: float) -> float:
        sample, bound = Sample(self.losses[np.newaxis], self.support, self.binary), self.bound(side)
        warn_of_trend(sample, bound)
        return float(getattr(bound, side)(sample, self.measure, delta)[0])
