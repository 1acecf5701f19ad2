"""An argument parser whose errors are one line, and the types of the arguments."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = [
    "OneLineParser",
    "amount",
    "assignment",
    "box",
    "codes",
    "ends",
    "multiplier",
    "share",
    "sign",
    "whole",
]


class OneLineParser(argparse.ArgumentParser):
    """Prints usage errors as ``riskstats fit: error: ...`` on one line and exits with 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        text = " ".join(message.split())
        option = re.fullmatch(r"argument (?:.*/)?(--[\w-]+): expected one argument", text)
        text += f"; one that begins with - is written {option[1]}=VALUE" if option else ""
        self.exit(2, f"{self.prog}: error: {text} (see {self.prog} --help)\n")


def assignment(read: Callable[[str], Any], form: str) -> Callable[[str], tuple[str, Any]]:
    """The type of an option ``NAME=VALUE``; a name may hold "=", a value may not."""

    def parse(text: str) -> tuple[str, Any]:
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise argparse.ArgumentTypeError(f"expected {form}; got {text!r}")
        try:
            return name, read(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {form}; got {text!r}") from None

    return parse


def sign(text: str) -> int:
    """+1 or -1 from ``+1``, ``1``, ``+``, ``-1`` or ``-``."""
    signs = {"+1": 1, "1": 1, "+": 1, "-1": -1, "-": -1}
    if text not in signs:
        raise ValueError(text)
    return signs[text]


def box(text: str) -> tuple[int, int]:
    """(low, high) from ``low:high``."""
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(text)
    return int(low), int(high)


def ends(text: str) -> tuple[float, float]:
    """(low, high) from ``low:high``; the high end may be ``inf``."""
    low, colon, high = text.partition(":")
    try:
        if colon:
            return float(low), float(high)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected LOW:HIGH, such as 0:1 or 0:inf; got {text!r}")


def codes(text: str) -> list[str]:
    """Codes separated by commas, as text."""
    return [code.strip() for code in text.split(",")]


def multiplier(text: str) -> float | str:
    """A number or a word; the estimator knows which words."""
    try:
        return float(text)
    except ValueError:
        return text


def whole(least: int) -> Callable[[str], int]:
    """The type of a whole number >= `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}; got {text!r}")
        return value

    return parse


def amount(text: str) -> float:
    """A finite number >= 0."""
    return _bounded(text, math.inf, "a number >= 0")


def share(text: str) -> float:
    """A number from 0 to 1."""
    return _bounded(text, 1.0, "a number from 0 to 1")


def _bounded(text: str, most: float, form: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0.0 <= value <= most) or math.isinf(value):
        raise argparse.ArgumentTypeError(f"expected {form}; got {text!r}")
    return value
