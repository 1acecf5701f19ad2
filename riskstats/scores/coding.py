"""A coding: the rules that turn the columns of a table into the features of a score card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from riskstats._validation import Table, as_table, missing, no_missing, quoted
from riskstats.exceptions import InvalidInput
from riskstats.scores.rules import Equals, Missing, Rule, Value, number_text

__all__ = ["Coding", "ColumnCoding", "raw_coding"]


@dataclass(frozen=True)
class ColumnCoding:
    """The rules of one column, and what its values may be.

    Attributes
    ----------
    column : name of the column.
    kind : "numeric" or "categorical".
    rules : the features made of this column; none for a column that is constant in training.
    unit : printed after the edges.
    missing : whether missing values are accepted.
    special_values : codes that are no measurements; those without an `Equals` rule are refused by `check`.
    categories : the categories with a rule of their own, or the one that serves as the baseline.
    other : whether categories outside `categories` are accepted.
    value_range : smallest and largest ordinary number in training, for a numeric column that has one.
    """

    column: str
    kind: str
    rules: tuple[Rule, ...]
    unit: str = ""
    missing: bool = False
    special_values: tuple[str | float, ...] = ()
    categories: tuple[str, ...] = ()
    other: bool = False
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("column", "unit"):
            self._require(name, isinstance(getattr(self, name), str))
        for name in ("missing", "other"):
            self._require(name, isinstance(getattr(self, name), bool))
        for name, wanted in (("rules", Rule), ("special_values", str | int | float), ("categories", str)):
            items = getattr(self, name)
            self._require(name, isinstance(items, tuple) and all(isinstance(item, wanted) for item in items))
        self._require("kind", self.kind in ("numeric", "categorical"))
        self._require("value_range", self.value_range is None or _rising_pair(self.value_range))
        strangers = [rule for rule in self.rules if rule.column != self.column]
        if strangers:
            raise InvalidInput(
                f"the coding of column '{self.column}' holds a foreign rule: {strangers[0]!r}."
            )
        self._check_missing_rules()

    def _require(self, name: str, valid: bool) -> None:
        if not valid:
            raise InvalidInput(
                f"the coding of column {self.column!r} cannot have {name}={getattr(self, name)!r}."
            )

    def _check_missing_rules(self) -> None:
        has_rule = any(isinstance(rule, Missing) for rule in self.rules)
        if self.rules and has_rule != self.missing:
            raise InvalidInput(
                f"column '{self.column}' accepts missing values if and only if a rule is on them."
            )
        for rule in self.rules:
            if isinstance(rule, Value) and rule.zero_if_missing != self.missing:
                raise InvalidInput(
                    f"'{rule.label}' must count missing values as 0 if and only if a rule is on them."
                )

    def check(self, values: np.ndarray, first_row: int = 0) -> None:
        """Raise `InvalidInput` for a value that no rule is about: missing, unseen, or of the wrong kind.

        The message names the column and the first row, counted from ``first_row``.
        A column without rules is not read, so nothing in it is wrong.
        """
        if not self.rules:
            return
        absent = missing(values)
        self._check_kind(values, absent, first_row)
        if absent.any() and not self.missing:
            raise self._refused(
                absent,
                first_row,
                "missing values (NaN)",
                "but no row of the training table misses it. Fill it in, or fit with such rows",
            )
        if self.kind == "numeric":
            self._check_codes(values, first_row)
        else:
            self._check_categories(values, first_row)

    def evaluate(self, values: np.ndarray, first_row: int = 0) -> np.ndarray:
        """Check the values, then return the features, shape (n, number of rules), float64."""
        self.check(values, first_row)
        features = np.empty((len(values), len(self.rules)), order="F")
        for position, rule in enumerate(self.rules):
            features[:, position] = rule.evaluate(values)
        return features

    def _check_kind(self, values: np.ndarray, absent: np.ndarray, first_row: int) -> None:
        text = values.dtype == object
        if absent.all() or text == (self.kind == "categorical"):
            return
        row = int((~absent).argmax())
        got = f"text {values[row]!r}" if text else f"number {number_text(values[row])}"
        wanted = "numbers" if text else "text categories"
        raise InvalidInput(
            f"column '{self.column}' held {wanted} in training; got {got} at row {first_row + row}. "
            f"Pass it as {wanted}."
        )

    def _check_codes(self, values: np.ndarray, first_row: int) -> None:
        known = {rule.value for rule in self.rules if isinstance(rule, Equals)}
        for code in self.special_values:
            found = values == code
            if code not in known and np.any(found):
                raise self._refused(
                    found,
                    first_row,
                    f"the special code {number_text(float(code))}",
                    "but training rows did not, so it has no points. Make it missing, or fit with such rows",
                )

    def _check_categories(self, values: np.ndarray, first_row: int) -> None:
        """Refuse categories without a rule; "other" takes them, special codes apart."""
        unseen = {value for value in set(values.tolist()) if isinstance(value, str)} - set(self.categories)
        unseen &= set(self.special_values) if self.other else unseen
        if not unseen:
            return
        met = np.fromiter((value in unseen for value in values.tolist()), dtype=bool, count=len(values))
        raise self._refused(
            met,
            first_row,
            f"the category {values[int(met.argmax())]!r}",
            f"but training had only {quoted(self.categories)}. Use one of these, or fit with such rows",
        )

    def _refused(self, met: np.ndarray, first_row: int, what: str, why: str) -> InvalidInput:
        more = int(met.sum()) - 1
        where = f"row {first_row + int(met.argmax())}"
        where += f" (and {more} more row{'s' * (more > 1)})" if more else ""
        return InvalidInput(f"column '{self.column}' has {what} at {where}, {why}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` restores an equal coding."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {**plain, "rules": [rule.to_dict() for rule in self.rules]}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ColumnCoding:
        """Restore a coding from `to_dict`. Raises `InvalidInput` for missing, unknown or wrong fields."""
        expected = [field.name for field in fields(ColumnCoding)]
        if not isinstance(data, Mapping) or set(data) != set(expected):
            got = ", ".join(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
            raise InvalidInput(f"the coding of a column needs the fields {', '.join(expected)}; got {got}.")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        rules = data["rules"] if isinstance(data["rules"], list) else [data["rules"]]
        return ColumnCoding(**{**values, "rules": tuple(map(Rule.from_dict, rules))})


def _rising_pair(ends: object) -> bool:
    return (
        isinstance(ends, tuple)
        and len(ends) == 2
        and all(isinstance(end, int | float) for end in ends)
        and -math.inf < ends[0] <= ends[1] < math.inf
    )


@dataclass(frozen=True)
class Coding:
    """The codings of all columns of a training table, in its order."""

    columns: tuple[ColumnCoding, ...]

    def __post_init__(self) -> None:
        names = self.input_names
        if not names or len(set(names)) < len(names):
            raise InvalidInput(
                f"a coding needs one or more different columns; got {quoted(names) or 'none'}."
            )

    @property
    def input_names(self) -> tuple[str, ...]:
        """The columns of the training table."""
        return tuple(column.column for column in self.columns)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all columns, one per feature."""
        return tuple(rule for column in self.columns for rule in column.rules)

    @property
    def constant(self) -> tuple[str, ...]:
        """Columns that give no feature: constant in training, or nearly so."""
        return tuple(column.column for column in self.columns if not column.rules)

    def column(self, name: str) -> ColumnCoding:
        """Return the coding of one column."""
        for column in self.columns:
            if column.column == name:
                return column
        raise InvalidInput(f"no column '{name}' in the coding; it has {quoted(self.input_names)}.")

    def transform(self, table: Table, first_row: int = 0) -> np.ndarray:
        """Return the features of a table, shape (n, number of rules), float64.

        Columns are found by name; those without rules may be absent. Every column used is checked: raises
        `InvalidInput` as `ColumnCoding.check` does, with rows counted from ``first_row``.
        """
        table = as_table(table)
        used = [column for column in self.columns if column.rules]
        features = np.empty((table.n_rows, sum(len(column.rules) for column in used)))
        start = 0
        columns = table.select(column.column for column in used).columns
        for column, values in zip(used, columns, strict=True):
            features[:, start : start + len(column.rules)] = column.evaluate(values, first_row)
            start += len(column.rules)
        return features

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` restores an equal coding."""
        return {"columns": [column.to_dict() for column in self.columns]}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Coding:
        """Restore a coding from `to_dict`."""
        if not isinstance(data, Mapping) or not isinstance(data.get("columns"), list) or len(data) > 1:
            raise InvalidInput("a coding must be a mapping with the one field 'columns', a list.")
        return Coding(tuple(ColumnCoding.from_dict(column) for column in data["columns"]))


def raw_coding(table: Table) -> Coding:
    """Return the coding without bins: one `Value` rule per column.

    Raises `InvalidInput` for text and for missing values, which have no number.
    """
    table = as_table(table)
    no_missing(table, remedy="Pass `binning=Binning()`: missing becomes a bin of its own.")
    table.values()
    return Coding(
        tuple(
            ColumnCoding(
                name, "numeric", (Value(name),), value_range=(float(values.min()), float(values.max()))
            )
            for name, values in zip(table.names, table.columns, strict=True)
        )
    )
