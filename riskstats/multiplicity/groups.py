"""How much hangs on the choice of the model within groups of rows, each rate from both sides.

The rates are facts about the rows at hand, not estimates for a population: no sampling error is added. In a
small group one row is a large share, so such groups are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers
from riskstats.losses import sigmoid
from riskstats.multiplicity.inputs import read_only
from riskstats.multiplicity.literals import Booleans
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate
from riskstats.multiplicity.wording import TO, between, counted, percent
from riskstats.results import Result, frame
from riskstats.tail.inputs import Labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SMALL_GROUP", "GroupRates", "group_rates", "widths_of"]

SMALL_GROUP = 30  # rows; in a smaller group one row is more than 3 % of it
MOST_LINES = 8


@dataclass(frozen=True, eq=False)
class GroupRates(Result):
    """Rates within each of G groups, by ambiguity at the smallest deviation, the largest first.

    Each `..._bound` is what no choice of models passes; None where the range has no safe ends.

    Attributes
    ----------
    by : what the labels say, such as "group".
    names, n, mass : (G,) labels, rows of positive weight, share of the weight.
    small : (G,) fewer than 30 rows: one row moves a rate by more than 3 %.
    deviations : (D,) ascending.
    ambiguity, ambiguity_bound : (G, D) weighted shares of the rows of the group.
    label_ambiguity, label_ambiguity_bound : (G,), or None without a decision threshold.
    mean_width, mean_width_bound : (G,) weighted mean width of the range of a row.
    codes : (n,) position of each row's group; -1 for groups without weight, which are left out.
    kind : "exact", "outer" or "inner", of the ranges of all rows.
    """

    by: str
    names: tuple[str, ...]
    n: Integers
    mass: Floats
    small: Booleans
    deviations: tuple[float, ...]
    ambiguity: Floats
    ambiguity_bound: Floats | None
    label_ambiguity: Floats | None
    label_ambiguity_bound: Floats | None
    mean_width: Floats
    mean_width_bound: Floats | None
    codes: Integers
    kind: str

    def __post_init__(self) -> None:
        read_only(self, "mass", "ambiguity", "ambiguity_bound", "label_ambiguity", "label_ambiguity_bound")
        read_only(self, "mean_width", "mean_width_bound")
        read_only(self, "n", "codes", dtype=np.int64)
        read_only(self, "small", dtype=bool)

    def summary(self) -> str:
        """A table with one line per group."""
        names = [*(f"ambiguity {d:g}" for d in self.deviations[:2]), "mean width"]
        names[-1:-1] = [] if self.label_ambiguity is None else ["either way"]
        shown = range(min(len(self.names), MOST_LINES))
        table = [[f"By {self.by}", "n", *names], *(self._cells(i) for i in shown)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["   ".join(map(str.ljust, cells, widths)).rstrip() for cells in table]
        rest = len(self.names) - len(shown)
        more = [f"and {counted(rest, 'more group')}"] if rest > 0 else []
        if self.small.any():
            more.append(f"small: fewer than {SMALL_GROUP} rows, so one row is a large share")
        return "\n".join([*lines, *(f"  {line}" for line in more)])

    def _cells(self, i: int) -> list[str]:
        rates = [self.words("ambiguity", i, j) for j in range(min(len(self.deviations), 2))]
        if self.label_ambiguity is not None:
            rates.append(self.words("label_ambiguity", i))
        width = between(float(self.mean_width[i]), _at(self.mean_width_bound, i), "{:.3g}".format, TO)
        return [f"  {self.names[i]}", f"{self.n[i]}{' small' if self.small[i] else ''}", *rates, width]

    def words(self, rate: str, *place: int) -> str:
        """A rate in words: `words("ambiguity", group, deviation)` or `words("label_ambiguity", group)`."""
        value, bound = getattr(self, rate), getattr(self, f"{rate}_bound")
        return between(float(value[place]), _at(bound, *place), percent, TO)

    def __str__(self) -> str:
        return self.summary()

    def labels(self) -> list[str | None]:
        """The label of each row."""
        return [self.names[code] if code >= 0 else None for code in self.codes]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per group; needs the extra `frames`."""
        columns: dict[str, Any] = {self.by: list(self.names), "n": self.n, "mass": self.mass}
        columns |= {"small": self.small, "mean_width": self.mean_width}
        columns["mean_width_bound"] = self._column(self.mean_width_bound)
        for j, deviation in enumerate(self.deviations):
            columns[f"ambiguity_{deviation:g}"] = self.ambiguity[:, j]
            bound = None if self.ambiguity_bound is None else self.ambiguity_bound[:, j]
            columns[f"ambiguity_bound_{deviation:g}"] = self._column(bound)
        if self.label_ambiguity is not None:
            columns["label_ambiguity"] = self.label_ambiguity
            columns["label_ambiguity_bound"] = self._column(self.label_ambiguity_bound)
        lists = [column if isinstance(column, list) else column.tolist() for column in columns.values()]
        return frame([dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)])

    def _column(self, bound: Floats | None) -> Any:
        return [None] * len(self.names) if bound is None else bound


