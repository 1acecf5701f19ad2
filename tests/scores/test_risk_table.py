"""The risk table: exact intervals, grouping of rows, weights, pooling."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.scores.risk_table import RiskTable, clopper_pearson

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "risk_tables.json").read_text())


@pytest.mark.parametrize("name", ["mammo", "adult"])
def test_golden_tables_are_reproduced_from_counts_alone(name):
    rows = GOLDEN[name]
    total, n, events = (np.array([row[key] for row in rows]) for key in ("total", "n", "events"))
    risk = sigmoid((GOLDEN["intercept"][name] + total) / 1.0)
    table = RiskTable.from_counts(total, n, events, risk, confidence_level=GOLDEN["confidence_level"])
    for key in ("total", "n", "events", "predicted", "observed", "lower", "upper"):
        np.testing.assert_allclose(
            getattr(table, key), [row[key] for row in rows], rtol=0, atol=1e-12, err_msg=key
        )


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("events", "n"), [(0, 1), (1, 1), (0, 50), (50, 50), (3, 17), (499, 1000)])
def test_interval_equals_the_inverted_binomial_test(events, n, level):
    from scipy.stats import binomtest

    low, high = clopper_pearson(events, n, level)
    expected = binomtest(events, n).proportion_ci(level, method="exact")
    np.testing.assert_allclose((low, high), (expected.low, expected.high), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("n", "rate"), [(7, 0.3), (40, 0.02), (25, 0.5)])
def test_interval_covers_every_rate_with_at_least_its_level(n, rate):
    from scipy.stats import binom

    counts = np.arange(n + 1)
    low, high = clopper_pearson(counts, n, 0.9)
    missed_low, missed_high = (low > rate), (high < rate)
    assert binom.pmf(counts[missed_low], n, rate).sum() <= 0.05
    assert binom.pmf(counts[missed_high], n, rate).sum() <= 0.05


@pytest.mark.parametrize(("events", "n"), [(2, 1), (-1, 3), (0, 0), (np.nan, 3)])
def test_interval_refuses_impossible_counts(events, n):
    with pytest.raises(InvalidInput, match="events"):
        clopper_pearson(events, n)


def test_interval_refuses_a_percentage():
    with pytest.raises(InvalidInput, match="confidence_level"):
        clopper_pearson(1, 2, 95)


def grouped(seed=0, n=400, weight=None):
    rng = np.random.default_rng(seed)
    totals = rng.integers(-3, 4, n)
    positive = rng.random(n) < sigmoid(totals)
    return totals, positive, RiskTable.from_rows(totals, positive, sigmoid, sample_weight=weight, data="rows")


def test_rows_are_grouped_like_a_plain_count():
    totals, positive, table = grouped()
    assert table.total.tolist() == sorted(set(totals.tolist()))
    assert table.n.tolist() == [np.sum(totals == total) for total in table.total]
    assert table.events.tolist() == [np.sum(positive[totals == total]) for total in table.total]
    assert table.n_rows == 400
    assert not table.weighted
    low, high = clopper_pearson(table.events, table.n)
    assert table.lower.tolist() == low.tolist()
    assert table.upper.tolist() == high.tolist()


def test_zero_weights_are_neutral():
    totals, positive, _ = grouped()
    weight = np.ones(400)
    weight[::3] = 0
    kept = weight > 0
    with_zeros = RiskTable.from_rows(totals, positive, sigmoid, sample_weight=weight, data="rows")
    without = RiskTable.from_rows(totals[kept], positive[kept], sigmoid, data="rows")
    assert with_zeros == without


def test_weights_enter_rates_but_not_intervals():
    _, positive, plain = grouped()
    weight = np.where(positive, 3.5, 1.0)
    _, _, table = grouped(weight=weight)
    assert table.weighted
    np.testing.assert_allclose(table.events, 3.5 * plain.events, rtol=1e-15)
    assert table.lower.tolist() == plain.lower.tolist()
    assert table.rows.tolist() == plain.n.tolist()


def test_a_total_of_positives_only_stays_within_its_weight():
    weight = np.array([0.1, 0.2, 0.3, 0.7])
    table = RiskTable.from_rows([1, 1, 1, 1], [True] * 4, sigmoid, sample_weight=weight)
    assert table.observed.tolist() == [1.0]


def test_calibration_error_is_the_mean_distance():
    table = RiskTable.from_counts([0, 1], [30, 10], [6, 9], [0.3, 0.5])
    assert table.calibration_error == pytest.approx((30 * 0.1 + 10 * 0.4) / 40, abs=1e-15)


def test_a_total_is_found_or_not():
    table = RiskTable.from_counts([0, 2], [30, 10], [6, 9], [0.3, 0.5])
    assert table.at(2).n == 10
    assert table.at(1) is None
    assert table.at(99) is None


def long_table(count=60, seed=1):
    rng = np.random.default_rng(seed)
    total = np.arange(count) - count // 2
    n = rng.integers(1, 60, count)
    return RiskTable.from_counts(total, n, rng.binomial(n, sigmoid(total / 4)), sigmoid(total / 4))


@pytest.mark.parametrize("limit", [1, 5, 18, 59])
def test_pooling_keeps_every_row_and_the_limit(limit):
    table = long_table()
    bands = table.bands(limit)
    assert 1 <= len(bands) <= limit
    assert sum(band.n for band in bands) == table.n.sum()
    assert sum(band.events for band in bands) == table.events.sum()
    assert [band.first for band in bands] == sorted(band.first for band in bands)
    pooled = next(band for band in bands if band.pooled)
    inside = (table.total >= pooled.first) & (table.total <= pooled.last)
    low, high = clopper_pearson(table.events[inside].sum(), table.n[inside].sum())
    assert (pooled.lower, pooled.upper) == (low, high)
    assert pooled.predicted == pytest.approx(np.average(table.predicted[inside], weights=table.n[inside]))


def test_few_totals_are_not_pooled():
    bands = long_table(20).bands(20)
    assert len(bands) == 20
    assert not any(band.pooled for band in bands)


def test_dictionary_gives_an_equal_table_through_json():
    _, _, table = grouped(weight=np.random.default_rng(5).random(400) + 0.1)
    again = RiskTable.from_dict(json.loads(json.dumps(table.to_dict())))
    assert again == table
    assert hash(again) == hash(table)
    assert again != RiskTable.from_dict(table.to_dict() | {"data": "other"})


def test_arrays_cannot_be_changed():
    table = long_table()
    with pytest.raises(ValueError, match="read-only"):
        table.n[0] = 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total": [1, 0]}, "rise"),
        ({"total": [0, 0]}, "rise"),
        ({"n": [1.0]}, "equally long"),
        ({"events": [31.0, 2.0]}, "between 0 and"),
        ({"predicted": [np.nan, 0.5]}, "finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    parts = RiskTable.from_counts([0, 1], [30, 10], [6, 9], [0.3, 0.5]).to_dict()
    with pytest.raises(InvalidInput, match=message):
        RiskTable.from_dict(parts | change)


def test_fractional_totals_stay_fractions():
    table = RiskTable.from_rows([0.5, 0.5, 2.0], [True, False, True], sigmoid)
    assert table.total.tolist() == [0.5, 2.0]


def test_frame_has_one_row_per_total():
    pytest.importorskip("pandas")
    table = long_table()
    frame = table.to_frame()
    assert frame["total"].tolist() == table.total.tolist()
    assert frame["observed"].tolist() == table.observed.tolist()
