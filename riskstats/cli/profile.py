"""`riskstats profile`: the tail of graded harms, model by model, with its limit and what it is made of."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from riskstats.cli._logs import log_arguments, read_logs, said, tool_of
from riskstats.cli._losses import name_list
from riskstats.cli._output import (
    check_picture,
    check_table,
    put_out,
    write_picture,
)
from riskstats.cli._parser import whole
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import in_options, reworded
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.tail.models_report import ModelsReport
    from riskstats.tail.score_log import ScoreLog

HELP = "profile the tail of graded harms of one or more models"
DESCRIPTION = """\
From a log of graded answers to the numbers that a committee signs: for each model the mean, value at risk and
CVaR (the mean of the worst share) of the risk that anything goes wrong, a confidence limit of CVaR, which
dimensions, categories and groups the tail is made of, and for several models what can be said of their order.
Scores are in [0, 1]; larger is worse."""
EPILOG = """\
forms of the log:
  long  each row is one score, with columns model, prompt, dimension, score and, where there are any, epoch,
        judge, category, group, weight; other names by the options
  wide  each row is one answer, with a column per dimension in place of dimension and score
  tool  a log of inspect_ai, lm_eval, HELM, HarmBench, modelbench, promptfoo, deepeval or garak, recognised by
        its content; --scale declares what its scores mean, --model names the model where it does not, and
        --category, --group and --weight name fields of its records, such as metadata.kind

limits for --limit:
  bootstrap-t    approximate, best coverage of the approximate ones (default); weights and clusters allowed
  asymptotic     approximate, covers too rarely in small tails
  split-betting  guaranteed at every n; prompts of equal weight
  berk-jones     guaranteed at every n; prompts of equal weight
Choose a guaranteed limit before looking. Each limit holds alone, for one model.

epochs (several answers to each prompt) need --estimand:
  attempt      the worst share of answers; those to one prompt stay together in the limit
  epoch_mean   the worst share of prompts, by the mean of the answers that were seen
  prompt_risk  the worst share of prompts, by their true risk: plug-in, de-biased and split estimates beside
               the profile of the means, whose limit is on the safe side

