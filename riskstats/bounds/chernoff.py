"""Chernoff's inequality: the mean of bounded losses, by relative entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.base import MeanBound

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Chernoff", "chernoff"]

TINY = float(np.finfo(np.float64).tiny)
STEPS = 100


@dataclass(frozen=True)
class Chernoff(MeanBound):
    """`sup {mu : n kl(mean, mu) <= log(1/delta)}`; p-value `exp(-n kl(min(mean, r), r))`.

    `kl(p, q) = p log(p/q) + (1-p) log((1-p)/(1-q))`. Losses in [0, 1], one-sided, fixed n, independent units.
    Never wider than `Hoeffding`.
    Source: Hoeffding (1963), Probability inequalities for sums of bounded random variables, theorem 1.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return entropy_inverse(losses.mean(axis=1), -math.log(delta) / losses.shape[1])

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        mean = np.minimum(losses.mean(axis=1), risk_limit)
        limit = np.array(risk_limit, dtype=np.float64)
        return np.exp(-losses.shape[1] * relative_entropy(mean, limit, -np.log1p(-limit)))


def relative_entropy(p: Floats, q: Floats, complement_log: Floats) -> Floats:
    """`kl(p, q)` of two Bernoulli laws, 0 <= p <= q < 1, without cancellation where they are close.

    complement_log : `-log(1 - q)`, which tells numbers q apart that are almost 1.
    """
    p, q, t = np.broadcast_arrays(p, q, complement_log)
    gap = q - p
    low = np.where(2 * gap < q, np.log1p(-gap / np.maximum(q, 2 * gap)), _log(p) - _log(q))
    rest = 1.0 - p
    high = np.where(2 * gap < rest, -np.log1p(-gap / np.maximum(rest, 2 * gap)), _log(rest) + t)
    return np.maximum(p * low + rest * high, 0.0)


def _log(values: Floats) -> Floats:
    """Logarithm; where the value is 0, a finite number, to be multiplied by 0."""
    return np.log(np.maximum(values, TINY))


def entropy_inverse(mean: Floats, radius: float) -> Floats:
    """(m,) the largest mu in [mean, 1] with `kl(mean, mu) <= radius`.

    Newton in `t = -log(1 - mu)`, where kl is convex: started above the root it descends to it without
    passing it.
    """
    inner = np.minimum(mean, 1.0 - 2.0**-53)
    t = _above(inner, radius)
    for _ in range(STEPS):
        mu = -np.expm1(-t)
        slope = np.maximum((mu - inner) / mu, TINY)
        lower = t - np.maximum(relative_entropy(inner, mu, t) - radius, 0.0) / slope
        if not (lower < t).any():
            break
        t = lower
    return np.where(mean < 1.0, np.clip(-np.expm1(-t), mean, 1.0), 1.0)


def _above(p: Floats, radius: float) -> Floats:
    """A start above the root, from three lower bounds on `kl(p, q)`: `(q-p)^2 / 2q`, `(q-p)^2 / 2(1-p)` and
    `(1-p) t - H(p)`."""
    rest = 1.0 - p
    reach = radius + np.sqrt(radius * (radius + 2 * p))
    near = p + np.minimum(reach, np.sqrt(2 * radius * rest))
    far = (radius - p * _log(p)) / rest - _log(rest)
    return np.where(near < 1.0, np.minimum(-np.log1p(-np.minimum(near, 1.0 - 2.0**-53)), far), far)


def chernoff(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `Chernoff`; see there for the formula."""
    return Chernoff()(losses, confidence_level=confidence_level, support=support)
