"""Losses of several models on prompts, with the prompts that each pair has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskstats._samples import candidate_names
from riskstats._validation import Floats, choice
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import Labels, inside, label_codes
from riskstats.tail.pairing import paired

__all__ = ["PairedLosses", "paired_losses"]


class PairedLosses(NamedTuple):
    """Models on prompts.

    losses : (m, n) in [0, 1], NaN where a model lacks a prompt. names : of the models. weights, cluster : one
    per prompt as given, or None. labels : the category of each prompt, or None. dropped : prompts left out.
    """

    losses: Floats
    names: tuple[str, ...]
    weights: Any
    cluster: Any
    labels: Labels | None
    dropped: int


def paired_losses(
    losses: Any, names: Sequence[Any] | None, on: str | None, weights: Any, cluster: Any, category: Any
) -> PairedLosses:
    """The gate of a comparison; `on` is None, "intersection" or "pairwise"."""
    if on is not None:
        choice(on, ("intersection", "pairwise"), "on")
    if on == "pairwise":
        matrix, known, weights, cluster, category = _pairwise(losses, names, weights, cluster, category)
        dropped = 0
    else:
        given = paired(losses, names, on, weights, cluster, "paired_comparison")
        matrix, known, weights, cluster, dropped = given
        category = paired(losses, names, on, None, category).cluster
    seen = np.isfinite(matrix)
    inside(matrix[seen], (0.0, 1.0), "losses")
    labels = None if category is None else label_codes(category, matrix.shape[1], "category")
    return PairedLosses(matrix, known, weights, cluster, labels, dropped)


def _pairwise(losses: Any, names: Any, *columns: Any) -> tuple[Any, ...]:
    """Every prompt that some model has; a missing loss is NaN."""
    keyed = isinstance(losses, Mapping) and all(hasattr(each, "items") for each in losses.values())
    if not keyed:
        matrix = np.asarray(losses, dtype=np.float64)
        if matrix.ndim != 2 or len(matrix) < 2:
            raise InvalidInput(
                "`losses` must hold two models or more, of shape (models, prompts), NaN where a model lacks "
                f"a prompt, or be {{model: {{prompt: loss}}}}; got shape {matrix.shape}."
            )
        _some_losses(matrix)
        return matrix, candidate_names(names, None, len(matrix)), *columns
    models = {str(name): dict(each.items()) for name, each in losses.items()}
    prompts = list(dict.fromkeys(prompt for each in models.values() for prompt in each))
    rows = [[each.get(prompt, np.nan) for prompt in prompts] for each in models.values()]
    matrix = np.array(rows, dtype=np.float64).reshape(len(models), len(prompts))
    if len(models) < 2:
        raise InvalidInput(f"`losses` must hold two models or more; got {len(models)}.")
    _some_losses(matrix)
    told = ("sample_weight", "cluster", "category")
    looked_up = (_by_prompt(column, prompts, name) for column, name in zip(columns, told, strict=True))
    return matrix, candidate_names(names, tuple(models), len(models)), *looked_up


def _some_losses(matrix: Floats) -> None:
    if np.isinf(matrix).any():
        raise InvalidInput("`losses` has an infinite loss. Losses lie in [0, 1]; a missing one is NaN.")
    if not np.isfinite(matrix).any():
        raise InvalidInput("`losses` has no loss at all: every value is NaN. Pass graded losses.")


def _by_prompt(column: Any, prompts: list[Any], name: str) -> Any:
    if column is None:
        return None
    if not hasattr(column, "items"):
        raise InvalidInput(f"`{name}` must be {{prompt: value}} with on='pairwise' and losses by prompt.")
    known = dict(column.items())
    absent = [prompt for prompt in prompts if prompt not in known]
    if absent:
        raise InvalidInput(f"`{name}` lacks {len(absent)} prompts, first {absent[0]!r}. Give each a value.")
    return np.array([known[prompt] for prompt in prompts])
