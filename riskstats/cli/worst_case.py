"""`riskstats worst-case`: how bad a number can get if the world shifts by a transport distance."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING

from riskstats.cli import _losses as losses
from riskstats.cli._output import (
    check_picture,
    check_table,
    put_out,
    write_picture,
)
from riskstats.cli._parser import amount, ends, whole
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import as_options, in_options, reworded
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.cli._worst_effects import EffectAnswer
    from riskstats.cli._worst_risks import RiskAnswer

HELP = "how bad a risk, or an effect, can get if the world shifts"
DESCRIPTION = """\
The largest risk over all laws within a transport distance of the losses in a table; of a sum of columns, with
any dependence between them; and what is left of the effect of a treatment when both arms may shift. Each
answer says how far it is proven. With a limit or a claim: the radius at which it breaks down."""
EPILOG = f"""\
questions:
  losses.csv --column C          the risk of one column
  losses.csv --columns A,B,C     the risk of their sum, each column a ball of its own, any dependence
  trial.csv --outcome Y --treatment T
                                 the average effect E(Y1 - Y0), and P(Y1 - Y0 <= z), which dependence alone
                                 leaves open: no row shows both outcomes

radius: every outcome may move by that much on average (order 1), in the unit of the column. A shift that was
seen, such as the distance of two sites, gives it a scale. Sampling error is another matter, and is shown
apart with --confidence-level.

{losses.FORMS}

examples:
  riskstats worst-case losses.csv --column model --measure cvar:0.95 --radius 0.05 --support 0:1
  riskstats worst-case losses.csv --column model --radius 0.05 --risk-limit 0.3 --radii 0,0.1,0.2 --plot c.png
  riskstats worst-case a.csv --columns fire,flood --weights 1,0.5 --measure var:0.99 --radius 0.1 --order 2
  riskstats worst-case trial.csv --outcome weight --treatment arm --radius 0.5 --points=-1,0,1 --json

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a stated limit or claim is not shown to be kept"""

_WORDS = {
    "`radius` (a distance) and `budget` (a transport cost)": "--radius and --budget",
    "`radius` ** order": "--radius ** --order",
    "`radius`": "--radius",
    "`budget`": "--budget",
    "`radii`": "--radii",
    "`points`": "--points",
    "`weights`": "--weights",
    "`covariate_weight`": "--covariate-weight",
    "`MarginalBalls`": "several columns",
    "a ball of positive radius": "a radius above 0",
    "`CVaR`, a spectral measure or an expectile": "cvar, wang, dual or expectile",
    "the cluster has no name": "the treatment has no name",
    "`columns={'score': ...}`": "--outcome",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    losses.data_arguments(parser)
    _treatment_arguments(parser)
    _set_arguments(parser)
    _question_arguments(parser)
    _output_arguments(parser)


def _treatment_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("treatment").add_argument
    add("--outcome", metavar="COLUMN", help="outcomes, one for each row")
    add("--treatment", metavar="COLUMN", help="who was treated: a column of two values")
    add("--treated", metavar="LABEL", help="value that stands for treated (default: the larger)")
    add("--covariates", action="append", metavar="A,B", help="numbers that both arms share, for the mean")
    add(
        "--covariate-weight",
        type=amount,
        default=1.0,
        metavar="W",
        help="cost of a unit of covariates against one of the outcome (default 1)",
    )
    add("--sample-weight", metavar="COLUMN", help="weights of the rows, in a treatment")


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("laws within reach")
    size = group.add_mutually_exclusive_group(required=True)
    size.add_argument(
        "--radius",
        type=_amounts,
        metavar="R,R",
        help="distance of each column or arm: one number for all, or one each",
    )
    size.add_argument(
        "--budget", type=_amounts, metavar="B,B", help="transport cost in its place: radius ** order"
    )
    group.add_argument("--order", type=float, default=1.0, metavar="P", help="of the distance (default 1)")


def _question_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("question").add_argument
    add(
        "--measure",
        default="mean",
        metavar="NAME:LEVEL",
        help="mean (default), cvar:0.95 (mean of the worst twentieth), var:0.95 (quantile), expectile:0.9",
    )
    add(
        "--support",
        type=ends,
        metavar="LOW:HIGH",
        help="lowest and highest loss that can occur, for mean and cvar of one column (default: any)",
    )
    add("--weights", type=_numbers, metavar="A,B", help="of the columns in the sum (default 1 each)")
    add(
        "--direction",
        choices=("upper", "lower"),
        default="upper",
        help="the largest risk (default), or the smallest",
    )
    add(
        "--risk-limit",
        type=float,
        metavar="L",
        help="exit with 3 if the worst case is above L; its breakdown",
    )
    add(
        "--points",
        type=_numbers,
        metavar="Z,Z",
        help="z of P(Y1 - Y0 <= z) (default 0); --points=-1,0 if negative",
    )
    add(
        "--effect-above",
        type=float,
        metavar="E",
        help="claim: the average effect is above E; else exit with 3",
    )
    add("--effect-below", type=float, metavar="E", help="claim: it is below E; else exit with 3")
    add(
        "--radii",
        type=_amounts,
        metavar="R,R",
        help="a table over these total radii, in the ratio of --radius",
    )
    add("--confidence-level", type=float, metavar="C", help="limits for sampling error too, by resampling")
    add("--seed", type=whole(0), default=0, metavar="N", help="of the resamples (default 0)")


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--json", action="store_true", help='print the answer as JSON; "inf" and "infeasible" are words')
    add("-o", "--output", metavar="FILE", help="a table of the numbers: .csv or .tsv; - is CSV on stdout")
    add("--plot", metavar="FILE", help="draw a picture: .png, .svg or .pdf; the curve, if --radii is given")
    add("--quiet", action="store_true", help="no warnings")


def _numbers(text: str) -> tuple[float, ...]:
    """Finite numbers separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = (math.nan,)
    if not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"expected numbers such as 0.5 or -1,0,1; got {text!r}")
    return values


