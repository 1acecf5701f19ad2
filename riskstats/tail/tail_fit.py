"""What a fitted tail beyond a threshold says, and how far to believe it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskstats.results import Result, Status, as_percent, frame, plain
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["TailFit", "ThresholdRow"]


@dataclass(frozen=True)
class ThresholdRow(Result):
    """The fit at one threshold; `modified_scale` = scale - shape threshold does not change above a good one.

    Attributes
    ----------
    threshold, n_exceedances : how many losses are strictly above it.
    shape, shape_error : and its standard error, `(1 + shape) / sqrt(n_exceedances)`; None at shape <= -1/2.
    modified_scale, mean_excess : mean excess is a straight line in the threshold where the law holds.
    expected_shortfall : inf at shape >= 1; None where the threshold lies above the level.
    """

    threshold: float
    n_exceedances: int
    shape: float
    shape_error: float | None
    modified_scale: float
    mean_excess: float
    expected_shortfall: float | None


@dataclass(frozen=True)
class TailFit(Result):
    """A generalised Pareto law of the excesses over a threshold, with what follows at one level.

    Attributes
    ----------
    level, confidence_level : share not in the tail; of the interval.
    threshold : u. n, n_exceedances : all losses, zeros and negative ones too; those above u.
    shape, scale : xi and beta of `P(X - u > y | X > u) = (1 + xi y / beta)^(-1/xi)`.
    negative_log_likelihood : of the excesses.
    endpoint : largest possible loss, `u - beta / xi`; inf at shape >= 0.
    value_at_risk, expected_shortfall : at `level`; the shortfall is inf at shape >= 1.
    lower, upper : two-sided likelihood interval of the shortfall; upper is inf where shape 1 is not excluded.
    bootstrap_lower, bootstrap_upper : percentile interval from resamples; None without them. A check only:
        with 100 exceedances it holds the truth in 81 to 88 of 100 samples where it should in 95.
    empirical_shortfall : CVaR of the sample itself.
    support : (lowest, highest) possible loss, or None.
    edge : "" for a maximum inside, "support" where the endpoint is held at the highest loss, "shape" where
        shape is held at -1.
    thresholds : the fit over a grid of thresholds.
    status : OPTIMAL, or NONFINITE where the shortfall is infinite.
    notes : what a reader must know besides.
    provenance : version, data and settings.
    """

    level: float
    confidence_level: float
    threshold: float
    n: int
    n_exceedances: int
    shape: float
    scale: float
    negative_log_likelihood: float
    endpoint: float
    value_at_risk: float
    expected_shortfall: float
    lower: float
    upper: float
    bootstrap_lower: float | None
    bootstrap_upper: float | None
    empirical_shortfall: float
    support: tuple[float, float] | None
    edge: str
    thresholds: tuple[ThresholdRow, ...] = field(repr=False)
    status: Status
    notes: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    def summary(self) -> str:
        """The shortfall with its interval, the fit, the sample value beside it, and the notes."""
        sure = as_percent(self.confidence_level)
        shortfall = (
            f"Expected shortfall at level {self.level:g} is {self.expected_shortfall:.6g} "
            f"({sure} likelihood interval {self.lower:.6g} to {self.upper:.6g}); value at risk "
            f"{self.value_at_risk:.6g}; CVaR of the sample {self.empirical_shortfall:.6g}."
        )
        law = (
            f"Generalised Pareto tail above {self.threshold:.6g}: {self.n_exceedances} of {self.n} losses, "
            f"shape {self.shape:.4g}, scale {self.scale:.4g}, largest possible loss {self.endpoint:.6g}."
        )
        lines = [shortfall, law]
        if self.bootstrap_lower is not None:
            lines.append(f"Bootstrap, as a check: {self.bootstrap_lower:.6g} to {self.bootstrap_upper:.6g}.")
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per threshold; needs the extra `frames`."""
        return frame([plain(row) for row in self.thresholds])

    def plot(self, ax: Any = None) -> Figure:
        """Shape and shortfall over the thresholds: they should be level to the right of the one chosen."""
        from riskstats.plotting_tail import plot_threshold_stability

        return plot_threshold_stability(self, ax)
