"""Attribution: components sum to CVaR at ties, ranges hold every allocation, labels and rows add up."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail.attribution import components, tail_attribution, tie_range
from riskstats.tail.union import log_terms
from riskstats.tail.weights import tail_weights
from tests.measures.cases import rational_cases
from tests.reference import tail as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))
PRIMES = [(7919, 1.0, 0.93), (104729, 0.75, 0.9), (1299709, 0.5, 0.8), (15485863, 0.25, 0.7)]


def tied_scores():
    """901 prompts in four dimensions of two values each."""
    i = np.arange(901)
    return np.column_stack([size * ((i * prime) % 901 / 901 > cut) for prime, size, cut in PRIMES])


def test_reference_components():
    record = GOLDEN["component_cvar"]
    terms = log_terms(tied_scores(), 0.1)
    found = tail_attribution(terms, record["alpha"])
    assert found.total == pytest.approx(record["cvar"], rel=0, abs=1e-12)
    assert found.value_at_risk == pytest.approx(record["var"], rel=0, abs=1e-12)
    np.testing.assert_allclose(found["dimension"].values, record["components"], rtol=0, atol=1e-12)
    assert found["dimension"].values.sum() == pytest.approx(record["sum"], rel=0, abs=1e-12)
    tail = tail_weights(terms.sum(axis=1), record["alpha"])
    assert tail.at_quantile.sum() == record["n_at_var"]
    assert np.count_nonzero(tail.weights) == record["n_at_var"] + record["n_above"]
    assert terms.sum(axis=1).mean() == pytest.approx(record["mean"], rel=0, abs=1e-12)
    np.testing.assert_allclose(cvar(terms.T, 0.95), record["marginal_cvar"], rtol=0, atol=1e-12)


def test_components_and_ranges_do_not_depend_on_row_order(rng):
    scores = rng.choice([0, 0.25, 0.5, 0.75], p=[0.86, 0.08, 0.04, 0.02], size=(901, 4))
    for terms in (log_terms(tied_scores(), 0.1), log_terms(scores)):
        base = tail_attribution(terms, 0.95)["dimension"]
        for _ in range(3):
            order = rng.permutation(901)
            mixed = tail_attribution(terms[order], 0.95)["dimension"]
            for name in ("values", "lower", "upper"):
                np.testing.assert_allclose(getattr(mixed, name), getattr(base, name), rtol=0, atol=1e-14)
    assert (base.upper - base.lower > 0.01).all()


def test_a_tie_of_one_kind_of_row_leaves_no_choice():
    """All 27 tied prompts of the reference sample fail in the first dimension alone."""
    part = tail_attribution(log_terms(tied_scores(), 0.1), 0.95)["dimension"]
    np.testing.assert_allclose(part.lower, part.upper, rtol=0, atol=1e-12)


def test_sums_that_cancel_keep_their_ties():
    """0.1 + 0.2 - 0.3 is not 0 in floats, yet it ties with 0."""
    losses = np.array([[0.1, 0.2, -0.3], [0.0, 0.0, 0.0], [1e6, 0.5 - 1e6, 0.0], [0.25, 0.25, 0.0]])
    found = tail_attribution(losses, 0.75)
    assert (found.total, found.tied_share) == (pytest.approx(0.5), pytest.approx(1.0))
    found = tail_attribution(losses, 0.25)
    np.testing.assert_allclose(found["prompt"].values.sum(), found.total)
    assert found.tied_share == pytest.approx(1 / 3)
    half = tail_attribution(losses[:2], 0.5)["dimension"]
    np.testing.assert_allclose(half.values, np.array([0.05, 0.1, -0.15]))


def cases_with_parts(rng, cases):
    """Cases whose losses are sums of three parts."""
    for case in rational_cases(rng, cases):
        n = len(case.atoms)
        first = [Fraction(int(a)) for a in rng.integers(-2, 3, n)]
        second = [Fraction(int(a), 3) for a in rng.integers(0, 3, n)]
        rows = [(x - a - b, a, b) for x, a, b in zip(case.atoms, first, second, strict=True)]
        yield case, rows, np.array(rows, dtype=float)


def test_components_are_exact_and_sum_to_cvar(rng):
    for case, rows, parts in cases_with_parts(rng, 400):
        found = tail_attribution(parts, float(case.level), sample_weight=case.weights)
        want = [float(c) for c in exact.components(case.atoms, rows, case.level, case.counts)]
        np.testing.assert_allclose(found["dimension"].values, want, rtol=0, atol=1e-12)
        assert found["dimension"].values.sum() == pytest.approx(found.total, rel=0, abs=1e-12)
        assert found["prompt"].values.sum() == pytest.approx(found.total, rel=0, abs=1e-12)


def test_tie_ranges_hold_every_order_of_the_tied_rows(rng):
    seen = 0
    for case, rows, parts in cases_with_parts(rng, 400):
        tail = tail_weights(case.losses, float(case.level), sample_weight=case.weights)
        if not 1 < tail.at_quantile.sum() <= 5:
            continue
        seen += 1
        lower, upper = tie_range(parts, tail)
        for k in range(3):
            want = exact.tie_range(case.atoms, [row[k] for row in rows], case.level, case.counts)
            np.testing.assert_allclose((lower[k], upper[k]), [float(end) for end in want], rtol=0, atol=1e-12)
        inside = components(parts, tail, ("a", "b", "c"))
        assert (inside.lower <= inside.values).all()
        assert (inside.values <= inside.upper).all()
    assert seen > 40


def test_labels_and_rows_have_the_ranges_of_their_indicators(rng):
    """A label is a component: the loss of its rows, 0 elsewhere."""
    for case in rational_cases(rng, 60):
        labels = rng.choice(["a", "b", "c"], len(case.losses))
        level, weights = float(case.level), case.weights
        found = tail_attribution(case.losses, level, by={"kind": labels}, sample_weight=weights)
        tail = tail_weights(case.losses, level, sample_weight=weights)
        masked = case.losses[:, None] * (labels[:, None] == np.array(found["kind"].names))
        ends = tie_range(masked, tail)
        np.testing.assert_allclose(found["kind"].values, tail.weights @ masked, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["kind"].lower, ends[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["kind"].upper, ends[1], rtol=0, atol=1e-12)
        rows = [int(name) for name in found["prompt"].names]
        single = tie_range(np.diag(case.losses)[:, rows], tail)
        np.testing.assert_allclose(found["prompt"].lower, single[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["prompt"].upper, single[1], rtol=0, atol=1e-12)


def test_union_attribution_sums_to_the_cvar_of_the_union(rng):
    scores = rng.choice([0, 0.25, 0.5, 1.0], p=[0.8, 0.1, 0.07, 0.03], size=(300, 4))
    weights = rng.integers(0, 4, 300)
    kinds = rng.choice(["x", "y"], 300)
    found = tail_attribution(scores, 0.9, total="union", by=kinds, sample_weight=weights)
    assert found.method == "shapley"
    for part in found.parts:
        assert part.values.sum() == pytest.approx(found.total, rel=0, abs=1e-12)
    np.testing.assert_allclose(found["label"].by_dimension.sum(axis=1), found["label"].values, atol=1e-12)
    np.testing.assert_allclose(found["label"].by_dimension.sum(axis=0), found["dimension"].values, atol=1e-12)
    rows = [[Fraction(float(r)) for r in row] for row in scores]
    unions = [exact.union(row) for row in rows]
    shares = [exact.shapley_by_orders(row) for row in rows]
    counts = [Fraction(int(w)) for w in weights]
    want = exact.components(unions, shares, Fraction(9, 10), counts)
    np.testing.assert_allclose(found["dimension"].values, [float(c) for c in want], rtol=0, atol=1e-12)


def test_every_level_of_a_constant_loss():
    for level in (0.0, 0.3, 0.95):
        found = tail_attribution(np.ones((7, 2)), level)
        np.testing.assert_allclose(found["dimension"].values, [1.0, 1.0])
        np.testing.assert_allclose(found["dimension"].lower, [1.0, 1.0])
        zero = tail_attribution(np.zeros((7, 2)), level, by=list("aabbccc"))
        assert zero["label"].values.tolist() == [0.0, 0.0, 0.0]
        assert len(zero["prompt"].names) == 0
        assert zero["dimension"].shares(zero.total) == [None, None]
        assert "by label" in zero.summary()


def test_frames_name_the_dimensions():
    import pandas as pd

    frame = pd.DataFrame({"violence": [0.0, 0.5, 1.0], "privacy": [0.1, 0.0, 0.0]})
    found = tail_attribution(frame, 0.5, by=pd.DataFrame({"kind": ["a", "b", "a"]}), prompts=["p", "q", "r"])
    assert found["dimension"].names == ("violence", "privacy")
    assert found["prompt"].names[0] == "r"
    table = found.to_frame()
    assert list(table["by"].unique()) == ["dimension", "kind", "prompt"]
    assert table.groupby("by")["value"].sum().to_numpy() == pytest.approx(found.total)
    assert "violence" in found.summary()
    with pytest.raises(KeyError, match="the parts are dimension, kind, prompt"):
        found["other"]


def test_the_result_is_plain_and_names_its_input():
    scores = tied_scores()
    found = tail_attribution(scores, 0.95, total="union")
    told = json.loads(json.dumps(found.to_dict()))
    assert told["provenance"]["level"] == 0.95
    assert told["provenance"]["side"] == "lower"
    again = tail_attribution(scores, 0.95, total="union")
    assert again.provenance.input_hash == found.provenance.input_hash
    scores[0, 0] += 1e-9
    assert tail_attribution(scores, 0.95, total="union").provenance.input_hash != found.provenance.input_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 95}, "Write 0.95"),
        ({"total": "product"}, "`total` must be one of"),
        ({"losses": [[0.0, np.nan]] * 2}, "`losses` has 2 NaN at rows 0, 1. Drop them"),
        ({"losses": np.zeros((2, 2, 2))}, "shape"),
        ({"losses": [[0.0, 2.0]] * 2, "total": "union"}, "`losses` must lie in support"),
        ({"losses": [[1e308, 1e308]] * 2}, "add up beyond"),
        ({"dimensions": ["a"]}, "`dimensions` must be 2 different names"),
        ({"dimensions": ["a", "a"]}, "`dimensions` must be 2 different names"),
        ({"by": ["x"]}, "`by` must be one label for each of 2 rows"),
        ({"by": {"kind": ["x", None]}}, r"`by\['kind'\]` has 1 missing labels, first at row 1"),
        ({"by": ["x", 1j]}, "label"),
        ({"prompts": ["x"]}, "`prompts` must be one id"),
        ({"sample_weight": [1, 2, 3]}, "`sample_weight` has 3 values for 2 rows"),
    ],
)
def test_bad_input(change, message):
    given = {"losses": [[0.0, 1.0], [0.5, 0.5]], "level": 0.5, **change}
    if change.get("by") == ["x", 1j]:
        given["by"] = np.array(["x", 1j], dtype=object)
    with pytest.raises(InvalidInput, match=message):
        tail_attribution(**given)
