"""Counts of unsafe answers: of one system from options, of several from a table, with their reference."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._frames import quoted
from riskstats._record_files import Records, read_records
from riskstats._records import id_codes, read_ids
from riskstats._validation import Floats
from riskstats.cli._losses import name_list
from riskstats.evaluations.table_columns import Places, as_floats
from riskstats.exceptions import InvalidInput

__all__ = ["GradedCounts", "graded_counts"]


@dataclass(frozen=True, eq=False)
class GradedCounts:
    """Counts as `grade` takes them.

    Attributes
    ----------
    systems : {name: (unsafe, total)}, numbers or one per hazard.
    reference_unsafe, reference_total : (J,) or (J, hazards), as the systems have hazards or not.
    references : names of the J references; empty where they have none.
    hazards : names; empty where there is one.
    label : name of the table; empty for counts.
    """

    systems: dict[str, tuple[Any, Any]]
    reference_unsafe: Any
    reference_total: Any
    references: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    label: str = ""

    @contextmanager
    def placed(self, system: str) -> Iterator[None]:
        """Say which table and system an error is about, where there are several."""
        try:
            yield
        except InvalidInput as error:
            if not self.label:
                raise
            message = str(error)
            whose = f", system '{system}'" if "`unsafe`" in message or "`total`" in message else ""
            for role in ("unsafe", "total"):
                message = message.replace(f"`{role}`", role)
                message = message.replace(f"`reference_{role}`", f"{role} of the reference")
            raise InvalidInput(f"{self.label}{whose}: {message}") from error


def graded_counts(args: argparse.Namespace) -> GradedCounts:
    """The counts that the options or the table hold."""
    return _from_options(args) if args.data is None else _from_table(args)


# Options


def _from_options(args: argparse.Namespace) -> GradedCounts:
    unsafe, total = _count(args.unsafe, "--unsafe"), _count(args.total, "--total")
    below = [_count(word, "--reference-unsafe") for word in name_list(args.reference_unsafe) or ()]
    of = [_count(word, "--reference-total") for word in name_list(args.reference_total) or ()]
    if len(below) != len(of):
        raise InvalidInput(
            f"--reference-unsafe has {len(below)} counts and --reference-total {len(of)}. Give one of each "
            "per reference."
        )
    return GradedCounts({"system": (unsafe, total)}, below, of)


def _count(word: str, option: str) -> int | float:
    """A number; whether it is a count is for the library to say."""
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            continue
    raise InvalidInput(f"{option} must be a count; got {word!r}. A column of counts needs its table.")


# Table


def _from_table(args: argparse.Namespace) -> GradedCounts:
    records = read_records(args.data)
    systems, of_system = id_codes(read_ids(records, _column(records, args, "system"), "system"))
    hazard = args.hazard or ("hazard" if "hazard" in records.columns else None)
    hazards, of_hazard = [""], np.zeros(len(of_system), dtype=np.int64)
    if hazard is not None:
        hazards, of_hazard = id_codes(read_ids(records, hazard, "hazard"))
    cells = of_system * len(hazards) + of_hazard
    _complete(records, cells, systems, hazards)
    columns = [_grid(records, _column(records, args, role), cells) for role in ("unsafe", "total")]
    shape = (len(systems), len(hazards)) if len(hazards) > 1 else (len(systems),)
    unsafe, total = (column.reshape(shape) for column in columns)
    references = _references(records, args, systems)
    at = [systems.index(name) for name in references]
    graded = [k for k in range(len(systems)) if k not in at]
    if not graded:
        raise InvalidInput(f"every system of {records.label} is a reference; none is left to grade.")
    return GradedCounts(
        systems={systems[k]: (unsafe[k], total[k]) for k in graded},
        reference_unsafe=unsafe[at],
        reference_total=total[at],
        references=references,
        hazards=tuple(hazards) if len(hazards) > 1 else (),
        label=records.label,
    )


def _column(records: Records, args: argparse.Namespace, role: str) -> str:
    name = getattr(args, role) or role
    if name not in records.columns:
        raise InvalidInput(
            f"{records.label} has no column '{name}'; the columns are {quoted(records.columns)}. Name it "
            f"with --{role}."
        )
    return name


def _grid(records: Records, name: str, cells: np.ndarray) -> Floats:
    """The counts of a column by system and hazard, none missing."""
    values = as_floats(name, records.column(name), Places(records.label, records.word, records.lines))
    absent = np.isnan(values)
    if absent.any():
        place = records.place(int(absent.argmax()))
        raise InvalidInput(f"{records.label}, {place}, column '{name}': the count is missing. Fill it in.")
    return values[np.argsort(cells)]


def _complete(records: Records, cells: np.ndarray, systems: Sequence[str], hazards: Sequence[str]) -> None:
    """`InvalidInput` unless every system has one row for every hazard."""
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(again):
        row = int(order[again + 1].min())
        remedy = "Add up their counts." if len(hazards) > 1 else "Name the column of hazards with --hazard."
        raise InvalidInput(
            f"{records.label}, {records.place(row)}: a second row for "
            f"{_said(int(cells[row]), systems, hazards)}. {remedy}"
        )
    absent = np.setdiff1d(np.arange(len(systems) * len(hazards)), cells)
    if len(absent):
        more = f", and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise InvalidInput(
            f"{records.label} has no row for {_said(int(absent[0]), systems, hazards)}{more}. Grade systems "
            "on the same hazards."
        )


def _said(cell: int, systems: Sequence[str], hazards: Sequence[str]) -> str:
    system, hazard = divmod(cell, len(hazards))
    return f"system '{systems[system]}'" + (f" and hazard '{hazards[hazard]}'" if len(hazards) > 1 else "")


def _references(records: Records, args: argparse.Namespace, systems: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name_list(args.reference) or ()))
    missing = [name for name in names if name not in systems]
    if missing or not names:
        lacks = f"no system {quoted(missing)}" if missing else "no reference: --reference is empty"
        raise InvalidInput(f"{records.label} has {lacks}; its systems are {quoted(systems)}.")
    return names
