"""What a yes-or-no decision costs, row by row: the losses that a decision threshold is certified on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, Integers, choice, number
from riskstats.exceptions import InvalidInput

__all__ = ["DecisionLoss", "Decisions", "LossSpec", "decision_loss"]

LossSpec: TypeAlias = "str | Mapping[str, float] | Callable[[Integers, Integers, Floats], Any]"

OUTCOMES = ("true_negative", "false_positive", "false_negative", "true_positive")
NAMES = {
    "zero_one": (0.0, 1.0, 1.0, 0.0),
    "false_negative": (0.0, 0.0, 1.0, 0.0),
    "false_positive": (0.0, 1.0, 0.0, 0.0),
}


@dataclass(frozen=True, eq=False)
class Decisions:
    """target : (n,) 0 or 1. decision : (n,) 0 or 1. probability : (n,) of the positive class."""

    target: Integers
    decision: Integers
    probability: Floats


class DecisionLoss:
    """A loss of decisions: larger is worse.

    Attributes
    ----------
    support : (lowest, highest) possible loss.
    binary : whether every loss is 0 or 1.
    """

    support: Support
    binary: bool = False

    def units(self, target: Integers) -> np.ndarray:
        """(n,) which rows are units of this loss; it depends on the target alone."""
        return np.ones(len(target), dtype=bool)

    def of(self, rows: Decisions) -> Floats:
        """(n,) the losses of all rows."""
        raise NotImplementedError


@dataclass(frozen=True)
class OutcomeCost(DecisionLoss):
    """A cost for each of `OUTCOMES`; units are all rows, or those of one class."""

    costs: tuple[float, float, float, float]
    only: int | None = None
    binary: bool = False

    @property
    def support(self) -> Support:  # type: ignore[override]
        return min(self.costs), max(self.costs)

    def units(self, target: Integers) -> np.ndarray:
        return super().units(target) if self.only is None else target == self.only

    def of(self, rows: Decisions) -> Floats:
        return np.array(self.costs)[2 * rows.target + rows.decision]


@dataclass(frozen=True)
class OwnLoss(DecisionLoss):
    """The losses of a function of target, decision and probability."""

    function: Callable[[Integers, Integers, Floats], Any]
    support: Support

    def of(self, rows: Decisions) -> Floats:
        values = self.function(rows.target, rows.decision, rows.probability)
        losses, _ = loss_vector(values, self.support, name="loss")
        if len(losses) != len(rows.target):
            raise InvalidInput(
                f"`loss` returned {len(losses)} values for {len(rows.target)} rows. Return one per row."
            )
        return losses


def decision_loss(loss: Any, support: Any, name: str = "loss") -> DecisionLoss:
    """From a name, costs by outcome, or a function; `InvalidInput` otherwise.

    "zero_one": 1 for an error. "false_negative": 1 for a miss, over the positive rows. "false_positive":
    1 for a false alarm, over the negative rows. A mapping: cost of "false_negative", "false_positive",
    "true_positive", "true_negative", 0 where left out. A function `(target, decision, probability) -> (n,)`
    with losses in `support`, None for (0, 1).
    """
    if callable(loss):
        return OwnLoss(loss, checked_support((0.0, 1.0) if support is None else support))
    if isinstance(loss, Mapping):
        return _costs(loss, name)
    chosen = choice(loss, NAMES, name)
    return OutcomeCost(NAMES[chosen], {"false_negative": 1, "false_positive": 0}.get(chosen), binary=True)


def _costs(loss: Mapping[str, float], name: str) -> OutcomeCost:
    for key in loss:
        choice(key, OUTCOMES, f"{name} key")
    costs = tuple(number(loss.get(outcome, 0.0), f"{name}[{outcome!r}]") for outcome in OUTCOMES)
    if len(set(costs)) == 1:
        raise InvalidInput(
            f"`{name}` gives every outcome the same cost {costs[0]:g}; nothing can be decided."
        )
    return OutcomeCost(costs)  # type: ignore[arg-type]
