"""Multipliers of small quadratic programs, many at once, by block principal pivoting.

    minimise s'K s / 2 - b's  over  s >= 0        <=>        s >= 0,  K s >= b,  s'(K s - b) = 0

with K (k, k) positive definite. A set P of free multipliers is guessed and K_PP s_P = b_P solved; what comes
out with the wrong sign changes sides, all at once while that lowers the number of wrong signs, else one at a
time, which ends after finitely many steps.

Source: Kim and Park, "Fast nonnegative matrix factorization", SIAM J. Sci. Comput. 33 (2011), after Judice
and Pires (1994).
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats

__all__ = ["multipliers", "solved"]

_PATIENCE = 3
_RIDGE = 1e-13
_SIGN = 1e-12


def multipliers(products: Floats, goal: Floats) -> Floats:
    """s (B, k) >= 0 for matrices `products` (B, k, k) and right-hand sides `goal` (B, k).

    A place whose row and column are zero is left out when its goal is negative. Where K is singular to
    rounding, s is approximate; callers check what they need.
    """
    lanes, k = goal.shape
    free = goal > 0.0
    answer = np.zeros_like(goal)
    fewest, patience = np.full(lanes, k + 1), np.full(lanes, _PATIENCE)
    active = np.arange(lanes)
    tolerance = _SIGN * np.abs(goal).max(axis=1, initial=0.0)
    for _ in range(6 * k + 6):
        here = free[active]
        s = _on(products[active], goal[active], here)
        short = goal[active] - np.einsum("bij,bj->bi", products[active], s)
        answer[active] = s
        wrong = np.where(here, s < 0.0, short > tolerance[active, None])
        count = wrong.sum(axis=1)
        going = count > 0
        if not going.any():
            break
        active, wrong, count = active[going], wrong[going], count[going]
        better = count < fewest[active]
        patience[active] = np.where(better, _PATIENCE, patience[active] - 1)
        fewest[active] = np.minimum(fewest[active], count)
        one = patience[active] < 0
        last = np.zeros_like(wrong)
        last[np.arange(len(active)), k - 1 - np.argmax(wrong[:, ::-1], axis=1)] = True
        free[active] ^= np.where(one[:, None], last, wrong)
    return np.maximum(answer, 0.0)


def _on(products: Floats, goal: Floats, free: np.ndarray) -> Floats:
    """K_PP s_P = b_P, s = 0 elsewhere."""
    k = goal.shape[1]
    kept = np.where(free[:, :, None] & free[:, None, :], products, 0.0)
    diagonal = np.einsum("bii->bi", kept)
    diagonal += np.where(free & (diagonal > 0.0), _RIDGE * diagonal, 1.0)
    solution = solved(kept, np.where(free, goal, 0.0)[:, :, None])[:, :, 0]
    return np.where(free, solution, 0.0).reshape(-1, k)


def solved(matrices: Floats, sides: Floats) -> Floats:
    """Solutions of many systems; NaN all over where one of the matrices is exactly singular."""
    try:
        return np.asarray(np.linalg.solve(matrices, sides))
    except np.linalg.LinAlgError:
        return np.full_like(sides, np.nan)
