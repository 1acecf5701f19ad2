"""Shares of rows whose prediction or decision depends on the choice of the model, with both sides.

A rate is a maximum over models: `value` is shown by models that were found, `bound` is passed by none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.multiplicity.inputs import read_only
from riskstats.multiplicity.literals import Booleans
from riskstats.multiplicity.prediction_range import PredictionRange, described_set
from riskstats.results import Result, Status

__all__ = ["MultiplicityRate", "judged_rate", "weighted_share"]

_MEANING = {
    "ambiguity": "rows on which some model differs from the reference, each row with a model of its own",
    "discrepancy": "rows on which one and the same model differs from the reference",
    "label ambiguity": "rows that models of the set decide either way",
}


@dataclass(frozen=True, eq=False)
class MultiplicityRate(Result):
    """A weighted share of rows, `value <= true share <= bound`.

    Attributes
    ----------
    name : "ambiguity", "discrepancy" or "label ambiguity".
    value : share that models which were found prove.
    bound : share that no model of the set passes; None where nothing is certified.
    kind : "exact" where value and bound agree, "outer" where they do not, "inner" without a bound.
    n_conflict, n_open, n_rows : rows counted in `value`, rows neither counted nor ruled out (None where rows
        are not judged one by one), and rows in all; rows of weight 0 are left out of each.
    rows : (n,) which rows `value` counts.
    open_rows : (n,) which rows are open, or None.
    deviation : least difference from the reference that counts; None for label ambiguity.
    decision_threshold : of label ambiguity, else None.
    status : how the search ended.
    witness : the model of a discrepancy: its position in the pool or its coefficients, the intercept first.
    epsilon, epsilon_kind, source : of the set of models.
    """

    name: str
    value: float
    bound: float | None
    kind: str
    n_conflict: int
    n_open: int | None
    n_rows: int
    rows: Booleans
    deviation: float | None
    status: str
    open_rows: Booleans | None = None
    decision_threshold: float | None = None
    witness: int | npt.NDArray[Any] | None = None
    epsilon: float | None = None
    epsilon_kind: str | None = None
    source: str = "pool"

    def __post_init__(self) -> None:
        read_only(self, "rows", "open_rows", dtype=bool)

    @property
    def gap(self) -> float:
        """`bound - value`, inf without a bound."""
        return math.inf if self.bound is None else self.bound - self.value

    def to_dict(self) -> dict[str, Any]:
        """Every field by name in plain Python types, and the gap, None without a bound."""
        return {**super().to_dict(), "gap": None if self.bound is None else self.gap}

    def summary(self) -> str:
        """The share with what is certified about it, and what it counts."""
        at = (
            f"deviation {self.deviation:g}"
            if self.deviation is not None
            else f"threshold {self.decision_threshold:g}"
        )
        head = f"{self.name.capitalize()} at {at}: {self._share()} of {self.n_rows} rows"
        return f"{head} ({self._counts()}), over {described_set(self)}; {_MEANING[self.name]}."

    def _share(self) -> str:
        value = f"{100 * self.value:.4g} %"
        if self.bound is None:
            return f"at least {value}"
        return value if self.bound <= self.value else f"between {value} and {100 * self.bound:.4g} %"

    def _counts(self) -> str:
        certain = "at least " if self.bound is None else ""
        rows = f"{certain}{self.n_conflict} row{'' if self.n_conflict == 1 else 's'}"
        return f"{rows}, {self.n_open} open" if self.n_open and self.bound is not None else rows

    def __str__(self) -> str:
        return self.summary()


def weighted_share(rows: Booleans, weights: Floats) -> float:
    """Weight of some rows over the weight of all, both summed without error: more rows are never less."""
    return math.fsum(weights[rows]) / math.fsum(weights)


def judged_rate(
    name: str,
    conflict: Booleans,
    possible: Booleans,
    weights: Floats,
    of: PredictionRange,
    *,
    deviation: float | None = None,
    decision_threshold: float | None = None,
) -> MultiplicityRate:
    """The rate of rows judged one by one.

    conflict, possible : (n,) rows that an inner end proves, and rows that the outer ends do not rule out;
        the second includes the first. A range without safe ends leaves the bound out.
    """
    counted = weights > 0.0
    conflict, still_open = conflict & counted, possible & ~conflict & counted
    value = weighted_share(conflict, weights)
    bound = weighted_share(conflict | still_open, weights) if of.certified else None
    kind = "inner" if bound is None else "outer" if still_open.any() else "exact"
    status = {"inner": Status.HEURISTIC, "outer": Status.GAP, "exact": Status.OPTIMAL}[kind]
    return MultiplicityRate(
        name=name,
        value=value,
        bound=bound,
        kind=kind,
        n_conflict=int(conflict.sum()),
        n_open=int(still_open.sum()),
        n_rows=int(counted.sum()),
        rows=conflict,
        open_rows=still_open,
        deviation=deviation,
        decision_threshold=decision_threshold,
        status=str(status),
        epsilon=of.epsilon,
        epsilon_kind=of.epsilon_kind,
        source=of.source,
    )
