"""`riskstats multiplicity`: how far near-optimal models differ on each row, and what hangs on the choice."""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats.cli._losses import name_list
from riskstats.cli._output import (
    STDOUT,
    check_destination,
    check_picture,
    json_text,
    write_bytes,
    write_picture,
    write_text,
)
from riskstats.cli._parser import amount, share, whole
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import as_options, in_options, reworded
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.cli._multiplicity_sets import Asked
    from riskstats.multiplicity.report import MultiplicityReport

HELP = "how much hangs on the model that was picked, row by row"
DESCRIPTION = """\
Many models fit a table almost equally well. For every row: the range of the predictions of all models whose
objective is within epsilon of the best, with a certificate; how many rows differ by how much (ambiguity: a
model for each row; discrepancy: one model for all rows); which rows models decide either way, with a model on
either side. The models are the logistic regressions of the table, or the cards of a pool."""
EPILOG = """\
models:
  --target y         logistic regressions with a ridge penalty: exact ranges, each with a proof
  --target y --refits 300
                     only those that refits on resampled rows happen to find: ranges are at least this wide
  --card card.json   the cards that `riskstats fit --pool` listed: exact if the list is proven complete

examples:
  riskstats multiplicity data.csv --target y --standardize
  riskstats multiplicity data.csv --target died --drop ward --id patient --group sex -o rows.csv --plot r.png
  riskstats multiplicity data.csv --target y --epsilon 0.05 --deviation 0.1 0.3 --json
  riskstats multiplicity --card card.json new.csv --threshold 0.3 --share-limit 0.05

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 not shown to keep --share-limit"""

