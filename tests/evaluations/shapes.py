"""Outcomes in the shapes of published benchmarks: crossed columns and planted chances, no content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from riskstats.evaluations.factor import Factor
from riskstats.evaluations.roll_up import roll_up
from riskstats.evaluations.table import OutcomeTable

Codes = dict[str, np.ndarray]


def names(word: str, n: int) -> list[str]:
    """n names that sort in their order."""
    return [f"{word}{i:0{len(str(n - 1))}}" for i in range(n)]


def crossed(**levels: Sequence[Any]) -> tuple[dict[str, Any], Codes]:
    """(columns of a full crossing, the code of every row by column), the last column running fastest."""
    at = np.indices([len(words) for words in levels.values()]).reshape(len(levels), -1)
    codes = dict(zip(levels, at, strict=True))
    columns = {
        name: Factor(tuple(words), codes[name]) if isinstance(words[0], str) else np.array(words)[codes[name]]
        for name, words in levels.items()
    }
    return columns, codes


def of_prompts(words: Iterable[str], prompts: np.ndarray) -> Factor:
    """A column that is known by prompt: the word of prompt 0, 1, ..., for every row."""
    factor = Factor.of(list(words))
    return Factor(factor.words, factor.codes[prompts])


def shares(counts: Sequence[int], word: str) -> list[str]:
    """Names of groups with these numbers of members, one after the other."""
    return [name for name, n in zip(names(word, len(counts)), counts, strict=True) for _ in range(n)]


def sizes(total: int, groups: int) -> list[int]:
    """`groups` numbers that differ by at most one and sum to `total`."""
    return [total // groups + (i < total % groups) for i in range(groups)]


def tree(total: int, *tiers: int) -> list[str]:
    """Paths of `total` items in a tree with these numbers of nodes per tier, as even as they go."""
    found = []
    for leaf, n in enumerate(sizes(total, tiers[-1])):
        nodes = [leaf]
        for below, above in zip(tiers[::-1], tiers[-2::-1], strict=False):
            nodes.append(nodes[-1] * above // below)
        path = "/".join(f"t{depth}-{node}" for depth, node in enumerate(reversed(nodes)))
        found += [path] * n
    return found


def flips(seed: int, chance: Any, n: int | None = None) -> np.ndarray:
    """Losses 0 or 1 with these chances."""
    size = len(chance) if n is None else n
    return (np.random.default_rng(seed).random(size) < chance).astype(np.float64)


def table_of(columns: dict[str, Any], *conditions: str, **orders: Sequence[str]) -> OutcomeTable:
    """A checked table."""
    return OutcomeTable.of(columns, conditions=conditions, orders=orders)


def conserved(table: OutcomeTable, taxonomy: Any = None, **options: Any) -> Any:
    """The roll-up, after a look at its sums: every level holds all outcomes and all losses."""
    found = roll_up(table, taxonomy, **options)
    for level in sorted({rate.level for rate in found.rates}):
        rates = found.at(level)
        np.testing.assert_allclose(sum(rate.n for rate in rates), len(table))
        np.testing.assert_allclose(sum(rate.loss for rate in rates), np.nansum(table.loss))
    return found


def holds(rate: Any, truth: float) -> bool:
    """Whether a planted rate lies between the limits."""
    return bool(rate.lower <= truth <= rate.upper)
