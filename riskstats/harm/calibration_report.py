"""Whether a model refuses most where acting is easiest, with the parts of the answer and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskstats.harm.refusal_curve import CalibratedRefusals, RefusalRate
from riskstats.harm.refusal_slope import RefusalSlope
from riskstats.results import Result, as_percent, frame
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CalibrationReport", "RankAssociation"]


@dataclass(frozen=True)
class RankAssociation(Result):
    """An association of refusal with cost and its bootstrap limits; None where it is undefined.

    Attributes
    ----------
    value : of the sample. lower, upper : quantiles over the resamples that have one.
    undefined_share : share of resamples without one.
    """

    value: float | None
    lower: float | None
    upper: float | None
    undefined_share: float

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        if self.lower is None or self.upper is None:
            return f"{self.value:.4g} (no limits)"
        return f"{self.value:.4g} ({self.lower:.4g} to {self.upper:.4g})"


@dataclass(frozen=True, eq=False)
class CalibrationReport(Result):
    """Inverse risk calibration of one model; positive is inverse: it refuses more as cost rises.

    Attributes
    ----------
    tau : Kendall's tau-b of refusal and cost. auc : chance that a refused prompt costs more than an answered
        one, ties 1/2; above 1/2 is inverse.
    direction : "inverse", "calibrated" or "undecided", by the limits of tau.
    slope : logistic, adjusted for severity. raw_slope : without the adjustment.
    severity_varies : False where the two slopes are the same for want of it.
    curve : refusal per cost level. within : the same within severity levels, one row per pair.
    calibrated : the decreasing fit, and the regret.
    cost_map : of the regret. levels : K names.
    confidence_level : of each interval alone. n, n_units : prompts of positive weight; what was resampled.
    resamples : their number. provenance : version, hash of the input, seed and settings. notes : the rest.
    """

    tau: RankAssociation
    auc: RankAssociation
    direction: str
    slope: RefusalSlope
    raw_slope: RefusalSlope
    severity_varies: bool
    curve: tuple[RefusalRate, ...]
    within: tuple[RefusalRate, ...]
    calibrated: CalibratedRefusals
    cost_map: str
    levels: tuple[str, ...]
    confidence_level: float
    n: int
    n_units: int
    resamples: int
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def regret(self) -> float:
        """EH of the refusals less EH of the calibrated ones, under the chosen map."""
        return self.calibrated.regret

    def summary(self) -> str:
        """The direction, each part with its limits, the curve and the notes."""
        return "\n".join([self._head(), *self._parts(), *self._rows(), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def _head(self) -> str:
        words = {
            "inverse": "Inverse risk calibration: it refuses more where acting is harder",
            "calibrated": "Refusals fall as cost rises, as they should",
            "undecided": "Whether refusals rise or fall with cost is not decided",
        }
        units = "prompts" if self.n_units == self.n else f"prompts in {self.n_units} clusters"
        sure = as_percent(self.confidence_level)
        return f"{words[self.direction]}{self._but()} ({sure}; {self.n} {units}, {self.resamples} resamples)."

    def _but(self) -> str:
        """What the adjustment for severity takes away."""
        away = {"inverse": self.slope.lower <= 0, "calibrated": self.slope.upper >= 0, "undecided": False}
        return (
            ", which is not shown at the same severity"
            if self.severity_varies and away[self.direction]
            else ""
        )

    def _parts(self) -> list[str]:
        lines = [f"tau-b {self.tau}; auc {self.auc}.", self.slope.summary()]
        if self.severity_varies:
            lines.append(f"Without severity: {self.raw_slope.summary()}")
        fit = self.calibrated
        lines.append(
            f"Regret {fit.regret:.4g} of expected harm ({self.cost_map} map), at most "
            f"{fit.largest_regret:.4g} over all decreasing maps."
        )
        return lines

    def _rows(self) -> list[str]:
        place = {name: k for k, name in enumerate(self.levels)}
        return [
            f"  cost {row.cost}: {100 * row.rate:.3g} % refused "
            f"({100 * row.lower:.3g} to {100 * row.upper:.3g} %), "
            f"calibrated {100 * self.calibrated.calibrated[place[row.cost]]:.3g} %, n = {row.n}"
            for row in self.curve
        ]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per cost level, then per severity and cost; needs `frames`."""
        return frame([row.to_dict() for row in (*self.curve, *self.within)])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Refusal by cost with its bands and the calibrated curve; see `plot_refusals`."""
        from riskstats.plotting_harm import plot_refusals

        return plot_refusals(self, ax)
