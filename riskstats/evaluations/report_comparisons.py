"""Comparisons of a report: all pairs of models on the prompts that both have, for each outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.evaluations.clustering import clusters_of_items
from riskstats.evaluations.paired import PairedComparison, paired_comparison
from riskstats.evaluations.report_rows import Cell, item_codes, units_of
from riskstats.evaluations.table import OutcomeTable

__all__ = ["compared"]

BEST, WORST = " at best", " at worst"
EXTREMES = (
    "Missing losses stand at both ends: of every two models each stands at its best against the other at its "
    "worst. They are told apart whatever is missing only if both lines tell them apart, with opposite signs"
)


def compared(
    tables: Mapping[str, OutcomeTable],
    cells: Mapping[str, Cell],
    *,
    confidence_level: float,
    multiplicity: str | None,
    resamples: int,
    seed: int,
) -> PairedComparison:
    """All pairs of models in one outcome.

    Epochs, judges and places of a trace are averaged for each prompt, or prompt and condition; units are
    clusters of these. tables : {"all": table}, or {"best": ..., "worst": ...}. cells : by model.
    """
    rows = np.concatenate([cell.rows for cell in cells.values()])
    parts = {case: table.take(rows) for case, table in tables.items()}
    first = next(iter(parts.values()))
    items, at = item_codes(first, "model", "epoch", "judge", "turn", "chunk", "dimension", "stage")
    models = np.repeat(np.arange(len(cells)), [len(cell.rows) for cell in cells.values()])
    given = [_means(models, items, part["loss"]) for part in parts.values()]
    names = list(cells) if len(given) == 1 else [f"{m}{end}" for end in (BEST, WORST) for m in cells]
    weights = first["weight"][at]
    found = paired_comparison(
        np.vstack(given),
        names=names,
        cluster=clusters_of_items(units_of(first), items, np.arange(len(at)), "prompt"),
        sample_weight=None if (weights == weights[0]).all() else weights,
        on="pairwise",
        multiplicity=multiplicity,  # type: ignore[arg-type]
        pairs=None if len(given) == 1 else _opposite(list(cells)),
        confidence_level=confidence_level,
        resamples=max(resamples, math.ceil(2.0 / (1.0 - confidence_level))),
        random_state=seed,
    )
    return found if len(given) == 1 else _extremes(found, tuple(cells))


def _means(models: Integers, items: Integers, losses: Floats) -> Floats:
    """(models, items) mean losses, NaN where a model has none."""
    m, n = int(models.max()) + 1, int(items.max()) + 1
    cells = models * n + items
    counts = np.bincount(cells, minlength=m * n)
    sums = np.bincount(cells, losses, m * n)
    means = np.divide(sums, counts, out=np.full(m * n, np.nan), where=counts > 0)
    return np.clip(means, 0.0, 1.0).reshape(m, n)


def _opposite(models: list[str]) -> list[tuple[str, str]]:
    """Of every two models, each at its best with the other at its worst."""
    both = ((each, other) for one, two in combinations(models, 2) for each, other in ((one, two), (two, one)))
    return [(f"{one}{BEST}", f"{other}{WORST}") for one, other in both]


def _extremes(found: PairedComparison, models: tuple[str, ...]) -> PairedComparison:
    """The comparisons as those of the models, and which of these are told apart whatever is missing."""
    signs = {
        (pair.first.removesuffix(BEST), pair.second.removesuffix(WORST)): pair.difference > 0
        for pair in found.separated
    }
    sure = [f"{one} - {two}" for one, two in combinations(models, 2) if _opposed(signs, one, two)]
    told = f"{EXTREMES}: {', '.join(sure) if sure else 'none'}."
    return replace(found, names=models, notes=(told, *found.notes))


def _opposed(signs: Mapping[tuple[str, str], bool], one: str, two: str) -> bool:
    return (one, two) in signs and (two, one) in signs and signs[one, two] != signs[two, one]
