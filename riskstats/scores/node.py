"""Nodes of the search: a box of integers with a role for every column, and how a node is split."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskstats.scores._types import BoolArray, FloatArray, IntArray
from riskstats.scores.compression import ScoreData
from riskstats.scores.problem import IntegerScoreProblem

__all__ = ["FREE", "IN", "INTERCEPT", "OUT", "Node", "Split", "children", "choose_split"]

OUT, FREE, IN, INTERCEPT = 0, 1, 2, 3
"""Roles: fixed at 0; 0 allowed, counted when used; 0 excluded and counted; the intercept, never counted."""

_SCALE_FIRST = 0.7
_WIDE_INTERCEPT = 64.0
"""Width in logits from which the intercept is split before any feature: a wide range makes every line a
poor bound."""


@dataclass(frozen=True)
class Node:
    """The cards with lower <= b <= upper whose columns keep to their roles, at the scales of an interval.

    `bound` is inherited, `point` starts the relaxation, `data` holds the rows merged over the columns
    `active`.
    """

    lower: FloatArray
    upper: FloatArray
    role: NDArray[np.int8]
    scales: tuple[float, float]
    bound: float
    point: FloatArray
    data: ScoreData
    active: IntArray
    parent: int = -1
    branch: int = 0

    @property
    def free(self) -> BoolArray:
        """Columns that may be used or not."""
        return self.role == FREE

    @property
    def required(self) -> int:
        """Number of columns that are nonzero for certain."""
        return int(np.count_nonzero(self.role == IN))

    def over(self, data: ScoreData, active: IntArray) -> Node:
        """Return the same node on other rows and columns."""
        return replace(self, data=data, active=active)

    @property
    def single(self) -> bool:
        """Whether one card is left (at possibly many scales)."""
        return bool(np.all(self.lower == self.upper))


@dataclass(frozen=True)
class Split:
    """How a node is split: "feature" into 0 / positive / negative, "integer" at <= value, "scale" at
    value."""

    kind: str
    column: int = -1
    value: float = 0.0


def settled(
    node: Node, lower: FloatArray, upper: FloatArray, role: NDArray[np.int8], max_features: int
) -> Node | None:
    """Return the node with new boxes and roles brought into agreement, or None if no card is left.

    A free column whose box is {0} is out; when no slot is left every free column is out; 0 is cut off the
    ends of a column that must be used.
    """
    lower, upper, role = lower.copy(), upper.copy(), role.copy()
    inside = role == IN
    lower[inside & (lower == 0)] = 1
    upper[inside & (upper == 0)] = -1
    required = np.count_nonzero(inside)
    if required > max_features or np.any(lower > upper):
        return None
    out = (role == FREE) & ((lower >= upper) | (required == max_features))
    role[out], lower[out], upper[out] = OUT, 0.0, 0.0
    return replace(node, lower=lower, upper=upper, role=role)


def choose_split(problem: IntegerScoreProblem, node: Node, point: FloatArray) -> Split:
    """Return the split for a node whose relaxation ended at `point` (in logits)."""
    first, last = node.scales
    middle = float(np.sqrt(first * last))
    if (node.upper[0] - node.lower[0]) * middle > _WIDE_INTERCEPT:
        return Split("integer", 0, _far_side(node, point[0] / middle))
    if node.free.any():
        pull = np.where(node.free, np.abs(point) * problem.spread, -1.0)
        if pull.max() <= 1e-9:
            pull = np.where(node.free, (node.upper - node.lower) * problem.spread, -1.0)
        return Split("feature", int(np.argmax(pull)))
    width = (node.upper - node.lower) * problem.magnitude
    if last > first:
        scores = problem.design @ point
        spread = float(np.sqrt(problem.weight @ (scores - problem.weight @ scores) ** 2))
        if node.single or (last - first) / middle * spread > _SCALE_FIRST * width.max() * middle:
            return Split("scale", value=middle)
    integers = point / middle
    if last == first:
        off = np.abs(integers - np.round(integers)) * problem.magnitude
        off[node.lower == node.upper] = -1.0
        if off.max() > 1e-6:
            column = int(np.argmax(off))
            return Split(
                "integer", column, _inner_floor(integers[column], node.lower[column], node.upper[column])
            )
    column = int(np.argmax(width))
    return Split("integer", column, _inner_floor(integers[column], node.lower[column], node.upper[column]))


def _far_side(node: Node, center: float) -> float:
    """Return where to split a wide range of intercepts: an eighth of its width beyond `center`, on the
    longer side."""
    low, high = node.lower[0], node.upper[0]
    step = (high - low) / 8.0
    value = center + step if high - center > center - low else center - step
    return _inner_floor(value, low, high)


def _inner_floor(value: float, low: float, high: float) -> float:
    """Return floor(value) moved so that both v <= floor and v > floor are possible."""
    return float(np.clip(np.floor(value), low, high - 1))


def children(node: Node, split: Split, max_features: int) -> list[Node]:
    """Return the children of a split that can hold a card; `branch` tells which piece each is."""
    pieces: list[Node | None] = []
    if split.kind == "scale":
        first, last = node.scales
        pieces = [replace(node, scales=(first, split.value)), replace(node, scales=(split.value, last))]
    elif split.kind == "integer":
        pieces = [
            _narrowed(node, split.column, node.lower[split.column], split.value, None, max_features),
            _narrowed(node, split.column, split.value + 1, node.upper[split.column], None, max_features),
        ]
    else:
        low, high = node.lower[split.column], node.upper[split.column]
        pieces = [
            _narrowed(node, split.column, 0.0, 0.0, OUT, max_features),
            _narrowed(node, split.column, max(low, 1.0), high, IN, max_features),
            _narrowed(node, split.column, low, min(high, -1.0), IN, max_features),
        ]
    return [replace(piece, branch=branch) for branch, piece in enumerate(pieces) if piece is not None]


def _narrowed(
    node: Node, column: int, low: float, high: float, role: int | None, max_features: int
) -> Node | None:
    lower, upper, roles = node.lower.copy(), node.upper.copy(), node.role.copy()
    lower[column], upper[column] = low, high
    if role is not None:
        roles[column] = role
    return settled(node, lower, upper, roles, max_features)
