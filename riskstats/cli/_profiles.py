"""Profiles of the models of a log, their comparison, and both as text, as a table and as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.cli._profile_text import profile_text
from riskstats.cli._score_log import ScoreLog
from riskstats.exceptions import InvalidInput
from riskstats.tail.comparison import ModelComparison
from riskstats.tail.judge_noise import JudgeNoise, judge_noise_sensitivity
from riskstats.tail.limits import Asymptotic, BootstrapT, SplitBetting
from riskstats.tail.pooling import pool_judges
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.repeats import RepeatedTail, repeated_tail
from riskstats.tail.result import RiskProfile
from riskstats.tail.union import checked_clip, log_terms, refuse_infinite, union

__all__ = ["Profiles", "Settings", "profiled"]

_HEAD = (
    "model", "part", "name", "n", "n_tail", "mean", "value_at_risk", "cvar", "limit",
    "contribution", "contribution_lower", "contribution_upper",
)  # fmt: skip


class Settings(NamedTuple):
    """What was asked for, in the words of the options."""

    level: float
    confidence_level: float
    limit: str
    risk_limit: float | None
    clip: float | None
    log_scale: bool
    estimand: str | None
    pooling: str
    judge_sd: float | None
    on: str | None
    seed: int


@dataclass(frozen=True)
class Profiles:
    """One profile per model, the comparison of two or more, and what repeated attempts and judges add."""

    profiles: dict[str, RiskProfile]
    comparison: ModelComparison | None
    repeats: dict[str, RepeatedTail]
    judge_noise: dict[str, JudgeNoise]
    unit: str
    notes: tuple[str, ...]

    def above(self, limit: float) -> list[str]:
        """Models whose upper limit of CVaR is not at most `limit`."""
        uppers = {name: _upper(profile.union) for name, profile in self.profiles.items()}
        return [name for name, upper in uppers.items() if upper is None or not upper <= limit]

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain Python types."""
        return {
            "profiles": {name: profile.to_dict() for name, profile in self.profiles.items()},
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "repeats": {name: found.to_dict() for name, found in self.repeats.items()},
            "judge_noise": {name: found.to_dict() for name, found in self.judge_noise.items()},
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The comparison first, then each model; a note that all of them share stands once."""
        parts = [] if self.comparison is None else [self.comparison.summary()]
        parts += ["\n".join(self._of(name)) for name in self.profiles]
        return "\n\n".join([*parts, "\n".join((*self._common(), *self.notes))]).rstrip()

    def _common(self) -> tuple[str, ...]:
        said = () if self.comparison is None else self.comparison.notes
        notes = dict.fromkeys(note for each in self.profiles.values() for note in each.notes)
        return tuple(note for note in notes if note not in said)

    def _of(self, name: str) -> Iterator[str]:
        yield profile_text(self.profiles[name], name, self.unit)
        yield from (each[name].summary() for each in (self.repeats, self.judge_noise) if name in each)

    def table(self, delimiter: str) -> str:
        """One row per scale, dimension and label of every model, with numbers that read back exactly."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(_HEAD)
        for name, profile in self.profiles.items():
            writer.writerows(
                [name, *("" if cell is None else cell for cell in row)] for row in _rows(profile)
            )
        return buffer.getvalue()


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


# From a log to profiles


def profiled(log: ScoreLog, settings: Settings) -> Profiles:
    """Profile every model of a log, and compare them on their common prompts."""
    _check_estimand(log, settings)
    models = {name: _Model.of(log, name, settings) for name in log.scores}
    if checked_clip(settings.clip) is None and settings.log_scale:
        refuse_infinite(np.concatenate([model.rows(settings.pooling) for model in models.values()]))
    comparison = _compared(models, settings) if len(models) > 1 else None
    return Profiles(
        profiles={name: model.profile(settings) for name, model in models.items()},
        comparison=comparison,
        repeats=_repeats(models, settings),
        judge_noise=_judge_noise(models, settings),
        unit="attempts" if any(model.by_attempt for model in models.values()) else "prompts",
        notes=_notes(log, settings),
    )


def _check_estimand(log: ScoreLog, settings: Settings) -> None:
    if len(log.epochs) > 1 and settings.estimand is None:
        raise InvalidInput(
            f"each prompt has {len(log.epochs)} epochs, and the tail depends on what they are about. Pass "
            "--estimand attempt, prompt_risk or epoch_mean."
        )
    if len(log.judges) > 1 and settings.judge_sd is not None:
        raise InvalidInput(f"{len(log.judges)} judges show their noise themselves. Leave out --judge-sd.")


def _notes(log: ScoreLog, settings: Settings) -> tuple[str, ...]:
    notes = []
    if len(log.epochs) > 1 and settings.estimand != "attempt":
        notes.append("Scores of a prompt are averaged over epochs, dimension by dimension.")
    if settings.estimand == "prompt_risk":
        notes.append(
            "Profiles and limits are of the means over epochs, whose CVaR is above that of prompt_risk, so "
            "that the limits are on the safe side."
        )
    if len(log.epochs) > 1 and (len(log.judges) > 1 or settings.judge_sd is not None):
        notes.append("Judge noise is shown on scores that are averaged over epochs.")
    if len(log.scores) > 1:
        notes.append("Each limit holds alone. To certify the model that looks best, use `riskstats certify`.")
    return tuple(notes)


@dataclass(frozen=True, eq=False)
class _Model:
    """Scores (prompts, dimensions, epochs, judges) of one model, and what is known of its prompts."""

    scores: Floats
    prompts: tuple[str, ...]
    dimensions: tuple[str, ...]
    weights: Floats | None
    labels: dict[str, np.ndarray]
    by_attempt: bool

    @classmethod
    def of(cls, log: ScoreLog, name: str, settings: Settings) -> _Model:
        prompts = log.prompts[name]
        weights = None if log.weights is None else np.array([log.weights[prompt] for prompt in prompts])
        labels = {role: np.array([known[prompt] for prompt in prompts]) for role, known in log.labels.items()}
        by_attempt = len(log.epochs) > 1 and settings.estimand == "attempt"
        return cls(log.scores[name], prompts, log.dimensions, weights, labels, by_attempt)

    @property
    def repeats(self) -> int:
        """Rows of the profile for each prompt."""
        return self.scores.shape[2] if self.by_attempt else 1

    def pooled(self, rule: str) -> Floats:
        """(prompts, dimensions, epochs) with the judges pooled."""
        return np.minimum(pool_judges(self.scores, rule), 1.0)

    def rows(self, rule: str) -> Floats:
        """(rows, dimensions): prompts, or attempts."""
        pooled = self.pooled(rule)
        if not self.by_attempt:
            return np.ascontiguousarray(pooled.mean(axis=2))
        return pooled.transpose(0, 2, 1).reshape(-1, pooled.shape[1])

    def spread(self, per_prompt: Any) -> Any:
        """A value per prompt for each row; None stays None."""
        return None if per_prompt is None else np.repeat(per_prompt, self.repeats)

    @property
    def ids(self) -> np.ndarray:
        """An id for each row."""
        if not self.by_attempt:
            return np.array(self.prompts)
        return np.array(
            [f"{prompt}, attempt {k + 1}" for prompt in self.prompts for k in range(self.repeats)]
        )

    def profile(self, settings: Settings) -> RiskProfile:
        judged = self.scores.shape[3] > 1
        found = risk_profile(
            self.rows(settings.pooling),
            level=settings.level,
            sample_weight=self.spread(self.weights),
            clip=settings.clip,
            log_scale=settings.log_scale,
            dimensions=self.dimensions,
            groups=self.spread(self.labels.get("group")),
            category=self.spread(self.labels.get("category")),
            prompts=self.ids,
            risk_limit=settings.risk_limit,
            limit=_limit(settings),
            confidence_level=settings.confidence_level,
            cluster=self.spread(np.array(self.prompts)) if self.by_attempt else None,
            random_state=settings.seed,
        )
        rule = settings.pooling if judged else None
        estimand = settings.estimand if self.scores.shape[2] > 1 else None
        origin = replace(found.provenance, pooling=rule, estimand=estimand)
        return replace(found, pooling=rule, provenance=origin)

    def losses(self, settings: Settings) -> dict[str, float]:
        """Union risk of each row by its id."""
        values = union(log_terms(self.rows(settings.pooling), settings.clip))
        return dict(zip(self.ids.tolist(), values.tolist(), strict=True))


def _limit(settings: Settings) -> Any:
    from riskstats.bounds.berk_jones import BerkJones

    if settings.limit == "berk-jones":
        return BerkJones(levels=(settings.level, 1.0))
    return {"bootstrap-t": BootstrapT, "asymptotic": Asymptotic, "split-betting": SplitBetting}[
        settings.limit
    ]()


def _compared(models: dict[str, _Model], settings: Settings) -> ModelComparison:
    weights: Any = {}
    clusters: dict[str, str] = {}
    for model in models.values():
        ids = model.ids.tolist()
        clusters |= dict(zip(ids, np.repeat(model.prompts, model.repeats).tolist(), strict=True))
        if model.weights is not None:
            weights |= dict(zip(ids, model.spread(model.weights).tolist(), strict=True))
    return compare_models(
        {name: model.losses(settings) for name, model in models.items()},
        settings.level,
        confidence_level=settings.confidence_level,
        on=settings.on,
        support=(0.0, 1.0),
        sample_weight=weights or None,
        cluster=clusters if any(model.by_attempt for model in models.values()) else None,
        random_state=settings.seed,
    )


def _repeats(models: dict[str, _Model], settings: Settings) -> dict[str, RepeatedTail]:
    """The tail of true risks of prompts, where it was asked for."""
    if settings.estimand != "prompt_risk":
        return {}
    return {
        name: repeated_tail(
            union(log_terms(model.pooled(settings.pooling).transpose(0, 2, 1), settings.clip)),
            settings.level,
            estimand="prompt_risk",
            sample_weight=model.weights,
            random_state=settings.seed,
        )
        for name, model in models.items()
    }


def _judge_noise(models: dict[str, _Model], settings: Settings) -> dict[str, JudgeNoise]:
    """What judge noise does to the tail of the union, for two or more judges or an assumed noise."""
    if settings.judge_sd is None and all(model.scores.shape[3] == 1 for model in models.values()):
        return {}
    return {
        name: judge_noise_sensitivity(
            union(log_terms(model.scores.mean(axis=2).transpose(0, 2, 1), settings.clip)),
            settings.level,
            assumed_sd=settings.judge_sd,
            sample_weight=model.weights,
            random_state=settings.seed,
        )
        for name, model in models.items()
    }
