"""Slow twin of the bootstrap by tail counts: rows are repeated, nothing is sorted twice the same way."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["confidence_set_by_loop", "cvar_and_error", "resample_by_rows", "shares_by_loop"]


def resample_by_rows(losses, level, counts, weights=None, unit=None):
    """[(CVaR, standard error)] of one series for each column of counts (units, R)."""
    n = len(losses)
    weights = [1.0] * n if weights is None else list(weights)
    unit = list(range(n)) if unit is None else list(unit)
    members = [[i for i in range(n) if unit[i] == u] for u in range(max(unit) + 1)]
    answers = []
    for column in np.asarray(counts).T.tolist():
        drawn = [members[u] for u, times in enumerate(column) for _ in range(times)]
        answers.append(
            cvar_and_error(
                [[float(losses[i]) for i in each] for each in drawn],
                [[float(weights[i]) for i in each] for each in drawn],
                level,
            )
        )
    return answers


def cvar_and_error(losses, weights, level):
    """CVaR of drawn units, each a list of losses with weights, and `sqrt(u / (u - 1) sum_u r_u^2) / (W t)`,
    r_u the sum in unit u of w (y - mean y), y the excess over the lower quantile."""
    rows = sorted((x, w) for xs, ws in zip(losses, weights, strict=True) for x, w in zip(xs, ws, strict=True))
    total = math.fsum(w for _, w in rows)
    t = 1.0 - level
    quantile = rows[-1][0]
    for value, _ in rows:
        if math.fsum(w for x, w in rows if x > value) <= t * total * (1 + 1e-12):
            quantile = value
            break
    mean = math.fsum(w * max(x - quantile, 0.0) for x, w in rows) / total
    residuals = [
        math.fsum(w * (max(x - quantile, 0.0) - mean) for x, w in zip(xs, ws, strict=True))
        for xs, ws in zip(losses, weights, strict=True)
    ]
    units = len(losses)
    factor = units / (units - 1) if units > 1 else 0.0
    error = math.sqrt(factor * math.fsum(r * r for r in residuals)) / (total * t)
    return quantile + mean / t, 0.0 if mean == 0 else error


def shares_by_loop(resampled):
    """(m, m) share of the resamples in which model j has rank k, ties shared."""
    m = len(resampled[0])
    shares = np.zeros((m, m))
    for row in resampled:
        for j in range(m):
            below = sum(other < row[j] for other in row)
            tied = sum(other == row[j] for other in row)
            shares[j, below : below + tied] += 1 / tied / len(resampled)
    return shares


def confidence_set_by_loop(m, statistic, deviations):
    """p-values of the model confidence set; statistic {(i, j): t}, deviations [{(i, j): T*}], i < j."""
    left, reached, p = list(range(m)), 0.0, [1.0] * m
    while len(left) > 1:
        among = [(i, j) for i in left for j in left if i < j]
        above = {i: max(statistic[i, j] if i < j else -statistic[j, i] for j in left if j != i) for i in left}
        worst = max(left, key=above.__getitem__)
        beyond = sum(max(row[pair] for pair in among) >= above[worst] for row in deviations)
        reached = max(reached, (1 + beyond) / (len(deviations) + 1))
        p[worst] = reached
        left.remove(worst)
    return p
