"""Union, log-risk, Frechet bounds and Shapley values; the clip and its audit."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail.union import (
    audit,
    frechet_bounds,
    log_risk,
    log_terms,
    shapley,
    shapley_of_union,
    union,
    union_risk,
)
from riskstats.tail.weights import tail_weights
from tests.reference import tail as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("record", GOLDEN["union_logrisk"]["values"], ids=lambda record: str(record["r"]))
def test_reference_values(record):
    r = record["r"]
    assert union_risk(r) == pytest.approx(record["union"], rel=1e-11, abs=0)
    assert frechet_bounds(r) == pytest.approx((record["lower_frechet"], record["upper_frechet"]), rel=1e-11)
    np.testing.assert_allclose(shapley_of_union(r), record["shapley_union"], rtol=1e-11, atol=0)
    if record["log_risk"] == "inf":
        with pytest.raises(InvalidInput, match=r"log-risk is infinite for 1 score equal to 1. Pass `clip=`"):
            log_risk(r)
    else:
        assert log_risk(r) == pytest.approx(record["log_risk"], rel=1e-11, abs=0)


@pytest.mark.parametrize("record", GOLDEN["logrisk_clip_sensitivity"]["values"])
def test_clip_on_the_log_scale(record):
    r, eps = np.zeros((901, 1)), record["eps"]
    r[:46] = 1.0
    terms = log_terms(r, eps)
    assert cvar(terms.sum(axis=1), 0.95) == pytest.approx(record["cvar_log"], rel=1e-14)
    assert cvar(union(terms), 0.95) == pytest.approx(record["cvar_union"], rel=1e-14)
    found = audit(r, eps, tail_weights(terms.sum(axis=1), 0.95))
    assert (found.n_scores, found.n_prompts, found.touches_tail) == (46, 46, True)
    assert found.tail_mass == pytest.approx(1.0)
    assert found.per_tenfold == pytest.approx(math.log(10))


def test_the_audit_predicts_a_smaller_clip(rng):
    r = rng.choice([0, 0.5, 0.9, 1.0], p=[0.9, 0.06, 0.02, 0.02], size=(500, 3))

    def tail(eps):
        return tail_weights(log_terms(r, eps).sum(axis=1), 0.9)

    found = audit(r, 1e-6, tail(1e-6))
    assert found.per_tenfold == pytest.approx(tail(1e-7).cvar - tail(1e-6).cvar, rel=1e-9)
    assert found.n_scores == (r == 1).sum()


def test_a_score_at_the_clip_is_not_clipped():
    r = np.array([[0.9], [0.95], [0.0]])
    found = audit(r, 0.1, tail_weights(log_terms(r, 0.1).sum(axis=1), 0.0))
    assert (found.n_scores, found.n_prompts) == (1, 1)
    low = audit(np.array([[0.1], [0.95]]), 0.1, tail_weights([0.1, 2.0], 0.0, sample_weight=[1, 0]))
    assert (low.n_scores, low.touches_tail) == (0, False)
    assert low.summary() == "clip = 0.1 changed no score."


def fractions(rng, k):
    kind = rng.random()
    tops = rng.integers(0, 8, k) if kind < 0.7 else rng.choice([0, 7], k)
    return [Fraction(int(a), 7) for a in tops]


def test_shapley_is_the_average_over_orders(rng):
    for _ in range(60):
        r = fractions(rng, int(rng.integers(1, 7)))
        got = shapley_of_union([float(x) for x in r])
        want = [float(x) for x in exact.shapley_by_orders(r)]
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-16)
        assert exact.union(r) == exact.union_by_outcomes(r) == sum(exact.shapley_by_orders(r))


def test_shapley_sums_to_the_union_for_many_dimensions(rng):
    for k in (1, 2, 12, 13, 60):
        r = rng.beta(0.3, 3, size=(40, k))
        np.testing.assert_allclose(shapley_of_union(r).sum(axis=1), union_risk(r), rtol=1e-12)
    tiny = np.full(7, 1e-13)
    assert shapley_of_union(tiny).sum() == pytest.approx(union_risk(tiny), rel=1e-14)


def test_shapley_axioms(rng):
    r = rng.random(5)
    r[2], r[4] = 0.0, r[1]
    values = shapley_of_union(r)
    assert values[2] == 0.0
    assert values[1] == pytest.approx(values[4], rel=1e-14)


def test_small_scores_keep_their_digits():
    assert union_risk([1e-12, 3e-12]) == pytest.approx(4e-12 - 3e-24, rel=1e-15)
    assert union_risk([1e-300]) == 1e-300


def test_log_risk_has_the_order_of_the_union(rng):
    r = rng.beta(0.4, 2, size=(300, 4))
    np.testing.assert_array_equal(np.argsort(union_risk(r)), np.argsort(log_risk(r)))
    np.testing.assert_allclose(-np.expm1(-log_risk(r)), union_risk(r), rtol=1e-14)


def test_frechet_sandwich(rng):
    r = np.concatenate([rng.random((500, 4)), rng.beta(0.3, 3, size=(500, 4)), rng.integers(0, 2, (50, 4))])
    lower, upper = frechet_bounds(r)
    middle = union_risk(r)
    assert (lower <= middle + 1e-15).all()
    assert (middle <= upper + 1e-15).all()


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_kernels_at_every_batch_rank(rng, shape):
    r = rng.random(shape)
    flat = r.reshape(-1, 3)
    alone = [exact.shapley_by_orders([Fraction(x) for x in row]) for row in flat]
    want = np.array(alone, dtype=float).reshape(shape)
    np.testing.assert_allclose(shapley(r), want, rtol=1e-12)
    np.testing.assert_allclose(union(log_terms(r)), want.sum(axis=-1), rtol=1e-12)
    assert np.shape(union_risk(r)) == np.shape(log_risk(r)) == np.shape(frechet_bounds(r)[0]) == shape[:-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: union_risk([0.2, 1.7]), r"`scores` must lie in support \(0, 1\); got max 1.7. Rescale"),
        (lambda: union_risk([[0.2, np.nan]]), "`scores` has 1 NaN at rows 0"),
        (lambda: log_risk([[1.0, 1.0], [1.0, 0.0]]), "log-risk is infinite for 3 scores equal to 1"),
        (lambda: log_risk([0.5], clip=0.0), "`clip` must be in"),
        (lambda: log_risk([0.5], clip=1), "`clip` must be in"),
        (lambda: shapley_of_union([]), "is empty"),
        (lambda: frechet_bounds(["a"]), "must be numbers"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
