"""The linear program behind every set of laws, by column generation.

A column is a source pair (i, j), one atom of either reference, with where it is sent: a value f and a
transport cost for every ball. Over weights w >= 0 of columns, and amounts z >= 0 sent to infinity,

    maximise sum w f + <recession, z>
    subject to mass of i = a_i,  mass of j = b_j,  sum w c_l + z_l <= budget_l

The dual is ``min <l, budget> + sum a phi + sum b psi`` over l >= recession with ``phi_i + psi_j >= M_ij(l)``,
where ``M_ij(l) = sup over targets of f - <l, c>`` is the inner supremum. The master program is solved over
the columns found so far; the inner supremum at its multipliers gives the columns that are missing, and a dual
bound. One ball is the case of a single j. Nothing of the solver is trusted: `certificate` recomputes both
sides.

Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal Transport",
for the duality.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import NotConverged
from riskstats.results import Status
from riskstats.wasserstein.certificate import Columns, Enclosure, Law, dual_value, restored

__all__ = ["InnerSupremum", "ProgramAnswer", "solve_program"]

_MOST_ROUNDS = 400
_STALL = 25
_HALVINGS = 50
_TRIES = ((1e-10, True, 0.0), (1e-10, False, 0.0), (1e-10, True, 1e-8))
"""(tolerance, presolve, excess over the budgets) of the master program: where a set holds hardly more than
one law, HiGHS may not find it. What exceeds a budget is mixed away by `certificate`."""
_DEAR = 1e12  # budgets: a column that costs more is priced so, and no law uses it
_COLUMNS = 6  # for each atom: how many columns join a master program at a time


class InnerSupremum(Protocol):
    """The inner supremum of one question: reference weights, budgets, and the best target of every pair.

    first, second : (n,) and (m,) weights of sum 1; m = 1 for a single ball. budget : (d,).
    recession : (d,) growth of f per unit of cost at infinity: what vanishing mass sent far away earns.
    safe : (d,) multipliers at which M is finite.
    exact : whether `at` returns the supremum itself, or an upper bound that no column attains.
    """

    @property
    def first(self) -> Floats: ...
    @property
    def second(self) -> Floats: ...
    @property
    def budget(self) -> Floats: ...
    @property
    def recession(self) -> Floats: ...
    @property
    def safe(self) -> Floats: ...
    @property
    def exact(self) -> bool: ...

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """((n, m) values M, the n m columns that attain them in row-major order), for l >= recession;
        M is inf where f grows faster than the cost."""

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """((n, m) smallest ``<multiplier, c>``, the columns that attain it): where to find any law at all."""


@dataclass(frozen=True, eq=False)
class ProgramAnswer:
    """The end of a search: the verified law, the certified enclosure of the supremum, and why it stopped.

    columns, weights : the law, None where the set is empty. far : (d,) budget spent by vanishing mass sent to
        infinity; where it is not 0 the supremum is approached, not attained.
    """

    columns: Columns | None
    weights: Floats | None
    far: Floats
    enclosure: Enclosure
    status: Status
    rounds: int


def solve_program(question: InnerSupremum, *, gap: float = 1e-6, time_limit: float = np.inf) -> ProgramAnswer:
    """Alternate master program and inner supremum until the certified gap is at most `gap (1 + |value|)`."""
    scaled = _PerBudget.of(question)
    return scaled.unscaled(_solved(scaled, gap, time_limit))


def _solved(question: InnerSupremum, gap: float, time_limit: float) -> ProgramAnswer:
    deadline = time.perf_counter() + time_limit
    cheap = question.cheapest(np.full(len(question.budget), 1.0 / len(question.budget)))[1]
    pool, start = _feasible_columns(question, cheap)
    nothing = np.zeros(len(question.budget))
    if start is None:
        empty = Enclosure(np.nan, np.nan, None)
        return ProgramAnswer(None, None, nothing, empty, Status.INFEASIBLE, 0)
    best, law, status = Enclosure(-np.inf, np.inf, None), None, Status.GAP
    stalled = rounds = 0
    while rounds < _MOST_ROUNDS and stalled <= _STALL:
        rounds += 1
        try:
            master = _master(question, pool)
        except NotConverged:
            if law is None or not np.isfinite(best.upper):
                raise
            break
        found = restored(question, cheap, start, pool, master.weights)
        law, best = _better_law(question, found, law, best)
        centre = question.safe if best.multiplier is None else best.multiplier
        multiplier, values, columns = _finite(question, master.multiplier, centre)
        upper = dual_value(question, multiplier, values, master.psi)
        before, best = best.gap, best.tightened(-np.inf, upper, multiplier)
        if best.gap <= gap * (1.0 + abs(best.lower)):
            status = Status.OPTIMAL if question.exact else Status.GAP
            break
        if time.perf_counter() > deadline:
            status = Status.TIME_LIMIT
            break
        fresh = _improving(columns, master, columns.value)
        stalled = 0 if best.gap < 0.9 * before or not np.isfinite(before) else stalled + 1
        if len(fresh) == 0 and _close(multiplier, master.multiplier):
            break
        pool = pool.joined(fresh)
    if law is None:
        raise NotConverged("no law inside the balls could be verified; scale the data.")
    columns, weights, far = law
    return ProgramAnswer(columns, weights, far, best, status, rounds)


@dataclass(frozen=True, eq=False)
class _PerBudget:
    """A question with costs counted in budgets: tolerances are absolute, and a budget may be r^p = 1e-12.

    base : the question. scale : (d,) powers of two near the budgets, so that nothing is rounded; 1 for 0.
    """

    base: InnerSupremum
    scale: Floats

    @classmethod
    def of(cls, question: InnerSupremum) -> _PerBudget:
        """The question with budgets between 1/2 and 1, or 0."""
        exponent = np.frexp(question.budget)[1].clip(-1000, 1000)
        return cls(question, np.where(question.budget > 0, np.ldexp(1.0, exponent), 1.0))

    @property
    def first(self) -> Floats:
        return self.base.first

    @property
    def second(self) -> Floats:
        return self.base.second

    @property
    def budget(self) -> Floats:
        return self.base.budget / self.scale

    @property
    def recession(self) -> Floats:
        return self.base.recession * self.scale

    @property
    def safe(self) -> Floats:
        return self.base.safe * self.scale

    @property
    def exact(self) -> bool:
        return self.base.exact

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """See `InnerSupremum`."""
        values, columns = self.base.at(multiplier / self.scale)
        return values, self._counted(columns)

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """See `InnerSupremum`."""
        values, columns = self.base.cheapest(multiplier / self.scale)
        return values, self._counted(columns)

    def _counted(self, columns: Columns) -> Columns:
        return replace(columns, costs=columns.costs / self.scale)

    def unscaled(self, found: ProgramAnswer) -> ProgramAnswer:
        """An answer in the units of the question."""
        price, columns = found.enclosure.multiplier, found.columns
        bound = replace(found.enclosure, multiplier=None if price is None else price / self.scale)
        if columns is not None:
            columns = replace(columns, costs=columns.costs * self.scale)
        return replace(found, columns=columns, far=found.far * self.scale, enclosure=bound)


def _finite(question: InnerSupremum, multiplier: Floats, centre: Floats) -> tuple[Floats, Floats, Columns]:
    """The inner supremum at the master's multiplier, or as near to it on the way to `centre` as it is
    finite."""
    multiplier = np.maximum(multiplier, question.recession)
    for _ in range(_HALVINGS):
        values, columns = question.at(multiplier)
        if (values < np.inf).all():
            return multiplier, values, columns
        multiplier = 0.5 * (multiplier + centre)
    return centre, *question.at(centre)


def _close(first: Floats, second: Floats) -> bool:
    """Whether the inner supremum was taken at the master's own multiplier, but for rounding."""
    return bool((np.abs(first - second) <= 1e-9 * (1.0 + np.abs(second))).all())


