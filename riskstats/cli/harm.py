"""`riskstats harm`: severity weighted by the likelihood that an answer is acted upon, beside its tail."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from riskstats.cli._output import (
    check_picture,
    check_table,
    put_out,
    write_picture,
)
from riskstats.cli._parser import ends, whole
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import as_options, in_options, reworded
from riskstats.cli.profile import LIMITS
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.cli._harm_answers import HarmAnswer

HELP = "expected harm of answers, beside the tail that it hides"
DESCRIPTION = """\
From graded answers to the harm that they are expected to do: severity x success, weighted by the likelihood
that an answer of this cost is acted upon. Beside it, always, CVaR of severity x success, the harm of the
worst share if acted upon; each with its limit. Of several models, which does less harm for the chosen map
from cost to likelihood, and which for every decreasing map."""
EPILOG = """\
the table: each row is the answer of a model to a prompt, with columns
  success    in [0, 1], 1 the full harm; or refused, whose opposite it is; or loss
  severity   on --severity-scale (default 1 to 5)
  cost       of acting on the answer, one of --levels (default 1 to 5, 1 the easiest)
  and, where there are any, model, prompt, weight, cluster, scale_id; other names by the options

maps for --cost-map, from cost c = 1, ..., K to the likelihood f(c), decreasing and positive:
  linear                     (K + 1 - c) / K (default)
  reciprocal                 1 / c
  exponential:RATE           exp(-RATE (c - 1)), RATE 1 if left out
  logistic:CENTRE:SPREAD     1 / (1 + exp((c - CENTRE) / SPREAD)), 3 and 1 if left out
  table:1,0.8,0.5,0.2,0.1    the likelihoods one by one
The map is a choice, so the range over all decreasing maps stands beside every answer.

limits for --limit:
  bootstrap-t    approximate (default); weights and clusters allowed
  asymptotic     approximate, covers too rarely in small tails
  split-betting  guaranteed at every n, for expected harm (betting) and for CVaR; prompts of equal weight
  berk-jones     guaranteed at every n, for both; prompts of equal weight
  betting, hoeffding-bentkus, hoeffding, ...
                 guaranteed for expected harm; CVaR keeps bootstrap-t unless --tail-limit says otherwise
Choose a guaranteed limit before looking. Each limit holds alone.

