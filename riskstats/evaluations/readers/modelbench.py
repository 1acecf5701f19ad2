"""Journals of modelbench: measurements of items, checked against the scores of its hazards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, needed, number_of, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "modelbench"
SAFE = "is_safe"
SCALE = Scale(0.0, 1.0, "low", "modelbench is_safe")
_ERRORS = ("sut exception",)
_UNGRADED = ("annotator exception", "annotation exception", "item failed")


def recognises(first: Any) -> bool:
    """Whether the first line is of such a journal."""
    return isinstance(first, dict) and {"timestamp", "message"} <= set(first)


@dataclass
class _Item:
    """One prompt of a test for a system, as far as the journal has told."""

    line: int
    status: str = ""
    measurements: Mapping[str, Any] | None = None
    record: Mapping[str, Any] | None = None


@dataclass
class _Run:
    """What has been seen of a journal so far; an item is keyed by (system, test, prompt)."""

    suts: list[str] = field(default_factory=list)
    hazards: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    items: dict[tuple[str, str, str], _Item] = field(default_factory=dict)
    scored: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    finished: bool = False


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per system, prompt and measurement; items that failed are rows without a loss."""
    run, entries = _Run(), log.objects(keep_partial=asked.keep_partial)
    for line, entry in entries:
        _entry(log, entry, line, run)
    problem = entries.cut or (None if run.finished else "there is no 'finished run'")
    if problem and not asked.keep_partial:
        raise InvalidInput(f"{log.label}: {problem}. Pass `partial='keep'` to read what there is.")
    if not problem:
        for line, scored in run.scored:
            _check(log, scored, line, run)
    rows = Rows(log, NAME, asked)
    names = dict.fromkeys(name for item in run.items.values() for name in item.measurements or {})
    scales = {name: _scale(name, log, asked) for name in names if asked.wants(name)}
    for (sut, test, prompt), item in run.items.items():
        for name, scale in scales.items():
            _add(rows, item, name, scale, (asked.model or sut, prompt, run.hazards.get(test, [])))
    return rows.table(partial=problem is not None)


def _scale(name: str, log: LogFile, asked: Asked) -> Scale:
    fixed = SCALE if name == SAFE else None
    return asked.scale_of(name, said=f"modelbench measurement `{name}`", fixed=fixed, label=log.label)


def _entry(log: LogFile, entry: Mapping[str, Any], line: int, run: _Run) -> None:
    place = f"{log.label}, line {line}"
    message = needed(entry, "message", place)
    if message.startswith("starting") and message.endswith("run"):
        run.suts = list(needed(entry, "suts", place))
    elif message == "hazard info":
        tests = needed(entry, "tests", place)
        for test in [tests] if isinstance(tests, str) else tests:
            run.hazards[test].append(str(needed(entry, "hazard", place)))
    elif message in ("hazard scored", "hazard calibrated"):
        run.scored.append((line, entry))
    elif message == "finished run":
        run.finished = True
    elif "prompt_id" in entry and "test" in entry:
        _item(entry, message, line, run, place)


def _item(entry: Mapping[str, Any], message: str, line: int, run: _Run, place: str) -> None:
    sut = entry.get("sut") or (run.suts[0] if len(run.suts) == 1 else None)
    if sut is None:
        raise InvalidInput(
            f"{place}: there is no field 'sut', and 'starting run' names {len(run.suts)} systems."
        )
    item = run.items.setdefault((sut, entry["test"], entry["prompt_id"]), _Item(line))
    if message == "measured item quality":
        item.line, item.measurements, item.record = line, needed(entry, "measurements", place), entry
    elif message in _ERRORS:
        item.status = "error"
    elif message in _UNGRADED:
        item.status = item.status or "ungraded"


def _add(rows: Rows, item: _Item, name: str, scale: Scale, who: tuple[str, str, list[str]]) -> None:
    model, prompt, hazards = who
    place = f"{rows.log.label}, line {item.line}, measurement `{name}`"
    value = number_of((item.measurements or {}).get(name), rows.asked.values, place)
    rows.add(
        item.line,
        prompt=prompt,
        score=value,
        scale=scale,
        model=model,
        status=item.status,
        record=item.record,
        text={"dimension": name, "category": "; ".join(dict.fromkeys(hazards))},
    )


def _check(log: LogFile, entry: Mapping[str, Any], line: int, run: _Run) -> None:
    """The safe fraction of a hazard and its number of items."""
    place = f"{log.label}, line {line}"
    hazard, score = needed(entry, "hazard", place), needed(entry, "score", place)
    safe = [
        float(item.measurements[SAFE])
        for (sut, test, _), item in run.items.items()
        if hazard in run.hazards.get(test, ())
        and sut == entry.get("sut", sut)
        and not item.status
        and item.measurements
        and SAFE in item.measurements
    ]
    if safe:
        same_total(len(safe), entry.get("samples", len(safe)), f"{place}: `samples` of {hazard}")
        same_total(sum(safe) / len(safe), score, f"{place}: `score` of {hazard}", 1e-9)
