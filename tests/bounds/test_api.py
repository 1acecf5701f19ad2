"""The general doors: defaults, refusals, statements, notes."""

import numpy as np
import pandas as pd
import pytest

from riskstats.bounds.api import cdf_band, lower_bound, p_value, upper_bound
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.quantile_sequence import QuantileSequence
from riskstats.bounds.sample import Sample
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.results import Status
from tests.bounds.bands import UNIT, golden_sample

X = golden_sample(200)


@pytest.mark.parametrize(
    ("measure", "options", "expected"),
    [
        (None, {}, "Betting"),
        (Mean(), {"binary": True}, "ClopperPearson"),
        (ValueAtRisk(0.9), {}, "OrderStatisticBand(level=0.9)"),
        (CVaR(0.9), {}, "BerkJones(levels=(0.9, 1.0))"),
        (VaRInterval(0.5, 0.9), {}, "BerkJones(levels=(0.5, 0.9))"),
        (Gini(), {}, "BerkJones"),
    ],
)
def test_defaults_follow_from_declared_facts(measure, options, expected):
    losses = (X > 0.5).astype(int) if options else X
    assert upper_bound(losses, measure, **options).bound.startswith(expected)


def test_boolean_losses_are_binary():
    assert upper_bound(X > 0.9).bound == str(ClopperPearson())
    assert upper_bound((X > 0.9) * 1.0).bound.startswith("Betting")


def test_a_bound_is_a_full_statement():
    bound = upper_bound(X, CVaR(0.9), confidence_level=0.95)
    delta = 1 - 0.95
    assert bound.value == BerkJones((0.9, 1.0)).upper(Sample(X[np.newaxis], UNIT), CVaR(0.9), delta)[0]
    assert bound.estimate == CVaR(0.9)(X)
    assert (bound.side, bound.n_units, bound.support, bound.status) == ("upper", 200, UNIT, Status.BOUND)
    assert bound.confidence_level == 0.95
    assert bound.guaranteed
    lines = bound.summary().splitlines()
    assert lines[0].startswith("CVaR(0.9) is at most 0.9")
    assert "95 % confidence" in lines[0]
    assert "units drawn independently" in bound.summary()
    assert bound.to_dict()["status"] == "BOUND"
    assert bound.to_frame().shape[0] == 1


def test_lower_and_upper_enclose_the_estimate():
    for measure in (Mean(), CVaR(0.5), ValueAtRisk(0.5), VaRInterval(0.2, 0.7), Gini()):
        low, high = lower_bound(X, measure), upper_bound(X, measure)
        assert low.value <= low.estimate == high.estimate <= high.value
        assert (low.side, high.side) == ("lower", "upper")
        assert "at least" in low.summary()
    assert not lower_bound(golden_sample(3000), CVaR(0.9)).bound.startswith("Rockafellar")


def test_the_p_value_agrees_with_the_bound():
    for measure in (Mean(), CVaR(0.9), ValueAtRisk(0.9), Gini()):
        limit = upper_bound(X, measure).value
        if limit < 1:
            assert p_value(X, measure, risk_limit=limit) <= 1 - 0.95 + 1e-9
            assert p_value(X, measure, risk_limit=limit - 1e-6) > 1 - 0.95


