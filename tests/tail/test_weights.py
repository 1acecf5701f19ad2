"""Tail weights: CVaR is their mean, ties are shared pro rata, the order of rows plays no part."""

import json
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail.weights import tail_weights
from tests.measures.cases import rational_cases
from tests.reference import tail as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("record", GOLDEN["weighted_cvar"], ids=lambda record: record["name"])
def test_reference_values(record):
    found = tail_weights(record["x"], record["alpha"], sample_weight=record["w"])
    assert found.cvar == pytest.approx(record["cvar"], rel=0, abs=1e-12)
    assert found.weights @ np.array(record["x"]) == pytest.approx(record["cvar"], rel=0, abs=1e-12)
    assert (found.value_at_risk, found.value_at_risk_upper) == (record["var_lower"], record["var_upper"])


def against_fractions(rng, cases):
    for case in rational_cases(rng, cases):
        level = float(case.level)
        found = tail_weights(case.losses, level, sample_weight=case.weights)
        want = [float(q) for q in exact.tail_weights(case.atoms, case.level, case.counts)]
        np.testing.assert_allclose(found.weights, want, rtol=0, atol=1e-12)
        assert found.cvar == pytest.approx(cvar(case.losses, level, sample_weight=case.weights), abs=1e-13)
        assert found.weights @ case.losses == pytest.approx(found.cvar, rel=0, abs=1e-12)
        want = [float(m) for m in exact.memberships(case.atoms, case.level, case.counts)]
        np.testing.assert_allclose(found.membership, want, rtol=0, atol=1e-9)
        tied = sum(q for q, at in zip(found.weights, found.at_quantile, strict=True) if at)
        assert found.tied_share == pytest.approx(tied, rel=0, abs=1e-14)


def test_weights_are_exact(rng):
    against_fractions(rng, 500)


@pytest.mark.slow
def test_weights_are_exact_on_many_cases(rng):
    against_fractions(rng, 30_000)


def test_a_boundary_at_the_level_leaves_nothing_to_share():
    for n, level in [(10, 0.9), (20, 0.95), (1000, 0.95), (901 * 20, 0.95), (7, 3 / 7)]:
        found = tail_weights(np.arange(float(n)), level)
        assert found.tied_share == 0.0
        assert np.count_nonzero(found.weights) == round(n * (1 - level))
        assert found.value_at_risk_upper == found.value_at_risk + 1


def test_order_repetition_and_padding_change_nothing(rng):
    for case in rational_cases(rng, 100):
        level = float(case.level)
        base = tail_weights(case.losses, level, sample_weight=case.weights)
        order = rng.permutation(len(case.losses))
        mixed = tail_weights(case.losses[order], level, sample_weight=case.weights[order])
        np.testing.assert_allclose(mixed.weights, base.weights[order], rtol=0, atol=1e-15)
        counts = np.array([int(c) for c in case.counts])
        rows = np.repeat(np.arange(len(counts)), counts)
        repeated = tail_weights(case.losses[rows], level).weights
        summed = np.bincount(rows, repeated, len(counts))
        np.testing.assert_allclose(summed, base.weights, rtol=0, atol=1e-14)
        padded = tail_weights(
            np.append(case.losses, [99.0, -99.0]), level, sample_weight=np.append(case.weights, [0, 0])
        )
        np.testing.assert_allclose(padded.weights[:-2], base.weights, rtol=0, atol=1e-15)
        assert not padded.weights[-2:].any()
        assert (padded.n, padded.n_tail, padded.cvar) == (base.n, base.n_tail, base.cvar)


def test_what_is_printed_with_a_cvar():
    found = tail_weights([1.0] * 3 + [0.0] * 97, 0.95)
    assert (found.cvar, found.n, found.value_at_risk) == (pytest.approx(0.6), 100, 0.0)
    assert found.n_tail == pytest.approx(5.0)
    assert found.tied_share == pytest.approx(0.4)
    assert found.mass_at_quantile == pytest.approx(0.97)
    assert found.n_eff == pytest.approx(1 / (3 * 0.2**2 + 97 * (0.4 / 97) ** 2))
    assert tail_weights(np.arange(901.0), 0.95).n_tail == pytest.approx(45.05)
    assert "n_tail = 5" in found.summary()
    assert "both sides" in found.summary()
    assert "8 (lower), 9 (upper)" in tail_weights(np.arange(10.0), 0.9).summary()
    assert found.to_frame().shape == (100, 4)


def test_values_in_the_last_bits_are_one_atom():
    losses = np.array([0.1 + 0.2, 0.3, 0.3, 0.0])
    found = tail_weights(losses, 0.5)
    assert found.at_quantile.tolist() == [True, True, True, False]
    np.testing.assert_allclose(found.weights, [1 / 3, 1 / 3, 1 / 3, 0.0])


@pytest.mark.parametrize("level", [0.0, 0.5, 0.95, 1 - 1e-9, float(np.nextafter(1, 0))])
@pytest.mark.parametrize("losses", [[0.0], [-3.0, -3.0], [1.0, 2.0, 2.0], np.arange(50) - 25.0])
def test_every_level_gives_a_number(level, losses):
    for weights in (
        None,
        np.linspace(0, 1, len(losses)) + (len(losses) == 1),
        np.logspace(-300, 300, len(losses)),
    ):
        found = tail_weights(losses, level, sample_weight=weights)
        assert found.weights.sum() == pytest.approx(1.0)
        assert np.isfinite(found.cvar)
        assert found.n_eff >= 1 - 1e-12
    assert tail_weights(losses, 0.0).cvar == pytest.approx(np.mean(losses))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 95}, r"`level` must lie in \[0, 1\); got 95. Write 0.95."),
        ({"level": 1.0}, r"got 1.0. The worst loss is `losses.max\(\)`."),
        (
            {"losses": [0, np.nan, 1]},
            "has 1 NaN at rows 1. Drop them or model missingness; they are not zeros.",
        ),
        ({"losses": []}, "is empty"),
        ({"losses": [0, np.inf]}, "infinite"),
        ({"sample_weight": [1, -0.2]}, "`sample_weight` must be >= 0 with a positive sum; got min -0.2"),
        ({"sample_weight": [0, 0]}, "zero in every row"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InvalidInput, match=message):
        tail_weights(**{"losses": [0.0, 1.0], "level": 0.5, **change})
