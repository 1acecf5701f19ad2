"""What a backtest says: each test by itself, and the bet that holds at any time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskstats._validation import Floats
from riskstats.results import Result, Status, as_percent, frame
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["BacktestReport", "BacktestTest"]


@dataclass(frozen=True)
class BacktestTest(Result):
    """One test of the forecasts.

    Attributes
    ----------
    name : of the test.
    statistic : None where it does not exist; `reason` says why.
    p_value : from the chi-squared law that holds as T grows; None where there is none.
    exact_p_value : valid at this T: from the binomial law (Kupiec), or by simulation of the forecaster's law
        (the others, where a sampler was given); None otherwise.
    reason : why a number is missing.
    """

    name: str
    statistic: float | None
    p_value: float | None = None
    exact_p_value: float | None = None
    reason: str = ""

    def summary(self) -> str:
        """The statistic and its p-values in one line."""
        if self.statistic is None:
            return f"{self.name}: none; {self.reason}"
        found = {"p": self.p_value, "p at this T": self.exact_p_value}
        p_values = [f"{name} = {value:.3g}" for name, value in found.items() if value is not None]
        return f"{self.name}: {self.statistic:.4g}; {', '.join(p_values) or self.reason}"


@dataclass(frozen=True, eq=False)
class BacktestReport(Result):
    """Forecasts of value at risk and expected shortfall against the T losses that came.

    Attributes
    ----------
    level, confidence_level : share not in the tail; of the alarm.
    n_periods, hits, expected_hits : T; losses above the value at risk; t T.
    transitions : 2 x 2, steps from no hit or hit to no hit or hit.
    kupiec, independence, conditional_coverage : do hits come often enough, one by one, both.
    z1, z2 : of Acerbi and Szekely, negative where the shortfall is understated; one-sided p-values.
    mean_e_value : about 1 under the model.
    log_wealth : (T,) log M_t of the bet against the forecasts. stakes : (T,) lambda_t.
    alarm : first t, counted from 0, with `M_t >= 1 / (1 - confidence_level)`; None without one.
    anytime_p_value : `min(1, 1 / max M)`, valid whenever one looks.
    fissler_ziegel : mean score of the forecasts, None where some es <= 0.
    status : REFUTED on an alarm, else UNDECIDED; the other tests take no part.
    notes : what a reader must know besides.
    provenance : version, data and settings.
    """

    level: float
    confidence_level: float
    n_periods: int
    hits: int
    expected_hits: float
    transitions: tuple[tuple[int, int], tuple[int, int]]
    kupiec: BacktestTest
    independence: BacktestTest
    conditional_coverage: BacktestTest
    z1: BacktestTest
    z2: BacktestTest
    mean_e_value: float
    log_wealth: Floats = field(repr=False)
    stakes: Floats = field(repr=False)
    alarm: int | None
    anytime_p_value: float
    fissler_ziegel: float | None
    status: Status
    notes: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    @property
    def tests(self) -> tuple[BacktestTest, ...]:
        """The five tests, in the order of the fields."""
        return (self.kupiec, self.independence, self.conditional_coverage, self.z1, self.z2)

    @property
    def max_log_wealth(self) -> float:
        """The largest log M_t."""
        return float(self.log_wealth.max())

    def summary(self) -> str:
        """Hits, the bet in words, one line per test, and the notes."""
        head = (
            f"{self.hits} of {self.n_periods} losses exceed the value at risk at level {self.level:g}; "
            f"{self.expected_hits:.4g} expected."
        )
        lines = [head, self._bet(), *(f"  {test.summary()}" for test in self.tests)]
        if self.fissler_ziegel is not None:
            lines.append(f"  Fissler-Ziegel score: {self.fissler_ziegel:.6g}")
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def _bet(self) -> str:
        sure = as_percent(self.confidence_level)
        wealth = f"largest wealth {math.exp(min(self.max_log_wealth, 700.0)):.4g}"
        if self.alarm is None:
            return (
                f"No alarm: the forecasts are not shown to be understated with {sure} confidence ({wealth}, "
                f"p = {self.anytime_p_value:.3g} at any time)."
            )
        return (
            f"Alarm at t = {self.alarm}: with {sure} confidence the expected shortfall is understated "
            f"({wealth}, p = {self.anytime_p_value:.3g} at any time)."
        )

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per test; needs the extra `frames`."""
        return frame([test.to_dict() for test in self.tests])

    def plot(self, ax: Any = None) -> Figure:
        """Wealth of the bet over time, on a log axis, with the line of the alarm."""
        from riskstats.plotting_tail import plot_e_process

        return plot_e_process(self, ax)
