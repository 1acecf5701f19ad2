"""Losses of several models at the gate, brought onto the same prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskstats._samples import candidate_names, unique_units
from riskstats._validation import Floats, choice
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import checked_array, matrix_and_names

__all__ = ["Paired", "paired"]

Keyed = dict[str, dict[Any, Any]]


class Paired(NamedTuple):
    """Models on common prompts.

    losses : (m, n). names : m models. weights, cluster : (n,) as given, or None. dropped : prompts that some
    model lacks.
    """

    losses: Floats
    names: tuple[str, ...]
    weights: Any
    cluster: Any
    dropped: int = 0


def paired(
    losses: Any,
    names: Sequence[Any] | None,
    on: str | None,
    weights: Any,
    cluster: Any,
    asker: str = "compare_models",
) -> Paired:
    """Losses (m, n), a frame or dict with a column per model, or {model: {prompt: loss}}; for `asker`."""
    if on is not None:
        choice(on, ("intersection",), "on")
    keyed = _keyed(losses)
    if keyed is not None:
        return _by_prompt(keyed, names, on, weights, cluster, asker)
    if isinstance(losses, Mapping) or hasattr(losses, "columns"):
        unique_units(getattr(losses, "index", None))
        columns, own = matrix_and_names(losses, None, "losses", what="names")
        return Paired(*_several(columns.T, names, own), weights, cluster)
    return Paired(*_several(checked_array(losses, "losses"), names, None), weights, cluster)


def _several(matrix: Floats, names: Any, own: tuple[str, ...] | None) -> tuple[Floats, tuple[str, ...]]:
    if matrix.ndim != 2 or len(matrix) < 2:
        raise InvalidInput(
            "`losses` must hold two models or more, of shape (models, prompts); got shape "
            f"{matrix.shape}. Use `cvar_interval` for a single model."
        )
    return np.ascontiguousarray(matrix), candidate_names(names, own, len(matrix))


def _keyed(losses: Any) -> Keyed | None:
    """{model: {prompt: loss}} where every model names its prompts, by a mapping or a series with an index."""
    if not isinstance(losses, Mapping) or not losses:
        return None
    each = {str(name): _by_key(values) for name, values in losses.items()}
    known = {name: values for name, values in each.items() if values is not None}
    return known if len(known) == len(each) else None


def _by_key(values: Any) -> dict[Any, Any] | None:
    if isinstance(values, Mapping):
        return dict(values)
    if hasattr(values, "index") and hasattr(values, "to_dict"):
        unique_units(values.index)
        return dict(values.to_dict())
    return None


def _by_prompt(keyed: Keyed, names: Any, on: str | None, weights: Any, cluster: Any, asker: str) -> Paired:
    first = next(iter(keyed.values()))
    common = [prompt for prompt in first if all(prompt in other for other in keyed.values())]
    every = set().union(*keyed.values())
    if len(common) < len(every) and (on is None or not common):
        raise InvalidInput(_unpaired(keyed, len(common), asker))
    values = [[losses[prompt] for prompt in common] for losses in keyed.values()]
    matrix, known = _several(checked_array(values, "losses"), names, tuple(keyed))
    return Paired(
        matrix,
        known,
        _aligned(weights, first, common, "sample_weight"),
        _aligned(cluster, first, common, "cluster"),
        len(every) - len(common),
    )


def _unpaired(keyed: Keyed, common: int, asker: str) -> str:
    lacking = (
        (other, name, sum(prompt not in keyed[other] for prompt in prompts))
        for name, prompts in keyed.items()
        for other in keyed
    )
    other, name, count = next(found for found in lacking if found[2])
    remedy = (
        f"Pass `on='intersection'` to use the {common} common ones."
        if common
        else "No prompt is common to all models."
    )
    return f"`{asker}` is paired: model {other} lacks {count} prompts of model {name}. {remedy}"


def _aligned(values: Any, first: dict[Any, Any], common: list[Any], name: str) -> Any:
    """One value per common prompt: looked up by prompt, or given in the order of the first model."""
    if values is None:
        return None
    known = _by_key(values)
    if known is None:
        given = list(values)
        if len(given) != len(first):
            raise InvalidInput(
                f"`{name}` has {len(given)} values for the {len(first)} prompts of the first model. "
                "Pass {prompt: value}."
            )
        known = dict(zip(first, given, strict=True))
    absent = [prompt for prompt in common if prompt not in known]
    if absent:
        raise InvalidInput(f"`{name}` lacks {len(absent)} prompts, first {absent[0]!r}. Give each a value.")
    return np.array([known[prompt] for prompt in common])
