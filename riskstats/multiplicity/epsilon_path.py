"""Ranges for several epsilons: the larger the set, the wider the range of every row.

The sets are nested, and so are the ranges: a model found for a small epsilon is a member for every larger
one, and what no model passes for a large epsilon none passes for a smaller one.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.levelset.epsilon_path import support_path
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.inputs import read_only
from riskstats.multiplicity.known_rows import on_rows
from riskstats.multiplicity.model_set import Near, PoolModels
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.wording import between, counted
from riskstats.results import Result, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["EpsilonPath", "PathRates", "path_of_ranges"]

_SHORT = "{:.3g}".format


class PathRates(NamedTuple):
    """A rate along the path: (E,) values that are shown, (E,) bounds; None where nothing is certified."""

    values: Floats
    bounds: Floats | None


@dataclass(frozen=True, eq=False)
class EpsilonPath(Result):
    """The ranges of n rows for E epsilons.

    Attributes
    ----------
    epsilons : (E,) ascending. epsilon_kind : "relative" or "additive".
    ranges : E ranges, each with its own kinds and gaps. Attained ends and safe ends never shrink from one to
        the next; the ends that are shown do not either, within the gap at which a row counts as exact.
    n_members : (E,) models in each set, for a pool; None for a convex set.
    """

    epsilons: Floats
    epsilon_kind: str
    ranges: tuple[PredictionRange, ...]
    n_members: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        read_only(self, "epsilons")
        read_only(self, "n_members", dtype=np.int64)

    @property
    def widths(self) -> Floats:
        """(E, n) widths of the ranges: at least these where a row is "inner", at most where "outer"."""
        return np.stack([each.width for each in self.ranges])

    @property
    def kind(self) -> str:
        """One word for all ranges: "inner" if any is, else "outer" if any is, else "exact"."""
        kinds = {each.overall_kind for each in self.ranges}
        return next((kind for kind in ("inner", "outer") if kind in kinds), "exact")

    def ambiguity(self, deviation: float, *, sample_weight: npt.ArrayLike | None = None) -> PathRates:
        """Share of rows on which some member differs from the baseline by `deviation` or more."""
        rates = [
            ambiguity(None, each, deviation=deviation, sample_weight=sample_weight) for each in self.ranges
        ]
        bounds = [rate.bound for rate in rates if rate.bound is not None]
        values = np.array([rate.value for rate in rates])
        return PathRates(values, np.array(bounds) if len(bounds) == len(rates) else None)

    def mean_widths(self) -> PathRates:
        """Mean width of the ranges per epsilon: between attained ends, and between safe ends."""
        from riskstats.multiplicity.groups import widths_of

        pairs = [widths_of(each) for each in self.ranges]
        safe = [float(wide.mean()) for _, wide in pairs if wide is not None]
        attained = np.array([float(width.mean()) for width, _ in pairs])
        return PathRates(attained, np.array(safe) if len(safe) == len(pairs) else None)

    def summary(self) -> str:
        """One line per epsilon: mean and largest width."""
        first = self.ranges[0]
        epsilons = counted(len(self.epsilons), f"{self.epsilon_kind} epsilon")
        head = f"Ranges of {counted(len(first))} for {epsilons} ({first.source}): {self.kind}"
        return "\n".join([head, *(self._line(e) for e in range(len(self.epsilons)))])

    def _line(self, e: int) -> str:
        values, bounds = self.mean_widths()
        mean = between(values[e], None if bounds is None else bounds[e], _SHORT)
        row = int(self.ranges[e].width.argmax())
        word = {"inner": "at least ", "outer": "at most "}.get(str(self.ranges[e].kind[row]), "")
        largest = f"{word}{_SHORT(self.ranges[e].width[row])} (row {row})"
        members = "" if self.n_members is None else f"; {counted(int(self.n_members[e]), 'model')}"
        return f"  epsilon {self.epsilons[e]:<8g} width: mean {mean}, largest {largest}{members}"

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per epsilon and row; needs the extra `frames`."""
        columns = ("lower", "upper", "width", "kind", "gap", "status")
        rows: list[dict[str, Any]] = []
        for epsilon, each in zip(self.epsilons.tolist(), self.ranges, strict=True):
            lists = [getattr(each, name).tolist() for name in columns]
            rows += [
                {"epsilon": epsilon, "row": row, **dict(zip(columns, values, strict=True))}
                for row, values in enumerate(zip(*lists, strict=True))
            ]
        return frame(rows)

    def plot(self, ax: Any = None, *, deviation: float | None = None) -> Figure:
        """Draw the widths against epsilon, or the ambiguity at a deviation."""
        from riskstats.plotting_multiplicity import plot_epsilon_path

        return plot_epsilon_path(self, ax, deviation=deviation)


def path_of_ranges(
    models: ConvexModels | PoolModels, rows: Any, epsilons: npt.ArrayLike | Sequence[float]
) -> EpsilonPath:
    """The ranges of `rows` for several epsilons of the kind of the set.

    epsilons : (E,) finite, > 0, ascending. A pool answers up to the epsilon it was made with (`Infeasible`
    beyond).

    `InvalidInput`: none, or some that are not numbers > 0 in ascending order.
    """
    checked = _checked(epsilons)
    kind = models.near.kind
    near = [Near(epsilon, kind) for epsilon in checked.tolist()]
    if isinstance(models, ConvexModels):
        ranges = _convex_ranges(models, rows, [models.nearer(each) for each in near])
        return EpsilonPath(checked, kind, tuple(ranges))
    known = on_rows(models, rows)
    pools = [known.nearer(each) for each in near]
    members = np.array([each.counts[1] for each in pools])
    return EpsilonPath(checked, kind, tuple(each.range(rows) for each in pools), members)


def _checked(epsilons: Any) -> Floats:
    """(E,) ascending numbers > 0."""
    given = [epsilons] if isinstance(epsilons, numbers.Real) else epsilons
    try:
        values = np.array([float(each) for each in given], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`epsilons` must be numbers, such as (0.01, 0.05); {error}.") from error
    if len(values) == 0:
        raise InvalidInput("`epsilons` is empty. Give at least one, such as (0.01, 0.05).")
    for value in values.tolist():
        if not 0.0 < value < math.inf:
            raise InvalidInput(
                f"`epsilons` must be finite and > 0; got {value:g}. At 0 the set is the baseline alone."
            )
    falls = np.flatnonzero(np.diff(values) <= 0.0)
    if len(falls):
        before, after = values[falls[0] : falls[0] + 2]
        raise InvalidInput(f"`epsilons` must ascend; got {before:g} before {after:g}. Sort them, each once.")
    return values


def _convex_ranges(models: ConvexModels, rows: Any, sets: Sequence[ConvexModels]) -> list[PredictionRange]:
    """The ranges over level sets of one objective, whose ends are found together."""
    directions, limits = models.directions(rows), models.limits
    found = support_path(
        models.level_set,
        np.concatenate([-directions, directions]),
        [each.near.epsilon for each in sets],
        relative=models.near.relative,
        gap_tolerance=limits.gap_tolerance,
        max_iter=limits.max_iter,
        time_limit=limits.time_limit,
    )
    pairs = zip(sets, found, strict=True)
    return [each.range_of_support(ends, directions, models.scale) for each, ends in pairs]
