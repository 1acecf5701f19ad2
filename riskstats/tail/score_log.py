"""Graded answers from a table: one row per score, or one row per answer with a column per dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskstats._frames import quoted, unknown_columns
from riskstats._record_files import Records, shown
from riskstats._records import fast_numbers, id_codes, read_ids, read_loss
from riskstats._validation import Floats
from riskstats.exceptions import InvalidInput

__all__ = ["LABELS", "ROLES", "ScoreLog", "score_log"]

ROLES = ("model", "prompt", "dimension", "score", "epoch", "judge", "category", "group", "weight")
LABELS = ("category", "group")
AXES = ("prompt", "dimension", "epoch", "judge")


@dataclass(frozen=True, eq=False)
class ScoreLog:
    """Scores of models on prompts.

    Attributes
    ----------
    scores : by model, (prompts, dimensions, epochs, judges) in [0, 1].
    prompts : by model, ids in the order of the table.
    dimensions, epochs, judges : what the other axes stand for; one epoch or judge where the table names none.
    weights : by prompt; None where the table has none.
    labels : "category" and "group" by prompt, where the table has them; "cluster", what was sampled together.
    """

    scores: dict[str, Floats]
    prompts: dict[str, tuple[str, ...]]
    dimensions: tuple[str, ...]
    epochs: tuple[str, ...]
    judges: tuple[str, ...]
    weights: dict[str, float] | None
    labels: dict[str, dict[str, str]]


class _Cells(NamedTuple):
    """One entry per score: where it stands on each axis, which row of the table it is from, and its value."""

    codes: dict[str, np.ndarray]
    rows: np.ndarray
    values: Floats


def score_log(
    records: Records,
    names: Mapping[str, str | None],
    dimensions: Sequence[str] | None = None,
    *,
    model: str | None = None,
) -> ScoreLog:
    """The scores of a table.

    Parameters
    ----------
    records : the columns of a file, or of a table in memory.
    names : the column of each role in `ROLES`; None is the column called like the role, if there is one.
    dimensions : columns that hold one dimension each, for a wide table. Without them a table is wide if it
        has no column of scores; then every column without a role is a dimension.
    model : name of the only model of a table without a column of models; None is that of the table.

    `InvalidInput` names the table and the row: text, missing or infinite scores, scores outside [0, 1],
    repeated scores, scores that some prompt lacks, labels or weights that change within a prompt.
    """
    found = {role: _column(records, role, names.get(role)) for role in ROLES}
    wide = _wide_columns(records, found, dimensions)
    prompt = found["prompt"]
    if prompt is None:
        raise InvalidInput(
            f"{records.label} has no column 'prompt'; the columns are {quoted(records.columns)}. Name the "
            "one of ids with `columns={'prompt': ...}`."
        )
    only = {"model": model or records.label, "prompt": "prompt", "epoch": "epoch", "judge": "judge"}
    words = {axis: _axis_words(records, found, axis, word) for axis, word in only.items()}
    known = {axis: id_codes(column) for axis, column in words.items()}
    cells, named = _cells(records, found, wide, known)
    labels = {
        role: _per_prompt(records, role, name, words["prompt"]) for role in LABELS if (name := found[role])
    }
    return _assembled(
        records, cells, {**{a: k[0] for a, k in known.items()}, "dimension": named}, labels, found
    )


def _column(records: Records, role: str, given: str | None) -> str | None:
    """The column of a role: the one that was named, which must be there, or the one called like the role."""
    if given is not None and given not in records.columns:
        raise InvalidInput(f"{records.label}: {unknown_columns([given], list(records.columns))}")
    return given if given is not None else role if role in records.columns else None


def _wide_columns(
    records: Records, found: dict[str, str | None], dimensions: Sequence[str] | None
) -> tuple[str, ...] | None:
    """The columns of dimensions of a wide table; None for a long one."""
    if dimensions is None and found["score"] is not None:
        return None
    roles = {name for name in found.values() if name is not None}
    wanted = [name for name in records.columns if name not in roles] if dimensions is None else dimensions
    missing = [name for name in wanted if name not in records.columns]
    if missing:
        raise InvalidInput(f"{records.label}: {unknown_columns(missing, list(records.columns))}")
    taken = [name for name in wanted if name in roles]
    if taken:
        raise InvalidInput(
            f"{records.label}: column '{taken[0]}' cannot hold scores and {_role(found, taken[0])}s."
        )
    if not wanted:
        raise InvalidInput(
            f"{records.label} has no column 'score', nor one per dimension; the columns are "
            f"{quoted(records.columns)}. Name the scores with `columns={'score': ...}`."
        )
    return tuple(dict.fromkeys(wanted))


def _role(found: dict[str, str | None], name: str) -> str:
    return next(role for role, column in found.items() if column == name)


def _axis_words(records: Records, found: dict[str, str | None], axis: str, only: str) -> list[str]:
    """The label of every row on an axis; one label for all where there is no such column."""
    name = found[axis]
    return [only] * len(records.lines) if name is None else read_ids(records, name, axis)


def _cells(
    records: Records,
    found: dict[str, str | None],
    wide: tuple[str, ...] | None,
    known: Mapping[str, tuple[list[str], np.ndarray]],
) -> tuple[_Cells, list[str]]:
    """Every score with its place, and the names of the dimensions."""
    rows, codes = np.arange(len(records.lines)), {axis: code for axis, (_, code) in known.items()}
    if wide is not None:
        values = np.stack([_scores(records, name) for name in wide])
        k = len(wide)
        repeated = {axis: np.tile(code, k) for axis, code in codes.items()}
        repeated["dimension"] = np.repeat(np.arange(k), len(rows))
        return _Cells(repeated, np.tile(rows, k), values.ravel()), list(wide)
    score = str(found["score"])
    column = _scores(records, score)
    named, code = id_codes(_axis_words(records, found, "dimension", "dimension"))
    only = [score] if found["dimension"] is None else named
    return _Cells({**codes, "dimension": code}, rows, column), only


def _numbers(records: Records, name: str) -> Floats:
    """A column as float64 with NaN for missing cells."""
    cells = records.column(name)
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        return cells.astype(np.float64)
    values = fast_numbers(cells)
    if values is not None:
        return values
    read = [read_loss(cell) for cell in cells]
    if None not in read:
        return np.array(read, dtype=np.float64)
    row = read.index(None)
    raise InvalidInput(
        f"{records.label}, {records.place(row)}, column '{name}': {shown(cells[row])} is not a number. "
        "Correct it, or name the columns of scores with `columns={'score': ...}` or `dimensions=`."
    )


def _scores(records: Records, name: str) -> Floats:
    """A column of scores in [0, 1], none missing."""
    values = _numbers(records, name)
    absent = np.isnan(values)
    if absent.any():
        count = int(absent.sum())
        verb = "is 1 missing score" if count == 1 else f"are {count} missing scores, first"
        raise InvalidInput(
            f"{records.label}: there {verb} in {records.place(int(absent.argmax()))}, column '{name}'. "
            "Drop or score them: a missing score is not a zero score."
        )
    outside = (values < 0) | (values > 1)
    if outside.any():
        row = int(outside.argmax())
        raise InvalidInput(
            f"{records.label}, {records.place(row)}, column '{name}': {values[row]:g} lies outside [0, 1]. "
            "Rescale the scores; larger must be worse."
        )
    return values


def _per_prompt(records: Records, role: str, name: str, prompts: Sequence[str]) -> dict[str, str]:
    """The label of each prompt; `InvalidInput` where its rows disagree."""
    known: dict[str, str] = {}
    for row, (prompt, label) in enumerate(zip(prompts, read_ids(records, name, role), strict=True)):
        if known.setdefault(prompt, label) != label:
            raise InvalidInput(
                f"{records.label}, {records.place(row)}: prompt '{prompt}' has {role} '{label}', and before "
                f"'{known[prompt]}'. A prompt has one {role}."
            )
    return known


def _assembled(
    records: Records,
    cells: _Cells,
    axes: dict[str, list[str]],
    labels: dict[str, dict[str, str]],
    found: dict[str, str | None],
) -> ScoreLog:
    """The scores as one complete array for each model."""
    scores, prompts = {}, {}
    for code, model in enumerate(axes["model"]):
        scores[model], own = _of_model(records, cells, axes, code)
        prompts[model] = tuple(axes["prompt"][prompt] for prompt in own)
    return ScoreLog(
        scores=scores,
        prompts=prompts,
        dimensions=tuple(axes["dimension"]),
        epochs=tuple(axes["epoch"]),
        judges=tuple(axes["judge"]),
        weights=_weights(records, found["weight"], found["prompt"]),
        labels=labels,
    )


def _of_model(
    records: Records, cells: _Cells, axes: dict[str, list[str]], model: int
) -> tuple[Floats, np.ndarray]:
    """((prompts, dimensions, epochs, judges) scores of a model, codes of its prompts)."""
    at = np.flatnonzero(cells.codes["model"] == model)
    codes = cells.codes["prompt"][at]
    _, first = np.unique(codes, return_index=True)
    own = codes[np.sort(first)]
    place = np.zeros(len(axes["prompt"]), dtype=np.int64)
    place[own] = np.arange(len(own))
    shape = (len(own), *(len(axes[axis]) for axis in AXES[1:]))
    flat = np.ravel_multi_index((place[codes], *(cells.codes[axis][at] for axis in AXES[1:])), shape)
    _no_repeats(records, cells, axes, at, flat)
    array = np.full(shape, np.nan)
    array.flat[flat] = cells.values[at]
    _no_gaps(records, array, axes, model, own)
    return array, own


def _no_repeats(
    records: Records, cells: _Cells, axes: dict[str, list[str]], at: np.ndarray, flat: np.ndarray
) -> None:
    order = np.argsort(flat, kind="stable")
    again = np.flatnonzero(np.diff(flat[order]) == 0)
    if len(again):
        cell = at[order[again + 1].min()]
        where = _said(axes, {axis: int(cells.codes[axis][cell]) for axis in ("model", *AXES)})
        raise InvalidInput(
            f"{records.label}, {records.place(int(cells.rows[cell]))}: a second score for {where}. Name the "
            "column that tells them apart with `columns={'epoch': ...}` or `columns={'judge': ...}`."
        )


def _no_gaps(
    records: Records, array: Floats, axes: dict[str, list[str]], model: int, own: np.ndarray
) -> None:
    absent = np.isnan(array)
    if absent.any():
        prompt, *others = (int(i) for i in np.unravel_index(int(absent.argmax()), array.shape))
        codes = {"model": model, "prompt": int(own[prompt]), **dict(zip(AXES[1:], others, strict=True))}
        raise InvalidInput(
            f"{records.label} is ragged: {int(absent.sum())} scores are missing, first for "
            f"{_said(axes, codes)}. Score every prompt alike, or drop it: a missing score is not a zero."
        )


def _said(axes: dict[str, list[str]], codes: Mapping[str, int]) -> str:
    """A place in words, by the axes that have more than one label."""
    told = [
        f"{axis} '{axes[axis][code]}'"
        for axis, code in codes.items()
        if axis == "prompt" or len(axes[axis]) > 1
    ]
    return ", ".join(told)


def _weights(records: Records, name: str | None, prompt: str | None) -> dict[str, float] | None:
    """The weight of each prompt, the same in all its rows."""
    if name is None:
        return None
    values, prompts = _numbers(records, name), read_ids(records, str(prompt), "prompt")
    known: dict[str, float] = {}
    for row, (each, value) in enumerate(zip(prompts, values.tolist(), strict=True)):
        if not 0 <= value < np.inf:
            raise InvalidInput(
                f"{records.label}, {records.place(row)}, column '{name}': a weight must be a number >= 0; "
                f"got {value:g}. Drop prompts that should not count."
            )
        if known.setdefault(each, value) != value:
            raise InvalidInput(
                f"{records.label}, {records.place(row)}: prompt '{each}' has weight {value:g}, and before "
                f"{known[each]:g}. A prompt has one weight."
            )
    return known
