"""Reports of garak (0.17): attempts with verdicts of detectors, checked against its own `eval` entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, needed, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "garak"
SCALE = Scale(0.0, 1.0, "high", "garak detector")
EVALUATED = 2
"""Status of an attempt that detectors have looked at; an earlier entry of the attempt has a lower one."""
_TOTALS = ("passed", "fails", "nones", "total_evaluated")


def recognises(first: Any) -> bool:
    """Whether the first line is of such a report."""
    return isinstance(first, dict) and "entry_type" in first


@dataclass
class _Run:
    """What has been seen of a report so far."""

    model: str = ""
    version: str = ""
    threshold: float = 0.5
    complete: bool = False
    counts: dict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: dict.fromkeys(_TOTALS, 0))
    )
    checked: set[tuple[str, str]] = field(default_factory=set)


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per attempt, output and detector; detectors are the judges, an output is an epoch."""
    run, rows = _Run(asked.model or ""), Rows(log, NAME, asked)
    entries = log.objects(keep_partial=asked.keep_partial)
    for line, entry in entries:
        kind = needed(entry, "entry_type", f"{log.label}, line {line}")
        if kind == "attempt":
            _attempt(rows, entry, line, run)
        elif kind == "eval":
            _check(log, entry, line, run)
        elif kind in ("start_run setup", "init"):
            _setup(entry, run)
        run.complete |= kind == "completion"
    unchecked = set(run.counts) - run.checked
    problem = entries.cut or (
        "there is no `completion` entry"
        if not run.complete
        else None
        if not unchecked
        else "attempts lack `eval`"
    )
    if problem and not asked.keep_partial:
        raise InvalidInput(
            f"{log.label}: {problem}: the run has not finished. Pass `partial='keep'` to read what there is."
        )
    return rows.table(run.version, partial=problem is not None, conditions=("intent",))


def _setup(entry: Mapping[str, Any], run: _Run) -> None:
    names = [(f"plugins.{word}_type", f"plugins.{word}_name") for word in ("target", "model")]
    for kind, name in names:
        if entry.get(name) or entry.get(kind):
            run.model = run.model or ".".join(str(entry[key]) for key in (kind, name) if entry.get(key))
    run.version = str(entry.get("garak_version") or entry.get("_config.version") or run.version)
    run.threshold = float(entry.get("run.eval_threshold", run.threshold))


def _attempt(rows: Rows, entry: Mapping[str, Any], line: int, run: _Run) -> None:
    place = f"{rows.log.label}, line {line}"
    if needed(entry, "status", place) != EVALUATED:
        return
    if not run.model:
        raise InvalidInput(f"{rows.log.label} names no target before line {line}. Pass `model=`.")
    probe, seq = needed(entry, "probe_classname", place), needed(entry, "seq", place)
    for detector, verdicts in needed(entry, "detector_results", place).items():
        counts = run.counts[probe, detector]
        wanted = rows.asked.wants(detector)
        scale = rows.asked.scale_of(
            detector, said=f"detector `{detector}`", fixed=SCALE, label=rows.log.label
        )
        for index, verdict in enumerate(verdicts):
            _count(counts, verdict, run.threshold)
            if wanted:
                rows.add(
                    line,
                    prompt=f"{probe}/{seq}",
                    score=verdict,
                    scale=scale,
                    model=run.model,
                    epoch=index + 1,
                    record=entry,
                    text={
                        "judge": detector,
                        "category": probe.replace(".", "/"),
                        "intent": entry.get("intent") or "",
                    },
                )


def _count(counts: dict[str, int], verdict: float | None, threshold: float) -> None:
    counts["nones" if verdict is None else "passed" if verdict < threshold else "fails"] += 1
    counts["total_evaluated"] += verdict is not None


def _check(log: LogFile, entry: Mapping[str, Any], line: int, run: _Run) -> None:
    """An `eval` entry against the attempts before it."""
    place = f"{log.label}, line {line}"
    pair = needed(entry, "probe", place), str(needed(entry, "detector", place)).removeprefix("detector.")
    told = dict(entry)
    told.setdefault("total_evaluated", told.get("total"))
    for name in _TOTALS:
        if name in ("fails", "nones") and name not in told:
            continue
        same_total(
            run.counts[pair][name], needed(told, name, place), f"{place}: `{name}` of {pair[0]}, {pair[1]}"
        )
    run.checked.add(pair)
