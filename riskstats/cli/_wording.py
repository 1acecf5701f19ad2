"""Messages about Python arguments, said in the options of the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from riskstats.exceptions import IncompatibleBound, Infeasible, InvalidInput, NotConverged

__all__ = ["as_options", "in_options", "reworded"]

_OPTIONS = {
    "binary": "--binary",
    "bound": "--bound",
    "candidate": "--candidate",
    "cluster": "--cluster",
    "coefficient_penalty": "--penalty",
    "coefficient_range": "--points",
    "columns": "--columns",
    "confidence_level": "--confidence-level",
    "feature_ranges": "--feature-range",
    "gap": "--gap",
    "loss": "--loss",
    "max_bins": "--max-bins",
    "max_cards": "--pool-max",
    "max_features": "--max-features",
    "measure": "--measure",
    "method": "--bin-method",
    "multiplier": "--multiplier",
    "multiplier_range": "--multiplier-range",
    "order": "--order",
    "procedure": "--procedure",
    "random_state": "--seed",
    "reduce": "--reduce",
    "risk_limit": "--risk-limit",
    "sample_weight": "--weight",
    "sign": "--sign",
    "solver": "--engine",
    "special_values": "--special",
    "starts": "--starts",
    "support": "--support",
    "time_limit": "--time-limit",
    "unit": "--unit",
    "units": "--unit",
}

_BOUNDS = {
    "Bentkus": "bentkus",
    "BerkJones": "berk-jones",
    "Betting": "betting",
    "BettingSequence": "betting-sequence",
    "Chernoff": "chernoff",
    "ClopperPearson": "clopper-pearson",
    "DKW": "dkw",
    "EmpiricalBernstein": "empirical-bernstein",
    "EmpiricalBernsteinSequence": "empirical-bernstein-sequence",
    "Hoeffding": "hoeffding",
    "HoeffdingBentkus": "hoeffding-bentkus",
    "KolmogorovSmirnov": "kolmogorov-smirnov",
    "Brown": "brown",
    "ThomasLearnedMiller": "thomas-learned-miller",
    "OrderStatisticBand": "order-statistics",
    "QuantileSequence": "quantile-sequence",
    "RockafellarUryasev": "rockafellar-uryasev",
}

_PHRASES = {
    "Pass `binning=Binning()`": "Leave out --no-binning",
    "Reduce with `unit_losses(losses, unit)`": "Pass --reduce mean (or max)",
    "`support=(low, high)`": "--support LOW:HIGH",
    "`order=`": "--order",
    "`fixed_sequence`": "--procedure fixed-sequence",
}

_GAIN = re.compile(r"Pass `1 - (\w+)`")
_CLASS = re.compile(r"`([A-Z]\w*)(?:\([^`]*\))?`")
_ARGUMENT = re.compile(r"`(\w+)(?:=(['\"]?)([^`'\"]*)\2)?`")


def as_options(message: str) -> str:
    """Replace `multiplier` by --multiplier, `solver='bnb'` by --engine bnb and `Betting` by --bound betting;
    other words stay."""
    for phrase, said in _PHRASES.items():
        message = message.replace(phrase, said)
    message = _GAIN.sub(r"Give a column of 1 - \1", message)
    return _ARGUMENT.sub(_option, _CLASS.sub(_bound, message))


def _bound(match: re.Match[str]) -> str:
    word = _BOUNDS.get(match[1])
    return match[0] if word is None else f"--bound {word}"


def _option(match: re.Match[str]) -> str:
    option = _OPTIONS.get(match[1])
    if option is None:
        return match[0]
    return f"{option} {match[3]}" if match[3] else option


def reworded(message: str, words: Mapping[str, str]) -> str:
    """A message with phrases of a command in place of those of the library."""
    for phrase, said in words.items():
        message = message.replace(phrase, said)
    return message


@contextmanager
def in_options(say: Callable[[str], str] | None = None) -> Iterator[None]:
    """Reword the errors of a block for the command line; `say` rewords for one command, None for all."""
    try:
        yield
    except (InvalidInput, IncompatibleBound, Infeasible, NotConverged) as error:
        raise type(error)((say or as_options)(str(error))) from error