PLOTS = ("ranges", "rates", "groups")
_OWN_COLUMNS = {  # with "differs_..." those of the table of the rows
    "row",
    "baseline",
    "lower",
    "upper",
    "width",
    "kind",
    "gap",
    "status",
    "either_way",
    "capacity",
    "capacity_bound",
    "sample_weight",
}
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_WORDS = {
    "Scale `X` or lower `C`": "Pass --standardize, or lower --C",
    "scale `X` or lower `C`": "pass --standardize, or lower --C",
    "columns of `X`": "columns",
    "Drop columns": "Drop columns with --drop",
    "`C`": "--C",
    "`epsilon_kind='additive'`": "--epsilon-kind additive",
    "`epsilon`": "--epsilon",
    "`deviation`": "--deviation",
    "`decision_threshold`": "--threshold",
    "Raise `max_iter` or `time_limit` for more.": "Pass --standardize, or a smaller --C, for more.",
    "`X`": "the table",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    _data_arguments(parser)
    _model_arguments(parser)
    _question_arguments(parser)
    _output_arguments(parser)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    add = group.add_argument
    add("data", metavar="data.csv", help="CSV, TSV or Parquet with a header; - is CSV on standard input")
    add("--target", metavar="COLUMN", help="the outcome, a column of two values")
    add("--positive", metavar="LABEL", help="value that the probability is of (default: the larger)")
    add("--weight", metavar="COLUMN", help="column of row weights")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--features", nargs="+", action="extend", metavar="A,B", help="use these columns only")
    which.add_argument("--drop", nargs="+", action="extend", metavar="A,B", help="use all columns but these")
    add(
        "--group",
        action="append",
        metavar="A,B",
        help="columns whose labels make groups; no features unless --features names them",
    )
    add("--id", metavar="COLUMN", help="column that names the rows in the table of --output; no feature")


def _model_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("models")
    add = group.add_argument
    add(
        "--epsilon",
        type=float,
        metavar="E",
        help="how much worse than the best a model may be (default 0.01, or that of the pool)",
    )
    add(
        "--epsilon-kind",
        choices=("relative", "additive"),
        help="a share of the best objective (default), or nats",
    )
    add("--C", type=_inverse_penalty, metavar="C", help="inverse penalty (default 1); inf is none")
    add("--standardize", action="store_true", help="scale columns to mean 0 and variance 1 first")
    add(
        "--refits",
        type=whole(1),
        metavar="N",
        help="N refits in place of all models: 'at least', no more",
    )
    add("--seed", type=whole(0), metavar="N", help="of the refits (default 0)")
    add("--card", metavar="card.json", help="a card whose pool is asked in place of models of the table")
    add("--pool", metavar="FILE", help="the pool (default: card.pool.json beside the card)")


def _question_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("questions")
    add = group.add_argument
    add(
        "--deviation",
        nargs="+",
        action="extend",
        type=float,
        metavar="D",
        help="differences in probability that count (default 0.05 0.1 0.2 0.3)",
    )
    add(
        "--threshold",
        type=float,
        default=0.5,
        metavar="T",
        help="a model decides for the positive class from this probability on (default 0.5)",
    )
    add(
        "--time-limit",
        type=amount,
        default=60.0,
        metavar="S",
        help="seconds for the discrepancies (default 60); what runs out keeps bounds that hold",
    )
    add(
        "--share-limit",
        type=share,
        metavar="S",
        help="exit with 3 unless at most this share of rows is shown to be decided either way",
    )


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add = group.add_argument
    add(
        "--json",
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="the whole answer as JSON, with both models of every row that is decided either way: in a file, "
        "or in place of the text",
    )
    add("-o", "--output", metavar="FILE", help="a table of the rows: .csv or .tsv; - is CSV on stdout")
    add("--plot", metavar="FILE", help="draw a picture: .png, .svg or .pdf")
    add("--plot-kind", choices=PLOTS, help="what the picture shows (default ranges)")
    add("--quiet", action="store_true", help="no warnings")


def _inverse_penalty(text: str) -> float:
    """A number > 0, or inf."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number > 0, or inf for no penalty; got {text!r}")
    return value


def run(args: argparse.Namespace) -> int:
    """Read, find the models, ask every question, print, write, and compare the share with its limit."""
    _check_outputs(args)
    with in_options(_said):
        asked, report = _answers(args)
    _print(asked, report, args)
    if args.json not in (None, STDOUT):
        write_text(json_text(report.to_dict()), args.json)
    if args.output not in (None, STDOUT):
        delimiter = _DELIMITERS[Path(args.output).suffix.lower()]
        write_bytes(_rows_text(asked, report, delimiter).encode("utf-8"), args.output)
    if args.plot is not None:
        kind = args.plot_kind or "ranges"
        write_picture(report.plot("ambiguity" if kind == "rates" else kind), args.plot)
    return _gate(report, args.share_limit)


def _check_outputs(args: argparse.Namespace) -> None:
    check_picture(args.plot)
    check_destination(args.json)
    if args.plot_kind is not None and args.plot is None:
        raise InvalidInput("--plot-kind goes with --plot FILE, which is not given. Add it.")
    if args.plot_kind == "groups" and not args.group:
        raise InvalidInput("--plot-kind groups needs --group COLUMN. Add it.")
    if args.output is None:
        return
    if args.output == STDOUT and args.json == STDOUT:
        raise InvalidInput("-o - and --json both write to standard output. Give one of them a file.")
    if args.output != STDOUT and Path(args.output).suffix.lower() not in _DELIMITERS:
        raise InvalidInput(f"the suffix of '{args.output}' is neither .csv nor .tsv. Rename the output.")
    check_destination(args.output)
    _no_clash([*(name_list(args.group) or ()), *([args.id] if args.id else ())])


def _no_clash(names: Sequence[str]) -> None:
    """Refuse columns of labels that the table of the rows would have twice."""
    for name in names:
        if name in _OWN_COLUMNS or name.startswith("differs_"):
            raise InvalidInput(
                f"the table of --output has a column '{name}' of its own. Rename that of the file."
            )


def _answers(args: argparse.Namespace) -> tuple[Asked, MultiplicityReport]:
    from riskstats.cli._multiplicity_sets import asked_set

    asked = asked_set(args)
    report = asked.found.report(
        asked.rows,
        deviations=args.deviation,
        groups=asked.groups or None,
        decision_threshold=args.threshold,
        sample_weight=asked.weights,
        time_limit=args.time_limit,
    )
    return asked, _named(report, asked)


def _named(report: MultiplicityReport, asked: Asked) -> MultiplicityReport:
    """The report with decisions and coefficients in the words of the file."""
    assert report.abstain is not None
    names: dict[str, Any] = {"names": ("intercept", *asked.columns)} if report.abstain.names else {}
    return replace(report, abstain=replace(report.abstain, decisions=asked.classes, **names))


def _print(asked: Asked, report: MultiplicityReport, args: argparse.Namespace) -> None:
    if args.json == STDOUT:
        text = json_text(report.to_dict())
    elif args.output == STDOUT:
        text = _rows_text(asked, report, ",")
    else:
        text = f"{asked.about}\n{report.summary()}\nrows count from 0, the first below the header"
    write_text(text, STDOUT)


def _rows_text(asked: Asked, report: MultiplicityReport, delimiter: str) -> str:
    """The rows with numbers that read back exactly."""
    columns: dict[str, list[Any]] = {"row": list(range(len(report.baseline)))}
    columns |= {name: list(labels) for name, labels in asked.ids.items()}
    columns |= {name: values for name, values in report.columns().items() if name not in columns}
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue()


def _gate(report: MultiplicityReport, limit: float | None) -> int:
    if limit is None:
        return DONE
    assert report.label_ambiguity is not None
    bound = report.label_ambiguity.bound
    if bound is not None and bound <= limit:
        return DONE
    may = "any share" if bound is None else f"{100 * bound:.3g} %"
    print(
        f"riskstats multiplicity: {may} of the rows may be decided either way; not shown to keep "
        f"--share-limit {limit:g}",
        file=sys.stderr,
    )
    return GATE_NOT_MET


def _said(message: str) -> str:
    """A message of the library in the options of this command."""
    return as_options(reworded(message, _WORDS))
