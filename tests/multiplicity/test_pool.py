import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.pool import viable_prediction_range


def test_smallest_and_largest_with_their_models(rng):
    p = rng.uniform(0, 1, (7, 30))
    r = viable_prediction_range(p, baseline=p[3])
    np.testing.assert_array_equal(r.lower, p.min(axis=0))
    np.testing.assert_array_equal(r.upper, p.max(axis=0))
    np.testing.assert_array_equal(p[r.witness_lower, np.arange(30)], r.lower)
    np.testing.assert_array_equal(p[r.witness_upper, np.arange(30)], r.upper)
    np.testing.assert_array_equal(r.inner, logit(np.stack([r.lower, r.upper], axis=1)))
    np.testing.assert_array_equal(r.baseline, logit(p[3]))
    assert r.overall_kind == "inner"
    assert np.isinf(r.gap).all()


def test_only_a_complete_pool_is_exact(rng):
    p = rng.uniform(0, 1, (7, 30))
    r = viable_prediction_range(p, complete=True)
    assert r.overall_kind == "exact"
    np.testing.assert_array_equal(r.gap, 0)
    np.testing.assert_array_equal(r.lower, p.min(axis=0))


def test_certain_predictions_have_infinite_logits():
    r = viable_prediction_range([[0.0, 1.0, 0.3], [1.0, 1.0, 0.0]], complete=True)
    np.testing.assert_array_equal(r.inner[:2], [[-np.inf, np.inf], [np.inf, np.inf]])
    np.testing.assert_array_equal(r.lower, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(r.upper, [1.0, 1.0, 0.3])
    np.testing.assert_array_equal(r.gap, 0)


def test_more_models_widen_and_order_does_not_matter(rng):
    p = rng.uniform(0, 1, (12, 20))
    whole, part = viable_prediction_range(p), viable_prediction_range(p[:5])
    assert (whole.lower <= part.lower).all()
    assert (whole.upper >= part.upper).all()
    order = rng.permutation(20)
    mixed = viable_prediction_range(p[::-1, order])
    np.testing.assert_array_equal(mixed.inner, whole.inner[order])


def test_responses(rng):
    values = 100 * rng.standard_normal((4, 9))
    r = viable_prediction_range(values, scale="response", baseline=values[0])
    np.testing.assert_array_equal(r.lower, values.min(axis=0))
    np.testing.assert_array_equal(r.inner[:, 1], values.max(axis=0))
    np.testing.assert_array_equal(r.baseline, values[0])


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (np.full((2, 2), 3.2), "must be probabilities; got maximum 3.2. Pass `predict_proba`, not scores."),
        (np.full((2, 2), -0.5), "got minimum -0.5"),
        ([[0.1, np.nan], [np.inf, 0.2]], "2 non-finite values, first at model 0, row 1"),
        (np.ma.masked_array([[0.1, 0.2]], mask=[[False, True]]), "1 non-finite value, at model 0, row 1"),
        ([0.1, 0.2], r"shape \(models, rows\); got \(2,\)"),
        (np.zeros((2, 3, 2)), "Take the column of the positive class"),
        (np.zeros((0, 3)), r"is empty: shape \(0, 3\)"),
        ([[0.1, 0.2], [0.1]], "rows of one length"),
        ([["a", "b"]], "must be numbers"),
    ],
)
def test_bad_predictions(predictions, message):
    with pytest.raises(InvalidInput, match=message):
        viable_prediction_range(predictions)


def test_bad_baseline_and_scale():
    with pytest.raises(InvalidInput, match="`baseline` must be one prediction for each of 2 rows"):
        viable_prediction_range([[0.1, 0.2]], baseline=[0.1])
    with pytest.raises(InvalidInput, match="`scale` must be one of"):
        viable_prediction_range([[0.1, 0.2]], scale="logit")
