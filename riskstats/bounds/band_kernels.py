"""Weighted sums of order statistics of many samples: NumPy on a CPU, compiled on an accelerator."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._jit import Compiled, namespace, pad_to, resolve_device
from riskstats._validation import Floats

__all__ = ["CHUNK", "order_statistics", "ordered_sums", "row_sums"]

CHUNK = 2**22  # elements of one piece on a CPU: 32 MiB in float64
DEVICE_CHUNK = 2**27  # of one piece on an accelerator: 1 GiB


def ordered_sums(values: Floats, first: int, weights: Floats, device: str = "auto") -> Floats:
    """(m,) `sum_i weights_i x_(first + i)` of the rows of (m, n), i counted from 0; no row is sorted whole.

    A row gives the same digits alone and among others on a CPU.
    """
    kind = resolve_device(device)
    if kind in ("numpy", "adaptive"):
        return np.concatenate([_on_numpy(part, first, weights) for part in _pieces(values, CHUNK)])
    return np.concatenate([_on_device(part, first, weights) for part in _pieces(values, DEVICE_CHUNK)])


def order_statistics(values: Floats, first: int, last: int) -> Floats:
    """(m, last - first + 1) the order statistics with these places, from 0, of the rows of (m, n)."""
    n, values = values.shape[1], np.ascontiguousarray(values)
    cuts = [cut for cut in {first, last} if 0 < cut < n - 1]
    if cuts:
        values = np.partition(values, cuts, axis=1)[:, first : last + 1]
    elif first == last:
        return (values.min if first == 0 else values.max)(axis=1, keepdims=True)
    return np.sort(values, axis=1)


def row_sums(ordered: Floats, weights: Floats) -> Floats:
    """(m,) sums of (m, k) times (k,) or (m, k), each row by itself and always in the same order."""
    return np.einsum("ij,j->i" if weights.ndim == 1 else "ij,ij->i", ordered, weights)


def _on_numpy(values: Floats, first: int, weights: Floats) -> Floats:
    return row_sums(order_statistics(values, first, first + len(weights) - 1), weights)


def _on_device(values: Floats, first: int, weights: Floats) -> Floats:
    """A full sort there costs less than a selection here; rows are padded so that shapes repeat."""
    every = np.zeros(values.shape[1])
    every[first : first + len(weights)] = weights
    rows = 1 << (len(values) - 1).bit_length()
    return _sorted_sums(pad_to(values, rows), every)[: len(values)]


def _sort_and_sum(values: Any, weights: Any) -> Any:
    return namespace(values).sort(values, axis=1) @ weights


_sorted_sums = Compiled(_sort_and_sum)


def _pieces(values: Floats, elements: int) -> list[Floats]:
    rows = max(1, elements // values.shape[1])
    return [values[start : start + rows] for start in range(0, len(values), rows)]
