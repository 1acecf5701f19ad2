"""A bound with everything that its reading needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskstats.results import Result, Status, as_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RiskBound"]


@dataclass(frozen=True)
class RiskBound(Result):
    """A statement `risk <= value` (or >=) that holds with probability `confidence_level`.

    Attributes
    ----------
    value : the bound, in the units of the measure; inf or -inf with status NO_BOUND.
    estimate : the measure of the sample itself.
    side : "upper" or "lower".
    measure, bound : what was bounded, and by which method.
    confidence_level : 1 - probability of error, over the sampling of units.
    n_units : number of independent units.
    support : (lowest, highest) possible loss that was declared.
    guaranteed : whether the statement holds at this n, or only as n grows.
    status : BOUND, or NO_BOUND where the value is infinite.
    notes : assumptions, and why a bound says little where it does.
    """

    value: float
    estimate: float
    side: str
    measure: str
    bound: str
    confidence_level: float
    n_units: int
    support: tuple[float, float]
    guaranteed: bool = True
    status: Status = Status.BOUND
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The statement in one sentence, the estimate, and the notes."""
        relation = "at most" if self.side == "upper" else "at least"
        sure = as_percent(self.confidence_level)
        if self.status is Status.NO_BOUND:
            lines = [f"{self.measure}: no bound at {sure} confidence ({self.bound}, n = {self.n_units})."]
        else:
            kind = "" if self.guaranteed else ", approximate"
            text = (
                f"{self.measure} is {relation} {self.value:.6g} with {sure} confidence "
                f"({self.bound}, n = {self.n_units}{kind})."
            )
            lines = [text]
        lines.append(f"Estimate from the sample: {self.estimate:.6g}.")
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None) -> Figure:
        """Estimate and bound on one axis, within the support."""
        from riskstats.plotting import plot_risk_bound

        return plot_risk_bound(self, ax)