def _better_law(
    question: InnerSupremum, found: Law | None, law: Any, best: Enclosure
) -> tuple[Any, Enclosure]:
    """The better of the best law so far and the one just found, once that is verified."""
    if found is None:
        return law, best
    columns, weights = found
    far = np.clip(question.budget - weights @ columns.costs, 0.0, None) * (question.recession > 0)
    lower = float(weights @ columns.value) + float(question.recession @ far)
    if law is None or lower > best.lower:
        return (columns, weights, far), best.tightened(lower, np.inf, None)
    return law, best


def _improving(columns: Columns, master: _Master, gain: Floats) -> Columns:
    """The columns of positive reduced cost at the master's multipliers, the largest where there are many.

    gain : (k,) what the master maximises: the values, or 0 where only costs count.
    """
    phi, psi = master.phi, master.psi
    with np.errstate(invalid="ignore"):
        reduced = gain - columns.costs @ master.multiplier
        reduced = reduced - phi[columns.first] - psi[columns.second]
    reduced = np.where(np.isfinite(reduced), reduced, -np.inf)
    scale = 1e-13 * (1.0 + float(np.abs(phi).max() + np.abs(psi).max()))
    places = np.flatnonzero(reduced > scale)
    most = _COLUMNS * (len(phi) + len(psi))
    if len(places) > most:
        places = places[np.argsort(-reduced[places], kind="stable")[:most]]
    return columns.take(places)


