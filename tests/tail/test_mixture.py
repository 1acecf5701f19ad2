"""The law of per-prompt risk: certified, beside plain expectation-maximisation, and at its ends."""

from __future__ import annotations

import numpy as np
import pytest

from riskstats.tail.mixture import (
    CELLS,
    FLAT,
    beta_binomial,
    binomial_likelihood,
    mixing_law,
    risk_grid,
)


def counts(law: np.ndarray, epochs: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).binomial(epochs, law)
    return np.bincount(drawn, minlength=epochs + 1).astype(float)


def em(seen: np.ndarray, base: np.ndarray, strength: float, steps: int) -> np.ndarray:
    """The same maximum by expectation-maximisation, slow and without linear algebra."""
    likelihood = binomial_likelihood(len(seen) - 1, risk_grid()[0])
    weights = base.copy()
    for _ in range(steps):
        share = likelihood * weights
        share /= share.sum(axis=1, keepdims=True)
        weights = (seen @ share + strength * base) / (seen.sum() + strength)
    return weights


def base_of(seen: np.ndarray) -> np.ndarray:
    from scipy.special import betainc

    cells = np.diff(betainc(*beta_binomial(seen), risk_grid()[1]))
    return (1 - FLAT) * cells / cells.sum() + FLAT / CELLS


def test_likelihoods_sum_to_one_over_counts():
    assert np.allclose(binomial_likelihood(7, risk_grid()[0]).sum(axis=0), 1.0, atol=1e-12)


@pytest.mark.parametrize("epochs", [2, 10])
def test_agrees_with_expectation_maximisation(epochs):
    seen = counts(np.random.default_rng(1).beta(0.5, 3.0, 200), epochs)
    base = base_of(seen)
    slow = em(seen, base, 3.0, 20_000)
    law = mixing_law(seen)
    assert np.abs(law.weights - slow).sum() < 2e-3
    t = np.clip(0.05 - (np.cumsum(slow[::-1]) - slow[::-1]), 0, slow[::-1])
    assert law.cvar(0.95) == pytest.approx(float(t @ law.risks[::-1]) / 0.05, abs=1e-4)


@pytest.mark.parametrize("name", ["beta", "two points", "one point", "uniform tail"])
@pytest.mark.parametrize("epochs", [2, 5, 60])
def test_gradient_certifies_the_maximum(name, epochs):
    rng = np.random.default_rng(2)
    laws = {
        "beta": rng.beta(0.15, 2.85, 400),
        "two points": np.where(rng.random(400) < 0.9, 0.02, 0.6),
        "one point": np.full(400, 0.1),
        "uniform tail": np.where(rng.random(400) < 0.9, 0.0, rng.random(400)),
    }
    seen = counts(laws[name], epochs)
    law, base = mixing_law(seen), base_of(seen)
    likelihood = binomial_likelihood(epochs, law.risks)
    slope = likelihood.T @ (seen / (likelihood @ law.weights)) + law.strength * base / law.weights
    assert law.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (law.weights > 0).all()
    assert slope.max() <= seen.sum() + law.strength + 1e-2
    assert 0.0 <= law.gap <= 1e-9 * seen.sum()


def test_hard_counts_converge():
    law = mixing_law(np.array([761.0, 89.0, 31.0, 7.0, 7.0, 6.0]))
    assert law.gap <= 1e-9


def test_beta_binomial_finds_a_beta_law():
    a, b = beta_binomial(counts(np.random.default_rng(3).beta(0.6, 4.0, 100_000), 20))
    assert a == pytest.approx(0.6, rel=0.03)
    assert b == pytest.approx(4.0, rel=0.03)


def test_beta_binomial_is_stationary():
    seen = counts(np.random.default_rng(4).beta(0.4, 2.0, 500), 6)

    def value(a: float, b: float) -> float:
        from scipy.special import betaln

        k = np.arange(7)
        return float(seen @ (betaln(k + a, 6 - k + b) - betaln(a, b)))

    a, b = beta_binomial(seen)
    best = value(a, b)
    assert all(value(a * s, b * t) <= best + 1e-6 for s in (0.98, 1.02) for t in (0.98, 1.02))


@pytest.mark.parametrize(("seen", "risk"), [([9.0, 0, 0], 0.0), ([0, 0, 4.0], 1.0)])
def test_all_alike_is_certain(seen, risk):
    law = mixing_law(np.array(seen))
    assert law.cvar(0.5) == risk
    assert law.gap == 0.0


def test_more_epochs_leave_the_beta_prior():
    """Two risks far apart: with many epochs the law has two peaks, whatever the beta law says."""
    law = mixing_law(counts(np.where(np.arange(2000) % 5 > 0, 0.1, 0.8), 60))
    near = np.abs(law.risks - 0.8) < 0.1
    assert law.weights[near].sum() == pytest.approx(0.2, abs=0.03)
    assert law.weights[(law.risks > 0.3) & (law.risks < 0.6)].sum() < 0.02
