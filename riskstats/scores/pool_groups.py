"""Which cards of a pool give every row the same risk: cards that differ on paper alone."""

from __future__ import annotations

import numpy as np

from riskstats.scores._types import FloatArray, IntArray

__all__ = ["equal_predictions"]

_SAME = 1e-9
"""Logits equal to this, relative where they are above 1, are the same prediction."""


def equal_predictions(design: FloatArray, coefficients: IntArray, scales: FloatArray) -> IntArray:
    """Return the number of each card's group, (cards,), counted in the order in which groups first occur.

    Cards are in one group when their logits agree on every row of `design`, shape (rows, 1 + features).
    Cards are sorted by one fixed random combination of their logits, where equal cards are neighbours, and
    neighbours are compared row by row.
    """
    mix = np.random.default_rng(0).standard_normal(len(design)) / np.sqrt(len(design))
    points = coefficients.astype(np.float64)
    keys = scales * (points @ (mix @ design))
    sizes = scales * (np.abs(points) @ (np.abs(mix) @ np.abs(design)))
    group = np.full(len(points), -1)
    heads: list[np.intp] = []
    for card in np.argsort(keys, kind="stable"):
        heads = [head for head in heads if keys[card] - keys[head] <= _SAME * (1.0 + sizes[card])]
        same = (head for head in heads if _same(design, points, scales, card, head))
        group[card] = group[head] if (head := next(same, None)) is not None else card
        if group[card] == card:
            heads.append(card)
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member.reshape(-1)].astype(np.int64)


def _same(
    design: FloatArray, points: FloatArray, scales: FloatArray, first: np.intp, second: np.intp
) -> bool:
    one, other = (scales[card] * (design @ points[card]) for card in (first, second))
    return bool(np.all(np.abs(one - other) <= _SAME * np.maximum(1.0, np.abs(one))))
