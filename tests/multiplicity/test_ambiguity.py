import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.pool import viable_prediction_range
from riskstats.multiplicity.pool_discrepancy import discrepancy
from riskstats.multiplicity.prediction_range import range_of_ends
from tests.reference.multiplicity import ambiguity_on_a_grid


@pytest.mark.parametrize("steps", [10, 64, 100])
def test_enumeration_on_grids_full_of_ties(rng, steps):
    for _ in range(30):
        pool = rng.integers(0, steps + 1, (4, 15))
        reference = rng.integers(0, steps + 1, 15)
        d = int(rng.integers(1, steps))
        weights = rng.integers(0, 4, 15) + (np.arange(15) == 0)
        exact = ambiguity_on_a_grid(reference, pool, d, weights.tolist())
        r = viable_prediction_range(pool / steps, complete=True, baseline=reference / steps)
        for given in (reference / steps, None):
            found = ambiguity(given, r, deviation=d / steps, sample_weight=weights)
            assert found.value == found.bound == float(exact)


def test_rows_are_conflict_open_or_clear():
    p0 = np.full(4, 0.5)
    inner = logit([[0.3, 0.7], [0.45, 0.55], [0.45, 0.55], [0.45, 0.61]])
    outer = logit([[0.2, 0.8], [0.45, 0.60], [0.44, 0.56], [0.45, 0.61]])
    rate = ambiguity(
        p0, range_of_ends(inner, outer, source="convex"), deviation=0.1, sample_weight=[1, 2, 4, 1]
    )
    assert rate.rows.tolist() == [True, False, False, True]
    assert rate.open_rows.tolist() == [False, True, False, False]
    assert (rate.value, rate.bound, rate.gap) == (2 / 8, 4 / 8, 2 / 8)
    assert (rate.n_conflict, rate.n_open, rate.n_rows) == (2, 1, 4)
    assert rate.kind == "outer"
    assert "between 25 % and 50 %" in rate.summary()
    assert "2 rows, 1 open" in rate.summary()


def test_an_inner_range_bounds_from_below_only():
    rate = ambiguity(
        [0.5, 0.5], range_of_ends(logit([[0.3, 0.7], [0.5, 0.5]]), source="refits"), deviation=0.1
    )
    assert rate.value == 0.5
    assert rate.bound is None
    assert rate.kind == "inner"
    assert "at least 50 %" in rate.summary()
    assert rate.to_dict()["gap"] is None


def test_rows_without_safe_ends_are_clear_where_no_prediction_differs_enough():
    ends = np.array([[-np.inf, np.inf]] * 2)
    rate = ambiguity([0.5, 0.9], range_of_ends(np.zeros((2, 2)), ends), deviation=0.6)
    assert rate.rows.tolist() == [False, False]
    assert rate.open_rows.tolist() == [False, True]


def test_equality_counts_at_probabilities_logits_and_the_ends_of_the_scale():
    for p0, p, d in (
        (0.25, 0.75, 0.5),
        (0.6, 0.4, 0.2),
        (0.3, 0.1, 0.2),
        (0.75, 1.0, 0.25),
        (0.25, 0.0, 0.25),
    ):
        r = viable_prediction_range([[p]], baseline=[p0])
        assert ambiguity([p0], r, deviation=d).value == 1
        assert ambiguity(None, r, deviation=d).value == 1
        assert ambiguity([p0], r, deviation=d + 1e-9).value == 0


def test_extreme_rows_are_judged_in_logits():
    baseline = np.array([-28.0, 28.0, -36.9, 40.0])
    inner = np.stack([baseline - 3, baseline + 3], axis=1)
    r = range_of_ends(inner, inner, baseline=baseline)
    reach = float(sigmoid(-25.0) - sigmoid(-28.0))
    assert ambiguity(None, r, deviation=reach * (1 - 1e-9)).rows.tolist() == [True, True, False, False]
    assert ambiguity(None, r, deviation=reach * (1 + 1e-9)).value == 0


def test_ambiguity_falls_with_the_deviation_and_never_below_discrepancy(rng):
    for seed in range(20):
        p = np.random.default_rng(seed).integers(0, 11, (6, 25)) / 10
        weights = rng.uniform(0, 1, 25)
        r = viable_prediction_range(p[1:], complete=True)
        rates = [ambiguity(p[0], r, deviation=d, sample_weight=weights) for d in (0.1, 0.2, 0.3, 0.5, 0.9)]
        values = [rate.value for rate in rates]
        assert values == sorted(values, reverse=True)
        for rate in rates:
            one = discrepancy(p[0], p[1:], deviation=rate.deviation, sample_weight=weights)
            assert one.value <= rate.value
            assert not (one.rows & ~rate.rows).any()


def test_weights_count_rows(rng):
    p = rng.uniform(0, 1, (5, 12))
    weights = rng.integers(0, 3, 12) + (np.arange(12) == 0)
    short = ambiguity(p[0], viable_prediction_range(p), deviation=0.3, sample_weight=weights)
    rows = np.repeat(np.arange(12), weights)
    long = ambiguity(p[0, rows], viable_prediction_range(p[:, rows]), deviation=0.3)
    assert short.value == pytest.approx(long.value, rel=1e-15)
    assert short.n_rows == int((weights > 0).sum())
    assert not short.rows[weights == 0].any()
    order = rng.permutation(12)
    mixed = ambiguity(
        p[0, order], viable_prediction_range(p[:, order]), deviation=0.3, sample_weight=weights[order]
    )
    assert mixed.value == short.value


def test_responses_differ_by_more_than_one():
    r = viable_prediction_range([[3.0, 10.0]], scale="response", baseline=[1.0, 9.0])
    assert ambiguity(None, r, deviation=2.0).rows.tolist() == [True, False]
    assert ambiguity([5.0, 12.0], r, deviation=2.0).rows.tolist() == [True, True]


@pytest.mark.parametrize(
    ("deviation", "message"),
    [
        (10, r"difference of probabilities in \(0, 1\); got 10. Did you mean 0.10\?"),
        (0, "got 0"),
        (1, "got 1"),
        (float("nan"), "got nan"),
        (True, "got True"),
        ("0.1", "got '0.1'"),
    ],
)
def test_bad_deviations(deviation, message):
    with pytest.raises(InvalidInput, match=message):
        ambiguity([0.5], viable_prediction_range([[0.5]]), deviation=deviation)


def test_other_bad_input():
    r = viable_prediction_range([[0.5, 0.6]])
    with pytest.raises(InvalidInput, match="range has no baseline"):
        ambiguity(None, r, deviation=0.1)
    with pytest.raises(InvalidInput, match="one prediction for each of 2 rows"):
        ambiguity([0.5], r, deviation=0.1)
    with pytest.raises(InvalidInput, match="got maximum 2"):
        ambiguity([0.5, 2.0], r, deviation=0.1)
    with pytest.raises(InvalidInput, match="1 non-finite value, at row 1"):
        ambiguity([0.5, np.nan], r, deviation=0.1)
    with pytest.raises(InvalidInput, match="`sample_weight` must be >= 0"):
        ambiguity([0.5, 0.5], r, deviation=0.1, sample_weight=[1, -1])
    responses = viable_prediction_range([[5.0]], scale="response")
    with pytest.raises(InvalidInput, match="difference of predictions > 0; got -1"):
        ambiguity([0.5], responses, deviation=-1)
