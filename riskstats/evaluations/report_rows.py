"""The rows of a report: one fixed order, whatever the order of the table, cut by outcome and model.

An outcome is a dimension at a stage. Rows of one prompt, or of one cluster where the table names clusters,
are one unit: epochs, judges and conditions do not add units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.evaluations.factor import Codes, Factor, dense, joint_codes
from riskstats.evaluations.rate_methods import binary_losses
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_checks import codes_of
from riskstats.evaluations.table_columns import Column, Places
from riskstats.evaluations.taxonomy import Taxonomy, category_shares
from riskstats.exceptions import InvalidInput

__all__ = [
    "UNMAPPED",
    "Cell",
    "Labels",
    "cells_of",
    "complete_prompts",
    "in_order",
    "item_codes",
    "labels_of",
    "units_of",
    "worst_places",
]

UNMAPPED = "(unmapped)"
NO_NAME = "loss"  # an outcome without a dimension and a stage
_FIRST = ("dimension", "stage", "model", "prompt_id", "epoch", "judge")
_PLACES = ("turn", "chunk")


@dataclass(frozen=True, eq=False)
class Cell:
    """The rows of one model and one outcome.

    Attributes
    ----------
    outcome, model : names. rows : (n,) positions in the table. table : these rows.
    units : (n,) codes of what was sampled independently; None where every row is a unit.
    weights : (n,) numbers >= 0; None where they do not differ.
    """

    outcome: str
    model: str
    rows: Integers
    table: OutcomeTable
    units: Codes | None
    weights: Floats | None

    @property
    def losses(self) -> Floats:
        """(n,) losses in [0, 1]."""
        return self.table["loss"]

    @property
    def binary(self) -> bool:
        """Whether every loss is 0 or 1."""
        return binary_losses(self.losses)


def in_order(table: OutcomeTable) -> OutcomeTable:
    """The same rows by outcome, model and prompt, the words of every column in the order of the alphabet."""
    columns = {name: _sorted_words(table.columns[name]) for name in sorted(table.columns)}
    sorted_ = OutcomeTable(columns, tuple(sorted(table.conditions)), Places(table.places.label))
    names = [name for name in (*_FIRST, *sorted_.conditions, *_PLACES) if name in columns]
    codes, _ = joint_codes([codes_of(sorted_, name) for name in names], len(sorted_))
    return sorted_.take(np.argsort(codes, kind="stable"))


def _sorted_words(column: Column) -> Column:
    """A column of text with its words sorted; levels with an order of their own keep it."""
    if not isinstance(column, Factor) or column.ordered:
        return column
    words = sorted(column.words)
    places = {word: place for place, word in enumerate(words)}
    return Factor(tuple(words), np.array([places[word] for word in column.words])[column.codes])


def cells_of(table: OutcomeTable) -> dict[str, dict[str, Cell]]:
    """{outcome: {model: its rows}} of a table in order."""
    names = ("dimension", "stage", "model")
    codes, _ = joint_codes([codes_of(table, name) for name in names], len(table))
    starts = np.flatnonzero(np.append(True, np.diff(codes) != 0))
    units = units_of(table)
    found: dict[str, dict[str, Cell]] = {}
    for start, end in zip(starts, np.append(starts[1:], len(table)), strict=True):
        rows = np.arange(start, end)
        own = table.take(rows)
        model, outcome = own.models[0], _outcome(own)
        weights = own["weight"]
        cell = Cell(
            outcome,
            model,
            rows,
            own,
            _differing(units[rows]),
            None if (weights == weights[0]).all() else weights,
        )
        found.setdefault(outcome, {})[model] = cell
    return found


def _outcome(table: OutcomeTable) -> str:
    return ", ".join(filter(None, (table.dimensions[0], table.stages[0]))) or NO_NAME


def units_of(table: OutcomeTable) -> Codes:
    """(n,) codes of the cluster of each row, or of its prompt where no cluster is named."""
    prompts, clusters = table.factor("prompt_id"), table.factor("cluster")
    alone = clusters.mask([""])
    return np.where(alone, len(clusters.words) + prompts.codes, clusters.codes)


def _differing(codes: Codes) -> Codes | None:
    found, size = dense(codes)
    return None if size == len(codes) else found


def item_codes(table: OutcomeTable, *without: str) -> tuple[Codes, Integers]:
    """(dense codes of the key of each row but for some columns, the first row of each code)."""
    names = [n for n in (*_FIRST, *table.conditions, *_PLACES) if n in table.columns and n not in without]
    codes, _ = dense(joint_codes([codes_of(table, name) for name in names], len(table))[0])
    return codes, np.unique(codes, return_index=True)[1]


# Categories


class Labels(NamedTuple):
    """The categories of rows; a row with several categories is there once for each.

    rows : (k,) positions in the table. names : (k,) nodes.
    """

    rows: Integers
    names: np.ndarray

    def of(self, cell: Cell) -> tuple[Integers, np.ndarray]:
        """(positions within the rows of the cell, their nodes)."""
        first, last = int(cell.rows[0]), int(cell.rows[-1])
        own = (self.rows >= first) & (self.rows <= last)
        return self.rows[own] - first, self.names[own]


def labels_of(table: OutcomeTable, taxonomy: Taxonomy | None, level: int, unmapped: str) -> Labels | None:
    """The nodes of every row, seen from a level of a taxonomy; None where there are no categories.

    `InvalidInput`: a category that is in no root, unless `unmapped` is "keep".
    """
    factor = table.factor("category")
    if factor.words == ("",):
        return None
    tree = taxonomy or Taxonomy.of_paths([word for word in factor.words if word])
    nodes = _nodes(factor, tree, level, unmapped)
    counts = np.array([len(own) for own in nodes])[factor.codes]
    rows = np.repeat(np.arange(len(table)), counts)
    if counts.max() == 1:
        return Labels(rows, np.array([own[0] for own in nodes])[factor.codes])
    names = [name for code in factor.codes.tolist() for name in nodes[code]]
    return Labels(rows, np.array(names))


def _nodes(factor: Factor, tree: Taxonomy, level: int, unmapped: str) -> list[list[str]]:
    """The nodes of each word of a column of categories."""
    at = {node: place for place, node in enumerate(tree.nodes)}
    entry = np.zeros((len(at), len(factor.words)))
    loose = np.zeros(len(factor.words), dtype=bool)
    for place, word in enumerate(factor.words):
        for path, share in (category_shares(word) or {"": 1.0}).items():
            if path in at:
                entry[at[path], place] += share
            elif unmapped == "keep" or not path:
                loose[place] = True
            else:
                raise InvalidInput(
                    f"category `{path}` is in no root of the taxonomy ({int(factor.mask([word]).sum())} "
                    "rows); pass `unmapped='keep'` to show them."
                )
    mass = tree.flow(entry, level)[0] > 0
    names = np.array(tree.nodes)
    return [
        [*names[mass[:, place]].tolist(), *([UNMAPPED] if loose[place] else [])]
        for place in range(len(factor.words))
    ]


# Complete prompts


def worst_places(table: OutcomeTable) -> OutcomeTable:
    """One row for each trace, with the loss of its worst place; a table without traces as it is."""
    if not any(name in table.columns for name in _PLACES):
        return table
    codes, first = item_codes(table, *_PLACES)
    worst = np.zeros(len(first))
    np.maximum.at(worst, codes, table["loss"])
    left = table.take(first)
    columns = {name: column for name, column in left.columns.items() if name not in _PLACES}
    return OutcomeTable({**columns, "loss": worst}, left.conditions, left.places)


def complete_prompts(table: OutcomeTable) -> tuple[OutcomeTable, int]:
    """(the prompts with a loss in every dimension, epoch and judge; how many others a model has).

    `InvalidInput` where a model has no such prompt.
    """
    known = table.take(~np.isnan(table["loss"]))
    whole = len(table.dimensions) * len(table.epochs) * len(table.judges)
    models, prompts = known.factor("model"), known.factor("prompt_id")
    cells = models.codes * len(prompts.words) + prompts.codes
    kept = np.bincount(cells)[cells] == whole
    lost = set(table.models) - set(known.take(kept).models if kept.any() else ())
    if lost:
        raise InvalidInput(
            f"model '{min(lost)}' has no prompt with a loss in all of {len(table.dimensions)} dimensions, "
            f"{len(table.epochs)} epochs and {len(table.judges)} judges. Score every prompt alike, or "
            "`select` what is complete."
        )
    left = known.take(kept) if not kept.all() else known
    before = len(np.unique(_pairs(table)))
    return left, before - len(np.unique(_pairs(left)))


def _pairs(table: OutcomeTable) -> Codes:
    models, prompts = table.factor("model"), table.factor("prompt_id")
    return models.codes * len(prompts.words) + prompts.codes
