"""What the commands about losses share: their options, reading the table, and rows of text in columns."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from riskstats.cli import _parser as kinds

if TYPE_CHECKING:
    import numpy as np

    from riskstats._records import LossTable, Reduction

__all__ = [
    "BOUNDS",
    "aligned",
    "by_name",
    "clustered",
    "data_arguments",
    "declared_binary",
    "name_list",
    "output_arguments",
    "read",
    "statement_arguments",
]

FORMS = """\
forms of the table:
  wide  each column is a candidate, each row a unit (a prompt, a conversation); ids in a column of --unit
  long  each row is one loss; --candidate, --unit and --loss name the columns
Larger losses are worse. Where a column says how good an answer is, write 1 minus it."""

BOUNDS = """\
methods for --bound:
  means           betting, hoeffding-bentkus, hoeffding, chernoff, bentkus, empirical-bernstein
  means of 0/1    clopper-pearson
  every measure   berk-jones, kolmogorov-smirnov, dkw
  quantiles       order-statistics
  cvar            rockafellar-uryasev, and to compare with brown, thomas-learned-miller
  at any time     betting-sequence, empirical-bernstein-sequence (means), quantile-sequence (quantiles)
The default follows a fixed rule by measure and number of units. To try several and quote the best is
invalid."""


def data_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the losses are."""
    group = parser.add_argument_group("data")
    add = group.add_argument
    add(
        "data",
        metavar="losses.csv",
        help="CSV, TSV, Parquet, JSON lines, .npz or .npy; - is CSV on standard input",
    )
    add(
        "--columns",
        "--column",
        action="append",
        metavar="A,B",
        help="these candidates only (default: all columns but those of --unit and --cluster)",
    )
    add("--unit", metavar="COLUMN", help="ids of units, each sampled independently")
    add("--candidate", metavar="COLUMN", help="names of candidates, in a long table")
    add("--loss", metavar="COLUMN", help="losses, in a long table")
    add(
        "--cluster", metavar="COLUMN", help="labels of units that belong together; each cluster counts as one"
    )
    add(
        "--reduce",
        choices=("mean", "max"),
        help="make one loss of several of one unit: a random answer (mean) or the worst (max)",
    )


def statement_arguments(parser: argparse.ArgumentParser) -> Any:
    """What is said about the losses, and by which method; returns the group of options."""
    group = parser.add_argument_group("statement")
    add = group.add_argument
    add(
        "--measure",
        default="mean",
        metavar="NAME:LEVEL",
        help="mean (default), cvar:0.9 (mean of the worst tenth), var:0.9 (quantile), interval:0.5:0.9, "
        "gini, atkinson:0.5, expectile:0.9, ...; a wrong name lists them all",
    )
    add(
        "--confidence-level",
        type=float,
        default=0.95,
        metavar="C",
        help="probability that the statement is true, over the sampling of units (default 0.95)",
    )
    add(
        "--bound",
        metavar="NAME",
        help="method (default: a fixed rule, see below)",
    )
    add(
        "--support",
        type=kinds.ends,
        default=(0.0, 1.0),
        metavar="LOW:HIGH",
        help="lowest and highest loss that can occur (default 0:1); a negative one as --support=-1:1",
    )
    add(
        "--binary", action="store_true", help="losses can only be 0 or 1: an exact binomial bound on the mean"
    )
    return group


def output_arguments(parser: argparse.ArgumentParser) -> Any:
    """Where the answer goes; returns the group of options."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="print the answer as JSON; infinite numbers are null"
    )
    group.add_argument("--plot", metavar="FILE", help="draw a picture: .png, .svg or .pdf")
    group.add_argument("--quiet", action="store_true", help="no warnings")
    return group


def read(args: argparse.Namespace) -> LossTable:
    """The losses of the file in the form that the options describe; any number where `support` is None."""
    from riskstats._records import read_losses
    from riskstats._samples import checked_support, loss_vector

    support = (-math.inf, math.inf) if args.support is None else checked_support(args.support)
    table = read_losses(
        args.data,
        unit=args.unit,
        candidate=args.candidate,
        loss=args.loss,
        cluster=args.cluster,
        columns=name_list(args.columns),
        support=support,
        reduce=_reduction(args.reduce),
    )
    if args.loss is not None:
        loss_vector(
            {args.loss: table.values[0]}, support
        )  # warns where the name of the column is that of a gain
    return table


def declared_binary(args: argparse.Namespace, table: LossTable) -> bool:
    """Whether losses can only be 0 or 1: by --binary, or in a file of booleans."""
    return args.binary or (table.binary and args.support == (0.0, 1.0))


def _reduction(word: Literal["mean", "max"] | None) -> Reduction | None:
    if word is None:
        return None
    from riskstats.bounds.units import unit_losses

    return partial(unit_losses, reduce=word)


def name_list(words: Sequence[str] | None) -> list[str] | None:
    """Names from words such as ``a,b``; quotes keep a comma inside a name, as in a CSV file."""
    if words is None:
        return None
    names = [name.strip() for row in csv.reader(words, skipinitialspace=True) for name in row]
    return [name for name in names if name]


def by_name(table: LossTable) -> dict[str, np.ndarray]:
    """The losses (n,) of each candidate."""
    return dict(zip(table.names, table.values, strict=True))


def clustered(table: LossTable) -> LossTable:
    """One loss per cluster, the mean; the table itself where it has no clusters."""
    if table.cluster is None:
        return table
    from riskstats.bounds.units import unit_losses

    clusters, values = unit_losses(table.values, table.cluster)
    return replace(table, values=values, units=tuple(clusters.tolist()), cluster=None, binary=False)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns: the first to the left, the others to the right."""
    from riskstats.scores.wording import clean

    lines = [[clean(cell) for cell in row] for row in [head, *rows]]
    widths = [max(_width(line[j]) for line in lines) for j in range(len(head))]
    return "\n".join(
        "  ".join(
            _pad(cell, width, j > 0) for j, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space


def _width(text: str) -> int:
    """Columns of a terminal: two for wide characters, none for combining ones."""
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in ("W", "F") else 1 for char in text)
