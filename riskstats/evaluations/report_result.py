"""What a report on an evaluation holds, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskstats.evaluations.contrast import ContrastPairs
from riskstats.evaluations.judges import CorrectedRate
from riskstats.evaluations.missingness import Missingness
from riskstats.evaluations.ordinal import OrdinalSummary
from riskstats.evaluations.paired import PairedComparison
from riskstats.evaluations.proportions import Rate
from riskstats.evaluations.rates import RateReport
from riskstats.evaluations.traces import TraceSummary
from riskstats.evaluations.zones import Zone
from riskstats.harm.grades import Grade
from riskstats.harm.harm_report import HarmReport
from riskstats.results import Result, Status, frame
from riskstats.tail.models_report import ModelsReport

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMNS", "EvaluationReport", "Findings", "Gate", "Origin"]

COLUMNS = (
    "case", "part", "outcome", "model", "name", "estimate", "lower", "upper", "n", "n_units", "events",
    "method", "guaranteed", "confidence_level", "p_value", "p_adjusted", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Gate(Result):
    """A requirement and whether one model is shown to keep it in one outcome.

    Attributes
    ----------
    what : "risk limit", "zone" or "grade". outcome, model : whom it is about.
    kept : whether it is shown. told : why, in words.
    """

    what: str
    outcome: str
    model: str
    kept: bool
    told: str

    def __str__(self) -> str:
        return (
            f"{self.what}, {self.model}, {self.outcome}: {'kept' if self.kept else 'NOT kept'}; {self.told}"
        )


@dataclass(frozen=True)
class Origin(Result):
    """Where a report comes from.

    Attributes
    ----------
    version : of the package. input_hash : 16 hexadecimal digits of the table, for any order of its rows.
    sources : tool, version, file and hash of every log. scales : {dimension: name of its scale}.
    partial : whether a log is not whole. seed : of resamples and orders. settings : what was asked for.
    """

    version: str
    input_hash: str
    sources: tuple[str, ...]
    scales: dict[str, str]
    partial: bool
    seed: int
    settings: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Findings(Result):
    """What a complete set of losses says; by outcome and, within it, by model. Parts without data are empty.

    Attributes
    ----------
    rates : mean losses with their limits, over all rows and by category.
    corrected : rates behind the flags of judges.
    tails : by stage; mean, value at risk and CVaR of every model.
    contrasts, ordinals, traces, harms, grades, zones : of their own functions.
    left_out : {part: why it could not be computed}.
    """

    rates: dict[str, dict[str, RateReport]]
    corrected: dict[str, dict[str, CorrectedRate]] = field(default_factory=dict)
    tails: dict[str, ModelsReport] = field(default_factory=dict)
    contrasts: dict[str, dict[str, ContrastPairs]] = field(default_factory=dict)
    ordinals: dict[str, dict[str, OrdinalSummary]] = field(default_factory=dict)
    traces: dict[str, dict[str, TraceSummary]] = field(default_factory=dict)
    harms: dict[str, dict[str, HarmReport]] = field(default_factory=dict)
    grades: dict[str, dict[str, Grade]] = field(default_factory=dict)
    zones: dict[str, dict[str, Zone]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class EvaluationReport(Result):
    """A whole evaluation: what is missing, rates, comparisons, the tail, harm, grades, zones, its origin.

    Attributes
    ----------
    missingness : counts by status, of the whole table.
    cases : {"all": findings}; with `missing="interval"` and losses that are missing {"best": ..., "worst":
        ...}, every missing loss at 0 and at 1.
    comparisons : by outcome, all pairs of models on common prompts. With missing losses at both ends the
        pairs are of a model at its best and another at its worst, and the other way round.
    gates : the requirements of the caller, one by one.
    n, models, n_prompts : rows, names, prompts. level : share not in the tail.
    confidence_level : of every statement; categories, and pairs of one outcome, hold it together.
    missing : what was done about missing losses. dropped : rows left out for it.
    status : WITHIN_LIMIT where every gate is kept, ABOVE_LIMIT where one is not, UNDECIDED where all are kept
        by a log that is not whole; BOUND without gates.
    origin : version, hashes, sources, seed and settings. notes : what a reader must know besides.
    """

    missingness: Missingness
    cases: dict[str, Findings]
    comparisons: dict[str, PairedComparison]
    gates: tuple[Gate, ...]
    n: int
    models: tuple[str, ...]
    n_prompts: int
    level: float
    confidence_level: float
    missing: str
    dropped: int
    status: Status
    origin: Origin
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> Findings:
        """What holds of all losses; of missing ones at their worst."""
        return self.cases.get("all") or self.cases["worst"]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be read before anything else."""
        told = []
        if self.origin.partial:
            told.append("PARTIAL: a log is not whole, and what follows is about the part that was read.")
        if self.missingness.warning is not None:
            told.append(f"{self.missingness.warning[0].upper()}{self.missingness.warning[1:]}")
        return tuple(told)

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that are not kept."""
        return tuple(gate for gate in self.gates if not gate.kept)

    def rate(self, model: str, outcome: str | None = None) -> Rate:
        """The overall rate of a model; `outcome` may be left out where there is one."""
        rates = self.findings.rates
        return rates[next(iter(rates)) if outcome is None else outcome][model].overall

    def summary(self) -> str:
        """The warnings in the first line, then every part in order, the gates and the origin."""
        from riskstats.evaluations.report_text import report_text

        return report_text(self)

    def __str__(self) -> str:
        return self.summary()

    def rows(self) -> Iterator[dict[str, Any]]:
        """One dictionary per number, under `COLUMNS`; None where there is nothing to say."""
        from riskstats.evaluations.report_text import report_rows

        return report_rows(self)

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per number; needs the extra `frames`."""
        return frame(list(self.rows()))

    def plot(self, ax: Axes | None = None) -> Figure:
        """The rate of every model in every outcome between its limits; see `plot_report`."""
        from riskstats.plotting_evaluations import plot_report

        return plot_report(self, ax)
