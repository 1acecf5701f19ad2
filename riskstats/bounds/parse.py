"""From a word such as "betting" or "berk-jones:0.9:1" to a bound, for command lines and configuration."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from riskstats._validation import level as checked_level
from riskstats.bounds.base import Bound
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.value_at_risk import ValueAtRisk

__all__ = ["BOUNDS", "parse_bound"]


class _Entry(NamedTuple):
    """Where a class lies, and how its arguments follow from the numbers after its name and the measure."""

    module: str
    arguments: Callable[[str, list[float], RiskMeasure], dict[str, Any]]


def parse_bound(text: str, measure: RiskMeasure) -> Bound:
    """The bound that a word names, for one measure.

    A word is the name of a class in small letters with hyphens. Numbers after colons are its arguments:
    "berk-jones:0.9:1" the range of levels (default: that of the measure, and for one level the whole range),
    "order-statistics:0.9" and "quantile-sequence:0.9" the level (default: that of the value at risk),
    "rockafellar-uryasev:0.3" the threshold.

    `InvalidInput`: unknown name, wrong number of arguments. `IncompatibleBound`: no level to take from the
    measure. Whether the bound has a statement for the measure is for the bound to say.
    """
    name, *words = text.strip().lower().replace("_", "-").split(":")
    if name not in BOUNDS:
        near = difflib.get_close_matches(name, BOUNDS, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InvalidInput(f"`bound` {text!r} is none of {', '.join(BOUNDS)}.{hint}")
    entry = BOUNDS[name]
    arguments = entry.arguments(name, _numbers(text, words), measure)
    module, _, kind = entry.module.rpartition(":")
    bound: Bound = getattr(importlib.import_module(module), kind)(**arguments)
    return bound


def _numbers(text: str, words: list[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise InvalidInput(f"`bound` {text!r}: what follows a colon must be a number.") from None


def _none(name: str, numbers: list[float], measure: RiskMeasure) -> dict[str, Any]:
    if numbers:
        raise InvalidInput(f"`bound` {name} takes no numbers; got {_spelled(numbers)}.")
    return {}


def _levels(name: str, numbers: list[float], measure: RiskMeasure) -> dict[str, Any]:
    if len(numbers) not in (0, 2):
        raise InvalidInput(
            f"`bound` {name} takes two levels, as {name}:0.9:1, or none; got {_spelled(numbers)}."
        )
    if numbers:
        return {"levels": (numbers[0], numbers[1])}
    low, high = measure.levels
    return {} if measure.two_sided or low == high else {"levels": (low, high)}


def _level(name: str, numbers: list[float], measure: RiskMeasure) -> dict[str, Any]:
    if len(numbers) > 1:
        raise InvalidInput(f"`bound` {name} takes one level, as {name}:0.9; got {_spelled(numbers)}.")
    if numbers:
        return {"level": checked_level(numbers[0])}
    if isinstance(measure, ValueAtRisk):
        return {"level": measure.level}
    raise IncompatibleBound(
        f"`bound` {name} bounds a quantile; `{measure}` has no single level. Name one, as {name}:0.9, or use "
        "berk-jones."
    )


def _threshold(name: str, numbers: list[float], measure: RiskMeasure) -> dict[str, Any]:
    if len(numbers) > 1:
        raise InvalidInput(f"`bound` {name} takes one threshold, as {name}:0.3; got {_spelled(numbers)}.")
    return {"threshold": numbers[0]} if numbers else {}


def _spelled(numbers: list[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


BOUNDS: dict[str, _Entry] = {
    "hoeffding": _Entry("riskstats.bounds.hoeffding:Hoeffding", _none),
    "chernoff": _Entry("riskstats.bounds.chernoff:Chernoff", _none),
    "bentkus": _Entry("riskstats.bounds.bentkus:Bentkus", _none),
    "hoeffding-bentkus": _Entry("riskstats.bounds.hoeffding_bentkus:HoeffdingBentkus", _none),
    "empirical-bernstein": _Entry("riskstats.bounds.empirical_bernstein:EmpiricalBernstein", _none),
    "betting": _Entry("riskstats.bounds.betting:Betting", _none),
    "clopper-pearson": _Entry("riskstats.bounds.clopper_pearson:ClopperPearson", _none),
    "dkw": _Entry("riskstats.bounds.dkw:DKW", _none),
    "kolmogorov-smirnov": _Entry("riskstats.bounds.kolmogorov_smirnov:KolmogorovSmirnov", _none),
    "berk-jones": _Entry("riskstats.bounds.berk_jones:BerkJones", _levels),
    "order-statistics": _Entry("riskstats.bounds.order_statistics:OrderStatisticBand", _level),
    "rockafellar-uryasev": _Entry("riskstats.bounds.rockafellar_uryasev:RockafellarUryasev", _threshold),
    "brown": _Entry("riskstats.bounds.brown:Brown", _none),
    "thomas-learned-miller": _Entry("riskstats.bounds.thomas_learned_miller:ThomasLearnedMiller", _none),
    "betting-sequence": _Entry("riskstats.bounds.betting_sequence:BettingSequence", _none),
    "empirical-bernstein-sequence": _Entry(
        "riskstats.bounds.empirical_bernstein_sequence:EmpiricalBernsteinSequence", _none
    ),
    "quantile-sequence": _Entry("riskstats.bounds.quantile_sequence:QuantileSequence", _level),
}