def test_scaling_moves_bounds_with_the_losses():
    for measure in (Mean(), CVaR(0.9), ValueAtRisk(0.7)):
        plain, scaled = upper_bound(X, measure), upper_bound(10 * X - 2, measure, support=(-2, 8))
        assert scaled.value == pytest.approx(10 * plain.value - 2, rel=1e-10)
        p = p_value(X, measure, risk_limit=0.8)
        assert p_value(10 * X - 2, measure, risk_limit=6.0, support=(-2, 8)) == pytest.approx(p, rel=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: upper_bound(X, confidence_level=0.05), r"got 0\.05\. Did you mean 0\.95\?"),
        (lambda: upper_bound(X, confidence_level=1.0), r"must be in \[0\.5, 1 - 1e-9\]"),
        (lambda: upper_bound(X, CVaR(90)), r"`level` .*got 90\. Write 0\.9\."),
        (lambda: upper_bound([X, X]), "2 candidates. Use `certify`"),
        (lambda: upper_bound(3 * X), "must lie in support"),
        (lambda: upper_bound(X, CVaR), "`measure` must be a risk measure"),
        (lambda: upper_bound(X, "mean"), "`measure` must be a risk measure"),
        (lambda: upper_bound(X, Mean(), BerkJones), "`bound` must be a bound such as"),
        (lambda: p_value(X, Mean(), 0.3, risk_limit=0.5), "`bound` must be a bound such as"),
        (lambda: p_value(X, risk_limit=np.nan), "`risk_limit` must be a finite number"),
        (
            lambda: upper_bound(0.37 * np.ones(5), binary=True),
            "`ClopperPearson` needs losses 0 or 1; got 0.37",
        ),
        (lambda: cdf_band(X, side="middle"), "`side` must be one of"),
        (lambda: upper_bound(X - 0.5, Gini(), support=(-1, 1)), "Gini"),
    ],
)
def test_bad_input_says_what_to_do(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: upper_bound(X, CVaR(0.9), Hoeffding()),
            r"`Hoeffding` bounds a mean; `CVaR\(0\.9\)` needs a CDF band",
        ),
        (lambda: upper_bound(X, Mean(), Hoeffding(), support=(0, np.inf)), r"support \(0, inf\)"),
        (lambda: upper_bound(X, Mean(), QuantileSequence(0.9)), "`QuantileSequence` bounds"),
        (lambda: cdf_band(X, Hoeffding()), "`band` must be a band"),
    ],
)
def test_impossible_pairs_name_both_sides(call, message):
    with pytest.raises(IncompatibleBound, match=message):
        call()


def test_clusters_are_averaged_and_no_longer_binary():
    losses, cluster = np.array([0, 1, 1, 1, 0, 0]), np.array(list("aabbcc"))
    bound = upper_bound(losses, cluster=cluster, binary=True)
    assert bound.n_units == 3
    assert bound.value == upper_bound([0.5, 1.0, 0.0]).value
    series = pd.Series(losses, index=cluster)
    with pytest.raises(InvalidInput, match="pass `cluster=`"):
        upper_bound(series)
    assert upper_bound(series, cluster=cluster).value == bound.value


def test_warnings_reach_the_caller():
    with pytest.warns(AssumptionWarning, match="named 'accuracy'") as caught:
        upper_bound(pd.Series(X, name="accuracy"))
    assert caught[0].filename == __file__


def test_a_bound_that_says_little_says_why():
    few = upper_bound(X[:20], ValueAtRisk(0.9))
    assert few.value == 1.0
    assert "n = 29 suffices" in few.summary()
    assert upper_bound(golden_sample(29), ValueAtRisk(0.9)).value < 1.0
    open_ended = upper_bound(X[:20], ValueAtRisk(0.9), support=(0, np.inf))
    assert (open_ended.value, open_ended.status) == (np.inf, Status.NO_BOUND)
    assert "no bound" in open_ended.summary().splitlines()[0]
    assert "n = 29 suffices" in open_ended.summary()
    mean = upper_bound(X, Mean(), support=(0, np.inf))
    assert mean.status is Status.NO_BOUND
    assert "give `support` a finite top" in mean.summary()
    assert "n = 20 is too small" in upper_bound(X[:20], Gini()).summary()
    assert "bottom of the support" in lower_bound(X[:2], ValueAtRisk(0.1)).summary()


def test_bands_of_one_sample():
    band = cdf_band(X)
    assert (band.band, band.levels) == ("BerkJones", UNIT)
    np.testing.assert_array_equal(band.atoms, np.sort(X))
    both = cdf_band(X, DKW(), side="both", confidence_level=0.9, support=(0.0, 2.0))
    assert both.confidence_level == 0.9
    assert both.support == (0.0, 2.0)
    np.testing.assert_array_equal(both.lower, DKW().boundary(200, (1 - 0.9) / 2).values)


@pytest.mark.parametrize(
    "losses",
    [X.astype(np.float32), (X * 0).astype(int), list(X), pd.DataFrame({"a": X}), X[::-1]],
    ids=lambda x: type(x).__name__,
)
def test_any_form_of_losses(losses):
    for measure in (Mean(), CVaR(0.9), Gini()):
        assert 0 <= upper_bound(losses, measure).value <= 1


def test_a_bound_is_callable():
    assert DKW()(X, CVaR(0.5)).value == upper_bound(X, CVaR(0.5), DKW()).value
    assert Hoeffding()(X).measure == str(Mean())
