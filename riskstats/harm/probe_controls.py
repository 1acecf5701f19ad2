"""Control tasks of a probe: the same values, given to other rows, so that the states cannot know them.

Without groups the rows are permuted. With groups, a target that is constant within each keeps that: the
values are permuted among groups, as a control task gives one random answer to all tokens of a word. A target
that varies within groups is moved in whole blocks, so that controls depend within groups as the target does;
one random value per group would be a far noisier task than the target, and the comparison would favour the
target where nothing is encoded. In each case a target that is independent of the states is exchangeable with
its controls (for blocks, where groups are of equal size).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskstats._validation import Integers

__all__ = ["control_orders", "control_word"]


def control_word(values: np.ndarray, blocks: Sequence[np.ndarray] | None) -> str:
    """How controls of these values are made: "rows", "group values" or "blocks"."""
    if blocks is None:
        return "rows"
    constant = all((values[rows] == values[rows[0]]).all() for rows in blocks)
    return "group values" if constant else "blocks"


def control_orders(
    word: str, n: int, blocks: Sequence[np.ndarray] | None, n_controls: int, rng: np.random.Generator
) -> Integers:
    """(n_controls, n) rows from which each control takes its values."""
    if blocks is None:
        return np.array([rng.permutation(n) for _ in range(n_controls)])
    orders = np.empty((n_controls, n), dtype=np.int64)
    target = np.concatenate(blocks)
    for order in orders:
        moved = [blocks[g] for g in rng.permutation(len(blocks))]
        if word == "blocks":
            order[target] = np.concatenate(moved)
        else:
            for rows, source in zip(blocks, moved, strict=True):
                order[rows] = source[0]
    return orders
