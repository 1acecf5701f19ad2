"""The findings of a report: every part of every model and outcome, or why it cannot be had."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from riskstats.evaluations import report_parts as parts_of
from riskstats.evaluations.report_comparisons import compared
from riskstats.evaluations.report_gates import Lines, Reference, zones_of
from riskstats.evaluations.report_parts import Asked
from riskstats.evaluations.report_result import Findings
from riskstats.evaluations.report_rows import Cell, Labels
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.harm.grades import GradeScale

__all__ = ["findings_of", "noted", "pairs_of"]


class noted(warnings.catch_warnings):  # noqa: N801  # a context manager
    """Keeps what would be an `AssumptionWarning` as a note; other warnings pass as usual."""

    def __init__(self, told: list[str]) -> None:
        super().__init__(record=False)
        self.told = told

    def __enter__(self) -> Any:
        found = super().__enter__()
        shown = warnings.showwarning
        warnings.simplefilter("always", AssumptionWarning)

        def keep(message: Any, category: Any, *rest: Any, **named: Any) -> None:
            if issubclass(category, AssumptionWarning):
                self.told.append(str(message))
            else:
                shown(message, category, *rest, **named)

        warnings.showwarning = keep
        return found


def findings_of(
    table: OutcomeTable,
    cells: Mapping[str, Mapping[str, Cell]],
    labels: Labels | None,
    lines: Lines,
    reference: Reference | None,
    scale: GradeScale,
    required: bool,
    chosen: Sequence[str],
    asked: Asked,
    told: list[str],
) -> Findings:
    """Every chosen part of a report on one table; one that cannot be computed is left out with its reason."""
    left_out: dict[str, str] = {}

    def part(name: str, function: Callable[..., Any]) -> dict[str, dict[str, Any]]:
        return _by_cell(cells, name, function, left_out, asked) if name in chosen else {}

    found = Findings(
        rates={
            outcome: {model: parts_of.rates(cell, labels, asked) for model, cell in models.items()}
            for outcome, models in cells.items()
        }
        if "rates" in chosen or lines
        else {},
        corrected=_corrected(cells, left_out, asked) if "judge" in chosen else {},
        tails=_tails(table, labels, left_out, asked, told) if "tail" in chosen else {},
        contrasts=part("contrast", parts_of.contrast),
        ordinals=part("ordinal", parts_of.ordinal),
        traces=part("traces", parts_of.trace),
        harms=part("harm", parts_of.harm),
        grades={} if reference is None else _grades(cells, reference, scale, required, left_out, asked),
        left_out=left_out,
    )
    object.__setattr__(found, "zones", zones_of(found, lines))
    return found


def _by_cell(
    cells: Mapping[str, Mapping[str, Cell]],
    name: str,
    function: Callable[..., Any],
    left_out: dict[str, str],
    asked: Asked,
) -> dict[str, dict[str, Any]]:
    """What a function says of every cell that it is about; why not, where it cannot."""
    found: dict[str, dict[str, Any]] = {}
    for outcome, models in cells.items():
        for model, cell in models.items():
            try:
                answer = function(cell, asked)
            except (InvalidInput, IncompatibleBound) as error:
                left_out.setdefault(name, f"{model}, {outcome}: {error}")
            else:
                if answer is not None:
                    found.setdefault(outcome, {})[model] = answer
    return found


def _grades(
    cells: Mapping[str, Mapping[str, Cell]],
    reference: Reference,
    scale: GradeScale,
    required: bool,
    left_out: dict[str, str],
    asked: Asked,
) -> dict[str, dict[str, Any]]:
    """Grades by outcome; where they cannot be had, why not, or the error itself if one is required."""
    found = {}
    for outcome, models in cells.items():
        try:
            found[outcome] = reference.graded(models, scale, asked.confidence_level)
        except (InvalidInput, IncompatibleBound) as error:
            if required:
                raise
            left_out.setdefault("grades", f"{outcome}: {error}")
    return found


def _corrected(
    cells: Mapping[str, Mapping[str, Cell]], left_out: dict[str, str], asked: Asked
) -> dict[str, dict[str, Any]]:
    """Corrected rates; labels on flagged answers only, and a wrong `judge`, are refused."""

    def rate(cell: Cell, asked: Asked) -> Any:
        answers = known[cell.outcome, cell.model]
        return None if answers is None else parts_of.corrected(answers, asked)

    known = {
        (outcome, model): parts_of.judged(cell, asked)
        for outcome, models in cells.items()
        for model, cell in models.items()
    }
    found = _by_cell(cells, "judge", rate, left_out, asked)
    if asked.judge and "judge" in left_out:
        raise InvalidInput(left_out["judge"])
    return found


def _tails(
    table: OutcomeTable, labels: Labels | None, left_out: dict[str, str], asked: Asked, told: list[str]
) -> dict[str, Any]:
    found = {}
    for stage in table.stages:
        rows = np.flatnonzero(table.factor("stage").mask([stage]))
        own = table if len(rows) == len(table) else table.take(rows)
        nodes = None if labels is None or own is not table else labels
        warned: list[str] = []
        try:
            with noted(warned):
                found[stage], notes = parts_of.tail(own, nodes, asked)
        except (InvalidInput, IncompatibleBound) as error:
            left_out["tail"] = f"{f'{stage}: ' if stage else ''}{error}"
        else:
            told += [*(f"Tail: {text}" for text in warned), *notes]
    return found


def pairs_of(
    tables: Mapping[str, OutcomeTable],
    cells: Mapping[str, Mapping[str, Cell]],
    multiplicity: str | None,
    asked: Asked,
    left_out: dict[str, str],
) -> dict[str, Any]:
    """Comparisons by outcome; the outcomes with two models or more share the error."""
    several = {outcome: models for outcome, models in cells.items() if len(models) > 1}
    found = {}
    for outcome, models in several.items():
        try:
            found[outcome] = compared(
                tables,
                models,
                confidence_level=1.0 - (1.0 - asked.confidence_level) / len(several),
                multiplicity=multiplicity,
                resamples=asked.resamples,
                seed=asked.seed,
            )
        except InvalidInput as error:
            left_out.setdefault("comparisons", f"{outcome}: {error}")
    return found
