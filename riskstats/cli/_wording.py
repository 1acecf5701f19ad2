"""Messages about Python arguments, said in the options of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from riskstats.exceptions import InvalidInput

__all__ = ["as_options", "in_options"]

_OPTIONS = {
    "coefficient_penalty": "--penalty",
    "coefficient_range": "--points",
    "feature_ranges": "--feature-range",
    "gap": "--gap",
    "max_bins": "--max-bins",
    "max_features": "--max-features",
    "method": "--bin-method",
    "multiplier": "--multiplier",
    "multiplier_range": "--multiplier-range",
    "random_state": "--seed",
    "sample_weight": "--weight",
    "sign": "--sign",
    "solver": "--engine",
    "special_values": "--special",
    "time_limit": "--time-limit",
    "units": "--unit",
}

_ARGUMENT = re.compile(r"`(\w+)(?:=(['\"]?)([^`'\"]*)\2)?`")


def as_options(message: str) -> str:
    """Replace `multiplier` by --multiplier and `solver='bnb'` by --engine bnb; other words stay."""
    return _ARGUMENT.sub(_option, message.replace("Pass `binning=Binning()`", "Leave out --no-binning"))


def _option(match: re.Match[str]) -> str:
    option = _OPTIONS.get(match[1])
    if option is None:
        return match[0]
    return f"{option} {match[3]}" if match[3] else option


@contextmanager
def in_options() -> Iterator[None]:
    """Reword the `InvalidInput` of a block for the command line."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(as_options(str(error))) from error
