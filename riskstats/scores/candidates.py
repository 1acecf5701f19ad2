"""Losses of many coefficient vectors at once: the hot loop of every neighbourhood.

One candidate is written down, JAX maps it over the batch, and the batch goes through in chunks, so that
memory stays bounded. Which library takes a batch is decided in `candidate_losses` alone.
"""

from __future__ import annotations

import numpy as np

from riskstats._jit import Compiled, pad_to, resolve_device
from riskstats.losses import softplus
from riskstats.scores._types import Array, FloatArray
from riskstats.scores.compression import ScoreData

__all__ = ["candidate_loss", "candidate_losses"]

_CHUNK = 1 << 22
"""Most scores (rows x candidates) held at a time: 32 MiB each."""


def candidate_loss(data: ScoreData, point: Array) -> Array:
    """Return the mean logistic loss, in nats, of one vector of coefficients in logits (lambda = t b)."""
    return data.weight @ softplus(data.design @ point) - data.target @ point


def _mapped(data: ScoreData, points: Array) -> Array:
    import jax

    return jax.vmap(candidate_loss, in_axes=(None, 0))(data, points)


compiled_losses = Compiled(_mapped)


def candidate_losses(data: ScoreData, points: FloatArray, device: str = "auto") -> FloatArray:
    """Return the losses of `points`, shape (candidates, columns), as an array of shape (candidates,).

    An accelerator takes the batch where there is one. On a CPU NumPy does: it needs 4 to 15 ns a score,
    compiled code too little less to repay its compilation (benchmarks/README.md).
    """
    rows, count = len(data.design), len(points)
    device = resolve_device(device)
    if device in ("numpy", "adaptive"):
        return _numpy_losses(data, points)
    size = max(1, min(_CHUNK // rows, count))
    placed = compiled_losses.put(data)
    parts = [
        compiled_losses(placed, pad_to(points[start : start + size], size)) for start in range(0, count, size)
    ]
    return np.concatenate(parts)[:count] if parts else np.zeros(0)


def _numpy_losses(data: ScoreData, points: FloatArray) -> FloatArray:
    losses = np.empty(len(points))
    size = max(1, _CHUNK // 16 // max(len(data.design), 1))
    for start in range(0, len(points), size):
        part = points[start : start + size]
        losses[start : start + size] = data.weight @ softplus(data.design @ part.T) - part @ data.target
    return losses
