"""How sure a CVaR is: approximate limits that adapt to the tail, and guaranteed ones.

| limit | statement |
|---|---|
| `BootstrapT()` | approximate, of the approximate ones the best coverage |
| `Asymptotic()` | approximate, covers too rarely in small tails |
| `SplitBetting()`, `RockafellarUryasev()`, `BerkJones(levels=(level, 1))` | guaranteed at every n |
| `Brown()`, `ThomasLearnedMiller()` | guaranteed, comparators |

Choose a guaranteed limit before looking at the losses, or run two at half the error each (`SplitBound`).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, seed
from riskstats._samples import Support, checked_support
from riskstats._validation import Floats, choice, sample_weights
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.bounds.base import Bound
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.sample import Sample
from riskstats.bounds.units import unit_codes
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.results import Status
from riskstats.tail.bootstrap import Series
from riskstats.tail.inputs import checked_array, inside
from riskstats.tail.interval import CVaRInterval
from riskstats.tail.limit_methods import Asymptotic, BootstrapT, Ends, Limit, SplitBetting
from riskstats.tail.provenance import provenance
from riskstats.tail.weights import weigh

__all__ = [
    "Asymptotic",
    "BootstrapT",
    "CVaRInterval",
    "Limit",
    "LimitSide",
    "SplitBetting",
    "cvar_interval",
]

LimitSide: TypeAlias = Literal["upper", "lower", "two-sided"]


def cvar_interval(
    losses: Any,
    level: float,
    confidence_level: float = 0.95,
    *,
    limit: Limit | SplitBetting | Bound | None = None,
    side: LimitSide = "upper",
    support: Support | None = None,
    sample_weight: npt.ArrayLike | None = None,
    cluster: Any = None,
    random_state: RandomState = None,
) -> CVaRInterval:
    """Confidence limits for the mean of the worst `1 - level` of the losses.

    Parameters
    ----------
    losses : (n,) finite, larger is worse.
    level : share not in the tail, in [0, 1).
    confidence_level : 1 - error, in [0.5, 1 - 1e-9].
    limit : the method; None is `BootstrapT()`. Every bound that carries CVaR is one too.
    side : "upper", "lower", or "two-sided" at half the error each.
    support : (lowest, highest) possible loss; limits are cut to it, guaranteed ones need it.
    sample_weight : (n,) numbers >= 0, the mix that the risk is about; rows of weight 0 do not exist.
    cluster : (n,) labels of what was sampled independently; resamples are of clusters.
    random_state : of the bootstrap or the split; an integer repeats it.

    Raises
    ------
    InvalidInput : NaN, losses outside the support, a level or confidence in per cent, no support for a
        guaranteed limit, too few resamples.
    IncompatibleBound : weights that differ, or clusters, with a guaranteed limit; a bound that does not carry
        CVaR or has no such side.

    Warns `AssumptionWarning` where a limit is the end of the support because the tail shows no error.
    """
    ends = None if support is None else checked_support(support)
    question = _Question(
        losses=_sample(losses, ends),
        level=checked_level(level),
        delta=1.0 - checked_confidence(confidence_level),
        side=choice(side, ("upper", "lower", "two-sided"), "side"),
        method=_method(limit),
        support=ends,
    )
    weights = sample_weights(sample_weight, len(question.losses))
    codes = None if cluster is None else unit_codes(cluster, len(question.losses), "cluster")[1]
    series = Series.of(question.losses[np.newaxis], question.level, weights, codes)
    found = question.ends(series, random_state)
    for told in found.warnings:
        warnings.warn(told, AssumptionWarning, stacklevel=2)
    origin = provenance(
        question.losses,
        sample_weight,
        cluster,
        level=question.level,
        random_state=random_state,
        side="lower",
        limit=str(question.method),
        status=question.status(found),
    )
    return question.answer(series, weights, found, origin)


def _sample(losses: Any, support: Support | None) -> Floats:
    """(n,) finite losses in the support."""
    array = checked_array(losses, "losses")
    if array.ndim != 1:
        raise InvalidInput(f"`losses` must be one sample of shape (n,); got shape {array.shape}.")
    if support is not None:
        inside(array, support, "losses")
    return array


def _method(limit: Any) -> Limit | SplitBetting | Bound:
    if limit is None:
        return BootstrapT()
    if not isinstance(limit, (Limit, SplitBetting, Bound)):
        raise InvalidInput(f"`limit` must be a limit such as `BootstrapT()` or a bound; got {limit!r}.")
    return limit


@dataclass(frozen=True, eq=False)
class _Question:
    """What was asked, after the gate."""

    losses: Floats
    level: float
    delta: float
    side: str
    method: Limit | SplitBetting | Bound
    support: Support | None

    @property
    def sides(self) -> tuple[str, ...]:
        return ("lower", "upper") if self.side == "two-sided" else (self.side,)

    @property
    def guaranteed(self) -> bool:
        return not isinstance(self.method, Limit)

    @property
    def name(self) -> str:
        return type(self.method).__name__

    def ends(self, series: Series, random_state: RandomState) -> Ends:
        """The limits of the sides that were asked for, cut to the support."""
        delta = self.delta / len(self.sides)
        if isinstance(self.method, Limit):
            found = self.method.ends(series, delta, self.sides, random_state)
        else:
            found = self._guaranteed_ends(series, delta, random_state)
        low, high = (-math.inf, math.inf) if self.support is None else self.support
        return found._replace(lower=max(found.lower, low), upper=min(found.upper, high))

    def _guaranteed_ends(self, series: Series, delta: float, random_state: RandomState) -> Ends:
        if self.support is None or not math.isfinite(self.support[1]):
            raise InvalidInput(
                f"`{self.name}` needs a finite `support`; got {self.support}. Pass `support=(0, 1)` if the "
                "scores cannot leave it."
            )
        if series.weights is not None or series.unit is not None:
            what = "`sample_weight` that differs between rows" if series.unit is None else "`cluster`"
            raise IncompatibleBound(
                f"`{self.name}` has no statement with {what}; its losses are independent draws of one law. "
                "Use `BootstrapT`, or one loss per unit from `unit_losses`."
            )
        method = self.method
        bound = method.bound(seed(random_state)) if isinstance(method, SplitBetting) else method
        assert isinstance(bound, Bound)
        sample, measure = Sample(series.losses, self.support), CVaR(self.level)
        lower = float(bound.lower(sample, measure, delta)[0]) if "lower" in self.sides else -math.inf
        upper = float(bound.upper(sample, measure, delta)[0]) if "upper" in self.sides else math.inf
        return Ends(lower, upper)

    def status(self, found: Ends) -> Status:
        known = all(math.isfinite(getattr(found, side)) for side in self.sides)
        return Status.BOUND if known else Status.NO_BOUND

    def answer(self, series: Series, weights: Floats, found: Ends, origin: Any) -> CVaRInterval:
        tail = weigh(self.losses, weights, self.level)
        return CVaRInterval(
            estimate=tail.cvar,
            lower=found.lower if "lower" in self.sides else None,
            upper=found.upper if "upper" in self.sides else None,
            side=self.side,
            level=self.level,
            confidence_level=1.0 - self.delta,
            limit=str(self.method),
            guaranteed=self.guaranteed,
            value_at_risk=tail.value_at_risk,
            n=tail.n,
            n_tail=tail.n_tail,
            n_eff=tail.n_eff,
            n_units=series.n_units,
            tied_share=tail.tied_share,
            support=self.support,
            standard_error=found.standard_error,
            resamples=getattr(self.method, "resamples", None),
            degenerate_share=found.degenerate_share,
            status=self.status(found),
            provenance=origin,
            notes=(*found.warnings, self._assumption(), SCOPE),
        )

    def _assumption(self) -> str:
        units = "units drawn independently from one law"
        if self.guaranteed:
            return f"Holds for {units} in the support, their number fixed before looking."
        return f"Approximate for {units}: it holds as their number in the tail grows."
