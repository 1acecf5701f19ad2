"""One sample of losses in one report: how large its tail is, how sure that is, and what it is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from riskstats._random import RandomState
from riskstats._samples import Support, checked_support
from riskstats._validation import Floats, finite_vector, number, sample_weights
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput, NotConverged
from riskstats.results import Result
from riskstats.tail.attribution import attribute, row_ids
from riskstats.tail.inputs import inside, labelled
from riskstats.tail.limit_methods import BootstrapT
from riskstats.tail.provenance import provenance
from riskstats.tail.result import TailReport
from riskstats.tail.verdict import limit_name, limit_status, upper_limit
from riskstats.tail.weights import moments, weigh

__all__ = ["tail_report"]

DEFAULT_LIMIT = BootstrapT()


def tail_report(
    losses: Any,
    level: float,
    *,
    confidence_level: float = 0.95,
    limit: Any = DEFAULT_LIMIT,
    support: Support | None = None,
    risk_limit: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    by: Any = None,
    prompts: npt.ArrayLike | None = None,
    extremes: bool = True,
    random_state: RandomState = None,
) -> TailReport:
    """Value at risk, CVaR, its limit, a fit of the extremes, and what the tail is made of.

    Parameters
    ----------
    losses : (n,) finite, larger is worse.
    level : share not in the tail, in [0, 1).
    confidence_level : of the upper limit of CVaR.
    limit : a method of `riskstats.tail.limits`, by default `BootstrapT()`; None computes no limit.
    support : (lowest, highest) possible loss; guaranteed limits need it, and the fit stays inside it.
    risk_limit : for a verdict on the upper limit.
    sample_weight : (n,) numbers >= 0; None is one each.
    cluster : (n,) labels of what was sampled independently, for the limit.
    by : labels (n,), or {what they say: labels}; prompts : (n,) ids.
    extremes : whether to fit a generalised Pareto tail where the losses allow it.
    random_state : of the limit.

    `InvalidInput`: empty, NaN or infinite losses, losses outside `support`, bad weights, levels or labels.
    """
    sample = finite_vector(losses, "losses")
    ends = None if support is None else checked_support(support)
    if ends is not None:
        inside(sample, ends, "losses")
    bound = None if risk_limit is None else number(risk_limit, "risk_limit")
    confidence = checked_confidence(confidence_level)
    labels, ids = labelled(by, len(sample), "by"), row_ids(prompts, len(sample))
    tail = weigh(sample, sample_weights(sample_weight, len(sample)), checked_level(level))
    asked = {"sample_weight": sample_weight, "cluster": cluster, "random_state": random_state}
    interval = upper_limit(sample, tail.level, confidence, limit, support=ends, **asked)
    fit, reason = None, ""
    if extremes:
        given = {"support": ends, "confidence_level": confidence, "random_state": random_state}
        fit, reason = _extremes(sample, tail.level, sample_weight, given)
    status = limit_status(interval, bound)
    told = {"side": "lower", "limit": limit_name(limit), "status": status}
    origin = provenance(sample, sample_weight, by, level=tail.level, random_state=random_state, **told)
    mean, variance = moments(sample, tail)
    return TailReport(
        mean=mean,
        sd=math.sqrt(variance),
        tail=tail,
        interval=interval,
        extremes=fit,
        extremes_reason=reason,
        attribution=attribute(sample[:, None], sample, tail, "euler", ("loss",), labels, ids, origin),
        support=ends,
        risk_limit=bound,
        status=status,
        provenance=origin,
        losses=sample,
        notes=getattr(interval, "notes", ()),
    )


def _extremes(
    sample: Floats, level: float, sample_weight: Any, given: dict[str, Any]
) -> tuple[Result | None, str]:
    """(a fit of the excesses, "") or (None, why there is none)."""
    if sample_weight is not None:
        return None, "No generalised Pareto fit: it takes losses without weights."
    from riskstats.tail.extremes import peaks_over_threshold

    try:
        return peaks_over_threshold(sample, level, **given), ""
    except (InvalidInput, NotConverged) as error:
        return None, f"No generalised Pareto fit: {error}"
