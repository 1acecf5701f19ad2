"""Traces: losses of the chunks of a dialogue or a run, and the time to the first unsafe one.

Chunks of one item depend on each other, so that the item is the unit: it has one maximum, one mean, and one
time to its first unsafe chunk, censored at its last chunk where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, seed
from riskstats._samples import loss_vector
from riskstats._validation import Floats, Integers, finite_vector, probability, same_length
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.evaluations.clustering import cluster_codes, clusters_of_items, t_quantile, unit_sums
from riskstats.evaluations.proportions import Rate
from riskstats.evaluations.rate_methods import UNIT, RateSample, binary_losses
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Survival", "TraceSummary", "kaplan_meier", "trace_summary"]


@dataclass(frozen=True, eq=False)
class Survival(Result):
    """The share of items without an event after each time, by the product limit.

    Attributes
    ----------
    times : (T,) times with an event, increasing. survival, lower, upper : (T,) just after them, with limits
        of each time alone; NaN where nothing can be said of the limits.
    at_risk, events : (T,) items still observed and free just before, events then.
    n, censored : items, and those without an event.
    """

    times: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    at_risk: Integers
    events: Integers
    n: int
    censored: int
    confidence_level: float

    @property
    def median(self) -> float | None:
        """The first time at which at most half of the items are free; None where that is not reached."""
        reached = np.flatnonzero(self.survival <= 0.5 + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else None

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each time; needs the extra `frames`."""
        names = ("times", "survival", "lower", "upper", "at_risk", "events")
        rows = zip(*(getattr(self, name) for name in names), strict=True)
        return frame([dict(zip(names, row, strict=True)) for row in rows])


