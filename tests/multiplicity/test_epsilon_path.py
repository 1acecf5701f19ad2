"""Ranges along epsilon: nested, each what it is alone, each with its own certificate."""

import json
import math
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from riskstats.exceptions import Infeasible, InvalidInput, StoppedEarly
from riskstats.multiplicity.epsilon_path import EpsilonPath, path_of_ranges
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from riskstats.multiplicity.score_pool import ScorePool
from tests.reference.multiplicity_report import logistic_objective

EPSILONS = (0.001, 0.01, 0.05, 0.3)


def data(n=50, seed=11):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, (X[:, 0] + rng.standard_normal(n) > 0).astype(int)


def nested(path, slack):
    for small, large in zip(path.ranges, path.ranges[1:], strict=False):
        assert (small.inner[:, 0] >= large.inner[:, 0]).all()
        assert (small.inner[:, 1] <= large.inner[:, 1]).all()
        assert (small.outer[:, 0] >= large.outer[:, 0]).all()
        assert (small.outer[:, 1] <= large.outer[:, 1]).all()
    assert (np.diff(path.widths, axis=0) >= -slack).all()


@pytest.mark.parametrize("kind", ["relative", "additive"])
def test_each_range_is_what_it_is_alone(kind):
    X, y = data()
    rs = RashomonSet(LogisticRegression(), epsilon=0.01, epsilon_kind=kind).fit(X, y)
    path = rs.epsilon_path(X, EPSILONS)
    nested(path, 0.0)
    assert path.epsilon_kind == kind
    for epsilon, found in zip(EPSILONS, path.ranges, strict=True):
        alone = RashomonSet(LogisticRegression(), epsilon=epsilon, epsilon_kind=kind).fit(X, y)
        expected = alone.viable_prediction_range(X)
        np.testing.assert_allclose(found.inner, expected.inner, rtol=0, atol=3e-9)
        assert found.epsilon == epsilon
        assert found.epsilon_kind == kind
        assert found.overall_kind == "exact"


def test_witnesses_are_members_for_their_own_epsilon():
    X, y = data()
    path = RashomonSet(LogisticRegression(), epsilon=0.01).fit(X, y).epsilon_path(X[:10], EPSILONS)
    best = RashomonSet(LogisticRegression()).fit(X, y).loss_
    for epsilon, found in zip(EPSILONS, path.ranges, strict=True):
        for models, ends in ((found.witness_lower, 0), (found.witness_upper, 1)):
            for row, theta in enumerate(models):
                assert logistic_objective(theta, X, y, 1 / 50) <= best * (1 + epsilon) * (1 + 1e-14)
                assert theta[0] + X[row] @ theta[1:] == pytest.approx(found.inner[row, ends], abs=1e-10)


def test_rates_rise_along_the_path_and_are_those_of_each_set():
    X, y = data()
    rs = RashomonSet(LogisticRegression(), epsilon=0.01).fit(X, y)
    path = rs.epsilon_path(X, EPSILONS)
    rates = path.ambiguity(0.1)
    assert (np.diff(rates.values) >= 0).all()
    assert rates.values[-1] > rates.values[0]
    np.testing.assert_array_equal(rates.values, rates.bounds)
    assert rates.values[1] == rs.ambiguity(X, deviation=0.1).value
    mean = path.mean_widths()
    np.testing.assert_allclose(mean.values, path.widths.mean(axis=1), atol=1e-8)
    assert (mean.bounds >= mean.values).all()


def test_uncertified_rows_keep_their_gap_and_stay_nested():
    X, y = data(80, seed=7)
    rs = RashomonSet(LogisticRegression(C=100), max_iter=1).fit(20 * X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoppedEarly)
        path = rs.epsilon_path(20 * X, (0.01, 0.05, 5.0))
    nested(path, 1e-8)
    assert path.kind == "outer"
    assert (path.ranges[-1].gap > 1e-9).any()
    rates = path.ambiguity(0.1)
    assert (rates.values <= rates.bounds).all()
    assert (rates.values < rates.bounds).any()
    assert "at most" in path.summary()


def test_a_pool_counts_its_members_and_stops_at_its_epsilon():
    rng = np.random.default_rng(0)
    X, y = data(20)
    pool = ScorePool(rng.random((5, 20)), [0.5, 0.51, 0.52, 0.55, 0.6], True)
    rs = RashomonSet(pool, epsilon=0.1).fit(X, y)
    path = rs.epsilon_path(X, (0.01, 0.02, 0.1))
    nested(path, 0.0)
    assert path.n_members.tolist() == [1, 2, 4]
    assert (path.widths[0] == 0).all()
    assert path.kind == "exact"
    with pytest.raises(Infeasible, match="Fit with the largest epsilon"):
        rs.epsilon_path(X, (0.01, 0.15))


def test_refits_say_at_least():
    X, y = data()
    rs = RashomonSet(GaussianNB(), epsilon=1.0, refits=Refits(20), random_state=0).fit(X, y)
    path = rs.epsilon_path(X, (0.1, 1.0))
    nested(path, 0.0)
    assert path.kind == "inner"
    assert path.ambiguity(0.1).bounds is None
    assert path.summary().count("at least") == 4
    assert path.n_members[1] == rs.level_set_.counts[1]
    json.dumps(path.to_dict(), allow_nan=False)


def test_responses_have_paths_too():
    X, y = data()
    path = RashomonSet(Ridge()).fit(X, y.astype(float)).epsilon_path(X, (0.01, 0.04))
    spread = path.widths[1] / path.widths[0]
    np.testing.assert_allclose(spread, 2.0, rtol=1e-6)  # an ellipsoid grows with the root of epsilon


def test_frame_and_json():
    X, y = data()
    path = RashomonSet(LogisticRegression()).fit(X, y).epsilon_path(X[:4], (0.01, 0.1))
    table = path.to_frame()
    assert len(table) == 8
    assert table["epsilon"].tolist() == [0.01] * 4 + [0.1] * 4
    assert table["row"].tolist() == [0, 1, 2, 3] * 2
    data_ = path.to_dict()
    assert json.loads(json.dumps(data_, allow_nan=False)) == data_
    assert isinstance(path, EpsilonPath)
    assert len(path.summary().splitlines()) == 3


@pytest.mark.parametrize(
    ("epsilons", "message"),
    [
        ((), "`epsilons` is empty"),
        ((0.05, 0.01), "must ascend; got 0.05 before 0.01"),
        ((0.01, 0.01), "must ascend"),
        ((0.0, 0.1), "finite and > 0; got 0"),
        ((-1, 0.1), "finite and > 0; got -1"),
        ((0.1, math.nan), "finite and > 0; got nan"),
        ((0.1, math.inf), "finite and > 0; got inf"),
        (("a",), "must be numbers"),
        (None, "must be numbers"),
        ([[0.1, 0.2]], "must be numbers"),
    ],
)
def test_bad_epsilons(epsilons, message):
    X, y = data()
    models = RashomonSet(LogisticRegression()).fit(X, y).level_set_
    with pytest.raises(InvalidInput, match=message):
        path_of_ranges(models, X, epsilons)


def test_one_epsilon_may_be_a_number():
    X, y = data()
    path = RashomonSet(LogisticRegression()).fit(X, y).epsilon_path(X, 0.02)
    assert path.epsilons.tolist() == [0.02]
