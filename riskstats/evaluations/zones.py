"""Zones by lines fixed in advance, and "cannot rule out" where the limits leave the zone open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskstats._validation import number
from riskstats.exceptions import InvalidInput
from riskstats.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ZONES", "Zone", "zone"]

ZONES = ("green", "yellow", "red")


@dataclass(frozen=True)
class Zone(Result):
    """Where a risk lies with respect to two lines.

    Attributes
    ----------
    estimate, lower, upper : of the risk, higher is worse.
    yellow, red : the lines. zone : "green", "yellow", "red", or None where the limits leave it open.
    worst : the worst zone that the upper limit reaches.
    """

    estimate: float
    lower: float
    upper: float
    yellow: float
    red: float
    zone: str | None
    worst: str

    @property
    def verdict(self) -> str:
        """The zone, or "cannot rule out" the worst one."""
        return self.zone if self.zone is not None else f"cannot rule out {self.worst}"

    @property
    def possible(self) -> tuple[str, ...]:
        """Every zone that the limits reach, the best first."""
        best = 0 if self.lower < self.yellow else 1 if self.lower <= self.red else 2
        return ZONES[best : ZONES.index(self.worst) + 1]

    def summary(self) -> str:
        """The verdict with the numbers that it rests on."""
        return (
            f"{self.verdict}: {self.estimate:.4g} [{self.lower:.4g}, {self.upper:.4g}], yellow line "
            f"{self.yellow:g}, red line {self.red:g}."
        )

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Axes | None = None) -> Figure:
        """The interval on the zones; see `plot_zones`."""
        from riskstats.plotting_evaluations import plot_zones

        return plot_zones({"risk": self}, ax)


def zone(estimate: float, limits: Any, yellow: float, red: float) -> Zone:
    """The zone of a risk by its confidence limits; higher is worse.

    Green if the upper limit is below the yellow line; red if the lower limit is above the red line; yellow if
    both limits lie between the lines, ends included; else the worst zone that the upper limit reaches cannot
    be ruled out. With a risk at or above the yellow line, green is wrong, and has at most the probability
    that the upper limit is below the risk: the error of that limit. So it is for red, by the lower limit.

    Parameters
    ----------
    estimate : a finite number. limits : (lower, upper), infinite or None on a side without a limit.
    yellow, red : the lines, yellow < red, fixed before looking at the losses.

    `InvalidInput`: lines or limits out of order, NaN, an estimate outside its limits.
    """
    value = number(estimate, "estimate")
    lower, upper = _limits(limits)
    if not lower <= value <= upper:
        raise InvalidInput(f"`estimate` {value:g} must lie between its limits; got ({lower:g}, {upper:g}).")
    first, second = number(yellow, "yellow"), number(red, "red")
    if not first < second:
        raise InvalidInput(
            f"`yellow` must be below `red`; got {first:g} and {second:g}. Higher is worse: negate a gain."
        )
    worst = "green" if upper < first else "yellow" if upper <= second else "red"
    found = None
    if worst == "green" or lower > second or (worst == "yellow" and lower >= first):
        found = worst
    return Zone(value, lower, upper, first, second, found, worst)


def _limits(limits: Any) -> tuple[float, float]:
    try:
        low, high = limits
        lower = -math.inf if low is None else float(low)
        upper = math.inf if high is None else float(high)
    except (TypeError, ValueError):
        raise InvalidInput(f"`limits` must be (lower, upper); got {limits!r}.") from None
    if math.isnan(lower) or math.isnan(upper) or lower > upper:
        raise InvalidInput(f"`limits` must be lower <= upper without NaN; got ({lower:g}, {upper:g}).")
    return lower, upper