examples:
  riskstats harm answers.csv --risk-limit 1.2
  riskstats harm answers.jsonl --cost-map exponential:0.5 --limit split-betting --seed 1 --plot harm.png
  riskstats harm models.csv --refused refused --calibration --plot refusals.svg -o table.csv
  riskstats harm answers.csv --levels low,medium,high --severity-scale 0:10 --cost-map table:1,0.5,0.1 --json

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 the limit of a model is above --risk-limit"""

PLOTS = ("levels", "steps", "refusals")
_WORDS = {
    "`levels=`": "--levels",
    "`severity_scale=(lowest, highest)`": "--severity-scale LOW:HIGH",
    "`severity_scale`": "--severity-scale",
    "`scale_id`": "--scale-id",
    "one of linear, reciprocal, exponential, logistic": "linear, reciprocal, exponential:RATE, "
    "logistic:CENTRE:SPREAD or table:1,0.8,...",
    "`cost_map`": "--cost-map",
    "`rate`": "RATE of --cost-map exponential",
    "`center`": "CENTRE of --cost-map logistic",
    "`scale`": "SPREAD of --cost-map logistic",
    "`level`": "--level",
    "`on='intersection'`": "--on intersection",
    "`sample_weight` that differs between prompts": "--weight that differs between prompts",
    "`sample_weight` that differs between rows": "--weight that differs between prompts",
    "`BootstrapT()`": "--limit bootstrap-t",
    "`BootstrapT`": "--limit bootstrap-t",
    "`SplitBetting`": "--limit split-betting",
    "`bound`": "--limit",
    "is none of hoeffding": "is none of bootstrap-t, asymptotic, split-betting, hoeffding",
    "`Mean` needs another bound: see `recommend`": "expected harm, a mean, needs another",
    "one loss per unit from `unit_losses`": "one row per cluster",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    _data_arguments(parser)
    _statement_arguments(parser)
    _output_arguments(parser)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    add = group.add_argument
    add("data", metavar="TABLE", help="CSV, TSV, JSON lines or Parquet; - is CSV on standard input")
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--success", metavar="COLUMN", help="success in [0, 1], larger is worse (default: success)"
    )
    either.add_argument("--loss", metavar="COLUMN", help="the same under another name")
    add(
        "--refused",
        metavar="COLUMN",
        help="refusals: success is 1 minus it, unless named too for --calibration",
    )
    for role, meaning in (
        ("severity", "severity of the harm"),
        ("cost", "cost of acting on the answer"),
        ("model", "names of models"),
        ("prompt", "ids of prompts, sampled independently; several models need them"),
        ("weight", "share of the prompt in the deployment mix"),
        ("cluster", "labels of prompts that belong together"),
    ):
        add(f"--{role}", metavar="COLUMN", help=f"{meaning} (default: {role}, if there is such a column)")
    add(
        "--scale-id",
        metavar="ID|COLUMN",
        help="strongreject-unit or strongreject-half-sum, or the column that says so (default: scale_id)",
    )
    add(
        "--levels",
        type=cost_levels,
        default=5,
        metavar="K|A,B",
        help="number of cost levels, or the levels with the easiest first (default 5)",
    )
    add("--severity-scale", type=ends, default=(1.0, 5.0), metavar="LOW:HIGH", help="default 1:5")


def _statement_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("statement").add_argument
    add("--cost-map", type=cost_map, default="linear", metavar="MAP", help="from cost to likelihood, below")
    add("--level", type=float, default=0.95, metavar="B", help="share not in the tail (default 0.95)")
    add("--confidence-level", type=float, default=0.95, metavar="C", help="of each limit (default 0.95)")
    add("--limit", default="bootstrap-t", metavar="NAME", help="confidence limits, see below")
    add("--tail-limit", choices=LIMITS, help="of CVaR (default: by --limit)")
    add("--risk-limit", type=float, metavar="R", help="exit with 3 if expected harm may be above R")
    add("--calibration", action="store_true", help="does the model refuse most where acting is easiest?")
    add("--on", choices=("intersection",), help="compare models on the prompts that all of them have")
    add("--seed", type=whole(0), default=0, metavar="N", help="of the resamples (default 0)")


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--json", action="store_true", help="print the answer as JSON; infinite numbers are null")
    add("-o", "--output", metavar="FILE", help="a table of the numbers: .csv or .tsv; - is CSV on stdout")
    add("--plot", metavar="FILE", help="draw a picture: .png, .svg or .pdf")
    add(
        "--plot-kind",
        choices=PLOTS,
        help="harm by cost level, models against each other, or refusals (default: refusals with "
        "--calibration, else steps of several models, else levels)",
    )
    add("--quiet", action="store_true", help="no warnings")


def cost_map(text: str) -> str | tuple[float, ...]:
    """A word for the library, or the likelihoods of ``table:1,0.8,...``."""
    name, _, values = text.strip().partition(":")
    if name.lower() != "table":
        return text
    try:
        return tuple(float(value) for value in values.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected table:NUMBER,NUMBER,..., one likelihood per cost level; got {text!r}"
        ) from None


def cost_levels(text: str) -> int | tuple[float, ...] | tuple[str, ...]:
    """A number of levels, or the levels themselves: numbers if all of them are, else words."""
    words = tuple(word.strip() for word in text.split(","))
    if len(words) == 1:
        return whole(1)(text)
    if not all(words):
        raise argparse.ArgumentTypeError(f"expected a number, or levels such as low,high; got {text!r}")
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        return words


def run(args: argparse.Namespace) -> int:
    """Read, find the harm of every model, compare them, print, write, and compare with the risk limit."""
    from riskstats.cli._harm_answers import harm_answer

    _check_usage(args)
    with in_options(_said):
        found = harm_answer(args)
        picture = None if args.plot is None else found.plot(args.plot_kind)
    put_out(
        args,
        text=lambda: _said(found.text()),
        content=found.content,
        table=lambda: (found.HEAD, found.rows()),
    )
    if picture is not None:
        write_picture(picture, args.plot)
    return _gate(found)


def _check_usage(args: argparse.Namespace) -> None:
    check_picture(args.plot)
    check_table(args.output, json=args.json)
    if args.plot_kind is not None and args.plot is None:
        raise InvalidInput("--plot-kind goes with --plot FILE, which is not given. Add it.")
    if args.refused is not None and (args.success or args.loss) and not args.calibration:
        raise InvalidInput(
            "--refused beside --success or --loss is for --calibration, which is not given. Add it, or leave "
            "out one of them."
        )
    if args.plot_kind == "refusals" and not args.calibration:
        raise InvalidInput("--plot-kind refusals needs --calibration. Add it.")


def _gate(found: HarmAnswer) -> int:
    above = found.above()
    if not above:
        return DONE
    worst = f"'{above[0]}' is" if len(above) == 1 else f"'{above[0]}' and {len(above) - 1} more are"
    print(f"riskstats harm: {worst} not shown to keep --risk-limit {found.risk_limit:g}", file=sys.stderr)
    return GATE_NOT_MET


def _said(message: str) -> str:
    """A message of the library in the options of this command."""
    return re.sub(r"--bound (?=[a-z])", "--limit ", as_options(reworded(message, _WORDS)))
