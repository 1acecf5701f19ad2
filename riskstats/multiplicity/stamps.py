"""What a multiplicity report rests on: the objective, the set of models, the rows, the version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats import __version__
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.model_set import PoolModels
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.wording import counted
from riskstats.results import Result
from riskstats.tail.provenance import input_hash

__all__ = ["MultiplicityStamps", "stamps_of"]


@dataclass(frozen=True)
class MultiplicityStamps(Result):
    """The data, the set and the settings behind a report; None where a setting plays no part.

    Attributes
    ----------
    version : of the package.
    input_hash : 16 hexadecimal digits of the rows that were asked, their weights and their groups.
    set_hash : the same of the set: of the training data and the penalty for a convex one, of the losses of
        the members for a pool.
    n : rows asked.
    source : "convex", "score pool" or "refits". kind : of the ranges of all rows, "exact", "outer", "inner".
    scale : "probability" or "response".
    loss_name : the objective in words.
    epsilon, epsilon_kind : how much worse than the best a member may be, "relative" or "additive".
    comparison : how a difference is compared with a deviation.
    loss, loss_bound, loss_limit : of the baseline, what no model of the class can beat, largest of a member.
    penalty : lambda in `lambda / 2 ||w||^2`; None for a pool.
    n_models, n_members : made and kept, for a pool.
    gap_tolerance : gap at which a row counts as exact, in logits or units of the response.
    seed : the integer passed as `random_state`, for refits.
    label : whose probability, where there are more than two classes.
    """

    version: str
    input_hash: str
    set_hash: str
    n: int
    source: str
    kind: str
    scale: str
    loss_name: str
    epsilon: float
    epsilon_kind: str
    comparison: str
    loss: float
    loss_bound: float | None
    loss_limit: float
    penalty: float | None = None
    n_models: int | None = None
    n_members: int | None = None
    gap_tolerance: float | None = None
    seed: int | None = None
    label: Any = None

    def lines(self) -> list[str]:
        """The set in words, two or three lines."""
        known = "nothing certified below it"
        if self.loss_bound is not None:
            known = f"certified >= {self.loss_bound:.8g}"
        near = f"{self.epsilon_kind} epsilon {self.epsilon:g} above the best"
        lines = [
            f"{self.loss_name} <= {self.loss_limit:.8g}: {near}",
            f"best loss {self.loss:.8g}, {known}",
        ]
        if self.label is not None:
            lines.insert(0, f"probability of {self.label!r}")
        if self.n_models is not None:
            lines.append(self._members())
        return lines

    def _members(self) -> str:
        """How many of the models that were made are members; the baseline is not a refit."""
        members, made = self.n_members or 0, self.n_models or 0
        if self.source == "refits":
            return f"{members - 1} of {made - 1} refits lie in the set, and the baseline"
        return f"{members} of {made} models lie in the set"

    def last_line(self) -> str:
        """Version, hashes and seed."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        rows = counted(self.n)
        return f"riskstats {self.version}; {rows}, input {self.input_hash}, set {self.set_hash}{seed}"


def stamps_of(
    models: ConvexModels | PoolModels, found: PredictionRange, *data: Any, random_state: Any, label: Any
) -> MultiplicityStamps:
    """The stamps of a set and of the `data` it was asked about."""
    fixed = isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool)
    return MultiplicityStamps(
        version=__version__,
        input_hash=input_hash(*(part for item in data for part in _parts(item))),
        set_hash=models.set_hash,
        n=len(found),
        source=models.source,
        kind=found.overall_kind,
        scale=models.scale,
        loss_name=models.loss_name,
        epsilon=models.near.epsilon,
        epsilon_kind=models.near.kind,
        comparison=">=",
        loss=models.loss,
        loss_bound=models.loss_bound,
        loss_limit=models.loss_limit,
        seed=int(random_state) if fixed and models.source == "refits" else None,
        label=label,
        **_own(models),
    )


def _own(models: ConvexModels | PoolModels) -> dict[str, Any]:
    """What only one kind of set has."""
    if isinstance(models, ConvexModels):
        penalty, tolerance = models.level_set.problem.penalty, models.limits.gap_tolerance
        return {"penalty": penalty, "gap_tolerance": tolerance}
    made, members = models.counts
    return {"n_models": made, "n_members": members}


def _parts(item: Any) -> tuple[Any, ...]:
    """The arrays that make up an item: a sparse matrix has three."""
    if hasattr(item, "tocsr"):
        rows = item.tocsr()
        return (np.array(rows.shape), rows.indptr, rows.indices, rows.data)
    return (item,)
