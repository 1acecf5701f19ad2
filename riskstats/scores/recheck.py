"""What a proof shows about a card on coded data: its own numbers, and the bound that the tree proves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.recheck_bounds import Sample
from riskstats.scores.recheck_tree import Check, Statement, Tree, walk

__all__ = ["Recheck", "recheck"]

_SAME = 1e-12


@dataclass(frozen=True)
class Recheck:
    """What a proof shows about a card on the coded data.

    Attributes
    ----------
    objective, loss : of the card, in nats, recomputed.
    lower_bound : proven for every card of the problem; `-inf` where the tree has a hole.
    records : number of records in the tree.
    checks : (name, passed, detail) each.
    """

    objective: float
    loss: float
    lower_bound: float
    records: int
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool:
        """Whether no check failed."""
        return all(check.passed is not False for check in self.checks)


def recheck(
    header: Mapping[str, Any],
    arrays: Mapping[str, Any],
    rows: FloatArray,
    positive: FloatArray,
    negative: FloatArray,
    coefficients: IntArray,
    scale: float,
) -> Recheck:
    """Check header and arrays of a proof on coded rows (n, d) with the weight of each class at each row.

    `coefficients` start with the intercept; `scale` is 1/m. Raises `CertificateError` for a damaged proof.
    """
    columns = np.shape(rows)[1]
    statement, sample = Statement.read(header, columns), _merged(rows, positive, negative)
    tree = Tree.read(arrays, columns)
    coefficients = np.asarray(coefficients)
    loss = sample.loss(coefficients, scale)
    objective = loss + statement.penalty * int(np.count_nonzero(coefficients[1:]))
    stated = [_admitted(statement, coefficients, scale), _intercept(header, statement, sample)]
    bound, checks = walk(statement, sample, tree, objective)
    return Recheck(objective, loss, bound, len(tree), (*stated, *checks))


def _merged(rows: FloatArray, positive: FloatArray, negative: FloatArray) -> Sample:
    """Return the sample with equal rows merged and rows without weight left out."""
    kept = (positive + negative) > 0
    design = np.column_stack([np.ones(int(kept.sum())), np.asarray(rows, dtype=np.float64)[kept]]) + 0.0
    keys = np.ascontiguousarray(design).view(np.dtype((np.void, design.shape[1] * design.itemsize))).ravel()
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    a, c = (np.bincount(member.ravel(), side[kept], len(first)) for side in (positive, negative))
    return Sample.of(design[first, 1:], a.astype(np.float64), c.astype(np.float64))


def _admitted(statement: Statement, coefficients: IntArray, scale: float) -> Check:
    """The card is one of the problem's: in the box, few enough features, multiplier in the range."""
    name = "the card belongs to the problem"
    first, last = statement.scales
    used = int(np.count_nonzero(coefficients[1:]))
    faults = {
        "has coefficients that are not whole": not np.array_equal(coefficients, np.rint(coefficients)),
        "leaves the box": bool(np.any((coefficients < statement.lower) | (coefficients > statement.upper))),
        "uses too many features": used > statement.max_features,
        "has a multiplier out of range": not first * (1 - _SAME) <= scale <= last * (1 + _SAME),
    }
    wrong = [fault for fault, found in faults.items() if found]
    told = f"{used} of at most {statement.max_features} features, multiplier {1 / scale:.6g}"
    return Check(name, not wrong, f"it {' and '.join(wrong)}" if wrong else told)


def _intercept(header: Mapping[str, Any], statement: Statement, sample: Sample) -> Check:
    """If the range of the intercept was not given, an optimal intercept lies in it whatever the points are.

    With S the total of a row without the intercept, the loss is convex in the intercept b; it falls while
    every b + S < m logit(share of positives) and rises once every b + S is above it.
    """
    name, lowest, highest = (
        "the intercept's range holds an optimal intercept",
        statement.lower[0],
        statement.upper[0],
    )
    told = f"{lowest:.0f} to {highest:.0f}"
    if header.get("intercept_range") != "auto":
        return Check(name, True, f"{told} is part of the problem")
    rows, limit = sample.design[:, 1:], statement.max_features
    ends = rows * statement.lower[1:], rows * statement.upper[1:]
    rise, fall = np.maximum(np.maximum(*ends), 0.0), np.minimum(np.minimum(*ends), 0.0)
    most = float(np.sort(rise, axis=1)[:, ::-1][:, :limit].sum(axis=1).max())
    least = float(np.sort(fall, axis=1)[:, :limit].sum(axis=1).min())
    odds = math.log(math.fsum(sample.positive) / math.fsum(sample.negative))
    centre = [odds / scale for scale in statement.scales]
    needed = math.floor(min(centre) - most + 1e-9), math.ceil(max(centre) - least - 1e-9)
    return Check(
        name, bool(lowest <= needed[0] and needed[1] <= highest), f"{told}, needed {needed[0]} to {needed[1]}"
    )
