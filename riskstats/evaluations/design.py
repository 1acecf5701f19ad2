"""Designs of factors: coded columns, how full and how balanced they are, which cells are missing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, Integers, quoted
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, frame
from riskstats.tail.inputs import Labels, labelled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Design", "coded_factors", "design_matrix"]

MOST_NAMED = 1000  # missing cells that are listed
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Design(Result):
    """Which combinations of factor levels were observed, and their coded columns.

    Attributes
    ----------
    levels : {factor: its levels in order}, the first is the reference.
    matrix : (n, p) one 0/1 column for each level but the first. columns : their (factor, level).
    n_cells, n_observed : combinations that exist, and that occur.
    smallest, largest : rows of a cell that occurs.
    missing : combinations that do not occur, at most 1000 of them, each in the order of the factors.
    orthogonal : whether every two factors are crossed in proportion, so that main effects do not mix.
    confounded : columns that are determined by those before them; their effects cannot be told apart.
    """

    levels: dict[str, tuple[str, ...]]
    matrix: Floats = field(repr=False)
    columns: tuple[tuple[str, str], ...]
    n_cells: int
    n_observed: int
    smallest: int
    largest: int
    missing: tuple[tuple[str, ...], ...]
    orthogonal: bool
    confounded: tuple[tuple[str, str], ...]

    @property
    def full(self) -> bool:
        """Whether every combination occurs."""
        return self.n_observed == self.n_cells

    @property
    def balanced(self) -> bool:
        """Whether every combination that occurs has the same number of rows."""
        return self.smallest == self.largest

    def summary(self) -> str:
        """The kind of design, its factors, what is missing and what cannot be told apart."""
        kind = "full factorial" if self.full else f"{self.n_observed} of {self.n_cells} cells"
        even = "balanced" if self.balanced else f"{self.smallest} to {self.largest} rows a cell"
        mixed = "main effects do not mix" if self.orthogonal else "main effects are correlated"
        lines = [f"Design: {kind}, {even}; {mixed}."]
        lines += [f"  {name}: {', '.join(levels)}" for name, levels in self.levels.items()]
        if self.missing:
            count = self.n_cells - self.n_observed
            shown = "; ".join(" x ".join(cell) for cell in self.missing[:5])
            lines.append(f"  {count} missing: {shown}{'; ...' if count > 5 else ''}")
        if self.confounded:
            lines.append(f"  confounded: {', '.join(f'{name}={level}' for name, level in self.confounded)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame of the coded columns; needs the extra `frames`."""
        names = [f"{name}={level}" for name, level in self.columns]
        return frame([dict(zip(names, row, strict=True)) for row in self.matrix.tolist()])


def design_matrix(factors: Any, *, order: Mapping[str, Sequence[Any]] | None = None) -> Design:
    """The design that labels of several factors make.

    Parameters
    ----------
    factors : {factor: (n,) labels}, or a frame with a column per factor.
    order : {factor: its levels in order}; others are sorted. The first level is the reference. It may name
        levels that do not occur: they make missing cells.

    `InvalidInput`: no factor, missing labels, a factor with one level, an order that lacks a level.
    """
    coded = coded_factors(factors, order)
    codes = np.column_stack([labels.codes for labels in coded.values()])
    sizes = [len(labels.names) for labels in coded.values()]
    seen, counts = np.unique(np.ravel_multi_index(tuple(codes.T), tuple(sizes)), return_counts=True)
    columns, matrix = _dummies(coded)
    return Design(
        levels={name: labels.names for name, labels in coded.items()},
        matrix=matrix,
        columns=columns,
        n_cells=math.prod(sizes),
        n_observed=len(seen),
        smallest=int(counts.min()),
        largest=int(counts.max()),
        missing=_missing([labels.names for labels in coded.values()], set(seen.tolist())),
        orthogonal=_orthogonal(codes, sizes),
        confounded=tuple(columns[j] for j in dependent_columns(matrix - matrix.mean(axis=0))),
    )


def coded_factors(factors: Any, order: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Labels]:
    """{factor: labels}, levels in the given order or sorted."""
    if not isinstance(factors, Mapping) and not hasattr(factors, "columns"):
        raise InvalidInput(f"`factors` must be {{factor: labels}} or a frame; got {type(factors).__name__}.")
    columns = factors if isinstance(factors, Mapping) else {name: factors[name] for name in factors.columns}
    if len(columns) == 0:
        raise InvalidInput("`factors` is empty; name at least one factor.")
    n = len(next(iter(columns.values())))
    coded = labelled(dict(columns), n, "factors")
    unknown = set(order or {}) - set(coded)
    if unknown:
        raise InvalidInput(f"`order` names {quoted(sorted(unknown))}, which are no factors.")
    coded = {
        name: _ordered(name, labels, order[name]) if order and name in order else labels
        for name, labels in coded.items()
    }
    single = [name for name, labels in coded.items() if len(labels.names) < 2]
    if single:
        raise InvalidInput(f"factor {single[0]!r} has one level, {coded[single[0]].names[0]!r}. Drop it.")
    return coded


def _ordered(name: str, labels: Labels, order: Sequence[Any]) -> Labels:
    wanted = tuple(map(str, order))
    lacking = [level for level in labels.names if level not in wanted]
    if lacking or len(set(wanted)) < len(wanted):
        what = f"lacks {quoted(lacking)}" if lacking else "repeats a level"
        raise InvalidInput(f"`order` of factor {name!r} {what}. Name every level once.")
    places = np.array([wanted.index(level) for level in labels.names])
    return Labels(wanted, places[labels.codes])


def _dummies(coded: Mapping[str, Labels]) -> tuple[tuple[tuple[str, str], ...], Floats]:
    columns = [(name, level) for name, labels in coded.items() for level in labels.names[1:]]
    parts = [
        (labels.codes[:, np.newaxis] == np.arange(1, len(labels.names))).astype(np.float64)
        for labels in coded.values()
    ]
    return tuple(columns), np.hstack(parts)


def _missing(levels: Sequence[Sequence[str]], seen: set[int]) -> tuple[tuple[str, ...], ...]:
    """Combinations that do not occur, the last factor running fastest."""
    absent = (cell for place, cell in enumerate(itertools.product(*levels)) if place not in seen)
    return tuple(itertools.islice(absent, MOST_NAMED))


def _orthogonal(codes: Integers, sizes: Sequence[int]) -> bool:
    """Whether `n_ij = n_i n_j / n` for every two factors."""
    n = len(codes)
    for a, b in itertools.combinations(range(len(sizes)), 2):
        table = np.bincount(codes[:, a] * sizes[b] + codes[:, b], minlength=sizes[a] * sizes[b])
        table = table.reshape(sizes[a], sizes[b])
        if (table * n != np.outer(table.sum(axis=1), table.sum(axis=0))).any():
            return False
    return True


def dependent_columns(matrix: Floats) -> list[int]:
    """Columns that are combinations of those before them, by Gram and Schmidt with a second pass."""
    basis = np.empty((len(matrix), 0))
    dependent = []
    for j, column in enumerate(matrix.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size <= ROUNDING * max(float(np.linalg.norm(column)), 1.0):
            dependent.append(j)
        else:
            basis = np.column_stack([basis, rest / size])
    return dependent
