"""Scores of several models at the gate: an array, one array per model, or a table, as a `ScoreLog`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from riskstats._frames import is_missing, quoted
from riskstats._record_files import Records
from riskstats._samples import candidate_names
from riskstats._validation import Floats, as_table, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import checked_array, inside, label_codes, matrix_and_names
from riskstats.tail.score_log import ROLES, ScoreLog, score_log

__all__ = ["Names", "as_score_log"]

_IN_TABLES = {
    "models": "model",
    "prompts": "prompt",
    "sample_weight": "weight",
    "groups": "group",
    "category": "category",
}


class Names(NamedTuple):
    """What the axes of the scores stand for, and what is known of the prompts, as it was passed."""

    models: Any = None
    prompts: Any = None
    dimensions: Any = None
    columns: Any = None
    sample_weight: Any = None
    groups: Any = None
    category: Any = None


def as_score_log(scores: Any, names: Names) -> ScoreLog:
    """The scores by model, every score in [0, 1] and none missing.

    scores : (models, prompts, dimensions[, epochs[, judges]]); {model: (prompts, dimensions[, ...])}; or a
        table, which is a frame, a dict of columns with one of prompts, or anything with `columns` passed.
    """
    if isinstance(scores, ScoreLog):
        return scores
    if _is_table(scores, names.columns):
        return _from_table(scores, names)
    if names.columns is not None:
        raise InvalidInput("`columns` belongs to a table of scores; got an array. Drop it.")
    if isinstance(scores, Mapping):
        return _from_models(scores, names)
    return _from_array(scores, names)


# Tables


def _is_table(scores: Any, columns: Any) -> bool:
    if isinstance(scores, Mapping):
        return columns is not None or np.ndim(scores.get("prompt", 0)) == 1
    return hasattr(scores, "columns") or hasattr(scores, "column_names")


def _from_table(scores: Any, names: Names) -> ScoreLog:
    for argument, role in _IN_TABLES.items():
        if getattr(names, argument) is not None:
            raise InvalidInput(
                f"`{argument}` belongs to arrays; in a table it is a column. Name it with "
                f"`columns={{'{role}': ...}}`."
            )
    roles = _roles(names.columns)
    wide = None if names.dimensions is None else list(map(str, names.dimensions))
    table = as_table(_needed(scores, roles, wide), name="scores")
    cells = dict(zip(table.names, table.columns, strict=True))
    return score_log(Records("`scores`", "row", range(table.n_rows), cells), roles, wide, model="model")


def _roles(columns: Any) -> dict[str, str]:
    """{role: column}, as it was passed."""
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not set(columns) <= set(ROLES):
        raise InvalidInput(
            f"`columns` must be {{role: column}} with roles {quoted(ROLES, 9)}; got {columns!r}."
        )
    return {role: str(column) for role, column in columns.items()}


def _needed(scores: Any, roles: Mapping[str, str], wide: list[str] | None) -> Any:
    """The table without the columns of a long one that play no part, whatever they hold."""
    wanted = {*ROLES, *roles.values(), *(wide or ())}
    if wide is None and roles.get("score", "score") not in _columns(scores):
        return scores
    if isinstance(scores, Mapping):
        return {name: column for name, column in scores.items() if name in wanted}
    kept = [name for name in _columns(scores) if name in wanted]
    if not kept or len(set(kept)) < len(kept):
        return scores
    return scores.select(kept) if hasattr(scores, "select") else scores[kept]


def _columns(scores: Any) -> list[Any]:
    if isinstance(scores, Mapping):
        return list(scores)
    return list(getattr(scores, "column_names", None) or scores.columns)


# Arrays


def _from_array(scores: Any, names: Names) -> ScoreLog:
    try:
        array = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`scores` must be an array of numbers, a dict or a table; {error}.") from error
    if array.ndim not in (3, 4, 5):
        raise InvalidInput(
            "`scores` must have shape (models, prompts, dimensions[, epochs[, judges]]); got shape "
            f"{array.shape}. Pass a single model as {{name: scores}}, or to `risk_profile`."
        )
    models = dict(zip(_model_names(names.models, len(array)), array, strict=True))
    return _from_models(models, names._replace(models=None))


def _model_names(models: Any, m: int) -> tuple[str, ...]:
    try:
        return candidate_names(models, None, m)
    except InvalidInput:
        raise InvalidInput(f"`models` must be {m} different names; got {list(models)[:8]}.") from None


def _from_models(scores: Mapping[Any, Any], names: Names) -> ScoreLog:
    if names.models is not None:
        raise InvalidInput("`scores` names the models itself; got `models` too. Drop it.")
    if not scores:
        raise InvalidInput("`scores` holds no model; at least one is needed.")
    found = {str(name): _of_model(values, names.dimensions, str(name)) for name, values in scores.items()}
    first, (array, dimensions) = next(iter(found.items()))
    for name, (other, own) in found.items():
        if own != dimensions or other.shape[1:] != array.shape[1:]:
            raise InvalidInput(
                f"models must share dimensions, epochs and judges: '{first}' has {dimensions} and shape "
                f"{array.shape}, '{name}' has {own} and shape {other.shape}."
            )
    return _assembled({name: values for name, (values, _) in found.items()}, dimensions, names)


def _of_model(values: Any, dimensions: Any, model: str) -> tuple[Floats, tuple[str, ...]]:
    """Scores (prompts, dimensions[, ...]) of a model, and its dimensions; a frame names them."""
    label = f"scores[{model!r}]"
    array = values if hasattr(values, "columns") else checked_array(values, label)
    if np.ndim(array) not in (2, 3, 4):
        raise InvalidInput(
            f"`{label}` must have shape (prompts, dimensions[, epochs[, judges]]); got shape "
            f"{np.shape(array)}. A table of columns needs one called 'prompt', or `columns=`."
        )
    matrix, own = matrix_and_names(array, dimensions, label)
    inside(matrix, (0.0, 1.0), label)
    return matrix, own


def _assembled(models: Mapping[str, Floats], dimensions: tuple[str, ...], names: Names) -> ScoreLog:
    whole = {name: array.reshape(array.shape + (1,) * (4 - array.ndim)) for name, array in models.items()}
    ids = _prompt_ids({name: len(array) for name, array in whole.items()}, names.prompts)
    every = list(dict.fromkeys(prompt for own in ids.values() for prompt in own))
    ordered = len(set(ids.values())) == 1
    given = {"category": names.category, "group": names.groups}
    labels = {
        role: _labels(_per_prompt(values, every, ordered, _argument(role)), every, _argument(role))
        for role, values in given.items()
        if values is not None
    }
    weights = None
    if names.sample_weight is not None:
        values = _per_prompt(names.sample_weight, every, ordered, "sample_weight")
        weights = dict(zip(every, sample_weights(values, len(every)).tolist(), strict=True))
    repeats = next(iter(whole.values()))[0, 0]
    epochs, judges = (tuple(map(str, range(len(axis)))) for axis in (repeats, repeats[0]))
    return ScoreLog(whole, ids, dimensions, epochs, judges, weights, labels)


def _argument(role: str) -> str:
    return next(argument for argument, known in _IN_TABLES.items() if known == role)


def _prompt_ids(sizes: Mapping[str, int], prompts: Any) -> dict[str, tuple[str, ...]]:
    """Ids of the prompts of every model: the given ones, else their positions."""
    if isinstance(prompts, Mapping):
        absent = [name for name in sizes if name not in prompts]
        if absent:
            raise InvalidInput(f"`prompts` lacks the model {quoted(absent)}. Give the ids of each.")
        return {name: _ids(prompts[name], n, f"prompts[{name!r}]") for name, n in sizes.items()}
    if prompts is None and len(set(sizes.values())) > 1:
        raise InvalidInput(
            f"models have {sorted(set(sizes.values()))} prompts, and nothing says which are the same. Pass "
            "`prompts={model: ids}`."
        )
    return {name: _ids(range(n) if prompts is None else prompts, n, "prompts") for name, n in sizes.items()}


def _ids(given: Iterable[Any], n: int, name: str) -> tuple[str, ...]:
    known = list(given)
    ids = tuple(map(str, known))
    if len(ids) != n or len(set(ids)) != n or any(map(is_missing, known)):
        raise InvalidInput(
            f"`{name}` must be {n} different ids, none missing; got {len(ids)}, {len(set(ids))} of them "
            "different."
        )
    return ids


def _per_prompt(values: Any, every: list[str], ordered: bool, name: str) -> Any:
    """One value per prompt: looked up by its id, or given in the order of the prompts of all models."""
    if isinstance(values, Mapping):
        known = {str(prompt): value for prompt, value in values.items()}
        absent = [prompt for prompt in every if prompt not in known]
        if absent:
            raise InvalidInput(
                f"`{name}` lacks {len(absent)} prompts, first {absent[0]!r}. Give each a value."
            )
        return [known[prompt] for prompt in every]
    if not ordered:
        raise InvalidInput(
            f"models differ in their prompts or in their order: pass `{name}` as {{prompt: value}}."
        )
    return values


def _labels(values: Any, every: list[str], name: str) -> dict[str, str]:
    found = label_codes(values, len(every), name)
    return {prompt: found.names[code] for prompt, code in zip(every, found.codes.tolist(), strict=True)}
