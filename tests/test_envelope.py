"""Bands as sets of laws: the two edges, measures over them, and what is refused."""

import json

import numpy as np
import pytest

from riskstats.envelope import CDFEnvelope, best_rows, worst_rows
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk

X, LOWER, UPPER = [0.1, 0.4, 0.4, 0.9], [0.0, 0.2, 0.5, 0.7], [0.3, 0.5, 0.8, 1.0]


def envelope(lower=LOWER, upper=UPPER, support=(0.0, 1.0), atoms=X) -> CDFEnvelope:
    return CDFEnvelope(atoms, lower, upper, support, 0.95)


def test_the_edges_are_laws():
    worst, best = envelope().worst_case(), envelope().best_case()
    assert worst.atoms.tolist() == [0.4, 0.9, 1.0]
    np.testing.assert_allclose(worst.cumulative, [0.5, 0.7, 1.0])
    assert best.atoms.tolist() == [0.0, 0.1, 0.4]
    np.testing.assert_allclose(best.cumulative, [0.3, 0.5, 1.0])


def test_rows_share_their_probabilities():
    ordered = np.array([[0.1, 0.2], [0.3, 0.8]])
    worst, best = (
        worst_rows(ordered, np.array([0.2, 0.6]), 1.0),
        best_rows(ordered, np.array([0.5, 0.9]), 0.0),
    )
    assert worst.atoms.tolist() == [[0.1, 0.2, 1.0], [0.3, 0.8, 1.0]]
    assert worst.cumulative.tolist() == [0.2, 0.6, 1.0]
    assert best.atoms.tolist() == [[0.0, 0.1, 0.2], [0.0, 0.3, 0.8]]
    assert best.cumulative.tolist() == [0.5, 0.9, 1.0]


def test_one_band_bounds_several_measures():
    band = envelope()
    for measure in (Mean(), CVaR(0.5), ValueAtRisk(0.6)):
        assert band.upper_bound(measure) == pytest.approx(measure(band.worst_case()))
        assert band.lower_bound(measure) == pytest.approx(measure(band.best_case()))
    assert band.lower_bound(Gini()) <= band.upper_bound(Gini()) == 1.0


def test_a_missing_side_is_named():
    above, below = envelope(lower=None), envelope(upper=None)
    with pytest.raises(IncompatibleBound, match=r"^`Gini` needs both sides of the band; got side='lower'\.$"):
        below.upper_bound(Gini(sharp=False))
    with pytest.raises(IncompatibleBound, match="got side='upper'"):
        above.lower_bound(Gini())
    with pytest.raises(
        IncompatibleBound, match="worst case needs the lower side of the band; got side='upper'"
    ):
        above.upper_bound(Mean())
    with pytest.raises(IncompatibleBound, match="best case needs the upper side"):
        below.best_case()
    assert below.upper_bound(Mean()) == envelope().upper_bound(Mean())


def test_without_a_top_the_worst_case_has_no_law_but_quantiles():
    band = envelope(support=(0.0, np.inf))
    with pytest.raises(InvalidInput, match="mass at infinity"):
        band.worst_case()
    assert band.upper_bound(ValueAtRisk(0.6)) == 0.9
    assert band.upper_bound(Mean()) == np.inf
    assert band.lower_bound(Mean()) == envelope().lower_bound(Mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": None, "upper": None}, "got neither"),
        ({"lower": [0.1, 0.2]}, "`lower` must have one number for each of 4 >= 1 losses"),
        ({"lower": [0.2, 0.1, 0.3, 0.4]}, "`lower` must not decrease"),
        ({"upper": [0.2, 0.3, np.nan, 0.4]}, "`upper` must not decrease and have no NaN"),
        ({"upper": [0.2, 0.3, 0.5, 1.4]}, r"`upper` must lie in \[0, 1\]; got 0\.2 to 1\.4"),
        ({"atoms": [0.4, 0.1, 0.4, 0.9]}, "Sort the losses first"),
        ({"atoms": [0.1, 0.4, 0.4, 1.9]}, r"`atoms` must lie in \[0, 1\]"),
        ({"atoms": [], "lower": [], "upper": []}, "`atoms` must have one number"),
    ],
)
def test_what_is_no_band_is_refused(change, message):
    with pytest.raises(InvalidInput, match=message):
        envelope(**change)


def test_it_is_frozen_and_exports_plain_values():
    band = envelope()
    with pytest.raises(ValueError, match="read-only"):
        band.lower[0] = 0.5
    with pytest.raises(AttributeError):
        band.lower = None
    record = json.loads(json.dumps(band.to_dict()))
    assert record["lower"] == LOWER
    assert record["active_ranks"] is None


def test_it_draws_itself():
    figure = envelope().plot()
    assert figure.axes
    import matplotlib.pyplot as plt

    plt.close(figure)
