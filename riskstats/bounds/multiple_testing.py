"""Choosing among candidates: which hypotheses `risk_j > limit_j` to reject, with one error for all of them.

Every procedure keeps the probability of one or more false rejections at most `1 - confidence_level`, whatever
the dependence between the p-values. It is a callable `(p_values, confidence_level) -> sorted indices`; one
with a parameter is a frozen object of the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers, finite_vector, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput

__all__ = [
    "FixedSequence",
    "Procedure",
    "SequentialGraphical",
    "bonferroni",
    "checked_p_values",
    "design_delta",
    "fixed_sequence",
    "holm",
    "holm_adjusted",
    "procedure_name",
    "sequential_graphical",
]

ROUNDING = 1e-9  # how far a sum of shares may exceed 1 before it is an error; it is then scaled back


class Procedure(Protocol):
    """A multiple test: indices, in increasing order, of the hypotheses it rejects."""

    def __call__(self, p_values: npt.ArrayLike, confidence_level: float = 0.95, /) -> Integers: ...


def bonferroni(p_values: npt.ArrayLike, confidence_level: float = 0.95) -> Integers:
    """Reject where `p_j <= delta / m`; sorted indices. Any dependence."""
    p, delta = checked_p_values(p_values), 1.0 - checked_confidence(confidence_level)
    return np.flatnonzero(p <= delta / len(p))


def holm(p_values: npt.ArrayLike, confidence_level: float = 0.95) -> Integers:
    """Step down: the k-th smallest p against `delta / (m - k)`, k = 0, 1, ..., until one is larger.

    It rejects whatever `bonferroni` rejects, and holds under the same assumption, which is none. Sorted
    indices. Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    p, delta = checked_p_values(p_values), 1.0 - checked_confidence(confidence_level)
    order = np.argsort(p, kind="stable")
    kept = p[order] > delta / np.arange(len(p), 0, -1)
    return np.sort(order[: _first(kept)])


