"""Harm-benefit aggregation: golden score, parameters, fits, profiles, monotone in harm, bad nodes."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from riskstats.exceptions import InvalidInput
from riskstats.harm import aggregation_kernels
from riskstats.harm.aggregation import HarmBenefitModel, harm_scores
from riskstats.harm.aggregation_kernels import (
    Layout,
    Tables,
    bounded,
    evaluator,
    log_likelihood_terms,
    probability,
    scores,
    through_sigmoids,
)
from riskstats.harm.aggregation_tree import ACTIONS, EFFECTS, EXTENTS, LIKELIHOODS, cells_of, read_trees
from tests.harm.trees import planted, random_tree

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))


def tree(*effects, benefits=(), action="Privacy"):
    return [
        {
            "stakeholder": "the user",
            "harms": [{"action": action, "effects": list(effects)}] if effects else [],
            "benefits": [{"action": "helps", "effects": list(benefits)}] if benefits else [],
        }
    ]


def effect(extent="major", likelihood="high", immediacy=1, kind="Social"):
    return {"effect": kind, "extent": extent, "likelihood": likelihood, "immediacy": immediacy}


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(7)
    trees, labels, parameters, layout = planted(500, rng)
    return HarmBenefitModel(n_starts=3).fit(trees, labels), trees, labels, parameters, layout


# The score


def test_the_golden_score():
    record = GOLDEN["safetyanalyst"]
    extents, likelihoods = {0.2: "minor", 0.5: "significant", 1: "major"}, {0.3: "low", 1: "high"}
    effects = [
        effect(extents[each["extent"]], likelihoods[each["likelihood"]], each["immediacy"])
        for each in record["effects"]
    ]
    tables = Tables(
        actions=np.ones(16),
        effects=np.ones(7),
        extents=np.array([[0.2, 0.5, 0.5, 1.0]] * 2),
        likelihoods=np.array([[0.3, 0.3, 1.0]] * 2),
        discounts=np.full(2, record["discount"]),
        benefit=np.array(0.5),
    )
    found = harm_scores([tree(*effects), tree(*effects, benefits=effects)], tables)
    assert found[0] == pytest.approx(record["S"], abs=1e-15)
    assert found[1] == pytest.approx(0.5 * record["S"], abs=1e-15)
    assert probability("harms", found[:1])[0] == pytest.approx(record["p_harm"], abs=1e-15)


def test_there_are_29_parameters_and_36_with_effect_weights():
    layout = Layout("both", ACTIONS, EFFECTS, False, False, False)
    assert len(layout.names) == 29 == layout.bounded
    assert len(layout._replace(effect_weights=True).names) == 36
    assert len(layout._replace(kind="harms").names) == 22
    assert len(layout._replace(kind="benefits").names) == 7
    more = layout._replace(scale=True, intercept=True)
    assert (len(more.names), more.bounded) == (31, 29)


@pytest.mark.parametrize("kind", ["both", "harms", "benefits"])
def test_extents_and_likelihoods_ascend_to_one(kind, rng):
    layout = Layout(kind, ACTIONS, EFFECTS, True, False, False)
    tables = layout.tables(rng.random(len(layout.names)))
    for table in (tables.extents, tables.likelihoods):
        assert (np.diff(table, axis=1) >= 0).all()
        assert (table[:, -1] == 1).all()


@pytest.mark.parametrize("kind", ["both", "harms", "benefits"])
def test_probabilities_are_accurate_in_both_tails(kind):
    size = np.array([1e-4, 0.3, 5.0, 40.0])
    logits = {"both": size, "harms": size, "benefits": -size}[kind]
    yes, no = log_likelihood_terms(kind, logits)
    assert np.exp(yes) + np.exp(no) == pytest.approx(np.ones(4), abs=1e-12)
    sigmoid = 1 / (1 + np.exp(-logits))
    plain = {"both": sigmoid, "harms": 2 * sigmoid - 1, "benefits": 2 * sigmoid}[kind]
    assert probability(kind, logits) == pytest.approx(plain, rel=1e-12)
    assert np.isfinite([yes, no]).all()


def test_one_change_towards_harm_never_lowers_the_score(rng):
    layout = Layout("both", ACTIONS, EFFECTS, True, False, False)
    for _ in range(40):
        tables = layout.tables(rng.random(36))
        before = random_tree(rng, 2.0)
        raised = copy.deepcopy(before)
        harms = [node for entry in raised for action in entry["harms"] for node in action["effects"]]
        for node in harms:
            node["extent"] = EXTENTS[min(EXTENTS.index(node["extent"]) + 1, 3)]
        likelier = copy.deepcopy(raised)
        for entry in likelier:
            for action in entry["harms"]:
                for node in action["effects"]:
                    node["likelihood"] = LIKELIHOODS[min(LIKELIHOODS.index(node["likelihood"]) + 1, 2)]
        more = likelier + tree(effect("minor", "low", 0))
        gain = more + tree(benefits=[effect()])
        found = harm_scores([before, raised, likelier, more, gain], tables)
        assert (np.diff(found[:4]) >= 0).all()
        assert found[4] <= found[3]


# Fits


@pytest.mark.parametrize("kind", ["both", "harms", "benefits"])
def test_gradients_are_those_of_differences(kind, rng):
    tail = (1.5, 0.2) if kind == "both" else (1.5,)
    layout = Layout(kind, ACTIONS, EFFECTS, True, True, kind == "both")
    trees, labels, parameters, _ = planted(60, rng, layout, tail)
    model = HarmBenefitModel(kind=kind, effect_weights=True)
    cells = model._cells(trees)
    evaluate = evaluator(layout, cells, labels.astype(float), rng.random(60))
    value, slope = evaluate(parameters)
    assert slope == pytest.approx(approx_fprime(parameters, lambda x: evaluate(x)[0], 1e-7), abs=2e-4)
    point = rng.normal(size=len(parameters))
    free = through_sigmoids(layout, evaluate)
    assert free(point)[0] == evaluate(bounded(layout, point))[0]
    assert free(point)[1] == pytest.approx(approx_fprime(point, lambda x: free(x)[0], 1e-7), abs=2e-4)
    assert value > 0


def test_the_table_and_the_padded_form_agree(fitted, monkeypatch):
    model, *_ = fitted
    wide = evaluator(model.layout_, *model._data)(model.parameters_)
    monkeypatch.setattr(aggregation_kernels, "_LARGEST_TABLE", 0)
    padded = evaluator(model.layout_, *model._data)(model.parameters_)
    assert padded[0] == pytest.approx(wide[0], abs=1e-9)
    assert padded[1] == pytest.approx(wide[1], abs=1e-8)
    by_hand = -np.log(np.take_along_axis(model.predict_proba(fitted[1]), fitted[2][:, np.newaxis], 1)).sum()
    assert by_hand == pytest.approx(model.loss_, abs=1e-8)


def test_the_fit_is_as_likely_as_the_planted_weights(fitted):
    model, trees, labels, parameters, layout = fitted
    evaluate = evaluator(layout, *model._data)
    assert model.loss_ <= evaluate(parameters)[0]
    assert (model.weights_.start_losses <= model.loss_ + 0.05).sum() >= 2
    nelder = minimize(
        lambda x: evaluate(np.clip(x, 0, 1))[0], model.parameters_, method="Powell", options={"maxiter": 1}
    )
    assert nelder.fun >= model.loss_ - 1e-3
    assert model.score(trees, labels) > 0.55


@pytest.mark.slow
def test_planted_weights_are_recovered_from_many_prompts(rng):
    layout = Layout("both", ACTIONS, EFFECTS, False, True, True)
    trees, labels, parameters, _ = planted(4000, rng, layout, (4.0, -1.0))
    model = HarmBenefitModel(scale=True, intercept=True, n_starts=1).fit(trees, labels)
    assert model.weights_["intercept"] == pytest.approx(-1.0, abs=0.3)
    inside = slice(0, layout.bounded)
    assert np.corrcoef(model.parameters_[inside], parameters[inside])[0, 1] > 0.6
    true = probability("both", layout.logit(parameters, scores(layout.tables(parameters), *model._data[0])))
    assert np.abs(model.predict_proba(trees)[:, 1] - true).mean() < 0.05


def test_weights_are_repetition(rng):
    trees, labels, _, _ = planted(300, rng)
    times = rng.integers(0, 3, 300)
    weighted = HarmBenefitModel(n_starts=1).fit(trees, labels, times)
    rows = np.repeat(np.arange(300), times)
    repeated = HarmBenefitModel(n_starts=1).fit([trees[i] for i in rows], labels[rows])
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=1e-6)
    assert weighted.predict_proba(trees) == pytest.approx(repeated.predict_proba(trees), abs=1e-3)


def test_bounds_and_uninformed_parameters_are_reported():
    """Deception comes only with harmless prompts, Privacy only with harmful ones; nothing else occurs."""
    trees = [tree(effect(), effect(), action="Privacy")] * 30 + [tree(effect(), action="Deception")] * 30
    labels = np.repeat(["yes", "no"], 30)
    model = HarmBenefitModel(n_starts=1).fit(trees, labels)
    found = model.weights_
    assert model.classes_.tolist() == ["no", "yes"]
    assert found["action: Privacy"] == 1.0
    assert found["action: Deception"] == 0.0
    assert sorted(np.array(found.names)[found.at_bound]) == ["action: Deception", "action: Privacy"]
    assert found["action: Child Harm"] == 1.0
    assert found.effects[found.names.index("action: Child Harm")] == 0
    assert "not informed" in found.summary()
    assert "2 at a bound" in found.summary()
    limits = model.profile(["action: Privacy", "action: Deception", "action: Child Harm"])
    rows = {row["name"]: row for row in limits.rows()}
    assert rows["action: Privacy"]["upper"] == 1.0
    assert rows["action: Deception"]["lower"] == 0.0
    assert rows["action: Child Harm"]["lower"] == 0.0
    assert rows["action: Child Harm"]["upper"] == 1.0
    assert rows["harm discount"]["lower"] is None
    assert json.loads(json.dumps(limits.to_dict()))["upper"][0] is None
    assert len(limits.to_frame()) == 29


def test_profile_limits_of_one_weight_are_those_of_its_likelihood():
    """With one free weight w, P = sigmoid(w); 70 of 100 harmful."""
    trees, labels = [tree(effect())] * 100, np.array([1] * 60 + [0] * 40)
    model = HarmBenefitModel(n_starts=1).fit(trees, labels)
    assert model.weights_["action: Privacy"] == pytest.approx(np.log(1.5), abs=1e-4)

    def deviance(w):
        return 2 * (100 * np.log1p(np.exp(w)) - 60 * w - model.loss_)

    row = next(r for r in model.profile(["action: Privacy"]).rows() if r["name"] == "action: Privacy")
    for end in (row["lower"], row["upper"]):
        assert deviance(end) == pytest.approx(3.8415, abs=0.05)
    assert row["lower"] < row["value"] < row["upper"]


@pytest.mark.slow
def test_profile_limits_hold(rng):
    held, samples = 0, 60
    for _ in range(samples):
        trees, labels, parameters, layout = planted(300, rng)
        model = HarmBenefitModel(n_starts=2).fit(trees, labels)
        row = next(r for r in model.profile(["benefit weight"]).rows() if r["name"] == "benefit weight")
        held += row["lower"] <= parameters[layout.names.index("benefit weight")] <= row["upper"]
    assert held >= 52


@pytest.mark.parametrize("kind", ["harms", "benefits"])
def test_one_sided_models(kind, rng):
    layout = Layout(kind, ACTIONS, EFFECTS, True, True, False)
    trees, labels, parameters, _ = planted(58, rng, layout, (1.5,))
    trees += [tree(effect(), benefits=[effect()])] * 2
    labels = np.append(labels, [0, 1])
    model = HarmBenefitModel(kind=kind, effect_weights=True, scale=True, n_starts=2).fit(trees, labels)
    assert model.loss_ <= evaluator(layout, *model._data)(parameters)[0]
    harm = model.harm_score(trees)
    assert (harm >= 0).all() if kind == "harms" else (harm <= 0).all()
    only = model.explain(trees[-1])
    assert [term.kind for term in only.terms] == [kind]


def test_explanations_sum_to_the_score(fitted):
    model, trees, *_ = fitted
    harm = model.harm_score(trees[:20])
    for place in range(20):
        found = model.explain(trees[place])
        assert found.harm == pytest.approx(harm[place], abs=1e-12)
        assert sum(term.value for term in found.terms) == pytest.approx(harm[place], abs=1e-12)
        assert found.probability == pytest.approx(model.predict_proba(trees[place : place + 1])[0, 1])
        assert all((term.value <= 0) == (term.kind == "benefits") or term.value == 0 for term in found.terms)
    assert "P(harmful)" in str(found)
    assert len(found.to_frame()) == len(found.terms)
    empty = model.explain([])
    assert (empty.harm, empty.probability, empty.terms) == (0.0, 0.5, ())


def test_estimator_habits(fitted):
    model, trees, labels, *_ = fitted
    again = clone(model).fit(trees, labels)
    assert again.parameters_ == pytest.approx(model.parameters_)
    assert set(model.predict(trees)) <= {0, 1}
    assert model.predict_proba(trees).sum(axis=1) == pytest.approx(np.ones(500))
    text = [json.dumps(each) for each in trees[:5]]
    assert model.decision_function(text) == pytest.approx(model.decision_function(trees[:5]))
    with pytest.raises(NotFittedError):
        HarmBenefitModel().predict(trees)
    with pytest.raises(NotFittedError):
        HarmBenefitModel().explain(trees[0])


# Nodes


def broken(change):
    found = tree(effect(), benefits=[effect()])
    change(found[0])
    return [tree(effect()), found]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda s: s["harms"][0]["effects"][0].update(likelyhood="low"),
            r"trees\[1\]\[0\].harms\[0\].effects\[0\] has the unknown field 'likelyhood' \(did you",
        ),
        (lambda s: s["harms"][0]["effects"][0].pop("extent"), r"effects\[0\] lacks 'extent'"),
        (lambda s: s["harms"][0]["effects"][0].update(extent="mayor"), r"extent must be one of .*'major'\?"),
        (lambda s: s["harms"][0]["effects"][0].update(likelihood=None), "likelihood must be one of"),
        (lambda s: s["harms"][0]["effects"][0].update(immediacy="soon"), "immediacy must be true"),
        (lambda s: s["harms"][0]["effects"][0].update(immediacy=2), "immediacy must be true"),
        (
            lambda s: s["harms"][0]["effects"][0].update(effect="Phisical"),
            r"no known category \(did you mean 'Phys",
        ),
        (
            lambda s: s["harms"][0].update(action="privcy"),
            r"harms\[0\].action is 'privcy', no known category",
        ),
        (lambda s: s["harms"][0].update(action="Privacy and Deception"), "'Deception', 'Privacy' at once"),
        (lambda s: s["harms"][0].update(effects={}), r"effects must be a list of effects"),
        (lambda s: s["harms"][0].update(action=3), "action must be text"),
        (lambda s: s["benefits"].append("none"), r"benefits\[1\] must hold the fields"),
        (lambda s: s.pop("stakeholder"), "lacks 'stakeholder'"),
        (lambda s: s.update(harm=[]), "did you mean 'harms'"),
    ],
)
def test_a_bad_node_is_named_by_its_path(change, says):
    with pytest.raises(InvalidInput, match=says):
        read_trees(broken(change), ACTIONS, EFFECTS)


@pytest.mark.parametrize(
    ("trees", "says"),
    [
        ([], "the list of trees is empty"),
        ("[]", "a list of trees is needed"),
        (["[{"], r"trees\[0\] is not JSON"),
        ([{"stakeholder": "x"}], r"trees\[0\] must be a list of stakeholders"),
    ],
)
def test_bad_lists(trees, says):
    with pytest.raises(InvalidInput, match=says):
        read_trees(trees, ACTIONS, EFFECTS)


def test_categories_may_stand_within_text():
    found = read_trees([tree(effect(kind="Physical harm"), action="Economic Harm: fraud")], ACTIONS, EFFECTS)
    assert (found[0][0].action, found[0][0].effect) == (ACTIONS.index("Economic Harm"), 0)
    cells = cells_of(found, lambda _: True)
    assert cells.counts.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("asked", "labels", "says"),
    [
        ({"kind": "all"}, [0, 1], "`kind` must be one of"),
        ({"kind": "harms", "intercept": True}, [0, 1], "`intercept` needs kind='both'"),
        ({"n_starts": 0}, [0, 1], "`n_starts`"),
        ({"actions": ()}, [0, 1], "`actions` must be different names"),
        ({"effects": ("Social", "social")}, [0, 1], "`effects` must be different names"),
        ({}, [0, 0], "1 class"),
        ({}, [0, 1, 1], "inconsistent numbers of rows"),
    ],
)
def test_bad_settings(asked, labels, says):
    with pytest.raises(InvalidInput, match=says):
        HarmBenefitModel(**asked).fit([tree(effect())] * 2, labels)


def test_profile_names_must_be_known(fitted):
    with pytest.raises(InvalidInput, match="no parameter 'action: privacy'"):
        fitted[0].profile(["action: privacy"])
    with pytest.raises(KeyError, match="harm discount"):
        fitted[0].weights_["discount"]