def _at(bound: Floats | None, *place: int) -> float | None:
    return None if bound is None else float(bound[place])


def group_rates(
    by: str,
    labels: Labels,
    found: PredictionRange,
    weights: Floats,
    ambiguities: Sequence[MultiplicityRate],
    decisions: MultiplicityRate | None,
) -> GroupRates:
    """The rates of `ambiguities` (ascending deviations) and of `decisions` within each group."""
    groups = _Groups.of(labels, weights)
    pairs = [groups.rates(rate) for rate in ambiguities]
    values = np.stack([value for value, _ in pairs], axis=1)
    bounds = [bound for _, bound in pairs if bound is not None]
    label = (None, None) if decisions is None else groups.rates(decisions)
    attained, safe = widths_of(found)
    order = np.argsort(-values[:, 0], kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))

    def sort(column: Any) -> Any:
        return None if column is None else column[order]

    return GroupRates(
        by=by,
        names=tuple(groups.names[i] for i in order),
        n=groups.n[order],
        mass=groups.mass[order] / groups.mass.sum(),
        small=groups.n[order] < SMALL_GROUP,
        deviations=tuple(float(rate.deviation or 0.0) for rate in ambiguities),
        ambiguity=values[order],
        ambiguity_bound=np.stack(bounds, axis=1)[order] if found.certified else None,
        label_ambiguity=sort(label[0]),
        label_ambiguity_bound=sort(label[1]),
        mean_width=groups.mean(attained)[order],
        mean_width_bound=None if safe is None else groups.mean(safe)[order],
        codes=np.where(groups.codes >= 0, place[groups.codes], -1),
        kind=found.overall_kind,
    )


def widths_of(found: PredictionRange) -> tuple[Floats, Floats | None]:
    """(n,) widths between the attained ends, and between the safe ends; None where there are none."""
    ends = [sigmoid(e) if found.scale == "probability" else e for e in (found.inner, found.outer)]
    attained, safe = (end[:, 1] - end[:, 0] for end in ends)
    return attained, safe if found.certified else None


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of positive weight, their sizes, and weighted means within them."""

    names: list[str]
    codes: npt.NDArray[np.int64]
    weights: Floats
    n: Integers
    mass: Floats

    @classmethod
    def of(cls, labels: Labels, weights: Floats) -> _Groups:
        mass: Any = np.bincount(labels.codes, weights, len(labels.names))
        kept = np.flatnonzero(mass > 0.0)
        new = np.full(len(labels.names), -1)
        new[kept] = np.arange(len(kept))
        n = np.bincount(labels.codes, weights > 0.0, len(labels.names)).astype(np.int64)
        return cls([labels.names[i] for i in kept], new[labels.codes], weights, n[kept], mass[kept])

    def mean(self, values: npt.NDArray[Any]) -> Floats:
        """(G,) weighted means of a column; a larger column never has a smaller mean."""
        counted = np.flatnonzero(self.weights > 0.0)
        sums = np.bincount(
            self.codes[counted], self.weights[counted] * values[counted], minlength=len(self.names)
        )
        return sums / self.mass

    def rates(self, rate: MultiplicityRate) -> tuple[Floats, Floats | None]:
        """(G,) share of the rows that the rate counts, and of those that it does not rule out."""
        value = self.mean(rate.rows)
        if rate.bound is None or rate.open_rows is None:
            return value, None
        return value, self.mean(rate.rows | rate.open_rows)
