"""Annealed Sinkhorn: potentials and couplings of references too large for a matrix, certified afterwards.

At prices l the best coupling of the inner suprema M is searched with an entropy of weight s,

    phi_i = s log sum_j b_j exp((M_ij - psi_j) / s),        psi_j = s log sum_i a_i exp((M_ij - phi_i) / s)

in turn, while s falls from a tenth of the range of M to a ten thousandth. What comes out is taken for no more
than a guess. Its c-transform in float64 is a bound (`transforms`). Its rows are drawn at even steps, and the
draws are laid against the second reference in their order: a coupling of the references whatever was drawn,
with a few atoms for each row, whose value and costs are computed from where it sends them. Both have an error
of the order of s, so the answer is an enclosure with a gap, never a proven optimum.

Sources: Cuturi (2013), Sinkhorn distances: lightspeed computation of optimal transport; Schmitzer (2019),
Stabilized sparse scaling algorithms for entropy regularized transport problems.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from riskstats._jit import namespace, while_loop
from riskstats._validation import Floats, Integers
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.bundle import Bundled, Cut, bundled
from riskstats.wasserstein.certificate import Columns, Enclosure, rounded_up
from riskstats.wasserstein.coupled import comonotone
from riskstats.wasserstein.inner_kernels import Formula, LazyPairs, PairMatrix, coarse_pairs, lazy_pairs
from riskstats.wasserstein.pair_suprema import PairSuprema
from riskstats.wasserstein.program import ProgramAnswer
from riskstats.wasserstein.transforms import block_of, coupling_bound, kernel, over_blocks, values_of

__all__ = ["annealed", "annealed_potential", "drawn_coupling", "solve_sinkhorn"]

SWEEPS = 20
SCALES = tuple(10.0 ** np.linspace(-1.0, -4.0, 13))
"""Weights of the entropy, in units of the range of M; each for `SWEEPS` sweeps."""
WARM = 2  # the last scales, from potentials of nearly the same prices
COARSE = 512  # atoms of the references that say where to start
_DRAWS = 16  # atoms for each row
_ROWS = 2**19  # atoms of a coupling, about
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)
_SEEN = 256
_BEYOND = 1.5  # of the step to the new potential: as in successive over-relaxation, fewer sweeps are needed
_COOLER = (1.0, 0.25, 1.0 / 16.0, 1.0 / 64.0)  # of the last scale, at which couplings are drawn
_PATIENCE = 4
_NEAR = 0.05  # how far the prices are from those of fewer atoms
_LEFT = 1.2  # of the gap of a coupling at its own prices: the search for prices ends


# kernels, for NumPy and JAX


def soft_transform(
    formula: Formula,
    block: int,
    lead: Any,
    other: Any,
    parameters: Any,
    potential: Any,
    scale: Any,
    masses: Any,
    *,
    swapped: bool = False,
) -> Any:
    """``s log sum over other of mass exp((M - potential) / s)`` for each of `lead`; masses : logarithms."""
    xp = namespace(lead, potential)

    def part(atoms: Any) -> Any:
        x = (values_of(formula, atoms, other, parameters, swapped) - potential) / scale + masses
        top = x.max(axis=1)
        return scale * (top + xp.log(xp.exp(x - top[:, np.newaxis]).sum(axis=1)))

    return over_blocks(part, (lead,), block)


def annealed(
    formula: Formula,
    blocks: tuple[int, int],
    rows: Any,
    columns: Any,
    parameters: Any,
    first: Any,
    second: Any,
    psi: Any,
    scales: Any,
    begin: Any,
    *,
    swapped: bool = False,
) -> Any:
    """(m,) the potential of the columns after all sweeps at the scales from place `begin` on.

    first, second : logarithms of a and b.
    """
    total = len(scales) * SWEEPS

    def sweep(state: tuple[Any, Any]) -> tuple[Any, Any]:
        count, psi = state
        scale = scales[count // SWEEPS]
        phi = soft_transform(formula, blocks[0], rows, columns, parameters, psi, scale, second)
        new = soft_transform(formula, blocks[1], columns, rows, parameters, phi, scale, first, swapped=True)
        return count + 1, psi + _BEYOND * (new - psi)

    return while_loop(lambda state: state[0] < total, sweep, (begin * SWEEPS, psi), namespace(psi))[1]


def draws(
    formula: Formula,
    block: int,
    rows: Any,
    columns: Any,
    parameters: Any,
    psi: Any,
    scale: Any,
    masses: Any,
    steps: Any,
    *,
    swapped: bool = False,
) -> Any:
    """(n, K) columns at the shares `steps` (n, K), in (0, 1), of the conditional law of every row."""
    xp = namespace(rows, psi)

    def part(atoms: Any, shares: Any) -> Any:
        x = (values_of(formula, atoms, columns, parameters, swapped) - psi) / scale + masses
        sums = xp.cumsum(xp.exp(x - x.max(axis=1)[:, np.newaxis]), axis=1)
        floor = xp.arange(len(atoms))[:, np.newaxis]
        found = xp.searchsorted((sums / sums[:, -1:] + floor).ravel(), (shares + floor).ravel())
        return xp.clip(found.reshape(shares.shape) - floor * len(columns), 0, len(columns) - 1)

    return over_blocks(part, (rows, steps), block)


# one matrix


def annealed_potential(
    matrix: PairMatrix,
    first: Floats,
    second: Floats,
    scales: Floats,
    psi: Floats | None = None,
    *,
    begin: int = 0,
    device: str = "numpy",
    precision: Any = np.float32,
) -> Floats:
    """(m,) a potential of the columns after sweeps at falling `scales`, from `psi` or from 0.

    begin : the first scale that is used. precision : of the sweeps.
    """
    n, m = matrix.shape
    blocks = block_of(m, device), block_of(n, device)
    start = np.zeros(m) if psi is None else psi - psi.mean()
    host = (matrix.rows, matrix.columns, matrix.parameters, np.log(first), np.log(second), start, scales)
    arrays: Any = [*(x.astype(precision) for x in host), np.int32(begin)]
    if device == "numpy":
        found = annealed(matrix.formula, blocks, *arrays)
    else:
        found = kernel(annealed, matrix.formula, blocks)(*arrays)
    return np.asarray(found, dtype=np.float64)


def sampled(matrix: PairMatrix) -> Floats:
    """The matrix at some rows and columns, the extremes among them."""
    rows, columns = (
        np.sort(x, axis=0)[np.unique(np.linspace(0, len(x) - 1, _SEEN).astype(np.int64))]
        for x in (matrix.rows, matrix.columns)
    )
    return PairMatrix(matrix.formula, rows, columns, matrix.parameters).block(slice(None))


def drawn_coupling(
    matrix: PairMatrix, first: Floats, second: Floats, psi: Floats, scale: float, *, device: str = "numpy"
) -> tuple[Floats, Integers, Integers]:
    """(mass, row, column) of a sparse coupling near the one of entropy `scale` with potential `psi`.

    Every row is drawn K times at even steps, which start at shares that differ from row to row; the draws are
    then laid against the second reference in the order of its atoms. Atoms are numbers. Its marginals are
    right for any `psi`; only its value depends on it.
    """
    n, m = matrix.shape
    count = int(np.clip(_ROWS // n, 1, _DRAWS))
    row_rank, order = (
        np.argsort(np.argsort(matrix.rows, kind="stable")),
        np.argsort(matrix.columns, kind="stable"),
    )
    steps = (np.arange(count) + ((row_rank + 0.5) * _GOLDEN % 1.0)[:, np.newaxis]) / count
    arrays: Any = (matrix.rows, matrix.columns[order], matrix.parameters, psi[order], np.float64(scale))
    arrays = (*arrays, np.log(second)[order], steps)
    block = block_of(m, device)
    if device == "numpy":
        places = draws(matrix.formula, block, *arrays)
    else:
        places = kernel(draws, matrix.formula, block)(*arrays)
    keys = np.asarray(places, dtype=np.float64) * n + row_rank[:, np.newaxis]
    mass, laid = comonotone(
        [keys.ravel(), np.arange(float(m))], [np.repeat(first / count, count), second[order]]
    )
    return mass, laid[:, 0] // count, order[laid[:, 1]]


# the program


def solve_sinkhorn(
    question: PairSuprema,
    *,
    start: Floats,
    gap: float,
    time_limit: float,
    device: str = "cpu",
    precision: Any = np.float32,
) -> ProgramAnswer:
    """The program over two references, by a bundle over annealed couplings; its status is never `OPTIMAL`.

    The search ends where the enclosure is about as wide as the transport at the best prices leaves it.
    References of many atoms start from the answer of fewer. device : "cpu" or "gpu" for compiled sweeps,
    "numpy" without. The bound is computed again in NumPy at the end.
    """
    lazy, deadline = lazy_pairs(question), time.perf_counter() + time_limit
    if lazy is None:
        raise InvalidInput(
            "the inner suprema of this functional have no formula that compiles; use `device='numpy'`."
        )
    search, reach = _Search(lazy, device, precision), np.inf
    coarse = (
        coarse_pairs(question, COARSE)
        if max(map(len, (question.first, question.second))) > 2 * COARSE
        else None
    )
    near = None if coarse is None else lazy_pairs(coarse)
    if near is not None:
        small = _Search(near, device, precision)
        start, reach = small.searched(start, gap, deadline).prices, _NEAR
        search.psi = small.extended(start, lazy.columns)
    found = search.searched(start, gap, deadline, reach)
    used = [k for k, share in enumerate(found.shares) if share > 0]
    weights = np.concatenate([found.shares[k] * found.plans[k][1] for k in used])
    columns = found.plans[used[0]][0]
    for k in used[1:]:
        columns = columns.joined(found.plans[k][0])
    bound = Enclosure(found.lower, search.bound(found.prices), found.prices)
    status = Status.TIME_LIMIT if found.status is Status.TIME_LIMIT else Status.GAP
    return ProgramAnswer(columns, weights, np.zeros(len(question.budget)), bound, status, found.rounds)


@dataclass(eq=False)
class _Search:
    """Cuts of a question, each from the potentials of the last; all potentials are kept.

    psi : where the next sweeps start. seen : part of the matrix to which psi belongs, None for one like it.
    """

    lazy: LazyPairs
    device: str
    precision: Any
    psi: Floats | None = None
    seen: Floats | None = None
    known: dict[tuple[float, ...], tuple[Cut, Floats]] = field(default_factory=dict)

    def searched(self, start: Floats, gap: float, deadline: float, reach: float = np.inf) -> Bundled:
        """The best prices, from those at `start`."""
        return bundled(
            self.solve,
            self.lazy.question.budget,
            start,
            _still(self.lazy),
            rays=[],
            patience=_PATIENCE,
            reach=reach,
            width=self.width,
            gap=0.5 * gap,
            time_limit=deadline - time.perf_counter(),
        )

    def solve(self, prices: Floats) -> Cut:
        """An annealed coupling at some prices."""
        key = tuple(prices.tolist())
        if key not in self.known:
            self.known[key] = self._solved(prices)
        return self.known[key][0]

    def bound(self, prices: Floats) -> float:
        """The bound at prices that were solved, in NumPy."""
        return self._bound(prices, self.known[tuple(prices.tolist())][1], "numpy")

    def extended(self, prices: Floats, columns: Floats) -> Floats:
        """The potential at prices that were solved, carried over to more columns."""
        matrix, psi = self.lazy.at(prices), self.known[tuple(prices.tolist())][1]
        a, b = np.log(self.lazy.question.first), np.log(self.lazy.question.second)
        formula, given = matrix.formula, matrix.given
        scale, block = SCALES[-1] * _range(sampled(matrix)), block_of(len(psi), "numpy")
        phi = soft_transform(formula, block, matrix.rows, matrix.columns, given, psi, scale, b)
        block = block_of(len(phi), "numpy")
        return np.asarray(
            soft_transform(formula, block, columns, matrix.rows, given, phi, scale, a, swapped=True)
        )

    def _solved(self, prices: Floats) -> tuple[Cut, Floats]:
        question, matrix = self.lazy.question, self.lazy.at(prices)
        seen = sampled(matrix)
        nothing = Cut(np.inf, np.nan, np.full(len(prices), np.nan), None)
        if not np.isfinite(seen).all():
            return nothing, np.zeros(matrix.shape[1])
        scales = np.array(SCALES) * _range(seen)
        psi = annealed_potential(
            matrix,
            question.first,
            question.second,
            scales,
            self.psi,
            begin=self._begin(seen, scales),
            device=self.device,
            precision=self.precision,
        )
        if not np.isfinite(psi).all():
            psi = np.zeros(len(psi))
        self.psi, self.seen = psi, seen
        plans = [self._plan(matrix, psi, scales[-1] * cooler, prices) for cooler in _COOLER]
        columns, mass = max(plans, key=lambda plan: float(plan[1] @ (plan[0].value - plan[0].costs @ prices)))
        upper = self._bound(prices, psi, self.device)
        return Cut(upper, float(mass @ columns.value), mass @ columns.costs, (columns, mass)), psi

    def _begin(self, seen: Floats, scales: Floats) -> int:
        """The first scale, or the one of the mean change since the last prices."""
        if self.psi is None:
            return 0
        if self.seen is None:
            return len(scales) - WARM
        change = float(np.abs(seen - self.seen).mean())
        return min(int((scales > change).sum()), len(scales) - WARM)

    def _plan(self, matrix: PairMatrix, psi: Floats, scale: float, prices: Floats) -> tuple[Columns, Floats]:
        question = self.lazy.question
        mass, i, j = drawn_coupling(matrix, question.first, question.second, psi, scale, device=self.device)
        return question.columns(i, j, prices), mass

    def _bound(self, prices: Floats, psi: Floats, device: str) -> float:
        question = self.lazy.question
        inner = coupling_bound(self.lazy.at(prices), question.first, question.second, psi, device)
        return rounded_up((prices * question.budget, np.array([inner]))) if np.isfinite(inner) else np.inf

    def width(self, prices: Floats) -> float:
        """What the coupling found at some prices leaves open there, and a little more."""
        cut = self.solve(prices)
        return _LEFT * (cut.upper - cut.value - float(prices @ (self.lazy.question.budget - cut.costs)))


def _range(seen: Floats) -> float:
    """The range of a matrix, 1 where it has none."""
    return float(np.ptp(seen)) or 1.0


def _still(lazy: LazyPairs) -> Cut:
    """The references in their order, with the cheapest targets."""
    question = lazy.question
    mass, places = comonotone([lazy.rows, lazy.columns], [question.first, question.second])
    columns = question.columns(places[:, 0], places[:, 1], None)
    return Cut(np.inf, float(mass @ columns.value), mass @ columns.costs, (columns, mass))
