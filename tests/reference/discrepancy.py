"""Discrepancy by enumeration: every set of rows is tried, each by a general solver."""

from fractions import Fraction
from itertools import combinations

import numpy as np
from scipy.optimize import minimize


def objective(problem, theta):
    """(F, gradient) by the textbook formulas."""
    m = problem.design @ theta
    weight = problem.sample_weight / problem.sample_weight.sum()
    if problem.loss.name == "log loss":
        value = np.logaddexp(0.0, -problem.target * m)
        slope = -problem.target * np.exp(-np.logaddexp(0.0, problem.target * m))
    else:
        value, slope = (m - problem.target) ** 2 / 2, m - problem.target
    penalty = np.full(len(theta), problem.penalty)
    penalty[: int(problem.intercept)] = 0.0
    return weight @ value + penalty @ theta**2 / 2, problem.design.T @ (weight * slope) + penalty * theta


def least(problem, theta, A, b):
    """(min F over A theta >= b, where it is), by sequential quadratic programming."""
    scale, size = float(objective(problem, theta)[0]), 1.0 / np.sqrt((problem.design**2).mean(axis=0))
    A = A * size
    start = theta / size
    found = minimize(
        lambda x: objective(problem, x * size)[0] / scale,
        start + np.linalg.pinv(A) @ np.maximum(b - A @ start, 0.0),
        jac=lambda x: objective(problem, x * size)[1] * size / scale,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda x: A @ x - b, "jac": lambda x: A},
        options={"ftol": 1e-13, "maxiter": 500},
    )
    return (scale * found.fun if (A @ found.x >= b - 1e-6).all() else np.inf), found.x * size


def half_spaces(directions, baseline, deviation, response=False):
    """[(row, a, b)] with a'theta >= b where a model differs by `deviation`."""
    answer = []
    for row, (q, centre) in enumerate(zip(directions, baseline, strict=True)):
        if response:
            answer += [(row, q, centre + deviation), (row, -q, deviation - centre)]
            continue
        p = 1.0 / (1.0 + np.exp(-centre))
        if p + deviation < 1.0:
            answer.append((row, q, np.log((p + deviation) / (1.0 - p - deviation))))
        if p - deviation > 0.0:
            answer.append((row, -q, -np.log((p - deviation) / (1.0 - p + deviation))))
    return answer


def discrepancy(problem, theta, limit, literals, weights):
    """(largest weight as a fraction of all, nearest relative distance of a decision to the limit).

    Sets are tried by size, and only where every set with a row less was met. What a member meets by the way
    needs no solver.
    """
    rise = limit - objective(problem, theta)[0]
    sides = np.array([a for _, a, _ in literals]), np.array([b for _, _, b in literals])
    met, shown, best, nearest = {()}, [], Fraction(0), np.inf
    for size in range(1, len(literals) + 1):
        grown = set()
        for chosen in combinations(range(len(literals)), size):
            rows = [literals[i][0] for i in chosen]
            smaller = (chosen[:k] + chosen[k + 1 :] for k in range(size))
            if len(set(rows)) < size or not all(part in met for part in smaller):
                continue
            if not any(all(member[i] for i in chosen) for member in shown):
                value, point = least(problem, theta, sides[0][list(chosen)], sides[1][list(chosen)])
                nearest = min(nearest, abs(value - limit) / rise)
                if value > limit:
                    continue
                shown.append(sides[0] @ point >= sides[1] - 1e-9)
            grown.add(chosen)
            best = max(best, sum(Fraction(weights[row]) for row in rows))
        if not grown:
            break
        met = grown
    return best / sum(Fraction(w) for w in weights), nearest
