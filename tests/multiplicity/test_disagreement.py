import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.disagreement import disagreement, label_ambiguity
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.pool import viable_prediction_range
from riskstats.multiplicity.prediction_range import range_of_ends
from tests.reference.multiplicity import pairs_that_differ


@pytest.mark.parametrize("models", [2, 3, 8])
def test_pairs_by_enumeration(rng, models):
    p = rng.integers(0, 11, (models, 40)) / 10
    np.testing.assert_allclose(disagreement(p), pairs_that_differ(p >= 0.5), rtol=1e-15)
    np.testing.assert_allclose(
        disagreement(p, decision_threshold=0.3), pairs_that_differ(p >= 0.3), rtol=1e-15
    )


def test_share_that_decides_otherwise_than_the_reference():
    p = np.array([[0.5, 0.2, 0.9], [0.4, 0.1, 0.9], [0.6, 0.7, 0.9]])
    np.testing.assert_allclose(disagreement(p, reference=[0.5, 0.3, 0.1]), [1 / 3, 1 / 3, 1.0])
    np.testing.assert_allclose(disagreement(p[:1], reference=[0.49, 0.2, 0.9]), [1.0, 0.0, 0.0])


def test_disagreement_is_a_share_and_blind_to_the_order_of_models(rng):
    p = rng.uniform(0, 1, (9, 50))
    for reference in (None, p[0]):
        found = disagreement(p, reference=reference)
        assert ((found >= 0) & (found <= 1)).all()
        np.testing.assert_array_equal(disagreement(rng.permutation(p), reference=reference), found)


def test_rows_that_can_go_either_way():
    inner = logit([[0.4, 0.5], [0.5, 0.6], [0.2, 0.49], [0.45, 0.49], [0.6, 0.7]])
    outer = logit([[0.4, 0.6], [0.5, 0.6], [0.2, 0.49], [0.44, 0.51], [0.4, 0.7]])
    rate = label_ambiguity(range_of_ends(inner, outer), sample_weight=[1, 1, 1, 2, 5])
    assert rate.rows.tolist() == [True, False, False, False, False]
    assert rate.open_rows.tolist() == [False, False, False, True, True]
    assert (rate.value, rate.bound) == (0.1, 0.8)
    assert rate.decision_threshold == 0.5
    assert rate.summary().startswith("Label ambiguity at threshold 0.5: between 10 % and 80 % of 5 rows")


def test_a_row_is_ambiguous_where_models_of_a_complete_pool_disagree(rng):
    p = rng.integers(0, 11, (4, 60)) / 10
    rate = label_ambiguity(viable_prediction_range(p, complete=True), 0.3)
    np.testing.assert_array_equal(rate.rows, disagreement(p, decision_threshold=0.3) > 0)
    assert rate.kind == "exact"
    part = label_ambiguity(viable_prediction_range(p), 0.3)
    assert part.bound is None
    assert part.value == rate.value
    assert "at least" in part.summary()


def test_responses_take_any_threshold():
    r = viable_prediction_range([[3.0, 10.0], [5.0, 11.0]], scale="response")
    assert label_ambiguity(r, 4.0).rows.tolist() == [True, False]


def test_bad_input():
    with pytest.raises(InvalidInput, match="pairs need two"):
        disagreement([[0.1, 0.2]])
    with pytest.raises(
        InvalidInput, match=r"`decision_threshold` must be in \(0, 1\); got 50\. Write 0\.5\."
    ):
        disagreement([[0.1], [0.2]], decision_threshold=50)
    with pytest.raises(InvalidInput, match="`reference` must be one prediction"):
        disagreement([[0.1], [0.2]], reference=[0.1, 0.2])
    with pytest.raises(InvalidInput, match="decision_threshold"):
        label_ambiguity(viable_prediction_range([[0.1]]), np.nan)
