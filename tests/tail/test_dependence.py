"""Tail dependence with ties, Kendall's tau with weights, and the t-copula."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.tail.dependence import t_copula_tail_dependence, tail_dependence
from tests.reference import tail as exact

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))
A = np.arange(1, 101.0)
PAIRS = {
    "1..100": A,
    "(37a mod 101)": (37 * A) % 101,
    "min(1..100,90) (11 ties)": np.minimum(A, 90),
}


@pytest.mark.parametrize("record", GOLDEN["tail_dependence"])
def test_reference_chi(record):
    pair = np.column_stack([PAIRS[record["a"]], PAIRS[record["b"]]])
    found = tail_dependence(pair, 1 - record["k"] / 100)
    assert found.chi[0, 1] == pytest.approx(record["chi"], rel=0, abs=1e-10)


@pytest.mark.parametrize("record", GOLDEN["t_copula_lambda"])
def test_reference_t_copula(record):
    got = t_copula_tail_dependence(record["rho"], record["nu"])
    assert got == pytest.approx(record["value"], rel=0, abs=1e-10)


def test_ends_of_the_t_copula():
    assert t_copula_tail_dependence(1.0, 4) == 1.0
    assert t_copula_tail_dependence(-1.0, 4) == 0.0
    assert t_copula_tail_dependence(0.5, 1e6) == pytest.approx(0.0, abs=1e-9)
    for rho, nu in [(1.1, 4), (np.nan, 4), (0.5, 0), (0.5, np.inf)]:
        with pytest.raises(InvalidInput):
            t_copula_tail_dependence(rho, nu)


def random_case(rng):
    n = int(rng.integers(2, 40))
    table = rng.integers(0, rng.integers(2, 6), (n, 2))
    weights = rng.integers(0, 3, n)
    weights[:2] += 1
    q = int(rng.integers(2, 30))
    return table, weights, Fraction(int(rng.integers(1, q)), q)


def test_chi_and_tau_are_exact(rng):
    for _ in range(200):
        table, weights, level = random_case(rng)
        found = tail_dependence(table, float(level), sample_weight=weights)
        columns = [[Fraction(int(x)) for x in column] for column in table.T]
        counts = [Fraction(int(w)) for w in weights]
        want = float(exact.chi(*columns, level, counts))
        assert found.chi[0, 1] == pytest.approx(want, rel=0, abs=1e-9)
        assert -1 <= found.chi_bar[0, 1] <= 1
        if not found.constant:
            tau = exact.kendall_tau_b(*columns, counts)
            assert found.correlation[0, 1] == pytest.approx(np.sin(np.pi / 2 * tau), rel=0, abs=1e-12)


def test_tau_agrees_with_scipy(rng):
    from scipy.stats import kendalltau

    x = rng.normal(size=700)
    y = x + rng.normal(size=700)
    found = tail_dependence(np.column_stack([x, y]), 0.9)
    assert found.correlation[0, 1] == pytest.approx(np.sin(np.pi / 2 * kendalltau(x, y).statistic), abs=1e-12)
    many = rng.normal(size=(5000, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    found = tail_dependence(many, 0.9)
    want = np.sin(np.pi / 2 * kendalltau(*many.T).statistic)
    assert found.correlation[0, 1] == pytest.approx(want, abs=0.005)


def test_extremes_of_dependence(rng):
    x = rng.random(200)
    found = tail_dependence(
        np.column_stack([x, np.exp(x), -x, rng.random(200)]), 0.9, dimensions=list("abcd")
    )
    assert found.chi[0, 1] == pytest.approx(1.0)
    assert found.chi_bar[0, 1] == pytest.approx(1.0)
    assert (found.chi[0, 2], found.chi_bar[0, 2], found.correlation[0, 2]) == (0.0, -1.0, pytest.approx(-1.0))
    assert found.t_copula[0, 1] == pytest.approx(1.0)
    assert found.pairs[0]["first"] == "a"
    assert len(found.to_frame()) == 6
    assert "chi 1.000, chi-bar 1.000" in found.summary()


def test_independent_dimensions_have_chi_t_and_chi_bar_0(rng):
    found = tail_dependence(rng.random((200_000, 2)), 0.9)
    assert found.chi[0, 1] == pytest.approx(0.1, abs=0.01)
    assert found.chi_bar[0, 1] == pytest.approx(0.0, abs=0.03)


def test_a_constant_dimension_is_independent_of_all():
    found = tail_dependence(np.column_stack([A, np.zeros(100)]), 0.9)
    assert found.chi[0, 1] == pytest.approx(0.1)
    assert found.chi_bar[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert (found.correlation[0, 1], found.t_copula[0, 1], found.constant) == (0.0, 0.0, ("d2",))
    both = tail_dependence(np.zeros((5, 2)), 0.0)
    assert both.chi_bar is None
    assert both.pairs[0]["chi_bar"] is None
    assert np.isfinite(both.chi).all()
    assert "chi-bar" not in both.summary()


def test_order_repetition_and_padding_change_nothing(rng):
    for _ in range(20):
        table, weights, level = random_case(rng)
        base = tail_dependence(table, float(level), sample_weight=weights)
        rows = rng.permutation(np.repeat(np.arange(len(table)), weights))
        padded = np.vstack([table, [[77, -77]]])
        for other in (
            tail_dependence(table[rows], float(level)),
            tail_dependence(padded, float(level), sample_weight=np.append(weights, 0)),
        ):
            np.testing.assert_allclose(other.chi, base.chi, rtol=0, atol=1e-12)
            np.testing.assert_allclose(other.correlation, base.correlation, rtol=0, atol=1e-12)


def test_bad_input():
    with pytest.raises(InvalidInput, match="Pool judges first"):
        tail_dependence(np.zeros((2, 2, 2)), 0.5)
    with pytest.raises(InvalidInput, match="has 1 NaN at rows 1"):
        tail_dependence([[0, 1], [np.nan, 1]], 0.5)
    with pytest.raises(InvalidInput, match="degrees_of_freedom"):
        tail_dependence([[0, 1], [0, 1]], 0.5, degrees_of_freedom=-1)
