"""Slow twins of the bands: boundaries, crossing probabilities and edges from their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv
from scipy.stats import binom


def berk_jones(n: int, c: float, first: int = 1, plateau: int | None = None) -> np.ndarray:
    ranks = np.arange(1, n + 1)
    b = np.where(ranks >= first, betaincinv(ranks, n - ranks + 1, c), 0.0)
    return np.minimum(b, b[(plateau or n) - 1])


def lines(n: int, radius: float) -> np.ndarray:
    return np.maximum(np.arange(1, n + 1) / n - radius, 0.0)


def crossing_probability(b: np.ndarray) -> float:
    """`P(some U_(i) < b_i)`: over the last rank i at which exactly i uniforms lie below b_i."""
    n = len(b)
    last = np.zeros(n + 1)
    for i in range(n, 0, -1):
        if b[i - 1] == 0.0:
            continue
        later = [last[j] * binom.pmf(i, j, b[i - 1] / b[j - 1]) for j in range(i + 1, n + 1)]
        last[i] = binom.pmf(i, n, b[i - 1]) - math.fsum(later)
    return math.fsum(last)


def worst_law(x: np.ndarray, b: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """(atoms, masses) of the law with `F(x_(i)) = b_i`."""
    return np.append(np.sort(x), top), np.diff(np.concatenate([[0.0], b, [1.0]]))


def best_law(x: np.ndarray, b: np.ndarray, bottom: float) -> tuple[np.ndarray, np.ndarray]:
    """(atoms, masses) of the law with `F(x_(i)-) = 1 - b_(n-i+1)`."""
    return np.append(bottom, np.sort(x)), np.diff(np.concatenate([[0.0], 1.0 - b[::-1], [1.0]]))


def mean(atoms: np.ndarray, mass: np.ndarray) -> float:
    return math.fsum(atoms * mass)


def value_at_risk(atoms: np.ndarray, mass: np.ndarray, level: float) -> float:
    reached = np.cumsum(mass) >= level - 1e-15
    return float(atoms[reached.argmax()])


def cvar(atoms: np.ndarray, mass: np.ndarray, level: float) -> float:
    """`min_v v + E (X - v)+ / (1 - level)`, over the atoms."""
    return min(v + math.fsum(np.maximum(atoms - v, 0) * mass) / (1 - level) for v in atoms)


def var_interval(atoms: np.ndarray, mass: np.ndarray, low: float, high: float) -> float:
    f = np.concatenate([[0.0], np.cumsum(mass)])
    inside = np.clip(f[1:], low, high) - np.clip(f[:-1], low, high)
    return math.fsum(atoms * inside) / (high - low)


def gini_upper(x: np.ndarray, b: np.ndarray, support: tuple[float, float]) -> float:
    f = np.concatenate([[0.0], b, [1.0]])
    maximum = math.fsum(np.append(np.sort(x), support[1]) * np.diff(f**2))
    below = mean(*best_law(x, b, support[0]))
    return min(1.0, maximum / below - 1.0) if below > 0 else 1.0


def first_kept(keeps: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest number in [low, high] from which on an increasing condition holds, by bisection."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high
