"""The gate of the measures, their names, and what a new measure gets."""

import importlib
import pickle
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import riskstats.measures
from riskstats.distribution import Distribution
from riskstats.envelope import Rows
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import BLOCK, RiskMeasure, evaluated
from riskstats.measures.cvar import CVaR, cvar
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean, mean
from riskstats.measures.value_at_risk import ValueAtRisk, value_at_risk
from riskstats.measures.var_interval import VaRInterval
from tests.measures.cases import ALL


@dataclass(frozen=True)
class Midrange(RiskMeasure):
    """A measure as a user would write it."""

    share: float = 0.5

    def of(self, law):
        return self.share * float(law.atoms[0]) + (1 - self.share) * float(law.atoms[-1])


def test_a_band_that_only_meets_the_level_bounds_the_lower_quantile_alone():
    rows = Rows(np.array([[0.1, 0.2, 0.3, 1.0]]), np.array([0.5, 0.9, 0.95, 1.0]))
    assert ValueAtRisk(0.9).of_rows(rows) == [0.2]
    assert ValueAtRisk(0.9, "upper").of_rows(rows) == [0.3]
    assert ValueAtRisk(0.95, "upper").of_rows(rows) == [1.0]


def test_a_new_measure_works_on_samples_and_bands():
    assert Midrange()([4, 0, 1]) == 2.0
    np.testing.assert_array_equal(Midrange(0.25)([[4, 0, 1], [1, 1, 1]]), [3.0, 1.0])
    rows = Rows(np.array([[0.0, 1.0, 2.0], [0.0, 1.0, np.inf]]), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(Midrange().of_rows(rows), [1.5, np.inf])
    assert str(Midrange()) == "Midrange(0.5)"


@pytest.mark.parametrize("measure", ALL, ids=str)
@pytest.mark.parametrize(
    ("losses", "weights", "message"),
    [
        ([], None, "`losses` is empty"),
        ([[]], None, "`losses` is empty"),
        (3.0, None, "1 dimension"),
        (np.zeros((2, 2, 2)), None, r"1 dimension; got shape \(2, 2, 2\)"),
        (
            [0.1, np.nan, 0.2, np.nan],
            None,
            "`losses` has 2 NaN at rows 1, 3. Drop them or model missingness; ",
        ),
        ([0.1, np.inf], None, "infinite value, first at row 1"),
        ([[0.1, 0.2], [np.nan, np.inf]], None, r"1 NaN and 1 infinite values, first at \(1, 0\)"),
        ([0.0, 1e301], None, "reach 1e.301 in size"),
        (["a", "b"], None, "must be numbers"),
        ([[1, 2], [3]], None, "must be numbers"),
        ([0.1, 0.2], [1, -0.2], "`sample_weight` must be >= 0.* -0.2"),
        ([0.1, 0.2], [0, 0], "`sample_weight` .* zero in every row"),
        ([0.1, 0.2], [1, 2, 3], "has 3 values for 2 rows"),
        ([[0.1, 0.2]], [1, np.nan], "`sample_weight` has 1 NaN"),
        (Distribution([0.1, 0.2]), [1, 1], "has its own weights"),
    ],
)
def test_bad_losses_and_weights(measure, losses, weights, message):
    with pytest.raises(InvalidInput, match=message):
        measure(losses, weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CVaR(95), r"`level` must lie in \[0, 1\); got 95. Write 0.95."),
        (lambda: CVaR(1.0), r"got 1.0. The worst loss is `losses.max\(\)`."),
        (lambda: ValueAtRisk(-0.1), "got -0.1"),
        (lambda: ValueAtRisk(0.9, "top"), "`side` must be one of 'lower', 'upper'; got 'top'"),
        (lambda: VaRInterval(0.9, 0.5), "`upper_level` must exceed `lower_level`; got 0.5 and 0.9"),
        (lambda: VaRInterval(0.5, 0.5), "One level is `ValueAtRisk"),
        (lambda: VaRInterval(0.5, 90), "`upper_level` must be in .*Write 0.9"),
        (lambda: value_at_risk([1, 2], None), "got None"),
        (lambda: cvar([1, 2], float("nan")), "got nan"),
    ],
)
def test_bad_levels(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()


def test_frames_and_dicts_have_samples_in_columns():
    columns = {"a": [0.0, 1.0, 5.0], "b": [1.0, 1.0, 1.0]}
    np.testing.assert_array_equal(mean(columns), [2.0, 1.0])
    np.testing.assert_array_equal(mean(pd.DataFrame(columns)), [2.0, 1.0])
    assert mean(pd.Series(columns["a"])) == 2.0
    assert mean(np.array([True, False])) == 0.5


def test_one_row_keeps_its_axis():
    assert mean([[1.0, 2.0]]).shape == (1,)
    assert evaluated(Mean(), Distribution([1.0, 2.0])) == 1.5


def test_blocks_of_a_large_matrix_are_one_answer(rng, monkeypatch):
    assert BLOCK > 10**6
    x = rng.random((40, 30))
    want = [evaluated(measure, x) for measure in ALL]
    monkeypatch.setattr("riskstats.measures.base.BLOCK", 90)
    for measure, values in zip(ALL, want, strict=True):
        np.testing.assert_allclose(evaluated(measure, x), values, rtol=1e-14)


def test_losses_are_not_written_to(rng):
    x, w = rng.random((3, 50)), rng.random(50)
    before, weights = x.copy(), w.copy()
    for measure in ALL:
        measure(x)
        measure(x, w)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(w, weights)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.95, 0.9999])
