"""Which totals a row can have at all, so that the card can name those that training never showed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from riskstats.scores._types import IntArray
from riskstats.scores.coding import ColumnCoding
from riskstats.scores.rules import AtLeast, Between, Equals, Rule, Value

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = ["possible_totals"]

_LONGEST = 10_000  # more distinct totals than this are not listed


def possible_totals(card: ScoreCard) -> IntArray | None:
    """Return the sums of one possible number of points per column, rising; None if they cannot be listed."""
    totals = {0}
    for column in card.columns:
        points = _column_points(card, column)
        if points is None or len(totals) * len(points) > 100 * _LONGEST:
            return None
        totals = {total + more for total in totals for more in points}
        if len(totals) > _LONGEST:
            return None
    return np.array(sorted(totals), dtype=np.int64)


def _column_points(card: ScoreCard, column: ColumnCoding) -> set[int] | None:
    """Return the points that one column can give, trying a value of every cell its rules tell apart."""
    lines = [(rule, points) for rule, points in card.lines if rule.column == column.column]
    rules = [rule for rule, _ in lines]
    text = column.kind == "categorical"
    values = _categories(column) if text else _numbers(column, rules, card.whole)
    if values is None:
        return None
    given = sum((points * rule.evaluate(values) for rule, points in lines), np.zeros(len(values)))
    return {round(points) for points in given.tolist()}


def _categories(column: ColumnCoding) -> np.ndarray:
    known = list(column.categories)
    unseen = ["".join(known) + "?"] if column.other else []
    absent = [None] if column.missing else []
    return np.array([*known, *unseen, *absent], dtype=object)


def _numbers(column: ColumnCoding, rules: Sequence[Rule], whole: bool) -> np.ndarray | None:
    absent = [math.nan] if column.missing else []
    codes = [float(code) for code in column.special_values]
    if not any(isinstance(rule, Value) for rule in rules):
        return np.array([*_cells(_edges(rules)), *codes, *absent])
    if column.value_range is None or not whole:
        return None
    low, high = column.value_range
    return None if high - low > _LONGEST else np.array([*np.arange(low, high + 1), *codes, *absent])


def _edges(rules: Iterable[Rule]) -> set[float]:
    edges: set[float | None] = set()
    for rule in rules:
        match rule:
            case AtLeast():
                edges.add(rule.edge)
            case Between():
                edges |= {rule.low, rule.high}
            case Equals(value=float() as value):
                edges |= {value, math.nextafter(value, math.inf)}
    return {edge for edge in edges if edge is not None}


def _cells(edges: set[float]) -> list[float]:
    """Return every edge, and one value below the lowest."""
    below = math.nextafter(min(edges), -math.inf) if edges else 0.0
    return [below, *sorted(edges)]
