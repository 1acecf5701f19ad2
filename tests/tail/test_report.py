"""The report of one sample of losses."""

import json

import numpy as np
import pytest

from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.results import Status
from riskstats.tail.limits import Asymptotic, BootstrapT, cvar_interval
from riskstats.tail.report import tail_report


def test_what_the_report_holds(rng):
    losses = rng.beta(0.8, 6, 901) * (rng.random(901) < 0.4)
    found = tail_report(losses, 0.95, support=(0, 1), risk_limit=0.9, random_state=2)
    assert found.cvar == pytest.approx(cvar(losses, 0.95))
    assert found.mean == pytest.approx(losses.mean())
    assert found.sd == pytest.approx(losses.std())
    want = cvar_interval(losses, 0.95, limit=BootstrapT(), support=(0, 1), random_state=2)
    assert found.interval.upper == want.upper
    assert found.status is Status.WITHIN_LIMIT
    assert found.extremes is not None
    assert found.attribution["prompt"].values.sum() == pytest.approx(found.cvar)
    assert found.provenance.seed == 2
    text = found.summary()
    for piece in ("n_tail = 45.05", "is at most", "by prompt", "Limit 0.9"):
        assert piece in text


def test_a_tail_of_one_atom_has_no_limit_without_a_support():
    with pytest.warns(AssumptionWarning, match="tail of one atom"):
        found = tail_report([0.0] * 99 + [1.0], 0.99, risk_limit=0.9, random_state=0)
    assert found.status is Status.ABOVE_LIMIT
    assert not found.interval.upper <= 0.9


def test_scores_of_few_values_have_no_pareto_tail():
    losses = np.r_[np.zeros(97), np.ones(3)]
    found = tail_report(losses, 0.95, limit=None, by={"kind": ["a"] * 50 + ["b"] * 50})
    assert (found.cvar, found.value_at_risk, found.interval) == (pytest.approx(0.6), 0.0, None)
    assert found.extremes is None
    assert found.extremes_reason.startswith("No generalised Pareto fit: ")
    assert found.extremes_reason in found.summary()
    assert "No confidence limit was asked for." in found.summary()
    np.testing.assert_allclose(found.attribution["kind"].values, [0.0, 0.6])
    assert tail_report(losses, 0.95, limit=None, extremes=False).extremes_reason == ""
    weighted = tail_report(losses, 0.95, limit=None, sample_weight=np.ones(100))
    assert "without weights" in weighted.extremes_reason


@pytest.mark.parametrize("level", [0.0, 0.5, 0.95, 1 - 1e-9])
@pytest.mark.parametrize("losses", [[0.3], [0.0, 0.0, 0.0], [-1.0, 5.0], np.arange(50.0)])
def test_every_level_and_size_gives_numbers(losses, level):
    found = tail_report(losses, level, limit=None)
    json.dumps(found.to_dict(), allow_nan=False)
    assert min(losses) <= found.value_at_risk <= found.cvar <= max(losses)
    assert "losses" not in found.to_dict()
    assert found.to_frame()["cvar"].tolist() == [found.cvar]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 95}, r"`level` must lie in \[0, 1\); got 95. Write 0.95."),
        ({"level": 1.0}, r"got 1.0. The worst loss is `losses.max\(\)`."),
        (
            {"losses": [0.1, np.nan, np.nan]},
            "`losses` has 2 NaN at rows 1, 2. Drop them or model missingness",
        ),
        ({"losses": [0.1, 1.7], "support": (0, 1)}, r"`losses` must lie in support \(0, 1\); got max 1.7."),
        ({"losses": []}, "`losses` is empty"),
        ({"sample_weight": [1, -0.2]}, "`sample_weight` must be >= 0"),
        ({"confidence_level": 0.05}, "Did you mean 0.95"),
        ({"limit": Asymptotic, "support": (0, 1)}, "`limit` must be a limit such as"),
        ({"by": ["a"]}, "one label for each of 2 rows"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InvalidInput, match=message):
        tail_report(**{"losses": [0.1, 0.7], "level": 0.5, **change})


def test_the_summary_says_whether_a_support_was_declared():
    assert "support not declared" in tail_report([0.1, 0.7], 0.5, limit=None).summary()
    assert "support (0, 1)" in tail_report([0.1, 0.7], 0.5, limit=None, support=(0, 1)).summary()
