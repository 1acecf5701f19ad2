"""Slow twins of the crossing probability P(some U_(i) < b_i), by methods of their own."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
from scipy import special

__all__ = [
    "crossing_by_fractions",
    "crossing_by_simulation",
    "crossing_by_sweep",
    "stirling_error",
    "sweep_row",
]


def crossing_by_fractions(boundary: list[Fraction]) -> Fraction:
    """Exact, by counting the points of one interval after the other (Noé), in rational arithmetic.

    Q_i[k] = P(N(b_i) = k and N(b_j) < j for j <= i); the next interval takes Binomial(n - k) of the rest.
    """
    n = len(boundary)
    state = {0: Fraction(1)}
    crossed, before = Fraction(0), Fraction(0)
    for rank, b in enumerate(boundary, start=1):
        share = (b - before) / (1 - before) if before < 1 else Fraction(0)
        after: dict[int, Fraction] = {}
        for count, mass in state.items():
            left = n - count
            for more in range(left + 1):
                chance = comb(left, more) * share**more * (1 - share) ** (left - more)
                if chance:
                    after[count + more] = after.get(count + more, Fraction(0)) + mass * chance
        crossed += sum((mass for count, mass in after.items() if count >= rank), Fraction(0))
        state = {count: mass for count, mass in after.items() if count < rank}
        before = b
    return crossed


def crossing_by_sweep(boundary: np.ndarray) -> float:
    """O(n^2), one vectorised row per rank: f_i = P(N(b_i) = i, N(b_j) < j for j > i), backwards.

    f_i = Bin(i; n, b_i) - sum_{j > i} f_j Bin(i; j, b_i / b_j), P = sum_i f_i. The binomials are written with
    the deviance of Loader's saddle-point form, in other variables than the package uses.
    """
    n, active = len(boundary), np.flatnonzero(boundary > 0)
    f, stirling = np.zeros(n + 1), stirling_error(np.arange(n + 1.0))
    for i in range(n, int(active[0]) if active.size else n, -1):
        f[i] = sweep_row(i, boundary, f, stirling)
    return float(f.sum())


def sweep_row(i: int, boundary: np.ndarray, f: np.ndarray, stirling: np.ndarray) -> float:
    """f_i from the later ones."""
    n, b = len(boundary), boundary[i - 1]
    alone = _binomials(i, slice(n, n + 1), b, np.array([1.0]), stirling)[0]
    return alone - f[i + 1 :] @ _binomials(i, slice(i + 1, n + 1), b, boundary[i:], stirling)


def _binomials(i: int, trials: slice, b: float, top: np.ndarray, stirling: np.ndarray) -> np.ndarray:
    """Bin(i; m, b / top) for the m of a slice, m >= i >= 1, and `top` >= b."""
    m = np.arange(trials.start, float(trials.stop))
    rest = m - i
    some = np.maximum(rest, 1.0)
    excess = (i * top - m * b) / top
    inside, outside = np.log1p(np.maximum(-excess / i, -0.5)), np.log1p(np.maximum(excess / some, -0.5))
    with np.errstate(divide="ignore"):
        if (wide := excess > 0.5 * i).any():
            inside[wide] = np.log(m[wide] * b / (i * top[wide]))
        if (wide := excess < -0.5 * some).any():
            outside[wide] = np.log(m[wide] * (top[wide] - b) / (some[wide] * top[wide]))
        log_value = i * inside + np.where(rest > 0, rest * outside, 0.0)
    log_value += stirling[trials] - stirling[i] - stirling[trials.start - i : trials.stop - i]
    scale = np.sqrt(m / (i * some))
    return np.exp(log_value) * np.where(rest > 0, scale / np.sqrt(2 * np.pi), scale)


def stirling_error(k: np.ndarray) -> np.ndarray:
    """ln k! - (k + 1/2) ln k + k - ln(2 pi) / 2; 0 at 0, where it multiplies nothing."""
    safe = np.maximum(k, 1.0)
    direct = special.gammaln(safe + 1) - (safe + 0.5) * np.log(safe) + safe - 0.5 * np.log(2 * np.pi)
    large = np.maximum(k, 15.0)
    series = (
        1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / large**2) / large**2) / large**2) / large**2
    )
    return np.where(k == 0, 0.0, np.where(k < 15, direct, series / large))


def crossing_by_simulation(boundary: np.ndarray, repetitions: int, rng: np.random.Generator) -> float:
    """The share of seeded uniform samples that cross."""
    samples = np.sort(rng.random((repetitions, len(boundary))), axis=1)
    return float((samples < boundary).any(axis=1).mean())
