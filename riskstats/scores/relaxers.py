"""Who solves the relaxations of a search: NumPy node by node, or JAX many at once. The choice is made here
alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskstats._jit import resolve_device
from riskstats.scores._types import FloatArray
from riskstats.scores.minorant import rounding_allowance
from riskstats.scores.node import Node
from riskstats.scores.problem import IntegerScoreProblem, SolveOptions
from riskstats.scores.relaxation import NodeProblem, Relaxed, relax

__all__ = ["Line", "Relaxer", "line_of", "node_problem", "padded_shape", "relaxer_for"]

_CLOSE_ENOUGH, _CLOSE_ENOUGH_ON_LATTICE = 0.3, 0.4
"""A relaxation stops when its bound is within this share of the distance to the cutoff."""
_NODES_BEFORE_COMPILING = 300
_LARGEST_COMPILED = 2_000_000
"""Above this many multiplications for a Hessian the time goes into BLAS, and padding would only add to it."""


@dataclass(frozen=True)
class Line:
    """Best line of a relaxation over all columns, its bound, and the point where the relaxation ended."""

    bound: float
    allowance: float
    constant: float
    gradient: FloatArray
    point: FloatArray
    last: FloatArray
    value: float
    spacing: float
    window: float


class Relaxer(Protocol):
    """Solves the relaxations of a batch of nodes."""

    batch: int

    @property
    def compile_seconds(self) -> float:
        """Seconds of compilation that this search has caused."""
        ...

    def relax(self, nodes: list[Node], cutoff: float) -> list[Line]:
        """Return a line for every node."""
        ...


def relaxer_for(problem: IntegerScoreProblem, options: SolveOptions, lattice: bool) -> Relaxer:
    """Return the relaxer for the device that `options` asks for; `lattice` takes the chord interpolant."""
    device = resolve_device(options.device)
    spacing = problem.scale_range[0] * problem.step if lattice else 0.0
    if device == "numpy":
        return NumpyRelaxer(problem, spacing)
    if device == "adaptive":
        return AdaptiveRelaxer(problem, spacing)
    return _jax_relaxer(problem, spacing, device)


def _jax_relaxer(problem: IntegerScoreProblem, spacing: float, device: str) -> Relaxer:
    from riskstats.scores.relaxers_jax import JaxRelaxer

    return JaxRelaxer(problem, spacing, device)


def padded_shape(rows: int, columns: int) -> tuple[int, int]:
    """Return the bucket of a shape: rows up to a power of 4 (at least 64), columns up to a power of 2 (at
    least 8)."""
    padded_rows, padded_columns = 64, 8
    while padded_rows < rows:
        padded_rows *= 4
    while padded_columns < columns:
        padded_columns *= 2
    return padded_rows, padded_columns


def node_problem(problem: IntegerScoreProblem, node: Node, cutoff: float, spacing: float) -> NodeProblem:
    """Return the node over its active columns as the kernel takes it."""
    active = node.active
    free = node.free[active].astype(np.float64)
    slots = problem.max_features - node.required
    return NodeProblem(
        node.lower[active],
        node.upper[active],
        free,
        float(slots),
        problem.penalty,
        problem.penalty * node.required,
        node.scales[0],
        node.scales[1],
        cutoff,
        _CLOSE_ENOUGH_ON_LATTICE if spacing else _CLOSE_ENOUGH,
        node.point[active],
    )


def line_of(problem: IntegerScoreProblem, node: Node, relaxed: Relaxed, spacing: float) -> Line:
    """Return the kernel's answer over all columns, with its allowance for rounding."""
    size = len(problem.lower)

    def spread(values: FloatArray) -> FloatArray:
        answer = np.zeros(size)
        answer[node.active] = values[: len(node.active)]
        return answer

    reach = np.maximum(np.abs(node.lower), np.abs(node.upper)) * node.scales[1]
    terms = 1.0 + float(reach @ problem.mean_magnitude)
    return Line(
        float(relaxed.bound),
        rounding_allowance(len(node.data.design), len(node.active), terms),
        float(relaxed.constant),
        spread(relaxed.gradient),
        spread(relaxed.point),
        spread(relaxed.last),
        float(relaxed.value),
        spacing,
        float(relaxed.window),
    )


class NumpyRelaxer:
    """One node after another on the CPU, each on its own merged rows."""

    batch = 1
    compile_seconds = 0.0

    def __init__(self, problem: IntegerScoreProblem, spacing: float) -> None:
        self._problem, self._spacing = problem, spacing

    def relax(self, nodes: list[Node], cutoff: float) -> list[Line]:
        """Return a line for every node."""
        return [self._one(node, cutoff) for node in nodes]

    def _one(self, node: Node, cutoff: float) -> Line:
        relaxed = relax(
            node.data, node_problem(self._problem, node, cutoff, self._spacing), self._spacing or None
        )
        return line_of(self._problem, node, relaxed, self._spacing)


class AdaptiveRelaxer:
    """NumPy for the first nodes of every shape, compiled code once a shape has come up often enough to
    repay compiling.

    The rule counts nodes and never looks at a clock, so the same problem takes the same path on every run.
    """

    batch = 1

    def __init__(self, problem: IntegerScoreProblem, spacing: float) -> None:
        self._problem, self._spacing = problem, spacing
        self._numpy = NumpyRelaxer(problem, spacing)
        self._compiled: Relaxer | None = None
        self._seen: Counter[tuple[int, int]] = Counter()

    @property
    def compile_seconds(self) -> float:
        """Seconds of compilation that this search has caused."""
        return 0.0 if self._compiled is None else self._compiled.compile_seconds

    def relax(self, nodes: list[Node], cutoff: float) -> list[Line]:
        """Return a line for every node."""
        return [line for node in nodes for line in self._choice(node).relax([node], cutoff)]

    def _choice(self, node: Node) -> Relaxer:
        rows, columns = node.data.design.shape
        shape = padded_shape(rows, columns)
        self._seen[shape] += 1
        if self._seen[shape] <= _NODES_BEFORE_COMPILING or rows * columns**2 > _LARGEST_COMPILED:
            return self._numpy
        if self._compiled is None:
            self._compiled = _jax_relaxer(self._problem, self._spacing, "cpu")
        return self._compiled
