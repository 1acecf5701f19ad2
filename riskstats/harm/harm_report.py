"""Expected harm beside its tail, in terms that cannot be read without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from riskstats.harm.mean_limit import MeanLimit
from riskstats.results import Result, Status, as_percent, frame
from riskstats.tail.interval import CVaRInterval
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CostLevelHarm", "HarmReport", "TailPrompt"]

SHOWN = 3  # prompts of the tail in the first line


@dataclass(frozen=True)
class CostLevelHarm(Result):
    """The prompts of one cost level.

    Attributes
    ----------
    cost : the level. likelihood : f at it. n, share : prompts of positive weight, share of the weight.
    success, burden : mean of a, and of s a, on this level; None where it has no prompts.
    harm : `sum w s f(c) a / sum w` over this level; the levels sum to the expected harm.
    cumulative : G, `sum w s a / sum w` over this level and the easier ones.
    """

    cost: str
    likelihood: float
    n: int
    share: float
    success: float | None
    burden: float | None
    harm: float
    cumulative: float


@dataclass(frozen=True)
class TailPrompt(Result):
    """A prompt in the tail of s a.

    Attributes
    ----------
    prompt : its id, or its row. severity, success : s and a. cost : its level. burden : s a.
    tail_weight : its share of the tail. harm : s f(c) a, what the expected harm counts of it.
    """

    prompt: str
    severity: float
    cost: str
    success: float
    burden: float
    tail_weight: float
    harm: float

    def __str__(self) -> str:
        part = "" if self.success == 1.0 else f", success {self.success:.3g}"
        return f"{self.prompt} (severity {self.severity:g}, cost {self.cost}{part})"


@dataclass(frozen=True, eq=False)
class HarmReport(Result):
    """Expected harm of one model, with the tail that the likelihood may hide.

    Attributes
    ----------
    expected_harm : EH, its estimate and limits, on the severity scale.
    tail : CVaR of s a at `level` and its limits: the harm if acted upon, in the worst prompts.
    attack_success : `sum w s f a / sum w s f` and its limits, in [0, 1]; None where no prompt could do harm.
    cost_map : the map f. severity_scale : (lowest, highest). scale_id : of the success; None in [0, 1].
    interval : (G(1), G(K)), the expected harm over all decreasing maps with f(1) = 1.
    levels : the decomposition by cost level.
    worst : prompts of the tail, the worst first. n_worst : how many are in the tail.
    n, n_tail, n_units : prompts of positive weight; `(1 - level) n`; what was sampled independently.
    level : share not in the tail. confidence_level : of each limit alone. risk_limit : for EH.
    status : WITHIN_LIMIT or ABOVE_LIMIT by the upper limit of EH; BOUND without a risk limit.
    provenance : version, hash of the input, seed and settings. notes : what a reader must know besides.
    """

    expected_harm: MeanLimit
    tail: CVaRInterval
    attack_success: MeanLimit | None
    cost_map: str
    severity_scale: tuple[float, float]
    scale_id: str | None
    interval: tuple[float, float]
    levels: tuple[CostLevelHarm, ...]
    worst: tuple[TailPrompt, ...] = field(repr=False)
    n_worst: int
    n: int
    n_tail: float
    n_units: int
    level: float
    confidence_level: float
    risk_limit: float | None
    status: Status
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """EH of the sample."""
        return self.expected_harm.estimate

    @property
    def cvar(self) -> float:
        """CVaR of s a in the sample."""
        return self.tail.estimate

    @property
    def cumulative(self) -> tuple[float, ...]:
        """G(1), ..., G(K)."""
        return tuple(row.cumulative for row in self.levels)

    def summary(self) -> str:
        """Expected harm and the CVaR beside it on one line, then the verdict, the levels and the notes."""
        lines = [self._headline(), *self._verdict(), *self._success(), self._maps(), *self._table()]
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def _headline(self) -> str:
        harm, sure = self.expected_harm, as_percent(self.confidence_level)
        return (
            f"Expected harm {harm.estimate:.4g}, {harm.range} ({harm.method}, {sure}; {self.cost_map} map); "
            f"CVaR of severity x success at level {self.level:g} {self.tail.estimate:.4g}, "
            f"{self._tail_range()}; n_tail = {self.n_tail:.4g}; worst: {self._worst()}."
        )

    def _tail_range(self) -> str:
        tail = self.tail
        kind = "" if tail.guaranteed else ", approximate"
        low = "" if tail.lower is None else f"at least {tail.lower:.4g} and "
        return f"{low}at most {tail.upper:.4g} ({tail.limit}{kind})"

    def _worst(self) -> str:
        shown = "; ".join(map(str, self.worst[:SHOWN])) or "none"
        rest = self.n_worst - min(SHOWN, len(self.worst))
        return f"{shown}; {rest} more" if rest > 0 else shown

    def _verdict(self) -> list[str]:
        if self.risk_limit is None:
            return []
        return [f"Risk limit of the expected harm {self.risk_limit:g}: {self.status.sentence}"]

    def _success(self) -> list[str]:
        found = self.attack_success
        if found is None:
            return ["Weighted attack success: undefined, no prompt could do harm."]
        return [f"Weighted attack success {found.estimate:.4g}, {found.range} ({found.method})."]

    def _maps(self) -> str:
        low, high = self.interval
        scale = f"severity {self.severity_scale[0]:g} to {self.severity_scale[1]:g}"
        return (
            f"Over all decreasing maps with f(1) = 1 the expected harm is {low:.4g} to {high:.4g} ({scale})."
        )

    def _table(self) -> list[str]:
        rows = [("cost", "f", "answers", "success", "s x a", "harm", "G")]
        rows += [
            (
                row.cost,
                f"{row.likelihood:.3g}",
                f"{row.n} ({100 * row.share:.3g} %)",
                "-" if row.success is None else f"{row.success:.3g}",
                "-" if row.burden is None else f"{row.burden:.3g}",
                f"{row.harm:.4g}",
                f"{row.cumulative:.4g}",
            )
            for row in self.levels
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        return [
            "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per cost level; needs the extra `frames`."""
        return frame([row.to_dict() for row in self.levels])

    def worst_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per prompt of the tail; needs the extra `frames`."""
        return frame([row.to_dict() for row in self.worst])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Harm by cost level with the map drawn over it; see `plot_harm_levels`."""
        from riskstats.plotting_harm import plot_harm_levels

        return plot_harm_levels(self, ax)
