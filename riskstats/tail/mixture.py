"""The law of per-prompt risk behind repeated attempts: a binomial mixture, estimated with a certificate.

A prompt of risk p fails k ~ Binomial(E, p) times in E attempts; p ~ G is not seen. G is sought on a grid in
[0, 1] as the maximum of

    sum_k n_k log f_k + s sum_j g0_j log g_j,        f_k = sum_j Binomial(k; E, p_j) g_j,   sum_j g_j = 1

which is the nonparametric maximum likelihood of Kiefer and Wolfowitz (1956) with a Dirichlet prior that is
worth `s` prompts. Its base g0 is the beta law that fits best (the beta-binomial model), with a small share
that is flat in the arcsine of sqrt(p). Where the data say little, as of the shape between 0 and 1 / E, the
answer follows g0; where they say more, it leaves it. The problem is strictly concave, and its dual has one
unknown for each count that was seen,

    max_nu  sum_k n_k log nu_k + s sum_j g0_j log(N + s - sum_k L_kj nu_k)

(Koenker and Mizera 2014 for s = 0). Primal-dual Newton steps solve both, and the gap between them certifies
the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, special

from riskstats._validation import Floats
from riskstats.exceptions import NotConverged
from riskstats.measures.cvar import CVaR
from riskstats.results import Result

__all__ = ["STRENGTH", "MixingLaw", "beta_binomial", "binomial_likelihood", "mixing_law", "risk_grid"]

STRENGTH = 3.0  # prompts that the prior is worth
FLAT = 0.02  # share of the base that is not beta, so that the data can move the answer anywhere
CELLS = 400
TOLERANCE, MOST_STEPS = 1e-12, 500  # of the gap, for each prompt; the most seen was 90 steps, the median 6
INSIDE = 0.95
WIDEST = (-7.0, 9.0)  # logarithms of the parameters of the beta law


@dataclass(frozen=True, eq=False)
class MixingLaw(Result):
    """An estimated law of per-prompt risk on a grid.

    Attributes
    ----------
    risks, weights : (m,) points in [0, 1], increasing, and their probabilities.
    shape : (a, b) of the beta law that the prior is centred at.
    strength : prompts that the prior is worth.
    log_likelihood : of the counts, prior not included.
    gap : by how much the best possible objective can exceed that of `weights`, in nats: the certificate.
    """

    risks: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    shape: tuple[float, float]
    strength: float
    log_likelihood: float
    gap: float

    def cvar(self, level: float) -> float:
        """Mean risk of the worst `1 - level` of prompts."""
        return float(CVaR(level).of_weighted(self.risks, self.weights))


def mixing_law(counts: Floats, strength: float = STRENGTH) -> MixingLaw:
    """The law of p from `counts` (E + 1,): how many prompts failed 0, 1, ..., E times.

    counts : >= 0 with a positive sum, fractions allowed. strength : > 0.
    """
    trials = len(counts) - 1
    seen = counts > 0
    if seen.sum() == 1 and (seen[0] or seen[-1]):
        return _certain(float(seen[-1]), strength)
    risks, edges = risk_grid()
    shape = beta_binomial(counts)
    cells = np.maximum(np.diff(special.betainc(*shape, edges)), 0.0)
    base = (1.0 - FLAT) * cells / cells.sum() + FLAT / CELLS
    likelihood = binomial_likelihood(trials, risks)[seen]
    weights, gap = _maximum(_Problem(likelihood, counts[seen], strength * base))
    fit = float(np.dot(counts[seen], np.log(likelihood @ weights)))
    return MixingLaw(risks, weights, shape, strength, fit, gap)


def _certain(risk: float, strength: float) -> MixingLaw:
    """Every attempt failed, or none: the likelihood is largest at that risk for every prompt."""
    shape = (math.inf, 0.0) if risk else (0.0, math.inf)
    return MixingLaw(np.array([risk]), np.ones(1), shape, strength, 0.0, 0.0)


def risk_grid(cells: int = CELLS) -> tuple[Floats, Floats]:
    """(points (m,), edges (m + 1,)) equally spaced in the arcsine of sqrt(p), as binomial noise is."""
    edges = np.sin(np.pi / 2.0 * np.linspace(0.0, 1.0, cells + 1)) ** 2
    return np.sin(np.pi / 2.0 * (np.arange(cells) + 0.5) / cells) ** 2, edges


def binomial_likelihood(trials: int, risks: Floats) -> Floats:
    """(trials + 1, m) `P(k failures | p_j)`."""
    k = np.arange(trials + 1.0)[:, np.newaxis]
    ways = special.gammaln(trials + 1.0) - special.gammaln(k + 1.0) - special.gammaln(trials - k + 1.0)
    return np.exp(ways + special.xlogy(k, risks) + special.xlog1py(trials - k, -risks))


def beta_binomial(counts: Floats) -> tuple[float, float]:
    """(a, b) of largest beta-binomial likelihood, each within e^-7 and e^9."""
    k, trials = np.arange(float(len(counts))), len(counts) - 1.0
    mean = np.clip(np.dot(counts, k) / (counts.sum() * trials), 1e-3, 1.0 - 1e-3)

    def minus_log_likelihood(logs: Floats) -> tuple[float, Floats]:
        a, b = np.exp(logs)
        value = np.dot(counts, special.betaln(k + a, trials - k + b) - special.betaln(a, b))
        common = special.psi(a + b) - special.psi(trials + a + b)
        slope_a = np.dot(counts, special.psi(k + a) - special.psi(a) + common)
        slope_b = np.dot(counts, special.psi(trials - k + b) - special.psi(b) + common)
        return -float(value), -np.array([a * slope_a, b * slope_b])

    start = np.log([2.0 * mean, 2.0 * (1.0 - mean)])
    found: Any = optimize.minimize(
        minus_log_likelihood, start, jac=True, method="L-BFGS-B", bounds=[WIDEST, WIDEST]
    )
    a, b = np.exp(found.x)
    return float(a), float(b)


class _Problem(NamedTuple):
    """Likelihoods (k, m) of the k counts that were seen, the counts (k,), and the prior mass (m,)."""

    likelihood: Floats
    counts: Floats
    prior: Floats

    @property
    def total(self) -> float:
        return float(self.counts.sum() + self.prior.sum())


def _maximum(problem: _Problem) -> tuple[Floats, float]:
    """(weights (m,), duality gap) by primal-dual Newton steps on `w_j (N + s - sum_k L_kj nu_k) = s g0_j`."""
    weights = problem.prior / problem.prior.sum()
    nu = problem.counts / (problem.likelihood @ weights)
    nu *= min(1.0, 0.9 * problem.total / float((problem.likelihood.T @ nu).max()))
    for _ in range(MOST_STEPS):
        room = problem.total - problem.likelihood.T @ nu
        gap = _gap(problem, weights, nu, room)
        if gap <= TOLERANCE * problem.total:
            return weights / weights.sum(), max(gap, 0.0)
        weights, nu = _step(problem, weights, nu, room)
    raise NotConverged(f"the law of per-prompt risk was not found in {MOST_STEPS} Newton steps.")


def _gap(problem: _Problem, weights: Floats, nu: Floats, room: Floats) -> float:
    """The dual value at nu less the objective of the weights, scaled to sum 1."""
    likelihood, counts, prior = problem
    law = weights / weights.sum()
    value = np.dot(counts, np.log(likelihood @ law)) + np.dot(prior, np.log(law))
    return float(np.dot(counts, np.log(counts / nu)) + np.dot(prior, np.log(prior / room)) - value)


def _step(problem: _Problem, weights: Floats, nu: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Weights and nu after a Newton step, cut so that weights, nu and room stay positive."""
    likelihood, counts, prior = problem
    curvature = (likelihood * (weights / room)) @ likelihood.T
    curvature[np.diag_indices(len(nu))] += counts / nu**2
    scale = 1.0 / np.sqrt(np.diag(curvature))
    slope = counts / nu - likelihood @ (prior / room)
    step = scale * np.linalg.solve(curvature * scale * scale[:, np.newaxis], slope * scale)
    lost = likelihood.T @ step
    change = prior / room - weights + weights / room * lost
    ahead = _reach(max(float((lost / room).max()), float((-step / nu).max())))
    return weights + _reach(float((-change / weights).max())) * change, nu + ahead * step


def _reach(loss: float) -> float:
    """The share of a step that loses at most `INSIDE` of anything that must stay positive."""
    return min(1.0, INSIDE / loss) if loss > 0 else 1.0
