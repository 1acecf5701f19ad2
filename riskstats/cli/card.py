"""`riskstats card`: print a card, or turn it into a page or a picture."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from riskstats.cli._output import STDOUT, check_destination, write_bytes, write_text
from riskstats.cli._running import DONE
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

HELP = "print a card, or make a page or picture of it"
DESCRIPTION = "Show a score card as text, Markdown, HTML, JSON or a picture."
EPILOG = """\
examples:
  riskstats card card.json
  riskstats card card.json -o card.html
  riskstats card card.json --format markdown"""

_SUFFIXES = {
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".png": "png",
    ".svg": "svg",
    ".pdf": "pdf",
}
_PICTURES = ("png", "svg", "pdf")
_FORMATS = ("text", "markdown", "html", "json", *_PICTURES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("card", metavar="card.json", help="a card that `riskstats fit` wrote")
    parser.add_argument("--format", choices=_FORMATS, help="default: by the suffix of -o, else text")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def run(args: argparse.Namespace) -> int:
    """Print or write the card."""
    from riskstats.scores.scorecard import ScoreCard

    kind = args.format or _format_of(args.output)
    check_destination(args.output)
    _no_picture_on_screen(kind, args.output)
    show(ScoreCard.load(args.card), kind, args.output)
    return DONE


def show(card: ScoreCard, kind: str, path: str | Path | None) -> None:
    """Write the card in one of the formats to a file or to standard output."""
    if kind in _PICTURES:
        write_bytes(_picture(card, kind), path)
        return
    texts = {"text": card.text, "markdown": card.markdown, "html": card.html, "json": card.to_json}
    write_text(texts[kind](), path)


def _picture(card: ScoreCard, kind: str) -> bytes:
    buffer = io.BytesIO()
    card.plot().savefig(buffer, format=kind)
    return buffer.getvalue()


def _format_of(path: str | None) -> str:
    if path is None or path == STDOUT:
        return "text"
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise InvalidInput(f"the suffix of '{path}' is none of {known}. Pass --format.")
    return _SUFFIXES[suffix]


def _no_picture_on_screen(kind: str, path: str | None) -> None:
    if kind in _PICTURES and path in (None, STDOUT) and sys.stdout.isatty():
        raise InvalidInput(f"a {kind} file cannot be shown on a terminal. Pass -o FILE.{kind}.")
