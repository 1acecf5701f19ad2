"""Factors: an additive truth is recovered exactly, missing cells and confounding are named."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from riskstats.evaluations.design import design_matrix
from riskstats.evaluations.factors import factor_effects
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many

ATTACK, DEFENCE, PRESSURE = (
    {"a": 0.0, "b": 0.1, "c": 0.05},
    {"x": 0.0, "y": -0.03},
    {"0": 0, "1": 0.02, "2": 0.04},
)


def factorial(items=12):
    """(item, factors) of a full factorial."""
    rows = list(itertools.product(range(items), ATTACK, DEFENCE, PRESSURE))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return columns[0], dict(zip(("attack", "defence", "pressure"), columns[1:], strict=True))


def additive(item, factors, rng):
    base = rng.uniform(0.2, 0.5, item.max() + 1)
    parts = [
        [effects[level] for level in factors[name]]
        for name, effects in (("attack", ATTACK), ("defence", DEFENCE), ("pressure", PRESSURE))
    ]
    return base[item] + np.sum(parts, axis=0)


def check(found):
    truth = {("attack", "b"): 0.1, ("attack", "c"): 0.05, ("defence", "y"): -0.03, ("pressure", "1"): 0.02}
    for effect in found.effects:
        if (effect.factor, effect.level) in truth:
            assert effect.difference == pytest.approx(truth[effect.factor, effect.level], abs=1e-12)
    assert found.trends[0].difference == pytest.approx(0.02, abs=1e-12)


def test_additive_truth_is_recovered_on_a_full_factorial(rng):
    item, factors = factorial()
    found = factor_effects(additive(item, factors, rng), factors, item, ordinal=["pressure"])
    check(found)
    assert found.design.full
    assert found.design.balanced
    assert found.design.orthogonal
    assert found.n_matched == 12
    means = found.means["attack"]
    assert means["b"] - means["a"] == pytest.approx(0.1)
    assert np.mean(list(means.values())) == pytest.approx(np.mean(list(found.means["defence"].values())))


def test_additive_truth_is_recovered_on_a_fraction(rng):
    """Unbalanced, with missing cells: the other factors are adjusted for."""
    item, factors = factorial(30)
    kept = (rng.random(len(item)) < 0.4) & ~((factors["attack"] == "c") & (factors["defence"] == "y"))
    part = {name: labels[kept] for name, labels in factors.items()}
    found = factor_effects(additive(item, factors, rng)[kept], part, item[kept], ordinal=["pressure"])
    check(found)
    assert len(found.design.missing) == 3
    assert ("c", "y", "0") in found.design.missing
    assert not found.design.orthogonal


def test_main_effect_is_the_mean_difference_of_matched_cells(rng):
    item, factors = factorial()
    losses = (rng.random(len(item)) < 0.4) * 1.0
    found = factor_effects(losses, factors, item)
    plain = losses[factors["defence"] == "y"].mean() - losses[factors["defence"] == "x"].mean()
    effect = next(each for each in found.effects if each.factor == "defence")
    assert effect.difference == pytest.approx(plain)
    differences = [
        losses[(item == i) & (factors["defence"] == "y")].mean()
        - losses[(item == i) & (factors["defence"] == "x")].mean()
        for i in range(12)
    ]
    assert effect.standard_error == pytest.approx(np.std(differences, ddof=1) / np.sqrt(12))
    test = next(each for each in found.tests if each.factor == "defence")
    assert test.p_value == pytest.approx(effect.p_value)


def test_items_seen_once_say_nothing(rng):
    item, factors = factorial(8)
    losses = rng.random(len(item))
    more = {name: np.append(labels, labels[:3]) for name, labels in factors.items()}
    found = factor_effects(np.append(losses, [1, 1, 1]), more, np.append(item, [100, 101, 102]))
    plain = factor_effects(losses, factors, item)
    assert found.n_matched == 8
    assert found.n_items == 11
    assert [e.difference for e in found.effects] == pytest.approx([e.difference for e in plain.effects])
    assert [e.p_holm for e in found.effects] == pytest.approx([e.p_holm for e in plain.effects])


def test_limits_of_all_effects_hold_at_once_with_clusters(rng):
    """No effect on average, but scenarios of three items react to the attack in their own way."""
    item, factors = factorial(60)
    cluster, wrong, plain = item // 3, 0, 0
    for _ in range(80):
        shift = rng.normal(0, 0.15, (20, 3))
        place = np.array([list(ATTACK).index(level) for level in factors["attack"]])
        losses = np.clip(0.5 + shift[cluster, place] + rng.normal(0, 0.1, len(item)), 0, 1)
        with_clusters = factor_effects(losses, factors, item, cluster=cluster)
        wrong += any(not e.lower <= 0 <= e.upper for e in with_clusters.effects)
        plain += any(not e.lower <= 0 <= e.upper for e in factor_effects(losses, factors, item).effects)
    assert not too_many(wrong, 80, 0.06)
    assert plain > 2 * wrong


def test_order_sets_the_reference_and_names_unseen_levels(rng):
    item, factors = factorial()
    order = {"attack": ["c", "b", "a"], "pressure": ["0", "1", "2", "3"]}
    design = design_matrix(factors, order=order)
    assert design.columns[:2] == (("attack", "b"), ("attack", "a"))
    assert design.n_cells == 24
    assert len(design.missing) == 6
    assert design.confounded == (("pressure", "3"),)
    found = factor_effects(additive(item, factors, rng), factors, item, order={"attack": ["c", "b", "a"]})
    assert found.effects[0].reference == "c"
    assert found.effects[0].difference == pytest.approx(0.05)


def test_half_fraction_is_orthogonal_and_names_its_cells():
    """The half of 2^3 with an even sum."""
    rows = [row for row in itertools.product("01", repeat=3) if sum(map(int, row)) % 2 == 0]
    design = design_matrix(dict(zip("abc", map(list, zip(*rows, strict=True)), strict=True)))
    assert design.orthogonal
    assert design.balanced
    assert (design.n_observed, design.n_cells, len(design.missing)) == (4, 8, 4)
    assert design.confounded == ()
    assert "4 of 8 cells" in str(design)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item": np.arange(216)}, "does not vary within items"),
        ({"ordinal": ["language"]}, "`ordinal` names 'language', which is no factor"),
        ({"order": {"attack": ["a", "b"]}}, "`order` of factor 'attack' lacks 'c'"),
        ({"order": {"tool": ["a"]}}, "`order` names 'tool', which are no factors"),
        ({"item": np.zeros(216)}, "only 1 unit is seen under two conditions"),
    ],
)
def test_messages(rng, change, message):
    item, factors = factorial()
    with pytest.raises(InvalidInput, match=message):
        factor_effects(rng.random(216), factors, **({"item": item} | change))


def test_confounded_factors_are_named(rng):
    item, factors = factorial()
    factors = {"attack": factors["attack"], "copy": np.char.add("n", factors["attack"])}
    assert design_matrix(factors).confounded == (("copy", "nb"), ("copy", "nc"))
    with pytest.raises(
        InvalidInput, match="level 'nb' of factor 'copy' is determined by the factors before it"
    ):
        factor_effects(rng.random(216), factors, item)


def test_one_level_and_no_factor():
    with pytest.raises(InvalidInput, match="factor 'a' has one level, 'x'"):
        design_matrix({"a": ["x", "x"]})
    with pytest.raises(InvalidInput, match="`factors` is empty"):
        design_matrix({})
    with pytest.raises(InvalidInput, match="`factors` must be"):
        design_matrix([1, 2])


def test_exports(rng):
    item, factors = factorial()
    found = factor_effects(rng.random(216), factors, item, ordinal=["pressure"])
    assert json.loads(json.dumps(found.to_dict()))["n_units"] == 12
    assert len(found.to_frame()) == 6
    assert found.design.to_frame().shape == (216, 5)
    assert "attack b against a" in str(found)
