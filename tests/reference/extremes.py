"""Slow twins of extremes, backtests and mergeable tails: definitions, by general optimisers and loops."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import xlogy


def pareto_nll(y: np.ndarray, shape: float, scale: float) -> float:
    """Negative log-likelihood of excesses."""
    if abs(shape) < 1e-12:
        return len(y) * math.log(scale) + math.fsum(y) / scale
    z = 1 + shape * y / scale
    if scale <= 0 or z.min() <= 0:
        return math.inf
    return len(y) * math.log(scale) + (1 + 1 / shape) * math.fsum(np.log(z))


def pareto_gradient(y: np.ndarray, shape: float, scale: float) -> tuple[float, float]:
    """By shape and by log scale, of the negative log-likelihood."""
    z = 1 + shape * y / scale
    part = math.fsum(y / scale / z)
    by_shape = -math.fsum(np.log(z)) / shape**2 + (1 + 1 / shape) * part
    return by_shape, len(y) - (1 + shape) * part


def pareto_grid(y: np.ndarray, longest: float = math.inf) -> float:
    """The least negative log-likelihood over a fine grid of shape >= -1 and endpoints up to `longest`."""
    top = y.max()
    last = 60.0 if math.isinf(longest) else math.log1p(-top / longest)
    theta = np.expm1(np.linspace(-24.01, last, 4001)) / top
    best = np.maximum(np.log1p(np.maximum(theta[:, None] * y, -1 + 2.0**-53)).mean(axis=1), -1.0)
    log = np.log1p(np.maximum(theta[:, None] * y, -1 + 2.0**-53)).mean(axis=1)
    return float((len(y) * (np.log(best / theta) + (1 + 1 / best) * log)).min())


def mean_excess(shape: float, scale: float, ratio: float) -> float:
    """Mean of the excess in the tail that holds 1 / ratio of the exceedances."""
    quantile = scale * (
        math.log(ratio) if abs(shape) < 1e-12 else math.expm1(shape * math.log(ratio)) / shape
    )
    return (scale + quantile) / (1 - shape)


def shortfall_end(
    y: np.ndarray, n: int, mass: float, allowed: float, fit: tuple[float, float], sign: float
) -> float:
    """The largest (1) or smallest (-1) mean excess with deviance at most `allowed`.

    For a shape and a share the scale goes as far as the deviance lets it, by Brent's method; shape and share
    are found by Nelder and Mead.
    """
    p0 = len(y) / n

    def deviance(shape: float, log_scale: float, p: float) -> float:
        value = pareto_nll(y, shape, math.exp(log_scale)) - pareto_nll(y, *fit)
        counts = xlogy(len(y), p0 / p) + xlogy(n - len(y), (1 - p0) / (1 - p))
        return 2 * (min(value, 1e6) + counts) - allowed

    def negative_excess(at: np.ndarray) -> float:
        shape, p = float(at[0]), float(at[1])
        if not (-1 <= shape < 1 and 0 < p < 1):
            return 1e9
        least = math.log(max(-shape * y.max(), 1e-9)) + 1e-9
        least = max(least, math.log(fit[1]) - 3)
        inner = minimize_scalar(
            lambda s: deviance(shape, s, p),
            bounds=(least, math.log(fit[1]) + 3),
            method="bounded",
            options={"xatol": 1e-10},
        )
        if inner.fun > 0:
            return 1e6 + inner.fun
        end = math.log(fit[1]) + 3 if sign > 0 else least
        if deviance(shape, end, p) > 0:
            end = brentq(lambda s: deviance(shape, s, p), inner.x, end, xtol=1e-12)
        return -sign * mean_excess(shape, math.exp(end), p / mass)

    start = np.array([[fit[0], p0], [fit[0] + 0.01, p0], [fit[0], p0 * 1.01]])
    options = {"initial_simplex": start, "xatol": 1e-9, "fatol": 1e-11, "maxiter": 400}
    return -sign * float(minimize(negative_excess, start[0], method="Nelder-Mead", options=options).fun)


def backtest(x, v, es, level, stake):
    """Every statistic of a backtest in a loop over time."""
    t, periods = 1 - level, len(x)
    hits = [int(x[i] > v[i]) for i in range(periods)]
    steps = [[0, 0], [0, 0]]
    for before, after in pairwise(hits):
        steps[before][after] += 1
    wealth, path = 1.0, []
    for i in range(periods):
        e = max(x[i] - v[i], 0) / (t * (es[i] - v[i]))
        wealth *= 1 + stake * (e - 1)
        path.append(wealth)
    sizes = [x[i] / es[i] for i in range(periods) if hits[i]]
    return {
        "kupiec": 2 * (_log(hits, sum(hits) / periods) - _log(hits, t)),
        "transitions": steps,
        "independence": _independence(steps),
        "z1": 1 - math.fsum(sizes) / len(sizes) if sizes else None,
        "z2": 1 - math.fsum(sizes) / (periods * t),
        "wealth": path,
    }


def _independence(steps):
    rows = [[0] * none + [1] * some for none, some in steps]
    apart = math.fsum(_log(row, sum(row) / len(row)) for row in rows if row)
    joined = rows[0] + rows[1]
    return 2 * (apart - _log(joined, sum(joined) / len(joined)))


def _log(hits, p):
    return math.fsum(math.log(p) if hit else math.log(1 - p) for hit in hits)


def weighted_mean(x, w) -> Fraction:
    """Exact."""
    total = sum((Fraction(float(b)) for b in w), Fraction(0))
    return (
        sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, w, strict=True)), Fraction(0)) / total
    )
