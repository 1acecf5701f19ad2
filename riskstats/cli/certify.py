"""`riskstats certify`: which candidates keep a risk limit, with one confidence for the whole choice."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from riskstats.cli import _losses as losses
from riskstats.cli import _parser as kinds
from riskstats.cli._output import (
    STDOUT,
    check_destination,
    check_picture,
    json_text,
    write_bytes,
    write_picture,
    write_text,
)
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import in_options
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats._records import LossTable
    from riskstats.bounds.multiple_testing import Procedure
    from riskstats.control.result import CertifiedSet

HELP = "certify the candidates that keep a risk limit, and select one"
DESCRIPTION = """\
Find the candidates (prompts, models, thresholds) whose true risk is within a limit. With the stated
confidence every one that is certified keeps the limit, however many there are and whichever you pick;
selected is the certified candidate with the smallest estimate."""
EPILOG = f"""\
{losses.FORMS}

{losses.BOUNDS}

examples:
  riskstats certify losses.csv --measure cvar:0.9 --risk-limit 0.3
  riskstats certify long.csv --candidate prompt --unit question --loss loss --risk-limit 0.1 -o table.csv
  riskstats certify losses.csv --risk-limit 0.2 --procedure fixed-sequence --order small,medium,large

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 no candidate is certified"""

_PROCEDURES = ("holm", "bonferroni", "fixed-sequence")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_HEAD = ("candidate", "estimate", "p_value", "upper_bound", "certified", "selected")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    losses.data_arguments(parser)
    statement = losses.statement_arguments(parser)
    add = statement.add_argument
    add("--risk-limit", type=float, required=True, metavar="R", help="largest risk that is accepted")
    add(
        "--procedure",
        choices=_PROCEDURES,
        default="holm",
        help="how the choice is paid for (default holm, which needs no assumption)",
    )
    add(
        "--order",
        action="append",
        metavar="A,B,C",
        help="order of a fixed sequence, chosen without these losses",
    )
    add("--starts", type=kinds.whole(1), metavar="N", help="starts of a fixed sequence (default 1)")
    output = losses.output_arguments(parser)
    output.add_argument(
        "-o", "--output", metavar="FILE", help="write the table: .csv or .tsv; - is CSV on stdout"
    )


def run(args: argparse.Namespace) -> int:
    """Read, certify, print, write; exit with 3 where nothing is certified."""
    _check_outputs(args)
    with in_options():
        table, found = _certified(args)
    write_text(json_text(found.to_dict()) if args.json else _text(found, args.output), STDOUT)
    if args.output not in (None, STDOUT):
        delimiter = _DELIMITERS[Path(args.output).suffix.lower()]
        write_bytes(_rows_text(found, delimiter).encode("utf-8"), args.output)
    if args.plot is not None:
        from riskstats.plotting import plot_certified

        write_picture(plot_certified(found), args.plot)
    return _gate(found, table)


def _check_outputs(args: argparse.Namespace) -> None:
    check_picture(args.plot)
    if args.output is None:
        return
    if args.output == STDOUT and args.json:
        raise InvalidInput("-o - and --json both write to standard output. Leave out one of them.")
    if args.output != STDOUT and Path(args.output).suffix.lower() not in _DELIMITERS:
        raise InvalidInput(f"the suffix of '{args.output}' is neither .csv nor .tsv. Rename the output.")
    check_destination(args.output)


def _certified(args: argparse.Namespace) -> tuple[LossTable, CertifiedSet]:
    from riskstats.bounds.parse import parse_bound
    from riskstats.control.api import certify
    from riskstats.measures.parse import parse_measure

    measure = parse_measure(args.measure)
    bound = None if args.bound is None else parse_bound(args.bound, measure)
    _no_order_without_sequence(args)
    table = losses.read(args)
    found = certify(
        losses.by_name(table),
        measure,
        risk_limit=args.risk_limit,
        bound=bound,
        procedure=_procedure(args, table.names),
        confidence_level=args.confidence_level,
        support=args.support,
        binary=losses.declared_binary(args, table),
        cluster=table.cluster,
    )
    return table, found


def _no_order_without_sequence(args: argparse.Namespace) -> None:
    for option in ("order", "starts"):
        if getattr(args, option) is not None and args.procedure != "fixed-sequence":
            raise InvalidInput(
                f"--{option} goes with --procedure fixed-sequence; got --procedure {args.procedure}."
            )


def _procedure(args: argparse.Namespace, names: Sequence[str]) -> Procedure:
    from riskstats.bounds import multiple_testing

    if args.procedure != "fixed-sequence":
        simple: Procedure = getattr(multiple_testing, args.procedure)
        return simple
    order = losses.name_list(args.order)
    unknown = [name for name in order or () if name not in names]
    if unknown:
        from riskstats._frames import quoted

        raise InvalidInput(f"--order names {quoted(unknown)}; the candidates are {quoted(names)}.")
    indices = None if order is None else [names.index(name) for name in order]
    return multiple_testing.fixed_sequence(order=indices, starts=args.starts or 1)


def _rows(found: CertifiedSet) -> list[tuple[str, float, float, float, bool, bool]]:
    certified = set(found.certified)
    columns = zip(
        found.names,
        found.estimates.tolist(),
        found.p_values.tolist(),
        found.upper_bounds.tolist(),
        strict=True,
    )
    return [(*row, i in certified, i == found.selected) for i, row in enumerate(columns)]


def _text(found: CertifiedSet, output: str | None) -> str:
    """The candidates by estimate, and the summary; CSV where the table goes to standard output."""
    if output == STDOUT:
        return _rows_text(found, ",")
    rows = [
        [name, f"{estimate:.4g}", f"{p:.3g}", f"{upper:.4g}", "selected" if best else "yes" if kept else "no"]
        for name, estimate, p, upper, kept, best in sorted(_rows(found), key=itemgetter(1))
    ]
    head = ["candidate", "estimate", "p-value", "joint bound", "certified"]
    return f"{losses.aligned(head, rows)}\n\n{found.summary()}"


def _rows_text(found: CertifiedSet, delimiter: str) -> str:
    """The table with numbers that read back exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows([*row[:4], *("yes" if flag else "no" for flag in row[4:])] for row in _rows(found))
    return buffer.getvalue()


def _gate(found: CertifiedSet, table: LossTable) -> int:
    if found.certified:
        return DONE
    count = "the candidate is not" if len(table.names) == 1 else f"none of {len(table.names)} candidates is"
    print(f"riskstats certify: {count} certified to keep --risk-limit {found.risk_limit:g}", file=sys.stderr)
    return GATE_NOT_MET
