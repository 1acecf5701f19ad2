"""Rates and counts per node of a taxonomy: every outcome counts once at each level, however labelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, choice, whole_number
from riskstats.evaluations.factor import Factor
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.taxonomy import Taxonomy, category_shares
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UNMAPPED", "NodeRate", "RollUp", "roll_up"]

UNMAPPED = "(unmapped)"
"""The node of outcomes whose category is in no root of the taxonomy."""


@dataclass(frozen=True)
class NodeRate(Result):
    """The outcomes of a model at a node, seen from one level.

    Attributes
    ----------
    level, node, model : where and whose; with `level` L, outcomes stand at nodes of at most level L.
    n : outcomes, where one of several categories counts by its share.
    missing : those of them without a loss.
    loss : sum of the losses, each by its share. With 0-1 losses that is the number of harmful outcomes.
    rate : mean loss of those that have one, weighted by the weights of the table; None where none has.
    rate_best, rate_worst : the mean loss with every missing one at 0, and at 1.
    approximate : share of n that came through an edge which is only close, or narrow.
    """

    level: int
    node: str
    model: str
    n: float
    missing: float
    loss: float
    rate: float | None
    rate_best: float | None
    rate_worst: float | None
    approximate: float


@dataclass(frozen=True)
class RollUp(Result):
    """Rates and counts per node and level. At each level the n of a model sum to the number of its outcomes.

    Attributes
    ----------
    taxonomy : name of the view.
    n : outcomes.
    mapped, unmapped : shares of the outcomes whose categories are in the taxonomy, and not.
    rates : one `NodeRate` per level, node and model, levels first.
    """

    taxonomy: str
    n: int
    mapped: float
    unmapped: float
    rates: tuple[NodeRate, ...]

    def at(self, level: int) -> tuple[NodeRate, ...]:
        """The rates seen from one level, such as 1 for the roots."""
        return tuple(rate for rate in self.rates if rate.level == level)

    def summary(self) -> str:
        """Mapped and unmapped shares, then a line per node of every level."""
        view = self.taxonomy or "taxonomy"
        head = f"{self.n} outcomes by {view}: {self.mapped:.1%} mapped, {self.unmapped:.1%} not"
        lines = [
            f"  level {rate.level}  {rate.node}{f' ({rate.model})' if rate.model else ''}: {_told(rate)}"
            for rate in self.rates
        ]
        return "\n".join([head, *lines])

    def to_frame(self) -> pd.DataFrame:
        """A row per level, node and model."""
        return frame([rate.to_dict() for rate in self.rates])


def _told(rate: NodeRate) -> str:
    missing = f", {rate.missing:.6g} without a loss" if rate.missing and rate.rate is not None else ""
    loose = f", {rate.approximate:.0%} by approximate matches" if rate.approximate else ""
    mean = "" if rate.rate is None else f"rate {rate.rate:.4g} of "
    return f"{mean}n {rate.n:.6g}{', none with a loss' if rate.rate is None else missing}{loose}"


class _Sums(NamedTuple):
    """Outcomes, missing, loss, weighted loss, weights: one number per category and model, then per node."""

    n: Floats
    missing: Floats
    loss: Floats
    weighted: Floats
    weight: Floats
    weight_missing: Floats


def roll_up(
    outcomes: OutcomeTable | Iterable[str],
    taxonomy: Taxonomy | Mapping[str, Taxonomy] | None = None,
    *,
    level: int | None = None,
    unmapped: str = "raise",
) -> Any:
    """Rates and counts per node of a taxonomy.

    Parameters
    ----------
    outcomes : a table with a column of categories, or the categories alone, which gives counts.
    taxonomy : None is the tree that paths "L1/L2" spell; {view: taxonomy} gives several views of the items.
    level : only this level, 1 for the roots; None is every one.
    unmapped : "raise" where a category is in no root of the taxonomy, or "keep" it at a node of its own.

    Returns
    -------
    RollUp, or {view: RollUp}.

    Raises
    ------
    InvalidInput : a category that is not in the taxonomy, a level that it does not have.
    """
    choice(unmapped, ("raise", "keep"), "unmapped")
    if isinstance(taxonomy, Mapping):
        return {
            view: roll_up(outcomes, own, level=level, unmapped=unmapped) for view, own in taxonomy.items()
        }
    table = outcomes if isinstance(outcomes, OutcomeTable) else _counted(outcomes)
    categories = table.factor("category")
    tree = taxonomy or Taxonomy.of_paths([word for word in categories.words if word] or [UNMAPPED])
    entry = _entry(categories, tree, unmapped)
    if level is not None:
        whole_number(level, "level", low=1, high=tree.depth)
    entered = np.stack([entry @ part for part in _sums(table, categories)], axis=1)
    levels = range(1, tree.depth + 1) if level is None else [level]
    rates = [rate for each in levels for rate in _rates(table, tree, entered, each)]
    lost = float(entered[-1, 0].sum() / len(table))
    return RollUp(tree.name, len(table), 1.0 - lost, lost, tuple(rates))


def _counted(categories: Iterable[str]) -> OutcomeTable:
    """Categories as a table whose losses are not known."""
    labels = list(categories)
    ids = [str(i) for i in range(len(labels))]
    return OutcomeTable.of(
        {
            "model": "all",
            "prompt_id": ids,
            "loss": np.full(len(ids), np.nan),
            "status": "ungraded",
            "category": labels,
        }
    )


def _entry(categories: Factor, tree: Taxonomy, unmapped: str) -> Any:
    """(nodes + 1, categories) sparse: the share of every cell at the nodes where it enters, unmapped last."""
    from scipy.sparse import coo_array

    at = {node: position for position, node in enumerate(tree.nodes)}
    nodes, cells, shares = [], [], []
    for cell, word in enumerate(categories.words):
        for path, share in (category_shares(word) or {"": 1.0}).items():
            if path not in at and unmapped == "raise":
                raise _unknown(path, categories)
            nodes.append(at.get(path, len(at)))
            cells.append(cell)
            shares.append(share)
    return coo_array((shares, (nodes, cells)), shape=(len(at) + 1, len(categories.words))).tocsr()


def _unknown(path: str, categories: Factor) -> InvalidInput:
    words = [word for word in categories.words if path in (category_shares(word) or {"": 1.0})]
    rows = int(categories.mask(words).sum())
    what = f"category `{path}` is in no root of the taxonomy" if path else "there is no `category`"
    return InvalidInput(f"{what} ({rows} rows); pass `unmapped='keep'` to show them.")


def _sums(table: OutcomeTable, categories: Factor) -> _Sums:
    models = table.factor("model")
    shape = (len(categories.words), len(models.words))
    cells = categories.codes * shape[1] + models.codes
    loss, weight = table["loss"], table["weight"]
    absent = np.isnan(loss)
    known = np.where(absent, 0.0, loss)

    def total(values: Floats) -> Floats:
        summed = np.bincount(cells, weights=values, minlength=shape[0] * shape[1])
        return np.asarray(summed, dtype=np.float64).reshape(shape)

    seen = np.where(absent, 0.0, weight)
    return _Sums(
        n=total(np.ones(len(table))),
        missing=total(absent.astype(float)),
        loss=total(known),
        weighted=total(known * weight),
        weight=total(seen),
        weight_missing=total(weight - seen),
    )


def _rates(table: OutcomeTable, tree: Taxonomy, entered: Floats, level: int) -> Iterable[NodeRate]:
    """The rates seen from one level, without nodes that have no outcomes, from (nodes + 1, sums, models)."""
    mass, loose = tree.flow(entered[:-1], level)
    placed = [*zip(tree.nodes, mass, loose[:, 0], strict=True), (UNMAPPED, entered[-1], 0.0 * entered[-1, 0])]
    for node, sums, approximate in placed:
        for column, model in enumerate(table.models):
            at = _Sums(*sums[:, column].tolist())
            if float(at.n) > 0:
                yield _rate(level, node, model, at, float(approximate[column]))


def _rate(level: int, node: str, model: str, at: Any, approximate: float) -> NodeRate:
    whole = at.weight + at.weight_missing
    return NodeRate(
        level=level,
        node=node,
        model=model,
        n=at.n,
        missing=at.missing,
        loss=at.loss,
        rate=at.weighted / at.weight if at.weight > 0 else None,
        rate_best=at.weighted / whole if whole > 0 else None,
        rate_worst=(at.weighted + at.weight_missing) / whole if whole > 0 else None,
        approximate=approximate / at.n,
    )
