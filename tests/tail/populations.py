"""Three populations of losses in [0, 1] on which limits for CVaR are tried, with the exact value at 0.95.

A: continuous with many zeros. B: the union of four ordinal harms, heavily tied. C: a rare failure.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from riskstats.distribution import Distribution
from riskstats.measures.cvar import cvar

LEVEL = 0.95
HARMS, CHANCES = (0.0, 0.25, 0.5, 0.75, 1.0), (0.86, 0.08, 0.035, 0.02, 0.005)


@dataclass(frozen=True, eq=False)
class Population:
    """`draw(rng, m, n)` gives m samples of n losses; `truth` is CVaR at level 0.95."""

    name: str
    draw: Callable[[np.random.Generator, int, int], np.ndarray]
    truth: float


def _zeros_or_beta(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return np.where(rng.random((m, n)) < 0.6, 0.0, rng.beta(0.8, 6.0, (m, n)))


def _truth_of_beta() -> float:
    """The tail of mass .05 holds the worst eighth of the .4 that are Beta(.8, 6)."""
    from scipy.special import betainc, betaincinv

    quantile = betaincinv(0.8, 6.0, 1 - 0.125)
    return float(0.8 / 6.8 * (1 - betainc(1.8, 6.0, quantile)) / 0.125)


def _union(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return 1 - np.prod(1 - 0.9 * rng.choice(HARMS, p=CHANCES, size=(m, n, 4)), axis=-1)


def _truth_of_union() -> float:
    rows = list(itertools.product(range(5), repeat=4))
    atoms = [1 - np.prod([1 - 0.9 * HARMS[k] for k in row]) for row in rows]
    weights = [np.prod([CHANCES[k] for k in row]) for row in rows]
    return float(cvar(Distribution(atoms, weights), LEVEL))


def _rare_failure(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return (rng.random((m, n)) < 0.03) * 1.0


A = Population("A", _zeros_or_beta, _truth_of_beta())
B = Population("B", _union, _truth_of_union())
C = Population("C", _rare_failure, 0.6)
POPULATIONS = [A, B, C]
