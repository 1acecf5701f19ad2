"""c-transforms of potentials and the dual value they prove, in blocks: the matrix is evaluated, never held.

    phi_i = max_j (M_ij - psi_j),      psi_j = max_i (M_ij - phi_i),      E_pi M <= sum a phi + sum b psi

for every coupling pi of a and b, whatever potential the first transform was given. In float64 this certifies;
the same kernels in float32, or soft (``s log sum b exp(. / s)`` in place of the maximum), only search. NumPy
and JAX run one kernel: over blocks of rows in a loop, or compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from riskstats._jit import Compiled, namespace
from riskstats._validation import Floats
from riskstats.wasserstein.certificate import rounded_up
from riskstats.wasserstein.inner_kernels import PAIRS, Formula, PairMatrix

__all__ = [
    "ON_DEVICE",
    "block_of",
    "column_maxima",
    "coupling_bound",
    "kernel",
    "over_blocks",
    "row_maxima",
    "transform",
]

ON_DEVICE = 2**26
"""Pairs that an accelerator evaluates at a time."""


def transform(
    formula: Formula,
    block: int,
    lead: Any,
    other: Any,
    parameters: Any,
    potential: Any,
    *,
    swapped: bool = False,
) -> Any:
    """``max over other of M - potential`` for each of `lead`, rows if not `swapped`, else columns."""

    def part(atoms: Any) -> Any:
        return (values_of(formula, atoms, other, parameters, swapped) - potential).max(axis=1)

    return over_blocks(part, (lead,), block)


def values_of(formula: Formula, lead: Any, other: Any, parameters: Any, swapped: bool) -> Any:
    """(b, ...) values of each of `lead` with all of `other`."""
    u, v = lead[:, np.newaxis], other[np.newaxis]
    return formula(v, u, parameters) if swapped else formula(u, v, parameters)


def over_blocks(part: Callable[..., Any], arrays: tuple[Any, ...], block: int) -> Any:
    """`part` of consecutive blocks of some arrays, put together along the first axis.

    part : maps arrays (b, ...) to one (b, ...). A compiled loop takes blocks of one size, the last filled up.
    """
    count = len(arrays[0])
    if namespace(*arrays) is np:
        starts = range(0, count, block)
        return np.concatenate([part(*(x[start : start + block] for x in arrays)) for start in starts])
    import jax

    block = min(block, count)

    def blocked(x: Any) -> Any:
        filled = jax.numpy.concatenate([x, jax.numpy.repeat(x[:1], -count % block, axis=0)])
        return filled.reshape(-1, block, *x.shape[1:])

    found = jax.lax.map(lambda blocks: part(*blocks), tuple(map(blocked, arrays)))
    return found.reshape(-1, *found.shape[2:])[:count]


def block_of(others: int, device: str) -> int:
    """How many rows of `others` pairs each are evaluated at a time."""
    return max(1, (ON_DEVICE if device == "gpu" else PAIRS) // max(others, 1))


@lru_cache(maxsize=64)
def kernel(function: Callable[..., Any], formula: Any, block: Any, swapped: bool = False) -> Compiled:
    """A kernel compiled for a formula; compiled again for new shapes and types only."""

    def compiled(*arrays: Any) -> Any:
        return function(formula, block, *arrays, swapped=swapped)

    return Compiled(compiled)


def row_maxima(matrix: PairMatrix, potential: Floats, device: str = "numpy") -> Floats:
    """(n,) ``max_j (M_ij - potential_j)``, in the type of `potential`.

    device : "numpy", or "cpu" and "gpu" for compiled code.
    """
    return _maxima(matrix, matrix.rows, matrix.columns, potential, device, False)


def column_maxima(matrix: PairMatrix, potential: Floats, device: str = "numpy") -> Floats:
    """(m,) ``max_i (M_ij - potential_i)``, in the type of `potential`."""
    return _maxima(matrix, matrix.columns, matrix.rows, potential, device, True)


def _maxima(
    matrix: PairMatrix, lead: Floats, other: Floats, potential: Floats, device: str, swapped: bool
) -> Floats:
    block = block_of(len(other), device)
    if device == "numpy":
        given = matrix.given
        return np.asarray(transform(matrix.formula, block, lead, other, given, potential, swapped=swapped))
    kind = potential.dtype
    arrays = [x.astype(kind) for x in (lead, other, matrix.parameters)]
    return np.asarray(kernel(transform, matrix.formula, block, swapped)(*arrays, potential))


def coupling_bound(
    matrix: PairMatrix, first: Floats, second: Floats, potential: Floats, device: str = "numpy"
) -> float:
    """What ``E_pi M`` exceeds for no coupling of `first` and `second`; rounded up, inf if nothing is proven.

    potential : (m,) any numbers; the better it is the closer the bound.
    """
    psi = np.asarray(potential, dtype=np.float64)
    if not np.isfinite(psi).all():
        return np.inf
    phi = row_maxima(matrix, psi, device)
    if not np.isfinite(phi).all():
        return np.inf
    psi = column_maxima(matrix, phi, device)
    return rounded_up((first * phi, second * psi)) if np.isfinite(psi).all() else np.inf
