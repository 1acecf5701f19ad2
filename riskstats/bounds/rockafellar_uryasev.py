"""CVaR of bounded losses, by betting on the excess over a threshold."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskstats._validation import Floats, choice, number, whole_number
from riskstats.bounds import tail_wagers
from riskstats.bounds.base import Assumptions, Bound
from riskstats.bounds.betting_kernels import row_blocks
from riskstats.bounds.sample import Sample
from riskstats.bounds.tail_wagers import FixedThreshold, Mixture, Predictable, Wager, split_off
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["RockafellarUryasev", "rockafellar_uryasev"]

POINTS = 20  # thresholds of a mixture whose grid is not given, spread over the support


@dataclass(frozen=True)
class RockafellarUryasev(Bound):
    """CVaR from `CVaR <= t + E (X - t)+ / (1 - level)` for any t, by betting against the right side.

    Upper bound: the r where the highest wealth of a bettor against `CVaR >= r` reaches 1/delta; p-value: one
    over the highest wealth at r. Independent draws of one law on a finite support, one-sided, n fixed
    beforehand. There is no lower bound of this kind.

    Parameters
    ----------
    threshold : how t is chosen before the losses that it meets:
        "predictable" (default): from the losses before each one; no unit is spent. The result depends on the
        order of the units. Valid at every time up to n.
        "split": from ceil(n/8) units drawn at random, the bound from the others.
        "mixture": the mean of the wealths over a fixed grid of t.
        a number: t itself, in the units of the losses, fixed without looking at them.
    grid : thresholds of a mixture, in the units of the losses; None is 20 points spread over the support.
    random_state : of the draw for "split"; the same state gives the same answer.

    Source: Rockafellar and Uryasev (2002), Conditional value-at-risk for general loss distributions, for the
    inequality; Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, for
    the stakes. Predictable thresholds and the mixture are proved in `bounds/tail_wagers.py`.
    """

    threshold: float | str = "predictable"
    grid: tuple[float, ...] | None = None
    random_state: int = 0

    requires: ClassVar[Assumptions] = Assumptions()

    def __post_init__(self) -> None:
        if isinstance(self.threshold, numbers.Real):
            object.__setattr__(self, "threshold", number(self.threshold, "threshold"))
        else:
            choice(self.threshold, ("predictable", "split", "mixture"), "threshold")
        if self.grid is not None:
            object.__setattr__(self, "grid", tuple(number(t, "grid") for t in self.grid))
            if self.threshold != "mixture" or not self.grid:
                raise InvalidInput("`grid` holds the thresholds of `threshold='mixture'`: one or more.")
        whole_number(self.random_state, "random_state", low=0)

    def carries(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, CVaR)

    def check(self, sample: Sample, measure: RiskMeasure) -> None:
        """As for every bound, and thresholds must lie below the top of the support."""
        super().check(sample, measure)
        low, high = sample.support
        declared = [self.threshold] if isinstance(self.threshold, float) else self.grid or ()
        for t in declared:
            if not low <= float(t) < high:
                raise InvalidInput(f"`threshold` must lie in [{low:g}, {high:g}), the support; got {t:g}.")

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        goal = -math.log(delta)
        wagers = self._wagers(sample, measure, goal)
        return sample.from_scale(np.concatenate([tail_wagers.bound(wager, goal) for _, wager in wagers]))

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        raise IncompatibleBound(
            f"`{self.name}` bounds `{measure}` from above only; for a lower bound take a band such as "
            "`BerkJones`."
        )

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        limit = sample.to_scale(risk_limit)
        if limit <= 0.0:
            return np.ones(sample.n_candidates)
        wagers = self._wagers(sample, measure, -math.log(delta))
        return np.concatenate([tail_wagers.p_values(wager, limit, rows) for rows, wager in wagers])

    def _wagers(self, sample: Sample, measure: RiskMeasure, goal: float) -> list[tuple[int, Wager]]:
        """(rows, wager) of the sample in blocks of rows."""
        assert isinstance(measure, CVaR)
        blocks = row_blocks(sample.scaled(self.name))
        return [(len(rows), self._wager(rows, sample, measure.level, goal)) for rows in blocks]

    def _wager(self, losses: Floats, sample: Sample, level: float, goal: float) -> Wager:
        if self.threshold == "predictable":
            return Predictable.of(losses, level, goal)
        if self.threshold == "mixture":
            grid = np.arange(POINTS) / POINTS if self.grid is None else map(sample.to_scale, self.grid)
            return Mixture.of(losses, tuple(map(float, grid)), level, goal)
        if self.threshold == "split":
            threshold, rest = split_off(losses, level, self.random_state)
            return FixedThreshold.of(rest, threshold, level, goal)
        declared = np.full((len(losses), 1), sample.to_scale(float(self.threshold)))
        return FixedThreshold.of(losses, declared, level, goal)

    def _refusal(self, measure: RiskMeasure) -> str:
        return f"`{self.name}` bounds a CVaR; `{measure}` needs another bound: see `recommend`."


def rockafellar_uryasev(
    losses: Any,
    level: float,
    *,
    threshold: float | str = "predictable",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    random_state: int = 0,
) -> RiskBound:
    """Upper bound on `CVaR(level)` by `RockafellarUryasev`; see there for the choice of `threshold`."""
    bound = RockafellarUryasev(threshold, random_state=random_state)
    return bound(losses, CVaR(level), confidence_level=confidence_level, support=support)