@pytest.mark.parametrize("order", ["random", "increasing", "decreasing", "tied", "rare"])
def test_cvar_of_many_weighted_losses_is_that_of_the_law(level, order, rng):
    """Above a size the tail is guessed first; the answer must not depend on the guess."""
    n = 70_000
    x = np.round(rng.gamma(2, size=n), 1 if order == "tied" else 6)
    x = {"increasing": np.sort(x), "decreasing": -np.sort(-x)}.get(order, x)
    w = rng.integers(0, 4, n).astype(float)
    if order == "rare":  # nearly all the weight is where the subsample does not look
        w[:: n // 4096] *= 1e-6
        w[x > np.quantile(x, 0.5)] *= 1e-5
    down = np.argsort(-x)
    mass = w[down].astype(np.longdouble)
    needed = (1 - np.longdouble(level)) * mass.sum()
    want = (np.clip(needed - (np.cumsum(mass) - mass), 0, mass) * x[down]).sum() / needed
    assert cvar(x, level, sample_weight=w) == pytest.approx(float(want), rel=1e-13)
    assert CVaR(level).of(Distribution(x, w)) == pytest.approx(float(want), rel=1e-10)


def test_needs_both_names_the_missing_side():
    rows = Rows(np.array([[0.0, 1.0]]), np.array([0.5, 1.0]))
    with pytest.raises(IncompatibleBound, match="`Gini` needs both sides of the band; got side='lower'"):
        Gini().upper_rows(rows, None)
    with pytest.raises(IncompatibleBound, match="got side='upper'"):
        Gini().lower_rows(None, rows)


def test_names_are_functions_and_classes_whatever_was_imported_first():
    for name in riskstats.measures.__all__:
        value = getattr(riskstats.measures, name)
        assert callable(value), name
        assert value.__name__ in (name, "cvar"), name
    importlib.import_module("riskstats.measures.cvar")
    assert riskstats.measures.cvar is cvar
    assert pickle.loads(pickle.dumps(cvar)) is cvar
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = riskstats.measures.nonsense


def test_a_name_survives_an_earlier_import_of_its_module():
    code = (
        "import riskstats.measures.cvar, riskstats.measures.gini\n"
        "from riskstats.measures import cvar, gini, mean\n"
        "assert cvar([1, 2], 0.5) == 2 and gini([1, 1]) == 0 and mean([1, 3]) == 2\n"
        "import sys; assert 'scipy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("measure", ALL, ids=str)
def test_measures_survive_pickling(measure):
    assert pickle.loads(pickle.dumps(measure)) == measure
