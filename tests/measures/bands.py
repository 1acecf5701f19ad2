"""Random bands around random losses, and random laws inside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from riskstats.distribution import Distribution
from riskstats.envelope import Rows, best_rows, worst_rows


class BandCase(NamedTuple):
    """L and U on the intervals of the grid (bottom, losses, top), and the two edges."""

    grid: np.ndarray
    low: np.ndarray
    high: np.ndarray
    worst: Rows
    best: Rows


def random_bands(
    rng: np.random.Generator, cases: int, support: tuple[float, float] = (0.0, 1.0)
) -> Iterator[BandCase]:
    """n from 1 to 12, ties, wide and narrow bands."""
    for _ in range(cases):
        n = int(rng.integers(1, 13))
        bottom, top = support
        x = bottom + (top - bottom) * np.sort(
            np.round(rng.random(n) ** rng.choice([1, 3]), rng.integers(1, 4))
        )
        width = rng.choice([0.02, 0.2, 0.6])
        edges = np.sort(rng.random(n + 1))
        lower = np.maximum(edges[:n] - width * rng.random(n), 0) * (1 - 1e-9)
        upper = np.minimum(edges[1:] + width * rng.random(n), 1)
        lower, upper = np.maximum.accumulate(lower), np.maximum.accumulate(upper)
        low, high = np.append(0.0, lower), np.append(upper, 1.0)
        high = np.maximum(high, low)
        worst = worst_rows(x[np.newaxis], lower, top)
        best = best_rows(x[np.newaxis], high[:-1], bottom)
        yield BandCase(np.concatenate([[bottom], x, [top]]), low, high, worst, best)


def random_law(rng: np.random.Generator, band: BandCase, pieces: int = 3) -> Distribution:
    """A distribution function between L and U, with `pieces` steps inside each interval."""
    cuts = np.sort(rng.random((len(band.low), pieces - 1)), axis=1)
    shares = np.concatenate([np.zeros((len(cuts), 1)), cuts], axis=1)
    atoms = (band.grid[:-1, None] + shares * np.diff(band.grid)[:, None]).ravel()
    low, high = np.repeat(band.low, pieces), np.repeat(band.high, pieces)
    kind = rng.integers(4)
    if kind == 0:
        raw = low + (high - low) * rng.random(len(low))
    elif kind == 1:  # one level, as the law with the largest Gini
        raw = np.clip(rng.random(), low, high)
    elif kind == 2:  # one jump from edge to edge, as the law with the smallest
        raw = np.where(np.arange(len(low)) < rng.integers(len(low) + 1), low, high)
    else:
        raw = low + (high - low) * rng.beta(0.3, 0.3, len(low))
    cumulative = np.clip(np.maximum.accumulate(raw), low, high)
    return Distribution.from_cumulative(np.append(atoms, band.grid[-1]), np.append(cumulative, 1.0))
