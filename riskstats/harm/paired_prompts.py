"""Success of several models at the gate, on the prompts that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskstats._samples import candidate_names
from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput
from riskstats.harm.graded_prompts import checked_success, success_matrix
from riskstats.harm.strongreject import GradedSuccess
from riskstats.tail.inputs import matrix_and_names
from riskstats.tail.pairing import paired

__all__ = ["PairedSuccess", "paired_success"]


class PairedSuccess(NamedTuple):
    """success : (m, n) in [0, 1]. names : m models. scale_id : theirs.

    dropped : prompts that some model lacks.
    prompts : keys of the prompts of the first model, and which of them are common; None without keys.
    """

    success: Floats
    names: tuple[str, ...]
    scale_id: str | None
    dropped: int = 0
    prompts: tuple[list[Any], list[int]] | None = None

    def aligned(self, values: Any, name: str) -> Any:
        """One value per common prompt, from {prompt: value} or in the order of the first model."""
        if values is None or self.prompts is None:
            return values
        keys, kept = self.prompts
        if hasattr(values, "to_dict") and hasattr(values, "index"):
            values = values.to_dict()
        if isinstance(values, Mapping):
            absent = [keys[i] for i in kept if keys[i] not in values]
            if absent:
                raise InvalidInput(f"`{name}` lacks {len(absent)} prompts, first {absent[0]!r}.")
            return [values[keys[i]] for i in kept]
        given = np.asarray(values)
        if given.ndim != 1 or len(given) != len(keys):
            raise InvalidInput(
                f"`{name}` has shape {given.shape} for the {len(keys)} prompts of the first model. Pass "
                "{prompt: value}."
            )
        return given[kept]


def paired_success(
    models: Any, names: Sequence[Any] | None, on: str | None, scale_id: str | None
) -> PairedSuccess:
    """Success (m, n), a frame or dict with a column per model, or {model: {prompt: success}}."""
    keys = _keys_of_first(models)
    if keys is not None:
        found = paired(models, names, on, None, list(range(len(keys))), "compare_harm")
        success, scale = success_matrix(dict(zip(found.names, found.losses, strict=True)), scale_id)
        return PairedSuccess(success, found.names, scale, found.dropped, (keys, found.cluster.tolist()))
    named, given = _by_name(models)
    if len(given) < 2:
        raise InvalidInput(
            "`success` must hold two models or more, of shape (models, prompts); got "
            f"{len(given)}. Use `expected_harm` for a single model."
        )
    lengths = {len(values) for values in given}
    if len(lengths) > 1:
        raise InvalidInput(
            f"`success` of the models has {sorted(lengths)} prompts; `compare_harm` is paired. Pass the same "
            "prompts in the same order, or {model: {prompt: success}}."
        )
    known = candidate_names(names, named, len(given))
    return PairedSuccess(*_matrix(dict(zip(known, given, strict=True)), scale_id))


def _matrix(models: dict[str, Any], scale_id: str | None) -> tuple[Floats, tuple[str, ...], str | None]:
    success, scale = success_matrix(models, scale_id)
    return success, tuple(models), scale


def _keys_of_first(models: Any) -> list[Any] | None:
    """The prompts of the first model, where every model names its prompts."""
    if not isinstance(models, Mapping) or not models:
        return None
    each = [_keys(values) for values in models.values()]
    return each[0] if all(keys is not None for keys in each) else None


def _keys(values: Any) -> list[Any] | None:
    if isinstance(values, Mapping):
        return list(values)
    if hasattr(values, "index") and hasattr(values, "to_dict"):
        return list(values.index)
    return None


def _by_name(models: Any) -> tuple[tuple[str, ...] | None, list[Any]]:
    """(names or None, success of each model)."""
    if isinstance(models, Mapping):
        return tuple(map(str, models)), list(models.values())
    if hasattr(models, "columns"):
        table, own = matrix_and_names(models, None, "success", what="names")
        return own, list(table.T)
    if isinstance(models, GradedSuccess) or np.ndim(_first(models)) == 0:
        return None, [checked_success(models)[0]]
    return None, list(models)


def _first(models: Any) -> Any:
    try:
        return next(iter(models))
    except (TypeError, StopIteration):
        raise InvalidInput(f"`success` must hold two models or more; got {models!r}.") from None
