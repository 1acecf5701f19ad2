"""`riskstats score`: add total and risk to every row of a table, in constant memory."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from riskstats.cli._output import STDOUT, check_destination
from riskstats.cli._running import DONE
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    from riskstats._tables import Chunk
    from riskstats.scores.rules import Rule
    from riskstats.scores.scorecard import ScoreCard

HELP = "add score and risk to every row of a table"
DESCRIPTION = """\
Add the total of points (`score`) and the risk (`risk`) to every row of a CSV or Parquet file.
The rows stay in order, the columns as they were; memory does not grow with the file. The kind of output is
that of its suffix; cells of a CSV become text columns in Parquet."""
EPILOG = """\
examples:
  riskstats score card.json new.csv -o scored.csv
  riskstats score card.json new.parquet -o scored.parquet --contributions
  cat new.csv | riskstats score card.json - | head"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add("card", metavar="card.json", help="a card that `riskstats fit` wrote")
    add("data", metavar="new.csv", help="rows to score: CSV, TSV or Parquet; - is CSV on standard input")
    add("-o", "--output", metavar="FILE", default=STDOUT, help="default: CSV on standard output")
    add("--contributions", action="store_true", help="also the points of every line of the card")
    add("--score-column", default="score", metavar="NAME", help="name of the total (default score)")
    add("--risk-column", default="risk", metavar="NAME", help="name of the risk (default risk)")


def run(args: argparse.Namespace) -> int:
    """Score chunk by chunk."""
    from riskstats._tables import stream_tables
    from riskstats.cli._sinks import open_sink
    from riskstats.scores.scorecard import ScoreCard

    check_destination(args.output)
    card = ScoreCard.load(args.card)
    added = _added_columns(card, args)
    kinds = {kind: {column.column for column in card.columns if column.kind == kind} for kind in _KINDS}
    chunks = stream_tables(args.data, numeric=kinds["numeric"], text=kinds["categorical"])
    with ExitStack() as stack:
        sink = None
        for chunk, values in _scored(card, chunks, args):
            if sink is None:
                _no_clash(chunk, added, args.data)
                sink = stack.enter_context(open_sink(args.output, args.data, chunk, added))
            sink.write(chunk, values)
    return DONE


_KINDS = ("numeric", "categorical")


def _added_columns(card: ScoreCard, args: argparse.Namespace) -> dict[str, type[int] | type[float]]:
    """Names of the new columns with the type of their numbers, which must not depend on the rows."""
    if args.score_column == args.risk_column:
        raise InvalidInput(f"--score-column and --risk-column are both '{args.risk_column}'. Give two names.")
    kinds = [_points_type(card, rule) for rule, _ in card.lines]
    total = float if float in kinds else int
    lines = {f"points: {rule.label}": kind for (rule, _), kind in zip(card.lines, kinds, strict=True)}
    return {args.score_column: total, args.risk_column: float, **(lines if args.contributions else {})}


def _points_type(card: ScoreCard, rule: Rule) -> type[int] | type[float]:
    """int unless the line counts a column that held fractions in training."""
    from riskstats.scores.rules import Value

    return float if isinstance(rule, Value) and not card.whole else int


def _no_clash(chunk: Chunk, added: Iterable[str], data: str) -> None:
    taken = [name for name in added if name in chunk.names]
    if taken:
        raise InvalidInput(
            f"{data} already has a column '{taken[0]}'. Pass --score-column or --risk-column with another "
            "name, or rename the column in the file."
        )


def _scored(
    card: ScoreCard, chunks: Iterator[Chunk], args: argparse.Namespace
) -> Iterator[tuple[Chunk, list[np.ndarray]]]:
    """Each chunk with the values of the added columns."""
    for chunk in chunks:
        points = _points(card, chunk, args.data)
        total = points.sum(axis=1)
        lines = list(points.T) if args.contributions else []
        yield chunk, [total, card.risk(total), *lines]


def _points(card: ScoreCard, chunk: Chunk, data: str) -> np.ndarray:
    """The points of every row and line; an unusable row is reported with its place in the file."""
    import numpy as np

    if not card.lines:
        return np.zeros((len(chunk.lines), 0), dtype=np.int64)
    try:
        return card.contributions(chunk.table)
    except InvalidInput:
        raise _at_line(card, chunk, data) from None


def _at_line(card: ScoreCard, chunk: Chunk, data: str) -> InvalidInput:
    """The error of the first row that the card refuses, with its line in the file."""
    good, bad = 0, len(chunk.lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _refusal(card, chunk, 0, middle) is None else (good, middle)
    line = chunk.lines[good]
    message = str(_refusal(card, chunk, good, good + 1, first_row=line))
    place = "line" if isinstance(chunk.raw, list) else "row"
    return InvalidInput(f"{data}: {message.replace(f'at row {line}', f'at {place} {line}')}")


def _refusal(card: ScoreCard, chunk: Chunk, start: int, end: int, first_row: int = 0) -> InvalidInput | None:
    try:
        card.contributions(chunk.table.take(slice(start, end)), first_row=first_row)
    except InvalidInput as error:
        return error
    return None
