"""Measures by a short text, as on the command line: `cvar:0.9`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple

from riskstats.exceptions import InvalidInput
from riskstats.measures.atkinson import Atkinson
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.dual_power import DualPower
from riskstats.measures.entropic import Entropic
from riskstats.measures.evar import EVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang

__all__ = ["known_measures", "parse_measure"]


def _gini(word: str = "") -> Gini:
    return Gini(sharp=word == "sharp")


class _Form(NamedTuple):
    make: Callable[..., RiskMeasure]
    example: str
    required: int = 1  # numbers after the name
    words: tuple[str, ...] = ()  # one of these may follow


_FORMS = {
    "mean": _Form(Mean, "mean", 0),
    "var": _Form(ValueAtRisk, "var:0.9", 1, ("lower", "upper")),
    "cvar": _Form(CVaR, "cvar:0.9"),
    "interval": _Form(VaRInterval, "interval:0.5:0.9", 2),
    "evar": _Form(EVaR, "evar:0.95"),
    "expectile": _Form(Expectile, "expectile:0.9"),
    "entropic": _Form(Entropic, "entropic:2"),
    "gini": _Form(_gini, "gini", 0, ("sharp",)),
    "atkinson": _Form(Atkinson, "atkinson:0.5"),
    "wang": _Form(Wang, "wang:0.5"),
    "ph": _Form(ProportionalHazard, "ph:2"),
    "dual": _Form(DualPower, "dual:3"),
    "exponential": _Form(ExponentialDistortion, "exponential:2"),
}
_ALIASES = {
    "es": "cvar",
    "expected_shortfall": "cvar",
    "value_at_risk": "var",
    "var_interval": "interval",
    "entropic_risk": "entropic",
    "proportional_hazard": "ph",
    "dual_power": "dual",
}


def known_measures() -> tuple[str, ...]:
    """One example of every form that `parse_measure` reads."""
    return tuple(form.example for form in _FORMS.values())


def parse_measure(text: str) -> RiskMeasure:
    """The measure that a text names: a name, then its numbers after colons, such as `var:0.9:upper`.

    `InvalidInput` lists the known forms, with the nearest one, or says which number is wrong.
    """
    if isinstance(text, RiskMeasure):
        return text
    if not isinstance(text, str):
        raise InvalidInput(f"a measure is named by text such as 'cvar:0.9'; got {text!r}.")
    head, *parts = (part.strip() for part in text.split(":"))
    form = _form(head, text)
    words = [part.lower() for part in parts[form.required :]]
    if len(parts) < form.required or len(words) > 1 or not set(words) <= set(form.words):
        raise InvalidInput(f"cannot read the measure {text!r}. {_usage(form)}")
    return form.make(*(_number(part, text, form) for part in parts[: form.required]), *words)


def _form(head: str, text: str) -> _Form:
    name = head.lower().replace("-", "_")
    name = _ALIASES.get(name, name)
    if name in _FORMS:
        return _FORMS[name]
    near = difflib.get_close_matches(name, [*_FORMS, *_ALIASES], n=1)
    hint = f" Did you mean {_FORMS[_ALIASES.get(near[0], near[0])].example!r}?" if near else ""
    raise InvalidInput(f"unknown measure {text!r}.{hint} Known: {', '.join(known_measures())}.")


def _number(part: str, text: str, form: _Form) -> float:
    try:
        return float(part)
    except ValueError:
        raise InvalidInput(f"the measure {text!r} has {part!r} for a number. {_usage(form)}") from None


def _usage(form: _Form) -> str:
    ending = f", or with :{' or :'.join(form.words)} at its end" if form.words else ""
    return f"Write it like {form.example!r}{ending}."
