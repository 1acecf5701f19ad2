"""Exact transport of equal weights by assignment, warm started, with potentials that certify it.

For n = m and equal weights the best coupling at given prices is a permutation. The solver is handed the
matrix less the potentials of the last prices, which changes no answer and most of the time. Potentials of
the new one are longest paths: with the matrix ordered so that the match is its diagonal,

    psi_j <- max( psi_j, max_i psi_i + M_ij - M_ii )

ends at potentials with ``phi_i + psi_j >= M_ij`` and equality on the match, exactly if the match is
optimal; cut short, they are a bound all the same, because the certificate makes any potential feasible.
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.wasserstein.bundle import Cut, bundled
from riskstats.wasserstein.certificate import Columns, Enclosure, dual_value
from riskstats.wasserstein.pair_suprema import PairSuprema
from riskstats.wasserstein.program import ProgramAnswer

__all__ = ["assigned", "match_potentials", "solve_assignment"]

_MOST_SWEEPS = 4000
_ROUND = 1e-13


def assigned(values: Floats, potential: Floats) -> Integers:
    """(n,) the best partner of every row; `potential` (n,) is where the search starts."""
    from scipy.optimize import linear_sum_assignment

    phi = (values - potential[np.newaxis]).max(axis=1)
    psi = (values - phi[:, np.newaxis]).max(axis=0)
    return np.asarray(linear_sum_assignment(values - phi[:, np.newaxis] - psi[np.newaxis], maximize=True)[1])


def match_potentials(values: Floats, match: Integers, potential: Floats, close: float) -> Floats:
    """(n,) potentials of the columns for which the matched value is within `close` of the dual one."""
    arranged = values[:, match]
    arranged = arranged - np.diag(arranged)[:, np.newaxis]
    p, work = potential[match].copy(), np.empty_like(arranged)
    for _ in range(_MOST_SWEEPS):
        np.add(arranged, p[:, np.newaxis], out=work)
        raised = np.maximum(work.max(axis=0), p)
        change = float((raised - p).max())
        p = raised
        if change <= max(_ROUND * (1.0 + float(np.abs(p).max())), close):
            break
    psi = np.empty_like(p)
    psi[match] = p
    return psi


def solve_assignment(
    question: PairSuprema, *, start: Floats, gap: float, time_limit: float, still: Integers | None = None
) -> ProgramAnswer:
    """The program over two references of n equal weights each, by a bundle over assignments.

    still : (n,) partners whose cheapest targets are within every budget; None is row i with column i.
    """
    n = len(question.first)
    rows, psi = np.arange(n), np.zeros(n)
    rays = [
        (float(gain), tuple(unit.tolist()))
        for gain, unit in zip(question.recession, np.eye(len(question.budget)), strict=True)
        if gain > 0
    ]

    def solve(prices: Floats) -> Cut:
        nonlocal psi
        prices = np.maximum(prices, question.recession)
        values = question.values(prices)
        if not np.isfinite(values).all():
            return Cut(np.inf, np.nan, np.full(len(prices), np.nan), None)
        match = assigned(values, psi)
        scale = gap * (1.0 + abs(float(values[rows, match].mean())))
        psi = match_potentials(values, match, psi, 0.02 * scale)
        columns = question.columns(rows, match, prices)
        upper = dual_value(question, prices, values, psi)
        return Cut(upper, float(columns.value.mean()), columns.costs.mean(axis=0), columns)

    stay = question.columns(rows, rows if still is None else still, None)
    first = Cut(np.inf, float(stay.value.mean()), stay.costs.mean(axis=0), stay)
    found = bundled(solve, question.budget, start, first, rays=rays, gap=0.5 * gap, time_limit=time_limit)
    used = [k for k, share in enumerate(found.shares) if share > 0]
    columns = _joined([found.plans[k] for k in used])
    weights = np.concatenate([np.full(n, found.shares[k] / n) for k in used])
    bound = Enclosure(found.lower, found.upper, found.prices)
    far = np.zeros(len(question.budget))
    far[question.recession > 0] = found.rays
    return ProgramAnswer(columns, weights, far, bound, found.status, found.rounds)


def _joined(parts: list[Columns]) -> Columns:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.joined(part)
    return whole
