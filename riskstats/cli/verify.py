"""`riskstats verify`: check every claim of a card against the data and the proof file."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from riskstats.cli._output import STDOUT, write_text
from riskstats.cli._parser import share
from riskstats.cli._running import DONE, FAILED, GATE_NOT_MET
from riskstats.cli.fit import proof_beside

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard
    from riskstats.scores.verify import Verification

HELP = "check the claims of a card against data and proof"
DESCRIPTION = """\
Recompute what a card claims from its training data and its proof file, with code that the search does not
use: the objective exactly, and that no other card is better by more than the stated gap."""
EPILOG = """\
example:
  riskstats verify card.json data.csv --target y

exit codes:
  0  verified: no claim is false, and the proof shows that no card is better (by more than --required-gap)
  1  a claim is false
  2  bad usage or bad input: a file is damaged, or the data are not those of the card
  3  no claim is false, but the proof falls short: there is no proof file, or the search had stopped early"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add("card", metavar="card.json", help="a card that `riskstats fit` wrote")
    add("data", metavar="data.csv", help="the data it was trained on; - is CSV on standard input")
    add("--target", required=True, metavar="COLUMN", help="the outcome")
    add("--positive", metavar="LABEL", help="value that the risk is about (default: as on the card)")
    add("--weight", metavar="COLUMN", help="column of row weights, if they were used")
    add("--proof", metavar="FILE", help="default: card.proof.npz beside the card, if there")
    add("--required-gap", type=share, default=0.0, metavar="G", help="gap to be proven (default 0: optimal)")
    add("--json", action="store_true", help="print the checks as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the checks and print them."""
    from riskstats.datasets import load_csv
    from riskstats.scores.scorecard import ScoreCard
    from riskstats.scores.verify import verify_certificate

    card = ScoreCard.load(args.card)
    positive = card.classes[1] if args.positive is None else args.positive
    data = load_csv(args.data, target=args.target, positive=positive, weight=args.weight)
    coded = replace(card, classes=(0, 1))
    found = verify_certificate(coded, data.X, data.y, data.sample_weight, proof=_proof(args, card))
    content = json.dumps(found.to_dict(), indent=1) if args.json else found.summary()
    write_text(content, STDOUT)
    return _exit_code(found, args.required_gap)


def _proof(args: argparse.Namespace, card: ScoreCard) -> str | Path | None:
    """The proof that was named, or the one beside a card that has one."""
    if args.proof is not None:
        return str(args.proof)
    beside = proof_beside(args.card)
    made = card.certificate is not None and card.certificate.proof_hash is not None
    return beside if made and beside is not None and beside.exists() else None


def _exit_code(found: Verification, required_gap: float) -> int:
    """0: nothing is false and the gap is proven. 1: a claim is false. 3: the proof falls short."""
    if any(check.passed is False for check in found.checks):
        return FAILED
    return DONE if found.verdict == "optimal" or found.gap <= required_gap else GATE_NOT_MET
