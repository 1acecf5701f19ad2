"""Graded answers of one or more models from a table, each row with its place in the file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._frames import quoted, unknown_columns
from riskstats._record_files import Records, read_records
from riskstats._records import id_codes, read_ids
from riskstats._validation import Floats
from riskstats.evaluations.table_columns import Places, as_floats
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.harm.strongreject import HALF_SUM, UNIT

__all__ = ["GradedRows", "graded_rows"]

_NAMES = {
    "model": ("model",),
    "prompt": ("prompt", "prompt_id"),
    "severity": ("severity",),
    "cost": ("cost",),
    "weight": ("weight",),
    "cluster": ("cluster",),
}
_ROWS = re.compile(r"\bat rows? (\d+(?:, \d+)*)")


@dataclass(frozen=True, eq=False)
class GradedRows:
    """N rows of a table: answers of models to prompts.

    Attributes
    ----------
    records : the file, for places. names : the column of every role, where there is one.
    models : positions of the rows of each model.
    prompts : (N,) ids, or places where the table names no prompts.
    success, refused : (N,) numbers; refused None where it is not known.
    severity : (N,) numbers. cost : (N,) numbers or words.
    weight, cluster : (N,) or None. scale_id : of the success, or None.
    """

    records: Records
    names: dict[str, str]
    models: dict[str, np.ndarray]
    prompts: list[str]
    success: Floats
    refused: Floats | None
    severity: Floats
    cost: list[Any]
    weight: Floats | None
    cluster: list[str] | None
    scale_id: str | None

    def of(self, model: str) -> dict[str, Any]:
        """The columns of a model, by role."""
        at = self.models[model].tolist()
        columns = {role: getattr(self, role) for role in ("success", "severity", "cost", "weight", "cluster")}
        found = {
            role: None if cells is None else [cells[row] for row in at] for role, cells in columns.items()
        }
        return {**found, "prompts": [self.prompts[row] for row in at]}

    def by_prompt(self, role: str) -> dict[str, Any] | None:
        """{prompt: value} of what belongs to the prompt; `InvalidInput` where its rows disagree."""
        cells = getattr(self, role)
        return None if cells is None else _one_each(self, role, cells)

    @contextmanager
    def placed(self, model: str) -> Iterator[None]:
        """Reword errors about the rows of a model: columns and lines of the file."""
        lines = [self.records.lines[row] for row in self.models[model].tolist()]

        def place(match: re.Match[str]) -> str:
            rows = [int(row) for row in match[1].split(", ")]
            word = self.records.word if len(rows) == 1 else f"{self.records.word}s"
            return f"at {word} {', '.join(str(lines[row]) for row in rows)}"

        try:
            yield
        except (InvalidInput, IncompatibleBound) as error:
            message = str(error)
            if _ROWS.search(message) or "`success`" in message or "`severity`" in message:
                message = f"{self.records.label}: {_ROWS.sub(place, message)}"
            for role in ("success", "severity", "cost"):
                message = message.replace(f"`{role}`", f"column '{self.names[role]}'")
            raise type(error)(message) from error


def graded_rows(args: argparse.Namespace) -> GradedRows:
    """The rows of the table that the options describe.

    `InvalidInput` names the table and the line: columns that are missing, cells that are no numbers, refusals
    outside [0, 1], several scales, a second answer of a model to a prompt.
    """
    records = read_records(args.data)
    names = {role: name for role in _NAMES if (name := _column(records, role, getattr(args, role)))}
    for role in ("severity", "cost"):
        if role not in names:
            raise InvalidInput(_lacks(records, role, f"Name it with --{role}."))
    names["success"], opposite = _success_column(records, args)
    values = _numbers(records, names["success"])
    if opposite:
        values = 1.0 - _refusals(records, names["success"], values)
    scale = _scale(records, args.scale_id)
    if scale is not None and opposite:
        raise InvalidInput(f"--scale-id {scale} is of graded success, not of refusals. Name --success.")
    found = GradedRows(
        records=records,
        names=names,
        models=_models(records, names.get("model")),
        prompts=_prompts(records, names.get("prompt")),
        success=values,
        refused=_refused(records, args, names["success"], values, opposite) if args.calibration else None,
        severity=_numbers(records, names["severity"]),
        cost=_costs(records, names["cost"], args.levels),
        weight=_numbers(records, names["weight"]) if "weight" in names else None,
        cluster=read_ids(records, names["cluster"], "cluster") if "cluster" in names else None,
        scale_id=scale,
    )
    _check_prompts(found)
    return found


# Columns


def _column(records: Records, role: str, given: str | None) -> str | None:
    """The column of a role: the one that was named, which must be there, or the one called like the role."""
    if given is not None:
        return _known(records, given)
    return next((name for name in _NAMES[role] if name in records.columns), None)


def _known(records: Records, name: str) -> str:
    if name not in records.columns:
        raise InvalidInput(f"{records.label}: {unknown_columns([name], list(records.columns))}")
    return name


def _lacks(records: Records, what: str, remedy: str) -> str:
    return f"{records.label} has no column '{what}'; the columns are {quoted(records.columns)}. {remedy}"


def _success_column(records: Records, args: argparse.Namespace) -> tuple[str, bool]:
    """(the column that success comes from, whether it holds refusals)."""
    graded = args.success or args.loss
    if graded is not None:
        return _known(records, graded), False
    if args.refused is not None:
        return _known(records, args.refused), True
    for name in ("success", "loss", "refused"):
        if name in records.columns:
            return name, name == "refused"
    raise InvalidInput(_lacks(records, "success", "Name it with --success, --loss or --refused."))


def _numbers(records: Records, name: str) -> Floats:
    return as_floats(name, records.column(name), Places(records.label, records.word, records.lines))


def _refusals(records: Records, name: str, values: Floats) -> Floats:
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        row = int(bad.argmax())
        got = "nothing" if np.isnan(values[row]) else f"{values[row]:g}"
        raise InvalidInput(
            f"{records.label}, {records.place(row)}, column '{name}': a refusal must lie in [0, 1], 1 a full "
            f"refusal; got {got}. Correct or drop it."
        )
    return values


def _refused(
    records: Records, args: argparse.Namespace, name: str, success: Floats, opposite: bool
) -> Floats:
    """Refusals for the calibration: of their column, or what a success of 0 or 1 leaves."""
    if opposite:
        return 1.0 - success
    column = args.refused or ("refused" if "refused" in records.columns else None)
    if column is not None:
        return _refusals(records, column, _numbers(records, _known(records, column)))
    if not np.isin(success, (0.0, 1.0)).all():
        raise InvalidInput(
            f"--calibration needs refusals, and column '{name}' holds grades besides 0 and 1, whose opposite "
            "is no refusal. Name the column of refusals with --refused."
        )
    return 1.0 - success


def _scale(records: Records, given: str | None) -> str | None:
    """The one scale of the success: a word, or what a column says in every row."""
    if given in (UNIT, HALF_SUM) and given not in records.columns:
        return given
    if given is not None and given not in records.columns:
        raise InvalidInput(
            f"--scale-id {given} is neither {UNIT} nor {HALF_SUM}, nor a column of {records.label}."
        )
    column = given or "scale_id"
    if column not in records.columns:
        return None
    words, codes = id_codes(read_ids(records, column, "scale"))
    if len(words) > 1:
        row = int((codes > 0).argmax())
        raise InvalidInput(
            f"{records.label}, {records.place(row)}, column '{column}': success on the scale '{words[1]}', "
            f"and before on '{words[0]}'. Do not mix scales: score all rows on one."
        )
    return words[0]


def _costs(records: Records, name: str, levels: Any) -> list[Any]:
    """Costs as the levels are: numbers, or words."""
    if isinstance(levels, tuple) and isinstance(levels[0], str):
        return read_ids(records, name, "cost")
    try:
        return _numbers(records, name).tolist()
    except InvalidInput as error:
        raise InvalidInput(f"{error} Levels in words are named by --levels, the easiest first.") from error


def _models(records: Records, name: str | None) -> dict[str, np.ndarray]:
    if name is None:
        return {records.label: np.arange(len(records.lines))}
    words, codes = id_codes(read_ids(records, name, "model"))
    return {word: np.flatnonzero(codes == code) for code, word in enumerate(words)}


def _prompts(records: Records, name: str | None) -> list[str]:
    if name is None:
        return [records.place(row) for row in range(len(records.lines))]
    return read_ids(records, name, "prompt")


# Prompts


def _check_prompts(rows: GradedRows) -> None:
    """Every model answers a prompt once, and models share prompts."""
    if "prompt" not in rows.names:
        if len(rows.models) > 1:
            raise InvalidInput(
                _lacks(rows.records, "prompt", "Models are compared on the same prompts: name --prompt.")
            )
        return
    for name, at in rows.models.items():
        _once(rows, name, at)


def _once(rows: GradedRows, model: str, at: np.ndarray) -> None:
    seen: set[str] = set()
    for row in at.tolist():
        prompt = rows.prompts[row]
        if prompt in seen:
            whose = f" of model '{model}'" if "model" in rows.names else ""
            raise InvalidInput(
                f"{rows.records.label}, {rows.records.place(row)}: a second row for prompt "
                f"'{prompt}'{whose}. Average its answers before; or give each an id of its own, and name the "
                "prompts by --cluster."
            )
        seen.add(prompt)


def _one_each(rows: GradedRows, role: str, cells: Sequence[Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for row, (prompt, value) in enumerate(zip(rows.prompts, cells, strict=True)):
        before = known.setdefault(prompt, value)
        if before != value:
            raise InvalidInput(
                f"{rows.records.label}, {rows.records.place(row)}: prompt '{prompt}' has {role} "
                f"{_shown(value)}, and before {_shown(before)}. A prompt has one {role}."
            )
    return known


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"
