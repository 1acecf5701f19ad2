"""Rows made ready for a fit: repeated rows joined, columns centred where an intercept takes up the shift.

A row with weight 2 and the same row twice are one problem, to the last bit of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats

__all__ = ["Prepared", "prepared"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """X less `shift`, the target less `level`, weights of sum 1."""

    X: Floats
    target: Floats
    weight: Floats
    shift: Floats
    level: float

    def coefficients(self, theta: Floats) -> tuple[Floats, float]:
        """(slopes, intercept) for rows as they came, from theta with the centred intercept last or absent."""
        slopes = theta[: self.X.shape[1]]
        centred = float(theta[-1]) if len(theta) > len(slopes) else 0.0
        return slopes.copy(), centred + self.level - float(slopes @ self.shift)

    def theta(self, slopes: Floats, intercept: float) -> Floats:
        """The inverse of `coefficients`, with an intercept."""
        return np.append(slopes, intercept - self.level + float(slopes @ self.shift))


def prepared(
    X: Floats, target: Floats, weight: Floats, *, intercept: bool, labels: bool, joined: bool
) -> Prepared:
    """Rows of positive weight, joined where asked; a target of labels is not centred."""
    keep = weight > 0
    if not keep.all():
        X, target, weight = X[keep], target[keep], weight[keep]
    if joined:
        X, target, weight = _joined(X, target, weight)
    weight = weight / weight.sum()
    if not intercept:
        return Prepared(X, target, weight, np.zeros(X.shape[1]), 0.0)
    shift = weight @ X
    level = 0.0 if labels else float(weight @ target)
    return Prepared(X - shift, target - level, weight, shift, level)


def _joined(X: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """One row for every group of equal rows, in an order that does not depend on theirs."""
    key = np.array(target)
    for column in range(X.shape[1]):
        key += X[:, column] * np.cos(1.0 + column)
    order = np.lexsort((target, key))
    rows, values = X[order], target[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | (rows[1:] != rows[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    return rows[starts], values[starts], np.add.reduceat(weight[order], starts)
