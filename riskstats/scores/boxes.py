"""From the words of a user to the integer range of every coefficient."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np

from riskstats._validation import integer_range
from riskstats.exceptions import InvalidInput
from riskstats.scores._types import IntArray
from riskstats.scores.coding import Coding
from riskstats.scores.rules import AtLeast, Rule, Value

__all__ = ["coefficient_boxes"]


def coefficient_boxes(
    coding: Coding,
    coefficient_range: tuple[int, int],
    sign: Mapping[str, int] | None,
    feature_ranges: Mapping[str, tuple[int, int]] | None,
) -> tuple[IntArray, IntArray]:
    """Return (lower, upper), one entry per feature of the coding.

    `feature_ranges` goes by column or by the label of a feature, the label first; `sign` by column. A sign
    is about thresholds and plain values; bins of missing values and of special codes keep their range.
    """
    low, high = integer_range(coefficient_range, "coefficient_range")
    rules = coding.rules
    lower, upper = np.full(len(rules), low), np.full(len(rules), high)
    given = _ranges(coding, feature_ranges or {})
    for place, rule in enumerate(rules):
        for name in (rule.column, rule.label):
            if name in given:
                lower[place], upper[place] = given[name]
    for column, direction in _signs(coding, sign or {}).items():
        for place, rule in enumerate(rules):
            if rule.column == column and isinstance(rule, AtLeast | Value):
                lower[place], upper[place] = _cut(
                    column, direction, int(lower[place]), int(upper[place]), given
                )
    return lower, upper


def _ranges(coding: Coding, ranges: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    known = [*coding.input_names, *(rule.label for rule in coding.rules)]
    return {
        _known(name, known, "feature_ranges"): integer_range(box, f"feature_ranges[{name!r}]")
        for name, box in ranges.items()
    }


def _signs(coding: Coding, signs: Mapping[str, int]) -> dict[str, int]:
    for column, direction in signs.items():
        _known(column, coding.input_names, "sign")
        if direction not in (-1, 1) or isinstance(direction, bool):
            raise InvalidInput(f"`sign[{column!r}]` must be +1 or -1; got {direction!r}.")
        unordered = [rule for rule in coding.column(column).rules if not _ordered(rule)]
        if unordered:
            raise InvalidInput(
                f"`sign` needs an ordered column, but '{column}' has the feature "
                f"'{unordered[0].label}'. Bin it with "
                "`coding='threshold'`, or give the feature a range in `feature_ranges`."
            )
    return dict(signs)


def _ordered(rule: Rule) -> bool:
    """Whether a sign makes sense beside this rule: thresholds and values, and bins of codes and missing
    values."""
    return isinstance(rule, AtLeast | Value) or (
        rule.kind in ("missing", "equals") and not isinstance(getattr(rule, "value", 0.0), str)
    )


def _cut(column: str, direction: int, low: int, high: int, given: Mapping[str, object]) -> tuple[int, int]:
    box = (max(low, 0), high) if direction > 0 else (low, min(high, 0))
    if column in given and box == (0, 0) and (low, high) != (0, 0):
        raise InvalidInput(f"'{column}' has sign {direction:+d} but range ({low}, {high}). Keep one of them.")
    return box


def _known(name: str, known: object, parameter: str) -> str:
    names = list(known)  # type: ignore[call-overload]
    if name not in names:
        near = difflib.get_close_matches(str(name), names, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise InvalidInput(f"`{parameter}` names '{name}', which is no column of `X`.{hint}")
    return name
