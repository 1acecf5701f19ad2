"""The risk profile of one model: the tail of its failures over weighted prompts and dimensions of harm."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState
from riskstats._samples import Support, checked_support
from riskstats._validation import Floats, number, positive_number, sample_weights
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.distribution import Distribution
from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.results import Result
from riskstats.tail.attribution import attribute, row_ids
from riskstats.tail.dependence import dependence
from riskstats.tail.groups import group_tails
from riskstats.tail.inputs import Labels, checked_array, inside, labelled, matrix_and_names
from riskstats.tail.pooling import pool_judges
from riskstats.tail.provenance import Provenance, provenance
from riskstats.tail.result import FrechetTails, MarginalTails, RiskProfile, ScaleProfile
from riskstats.tail.union import audit, checked_clip, frechet, log_terms, refuse_infinite, union
from riskstats.tail.verdict import limit_name, limit_status, needs_support, upper_limit
from riskstats.tail.weights import TailWeights, moments, weigh

__all__ = ["risk_profile"]


def risk_profile(
    scores: Any,
    *,
    level: float = 0.95,
    sample_weight: npt.ArrayLike | None = None,
    clip: float | None = None,
    log_scale: bool = True,
    dimensions: Sequence[Any] | None = None,
    groups: Any = None,
    category: Any = None,
    prompts: npt.ArrayLike | None = None,
    risk_limit: float | None = None,
    pooling: str = "rms",
    judge_axis: int | None = None,
    limit: Any = None,
    confidence_level: float = 0.95,
    support: Support = (0.0, 1.0),
    cluster: npt.ArrayLike | None = None,
    degrees_of_freedom: float = 4.0,
    random_state: RandomState = None,
) -> RiskProfile:
    """Tail of the union of failures `R = 1 - prod_k (1 - r_k)` and of log-risk `L = -sum_k log(1 - r_k)`.

    Parameters
    ----------
    scores : (n, K) prompts x dimensions, larger is worse; (n,) is one dimension. With `judge_axis` one axis
        more. The columns of a frame name the dimensions.
    level : share not in the tail, in [0, 1).
    sample_weight : (n,) the deployment mix, >= 0; None is one each.
    clip : eps in (0, 1): every term of L is at most `-log eps`, and R follows; audited.
    log_scale : False leaves L out, which is infinite where a score is 1 and `clip` is not given.
    dimensions : K names. prompts : (n,) ids.
    groups, category : labels (n,), or {what they say: labels}; the tail of each, and its
        part of the tail of all.
    risk_limit : on the union scale; gives exposure `P(R > risk_limit)`, and a verdict if there is a `limit`.
    pooling, judge_axis : how judges become one score, "rms", "mean", "median" or "max", and along which axis.
    limit : a method of `riskstats.tail.limits`, such as `BootstrapT()`; None computes no confidence limit.
    confidence_level : of the upper limits, each alone.
    support : (lowest, highest) possible score; scores are mapped linearly to [0, 1].
    cluster : (n,) labels of what was sampled independently, for the limit.
    degrees_of_freedom : of the t-copula, assumed.
    random_state : of the limit.

    Raises
    ------
    InvalidInput : scores outside `support`, NaN, a score of 1 without `clip` on the log scale, an axis that
        is not explained.
    Warns
    -----
    AssumptionWarning : the tail of log-risk touches the clip.
    """
    array, names = _unit_scores(scores, dimensions, support, judge_axis, pooling)
    weights = sample_weights(sample_weight, len(array))
    eps = _checked_clip(array[weights > 0], clip, log_scale)
    labels = labelled(groups, len(array), "groups", "group")
    labels |= labelled(category, len(array), "category", "category")
    nu = positive_number(degrees_of_freedom, "degrees_of_freedom")
    bound = None if risk_limit is None else number(risk_limit, "risk_limit")
    asked = {"sample_weight": sample_weight, "cluster": cluster, "random_state": random_state}
    plan = _Limit(limit, checked_confidence(confidence_level), asked)
    model = _model(array, names, weights, checked_level(level), eps, log_scale)
    scales = [model.scale("union", plan), *([model.scale("log-risk", plan)] if log_scale else [])]
    status = limit_status(scales[0].interval, bound)
    origin = provenance(
        array,
        sample_weight,
        groups,
        category,
        level=model.tail.level,
        random_state=random_state,
        side="lower",
        limit=limit_name(limit),
        clip=eps,
        pooling=None if judge_axis is None else pooling,
        status=status,
    )
    return RiskProfile(
        level=model.tail.level,
        side="lower",
        n=model.tail.n,
        n_tail=model.tail.n_tail,
        support=checked_support(support),
        union=scales[0],
        log_risk=scales[1] if log_scale else None,
        clip=_clip_audit(array, eps, model.log_tail),
        frechet=_frechet_tails(model.scores, weights, model.tail.level),
        exposure=None if bound is None else 1.0 - Distribution(model.union, weights).cdf(bound),
        risk_limit=bound,
        marginals=_marginal_tails(model, weights),
        **model.attributions(labels, row_ids(prompts, len(array)), origin),
        dependence=dependence(array, names, weights, model.tail.level, nu) if len(names) > 1 else None,
        groups=tuple(group_tails(model.union, model.tail, each, what) for what, each in labels.items()),
        pooling=origin.pooling,
        status=status,
        provenance=origin,
        notes=_notes(scales),
    )


def _notes(scales: list[ScaleProfile]) -> tuple[str, ...]:
    """The notes of the limits, each once; and why a scale has none where the other has one."""
    notes = [note for scale in scales for note in getattr(scale.interval, "notes", ())]
    if scales[0].interval is not None and scales[-1].interval is None:
        notes.append(
            "Log-risk without a clip has no largest value: a guaranteed limit says nothing about its CVaR."
        )
    return tuple(dict.fromkeys(notes))


# Gate


def _unit_scores(
    scores: Any, dimensions: Any, support: Any, judge_axis: int | None, pooling: str
) -> tuple[Floats, tuple[str, ...]]:
    """((n, K) scores mapped from the support to [0, 1], judges pooled, and K names)."""
    ends = checked_support(support)
    if math.isinf(ends[1]):
        raise InvalidInput(f"`support` must be finite for scores; got ({ends[0]:g}, {ends[1]:g}).")
    if judge_axis is not None:
        unit = _to_unit(checked_array(scores, "scores"), ends)
        scores, ends = np.minimum(pool_judges(unit, pooling, axis=judge_axis), 1.0), (0.0, 1.0)
    array, names = matrix_and_names(scores, dimensions, "scores")
    if array.ndim != 2:
        raise InvalidInput(
            f"`scores` must be prompts x dimensions; got shape {array.shape}. Name the axis of judges with "
            "`judge_axis=`, which pools them; repeated attempts need an estimand and are reduced before."
        )
    return _to_unit(array, ends), names


def _to_unit(array: Floats, support: Support) -> Floats:
    inside(array, support, "scores")
    return array if support == (0.0, 1.0) else (array - support[0]) / (support[1] - support[0])


def _checked_clip(scores: Floats, clip: Any, log_scale: bool) -> float | None:
    """The clip, where log-risk of scores of positive weight is finite with it, or is not asked for."""
    eps = checked_clip(clip)
    if eps is not None and not log_scale:
        raise InvalidInput(
            "`clip` belongs to log-risk, which `log_scale=False` leaves out. Drop one of them."
        )
    if eps is None and log_scale:
        refuse_infinite(scores)
    return eps


# One model


@dataclass(frozen=True)
class _Limit:
    """Which confidence limit, and what it needs besides the losses."""

    method: Any
    confidence_level: float
    asked: dict[str, Any]

    def __call__(self, losses: Floats, level: float, support: Support | None) -> Result | None:
        return upper_limit(losses, level, self.confidence_level, self.method, support=support, **self.asked)


@dataclass(frozen=True, eq=False)
class _Model:
    """Scores and log-terms (n, K) after the clip, their totals (n,), and the tails of both.

    Rows of no weight are 0 where log-risk would be infinite.
    """

    names: tuple[str, ...]
    scores: Floats
    terms: Floats
    union: Floats
    log_risk: Floats
    tail: TailWeights
    log_tail: TailWeights | None
    clip: float | None

    def scale(self, name: str, limit: _Limit) -> ScaleProfile:
        if name == "union":
            return _scale_profile(name, self.union, self.tail, limit, (0.0, 1.0))
        assert self.log_tail is not None
        if self.clip is not None:
            most = -math.log(self.clip) * self.terms.shape[1]
            return _scale_profile(name, self.log_risk, self.log_tail, limit, (0.0, most))
        reachable = replace(limit, method=None) if needs_support(limit.method) else limit
        return _scale_profile(name, self.log_risk, self.log_tail, reachable, None)

    def attributions(
        self, labels: dict[str, Labels], ids: npt.NDArray[Any], origin: Provenance
    ) -> dict[str, Any]:
        """The tail of R by Shapley values, that of L by Euler components."""
        on_union = attribute(self.scores, self.union, self.tail, "shapley", self.names, labels, ids, origin)
        if self.log_tail is None:
            return {"attribution": on_union, "log_attribution": None}
        on_log = attribute(self.terms, self.log_risk, self.log_tail, "euler", self.names, labels, ids, origin)
        return {"attribution": on_union, "log_attribution": on_log}


def _model(
    array: Floats, names: tuple[str, ...], weights: Floats, level: float, clip: float | None, log_scale: bool
) -> _Model:
    terms = log_terms(array, clip)
    total = union(terms)
    if log_scale and clip is None:
        terms = np.where(weights[:, np.newaxis] > 0, terms, 0.0)
    scores = array if clip is None else np.minimum(array, -math.expm1(math.log(clip)))
    sums = terms.sum(axis=1)
    log_tail = weigh(sums, weights, level) if log_scale else None
    return _Model(names, scores, terms, total, sums, weigh(total, weights, level), log_tail, clip)


def _scale_profile(
    name: str, losses: Floats, tail: TailWeights, limit: _Limit, support: Support | None
) -> ScaleProfile:
    mean, variance = moments(losses, tail)
    sd = math.sqrt(variance)
    ratios, undefined = _ratios(tail, mean, sd)
    return ScaleProfile(
        scale=name,
        mean=mean,
        sd=sd,
        variance=variance,
        value_at_risk=tail.value_at_risk,
        value_at_risk_upper=tail.value_at_risk_upper,
        cvar=tail.cvar,
        n_eff=tail.n_eff,
        tied_share=tail.tied_share,
        ratios=ratios,
        undefined=undefined,
        interval=limit(losses, tail.level, support),
    )


def _ratios(tail: TailWeights, mean: float, sd: float) -> tuple[dict[str, float | None], dict[str, str]]:
    """CVaR over the mean, over the value at risk, and its excess in standard deviations; why some are not."""
    parts = {
        "cvar_over_mean": (tail.cvar, mean, "the mean is 0"),
        "cvar_over_value_at_risk": (tail.cvar, tail.value_at_risk, "the value at risk is 0"),
        "excess_over_sd": (tail.cvar - mean, sd, "all losses are equal"),
    }
    ratios = {name: _quotient(top, bottom) for name, (top, bottom, _) in parts.items()}
    return ratios, {name: parts[name][2] for name, value in ratios.items() if value is None}


def _quotient(top: float, bottom: float) -> float | None:
    """top / bottom; None where the denominator is 0, or so small that the quotient is infinite."""
    if bottom == 0.0 or math.isinf(top / bottom):
        return None
    return top / bottom


def _clip_audit(array: Floats, clip: float | None, tail: TailWeights | None) -> Any:
    """The audit of the clip, with a warning where the tail hangs on it."""
    if clip is None or tail is None:
        return None
    found = audit(array, clip, tail)
    if found.touches_tail:
        warnings.warn(
            f"the tail of log-risk touches the clip: {found.summary()}", AssumptionWarning, stacklevel=3
        )
    return found


def _frechet_tails(scores: Floats, weights: Floats, level: float) -> FrechetTails:
    low, high = frechet(scores)
    lower, upper = weigh(low, weights, level), weigh(high, weights, level)
    return FrechetTails(
        mean_lower=float(np.dot(lower.probabilities, low)),
        mean_upper=float(np.dot(upper.probabilities, high)),
        cvar_lower=lower.cvar,
        cvar_upper=upper.cvar,
    )


def _marginal_tails(model: _Model, weights: Floats) -> MarginalTails:
    given = None if (weights == weights[0]).all() else weights
    level, columns = model.tail.level, np.ascontiguousarray(model.scores.T)
    log_cvar = None
    if model.log_tail is not None:
        log_cvar = cvar(np.ascontiguousarray(model.terms.T), level, sample_weight=given)
    return MarginalTails(
        names=model.names,
        mean=model.tail.probabilities @ model.scores,
        value_at_risk=np.asarray(value_at_risk(columns, level, sample_weight=given)),
        cvar=np.asarray(cvar(columns, level, sample_weight=given)),
        log_cvar=None if log_cvar is None else np.asarray(log_cvar),
        diversification=_diversification(model, log_cvar),
    )


def _diversification(model: _Model, log_cvar: Any) -> float | None:
    return None if model.log_tail is None else _quotient(model.log_tail.cvar, float(np.sum(log_cvar)))
