"""Losses in clusters of one chance each, with a known mean, on which limits are tried."""

from __future__ import annotations

import numpy as np


def clustered(rng: np.random.Generator, clusters: int, size: int, mean: float, correlation: float):
    """((n,) losses 0 or 1, (n,) clusters): chances are Beta with the mean and this correlation."""
    total = (1 - correlation) / correlation
    chances = rng.beta(mean * total, (1 - mean) * total, clusters)
    losses = (rng.random((clusters, size)) < chances[:, np.newaxis]) * 1.0
    return losses.ravel(), np.repeat(np.arange(clusters), size)


def outside(low: float, truth: float, high: float) -> bool:
    return not low <= truth <= high
