"""The marginal likelihood of beta-binomial counts, its maximum, and the laws of the rates mixed over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats

__all__ = ["BetaLaw", "Counts", "Posterior", "fitted", "posterior"]

GRID = 20  # nodes on each axis of the final grid
LEAST = 1e-6  # weight of a node, relative to the largest, that the grid must reach to
REST = 1e-4  # weight of the nodes that are left out together
STEPS = 22  # of bisection, so that limits are exact to 1e-6
CLOSING = 14  # times that the grid of a fit closes in, each time by a factor of about 4
EDGE = 14.0  # of the logits of mean and shrinkage


class Counts(NamedTuple):
    """(G,) events and items of every category; clusters make them fractions."""

    events: Floats
    n: Floats


@dataclass(frozen=True)
class BetaLaw:
    """A beta law of rates, by its mean and concentration; infinite where all rates are one."""

    mean: float
    concentration: float

    def shrinkage(self, counts: Counts) -> Floats:
        """(G,) `s / (n + s)`."""
        if math.isinf(self.concentration):
            return np.ones(len(counts.n))
        return self.concentration / (counts.n + self.concentration)

    def rates(self, counts: Counts) -> Floats:
        """(G,) `(k + m s) / (n + s)`."""
        b = self.shrinkage(counts)
        return b * self.mean + (1.0 - b) * counts.events / counts.n


def log_likelihood(counts: Counts, mean: Floats, concentration: Floats) -> Floats:
    """(nodes,) log marginal likelihood, less the binomial coefficients; every distinct category once."""
    from scipy.special import betaln

    kinds, times = np.unique(np.column_stack(counts), axis=0, return_counts=True)
    k, n = kinds[:, 0], kinds[:, 1]
    a, b = (mean * concentration)[:, np.newaxis], ((1.0 - mean) * concentration)[:, np.newaxis]
    return (betaln(k + a, n - k + b) - betaln(a, b)) @ times


def _base(counts: Counts) -> float:
    """Harmonic mean of the numbers of items."""
    return float(len(counts.n) / np.sum(1.0 / counts.n))


def _logistic(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))


def fitted(counts: Counts) -> BetaLaw:
    """The beta law of the largest marginal likelihood, by a grid in the logits that closes in on it.

    At one common rate p the likelihood is that of a binomial; where no finite concentration does better, the
    concentration is infinite.
    """
    pooled = float(counts.events.sum() / counts.n.sum())
    if pooled in (0.0, 1.0):
        return BetaLaw(pooled, math.inf)
    ends, size, best = [(-EDGE, EDGE), (-EDGE, EDGE)], 48, -math.inf
    law = BetaLaw(pooled, math.inf)
    for _ in range(CLOSING):
        x, y = (each.ravel() for each in np.meshgrid(*(np.linspace(*end, size) for end in ends)))
        m, s = _logistic(x), _base(counts) * np.exp(y)
        values = log_likelihood(counts, m, s)
        top = int(values.argmax())
        best, law = float(values[top]), BetaLaw(float(m[top]), float(s[top]))
        reach = [1.5 * (high - low) / (size - 1) for low, high in ends]
        ends = [
            (float(at) - step, float(at) + step) for at, step in zip((x[top], y[top]), reach, strict=True)
        ]
        size = 12
    events, rest = counts.events.sum(), (counts.n - counts.events).sum()
    common = float(events * math.log(pooled) + rest * math.log1p(-pooled))
    return law if best > common + 1e-6 else BetaLaw(pooled, math.inf)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Nodes of (mean, concentration) with weights that sum to 1."""

    mean: Floats
    concentration: Floats
    weights: Floats

    def limits(self, counts: Counts, delta: float) -> tuple[Floats, Floats]:
        """(G,) quantiles `delta / 2` and `1 - delta / 2` of the mixture of beta laws of every category."""
        kinds, place = np.unique(np.column_stack(counts), axis=0, return_inverse=True)
        a = kinds[:, :1] + self.mean * self.concentration
        b = kinds[:, 1:] - kinds[:, :1] + (1.0 - self.mean) * self.concentration
        lower, upper = self._quantile(a, b, delta / 2)[0], self._quantile(a, b, 1.0 - delta / 2)[1]
        back = place.reshape(-1)
        return lower[back], upper[back]

    def _quantile(self, a: Floats, b: Floats, share: float) -> tuple[Floats, Floats]:
        """Numbers below and above it, by bisection on the distribution function of the mixture."""
        from scipy.special import betainc

        low, high = np.zeros(len(a)), np.ones(len(a))
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            below = betainc(a, b, middle[:, np.newaxis]) @ self.weights < share
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return low, high


def posterior(counts: Counts) -> Posterior:
    """The law of (mean, concentration) given the counts, on a grid that covers its mass.

    m is uniform a priori, and so is the shrinkage `n0 / (n0 + s)`, n0 the harmonic mean of the n. A coarse
    grid in the logits finds where the mass is, a second one resolves it.
    """
    ends = [(-EDGE, EDGE), (-EDGE, EDGE)]
    for size in (32, 32, GRID):
        nodes = _Grid.on(counts, ends, size)
        ends = nodes.box()
    order = np.argsort(-nodes.weights)
    total = np.cumsum(nodes.weights[order])
    kept = order[: 1 + int(np.searchsorted(total, (1.0 - REST) * total[-1]))]
    weights = nodes.weights[kept]
    return Posterior(nodes.mean[kept], nodes.concentration[kept], weights / weights.sum())


class _Grid(NamedTuple):
    """Nodes in the logits of mean and shrinkage."""

    x: Floats
    y: Floats
    mean: Floats
    concentration: Floats
    weights: Floats

    @classmethod
    def on(cls, counts: Counts, ends: list[tuple[float, float]], size: int) -> _Grid:
        x, y = (each.ravel() for each in np.meshgrid(*(np.linspace(*end, size) for end in ends)))
        m, b = _logistic(x), _logistic(y)
        s = _base(counts) * np.exp(y)
        log = log_likelihood(counts, m, s) + np.log(m * (1.0 - m) * b * (1.0 - b))
        return cls(x, y, m, s, np.exp(log - log.max()))

    def box(self) -> list[tuple[float, float]]:
        """The smallest box, one cell wider, that holds every node of some weight."""
        some = self.weights > LEAST
        answer = []
        for axis in (self.x, self.y):
            values = np.unique(axis)
            step = values[1] - values[0]
            answer.append((float(axis[some].min() - step), float(axis[some].max() + step)))
        return answer
