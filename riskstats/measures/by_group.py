"""A measure within each group of units."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._validation import Floats, quoted, same_length, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.measures.base import RiskMeasure, evaluated

__all__ = ["checked_measure", "checked_pair", "contrasted", "measure_by_group"]


def measure_by_group(
    losses: Any, groups: Any, measure: RiskMeasure, *, sample_weight: Any = None
) -> dict[Any, float | Floats]:
    """{label: the measure of that group's units}, in sorted order of labels.

    losses : (n,), or (m, n) for an array (m,) per group. groups : (n,) labels, none missing. A group whose
    weights are all zero does not exist.
    """
    array = np.asarray(losses)
    if array.ndim not in (1, 2) or array.size == 0:
        raise InvalidInput(f"`losses` must have shape (n,) or (m, n), not empty; got {array.shape}.")
    labels, codes = _labels(groups)
    same_length(losses=array[0] if array.ndim == 2 else array, groups=codes)
    weights = None if sample_weight is None else sample_weights(sample_weight, len(codes))
    result = {}
    for code, label in enumerate(labels):
        member = codes == code
        if weights is None:
            result[label] = evaluated(measure, array[..., member])
        elif weights[member].any():
            result[label] = evaluated(measure, array[..., member], weights[member])
    return result


def _labels(groups: Any) -> tuple[list[Any], np.ndarray]:
    array = np.asarray(groups)
    if array.ndim != 1:
        raise InvalidInput(f"`groups` must be one label per unit; got shape {array.shape}.")
    absent = np.array([label is None or label != label for label in array.tolist()], dtype=bool)
    if absent.any():
        raise InvalidInput(
            f"`groups` has {int(absent.sum())} missing labels, first at row {int(absent.argmax())}. "
            "Name a group for units of unknown group."
        )
    try:
        labels, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise InvalidInput("`groups` mixes labels that have no order. Make every label text.") from None
    return labels.tolist(), codes


def contrasted(values: dict[Any, float | Floats], between: tuple[Any, Any] | None) -> tuple[Any, Any]:
    """The two risks to compare: those of the named groups, else the largest and the smallest of all."""
    if between is None:
        if len(values) < 2:
            raise InvalidInput(f"`groups` has one group ({quoted(values)}); a comparison needs two.")
        table = np.array(list(values.values()))
        return table.max(axis=0), table.min(axis=0)
    for label in between:
        if label not in values:
            raise InvalidInput(f"`between` names the group {label!r}; the groups are {quoted(values)}.")
    return values[between[0]], values[between[1]]


def checked_pair(between: Any) -> tuple[Any, Any] | None:
    """`between` as a pair of different labels, or None."""
    if between is None:
        return None
    if isinstance(between, str) or len(between) != 2 or between[0] == between[1]:
        raise InvalidInput(f"`between` must be two different group labels; got {between!r}.")
    return (between[0], between[1])


def checked_measure(measure: Any) -> RiskMeasure:
    """A risk measure, not its name or its class."""
    if not isinstance(measure, RiskMeasure):
        raise InvalidInput(f"`measure` must be a risk measure such as CVaR(0.9); got {measure!r}.")
    return measure
