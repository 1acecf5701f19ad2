"""Two balls, known inner suprema, no known worst coupling: transport over pairs of atoms.

Very many atoms go to annealed couplings where there is an accelerator (`sinkhorn`), equal weights on both
sides to assignments (`assignment`), everything else to the linear program with column generation (`program`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskstats._jit import resolve_device
from riskstats.results import Status
from riskstats.wasserstein.aggregate import Reduced, lifted
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.assignment import solve_assignment
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.inner_kernels import lazy_pairs
from riskstats.wasserstein.line import LineAnswer
from riskstats.wasserstein.pair_suprema import BoxPairs, PairSuprema, SumPairs
from riskstats.wasserstein.program import ProgramAnswer, solve_program
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sinkhorn import solve_sinkhorn
from riskstats.wasserstein.verified import Proposal, infeasible_case, nudged, verified

__all__ = ["box_case", "pairs_case", "solve_pairs"]

SMALL = 1600  # pairs that a program handles at once
MANY = 10_000  # atoms from which on an accelerator anneals
SINKHORN = "annealed Sinkhorn"


def solve_pairs(
    question: PairSuprema, start: float, gap: float, time_limit: float, device: str = "numpy"
) -> tuple[ProgramAnswer, str]:
    """(the answer, the route)."""
    n, m = len(question.first), len(question.second)
    chosen = _sweeps_on(device, max(n, m))
    if chosen != "numpy" and lazy_pairs(question) is not None:
        prices = np.full(len(question.budget), start)
        found = solve_sinkhorn(question, start=prices, gap=gap, time_limit=time_limit, device=chosen)
        return found, SINKHORN
    equal = n == m and np.ptp(question.first) == 0 and np.ptp(question.second) == 0
    if equal and n * m > SMALL:
        prices = np.full(len(question.budget), start)
        return solve_assignment(question, start=prices, gap=gap, time_limit=time_limit), "assignment"
    return solve_program(question, gap=0.5 * gap, time_limit=time_limit), "column generation"


def _sweeps_on(device: str, atoms: int) -> str:
    """Where Sinkhorn sweeps run: "cpu" or "gpu", or "numpy" for exact transport instead."""
    if device != "auto":
        return device
    return "gpu" if atoms >= MANY and resolve_device("auto") == "gpu" else "numpy"


def pairs_case(asked: Asked, whole: Reduced) -> WorstCase:
    """A function of the sum of two that is neither convex nor a half line."""
    function = asked.functional
    assert isinstance(function, Aggregate)
    question = SumPairs(whole, function.g, asked.sign)
    start = whole.radius**-whole.order if whole.radius > 0 else 1.0
    found, route = solve_pairs(question, start, asked.gap, asked.time_limit, asked.device)
    columns, weights = found.columns, found.weights
    assert columns is not None
    assert weights is not None
    places = np.column_stack([columns.first, columns.second])
    prices = found.enclosure.multiplier
    kappa = None if prices is None or whole.radius == 0 else float(prices[0])
    line = LineAnswer(
        found.enclosure.upper, kappa, np.arange(len(weights)), weights, columns.targets[0][:, 0]
    )
    proposal = lifted(asked, whole, line, places, whole.sums(places), route)
    return verified(asked, _ended(proposal, found, route))


def box_case(asked: Asked) -> WorstCase:
    """A function of two outcomes in intervals."""
    question = BoxPairs(asked)
    radius = max(asked.radius)
    start = radius ** (1.0 - asked.order) if radius > 0 else 1.0
    found, route = solve_pairs(question, start, asked.gap, asked.time_limit, asked.device)
    if found.status is Status.INFEASIBLE:
        return infeasible_case(asked, route)
    columns, weights = found.columns, found.weights
    assert columns is not None
    assert weights is not None
    sources = np.column_stack([columns.first, columns.second])
    targets = nudged(
        asked.functional, asked.sign, asked.balls, sources, columns.targets, columns.value, asked.box
    )
    prices = found.enclosure.multiplier
    known = None if prices is None else tuple(np.where(np.array(asked.moving), prices, np.inf).tolist())
    proposal = Proposal(weights, sources, targets, found.enclosure.upper, route, known)
    return verified(asked, _ended(proposal, found, route))


def _ended(proposal: Proposal, found: ProgramAnswer, route: str) -> Proposal:
    """The proposal with the status of a search that ran out of time, or that cannot prove an optimum."""
    final = found.status is Status.TIME_LIMIT or route == SINKHORN
    return replace(proposal, status=found.status) if final else proposal
