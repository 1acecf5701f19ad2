"""Results of HarmBench: by behavior, a list of test cases with the label of the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstats._tables import read_table
from riskstats._validation import quoted
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, needed
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "harmbench"
SCALE = Scale(0.0, 1.0, "high", "harmbench label")
BEHAVIOR, CATEGORIES = "BehaviorID", ("FunctionalCategory", "SemanticCategory")


def recognises(first: Any) -> bool:
    """Whether a JSON file maps behaviors to lists of graded test cases."""
    if not isinstance(first, dict) or not first:
        return False
    cases = next(iter(first.values()))
    known = ("label", "generation", "test_case")
    return isinstance(cases, list) and all(isinstance(c, dict) and any(k in c for k in known) for c in cases)


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per behavior and test case; a label that is neither 0 nor 1 is ungraded."""
    results = log.document()
    if not recognises(results):
        raise InvalidInput(f"{log.label} does not map behaviors to lists of test cases with 'label'.")
    categories = _categories(asked.behaviors) if asked.behaviors is not None else None
    rows = Rows(log, NAME, asked, "behavior")
    scale = asked.scale_of("label", said="HarmBench `label`", fixed=SCALE, label=log.label)
    for behavior, cases in results.items():
        category = "" if categories is None else _category(categories, behavior, log)
        for index, case in enumerate(cases):
            label = needed(case, "label", f"{log.label}, behavior {behavior}, case {index}")
            rows.add(
                f"{behavior}, case {index}",
                prompt=behavior,
                score=float(label) if label in (0, 1) else None,
                scale=scale,
                model=asked.model or log.path.name.partition(".json")[0],
                epoch=index + 1,
                record=case,
                text={"category": category},
            )
    return rows.table()


def _categories(path: Any) -> dict[str, str]:
    """{behavior: "functional/semantic"} of the CSV of behaviors."""
    table = read_table(path)
    columns = [table.column(name) for name in (BEHAVIOR, *CATEGORIES)]
    return {
        str(row[0]): "/".join(str(part) for part in row[1:] if part) for row in zip(*columns, strict=True)
    }


def _category(categories: Mapping[str, str], behavior: str, log: LogFile) -> str:
    if behavior not in categories:
        raise InvalidInput(
            f"{log.label}: behavior '{behavior}' is not in `behaviors`, which has "
            f"{quoted(categories, 3)}. Pass the CSV "
            "of the same release."
        )
    return categories[behavior]
