"""The general doors: one measure, one sample, one bound; or the whole band."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, choice, number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.band import Band, BandSide
from riskstats.bounds.base import Bound
from riskstats.bounds.choose import recommend
from riskstats.bounds.notes import notes_of
from riskstats.bounds.result import RiskBound
from riskstats.bounds.row_order import warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.envelope import CDFEnvelope
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean
from riskstats.results import Status

__all__ = ["cdf_band", "lower_bound", "p_value", "upper_bound"]


def upper_bound(
    losses: Any,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    *,
    confidence_level: float = 0.95,
    support: Support = (0.0, 1.0),
    binary: bool = False,
    cluster: Any = None,
) -> RiskBound:
    """A number that the true risk exceeds with probability at most `1 - confidence_level`.

    Parameters
    ----------
    losses : (n,) one loss per independent unit, larger is worse, in `support`.
    measure : what to bound; None is the mean.
    bound : the method; None takes `recommend`, a rule on declared facts only.
    confidence_level : in [0.5, 1 - 1e-9].
    support : (lowest, highest) possible loss; the highest may be inf where the measure allows it.
    binary : whether losses are 0 or 1; bool losses are.
    cluster : (n,) labels of what was sampled independently; losses are averaged in each first.

    Raises
    ------
    InvalidInput : NaN, losses outside the support, repeated unit ids, a level where a confidence belongs.
    IncompatibleBound : a method without a statement for this measure.
    """
    return _bound("upper", losses, measure, bound, confidence_level, support, binary, cluster)


def lower_bound(
    losses: Any,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    *,
    confidence_level: float = 0.95,
    support: Support = (0.0, 1.0),
    binary: bool = False,
    cluster: Any = None,
) -> RiskBound:
    """A number that the true risk falls below with probability at most `1 - confidence_level`.

    Arguments and errors as in `upper_bound`.
    """
    return _bound("lower", losses, measure, bound, confidence_level, support, binary, cluster)


def p_value(
    losses: Any,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    *,
    risk_limit: float,
    confidence_level: float = 0.95,
    support: Support = (0.0, 1.0),
    binary: bool = False,
    cluster: Any = None,
) -> float:
    """The p-value of `risk > risk_limit`: small where the limit is shown to be kept.

    It is valid at every threshold. `confidence_level` fixes what the method must choose before it looks at
    the losses (bets, ranks); at that level test and `upper_bound` agree. Other arguments as in `upper_bound`.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    limit = number(risk_limit, "risk_limit")
    sample = single_sample(losses, support, binary, cluster)
    measure, bound = _paired(measure, bound, sample, "upper")
    warn_of_trend(sample, bound)
    return float(bound.p_value(sample, measure, limit, delta)[0])


def cdf_band(
    losses: Any,
    band: Band | None = None,
    *,
    side: BandSide = "lower",
    confidence_level: float = 0.95,
    support: Support = (0.0, 1.0),
) -> CDFEnvelope:
    """A band that contains the distribution function of the losses with probability `confidence_level`.

    side : "lower" (bounds large losses), "upper", or "both" at half the error each. Default: `BerkJones()`.
    """
    if band is None:
        from riskstats.bounds.berk_jones import BerkJones

        band = BerkJones()
    if not isinstance(band, Band):
        raise IncompatibleBound(f"`band` must be a band such as `BerkJones()`; got `{band}`.")
    choice(side, ("lower", "upper", "both"), "side")
    sample = single_sample(losses, support, False, None)
    return band.envelope(sample, side, 1.0 - checked_confidence(confidence_level))


def single_sample(losses: Any, support: Any, binary: bool, cluster: Any) -> Sample:
    """One checked sample (1, n); clusters are averaged to one loss each, which is no longer 0 or 1."""
    ends = checked_support(support)
    if cluster is not None:
        return Sample(_clustered(losses, ends, cluster)[np.newaxis], ends)
    vector, boolean = loss_vector(losses, ends)
    return Sample(vector[np.newaxis], ends, binary or boolean)


def _clustered(losses: Any, support: Support, cluster: Any) -> Floats:
    from riskstats.bounds.units import unit_losses

    plain = losses.reset_index(drop=True) if hasattr(losses, "reset_index") else losses
    return unit_losses(loss_vector(plain, support)[0], cluster)[1]


def _paired(measure: Any, bound: Any, sample: Sample, side: str) -> tuple[RiskMeasure, Bound]:
    """Measure and bound with their defaults; `InvalidInput` where they are something else."""
    measure = Mean() if measure is None else measure
    if not isinstance(measure, RiskMeasure):
        raise InvalidInput(f"`measure` must be a risk measure such as CVaR(0.9); got {measure!r}.")
    if bound is None:
        bound = recommend(measure, sample.n_units, binary=sample.binary, bounded=sample.bounded, side=side)
    if not isinstance(bound, Bound):
        raise InvalidInput(f"`bound` must be a bound such as `BerkJones()`; got {bound!r}.")
    return measure, bound


def _bound(
    side: str,
    losses: Any,
    measure: RiskMeasure | None,
    bound: Bound | None,
    confidence_level: float,
    support: Support,
    binary: bool,
    cluster: Any,
) -> RiskBound:
    delta = 1.0 - checked_confidence(confidence_level)
    sample = single_sample(losses, support, binary, cluster)
    measure, bound = _paired(measure, bound, sample, side)
    warn_of_trend(sample, bound)
    value = float(getattr(bound, side)(sample, measure, delta)[0])
    return RiskBound(
        value=value,
        estimate=measure(sample.values[0]),
        side=side,
        measure=str(measure),
        bound=str(bound),
        confidence_level=1.0 - delta,
        n_units=sample.n_units,
        support=sample.support,
        status=Status.BOUND if np.isfinite(value) else Status.NO_BOUND,
        notes=notes_of(bound, sample, measure, side, value, delta),
    )
