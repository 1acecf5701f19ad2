"""Expectiles: the loss at which weighted excess and shortfall balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats._validation import level as checked_level
from riskstats.measures.base import AtomMeasure, evaluated

__all__ = ["Expectile", "expectile"]

STEPS = 200  # never reached: each step of Newton cuts balance times slope to a quarter
LAST_DIGIT = 2.0**-52


@dataclass(frozen=True)
class Expectile(AtomMeasure):
    """The e with `level E (X - e)+ = (1 - level) E (e - X)+`.

    At level 0.5 the mean; coherent from there on. At level 0 its limit, the smallest loss. Between two
    losses the balance is linear in e, so Newton's method ends on the segment of the root, where it is exact;
    nothing is sorted.

    Parameters
    ----------
    level : in [0, 1).

    Source: Newey and Powell (1987), Asymmetric least squares estimation and testing.
    """

    level: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", checked_level(self.level))

    def of_samples(self, samples: Floats) -> Floats:
        n = samples.shape[1]
        return self.of_atoms(samples, np.full(n, 1.0 / n))

    def of_atoms(self, atoms: Floats, mass: Floats) -> Floats:
        lowest, highest = atoms.min(axis=1), atoms.max(axis=1)
        if self.level == 0.0:
            return lowest
        values = np.clip(atoms @ mass, lowest, highest)
        close = LAST_DIGIT * np.maximum(np.abs(lowest), np.abs(highest))
        moving = np.arange(len(atoms))
        for _ in range(STEPS):
            step = self._step(atoms[moving] if len(moving) < len(atoms) else atoms, mass, values[moving])
            values[moving] += step
            moving = moving[np.abs(step) > close[moving]]
            if len(moving) == 0:
                break
        return np.clip(values, lowest, highest)

    def _step(self, atoms: Floats, mass: Floats, at: Floats) -> Floats:
        """Newton's step for the balance at `at`."""
        beyond = atoms - at[:, np.newaxis]
        above = (beyond > 0) @ mass
        total = beyond @ mass
        excess = np.maximum(beyond, 0.0, out=beyond) @ mass
        balance = self.level * excess - (1.0 - self.level) * (excess - total)
        return balance / (self.level * above + (1.0 - self.level) * (1.0 - above))

    @property
    def coherent(self) -> bool:
        return self.level >= 0.5


def expectile(losses: Any, level: float, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """Expectile of (n,), of rows of (m, n), or of a `Distribution`."""
    return evaluated(Expectile(level), losses, sample_weight)