def _amounts(text: str) -> tuple[float, ...]:
    """Finite numbers >= 0 separated by commas."""
    try:
        return tuple(amount(part) for part in text.split(","))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected numbers >= 0 such as 0.1 or 0.1,0.2; got {text!r}"
        ) from None


def run(args: argparse.Namespace) -> int:
    """Read, find the worst cases, print, write, and compare with the stated limit."""
    from riskstats.cli._worst_effects import effect_answer
    from riskstats.cli._worst_risks import risk_answer
    from riskstats.cli._worst_text import HEAD

    _check_usage(args)
    check_picture(args.plot)
    check_table(args.output, json=args.json)
    with in_options(_said):
        found = risk_answer(args) if args.treatment is None else effect_answer(args)
        picture = None if args.plot is None else found.plot()
    put_out(args, text=found.text, content=found.content, table=lambda: (HEAD, found.rows()))
    if picture is not None:
        write_picture(picture, args.plot)
    return _gate(found)


def _check_usage(args: argparse.Namespace) -> None:
    """Refuse options of one question in another."""
    if (args.outcome is None) != (args.treatment is None):
        lacks = "--treatment" if args.treatment is None else "--outcome"
        raise InvalidInput(f"an effect needs --outcome and --treatment; {lacks} is not given. Add it.")
    of_sums = (
        "columns",
        "candidate",
        "loss",
        "unit",
        "cluster",
        "reduce",
        "support",
        "weights",
        "risk_limit",
    )
    of_effects = ("treated", "covariates", "sample_weight", "points", "effect_above", "effect_below")
    foreign, home = (of_effects, "--treatment") if args.treatment is None else ((*of_sums, "risk_limit"), "")
    given = [name for name in foreign if getattr(args, name) is not None]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        where = f"goes with {home}, which is not given" if home else "does not go with --treatment"
        raise InvalidInput(f"{option} {where}. Leave out one of the two, or add what is missing.")
    if args.treatment is not None and (args.measure != "mean" or args.direction != "upper"):
        raise InvalidInput("an effect has both ends, of its mean: leave out --measure and --direction.")
    if args.effect_above is not None and args.effect_below is not None:
        raise InvalidInput("--effect-above and --effect-below are two claims. Leave out one of them.")
    if args.risk_limit is not None and args.direction == "lower":
        raise InvalidInput(
            "--risk-limit needs the largest risk; got --direction lower. Leave out one of the two."
        )
    for name in ("risk_limit", "effect_above", "effect_below"):
        value = getattr(args, name)
        if value is not None and not math.isfinite(value):
            raise InvalidInput(f"--{name.replace('_', '-')} must be a finite number; got {value}.")


def _gate(found: RiskAnswer | EffectAnswer) -> int:
    if found.kept is not False:
        return DONE
    print(f"riskstats worst-case: {found.complaint()}", file=sys.stderr)
    return GATE_NOT_MET


def _said(message: str) -> str:
    """A message of the library in the options of this command."""
    return as_options(reworded(message, _WORDS))
