"""Robust linear fits as conic programs, written down once more and given to a general solver."""

from __future__ import annotations

import math
import warnings

import numpy as np

DUAL = {1: "inf", 2: 2, math.inf: 1}


def conic_fit(loss, X, y, *, radius, norm, label_cost=math.inf, weight=None, intercept=True):
    """(value, slopes, intercept) of "logistic", "hinge", "lad" (order 1) or "ols" (order 2), by Clarabel."""
    import cvxpy as cp

    n, d = X.shape
    w = np.full(n, 1.0 / n) if weight is None else weight / weight.sum()
    b, c = cp.Variable(d), cp.Variable() if intercept else 0.0
    m = X @ b + c
    penalty = radius * cp.norm(b, DUAL[norm])
    if loss == "ols":
        goal, limits = cp.norm(cp.multiply(np.sqrt(w), y - m)) + penalty, []
    elif loss == "lad":
        goal, limits = w @ cp.abs(y - m) + penalty, []
    else:
        goal, limits = _labels(cp, loss, cp.multiply(y, m), w, b, radius, norm, label_cost)
    problem = cp.Problem(cp.Minimize(goal), limits)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        problem.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    value = problem.value**2 if loss == "ols" else problem.value
    return float(value), np.asarray(b.value), float(c.value) if intercept else 0.0


def _labels(cp, loss, u, w, b, radius, norm, label_cost):
    def cost(v):
        return cp.logistic(-v) if loss == "logistic" else cp.pos(1 - v)

    if math.isinf(label_cost) or radius == 0:
        return w @ cost(u) + radius * cp.norm(b, DUAL[norm]), []
    price, rows = cp.Variable(), cp.Variable(len(w))
    limits = [rows >= cost(u), rows >= cost(-u) - label_cost * price, price >= cp.norm(b, DUAL[norm])]
    return w @ rows + radius * price, limits


def mean_loss(loss, X, y, weight, slopes, intercept):
    """The mean loss of a line on any law of rows and targets, by its definition."""
    m = X @ slopes + intercept
    rows = {
        "logistic": lambda: np.logaddexp(0.0, -y * m),
        "hinge": lambda: np.maximum(0.0, 1.0 - y * m),
        "lad": lambda: np.abs(y - m),
        "ols": lambda: (y - m) ** 2,
    }[loss]()
    return float(weight @ rows)


def random_problem(rng, loss, n, d):
    """(X, y, weight): columns of different sizes, some rows equal, uneven weights, targets to match."""
    X = rng.normal(size=(n, d)) * np.exp(rng.normal(size=d))
    X[1] = X[0]
    score = X @ rng.normal(size=d) + rng.normal(size=n)
    y = score if loss in ("lad", "ols") else np.where(score > np.median(score), 1.0, -1.0)
    return X, y, rng.integers(1, 4, n).astype(float)