@dataclass(frozen=True, eq=False)
class TraceSummary(Result):
    """What the chunks of items say of the items.

    Attributes
    ----------
    maximum, mean : means over items of the worst, and of the mean, chunk.
    ever_unsafe : share of items with an unsafe chunk.
    survival : of the time to the first unsafe chunk.
    items : ids. item_maximum, item_mean : (items,). first_unsafe : (items,) chunk number, NaN where none.
    last_chunk : (items,) where observation ended.
    threshold : a chunk with a loss of at least this is unsafe.
    """

    maximum: Rate
    mean: Rate
    ever_unsafe: Rate
    survival: Survival
    items: tuple[str, ...] = field(repr=False)
    item_maximum: Floats = field(repr=False)
    item_mean: Floats = field(repr=False)
    first_unsafe: Floats = field(repr=False)
    last_chunk: Floats = field(repr=False)
    n_chunks: int
    threshold: float
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The rates over items, and when the first unsafe chunk comes."""
        sure = as_percent(self.confidence_level)
        median = self.survival.median
        when = (
            "not reached by half of the items"
            if median is None
            else f"at chunk {median:g} or before in half of the items"
        )
        return "\n".join(
            [
                (
                    f"{len(self.items)} traces of {self.n_chunks} chunks; unsafe from {self.threshold:g}; "
                    f"{sure} intervals, each alone."
                ),
                *(f"  {rate.summary()}" for rate in (self.maximum, self.mean, self.ever_unsafe)),
                f"  first unsafe chunk: {when}; {self.survival.censored} items without one (Kaplan-Meier)",
                *self.notes,
            ]
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per item; needs the extra `frames`."""
        columns = (self.items, self.item_maximum, self.item_mean, self.first_unsafe, self.last_chunk)
        names = ("item", "maximum", "mean", "first_unsafe", "last_chunk")
        return frame([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Share of items without an unsafe chunk along the trace; see `plot_survival`."""
        from riskstats.plotting_evaluations import plot_survival

        return plot_survival(self.survival, ax, x="chunk", threshold=self.threshold)


def trace_summary(
    losses: Any,
    item: Any,
    chunk: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    cluster: Any = None,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> TraceSummary:
    """Maximum, mean and time to the first unsafe chunk of every item, and what they are over items.

    Parameters
    ----------
    losses : (n,) in [0, 1], one per chunk. item : (n,) labels. chunk : (n,) numbers of the chunks of an item,
        consecutive from where it starts.
    threshold : a chunk with a loss of at least this is unsafe, in (0, 1].
    cluster : (n,) labels of items that were sampled together; an item belongs to one. None is every item.
    random_state : of the order of the bets.

    Means over items have guaranteed limits (bets on a mean in [0, 1]; exact for the share of items with an
    unsafe chunk). The survival curve is `kaplan_meier`.

    `InvalidInput`: NaN, a chunk twice or a gap in an item, an item in two clusters.
    Source: Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    """
    delta, cut = 1.0 - checked_confidence(confidence_level), probability(threshold, "threshold", closed=True)
    vector, _ = loss_vector(losses, UNIT)
    number = finite_vector(chunk, "chunk")
    same_length(losses=vector, chunk=number)
    ids, codes = unit_codes(item, len(vector), "item")
    traces = _traces(vector, number, codes, ids, cut)
    groups = clusters_of_items(cluster, codes, ids)
    order = seed(random_state)
    events = np.isfinite(traces.first)
    method = "clopper-pearson" if groups is None else "betting"
    samples = {
        "maximum": RateSample(traces.maximum, groups, None, "betting", order),
        "mean": RateSample(traces.mean, groups, None, "betting", order),
        "ever unsafe": RateSample(events.astype(np.float64), groups, None, method, order),
    }
    rates = {name: sample.rate(name, delta) for name, sample in samples.items()}
    times = np.where(events, traces.first, traces.last)
    return TraceSummary(
        maximum=rates["maximum"],
        mean=rates["mean"],
        ever_unsafe=rates["ever unsafe"],
        survival=kaplan_meier(times, events, cluster=groups, confidence_level=confidence_level),
        items=tuple(map(str, ids.tolist())),
        item_maximum=traces.maximum,
        item_mean=traces.mean,
        first_unsafe=traces.first,
        last_chunk=traces.last,
        n_chunks=len(vector),
        threshold=cut,
        confidence_level=1.0 - delta,
        notes=(*(("With clusters every cluster counts once.",) if groups is not None else ()), SCOPE),
    )


class _Traces(NamedTuple):
    """Of each item: worst and mean chunk, number of the first unsafe one or NaN, number of the last."""

    maximum: Floats
    mean: Floats
    first: Floats
    last: Floats


def _traces(losses: Floats, number: Floats, codes: Integers, ids: np.ndarray, cut: float) -> _Traces:
    order = np.lexsort((number, codes))
    item, place, loss = codes[order], number[order], losses[order]
    step = np.diff(place)[np.diff(item) == 0]
    wrong = np.flatnonzero(step != 1.0)
    if len(wrong):
        row = np.flatnonzero(np.diff(item) == 0)[wrong[0]]
        what = "twice" if step[wrong[0]] == 0 else f"followed by {place[row + 1]:g}"
        raise InvalidInput(
            f"item {str(ids[item[row]])!r} has chunk {place[row]:g} {what}; chunks of an item must be "
            "consecutive whole numbers. Give a missing chunk its loss, or end the item before it."
        )
    starts = np.flatnonzero(np.append(True, np.diff(item) > 0))
    counts = np.diff(np.append(starts, len(item)))
    mean = np.clip(np.add.reduceat(loss, starts) / counts, 0.0, 1.0)
    reached = np.minimum.reduceat(np.where(loss >= cut, place, np.inf), starts)
    first = np.where(np.isfinite(reached), reached, np.nan)
    return _Traces(np.maximum.reduceat(loss, starts), mean, first, place[starts + counts - 1])


def kaplan_meier(
    times: npt.ArrayLike, event: Any, *, cluster: Any = None, confidence_level: float = 0.95
) -> Survival:
    """`S(t) = prod over event times s <= t of (1 - d_s / Y_s)`, d_s events among Y_s items at risk.

    Limits of each time alone by the complementary log-log scale, `S^exp(+-z se / (S |log S|))`, with
    Greenwood's `se^2 = S^2 sum d / (Y (Y - d))`; with clusters se^2 is the sum over clusters of the squared
    sums of the influence of each item, and z Student's quantile. Approximate.

    times : (n,) of the event, or of the end of observation, >= 0. event : (n,) booleans, or 0 and 1.
    cluster : (n,) labels.

    `InvalidInput`: missing values, negative times, another event than 0 or 1.
    Source: Kaplan and Meier (1958); Greenwood (1926), The natural duration of cancer.
    """
    from statistics import NormalDist

    delta = 1.0 - checked_confidence(confidence_level)
    when, told = finite_vector(times, "times"), finite_vector(event, "event")
    same_length(times=when, event=told)
    if when.min() < 0:
        raise InvalidInput(f"`times` must be >= 0; got {when.min():g}. Count them from where an item starts.")
    if not binary_losses(told):
        raise InvalidInput(
            f"`event` must be 0 or 1 for each item; got {told[(told != 0) & (told != 1)][0]:g}."
        )
    happened = told == 1.0
    codes = cluster_codes(cluster, len(when))
    moments, deaths = np.unique(when[happened], return_counts=True)
    ordered = np.sort(when)
    at_risk = len(when) - np.searchsorted(ordered, moments, "left")
    survival = np.cumprod(1.0 - deaths / at_risk).astype(np.float64)
    if codes is None:
        z = NormalDist().inv_cdf(1.0 - delta / 2)
        left = np.maximum(at_risk - deaths, 0)
        terms = np.divide(deaths, at_risk * left, out=np.full(len(moments), np.nan), where=left > 0)
        error = survival * np.sqrt(np.cumsum(terms))
    else:
        z = t_quantile(int(codes.max()) + 1, delta / 2)
        error = _clustered_error(when, happened, codes, moments, deaths, at_risk, survival)
    lower, upper = _log_log(survival, error, z)
    return Survival(
        times=moments,
        survival=survival,
        lower=lower,
        upper=upper,
        at_risk=at_risk.astype(np.int64),
        events=deaths.astype(np.int64),
        n=len(when),
        censored=int((~happened).sum()),
        confidence_level=1.0 - delta,
    )


def _clustered_error(
    when: Floats,
    happened: npt.NDArray[np.bool_],
    codes: Integers,
    moments: Floats,
    deaths: Integers,
    at_risk: Integers,
    survival: Floats,
) -> Floats:
    """(T,) standard errors by the influence of the items, the sum over s <= t of
    `-S (1{event at s} - 1{at risk at s} d / Y) / (Y - d)`; NaN once nobody is left."""
    died = happened[:, np.newaxis] & (when[:, np.newaxis] == moments)
    risked = when[:, np.newaxis] >= moments
    left = np.where(at_risk > deaths, at_risk - deaths, np.nan)
    influence = -survival * np.cumsum((died - risked * (deaths / at_risk)) / left, axis=1)
    parts = unit_sums(influence, codes)
    units = len(parts)
    return np.sqrt(units / max(units - 1, 1) * (parts**2).sum(axis=0))


def _log_log(survival: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    inside = (survival > 0) & (survival < 1) & np.isfinite(error)
    s = np.where(inside, survival, 0.5)
    reach = z * np.where(inside, error, 0.0) / (s * -np.log(s))
    ends = s ** np.exp(reach), s ** np.exp(-reach)
    low, high = (np.where(inside, end, np.nan) for end in ends)
    return low, high
