"""Probes: identities against refitting, planted and absent signals, leaking templates, layers, bad input."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression, Ridge

from riskstats.exceptions import InvalidInput
from riskstats.harm import probe_logistic
from riskstats.harm.probe_controls import control_orders, control_word
from riskstats.harm.probe_kernels import factors, left_out_errors, mean_errors, ridge_scores
from riskstats.harm.probe_logistic import balanced_weights, fold_losses, logistic_fit
from riskstats.harm.probes import linear_probe, residualised


def planted(rng, n=120, d=60, layers=3, strength=2.0):
    """States of which the middle layer holds severity and none holds cost."""
    severity, cost = rng.integers(1, 6, n), rng.integers(1, 6, n)
    states = rng.normal(size=(layers, n, d))
    direction = rng.normal(size=d) / np.sqrt(d)
    states[layers // 2] += strength * (severity - 3)[:, np.newaxis] * direction
    return states, severity, cost


# Identities


@pytest.mark.parametrize("d", [8, 40])
@pytest.mark.parametrize("penalty", [0.3, 30.0])
def test_rows_left_out_equal_refitting(d, penalty, rng):
    states, targets = rng.normal(size=(25, d)) + 3.0, rng.normal(size=(25, 2)) + 1.0
    errors = left_out_errors(*factors(states), targets, penalty, None)
    for row in range(25):
        rest = np.arange(25) != row
        fit = Ridge(alpha=penalty).fit(states[rest], targets[rest])
        np.testing.assert_allclose(errors[row], targets[row] - fit.predict(states[[row]])[0], atol=1e-8)


@pytest.mark.parametrize("d", [8, 40])
def test_groups_left_out_equal_refitting(d, rng):
    states, targets = rng.normal(size=(25, d)), rng.normal(size=(25, 2))
    groups = rng.permutation(np.arange(25) % 6)
    blocks = [np.flatnonzero(groups == g) for g in range(6)]
    errors = left_out_errors(*factors(states), targets, 3.0, blocks)
    base = mean_errors(targets, blocks)
    for rows in blocks:
        rest = np.setdiff1d(np.arange(25), rows)
        fit = Ridge(alpha=3.0).fit(states[rest], targets[rest])
        np.testing.assert_allclose(errors[rows], targets[rows] - fit.predict(states[rows]), atol=1e-8)
        np.testing.assert_allclose(base[rows], targets[rows] - targets[rest].mean(axis=0), atol=1e-12)


def test_groups_of_one_row_are_rows(rng):
    states, targets = rng.normal(size=(20, 30)), rng.normal(size=(20, 3))
    basis, eigenvalues = factors(states)
    penalties = np.array([0.1, 10.0])
    rows = ridge_scores(basis, eigenvalues, targets, penalties, None)
    blocks = [np.array([k]) for k in range(20)]
    np.testing.assert_allclose(rows, ridge_scores(basis, eigenvalues, targets, penalties, blocks), atol=1e-10)
    compiled = ridge_scores(basis, eigenvalues, targets, penalties, None, compiled=True)
    np.testing.assert_allclose(rows, compiled, atol=1e-10)


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_logistic_fits_equal_a_second_solver(penalty, rng, monkeypatch):
    monkeypatch.setattr(probe_logistic, "_TOLERANCE", 1e-9)
    monkeypatch.setattr(probe_logistic, "_STEPS", 5000)
    states = rng.normal(size=(80, 100))
    labels = (states[:, 0] + rng.normal(size=80) > 0.7).astype(float)[:, np.newaxis]
    basis, eigenvalues = factors(states)
    weights = balanced_weights(labels, np.ones_like(labels))
    slopes, shifts = logistic_fit(basis, eigenvalues, labels, weights, penalty)
    twin = LogisticRegression(C=1 / penalty, class_weight="balanced", tol=1e-12, max_iter=5000)
    scores = twin.fit(states, labels[:, 0]).decision_function(states)
    np.testing.assert_allclose(basis @ slopes[:, 0] + shifts[0], scores, atol=2e-5)


def test_folds_of_labels_equal_refitting(rng, monkeypatch):
    monkeypatch.setattr(probe_logistic, "_TOLERANCE", 1e-9)
    monkeypatch.setattr(probe_logistic, "_STEPS", 5000)
    states, folds = rng.normal(size=(60, 10)), rng.permutation(np.arange(60) % 3)
    labels = (states[:, :2] + rng.normal(size=(60, 2)) > 0.4).astype(float)
    losses = fold_losses(*factors(states), labels, folds, np.array([2.0]))[0]
    for fold in range(3):
        kept = folds != fold
        for k in range(2):
            twin = LogisticRegression(C=0.5, class_weight="balanced", tol=1e-12, max_iter=5000)
            proba = twin.fit(states[kept], labels[kept, k]).predict_proba(states[~kept])
            expected = -np.log(proba[np.arange((~kept).sum()), labels[~kept, k].astype(int)])
            np.testing.assert_allclose(losses[~kept, k], expected, atol=1e-5)


# Findings


def test_a_planted_signal_is_found_and_an_absent_one_is_not(rng):
    states, severity, cost = planted(rng)
    found = linear_probe(states, {"severity": severity, "cost": cost}, n_controls=39, random_state=1)
    assert found.decodable("severity")
    assert not found.decodable("cost")
    assert found["severity"].best_layer == 1
    assert found["severity"].p_corrected[1] == 1 / 40
    assert found["severity"].lower[1] > 0.3
    assert found["cost"].p_corrected.min() > 0.05
    text = found.summary()
    assert "severity is decodable at layer 1" in text
    assert "cost is not shown to be decodable" in text
    gap = found.difference("severity", "cost")
    assert 0 < gap.lower < gap.value < gap.upper
    assert "severity less cost" in gap.summary()


def test_labels_are_probed_by_balanced_logistic(rng):
    states, severity, _ = planted(rng, layers=1, n=150, d=20)
    kinds = {"severe": severity >= 5, "colour": rng.choice(["red", "blue", "green"], 150)}
    found = linear_probe(states, kinds, n_controls=39, random_state=0)
    assert found["severe"].probe == "logistic"
    assert found.decodable("severe")
    assert not found.decodable("colour")
    assert abs(found["colour"].control_mean[0]) < 0.05


@pytest.mark.parametrize("grouped", [False, True])
def test_without_signal_p_values_are_uniform(grouped, rng):
    """Against 19 controls P(p <= k/20) = k/20 exactly, over the maximum of two layers."""
    samples, hits = 150, np.zeros(2, dtype=int)
    groups = np.repeat(np.arange(12), 3) if grouped else None
    for _ in range(samples):
        states = rng.normal(size=(2, 36, 10))
        values = rng.normal(size=36)
        if grouped:
            values += rng.normal(size=12)[groups]
            states += rng.normal(size=(2, 12, 10))[:, groups]
        found = linear_probe(states, values, groups=groups, n_controls=19, random_state=rng)["target"]
        p = found.p_corrected[found.best_layer]
        hits += [p <= 0.1, p <= 0.5]
    assert binomtest(int(hits[0]), samples, 0.1).pvalue > 1e-3
    assert binomtest(int(hits[1]), samples, 0.5).pvalue > 1e-3


def test_templates_that_leak_are_caught_by_groups(rng):
    """Severity belongs to the template, and states know the template but nothing of severity."""
    templates = np.repeat(np.arange(20), 8)
    states = rng.normal(size=(20, 40))[templates] + 0.3 * rng.normal(size=(160, 40))
    severity = rng.integers(1, 6, 20)[templates]
    leaked = linear_probe(states, severity, n_controls=39, random_state=0)
    assert leaked.decodable("target")
    assert leaked["target"].score[0] > 0.8
    caught = linear_probe(states, severity, groups=templates, n_controls=39, random_state=0)
    assert not caught.decodable("target")
    assert caught["target"].control == "group values"
    assert caught["target"].score[0] < 0.3
    assert caught.n_groups == 20


def test_cost_residualised_on_severity_has_no_severity_left(rng):
    states, severity, _ = planted(rng, n=200, layers=1)
    cost = severity + rng.integers(0, 2, 200)
    found = linear_probe(
        states, {"cost": cost, "beyond": residualised(cost, severity)}, n_controls=39, random_state=0
    )
    assert found.decodable("cost")
    assert not found.decodable("beyond")
    levels = residualised(cost, severity)
    assert [levels[severity == s].mean() for s in range(1, 6)] == pytest.approx([0] * 5, abs=1e-12)


@pytest.mark.slow
def test_intervals_hold_the_score_on_new_rows(rng):
    """Share of intervals that hold the score of the same probes on 4000 new rows."""
    samples, held = 200, 0
    for _ in range(samples):
        states, severity, _ = planted(rng, n=4150, d=10, layers=1, strength=0.6)
        fitted, new = slice(0, 150), slice(150, None)
        found = linear_probe(states[:, fitted], severity[fitted], n_controls=1, random_state=rng)["target"]
        twin = Ridge(alpha=found.penalty[0]).fit(states[0, fitted], severity[fitted])
        truth = twin.score(states[0, new], severity[new]) - found.control_mean[0]
        held += bool(found.lower[0] <= truth <= found.upper[0])
    assert binomtest(held, samples, 0.93, "less").pvalue > 1e-3


# Controls


def test_controls_keep_the_values_and_their_groups(rng):
    blocks = [np.arange(0, 3), np.arange(3, 6), np.arange(6, 9)]
    constant, varying = np.repeat([1, 2, 3], 3), np.arange(9)
    assert control_word(varying, None) == "rows"
    assert control_word(constant, blocks) == "group values"
    assert control_word(varying, blocks) == "blocks"
    for order in control_orders("rows", 9, None, 20, rng):
        assert sorted(order) == list(range(9))
    for order in control_orders("group values", 9, blocks, 20, rng):
        control = constant[order]
        assert sorted(control) == sorted(constant)
        assert control_word(control, blocks) == "group values"
    for order in control_orders("blocks", 9, blocks, 20, rng):
        assert sorted(order) == list(range(9))
        assert all((np.diff(varying[order][rows]) == 1).all() for rows in blocks)


def test_a_seed_repeats_and_scales_do_not_matter(rng):
    states, severity, _ = planted(rng, n=60)
    first = linear_probe(states, severity, n_controls=9, random_state=3)["target"]
    again = linear_probe(100.0 * states, 7.0 * severity + 5.0, n_controls=9, random_state=3)["target"]
    np.testing.assert_allclose(first.score, again.score, atol=1e-9)
    np.testing.assert_allclose(first.p_value, again.p_value)
    single = linear_probe(list(states)[1], severity, n_controls=9, random_state=3)["target"]
    assert single.score[0] == pytest.approx(first.score[1], abs=1e-9)


def test_answers_export(rng):
    states, severity, cost = planted(rng, n=40)
    found = linear_probe(states, {"severity": severity, "cost": cost}, n_controls=5, random_state=0)
    record = json.loads(json.dumps(found.to_dict()))
    assert set(record["decodable"]) == {"severity", "cost"}
    assert "rows" not in record["targets"][0]
    assert found.to_frame().shape == (6, 10)
    with pytest.raises(KeyError, match="'severity', 'cost'"):
        found["serverity"]
    with pytest.raises(InvalidInput, match="two targets"):
        found.difference("cost", "cost")


@pytest.mark.parametrize(
    ("targets", "asked", "says"),
    [
        (np.ones(29), {}, "`hidden_states` has 30 rows, `targets` 29"),
        (np.ones(30), {}, "is 1 in every row"),
        (np.array([np.nan, *range(29)]), {}, "1 NaN"),
        (np.array(["a"] * 30), {}, "needs two classes"),
        (np.array(["a"] * 29 + ["b"]), {}, "of two rows or more"),
        ({}, {}, "`targets` is empty"),
        (np.arange(30), {"groups": np.zeros(30)}, "at least two groups"),
        (np.arange(30), {"groups": np.zeros(29)}, "`groups` must be one label"),
        (np.arange(30), {"n_controls": 0}, "`n_controls`"),
        (np.arange(30), {"penalties": [0.0]}, "`penalties` must be a number > 0"),
        (np.arange(30), {"device": "tpu"}, "`device`"),
    ],
)
def test_bad_targets(targets, asked, says, rng):
    with pytest.raises(InvalidInput, match=says):
        linear_probe(rng.normal(size=(2, 30, 4)), targets, **asked)


@pytest.mark.parametrize(
    ("states", "says"),
    [
        (np.ones((2, 30, 4)), "layer 0 are the same in every row"),
        (np.full((30, 4), np.nan), "finite numbers"),
        (np.ones(30), r"must be \(n_layers, n, d\)"),
        ([np.ones((30, 2)), np.ones((29, 2))], "the same rows"),
        ([], "at least one layer"),
    ],
)
def test_bad_states(states, says):
    with pytest.raises(InvalidInput, match=says):
        linear_probe(states, np.arange(30), n_controls=1)


def test_residuals_need_something_left():
    with pytest.raises(InvalidInput, match="nothing is left"):
        residualised([1, 1, 2, 2], [1, 1, 2, 2])