def _feasible_columns(question: InnerSupremum, cheap: Columns) -> tuple[Columns, Law | None]:
    """Columns that hold a law within the budgets, and that law; None where there is none.

    Minimise the largest excess ``max_l (E c_l - budget_l)`` by the same alternation; its dual over
    multipliers of sum 1 proves that the set is empty.
    """
    d = len(question.budget)
    pool = _sound(cheap)
    for ball in range(d if d > 1 else 0):
        mixed = np.full(d, 1e-6)
        mixed[ball] = 1.0
        pool = pool.joined(_sound(question.cheapest(mixed)[1]))
    slack = 1e-12 * (1.0 + float(question.budget.max()))
    for _ in range(_MOST_ROUNDS):
        found_excess = _excess(question, pool)
        if found_excess is None:
            return pool, None
        excess, master = found_excess
        if excess <= slack:
            law = pool.take(master.weights > 0)
            return _near(pool, master), (law, master.weights[master.weights > 0])
        cost, found = question.cheapest(master.multiplier)
        most = dual_value(question, np.zeros(d), -cost, master.psi)
        if -most - float(master.multiplier @ question.budget) > slack:
            return pool, None
        fresh = _improving(found, master, np.zeros(len(found)))
        if len(fresh) == 0:
            return pool, None
        pool = pool.joined(fresh)
    raise NotConverged("no law within the budgets was found, nor shown not to exist; scale the data.")


def _near(pool: Columns, master: _Master) -> Columns:
    """The columns in use and those nearest to it, so that the first master program is a small one."""
    phi, psi = master.phi, master.psi
    slack = pool.costs @ master.multiplier + phi[pool.first] + psi[pool.second]
    slack[master.weights > 0] = -np.inf
    most = _COLUMNS * (len(phi) + len(psi))
    if len(pool) <= most:
        return pool
    return pool.take(np.sort(np.argsort(slack, kind="stable")[:most]))


@dataclass(frozen=True, eq=False)
class _Master:
    """weights (k,), multiplier (d,), potentials phi (n,) and psi (m,) of a master program."""

    weights: Floats
    multiplier: Floats
    phi: Floats
    psi: Floats


def _master(question: InnerSupremum, pool: Columns) -> _Master:
    """The program over the columns of the pool."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    n, m, d = len(question.first), len(question.second), len(question.budget)
    equal = _marginals(pool, n, m)
    costs = np.minimum(pool.costs, _DEAR)
    for tolerance, presolve, room in _TRIES:
        answer = linprog(
            -np.append(pool.value, question.recession),
            A_ub=np.column_stack([costs.T, np.eye(d)]),
            b_ub=question.budget * (1.0 + room) + room,
            A_eq=hstack([equal, csr_array((equal.shape[0], d))]),
            b_eq=np.concatenate([question.first, question.second[: m - 1]]),
            bounds=(0, None),
            method="highs",
            options={
                "primal_feasibility_tolerance": tolerance,
                "dual_feasibility_tolerance": tolerance,
                "presolve": presolve,
            },
        )
        if answer.status == 0 and answer.x is not None:
            break
    else:
        raise NotConverged(f"the linear program was not solved: {answer.message} Scale the data.")
    equal = -answer.eqlin.marginals
    multiplier = np.maximum(-answer.ineqlin.marginals, 0.0)
    weights = np.where((pool.costs > _DEAR).any(axis=1), 0.0, answer.x[: len(pool)])
    return _Master(weights, multiplier, equal[:n], np.append(equal[n:], 0.0))


def _sound(columns: Columns) -> Columns:
    """The columns that lead somewhere at a finite cost."""
    return columns.take(np.isfinite(columns.costs).all(axis=1))


def _excess(question: InnerSupremum, pool: Columns) -> tuple[float, _Master] | None:
    """The least excess over the budgets, and its dual; None where no coupling has a finite cost."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    n, m, d = len(question.first), len(question.second), len(question.budget)
    equal = _marginals(pool, n, m)
    answer = linprog(
        np.append(np.zeros(len(pool)), 1.0),
        A_ub=np.column_stack([np.minimum(pool.costs, _DEAR).T, -np.ones(d)]),
        b_ub=question.budget,
        A_eq=hstack([equal, csr_array((equal.shape[0], 1))]),
        b_eq=np.concatenate([question.first, question.second[: m - 1]]),
        bounds=[(0, None)] * len(pool) + [(None, None)],
        method="highs",
    )
    if answer.status == 2:
        return None
    if answer.x is None:
        raise NotConverged(f"the linear program was not solved: {answer.message} Scale the data.")
    duals = -answer.eqlin.marginals
    multiplier = np.maximum(-answer.ineqlin.marginals, 0.0)
    return float(answer.fun), _Master(answer.x[: len(pool)], multiplier, duals[:n], np.append(duals[n:], 0.0))


def _marginals(pool: Columns, n: int, m: int) -> Any:
    """Rows: mass of every i, and of every j but the last, which follows."""
    from scipy.sparse import csr_array

    k = np.arange(len(pool))
    kept = pool.second < m - 1
    rows = np.concatenate([pool.first, n + pool.second[kept]])
    columns = np.concatenate([k, k[kept]])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(n + m - 1, len(pool)))
