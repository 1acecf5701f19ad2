"""Words for bounds: every name leads to its class, with the arguments that the measure implies."""

from __future__ import annotations

import importlib

import pytest

from riskstats.bounds.parse import BOUNDS, parse_bound
from riskstats.cli import _losses
from riskstats.cli._wording import _BOUNDS as CLASSES
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk


@pytest.mark.parametrize("name", BOUNDS)
def test_every_name_leads_to_its_class(name):
    bound = parse_bound(name, ValueAtRisk(0.9))
    module, _, kind = BOUNDS[name].module.rpartition(":")
    assert type(bound) is getattr(importlib.import_module(module), kind)
    assert bound == parse_bound(f" {name.upper().replace('-', '_')} ", ValueAtRisk(0.9))


def test_the_command_line_knows_the_same_names():
    """Its help and its messages are written without an import of the bounds."""
    assert set(CLASSES.values()) == set(BOUNDS)
    assert {entry.module.rpartition(":")[2] for entry in BOUNDS.values()} == set(CLASSES)
    assert all(name in _losses.BOUNDS.replace(",", " ").split() for name in BOUNDS)


def test_levels_follow_the_measure():
    assert parse_bound("berk-jones", CVaR(0.9)).levels == (0.9, 1.0)
    assert parse_bound("berk-jones", Gini()).levels == (0.0, 1.0)
    assert parse_bound("berk-jones", ValueAtRisk(0.9)).levels == (0.0, 1.0)
    assert parse_bound("berk-jones:0.5:0.8", CVaR(0.9)).levels == (0.5, 0.8)
    assert parse_bound("order-statistics", ValueAtRisk(0.9)).level == 0.9
    assert parse_bound("order-statistics:0.8", Mean()).level == 0.8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hoefding", ["'hoefding' is none of hoeffding", "Did you mean hoeffding?"]),
        ("", ["'' is none of"]),
        ("hoeffding:0.9", ["takes no numbers; got 0.9"]),
        ("berk-jones:0.9", ["two levels, as berk-jones:0.9:1"]),
        ("berk-jones:a:b", ["must be a number"]),
        ("order-statistics:0.9:1", ["takes one level"]),
        ("order-statistics:90", ["90"]),
        ("rockafellar-uryasev:0.1:0.2", ["takes one threshold"]),
    ],
)
def test_bad_words(text, words):
    with pytest.raises(InvalidInput) as caught:
        parse_bound(text, Mean())
    for word in words:
        assert word in str(caught.value)


def test_a_quantile_method_needs_a_level():
    with pytest.raises(IncompatibleBound, match=r"`Mean` has no single level.*order-statistics:0.9"):
        parse_bound("order-statistics", Mean())
