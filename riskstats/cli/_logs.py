"""Logs of evaluation tools on the command line: their options, reading them, messages in these options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats.cli._losses import name_list
from riskstats.cli._parser import assignment
from riskstats.cli._wording import as_options
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.evaluations.scale import Scale
    from riskstats.evaluations.table import OutcomeTable

__all__ = [
    "FORMATS",
    "LOGS",
    "TABLE",
    "log_arguments",
    "log_format",
    "read_logs",
    "said",
    "tool_of",
]

TABLE = "table"
FORMATS = (
    "inspect_ai",
    "lm_eval",
    "helm",
    "harmbench",
    "modelbench",
    "promptfoo",
    "deepeval",
    "garak",
    TABLE,
)
LOGS = """\
logs: inspect_ai .eval or .json, lm_eval samples_*.jsonl, HELM per_instance_stats.json, HarmBench results,
modelbench journals, promptfoo output, deepeval test runs, garak reports, each recognised by its content; or a
table (CSV, TSV, JSON lines, Parquet) with a row per outcome and columns model, prompt_id, loss and, where
there are any, epoch, judge, dimension, category, cluster, severity, cost, ordinal, weight, status, pair_id,
twin, stage, human_label, turn, chunk.

direction: a score has none until it is declared. --scale 0:1:high says that 1 is the harm, 0:1:low that 0
is; --scale SCORER=1:5:high is of one scorer, and reads those that are named alone. It can be left out where
the tool documents the direction (HELM safety, HarmBench, modelbench, promptfoo, garak), and for tables of
losses."""

_TABLES, _JSON_LINES = (".csv", ".tsv", ".txt", ".parquet", ".pq"), (".jsonl", ".ndjson")
_LOGS = (".eval", ".json", ".zst")
_SAID = {
    r"`scale=Scale\(([-+.\de]+), ([-+.\de]+), worse='high'\)`, or 'low'": r"--scale \1:\2:high, or \1:\2:low",
    r"`scale=\{'([^']*)': Scale\(([-+.\de]+), ([-+.\de]+), worse='high'\)\}`, or 'low'": (
        r"--scale \1=\2:\3:high, or \1=\2:\3:low"
    ),
    r"`scale=Scale\(([-+.\de]+), ([-+.\de]+), worse='(\w+)'\)`": r"--scale \1:\2:\3",
    r"`scale=Scale\(low, high, worse=\.\.\.\)`": "--scale LOW:HIGH:high, or low,",
    r"`scale=\{'([^']*)': Scale\(([-+.\de]+), ([-+.\de]+), worse='(\w+)'\)\}`": r"--scale \1=\2:\3:\4",
    r"`loss` must": "a loss must",
    r"`scale=\{\.\.\.\}`": "--scorer NAME",
    r"`scale`": "--scale",
    r"`values=\{'([^']*)': \.\.\.\}`": r"--value \1=NUMBER",
    r"`refusal_loss=(\d)`": r"--refusal-loss \1",
    r"`check_direction=False`": "--no-direction-check",
    r"`partial='keep'`": "--partial keep",
    r"`format=`": "--format",
    r"`model=`": "--model",
    r"`filter=`": "--filter",
    r"`behaviors=?`": "--behaviors",
    r"`columns` and `conditions`": "--column and --condition",
    r"`columns=\{'(\w+)': \.\.\.\}`": r"--column \1=FIELD",
    r"`conditions=`, or as `epoch` or `judge` in `columns=`": (
        "--condition, or as --column epoch=FIELD or judge=FIELD"
    ),
    r"`orders=\{'(\w+)': \[\.\.\.\]\}`": r"--order \1=FIRST,SECOND",
    r"`missing='drop'`, or 'interval'": "--missing drop, or interval",
    r"the rows with losses, `table\.imputations\('drop'\)\['all'\]`": "--missing drop",
    r"\(?missing='interval'\)?": "--missing interval",
    r"`unmapped='keep'`": "--unmapped keep",
    r"`verified='(\w+)'`": r"--verified \1",
    r"method='betting'": "--judge-method betting",
    r"`select\((\w+)=[^)`]*\)`": r"--select \1=VALUE",
    r"`select` what is complete": "keep what is complete with --select",
    r"with `select`": "with --select COLUMN=VALUE",
    r", or read a table with `OutcomeTable\.read`": ", or --format table for a table",
}


def log_arguments(parser: argparse.ArgumentParser, *, model: bool = True) -> None:
    """How logs are read; `model` is left out where that option is taken."""
    add = parser.add_argument_group("log of a tool").add_argument
    add(
        "--format", choices=FORMATS, metavar="TOOL", help=f"one of {', '.join(FORMATS)} (default: by content)"
    )
    add(
        "--scale",
        action="append",
        type=_scale,
        metavar="[SCORER=]LOW:HIGH:WORSE",
        help="ends of the scores and which is bad, high or low; see below",
    )
    add("--scorer", action="append", metavar="A,B", help="these scorers, metrics or detectors only")
    if model:
        add("--model", metavar="NAME", help="name of the model, where the log does not say it")
    add("--condition", action="append", metavar="A,B", help="fields that are conditions, such as an attack")
    for option, form, told in (
        ("column", "COLUMN=FIELD", "such as category=metadata.kind"),
        ("order", "NAME=A,B", "levels of stage or of a condition, the lowest first"),
        ("select", "COLUMN=VALUE", "these outcomes only"),
    ):
        add(f"--{option}", action="append", default=[], type=assignment(str, form), metavar=form, help=told)
    form, told = "WORD=NUMBER", "number of a score in words"
    add("--value", action="append", default=[], type=assignment(float, form), metavar=form, help=told)
    add("--refusal-loss", type=float, metavar="X", help="loss in [0, 1] of an answer N, a refusal")
    add("--filter", metavar="NAME", help="of lm_eval, where a log has several")
    add("--behaviors", metavar="FILE", help="CSV of the behaviors of HarmBench")
    add(
        "--no-direction-check",
        action="store_true",
        help="keep a declared direction that the log contradicts, such as harm in good performance",
    )
    add(
        "--partial",
        choices=("refuse", "keep"),
        default="refuse",
        help="what to do with a log that is not whole (default refuse)",
    )


def _scale(text: str) -> tuple[str, Scale]:
    from riskstats.evaluations.scale import Scale

    scorer, _, ends = text.rpartition("=")
    parts = ends.split(":")
    try:
        low, high, worse = parts
        return scorer, Scale(float(low), float(high), worse)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected [SCORER=]LOW:HIGH:high or :low with LOW < HIGH, such as 0:1:high; got {text!r}"
        ) from None


# Reading


def log_format(path: str, asked: str | None) -> str:
    """The tool that wrote a file, or "table"; `InvalidInput` for a file that is neither."""
    if asked is not None:
        return asked
    kind = _kind(path)
    if path == "-" or kind in _TABLES:
        return TABLE
    from riskstats.evaluations.readers.log import read_log, recognised

    found = recognised(path)
    if found is None and kind not in _JSON_LINES:
        read_log(path)  # says why it is the log of no tool
    return found or TABLE


def tool_of(path: str, asked: str | None) -> str | None:
    """The tool that wrote a file; None for a file of records, also one that cannot be read."""
    if asked is not None or _kind(path) in _LOGS:
        found = log_format(path, asked)
        return None if found == TABLE else found
    if path == "-" or _kind(path) not in _JSON_LINES:
        return None
    from riskstats.evaluations.readers.log import recognised

    try:
        return recognised(path)
    except InvalidInput:
        return None


def _kind(path: str) -> str:
    """The suffix without `.gz`; that of a file compressed by zstd is of a log."""
    name = Path(path)
    return Path(name.stem).suffix.lower() if name.suffix == ".gz" else name.suffix.lower()


def read_logs(paths: Sequence[str], args: argparse.Namespace, columns: dict[str, str]) -> OutcomeTable:
    """The outcomes of all logs together."""
    from riskstats.evaluations.table import OutcomeTable

    tables = [_read(path, args, columns) for path in paths]
    table = tables[0] if len(tables) == 1 else OutcomeTable.concatenated(tables)
    table = _scored(table, name_list(args.scorer))
    wanted: dict[str, list[str]] = {}
    for name, value in args.select:
        wanted.setdefault(name, []).append(value)
    return table.select(**wanted) if wanted else table


def _read(path: str, args: argparse.Namespace, columns: dict[str, str]) -> OutcomeTable:
    kind = log_format(path, args.format)
    conditions = name_list(args.condition) or []
    orders = {name: name_list([words]) or [] for name, words in args.order}
    if kind == TABLE:
        from riskstats.evaluations.table import OutcomeTable

        table = OutcomeTable.read(
            path, columns=columns, conditions=conditions, orders=orders, scale=_scales(args)
        )
        return table if path == "-" or "source" in table.columns else table.assign(source=_source(path))
    from riskstats.evaluations.readers.log import read_log

    return read_log(
        path,
        kind,
        scale=_scales(args),
        model=getattr(args, "log_model", None),
        columns=columns,
        conditions=conditions,
        values=dict(args.value),
        refusal_loss=args.refusal_loss,
        filter=args.filter,
        behaviors=args.behaviors,
        check_direction=not args.no_direction_check,
        partial=args.partial,
    )


def _source(path: str) -> str:
    from riskstats.evaluations.readers.log_file import LogFile

    return f"table; {Path(path).name}; sha256:{LogFile(Path(path)).sha256}"


def _scales(args: argparse.Namespace) -> Any:
    """One scale of all scores, or {scorer: scale}."""
    given: list[tuple[str, Scale]] = args.scale or []
    scorers = name_list(args.scorer) or []
    if not given:
        return None
    named = {scorer: scale for scorer, scale in given if scorer}
    of_all = [scale for scorer, scale in given if not scorer]
    if len(of_all) > 1 or (of_all and named and not scorers):
        raise InvalidInput(
            "--scale is given for all scores more than once. Name the scorer: --scale NAME=0:1:high."
        )
    if named or (of_all and scorers):
        return {**{scorer: of_all[0] for scorer in scorers if of_all}, **named}
    return of_all[0]


def _scored(table: OutcomeTable, scorers: Sequence[str] | None) -> OutcomeTable:
    """The dimensions that belong to the scorers."""
    if not scorers:
        return table
    found = [
        word
        for word in table.dimensions
        if any(word == name or word.startswith(f"{name}.") for name in scorers)
    ]
    if not found:
        raise InvalidInput(
            f"no score is called {', '.join(map(repr, scorers))}; there are "
            f"{', '.join(map(repr, table.dimensions))}. Correct --scorer."
        )
    return table if len(found) == len(table.dimensions) else table.select(dimension=found)


# Messages


def said(message: str) -> str:
    """A message of the library in the options of these commands."""
    for pattern, words in _SAID.items():
        message = re.sub(pattern, words, message)
    return as_options(message)
