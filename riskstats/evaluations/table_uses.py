"""An outcome table as what other domains take: a tensor, losses per prompt, a score log, columns of harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, choice, quoted
from riskstats.evaluations.factor import joint_codes
from riskstats.evaluations.table_checks import codes_of
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.evaluations.table import OutcomeTable
    from riskstats.harm.comparison import HarmComparison
    from riskstats.harm.expected import HarmReport
    from riskstats.tail.models_report import ModelsReport
    from riskstats.tail.score_log import ScoreLog

__all__ = [
    "Tensor",
    "common_prompts",
    "compare_harm_of",
    "expected_harm_of",
    "profile",
    "score_log_of",
    "to_tensor",
    "unit_losses",
]


ROWS = "Pass the rows with losses, `table.imputations('drop')['all']`."


class Tensor(NamedTuple):
    """Losses on a grid.

    Attributes
    ----------
    losses : (models, prompts, dimensions, epochs, judges), NaN where there is none.
    mask : the same shape, True where there is a loss.
    models, prompts, dimensions, epochs, judges : what the axes stand for.
    """

    losses: Floats
    mask: np.ndarray
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    dimensions: tuple[str, ...]
    epochs: tuple[int, ...]
    judges: tuple[str, ...]


def to_tensor(table: OutcomeTable) -> Tensor:
    """The losses of a table with one stage, one place in the trace and one value of each condition."""
    _one_each(table, ("stage", "turn", "chunk", *table.conditions))
    axes = (table.models, table.prompts, table.dimensions, table.epochs, table.judges)
    shape = tuple(len(axis) for axis in axes)
    names = ("model", "prompt_id", "dimension", "epoch", "judge")
    at = tuple(codes_of(table, name)[0] for name in names)
    losses = np.full(shape, np.nan)
    losses[at] = table["loss"]
    return Tensor(losses, ~np.isnan(losses), *axes)


def _one_each(table: OutcomeTable, names: tuple[str, ...]) -> None:
    for name in names:
        words = table.factor(name).words if name in table.columns else ()
        if len(words) > 1:
            raise InvalidInput(
                f"the table has {len(words)} values of `{name}` ({quoted(words)}), which are "
                "different outcomes. "
                f"Choose one with `select({name}=...)`."
            )


def _complete(table: OutcomeTable, remedy: str) -> None:
    """`InvalidInput` where a loss is missing."""
    absent = int(np.isnan(table["loss"]).sum())
    if absent:
        counted = table.missingness().counted()
        raise InvalidInput(f"{absent} of {len(table)} losses are missing ({counted}). {remedy}")


def unit_losses(table: OutcomeTable, reduce: str | None, missing: str) -> dict[str, Floats]:
    """{model: (n,) losses} on the prompts that every model has."""
    values, common = _common(table, reduce, missing)
    return {model: values[code, common] for code, model in enumerate(table.models)}


def common_prompts(table: OutcomeTable, missing: str) -> tuple[str, ...]:
    """The prompts of `unit_losses`, in its order."""
    return _ids(table, _common(table, "mean", missing)[1])


def _ids(table: OutcomeTable, kept: np.ndarray) -> tuple[str, ...]:
    return tuple(table.prompts[at] for at in np.flatnonzero(kept).tolist())


def _common(table: OutcomeTable, reduce: str | None, missing: str) -> tuple[Floats, np.ndarray]:
    """(models, prompts) losses, and (prompts,) whether every model has one."""
    choice(missing, ("raise", "drop"), "missing")
    _one_each(table, ("dimension", "stage", *table.conditions))
    if missing == "raise":
        _complete(table, "Pass `missing='drop'`.")
    models, prompts = table.factor("model"), table.factor("prompt_id")
    m, n = len(models.words), len(prompts.words)
    cells = models.codes * n + prompts.codes
    rows = np.bincount(cells, minlength=m * n)
    if reduce is None and rows.max() > 1:
        raise InvalidInput(
            f"model '{models.words[int(rows.argmax()) // n]}' has {rows.max()} losses on prompt "
            f"'{prompts.words[int(rows.argmax()) % n]}' (epochs or judges). Pass `reduce='mean'`, "
            "the loss of an "
            "average answer, or 'max', that of the worst one."
        )
    values = _reduced(cells, np.asarray(table["loss"]), rows, reduce).reshape(m, n)
    common = ~np.isnan(values).any(axis=0)
    if not common.any():
        raise InvalidInput("no prompt has a loss of every model. Compare models on the same prompts.")
    return values, np.asarray(common)


def _reduced(cells: np.ndarray, loss: Floats, rows: np.ndarray, reduce: str | None) -> Floats:
    """One loss per cell, NaN where the cell has no row or lacks a loss."""
    if reduce in (None, "mean"):
        total = np.bincount(cells, weights=loss, minlength=len(rows))
        return np.divide(total, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    choice(reduce, ("mean", "max"), "reduce")
    worst = np.full(len(rows), -np.inf)
    np.maximum.at(worst, cells, loss)
    return np.where(rows > 0, worst, np.nan)


def score_log_of(table: OutcomeTable) -> ScoreLog:
    """The table as `profile_models` takes it: complete (prompts, dimensions, epochs, judges) by model."""
    from riskstats.tail.score_log import ScoreLog

    _complete(table, ROWS)
    tensor = to_tensor(table)
    scores, prompts = {}, {}
    for code, model in enumerate(tensor.models):
        own = tensor.mask[code].any(axis=(1, 2, 3))
        scores[model] = tensor.losses[code, own]
        prompts[model] = tuple(p for p, kept in zip(tensor.prompts, own, strict=True) if kept)
        _no_gaps(scores[model], prompts[model], model, tensor)
    given = [name for name in ("category", "group") if name in table.columns]
    return ScoreLog(
        scores=scores,
        prompts=prompts,
        dimensions=tensor.dimensions,
        epochs=tuple(map(str, tensor.epochs)),
        judges=tensor.judges,
        weights=_per_prompt(table, "weight") if "weight" in table.columns else None,
        labels={name: _per_prompt(table, name) for name in given} | _clusters(table),
    )


def _clusters(table: OutcomeTable) -> dict[str, dict[str, Any]]:
    """The cluster of each prompt, itself where it has none; nothing where the table names no clusters."""
    if "cluster" not in table.columns:
        return {}
    known = _per_prompt(table, "cluster")
    return {"cluster": {prompt: f"cluster {word}" if word else prompt for prompt, word in known.items()}}


def _no_gaps(scores: Floats, prompts: tuple[str, ...], model: str, tensor: Tensor) -> None:
    absent = np.isnan(scores)
    if absent.any():
        at = np.unravel_index(int(absent.argmax()), scores.shape)
        axes = (prompts, tensor.dimensions, tensor.epochs, tensor.judges)
        told = ", ".join(str(axis[i]) for axis, i in zip(axes, at, strict=True) if str(axis[i]))
        raise InvalidInput(
            f"the table is ragged: model '{model}' has no row for {int(absent.sum())} scores, first "
            f"for ({told}). "
            "Score every prompt alike, or `select` what is complete: a missing score is not a zero."
        )


def _per_prompt(table: OutcomeTable, name: str) -> dict[str, Any]:
    """The value of each prompt; `InvalidInput` where its rows disagree."""
    prompts, values = table.factor("prompt_id"), table[name].tolist()
    codes, size = codes_of(table, name)
    pairs = np.unique(joint_codes([(prompts.codes, len(prompts.words)), (codes, size)], len(table))[0])
    if len(pairs) > len(prompts.words):
        found = np.bincount(pairs // size if len(prompts.words) > 1 else np.zeros(len(pairs), dtype=int))
        raise InvalidInput(
            f"prompt '{prompts.words[int(found.argmax())]}' has {found.max()} values of `{name}`. A "
            "prompt has one "
            f"{name} here; leave the column out, or choose rows with `select`."
        )
    return {prompts.words[code]: value for code, value in zip(prompts.codes.tolist(), values, strict=True)}


def profile(table: OutcomeTable, **options: Any) -> ModelsReport:
    """The profiles of the models of a table; options of `profile_models`."""
    from riskstats.tail.models import profile_models

    return profile_models(score_log_of(table), **options)


def expected_harm_of(
    table: OutcomeTable, cost_map: Any, model: str | None, options: Mapping[str, Any]
) -> HarmReport:
    """The expected harm of one model of a table; rows of one prompt stay together in limits."""
    from riskstats.evaluations.report_rows import units_of
    from riskstats.harm.expected import expected_harm

    own = table if model is None else table.select(model=model)
    _one_each(own, ("model", "dimension", "stage", *own.conditions))
    _complete(own, ROWS)
    given: dict[str, Any] = {"cost_map": cost_map, "prompts": _row_names(own), **options}
    if "weight" in own.columns:
        given.setdefault("sample_weight", own["weight"])
    units = units_of(own)
    if len(np.unique(units)) < len(own):
        given.setdefault("cluster", units)
    return expected_harm(own["loss"], own["severity"], own["cost"], **given)


_TELLING = {"epoch": "epoch ", "judge": "judge ", "turn": "turn ", "chunk": "chunk "}


def _row_names(table: OutcomeTable) -> list[str]:
    """An id for each row: its prompt, and what tells it from the other rows of the prompt."""
    prompts = table["prompt_id"].tolist()
    if len(table.prompts) == len(table):
        return prompts
    parts = [[f"{word}{value}" if value else "" for value in table.factor(name).values.tolist()]
             for name, word in _TELLING.items() if len(table.factor(name).words) > 1]  # fmt: skip
    return [", ".join(filter(None, names)) for names in zip(prompts, *parts, strict=True)]


def compare_harm_of(
    table: OutcomeTable, cost_map: Any, reduce: str | None, missing: str, options: Mapping[str, Any]
) -> HarmComparison:
    """The comparison of the models of a table by harm, on the prompts that all of them have."""
    from riskstats.harm.comparison import compare_harm

    if len(table.models) < 2:
        raise InvalidInput("the table has one model; a comparison needs two. Use `expected_harm`.")
    values, common = _common(table, reduce, missing)
    left = table.take(common[table.factor("prompt_id").codes])
    prompts = _ids(table, common)
    known = {name: _per_prompt(left, name) for name in ("severity", "cost")}
    given: dict[str, Any] = {"cost_map": cost_map, "names": table.models, **options}
    if "weight" in table.columns:
        known["sample_weight"] = _per_prompt(left, "weight")
    known |= _clusters(left)
    columns = {name: [of[prompt] for prompt in prompts] for name, of in known.items()}
    severity, cost = columns.pop("severity"), columns.pop("cost")
    return compare_harm(values[:, common], severity, cost, **{**columns, **given})
