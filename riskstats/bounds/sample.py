"""Losses that passed the gate, as every bound sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from riskstats._samples import Support
from riskstats._validation import Floats
from riskstats.exceptions import IncompatibleBound

__all__ = ["Sample"]

BLOCK = 2**25  # elements of one block: 256 MiB in float64


@dataclass(frozen=True, eq=False)
class Sample:
    """m candidates measured on the same n independent units.

    Parameters
    ----------
    values : (m, n) losses in `support`, in their own units; the order of columns is that of the data.
    support : (lowest, highest) possible loss; the highest may be inf.
    binary : whether every loss is 0 or 1 by declaration.
    """

    values: Floats
    support: Support
    binary: bool = False

    @property
    def n_candidates(self) -> int:
        return self.values.shape[0]

    @property
    def n_units(self) -> int:
        return self.values.shape[1]

    @property
    def bounded(self) -> bool:
        """Whether there is a largest possible loss."""
        return bool(np.isfinite(self.support[1]))

    def scaled(self, name: str = "the bound") -> Floats:
        """(m, n) losses mapped to [0, 1]: `(x - a) / (b - a)`. `IncompatibleBound` without a finite top."""
        self.needs_top(name)
        low, high = self.support
        return self.values if (low, high) == (0.0, 1.0) else (self.values - low) / (high - low)

    def needs_top(self, name: str) -> None:
        """`IncompatibleBound` where the support has no finite top."""
        if not self.bounded:
            raise IncompatibleBound(
                f"`{name}` needs bounded losses; got support ({self.support[0]:g}, inf). "
                "Pass `support=(low, high)`, or bound a quantile."
            )

    def to_scale(self, loss: float) -> float:
        """One loss mapped to the scale of `scaled`."""
        return (loss - self.support[0]) / (self.support[1] - self.support[0])

    def from_scale(self, values: Floats) -> Floats:
        """Back from the scale of `scaled`: `a + (b - a) u`, kept within the support."""
        low, high = self.support
        return values if (low, high) == (0.0, 1.0) else np.clip(low + (high - low) * values, low, high)

    def reflected(self) -> Sample:
        """The sample of `a + b - x`, so that an upper bound becomes a lower one."""
        low, high = self.support
        return replace(self, values=np.clip((low + high) - self.values, low, high))

    def blocks(self, elements: int = BLOCK) -> Iterator[tuple[slice, Sample]]:
        """Rows in blocks of at most `elements` numbers, so that memory stays bounded."""
        rows = max(1, elements // self.n_units)
        for start in range(0, self.n_candidates, rows):
            part = slice(start, min(start + rows, self.n_candidates))
            yield part, replace(self, values=self.values[part])
