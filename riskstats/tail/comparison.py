"""The comparison of models by the tails of their losses, in terms that cannot be read as a bare ranking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from riskstats._validation import Floats
from riskstats.results import Result, as_percent, frame, plain
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ComparedModel", "ComparedPair", "ModelComparison"]


@dataclass(frozen=True)
class ComparedModel(Result):
    """One model among others.

    Attributes
    ----------
    name : of the model.
    cvar : CVaR of its losses on the common prompts. value_at_risk : the lower quantile.
    lower, upper : limits for its CVaR alone, by the studentised bootstrap, at the confidence level.
    tied_share : share of its tail at the value at risk.
    rank_low, rank_high : ranks that it can have, 1 the smallest CVaR; they hold for all models at once.
    p_best : share of the resamples in which it has the smallest CVaR; ties are shared.
    set_p_value : of the model confidence set. in_set : whether it may be the best, at the confidence level.
    """

    name: str
    cvar: float
    value_at_risk: float
    lower: float
    upper: float
    tied_share: float
    rank_low: int
    rank_high: int
    p_best: float
    set_p_value: float
    in_set: bool


@dataclass(frozen=True)
class ComparedPair(Result):
    """Two models on the same prompts.

    Attributes
    ----------
    first, second : their names.
    difference : CVaR of the first less that of the second.
    lower, upper : intervals that hold for all pairs at once.
    standard_error : of the difference, by the sampled units; 0 where the losses show none.
    p_value : two-sided, of this pair alone. p_max_t, p_holm : adjusted for all pairs.
    """

    first: str
    second: str
    difference: float
    lower: float
    upper: float
    standard_error: float
    p_value: float
    p_max_t: float
    p_holm: float


@dataclass(frozen=True, eq=False)
class ModelComparison(Result):
    """m models on the same prompts, by one set of resamples.

    Attributes
    ----------
    models, pairs : in the order given; all pairs.
    level : share not in the tail. confidence_level : of every statement here.
    n, n_tail : common prompts of positive weight; `t n`. n_units : what was resampled, prompts or clusters.
    resamples : their number.
    rank_shares : (m, m) share of the resamples in which model j has rank k + 1; ties are shared.
    dropped : prompts left out because some model lacks them.
    provenance : version, hash of the input, seed and settings.
    notes : what a reader must know besides.
    """

    models: tuple[ComparedModel, ...]
    pairs: tuple[ComparedPair, ...]
    level: float
    confidence_level: float
    n: int
    n_tail: float
    n_units: int
    resamples: int
    rank_shares: Floats = field(repr=False)
    dropped: int
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def confidence_set(self) -> tuple[str, ...]:
        """Names of the models that may be the best."""
        return tuple(model.name for model in self.models if model.in_set)

    @property
    def separated(self) -> tuple[ComparedPair, ...]:
        """Pairs whose simultaneous interval excludes 0."""
        return tuple(pair for pair in self.pairs if pair.lower > 0 or pair.upper < 0)

    def summary(self) -> str:
        """What can be said of the best, each model with its interval and ranks, and the notes."""
        return "\n".join([self._basis(), self._verdict(), *self._table(), self._told_apart(), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per model; needs the extra `frames`."""
        return frame([model.to_dict() for model in self.models])

    def pairs_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per pair; needs the extra `frames`."""
        return frame([plain(pair) for pair in self.pairs])

    def plot(self, ax: Axes | None = None) -> Figure:
        """CVaR of every model with its interval and ranks; see `plot_comparison`."""
        from riskstats.plotting_tail import plot_comparison

        return plot_comparison(self, ax)

    def _basis(self) -> str:
        units = "prompts" if self.n_units == self.n else f"prompts in {self.n_units} clusters"
        return (
            f"{len(self.models)} models on the same {self.n} {units}; CVaR at level {self.level:g}, "
            f"n_tail = {self.n_tail:.4g}; {self.resamples} paired resamples, "
            f"{as_percent(self.confidence_level)} confidence."
        )

    def _verdict(self) -> str:
        best = self.confidence_set
        if len(best) == 1:
            return f"The smallest CVaR is that of {best[0]}: no other model is in the confidence set."
        return (
            f"Which model has the smallest CVaR is open: {len(best)} of {len(self.models)} are in the "
            f"confidence set ({', '.join(best)})."
        )

    def _table(self) -> list[str]:
        width = max(len(model.name) for model in self.models)
        return [self._line(model, width) for model in sorted(self.models, key=lambda model: model.cvar)]

    @staticmethod
    def _line(model: ComparedModel, width: int) -> str:
        ranks = (
            f"rank {model.rank_low}"
            if model.rank_low == model.rank_high
            else f"rank {model.rank_low} to {model.rank_high}"
        )
        return (
            f"  {model.name:<{width}}  CVaR {model.cvar:.4g} [{model.lower:.4g}, {model.upper:.4g}], "
            f"{ranks}, best in {100 * model.p_best:.3g} % of resamples"
            f"{', in the set' if model.in_set else ''}"
        )

    def _told_apart(self) -> str:
        return f"{len(self.separated)} of {len(self.pairs)} pairs are told apart, all at once."
