"""Measures by text."""

import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.atkinson import Atkinson
from riskstats.measures.cvar import CVaR
from riskstats.measures.dual_power import DualPower
from riskstats.measures.entropic import Entropic
from riskstats.measures.evar import EVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.parse import known_measures, parse_measure
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang

FORMS = {
    "mean": (Mean(), "Mean"),
    "var:0.9": (ValueAtRisk(0.9), "ValueAtRisk(0.9, lower)"),
    "var:0.9:upper": (ValueAtRisk(0.9, "upper"), "ValueAtRisk(0.9, upper)"),
    "cvar:0.9": (CVaR(0.9), "CVaR(0.9)"),
    "interval:0.5:0.9": (VaRInterval(0.5, 0.9), "VaRInterval(0.5, 0.9)"),
    "evar:0.95": (EVaR(0.95), "EVaR(0.95)"),
    "expectile:0.9": (Expectile(0.9), "Expectile(0.9)"),
    "entropic:2": (Entropic(2), "Entropic(2)"),
    "gini": (Gini(), "Gini"),
    "gini:sharp": (Gini(sharp=True), "Gini(sharp)"),
    "atkinson:0.5": (Atkinson(0.5), "Atkinson(0.5)"),
    "wang:0.5": (Wang(0.5), "Wang(0.5)"),
    "ph:2": (ProportionalHazard(2), "ProportionalHazard(2)"),
    "dual:3": (DualPower(3), "DualPower(3)"),
    "exponential:2": (ExponentialDistortion(2), "ExponentialDistortion(2)"),
    " CVaR : 0.9 ": (CVaR(0.9), "CVaR(0.9)"),
    "expected-shortfall:0.123456789": (CVaR(0.123456789), "CVaR(0.123456789)"),
}


@pytest.mark.parametrize("text", FORMS)
def test_forms(text):
    measure, name = FORMS[text]
    assert parse_measure(text) == measure
    assert str(measure) == name
    assert eval(repr(measure)) == measure


def test_every_known_form_is_read():
    assert {str(parse_measure(example)) for example in known_measures()} >= {"Mean", "CVaR(0.9)", "Gini"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cvr:0.9", r"unknown measure 'cvr:0.9'. Did you mean 'cvar:0.9'\? Known: mean, var:0.9, "),
        ("", "unknown measure ''. Known: mean"),
        ("cvar", "cannot read the measure 'cvar'. Write it like 'cvar:0.9'."),
        ("cvar:0.9:0.8", "cannot read"),
        ("cvar:high", "has 'high' for a number. Write it like 'cvar:0.9'"),
        ("cvar:95", r"`level` must lie in \[0, 1\); got 95.0. Write 0.95."),
        ("var:0.9:top", "or with :lower or :upper at its end"),
        ("interval:0.5", "Write it like 'interval:0.5:0.9'"),
        ("interval:0.9:0.5", "`upper_level` must exceed"),
        ("mean:0.5", "Write it like 'mean'"),
        (0.9, "named by text such as 'cvar:0.9'; got 0.9"),
    ],
)
def test_bad_texts(text, message):
    with pytest.raises(InvalidInput, match=message):
        parse_measure(text)


def test_a_measure_is_itself():
    assert parse_measure(Gini()) == Gini()
