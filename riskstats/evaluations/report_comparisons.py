"""Comparisons of a report: all pairs of models on the prompts that both have, for each outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.evaluations.clustering import clusters_of_items
from riskstats.evaluations.paired import PairedComparison, paired_comparison
from riskstats.evaluations.report_rows import Cell, item_codes, units_of
from riskstats.evaluations.table import OutcomeTable

__all__ = ["compared"]

BEST, WORST = " at best", " at worst"
EXTREMES = (
    "Missing losses stand at both ends: pairs are of a model at its best and another at its worst. A pair is "
    "told apart whatever is missing only if both of its lines have one sign."
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
        confidence_level=confidence_level,
        resamples=max(resamples, math.ceil(2.0 / (1.0 - confidence_level))),
        random_state=seed,
    )
    return found if len(given) == 1 else _extremes(found)


def _means(models: Integers, items: Integers, losses: Floats) -> Floats:
    """(models, items) mean losses, NaN where a model has none."""
    m, n = int(models.max()) + 1, int(items.max()) + 1
    cells = models * n + items
    counts = np.bincount(cells, minlength=m * n)
    sums = np.bincount(cells, losses, m * n)
    means = np.divide(sums, counts, out=np.full(m * n, np.nan), where=counts > 0)
    return np.clip(means, 0.0, 1.0).reshape(m, n)


def _extremes(found: PairedComparison) -> PairedComparison:
    """The pairs of different models at opposite ends."""
    kept = tuple(
        pair
        for pair in found.pairs
        if pair.first.endswith(BEST)
        and pair.second.endswith(WORST)
        and pair.first.removesuffix(BEST) != pair.second.removesuffix(WORST)
    )
    return replace(found, pairs=kept, notes=(EXTREMES, *found.notes))
