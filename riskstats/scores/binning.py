"""Binning: how the columns of a table become rules that a person can check by hand."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np

from riskstats._validation import (
    Table,
    as_table,
    choice,
    missing,
    number,
    quoted,
    sample_weights,
    whole_number,
)
from riskstats.exceptions import InvalidInput
from riskstats.results import plain
from riskstats.scores.coding import Coding, ColumnCoding, raw_coding
from riskstats.scores.cuts import DECIMALS, SLACK, profile, quantile_cuts, readable_edges, tree_cuts
from riskstats.scores.rules import AtLeast, Between, Equals, Missing, Other, Rule, Value, number_text

__all__ = ["Binning", "Coding", "ColumnCoding", "raw_coding"]

LARGEST_POINT_VALUE = 10  # whole numbers up to this size are used as they are
WORDS = {
    "method": ("quantile", "tree"),
    "coding": ("threshold", "interval"),
    "missing": ("own_bin", "always", "refuse"),
}


@dataclass(frozen=True)
class Binning:
    """How columns become features of a score card.

    Numeric columns are cut at readable edges; the number that is printed is the number that is used.
    Columns of whole numbers from -10 to 10, 0/1 among them, are used as they are, unless `edges` names them.
    Text columns give one feature per category. Missing values and special codes are bins of their own.

    Parameters
    ----------
    max_bins : most bins of a numeric column, missing values and special codes apart; at least 2.
    min_share : least share of the table's weight in a bin, from 0 to 0.5; a rarer category joins "other".
    method : "quantile", bins of equal weight; "tree", the splits that lower the log loss of the target most.
    edges : edges to use as they are: `{column: [45, 60]}` has bins below 45, from 45 to below 60, from 60.
    coding : "threshold", one feature ``value >= edge`` per edge, so that points add up as the value grows;
        "interval", one feature ``low <= value < high`` per bin.
    special_values : codes that are no measurements, `{column: [-9, 999]}`; text for text columns.
    units : printed after the edges, `{column: "mg/dL"}`.
    missing : "own_bin", a bin in every column where training rows are missing, and an error elsewhere in
        scoring; "always", a bin in every column and for every special code; "refuse", an error in training.
    max_categories : most categories of a text column with a feature of their own; the rest joins "other".
    edge_tolerance : share of weight, from 0 to 0.5, that an edge may move past to become a rounder number;
        a "tree" edge moves only where that costs at most this share of its gain, or 0.0001 nats. With 0
        every training row stays in its bin.
    """

    max_bins: int = 5
    min_share: float = 0.05
    method: str = "quantile"
    edges: Mapping[str, Sequence[float]] = field(default_factory=dict)
    coding: str = "threshold"
    special_values: Mapping[str, Sequence[str | float]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    missing: str = "own_bin"
    max_categories: int = 20
    edge_tolerance: float = 0.01

    def __post_init__(self) -> None:
        for name, words in WORDS.items():
            choice(getattr(self, name), words, name)
        whole_number(self.max_bins, "max_bins", low=2)
        whole_number(self.max_categories, "max_categories", low=1)
        for name in ("min_share", "edge_tolerance"):
            _share(getattr(self, name), name)
        for name, read in (("edges", _edges), ("special_values", _special), ("units", _unit)):
            object.__setattr__(self, name, _by_column(getattr(self, name), name, read))

    def fit(
        self, table: Table, y: np.ndarray | None = None, sample_weight: np.ndarray | None = None
    ) -> Coding:
        """Return the coding of a table.

        Parameters
        ----------
        table : `Table` or anything `as_table` reads, n rows.
        y : 0/1, shape (n,); needed by method "tree" only.
        sample_weight : shape (n,), default 1. A weight equals repetition; rows of weight 0 are left out.

        Raises `InvalidInput` for a column in `edges`, `special_values` or `units` that the table lacks or
        that is of the wrong kind, and for missing values with `missing="refuse"`.
        """
        table = as_table(table)
        self._require_columns(table)
        weight = sample_weights(sample_weight, table.n_rows)
        positive = self._target(y, table.n_rows)
        if not weight.all():
            kept = weight > 0
            table, weight, positive = table.take(kept), weight[kept], positive[kept]
        return Coding(
            tuple(
                self._fit_text(name, values, weight)
                if values.dtype == object
                else self._fit_numbers(name, values, positive, weight)
                for name, values in zip(table.names, table.columns, strict=True)
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return plain({item.name: getattr(self, item.name) for item in fields(self)})

    def _require_columns(self, table: Table) -> None:
        for parameter in ("edges", "special_values", "units"):
            for name in getattr(self, parameter):
                if name not in table.names:
                    raise _unknown_column(name, parameter, table.names)

    def _target(self, y: np.ndarray | None, n_rows: int) -> np.ndarray:
        if y is None and self.method == "tree":
            raise InvalidInput("`method='tree'` needs the target; got y=None. Pass y, or method 'quantile'.")
        positive = np.zeros(n_rows) if y is None else np.asarray(y, dtype=np.float64)
        if positive.shape != (n_rows,) or not np.isin(positive, (0.0, 1.0)).all():
            raise InvalidInput(f"y must hold 0 or 1 for each of {n_rows} rows; got shape {positive.shape}.")
        return positive

    # text

    def _fit_text(self, name: str, values: np.ndarray, weight: np.ndarray) -> ColumnCoding:
        codes = self._text_codes(name)
        absent = missing(values)
        self._refuse_missing(name, absent)
        distinct, inverse = np.unique(values[~absent].astype(str), return_inverse=True)
        shares = (np.bincount(inverse, weight[~absent], len(distinct)) / weight.sum()).round(DECIMALS)
        by_name = dict(zip(distinct.tolist(), shares.tolist(), strict=True))
        kept = self._kept_categories(by_name, codes)
        other = any(category not in kept for category in by_name)
        missing_rules = self._missing_rules(name, absent)
        rules = _category_rules(name, kept, by_name, other, bool(missing_rules))
        if len(by_name) + bool(absent.any()) < 2:
            rules, missing_rules = [], []
        return ColumnCoding(
            name,
            "categorical",
            (*rules, *missing_rules),
            missing=bool(missing_rules),
            special_values=codes,
            categories=tuple(kept),
            other=other,
        )

    def _kept_categories(self, shares: Mapping[str, float], codes: Sequence[str]) -> list[str]:
        """Return the categories with a bin of their own: every special one, and the most frequent."""
        special = [code for code in codes if code in shares or self.missing == "always"]
        ordinary = [name for name in shares if name not in codes and shares[name] >= self.min_share - SLACK]
        frequent = sorted(ordinary, key=lambda name: (-shares[name], name))
        return sorted([*special, *frequent[: self.max_categories]])

    def _text_codes(self, name: str) -> tuple[str, ...]:
        if name in self.edges:
            raise InvalidInput(f"`edges` names column '{name}', which holds text. Edges need numbers.")
        codes = self.special_values.get(name, ())
        if not all(isinstance(code, str) for code in codes):
            raise InvalidInput(
                f"`special_values` of column '{name}', which holds text, are not: {list(codes)}."
            )
        return tuple(str(code) for code in codes)

    # numbers

    def _fit_numbers(
        self, name: str, values: np.ndarray, positive: np.ndarray, weight: np.ndarray
    ) -> ColumnCoding:
        codes = self._number_codes(name)
        absent = missing(values)
        self._refuse_missing(name, absent)
        ordinary = ~absent & ~np.isin(values, codes)
        missing_rules = self._missing_rules(name, absent)
        numbers = values[ordinary]
        seen = [code for code in codes if np.any(values == code)]
        rules = self._number_rules(
            name,
            numbers,
            positive[ordinary],
            weight[ordinary] / weight.sum(),
            codes,
            bool(missing_rules),
        )
        code_rules = [Equals(name, code) for code in (codes if self.missing == "always" else seen)]
        if not rules and len(seen) + bool(absent.any()) + bool(len(numbers)) < 2:
            code_rules, missing_rules = [], []
        return ColumnCoding(
            name,
            "numeric",
            (*rules, *code_rules, *missing_rules),
            unit=self.units.get(name, ""),
            missing=bool(missing_rules),
            special_values=codes,
            value_range=(float(numbers.min()), float(numbers.max())) if len(numbers) else None,
        )

    def _number_rules(
        self,
        name: str,
        numbers: np.ndarray,
        positive: np.ndarray,
        share: np.ndarray,
        codes: tuple[float, ...],
        accepts_missing: bool,
    ) -> list[Rule]:
        unit = self.units.get(name, "")
        if name in self.edges:
            return self._edge_rules(name, self.edges[name], unit, codes)
        if not len(numbers) or numbers.min() == numbers.max():
            return []
        if _small_integers(numbers):
            return [Value(name, unit, zero_if_missing=accepts_missing, special=codes)]
        column = profile(numbers, positive, share)
        search = tree_cuts if self.method == "tree" else quantile_cuts
        cuts = search(column, self.max_bins, self.min_share, self.edge_tolerance)
        return self._edge_rules(name, readable_edges(column, cuts, self.min_share), unit, codes)

    def _edge_rules(
        self, name: str, edges: Sequence[float], unit: str, codes: tuple[float, ...]
    ) -> list[Rule]:
        if self.coding == "threshold" or not len(edges):
            return [AtLeast(name, edge, unit, codes) for edge in edges]
        ends = [None, *edges, None]
        return [Between(name, low, high, unit, codes) for low, high in pairwise(ends)]

    def _number_codes(self, name: str) -> tuple[float, ...]:
        codes = self.special_values.get(name, ())
        if any(isinstance(code, str) for code in codes):
            raise InvalidInput(
                f"`special_values` of column '{name}', which holds numbers, are not: {list(codes)}."
            )
        return tuple(float(code) for code in codes)

    # missing values

    def _refuse_missing(self, name: str, absent: np.ndarray) -> None:
        if self.missing == "refuse" and absent.any():
            raise InvalidInput(
                f"column '{name}' misses {int(absent.sum())} values, first at row {int(absent.argmax())}. "
                "Fill them in, or pass `missing='own_bin'`: missing becomes a bin of its own."
            )

    def _missing_rules(self, name: str, absent: np.ndarray) -> list[Rule]:
        return [Missing(name)] if self.missing == "always" or absent.any() else []


def _category_rules(
    name: str, kept: list[str], shares: Mapping[str, float], other: bool, accepts_missing: bool
) -> list[Rule]:
    """Return one rule per bin; of two bins that mirror each other only the simpler or rarer one."""
    if len(kept) + other == 2 and not accepts_missing:
        kept = kept if other else [min(kept, key=lambda category: (shares.get(category, 0.0), category))]
        return [Equals(name, kept[0])]
    if not kept:
        return []
    return [*(Equals(name, category) for category in kept), *([Other(name, tuple(kept))] if other else [])]


def _small_integers(numbers: np.ndarray) -> bool:
    return bool((np.abs(numbers) <= LARGEST_POINT_VALUE).all() and (numbers == np.round(numbers)).all())


# the gate


def _unknown_column(name: str, parameter: str, known: Sequence[str]) -> InvalidInput:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {quoted(near)}?" if near else f"The columns are {quoted(known)}."
    return InvalidInput(f"`{parameter}` names column '{name}', which the table lacks. {hint}")


def _share(value: object, name: str) -> None:
    if not 0 <= number(value, name) <= 0.5:
        raise InvalidInput(f"`{name}` must be a share from 0 to 0.5; got {value!r}.")


def _by_column(mapping: object, name: str, read: Callable[[object, str], Any]) -> dict[str, Any]:
    if not isinstance(mapping, Mapping) or not all(isinstance(column, str) for column in mapping):
        raise InvalidInput(f"`{name}` must map column names to their values; got {mapping!r}.")
    return {column: read(value, column) for column, value in mapping.items()}


def _edges(edges: object, column: str) -> tuple[float, ...]:
    numbers = [number(edge, f"edges[{column!r}]") + 0.0 for edge in _sequence(edges, "edges", column)]
    if not numbers or any(low >= high for low, high in pairwise(numbers)):
        shown = ", ".join(map(number_text, numbers))
        raise InvalidInput(f"`edges` of column '{column}' must be one or more rising numbers; got [{shown}].")
    return tuple(numbers)


def _special(codes: object, column: str) -> tuple[str | float, ...]:
    listed = _sequence(codes, "special_values", column)
    what = f"special_values[{column!r}]"
    return tuple(
        dict.fromkeys(code if isinstance(code, str) else number(code, what) + 0.0 for code in listed)
    )


def _unit(unit: object, column: str) -> str:
    if not isinstance(unit, str):
        raise InvalidInput(f"`units` of column '{column}' must be text; got {unit!r}.")
    return unit


def _sequence(values: object, name: str, column: str) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInput(f"`{name}` of column '{column}' must be a list; got {values!r}.")
    return list(values)
