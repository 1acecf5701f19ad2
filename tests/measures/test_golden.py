"""The reference values that concern measures."""

import json
from pathlib import Path

import numpy as np
import pytest

from riskstats.measures.cvar import CVaR, cvar, expected_shortfall
from riskstats.measures.dual_power import DualPower
from riskstats.measures.evar import evar
from riskstats.measures.expectile import expectile
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.gini import gini
from riskstats.measures.mean import mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.measures.var_interval import var_interval
from riskstats.measures.wang import Wang

GOLDEN = Path(__file__).parent.parent / "golden"
TAIL = json.loads((GOLDEN / "tail.json").read_text(encoding="utf-8"))
CONTROL = json.loads((GOLDEN / "control.json").read_text(encoding="utf-8"))
SAMPLES = [record for record in CONTROL["values"] if record["quantity"] == "sample"]
DISTORTIONS = {
    "cvar(.9)": CVaR(0.9),
    "wang(lambda=1)": Wang(1),
    "proportional_hazard(r=3)": ProportionalHazard(3),
    "dual_power(k=5)": DualPower(5),
    "exponential_spectral(k=10)": ExponentialDistortion(10),
}


@pytest.mark.parametrize("record", TAIL["weighted_cvar"], ids=lambda record: record["name"])
def test_weighted_cvar(record):
    x, level, weights = record["x"], record["alpha"], record["w"]
    assert cvar(x, level, sample_weight=weights) == pytest.approx(record["cvar"], rel=0, abs=1e-12)
    assert expected_shortfall(x, level, sample_weight=weights) == cvar(x, level, sample_weight=weights)
    assert value_at_risk(x, level, sample_weight=weights) == record["var_lower"]
    assert value_at_risk(x, level, side="upper", sample_weight=weights) == record["var_upper"]


@pytest.mark.parametrize("record", TAIL["expectile"])
def test_expectile(record):
    got = expectile(record["x"], record["tau"], sample_weight=record["w"])
    assert got == pytest.approx(record["value"], rel=0, abs=1e-14)


@pytest.mark.parametrize("record", TAIL["evar"])
def test_evar(record):
    got = evar(record["x"], record["alpha"], sample_weight=record["w"])
    assert got == pytest.approx(record["value"], rel=0, abs=1e-10)
    assert got <= max(record["x"])


@pytest.mark.parametrize("record", TAIL["distortion_spectral"]["values"])
def test_distortions(record):
    x = np.arange(21) / 20 if isinstance(record["x"], str) else record["x"]
    got = DISTORTIONS[record["name"]](x, record.get("w"))
    assert got == pytest.approx(record["value"], rel=0, abs=1e-10)


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: f"n={record['n']}")
def test_sample_measures(record):
    x = ((np.arange(1, record["n"] + 1) * 0.6180339887) % 1.0) ** 2
    got = {
        "mean": mean(x),
        "value_at_risk_90": value_at_risk(x, 0.9),
        "cvar_90": cvar(x, 0.9),
        "var_interval_50_90": var_interval(x, 0.5, 0.9),
        "gini": gini(x),
    }
    assert got == pytest.approx({name: record[name] for name in got}, rel=1e-9)


@pytest.mark.parametrize(
    ("losses", "level", "want"),
    [([1.0] * 3 + [0.0] * 97, 0.95, 0.6), ([0, 1, 2, 3, 4], 0.75, 3.8), ([2.5] * 7, 0.9, 2.5)],
)
def test_cases_on_which_other_definitions_fail(losses, level, want):
    assert cvar(losses, level) == pytest.approx(want, rel=0, abs=1e-14)
