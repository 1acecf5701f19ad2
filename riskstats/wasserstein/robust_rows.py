"""The three products with the rows of a design that every robust fit is made of, on the host or a device.

    times(theta)      x_i'b + c                              (n,)
    transposed(v)     sum_i v_i (x_i, 1)                     (p,)
    gram(h)           sum_i h_i (x_i, 1)(x_i, 1)'            (p, p)

The intercept c, where there is one, is the last coefficient. Vectors of rows stay in NumPy; only the design
lives on the device, in blocks, padded by rows of zeros. Everything is float64.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from riskstats._jit import Compiled, pad_to, resolve_device
from riskstats._validation import Floats

__all__ = ["Rows", "rows_of"]

BLOCK = 1024
DEVICE_BLOCK = 4096
_WORTH_A_DEVICE = 1_000_000


class Rows(Protocol):
    """Products with a design of n rows and p coefficients."""

    n: int
    p: int
    intercept: bool

    def times(self, theta: Floats) -> Floats:
        """(n,) scores of the rows."""

    def transposed(self, v: Floats) -> Floats:
        """(p,) weighted sum of the rows."""

    def gram(self, h: Floats) -> Floats:
        """(p, p) weighted sum of outer products, h >= 0."""


def rows_of(X: Floats, intercept: bool, device: str = "numpy") -> Rows:
    """The products in NumPy, or compiled for "cpu" and "gpu"; "auto" takes an accelerator if there is one."""
    small = device == "auto" and X.size < _WORTH_A_DEVICE
    chosen = "numpy" if small else resolve_device(device)
    return DeviceRows(X, intercept) if chosen in ("cpu", "gpu") else HostRows(X, intercept)


class HostRows:
    """The products in NumPy; the Gram matrix block by block, each in cache."""

    def __init__(self, X: Floats, intercept: bool) -> None:
        self.X = np.ascontiguousarray(X)
        self.intercept = intercept
        self.n, self.d = X.shape
        self.p = self.d + int(intercept)

    def times(self, theta: Floats) -> Floats:
        """(n,) scores of the rows."""
        scores = self.X @ theta[: self.d]
        return np.asarray(scores + theta[self.d] if self.intercept else scores)

    def transposed(self, v: Floats) -> Floats:
        """(p,) weighted sum of the rows."""
        sums = v @ self.X
        return np.append(sums, v.sum()) if self.intercept else np.asarray(sums)

    def gram(self, h: Floats) -> Floats:
        """(p, p) weighted sum of outer products, h >= 0."""
        answer = np.zeros((self.p, self.p))
        root = np.sqrt(h)
        for start in range(0, self.n, BLOCK):
            part = slice(start, start + BLOCK)
            block = np.empty((len(root[part]), self.p))
            np.multiply(self.X[part], root[part, None], out=block[:, : self.d])
            if self.intercept:
                block[:, self.d] = root[part]
            answer += block.T @ block
        return answer


class DeviceRows:
    """The products compiled by JAX, with the design on its device."""

    def __init__(self, X: Floats, intercept: bool) -> None:
        self.intercept = intercept
        self.n, d = X.shape
        self.p = d + int(intercept)
        design = np.column_stack([X, np.ones(self.n)]) if intercept else X
        self.blocks = -(-self.n // DEVICE_BLOCK)
        padded = pad_to(np.asarray(design), self.blocks * DEVICE_BLOCK)
        self.design = Compiled.put(padded.reshape(self.blocks, DEVICE_BLOCK, self.p))

    def times(self, theta: Floats) -> Floats:
        """(n,) scores of the rows."""
        return np.array(_TIMES(self.design, theta)).reshape(-1)[: self.n]

    def transposed(self, v: Floats) -> Floats:
        """(p,) weighted sum of the rows."""
        return np.array(_TRANSPOSED(self.design, self._blocked(v)))

    def gram(self, h: Floats) -> Floats:
        """(p, p) weighted sum of outer products, h >= 0."""
        return np.array(_GRAM(self.design, self._blocked(h)))

    def _blocked(self, v: Floats) -> Floats:
        return pad_to(v, self.blocks * DEVICE_BLOCK).reshape(self.blocks, DEVICE_BLOCK)


def _scores(design: Any, theta: Any) -> Any:
    return design @ theta


def _weighted_sum(design: Any, v: Any) -> Any:
    import jax.numpy as jnp

    return jnp.einsum("bij,bi->j", design, v)


def _weighted_outer(design: Any, h: Any) -> Any:
    """Block after block: never a second copy of the design."""
    import jax

    def add(total: Any, block: Any) -> tuple[Any, None]:
        rows, weights = block
        return total + rows.T @ (weights[:, None] * rows), None

    p = design.shape[2]
    return jax.lax.scan(add, jax.numpy.zeros((p, p)), (design, h))[0]


_TIMES, _TRANSPOSED, _GRAM = Compiled(_scores), Compiled(_weighted_sum), Compiled(_weighted_outer)
