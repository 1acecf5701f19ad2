"""The six laws on which every guarantee is tried, with the exact value of every measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from riskstats.distribution import Distribution
from riskstats.measures.base import RiskMeasure

GRID = 400_000  # quantiles that stand for a continuous law


@dataclass(frozen=True, eq=False)
class Law:
    """A law on [0, 1]: `draw` turns uniform numbers into losses, `exact` is the law itself."""

    name: str
    draw: Callable[[np.ndarray], np.ndarray]
    exact: Distribution
    continuous: bool

    def sample(self, rng: np.random.Generator, m: int, n: int) -> np.ndarray:
        return self.draw(rng.random((m, n)))

    def truth(self, measure: RiskMeasure) -> float:
        """The measure of the law, less the error of its grid where it is continuous."""
        value = measure(self.exact)
        return value - 1e-5 if self.continuous else value


def _discrete(name: str, atoms: list[float], weights: list[float]) -> Law:
    steps = np.cumsum(weights)[:-1]
    values = np.array(atoms)
    law = Distribution(atoms, weights)
    return Law(name, lambda u: values[np.searchsorted(steps, u, "right")], law, continuous=False)


def _continuous(name: str, quantile: Callable[[np.ndarray], np.ndarray]) -> Law:
    middle = (np.arange(GRID) + 0.5) / GRID
    return Law(name, quantile, Distribution(quantile(middle)), continuous=True)


def _beta_quantile(a: float, b: float) -> Callable[[np.ndarray], np.ndarray]:
    from scipy.special import betaincinv

    levels = np.linspace(0.0, 1.0, 20_001)
    values = betaincinv(a, b, levels)
    return lambda u: np.interp(u, levels, values)  # the law is this interpolation, exactly


LAWS = [
    _discrete("Bernoulli(.01)", [0.0, 1.0], [0.99, 0.01]),
    _discrete("Bernoulli(.3)", [0.0, 1.0], [0.7, 0.3]),
    _continuous("Beta(2, 8)", _beta_quantile(2, 8)),
    _continuous("square of a uniform", np.square),
    _discrete("five points", [0.0, 0.25, 0.5, 0.75, 1.0], [0.5, 0.2, 0.15, 0.1, 0.05]),
    _continuous("heavy near 1", lambda u: np.where(u < 0.95, 0.05 * u, 0.999 + 0.02 * (u - 0.95))),
]


def too_many(failures: int, repetitions: int, delta: float) -> bool:
    """Whether so many failures have probability below 1e-6 if each has probability `delta`."""
    from scipy.stats import binom

    return bool(binom.sf(failures - 1, repetitions, delta) < 1e-6)


def too_few(failures: int, repetitions: int, delta: float) -> bool:
    """Whether so few failures have probability below 1e-6 if each has probability `delta`."""
    from scipy.stats import binom

    return bool(binom.cdf(failures, repetitions, delta) < 1e-6)
