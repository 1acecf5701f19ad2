"""`riskstats report`: from the log of an evaluation to the statement that is signed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from riskstats.cli._logs import LOGS, log_arguments, read_logs, said
from riskstats.cli._losses import name_list
from riskstats.cli._output import (
    check_picture,
    check_table,
    put_out,
    write_picture,
)
from riskstats.cli._parser import assignment, ends, share, whole
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import in_options, reworded
from riskstats.cli.harm import cost_levels, cost_map
from riskstats.cli.profile import LIMITS

if TYPE_CHECKING:
    from riskstats.evaluations.report_result import EvaluationReport

HELP = "report on an evaluation, straight from the log of a tool"
DESCRIPTION = """\
From the logs of an evaluation to one report: what is missing, rates by model and category, models compared on
common prompts, the judge corrected by human labels, mean beside CVaR, contrast pairs, levels, traces and
expected harm where their columns are there, grades and zones, and where all of it comes from."""
EPILOG = f"""\
{LOGS}

gates: --risk-limit is of the upper limit of CVaR at --level (with --level 0, of the mean); --require-zone of
the upper limit of every rate; --require-grade of every grade that is reachable. With --missing interval they
hold with every missing loss at 1. A log that is not whole keeps no gate.

examples:
  riskstats report run.eval --scale 0:1:high --column category=metadata.kind --plot rates.png -o rates.csv
  riskstats report a.eval b.eval --scale harm=0:1:high --missing interval --zones 0.05:0.2
  riskstats report garak.report.jsonl --level 0 --risk-limit 0.1 --json
  riskstats report outcomes.csv --reference base --require-grade good

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a gate is not shown to be kept"""

GRADES = ("poor", "fair", "good", "very-good", "excellent")
_OPTIONS = {
    "`required_zone`": "--require-zone",
    "`required_grade`": "--require-grade",
    "`zones`": "--zones",
    "`reference`": "--reference",
    "`level`": "--level",
    "`cost_map`": "--cost-map",
    "`severity_scale=(lowest, highest)`": "--severity-scale LOW:HIGH",
    "`levels=`": "--levels",
    "`category_level`": "--category-level",
    "counts (unsafe, total)": "counts UNSAFE/TOTAL",
    "`human_label`": "human_label",
    "`human` labels": "human labels",
    "`sensitivity`": "--sensitivity",
    "`specificity`": "--specificity",
    "`sensitivity=`": "--sensitivity",
    "`specificity=`": "--specificity",
    "`precision=`": "--precision",
    "`human=` labels": "a column human_label",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="logs of tools or tables; - is CSV on stdin")
    log_arguments(parser)
    _statement_arguments(parser)
    _judge_arguments(parser)
    _harm_arguments(parser)
    _gate_arguments(parser)
    _output_arguments(parser)


def _statement_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("statement").add_argument
    add("--missing", choices=("raise", "drop", "interval"), default="raise", help="losses (default raise)")
    add("--level", type=float, default=0.95, metavar="B", help="share not in the tail (default 0.95)")
    add("--confidence-level", type=float, default=0.95, metavar="C", help="of the limits (default 0.95)")
    add("--limit", choices=LIMITS, default="bootstrap-t", help="of CVaR (default bootstrap-t)")
    add(
        "--estimand",
        choices=("attempt", "prompt_risk", "epoch_mean"),
        default="attempt",
        help="what the tail of several epochs is of (default attempt)",
    )
    add("--multiplicity", choices=("holm", "max-t"), default="holm", help="of pairs (default holm)")
    add("--taxonomy", metavar="FILE", help="JSON or CSV; the default is the paths of the categories")
    add("--category-level", type=whole(1), default=1, metavar="N", help="of the taxonomy (default 1)")
    add("--unmapped", choices=("raise", "keep"), default="raise", help="categories in no root")
    add("--part", action="append", metavar="A,B", help="these parts only, such as rates,tail")
    add("--seed", type=whole(0), default=0, metavar="N", help="of orders and resamples (default 0)")


def _judge_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("judge").add_argument
    for name in ("sensitivity", "specificity", "precision"):
        add(f"--{name}", type=_known, metavar="P|K/N", help="of the judge: known, or K of N in a validation")
    add("--verified", choices=("flagged", "random"), help="which outcomes have a human label")
    add("--judge-method", metavar="NAME", help="difference, betting; box, lang-reiczigel")


def _harm_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("harm").add_argument
    add("--cost-map", type=cost_map, default="linear", metavar="MAP", help="as in riskstats harm")
    add("--levels", type=cost_levels, metavar="K|A,B", help="of cost, the easiest first (default 5)")
    add("--severity-scale", type=ends, metavar="LOW:HIGH", help="lowest and highest severity (default 1:5)")


def _gate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("gates").add_argument
    add("--risk-limit", type=float, metavar="R", help="exit with 3 if the limit of a CVaR is above R")
    add("--zones", action="append", type=_lines, metavar="[OUTCOME=]YELLOW:RED", help="lines of rates")
    add("--require-zone", choices=("green", "yellow"), help="exit with 3 if a worse zone is reached")
    add(
        "--reference",
        action="append",
        metavar="MODEL|UNSAFE/TOTAL",
        help="what answers are graded against: models of the logs, or counts",
    )
    add("--grade-scale", choices=("ailuminate-1.0", "ailuminate-0.5"), default="ailuminate-1.0", help="cuts")
    add("--require-grade", choices=GRADES, help="exit with 3 if a worse grade is reachable")


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--json", action="store_true", help="print the answer as JSON; infinite numbers are null")
    add("-o", "--output", metavar="FILE", help="a table of the numbers: .csv or .tsv; - is CSV on stdout")
    add("--plot", metavar="FILE", help="draw the rates: .png, .svg or .pdf")
    add("--quiet", action="store_true", help="no warnings")


def _known(text: str) -> Any:
    """A share, or (correct, n) of ``K/N``."""
    correct, slash, n = text.partition("/")
    try:
        return (int(correct), int(n)) if slash else share(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a share or counts such as 45/50; got {text!r}") from None


def _lines(text: str) -> tuple[str, tuple[float, float]]:
    """("", lines) of ``0.05:0.2``, or (outcome, lines) with its name before an equals sign."""
    return assignment(ends, "OUTCOME=YELLOW:RED")(text) if "=" in text else ("", ends(text))


def run(args: argparse.Namespace) -> int:
    """Read, report, print, write, and say which gates are not kept."""
    check_picture(args.plot)
    check_table(args.output, json=args.json)
    with in_options(_said):
        found = _report(args)
        picture = None if args.plot is None else found.plot()
    put_out(args, text=lambda: _said(found.summary()), content=found.to_dict, table=lambda: _table(found))
    if picture is not None:
        write_picture(picture, args.plot)
    return _gate(found)


def _report(args: argparse.Namespace) -> EvaluationReport:
    from riskstats.evaluations.report import evaluation_report
    from riskstats.evaluations.taxonomy import Taxonomy

    args.log_model = args.model
    table = read_logs(args.logs, args, dict(args.column))
    return evaluation_report(
        table,
        level=args.level,
        confidence_level=args.confidence_level,
        missing=args.missing,
        taxonomy=None if args.taxonomy is None else Taxonomy.read(args.taxonomy),
        category_level=args.category_level,
        unmapped=args.unmapped,
        multiplicity=args.multiplicity,
        judge=_given(
            sensitivity=args.sensitivity,
            specificity=args.specificity,
            precision=args.precision,
            verified=args.verified,
            method=args.judge_method,
        ),
        limit=args.limit,
        estimand=args.estimand,
        cost_map=args.cost_map,
        harm=_given(levels=args.levels, severity_scale=args.severity_scale),
        parts=name_list(args.part),
        random_state=args.seed,
        **_gates(args, table.models),
    )


def _given(**options: Any) -> dict[str, Any] | None:
    return {name: value for name, value in options.items() if value is not None} or None


def _gates(args: argparse.Namespace, models: tuple[str, ...]) -> dict[str, Any]:
    from riskstats.harm.grades import AILUMINATE_0_5, AILUMINATE_1_0
    from riskstats.harm.grades import GRADES as WORDS

    words = dict(zip(GRADES, WORDS, strict=True))
    return {
        "reference": _references(args.reference, models),
        "grade_scale": AILUMINATE_1_0 if args.grade_scale == "ailuminate-1.0" else AILUMINATE_0_5,
        "required_grade": None if args.require_grade is None else words[args.require_grade],
        "zones": None if args.zones is None else dict(args.zones),
        "required_zone": args.require_zone,
        "risk_limit": args.risk_limit,
    }


def _references(given: list[str] | None, models: tuple[str, ...]) -> list[Any] | None:
    """Models, or counts; a word that is the name of a model is that."""
    if given is None:
        return None
    found: list[Any] = []
    for word in name_list(given) or ():
        unsafe, slash, total = word.partition("/")
        counts = word not in models and slash and unsafe.isdigit() and total.isdigit()
        found.append((int(unsafe), int(total)) if counts else word)
    return found


def _table(found: EvaluationReport) -> tuple[tuple[str, ...], list[list[Any]]]:
    from riskstats.evaluations.report_result import COLUMNS

    return COLUMNS, [[row[name] for name in COLUMNS] for row in found.rows()]


def _gate(found: EvaluationReport) -> int:
    if not found.gates or found.status == "WITHIN_LIMIT":
        return DONE
    if not found.failed:
        print("riskstats report: the log is not whole, so that no gate is shown to be kept", file=sys.stderr)
        return GATE_NOT_MET
    first, *rest = found.failed
    more = f", and {len(rest)} more" if rest else ""
    print(f"riskstats report: {first}{more}", file=sys.stderr)
    return GATE_NOT_MET


def _said(message: str) -> str:
    return said(reworded(message, _OPTIONS))
