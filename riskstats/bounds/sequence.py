"""Bounds on a mean that hold at every number of units at once, so that looking and stopping are free."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from riskstats._samples import Support
from riskstats._validation import Floats
from riskstats.bounds.base import Assumptions, MeanBound

__all__ = ["MeanSequence"]


class MeanSequence(MeanBound):
    """A bound on the mean with one error over all times; units need only a constant conditional mean.

    `mean_upper` is the bound after the last unit. Subclasses give `running` too.
    """

    requires: ClassVar[Assumptions] = Assumptions(independent=False, anytime=True)

    @abstractmethod
    def running(self, losses: Floats, delta: float) -> Floats:
        """(n,) upper bounds in [0, 1] after each of the losses (n,) in [0, 1], nonincreasing."""

    def running_upper(self, losses: Floats, delta: float, *, support: Support = (0.0, 1.0)) -> Floats:
        """(n,) bound after each unit: with probability 1 - delta the mean is below all of them.

        losses : (n,) in `support`, in the order in which they came.
        """
        low, high = support
        return low + (high - low) * self.running((np.asarray(losses) - low) / (high - low), delta)

    def running_lower(self, losses: Floats, delta: float, *, support: Support = (0.0, 1.0)) -> Floats:
        """(n,) lower bound after each unit, by reflection."""
        total = sum(support)
        return total - self.running_upper(total - np.asarray(losses), delta, support=support)
