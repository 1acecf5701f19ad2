"""Relaxations compiled with JAX: the kernel of `relaxation` for one node, vmapped over a batch.

Rows and columns are padded up to buckets (rows of weight zero, columns fixed at 0), so a handful of
compilations serves a whole search. Padding changes no line and no bound at a point, only the steps to it.
On a CPU a batch holds one node with its own merged rows; on an accelerator it holds many nodes that share
the rows of the root.
"""

from __future__ import annotations

import numpy as np

from riskstats._jit import Compiled, pad_to
from riskstats.scores.compression import ScoreData
from riskstats.scores.node import Node
from riskstats.scores.problem import IntegerScoreProblem
from riskstats.scores.relaxation import NodeProblem, Relaxed, relax
from riskstats.scores.relaxers import Line, line_of, node_problem, padded_shape

__all__ = ["JaxRelaxer", "padded_data", "relax_batch"]

_ACCELERATOR_BATCH = 512
_VECTORS = ("lower", "upper", "free", "start")


def padded_data(data: ScoreData) -> ScoreData:
    """Return the data in the shape of its bucket."""
    rows, columns = padded_shape(*data.design.shape)
    design = pad_to(pad_to(data.design, rows), columns, axis=1)
    return ScoreData(design, pad_to(data.weight, rows), pad_to(data.target, columns))


def stacked(nodes: list[NodeProblem], columns: int) -> NodeProblem:
    """Return one NodeProblem whose arrays have a leading axis over nodes."""
    fields = {}
    for name in NodeProblem._fields:
        values = [getattr(node, name) for node in nodes]
        fields[name] = (
            np.stack([pad_to(v, columns) for v in values])
            if name in _VECTORS
            else np.array(values, dtype=np.float64)
        )
    return NodeProblem(**fields)


def _batch(data: ScoreData, nodes: NodeProblem) -> Relaxed:
    import jax

    return jax.vmap(relax, in_axes=(None, 0))(data, nodes)


def _lattice_batch(data: ScoreData, nodes: NodeProblem, spacing: float) -> Relaxed:
    import jax

    return jax.vmap(relax, in_axes=(None, 0, None))(data, nodes, spacing)


relax_batch = Compiled(_batch)
relax_batch_on_lattice = Compiled(_lattice_batch)


class JaxRelaxer:
    """Relaxes batches of nodes in compiled code on a CPU or an accelerator."""

    def __init__(self, problem: IntegerScoreProblem, spacing: float, device: str) -> None:
        self._problem, self._spacing = problem, spacing
        self._shared = problem.data if device == "gpu" else None
        self._compiled = relax_batch_on_lattice if spacing else relax_batch
        self._compiled_before = self._compiled.compile_seconds
        self._placed: tuple[ScoreData, ScoreData] | None = None
        self.batch = _ACCELERATOR_BATCH if device == "gpu" else 1

    @property
    def compile_seconds(self) -> float:
        """Seconds of compilation that this search has caused."""
        return self._compiled.compile_seconds - self._compiled_before

    def relax(self, nodes: list[Node], cutoff: float) -> list[Line]:
        """Return a line for every node."""
        if self._shared is not None:
            everything = np.arange(len(self._problem.lower))
            nodes = [node.over(self._shared, everything) for node in nodes]
        data = self._place(nodes[0].data)
        problems = [node_problem(self._problem, node, cutoff, self._spacing) for node in nodes]
        count = self.batch if len(nodes) > 1 else 1
        problems += problems[-1:] * (count - len(nodes))
        batch = stacked(problems, data.design.shape[1])
        answer = self._compiled(data, batch, self._spacing) if self._spacing else self._compiled(data, batch)
        return [
            line_of(self._problem, node, Relaxed(*(field[i] for field in answer)), self._spacing)
            for i, node in enumerate(nodes)
        ]

    def _place(self, data: ScoreData) -> ScoreData:
        """Pad the rows and put them on the device, once for consecutive nodes that share them."""
        if self._placed is None or self._placed[0] is not data:
            self._placed = (data, self._compiled.put(padded_data(data)))
        return self._placed[1]
