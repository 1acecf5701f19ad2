"""The risk profiles of several models: epochs by a named estimand, judges pooled, models compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from riskstats._random import RandomState
from riskstats._validation import Floats, choice, number, positive_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.tail.comparison import ModelComparison
from riskstats.tail.judge_noise import JudgeNoise, judge_noise_sensitivity
from riskstats.tail.limit_methods import Asymptotic, BootstrapT, SplitBetting
from riskstats.tail.model_scores import Names, as_score_log
from riskstats.tail.models_report import ModelsReport
from riskstats.tail.pooling import POOLING_RULES, pool_judges
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.repeats import ESTIMANDS, RepeatedTail, repeated_tail
from riskstats.tail.result import RiskProfile
from riskstats.tail.score_log import ScoreLog
from riskstats.tail.union import checked_clip, log_terms, refuse_infinite, union

__all__ = ["LIMITS", "named_limit", "profile_models"]

LIMITS = ("bootstrap-t", "asymptotic", "split-betting", "berk-jones")


def profile_models(
    scores: Any,
    *,
    level: float = 0.95,
    confidence_level: float = 0.95,
    models: Sequence[Any] | None = None,
    prompts: Any = None,
    dimensions: Sequence[Any] | None = None,
    columns: Mapping[str, str] | None = None,
    sample_weight: Any = None,
    groups: Any = None,
    category: Any = None,
    estimand: str | None = None,
    pooling: str = "rms",
    judge_sd: float | None = None,
    limit: Any = "bootstrap-t",
    risk_limit: float | None = None,
    clip: float | None = None,
    log_scale: bool = True,
    on: str | None = None,
    random_state: RandomState = None,
) -> ModelsReport:
    """Profile every model, and compare two or more on their common prompts.

    Parameters
    ----------
    scores : in [0, 1], larger is worse: (models, prompts, dimensions[, epochs[, judges]]); or {model:
        (prompts, dimensions[, epochs[, judges]])}; or a frame or dict of columns. A long table has a row per
        score, with columns prompt, score and, where there are any, model, dimension, epoch, judge, category,
        group, weight; a wide one has a column per dimension in place of dimension and score.
    level : share not in the tail, in [0, 1). confidence_level : of every limit, each alone.
    models : names, of an array. prompts : ids (prompts,), or {model: ids}; models are paired by them.
    dimensions : names; of a wide table the columns that hold one dimension each.
    columns : {role: column} of a table, where a column is not called like its role.
    sample_weight : of arrays, the deployment mix: (prompts,) numbers >= 0, or {prompt: weight}.
    groups, category : of arrays, labels (prompts,), or {prompt: label}.
    estimand : what several epochs are about, as in `repeated_tail`; needed with two or more.
        "attempt": the worst share of answers; those to one prompt stay together in the limit.
        "epoch_mean": the worst share of prompts, by the mean of the answers that were seen.
        "prompt_risk": the worst share of prompts, by their true risk, in `repeats`; profiles and limits are
        of the means, on the safe side.
    pooling : of judges, "rms", "mean", "median" or "max".
    judge_sd : assumed noise of the only judge; two or more show theirs.
    limit : "bootstrap-t", "asymptotic"; guaranteed "split-betting", "berk-jones"; a method of
        `riskstats.tail.limits`; None computes none.
    risk_limit, clip, log_scale : as in `risk_profile`.
    on : "intersection" compares on the prompts that all models have.
    random_state : of the resamples; an integer repeats them.

    Raises
    ------
    InvalidInput : scores outside [0, 1], missing, repeated or ragged; a wrong shape; several epochs without
        an estimand; models with different prompts without `on`; a score of 1 without `clip` on the log scale.
    IncompatibleBound : a guaranteed limit of attempts or of weighted prompts.
    """
    asked = _Asked(
        level=checked_level(level),
        confidence_level=checked_confidence(confidence_level),
        limit=named_limit(limit, level),
        risk_limit=None if risk_limit is None else number(risk_limit, "risk_limit"),
        clip=checked_clip(clip),
        log_scale=log_scale,
        estimand=None if estimand is None else choice(estimand, ESTIMANDS, "estimand"),
        pooling=choice(pooling, POOLING_RULES, "pooling"),
        judge_sd=None if judge_sd is None else positive_number(judge_sd, "judge_sd"),
        on=on,
        random_state=random_state,
    )
    names = Names(models, prompts, dimensions, columns, sample_weight, groups, category)
    return _report(as_score_log(scores, names), asked)


class _Asked(NamedTuple):
    """What was asked for, checked."""

    level: float
    confidence_level: float
    limit: Any
    risk_limit: float | None
    clip: float | None
    log_scale: bool
    estimand: str | None
    pooling: str
    judge_sd: float | None
    on: str | None
    random_state: RandomState


def named_limit(limit: Any, level: float) -> Any:
    """The method that a word names; a method or None as it is."""
    if not isinstance(limit, str):
        return limit
    choice(limit, LIMITS, "limit")
    if limit == "berk-jones":
        from riskstats.bounds.berk_jones import BerkJones

        return BerkJones(levels=(level, 1.0))
    return {"bootstrap-t": BootstrapT, "asymptotic": Asymptotic, "split-betting": SplitBetting}[limit]()


def _report(log: ScoreLog, asked: _Asked) -> ModelsReport:
    _check_repeats(log, asked)
    models = {name: _Model.of(log, name, asked) for name in log.scores}
    if asked.clip is None and asked.log_scale:
        refuse_infinite(np.concatenate([model.rows(asked.pooling) for model in models.values()]))
    comparison = _compared(models, asked) if len(models) > 1 else None
    profiles = {name: model.profile(asked) for name, model in models.items()}
    return ModelsReport(
        profiles=profiles,
        comparison=comparison,
        repeats=_repeats(models, asked),
        judge_noise=_judge_noise(models, asked),
        unit="attempts" if any(model.by_attempt for model in models.values()) else "prompts",
        status=_status([profile.status for profile in profiles.values()]),
        notes=_notes(log, asked),
    )


def _check_repeats(log: ScoreLog, asked: _Asked) -> None:
    if len(log.epochs) > 1 and asked.estimand is None:
        raise InvalidInput(
            f"each prompt has {len(log.epochs)} epochs, and the tail depends on what they are about. Pass "
            "`estimand=` 'attempt', 'prompt_risk' or 'epoch_mean'."
        )
    if len(log.judges) > 1 and asked.judge_sd is not None:
        raise InvalidInput(f"{len(log.judges)} judges show their noise themselves. Leave out `judge_sd`.")


def _status(each: list[Status]) -> Status:
    """The weakest of the statements."""
    order = (Status.ABOVE_LIMIT, Status.NO_BOUND)
    return next((status for status in order if status in each), each[0])


def _notes(log: ScoreLog, asked: _Asked) -> tuple[str, ...]:
    notes = []
    if len(log.epochs) > 1 and asked.estimand != "attempt":
        notes.append("Scores of a prompt are averaged over epochs, dimension by dimension.")
    if asked.estimand == "prompt_risk":
        notes.append(
            "Profiles and limits are of the means over epochs, whose CVaR is above that of prompt_risk, so "
            "that the limits are on the safe side."
        )
    if len(log.epochs) > 1 and (len(log.judges) > 1 or asked.judge_sd is not None):
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
    def of(cls, log: ScoreLog, name: str, asked: _Asked) -> _Model:
        prompts = log.prompts[name]
        weights = None if log.weights is None else np.array([log.weights[prompt] for prompt in prompts])
        labels = {role: np.array([known[prompt] for prompt in prompts]) for role, known in log.labels.items()}
        by_attempt = len(log.epochs) > 1 and asked.estimand == "attempt"
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
    def units(self) -> Any:
        """What each row was sampled with: its cluster, else its prompt among attempts; None where alone."""
        if "cluster" in self.labels:
            return self.spread(self.labels["cluster"])
        return self.spread(np.array(self.prompts)) if self.by_attempt else None

    @property
    def ids(self) -> np.ndarray:
        """An id for each row."""
        if not self.by_attempt:
            return np.array(self.prompts)
        return np.array(
            [f"{prompt}, attempt {k + 1}" for prompt in self.prompts for k in range(self.repeats)]
        )

    def profile(self, asked: _Asked) -> RiskProfile:
        judged = self.scores.shape[3] > 1
        found = risk_profile(
            self.rows(asked.pooling),
            level=asked.level,
            sample_weight=self.spread(self.weights),
            clip=asked.clip,
            log_scale=asked.log_scale,
            dimensions=self.dimensions,
            groups=self.spread(self.labels.get("group")),
            category=self.spread(self.labels.get("category")),
            prompts=self.ids,
            risk_limit=asked.risk_limit,
            limit=asked.limit,
            confidence_level=asked.confidence_level,
            cluster=self.units,
            random_state=asked.random_state,
        )
        rule = asked.pooling if judged else None
        estimand = asked.estimand if self.scores.shape[2] > 1 else None
        origin = replace(found.provenance, pooling=rule, estimand=estimand)
        return replace(found, pooling=rule, provenance=origin)

    def losses(self, asked: _Asked) -> dict[str, float]:
        """Union risk of each row by its id."""
        values = union(log_terms(self.rows(asked.pooling), asked.clip))
        return dict(zip(self.ids.tolist(), values.tolist(), strict=True))


def _compared(models: dict[str, _Model], asked: _Asked) -> ModelComparison:
    weights: Any = {}
    clusters: dict[str, str] = {}
    for model in models.values():
        ids = model.ids.tolist()
        if model.units is not None:
            clusters |= dict(zip(ids, model.units.tolist(), strict=True))
        if model.weights is not None:
            weights |= dict(zip(ids, model.spread(model.weights).tolist(), strict=True))
    return compare_models(
        {name: model.losses(asked) for name, model in models.items()},
        asked.level,
        confidence_level=asked.confidence_level,
        on=asked.on,
        support=(0.0, 1.0),
        sample_weight=weights or None,
        cluster=clusters or None,
        random_state=asked.random_state,
    )


def _repeats(models: dict[str, _Model], asked: _Asked) -> dict[str, RepeatedTail]:
    """The tail of true risks of prompts, where it was asked for."""
    if asked.estimand != "prompt_risk":
        return {}
    return {
        name: repeated_tail(
            union(log_terms(model.pooled(asked.pooling).transpose(0, 2, 1), asked.clip)),
            asked.level,
            estimand="prompt_risk",
            sample_weight=model.weights,
            random_state=asked.random_state,
        )
        for name, model in models.items()
    }


def _judge_noise(models: dict[str, _Model], asked: _Asked) -> dict[str, JudgeNoise]:
    """What judge noise does to the tail of the union, for two or more judges or an assumed noise."""
    if asked.judge_sd is None and all(model.scores.shape[3] == 1 for model in models.values()):
        return {}
    return {
        name: judge_noise_sensitivity(
            union(log_terms(model.scores.mean(axis=2).transpose(0, 2, 1), asked.clip)),
            asked.level,
            assumed_sd=asked.judge_sd,
            sample_weight=model.weights,
            random_state=asked.random_state,
        )
        for name, model in models.items()
    }
