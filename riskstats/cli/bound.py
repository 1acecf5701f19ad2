"""`riskstats bound`: a number that the true risk exceeds with a stated small probability."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from riskstats.cli import _losses as losses
from riskstats.cli._output import STDOUT, check_picture, json_text, write_picture, write_text
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import as_options, in_options
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from riskstats._records import LossTable
    from riskstats.bounds.band import Band
    from riskstats.bounds.base import Bound
    from riskstats.bounds.result import RiskBound
    from riskstats.measures.base import RiskMeasure

HELP = "bound the risk behind a table of losses"
DESCRIPTION = """\
From measured losses to a number that the true risk exceeds with a stated small probability: on the mean, on
the mean of the worst share (cvar), on a quantile (var), and on other measures.
Each bound holds alone. To choose among candidates after looking at the losses, use `riskstats certify`."""
EPILOG = f"""\
{losses.FORMS}

{losses.BOUNDS}

examples:
  riskstats bound losses.csv --measure cvar:0.9
  riskstats bound failures.csv --binary --risk-limit 0.05
  riskstats bound answers.jsonl --measure cvar:0.9 --unit question --column loss --reduce max --plot band.png

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a bound is above --risk-limit"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    losses.data_arguments(parser)
    statement = losses.statement_arguments(parser)
    statement.add_argument(
        "--side",
        choices=("upper", "lower"),
        default="upper",
        help="the risk is at most, or at least (default upper)",
    )
    statement.add_argument("--risk-limit", type=float, metavar="R", help="exit with 3 if a bound is above R")
    losses.output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read, bound every column alone, print, and compare with the limit."""
    from riskstats.bounds.parse import parse_bound
    from riskstats.measures.parse import parse_measure

    check_picture(args.plot)
    _usable_limit(args)
    with in_options():
        measure = parse_measure(args.measure)
        bound = None if args.bound is None else parse_bound(args.bound, measure)
        table = losses.clustered(losses.read(args))
        found = {name: _bound(args, name, table, measure, bound) for name in table.names}
        picture = None if args.plot is None else _picture(args, table, measure, bound, found)
    write_text(_json(found) if args.json else described(found, args.data), STDOUT)
    if picture is not None:
        write_picture(picture, args.plot)
    return _gate(found, args.risk_limit)


def _usable_limit(args: argparse.Namespace) -> None:
    if args.risk_limit is None:
        return
    if args.side == "lower":
        raise InvalidInput("--risk-limit needs an upper bound; got --side lower. Leave out one of the two.")
    if args.risk_limit != args.risk_limit:
        raise InvalidInput("--risk-limit must be a number; got nan.")


def _bound(
    args: argparse.Namespace, name: str, table: LossTable, measure: RiskMeasure, bound: Bound | None
) -> RiskBound:
    from riskstats.bounds.api import lower_bound, upper_bound

    door = upper_bound if args.side == "upper" else lower_bound
    return door(
        {name: table.values[table.names.index(name)]},
        measure,
        bound,
        confidence_level=args.confidence_level,
        support=args.support,
        binary=losses.declared_binary(args, table),
    )


def described(found: dict[str, RiskBound], label: str) -> str:
    """One bound in words, or many as a table with what they mean together."""
    from riskstats.results import as_percent

    if len(found) == 1:
        ((name, only),) = found.items()
        source = "standard input" if label == STDOUT else label
        return f"{source}, {name}:\n{as_options(only.summary())}"
    first = next(iter(found.values()))
    rows = [[name, f"{each.estimate:.4g}", _number(each.value)] for name, each in found.items()]
    word = "at most" if first.side == "upper" else "at least"
    sure = as_percent(first.confidence_level)
    return "\n".join(
        [
            f"{first.measure} with {sure} confidence ({first.bound}, n = {first.n_units}):",
            losses.aligned(["candidate", "estimate", word], rows),
            f"Each bound holds alone with {sure} confidence, not all at once. To choose among candidates,",
            "use `riskstats certify`.",
            *dict.fromkeys(as_options(note) for each in found.values() for note in each.notes),
        ]
    )


def _number(value: float) -> str:
    return "no bound" if value in (float("inf"), float("-inf")) else f"{value:.4g}"


def _json(found: dict[str, RiskBound]) -> str:
    bounds = [{"candidate": name, **each.to_dict()} for name, each in found.items()]
    return json_text({"bounds": bounds, "joint": len(bounds) == 1})


def _picture(
    args: argparse.Namespace,
    table: LossTable,
    measure: RiskMeasure,
    bound: Bound | None,
    found: dict[str, RiskBound],
) -> Figure:
    """The band of a single column where the bound comes from one; else estimates and bounds."""
    from riskstats.bounds.band import Band
    from riskstats.bounds.choose import recommend
    from riskstats.plotting import plot_risk_bound, plot_risk_bounds

    if len(found) > 1:
        return plot_risk_bounds(list(found.values()), list(found))
    (only,) = found.values()
    used = bound or recommend(measure, only.n_units, binary=losses.declared_binary(args, table))
    if isinstance(used, Band):
        return _band_picture(args, table, measure, used, only)
    return plot_risk_bound(only)


def _band_picture(
    args: argparse.Namespace, table: LossTable, measure: RiskMeasure, band: Band, only: RiskBound
) -> Figure:
    """The band; estimate and bound are marked where they are losses, as those of a Gini index are not."""
    from riskstats.bounds.api import cdf_band
    from riskstats.plotting import plot_envelope

    envelope = cdf_band(
        table.values[0],
        band,
        side="both" if measure.two_sided else "lower" if only.side == "upper" else "upper",
        confidence_level=args.confidence_level,
        support=args.support,
    )
    marks = {f"estimate of {only.measure}": only.estimate, f"{only.side} bound": only.value}
    return plot_envelope(envelope, marks=None if measure.two_sided else marks)


def _gate(found: dict[str, RiskBound], limit: float | None) -> int:
    above = [] if limit is None else [name for name, each in found.items() if not each.value <= limit]
    if not above:
        return DONE
    worst = f"'{above[0]}' is" if len(above) == 1 else f"'{above[0]}' and {len(above) - 1} more are"
    print(f"riskstats bound: {worst} not shown to keep --risk-limit {limit:g}", file=sys.stderr)
    return GATE_NOT_MET
