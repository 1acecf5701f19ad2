"""`read_log`: the log of an evaluation tool as an outcome table, its format recognised by its content."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from riskstats._record_files import PathLike
from riskstats._samples import warn_of_assumption
from riskstats._validation import choice, probability, unknown_columns
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked
from riskstats.evaluations.scale import Scale, checked_scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_columns import COLUMNS
from riskstats.exceptions import InvalidInput

__all__ = ["FORMATS", "read_log", "recognised"]

_MEMBERS = {"header.json", "_journal/start.json"}  # one of them is in every archive of inspect_ai
FORMATS = ("inspect_ai", "lm_eval", "helm", "harmbench", "modelbench", "promptfoo", "deepeval", "garak")


def read_log(
    path: PathLike,
    format: str | None = None,  # noqa: A002
    *,
    scale: Scale | Mapping[str, Scale] | None = None,
    model: str | None = None,
    columns: Mapping[str, str] | None = None,
    conditions: Sequence[str] | Mapping[str, str] = (),
    values: Mapping[str, float] | None = None,
    refusal_loss: float | None = None,
    filter: str | None = None,  # noqa: A002
    behaviors: PathLike | None = None,
    check_direction: bool = True,
    partial: str = "refuse",
) -> OutcomeTable:
    """The outcomes of a log, checked against the totals that the tool itself wrote.

    Parameters
    ----------
    path : inspect_ai `.eval` or `.json`; lm_eval `samples_*.jsonl`; HELM `per_instance_stats.json`; HarmBench
        results; modelbench journal; promptfoo output; deepeval test run; garak report. JSON lines
        stream, plain or compressed by gzip or zstd.
    format : one of `FORMATS`; None recognises it by its content.
    scale : of the scores, or {score: scale}, which reads those scores alone. A score is called by the
        scorer, metric, statistic or detector of the tool; one of several values also as "scorer.key". It can
        be left out where the tool documents the direction: HELM safety scores, HarmBench labels,
        modelbench `is_safe`, the promptfoo score, garak detectors.
    model : name of the model, where the log does not say it, or says it badly.
    columns : {column of the table: field of the record}, such as {"category": "metadata.kind"}.
    conditions : fields that are conditions, or {name: field}.
    values : {word: number} of scores that are words; inspect letters C, P and I are 1, .5 and 0 on the scale.
    refusal_loss : loss in [0, 1] of an inspect answer N, which is a refusal; needed where there is one.
    filter : of lm_eval, where a log has several. behaviors : CSV of the behaviors of HarmBench.
    check_direction : refuse a `scale` that the log or the tool contradicts. False where that is meant: high
        accuracy on hazardous knowledge is good performance, and the harm.
    partial : "refuse" a log that is not whole, or "keep" what is there, with an `AssumptionWarning`; the
        table then says so in `source` and `partial`.

    Returns
    -------
    OutcomeTable : a row per model, prompt, epoch, judge and dimension; outcomes without a loss stay as rows.

    Raises
    ------
    InvalidInput : a format that is not recognised, a missing field, a bad line by its number, no declared
        direction, a direction that the log contradicts, scores outside the scale, totals that differ from the
        tool's own, a log that is cut short or unfinished.
    Unavailable : a file compressed with zstd without the package zstandard.
    """
    choice(partial, ("refuse", "keep"), "partial")
    asked = Asked(
        scale=checked_scale(scale, "score"),
        model=model,
        columns=_checked_columns(columns or {}),
        conditions=dict(conditions) if isinstance(conditions, Mapping) else _named(conditions),
        values=dict(values or {}),
        refusal_loss=None if refusal_loss is None else probability(refusal_loss, "refusal_loss", closed=True),
        keep_partial=partial == "keep",
        check_direction=check_direction,
        filter=filter,
        behaviors=behaviors,
    )
    log = LogFile(Path(path))
    reader = import_module(f"riskstats.evaluations.readers.{_format(log, format)}")
    with _uncollected():
        table: OutcomeTable = reader.read(log, asked)
    if table.partial:
        warn_of_assumption(
            f"{log.label} is not whole; its outcomes are a part, and perhaps not a random one."
        )
    return table


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for reference cycles: parsed logs are many small objects without any, looked at in vain."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _named(conditions: Sequence[str]) -> dict[str, str]:
    return {field.rpartition(".")[2]: field for field in conditions}


def _checked_columns(columns: Mapping[str, str]) -> dict[str, str]:
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise unknown_columns(unknown, list(COLUMNS))
    return dict(columns)


# Formats


def recognised(path: PathLike) -> str | None:
    """The format of a log by its content; None where it is the log of no tool that is known here."""
    log = LogFile(Path(path))
    if log.zipped:
        return "inspect_ai" if _MEMBERS & set(log.members) else None
    return _known(_first(log))


def _known(first: Any) -> str | None:
    names = (n for n in FORMATS if import_module(f"riskstats.evaluations.readers.{n}").recognises(first))
    return next(names, None)


def _format(log: LogFile, asked: str | None) -> str:
    if asked is not None:
        log.magic  # noqa: B018  # says that the file cannot be read before anything else
        return choice(asked, FORMATS, "format")
    if log.zipped:
        return _zipped(log)
    first = _first(log)
    name = _known(first)
    if name is not None:
        return name
    keys = ", ".join(map(repr, list(first)[:8])) if isinstance(first, dict) else type(first).__name__
    raise InvalidInput(
        f"{log.label} is the log of no tool that is known here ({keys}). Pass `format=`, one of "
        f"{', '.join(FORMATS)}, or read a table with `OutcomeTable.read`."
    )


def _zipped(log: LogFile) -> str:
    if not _MEMBERS & set(log.members):
        raise InvalidInput(f"{log.label} is a zip archive without 'header.json': no inspect log.")
    return "inspect_ai"


def _first(log: LogFile) -> Any:
    """The object on the first line, or the whole file where its first line is no JSON."""
    for raw in log.lines():
        if raw.strip():
            try:
                return json.loads(raw)
            except ValueError:
                return log.document()
    raise InvalidInput(f"{log.label} is empty. Pass the log of a finished run.")
