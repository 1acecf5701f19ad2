"""How sure a mean harm is: the studentised bootstrap, or a bound that holds at every n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._samples import Support, warn_of_assumption
from riskstats._validation import Floats, Integers
from riskstats.bounds.base import Bound
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.row_order import takes_rows_in_order
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean
from riskstats.results import Result, Status, as_percent
from riskstats.tail.bootstrap import Series
from riskstats.tail.limit_methods import BootstrapT, Ends, Limit

__all__ = ["MeanLimit", "mean_limit"]


@dataclass(frozen=True)
class MeanLimit(Result):
    """Limits between which a mean lies with probability `confidence_level`.

    Attributes
    ----------
    what : the mean, in words. estimate : the mean of the sample.
    lower, upper : limits; the lower one is None unless it was asked for.
    confidence_level : 1 - probability of error; each of two limits is wrong with half the error.
    limit : the method. guaranteed : whether the statement holds at this n, or only as n grows.
    n_units : what was sampled independently: prompts, or clusters.
    support : (lowest, highest) possible value. standard_error : None for a guaranteed limit.
    status : BOUND. notes : why a limit says little where it does, and assumptions.
    """

    what: str
    estimate: float
    lower: float | None
    upper: float
    confidence_level: float
    limit: str
    guaranteed: bool
    n_units: int
    support: tuple[float, float]
    standard_error: float | None
    status: Status
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The statement in one sentence, and the notes."""
        sure = as_percent(self.confidence_level)
        text = f"{self.what} {self.estimate:.6g}, {self.range} with {sure} confidence ({self.method})."
        return "\n".join([text[0].upper() + text[1:], *self.notes])

    def __str__(self) -> str:
        return self.summary()

    @property
    def range(self) -> str:
        """The limits in words."""
        if self.lower is None:
            return f"at most {self.upper:.4g}"
        return f"between {self.lower:.4g} and {self.upper:.4g}"

    @property
    def method(self) -> str:
        """The method, and whether it is approximate."""
        return self.limit if self.guaranteed else f"{self.limit}, approximate"


def mean_limit(
    what: str,
    values: Floats,
    weights: Floats,
    codes: Integers | None,
    limit: Any,
    *,
    support: Support,
    confidence_level: float,
    sides: tuple[str, ...],
    random_state: RandomState,
    warn: bool = True,
) -> MeanLimit:
    """Limits of the mean of values (n,) in `support` under weights (n,), resampled by unit (`codes`).

    `limit` is a `Limit` of `riskstats.tail.limits`, None for `BootstrapT()`, or a bound that carries the
    mean. `IncompatibleBound`: a bound with weights that differ or with clusters, or one for something else.
    Warns `AssumptionWarning`, unless told not to, where the values show no error and are below the support's
    end.
    """
    method = _method(limit)
    series = Series.of(values[np.newaxis], 0.0, weights, codes)
    delta = (1.0 - confidence_level) / len(sides)
    if isinstance(method, Limit):
        found = method.ends(series, delta, sides, random_state)
    else:
        found = _guaranteed(method, series, support, delta, sides, random_state)
    estimate = float(np.average(values, weights=weights / weights.max()))
    told = tuple(text.replace("have a tail of one atom", "show no error") for text in found.warnings)
    for text in told if warn and estimate < support[1] else ():
        warn_of_assumption(f"{what}: {text}")
    return MeanLimit(
        what=what,
        estimate=estimate,
        lower=max(found.lower, support[0]) if "lower" in sides else None,
        upper=min(found.upper, support[1]),
        confidence_level=confidence_level,
        limit=str(method),
        guaranteed=not isinstance(method, Limit),
        n_units=series.n_units,
        support=support,
        standard_error=found.standard_error,
        status=Status.BOUND,
        notes=(*told, _assumption(isinstance(method, Limit)), SCOPE),
    )


def _method(limit: Any) -> Limit | Bound:
    if limit is None:
        return BootstrapT()
    if not isinstance(limit, (Limit, Bound)):
        raise InvalidInput(
            f"`limit` must be `BootstrapT()` or a bound on a mean such as `Betting()`; got {limit!r}."
        )
    return limit


def _guaranteed(
    method: Bound,
    series: Series,
    support: Support,
    delta: float,
    sides: tuple[str, ...],
    random_state: RandomState,
) -> Ends:
    """Limits by a bound. One that takes units in an order gets a drawn one, whatever that of the rows."""
    if series.weights is not None or series.unit is not None:
        what = "`sample_weight` that differs between prompts" if series.unit is None else "`cluster`"
        raise IncompatibleBound(
            f"`{method.name}` has no statement with {what}; it takes independent prompts that count the "
            "same. Use `BootstrapT()`."
        )
    losses = series.losses
    if takes_rows_in_order(method):
        rng = generator(0 if random_state is None else random_state)
        losses = rng.permutation(np.sort(losses[0]))[np.newaxis]
    sample = Sample(losses, support)
    lower = float(method.lower(sample, Mean(), delta)[0]) if "lower" in sides else -math.inf
    return Ends(lower, float(method.upper(sample, Mean(), delta)[0]))


def _assumption(approximate: bool) -> str:
    units = "units drawn independently from one law"
    if approximate:
        return f"Approximate for {units}: it holds as their number grows."
    return f"Holds for {units}, their number fixed before looking."
