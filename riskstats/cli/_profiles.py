"""A report on models as text, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from riskstats.cli._profile_text import profile_text
from riskstats.tail.models_report import COLUMNS, ModelsReport

__all__ = ["COLUMNS", "as_content", "as_rows", "as_text"]

_CONTENT = ("profiles", "comparison", "repeats", "judge_noise", "notes")


def as_content(found: ModelsReport) -> dict[str, Any]:
    """What is written as JSON, in plain Python types."""
    content = found.to_dict()
    return {name: content[name] for name in _CONTENT}


def as_text(found: ModelsReport) -> str:
    """The comparison first, then each model; a note that all of them share stands once."""
    parts = [] if found.comparison is None else [found.comparison.summary()]
    parts += ["\n".join(_model_text(found, name)) for name in found.profiles]
    return "\n\n".join([*parts, "\n".join((*found.common_notes(), *found.notes))]).rstrip()


def _model_text(found: ModelsReport, name: str) -> Iterator[str]:
    yield profile_text(found.profiles[name], name, found.unit)
    yield from (each[name].summary() for each in (found.repeats, found.judge_noise) if name in each)


def as_rows(found: ModelsReport) -> Iterator[list[Any]]:
    """One row per scale, dimension and label of every model."""
    return (list(row.values()) for row in found.rows())
