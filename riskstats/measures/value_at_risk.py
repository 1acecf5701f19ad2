"""Value at risk: a quantile of the losses, with its side named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, choice
from riskstats._validation import level as checked_level
from riskstats.distribution import Distribution, Side, rank_of_level
from riskstats.envelope import Rows
from riskstats.measures.base import RiskMeasure, evaluated

__all__ = ["ValueAtRisk", "value_at_risk"]


@dataclass(frozen=True)
class ValueAtRisk(RiskMeasure):
    """The loss that is not exceeded with probability `level`.

    lower: `inf {x : F(x) >= level}`; upper: `inf {x : F(x) > level}`. They differ exactly where F takes the
    value `level` between two atoms. Always one of the losses: nothing is interpolated.

    Parameters
    ----------
    level : share not in the tail, in [0, 1).
    side : which quantile.
    """

    level: float
    side: Side = "lower"

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", checked_level(self.level))
        choice(self.side, ("lower", "upper"), "side")

    def of(self, law: Distribution) -> float:
        return law.quantile(self.level, self.side)

    def of_samples(self, samples: Floats) -> Floats:
        rank = rank_of_level(self.level, samples.shape[1], self.side)
        return np.partition(samples, rank - 1, axis=1)[:, rank - 1]

    def of_rows(self, rows: Rows) -> Floats:
        return rows.atoms[:, self.first_atom(rows.cumulative)]

    def first_atom(self, cumulative: Floats) -> int:
        """Index of the quantile, compared exactly: a band just below the level has not reached it."""
        side = "left" if self.side == "lower" else "right"
        return int(np.searchsorted(cumulative, self.level, side))  # type: ignore[call-overload]

    @property
    def levels(self) -> tuple[float, float]:
        return (self.level, self.level)


def value_at_risk(
    losses: Any, level: float, *, side: Side = "lower", sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """Quantile of a sample (n,), of each row of (m, n), or of a `Distribution`; `side` lower or upper."""
    return evaluated(ValueAtRisk(level, side), losses, sample_weight)