examples:
  riskstats profile log.csv --level 0.95 --risk-limit 0.3
  riskstats profile log.jsonl --clip 1e-6 --limit split-betting --seed 1 --plot models.png -o table.csv
  riskstats profile wide.parquet --dimensions toxicity,bias,privacy --group language
  riskstats profile run.eval --scale 0:1:high --clip 1e-6 --estimand attempt --category metadata.kind

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 the limit of a model is above --risk-limit"""

LIMITS = ("bootstrap-t", "asymptotic", "split-betting", "berk-jones")
_OF_TABLES = ("prompt", "dimension", "score", "epoch", "judge", "dimensions")
_OF_TOOLS = (  # options that say how a log of a tool is read
    "scale",
    "scorer",
    "column",
    "condition",
    "order",
    "select",
    "value",
    "refusal_loss",
    "filter",
    "behaviors",
)
_WORDS = {
    "`clip=`": "--clip",
    "`clip`": "--clip",
    "`level`": "--level",
    "`on='intersection'`": "--on intersection",
    "`log_scale=False`": "--union-only",
    "`columns={'epoch': ...}`": "--epoch",
    "`columns={'judge': ...}`": "--judge",
    "`columns={'score': ...}`": "--score",
    "`columns={'prompt': ...}`": "--prompt",
    "`dimensions=`": "--dimensions",
    "`estimand=` 'attempt', 'prompt_risk' or 'epoch_mean'": "--estimand attempt, prompt_risk or epoch_mean",
    "`judge_sd`": "--judge-sd",
    "`SplitBetting`": "--limit split-betting",
    "`BootstrapT`": "--limit bootstrap-t",
    "`BerkJones`": "--limit berk-jones",
    "`sample_weight` that differs between rows": "--weight that differs between prompts",
    "`cluster`": "--estimand attempt",
    "`compare_models`": "the comparison of models",
    ", or one loss per unit from `unit_losses`": "",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    _data_arguments(parser)
    log_arguments(parser, model=False)
    _statement_arguments(parser)
    _output_arguments(parser)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    add = group.add_argument
    add(
        "data", metavar="LOG", help="CSV, TSV, JSON lines or Parquet, or the log of a tool; - is CSV on stdin"
    )
    for role, meaning in (
        ("model", "names of models; with the log of a tool, the name of its model"),
        ("prompt", "ids of prompts, sampled independently"),
        ("dimension", "names of dimensions of harm"),
        ("score", "scores in [0, 1], larger is worse"),
        ("epoch", "which answer to the prompt"),
        ("judge", "who gave the score"),
        ("category", "labels of prompts, such as the kind of harm"),
        ("group", "labels of prompts, such as the language"),
        ("weight", "share of the prompt in the deployment mix"),
    ):
        add(f"--{role}", metavar="COLUMN", help=f"{meaning} (default: {role}, if there is such a column)")
    add("--dimensions", action="append", metavar="A,B", help="columns of a wide log, one per dimension")
    add(
        "--missing",
        choices=("raise", "drop"),
        help="prompts of the log of a tool that lack a score (default raise)",
    )


def _statement_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("statement")
    add = group.add_argument
    add("--level", type=float, default=0.95, metavar="B", help="share not in the tail (default 0.95)")
    add("--confidence-level", type=float, default=0.95, metavar="C", help="of the limits (default 0.95)")
    add("--limit", choices=LIMITS, default="bootstrap-t", help="confidence limit of CVaR, see below")
    add("--risk-limit", type=float, metavar="R", help="exit with 3 if the limit of a model is above R")
    add("--clip", type=float, metavar="EPS", help="cap log-risk at -log EPS; needed where a score is 1")
    add("--union-only", action="store_true", help="leave log-risk out")
    add(
        "--estimand",
        choices=("attempt", "prompt_risk", "epoch_mean"),
        help="what epochs are about, see below",
    )
    add("--pooling", choices=("rms", "mean", "median", "max"), default="rms", help="of judges (default rms)")
    add("--judge-sd", type=float, metavar="SD", help="assumed noise of a single judge, for the sensitivity")
    add("--on", choices=("intersection",), help="compare models on the prompts that all of them have")
    add("--seed", type=whole(0), default=0, metavar="N", help="of the resamples (default 0)")


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add = group.add_argument
    add("--json", action="store_true", help="print the answer as JSON; infinite numbers are null")
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="write a table of the numbers: .csv or .tsv; - is CSV on stdout",
    )
    add("--plot", metavar="FILE", help="draw one model, or compare several: .png, .svg or .pdf")
    add("--quiet", action="store_true", help="no warnings")


def run(args: argparse.Namespace) -> int:
    """Read, profile every model, compare them, print, and compare the limits with the risk limit."""
    from riskstats.cli._profiles import COLUMNS, as_content, as_rows, as_text

    check_picture(args.plot)
    check_table(args.output, json=args.json)
    with in_options(_said):
        found = _profiles(args)
    put_out(
        args,
        text=lambda: as_text(found),
        content=lambda: as_content(found),
        table=lambda: (COLUMNS, as_rows(found)),
    )
    if args.plot is not None:
        write_picture(found.plot(), args.plot)
    return _gate(found, args.risk_limit)


def _profiles(args: argparse.Namespace) -> ModelsReport:
    from riskstats.tail.models import profile_models

    tool = tool_of(args.data, args.format)
    return profile_models(
        _of_records(args) if tool is None else _of_tool(args, tool),
        level=args.level,
        confidence_level=args.confidence_level,
        limit=args.limit,
        risk_limit=args.risk_limit,
        clip=args.clip,
        log_scale=not args.union_only,
        estimand=args.estimand,
        pooling=args.pooling,
        judge_sd=args.judge_sd,
        on=args.on,
        random_state=args.seed,
    )


def _of_records(args: argparse.Namespace) -> ScoreLog:
    """A long or a wide table of scores."""
    from riskstats._record_files import read_records
    from riskstats.tail.score_log import ROLES, score_log

    foreign = [name for name in (*_OF_TOOLS, "missing") if getattr(args, name)]
    if foreign:
        option = f"--{foreign[0].replace('_', '-')}"
        raise InvalidInput(f"{option} goes with the log of a tool, and {args.data} is a table. Leave it out.")
    names = {role: getattr(args, role) for role in ROLES}
    return score_log(read_records(args.data), names, name_list(args.dimensions))


def _of_tool(args: argparse.Namespace, tool: str) -> ScoreLog:
    """The log of a tool, through its table of outcomes."""
    from riskstats.evaluations.report_rows import complete_prompts
    from riskstats.evaluations.table_uses import score_log_of

    foreign = [role for role in _OF_TABLES if getattr(args, role) is not None]
    if foreign:
        raise InvalidInput(
            f"--{foreign[0]} names a column of a table, and {args.data} is a log of {tool}, whose fields are "
            "known. Leave it out."
        )
    args.log_model = args.model
    roles = ("category", "group", "weight")
    named = {role: getattr(args, role) for role in roles if getattr(args, role) is not None}
    table = read_logs([args.data], args, {**named, **dict(args.column)})
    return score_log_of(complete_prompts(table)[0] if args.missing == "drop" else table)


def _gate(found: ModelsReport, limit: float | None) -> int:
    above = [] if limit is None else found.above(limit)
    if not above:
        return DONE
    worst = f"'{above[0]}' is" if len(above) == 1 else f"'{above[0]}' and {len(above) - 1} more are"
    print(f"riskstats profile: {worst} not shown to keep --risk-limit {limit:g}", file=sys.stderr)
    return GATE_NOT_MET


def _said(message: str) -> str:
    """A message of the library in the options of this command."""
    return said(reworded(message, _WORDS))