def holm_adjusted(p_values: npt.ArrayLike) -> Floats:
    """(m,) `max over k <= j of (m - k) p_(k)`, k = 0, 1, ... in increasing order of p, at most 1.

    At every confidence, `holm` rejects where the adjusted p-value is at most `1 - confidence_level`.
    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    p = checked_p_values(p_values)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def fixed_sequence(*, order: Any = None, starts: int = 1) -> FixedSequence:
    """Test in a given order, each at the full error, until the first `p > delta`.

    Parameters
    ----------
    order : indices of the candidates, chosen without these losses: on a held-out part (`pareto_order`), or by
        knowledge. Candidates that it leaves out are never rejected.
    starts : begin at so many places, spread evenly over the order, each with `delta / starts`.
    """
    if order is None:
        raise InvalidInput("`fixed_sequence` needs `order=` chosen without these losses; got None.")
    return FixedSequence(_order(order), whole_number(starts, "starts", low=1))


@dataclass(frozen=True)
class FixedSequence:
    """The procedure of `fixed_sequence`, where its arguments are described."""

    order: tuple[int, ...]
    starts: int = 1

    def __post_init__(self) -> None:
        if self.starts > len(self.order):
            raise InvalidInput(
                f"`starts` must be at most the length of `order`, {len(self.order)}; got {self.starts}."
            )

    def __call__(self, p_values: npt.ArrayLike, confidence_level: float = 0.95) -> Integers:
        """Sorted indices of the rejected."""
        p, delta = checked_p_values(p_values), 1.0 - checked_confidence(confidence_level)
        if max(self.order) >= len(p):
            raise InvalidInput(
                f"`order` names candidate {max(self.order)}; there are {len(p)}, counted from 0."
            )
        kept = p[list(self.order)] > self.first_level(delta, len(p))
        begins = [len(self.order) * i // self.starts for i in range(self.starts)]
        rejected = [self.order[begin : begin + _first(kept[begin:])] for begin in begins]
        return np.array(sorted({index for run in rejected for index in run}), dtype=np.int64)

    def first_level(self, delta: float, m: int) -> float:
        """Threshold of every test: `delta / starts`."""
        return delta / self.starts


def sequential_graphical(*, weights: Any, transitions: Any) -> SequentialGraphical:
    """Shares of the error that move along a graph when a hypothesis is rejected.

    Parameters
    ----------
    weights : (m,) initial shares w >= 0 with sum at most 1.
    transitions : (m, m) numbers g >= 0 with zero diagonal and rows that sum to at most 1; `g[j, k]` is the
        part of the share of j that k receives once j is rejected.
    """
    shares = _shares(finite_vector(weights, "weights")[np.newaxis], "weights")[0]
    return SequentialGraphical(tuple(shares.tolist()), _transitions(transitions, len(shares)))


@dataclass(frozen=True)
class SequentialGraphical:
    """The procedure of `sequential_graphical`, where its arguments are described.

    Reject any j with `p_j <= w_j delta`; then, for all others,
    `w_k += w_j g_jk` and `g_kl = (g_kl + g_kj g_jl) / (1 - g_kj g_jk)` for k != l; repeat.
    The order of rejections does not matter. Source: Bretz, Maurer, Brannath and Posch (2009), A graphical
    approach to sequentially rejective multiple test procedures. Cost: O(m^2) for each rejection.
    """

    weights: tuple[float, ...]
    transitions: tuple[tuple[float, ...], ...]

    def __call__(self, p_values: npt.ArrayLike, confidence_level: float = 0.95) -> Integers:
        """Sorted indices of the rejected."""
        p, delta = checked_p_values(p_values), 1.0 - checked_confidence(confidence_level)
        if len(p) != len(self.weights):
            raise InvalidInput(f"the graph has {len(self.weights)} hypotheses; got {len(p)} p-values.")
        shares, graph = np.array(self.weights), np.array(self.transitions)
        rejected: list[int] = []
        while len(ready := np.flatnonzero((p <= shares * delta) & (shares > 0))):
            rejected.append(int(ready[0]))
            shares, graph = _without(rejected[-1], shares, graph)
        return np.array(sorted(rejected), dtype=np.int64)


def _without(j: int, shares: Floats, graph: Floats) -> tuple[Floats, Floats]:
    """The graph after the rejection of j, whose row, column and share become zero."""
    shares = shares + shares[j] * graph[j]
    rest = 1.0 - graph[:, j] * graph[j]
    through = graph + np.outer(graph[:, j], graph[j])
    graph = np.divide(through, rest[:, np.newaxis], out=np.zeros_like(through), where=rest[:, np.newaxis] > 0)
    np.fill_diagonal(graph, 0.0)
    graph[j, :] = graph[:, j] = shares[j] = 0.0
    return shares, graph


def design_delta(procedure: Procedure, delta: float, m: int) -> float:
    """The error at which a bound fixes its bets and ranks, so that it agrees with the test at its threshold.

    `delta / starts` for a fixed sequence; else `delta / m`, the first threshold of `bonferroni` and `holm`.
    A procedure of one's own may give `first_level(delta, m)`.
    """
    first_level = getattr(procedure, "first_level", None)
    return delta / m if first_level is None else float(first_level(delta, m))


def procedure_name(procedure: Procedure) -> str:
    """The name that results print."""
    if isinstance(procedure, FixedSequence):
        return "fixed_sequence" + (f" with {procedure.starts} starts" if procedure.starts > 1 else "")
    if isinstance(procedure, SequentialGraphical):
        return "sequential_graphical"
    return str(getattr(procedure, "__name__", procedure))


def checked_p_values(p_values: npt.ArrayLike) -> Floats:
    """(m,) numbers in [0, 1]; `InvalidInput` otherwise."""
    p = finite_vector(p_values, "p_values")
    if p.min() < 0 or p.max() > 1:
        wrong = int(((p < 0) | (p > 1)).argmax())
        raise InvalidInput(f"`p_values` must lie in [0, 1]; got {p[wrong]:g} at {wrong}.")
    return p


def _first(where: npt.NDArray[np.bool_]) -> int:
    """Index of the first true value, or the length if there is none."""
    return int(where.argmax()) if where.any() else len(where)


def _order(order: Any) -> tuple[int, ...]:
    indices = [whole_number(index, "order", low=0) for index in _listed(order)]
    if not indices:
        raise InvalidInput("`order` is empty; name at least one candidate.")
    if len(set(indices)) < len(indices):
        twice = next(index for index in indices if indices.count(index) > 1)
        raise InvalidInput(f"`order` names candidate {twice} more than once.")
    return tuple(indices)


def _listed(order: Any) -> Sequence[Any]:
    if isinstance(order, str) or not hasattr(order, "__iter__"):
        raise InvalidInput(f"`order` must be indices of candidates; got {order!r}.")
    return list(order)


def _transitions(transitions: Any, m: int) -> tuple[tuple[float, ...], ...]:
    try:
        graph = np.array(transitions, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`transitions` must be a matrix of numbers; {error}.") from error
    if graph.shape != (m, m):
        raise InvalidInput(f"`transitions` must have shape ({m}, {m}), as `weights`; got {graph.shape}.")
    if np.diagonal(graph).any():
        loop = int((np.diagonal(graph) != 0).argmax())
        raise InvalidInput(f"`transitions` must have a zero diagonal; got {graph[loop, loop]:g} at {loop}.")
    return tuple(map(tuple, _shares(graph, "transitions").tolist()))


def _shares(rows: Floats, name: str) -> Floats:
    """Rows of numbers >= 0 with sums of at most 1; a sum above it by rounding alone is scaled back."""
    if not (np.isfinite(rows).all() and (rows >= 0).all()):
        raise InvalidInput(f"`{name}` must be finite numbers >= 0; got {rows.min():g}.")
    sums = rows.sum(axis=1)
    if sums.max() > 1 + ROUNDING:
        worst = int((sums > 1 + ROUNDING).argmax())
        row = f" row {worst}" if len(rows) > 1 else ""
        raise InvalidInput(f"`{name}`{row} sums to {sums[worst]:g}, above 1.")
    return rows / np.maximum(sums, 1.0)[:, np.newaxis]
