"""The command `riskstats`: demo, fit, score, card, verify, bound, certify, profile, multiplicity,
worst-case, harm, grade, report.

Data go to standard output or to `-o`, messages and progress to standard error. Nothing heavy is imported
before a command needs it.

Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a gate was not met, 130 interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from riskstats.cli import (
    bound,
    card,
    certify,
    demo,
    fit,
    grade,
    harm,
    multiplicity,
    profile,
    report,
    score,
    verify,
    worst_case,
)
from riskstats.cli._parser import OneLineParser
from riskstats.cli._running import BAD_INPUT, guarded

__all__ = ["main"]

_COMMANDS = {
    "demo": demo,
    "fit": fit,
    "score": score,
    "card": card,
    "verify": verify,
    "bound": bound,
    "certify": certify,
    "profile": profile,
    "multiplicity": multiplicity,
    "worst-case": worst_case,
    "harm": harm,
    "grade": grade,
    "report": report,
}

_DESCRIPTION = """\
Risk scores that fit on an index card, with a proof of how good they are; bounds on risks behind measured
losses; choices whose risk is certified; how much hangs on the model that was picked; how bad a number can
get if the world shifts; the harm that answers are expected to do; grades with their probability; and all of
that on an evaluation, straight from its log."""

_EPILOG = """\
exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a gate was not met
start here: riskstats demo"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` defaults to the arguments of the process."""
    parser = _parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    return guarded(f"riskstats {args.command}", _COMMANDS[args.command].run, args)


def _parser() -> argparse.ArgumentParser:
    from riskstats import __version__

    parser = OneLineParser(prog="riskstats", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"riskstats {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        own = commands.add_parser(
            name, help=command.HELP, description=command.DESCRIPTION, epilog=command.EPILOG
        )
        command.add_arguments(own)
    return parser
