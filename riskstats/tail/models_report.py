"""What is known of the tails of several models: one profile each, and what can be said of their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.results import Result, Status, frame
from riskstats.tail.comparison import ModelComparison
from riskstats.tail.judge_noise import JudgeNoise
from riskstats.tail.repeats import RepeatedTail
from riskstats.tail.result import RiskProfile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["COLUMNS", "ModelsReport"]

COLUMNS = (
    "model", "part", "name", "n", "n_tail", "mean", "value_at_risk", "cvar", "limit",
    "contribution", "contribution_lower", "contribution_upper",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ModelsReport(Result):
    """The tails of one or more models.

    Attributes
    ----------
    profiles : by model, of the union of failures and of log-risk.
    comparison : of two or more models on their common prompts; None for one.
    repeats : by model, the tail of the true risk of prompts; empty unless the estimand is "prompt_risk".
    judge_noise : by model, what the noise of judges adds; empty for one judge without an assumed noise.
    unit : what the rows of a profile are, "prompts" or "attempts".
    status : ABOVE_LIMIT where a model is not shown to keep the risk limit, WITHIN_LIMIT where each one is, by
        its own limit; without a risk limit BOUND, or NO_BOUND where a model has no confidence limit.
    notes : what a reader must know besides; the profiles and the comparison have notes of their own.
    """

    profiles: dict[str, RiskProfile]
    comparison: ModelComparison | None
    repeats: dict[str, RepeatedTail]
    judge_noise: dict[str, JudgeNoise]
    unit: str
    status: Status
    notes: tuple[str, ...] = ()

    def __getitem__(self, model: str) -> RiskProfile:
        return self.profiles[model]

    def above(self, risk_limit: float) -> list[str]:
        """Models whose upper limit of CVaR is not at most `risk_limit`."""
        uppers = {name: _upper(profile.union) for name, profile in self.profiles.items()}
        return [name for name, upper in uppers.items() if upper is None or not upper <= risk_limit]

    def common_notes(self) -> tuple[str, ...]:
        """Notes of the profiles, each once, without those of the comparison."""
        said = () if self.comparison is None else self.comparison.notes
        notes = dict.fromkeys(note for each in self.profiles.values() for note in each.notes)
        return tuple(note for note in notes if note not in said)

    def summary(self) -> str:
        """The comparison first, then each model; a note that all of them share stands once."""
        parts = [] if self.comparison is None else [self.comparison.summary()]
        parts += ["\n".join(self._of(name)) for name in self.profiles]
        return "\n\n".join([*parts, "\n".join((*self.common_notes(), *self.notes))]).rstrip()

    def _of(self, name: str) -> Iterator[str]:
        yield f"Model {name}{'' if self.unit == 'prompts' else f', by {self.unit}'}"
        yield replace(self.profiles[name], notes=()).summary()
        yield from (each[name].summary() for each in (self.repeats, self.judge_noise) if name in each)

    def __str__(self) -> str:
        return self.summary()

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per scale, dimension and label of every model; None where there is no number."""
        return [
            dict(zip(COLUMNS, [name, *row], strict=True))
            for name, profile in self.profiles.items()
            for row in _rows(profile)
        ]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per scale, dimension and label of every model; needs the extra
        `frames`."""
        return frame(self.rows())

    def plot(self, ax: Any = None) -> Figure:
        """The comparison of several models, or the profile of one."""
        from riskstats.plotting_tail import plot_comparison, plot_risk_profile

        if self.comparison is not None:
            return plot_comparison(self.comparison, ax)
        return plot_risk_profile(next(iter(self.profiles.values())), ax)


def _upper(scale: Any) -> float | None:
    return getattr(scale.interval, "upper", None)


def _rows(profile: RiskProfile) -> Iterator[list[Any]]:
    """Rows of the table of one model, without its name."""
    whole = [profile.n, profile.n_tail]
    for scale in (profile.union, profile.log_risk):
        if scale is not None:
            numbers = [scale.mean, scale.value_at_risk, scale.cvar, _upper(scale)]
            yield ["scale", scale.scale, *whole, *numbers, None, None, None]
    part, alone = profile.attribution.parts[0], profile.marginals
    columns = (alone.mean, alone.value_at_risk, alone.cvar, part.values, part.lower, part.upper)
    for name, row in zip(part.names, np.column_stack(columns).tolist(), strict=True):
        yield ["dimension", name, *whole, *row[:3], None, *row[3:]]
    for group in profile.groups:
        yield from _group_rows(profile, group)


def _group_rows(profile: RiskProfile, group: Any) -> Iterator[list[Any]]:
    part = profile.attribution[group.by]
    pieces = dict(
        zip(part.names, np.column_stack([part.values, part.lower, part.upper]).tolist(), strict=True)
    )
    columns = (group.n_tail, group.mean, group.value_at_risk, group.cvar)
    for name, n, row in zip(group.names, group.n.tolist(), np.column_stack(columns).tolist(), strict=True):
        yield [group.by, name, n, *row, None, *pieces[name]]
